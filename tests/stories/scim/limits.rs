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

    async fn count(&self, place: &str, sk: &str, attribute: &str, count: usize) {
        let count = AttributeValue::N(count.to_string());
        let pk = format!("{}{place}", self.partition);
        self.world.tamper(&pk, sk, attribute, count).await;
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
    for (kind, prefix, filter, indexed) in [
        (
            "Users",
            "USER#",
            "userName%20sw%20%22ada%22",
            "userName%20eq%20%22ada@acme.example%22",
        ),
        (
            "Groups",
            "GROUP#",
            "displayName%20sw%20%22Sa%22",
            "displayName%20eq%20%22Sales%22",
        ),
    ] {
        let path = format!("/{kind}?filter={filter}");
        // Besides the one that exists.
        scene.count("#NUMBERS", prefix, "n00", 999).await;
        assert_eq!(scene.list(&path).await["totalResults"], 1, "{kind}");
        scene.count("#NUMBERS", prefix, "n00", 1_000).await;
        let refused = scene.provider.get(&path).await;
        refused.error(400, Some("tooMany"));
        let path = format!("/{kind}?filter={indexed}");
        assert_eq!(scene.list(&path).await["totalResults"], 1, "{kind}");
    }
}

#[tokio::test]
async fn a_value_that_more_than_a_thousand_have_is_refused() {
    let scene = Scene::open().await;
    let id = scene.provider.user("ada@acme.example").await;
    let of_member = format!("#MEMBER#{id}");
    for (place, start, attribute, filter) in [
        (
            "#FOUND",
            "USER#same#",
            "id",
            "/Users?filter=externalId eq \"same\"".to_owned(),
        ),
        (
            "#FOUND",
            "GROUP#same#",
            "id",
            "/Groups?filter=externalId eq \"same\"".to_owned(),
        ),
        (
            &*of_member,
            "GROUP#",
            "group_id",
            format!("/Groups?filter=members eq \"{id}\""),
        ),
    ] {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        for n in 0..=1_000 {
            // The thousand are not there any more, and are left out.
            if n == 1_000 {
                assert_eq!(scene.list(&filter).await["totalResults"], 0);
            }
            let other = format!("0199c1f0-0000-7000-8000-{n:012}");
            let pk = format!("{}{place}", scene.partition);
            let value = AttributeValue::S(other.clone());
            let sk = format!("{start}{other}");
            scene.world.tamper(&pk, &sk, attribute, value).await;
        }
        let refused = scene.provider.get(&filter).await;
        refused.error(400, Some("tooMany"));
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
        scene.count("", &sk, "member_count", count).await;
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
