//! Seeing who is in: the names of members, lists by name, searches, and the copies of names.

use std::collections::BTreeSet;
use std::time::Duration;

use muster::domain::{OrganizationId, TenantId, UserId};
use muster_local::Options;
use serde_json::{Value, json};
use support::{ACME, Actor, Fault, Faults, World, at_once, invariants};

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
async fn a_new_member_has_their_name_at_once() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    person(&root, "bob", "Bob", "bob@acme.example").await;
    let members = format!("/organizations/{id}/members");
    let body = json!({"user_id": "bob", "status": "active"});
    ada.post(&members, body).await.expect(201);
    for list in ["", "?sort=name"] {
        let items = ada.all(&format!("{members}{list}")).await;
        let bob = items.iter().find(|item| item["user_id"] == "bob").unwrap();
        let user = json!({"display_name": "Bob", "email": "bob@acme.example"});
        assert_eq!(bob["user"], user, "{list}");
    }
    copied(&world, &id, "bob").await;
    let item = world.table().await;
    let item = &item[&(format!("TENANT#{ACME}#USER#bob"), format!("ORG#{id}"))];
    assert_eq!(item["display_name"], "Bob");
    assert_eq!(item["gsi3sk"], "bob#bob");
    assert_eq!(item["version"], 1);
}

#[tokio::test]
async fn a_rename_reaches_every_membership_and_no_event_says_so() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    let second = world.organization(&ada, "Second").await;
    add(&world, &second, "u1").await;
    let second = format!("/organizations/{second}/members");
    let before = ada.get(&format!("{members}/u1")).await.expect(200);
    let events = root.all("/events").await.len();

    person(&root, "u1", "Zara", "new@acme.example").await;
    for members in [&members, &second] {
        let items = ada.all(&format!("{members}?sort=name")).await;
        let one = items.iter().find(|item| item["user_id"] == "u1").unwrap();
        let user = json!({"display_name": "Zara", "email": "new@acme.example"});
        assert_eq!(one["user"], user);
        assert_eq!(one["version"], 1);
        assert_eq!(found(&ada, &format!("{members}?q=zara")).await, ["u1"]);
        assert_eq!(found(&ada, &format!("{members}?q=new%40")).await, ["u1"]);
        for gone in ["ada%20b", "ada%40"] {
            assert!(found(&ada, &format!("{members}?q={gone}")).await.is_empty());
        }
    }
    let order = found(&ada, &format!("{members}?sort=name")).await;
    assert_eq!(
        order,
        ["u5", "u6", "u2", "u4", "ada", "u3", "u1", "u8", "u7"]
    );
    // The change of the profile is the only event, and the membership did not change.
    assert_eq!(root.all("/events").await.len(), events + 1);
    let after = ada.get(&format!("{members}/u1")).await.expect(200);
    assert_eq!(before.headers["etag"], after.headers["etag"]);

    // Without a name and an address.
    let cleared = json!({"display_name": null, "email": null});
    root.put("/users/u1", cleared).await.expect(200);
    let order = found(&ada, &format!("{members}?sort=name")).await;
    assert_eq!(order[0], "u1");
    assert!(found(&ada, &format!("{members}?q=new")).await.is_empty());
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_refresh_that_failed_is_finished_by_a_repetition() {
    let (world, faults) = Faults::world(Options::default()).await;
    let members = world_of_people(&world).await;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    let body = json!({"display_name": "Zara"});
    // The profile is written, and then nothing else.
    faults.always("Query", Fault::Throttle);
    let failed = root.put("/users/u1", body.clone()).await;
    assert!(failed.status >= 429, "{failed:?}");
    faults.stop();
    assert_eq!(
        root.get("/users/u1").await.expect(200).body["display_name"],
        "Zara"
    );
    assert!(found(&ada, &format!("{members}?q=zara")).await.is_empty());
    let version = root.get("/users/u1").await.expect(200).headers["etag"].clone();
    root.put("/users/u1", body).await.expect(200);
    assert_eq!(found(&ada, &format!("{members}?q=zara")).await, ["u1"]);
    assert_eq!(
        root.get("/users/u1").await.expect(200).headers["etag"],
        version
    );
    // Nothing is left to do.
    let items = world.items().await;
    assert!(items.iter().all(|item| !item.contains_key("names_pending")));
    invariants::check(&items);
}

#[tokio::test]
async fn concurrent_renames_leave_the_last_name_everywhere() {
    let world = World::start().await;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    person(&root, "bob", "Bob", "bob@acme.example").await;
    let mut organizations = Vec::new();
    for n in 0..4 {
        let id = world.organization(&ada, &format!("Acme {n}")).await;
        add(&world, &id, "bob").await;
        organizations.push(id);
    }
    let renames = (0..6).map(|n| {
        let root = root.clone();
        async move {
            let name = format!("Bob {n}");
            person(&root, "bob", &name, &format!("bob{n}@acme.example")).await;
        }
    });
    at_once(renames).await;
    let profile = root.get("/users/bob").await.expect(200).body;
    let user = json!({"display_name": profile["display_name"], "email": profile["email"]});
    for id in &organizations {
        let items = ada.all(&format!("/organizations/{id}/members")).await;
        let bob = items.iter().find(|item| item["user_id"] == "bob").unwrap();
        assert_eq!(bob["user"], user);
        let q = encoded(profile["email"].as_str().unwrap());
        let path = format!("/organizations/{id}/members?q={q}");
        assert_eq!(found(&ada, &path).await, ["bob"]);
    }
    let items = world.items().await;
    assert!(items.iter().all(|item| !item.contains_key("names_pending")));
    invariants::check(&items);
}

/// Signs in as this user, with a plain event.
async fn login(world: &World, user: &str, name: &str, email: &str) {
    let event = json!({
        "triggerSource": "PostLogin", "tenantId": ACME, "userId": user, "displayName": name,
        "email": email,
    });
    world.invoke("post-login", &event).await;
}

#[tokio::test]
async fn a_login_refreshes_names_and_else_writes_none() {
    let world = World::start().await;
    let members = world_of_people(&world).await;
    let ada = world.user("ada");
    // A warm function knows for a minute that the tenant has no directory of its own.
    login(&world, "u1", "Ada Byron", "Ada@acme.example").await;
    world.calls.take();
    login(&world, "u1", "Ada Byron", "Ada@acme.example").await;
    assert_eq!(world.calls.operations(), ["UpdateItem"]);
    login(&world, "u1", "Zara", "Ada@acme.example").await;
    let renamed = world.calls.operations();
    // The profile, the memberships, the only copy, and the mark that this is done.
    assert_eq!(
        renamed,
        [
            "UpdateItem",
            "TransactWriteItems",
            "Query",
            "UpdateItem",
            "UpdateItem"
        ]
    );
    assert_eq!(found(&ada, &format!("{members}?q=zara")).await, ["u1"]);
    world.calls.take();
    login(&world, "u1", "Zara", "Ada@acme.example").await;
    assert_eq!(world.calls.operations(), ["UpdateItem"]);
    // The first login of a new user writes their profile alone.
    login(&world, "new", "New", "new@acme.example").await;
    assert_eq!(
        world.calls.operations(),
        ["UpdateItem", "TransactWriteItems"]
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_login_with_nothing_new_writes_nothing_to_the_index() {
    let world = World::start().await;
    world_of_people(&world).await;
    world.charges.take();
    login(&world, "u1", "Ada Byron", "Ada@acme.example").await;
    // The profile, and its entry by email address in gsi1.
    assert!((world.charges.take().write - 2.0).abs() < 1e-6);
    let places = |items: Vec<serde_json::Map<String, Value>>| {
        let listed = items.into_iter().filter(|item| item.contains_key("gsi3pk"));
        let place = |item: &serde_json::Map<String, Value>| {
            ["gsi3pk", "gsi3sk", "user_id", "status", "role"]
                .map(|name| item.get(name).cloned().unwrap_or_default().to_string())
        };
        listed.map(|item| place(&item)).collect::<BTreeSet<_>>()
    };
    let before = places(world.items().await);
    login(&world, "u1", "Ada Byron", "Ada@acme.example").await;
    assert_eq!(places(world.items().await), before);
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
async fn a_search_that_cannot_be_is_refused() {
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

#[tokio::test]
async fn users_are_listed_by_name_and_found_by_name_or_email() {
    let world = World::start().await;
    world_of_people(&world).await;
    let root = world.tenant_admin();
    world.register(&["nameless"]).await;
    world.organization(&world.user("creator"), "Second").await;
    let named = [
        "creator", "nameless", "u5", "u6", "u1", "u2", "u4", "ada", "u3", "u8", "u7",
    ];
    for limit in [1, 4, 100] {
        let users = found(&root, &format!("/users?limit={limit}")).await;
        assert_eq!(users, named, "{limit}");
        for (q, expected) in [
            ("ADA", vec!["u1", "u2", "u8"]),
            ("ad", vec!["u1", "u2", "u8", "u7"]),
            ("straße", vec!["u3"]),
            ("100%", vec!["u5"]),
            ("OWNER@", vec!["ada"]),
            ("byron", vec![]),
        ] {
            let path = format!("/users?q={}&limit={limit}", encoded(q));
            assert_eq!(found(&root, &path).await, expected, "{q} by {limit}");
        }
    }
    let one = root.get("/users?q=ada%20b").await.expect(200).body;
    assert_eq!(
        one["items"][0],
        root.get("/users/u1").await.expect(200).body
    );
    // Another tenant has its own.
    let other = world.tenant_admin_of("other");
    assert!(found(&other, "/users").await.is_empty());
    assert!(found(&other, "/users?q=ada").await.is_empty());
    world
        .user("ada")
        .get("/users")
        .await
        .problem(403, "forbidden");
    for (query, pointer) in [
        ("q=", "/q"),
        ("status=gone", "/status"),
        ("sort=name", "/sort"),
    ] {
        let refused = root.get(&format!("/users?{query}")).await;
        let refused = refused.problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn users_are_listed_by_status() {
    let world = World::start().await;
    let root = world.tenant_admin();
    for n in 0..9 {
        let email = format!("tom{n}@acme.example");
        person(&root, &format!("u{n}"), &format!("Ann {n}"), &email).await;
    }
    for n in [2, 5] {
        let body = json!({"status": "disabled"});
        root.patch(&format!("/users/u{n}"), body).await.expect(200);
    }
    for limit in [1, 3, 100] {
        for q in ["", "&q=ann", "&q=tom"] {
            let path = |status: &str| format!("/users?limit={limit}{q}{status}");
            let disabled = found(&root, &path("&status=disabled")).await;
            assert_eq!(disabled, ["u2", "u5"], "{limit} {q}");
            let enabled = found(&root, &path("")).await;
            assert_eq!(
                enabled,
                ["u0", "u1", "u3", "u4", "u6", "u7", "u8"],
                "{limit} {q}"
            );
            assert_eq!(found(&root, &path("&status=enabled")).await, enabled);
            assert_eq!(found(&root, &path("&status=all")).await.len(), 9);
        }
    }
    let body = json!({"status": "enabled"});
    root.patch("/users/u2", body).await.expect(200);
    assert_eq!(found(&root, "/users?status=disabled").await, ["u5"]);
    // A disabled user who is renamed stays disabled, and is found by the new name.
    person(&root, "u5", "Zoe", "zoe@acme.example").await;
    assert_eq!(found(&root, "/users?q=zoe&status=disabled").await, ["u5"]);
    assert!(found(&root, "/users?q=zoe").await.is_empty());
    invariants::check(&world.items().await);
}
