//! Writes of memberships, in organizations and in teams.

use super::{WriteResult, Writes};
use crate::plan::Place;
use muster::domain::{
    Clock, GroupId, Membership, OrganizationId, Role, Source, Status, TeamId, TeamMembership,
    TeamRole,
};
use muster::store::{self, Refusal, SyncedMembership, WriteOutcome};

impl Writes<'_> {
    pub(super) async fn move_team_membership(
        &self,
        team: &TeamId,
        organization: &OrganizationId,
    ) -> WriteResult {
        if self.is_not_made(organization) || self.is_not_moved(team) {
            return Ok(WriteOutcome::Unchanged);
        }
        let Some(before) = self.current.teams.get(team) else {
            return Ok(WriteOutcome::Unchanged);
        };
        self.store
            .move_team_membership(self.origin, before, organization)
            .await
    }

    pub(super) async fn lift(&self, at: &Place, role: Option<Role>) -> WriteResult {
        match at {
            Place::Organization(id) => self.follow(id, |_| Status::Active, role).await,
            Place::Team(_) => self.set_status(at, Status::Active).await,
        }
    }

    pub(super) async fn change_role(
        &self,
        organization: &OrganizationId,
        role: Role,
    ) -> WriteResult {
        self.follow(organization, |before| before.status, Some(role))
            .await
    }

    pub(super) async fn follow(
        &self,
        organization: &OrganizationId,
        status: impl Fn(&Membership) -> Status,
        role: Option<Role>,
    ) -> WriteResult {
        let Some(before) = self.current.organizations.get(organization) else {
            return Ok(WriteOutcome::Unchanged);
        };
        self.store
            .follow_synced_membership(
                self.origin,
                SyncedMembership {
                    before,
                    mapped_from: self.mapped_from(organization),
                },
                status(before),
                role,
            )
            .await
    }

    pub(super) async fn join_organization(
        &self,
        organization: &OrganizationId,
        role: Role,
        mapped_from: Option<&GroupId>,
        clock: &Clock,
    ) -> WriteResult {
        if self.is_not_made(organization) {
            return Ok(WriteOutcome::Unchanged);
        }
        let (tenant_id, user_id) = (self.user.tenant_id().clone(), self.user.user_id().clone());
        let id = organization.clone();
        let membership = Membership {
            source: self.source,
            ..Membership::new(tenant_id, id, user_id, role, Status::Active, clock.now())
        };
        self.store
            .join_organization(self.origin, &membership, self.user, mapped_from)
            .await
    }

    pub(super) async fn join_team(&self, team: &TeamId, clock: &Clock) -> WriteResult {
        // If the membership existed without its team, the next login would not create the team.
        if self
            .progress
            .with(|state| state.teams_not_made.contains(team))
        {
            return Ok(WriteOutcome::Unchanged);
        }
        let now = clock.now();
        let organization = self.organizations_of.get(team).copied().flatten();
        let own = team.as_str().parse::<OrganizationId>().ok();
        let is_waiting = match organization {
            Some(id) => self.is_not_made(id) || self.is_not_moved(team),
            None => self.waiting.contains(team),
        };
        let awaited = organization.or(own.as_ref()).filter(|_| is_waiting);
        let membership = TeamMembership {
            tenant_id: self.user.tenant_id().clone(),
            team_id: team.clone(),
            organization_id: organization.filter(|_| !is_waiting).cloned(),
            user_id: self.user.user_id().clone(),
            role: TeamRole::Member,
            status: Status::Active,
            source: self.source,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let current = self.current;
        self.store
            .join_team(self.origin, &membership, awaited, current)
            .await
    }

    /// Returns the group that gives a membership through `group_map`, as the membership records it.
    fn mapped_from(&self, organization: &OrganizationId) -> Option<&GroupId> {
        self.current.marks.get(organization)?.mapped_from.as_ref()
    }

    pub(super) async fn accept(
        &self,
        at: &Place,
        role: Option<Role>,
        mapped_from: Option<&GroupId>,
    ) -> WriteResult {
        match (at, role) {
            (Place::Organization(id), Some(role)) => match self.current.organizations.get(id) {
                Some(before) => {
                    self.store
                        .accept_synced_invitation(
                            self.origin,
                            SyncedMembership {
                                before,
                                mapped_from,
                            },
                            role,
                            self.source,
                        )
                        .await
                }
                None => Ok(WriteOutcome::Unchanged),
            },
            _ => self.set_status(at, Status::Active).await,
        }
    }

    pub(super) async fn set_status(&self, at: &Place, status: Status) -> WriteResult {
        match at {
            Place::Organization(id) => match self.current.organizations.get(id) {
                Some(before) => {
                    let changed = self
                        .store
                        .change_synced_membership(
                            self.origin,
                            SyncedMembership {
                                before,
                                mapped_from: self.mapped_from(id),
                            },
                            status,
                        )
                        .await;
                    self.unless_last_owner(before, changed).await
                }
                None => Ok(WriteOutcome::Unchanged),
            },
            Place::Team(id) => match self.current.teams.get(id) {
                Some(before) => {
                    self.store
                        .change_synced_team_membership(self.origin, before, status)
                        .await
                }
                None => Ok(WriteOutcome::Unchanged),
            },
        }
    }

    /// Lets the last active owner of an organization keep what a directory of type `scim` gave, with the source
    /// `manual`. The event of the membership says so.
    async fn unless_last_owner(&self, before: &Membership, written: WriteResult) -> WriteResult {
        match written {
            Err(store::Error::Refused(Refusal::LastOwner)) if self.source == Source::Scim => {
                let kept = self.store.keep_membership(self.origin, before).await?;
                Ok(WriteOutcome::from(kept))
            }
            written => written,
        }
    }

    pub(super) async fn leave(&self, at: &Place) -> WriteResult {
        match at {
            Place::Organization(id) => match self.current.organizations.get(id) {
                Some(before) => {
                    let left = self
                        .store
                        .leave_organization(
                            self.origin,
                            before,
                            self.current,
                            &self.leaving,
                            self.user,
                        )
                        .await;
                    self.unless_last_owner(before, left).await
                }
                None => Ok(WriteOutcome::Unchanged),
            },
            Place::Team(id) => match self.current.teams.get(id) {
                Some(before) => self.store.leave_team(self.origin, before).await,
                None => Ok(WriteOutcome::Unchanged),
            },
        }
    }
}
