//! Removing a member from an organization and its teams.

use super::{MemberAction, Owners, hold_organization, not_changed};
use crate::domain::{
    Email, EventDraft, EventType, ExpectedVersion, Invitation, InvitationStatus, MemberKey,
    Membership, OrganizationId, Permission, Status, Target, Timestamp, Transition,
};
use crate::store::access::{self, Requirement, View};
use crate::store::invitations::{EndedInvitation, InvitationLabels};
use crate::store::rows::members::{
    JOINED_TEAMS, MOST_TEAMS, from_row, joined_no_more_teams, of_organization, unchanged,
};
use crate::store::rows::{names, users};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Transaction};
use crate::store::{Context, Error, Refusal, Store, invitations, keys};

impl Store {
    /// Removes a user from an organization and its teams, and revokes the pending invitation of their verified address, so
    /// that they cannot come back through it. Succeeds if the user is not a member. Requires an
    /// owner or admin whose role is not lower than the member's, or the user themselves unless suspended.
    ///
    /// Refuses to remove a membership managed by the directory, unless a tenant admin forces it.
    pub async fn remove_member(
        &self,
        cx: &Context,
        MemberKey { organization, user }: MemberKey<'_>,
        force: bool,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let caller = &cx.caller;
        let key = keys::membership(&caller.tenant_id, user, organization);
        let is_self = caller.user_id == *user;
        let key = &key;
        let profile = keys::user(&caller.tenant_id, user);
        let profile = &profile;
        let more = [profile];
        let more = &more;
        self.until_settled("remove_member", |now| async move {
            let (view, (item, mut teams)) = tokio::try_join!(
                self.view(caller, organization, more),
                self.membership_and_teams(&caller.tenant_id, user, organization)
            )?;
            let address = users::verified_address(view.item(profile))?;
            let joined = item
                .as_ref()
                .and_then(|item| item.get(JOINED_TEAMS))
                .cloned();
            let copy = item.as_ref().and_then(names::display_name);
            let name = view.item(profile).and_then(names::display_name);
            let name = name.or(copy).map(ToOwned::to_owned);
            let before = item.map(from_row).transpose()?;
            if is_self && !caller.tenant_admin {
                // The membership is read twice, at two moments. It is gone if either did not find it: between them
                // another request can have removed it, and a third one deleted the organization.
                if before.is_none() || view.item(key).is_none() {
                    // Already left. Reveals nothing about the organization.
                    return Ok(());
                }
            }
            let organization_name = view.organization(caller, organization, now)?.name;
            if !is_self {
                require_reach(cx, &view, organization, before.as_ref())?;
            }
            let Some(before) = before else {
                return Ok(());
            };
            expected.require(before.version)?;
            require_removable(cx, &before, force)?;

            let rest = teams.split_off(teams.len().min(MOST_TEAMS));
            let address = address.filter(|_| rest.is_empty());
            let ended = self
                .invitation_to_revoke(cx, organization, address.as_ref(), now)
                .await?;
            let ended = ended
                .as_ref()
                .map(|(before, after)| EndedInvitation { before, after });
            let left = teams.iter().filter_map(keys::team_in).collect::<Vec<_>>();
            let left = left.iter().map(|team| Target::team(team, None));
            let event = if rest.is_empty() {
                let removed = Transition::Removed(&before);
                EventDraft::membership(
                    event_type(before.status, is_self),
                    removed,
                    Some(&organization_name),
                )
                .with_targets(left)
            } else {
                EventDraft::left_teams(&caller.tenant_id, user, organization, left)
            };
            let revocation = ended.map(|ended| {
                let changed = Transition::Changed(ended.before, ended.after);
                invitations::event(EventType::InvitationRevoked, changed)
            });
            let events = std::iter::once(event).chain(revocation);
            let origin = cx.origin.clone().naming(user, name.as_deref());
            let mut transaction = self.transaction(&origin, events)?;
            if let Some(address) = &address {
                let labels = InvitationLabels {
                    invitation: MemberAction::Invitation,
                    invitee: MemberAction::Invitee,
                };
                invitations::leave_none(&mut transaction, labels, &before, address, ended, now)?;
            }
            hold_caller(&mut transaction, cx, &before, now);
            for team in &teams {
                let of_organization = of_organization(organization);
                transaction.delete(MemberAction::Team, team, of_organization);
            }
            if rest.is_empty() {
                let condition = unchanged(&before).and(joined_no_more_teams(joined));
                transaction.delete(MemberAction::Membership, key, condition);
                // Signing in must not add them again.
                let mark = keys::left_mark(&caller.tenant_id, user, organization);
                transaction.put(MemberAction::Left, mark.attributes(), Condition::none());
            } else {
                // Too many teams for one transaction: leaves some teams first, and the organization last.
                transaction.check(MemberAction::Membership, key, unchanged(&before));
            }
            let owners = match Owners::between(Some(&before), None) {
                Owners::OneLess if !rest.is_empty() => Owners::KeepsAnotherOwner,
                owners => owners,
            };
            hold_organization(&mut transaction, &caller.tenant_id, organization, owners);
            match transaction.commit().await? {
                Ok(()) if rest.is_empty() => Ok(()),
                Ok(()) => Err(Unsettled::Partial),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }

    /// Returns the open invitation of an address, before and after it is revoked.
    async fn invitation_to_revoke(
        &self,
        cx: &Context,
        organization: &OrganizationId,
        address: Option<&Email>,
        now: Timestamp,
    ) -> Result<Option<(Invitation, Invitation)>, Error> {
        let Some(address) = address else {
            return Ok(None);
        };
        let tenant = &cx.caller.tenant_id;
        let open = self.open_invitation_of(tenant, organization, address, now);
        Ok(open.await?.map(|open| {
            let revoked = open.ended(InvitationStatus::Revoked, now);
            (open, revoked)
        }))
    }
}

/// Requires that the caller may remove a member with the role of this one.
fn require_reach(
    cx: &Context,
    view: &View,
    organization: &OrganizationId,
    before: Option<&Membership>,
) -> Result<(), Error> {
    let standing = view.standing(&cx.caller, organization)?;
    standing.require(Permission::ManageMembers)?;
    if before.is_some_and(|before| !standing.reaches(before.role)) {
        return Err(Refusal::Forbidden.into());
    }
    Ok(())
}

/// Requires that the membership may be removed by this caller.
fn require_removable(cx: &Context, before: &Membership, force: bool) -> Result<(), Refusal> {
    let caller = &cx.caller;
    let is_self = caller.user_id == before.user_id;
    if is_self && before.status == Status::Suspended && !caller.tenant_admin {
        // A suspended user who left could come back by an invitation or by the directory.
        return Err(Refusal::Forbidden);
    }
    if before.source.is_directory() && !(force && caller.tenant_admin) {
        return Err(Refusal::DirectoryManaged);
    }
    Ok(())
}

/// Makes the transaction conditional on the caller being allowed to remove the membership.
fn hold_caller(
    transaction: &mut Transaction<'_, MemberAction>,
    cx: &Context,
    before: &Membership,
    now: Timestamp,
) {
    let caller = &cx.caller;
    if caller.user_id == before.user_id {
        access::require_enabled(transaction, caller);
    } else {
        let requirement = Requirement {
            permission: Permission::ManageMembers,
            reach: Some(before.role),
        };
        access::require(
            transaction,
            MemberAction::Caller,
            caller,
            &before.organization_id,
            requirement,
            now,
        );
    }
}

/// Returns the type of the event of a removal.
fn event_type(status: Status, is_self: bool) -> EventType {
    match status {
        Status::Invited if is_self => EventType::MembershipDeclined,
        _ if is_self => EventType::MembershipLeft,
        _ => EventType::MembershipRemoved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Role, Team, TeamId};
    use crate::store::fake::Fake;
    use crate::store::rows::team_members;
    use crate::store::samples::{
        member_row, membership, organization_id, organization_row, request_of, request_of_admin,
        team, team_membership, tenant, user,
    };
    use crate::store::table::text;

    #[test]
    fn a_suspended_member_who_is_no_tenant_admin_cannot_leave() {
        let may = |cx: &Context| {
            let user = cx.caller.user_id.as_str();
            let own = membership(user, Role::Member, Status::Suspended);
            require_removable(cx, &own, false).is_ok()
        };
        assert!(may(&request_of_admin()));
        assert!(!may(&request_of("ada")));
    }

    #[test]
    fn the_event_of_a_removal_depends_on_who_removes() {
        for status in [Status::Invited, Status::Active, Status::Suspended] {
            assert_eq!(event_type(status, false), EventType::MembershipRemoved);
        }
        let declined = EventType::MembershipDeclined;
        assert_eq!(event_type(Status::Invited, true), declined);
        assert_eq!(event_type(Status::Active, true), EventType::MembershipLeft);
    }

    #[tokio::test]
    async fn a_member_who_was_removed_meanwhile_has_left() {
        let (ada, organization) = (user("ada"), organization_id());
        let mut deleted = organization_row();
        deleted.insert("status".to_owned(), text("deleted"));
        let rows = [deleted, member_row("ada", Role::Member)];
        let key = keys::membership(&tenant(), &ada, &organization);
        let fake = Fake::with(rows).hide(key);
        let (store, cx) = (fake.store(), request_of("ada"));
        let own = MemberKey {
            organization: &organization,
            user: &ada,
        };
        let left = store.remove_member(&cx, own, false, &ExpectedVersion::ANY);
        left.await.unwrap();
        assert!(fake.writes().is_empty());
    }

    #[tokio::test]
    async fn a_member_of_very_many_teams_leaves_some_of_them_first() {
        let organization = organization_id();
        for (count, writes) in [(MOST_TEAMS, 1), (MOST_TEAMS + 1, 2)] {
            let teams = (0..count).map(|number| {
                let team = Team {
                    id: TeamId::parse(format!("t{number}")).unwrap(),
                    ..team(Some(organization.clone()))
                };
                team_members::to_row(&team_membership(&team, "ada")).unwrap()
            });
            let rows = [organization_row(), member_row("ada", Role::Member)];
            let fake = Fake::with(teams.chain(rows));
            let (store, cx, ada) = (fake.store(), request_of_admin(), user("ada"));
            let member = MemberKey {
                organization: &organization,
                user: &ada,
            };
            let removed = store.remove_member(&cx, member, false, &ExpectedVersion::ANY);
            removed.await.unwrap();
            assert_eq!(fake.writes().len(), writes, "{count}");
            assert!(!fake.has(&keys::membership(&tenant(), &ada, &organization)));
        }
    }
}
