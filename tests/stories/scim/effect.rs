//! The effect of the groups of a directory of type `scim`. The numbers are those of the cases that other products got
//! wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use muster::domain::{
    Clock, GroupId, Origin, ScimGroup, ScimMembersChange, ScimScope, ScimUser, ScimUserId,
};
use muster::store::{Error, Store};
use muster_directory::{ScimEffect, ScimReport};
use muster_local::Options;
use serde_json::{Value, json};
use support::{ACME, World, invariants};

use super::{created, origin, take_up};

/// A directory, and what its identity provider does.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) scope: ScimScope,
    pub(super) store: Store,
    clock: Clock,
    effect: ScimEffect,
    /// The offset of the clock of the functions in minutes.
    ahead: Arc<AtomicU64>,
}

impl Scene {
    pub(super) async fn open(settings: &Value) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let system = Clock::system();
        let minutes = Arc::clone(&ahead);
        let clock = Clock::from_fn(move || {
            let minutes = minutes.load(Ordering::Relaxed);
            let now = system.now().after(Duration::from_mins(minutes));
            (now, system.new_id())
        });
        let world = World::with(Options {
            clock: clock.clone(),
            ..Options::default()
        })
        .await;
        let (scope, body) = created(&world).await;
        let path = format!("/directories/{}", body["id"].as_str().unwrap());
        let root = world.tenant_admin();
        root.patch(&path, json!({"settings": settings}))
            .await
            .expect(200);
        Self {
            store: world.store().with_clock(clock.clone()),
            effect: ScimEffect::new(clock.clone()),
            world,
            scope,
            clock,
            ahead,
        }
    }

    fn origin(&self) -> Origin {
        origin(&self.scope)
    }

    /// Creates a directory user whose external id is the object id of that user.
    pub(super) async fn user(&self, name: &str, external_id: Option<&str>) -> ScimUserId {
        let user = ScimUser {
            id: ScimUserId::from(self.clock.new_id()),
            attributes: serde_json::Map::default(),
            user_name: name.to_lowercase(),
            external_id: external_id.map(str::to_owned),
            emails: BTreeSet::from([format!("{name}@acme.example")]),
            is_active: true,
            user_id: None,
            unapplied: None,
            version: 1,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        let made = self.store.create_scim_user(&self.scope, &user).await;
        made.unwrap().id
    }

    pub(super) async fn group(&self, name: &str) -> GroupId {
        let group = ScimGroup {
            id: GroupId::from(self.clock.new_id()),
            attributes: serde_json::Map::default(),
            name: name.parse().unwrap(),
            name_key: name.to_lowercase(),
            external_id: None,
            member_count: 0,
            version: 1,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        let (none, origin) = (BTreeSet::new(), self.origin());
        let made = self
            .store
            .create_scim_group(&self.scope, &group, &none, &origin);
        made.await.unwrap().resource.id
    }

    /// Changes the members of a group, and returns what followed.
    pub(super) async fn change(&self, group: &GroupId, change: ScimMembersChange) -> ScimReport {
        let affected = self.change_only(group, change).await;
        self.follow(&affected).await
    }

    /// Changes the members of a group, as a request that is cut off before anything follows.
    async fn change_only(&self, group: &GroupId, change: ScimMembersChange) -> Vec<ScimUserId> {
        let edit = |before: &ScimGroup| Ok::<_, Error>((before.clone(), change.clone()));
        let written = self
            .store
            .change_scim_group(&self.scope, group, None, &self.origin(), edit)
            .await;
        written.unwrap().affected
    }

    async fn follow(&self, affected: &[ScimUserId]) -> ScimReport {
        let report = self
            .effect
            .follow(&self.store, &self.scope, affected, &self.origin())
            .await;
        assert!(report.failures.is_empty(), "{report:?}");
        report
    }

    pub(super) async fn set_active(&self, user: &ScimUserId, is_active: bool) {
        let edit = |before: &ScimUser, _| {
            Ok::<_, Error>(ScimUser {
                is_active,
                ..before.clone()
            })
        };
        let written = self
            .store
            .change_scim_user(&self.scope, user, None, edit)
            .await;
        self.follow(&written.unwrap().affected).await;
    }

    /// Deletes a directory user.
    pub(super) async fn delete(&self, user: &ScimUserId) {
        let (store, origin) = (&self.store, self.origin());
        let deleted = store.delete_scim_user(&self.scope, user, None, &origin);
        assert!(deleted.await.unwrap().is_finished);
    }

    pub(super) async fn linked(&self, user: &ScimUserId) -> Option<String> {
        let user = self.store.scim_user(&self.scope, user).await.unwrap();
        user.unwrap().user_id.map(String::from)
    }

    pub(super) async fn login(&self, user: &str) {
        self.login_with(user, json!({})).await;
    }

    /// Signs in a user whose object id is `object-<user>`, with these attributes as well.
    pub(super) async fn login_with(&self, user: &str, attributes: Value) {
        self.ahead.fetch_add(2, Ordering::Relaxed);
        let mut all = json!({
            "sub": user, "custom:tenant_id": ACME, "email": format!("{user}@acme.example"),
            "email_verified": "false", "custom:entra_object_id": format!("object-{user}"),
        });
        let more = attributes.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(more);
        let event = json!({"triggerSource": "PostAuthentication_Authentication",
            "request": {"userAttributes": all}, "response": {}});
        assert_eq!(self.world.invoke("post-login", &event).await, event);
    }

    /// The memberships of a user in organizations and teams: id, role or `team`, status and source.
    pub(super) async fn memberships(&self, user: &str) -> Vec<String> {
        let mut all: Vec<_> = self
            .world
            .items()
            .await
            .into_iter()
            .filter(|item| item["pk"] == format!("TENANT#{ACME}#USER#{user}"))
            .filter_map(|item| {
                let text = |name: &str| item.get(name).and_then(Value::as_str);
                let sk = text("sk")?;
                let place = sk.starts_with("ORG#") || sk.starts_with("TEAM#");
                let (status, source) = (text("status")?, text("source")?);
                let kind = sk.split('#').next()?;
                place.then(|| format!("{kind} {status} {source}"))
            })
            .collect();
        all.sort();
        all
    }

    pub(super) async fn is_disabled(&self, user: &str) -> bool {
        let root = self.world.tenant_admin();
        let profile = root.get(&format!("/users/{user}")).await.expect(200);
        profile.body["status"] == "disabled"
    }

    pub(super) async fn events(&self, event_type: &str) -> Vec<Value> {
        let root = self.world.tenant_admin();
        root.all(&format!("/events?type={event_type}")).await
    }

    pub(super) async fn check(&self) {
        invariants::check(&self.world.items().await);
    }
}

pub(super) fn adding(users: &[&ScimUserId]) -> ScimMembersChange {
    ScimMembersChange::Some {
        add: users.iter().map(ToString::to_string).collect(),
        remove: BTreeSet::new(),
    }
}

fn removing(users: &[&ScimUserId]) -> ScimMembersChange {
    ScimMembersChange::Some {
        add: BTreeSet::new(),
        remove: users.iter().map(ToString::to_string).collect(),
    }
}

pub(super) const BOTH: [&str; 2] = ["ORG active scim", "TEAM active scim"];
pub(super) const NONE: [&str; 0] = [];

/// The settings of most tests.
pub(super) fn organizations() -> Value {
    json!({"create_organizations": true})
}

#[tokio::test]
async fn changes_of_the_provider_name_the_user() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    let group = scene.group("First").await;
    scene.login_with("ada", json!({"name": "Ada"})).await;
    scene.change(&group, adding(&[&ada])).await;
    scene.change(&group, removing(&[&ada])).await;
    scene.set_active(&ada, false).await;
    let expected = json!({"type": "user", "id": "ada", "name": "Ada"});
    for event_type in [
        "membership.added",
        "membership.removed",
        "team_membership.added",
        "user.disabled",
    ] {
        let events = scene.events(event_type).await;
        assert_eq!(events.len(), 1, "{event_type}: {events:?}");
        assert_eq!(events[0]["actor"]["type"], "scim");
        assert_eq!(events[0]["targets"][0], expected);
    }
}

#[tokio::test]
async fn a_group_gives_memberships_at_login_and_at_once() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    let (first, second) = (scene.group("First").await, scene.group("Second").await);
    let report = scene.change(&first, adding(&[&ada])).await;
    assert_eq!(report.followed, 0, "not linked yet");
    scene.login("ada").await;
    assert_eq!(scene.linked(&ada).await.as_deref(), Some("ada"));
    assert_eq!(scene.memberships("ada").await, BOTH);
    let report = scene.change(&second, adding(&[&ada])).await;
    assert_eq!((report.followed, report.left.len()), (1, 0));
    assert_eq!(scene.memberships("ada").await.len(), 4);
    let added = scene.events("membership.added").await;
    assert_eq!(added[0]["actor"]["type"], "scim");
    // The same again changes nothing.
    let report = scene.change(&second, adding(&[&ada])).await;
    assert_eq!(report.counts.memberships_made, 0);
    scene.change(&second, removing(&[&ada])).await;
    assert_eq!(scene.memberships("ada").await, BOTH);
    // No one can leave what the directory gives.
    let member = format!("/organizations/{first}/members/ada");
    let refused = scene.world.tenant_admin().delete(&member).await;
    refused.problem(409, "directory-managed");
    scene.check().await;
}

/// 27: What SCIM did not give does not change, and neither does the last owner.
#[tokio::test]
async fn case_27_what_others_gave_and_the_last_owner_stay() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    let group = scene.group("First").await;
    scene.change(&group, adding(&[&ada])).await;
    scene.login("ada").await;
    let by_hand = scene
        .world
        .organization(&scene.world.user("ada"), "Hers")
        .await;
    let root = scene.world.tenant_admin();
    let member = format!("/organizations/{group}/members/ada");
    root.patch(&member, json!({"role": "owner"}))
        .await
        .expect(200);
    scene.change(&group, removing(&[&ada])).await;
    let left = ["ORG active manual", "ORG active manual"];
    assert_eq!(scene.memberships("ada").await, left);
    let own = format!("/organizations/{by_hand}/members/ada");
    assert_eq!(root.get(&own).await.expect(200).body["role"], "owner");
    let events = scene.events("membership.role_changed").await;
    let source = &events[0]["changes"]["source"];
    assert_eq!(
        (&source["from"], &source["to"]),
        (&json!("scim"), &json!("manual"))
    );
    assert_eq!(events[0]["actor"]["type"], "scim");
    scene.check().await;
}

/// As a request that is cut off after its write.
#[tokio::test]
async fn a_change_that_is_cut_off_is_taken_up() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    let group = scene.group("First").await;
    scene.change(&group, adding(&[&ada])).await;
    scene.login("ada").await;
    scene.change_only(&group, removing(&[&ada])).await;
    assert_eq!(scene.memberships("ada").await, BOTH);
    take_up(&scene.world, &scene.scope).await;
    assert_eq!(scene.memberships("ada").await, NONE);
    let unapplied = scene.store.unapplied_scim_users(&scene.scope, None, 10);
    assert_eq!(unapplied.await.unwrap(), [], "the mark is gone");
}

#[tokio::test]
async fn a_paused_directory_changes_nothing_until_it_is_active() {
    let scene = Scene::open(&organizations()).await;
    let ada = scene.user("ada", Some("object-ada")).await;
    let group = scene.group("First").await;
    scene.login("ada").await;
    let path = format!("/directories/{}", scene.scope.directory_id);
    let root = scene.world.tenant_admin();
    let set = async |status: &str| {
        root.patch(&path, json!({"status": status}))
            .await
            .expect(200)
    };
    set("paused").await;
    let report = scene.change(&group, adding(&[&ada])).await;
    assert_eq!((report.followed, report.left.len()), (0, 0));
    assert_eq!(scene.memberships("ada").await, NONE);
    take_up(&scene.world, &scene.scope).await;
    assert_eq!(scene.memberships("ada").await, NONE);
    set("active").await;
    take_up(&scene.world, &scene.scope).await;
    assert_eq!(scene.memberships("ada").await, BOTH);
}

#[tokio::test]
async fn settings_map_groups_and_roles_by_name() {
    let settings = json!({
        "create_organizations": true, "link_by": "user_id",
        "group_filter": {"prefix": "App-"}, "role_map": {"App-Leads": "manager"},
    });
    let scene = Scene::open(&settings).await;
    let ada = scene.user("ada", Some("ada")).await;
    let (leads, other) = (scene.group("App-Leads").await, scene.group("Other").await);
    scene.change(&leads, adding(&[&ada])).await;
    scene.change(&other, adding(&[&ada])).await;
    scene
        .login_with("ada", json!({"custom:entra_object_id": null}))
        .await;
    assert_eq!(scene.memberships("ada").await, BOTH);
    let root = scene.world.tenant_admin();
    let member = format!("/organizations/{leads}/members/ada");
    assert_eq!(root.get(&member).await.expect(200).body["role"], "manager");
}

#[tokio::test]
async fn deleting_the_directory_keeps_or_removes_what_it_gave() {
    for (what, left) in [
        ("keep", vec!["ORG active manual", "TEAM active manual"]),
        ("remove", vec![]),
    ] {
        let scene = Scene::open(&organizations()).await;
        let ada = scene.user("ada", Some("object-ada")).await;
        let group = scene.group("First").await;
        scene.change(&group, adding(&[&ada])).await;
        scene.login("ada").await;
        let path = format!(
            "/directories/{}?memberships={what}",
            scene.scope.directory_id
        );
        scene.world.tenant_admin().delete(&path).await.expect(204);
        assert_eq!(scene.memberships("ada").await, left, "{what}");
    }
}
