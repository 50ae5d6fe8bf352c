//! Lists and searches of users and groups.

use serde_json::json;
use support::World;

use super::client::Provider;

#[tokio::test]
async fn lists_and_searches_agree() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    for n in 0..5 {
        provider.user(&format!("user{n}@acme.example")).await;
    }
    provider
        .post("/Groups", json!({"displayName": "Sales"}))
        .await
        .expect(201);
    for (query, total, ids) in [
        ("?startIndex=2&count=2", 5, 2),
        ("?startIndex=0&count=0", 5, 0),
        ("?startIndex=9", 5, 0),
        ("?filter=userName+sw+%22user%22&count=3", 5, 3),
        (
            "?filter=userName+co+%223%22+or+userName+eq+%22USER4@acme.example%22",
            2,
            2,
        ),
        ("?filter=not+(userName+ew+%22none%22)", 5, 5),
        (
            "?filter=meta.lastModified+gt+%222020-01-01T00:00:00Z%22",
            5,
            5,
        ),
        ("?filter=title+pr", 0, 0),
    ] {
        let list = provider
            .get(&format!("/Users{query}"))
            .await
            .expect(200)
            .body;
        let found = list["Resources"].as_array().unwrap();
        assert_eq!(
            (list["totalResults"].as_u64(), found.len()),
            (Some(total), ids),
            "{query}: {list}"
        );
        assert_eq!(list["itemsPerPage"].as_u64(), Some(found.len() as u64));
    }
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "startIndex": 5, "count": 5});
    let all = provider.post("/.search", search).await.expect(200).body;
    assert_eq!(all["totalResults"], 6);
    let found = all["Resources"].as_array().unwrap();
    let kinds: Vec<_> = found
        .iter()
        .map(|it| it["meta"]["resourceType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["User", "Group"]);
    let search = json!({"filter": "displayName eq \"sales\"", "attributes": ["displayName"]});
    let groups = provider
        .post("/Groups/.search", search)
        .await
        .expect(200)
        .body;
    assert_eq!(groups["Resources"][0]["displayName"], "Sales");
    let missing = provider.post("/Users/.search", json!({"filter": 1})).await;
    missing.error(400, Some("invalidFilter"));
}

/// Microsoft's collection asks so.
#[tokio::test]
async fn lists_may_have_a_slash_at_the_end() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    provider.user("ada@acme.example").await;
    for (path, total) in [
        ("/Users/?filter=userName%20eq%20%22ada@acme.example%22", 1),
        ("/Groups/", 0),
    ] {
        let list = provider.get(path).await.expect(200).body;
        assert_eq!(list["totalResults"], total, "{path}");
    }
}
