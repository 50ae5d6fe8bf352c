//! DynamoDB fails during a sync: the login finishes in time, does all other work, and a later login
//! completes the rest.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde_json::{Value, json};
use support::history::seeds;
use support::{ACME, Fault, Faults};

use super::setup::{Memberships, ORGANIZATIONS, Setup, event, map, no_secrets};

const ON_TIME: Duration = Duration::from_secs(4);
/// Attempts of the SDK per call.
const ATTEMPTS: usize = 5;
/// The call that creates an organization.
const CREATION: &str = "TransactWriteItems organization.created";

/// With something to create, to accept, to join and to leave, in the organization and outside.
async fn setup() -> (Setup, Faults) {
    let settings = [ORGANIZATIONS, ("SYNC_BUDGET_MS", "1500")];
    let (setup, faults) = Setup::with_faults(&settings).await;
    for id in ["g-old", "g-invited"] {
        setup.graph.assign(id, id);
    }
    setup.graph.join("ada", "g-old");
    setup.expect("ada", "synced").await;
    let root = setup.world.tenant_admin();
    let body = json!({"user_id": "ada", "role": "owner"});
    let invited = root.post("/organizations/g-invited/members", body).await;
    invited.expect(201);
    let body = json!({"user_id": "ada", "role": "admin", "status": "active"});
    let eve = setup.world.user("eve");
    let by_hand = setup.world.organization(&eve, "By hand").await;
    let path = format!("/organizations/{by_hand}/members");
    root.post(&path, body).await.expect(201);
    // A manual team membership, which ends with the organization's.
    let body = json!({"name": "By hand"});
    let team = root
        .post("/organizations/g-old/teams", body)
        .await
        .expect(201);
    let members = format!("/teams/{}/members", team.body["id"].as_str().unwrap());
    root.post(&members, json!({"user_id": "ada"}))
        .await
        .expect(201);

    setup.graph.leave("ada", "g-old");
    setup.graph.assign("g-new", "g-new");
    for id in ["g-invited", "g-new"] {
        setup.graph.join("ada", id);
    }
    (setup, faults)
}

async fn is_finished(setup: &Setup) {
    let of_groups = |mut all: Memberships| {
        all.retain(|id, _| id.starts_with("g-"));
        all
    };
    let expected = map([
        ("g-invited", "owner active manual"),
        ("g-new", "internal_user active entra"),
    ]);
    assert_eq!(of_groups(setup.organizations("ada").await), expected);
    assert_eq!(setup.organizations("ada").await.len(), 3);
    let teams = map([("g-invited", "active entra"), ("g-new", "active entra")]);
    // Also after a failure that only concerned the team.
    assert_eq!(setup.teams("ada").await, teams);
    setup.expect("ada", "unchanged").await;
    setup.check().await;
}

async fn is_borne(operation: &str, faults_of_it: &[Fault]) {
    let shared = [
        Fault::Throttle,
        Fault::Failure(500),
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::Delay(Duration::from_secs(20)),
    ];
    for fault in shared.iter().chain(faults_of_it) {
        let (setup, faults) = setup().await;
        faults.always(operation, *fault);
        let context = format!("{operation} {fault:?}");
        setup.pass_ten_minutes();
        setup.lines.take();
        let started = Instant::now();
        setup.sign_in(event("ada")).await;
        assert!(started.elapsed() < ON_TIME, "{context}");
        let lines = setup.lines.take();
        let line = lines.last().unwrap();
        let outcome = line["outcome"].as_str().unwrap();
        let context = format!("{context}: {line}");
        assert!(
            ["partial", "failed", "timed-out"].contains(&outcome),
            "{context}"
        );
        if outcome != "timed-out" {
            assert_eq!(lines[0]["level"], "ERROR", "{context}");
        }
        no_secrets(&lines);
        faults.stop();
        // The interrupted write was applied, or is applied now.
        let line = setup.login("ada").await;
        let outcome = line["outcome"].as_str().unwrap();
        assert!(
            ["synced", "unchanged"].contains(&outcome),
            "{context}, then {line}"
        );
        is_finished(&setup).await;
    }
}

#[tokio::test]
async fn the_profile_cannot_be_written() {
    is_borne("UpdateItem", &[Fault::ItemConflict]).await;
}

#[tokio::test]
async fn the_memberships_of_the_user_cannot_be_read() {
    is_borne("Query", &[]).await;
}

#[tokio::test]
async fn the_mark_cannot_be_read() {
    is_borne("GetItem", &[]).await;
}

#[tokio::test]
async fn existing_items_cannot_be_read() {
    is_borne("BatchGetItem", &[]).await;
}

#[tokio::test]
async fn nothing_can_be_created_joined_or_left() {
    is_borne(
        "TransactWriteItems",
        &[Fault::Conflict, Fault::CancelledByThrottling],
    )
    .await;
}

/// Otherwise it would not be created: members of a team no longer look for it.
#[tokio::test]
async fn a_team_that_cannot_be_created_is_joined_if_it_exists() {
    let (setup, faults) = setup().await;
    setup.expect("ada", "synced").await;
    let client = setup.world.stack.client();
    let never_made = [
        ("TEAM#g-new", "TEAM"),
        ("ORG#g-new#TEAMNAME#g-new", "TEAMNAME"),
        ("USER#ada", "TEAM#g-new"),
    ];
    for (pk, sk) in never_made {
        let deleted = client
            .delete_item()
            .table_name(setup.world.stack.table_name())
            .key("pk", AttributeValue::S(format!("TENANT#{ACME}#{pk}")))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .return_values(ReturnValue::AllOld)
            .send();
        assert!(deleted.await.unwrap().attributes.is_some(), "{pk} {sk}");
    }
    // As if they had never been made.
    for item in setup.world.items().await {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_of_team = ["team.created", "team_membership.added"].contains(&text("type"));
        if is_of_team && text("record").contains("\"id\":\"g-new\"") {
            let deleted = client
                .delete_item()
                .table_name(setup.world.stack.table_name())
                .key("pk", AttributeValue::S(text("pk").to_owned()))
                .key("sk", AttributeValue::S(text("sk").to_owned()))
                .send();
            deleted.await.unwrap();
        }
    }
    // All attempts of the call that creates it.
    faults.next("TransactWriteItems", &[Fault::Failure(500); ATTEMPTS]);
    setup.expect("ada", "partial").await;
    assert_eq!(faults.stop(), 0);
    let teams = map([("g-invited", "active entra")]);
    assert_eq!(setup.teams("ada").await, teams);
    setup.expect("ada", "synced").await;
    is_finished(&setup).await;
}

#[tokio::test]
async fn transient_table_faults_are_retried() {
    let once = [
        ("UpdateItem", Fault::ItemConflict),
        ("UpdateItem", Fault::Throttle),
        ("TransactWriteItems", Fault::Conflict),
        ("TransactWriteItems", Fault::CutAfter),
        ("BatchGetItem", Fault::Throttle),
        ("GetItem", Fault::Failure(503)),
        ("Query", Fault::CutBefore),
    ];
    let (setup, faults) = setup().await;
    for (operation, fault) in once {
        faults.next(operation, &[fault]);
    }
    setup.expect("ada", "synced").await;
    assert_eq!(faults.stop(), 0, "every fault was used");
    is_finished(&setup).await;
}

#[tokio::test]
async fn a_failure_does_not_stop_other_work() {
    let (setup, faults) = setup().await;
    let joining = "TransactWriteItems membership.added g-new";
    faults.always(joining, Fault::Failure(500));
    let line = setup.expect("ada", "partial").await;
    // The new organization and its team cannot be joined. They were created, the invitation was
    // accepted, its team joined, and outdated memberships removed.
    let counts = [
        "WritesFailed",
        "OrganizationsMade",
        "TeamsMade",
        "MembershipsMade",
        "MembershipsRemoved",
    ];
    assert_eq!(
        counts.map(|name| &line[name]),
        [2, 1, 1, 2, 2].map(|n| json!(n)).each_ref()
    );
    faults.stop();
    setup.expect("ada", "synced").await;
    is_finished(&setup).await;
}

#[tokio::test]
async fn many_failed_logins_are_completed_later() {
    for seed in seeds(3) {
        let (setup, faults) = setup().await;
        faults.at_random(30, seed);
        for _ in 0..4 {
            setup.login("ada").await;
        }
        faults.stop();
        setup.settle("ada").await;
        is_finished(&setup).await;
    }
}

/// It waits for the organization, which the next login creates.
#[tokio::test]
async fn a_team_joins_its_failed_organization_at_the_next_login() {
    for fault in [Fault::Failure(500), Fault::CutAfter] {
        let settings = [
            ORGANIZATIONS,
            ("DEFAULT_TEAM_PARAMS", r#"{"models": ["small"]}"#),
        ];
        let (setup, faults) = Setup::with_faults(&settings).await;
        setup.graph.assign("g-new", "New");
        for user in ["ada", "bob"] {
            setup.graph.join(user, "g-new");
        }
        faults.next(CREATION, &[fault; ATTEMPTS]);
        setup.expect("ada", "partial").await;
        faults.stop();
        assert_eq!(setup.standalone_teams().await, map([("g-new", "New")]));
        let root = setup.world.tenant_admin();
        // Manually while it is standalone: in the organization later, or never.
        setup.world.register(&["cyd", "dan"]).await;
        for user in ["cyd", "dan"] {
            let body = json!({"user_id": user});
            root.post("/teams/g-new/members", body).await.expect(201);
        }
        setup.expect("bob", "synced").await;
        assert_eq!(setup.standalone_teams().await, map([]));
        assert_eq!(setup.teams_in("g-new").await, map([("g-new", "New")]));
        let team = root.get("/teams/g-new").await.expect(200).body;
        assert_eq!(team["limits"]["models"], json!(["all-org-models"]));
        assert_eq!(team["version"], 2);
        setup.login("ada").await;
        for user in ["ada", "bob"] {
            setup.expect(user, "unchanged").await;
            let joined = map([("g-new", "internal_user active entra")]);
            assert_eq!(setup.organizations(user).await, joined);
            assert_eq!(setup.teams(user).await, map([("g-new", "active entra")]));
        }
        let rows = setup.world.items().await;
        let waits = |row: &&serde_json::Map<_, _>| row.contains_key("awaits_organization");
        assert_eq!(rows.iter().find(waits), None);
        // Users outside the organization have no access to its team.
        assert_eq!(setup.teams("dan").await, map([]));
        // The name is the team's own, and leaving the organization means leaving the team.
        let same = json!({"name": "NEW"});
        let made = root.post("/organizations/g-new/teams", same).await;
        made.problem(409, "name-taken");
        let ada = "/organizations/g-new/members/ada?force=true";
        root.delete(ada).await.expect(204);
        assert_eq!(setup.teams("ada").await, map([]));
        let rows = setup.world.items().await;
        let of_ada = |row: &&serde_json::Map<_, _>| row["pk"] == "TENANT#acme#USER#ada";
        // The user, their email address and their account, and the mark that they were removed.
        assert_eq!(rows.iter().filter(of_ada).count(), 4);
        setup.check().await;
    }
}

#[tokio::test]
async fn a_waiting_team_gets_the_new_name_of_its_group() {
    for (refresh, name) in [("true", "Newer"), ("false", "New")] {
        let settings = [ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", refresh)];
        let (setup, faults) = Setup::with_faults(&settings).await;
        setup.graph.assign("g-new", "New");
        setup.graph.join("ada", "g-new");
        faults.next(CREATION, &[Fault::Failure(500); ATTEMPTS]);
        setup.expect("ada", "partial").await;
        faults.stop();
        setup.graph.assign("g-new", "Newer");
        setup.pass_ten_minutes();
        setup.expect("ada", "synced").await;
        assert_eq!(setup.teams_in("g-new").await, map([("g-new", name)]));
        setup.expect("ada", "unchanged").await;
        setup.check().await;
    }
}

#[tokio::test]
async fn a_waiting_team_is_not_hidden_by_a_mark() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-new", "New");
    setup.graph.join("ada", "g-new");
    faults.next(CREATION, &[Fault::Failure(500); ATTEMPTS]);
    setup.expect("ada", "partial").await;
    faults.stop();
    // Deleted while it waits, and restored after everything was marked as created.
    let root = setup.world.tenant_admin();
    root.delete("/teams/g-new").await.expect(204);
    setup.settle("bob").await;
    setup.settle("ada").await;
    root.post_empty("/teams/g-new/restore").await.expect(200);
    assert_eq!(setup.standalone_teams().await, map([("g-new", "New")]));
    setup.expect("ada", "synced").await;
    assert_eq!(setup.teams_in("g-new").await, map([("g-new", "New")]));
    assert_eq!(setup.teams("ada").await, map([("g-new", "active entra")]));
    setup.expect("ada", "unchanged").await;
    setup.check().await;
}

#[tokio::test]
async fn an_interrupted_move_into_the_organization_continues() {
    for seed in seeds(4) {
        let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
        setup.graph.assign("g-new", "New");
        for user in ["ada", "bob", "cyd"] {
            setup.graph.join(user, "g-new");
        }
        faults.next(CREATION, &[Fault::Failure(500); ATTEMPTS]);
        setup.expect("ada", "partial").await;
        faults.stop();
        faults.at_random(30, seed);
        for user in ["ada", "bob", "cyd", "ada"] {
            setup.login(user).await;
        }
        faults.stop();
        for user in ["ada", "bob", "cyd"] {
            setup.settle(user).await;
            let joined = map([("g-new", "internal_user active entra")]);
            assert_eq!(setup.organizations(user).await, joined);
            assert_eq!(setup.teams(user).await, map([("g-new", "active entra")]));
        }
        assert_eq!(setup.teams_in("g-new").await, map([("g-new", "New")]));
        let rows = setup.world.items().await;
        let in_team = rows.iter().filter(|row| row["sk"] == "TEAM#g-new");
        for row in in_team {
            assert_eq!(row["organization_id"], "g-new", "{row:?}");
        }
        setup.check().await;
    }
}
