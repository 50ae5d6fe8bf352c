//! Answers the sync's requests as Graph does.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::EntraRefusal;
use super::circumstances::Circumstances;
use super::delta;
use super::file::{Application, Assignment, Directory, GraphEndpoint, Group, User};
use super::links::Followed;
use super::list::{self, List};
use super::query;

/// The app role of an assignment without one.
const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";
/// A cast to groups, the last segment of a path.
const CAST: &str = "microsoft.graph.group";

/// Maximum number of values after `in` in a filter.
const MAX_IN: usize = 15;

/// A supported request to Graph.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) endpoint: GraphEndpoint,
    about: About<'a>,
}

#[derive(Debug)]
enum About<'a> {
    ServicePrincipal,
    AssignedTo,
    Groups {
        user: &'a User,
        nested: bool,
        cast: bool,
    },
    Assignments(&'a User),
    Changes(Followed),
    Users,
}

/// The endpoint with this path, whether or not its object exists.
pub(super) fn endpoint(path: &str) -> Option<GraphEndpoint> {
    match path.split('/').collect::<Vec<_>>()[..] {
        ["groups", "delta"] => Some(GraphEndpoint::GroupChanges),
        ["users", "delta"] => Some(GraphEndpoint::UserChanges),
        ["users"] => Some(GraphEndpoint::Users),
        ["servicePrincipals", _] => Some(GraphEndpoint::AppRoles),
        ["servicePrincipals", _, "appRoleAssignedTo"] => Some(GraphEndpoint::AssignedGroups),
        ["users", _, "appRoleAssignments"] => Some(GraphEndpoint::UserAssignments),
        ["users", _, "memberOf" | "transitiveMemberOf"]
        | ["users", _, "memberOf" | "transitiveMemberOf", CAST] => Some(GraphEndpoint::UserGroups),
        _ => None,
    }
}

/// Parses a request.
pub(super) fn understand<'a>(
    directory: &'a Directory,
    path: &str,
) -> Result<Call<'a>, EntraRefusal> {
    let no_segment = || {
        let message = format!("Resource not found for the segment '{path}'.");
        EntraRefusal::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    };
    let endpoint = endpoint(path).ok_or_else(no_segment)?;
    let id = path.split('/').nth(1).unwrap_or_default();
    let user = || directory.user(id).ok_or_else(|| not_found(id));
    let about = match endpoint {
        GraphEndpoint::AppRoles | GraphEndpoint::AssignedGroups
            if id != directory.application.service_principal_id =>
        {
            return Err(not_found(id));
        }
        GraphEndpoint::AppRoles => About::ServicePrincipal,
        GraphEndpoint::AssignedGroups => About::AssignedTo,
        GraphEndpoint::UserAssignments => About::Assignments(user()?),
        GraphEndpoint::UserGroups => About::Groups {
            user: user()?,
            nested: path.contains("/transitiveMemberOf"),
            cast: path.ends_with(CAST),
        },
        GraphEndpoint::GroupChanges => About::Changes(Followed::Groups),
        GraphEndpoint::UserChanges => About::Changes(Followed::Users),
        GraphEndpoint::Users => About::Users,
        GraphEndpoint::Token => return Err(no_segment()),
    };
    Ok(Call { endpoint, about })
}

impl Call<'_> {
    /// `user_id` of the user in the request.
    pub(super) fn user(&self) -> Option<&str> {
        match self.about {
            About::Groups { user, .. } | About::Assignments(user) => Some(&user.user_id),
            About::ServicePrincipal | About::AssignedTo | About::Changes(_) | About::Users => None,
        }
    }

    /// The normal response.
    pub(super) fn answer(
        &self,
        directory: &Directory,
        about: &Circumstances<'_>,
    ) -> Result<Value, EntraRefusal> {
        let root = about.root;
        let application = &directory.application;
        match self.about {
            About::ServicePrincipal => {
                let mut body = service_principal(directory);
                list::select(&mut body, about.query);
                let what = about.query.select.as_deref();
                let what = what.map(|names| format!("({names})")).unwrap_or_default();
                let context = format!("{root}/$metadata#servicePrincipals{what}/$entity");
                if let Some(body) = body.as_object_mut() {
                    body.insert("@odata.context".to_owned(), context.into());
                }
                Ok(body)
            }
            About::Changes(followed) => delta::answer(followed, directory, about),
            About::Users => {
                let ids = about.query.filter.as_deref().and_then(ids_in);
                let ids = ids.filter(|ids| ids.len() <= MAX_IN).ok_or_else(|| {
                    let what = "Users are listed by up to 15 ids: id in ('a', 'b').";
                    query::bad("Request_UnsupportedQuery", what)
                })?;
                let users = directory.users.iter();
                let list = List {
                    rows: users
                        .filter(|user| ids.iter().any(|id| user.id.eq_ignore_ascii_case(id)))
                        .collect(),
                    context: "users".to_owned(),
                };
                list.page(directory, about, |user| {
                    json!({
                        "id": user.id,
                        "displayName": user.display_name,
                        "accountEnabled": user.account_enabled,
                    })
                })
            }
            About::AssignedTo => {
                let id = &application.service_principal_id;
                let list = List {
                    rows: directory.assignments.iter().collect(),
                    context: format!("servicePrincipals('{id}')/appRoleAssignedTo"),
                };
                let principals = Principals::of(directory);
                list.page(directory, about, |row| principals.assignment_row(row))
            }
            About::Assignments(user) => {
                list::advanced(about, false)?;
                if let Some(filter) = &about.query.filter
                    && filter.strip_prefix("resourceId eq ")
                        != Some(application.service_principal_id.as_str())
                {
                    return Err(EntraRefusal::new(
                        StatusCode::BAD_REQUEST,
                        "Request_UnsupportedQuery",
                        "Unsupported or invalid query filter clause specified.",
                    ));
                }
                let groups = directory.groups_of(user, false);
                let held = directory.assignments.iter().filter(|it| {
                    it.to == user.user_id || groups.iter().any(|group| group.id == it.to)
                });
                let list = List {
                    rows: held.collect(),
                    context: format!("users('{}')/appRoleAssignments", user.id),
                };
                let principals = Principals::of(directory);
                list.page(directory, about, |row| principals.assignment_row(row))
            }
            About::Groups { user, nested, cast } => {
                list::advanced(about, cast)?;
                let list = List {
                    rows: directory.groups_of(user, nested),
                    context: if cast { "groups" } else { "directoryObjects" }.to_owned(),
                };
                list.page(directory, about, |row| group_row(row, cast))
            }
        }
    }
}

/// Reads `id in ('a', 'b')`.
fn ids_in(filter: &str) -> Option<Vec<String>> {
    let ids = filter.strip_prefix("id in (")?.strip_suffix(')')?;
    let ids = ids.split(',').map(|id| {
        let id = id.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        Some(id.to_owned())
    });
    ids.collect()
}

fn service_principal(directory: &Directory) -> Value {
    let application = &directory.application;
    let roles = application.app_roles.iter().map(|role| {
        json!({
            "allowedMemberTypes": ["User"],
            "description": role.display_name,
            "displayName": role.display_name,
            "id": role.id,
            "isEnabled": role.enabled,
            "origin": "Application",
            "value": role.value,
        })
    });
    json!({
        "id": application.service_principal_id,
        "appId": application.client_id,
        "displayName": application.display_name,
        "servicePrincipalType": "Application",
        "accountEnabled": true,
        "appRoleAssignmentRequired": true,
        "appRoles": roles.collect::<Vec<_>>(),
    })
}

fn group_row(group: &Group, cast: bool) -> Value {
    let mut row = json!({
        "id": group.id,
        "displayName": group.display_name,
        "securityEnabled": true,
        "mailEnabled": false,
        "groupTypes": [],
    });
    // After a cast all rows have one type, which they omit.
    if !cast && let Some(row) = row.as_object_mut() {
        row.insert("@odata.type".to_owned(), format!("#{CAST}").into());
    }
    row
}

/// The users and groups that assignments name.
struct Principals<'a> {
    application: &'a Application,
    users: HashMap<&'a str, &'a User>,
    groups: HashMap<&'a str, &'a Group>,
}

impl<'a> Principals<'a> {
    fn of(directory: &'a Directory) -> Self {
        let users = directory.users.iter();
        let groups = directory.groups.iter();
        Self {
            application: &directory.application,
            users: users.map(|user| (user.user_id.as_str(), user)).collect(),
            groups: groups.map(|group| (group.id.as_str(), group)).collect(),
        }
    }

    fn assignment_row(&self, assignment: &Assignment) -> Value {
        let application = self.application;
        let to = assignment.to.as_str();
        let (kind, id, name) = if let Some(user) = self.users.get(to) {
            ("User", user.id.as_str(), Some(user.display_name.as_str()))
        } else {
            let group = self.groups.get(to);
            let name = group.and_then(|group| group.display_name.as_deref());
            ("Group", to, name)
        };
        let role = application
            .app_roles
            .iter()
            .find(|role| assignment.app_role.as_ref() == Some(&role.value));
        let role = role.map_or(DEFAULT_ACCESS, |role| &role.id);
        json!({
            "id": format!("{id}.{role}"),
            "deletedDateTime": null,
            "appRoleId": role,
            "createdDateTime": "2026-11-20T10:00:00Z",
            "principalDisplayName": name,
            "principalId": id,
            "principalType": kind,
            "resourceDisplayName": application.display_name,
            "resourceId": application.service_principal_id,
        })
    }
}

fn not_found(id: &str) -> EntraRefusal {
    let message = format!(
        "Resource '{id}' does not exist or one of its queried reference-property objects are not \
         present."
    );
    EntraRefusal::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
}
