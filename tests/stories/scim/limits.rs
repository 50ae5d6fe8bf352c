//! The limits of lists and filters, at the limit and beyond it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use support::World;

use super::client::Provider;
use super::created;

/// A directory, whose counters a test sets.
struct Scene {
    world: World,
    provider: Provider,
    /// The partition of the users and groups.
    partition: String,
}

impl Scene {
    async fn open() -> Self {
        let world = World::start().await;
        let (scope, made) = created(&world).await;
        Self {
            world,
            provider: Provider::of(&made),
            partition: format!(
                "TENANT#{}#DIRECTORY#{}",
                scope.tenant_id, scope.directory_id
            ),
        }
    }

    async fn count(&self, sk: &str, attribute: &str, count: usize) {
        let count = AttributeValue::N(count.to_string());
        let set = self.world.tamper(&self.partition, sk, attribute, count);
        set.await;
    }

    async fn list(&self, path: &str) -> Value {
        self.provider.get(path).await.expect(200).body
    }
}

#[tokio::test]
async fn a_filter_without_an_index_reads_a_thousand_at_most() {
    let scene = Scene::open().await;
    scene.provider.user("ada@acme.example").await;
    let group = json!({"displayName": "Sales"});
    scene.provider.post("/Groups", group).await.expect(201);
    for (kind, count, filter, indexed) in [
        (
            "Users",
            "users",
            "userName%20sw%20%22ada%22",
            "userName%20eq%20%22ada@acme.example%22",
        ),
        (
            "Groups",
            "groups",
            "displayName%20sw%20%22Sa%22",
            "displayName%20eq%20%22Sales%22",
        ),
    ] {
        let path = format!("/{kind}?filter={filter}");
        scene.count("COUNT", count, 1_000).await;
        assert_eq!(scene.list(&path).await["totalResults"], 1, "{kind}");
        scene.count("COUNT", count, 1_001).await;
        let refused = scene.provider.get(&path).await;
        refused.error(400, Some("tooMany"));
        let path = format!("/{kind}?filter={indexed}");
        assert_eq!(scene.list(&path).await["totalResults"], 1, "{kind}");
    }
}

#[tokio::test]
async fn a_list_names_ten_thousand_members_at_most() {
    let scene = Scene::open().await;
    let id = scene.provider.user("ada@acme.example").await;
    let group = json!({"displayName": "Sales", "members": [{"value": id}]});
    let group = scene.provider.post("/Groups", group).await.expect(201);
    let group = group.id();
    let sk = format!("GROUP#{group}");
    for (count, is_named) in [(10_000, true), (10_001, false)] {
        scene.count(&sk, "member_count", count).await;
        let list = scene.list("/Groups").await;
        let members = &list["Resources"][0]["members"];
        assert_eq!(members.is_array(), is_named, "{count}");
        assert_eq!(list["totalResults"], 1);
        // One by one, they are named.
        assert_eq!(scene.provider.members(&group).await.len(), 1);
    }
}

#[tokio::test]
async fn a_list_has_four_megabytes_at_most() {
    let scene = Scene::open().await;
    for n in 0..45 {
        let body = json!({"userName": format!("u{n:02}"), "displayName": "x".repeat(98_000)});
        scene.provider.post("/Users", body).await.expect(201);
    }
    let (mut start, mut seen, mut pages) = (1, Vec::new(), 0);
    while seen.len() < 45 {
        let path = format!("/Users?startIndex={start}");
        let list = scene.list(&path).await;
        assert!(list.to_string().len() < 4_200_000);
        assert_eq!(list["totalResults"], 45);
        let page = list["Resources"].as_array().unwrap();
        assert_eq!(list["itemsPerPage"], page.len());
        assert!(!page.is_empty());
        seen.extend(page.iter().map(|user| user["userName"].clone()));
        start += page.len();
        pages += 1;
    }
    assert_eq!(pages, 2);
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!(seen.len(), 45);
}
