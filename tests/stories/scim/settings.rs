//! The effect of the settings of a directory of type `scim` on its groups.

use serde_json::{Value, json};
use support::{World, invariants};

use super::live::Scene;
use super::take_up;

impl Scene {
    async fn with(settings: Value) -> Self {
        let scene = Self::of(World::start().await).await;
        scene.set(settings).await;
        scene
    }

    /// Changes the settings, and follows them.
    async fn set(&self, settings: Value) {
        let root = self.world.tenant_admin();
        let change = json!({"settings": settings});
        root.patch(&self.path, change).await.expect(200);
        take_up(&self.world, &self.scope()).await;
    }

    /// The linked directory user of Ada.
    async fn ada(&self) -> String {
        self.linked(&["ada".to_owned()]).await.remove(0)
    }

    async fn patch_group(&self, group: &str, operations: Value) {
        let path = format!("/Groups/{group}");
        self.provider.patch(&path, operations).await.expect(204);
    }

    /// Adds a member to a group, or removes it.
    async fn change(&self, group: &str, op: &str, id: &str) {
        let members = json!([{"op": op, "path": "members", "value": [{"value": id}]}]);
        self.patch_group(group, members).await;
    }

    async fn get(&self, path: String) -> Value {
        self.world.tenant_admin().get(&path).await.body
    }
}

#[tokio::test]
async fn a_mapped_group_gives_a_role_elsewhere() {
    let scene = Scene::with(json!({})).await;
    let ada = scene.ada().await;
    let group = scene.group("Leads", &[]).await;
    let boss = scene.world.user("boss");
    let office = scene.world.organization(&boss, "Office").await;
    let to = json!({"organization_id": office, "role": "manager"});
    scene.set(json!({"group_map": {&group: to}})).await;
    scene.change(&group, "add", &ada).await;
    let member = format!("/organizations/{office}/members/ada");
    let found = scene.get(member.clone()).await;
    assert_eq!(
        (&found["role"], &found["source"]),
        (&json!("manager"), &json!("scim"))
    );
    assert_eq!(scene.members(&group).await, 0, "no organization of its own");
    scene.set(json!({"group_map": null})).await;
    assert_eq!(scene.get(member).await["code"], "not-found");
    assert_eq!(scene.members(&group).await, 1);
    invariants::check(&scene.world.items().await);
}

#[tokio::test]
async fn a_group_makes_its_members_tenant_admins() {
    let scene = Scene::with(json!({})).await;
    let ada = scene.ada().await;
    let group = scene.group("Admins", &[]).await;
    scene.set(json!({"tenant_admin_groups": [group]})).await;
    let is_admin = async || {
        let items = scene.world.items().await.into_iter();
        let mut profiles = items.filter(|it| it["sk"] == "USER" && it["user_id"] == "ada");
        profiles.next().unwrap().get("directory_admin").cloned() == Some(json!(true))
    };
    assert!(!is_admin().await);
    scene.change(&group, "add", &ada).await;
    assert!(is_admin().await);
    scene.change(&group, "remove", &ada).await;
    assert!(!is_admin().await);
}

#[tokio::test]
async fn leaving_can_suspend_until_the_group_comes_back() {
    let scene = Scene::with(json!({"on_leave": "suspend"})).await;
    let ada = scene.ada().await;
    let group = scene.group("Sales", std::slice::from_ref(&ada)).await;
    let member = format!("/organizations/{group}/members/ada");
    let status = async || scene.get(member.clone()).await["status"].clone();
    assert_eq!(status().await, "active");
    scene.change(&group, "remove", &ada).await;
    assert_eq!(status().await, "suspended");
    let own = scene.world.user("ada");
    let organization = format!("/organizations/{group}");
    own.get(&organization).await.problem(404, "not-found");
    scene.change(&group, "add", &ada).await;
    assert_eq!(status().await, "active");
    own.get(&organization).await.expect(200);
    invariants::check(&scene.world.items().await);
}

#[tokio::test]
async fn teams_get_the_limits_of_the_settings() {
    let limits = json!({"models": ["gpt-5"], "max_budget": 10, "budget_duration": "30d",
        "tpm_limit": 100, "rpm_limit": 10});
    let settings = json!({"create_organizations": false, "default_team_params": limits});
    let scene = Scene::with(settings).await;
    let ada = scene.ada().await;
    let group = scene.group("Sales", &[ada]).await;
    let team = scene.get(format!("/teams/{group}")).await;
    for limit in ["models", "max_budget", "budget_duration", "tpm_limit"] {
        assert_eq!(team["limits"][limit], limits[limit], "{limit}: {team}");
    }
}

#[tokio::test]
async fn a_new_name_of_a_group_is_taken_over_if_set() {
    for is_refreshed in [true, false] {
        let scene = Scene::with(json!({"refresh_names": is_refreshed})).await;
        let ada = scene.ada().await;
        let group = scene.group("Sales", &[ada]).await;
        let rename = json!([{"op": "replace", "path": "displayName", "value": "Sales EMEA"}]);
        scene.patch_group(&group, rename).await;
        let shown = scene.get(format!("/organizations/{group}")).await;
        let expected = if is_refreshed { "Sales EMEA" } else { "Sales" };
        assert_eq!(shown["name"], expected);
    }
}

#[tokio::test]
async fn one_request_renames_a_group_and_changes_its_members() {
    let scene = Scene::with(json!({"group_filter": {"prefix": "App-"}})).await;
    let people = ["ada".to_owned(), "bob".to_owned(), "cyd".to_owned()];
    let ids = scene.linked(&people).await;
    let group = scene.group("App-Sales", &ids[..2]).await;
    let are_members = async || {
        let mut found = Vec::new();
        for name in &people {
            let path = format!("/organizations/{group}/members/{name}");
            found.push(scene.get(path).await["code"] != "not-found");
        }
        found
    };
    let change = async |name: &str, add: &str, remove: &str| {
        let operations = json!([
            {"op": "replace", "value": {"displayName": name}},
            {"op": "add", "path": "members", "value": [{"value": add}]},
            {"op": "remove", "path": format!("members[value eq \"{remove}\"]")},
        ]);
        scene.patch_group(&group, operations).await;
    };
    assert_eq!(are_members().await, [true, true, false]);
    change("App-Support", &ids[2], &ids[0]).await;
    assert_eq!(are_members().await, [false, true, true]);
    change("Support", &ids[0], &ids[1]).await;
    assert_eq!(are_members().await, [false; 3]);
    change("App-Sales", &ids[1], &ids[2]).await;
    assert_eq!(are_members().await, [true, true, false]);
    invariants::check(&scene.world.items().await);
}

/// Groups that are created again within a minute, whose ids begin with the same characters.
#[tokio::test]
async fn three_groups_of_one_name_have_an_organization_each() {
    let scene = Scene::with(json!({})).await;
    let ada = scene.ada().await;
    let mut names = Vec::new();
    for _ in 0..3 {
        let group = scene.group("Sales", std::slice::from_ref(&ada)).await;
        assert_eq!(scene.members(&group).await, 1);
        let shown = scene.get(format!("/organizations/{group}")).await;
        let (name, id) = (shown["name"].as_str().unwrap().to_owned(), &group);
        assert!(name == "Sales" || name == format!("Sales ({})", &id[id.len() - 8..]));
        names.push(name);
        let path = format!("/Groups/{group}");
        scene.provider.call("DELETE", &path, None).await.expect(204);
    }
    names.dedup();
    assert_eq!(names.len(), 3, "{names:?}");
    invariants::check(&scene.world.items().await);
}
