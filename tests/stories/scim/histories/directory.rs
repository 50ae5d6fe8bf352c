//! The directories of a history: what each says, and the requests that change it.

use std::collections::BTreeSet;

use fastrand::Rng;
use futures::future::join_all;
use serde_json::{Value, json};
use support::World;

use super::{CROWD, GROUPS, USERS};
use crate::scim::client::Provider;

/// A tenant with its directory, as the test knows it.
pub(super) struct Tenant {
    pub(super) name: &'static str,
    pub(super) provider: Provider,
    /// The path of the directory.
    pub(super) path: String,
    /// The id of each directory user.
    pub(super) users: Vec<String>,
    /// The id of each user of the crowd.
    pub(super) crowd: Vec<String>,
    /// The id of each group.
    pub(super) groups: Vec<String>,
    /// The ids of groups that were deleted.
    pub(super) deleted: Vec<String>,
    pub(super) says: Says,
    /// Whether a user is known here.
    pub(super) known: [bool; USERS],
    /// Memberships that a tenant admin has taken away: the place of the user and the id of the group.
    pub(super) taken_away: BTreeSet<(usize, String)>,
}

/// The content of a directory, and its settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Says {
    pub(super) members: [[bool; USERS]; GROUPS],
    /// Whether a group has the crowd.
    pub(super) crowded: [bool; GROUPS],
    /// Whether the name of a group is one that the settings follow.
    pub(super) is_followed: [bool; GROUPS],
    /// Whether the settings follow only the groups of some names.
    pub(super) is_filtered: bool,
    pub(super) active: [bool; USERS],
}

impl Says {
    /// Whether a group gives a user an organization.
    pub(super) fn gives(&self, group: usize, who: usize) -> bool {
        self.members[group][who] && (self.is_followed[group] || !self.is_filtered)
    }

    fn name(&self, group: usize) -> String {
        let start = if self.is_followed[group] {
            "App"
        } else {
            "Other"
        };
        format!("{start}-{group}")
    }
}

/// The place that one request changes. Two requests about different places can be sent at the same time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    Active(usize),
    Group(usize),
    Member(usize, usize),
    Crowd(usize),
    Name(usize),
    Settings,
}

impl Place {
    fn overlaps(self, other: Self) -> bool {
        let group = |place| match place {
            Self::Group(group)
            | Self::Member(group, _)
            | Self::Crowd(group)
            | Self::Name(group) => Some(group),
            Self::Active(_) | Self::Settings => None,
        };
        let is_whole = matches!(self, Self::Group(_)) || matches!(other, Self::Group(_));
        self == other || is_whole && group(self) == group(other)
    }
}

/// A request that changes what a directory says.
pub(super) struct Change {
    pub(super) what: &'static str,
    pub(super) place: Place,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
}

pub(super) fn user(n: usize) -> String {
    format!("user-{n}")
}

fn values<'a>(ids: impl IntoIterator<Item = &'a String>) -> Value {
    ids.into_iter().map(|id| json!({"value": id})).collect()
}

fn filter(is_filtered: bool) -> Value {
    let filter = is_filtered.then(|| json!({"prefix": "App-"}));
    json!({"settings": {"group_filter": filter}})
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

impl Tenant {
    pub(super) async fn start(world: &World, name: &'static str) -> Self {
        let root = world.tenant_admin_of(name);
        let body = json!({"name": name, "type": "scim", "settings":
            {"create_organizations": true, "group_filter": {"prefix": "App-"}}});
        let made = root.post("/directories", body).await.expect(201);
        let provider = Provider::of(&made.body);
        let names: Vec<_> = (0..USERS)
            .map(user)
            .chain((0..CROWD).map(|n| format!("crowd-{n}")))
            .collect();
        let mut users = Vec::new();
        for names in names.chunks(4) {
            users.extend(join_all(names.iter().map(|name| provider.user(name))).await);
        }
        let crowd = users.split_off(USERS);
        let says = Says {
            members: [[true; USERS]; GROUPS],
            crowded: [false; GROUPS],
            is_followed: [true; GROUPS],
            is_filtered: true,
            active: [true; USERS],
        };
        let mut groups = Vec::new();
        for n in 0..GROUPS {
            let body = json!({"displayName": says.name(n), "members": values(&users)});
            groups.push(provider.post("/Groups", body).await.expect(201).id());
        }
        Self {
            name,
            provider,
            path: made.headers["location"].clone(),
            users,
            crowd,
            groups,
            deleted: Vec::new(),
            says,
            known: [false; USERS],
            taken_away: BTreeSet::new(),
        }
    }

    pub(super) fn id(&self) -> &str {
        self.path.strip_prefix("/directories/").unwrap()
    }

    /// A group as a request writes it.
    pub(super) fn group(&self, group: usize) -> Value {
        let users = (0..USERS).filter(|who| self.says.members[group][*who]);
        let users = users.map(|who| &self.users[who]);
        let crowd = self.crowd.iter().filter(|_| self.says.crowded[group]);
        json!({"displayName": self.says.name(group), "members": values(users.chain(crowd))})
    }

    /// A change of the directory or its settings at a place that none of `others` has. The test knows it then.
    pub(super) fn change(&mut self, rng: &mut Rng, others: &[Place]) -> Option<Change> {
        let (who, group) = (rng.usize(..USERS), rng.usize(..GROUPS));
        let place = match rng.u8(..16) {
            0..2 => Place::Active(who),
            2..4 => Place::Name(group),
            4 => Place::Settings,
            5..7 => Place::Group(group),
            7..10 => Place::Crowd(group),
            _ => Place::Member(group, who),
        };
        if others.iter().any(|other| other.overlaps(place)) {
            return None;
        }
        let of_group = format!("/Groups/{}", self.groups[group]);
        let of_user = format!("/Users/{}", self.users[who]);
        let says = &mut self.says;
        let (what, method, path, body) = match place {
            Place::Active(_) => {
                let active = &mut says.active[who];
                *active = !*active;
                if rng.bool() {
                    let body = json!([{"op": "Replace", "path": "active", "value": *active}]);
                    ("active", "PATCH", of_user, patch(body))
                } else {
                    let name = user(who);
                    let body = json!({"userName": name, "externalId": name, "active": *active,
                        "title": rng.u8(..3).to_string()});
                    ("put of a user", "PUT", of_user, body)
                }
            }
            Place::Name(_) => {
                says.is_followed[group] = !says.is_followed[group];
                let value = says.name(group);
                let body = json!([{"op": "replace", "path": "displayName", "value": value}]);
                ("name", "PATCH", of_group, patch(body))
            }
            Place::Settings => {
                says.is_filtered = !says.is_filtered;
                let body = filter(says.is_filtered);
                ("settings", "SETTINGS", self.path.clone(), body)
            }
            Place::Group(_) => {
                says.is_followed[group] = rng.bool();
                says.crowded[group] = rng.bool();
                says.members[group] = std::array::from_fn(|_| rng.bool());
                ("put of a group", "PUT", of_group, self.group(group))
            }
            Place::Crowd(_) => {
                let is_crowded = &mut says.crowded[group];
                *is_crowded = !*is_crowded;
                let op = if *is_crowded { "add" } else { "remove" };
                let body = json!([{"op": op, "path": "members", "value": values(&self.crowd)}]);
                ("crowd", "PATCH", of_group, patch(body))
            }
            Place::Member(..) => {
                let is_member = &mut says.members[group][who];
                *is_member = !*is_member;
                let op = if *is_member { "add" } else { "remove" };
                let body =
                    json!([{"op": op, "path": "members", "value": values([&self.users[who]])}]);
                ("members", "PATCH", of_group, patch(body))
            }
        };
        Some(Change {
            what,
            place,
            method,
            path,
            body,
        })
    }
}
