//! Events: the records of changes. One record is the entry of the audit log, the event on the bus and the body of a
//! webhook.

mod change;
mod draft;
mod id;
mod types;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DirectoryId, GroupId, OrganizationId, Status, TeamId, TenantId, Timestamp, UserId};

pub use change::{Changes, FieldChange, MAX_CHANGE_BYTES, fields_of, shows_value, targets_of};
pub use draft::{EventDraft, Transition};
pub use id::EventId;
pub use types::{EventType, EventTypePattern, Resource};

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
    /// What happened.
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
    /// What was changed, up to 90: the resource first, then what it belongs to.
    pub targets: Vec<Target>,
    /// The changed fields of the resource, by name.
    pub changes: Changes,
    /// How the change was made.
    pub context: EventContext,
    /// The version of the resource after the change; of a removed resource, its last version. `null` if the version
    /// of the resource does not change.
    pub resource_version: Option<u64>,
}

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Type of actor.
    #[serde(rename = "type")]
    pub actor_type: ActorType,
    /// The user id, the name of a directory, or `muster` for the system.
    pub id: String,
    /// The name at that time, if the token contained it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Type of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// A user, with the permissions of their role.
    User,
    /// A tenant admin.
    TenantAdmin,
    /// A program with its own credentials.
    Machine,
    /// The directory sync.
    Directory,
    /// A SCIM client.
    Scim,
    /// Muster itself.
    System,
}

impl Actor {
    /// Returns whether it is this user, with or without the permissions of a tenant admin.
    fn is_user(&self, user: &str) -> bool {
        matches!(self.actor_type, ActorType::User | ActorType::TenantAdmin) && self.id == user
    }

    /// The directory of the login sync.
    pub fn directory() -> Self {
        Self {
            actor_type: ActorType::Directory,
            id: "entra".to_owned(),
            name: None,
        }
    }

    /// The identity provider of a directory of type `scim`.
    pub fn scim(directory: &DirectoryId) -> Self {
        Self {
            actor_type: ActorType::Scim,
            id: directory.as_str().to_owned(),
            name: None,
        }
    }

    /// Muster itself.
    pub fn system() -> Self {
        Self {
            actor_type: ActorType::System,
            id: "muster".to_owned(),
            name: None,
        }
    }
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Type of target.
    #[serde(rename = "type")]
    pub target_type: TargetType,
    /// The id.
    pub id: String,
    /// The name at that time. Absent if the change did not read it, and of a user who has been erased.
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

/// How a change was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventContext {
    /// The id of the request.
    pub request_id: String,
    /// The operation of the API: `updateMember`; `postLogin` for the sync at a login.
    pub operation: String,
    /// The client's IP address, if the deployment stores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The client's user agent, if the deployment stores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The group of the directory that caused the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
}

/// Who makes changes, and how. Every event of a request has the same origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who makes them.
    pub actor: Actor,
    /// How.
    pub context: EventContext,
    /// The names of users that were read before, by id.
    pub names: BTreeMap<String, String>,
}

impl Origin {
    /// Returns the origin of changes of an actor.
    pub fn new(actor: Actor, context: EventContext) -> Self {
        Self {
            actor,
            context,
            names: BTreeMap::new(),
        }
    }

    /// Returns the origin, which names a user if the name is known.
    #[must_use]
    pub fn naming(mut self, user: &UserId, name: Option<&str>) -> Self {
        if let Some(name) = name {
            self.names.insert(user.as_str().to_owned(), name.to_owned());
        }
        self
    }

    /// Returns the origin without what it says of a user beyond their id, for the events of an erasure.
    #[must_use]
    pub fn without(mut self, user: &UserId) -> Self {
        self.names.remove(user.as_str());
        if self.actor.is_user(user.as_str()) {
            self.actor.name = None;
            self.context.source_ip = None;
            self.context.user_agent = None;
        }
        self
    }

    /// Returns the name of a user: the one that was read, or the actor's own.
    fn name_of(&self, user: &str) -> Option<String> {
        let own = || {
            let actor = Some(&self.actor).filter(|actor| actor.is_user(user));
            actor.and_then(|actor| actor.name.as_ref())
        };
        self.names.get(user).or_else(own).cloned()
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

/// What an event says of people beyond their ids. Stored apart from the event, so that it can be erased.
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
