//! The list of the users of a tenant.

use serde_json::json;
use support::{World, invariants};

use super::{encoded, found, person, world_of_people};

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
