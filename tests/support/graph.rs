//! The local Entra directory on a port of its own: a story fills and changes it, and chooses its
//! faults.

mod fault;

use muster_local::Options;
pub use muster_local::entra::GraphEndpoint;
use muster_local::entra::{
    AppRole, Application, Assignment, Directory, Fault, Group, Server, User,
};
use serde_json::{Value, json};

use crate::ACME;

pub use fault::GraphFault;

/// The secret of the application. It must not appear in any output.
pub const CLIENT_SECRET: &str = "s3cret-of-the-client";
/// An assigned user, who is in no group of the sync.
const ASSIGNED_USER: &str = "ada";

/// A directory, empty at first. Each story starts its own.
#[derive(Clone, Debug)]
pub struct Graph(Server);

/// The object id of a user in Entra. It must not appear in any log.
pub fn object_id(user: &str) -> String {
    format!("object-of-{user}")
}

/// The event of a user who signed in through Entra, with unknown members.
pub fn login_event(user: &str) -> Value {
    json!({
        "version": "1", "region": "eu-central-1", "userPoolId": "eu-central-1_abc",
        "userName": format!("entra_{user}"),
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "xxx"},
        "triggerSource": "PostAuthentication_Authentication",
        "request": {
            "userAttributes": {
                "sub": user, "cognito:user_status": "EXTERNAL_PROVIDER", "email_verified": "false",
                "email": format!("{user}@acme.example"), "name": format!("{user} of Acme"),
                "custom:tenant_id": ACME, "custom:entra_object_id": object_id(user),
                "custom:odd": 7, "phone_number": null, "custom:list": [1, -2.5, true, {"x": "ü\u{0}"}],
            },
            "newDeviceUsed": false,
        },
        "response": {}, "unknown": {"deep": [[], {}, "", 18_446_744_073_709_551_615_u64]},
    })
}

impl Graph {
    /// A directory without groups.
    pub async fn start() -> Self {
        let application = Application {
            tenant: "contoso.example".to_owned(),
            client_id: "c1".to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            service_principal_id: "8e881353-1735-45af-af21-ee1344582a4d".to_owned(),
            display_name: "Muster".to_owned(),
            app_roles: Vec::new(),
        };
        let directory = Directory {
            tenant_id: ACME.to_owned(),
            application,
            users: Vec::new(),
            groups: Vec::new(),
            assignments: vec![assignment(ASSIGNED_USER, None)],
            page_size: Some(100),
            token_seconds: 86_400,
            faults: Vec::new(),
            domains: Vec::new(),
            other_tenants: Vec::new(),
        };
        let graph = Self(Server::start(directory).await.unwrap());
        for user in ["ada", "bob", "cy", "dan", "eve", "fay"] {
            graph.user(user);
        }
        graph
    }

    /// Options of a stack whose sync uses this directory, with these variables over the defaults.
    pub fn options(&self, more: &[(&str, &str)]) -> Options {
        let mut options = Options::default();
        let usual = self.0.variables().unwrap().into_iter();
        let more = more
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let variables = usual.chain(more);
        options
            .variables
            .extend(variables.map(|(name, value)| (name.to_owned(), value)));
        options
    }

    /// A user who may be in no group.
    pub fn user(&self, user: &str) {
        self.change(|directory| add_user(directory, user));
    }

    /// A group assigned to the enterprise application.
    pub fn assign(&self, id: &str, name: &str) {
        self.change(|directory| {
            group(directory, id).display_name = Some(name.to_owned());
            keep_assigned(directory, id);
        });
    }

    /// Like [`Graph::assign`], without a name in the response.
    pub fn assign_nameless(&self, id: &str) {
        self.change(|directory| {
            group(directory, id).display_name = None;
            keep_assigned(directory, id);
        });
    }

    /// Assigns the group with this app role, in addition to others.
    pub fn assign_with(&self, id: &str, app_role: &str) {
        self.app_role(app_role);
        self.change(|directory| {
            group(directory, id);
            let all = &mut directory.assignments;
            all.retain(|it| it.to != id || it.app_role.as_deref().is_some_and(|it| it != app_role));
            insert(all, assignment(id, Some(app_role)));
        });
    }

    /// Removes an app role from the group's assignment.
    pub fn take_role(&self, id: &str, app_role: &str) {
        self.change(|directory| {
            let all = &mut directory.assignments;
            let before = all.len();
            all.retain(|it| it.to != id || it.app_role.as_deref() != Some(app_role));
            if all.len() < before {
                keep_assigned(directory, id);
            }
        });
    }

    /// Adds an app role to the enterprise application, assigned to no group.
    pub fn app_role(&self, app_role: &str) {
        self.change(|directory| {
            let roles = &mut directory.application.app_roles;
            if let Err(place) = roles.binary_search_by(|it| it.value.as_str().cmp(app_role)) {
                let role = AppRole {
                    id: format!("id-of-{app_role}"),
                    value: app_role.to_owned(),
                    display_name: app_role.to_owned(),
                    enabled: true,
                };
                roles.insert(place, role);
            }
        });
    }

    /// Whether a group is assigned with an app role.
    pub fn has_role(&self, id: &str, app_role: &str) -> bool {
        let with_role = assignment(id, Some(app_role));
        self.change(|directory| directory.assignments.contains(&with_role))
    }

    /// Removes the assignment of a group.
    pub fn unassign(&self, id: &str) {
        self.change(|directory| directory.assignments.retain(|it| it.to != id));
    }

    /// Whether a group is assigned to the application.
    pub fn is_assigned(&self, id: &str) -> bool {
        self.change(|directory| directory.assignments.iter().any(|it| it.to == id))
    }

    /// Adds a user to a group.
    pub fn join(&self, user: &str, id: &str) {
        self.change(|directory| {
            add_user(directory, user);
            add_member(group(directory, id), user);
        });
    }

    /// Removes a user from a group.
    pub fn leave(&self, user: &str, id: &str) {
        self.change(|directory| group(directory, id).members.retain(|it| it != user));
    }

    /// Adds a group to a group.
    pub fn nest(&self, inner: &str, id: &str) {
        self.change(|directory| add_member(group(directory, id), inner));
    }

    /// Rows of a page.
    pub fn page_size(&self, rows: usize) {
        self.change(|directory| directory.page_size = Some(rows));
    }

    /// Rejects the count of assigned groups.
    pub fn refuse_to_count(&self) {
        let refused = GraphFault::Error(400, "Request_UnsupportedQuery");
        self.add_fault(Fault {
            counted: true,
            ..refused.on(GraphEndpoint::AssignedGroups)
        });
    }

    /// The lifetime of the next tokens.
    pub fn token_seconds(&self, seconds: u32) {
        self.change(|directory| directory.token_seconds = seconds);
    }

    /// Returns a fault from an endpoint, on this page or any, until [`Graph::heal`]. The first page
    /// is 1.
    pub fn fail(&self, endpoint: GraphEndpoint, page: Option<usize>, fault: GraphFault) {
        self.add_fault(Fault {
            page,
            ..fault.on(endpoint)
        });
    }

    /// Returns a fault from an endpoint a number of times.
    pub fn fail_times(
        &self,
        times: u64,
        endpoint: GraphEndpoint,
        page: Option<usize>,
        fault: GraphFault,
    ) {
        self.add_fault(Fault {
            page,
            calls: (1..=times).collect(),
            ..fault.on(endpoint)
        });
    }

    /// Returns a fault from an endpoint after a number of normal responses, until [`Graph::heal`].
    pub fn fail_after(&self, spared: u64, endpoint: GraphEndpoint, fault: GraphFault) {
        self.add_fault(Fault {
            calls: (spared + 1..spared + 1_000).collect(),
            ..fault.on(endpoint)
        });
    }

    fn add_fault(&self, fault: Fault) {
        self.change(|directory| directory.faults.push(fault));
    }

    /// Stops all faults.
    pub fn heal(&self) {
        self.change(|directory| directory.faults.clear());
    }

    /// The endpoints called since the last time.
    pub fn calls(&self) -> Vec<GraphEndpoint> {
        let calls = self.0.forget_calls().into_iter();
        calls
            .map(|call| {
                call.endpoint
                    .unwrap_or_else(|| panic!("unexpected {call:?}"))
            })
            .collect()
    }

    /// Whether a user is in an assigned group.
    pub fn holds(&self, user: &str, id: &str) -> bool {
        self.change(|directory| {
            directory.assignments.iter().any(|it| it.to == id)
                && group(directory, id).members.iter().any(|it| it == user)
        })
    }

    /// Whether the calls since the last [`Graph::calls`] read both the assigned groups and those of
    /// a user.
    pub fn is_read(&self) -> bool {
        let calls = self.0.calls();
        [GraphEndpoint::AssignedGroups, GraphEndpoint::UserGroups]
            .iter()
            .all(|endpoint| calls.iter().any(|call| call.endpoint == Some(*endpoint)))
    }

    /// Reads or changes the directory.
    pub fn change<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> T {
        self.0.change(change).unwrap()
    }
}

fn add_user(directory: &mut Directory, user: &str) {
    let users = &mut directory.users;
    if let Err(place) = users.binary_search_by(|it| it.user_id.as_str().cmp(user)) {
        let added = User {
            id: object_id(user),
            user_id: user.to_owned(),
            display_name: format!("{user} of Acme"),
            email: format!("{user}@acme.example"),
            account_enabled: true,
        };
        users.insert(place, added);
    }
}

/// The group with this id, which is added without a name if it is missing.
fn group<'a>(directory: &'a mut Directory, id: &str) -> &'a mut Group {
    let groups = &mut directory.groups;
    let place = groups.binary_search_by(|it| it.id.as_str().cmp(id));
    let place = place.unwrap_or_else(|place| {
        let added = Group {
            id: id.to_owned(),
            display_name: None,
            members: Vec::new(),
        };
        groups.insert(place, added);
        place
    });
    &mut groups[place]
}

fn add_member(group: &mut Group, member: &str) {
    if !group.members.iter().any(|it| it == member) {
        group.members.push(member.to_owned());
    }
}

/// Assigns a group without an app role, unless it is assigned.
fn keep_assigned(directory: &mut Directory, id: &str) {
    let all = &mut directory.assignments;
    let place = all.partition_point(|it| is_before(it, id));
    if all.get(place).is_none_or(|it| it.to != id) {
        all.insert(place, assignment(id, None));
    }
}

fn insert(all: &mut Vec<Assignment>, added: Assignment) {
    let place = all.partition_point(|it| {
        is_before(it, &added.to) || (it.to == added.to && it.app_role < added.app_role)
    });
    all.insert(place, added);
}

/// The user comes last.
fn is_before(assignment: &Assignment, group: &str) -> bool {
    assignment.to != ASSIGNED_USER && assignment.to.as_str() < group
}

fn assignment(to: &str, app_role: Option<&str>) -> Assignment {
    Assignment {
        to: to.to_owned(),
        app_role: app_role.map(str::to_owned),
    }
}
