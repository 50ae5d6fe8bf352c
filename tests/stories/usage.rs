//! The billed usage of an operation, with ids and names of realistic length: read and write units,
//! calls to Graph, bytes of log lines, responses and items. `docs/results/cost.md` is calculated
//! from these figures.

mod batches;
mod events;
mod items;
mod runs;
mod services;
mod setup;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::json;
use support::graph::Graph;

use batches::{batches, deliveries};
use items::items;
use runs::runs;
use setup::{OWN_GROUPS, Setup, group, person};

/// The number of members of the listed organization: a page.
const PAGE: usize = 50;
/// Groups assigned to the application.
const GROUPS: usize = 30;

/// Operations of users: the counted name, actor and request. `{id}` is an organization owned by
/// ada, with a page of members; `{bob}` is added and removed.
const BY_HAND: &str = r#"
register user                           ; root PUT /users/new {"email": "given.family@customer.example", "display_name": "Given Family"}
own organizations, 1  ; ada GET /users/me/organizations
add member                              ; ada POST {id}/members {"user_id": "{bob}"}
accept invitation                       ; bob POST {id}/members/me/accept
change role of member                   ; ada PATCH {id}/members/{bob} {"role": "manager"}
get member                              ; ada GET {id}/members/{bob}
remove member                           ; ada DELETE {id}/members/{bob}
get organization                        ; ada GET {id}
list members, a page                    ; ada GET {id}/members
update organization                     ; ada PATCH {id} {"billing_email": "billing@customer.example"}
get user                                ; ada GET /users/me
list organizations                      ; root GET /organizations
list teams                              ; ada GET {id}/teams
"#;

async fn by_hand() -> Setup {
    let mut setup = Setup::open(None).await;
    let (root, ada, bob) = (setup.root(), setup.user(0), person(PAGE));
    for n in 0..=PAGE {
        let email = format!("given.family{n:05}@customer.example");
        let user = json!({"email": email, "display_name": "Given Family"});
        let path = format!("/users/{}", person(n));
        root.put(&path, user).await.expect(201);
    }
    let made = json!({"name": "Customer Engineering Ltd", "domain": "customer.example"});
    let made = setup
        .post("create organization", &ada, "/organizations", made)
        .await;
    let id = made.headers["location"].clone();
    setup.token("token, 1 organization", 0).await;
    let members = format!("{id}/members");
    for n in 1..PAGE {
        let active = json!({"user_id": person(n), "status": "active"});
        ada.post(&members, active).await.expect(201);
        if n == 3 {
            let few = "list members, 4 in all";
            // Lists cost what they do once the names are copied.
            setup.world.copy_names().await;
            setup.get(few, &ada, &members).await;
        }
    }
    setup.world.copy_names().await;
    let team = json!({"name": "Engines"});
    let team = setup
        .post("create team", &ada, &format!("{id}/teams"), team)
        .await;
    let team = format!("{}/members", team.headers["location"]);
    let joins = json!({"user_id": person(0)});
    setup.post("add member of team", &ada, &team, joins).await;

    for operation in BY_HAND.trim().lines() {
        let operation = operation.replace("{id}", &id).replace("{bob}", &bob);
        let (what, asked) = operation.split_once(';').unwrap();
        let mut parts = asked.trim().splitn(4, ' ');
        let mut part = || parts.next().unwrap_or_default();
        let (who, method, path, body) = (part(), part(), part(), part());
        let who = match who {
            "root" => setup.root(),
            "bob" => setup.user(PAGE),
            _ => setup.user(0),
        };
        let method: Method = method.parse().unwrap();
        if method == Method::GET {
            setup.clock.advance();
        }
        let body = serde_json::from_str(body).unwrap_or_default();
        setup.ask(what.trim(), &who, method, path, body).await;
    }

    for name in ["Customer Sales Ltd", "Customer Service Ltd"] {
        let another = json!({"name": name, "domain": "customer.example"});
        ada.post("/organizations", another).await.expect(201);
    }
    let own = "own organizations, 3";
    setup.get(own, &ada, "/users/me/organizations").await;
    let own = "own teams, 1";
    setup.get(own, &ada, "/users/me/teams").await;
    setup.token("token, 3 organizations", 0).await;
    // The first login takes over the user's details.
    setup.sign_in(0).await;
    setup.login("login, sync off", 0).await;
    setup
}

/// Operations caused by groups of a directory.
async fn by_groups() -> Setup {
    let graph = Graph::start().await;
    for n in 0..GROUPS {
        graph.assign(&group(n), &format!("Customer department {n:04}"));
    }
    for n in 0..=1 {
        for own in 0..OWN_GROUPS {
            graph.join(&person(n), &group(own));
        }
    }
    graph.page_size(999);
    let mut setup = Setup::open(Some(graph.clone())).await;
    setup.settle(0).await;
    setup.login("login, first into 10 groups", 1).await;
    setup.login("login, nothing new", 1).await;
    graph.join(&person(1), &group(OWN_GROUPS));
    setup.login("login, one more group", 1).await;
    let ada = setup.user(0);
    setup.token("token, 10 groups", 0).await;
    setup
        .get("own organizations, 10", &ada, "/users/me/organizations")
        .await;
    setup.get("own teams, 10", &ada, "/users/me/teams").await;
    setup
}

#[tokio::test]
async fn the_billed_usage_of_every_operation() {
    let (hand, groups) = (by_hand().await, by_groups().await);
    let (batches, runs) = (batches().await, runs().await);
    let made = json!({
        "by hand": items(&hand.world.items().await),
        "by a directory": items(&groups.world.items().await),
        "by webhooks": deliveries(&batches.world).await,
    });
    let routes = hand.world.routes().await.len();
    let mut series = BTreeSet::new();
    let mut operations = BTreeMap::new();
    let mut of_batches = BTreeMap::new();
    for setup in [hand, groups, batches, runs] {
        of_batches.extend(setup.batches);
        series.extend(setup.series);
        operations.extend(setup.seen);
    }
    let series = series
        .iter()
        .map(|(line, by, metrics)| json!({"line": line, "by": by, "metrics": metrics}));
    let series: Vec<_> = series.collect();
    insta::assert_json_snapshot!(json!({
        "operations": operations, "batches": of_batches, "items": made, "series": series,
        "routes": routes,
    }));
}
