//! Lists of organizations page by page: of a tenant with every filter, and of a user.

use serde_json::json;
use support::World;

use super::{LIMITS, MANY, SOME_LIMITS, list_is};

#[tokio::test]
async fn every_organization_is_listed_once_by_name_with_every_filter() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let shown = |n: usize| {
        format!(
            "{} {n:03}",
            if n.is_multiple_of(10) { "Ten" } else { "One" }
        )
    };
    let domain = |n: usize| {
        if n.is_multiple_of(3) {
            "three.example"
        } else {
            "other.example"
        }
    };
    let all: Vec<_> = (0..MANY)
        .rev()
        .map(|n| (shown(n), Some(domain(n))))
        .collect();
    for (n, id) in (0..MANY).rev().zip(world.organizations("ada", &all).await) {
        if n % 4 == 0 {
            root.delete(&format!("/organizations/{id}"))
                .await
                .expect(204);
        }
    }
    let named = |keep: &dyn Fn(usize) -> bool, deleted: bool| {
        let mut names: Vec<_> = (0..MANY)
            .filter(|n| keep(*n) && (n % 4 == 0) == deleted)
            .map(shown)
            .collect();
        names.sort();
        names
    };
    for deleted in [false, true] {
        let status = if deleted { "deleted" } else { "active" };
        let list = format!("/organizations?status={status}");
        let all = named(&|_| true, deleted);
        list_is(&root, &list, "name", &all, &LIMITS).await;
        let tens = named(&|n| n.is_multiple_of(10), deleted);
        list_is(
            &root,
            &format!("{list}&name_prefix=%20TEN"),
            "name",
            &tens,
            &SOME_LIMITS,
        )
        .await;
        let threes = named(&|n| n.is_multiple_of(3), deleted);
        list_is(
            &root,
            &format!("{list}&domain=Three.Example"),
            "name",
            &threes,
            &SOME_LIMITS,
        )
        .await;
        let both = named(&|n| n.is_multiple_of(3) && n.is_multiple_of(10), deleted);
        let path = format!("{list}&domain=three.example&name_prefix=ten%20");
        list_is(&root, &path, "name", &both, &SOME_LIMITS).await;
        for one in both {
            let path = format!("{list}&name={}", one.to_uppercase().replace(' ', "%20%20"));
            list_is(
                &root,
                &path,
                "name",
                std::slice::from_ref(&one),
                &SOME_LIMITS,
            )
            .await;
        }
        list_is(
            &root,
            &format!("{list}&name=Ten"),
            "name",
            &[],
            &SOME_LIMITS,
        )
        .await;
    }
    list_is(
        &root,
        "/organizations",
        "name",
        &named(&|_| true, false),
        &SOME_LIMITS,
    )
    .await;
}

#[tokio::test]
async fn organizations_are_sorted_and_found_by_folded_name() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let sorted = [
        "  Acme ",
        "ACME Corp",
        "Acme Corp 2",
        "acme!",
        "Acme#1",
        "acme-x",
        "Acme.",
        "Acme1",
        "acme2",
        "acmé",
        "ＢETA",
        "beta corp",
        "Straße",
        "straßen",
        "Äpfel",
        "Ω",
    ];
    for name in sorted.iter().rev() {
        root.post("/organizations", json!({"name": name}))
            .await
            .expect(201);
    }
    let expected: Vec<_> = sorted.iter().map(|name| name.trim().to_owned()).collect();
    list_is(&root, "/organizations", "name", &expected, &SOME_LIMITS).await;
    for (query, found) in [
        ("name_prefix=ACME", &expected[..9]),
        ("name_prefix=acme%20", &expected[1..3]),
        ("name_prefix=%20acme%20%20corp", &expected[1..3]),
        ("name_prefix=acm", &expected[..10]),
        ("name_prefix=acm%C3%89", &expected[9..10]),
        ("name_prefix=STRASSE", &expected[12..14]),
        ("name_prefix=%EF%BD%82", &expected[10..12]),
        ("name_prefix=beta&name=Beta", &expected[10..11]),
        ("name_prefix=x&name=Beta", &[]),
        ("name=%20acme%20", &expected[..1]),
        ("name=acme%20%20CORP", &expected[1..2]),
        ("name=acme%231", &expected[4..5]),
        ("name=strasse", &expected[12..13]),
    ] {
        list_is(
            &root,
            &format!("/organizations?{query}"),
            "name",
            found,
            &SOME_LIMITS,
        )
        .await;
    }
}

#[tokio::test]
async fn every_organization_of_a_user_is_listed_once() {
    let world = World::start().await;
    let (root, bob) = (world.tenant_admin(), world.user("bob"));
    let named: Vec<_> = (0..MANY)
        .map(|n| (format!("Organization {n}"), None))
        .collect();
    let ids = world.organizations("ada", &named).await;
    let status = |n: usize| ["active", "invited", "suspended"][n % 3];
    let all = ids
        .iter()
        .enumerate()
        .map(|(n, id)| (id.clone(), "bob".to_owned(), "member", status(n)));
    world.memberships(&all.collect::<Vec<_>>()).await;
    let mut left: Vec<_> = ids.into_iter().enumerate().collect();
    for (n, id) in left.extract_if(.., |(n, _)| *n % 5 == 0) {
        assert!(n < MANY);
        root.delete(&format!("/organizations/{id}"))
            .await
            .expect(204);
    }
    left.sort_by(|(_, one), (_, other)| one.cmp(other));
    for wanted in ["active", "invited", "suspended", "all"] {
        let right = |n: usize| wanted == "all" || status(n) == wanted;
        let expected: Vec<_> = left
            .iter()
            .filter(|(n, _)| right(*n))
            .map(|(_, id)| id.clone())
            .collect();
        let path = format!("/users/me/organizations?status={wanted}");
        let limits = if wanted == "all" {
            &LIMITS[..]
        } else {
            &SOME_LIMITS
        };
        list_is(&bob, &path, "organization_id", &expected, limits).await;
        let path = path.replace("me", "bob");
        list_is(&root, &path, "organization_id", &expected, &[50]).await;
    }
}
