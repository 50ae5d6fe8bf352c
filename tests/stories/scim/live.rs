//! Changes by a request of an identity provider: in the request itself, and seconds later by the queue of runs.

use std::time::Duration;

use muster::domain::{DirectoryId, GroupId, ScimScope, TenantId};
use muster_local::Options;
use serde_json::{Value, json};
use support::{ACME, Fault, Faults, World, invariants};

use super::client::Provider;
use super::{created, origin, take_up};

/// How long what follows by the queue may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A world with the queue of runs, and an identity provider whose groups become organizations.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) provider: Provider,
    /// The path of the directory.
    pub(super) path: String,
}

impl Scene {
    async fn open() -> Self {
        Self::of(
            World::with(Options {
                event_sources: true,
                ..Options::default()
            })
            .await,
        )
        .await
    }

    pub(super) async fn of(world: World) -> Self {
        let (_, made) = created(&world).await;
        let path = format!("/directories/{}", made["id"].as_str().unwrap());
        let settings = json!({"settings": {"create_organizations": true}});
        let root = world.tenant_admin();
        root.patch(&path, settings).await.expect(200);
        Self {
            provider: Provider::of(&made),
            world,
            path,
        }
    }

    /// Creates directory users, each of whom has signed in and is linked. Returns their ids.
    pub(super) async fn linked(&self, names: &[String]) -> Vec<String> {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.provider.user(name).await);
            self.login(name).await;
        }
        ids
    }

    /// Signs in a user whose object id is their name.
    pub(super) async fn login(&self, name: &str) {
        let attributes = json!({
            "sub": name, "custom:tenant_id": ACME, "custom:entra_object_id": name,
        });
        let event = json!({"triggerSource": "PostAuthentication_Authentication",
            "request": {"userAttributes": attributes}, "response": {}});
        assert_eq!(self.world.invoke("post-login", &event).await, event);
    }

    pub(super) fn scope(&self) -> ScimScope {
        let id = self.path.rsplit('/').next().unwrap();
        ScimScope {
            tenant_id: TenantId::parse(ACME).unwrap(),
            directory_id: DirectoryId::parse(id).unwrap(),
        }
    }

    /// Creates a group with these members. Returns its id, which the organization has too.
    pub(super) async fn group(&self, name: &str, members: &[String]) -> String {
        let made = self
            .provider
            .post(
                "/Groups",
                json!({"displayName": name, "members": values(members)}),
            )
            .await;
        made.expect(201).id()
    }

    /// The number of members of the organization of a group.
    pub(super) async fn members(&self, group: &str) -> usize {
        let root = self.world.tenant_admin();
        let members = format!("/organizations/{group}/members?limit=100");
        if root.get(&members).await.status == 404 {
            return 0;
        }
        root.all(&members).await.len()
    }

    /// Waits until the organization of a group has that many members.
    pub(super) async fn wait_for_members(&self, group: &str, count: usize) {
        let waited = async {
            while self.members(group).await != count {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waited).await;
        waited.expect("the members of the organization");
    }

    /// The items of all memberships.
    async fn memberships(&self) -> Vec<Value> {
        let items = self.world.items().await.into_iter();
        let memberships = items.filter(|item| {
            let sk = item["sk"].as_str().unwrap();
            sk.starts_with("ORG#") || sk.starts_with("TEAM#")
        });
        memberships.map(Value::from).collect()
    }
}

/// The members of a group in a body.
pub(super) fn values(ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| json!({"value": id})).collect()
}

pub(super) fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("user-{n:03}")).collect()
}

#[tokio::test]
async fn a_request_ends_and_gives_access_before_it_returns() {
    let scene = Scene::open().await;
    let ids = scene.linked(&["ada".to_owned()]).await;
    let ada = scene.world.user("ada");
    let group = scene.group("Sales", &ids).await;
    let organization = format!("/organizations/{group}");
    ada.get(&organization).await.expect(200);
    let groups = format!("/Groups/{group}");
    let remove = json!([{"op": "Remove", "path": "members", "value": values(&ids)}]);
    scene.provider.patch(&groups, remove).await.expect(204);
    ada.get(&organization).await.problem(404, "not-found");
    let add = json!([{"op": "Add", "path": "members", "value": values(&ids)}]);
    scene.provider.patch(&groups, add).await.expect(204);
    ada.get(&organization).await.expect(200);

    let user = format!("/Users/{}", ids[0]);
    let set_active = async |value: Value| {
        let replace = json!([{"op": "Replace", "path": "active", "value": value}]);
        scene.provider.patch(&user, replace).await.expect(200);
    };
    let before = scene.memberships().await;
    set_active(json!("False")).await;
    ada.get(&organization).await.problem(403, "user-disabled");
    set_active(json!(true)).await;
    ada.get(&organization).await.expect(200);
    assert_eq!(scene.memberships().await, before, "exactly what was there");

    scene.provider.call("DELETE", &user, None).await.expect(204);
    ada.get(&organization).await.problem(404, "not-found");
    invariants::check(&scene.world.items().await);
}

#[tokio::test]
async fn a_new_name_takes_away_and_gives() {
    let scene = Scene::open().await;
    let settings = json!({"settings": {"group_filter": {"prefix": "App-"}}});
    let root = scene.world.tenant_admin();
    root.patch(&scene.path, settings).await.expect(200);
    let ids = scene.linked(&names(2)).await;
    let group = scene.group("App-Sales", &ids).await;
    assert_eq!(scene.members(&group).await, 2);
    let rename = async |name: &str| {
        let replace = json!([{"op": "replace", "value": {"displayName": name}}]);
        let path = format!("/Groups/{group}");
        scene.provider.patch(&path, replace).await.expect(204);
    };
    rename("Sales").await;
    assert_eq!(scene.members(&group).await, 0);
    rename("App-Sales").await;
    assert_eq!(scene.members(&group).await, 2);
    invariants::check(&scene.world.items().await);
}

#[tokio::test]
async fn new_settings_are_followed_within_seconds() {
    let scene = Scene::open().await;
    let ids = scene.linked(&names(34)).await;
    let group = scene.group("Sales", &ids).await;
    scene.wait_for_members(&group, 34).await;
    let root = scene.world.tenant_admin();
    let settings = json!({"settings": {"group_filter": {"prefix": "App-"}}});
    root.patch(&scene.path, settings).await.expect(200);
    scene.wait_for_members(&group, 0).await;
    // And what came while the directory was paused, when it is active again.
    let none = json!({"settings": {"group_filter": null}, "status": "paused"});
    root.patch(&scene.path, none).await.expect(200);
    let active = json!({"status": "active"});
    root.patch(&scene.path, active).await.expect(200);
    scene.wait_for_members(&group, 34).await;
    invariants::check(&scene.world.items().await);
}

/// Two administrators, and a table that fails: who is to lose access has lost it when the request succeeds.
#[tokio::test]
async fn a_deactivation_that_fails_is_repeated() {
    let (world, faults) = Faults::world(Options::default()).await;
    let scene = Scene::of(world).await;
    let ids = scene.linked(&names(1)).await;
    let group = scene.group("Sales", &ids).await;
    let user = scene.world.user("user-000");
    let organization = format!("/organizations/{group}");
    user.get(&organization).await.expect(200);
    let path = format!("/Users/{}", ids[0]);
    let deactivate = json!([{"op": "replace", "path": "active", "value": false}]);
    faults.always("TransactWriteItems user.disabled", Fault::Validation);
    let failed = scene.provider.patch(&path, deactivate.clone()).await;
    failed.error(503, None);
    user.get(&organization).await.expect(200);
    faults.stop();
    // It changes nothing in the directory, and does what was left.
    scene.provider.patch(&path, deactivate).await.expect(200);
    user.get(&organization).await.problem(403, "user-disabled");

    // A deletion that is cut off after its write is finished.
    let ids = scene.linked(&["bob".to_owned()]).await;
    let other = scene.group("Other", &ids).await;
    assert_eq!(scene.members(&other).await, 1);
    let path = format!("/Users/{}", ids[0]);
    faults.always("TransactWriteItems membership.removed", Fault::Validation);
    scene.provider.call("DELETE", &path, None).await.expect(204);
    assert_eq!(scene.members(&other).await, 1);
    faults.stop();
    take_up(&scene.world, &scene.scope()).await;
    assert_eq!(scene.members(&other).await, 0);
    invariants::check(&scene.world.items().await);
}

/// The same person is created again before the deletion of their former directory user has come to its end.
#[tokio::test]
async fn an_unfinished_deletion_ends_nothing_of_a_successor() {
    let (world, faults) = Faults::world(Options::default()).await;
    let scene = Scene::of(world).await;
    let former = scene.linked(&["ada".to_owned()]).await;
    let group = scene.group("Former", &former).await;
    faults.always("TransactWriteItems membership.removed", Fault::Validation);
    let path = format!("/Users/{}", former[0]);
    scene.provider.call("DELETE", &path, None).await.expect(204);
    faults.stop();
    let successor = [scene.provider.user("ada").await];
    let other = scene.group("Other", &successor).await;
    scene.login("ada").await;
    assert_eq!(scene.members(&other).await, 1);
    take_up(&scene.world, &scene.scope()).await;
    assert_eq!(scene.members(&other).await, 1);
    assert_eq!(scene.members(&group).await, 0);
    invariants::check(&scene.world.items().await);
}

/// A login links a user who is not active, and stops there.
#[tokio::test]
async fn a_login_that_stops_after_the_link_is_taken_up() {
    let (world, faults) = Faults::world(Options::default()).await;
    let scene = Scene::of(world).await;
    let id = scene.provider.user("ada").await;
    let path = format!("/Users/{id}");
    let deactivate = json!([{"op": "replace", "path": "active", "value": false}]);
    scene.provider.patch(&path, deactivate).await.expect(200);
    faults.always("TransactWriteItems user.disabled", Fault::Validation);
    scene.login("ada").await;
    faults.stop();
    let root = scene.world.tenant_admin();
    let status = async || root.get("/users/ada").await.expect(200).body["status"].clone();
    assert_eq!(status().await, "enabled");
    take_up(&scene.world, &scene.scope()).await;
    assert_eq!(status().await, "disabled");
}

/// A removal is decided while the user is not linked, and written after their first login.
#[tokio::test]
async fn a_removal_finds_who_is_linked_meanwhile() {
    let (world, faults) = Faults::world(Options::default()).await;
    let scene = Scene::of(world).await;
    let id = scene.provider.user("ada").await;
    let ids = [id.clone()];
    let group = scene.group("Sales", &ids).await;
    let remove = json!([{"op": "remove", "path": "members", "value": values(&ids)}]);
    let mut held = faults.hold(&format!("TransactWriteItems #MEMBER#{id}"));
    let path = format!("/Groups/{group}");
    let meanwhile = async {
        held.arrived().await;
        scene.login("ada").await;
        assert_eq!(scene.members(&group).await, 1);
        held.release();
    };
    let (removed, ()) = futures::join!(scene.provider.patch(&path, remove), meanwhile);
    removed.expect(204);
    assert_eq!(scene.members(&group).await, 0);
    invariants::check(&scene.world.items().await);
}

/// More users than a request follows: the others follow by the queue.
#[tokio::test]
async fn a_large_group_follows_within_seconds() {
    let scene = Scene::open().await;
    let ids = scene.linked(&names(104)).await;
    let group = scene.group("Everyone", &ids).await;
    assert!(scene.members(&group).await > 0, "in the request");
    scene.wait_for_members(&group, 104).await;
    let none = json!({"displayName": "Everyone", "members": []});
    let path = format!("/Groups/{group}");
    let emptied = scene.provider.call("PUT", &path, Some(&none)).await;
    emptied.expect(200);
    scene.wait_for_members(&group, 0).await;
    invariants::check(&scene.world.items().await);
}

/// The timer finishes the work of a request that was cut off.
#[tokio::test]
async fn the_timer_takes_up_what_requests_have_left() {
    let scene = Scene::open().await;
    let ids = scene.linked(&names(3)).await;
    let group = scene.group("Sales", &ids).await;
    let root = scene.world.tenant_admin();
    // As a request that stopped after its write: its users are marked, and do not have it yet.
    let store = scene.world.store();
    let scope = scene.scope();
    let deleted = store
        .delete_scim_group(
            &scope,
            &GroupId::parse(group.as_str()).unwrap(),
            None,
            &origin(&scope),
        )
        .await
        .unwrap();
    assert_eq!(deleted.affected.len(), 3);
    assert_eq!(scene.members(&group).await, 3);
    let timer = format!(
        "{}/_local/timers/schedule-reconciles",
        scene.world.stack.url()
    );
    let scheduled = reqwest::Client::new().post(timer).send().await.unwrap();
    let scheduled: Value = scheduled.json().await.unwrap();
    let expected = json!({"queued": 1, "late": 0, "blocked": 0, "broken": 0, "failed": 0});
    assert_eq!(scheduled["result"], expected);
    scene.wait_for_members(&group, 0).await;
    let runs = root.get(&format!("{}/runs", scene.path)).await.expect(200);
    assert_eq!(runs.body["items"], json!([]), "it has no runs");
    invariants::check(&scene.world.items().await);
}
