//! The log as a file.

use reqwest::Method;
use serde_json::{Value, json};
use support::World;

#[tokio::test]
async fn pages_are_exported_as_csv_and_as_lines() {
    let world = World::start().await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    world.organization(&ada, "=1+1").await;
    world.organization(&ada, "Rockets, \"Inc\"").await;
    let events = root.all("/events").await;
    for (path, vary) in [
        ("/events", "Authorization, Accept"),
        ("/teams", "Authorization"),
    ] {
        let reply = root.get(path).await.expect(200);
        assert_eq!(reply.headers["vary"], vary);
    }
    let fetch = async |accept: &str, path: &str| {
        let request = root.request(Method::GET, path).header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], accept);
        assert_eq!(response.headers()["vary"], "Authorization, Accept");
        let link = response.headers().get("link");
        let link = link.map(|link| link.to_str().unwrap().to_owned());
        (response.text().await.unwrap(), link)
    };
    for accept in ["text/csv", "application/x-ndjson"] {
        let mut ids = Vec::new();
        let mut path = "/events?limit=2&type=organization.*".to_owned();
        loop {
            let (text, link) = fetch(accept, &path).await;
            if accept == "text/csv" {
                let mut lines = text.lines();
                assert!(lines.next().unwrap().starts_with("id,type,occurred_at,"));
                ids.extend(lines.map(|line| line[..36].to_owned()));
            } else {
                let lines = text
                    .lines()
                    .map(|line| serde_json::from_str::<Value>(line).unwrap());
                ids.extend(lines.map(|it| it["id"].as_str().unwrap().to_owned()));
            }
            let Some(link) = link else { break };
            let next = link.strip_prefix('<').unwrap();
            let next = next.strip_suffix(">; rel=\"next\"").unwrap();
            assert!(next.contains("limit=2"), "{next}");
            path = format!("/events{next}");
        }
        let organizations = events
            .iter()
            .filter(|it| it["type"] == "organization.created");
        let expected: Vec<_> = organizations.map(|it| it["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{accept}");
    }
}

/// A client chooses its user agent, and a user their name.
#[tokio::test]
async fn cells_that_clients_choose_are_guarded_in_csv() {
    let world = World::start().await;
    let claims = json!({"sub": "ada", "tenant_id": "acme", "name": "=1+1"});
    let token = world.stack.token_with(claims.as_object().unwrap().clone());
    let ada = world.bearer("ada", Some(token.unwrap()));
    let request = ada
        .request(Method::POST, "/organizations")
        .header("user-agent", "@SUM(A1)")
        .json(&json!({"name": "Rockets"}));
    ada.send(request).await.expect(201);
    let root = world.tenant_admin();
    let request = root
        .request(Method::GET, "/events?type=organization.*")
        .header("accept", "text/csv");
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.contains(",ada,'=1+1,"), "{text}");
    assert!(text.contains(",'@SUM(A1),"), "{text}");
}
