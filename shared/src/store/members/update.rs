//! Changing the role or the status of a member.

use super::{MemberAction, Owners, not_changed};
use crate::domain::{
    EventDraft, EventType, ExpectedVersion, MemberKey, Membership, MembershipPatch, Permission,
    Status, Transition,
};
use crate::store::access::{self, Requirement};
use crate::store::rows::members::{SUSPENDED_BY, change_inviter, change_to, unchanged};
use crate::store::table::text;
use crate::store::{Context, Error, Refusal, Store, keys};
use serde_json::Value;

impl Store {
    /// Changes the role or status of a membership. Requires an owner or admin whose role is not lower than the
    /// member's old and new role. A caller who sets another role on an open invitation becomes its inviter.
    ///
    /// Makes one read, and writes one transaction on the condition that the membership is still in the version
    /// read, the caller has the permission, and the organization is live and keeps an owner.
    pub async fn update_membership(
        &self,
        cx: &Context,
        MemberKey { organization, user }: MemberKey<'_>,
        patch: MembershipPatch,
        expected: &ExpectedVersion,
    ) -> Result<Membership, Error> {
        let caller = &cx.caller;
        let key = keys::membership(&caller.tenant_id, user, organization);
        let (key, patch) = (&key, &patch);
        self.until_settled("update_membership", |now| async move {
            let view = self.view(caller, organization, &[key]).await?;
            let organization_name = view.organization(caller, organization, now)?.name;
            let standing = view.standing(caller, organization)?;
            standing.require(Permission::ManageMembers)?;
            let before = view.membership(key)?.ok_or(Refusal::NotFound)?;
            if !standing.reaches(before.role) {
                return Err(Refusal::Forbidden.into());
            }
            expected.require(before.version)?;
            if !standing.reaches(patch.role.unwrap_or(before.role)) {
                return Err(Refusal::Forbidden.into());
            }
            if patch.suspends_invitation(&before) {
                return Err(Refusal::InvitationPending.into());
            }
            let after = patch
                .apply(&before, now)
                .map_err(|reason| Refusal::Invalid {
                    field: "/status",
                    reason,
                })?;
            // Confirming a suspension made by the sync turns it into a manual one.
            let takes_over = patch.status.is_some()
                && view
                    .item(key)
                    .is_some_and(|item| item.contains_key(SUSPENDED_BY));
            if after == before && !takes_over {
                return Ok(before);
            }
            // From now on the invitation's role is checked against this caller, and it is open for another 7 days.
            let is_new_invitation = after.status == Status::Invited;
            let after = if is_new_invitation {
                before.invited_again(after.role, caller, now)
            } else {
                Membership {
                    version: before.version + 1,
                    updated_at: now,
                    ..after
                }
            };

            let changed = Transition::Changed(&before, &after);
            let mut event = EventDraft::membership(
                changed_as(&before, &after),
                changed,
                Some(&organization_name),
            );
            if takes_over {
                let (from, to) = (before.source.as_str().into(), Value::Null);
                event = event.with_change(SUSPENDED_BY, from, to);
            }
            let name = view.name_of(caller, user, Some(organization));
            let origin = cx.origin.clone().naming(user, name);
            let mut transaction = self.transaction(&origin, [event])?;
            let higher = if before.role.reaches(after.role) {
                before.role
            } else {
                after.role
            };
            let requirement = Requirement {
                permission: Permission::ManageMembers,
                reach: Some(higher),
            };
            let mut change = change_to(&after);
            if is_new_invitation {
                change = change_inviter(change, &after);
            }
            if patch.status.is_some() {
                change = change.remove(SUSPENDED_BY);
            }
            let mut condition = unchanged(&before);
            if caller.user_id == *user && !caller.tenant_admin {
                // A transaction cannot contain two actions on the same item.
                change = change.set("last_active_at", text(now.to_string()));
                condition = condition.and(requirement.condition());
                access::require_enabled(&mut transaction, caller);
            } else {
                access::require(
                    &mut transaction,
                    MemberAction::Caller,
                    caller,
                    organization,
                    requirement,
                    now,
                );
            }
            transaction.update(MemberAction::Membership, key, change, condition);
            let owners = Owners::between(Some(&before), Some(&after));
            super::hold_organization(&mut transaction, &caller.tenant_id, organization, owners);
            match transaction.commit().await? {
                Ok(()) => Ok(after),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}

/// Returns the type of the event. A change of role and status at once is an event of the status.
fn changed_as(before: &Membership, after: &Membership) -> EventType {
    match (before.status, after.status) {
        (Status::Invited, Status::Active) => EventType::MembershipAdded,
        (Status::Suspended, Status::Active) => EventType::MembershipReactivated,
        (before, Status::Suspended) if before != Status::Suspended => {
            EventType::MembershipSuspended
        }
        // A suspension by the sync is confirmed, and is one by hand from now on.
        _ if before.role == after.role => EventType::MembershipSuspended,
        _ => EventType::MembershipRoleChanged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::store::fake::Fake;
    use crate::store::rows::members::to_row;
    use crate::store::samples::{
        membership, now, organization_id, organization_row, request_of_admin, user,
    };

    #[tokio::test]
    async fn confirming_a_suspension_by_a_directory_is_a_change() {
        let suspended = membership("ada", Role::Member, Status::Suspended);
        let mut row = to_row(&suspended).unwrap();
        row.insert(SUSPENDED_BY.to_owned(), text("entra"));
        let (fake, ada) = (Fake::with([organization_row(), row]), user("ada"));
        let key = MemberKey {
            organization: &organization_id(),
            user: &ada,
        };
        let patch = MembershipPatch {
            role: None,
            status: Some(Status::Suspended),
        };
        let (store, cx) = (fake.store(), request_of_admin());
        let written = store.update_membership(&cx, key, patch, &ExpectedVersion::ANY);
        let written = written.await.unwrap();
        assert_eq!(written.version, suspended.version + 1);
        assert_eq!(written.updated_at, now());
    }

    #[tokio::test]
    async fn a_status_that_a_member_has_is_no_change() {
        let active = membership("ada", Role::Member, Status::Active);
        let rows = [organization_row(), to_row(&active).unwrap()];
        let (fake, ada) = (Fake::with(rows), user("ada"));
        let key = MemberKey {
            organization: &organization_id(),
            user: &ada,
        };
        let patch = MembershipPatch {
            role: None,
            status: Some(Status::Active),
        };
        let (store, cx) = (fake.store(), request_of_admin());
        let same = store.update_membership(&cx, key, patch, &ExpectedVersion::ANY);
        assert_eq!(same.await.unwrap(), active);
        assert!(fake.writes().is_empty());
    }

    #[test]
    fn the_event_of_a_change_names_its_status_before_its_role() {
        let changed = |(status, role), (other_status, other_role)| {
            let before = membership("ada", role, status);
            changed_as(&before, &membership("ada", other_role, other_status))
        };
        let (member, admin) = (Role::Member, Role::Admin);
        let (active, suspended) = (Status::Active, Status::Suspended);
        for (before, after, event_type) in [
            (
                (Status::Invited, member),
                (active, admin),
                EventType::MembershipAdded,
            ),
            (
                (suspended, member),
                (active, admin),
                EventType::MembershipReactivated,
            ),
            (
                (active, member),
                (suspended, admin),
                EventType::MembershipSuspended,
            ),
            (
                (active, member),
                (suspended, member),
                EventType::MembershipSuspended,
            ),
            // By hand, what was suspended by a directory.
            (
                (suspended, member),
                (suspended, member),
                EventType::MembershipSuspended,
            ),
            (
                (suspended, member),
                (suspended, admin),
                EventType::MembershipRoleChanged,
            ),
            (
                (active, member),
                (active, admin),
                EventType::MembershipRoleChanged,
            ),
        ] {
            assert_eq!(changed(before, after), event_type, "{before:?} {after:?}");
        }
    }
}
