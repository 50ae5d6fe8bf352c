//! The tags that group the operations.

use serde_json::{Value, json};

/// The folder of a capability in `functions/src/`, the tag of its operations, and what it says of them.
const TAGS: [(&str, &str, &str); 10] = [
    (
        "organizations",
        "Organizations",
        "A customer organization or business unit inside a tenant.",
    ),
    (
        "members",
        "Members",
        "The users in an organization, and their roles.",
    ),
    (
        "invitations",
        "Invitations",
        "Invitations by email, including to people who are not known yet.",
    ),
    (
        "domains",
        "Domains",
        "The email domains that organizations have verified.",
    ),
    (
        "teams",
        "Teams",
        "A group of users, in an organization or standalone.",
    ),
    (
        "team_members",
        "Team members",
        "The users in a team, and their roles.",
    ),
    (
        "events",
        "Events",
        "The audit log: one event for each change.",
    ),
    (
        "webhook_endpoints",
        "Webhooks",
        "The endpoints that receive events, and the deliveries to them.",
    ),
    (
        "directories",
        "Directories",
        "The sources of a tenant's groups: Microsoft Entra ID or SCIM.",
    ),
    (
        "users",
        "Users",
        "The users of a tenant, and their organizations and teams.",
    ),
];

/// Returns the tag of an endpoint by the path of its module, `muster_functions::teams::create`. Empty if its folder is not
/// listed.
pub(crate) fn tag_of(module: &str) -> &'static str {
    let folder = module.rsplit("::").nth(1);
    let mut tags = TAGS.iter();
    let found = tags.find(|(of_folder, ..)| folder == Some(of_folder));
    found.map_or("", |(_, name, _)| name)
}

/// The tags of the document, in their order.
pub(super) fn tags() -> Value {
    let tags = TAGS.iter();
    let tags = tags.map(|(_, name, description)| json!({"name": name, "description": description}));
    tags.collect()
}
