//! Events of changes that are about to be written. They have no id, time or actor yet.

use serde::Serialize;
use serde_json::{Map, Value};

use super::change::{self, Changes, FieldChange};
use super::{Event, EventId, EventType, Target, TargetType};
use crate::{
    GroupId, Membership, Name, Organization, OrganizationId, Origin, Team, TeamMembership,
    TenantId, Timestamp, User, UserId,
};

/// An event of a change that is about to be written.
#[derive(Clone, Debug)]
pub struct EventDraft {
    event_type: EventType,
    tenant_id: TenantId,
    organization_id: Option<OrganizationId>,
    targets: Vec<Target>,
    changes: Changes,
    resource_version: Option<u64>,
    group_id: Option<GroupId>,
}

/// A change of a resource.
#[derive(Debug)]
pub enum Transition<'a, T> {
    /// It is created.
    Created(&'a T),
    /// It changes from the first state to the second.
    Changed(&'a T, &'a T),
    /// It changes from the first state to the second, and becomes part of another organization, whose events have not
    /// mentioned it before. The event repeats all fields.
    Moved(&'a T, &'a T),
    /// It is removed from this state.
    Removed(&'a T),
}

impl<'a, T> Transition<'a, T> {
    /// Returns the state after it, or the last state of what is removed.
    pub fn resource(&self) -> &'a T {
        match self {
            Self::Created(one)
            | Self::Changed(_, one)
            | Self::Moved(_, one)
            | Self::Removed(one) => one,
        }
    }

    fn before(&self) -> Option<&'a T> {
        match self {
            Self::Created(_) => None,
            Self::Changed(one, _) | Self::Moved(one, _) | Self::Removed(one) => Some(one),
        }
    }

    fn after(&self) -> Option<&'a T> {
        match self {
            Self::Removed(_) => None,
            Self::Created(one) | Self::Changed(_, one) | Self::Moved(_, one) => Some(one),
        }
    }
}

impl<T> Clone for Transition<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Transition<'_, T> {}

impl EventDraft {
    /// A change of an organization.
    pub fn organization(event_type: EventType, transition: Transition<'_, Organization>) -> Self {
        let one = transition.resource();
        let target = Target::organization(&one.id, Some(one.name.as_str()));
        Self {
            event_type,
            tenant_id: one.tenant_id.clone(),
            organization_id: Some(one.id.clone()),
            targets: vec![target],
            changes: changes(event_type, transition),
            resource_version: Some(one.version),
            group_id: None,
        }
    }

    /// A transfer of the ownership of an organization. `from` is the owner who steps down, if one does. It changes two
    /// memberships, which have events of their own, and leaves the organization in its version.
    pub fn ownership_transferred(
        organization: &Organization,
        from: Option<&UserId>,
        to: &UserId,
    ) -> Self {
        let event_type = EventType::OrganizationOwnershipTransferred;
        let unchanged = Transition::Changed(organization, organization);
        let mut targets = vec![Target::user(to)];
        targets.extend(from.map(Target::user));
        let from = from.map_or(Value::Null, |from| from.as_str().into());
        Self {
            resource_version: None,
            ..Self::organization(event_type, unchanged)
        }
        .with_targets(targets)
        .with_change("owner_user_id", from, to.as_str().into())
    }

    /// A change of a membership in an organization, whose name is `None` if it was not read.
    pub fn membership(
        event_type: EventType,
        transition: Transition<'_, Membership>,
        organization: Option<&Name>,
    ) -> Self {
        let one = transition.resource();
        let name = organization.map(Name::as_str);
        Self {
            event_type,
            tenant_id: one.tenant_id.clone(),
            organization_id: Some(one.organization_id.clone()),
            targets: vec![
                Target::user(&one.user_id),
                Target::organization(&one.organization_id, name),
            ],
            changes: changes(event_type, transition),
            resource_version: Some(one.version),
            group_id: None,
        }
    }

    /// A change of a team.
    pub fn team(event_type: EventType, transition: Transition<'_, Team>) -> Self {
        let one = transition.resource();
        let mut targets = vec![Target::team(&one.id, Some(one.name.as_str()))];
        let organization = one.organization_id.as_ref();
        targets.extend(organization.map(|id| Target::organization(id, None)));
        Self {
            event_type,
            tenant_id: one.tenant_id.clone(),
            organization_id: one.organization_id.clone(),
            targets,
            changes: changes(event_type, transition),
            resource_version: Some(one.version),
            group_id: None,
        }
    }

    /// A change of a membership in a team, whose name is `None` if it was not read.
    pub fn team_membership(
        event_type: EventType,
        transition: Transition<'_, TeamMembership>,
        team: Option<&Name>,
    ) -> Self {
        let one = transition.resource();
        let mut targets = vec![
            Target::user(&one.user_id),
            Target::team(&one.team_id, team.map(Name::as_str)),
        ];
        let organization = one.organization_id.as_ref();
        targets.extend(organization.map(|id| Target::organization(id, None)));
        let mut changes = changes(event_type, transition);
        // Not part of the HTTP contract, so it is not among the serialized fields.
        let organization_in = |state: Option<&TeamMembership>| {
            let id = state.and_then(|state| state.organization_id.as_ref());
            id.map_or(Value::Null, |id| Value::from(id.as_str()))
        };
        let (from, to) = (
            organization_in(transition.before()),
            organization_in(transition.after()),
        );
        if from != to {
            let change = FieldChange::Values { from, to };
            changes.insert("organization_id".to_owned(), change);
        }
        Self {
            event_type,
            tenant_id: one.tenant_id.clone(),
            organization_id: one.organization_id.clone(),
            targets,
            changes,
            resource_version: Some(one.version),
            group_id: None,
        }
    }

    /// The removal of a user from teams of an organization, before the user is removed from the organization.
    pub fn left_teams(
        tenant_id: &TenantId,
        user_id: &UserId,
        organization_id: &OrganizationId,
        teams: impl IntoIterator<Item = Target>,
    ) -> Self {
        let mut targets = vec![Target::user(user_id)];
        targets.extend(teams);
        Self {
            event_type: EventType::TeamMembershipRemoved,
            tenant_id: tenant_id.clone(),
            organization_id: Some(organization_id.clone()),
            targets,
            changes: Changes::new(),
            resource_version: None,
            group_id: None,
        }
    }

    /// A change of the profile of a user.
    pub fn user(event_type: EventType, transition: Transition<'_, User>) -> Self {
        let one = transition.resource();
        Self {
            event_type,
            tenant_id: one.tenant_id.clone(),
            organization_id: None,
            targets: vec![Target {
                name: one.display_name.clone().map(Into::into),
                ..Target::user(&one.user_id)
            }],
            changes: changes(event_type, transition),
            resource_version: Some(one.version),
            group_id: None,
        }
    }

    /// A change of any other resource.
    pub fn other<T: Serialize>(
        event_type: EventType,
        tenant_id: &TenantId,
        organization_id: Option<&OrganizationId>,
        target: Target,
        transition: Transition<'_, T>,
        resource_version: u64,
    ) -> Self {
        Self {
            event_type,
            tenant_id: tenant_id.clone(),
            organization_id: organization_id.cloned(),
            targets: vec![target],
            changes: changes(event_type, transition),
            resource_version: Some(resource_version),
            group_id: None,
        }
    }

    /// Adds targets.
    #[must_use]
    pub fn with_targets(mut self, targets: impl IntoIterator<Item = Target>) -> Self {
        self.targets.extend(targets);
        self
    }

    /// Adds a change of a field that is not part of the resource in the API.
    #[must_use]
    pub fn with_change(mut self, field: &str, from: Value, to: Value) -> Self {
        let change = FieldChange::Values { from, to };
        self.changes.insert(field.to_owned(), change);
        self
    }

    /// Adds a change of a field that is not part of the resource in the API, and whose values events do not show.
    #[must_use]
    pub fn with_hidden_change(mut self, field: &str) -> Self {
        let change = FieldChange::Hidden { changed: true };
        self.changes.insert(field.to_owned(), change);
        self
    }

    /// Sets the group of the directory that caused the change.
    #[must_use]
    pub fn because_of(self, group_id: impl Into<GroupId>) -> Self {
        Self {
            group_id: Some(group_id.into()),
            ..self
        }
    }

    /// Returns the event. Users among its targets have the name that the draft or the origin knows.
    pub fn record(mut self, id: EventId, occurred_at: Timestamp, origin: &Origin) -> Event {
        for target in &mut self.targets {
            if target.target_type == TargetType::User && target.name.is_none() {
                target.name = origin.name_of(&target.id);
            }
        }
        let mut context = origin.context.clone();
        context.group_id = self.group_id.or(context.group_id);
        Event {
            id,
            event_type: self.event_type,
            tenant_id: self.tenant_id,
            organization_id: self.organization_id,
            occurred_at,
            actor: origin.actor.clone(),
            targets: self.targets,
            changes: self.changes,
            context,
            resource_version: self.resource_version,
        }
    }
}

fn changes<T: Serialize>(event_type: EventType, transition: Transition<'_, T>) -> Changes {
    let fields = |state: Option<&T>| -> Option<Map<String, Value>> {
        match serde_json::to_value(state?) {
            Ok(Value::Object(fields)) => Some(fields),
            _ => None,
        }
    };
    let (before, after) = (fields(transition.before()), fields(transition.after()));
    let resource = event_type.resource();
    let mut changes = change::between(resource, before.as_ref(), after.as_ref());
    if matches!(transition, Transition::Moved(..)) {
        for (name, change) in change::between(resource, None, after.as_ref()) {
            let same = |to: Value| FieldChange::Values {
                from: to.clone(),
                to,
            };
            changes.entry(name).or_insert_with(|| match change {
                FieldChange::Values { to, .. } => same(to),
                hidden @ FieldChange::Hidden { .. } => hidden,
            });
        }
    }
    changes
}
