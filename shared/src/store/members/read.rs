//! Reading the memberships of an organization and of a user.

use super::{MemberFilter, MembershipOfOrganization};
use crate::domain::{
    Caller, MemberKey, Membership, Organization, OrganizationId, OrganizationStatus, Permission,
    Status, TenantId, UserId,
};
use crate::store::keys::{self, MEMBERSHIP_PREFIX};
use crate::store::rows::members::from_row;
use crate::store::rows::{organizations, users};
use crate::store::shown_items::{Settles as _, ShownItems};
use crate::store::table::{Query, in_partition};
use crate::store::{Context, Error, Page, Refusal, Store};
use std::collections::HashMap;

impl Store {
    /// Returns a membership. Requires an active member, or the user themselves with any status.
    pub async fn membership(
        &self,
        cx: &Context,
        MemberKey { organization, user }: MemberKey<'_>,
    ) -> Result<Membership, Error> {
        let caller = &cx.caller;
        let key = keys::membership(&caller.tenant_id, user, organization);
        let view = self.view(caller, organization, &[&key]).await?;
        view.organization(caller, organization, self.clock.now())?;
        if caller.user_id != *user {
            view.standing(caller, organization)?
                .require(Permission::ViewMembers)?;
        }
        Ok(view.membership(&key)?.ok_or(Refusal::NotFound)?)
    }

    /// Returns the memberships of a user in live organizations, after `after`; or in deleted ones that the user
    /// may restore. Requires the user themselves or a tenant admin. What others changed of the organizations may take a
    /// moment to show.
    pub async fn user_organizations(
        &self,
        cx: &Context,
        user: &UserId,
        organization_status: OrganizationStatus,
        status: Option<Status>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<MembershipOfOrganization>, Error> {
        let caller = &cx.caller;
        self.require_self_or_tenant_admin(caller, user).await?;
        let key = |id| keys::membership(&caller.tenant_id, user, &id).attributes();
        let place = after.map(OrganizationId::parse).transpose();
        let start = place.map_err(|_| Refusal::InvalidPosition)?.map(key);
        let partition = keys::user_partition(&caller.tenant_id, user);
        let filter = MemberFilter { status, role: None };
        let page = self
            .table
            .query(
                Query::in_partition(None, partition, MEMBERSHIP_PREFIX)
                    .filter(filter.condition())
                    .after(start)
                    .limit(limit),
            )
            .await?;
        if page.items.is_empty() && after.is_none() && caller.user_id != *user {
            // Distinguishes a user without memberships from an unknown user.
            self.user(cx, user).await?;
        }
        let memberships = page
            .items
            .into_iter()
            .map(from_row)
            .collect::<Result<Vec<_>, _>>()?;
        let now = self.clock.now();
        // An admin's writes to an organization do not show on their own membership, and less on another user's.
        let is_settled = |one: &Membership| !caller.tenant_admin && one.is_settled(now);
        let mut organizations = self
            .organizations_of(&memberships, Some(caller), is_settled)
            .await?;
        let items = memberships
            .into_iter()
            .filter_map(|membership| {
                let organization = organizations.remove(&membership.organization_id)?;
                let is_listed = match organization_status {
                    OrganizationStatus::Active => organization.is_live(),
                    OrganizationStatus::Deleted => {
                        let permission = Permission::RestoreOrganization;
                        let may_restore = membership.status == Status::Active
                            && membership.role.grants(permission);
                        !organization.is_live() && may_restore
                    }
                };
                (is_listed && !organization.is_purged(now)).then_some(MembershipOfOrganization {
                    membership,
                    organization,
                })
            })
            .collect();
        let next = page
            .next
            .and_then(|key| Some(key.strip_prefix(MEMBERSHIP_PREFIX)?.to_owned()));
        Ok(Page { items, next })
    }

    /// Returns all active memberships of a user, highest roles first. For a trigger, which acts without a
    /// caller.
    pub async fn active_memberships(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Vec<Membership>, Error> {
        let filter = MemberFilter {
            status: Some(Status::Active),
            role: None,
        };
        let partition = keys::user_partition(tenant, user);
        let condition = in_partition(None, partition.clone(), MEMBERSHIP_PREFIX.to_owned());
        let items = self
            .table
            .query_all(&partition, condition, filter.condition())
            .await?;
        let memberships: Result<Vec<_>, _> = items.into_iter().map(from_row).collect();
        let mut memberships = memberships?;
        memberships.sort_by_key(|one| std::cmp::Reverse(one.role.rank()));
        Ok(memberships)
    }

    /// Returns those of up to 100 memberships whose organizations are live, in the given order. For a trigger. An
    /// organization that was deleted or restored by another user a moment ago may still be what it was.
    pub async fn of_live_organizations<'a>(
        &self,
        memberships: &'a [Membership],
    ) -> Result<Vec<&'a Membership>, Error> {
        let now = self.clock.now();
        let is_settled = |one: &Membership| one.is_settled(now);
        let organizations = self.organizations_of(memberships, None, is_settled).await?;
        let is_live = |one: &&Membership| {
            organizations
                .get(&one.organization_id)
                .is_some_and(Organization::is_live)
        };
        Ok(memberships.iter().filter(is_live).collect())
    }

    /// Reads the organizations of memberships, those of settled ones with eventual consistency, and at the same time the
    /// profile of the caller. Refuses a disabled caller.
    async fn organizations_of(
        &self,
        memberships: &[Membership],
        caller: Option<&Caller>,
        is_settled: impl Fn(&Membership) -> bool,
    ) -> Result<HashMap<OrganizationId, Organization>, Error> {
        let mut reads = ShownItems::default();
        for one in memberships {
            let key = keys::organization(&one.tenant_id, &one.organization_id);
            reads.add(key, is_settled(one));
        }
        let caller = caller.filter(|caller| !caller.tenant_admin && !memberships.is_empty());
        let profile = caller.map(|caller| keys::user(&caller.tenant_id, &caller.user_id));
        if let Some(profile) = &profile {
            reads.add(profile.clone(), false);
        }
        let mut items = self.shown(&reads).await?;
        if let Some(profile) = profile {
            users::require_enabled(items.remove(&profile).as_ref())?;
        }
        let organizations = items
            .into_values()
            .map(|item| organizations::from_row(item).map(|found| (found.id.clone(), found)))
            .collect::<Result<_, _>>()?;
        Ok(organizations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::store::fake::Fake;
    use crate::store::samples::{
        member_row, organization_row, profile_row, request_of_admin, user,
    };

    #[tokio::test]
    async fn a_profile_is_read_only_if_a_user_has_no_memberships() {
        let (ada, profile) = (user("ada"), profile_row("ada", &[]));
        let member = [member_row("ada", Role::Member), organization_row()];
        for (rows, after, reads) in [
            (vec![profile.clone()], None, 1),
            (vec![profile], Some("o"), 0),
            (member.to_vec(), None, 0),
        ] {
            let fake = Fake::with(rows);
            let (store, cx) = (fake.store(), request_of_admin());
            let live = OrganizationStatus::Active;
            let page = store.user_organizations(&cx, &ada, live, None, after, 10);
            page.await.unwrap();
            assert_eq!(fake.calls("GetItem").len(), reads);
        }
    }

    #[tokio::test]
    async fn the_profile_of_a_tenant_admin_is_not_read_with_organizations() {
        let fake = Fake::with([member_row("ada", Role::Member), organization_row()]);
        let (store, cx) = (fake.store(), request_of_admin());
        let live = OrganizationStatus::Active;
        let ada = user("ada");
        let page = store.user_organizations(&cx, &ada, live, None, None, 10);
        assert_eq!(page.await.unwrap().items.len(), 1);
        let reads = fake.keys_read();
        assert_eq!(reads.len(), 1);
        assert_eq!(reads[0].0.len(), 1);
    }
}
