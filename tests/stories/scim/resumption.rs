//! Resuming what requests left: runs that fail, are cut off, or meet others.

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
pub(super) const LATER_PAGE: &str = "TransactWriteItems :last";
/// A membership that ends.
const REMOVED: &str = "TransactWriteItems membership.removed";

pub(super) const NOTHING: [Value; 0] = [];

impl Scene {
    pub(super) async fn faulty() -> (Self, Faults) {
        let (world, faults) = Faults::world(Options::default()).await;
        let scene = Self::of(world).await;
        // Its first settings.
        scene.take_up().await;
        (scene, faults)
    }

    /// Lets only groups of a prefix give something.
    pub(super) async fn filter(&self, prefix: Option<&str>) {
        let filter = prefix.map(|prefix| json!({"prefix": prefix}));
        let settings = json!({"settings": {"group_filter": filter}});
        let root = self.world.tenant_admin();
        root.patch(&self.path, settings).await.expect(200);
    }

    /// Returns the items of unfinished work that requests have left in the table.
    pub(super) async fn left(&self) -> Vec<Value> {
        let items = self.world.items().await.into_iter();
        let left = items.filter(|item| {
            let is_record = item["pk"].as_str().unwrap().ends_with("#PENDING");
            is_record || item.contains_key("unapplied")
        });
        left.map(Value::from).collect()
    }

    pub(super) async fn take_up(&self) {
        take_up(&self.world, &self.scope()).await;
    }

    /// Adds a member to a group, or removes it, in one request.
    pub(super) async fn change_member(&self, group: &str, op: &str, id: &str) {
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
async fn unfinished_changes_are_tried_again_soon() {
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
async fn resuming_is_retried_a_few_times() {
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
