//! Permissions: every route for every kind of caller, and changes between members of each role.
//!
//! The tables in `snapshots/` match `api.md` cell by cell. A missing route fails a test.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::{Role, Source, Status};
use serde_json::json;
use strum::VariantArray as _;
use support::{ACME, Actor, Reply, World};

mod action;
mod actions;
mod changes;
mod disabled;
mod team_actions;
mod teams;

use action::Action;
use actions::ACTIONS;
use changes::{CHANGES, ON_ANY_STATUS};
use team_actions::{STANDALONE_ACTIONS, TEAM_ACTIONS};

/// The caller's relation to the organization.
#[derive(Clone, Copy)]
enum Relation {
    Member(Role, Status, Source),
    TenantAdmin,
    /// A machine that names the tenant.
    Machine,
    /// A user of the tenant outside the organization.
    Stranger,
    /// A user of another tenant with the id of a member.
    Foreigner,
    ForeignAdmin,
    /// Without a token.
    Nobody,
}

const SOURCES: [(Source, &str); 2] = [(Source::Manual, "manual"), (Source::Entra, "entra")];
const OTHERS: [(Relation, &str); 6] = [
    (Relation::TenantAdmin, "tenant-admin"),
    (Relation::Machine, "machine"),
    (Relation::Stranger, "stranger"),
    (Relation::Foreigner, "other-tenant"),
    (Relation::ForeignAdmin, "other-admin"),
    (Relation::Nobody, "no-token"),
];

/// A world in which all users are registered.
async fn known_to_all() -> World {
    let world = World::start().await;
    world.register(&PEOPLE).await;
    world
}

/// The users of the scenes.
pub(crate) const PEOPLE: [&str; 7] = [
    "ada",
    "caller",
    "colleague",
    "mate",
    "newcomer",
    "root",
    "stranger",
];

/// A scene whose caller is an owner, with the first action of the tables on this route.
pub(crate) async fn scene_of<'a>(world: &'a World, route: &str) -> (Scene<'a>, &'static Action) {
    let relation = Relation::Member(Role::Owner, Status::Active, Source::Manual);
    let mut actions = ACTIONS.iter().chain(TEAM_ACTIONS);
    let action = actions.find(|action| action.route == route);
    let action = action.unwrap_or_else(|| panic!("add {route} to the tables"));
    (teams::with_team(world, relation, None).await, action)
}

/// The same with this number of additional members.
async fn known_to_all_with(others: usize) -> World {
    let world = known_to_all().await;
    for number in 0..others {
        world.register(&[&other(number)]).await;
    }
    world
}

fn other(number: usize) -> String {
    format!("other-{number}")
}

/// An organization with an owner `ada`, a member `colleague` and a caller.
pub(crate) struct Scene<'a> {
    world: &'a World,
    pub(crate) id: String,
    /// The id of the team, for actions on a team.
    pub(crate) team: String,
    pub(crate) caller: Actor,
}

impl<'a> Scene<'a> {
    async fn new(world: &'a World, relation: Relation) -> Self {
        // Names are unique in the tenant; scenes share nothing else.
        static SCENES: AtomicU32 = AtomicU32::new(0);
        let name = format!("Scene {}", SCENES.fetch_add(1, Ordering::Relaxed));
        let scene = Self {
            world,
            id: world.organization(&world.user("ada"), &name).await,
            team: String::new(),
            caller: match relation {
                Relation::Member(..) => world.user("caller"),
                Relation::TenantAdmin => world.tenant_admin(),
                Relation::Machine => world.machine_of(ACME),
                Relation::Stranger => world.user("stranger"),
                Relation::Foreigner => world.user_of("globex", "ada"),
                Relation::ForeignAdmin => world.tenant_admin_of("globex"),
                Relation::Nobody => world.bearer("nobody", None),
            },
        };
        let colleague = (Role::Member, Status::Active, Source::Manual);
        scene.place("colleague", colleague).await;
        if let Relation::Member(role, status, source) = relation {
            scene.place("caller", (role, status, source)).await;
        }
        scene
    }

    /// Adds a user to the organization, including states that the API cannot create directly.
    async fn place(&self, user: &str, (role, status, source): (Role, Status, Source)) {
        let root = self.world.tenant_admin();
        let members = format!("/organizations/{}/members", self.id);
        let status = status.as_str();
        let first = if status == "suspended" {
            "active"
        } else {
            status
        };
        let body = json!({"user_id": user, "role": role, "status": first});
        root.post(&members, body).await.expect(201);
        if first != status {
            root.patch(&format!("{members}/{user}"), json!({"status": status}))
                .await
                .expect(200);
        }
        if source == Source::Entra {
            let pk = format!("TENANT#{ACME}#USER#{user}");
            let sk = format!("ORG#{}", self.id);
            let entra = AttributeValue::S("entra".to_owned());
            self.world.tamper(&pk, &sk, "source", entra).await;
        }
    }

    async fn delete_organization(&self) {
        let root = self.world.tenant_admin();
        let organization = format!("/organizations/{}", self.id);
        root.delete(&organization).await.expect(204);
    }

    async fn restore_organization(&self) {
        let root = self.world.tenant_admin();
        let restore = format!("/organizations/{}/restore", self.id);
        root.post_empty(&restore).await.expect(200);
    }
}

/// The status, with the role or status in the response where it matters.
fn cell(reply: &Reply) -> String {
    let code = reply.body["code"].as_str().unwrap_or_default();
    let about = match (reply.status, code) {
        (200 | 201 | 204, "")
        // A membership never becomes invited again.
        | (400, "validation-failed")
        | (401, "unauthenticated")
        | (403, "forbidden")
        | (404, "not-found") => "",
        (403, "invitation-not-pending") => "-pending",
        (403, "email-not-verified") => "-unverified",
        (409, "invitation-not-valid") => "-not-valid",
        (422, "invitation-pending") => "-invited",
        (409, "directory-managed") => "-entra",
        (409, "last-owner") => "-last",
        (409, "already-member") => "-member",
        (422, "not-an-organization-member") => "-outside",
        other => panic!("{other:?} has no cell in the table: {reply:?}"),
    };
    format!("{}{about}", reply.status)
}

/// The result of each action in a scene.
async fn column<'a>(actions: &[Action], new_scene: impl AsyncFn() -> Scene<'a>) -> Vec<String> {
    let mut cells = Vec::new();
    let mut scene = new_scene().await;
    for action in actions {
        if action.of_deleted {
            scene.delete_organization().await;
        }
        let reply = action.send(&scene).await;
        cells.push(cell(&reply));
        if action.of_deleted {
            scene.restore_organization().await;
        }
        if action.spoils && reply.status < 300 {
            scene = new_scene().await;
        }
    }
    cells
}

/// A table with a name for each row and column.
fn table(rows: &[String], columns: &[(String, Vec<String>)]) -> String {
    let width = rows.iter().map(String::len).max().unwrap();
    let mut text = format!("{:width$}", "");
    for (name, _) in columns {
        write!(text, "  {name:>11}").unwrap();
    }
    for (n, row) in rows.iter().enumerate() {
        write!(text, "\n{row:width$}").unwrap();
        for (name, cells) in columns {
            write!(text, "  {:>1$}", cells[n], name.len().max(11)).unwrap();
        }
    }
    text
}

fn names(actions: &[Action]) -> Vec<String> {
    actions
        .iter()
        .map(|Action { route, what, .. }| format!("{route}  {what}"))
        .collect()
}

async fn members(status: Status) -> String {
    let mut text = String::new();
    for (source, name) in SOURCES {
        let world = known_to_all().await;
        let mut columns = Vec::new();
        for &role in Role::VARIANTS {
            let relation = Relation::Member(role, status, source);
            let cells = column(ACTIONS, async || Scene::new(&world, relation).await);
            columns.push((role.as_str().to_owned(), cells.await));
        }
        let table = table(&names(ACTIONS), &columns);
        writeln!(text, "{} members, {name}\n{table}\n", status.as_str()).unwrap();
    }
    text
}

#[tokio::test]
async fn active_members_permissions() {
    insta::assert_snapshot!(members(Status::Active).await);
}

#[tokio::test]
async fn invited_members_permissions() {
    insta::assert_snapshot!(members(Status::Invited).await);
}

#[tokio::test]
async fn suspended_members_permissions() {
    insta::assert_snapshot!(members(Status::Suspended).await);
}

#[tokio::test]
async fn other_callers_permissions() {
    let world = known_to_all().await;
    let mut columns = Vec::new();
    for (relation, name) in OTHERS {
        let cells = column(ACTIONS, async || Scene::new(&world, relation).await);
        columns.push((name.to_owned(), cells.await));
    }
    insta::assert_snapshot!(table(&names(ACTIONS), &columns));
}

#[tokio::test]
async fn the_tables_have_every_route() {
    let routes: BTreeSet<_> = World::start().await.routes().await.into_iter().collect();
    let actions = [ACTIONS, TEAM_ACTIONS, STANDALONE_ACTIONS];
    let listed: BTreeSet<_> = actions
        .into_iter()
        .flatten()
        .map(|action| action.route.to_owned())
        .collect();
    let missing: Vec<_> = routes.difference(&listed).collect();
    assert!(missing.is_empty(), "add to the tables: {missing:?}");
    let gone: Vec<_> = listed.difference(&routes).collect();
    assert!(gone.is_empty(), "no longer a route: {gone:?}");
}

#[tokio::test]
async fn permissions_between_roles() {
    let world = known_to_all_with(Role::VARIANTS.len()).await;
    let mut callers: Vec<_> = Role::VARIANTS
        .iter()
        .map(|role| {
            let relation = Relation::Member(*role, Status::Active, Source::Manual);
            (relation, role.as_str())
        })
        .collect();
    callers.push((Relation::TenantAdmin, "tenant-admin"));
    let rows: Vec<_> = Role::VARIANTS
        .iter()
        .map(|role| role.as_str().to_owned())
        .collect();
    let mut text = String::new();
    for change in CHANGES {
        let mut columns = Vec::new();
        for (relation, name) in &callers {
            let mut scene = Scene::new(&world, *relation).await;
            let mut cells = Vec::new();
            for (number, role) in Role::VARIANTS.iter().copied().enumerate() {
                let other = other(number);
                if let Some(before) = (change.before)(role) {
                    let before = (before, Status::Active, Source::Manual);
                    scene.place(&other, before).await;
                }
                let request = (change.request)(&scene, &other, role);
                let reply = scene.caller.send(request).await;
                cells.push(cell(&reply));
                if change.is_own && reply.status < 300 {
                    scene = Scene::new(&world, *relation).await;
                }
            }
            columns.push(((*name).to_owned(), cells));
        }
        let table = table(&rows, &columns);
        writeln!(text, "{}\n{table}\n", change.what).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn permissions_by_status_and_source() {
    let mut rows = Vec::new();
    for &status in Status::VARIANTS {
        for (_, source) in SOURCES {
            let status = status.as_str();
            let changes = ON_ANY_STATUS.iter();
            rows.extend(changes.map(|change| format!("{status} {source}  {}", change.what)));
        }
    }
    let world = known_to_all_with(rows.len()).await;
    let callers = [Role::Owner, Role::Admin, Role::Manager].map(|role| {
        let relation = Relation::Member(role, Status::Active, Source::Manual);
        (relation, role.as_str())
    });
    let mut columns = Vec::new();
    for (relation, name) in callers
        .into_iter()
        .chain([(Relation::TenantAdmin, "tenant-admin")])
    {
        let scene = Scene::new(&world, relation).await;
        let mut cells = Vec::new();
        for &status in Status::VARIANTS {
            for (source, _) in SOURCES {
                for change in ON_ANY_STATUS {
                    let other = other(cells.len());
                    scene.place(&other, (Role::Member, status, source)).await;
                    let request = (change.request)(&scene, &other, Role::Member);
                    cells.push(cell(&scene.caller.send(request).await));
                }
            }
        }
        columns.push((name.to_owned(), cells));
    }
    insta::assert_snapshot!(table(&rows, &columns));
}
