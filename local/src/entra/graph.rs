//! Answers the sync's requests as Graph does.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::file::{Assignment, Directory, Group, Question, User};
use super::list::{self, List, Query};

/// The app role of an assignment without one.
const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";
/// A cast to groups, the last segment of a path.
const CAST: &str = "microsoft.graph.group";

/// A supported request to Graph.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) question: Question,
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
}

/// The context of a response besides the directory.
pub(super) struct Circumstances<'a> {
    /// `http://127.0.0.1:3000/_local/entra/v1.0`
    pub(super) root: &'a str,
    /// The path below it.
    pub(super) path: &'a str,
    pub(super) query: &'a Query,
    /// The header `ConsistencyLevel` is `eventual`.
    pub(super) eventual: bool,
    pub(super) generation: u64,
}

/// Parses a request.
pub(super) fn understand<'a>(directory: &'a Directory, path: &str) -> Result<Call<'a>, Refusal> {
    let segments: Vec<&str> = path.split('/').collect();
    let user = |id: &str| directory.user(id).ok_or_else(|| not_found(id));
    let call = |question, about| Ok(Call { question, about });
    match segments[..] {
        ["servicePrincipals", id, ref rest @ ..] => {
            if id != directory.application.service_principal_id {
                return Err(not_found(id));
            }
            match *rest {
                [] => call(Question::AppRoles, About::ServicePrincipal),
                ["appRoleAssignedTo"] => call(Question::AssignedGroups, About::AssignedTo),
                _ => Err(no_segment(path)),
            }
        }
        ["users", id, "appRoleAssignments"] => {
            call(Question::UserAssignments, About::Assignments(user(id)?))
        }
        [
            "users",
            id,
            way @ ("memberOf" | "transitiveMemberOf"),
            ref rest @ ..,
        ] => {
            let cast = match *rest {
                [] => false,
                [CAST] => true,
                _ => return Err(no_segment(path)),
            };
            let groups = About::Groups {
                user: user(id)?,
                nested: way == "transitiveMemberOf",
                cast,
            };
            call(Question::UserGroups, groups)
        }
        _ => Err(no_segment(path)),
    }
}

impl Call<'_> {
    /// `user_id` of the user in the request.
    pub(super) fn user(&self) -> Option<&str> {
        match self.about {
            About::Groups { user, .. } | About::Assignments(user) => Some(&user.user_id),
            About::ServicePrincipal | About::AssignedTo => None,
        }
    }

    /// The normal response.
    pub(super) fn answer(
        &self,
        directory: &Directory,
        about: &Circumstances<'_>,
    ) -> Result<Value, Refusal> {
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
            About::AssignedTo => {
                let id = &application.service_principal_id;
                let list = List {
                    rows: directory.assignments.iter().collect(),
                    context: format!("servicePrincipals('{id}')/appRoleAssignedTo"),
                };
                list.page(directory, about, |row| assignment_row(directory, row))
            }
            About::Assignments(user) => {
                list::advanced(about, false)?;
                if let Some(filter) = &about.query.filter
                    && filter.strip_prefix("resourceId eq ")
                        != Some(application.service_principal_id.as_str())
                {
                    return Err(Refusal::new(
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
                list.page(directory, about, |row| assignment_row(directory, row))
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

fn assignment_row(directory: &Directory, assignment: &Assignment) -> Value {
    let application = &directory.application;
    let to = assignment.to.as_str();
    let user = directory.users.iter().find(|it| it.user_id == to);
    let (kind, id, name) = match user {
        Some(user) => ("User", user.id.as_str(), Some(user.display_name.as_str())),
        None => ("Group", to, directory.group_name(to)),
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

fn not_found(id: &str) -> Refusal {
    let message = format!(
        "Resource '{id}' does not exist or one of its queried reference-property objects are not \
         present."
    );
    Refusal::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
}

fn no_segment(path: &str) -> Refusal {
    let message = format!("Resource not found for the segment '{path}'.");
    Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}
