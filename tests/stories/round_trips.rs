//! The DynamoDB usage of each operation: calls, round trips and capacity units, independent of the
//! size of the table, and the conditions of its writes. The documents use these rows.

pub(crate) mod scim;
mod writes;

use std::collections::HashMap;

use muster::domain::{Clock, Timestamp};
use muster::store::requests::TableRequest;
use muster_local::Options;
use reqwest::Method;
use serde_json::Value;
use support::{Actor, Lines, Reply, World};

use crate::invitations::by_email::verified;
use crate::roles::{PEOPLE, scene_of};

/// Name; actor, request and expected status; body. `=> it` keeps the path of the created resource
/// as `{it}`, its id as `{it_id}`, and the token in its link as `{it_token}`; `once` sends an `Idempotency-Key`. `{id}` is an organization with many members, owned
/// by ada; root is a tenant admin.
const OPERATIONS: &str = r#"
create organization                ; ada POST /organizations 201 {"name": "New"} => new
  by a new user                    ; kim POST /organizations 201 {"name": "First"}
  for another owner                ; root POST /organizations 201 {"name": "Given", "owner_user_id": "u001"}
  with a key                       ; ada POST /organizations 201 {"name": "Key"} once
  repeated with it                 ; ada POST /organizations 201 {"name": "Key"} once
  with a taken name                ; ada POST /organizations 409 {"name": "NEW"}
get organization                   ; u001 GET /organizations/{id} 200
  by a tenant admin                ; root GET /organizations/{id} 200
  by a non-member                  ; zoe GET /organizations/{id} 404
list organizations                 ; root GET /organizations?limit=5 200
  with a name prefix               ; root GET /organizations?limit=5&name_prefix=acme 200
update organization                ; ada PATCH {new} 200 {"metadata": {"a": 1}}
  by a tenant admin                ; root PATCH {new} 200 {"metadata": {"a": 2}}
  its name                         ; ada PATCH {new} 200 {"name": "Newer"}
  unchanged                        ; ada PUT {new} 200 {"name": "Newer"}
delete organization                ; ada DELETE {new} 204
restore organization               ; ada POST {new}/restore 200
  live                             ; ada POST {new}/restore 200
  live, with a key                 ; ada POST {new}/restore 200 once
add member                         ; ada POST /organizations/{id}/members 201 {"user_id": "bob"}
  by a tenant admin                ; root POST /organizations/{id}/members 201 {"user_id": "eve"}
  again                            ; ada POST /organizations/{id}/members 200 {"user_id": "bob"}
  again, with a key                ; ada POST /organizations/{id}/members 200 {"user_id": "bob"} once
  of an unknown user               ; ada POST /organizations/{id}/members 422 {"user_id": "nobody"}
  as an owner                      ; ada POST /organizations/{id}/members 201 {"user_id": "mia", "role": "owner", "status": "active"}
  with a key                       ; ada POST /organizations/{id}/members 201 {"user_id": "zoe", "status": "active"} once
  repeated with it                 ; ada POST /organizations/{id}/members 201 {"user_id": "zoe", "status": "active"} once
add many members                   ; ada POST /organizations/{id}/members/batch 200 {"items": [{"user_id": "b1"}, {"user_id": "b2"}]}
  with a key                       ; ada POST /organizations/{id}/members/batch 200 {"items": [{"user_id": "b3"}, {"user_id": "b4"}]} once
  repeated with it                 ; ada POST /organizations/{id}/members/batch 200 {"items": [{"user_id": "b3"}, {"user_id": "b4"}]} once
accept invitation                  ; bob POST /organizations/{id}/members/me/accept 200
  again                            ; bob POST /organizations/{id}/members/me/accept 200
  again, with a key                ; bob POST /organizations/{id}/members/me/accept 200 once
add an invited member              ; ada POST /organizations/{id}/members 200 {"user_id": "eve", "status": "active"}
create email invitation            ; ada POST /organizations/{id}/invitations 201 {"email": "i1@acme.example"} => invitation
  with a key                       ; ada POST /organizations/{id}/invitations 201 {"email": "i2@acme.example"} once
  repeated with it                 ; ada POST /organizations/{id}/invitations 201 {"email": "i2@acme.example"} once
  again                            ; ada POST /organizations/{id}/invitations 200 {"email": "i1@acme.example"}
  by a tenant admin                ; root POST /organizations/{id}/invitations 201 {"email": "i3@acme.example"}
create many email invitations      ; ada POST /organizations/{id}/invitations/batch 200 {"items": [{"email": "i4@acme.example"}, {"email": "i5@acme.example"}]}
  with a key                       ; ada POST /organizations/{id}/invitations/batch 200 {"items": [{"email": "i6@acme.example"}, {"email": "i7@acme.example"}]} once
  repeated with it                 ; ada POST /organizations/{id}/invitations/batch 200 {"items": [{"email": "i6@acme.example"}, {"email": "i7@acme.example"}]} once
create email invitation for ines   ; ada POST /organizations/{id}/invitations 201 {"email": "ines@acme.example"} => of_ines
preview email invitation           ; ines GET /invitations/{of_ines_token} 200
accept email invitation            ; ines POST /invitations/accept 200 {"token": "{of_ines_token}"}
  again                            ; ines POST /invitations/accept 200 {"token": "{of_ines_token}"}
create email invitation for jon    ; ada POST /organizations/{id}/invitations 201 {"email": "jon@acme.example"} => of_jon
decline email invitation           ; jon POST /invitations/decline 204 {"token": "{of_jon_token}"}
  again                            ; jon POST /invitations/decline 204 {"token": "{of_jon_token}"}
create email invitation for kai    ; ada POST /organizations/{id}/invitations 201 {"email": "kai@acme.example"} => of_kai
list own email invitations         ; kai GET /users/me/invitations?limit=5 200
accept own email invitation        ; kai POST /users/me/invitations/{of_kai_id}/accept 200
  again                            ; kai POST /users/me/invitations/{of_kai_id}/accept 200
create email invitation for lea    ; ada POST /organizations/{id}/invitations 201 {"email": "lea@acme.example"} => of_lea
decline own email invitation       ; lea POST /users/me/invitations/{of_lea_id}/decline 204
list email invitations             ; ada GET /organizations/{id}/invitations?limit=5 200
  pending                          ; ada GET /organizations/{id}/invitations?limit=5&status=pending 200
get email invitation               ; ada GET {invitation} 200
resend email invitation, too soon  ; ada POST {invitation}/resend 429
revoke email invitation            ; ada DELETE {invitation} 204
  again                            ; ada DELETE {invitation} 204
list members                       ; bob GET /organizations/{id}/members?limit=5 200
  by a tenant admin                ; root GET /organizations/{id}/members?limit=5 200
  by name                          ; bob GET /organizations/{id}/members?limit=5&sort=name 200
search members                     ; root GET /organizations/{id}/members?limit=5&q=zzz 200
get member                         ; bob GET /organizations/{id}/members/ada 200
  own membership                   ; bob GET /organizations/{id}/members/me 200
change role of a member            ; ada PATCH /organizations/{id}/members/bob 200 {"role": "manager"}
  unchanged                        ; ada PATCH /organizations/{id}/members/bob 200 {"role": "manager"}
  by a tenant admin                ; root PATCH /organizations/{id}/members/bob 200 {"role": "admin"}
  to owner                         ; ada PATCH /organizations/{id}/members/bob 200 {"role": "owner"}
  own role                         ; bob PUT /organizations/{id}/members/me 200 {"role": "member"}
transfer ownership                 ; ada POST /organizations/{id}/transfer-ownership 200 {"user_id": "bob"}
  back, with a key                 ; bob POST /organizations/{id}/transfer-ownership 200 {"user_id": "ada", "keep_role": "member"} once
  repeated with it                 ; bob POST /organizations/{id}/transfer-ownership 200 {"user_id": "ada", "keep_role": "member"} once
  unchanged, by a tenant admin     ; root POST /organizations/{id}/transfer-ownership 200 {"user_id": "ada"}
suspend member                     ; ada PATCH /organizations/{id}/members/bob 200 {"status": "suspended"}
remove member                      ; ada DELETE /organizations/{id}/members/bob 204
  again                            ; ada DELETE /organizations/{id}/members/bob 204
  an owner                         ; root DELETE /organizations/{id}/members/mia 204
leave                              ; zoe DELETE /organizations/{id}/members/me 204
  as the last owner                ; ada DELETE /organizations/{id}/members/me 409
own organizations                  ; ada GET /users/me/organizations?limit=5 200
  of a user, by a tenant admin     ; root GET /users/ada/organizations?limit=5 200
  deleted ones                     ; ada GET /users/me/organizations?organization_status=deleted&limit=5 200
get user                           ; ada GET /users/me 200
  by a tenant admin                ; root GET /users/ada 200
list users                         ; root GET /users?limit=5 200
  by a text                        ; root GET /users?limit=5&q=zzz 200
register user                      ; root PUT /users/new 201 {"email": "new@acme.example"}
  existing user                    ; root PUT /users/bob 200 {"email": "bob@acme.example"}
list events                        ; ada GET /organizations/{id}/events?limit=5 200
  of the tenant                    ; root GET /events?limit=5 200
get event                          ; root GET /events/{event} 200
own teams                          ; ada GET /users/me/teams?limit=5 200
create team                        ; ada POST /organizations/{id}/teams 201 {"name": "T"} => team
  standalone                       ; root POST /teams 201 {"name": "T"} => alone
list teams                         ; ada GET /organizations/{id}/teams?limit=5 200
  standalone                       ; root GET /teams?limit=5 200
get team                           ; ada GET {team} 200
  standalone                       ; root GET {alone} 200
update team                        ; ada PATCH {team} 200 {"description": "d"}
  its name                         ; ada PUT {team} 200 {"name": "U"}
  its limits                       ; ada PUT {team} 200 {"limits": {"rpm_limit": 60}}
add team member                    ; ada POST {team}/members 201 {"user_id": "u001"}
  again                            ; ada POST {team}/members 200 {"user_id": "u001"}
  again, with a key                ; ada POST {team}/members 200 {"user_id": "u001"} once
list team members                  ; ada GET {team}/members?limit=5 200
own teams, one team                ; u001 GET /users/me/teams?limit=5 200
  of a user, by a tenant admin     ; root GET /users/u001/teams?limit=5 200
change role in team                ; ada PATCH {team}/members/u001 200 {"role": "leader"}
remove team member                 ; ada DELETE {team}/members/u001 204
  again                            ; ada DELETE {team}/members/u001 204
add another member                 ; ada POST {team}/members 201 {"user_id": "u002"}
leave team                         ; u002 DELETE {team}/members/me 204
add the member again               ; ada POST {team}/members 201 {"user_id": "u002"}
remove a member of a team          ; ada DELETE /organizations/{id}/members/u002 204
restore live team                  ; root POST {team}/restore 200
  standalone                       ; root POST {alone}/restore 200
  with a key                       ; root POST {team}/restore 200 once
disable user                       ; root PATCH /users/mia 200 {"status": "disabled"}
  again                            ; root PATCH /users/mia 200 {"status": "disabled"}
  and get their organization       ; mia GET /organizations/{id} 403
erase user, not known              ; root DELETE /users/nobody 204
enable user                        ; root PATCH /users/mia 200 {"status": "enabled"}
create webhook endpoint            ; root POST /webhook-endpoints 201 {"url": "http://127.0.0.1:1/", "event_types": ["*"]} => hook
  with a key                       ; root POST /webhook-endpoints 201 {"url": "https://hooks.example/", "event_types": ["*"]} once
list webhook endpoints             ; root GET /webhook-endpoints?limit=5 200
get webhook endpoint               ; root GET {hook} 200
update webhook endpoint            ; root PATCH {hook} 200 {"description": "d"}
rotate webhook secret              ; root POST {hook}/rotate-secret 200
test webhook endpoint              ; root POST {hook}/test 200
list deliveries                    ; root GET {hook}/deliveries?limit=5 200
replay events                      ; root POST {hook}/replay 200 {"from": "2026-01-01T00:00:00.000Z", "to": "2026-01-02T00:00:00.000Z"}
delete webhook endpoint            ; root DELETE {hook} 204
add domain                         ; ada POST /organizations/{id}/domains 201 {"domain": "acme.example"} => domain
  again                            ; ada POST /organizations/{id}/domains 200 {"domain": "acme.example"}
  with a key                       ; ada POST /organizations/{id}/domains 201 {"domain": "once.example"} once
list domains                       ; ada GET /organizations/{id}/domains?limit=5 200
get domain                         ; ada GET {domain} 200
verify domain                      ; ada POST {domain}/verify 200
  with a key                       ; ada POST {domain}/verify 200 once
update domain                      ; ada PATCH {domain} 200 {"auto_join_role": "readonly"}
delete domain                      ; ada DELETE {domain} 204
create directory                   ; root POST /directories 201 {"name": "D", "type": "entra", "entra": {"tenant_id": "7b1d9c52-0e4f-4a6b-9d38-5c2f1e0a7b64", "domain": "globex.example", "service_principal_id": "a40c6d1b-93f2-4e57-8b0a-6d5e4f3c2b1a"}} => directory
list directories                   ; root GET /directories?limit=5 200
get directory                      ; root GET {directory} 200
update directory                   ; root PATCH {directory} 200 {"settings": {"on_leave": "suspend"}}
  unchanged                        ; root PATCH {directory} 200 {"settings": {"on_leave": "suspend"}}
sync directory                     ; root POST {directory}/sync 200 {}
list directory runs                ; root GET {directory}/runs?limit=5 200
rotate directory token, of entra   ; root POST {directory}/rotate-token 404
delete directory, not known        ; root DELETE /directories/none 404
create directory again             ; root POST /directories 409 {"name": "D", "type": "entra", "entra": {"tenant_id": "7b1d9c52-0e4f-4a6b-9d38-5c2f1e0a7b64", "domain": "globex.example", "service_principal_id": "a40c6d1b-93f2-4e57-8b0a-6d5e4f3c2b1a"}}
delete team                        ; ada DELETE {team} 204
  standalone                       ; root DELETE {alone} 204
"#;

/// The results for the operations so far.
#[derive(Default)]
pub(crate) struct Measured {
    /// The cost of each: round trips, capacity units, calls.
    pub(crate) costs: Vec<String>,
    /// Lines for the writes of each.
    writes: Vec<String>,
    /// The routes that were called.
    routes: Vec<String>,
    /// The operation whose variants, or the first one of a group whose others, are indented below it.
    operation: String,
}

impl Measured {
    /// Adds a request that was sent after `started`.
    fn add(
        &mut self,
        what: &str,
        started: Timestamp,
        reply: &Reply,
        calls: &[TableRequest],
        line: &Value,
    ) {
        self.costs.push(cost(what, reply, calls, line));
        writes::require_times(what, calls, &started.to_string());
        let name = what.trim_end_matches(|it: char| it.is_ascii_digit());
        let heading = match (name.strip_prefix(' '), self.operation.split_once(": ")) {
            (Some(variant), Some((group, _))) => format!("{group}: {}", variant.trim()),
            (Some(variant), None) => format!("{}, {}", self.operation, variant.trim()),
            (None, _) => name.trim().to_owned(),
        };
        if !name.starts_with(' ') {
            self.operation.clone_from(&heading);
        }
        self.writes.extend(writes::lines_of(&heading, calls));
        self.routes.push(line["route"].as_str().unwrap().to_owned());
    }
}

fn cost(what: &str, reply: &Reply, calls: &[TableRequest], line: &Value) -> String {
    let operations: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert!(!operations.contains(&"Scan"), "{what}");
    assert_eq!(line["calls"], operations.len(), "{what}: {line}");
    assert_eq!(line["RoundTrips"], reply.round_trips(), "{what}");
    let trips = reply.round_trips();
    let waited_for_nothing = reply.headers["server-timing"].starts_with("db;dur=0;");
    assert_eq!(waited_for_nothing, trips == 0, "{what}: {reply:?}");
    // Concurrent calls are between bars.
    let between = if operations.len() == trips as usize {
        ", "
    } else {
        " | "
    };
    let (units, calls) = (&line["units"], operations.join(between));
    format!("{what} {trips} {units:>5} {calls}")
}

/// Sends the requests of a table, one after the other.
async fn measured_by(
    (world, lines): (&World, &Lines),
    operations: &str,
    kept: &mut HashMap<String, String>,
    actor_of: impl Fn(&str) -> Actor,
) -> Measured {
    let mut measured = Measured::default();
    for operation in operations.trim().lines() {
        let (what, asked) = operation.split_once(" ; ").unwrap();
        let (asked, keep) = asked
            .split_once(" => ")
            .map_or((asked, None), |(asked, keep)| (asked, Some(keep)));
        let (asked, once) = match asked.strip_suffix(" once") {
            Some(asked) => (asked, true),
            None => (asked, false),
        };
        let mut parts = asked.splitn(5, ' ');
        let mut part = || parts.next().unwrap_or_default();
        let (who, method, path, status, body) = (part(), part(), part(), part(), part());
        let actor = actor_of(who);
        let (mut path, mut body) = (path.to_owned(), body.to_owned());
        for (name, value) in &*kept {
            path = path.replace(&format!("{{{name}}}"), value);
            body = body.replace(&format!("{{{name}}}"), value);
        }
        let mut request = actor.request(method.parse::<Method>().unwrap(), &path);
        if !body.is_empty() {
            request = request.json(&serde_json::from_str::<Value>(&body).unwrap());
        }
        if once {
            request = request.header("idempotency-key", format!("k{}", body.replace(' ', "")));
        }
        world.calls.take();
        lines.take();
        let started = Clock::system().now();
        let reply = actor.send(request).await.expect(status.parse().unwrap());
        let what = format!("{what} {status}");
        measured.add(
            &what,
            started,
            &reply,
            &world.calls.take(),
            &lines.request(),
        );
        if let Some(keep) = keep {
            let accept_url = reply.body["accept_url"].as_str().unwrap_or_default();
            if let Some((_, token)) = accept_url.split_once("invitation=") {
                kept.insert(format!("{keep}_token"), token.to_owned());
            }
            if let Some(id) = reply.body["id"].as_str() {
                kept.insert(format!("{keep}_id"), id.to_owned());
            }
            kept.insert(keep.to_owned(), reply.headers["location"].clone());
        }
    }
    measured
}

/// The operations in a tenant with this number of organizations, one of which is ada's and has as
/// many members.
async fn measured(many: usize) -> Measured {
    let (options, lines) = Lines::collect(Options::default());
    let world = World::with(options).await;
    let named: Vec<_> = (0..many).map(|n| (format!("Acme {n:03}"), None)).collect();
    let (own, others) = named.split_at(1);
    let ids = world.organizations("ada", own).await;
    let others = world.organizations("cleo", others).await;
    let crowd = (0..many).map(|n| (ids[0].clone(), format!("u{n:03}"), "member", "active"));
    world.memberships(&crowd.collect::<Vec<_>>()).await;
    world
        .register(&["ada", "bob", "eve", "mia", "zoe", "b1", "b2", "b3", "b4"])
        .await;
    for user in ["ines", "jon", "kai", "lea"] {
        verified(&world, user, &format!("{user}@acme.example")).await;
    }
    let cleo = world.user("cleo");
    crate::domains::verified(&world, &cleo, &others[0], "globex.example").await;
    // Lists cost what they do once the names are copied.
    world.copy_names().await;

    let event = world
        .tenant_admin()
        .get("/events?limit=1")
        .await
        .expect(200);
    let event = event.body["items"][0]["id"].as_str().unwrap().to_owned();
    let id = ("id".to_owned(), ids[0].clone());
    let mut kept = HashMap::from([id, ("event".to_owned(), event)]);
    let actor = |who: &str| match who {
        "root" => world.tenant_admin(),
        user => world.user(user),
    };
    let mut measured = measured_by((&world, &lines), OPERATIONS, &mut kept, actor).await;
    // A route without a row is called by an owner, as in the table of permissions.
    world.register(&PEOPLE).await;
    for route in world.routes().await {
        // A retry needs a delivery, which is made by a function behind the queue.
        if measured.routes.contains(&route) || route.ends_with("/retry") {
            continue;
        }
        let (scene, action) = scene_of(&world, &route).await;
        world.calls.take();
        lines.take();
        let started = Clock::system().now();
        let reply = action.send(&scene).await;
        assert!((200..300).contains(&reply.status), "{route}: {reply:?}");
        measured.add(
            &route,
            started,
            &reply,
            &world.calls.take(),
            &lines.request(),
        );
    }
    let scim = scim::measured(many, 0).await;
    measured.costs.extend(scim.costs);
    measured.writes.extend(scim.writes);
    measured
}

#[tokio::test]
async fn the_cost_and_the_writes_of_every_operation() {
    let measured = measured(5).await;
    insta::assert_snapshot!("costs", measured.costs.join("\n"));
    insta::assert_snapshot!("writes", measured.writes.join("\n"));
}

#[tokio::test]
async fn costs_do_not_depend_on_the_size_of_the_table() {
    assert_eq!(measured(5).await.costs, measured(500).await.costs);
}
