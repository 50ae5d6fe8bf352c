//! Who makes changes, and how.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DirectoryId, GroupId, UserId};

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Type of actor.
    #[serde(rename = "type")]
    pub actor_type: ActorType,
    /// The user id, the client id of a machine, `entra`, the id of a SCIM directory, or `muster` for the system.
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
    pub(super) fn name_of(&self, user: &str) -> Option<String> {
        let own = || {
            let actor = Some(&self.actor).filter(|actor| actor.is_user(user));
            actor.and_then(|actor| actor.name.as_ref())
        };
        self.names.get(user).or_else(own).cloned()
    }
}
