//! Events: the records of changes. One record is the entry of the audit log, the event on the bus and the body of a
//! webhook.

mod change;
mod draft;
mod id;
mod resource;
mod types;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Actor, EventContext, OrganizationId, Status, TeamId, TenantId, Timestamp, UserId};

pub use change::{Changes, FieldChange, MAX_CHANGE_BYTES, fields_of, shows_value, targets_of};
pub use draft::{EventDraft, Transition};
pub use id::EventId;
pub use resource::Resource;
pub use types::{EventType, EventTypePattern};

/// How long events are kept unless the deployment says otherwise, in days.
pub const DEFAULT_EVENT_RETENTION_DAYS: u32 = 400;
/// Maximum number of targets of an event.
pub const MAX_TARGETS: usize = 90;

/// The record of one change.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The id. Use it to ignore an event that arrives twice.
    pub id: EventId,
    /// Event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The organization; `null` if the change concerns none.
    pub organization_id: Option<OrganizationId>,
    /// Time of the change.
    pub occurred_at: Timestamp,
    /// Who made the change.
    pub actor: Actor,
    /// Changed resources, up to 90: the resource first, then those that it belongs to.
    pub targets: Vec<Target>,
    /// The changed fields of the resource, by name.
    pub changes: Changes,
    /// Context of the change: the request or run that made it.
    pub context: EventContext,
    /// The version of the resource after the change; of a removed resource, its last version. `null` if the version
    /// of the resource does not change.
    pub resource_version: Option<u64>,
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Type of target.
    #[serde(rename = "type")]
    pub target_type: TargetType,
    /// The id.
    pub id: String,
    /// The name at that time. Absent if the change did not read it, or if the user has been erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Type of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetType {
    /// A user.
    User,
    /// An organization.
    Organization,
    /// A team.
    Team,
    /// A webhook endpoint.
    WebhookEndpoint,
    /// An invitation by email.
    Invitation,
    /// A domain of an organization. Its id is the domain.
    Domain,
    /// A directory.
    Directory,
}

impl Target {
    /// A user. The origin of the event may know their name.
    pub fn user(id: &UserId) -> Self {
        Self::new(TargetType::User, id.as_str(), None)
    }

    /// An organization.
    pub fn organization(id: &OrganizationId, name: Option<&str>) -> Self {
        Self::new(TargetType::Organization, id.as_str(), name)
    }

    /// A team.
    pub fn team(id: &TeamId, name: Option<&str>) -> Self {
        Self::new(TargetType::Team, id.as_str(), name)
    }

    /// Any target.
    pub fn new(target_type: TargetType, id: &str, name: Option<&str>) -> Self {
        Self {
            target_type,
            id: id.to_owned(),
            name: name.map(ToOwned::to_owned),
        }
    }
}

impl Event {
    /// Returns by how many active members of its organization the event makes more: 1, 0, or -1.
    pub fn active_members(&self) -> i32 {
        if self.event_type.resource() != Resource::Membership {
            return 0;
        }
        let Some(FieldChange::Values { from, to }) = self.changes.get("status") else {
            return 0;
        };
        let is_active = |status: &Value| status.as_str() == Some(Status::Active.as_str());
        i32::from(is_active(to)) - i32::from(is_active(from))
    }

    /// Returns the ids of the users among the targets.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        let users = self.targets.iter();
        let users = users.filter(|target| target.target_type == TargetType::User);
        users.map(|target| target.id.as_str())
    }
}

/// The personal data in an event besides ids. Stored apart from the event, so that it can be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalDetails {
    /// The name of the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// The names of target users, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// The address of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The program of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl PersonalDetails {
    /// Moves the personal details out of an event.
    pub fn take_from(event: &mut Event) -> Self {
        let users = event.targets.iter_mut();
        let users = users.filter(|target| target.target_type == TargetType::User);
        let names = users.filter_map(|target| Some((target.id.clone(), target.name.take()?)));
        Self {
            names: names.collect(),
            actor_name: event.actor.name.take(),
            source_ip: event.context.source_ip.take(),
            user_agent: event.context.user_agent.take(),
        }
    }

    /// Puts the personal details back into the event.
    pub fn put_into(self, event: &mut Event) {
        event.actor.name = self.actor_name;
        event.context.source_ip = self.source_ip;
        event.context.user_agent = self.user_agent;
        for target in &mut event.targets {
            if target.target_type == TargetType::User {
                target.name = self.names.get(&target.id).cloned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    #[test]
    fn the_users_of_an_event_are_its_targets() {
        let target = |kind, id| Target::new(kind, id, None);
        let event = Event {
            id: EventId::first_at(time(0)),
            event_type: EventType::MembershipAdded,
            tenant_id: TenantId::parse("acme").unwrap(),
            organization_id: None,
            occurred_at: time(0),
            actor: Actor::directory(),
            targets: vec![
                target(TargetType::User, "bob"),
                target(TargetType::Organization, "o1"),
                target(TargetType::User, "cyd"),
            ],
            changes: Changes::default(),
            context: EventContext::default(),
            resource_version: None,
        };
        assert_eq!(event.users().collect::<Vec<_>>(), ["bob", "cyd"]);
    }
}
