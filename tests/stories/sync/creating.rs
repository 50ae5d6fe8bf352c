//! Creating organizations and teams from groups.

use serde_json::{Value, json};
use support::graph::GraphEndpoint;

use super::setup::{ORGANIZATIONS, Setup, map};

const PARAMS: (&str, &str) = (
    "DEFAULT_TEAM_PARAMS",
    r#"{"max_budget": 100, "budget_duration": "30d", "models": ["large"], "rpm_limit": 7}"#,
);

fn limits(models: &[&str]) -> Value {
    json!({"max_budget": 100, "budget_duration": "30d", "models": models, "tpm_limit": null,
           "rpm_limit": 7})
}

fn counts(line: &Value) -> [&Value; 3] {
    ["OrganizationsMade", "TeamsMade", "MembershipsMade"].map(|name| &line[name])
}

#[tokio::test]
async fn without_the_flag_groups_become_standalone_teams() {
    let setup = Setup::open(&[PARAMS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.assign("g-empty", "Empty");
    setup.graph.join("ada", "g-sales");
    setup.graph.join("ada", "g-not-assigned");

    let line = setup.expect("ada", "synced").await;
    assert_eq!(counts(&line), [&json!(0), &json!(2), &json!(1)]);
    let all = map([("g-sales", "Sales"), ("g-empty", "Empty")]);
    assert_eq!(setup.standalone_teams().await, all);
    assert_eq!(setup.all_organizations().await, map([]));
    assert_eq!(setup.teams("ada").await, map([("g-sales", "active entra")]));
    assert_eq!(setup.organizations("ada").await, map([]));
    let team = setup.world.user("ada").get("/teams/g-sales").await;
    assert_eq!(team.body["limits"], limits(&["large"]));
    assert_eq!(team.body["effective_models"], json!(["large"]));
    assert_eq!(team.body["source"], "entra");
    assert_eq!(team.body["created_by"], Value::Null);

    let before = setup.contents().await;
    let line = setup.expect("ada", "unchanged").await;
    assert_eq!(line["MembershipsKept"], 1);
    assert_eq!(setup.contents().await, before);
    setup.check().await;
}

#[tokio::test]
async fn with_the_flag_groups_become_organizations_with_a_team() {
    let setup = Setup::open(&[PARAMS, ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.assign("g-empty", "Empty");
    setup.graph.join("ada", "g-sales");

    let line = setup.expect("ada", "synced").await;
    assert_eq!(counts(&line), [&json!(2), &json!(2), &json!(2)]);
    let all = map([("g-sales", "Sales"), ("g-empty", "Empty")]);
    assert_eq!(setup.all_organizations().await, all);
    assert_eq!(setup.standalone_teams().await, map([]));
    let own = map([("g-empty", "Empty")]);
    assert_eq!(setup.teams_in("g-empty").await, own);
    let joined = map([("g-sales", "internal_user active entra")]);
    assert_eq!(setup.organizations("ada").await, joined);
    assert_eq!(setup.teams("ada").await, map([("g-sales", "active entra")]));
    let ada = setup.world.user("ada");
    let organization = ada.get("/organizations/g-sales").await.expect(200).body;
    assert_eq!(organization["limits"], limits(&["large"]));
    assert_eq!(organization["source"], "entra");
    let team = ada.get("/teams/g-sales").await.expect(200).body;
    assert_eq!(team["organization_id"], "g-sales");
    assert_eq!(team["limits"], limits(&["all-org-models"]));
    assert_eq!(team["effective_models"], json!(["large"]));

    let before = setup.contents().await;
    setup.expect("ada", "unchanged").await;
    assert_eq!(setup.contents().await, before);
    setup.check().await;
}

#[tokio::test]
async fn without_default_params_nothing_is_limited() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup.expect("ada", "synced").await;
    let none = json!({"max_budget": null, "budget_duration": null, "models": [], "tpm_limit": null,
                      "rpm_limit": null});
    let ada = setup.world.user("ada");
    let organization = ada.get("/organizations/g-sales").await.body;
    assert_eq!(organization["limits"], none);
}

#[tokio::test]
async fn the_flag_can_be_turned_on_and_off() {
    let off = Setup::open(&[PARAMS]).await;
    off.graph.assign("g-old", "Old");
    off.graph.join("ada", "g-old");
    off.expect("ada", "synced").await;

    // On: standalone teams stay standalone, and get an organization next to them.
    let on = off.redeployed(&[PARAMS, ORGANIZATIONS]).await;
    on.graph.assign("g-new", "New");
    on.graph.join("ada", "g-new");
    let line = on.expect("ada", "synced").await;
    assert_eq!(counts(&line), [&json!(2), &json!(1), &json!(3)]);
    assert_eq!(on.standalone_teams().await, map([("g-old", "Old")]));
    assert_eq!(on.teams_in("g-old").await, map([]));
    assert_eq!(on.teams_in("g-new").await, map([("g-new", "New")]));
    let team = on.world.tenant_admin().get("/teams/g-old").await.body;
    assert_eq!(team["limits"], limits(&["large"]));
    let both = map([
        ("g-old", "internal_user active entra"),
        ("g-new", "internal_user active entra"),
    ]);
    assert_eq!(on.organizations("ada").await, both);

    // Off: the sync leaves organizations and their members alone.
    let off = off.redeployed(&[PARAMS]).await;
    off.graph.leave("ada", "g-old");
    off.graph.leave("ada", "g-new");
    off.graph.join("bob", "g-new");
    let line = off.expect("ada", "synced").await;
    assert_eq!(line["MembershipsRemoved"], 2);
    assert_eq!(off.organizations("ada").await, both);
    assert_eq!(off.teams("ada").await, map([]));
    off.expect("bob", "synced").await;
    assert_eq!(off.organizations("bob").await, map([]));
    // Bob is in the team of an organization without being its member, so he does not see it.
    assert_eq!(off.teams("bob").await, map([]));
    let admin = off.world.tenant_admin();
    let members = admin.all("/teams/g-new/members").await;
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["user_id"], "bob");
    assert_eq!(off.teams_in("g-new").await, map([("g-new", "New")]));

    // On again: now the directory applies to them too.
    let on = off.redeployed(&[PARAMS, ORGANIZATIONS]).await;
    let line = on.expect("ada", "synced").await;
    assert_eq!(counts(&line)[..2], [&json!(0), &json!(0)]);
    assert_eq!(on.organizations("ada").await, map([]));
    on.expect("bob", "synced").await;
    let joined = map([("g-new", "internal_user active entra")]);
    assert_eq!(on.organizations("bob").await, joined);
    assert_eq!(on.teams("bob").await, map([("g-new", "active entra")]));
    on.expect("bob", "unchanged").await;
    on.check().await;
}

#[tokio::test]
async fn groups_with_the_same_or_no_name_get_their_id() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    let ada = setup.world.user("ada");
    setup.world.organization(&ada, "Support").await;
    for (id, name) in [
        ("11111111-a", "Sales"),
        ("22222222-b", " SALES "),
        ("33333333-c", "support"),
    ] {
        setup.graph.assign(id, name);
    }
    setup.graph.assign_nameless("g-nameless");
    setup.expect("ada", "synced").await;
    let mut all = setup.all_organizations().await;
    all.retain(|_, name| name != "Support");
    let named = [
        ("11111111-a", "Sales"),
        ("22222222-b", "SALES (22222222)"),
        ("33333333-c", "support (33333333)"),
        ("g-nameless", "g-nameless"),
    ];
    assert_eq!(all, map(named));
    setup.expect("bob", "unchanged").await;
    setup.check().await;
}

#[tokio::test]
async fn without_its_organization_a_team_stays_standalone() {
    let setup = Setup::open(&[ORGANIZATIONS, PARAMS]).await;
    let eve = setup.world.user("eve");
    setup.world.organization(&eve, "Sales").await;
    let second = setup.world.organization(&eve, "Sales (g-sales)").await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.assign("g-other", "Other");
    setup.graph.join("ada", "g-sales");
    setup.graph.join("ada", "g-other");

    setup.sign_in(super::setup::event("ada")).await;
    let lines = setup.lines.take();
    let failures: Vec<_> = lines.iter().filter(|it| it["level"] == "ERROR").collect();
    assert_eq!(failures.len(), 1, "{lines:?}");
    assert_eq!(
        failures[0]["error"],
        "organization g-sales: the name is taken"
    );
    let line = lines.last().unwrap();
    assert_eq!(
        (&line["outcome"], &line["WritesFailed"]),
        (&json!("partial"), &json!(1))
    );
    assert_eq!(setup.standalone_teams().await, map([("g-sales", "Sales")]));
    let teams = map([("g-sales", "active entra"), ("g-other", "active entra")]);
    assert_eq!(setup.teams("ada").await, teams);
    let other = ("g-other", "internal_user active entra");
    assert_eq!(setup.organizations("ada").await, map([other]));
    let team = setup.world.user("ada").get("/teams/g-sales").await.body;
    assert_eq!(team["limits"], limits(&["large"]));
    assert_eq!(team["organization_id"], Value::Null);

    // The next login tries again, and succeeds once a name is free.
    setup.expect("ada", "partial").await;
    eve.delete(&format!("/organizations/{second}"))
        .await
        .expect(204);
    setup.expect("bob", "synced").await;
    assert_eq!(
        setup.all_organizations().await["g-sales"],
        "Sales (g-sales)"
    );
    setup.expect("ada", "synced").await;
    assert_eq!(
        setup.organizations("ada").await,
        map([other, ("g-sales", "internal_user active entra")])
    );
    // The waiting team is in its organization now.
    assert_eq!(setup.standalone_teams().await, map([]));
    assert_eq!(setup.teams_in("g-sales").await, map([("g-sales", "Sales")]));
    let team = setup.world.user("ada").get("/teams/g-sales").await.body;
    assert_eq!(team["limits"], limits(&["all-org-models"]));
    setup.expect("ada", "unchanged").await;
    setup.check().await;
}

#[tokio::test]
async fn without_the_application_users_join_what_exists() {
    let making = Setup::open(&[ORGANIZATIONS]).await;
    making.graph.assign("g-sales", "Sales");
    making.expect("ada", "synced").await;

    let joining = making
        .redeployed(&[ORGANIZATIONS, ("MICROSOFT_SERVICE_PRINCIPAL_ID", "")])
        .await;
    joining.graph.join("bob", "g-sales");
    joining.graph.join("bob", "g-unknown");
    joining.graph.calls();
    let line = joining.expect("bob", "synced").await;
    assert_eq!(counts(&line), [&json!(0), &json!(0), &json!(2)]);
    assert!(
        !joining
            .graph
            .calls()
            .contains(&GraphEndpoint::AssignedGroups)
    );
    let sales = map([("g-sales", "internal_user active entra")]);
    assert_eq!(joining.organizations("bob").await, sales);
    assert_eq!(
        joining.all_organizations().await,
        map([("g-sales", "Sales")])
    );
    joining.expect("bob", "unchanged").await;
    joining.graph.leave("bob", "g-sales");
    joining.expect("bob", "synced").await;
    assert_eq!(joining.organizations("bob").await, map([]));
    joining.check().await;
}

#[tokio::test]
async fn users_without_groups_get_no_access() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup.expect("bob", "synced").await;
    assert_eq!(setup.organizations("bob").await, map([]));
    assert_eq!(setup.teams("bob").await, map([]));
    setup.expect("ada", "synced").await;

    setup.graph.unassign("g-sales");
    let line = setup.expect("ada", "synced").await;
    assert_eq!(line["MembershipsRemoved"], 2);
    assert_eq!(setup.organizations("ada").await, map([]));
    assert_eq!(setup.teams("ada").await, map([]));
    assert_eq!(setup.all_organizations().await, map([("g-sales", "Sales")]));
    setup.check().await;
}

#[tokio::test]
async fn a_user_of_two_hundred_of_four_hundred_and_fifty_groups() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    for n in 0..450 {
        let id = format!("g-{n:03}");
        setup.graph.assign(&id, &format!("Group {n}"));
        if n % 9 < 4 {
            setup.graph.join("ada", &id);
        }
    }
    setup.settle("ada").await;
    assert_eq!(setup.organizations("ada").await.len(), 200);
    assert_eq!(setup.teams("ada").await.len(), 200);
    assert_eq!(setup.all_organizations().await.len(), 450);
    let line = setup.expect("ada", "unchanged").await;
    assert_eq!(line["GroupsRead"], 450);
    assert_eq!(line["groups_of_user"], 200);
    assert_eq!(line["MembershipsKept"], 400);
    setup.check().await;
}

/// Most of them exist already, because creating them takes minutes without optimisation; each login
/// creates some more, and none exceeds its time limit.
#[tokio::test]
async fn creating_5000_assigned_groups_takes_several_logins() {
    let setup = Setup::open(&[("SYNC_BUDGET_MS", "4500")]).await;
    setup.graph.page_size(999);
    setup.graph.assign("g-0000", "Group");
    setup.expect("ada", "synced").await;
    let ids: Vec<_> = (0..5_000).map(|n| format!("g-{n:04}")).collect();
    setup.made_before("g-0000", "TEAM", &ids[1..4_700]).await;
    for id in &ids {
        setup.graph.assign(id, &format!("Group {id}"));
    }
    setup.graph.join("ada", "g-4999");
    setup.settle("ada").await;
    let items = setup.world.items().await;
    let teams = items.iter().filter(|item| item["sk"] == "TEAM").count();
    assert_eq!(teams, 5_000);
    setup.graph.calls();
    let line = setup.expect("ada", "unchanged").await;
    assert_eq!(line["GroupsRead"], 5_000);
    let called = setup.graph.calls();
    let pages = called
        .iter()
        .filter(|endpoint| **endpoint == GraphEndpoint::AssignedGroups);
    assert_eq!(pages.count(), 6);
    assert_eq!(setup.teams("ada").await, map([("g-4999", "active entra")]));
}
