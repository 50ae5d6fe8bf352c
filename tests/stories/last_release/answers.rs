//! Reads the responses of the current release about the whole table.

use serde_json::{Map, Value};
use support::{ACME, Actor};

use super::setup::{ODD_TENANT, ODD_USER, Setup, segment};

/// The responses of the API about the whole table: by tenant, user and path.
pub(super) async fn answers(setup: &Setup, table: &Value) -> Value {
    let mut answers = Map::new();
    for tenant in [ACME, ODD_TENANT] {
        let root = setup.root(tenant);
        let mut paths = vec!["/organizations".to_owned(), "/teams".to_owned()];
        paths.push("/organizations?status=deleted".to_owned());
        for domain in ["acme.example", "new.example"] {
            paths.push(format!("/organizations?domain={domain}"));
        }
        let own = format!("TENANT#{tenant}#");
        let items = table.as_array().unwrap().iter();
        for item in items.filter(|item| text(item, "pk").starts_with(&own)) {
            paths.extend(of_item(item));
        }
        answers.insert(tenant.to_owned(), read_all(&root, &paths).await);
        for id in [
            "ada",
            "kim",
            "member-active",
            "readonly-active",
            "eve",
            ODD_USER,
        ] {
            let mut mine = paths.clone();
            mine.retain(|path| path.contains("/organizations/") || path.contains("/teams/"));
            for path in ["", "/organizations?status=all", "/teams"] {
                mine.push(format!("/users/me{path}"));
            }
            let actor = setup.world.user_of(tenant, id);
            answers.insert(format!("{tenant} {id}"), read_all(&actor, &mine).await);
        }
    }
    answers.into()
}

/// The ids for reading an item.
fn of_item(item: &Value) -> Vec<String> {
    match text(item, "sk") {
        "ORG" => {
            let path = format!("/organizations/{}", text(item, "id"));
            let of = ["", "/members", "/members?status=invited", "/teams"];
            of.map(|of| format!("{path}{of}")).into()
        }
        "TEAM" => {
            let path = format!("/teams/{}", text(item, "id"));
            ["", "/members"].map(|of| format!("{path}{of}")).into()
        }
        "USER" => {
            let path = format!("/users/{}", segment(text(item, "user_id")));
            let of = ["", "/organizations?status=all", "/teams"];
            of.map(|of| format!("{path}{of}")).into()
        }
        sk if sk.starts_with("ORG#") => {
            let (organization, user) = (text(item, "organization_id"), text(item, "user_id"));
            let user = segment(user);
            vec![format!("/organizations/{organization}/members/{user}")]
        }
        _ => Vec::new(),
    }
}

/// The successful responses to these requests.
async fn read_all(actor: &Actor, paths: &[String]) -> Value {
    let mut answers = Map::new();
    for path in paths {
        let first = actor.get(path).await;
        if first.status != 200 {
            continue;
        }
        let answer = match first.body.get("items") {
            Some(_) => actor.all(path).await.into(),
            None => first.body,
        };
        answers.insert(path.clone(), answer);
    }
    answers.into()
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}
