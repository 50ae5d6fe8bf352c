//! Random histories of logins, changes in the directory, manual changes and interrupted logins: no
//! login changes manual values, and in the end the table matches the directory.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use support::history::logins::checker::Checker;
use support::history::{Checked, logins};

/// Histories per test run. For more, use `cargo xtask proofs logins`.
const HISTORIES: usize = 16;

#[test]
fn random_histories_end_as_the_directory_says() {
    let total = Checked::total(HISTORIES, logins::of_seed);
    // Histories without events would prove nothing.
    if std::env::var("MUSTER_SEED").is_err() {
        assert!(total.overtaking > 50, "{total:?}");
        for outcome in ["synced", "unchanged", "failed", "partial"] {
            assert!(total.outcomes.contains_key(outcome), "{outcome}: {total:?}");
        }
    }
}

const BY_HAND: &str = "manual";
const SYNCED: &str = "entra";

fn membership(user: &str, source: &str, role: &str, status: &str) -> Map<String, Value> {
    let item = json!({
        "pk": format!("TENANT#acme#USER#{user}"), "sk": "ORG#g-0", "user_id": user,
        "organization_id": "g-0", "source": source, "role": role, "status": status,
    });
    item.as_object().unwrap().clone()
}

fn table(item: Option<&Map<String, Value>>) -> BTreeMap<(String, String), Map<String, Value>> {
    let key = |item: &Map<String, Value>, name: &str| item[name].as_str().unwrap().to_owned();
    let items = item.into_iter();
    let items = items.map(|item| ((key(item, "pk"), key(item, "sk")), item.clone()));
    items.collect()
}

/// Shows that a forbidden change of a login is found, which a correct history could not.
#[test]
fn forbidden_changes_of_a_login_are_found() {
    let active = |source| Some(membership("ada", source, "member", "active"));
    let suspended = |source| Some(membership("ada", source, "member", "suspended"));
    let raised = Some(membership("ada", SYNCED, "owner", "active"));
    let invited = Some(membership("ada", BY_HAND, "member", "invited"));
    let of_bob = Some(membership("bob", SYNCED, "member", "active"));
    for (was, is, suspends, may) in [
        (None, active(SYNCED), false, true),
        (None, active(BY_HAND), false, false),
        (None, of_bob.clone(), false, false),
        (of_bob, None, false, false),
        (active(SYNCED), None, false, true),
        (active(SYNCED), None, true, false),
        (active(BY_HAND), None, false, false),
        (active(SYNCED), suspended(SYNCED), true, false),
        (active(SYNCED), suspended(SYNCED), false, false),
        (active(BY_HAND), suspended(BY_HAND), true, false),
        (suspended(SYNCED), active(SYNCED), true, false),
        (invited, active(BY_HAND), false, true),
        (active(SYNCED), raised, false, false),
        (active(BY_HAND), active(SYNCED), false, false),
    ] {
        let mut checker = Checker::new(suspends);
        checker.check_write("ada", "a step", &table(was.as_ref()), &table(is.as_ref()));
        assert_eq!(
            checker.wrong.is_empty(),
            may,
            "{was:?} {is:?} {suspends}: {:?}",
            checker.wrong
        );
    }
    let of_team = |name: &str, limit: u32| {
        let item = json!({
            "pk": "TENANT#acme#TEAM#g-0", "sk": "TEAM", "source": SYNCED, "name": name,
            "limits": {"tpm_limit": limit},
        });
        item.as_object().unwrap().clone()
    };
    for (was, is, may) in [
        (None, Some(of_team("Name 0", 1)), true),
        (Some(of_team("Name 0", 1)), Some(of_team("Name 1", 1)), true),
        (
            Some(of_team("Name 0", 1)),
            Some(of_team("Name 0", 2)),
            false,
        ),
        (Some(of_team("Name 0", 1)), None, false),
    ] {
        let mut checker = Checker::new(false);
        checker.check_write("ada", "a step", &table(was.as_ref()), &table(is.as_ref()));
        assert_eq!(checker.wrong.is_empty(), may, "{was:?} {is:?}");
    }
    let of_owners = |count: Option<u32>| {
        let item = json!({"pk": "TENANT#acme#ORG#g-0", "sk": "ORG", "source": SYNCED});
        let mut item = item.as_object().unwrap().clone();
        item.extend(count.map(|count| ("owner_count".to_owned(), json!(count))));
        item
    };
    for (was, is, may) in [
        (None, Some(1), true),
        (Some(2), Some(1), true),
        (Some(1), Some(0), false),
        (Some(1), None, false),
        (Some(0), None, true),
    ] {
        let mut checker = Checker::new(false);
        let (before, after) = (of_owners(was), of_owners(is));
        checker.check_write("ada", "a step", &table(Some(&before)), &table(Some(&after)));
        assert_eq!(checker.wrong.is_empty(), may, "{was:?} {is:?}");
    }
    // A manual team membership ends only with the organization's.
    let in_team = json!({
        "pk": "TENANT#acme#USER#ada", "sk": "TEAM#g-0", "user_id": "ada", "team_id": "g-0",
        "organization_id": "g-0", "source": BY_HAND, "role": "member", "status": "active",
    });
    let team_and = |organization: Option<&Map<String, Value>>| {
        let mut all = table(in_team.as_object());
        all.extend(table(organization));
        all
    };
    let synced = active(SYNCED);
    for (before, after, may) in [
        (team_and(synced.as_ref()), table(None), true),
        (team_and(synced.as_ref()), table(synced.as_ref()), false),
        (team_and(None), table(None), false),
    ] {
        let mut checker = Checker::new(false);
        checker.check_write("ada", "a step", &before, &after);
        assert_eq!(checker.wrong.is_empty(), may, "{:?}", checker.wrong);
    }
}

/// Roles follow the directory, and suspensions of the sync are lifted.
#[test]
fn forbidden_follow_ups_of_a_login_are_found() {
    let active = |source| Some(membership("ada", source, "member", "active"));
    let suspended = |source| Some(membership("ada", source, "member", "suspended"));
    let with = |item: Option<Map<String, Value>>, marks: Value| {
        let mut item = item.unwrap();
        item.extend(marks.as_object().unwrap().clone());
        Some(item)
    };
    let of = |role: &str| Some(membership("ada", SYNCED, role, "active"));
    let synced = |role: &str| with(of(role), json!({"synced_role": role}));
    let by_sync = |status| {
        let suspended = membership("ada", SYNCED, "member", status);
        with(Some(suspended), json!({"suspended_by": "entra"}))
    };
    for (was, is, may) in [
        (synced("member"), synced("manager"), true),
        (synced("member"), synced("owner"), false),
        (synced("member"), of("manager"), false),
        (
            with(of("readonly"), json!({"synced_role": "member"})),
            synced("manager"),
            false,
        ),
        (by_sync("suspended"), active(SYNCED), true),
        (active(SYNCED), by_sync("suspended"), true),
        (active(SYNCED), suspended(SYNCED), false),
    ] {
        let mut checker = Checker::new(true);
        checker.check_write("ada", "a step", &table(was.as_ref()), &table(is.as_ref()));
        assert_eq!(checker.wrong.is_empty(), may, "{was:?} {is:?}");
    }
}

#[test]
fn missing_changes_of_a_login_are_found() {
    let active = |source| Some(membership("ada", source, "member", "active"));
    for (found, holds, is_right) in [
        (None, true, false),
        (None, false, true),
        (active(SYNCED), true, true),
        (active(SYNCED), false, false),
        (active(BY_HAND), false, true),
    ] {
        let mut checker = Checker::new(false);
        let mut all = table(found.as_ref());
        let organization = json!({"pk": "TENANT#acme#ORG#g-0", "sk": "ORG", "status": "active"});
        all.extend(table(organization.as_object()));
        checker.check_end(&all, "ada", "g-0", holds);
        assert_eq!(
            checker.wrong.is_empty(),
            is_right,
            "{found:?} {holds}: {:?}",
            checker.wrong
        );
    }
    // A manual invitation is accepted, except in a deleted organization.
    for (status, is_right) in [("active", false), ("deleted", true)] {
        let mut checker = Checker::new(false);
        let organization = json!({"pk": "TENANT#acme#ORG#g-0", "sk": "ORG", "status": status});
        let mut all = table(Some(&membership("ada", BY_HAND, "member", "invited")));
        all.extend(table(organization.as_object()));
        checker.check_end(&all, "ada", "g-0", true);
        assert_eq!(checker.wrong.is_empty(), is_right, "{:?}", checker.wrong);
    }
    // Users do not join a team of a deleted organization.
    let team = json!({"pk": "TENANT#acme#TEAM#g-0", "sk": "TEAM", "organization_id": "g-0"});
    for (status, is_right) in [("active", false), ("deleted", true)] {
        let mut checker = Checker::new(false);
        let organization = json!({"pk": "TENANT#acme#ORG#g-0", "sk": "ORG", "status": status});
        let mut all = table(active(SYNCED).as_ref());
        all.extend(table(organization.as_object()));
        all.extend(table(team.as_object()));
        checker.check_end(&all, "ada", "g-0", true);
        assert_eq!(checker.wrong.is_empty(), is_right, "{:?}", checker.wrong);
    }
}

#[test]
fn differences_from_the_directory_are_found() {
    let with = |marks: Value| {
        let mut item = membership("ada", SYNCED, "member", "active");
        item.extend(marks.as_object().unwrap().clone());
        item
    };
    for (marks, is_right) in [
        (json!({"synced_role": "manager"}), true),
        (json!({"synced_role": "member"}), false),
        (json!({"synced_role": "manager", "role": "manager"}), true),
        (json!({"suspended_by": "entra"}), false),
    ] {
        let mut checker = Checker::new(true);
        let all = table(Some(&with(marks.clone())));
        checker.check_role(&all, ("ada", "g-0"), true, "manager");
        assert_eq!(checker.wrong.is_empty(), is_right, "{marks}");
    }
}

#[test]
fn a_team_that_still_waits_is_found() {
    for (status, waits, is_right) in [
        ("active", true, false),
        ("active", false, true),
        ("deleted", true, true),
    ] {
        let organization = json!({"pk": "TENANT#acme#ORG#g-0", "sk": "ORG", "status": status});
        let mut team = json!({"pk": "TENANT#acme#TEAM#g-0", "sk": "TEAM"});
        if waits {
            team["awaits_organization"] = json!("g-0");
        }
        let mut all = table(organization.as_object());
        all.extend(table(team.as_object()));
        let mut checker = Checker::new(true);
        checker.check_team(&all, "g-0");
        assert_eq!(checker.wrong.is_empty(), is_right, "{status} {waits}");
    }
}
