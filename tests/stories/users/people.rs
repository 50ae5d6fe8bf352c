//! Seeing who is in: the names of members, lists by name, searches, and the copies of names.

mod copies;
mod users;

use std::collections::BTreeSet;
use std::time::Duration;

use muster::domain::{OrganizationId, TenantId, UserId};
use serde_json::{Value, json};
use support::{ACME, Actor, World, at_once};

/// The users with these names and addresses, as active members of an organization of ada.
const PEOPLE: [(&str, &str, &str); 8] = [
    ("u1", "Ada Byron", "Ada@acme.example"),
    ("u2", "adam  smith", "zed@acme.example"),
    ("u3", "Straße 5", "strasse@acme.example"),
    ("u4", "Ｆｕｌｌ Width", "full@acme.example"),
    ("u5", "100% Bob", "b%b@acme.example"),
    ("u6", "a_b #1 $2", "a+b@acme.example"),
    ("u7", "Éva", "adele@acme.example"),
    ("u8", "Zoë", "ada.z@acme.example"),
];

/// Registers a user with a name and an email address.
async fn person(root: &Actor, id: &str, name: &str, email: &str) {
    let body = json!({"display_name": name, "email": email});
    let reply = root.put(&format!("/users/{id}"), body).await;
    assert!(matches!(reply.status, 200 | 201), "{reply:?}");
}

/// Copies a user's names as the function that follows the stream does.
async fn copied(world: &World, organization: &str, user: &str) {
    let tenant = TenantId::parse(ACME).unwrap();
    let organization = OrganizationId::parse(organization).unwrap();
    let user = UserId::parse(user).unwrap();
    let store = world.store();
    let copied = store.copy_profile(&tenant, &user, &organization).await;
    copied.unwrap();
}

async fn add(world: &World, organization: &str, user: &str) {
    let members = format!("/organizations/{organization}/members");
    let body = json!({"user_id": user, "status": "active"});
    let root = world.tenant_admin();
    root.post(&members, body).await.expect(201);
    copied(world, organization, user).await;
}

/// An organization of ada with [`PEOPLE`]. Returns the path of its members.
async fn world_of_people(world: &World) -> String {
    let root = world.tenant_admin();
    person(&root, "ada", "Owner", "owner@acme.example").await;
    let id = world.organization(&world.user("ada"), "Acme").await;
    copied(world, &id, "ada").await;
    for (user, name, email) in PEOPLE {
        person(&root, user, name, email).await;
        add(world, &id, user).await;
    }
    format!("/organizations/{id}/members")
}

/// The user ids of all items of a list, in order.
async fn found(actor: &Actor, path: &str) -> Vec<String> {
    let items = actor.all(path).await;
    let id = |item: &Value| item["user_id"].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

/// Encodes a text for a query.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn who_sees_names_and_email_addresses() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let id = members.split('/').nth(2).unwrap().to_owned();
    let email = json!("Ada@acme.example");
    for role in [
        "owner",
        "admin",
        "org_admin",
        "manager",
        "member",
        "internal_user",
        "readonly",
        "internal_user_viewer",
    ] {
        let caller = world.member(&id, role, role, "active").await;
        let sees = matches!(role, "owner" | "admin" | "org_admin" | "manager");
        let expected = sees.then_some(&email);
        for list in ["?limit=100", "?sort=name&limit=100", "?q=ada%20b"] {
            let items = caller.all(&format!("{members}{list}")).await;
            let other = items.iter().find(|item| item["user_id"] == "u1").unwrap();
            assert_eq!(other["user"]["display_name"], "Ada Byron", "{role} {list}");
            assert_eq!(other["user"].get("email"), expected, "{role} {list}");
            // Their own address, which is not set.
            let own = items.iter().find(|item| item["user_id"] == role);
            let nothing = json!({"display_name": null, "email": null});
            assert!(
                own.is_none_or(|own| own["user"] == nothing),
                "{role} {list}"
            );
        }
        // An address finds a member only for who may see it.
        let by_email = found(&caller, &format!("{members}?q=zed%40")).await;
        assert_eq!(by_email, if sees { vec!["u2"] } else { vec![] }, "{role}");
    }
    let root = world.tenant_admin();
    let items = root.all(&format!("{members}?q=ada%20b")).await;
    assert_eq!(items[0]["user"]["email"], email);
    assert_eq!(found(&root, &format!("{members}?q=zed")).await, ["u2"]);
    let items = world.user("u1").all(&members).await;
    for item in items {
        let is_own = item["user_id"] == "u1";
        assert_eq!(item["user"].get("email").is_some(), is_own, "{item}");
    }
}

#[tokio::test]
async fn a_search_finds_names_then_email_addresses() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let ada = world.user("ada");
    for (q, expected) in [
        ("ADA", vec!["u1", "u2", "u8"]),
        ("ad", vec!["u1", "u2", "u8", "u7"]),
        ("adam s", vec!["u2"]),
        ("adam  S", vec!["u2"]),
        ("ada ", vec!["u1"]),
        ("byron", vec![]),
        ("STRASSE", vec!["u3"]),
        ("straße", vec!["u3"]),
        ("full w", vec!["u4"]),
        ("éva", vec!["u7"]),
        ("E\u{301}VA", vec!["u7"]),
        ("zoe", vec![]),
        ("ZOË", vec!["u8"]),
        ("100%", vec!["u5"]),
        ("%", vec![]),
        ("b%", vec!["u5"]),
        ("a_", vec!["u6"]),
        ("a_b #1 $", vec!["u6"]),
        ("a+", vec!["u6"]),
        ("*", vec![]),
        ("ada@ACME.example", vec!["u1"]),
        ("owner@", vec!["ada"]),
        ("TENANT#acme", vec![]),
    ] {
        for limit in [1, 2, 100] {
            let path = format!("{members}?q={}&limit={limit}", encoded(q));
            assert_eq!(found(&ada, &path).await, expected, "{q} by {limit}");
        }
    }
    // One page suffices when few match.
    let first = ada
        .get(&format!("{members}?q=adele"))
        .await
        .expect(200)
        .body;
    assert_eq!(
        (
            first["items"].as_array().unwrap().len(),
            &first["next_cursor"]
        ),
        (1, &Value::Null)
    );
    // A person of the tenant who is not in the organization is not found.
    person(
        &world.tenant_admin(),
        "other",
        "Ada Other",
        "ada.other@acme.example",
    )
    .await;
    assert_eq!(
        found(&ada, &format!("{members}?q=ada")).await,
        ["u1", "u2", "u8"]
    );
    // The filters hold for both.
    let suspended = json!({"status": "suspended"});
    ada.patch(&format!("{members}/u8"), suspended)
        .await
        .expect(200);
    assert_eq!(found(&ada, &format!("{members}?q=ada")).await, ["u1", "u2"]);
    let path = format!("{members}?q=ada&status=suspended");
    assert_eq!(found(&ada, &path).await, ["u8"]);
    let path = format!("{members}?q=owner&role=owner");
    assert_eq!(found(&ada, &path).await, ["ada"]);
}

#[tokio::test]
async fn members_are_sorted_by_joining_or_by_name() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let ada = world.user("ada");
    let joined = ["ada", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"];
    let named = ["u5", "u6", "u1", "u2", "u4", "ada", "u3", "u8", "u7"];
    for limit in [1, 4, 100] {
        assert_eq!(
            found(&ada, &format!("{members}?limit={limit}")).await,
            joined
        );
        let path = format!("{members}?sort=joined&limit={limit}");
        assert_eq!(found(&ada, &path).await, joined);
        let path = format!("{members}?sort=name&limit={limit}");
        assert_eq!(found(&ada, &path).await, named);
        let path = format!("{members}?sort=name&status=all&role=member&limit={limit}");
        let others: Vec<_> = named.into_iter().filter(|id| *id != "ada").collect();
        assert_eq!(found(&ada, &path).await, others);
    }
}

#[tokio::test]
async fn many_members_are_paged_during_changes() {
    let world = World::start().await;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    let id = world.organization(&ada, "Acme").await;
    let many: Vec<_> = (0..300).collect();
    let all = many
        .iter()
        .map(|n| (id.clone(), format!("u{n:03}"), "member", "active"));
    world.memberships(&all.collect::<Vec<_>>()).await;
    for some in many.chunks(16) {
        let named = some.iter().map(|n| {
            let root = root.clone();
            let (user, n) = (format!("u{n:03}"), *n);
            async move {
                let name = format!("{} {n:03}", if n % 3 == 0 { "Tom" } else { "Ann" });
                person(&root, &user, &name, &format!("tom{n:03}@acme.example")).await;
            }
        });
        at_once(named.collect::<Vec<_>>()).await;
    }
    let members = format!("/organizations/{id}/members");
    let named = |begins: &str| {
        let toms = many.iter().filter(|n| **n % 3 == 0);
        let anns = many.iter().filter(|n| **n % 3 != 0);
        let users = |numbers: Vec<&i32>| -> Vec<String> {
            numbers.into_iter().map(|n| format!("u{n:03}")).collect()
        };
        let (toms, anns) = (users(toms.collect()), users(anns.collect()));
        match begins {
            // Those whose name begins with it come before those whose address does.
            "tom" => [toms, anns].concat(),
            "ann" => anns,
            _ => [vec!["ada".to_owned()], anns, toms].concat(),
        }
    };
    for limit in [7, 50, 100] {
        for (list, begins) in [("sort=name", ""), ("q=tom", "tom"), ("q=ANN", "ann")] {
            let path = format!("{members}?{list}&limit={limit}");
            assert_eq!(found(&ada, &path).await, named(begins), "{path}");
        }
    }
    // Those who stay as they are show up once, while others change.
    let busy = {
        let (root, members) = (root.clone(), members.clone());
        tokio::spawn(async move {
            for n in (0..300).step_by(10) {
                let user = format!("u{n:03}");
                if n % 20 == 0 {
                    root.delete(&format!("{members}/{user}")).await.expect(204);
                } else {
                    person(&root, &user, "Renamed", "renamed@acme.example").await;
                }
            }
        })
    };
    loop {
        let is_done = busy.is_finished();
        for list in ["sort=name", "sort=joined", "q=tom"] {
            let listed = found(&ada, &format!("{members}?{list}&limit=37")).await;
            let stays = |user: &&String| user.starts_with('u') && !user.ends_with('0');
            let staying: Vec<_> = listed.iter().filter(stays).collect();
            let different: BTreeSet<_> = staying.iter().collect();
            assert_eq!((staying.len(), different.len()), (270, 270), "{list}");
        }
        if is_done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    busy.await.unwrap();
}

#[tokio::test]
async fn an_invalid_search_returns_400() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let ada = world.user("ada");
    let before = world.table().await;
    let long = "x".repeat(5_000);
    for (query, pointers) in [
        (format!("q={long}"), vec!["/q"]),
        (format!("q={}", "x".repeat(256)), vec!["/q"]),
        ("q=".to_owned(), vec!["/q"]),
        ("q=%20".to_owned(), vec!["/q"]),
        ("q=%E2%80%8B".to_owned(), vec!["/q"]),
        ("sort=age".to_owned(), vec!["/sort"]),
        ("sort=".to_owned(), vec!["/sort"]),
        ("sort=Name".to_owned(), vec!["/sort"]),
        ("q=ada&sort=joined".to_owned(), vec!["/sort"]),
        ("q=&sort=x".to_owned(), vec!["/q", "/sort"]),
    ] {
        let refused = ada.get(&format!("{members}?{query}")).await;
        let refused = refused.problem(400, "validation-failed");
        let errors = refused.body["errors"].as_array().unwrap();
        let found: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(found, pointers, "{query:.40}");
    }
    // The gateway refuses what does not fit into a request.
    let longer = ada
        .get(&format!("{members}?q={}", "x".repeat(20_000)))
        .await;
    assert!(matches!(longer.status, 414 | 431), "{longer:?}");
    let longest = "x".repeat(255);
    ada.get(&format!("{members}?q={longest}")).await.expect(200);
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_search() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let ada = world.user("ada");
    let cursor = |list: &'static str| {
        let (ada, members) = (ada.clone(), members.clone());
        async move {
            let page = ada
                .get(&format!("{members}?{list}&limit=1"))
                .await
                .expect(200);
            page.body["next_cursor"].as_str().unwrap().to_owned()
        }
    };
    let lists = ["q=ada", "q=ad", "sort=name", "sort=joined", "status=all"];
    for one in lists {
        let cursor = cursor(one).await;
        for other in lists {
            let reply = ada.get(&format!("{members}?{other}&cursor={cursor}")).await;
            if one == other {
                reply.expect(200);
            } else {
                reply.problem(400, "invalid-cursor");
            }
        }
    }
}
