//! Taking a member out of an organization and its teams.

use super::{
    Action, MOST_TEAMS, Owners, from_row, joined_no_more_teams, not_changed, of_organization,
    unchanged,
};
use crate::domain::{ExpectedVersion, OrganizationId, Permission, Source, Status, UserId};
use crate::store::access::{self, Requirement, standing};
use crate::store::settle::Unsettled;
use crate::store::team_members::JOINED_TEAMS;
use crate::store::{Context, Error, Refusal, Store, keys};

impl Store {
    /// Takes a user out of an organization and its teams; done when they are not in it. For owners
    /// and admins, who touch nobody more than they are, and for the user themself unless suspended.
    ///
    /// What the directory manages stays, unless a tenant admin forces it.
    pub async fn remove_member(
        &self,
        cx: &Context,
        (organization, user): (&OrganizationId, &UserId),
        force: bool,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let caller = &cx.caller;
        let key = keys::membership(&caller.tenant_id, user, organization);
        let oneself = caller.user_id == *user;
        let key = &key;
        self.until_settled("remove_member", |now| async move {
            let (view, (item, mut teams)) = tokio::try_join!(
                self.view(caller, organization, &[]),
                self.membership_and_teams(&caller.tenant_id, user, organization)
            )?;
            let joined = item
                .as_ref()
                .and_then(|item| item.get(JOINED_TEAMS))
                .cloned();
            let before = item.map(from_row).transpose()?;
            if oneself && before.is_none() && !caller.tenant_admin {
                // Left before. Says nothing about the organization.
                return Ok(());
            }
            view.organization(caller, organization, now)?;
            if !oneself {
                let own = view.membership(&access::own_key(caller, organization))?;
                let standing = standing(caller, own.as_ref())?;
                standing.require(Permission::ManageMembers)?;
                if before
                    .as_ref()
                    .is_some_and(|before| !standing.reaches(before.role))
                {
                    return Err(Refusal::Forbidden.into());
                }
            }
            let Some(before) = before else {
                return Ok(());
            };
            expected.require(before.version)?;
            if oneself && before.status == Status::Suspended && !caller.tenant_admin {
                // A user who left could come back by an invitation or by the directory.
                return Err(Refusal::Forbidden.into());
            }
            if before.source == Source::Entra && !(force && caller.tenant_admin) {
                return Err(Refusal::DirectoryManaged.into());
            }

            let mut transaction = self.transaction();
            if !oneself {
                let requirement = Requirement {
                    permission: Permission::ManageMembers,
                    reach: Some(before.role),
                };
                let who = (caller, organization);
                access::require(&mut transaction, Action::Caller, who, requirement, now);
            }
            let rest = teams.split_off(teams.len().min(MOST_TEAMS));
            for team in &teams {
                let of_organization = of_organization(organization);
                transaction.delete(Action::Team, team, of_organization);
            }
            if rest.is_empty() {
                let condition = unchanged(&before).and(joined_no_more_teams(joined));
                transaction.delete(Action::Membership, key, condition);
            } else {
                // More than one transaction holds: some teams first, and the membership at the end.
                transaction.check(Action::Membership, key, unchanged(&before));
            }
            let owners = match Owners::between(Some(&before), None) {
                Owners::OneLess if !rest.is_empty() => Owners::OneLessSoon,
                owners => owners,
            };
            super::hold_organization(&mut transaction, &caller.tenant_id, organization, owners);
            match transaction.commit().await? {
                Ok(()) if rest.is_empty() => Ok(()),
                Ok(()) => Err(Unsettled::Partial),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}
