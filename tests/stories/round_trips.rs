//! What each operation asks of DynamoDB: its calls, its round trips and its capacity units, the
//! same however much is in the table. These are counts, and the figures of the documents.

use muster_local::Options;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::{Actor, Lines, Reply, World};

/// A world that is measured, and what came of it.
struct Measured {
    world: World,
    lines: Lines,
    rows: Vec<String>,
    routes: Vec<String>,
}

impl Measured {
    async fn start() -> Self {
        let (options, lines) = Lines::collect(Options::default());
        Self {
            world: World::with(options).await,
            lines,
            rows: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// Sends a request that must have this status, and writes down what it took.
    async fn row(
        &mut self,
        what: &str,
        actor: &Actor,
        request: RequestBuilder,
        status: u16,
    ) -> Reply {
        self.world.calls.take();
        self.lines.take();
        let reply = actor.send(request).await.expect(status);
        let operations = self.world.calls.operations();
        assert!(!operations.contains(&"Scan".to_owned()), "{what}");
        let line = self.lines.request();
        assert_eq!(line["calls"], operations.len(), "{what}: {line}");
        assert_eq!(line["RoundTrips"], reply.round_trips(), "{what}");
        let trips = reply.round_trips() as usize;
        let between = match operations.len() {
            calls if calls == trips => ", ",
            // Under way together.
            _ => " | ",
        };
        self.routes.push(line["route"].as_str().unwrap().to_owned());
        self.rows.push(format!(
            "{what:<46} {status} {trips} {:>5} {}",
            line["units"],
            operations.join(between)
        ));
        reply
    }

    async fn send(
        &mut self,
        what: &str,
        actor: &Actor,
        asked: &str,
        body: Value,
        status: u16,
    ) -> Reply {
        let (method, path) = asked.split_once(' ').unwrap();
        let mut request = actor.request(method.parse::<Method>().unwrap(), path);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.row(what, actor, request, status).await
    }

    async fn send_once(
        &mut self,
        what: &str,
        actor: &Actor,
        path: &str,
        body: Value,
        status: u16,
    ) -> Reply {
        let request = actor
            .request(Method::POST, path)
            .header("idempotency-key", "k");
        self.row(what, actor, request.json(&body), status).await
    }
}

/// Every operation, in a tenant with so many organizations, of which one has as many members and
/// ada is in all.
async fn measured(many: usize) -> Measured {
    let mut m = Measured::start().await;
    let named: Vec<_> = (0..many).map(|n| (format!("Acme {n:03}"), None)).collect();
    let ids = m.world.organizations("ada", &named).await;
    let crowd = (0..many).map(|n| (ids[0].clone(), format!("u{n:03}"), "member", "active"));
    m.world.memberships(&crowd.collect::<Vec<_>>()).await;
    m.world.register(&["bob", "eve", "mia", "zoe"]).await;
    let (ada, root) = (m.world.user("ada"), m.world.tenant_admin());
    organizations(&mut m, &ada, &root, &ids[0]).await;
    members(&mut m, &ada, &root, &ids[0]).await;
    users(&mut m, &ada, &root).await;
    teams(&mut m, &ada, &root, &ids[0]).await;
    m
}

async fn organizations(m: &mut Measured, ada: &Actor, root: &Actor, id: &str) {
    let none = Value::Null;
    let list = "POST /organizations";
    let made = m
        .send(
            "create organization",
            ada,
            list,
            json!({"name": "New"}),
            201,
        )
        .await;
    let new = format!(" {}", made.headers["location"]);
    let body = json!({"name": "Key"});
    m.send_once("  with a key", ada, "/organizations", body.clone(), 201)
        .await;
    m.send_once("  repeated with it", ada, "/organizations", body, 201)
        .await;
    m.send(
        "  whose name is taken",
        ada,
        list,
        json!({"name": "NEW"}),
        409,
    )
    .await;

    let one = format!(" /organizations/{id}");
    let member = m.world.user("u001");
    m.send(
        "get organization",
        &member,
        &format!("GET{one}"),
        none.clone(),
        200,
    )
    .await;
    m.send(
        "  by a tenant admin",
        root,
        &format!("GET{one}"),
        none.clone(),
        200,
    )
    .await;
    m.send(
        "  by nobody of it",
        &m.world.user("zoe"),
        &format!("GET{one}"),
        none.clone(),
        404,
    )
    .await;
    m.send(
        "list organizations",
        root,
        "GET /organizations?limit=5",
        none.clone(),
        200,
    )
    .await;
    let prefix = "GET /organizations?limit=5&name_prefix=acme";
    m.send("  whose names begin so", root, prefix, none.clone(), 200)
        .await;

    let patch = format!("PATCH{new}");
    m.send(
        "update organization",
        ada,
        &patch,
        json!({"metadata": {"a": 1}}),
        200,
    )
    .await;
    m.send(
        "  by a tenant admin",
        root,
        &patch,
        json!({"metadata": {"a": 2}}),
        200,
    )
    .await;
    m.send("  its name", ada, &patch, json!({"name": "Newer"}), 200)
        .await;
    m.send(
        "  nothing of it",
        ada,
        &format!("PUT{new}"),
        json!({"name": "Newer"}),
        200,
    )
    .await;
    m.send(
        "delete organization",
        ada,
        &format!("DELETE{new}"),
        none.clone(),
        204,
    )
    .await;
    m.send(
        "restore organization",
        ada,
        &format!("POST{new}/restore"),
        none.clone(),
        200,
    )
    .await;
    m.send(
        "  that is there",
        ada,
        &format!("POST{new}/restore"),
        none,
        200,
    )
    .await;
}

async fn members(m: &mut Measured, ada: &Actor, root: &Actor, id: &str) {
    let none = Value::Null;
    let members = format!(" /organizations/{id}/members");
    let add = format!("POST{members}");
    m.send("add member", ada, &add, json!({"user_id": "bob"}), 201)
        .await;
    m.send(
        "  by a tenant admin",
        root,
        &add,
        json!({"user_id": "eve"}),
        201,
    )
    .await;
    m.send("  again", ada, &add, json!({"user_id": "bob"}), 200)
        .await;
    m.send(
        "  who is nobody",
        ada,
        &add,
        json!({"user_id": "nobody"}),
        422,
    )
    .await;
    let owner = json!({"user_id": "mia", "role": "owner", "status": "active"});
    m.send("  as an owner", ada, &add, owner, 201).await;
    let body = json!({"user_id": "zoe", "status": "active"});
    m.send_once(
        "  with a key",
        ada,
        add.trim_start_matches("POST "),
        body.clone(),
        201,
    )
    .await;
    m.send_once(
        "  repeated with it",
        ada,
        add.trim_start_matches("POST "),
        body,
        201,
    )
    .await;

    let bob = m.world.user("bob");
    let accept = format!("POST{members}/me/accept");
    m.send("accept invitation", &bob, &accept, none.clone(), 200)
        .await;
    m.send("  again", &bob, &accept, none.clone(), 200).await;
    m.send(
        "list members",
        &bob,
        &format!("GET{members}?limit=5"),
        none.clone(),
        200,
    )
    .await;
    m.send(
        "  by a tenant admin",
        root,
        &format!("GET{members}?limit=5"),
        none.clone(),
        200,
    )
    .await;
    m.send(
        "get member",
        &bob,
        &format!("GET{members}/ada"),
        none.clone(),
        200,
    )
    .await;
    m.send(
        "  oneself",
        &bob,
        &format!("GET{members}/me"),
        none.clone(),
        200,
    )
    .await;
    let patch = format!("PATCH{members}/bob");
    m.send(
        "change role of member",
        ada,
        &patch,
        json!({"role": "manager"}),
        200,
    )
    .await;
    m.send(
        "  nothing of it",
        ada,
        &patch,
        json!({"role": "manager"}),
        200,
    )
    .await;
    m.send(
        "  by a tenant admin",
        root,
        &patch,
        json!({"role": "admin"}),
        200,
    )
    .await;
    m.send("  to owner", ada, &patch, json!({"role": "owner"}), 200)
        .await;
    m.send(
        "  of oneself",
        &bob,
        &format!("PUT{members}/me"),
        json!({"role": "member"}),
        200,
    )
    .await;
    m.send(
        "suspend member",
        ada,
        &patch,
        json!({"status": "suspended"}),
        200,
    )
    .await;
    m.send(
        "remove member",
        ada,
        &format!("DELETE{members}/bob"),
        none.clone(),
        204,
    )
    .await;
    m.send(
        "  again",
        ada,
        &format!("DELETE{members}/bob"),
        none.clone(),
        204,
    )
    .await;
    m.send(
        "  an owner",
        root,
        &format!("DELETE{members}/mia"),
        none.clone(),
        204,
    )
    .await;
    m.send(
        "leave",
        &m.world.user("zoe"),
        &format!("DELETE{members}/me"),
        none.clone(),
        204,
    )
    .await;
    m.send(
        "  as the last owner",
        ada,
        &format!("DELETE{members}/me"),
        none,
        409,
    )
    .await;
}

async fn users(m: &mut Measured, ada: &Actor, root: &Actor) {
    let none = Value::Null;
    m.send(
        "own organizations",
        ada,
        "GET /users/me/organizations?limit=5",
        none.clone(),
        200,
    )
    .await;
    let others = "GET /users/ada/organizations?limit=5";
    m.send(
        "  of somebody, by a tenant admin",
        root,
        others,
        none.clone(),
        200,
    )
    .await;
    m.send("get user", ada, "GET /users/me", none.clone(), 200)
        .await;
    m.send(
        "  by a tenant admin",
        root,
        "GET /users/ada",
        none.clone(),
        200,
    )
    .await;
    let profile = json!({"email": "new@acme.example"});
    m.send(
        "register user",
        root,
        "PUT /users/new",
        profile.clone(),
        201,
    )
    .await;
    m.send("  who is known", root, "PUT /users/bob", profile, 200)
        .await;
    m.send("own teams", ada, "GET /users/me/teams?limit=5", none, 200)
        .await;
}

async fn teams(m: &mut Measured, ada: &Actor, root: &Actor, id: &str) {
    let none = Value::Null;
    let of = format!(" /organizations/{id}/teams");
    let made = m
        .send(
            "create team",
            ada,
            &format!("POST{of}"),
            json!({"name": "T"}),
            201,
        )
        .await;
    let team = format!(" {}", made.headers["location"]);
    let made = m
        .send(
            "  standalone",
            root,
            "POST /teams",
            json!({"name": "T"}),
            201,
        )
        .await;
    let alone = format!(" {}", made.headers["location"]);
    m.send(
        "list teams",
        ada,
        &format!("GET{of}?limit=5"),
        none.clone(),
        200,
    )
    .await;
    m.send(
        "  standalone",
        root,
        "GET /teams?limit=5",
        none.clone(),
        200,
    )
    .await;
    m.send("get team", ada, &format!("GET{team}"), none.clone(), 200)
        .await;
    m.send(
        "  standalone",
        root,
        &format!("GET{alone}"),
        none.clone(),
        200,
    )
    .await;
    m.send(
        "update team",
        ada,
        &format!("PATCH{team}"),
        json!({"description": "d"}),
        200,
    )
    .await;
    m.send(
        "  its name",
        ada,
        &format!("PUT{team}"),
        json!({"name": "U"}),
        200,
    )
    .await;

    let add = format!("POST{team}/members");
    m.send(
        "add member of team",
        ada,
        &add,
        json!({"user_id": "u001"}),
        201,
    )
    .await;
    m.send("  again", ada, &add, json!({"user_id": "u001"}), 200)
        .await;
    m.send(
        "list members of team",
        ada,
        &format!("GET{team}/members?limit=5"),
        none.clone(),
        200,
    )
    .await;
    let one = format!("{team}/members/u001");
    m.send(
        "change role in team",
        ada,
        &format!("PATCH{one}"),
        json!({"role": "leader"}),
        200,
    )
    .await;
    m.send(
        "remove member of team",
        ada,
        &format!("DELETE{one}"),
        none.clone(),
        204,
    )
    .await;
    m.send("  again", ada, &format!("DELETE{one}"), none.clone(), 204)
        .await;
    ada.post(add.trim_start_matches("POST "), json!({"user_id": "u001"}))
        .await
        .expect(201);
    let member = format!("DELETE /organizations/{id}/members/u001");
    m.send(
        "remove member, who is in a team",
        ada,
        &member,
        none.clone(),
        204,
    )
    .await;
    m.send(
        "delete team",
        ada,
        &format!("DELETE{team}"),
        none.clone(),
        204,
    )
    .await;
    m.send("  standalone", root, &format!("DELETE{alone}"), none, 204)
        .await;
}

#[tokio::test]
async fn every_operation_takes_as_many_calls_and_units_as_the_table_says() {
    let m = measured(5).await;
    for route in m.world.routes().await {
        assert!(m.routes.contains(&route), "{route} is not measured");
    }
    insta::assert_snapshot!(m.rows.join("\n"));
}

#[tokio::test]
async fn a_hundred_times_as_much_in_the_table_changes_none_of_it() {
    let (few, many) = (measured(5).await, measured(500).await);
    assert_eq!(few.rows.join("\n"), many.rows.join("\n"));
}
