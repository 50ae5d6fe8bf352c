//! What requests have left, and take-ups that fail, are cut off, or meet others.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use muster_local::Options;
use serde_json::{Value, json};
use support::{Fault, Faults, invariants};

use super::live::{Scene, names, values};
use super::take_up;

/// The transactions that mark users: the first page, and each after it.
const FIRST_PAGE: &str = "TransactWriteItems attribute_not_exists(#marked_to)";
const LATER_PAGE: &str = "TransactWriteItems :last";
/// A membership that ends.
const REMOVED: &str = "TransactWriteItems membership.removed";

const NOTHING: [Value; 0] = [];

impl Scene {
    async fn faulty() -> (Self, Faults) {
        let (world, faults) = Faults::world(Options::default()).await;
        let scene = Self::of(world).await;
        // Its first settings.
        scene.take_up().await;
        (scene, faults)
    }

    /// Lets only groups of a prefix give something.
    async fn filter(&self, prefix: Option<&str>) {
        let filter = prefix.map(|prefix| json!({"prefix": prefix}));
        let settings = json!({"settings": {"group_filter": filter}});
        let root = self.world.tenant_admin();
        root.patch(&self.path, settings).await.expect(200);
    }

    /// What requests have left in the table.
    async fn left(&self) -> Vec<Value> {
        let items = self.world.items().await.into_iter();
        let left = items.filter(|item| {
            let is_record = item["pk"].as_str().unwrap().ends_with("#PENDING");
            is_record || item.contains_key("unapplied")
        });
        left.map(Value::from).collect()
    }

    async fn take_up(&self) {
        take_up(&self.world, &self.scope()).await;
    }

    /// Adds a member to a group, or removes it, in one request.
    async fn change_member(&self, group: &str, op: &str, id: &str) {
        let body = json!([{"op": op, "path": "members", "value": [{"value": id}]}]);
        let path = format!("/Groups/{group}");
        self.provider.patch(&path, body).await.expect(204);
    }
}

/// Everyone is marked in pages, and each saves its place.
#[tokio::test]
async fn marking_everyone_continues_where_it_stopped() {
    let (scene, faults) = Scene::faulty().await;
    let ids = scene.linked(&names(40)).await;
    let group = scene.group("Sales", &ids).await;
    scene.take_up().await;
    assert_eq!(scene.members(&group).await, 40);
    scene.filter(Some("App-")).await;
    faults.always(LATER_PAGE, Fault::Validation);
    scene.take_up().await;
    // Those who are marked follow, although the record is not finished.
    assert_eq!(scene.members(&group).await, 8);
    faults.stop();
    // It does not begin again.
    faults.always(FIRST_PAGE, Fault::Validation);
    scene.take_up().await;
    assert_eq!(scene.members(&group).await, 0);
    assert_eq!(scene.left().await, NOTHING);
    invariants::check(&scene.world.items().await);
}

/// A new name of a group marks its members in the same way.
#[tokio::test]
async fn a_new_name_continues_where_it_stopped() {
    let (scene, faults) = Scene::faulty().await;
    scene.filter(Some("App-")).await;
    let ids = scene.linked(&names(40)).await;
    let group = scene.group("App-Sales", &ids).await;
    scene.take_up().await;
    assert_eq!(scene.members(&group).await, 40);
    faults.always(LATER_PAGE, Fault::Validation);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Sales"}]);
    let path = format!("/Groups/{group}");
    scene.provider.patch(&path, rename).await.expect(204);
    faults.stop();
    faults.always(FIRST_PAGE, Fault::Validation);
    scene.take_up().await;
    assert_eq!(scene.members(&group).await, 0);
    assert_eq!(scene.left().await, NOTHING);
}

#[tokio::test]
async fn one_change_that_fails_does_not_stop_the_others() {
    let (scene, faults) = Scene::faulty().await;
    let people = ["ada".to_owned(), "bob".to_owned()];
    let ids = scene.linked(&people).await;
    let mut groups = Vec::new();
    for (name, id) in people.iter().zip(&ids) {
        groups.push(scene.group(name, std::slice::from_ref(id)).await);
    }
    faults.always(REMOVED, Fault::Validation);
    for id in &ids {
        let path = format!("/Users/{id}");
        scene.provider.call("DELETE", &path, None).await.expect(204);
    }
    faults.stop();
    let members = async || {
        let (first, second) = (&groups[0], &groups[1]);
        (scene.members(first).await, scene.members(second).await)
    };
    assert_eq!(members().await, (1, 1));
    faults.always(&format!("{REMOVED} {}", groups[0]), Fault::Validation);
    scene.take_up().await;
    assert_eq!(members().await, (1, 0));
    faults.stop();
    scene.take_up().await;
    assert_eq!(members().await, (0, 0));
    assert_eq!(scene.left().await, NOTHING);
    invariants::check(&scene.world.items().await);
}

/// No timer is needed: the take-up puts itself on the queue again.
#[tokio::test]
async fn what_a_take_up_could_not_do_is_tried_again_soon() {
    let options = Options {
        event_sources: true,
        ..Options::default()
    };
    let (world, faults) = Faults::world(options).await;
    let scene = Scene::of(world).await;
    let ids = scene.linked(&names(1)).await;
    let group = scene.group("Sales", &ids).await;
    faults.always(REMOVED, Fault::Validation);
    scene.change_member(&group, "remove", &ids[0]).await;
    // The message of the request is done by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    faults.stop();
    assert_eq!(scene.members(&group).await, 1);
    scene.wait_for_members(&group, 0).await;
}

fn queues(scene: &Scene) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(scene.world.stack.services_url());
    Client::from_conf(config.build())
}

/// The messages of the queue of runs that can be received now.
async fn received(scene: &Scene) -> Vec<Value> {
    let messages = queues(scene)
        .receive_message()
        .queue_url("ReconcileQueue")
        .max_number_of_messages(10)
        .wait_time_seconds(4);
    let messages = messages.send().await.unwrap().messages.unwrap_or_default();
    let bodies = messages.iter().map(|message| message.body().unwrap());
    bodies
        .map(|body| serde_json::from_str(body).unwrap())
        .collect()
}

#[tokio::test]
async fn a_take_up_is_tried_again_a_few_times_only() {
    let (scene, faults) = Scene::faulty().await;
    let ids = scene.linked(&names(1)).await;
    let group = scene.group("Sales", &ids).await;
    received(&scene).await;
    faults.always(REMOVED, Fault::Validation);
    scene.change_member(&group, "remove", &ids[0]).await;
    let scope = scene.scope();
    let mut task = json!({"tenant_id": scope.tenant_id, "directory_id": scope.directory_id});
    assert_eq!(received(&scene).await, std::slice::from_ref(&task));
    let run = async |task: &Value| {
        let batch = json!({"Records": [{"messageId": "m-1", "body": task.to_string()}]});
        let done = scene.world.invoke("reconcile-directory", &batch).await;
        assert_eq!(done, json!({"batchItemFailures": []}));
    };
    run(&task).await;
    task["tries"] = json!(1);
    assert_eq!(received(&scene).await, std::slice::from_ref(&task));
    let delayed = async || {
        let name = QueueAttributeName::ApproximateNumberOfMessagesDelayed;
        let read = queues(&scene).get_queue_attributes();
        let read = read
            .queue_url("ReconcileQueue")
            .attribute_names(name.clone());
        read.send().await.unwrap().attributes.unwrap()[&name].clone()
    };
    for (tries, expected) in [(5, "1"), (6, "1")] {
        task["tries"] = json!(tries);
        run(&task).await;
        assert_eq!(delayed().await, expected, "{tries}");
    }
    faults.stop();
    scene.take_up().await;
    assert_eq!(scene.members(&group).await, 0);
}

#[tokio::test]
async fn two_take_ups_at_once_do_each_change_once() {
    let (scene, faults) = Scene::faulty().await;
    let ids = scene.linked(&names(40)).await;
    faults.always("TransactWriteItems membership.added", Fault::Validation);
    let group = scene.group("Sales", &ids).await;
    assert_eq!(scene.members(&group).await, 0);
    faults.stop();
    // The lease keeps a second one out. Without it they do no harm either.
    let effect = muster_directory::ScimEffect::new(muster::domain::Clock::system());
    let (store, scope) = (scene.world.store(), scene.scope());
    let origin = super::origin(&scope);
    let until = tokio::time::Instant::now() + Duration::from_mins(1);
    let run = || effect.take_up(&store, &scope, &origin, until);
    let (one, other, ()) = futures::join!(run(), run(), scene.take_up());
    for report in [one.unwrap(), other.unwrap()] {
        assert!(!report.is_unfinished(), "{report:?}");
    }
    assert_eq!(scene.members(&group).await, 40);
    assert_eq!(scene.left().await, NOTHING);
    let added = scene.world.tenant_admin();
    let added = added
        .all("/events?type=membership.added&limit=100")
        .await
        .len();
    assert_eq!(added, 40);
    invariants::check(&scene.world.items().await);
}

/// A request follows a user by the settings that it has read, while newer ones are followed completely.
#[tokio::test]
async fn newer_settings_win_over_a_request_under_way() {
    let (scene, faults) = Scene::faulty().await;
    let ids = scene.linked(&names(1)).await;
    let group = scene.group("Sales", &[]).await;
    let mut held = faults.hold("TransactWriteItems membership.added");
    let meanwhile = async {
        held.arrived().await;
        scene.filter(Some("App-")).await;
        scene.take_up().await;
        assert_eq!(scene.left().await, NOTHING);
        held.release();
    };
    futures::join!(scene.change_member(&group, "add", &ids[0]), meanwhile);
    assert_eq!(scene.members(&group).await, 1, "by the settings before");
    scene.take_up().await;
    assert_eq!(scene.members(&group).await, 0);
    assert_eq!(scene.left().await, NOTHING);
    invariants::check(&scene.world.items().await);
}

/// As before, with a login of a user who is not marked.
#[tokio::test]
async fn newer_settings_win_over_a_login_under_way() {
    let (scene, faults) = Scene::faulty().await;
    scene.filter(Some("App-")).await;
    scene.take_up().await;
    let ids = scene.linked(&["ada".to_owned()]).await;
    let group = scene.group("Sales", &ids).await;
    scene.filter(None).await;
    let mut held = faults.hold("TransactWriteItems membership.added");
    let meanwhile = async {
        held.arrived().await;
        scene.filter(Some("App-")).await;
        scene.take_up().await;
        assert_eq!(scene.left().await, NOTHING);
        held.release();
    };
    futures::join!(scene.login("ada"), meanwhile);
    assert_eq!(scene.members(&group).await, 1, "by the settings before");
    scene.take_up().await;
    assert_eq!(scene.members(&group).await, 0);
    assert_eq!(scene.left().await, NOTHING);
}

/// Settings that change again while everyone is marked for the first change.
#[tokio::test]
async fn newer_settings_are_marked_from_the_beginning() {
    let (scene, faults) = Scene::faulty().await;
    let ids = scene.linked(&names(40)).await;
    let group = scene.group("Sales", &ids).await;
    scene.take_up().await;
    scene.filter(Some("S")).await;
    let mut held = faults.hold(LATER_PAGE);
    let meanwhile = async {
        held.arrived().await;
        scene.filter(Some("App-")).await;
        held.release();
    };
    futures::join!(scene.take_up(), meanwhile);
    assert_eq!(scene.members(&group).await, 0);
    assert_eq!(scene.left().await, NOTHING);
}

/// The mark of a user goes with a later change, while an earlier one is still carried out and then fails.
#[tokio::test]
async fn a_user_is_marked_again_when_following_them_fails() {
    let (scene, faults) = Scene::faulty().await;
    let root = scene.world.tenant_admin();
    let settings = json!({"settings": {"create_organizations": false}});
    root.patch(&scene.path, settings).await.expect(200);
    scene.take_up().await;
    let ids = scene.linked(&names(1)).await;
    let group = scene.group("Sales", &ids).await;
    let member = format!("/teams/{group}/members/user-000");
    root.get(&member).await.expect(200);
    let mut held = faults.hold("TransactWriteItems team_membership.removed");
    let meanwhile = async {
        held.arrived().await;
        scene.change_member(&group, "add", &ids[0]).await;
        assert_eq!(scene.left().await, NOTHING);
        faults.always(
            "TransactWriteItems team_membership.added",
            Fault::Validation,
        );
        held.release();
    };
    futures::join!(scene.change_member(&group, "remove", &ids[0]), meanwhile);
    faults.stop();
    root.get(&member).await.problem(404, "not-found");
    scene.take_up().await;
    root.get(&member).await.expect(200);
    assert_eq!(scene.left().await, NOTHING);
    invariants::check(&scene.world.items().await);
}

/// Access that could not be changed: each kind of request answers 503, and does it when it is repeated.
#[tokio::test]
async fn what_answered_503_is_done_when_it_is_repeated() {
    let (scene, faults) = Scene::faulty().await;
    let id = scene.linked(&names(1)).await.remove(0);
    let user = format!("/Users/{id}");
    let root = scene.world.tenant_admin();
    let status = async || {
        let shown = root.get("/users/user-000").await.expect(200);
        shown.body["status"].as_str().unwrap().to_owned()
    };
    let patched = |is_active: bool| {
        let operations = json!([{"op": "replace", "path": "active", "value": is_active}]);
        ("PATCH", user.clone(), json!({"Operations": operations}))
    };
    let body = |is_active: bool| json!({"userName": "user-000", "active": is_active, "externalId": "user-000"});
    let put = |is_active: bool| ("PUT", user.clone(), body(is_active));
    let post = ("POST", "/Users".to_owned(), body(true));
    for (request, done, expected) in [
        (patched(false), 200, "disabled"),
        (patched(true), 200, "enabled"),
        (put(false), 200, "disabled"),
        (post, 201, "enabled"),
        (patched(false), 200, "disabled"),
        (put(true), 200, "enabled"),
    ] {
        let (method, path, body) = request;
        let before = status().await;
        assert_ne!(before, expected);
        faults.always(
            &format!("TransactWriteItems user.{expected}"),
            Fault::Validation,
        );
        let failed = scene.provider.call(method, &path, Some(&body)).await;
        failed.error(503, None);
        assert_eq!(status().await, before, "{method} {expected}");
        faults.stop();
        let again = scene.provider.call(method, &path, Some(&body)).await;
        assert_eq!(again.expect(done).id(), id, "{method}");
        assert_eq!(status().await, expected, "{method}");
        assert_eq!(scene.left().await, NOTHING);
    }
    // The user is active, and nothing is left to do for a repeated creation.
    let twin = scene.provider.post("/Users", body(true)).await;
    twin.error(409, Some("uniqueness"));
    invariants::check(&scene.world.items().await);
}

/// It was written, and its answer was an error: the version that it names is not the current one any more.
#[tokio::test]
async fn a_repeated_request_may_name_the_version_before() {
    let (scene, faults) = Scene::faulty().await;
    let id = scene.linked(&names(1)).await.remove(0);
    let path = format!("/Users/{id}");
    let etag = scene.provider.get(&path).await.expect(200).etag.unwrap();
    let deactivate = |path: &str, operations: Value| {
        let request = scene.provider.request("PATCH", path);
        request
            .header("if-match", &etag)
            .header("content-type", "application/json")
            .body(json!({"Operations": operations}).to_string())
    };
    let active = |value: bool| json!([{"op": "replace", "path": "active", "value": value}]);
    faults.always("TransactWriteItems user.disabled", Fault::Validation);
    let failed = scene.provider.send(deactivate(&path, active(false))).await;
    failed.error(503, None);
    faults.stop();
    let again = scene.provider.send(deactivate(&path, active(false))).await;
    assert_ne!(again.expect(200).etag.as_ref(), Some(&etag));
    let root = scene.world.tenant_admin();
    let shown = root.get("/users/user-000").await.expect(200);
    assert_eq!(shown.body["status"], "disabled");
    // What would change something is refused.
    let back = scene.provider.send(deactivate(&path, active(true))).await;
    back.error(412, None);

    let group = format!("/Groups/{}", scene.group("Sales", &[]).await);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let added = scene.provider.send(deactivate(&group, add.clone())).await;
    added.expect(204);
    let again = scene.provider.send(deactivate(&group, add.clone())).await;
    again.expect(204);
    let remove = json!([{"op": "remove", "path": "members", "value": [{"value": id}]}]);
    let back = scene.provider.send(deactivate(&group, remove)).await;
    back.error(412, None);
    let unknown = json!([{"op": "add", "path": "members", "value": [{"value": "x"}]}]);
    let refused = scene.provider.send(deactivate(&group, unknown)).await;
    refused.error(412, None);
}

/// Many directory users share what a login is found by, and only one of them is active.
#[tokio::test]
async fn of_more_than_ten_users_with_one_id_none_is_linked() {
    let (scene, _) = Scene::faulty().await;
    let body =
        |n: usize| json!({"userName": format!("twin-{n}"), "externalId": "ada", "active": n == 0});
    let mut ids = Vec::new();
    for n in 0..10 {
        let made = scene.provider.post("/Users", body(n)).await;
        ids.push(made.expect(201).id());
    }
    let more = scene.provider.post("/Users", body(10)).await.expect(201);
    let filter = "/Users?filter=externalId%20eq%20%22ada%22";
    let found = scene.provider.get(filter).await.expect(200);
    assert_eq!(found.body["totalResults"], 11);
    scene.login("ada").await;
    let is_linked = async || {
        let items = scene.world.items().await;
        let mut users = items.iter().filter(|item| item.contains_key("scim_user"));
        users.any(|item| item["user_id"] == "ada")
    };
    assert!(!is_linked().await);
    let path = format!("/Users/{}", more.id());
    scene.provider.call("DELETE", &path, None).await.expect(204);
    scene.login("ada").await;
    assert!(is_linked().await);
}

/// A group loses a member that was deleted before its recorded change was carried out: its version says so.
#[tokio::test]
async fn a_version_names_one_state_of_the_members() {
    let (scene, faults) = Scene::faulty().await;
    let mut ids = Vec::new();
    for name in names(34) {
        ids.push(scene.provider.user(&name).await);
    }
    faults.always("TransactWriteItems #done", Fault::Validation);
    let group = scene.group("Sales", &ids).await;
    let user = format!("/Users/{}", ids[33]);
    scene.provider.call("DELETE", &user, None).await.expect(204);
    let path = format!("/Groups/{group}");
    let before = scene.provider.get(&path).await.expect(200);
    assert_eq!(before.body["members"].as_array().unwrap().len(), 34);
    faults.stop();
    scene.take_up().await;
    let after = scene.provider.get(&path).await.expect(200);
    assert_eq!(after.body["members"].as_array().unwrap().len(), 33);
    assert_ne!(before.etag, after.etag);
    let etag = before.etag.unwrap();
    let held = scene.provider.request("GET", &path);
    let held = held.header("if-none-match", &etag);
    scene.provider.send(held).await.expect(200);
    let rename = json!({"Operations": [{"op": "replace", "path": "displayName", "value": "S"}]});
    let rename = scene
        .provider
        .request("PATCH", &path)
        .header("if-match", &etag)
        .header("content-type", "application/json")
        .body(rename.to_string());
    scene.provider.send(rename).await.error(412, None);
}

/// A group or a linked member is deleted while a recorded change of many members is carried out.
#[tokio::test]
async fn deletions_during_a_recorded_change_leave_nothing() {
    for what in ["member", "group"] {
        let (scene, faults) = Scene::faulty().await;
        let mut ids = scene.linked(&names(1)).await;
        for name in &names(40)[1..] {
            ids.push(scene.provider.user(name).await);
        }
        let group = scene.group("Sales", &ids[..1]).await;
        assert_eq!(scene.members(&group).await, 1);
        let path = format!("/Groups/{group}");
        let body = json!({"displayName": "Sales", "members": values(&ids[1..])});
        // The batch that removes the linked member.
        let mut held = faults.hold("TransactWriteItems #done");
        let gone = if what == "group" {
            path.clone()
        } else {
            format!("/Users/{}", ids[0])
        };
        let meanwhile = async {
            held.arrived().await;
            let deleted = scene.provider.call("DELETE", &gone, None);
            let release = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                held.release();
            };
            futures::join!(deleted, release).0.expect(204);
        };
        let replaced = scene.provider.call("PUT", &path, Some(&body));
        let (replaced, ()) = futures::join!(replaced, meanwhile);
        assert!([200, 404].contains(&replaced.status), "{replaced:?}");
        scene.take_up().await;
        assert_eq!(scene.members(&group).await, 0, "{what}");
        let left = if what == "group" { 0 } else { 39 };
        if left > 0 {
            assert_eq!(scene.provider.members(&group).await.len(), left);
        }
        let items = scene.world.items().await;
        let memberships = items.iter().filter(|item| {
            let is_member = item["sk"].as_str().unwrap().starts_with("MEMBER#");
            is_member && item["pk"].as_str().unwrap().contains("#GROUP#")
        });
        assert_eq!(memberships.count(), left, "{what}");
        assert_eq!(scene.left().await, NOTHING, "{what}");
        invariants::check(&items);
    }
}
