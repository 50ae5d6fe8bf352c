//! Random histories of a verified domain: logins, removals, changes of the domain, and weekly checks at the same time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use support::history::domains::checker::{Checker, Sender};
use support::history::{Checked, domains};

/// Histories per test run. For more, run `cargo run -p muster-tests --bin histories domains`.
const HISTORIES: usize = 6;

#[test]
fn random_histories_add_only_whom_the_domain_adds() {
    let total = Checked::total(HISTORIES, domains::of_seed);
    // Histories without events would prove nothing.
    if std::env::var("MUSTER_SEED").is_err() {
        assert!(total.overtaking > 50, "{total:?}");
        assert!(total.outcomes["joined by the domain"] > 5, "{total:?}");
        // One at the end of each.
        let ended = total.outcomes["verifications ended"];
        assert!(ended >= HISTORIES as u64, "{total:?}");
    }
}

type Item = Map<String, Value>;
type Table = BTreeMap<(String, String), Item>;

const NOW: &str = "2026-11-28T10:00:00.000Z";

fn object(value: Value) -> Item {
    value.as_object().unwrap().clone()
}

fn table(items: &[Item]) -> Table {
    let text = |item: &Item, name: &str| item[name].as_str().unwrap().to_owned();
    let keyed = |item: &Item| ((text(item, "pk"), text(item, "sk")), item.clone());
    items.iter().map(keyed).collect()
}

fn membership(role: &str, status: &str, source: &str) -> Item {
    object(json!({
        "pk": "TENANT#acme#USER#bob", "sk": "ORG#o1", "user_id": "bob", "organization_id": "o1",
        "role": role, "status": status, "source": source,
    }))
}

/// The items that let `bob` join `o1` as a member.
fn scene() -> [Item; 4] {
    [
        json!({"pk": "TENANT#acme#USER#bob", "sk": "USER", "user_id": "bob"}),
        json!({"pk": "TENANT#acme#ORG#o1", "sk": "ORG", "status": "active"}),
        json!({"pk": "TENANT#acme#VERIFIED#acme.example", "sk": "VERIFIED",
            "organization_id": "o1", "auto_join": true, "auto_join_role": "member"}),
        json!({"pk": "TENANT#acme#ORG#o1#DOMAINS", "sk": "DOMAIN#acme.example",
            "organization_id": "o1", "status": "verified", "token": "t", "misses": 2, "version": 2,
            "auto_join": true, "last_checked_at": "2026-11-01T00:00:00.000Z"}),
    ]
    .map(object)
}

fn login(email: &str, is_verified: bool) -> Sender {
    Sender::Login("bob", email.to_owned(), is_verified)
}

fn with(mut items: Vec<Item>, more: Option<Item>) -> Table {
    items.extend(more);
    table(&items)
}

/// Shows that a forbidden change is found, which a correct history could not.
#[test]
fn forbidden_memberships_by_a_domain_are_found() {
    let own = "bob@acme.example";
    let made = || membership("member", "active", "domain");
    let changed = |n: usize, name: &str, value: Value| {
        let mut items = scene();
        items[n].insert(name.to_owned(), value);
        items
    };
    let mut cases = vec![
        (scene(), login(own, true), made(), true),
        (scene(), login(own, false), made(), false),
        (scene(), login("bob@other.example", true), made(), false),
        (scene(), Sender::Domain, made(), false),
        (scene(), Sender::ByHand, made(), true),
    ];
    for (role, status, source) in [
        ("manager", "active", "domain"),
        ("member", "invited", "domain"),
        ("member", "active", "manual"),
    ] {
        let other = membership(role, status, source);
        cases.push((scene(), login(own, true), other, false));
    }
    for without in [
        changed(0, "status", json!("disabled")),
        changed(1, "status", json!("deleted")),
        changed(2, "auto_join", json!(false)),
        changed(2, "organization_id", json!("o2")),
    ] {
        cases.push((without, login(own, true), made(), false));
    }
    for (items, sender, made, may) in cases {
        let mut checker = Checker::default();
        let (before, after) = (with(items.to_vec(), None), with(items.to_vec(), Some(made)));
        checker.check_write(&sender, ("a step", NOW), &before, &after);
        assert_eq!(checker.wrong.is_empty(), may, "{sender:?} {after:?}");
    }
    // An open invitation to the address.
    let invitee = json!({"pk": "TENANT#acme#ORG#o1#INVITEE#bob@acme.example", "sk": "INVITEE",
        "valid_until": "2026-11-29T00:00:00.000Z"});
    let mut items = scene().to_vec();
    items.push(object(invitee));
    let mut checker = Checker::default();
    let (before, after) = (with(items.clone(), None), with(items, Some(made())));
    checker.check_write(&login(own, true), ("a step", NOW), &before, &after);
    assert!(!checker.wrong.is_empty());
    checker.wrong.clear();
    checker.check_end("bob", NOW, &before, &before);
    assert!(checker.wrong.is_empty(), "{:?}", checker.wrong);
    // Not invited: the last login must add them.
    let without = with(scene().to_vec(), None);
    checker.check_end("bob", NOW, &without, &without);
    assert!(!checker.wrong.is_empty());
}

#[test]
fn joining_after_a_removal_is_found() {
    let (without, with) = (
        with(scene().to_vec(), None),
        with(
            scene().to_vec(),
            Some(membership("member", "active", "domain")),
        ),
    );
    let step = ("a step", NOW);
    let joins = login("bob@acme.example", true);
    let mut checker = Checker::default();
    checker.check_write(&Sender::ByHand, step, &with, &without);
    checker.check_end("bob", NOW, &without, &without);
    assert!(checker.wrong.is_empty(), "{:?}", checker.wrong);
    checker.check_write(&joins, step, &without, &with);
    assert!(!checker.wrong.is_empty());
    // Neither does a login change or remove a membership.
    for changed in [Some(membership("readonly", "active", "domain")), None] {
        let mut checker = Checker::default();
        let after = self::with(scene().to_vec(), changed);
        checker.check_write(&joins, step, &with, &after);
        assert!(!checker.wrong.is_empty());
    }
}

#[test]
fn wrong_results_of_a_weekly_check_are_found() {
    let is_there = BTreeSet::from(["token=t".to_owned()]);
    let missing = || vec![BTreeSet::new()];
    let week = "2026-11-08T00:00:00.000Z";
    for (misses, records, change, may) in [
        (
            2,
            missing(),
            json!({"status": "failed", "auto_join": false, "misses": 0}),
            true,
        ),
        (
            1,
            missing(),
            json!({"status": "failed", "auto_join": false, "misses": 0}),
            false,
        ),
        (
            2,
            missing(),
            json!({"status": "failed", "misses": 0}),
            false,
        ),
        (
            2,
            vec![is_there.clone()],
            json!({"status": "failed", "auto_join": false}),
            false,
        ),
        (1, missing(), json!({"misses": 2}), true),
        (0, missing(), json!({"misses": 2}), false),
        (1, missing(), json!({"misses": 0}), false),
        (1, vec![is_there.clone()], json!({"misses": 0}), true),
        (1, vec![is_there], json!({"misses": 2}), false),
        (
            1,
            missing(),
            json!({"misses": 2, "auto_join": false}),
            false,
        ),
        (
            1,
            missing(),
            json!({"misses": 2, "last_checked_at": "2026-11-07T23:59:59.000Z"}),
            false,
        ),
        (
            1,
            missing(),
            json!({"misses": 1, "last_checked_at": "2026-11-01T00:00:00.000Z"}),
            true,
        ),
        (
            1,
            missing(),
            json!({"misses": 2, "last_checked_at": "2026-11-01T00:00:00.000Z"}),
            false,
        ),
    ] {
        let mut was = scene();
        was[3].insert("misses".to_owned(), json!(misses));
        let mut is = was.clone();
        is[3].insert("last_checked_at".to_owned(), json!(week));
        is[3].insert("gsi2sk".to_owned(), json!("later"));
        is[3].extend(object(change.clone()));
        let sender = Sender::Recheck(records);
        let mut checker = Checker::default();
        checker.check_write(&sender, ("a step", NOW), &table(&was), &table(&is));
        assert_eq!(
            checker.wrong.is_empty(),
            may,
            "{misses} {sender:?} {change}"
        );
    }
}
