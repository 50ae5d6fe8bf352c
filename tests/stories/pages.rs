//! Lists page by page: every item once and in order, for every page size and with concurrent
//! changes.

mod organizations;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Actor, World};

use crate::invitations::by_email::verified;

/// Page sizes: minimum, unusual ones, default, maximum.
const LIMITS: [usize; 5] = [1, 2, 7, 50, 100];
/// For lists that differ only by filter.
const SOME_LIMITS: [usize; 2] = [7, 100];
/// More than two of the largest pages.
const MANY: usize = 230;

fn text(item: &Value, field: &str) -> String {
    item[field].as_str().unwrap().to_owned()
}

/// The field of every item, in pages of this size. Fails if a page is larger.
async fn paged(actor: &Actor, path: &str, limit: usize, field: &str) -> Vec<String> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let first = format!("{path}{separator}limit={limit}");
    let (mut found, mut next) = (Vec::new(), first.clone());
    loop {
        let page = actor.get(&next).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit, "{} on a page of {limit}", items.len());
        found.extend(items.iter().map(|item| text(item, field)));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{first}&cursor={cursor}"),
            None => return found,
        }
    }
}

/// Fails unless the list has exactly these, each once and in this order, for every page size.
async fn list_is(actor: &Actor, path: &str, field: &str, expected: &[String], limits: &[usize]) {
    for limit in limits {
        let found = paged(actor, path, *limit, field).await;
        assert_eq!(found, expected, "{path} by {limit}");
    }
}

fn numbered(prefix: &str, numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|n| format!("{prefix}{n:03}")).collect()
}

#[tokio::test]
async fn every_member_is_listed_once_with_every_status_and_role() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let members = format!("/organizations/{id}/members");
    let role = |n: usize| {
        if n.is_multiple_of(9) {
            "manager"
        } else {
            "readonly"
        }
    };
    let status = |n: usize| ["active", "active", "invited", "suspended"][n % 4];
    let all = (0..MANY).map(|n| (id.clone(), format!("u{n:03}"), role(n), status(n)));
    world.memberships(&all.collect::<Vec<_>>()).await;
    let of = |keep: &dyn Fn(usize) -> bool| numbered("u", (0..MANY).filter(|n| keep(*n)));
    for wanted in ["active", "invited", "suspended", "all"] {
        let right = |n: usize| wanted == "all" || status(n) == wanted;
        let mut expected = of(&right);
        if ["active", "all"].contains(&wanted) {
            expected.insert(0, "ada".to_owned());
        }
        let path = format!("{members}?status={wanted}");
        list_is(&ada, &path, "user_id", &expected, &SOME_LIMITS).await;
        let managers = of(&|n| right(n) && role(n) == "manager");
        list_is(
            &ada,
            &format!("{path}&role=manager"),
            "user_id",
            &managers,
            &SOME_LIMITS,
        )
        .await;
        list_is(
            &ada,
            &format!("{path}&role=org_admin"),
            "user_id",
            &[],
            &SOME_LIMITS,
        )
        .await;
    }
    let path = format!("{members}?role=owner");
    list_is(&ada, &path, "user_id", &["ada".to_owned()], &SOME_LIMITS).await;
}

#[tokio::test]
async fn concurrent_changes_hide_no_other_items() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(world.organization(&root, &format!("Acme {n:02}")).await);
    }
    let crowd = world.organization(&root, "Crowd").await;
    for n in 0..60 {
        world
            .member(&crowd, &format!("u{n:02}"), "member", "active")
            .await;
    }
    for (list, field, prefix) in [
        (
            "/organizations?name_prefix=acme".to_owned(),
            "name",
            "Acme ",
        ),
        (
            format!("/organizations/{crowd}/members?status=active"),
            "user_id",
            "u",
        ),
    ] {
        let first = format!("{list}&limit=7");
        let (mut seen, mut next) = (Vec::new(), first.clone());
        for round in 0.. {
            let page = root.get(&next).await.expect(200).body;
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| text(item, field)));
            // Removes every third item and adds as many, before and after the current position;
            // sometimes the removed item is the one in the cursor.
            for n in [round * 3, 57 - round * 3] {
                let other = format!("{:02}-{round}", 59 - n);
                if field == "name" {
                    let gone = root.delete(&format!("/organizations/{}", ids[n])).await;
                    assert!([204, 404].contains(&gone.status), "{gone:?}");
                    world.organization(&root, &format!("Acme {other}")).await;
                } else {
                    let members = format!("/organizations/{crowd}/members");
                    root.delete(&format!("{members}/u{n:02}")).await.expect(204);
                    world
                        .member(&crowd, &format!("u{other}"), "member", "active")
                        .await;
                }
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{first}&cursor={cursor}"),
                None => break,
            }
        }
        // Members who were there from the beginning joined in the order of their ids, before all others.
        let in_order = seen.iter().filter(|one| field == "name" || one.len() == 3);
        assert!(in_order.is_sorted(), "{seen:?}");
        let once: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!(once.len(), seen.len(), "duplicates: {seen:?}");
        for n in (0..60).filter(|n| n % 3 != 0) {
            let stayed = format!("{prefix}{n:02}");
            assert!(once.contains(&stayed), "{stayed} is missing: {seen:?}");
        }
    }
}

/// Teams of an organization and standalone ones, their members, and the teams of a user.
#[tokio::test]
async fn every_team_and_member_of_a_team_is_listed_once() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let id = world.organization(&root, "Acme").await;
    let names = numbered("Team ", 0..9);
    let users = numbered("user-", 0..9);
    for user in &users {
        world.member(&id, user, "member", "active").await;
    }
    // If the page holds all remaining items there is no next page, however many items were read.
    let members = format!("/organizations/{id}/members?role=member&limit=9");
    let page = root.get(&members).await.expect(200).body;
    assert_eq!(page["items"].as_array().unwrap().len(), users.len());
    assert_eq!(page["next_cursor"], Value::Null);
    let in_organization = format!("/organizations/{id}/teams");
    for teams in ["/teams", &in_organization] {
        let mut ids = Vec::new();
        for name in names.iter().rev() {
            let made = root.post(teams, json!({"name": name})).await.expect(201);
            let team = made.headers["location"].clone();
            ids.push(text(&made.body, "id"));
            let last = json!({"user_id": "user-000"});
            let members = format!("{team}/members");
            root.post(&members, last).await.expect(201);
        }
        list_is(&root, teams, "name", &names, &LIMITS).await;
        let members = format!("/teams/{}/members", ids[0]);
        for user in users[1..].iter().rev() {
            let body = json!({"user_id": user});
            root.post(&members, body).await.expect(201);
        }
        list_is(&root, &members, "user_id", &users, &LIMITS).await;
    }
    let of_user = root.all("/users/user-000/teams").await;
    let mut all: Vec<_> = of_user.iter().map(|one| text(one, "team_id")).collect();
    assert_eq!(all.len(), 18);
    list_is(&root, "/users/user-000/teams", "team_id", &all, &LIMITS).await;
    all.dedup();
    assert_eq!(all.len(), 18);
}

/// In lists that read more items than a page shows.
#[tokio::test]
async fn a_full_last_page_has_no_cursor() {
    let (world, ada, id) = World::acme().await;
    let (root, kai) = (world.tenant_admin(), world.user("kai"));
    let organization = format!("/organizations/{id}");
    for user in ["gus", "eve"] {
        world.member(&id, user, "member", "invited").await;
        let disabled = json!({"status": "disabled"});
        root.patch(&format!("/users/{user}"), disabled)
            .await
            .expect(200);
    }
    verified(&world, "kai", "kai@acme.example").await;
    let other = world.organization(&ada, "Other").await;
    for (id, user) in [(&id, "kai"), (&other, "kai"), (&id, "mia")] {
        let invitations = format!("/organizations/{id}/invitations");
        let invited = json!({"email": format!("{user}@acme.example")});
        ada.post(&invitations, invited).await.expect(201);
    }
    for name in ["A", "B"] {
        world.team(None, name, &[("ada", "member")]).await;
    }
    world.copy_names().await;
    let invited = format!("{organization}/members?status=invited");
    for (actor, list) in [
        (&ada, invited.clone()),
        (&ada, format!("{invited}&sort=name")),
        (&root, "/users?status=disabled".to_owned()),
        (&ada, format!("{organization}/invitations?status=pending")),
        (&kai, "/users/me/invitations?".to_owned()),
        (&ada, "/users/me/teams?".to_owned()),
    ] {
        for (limit, is_last) in [(2, true), (1, false)] {
            let page = actor
                .get(&format!("{list}&limit={limit}"))
                .await
                .expect(200);
            let items = page.body["items"].as_array().unwrap();
            assert_eq!(items.len(), limit, "{list}");
            assert_eq!(page.body["next_cursor"].is_null(), is_last, "{list}");
        }
    }
}
