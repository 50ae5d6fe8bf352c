//! The fields that a change sets.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::TargetType;
use super::resource::Resource;

/// Maximum size of the old and the new value of one field in an event, in bytes of JSON. A larger change only says
/// that the field changed.
pub const MAX_CHANGE_BYTES: usize = 8 * 1024;

/// The changed fields of a resource, by name.
pub type Changes = BTreeMap<String, FieldChange>;

/// A changed field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FieldChange {
    /// The old and the new value. `null` means that there was or is none.
    Values {
        /// The value before the change.
        from: Value,
        /// The value after the change.
        to: Value,
    },
    /// The field changed, but its values are private or too large for an event.
    Hidden {
        /// Always `true`.
        changed: bool,
    },
}

/// How an event shows a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visibility {
    Values,
    Hidden,
}

use Visibility::{Hidden, Values};

/// The fields of each resource that events show. Fields that are not listed are the ids of the targets, counters, or
/// times that other fields imply.
const fn visible(resource: Resource) -> &'static [(&'static str, Visibility)] {
    match resource {
        Resource::Organization => &[
            ("name", Values),
            ("domain", Values),
            ("billing_email", Hidden),
            ("billing_address", Hidden),
            ("stripe_customer_id", Hidden),
            ("metadata", Hidden),
            ("limits", Values),
            ("source", Values),
            ("status", Values),
            ("created_by", Values),
            ("created_at", Values),
            ("deleted_at", Values),
            ("owner_user_id", Values),
        ],
        Resource::Membership => &[
            ("role", Values),
            ("status", Values),
            ("source", Values),
            ("invited_by_user_id", Values),
            ("created_at", Values),
            ("suspended_by", Values),
        ],
        Resource::Team => &[
            ("organization_id", Values),
            ("name", Values),
            ("description", Values),
            ("is_default", Values),
            ("limits", Values),
            ("metadata", Hidden),
            ("source", Values),
            ("created_by", Values),
            ("created_at", Values),
        ],
        Resource::TeamMembership => &[
            ("organization_id", Values),
            ("role", Values),
            ("status", Values),
            ("source", Values),
            ("created_at", Values),
            ("suspended_by", Values),
        ],
        Resource::User => &[
            ("email", Hidden),
            ("email_verified", Values),
            ("display_name", Hidden),
            ("entra_object_id", Hidden),
            ("status", Values),
            ("tenant_admin", Values),
            ("created_at", Values),
        ],
        Resource::WebhookEndpoint => &[
            // URLs of chat services contain a token.
            ("url", Hidden),
            ("description", Values),
            ("event_types", Values),
            ("organization_id", Values),
            ("status", Values),
            ("disabled_reason", Values),
            ("created_at", Values),
        ],
        Resource::Invitation => &[
            ("email", Hidden),
            ("role", Values),
            ("team_ids", Values),
            ("status", Values),
            ("invited_by_user_id", Values),
            ("expires_at", Values),
            ("send_count", Values),
            ("delivery", Values),
            ("accepted_by_user_id", Values),
            ("created_at", Values),
        ],
        Resource::Directory => &[
            ("name", Values),
            ("type", Values),
            ("status", Values),
            ("status_reason", Values),
            ("entra", Values),
            ("settings", Values),
            ("memberships", Values),
            ("run_id", Values),
            ("memberships_held_back", Values),
            ("confirmed_run", Values),
            ("token", Hidden),
            ("created_by", Values),
            ("created_at", Values),
        ],
        Resource::Domain => &[
            ("status", Values),
            ("auto_join", Values),
            ("auto_join_role", Values),
            ("created_by", Values),
            ("created_at", Values),
        ],
    }
}

/// Returns the names of the fields that events of a resource can show.
pub fn fields_of(resource: Resource) -> impl Iterator<Item = &'static str> {
    visible(resource).iter().map(|(name, _)| *name)
}

/// Returns whether events show the values of a field of a resource.
pub fn shows_value(resource: Resource, field: &str) -> bool {
    visible(resource).contains(&(field, Values))
}

/// Returns the kinds of targets that events of a resource can have.
pub const fn targets_of(resource: Resource) -> &'static [TargetType] {
    use TargetType::{Directory, Domain, Invitation, Organization, Team, User, WebhookEndpoint};

    match resource {
        // A transfer of ownership has both owners.
        Resource::Organization => &[User, Organization],
        // An erasure removes the member from the teams too.
        Resource::Membership => &[User, Organization, Team],
        Resource::Team => &[Team, Organization],
        Resource::TeamMembership => &[User, Team, Organization],
        Resource::User => &[User],
        Resource::WebhookEndpoint => &[WebhookEndpoint],
        Resource::Invitation => &[Invitation, Organization],
        Resource::Domain => &[Domain, Organization],
        Resource::Directory => &[Directory],
    }
}

/// Returns what differs between two states of a resource. `None` means that it does not exist.
pub(super) fn between(
    resource: Resource,
    before: Option<&Map<String, Value>>,
    after: Option<&Map<String, Value>>,
) -> Changes {
    let value_in = |state: Option<&Map<String, Value>>, name: &str| {
        let value = state.and_then(|state| state.get(name));
        value.cloned().unwrap_or_default()
    };
    let fields = visible(resource).iter();
    let changes = fields.filter_map(|(name, visibility)| {
        let (from, to) = (value_in(before, name), value_in(after, name));
        let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        if from == to || (from.is_null() && is_empty(&to)) || (is_empty(&from) && to.is_null()) {
            return None;
        }
        let is_small = || from.to_string().len() + to.to_string().len() <= MAX_CHANGE_BYTES;
        let change = if *visibility == Values && is_small() {
            FieldChange::Values { from, to }
        } else {
            FieldChange::Hidden { changed: true }
        };
        Some(((*name).to_owned(), change))
    });
    changes.collect()
}
