//! Cursors are valid for one list of one tenant only, and cannot lead out of it.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::domain::{Caller, Clock, OrganizationId, TenantId, UserId};
use muster::http::Cursor;
use muster::store::{Error, Refusal};
use serde_json::{Value, json};
use support::{ACME, Actor, World};

const OTHER: &str = "other";

/// An organization and a team in it, with the same members.
#[derive(Debug)]
struct Crowd {
    organization: String,
    team: String,
}

/// Two tenants with four organizations each, one of which has many members.
async fn two_tenants() -> (World, [Crowd; 2]) {
    let world = World::start().await;
    let mut crowds = Vec::new();
    for tenant in [ACME, OTHER] {
        let root = world.tenant_admin_of(tenant);
        for name in ["A", "B", "C"] {
            let body = json!({"name": format!("{name} of {tenant}"), "domain": "x.example"});
            root.post("/organizations", body).await.expect(201);
        }
        let crowd = world.organization(&root, &format!("D of {tenant}")).await;
        let mut team = String::new();
        for teams in ["/teams".to_owned(), format!("/organizations/{crowd}/teams")] {
            for name in ["A", "B"] {
                let made = root.post(&teams, json!({"name": name})).await.expect(201);
                made.body["id"].as_str().unwrap().clone_into(&mut team);
                let members = format!("/teams/{team}/members");
                let own = json!({"user_id": ADMIN});
                root.post(&members, own).await.expect(201);
            }
        }
        for user in ["bob", "eve", "mia"] {
            root.put(&format!("/users/{user}"), json!({}))
                .await
                .expect(201);
            let member = json!({"user_id": user, "status": "active"});
            let members = format!("/organizations/{crowd}/members");
            root.post(&members, member).await.expect(201);
            let members = format!("/teams/{team}/members");
            let member = json!({"user_id": user});
            root.post(&members, member).await.expect(201);
        }
        crowds.push(Crowd {
            organization: crowd,
            team,
        });
    }
    (world, crowds.try_into().unwrap())
}

async fn cursor(actor: &Actor, path: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let page = actor
        .get(&format!("{path}{separator}limit=1"))
        .await
        .expect(200);
    page.body["next_cursor"].as_str().expect(path).to_owned()
}

async fn refused(actor: &Actor, path: &str, cursor: &str) {
    let separator = if path.contains('?') { '&' } else { '?' };
    let asked = format!("{path}{separator}cursor={cursor}");
    actor.get(&asked).await.problem(400, "invalid-cursor");
}

/// The tenant admin's id.
const ADMIN: &str = "root";

/// The lists that a tenant admin can read, who is a member of every organization of the tenant.
fn lists(crowd: &Crowd) -> Vec<String> {
    let Crowd {
        organization: crowd,
        team,
    } = crowd;
    vec![
        "/organizations".to_owned(),
        "/organizations?status=active".to_owned(),
        "/organizations?domain=x.example".to_owned(),
        "/organizations?name_prefix=".to_owned() + "a",
        "/teams".to_owned(),
        format!("/organizations/{crowd}/teams"),
        format!("/organizations/{crowd}/members"),
        format!("/organizations/{crowd}/members?status=all"),
        format!("/organizations/{crowd}/members?role=member"),
        format!("/organizations/{crowd}/members?sort=name"),
        "/users".to_owned(),
        "/users?status=all".to_owned(),
        format!("/users/{ADMIN}/organizations"),
        format!("/users/{ADMIN}/organizations?status=all"),
        format!("/teams/{team}/members"),
        format!("/users/{ADMIN}/teams"),
    ]
}

#[tokio::test]
async fn a_cursor_is_valid_only_in_its_own_list() {
    let (world, [crowd, others]) = two_tenants().await;
    let (root, other) = (world.tenant_admin(), world.tenant_admin_of(OTHER));
    let mut cursors = Vec::new();
    for list in lists(&crowd) {
        if list.contains("name_prefix") {
            continue;
        }
        cursors.push((list.clone(), cursor(&root, &list).await));
    }
    for (own, cursor) in &cursors {
        for list in lists(&crowd) {
            if list == *own {
                let separator = if list.contains('?') { '&' } else { '?' };
                root.get(&format!("{list}{separator}cursor={cursor}"))
                    .await
                    .expect(200);
            } else {
                refused(&root, &list, cursor).await;
            }
        }
        for list in lists(&others) {
            refused(&other, &list, cursor).await;
        }
        // Nor for another organization or user.
        for list in ["/users/bob/organizations", "/users/bob/teams"] {
            refused(&root, list, cursor).await;
        }
        for list in [
            format!("/organizations/{}/members", others.organization),
            format!("/teams/{}/members", others.team),
        ] {
            refused(&root, &list, cursor).await;
        }
        // `me` is a different list from the user's own id; both start over.
        refused(&world.user("bob"), "/users/me/organizations", cursor).await;
    }
}

#[tokio::test]
async fn damaged_cursors_and_invalid_limits_are_rejected() {
    let (world, [crowd, _]) = two_tenants().await;
    let root = world.tenant_admin();
    for list in [
        "/organizations",
        &format!("/organizations/{}/members", crowd.organization),
        &format!("/users/{ADMIN}/organizations"),
    ] {
        let good = cursor(&root, list).await;
        let mut damaged = vec![
            "x".to_owned(),
            "%00".to_owned(),
            "====".to_owned(),
            "null".to_owned(),
            format!("{good}A"),
            format!("{good}{good}"),
            "A".repeat(5_000),
            URL_SAFE_NO_PAD.encode([0; 16]),
            URL_SAFE_NO_PAD.encode([255; 400]),
        ];
        for at in 1..good.len() {
            damaged.push(good[..at].to_owned());
        }
        for (at, one) in good.char_indices() {
            let other = if one == 'A' { "B" } else { "A" };
            damaged.push(format!("{}{other}{}", &good[..at], &good[at + 1..]));
        }
        for damaged in damaged {
            refused(&root, list, &damaged).await;
        }
        for limit in [
            "0",
            "101",
            "x",
            "-1",
            "1.0",
            "1,2",
            "%201",
            "18446744073709551616",
        ] {
            let reply = root.get(&format!("{list}?limit={limit}")).await;
            let reply = reply.problem(400, "validation-failed");
            assert_eq!(reply.body["errors"][0]["pointer"], "/limit");
        }
        for limit in ["", "1", "100"] {
            root.get(&format!("{list}?limit={limit}")).await.expect(200);
        }
    }
}

/// All cursors that a caller can forge, since the seal uses no secret: positions of other tenants,
/// keys instead of positions, and invalid positions.
fn places(others: &str) -> Vec<String> {
    let mut places = vec![
        "a of other#".to_owned() + others,
        format!("d$0of$0other#{others}"),
        format!("TENANT#{OTHER}#ORG#{others}"),
        format!("TENANT#{OTHER}#ORGS"),
        format!("#{others}"),
        format!("../{others}"),
        others.to_owned(),
        "bob".to_owned(),
        "USER#bob".to_owned(),
        "ORG#x".to_owned(),
        "{\"pk\":\"TENANT#other#USER#bob\"}".to_owned(),
        String::new(),
        "#".to_owned(),
        "\0".to_owned(),
        "\u{10ffff}#x".to_owned(),
        "zzzz#x".to_owned(),
        "0#x".to_owned(),
        "x".repeat(129),
    ];
    places.push(format!("{}#x", "x".repeat(1_030)));
    places.push(format!("{}#x", "x".repeat(2_900)));
    places
}

/// A list as bound to its cursors: route, ids in the path, request and filters.
type ListQuery<'a> = (
    &'static str,
    [&'a str; 3],
    String,
    Vec<(&'static str, &'static str)>,
);

fn queries(crowd: &Crowd) -> Vec<ListQuery<'_>> {
    let Crowd {
        organization: crowd,
        team,
    } = crowd;
    let filters =
        |set: &[&'static str], status: &'static str| -> Vec<(&'static str, &'static str)> {
            set.iter()
                .map(|name| (*name, if *name == "status" { status } else { "" }))
                .collect()
        };
    let organizations = ["name_prefix", "name", "domain", "status"];
    let members = ["status", "role", "q", "sort"];
    vec![
        (
            "GET /organizations",
            ["", "", ""],
            "/organizations".to_owned(),
            filters(&organizations, ""),
        ),
        (
            "GET /organizations",
            ["", "", ""],
            "/organizations?status=deleted".to_owned(),
            filters(&organizations, "deleted"),
        ),
        (
            "GET /organizations",
            ["", "", ""],
            "/organizations?name_prefix=a".to_owned(),
            vec![
                ("name_prefix", "a"),
                ("name", ""),
                ("domain", ""),
                ("status", ""),
            ],
        ),
        (
            "GET /organizations",
            ["", "", ""],
            "/organizations?domain=x.example".to_owned(),
            vec![
                ("name_prefix", ""),
                ("name", ""),
                ("domain", "x.example"),
                ("status", ""),
            ],
        ),
        (
            "GET /organizations/{organization_id}/members",
            [crowd.as_str(), "", ""],
            format!("/organizations/{crowd}/members?status=all"),
            filters(&members, "all"),
        ),
        (
            "GET /organizations/{organization_id}/members",
            [crowd.as_str(), "", ""],
            format!("/organizations/{crowd}/members?sort=name"),
            vec![("status", ""), ("role", ""), ("q", ""), ("sort", "name")],
        ),
        (
            "GET /users",
            ["", "", ""],
            "/users".to_owned(),
            vec![("q", ""), ("status", "")],
        ),
        ("GET /teams", ["", "", ""], "/teams".to_owned(), vec![]),
        (
            "GET /organizations/{organization_id}/teams",
            [crowd.as_str(), "", ""],
            format!("/organizations/{crowd}/teams"),
            vec![],
        ),
        (
            "GET /users/{user_id}/organizations",
            ["", "", ADMIN],
            format!("/users/{ADMIN}/organizations?status=all"),
            filters(&["status", "organization_status"], "all"),
        ),
        (
            "GET /teams/{team_id}/members",
            ["", team.as_str(), ""],
            format!("/teams/{team}/members"),
            vec![],
        ),
        (
            "GET /users/{user_id}/teams",
            ["", "", ADMIN],
            format!("/users/{ADMIN}/teams"),
            vec![],
        ),
    ]
}

#[tokio::test]
async fn forged_cursors_lead_to_no_other_data() {
    let (world, [crowd, others]) = two_tenants().await;
    let others = others.organization;
    let root = world.tenant_admin();
    let tenant = TenantId::parse(ACME).unwrap();
    for (route, ids, list, filters) in queries(&crowd) {
        let own = ids.map(|id| ("", id));
        let made = Cursor::new(&tenant, route, own.into_iter().chain(filters));
        // The real seal.
        if !list.contains("deleted") && !list.contains("prefix") {
            let place = made.open(&cursor(&root, &list).await).unwrap();
            assert!(!place.is_empty());
        }
        for place in places(&others) {
            let separator = if list.contains('?') { '&' } else { '?' };
            let asked = format!("{list}{separator}cursor={}", made.seal(&place));
            world.calls.take();
            let reply = root.get(&asked).await;
            for call in world.calls.take() {
                assert_eq!(
                    support::of_other_tenants(&call, ACME),
                    Vec::<String>::new(),
                    "{place}"
                );
            }
            // DynamoDB rejects these as start keys, but the embedded one does not.
            let prefix = list.contains("prefix") && !place.starts_with('a');
            if reply.status != 200 || prefix || place.len() > 1_024 {
                reply.problem(400, "invalid-cursor");
                continue;
            }
            for item in reply.body["items"].as_array().unwrap() {
                assert_eq!(item["tenant_id"], ACME, "{asked} {place}");
            }
        }
    }
}

#[tokio::test]
async fn positions_of_domains_and_invitations_fit_in_a_key() {
    let world = World::start().await;
    let id = world.organization(&world.tenant_admin(), "Acme").await;
    let id = OrganizationId::parse(id).unwrap();
    let caller = Caller {
        tenant_id: TenantId::parse(ACME).unwrap(),
        user_id: UserId::parse(ADMIN).unwrap(),
        tenant_admin: true,
        machine: false,
        email: None,
    };
    let (store, cx) = (
        world.store(),
        support::context(caller, Clock::system().now()),
    );
    let is_refused = |error: Option<Error>| match error {
        Some(Error::Refused(Refusal::InvalidPosition)) => true,
        None => false,
        Some(other) => panic!("{other:?}"),
    };
    for (bytes, refused) in [(1_024, false), (1_025, true)] {
        let domain = format!("{:x<bytes$}", "DOMAIN#");
        let domains = store.domains(&cx, &id, Some(&domain), 1).await;
        assert_eq!(is_refused(domains.err()), refused, "{bytes}");
        let invitation = format!("{:x<bytes$}", "INVITATION#");
        let invitations = store
            .invitations(&cx, &id, None, Some(&invitation), 1)
            .await;
        assert_eq!(is_refused(invitations.err()), refused, "{bytes}");
    }
}

#[tokio::test]
async fn a_cursor_at_a_deleted_item_still_works() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(world.organization(&root, name).await);
    }
    let next = cursor(&root, "/organizations").await;
    root.delete(&format!("/organizations/{}", ids[0]))
        .await
        .expect(204);
    let rest = root
        .get(&format!("/organizations?cursor={next}"))
        .await
        .expect(200);
    let names: Vec<&Value> = rest.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["B", "C"]);

    // Purged by DynamoDB, so no longer in the table.
    let pk = format!("TENANT#{ACME}#ORG#{}", ids[0]);
    world
        .stack
        .client()
        .delete_item()
        .table_name(world.stack.table_name())
        .key("pk", AttributeValue::S(pk))
        .key("sk", AttributeValue::S("ORG".to_owned()))
        .send()
        .await
        .unwrap();
    let rest = root
        .get(&format!("/organizations?cursor={next}"))
        .await
        .expect(200);
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 2);
}
