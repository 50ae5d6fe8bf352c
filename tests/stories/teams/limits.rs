//! The limits of a team stay within those of its organization.

use serde_json::{Value, json};
use support::{Actor, World};

/// An organization with limits, and a team without: their paths.
async fn limited(world: &World, ada: &Actor, limits: Value) -> (String, String) {
    let id = world.organization(ada, "Acme").await;
    let organization = format!("/organizations/{id}");
    let body = json!({"limits": limits});
    ada.patch(&organization, body).await.expect(200);
    (organization, world.team(Some(&id), "Sales", &[]).await)
}

fn some_limits() -> Value {
    json!({"models": ["small"], "max_budget": 100, "budget_duration": "30d", "tpm_limit": 1000,
           "rpm_limit": 60})
}

#[tokio::test]
async fn limits_above_the_organizations_are_rejected() {
    let world = World::start().await;
    let ada = world.user("ada");
    let (organization, team) = limited(&world, &ada, some_limits()).await;
    let before = ada.get(&team).await.expect(200).body;
    for (limits, pointers) in [
        (json!({"models": ["large"]}), &["/limits/models"][..]),
        (
            json!({"models": ["small", "large"]}),
            &["/limits/models"][..],
        ),
        (json!({"max_budget": 100.5}), &["/limits/max_budget"]),
        (
            json!({"max_budget": 100, "budget_duration": "1s"}),
            &["/limits/max_budget"],
        ),
        (
            json!({"max_budget": 1300, "budget_duration": "12mo"}),
            &["/limits/max_budget"],
        ),
        (json!({"tpm_limit": 1001}), &["/limits/tpm_limit"]),
        (json!({"rpm_limit": 61}), &["/limits/rpm_limit"]),
        (
            json!({"models": ["large"], "tpm_limit": 1_000_000_000, "max_budget": 100,
                   "budget_duration": "1s"}),
            &["/limits/models", "/limits/max_budget", "/limits/tpm_limit"],
        ),
    ] {
        let new = json!({"name": "New", "limits": limits});
        let change = json!({"limits": limits});
        for refused in [
            ada.post(&format!("{organization}/teams"), new).await,
            ada.patch(&team, change.clone()).await,
            ada.put(&team, change).await,
        ] {
            let refused = refused.problem(422, "budget-exceeds-organization");
            let errors = refused.body["errors"].as_array().unwrap();
            let found: Vec<_> = errors.iter().map(|it| &it["pointer"]).collect();
            assert_eq!(json!(found), json!(pointers), "{limits}");
        }
    }
    assert_eq!(ada.get(&team).await.expect(200).body, before);
    for limits in [
        json!({"models": ["small"], "max_budget": 100, "budget_duration": "1mo"}),
        json!({"models": ["all-org-models"], "max_budget": 3, "budget_duration": "1d"}),
        json!({"models": [], "max_budget": 1200, "budget_duration": "12mo"}),
        json!({"max_budget": 100, "budget_duration": null, "tpm_limit": 1000, "rpm_limit": 60}),
    ] {
        let change = json!({"limits": limits});
        ada.patch(&team, change).await.expect(200);
    }
}

#[tokio::test]
async fn without_organization_limits_teams_are_unlimited() {
    let world = World::start().await;
    let ada = world.user("ada");
    let (_, team) = limited(&world, &ada, json!({})).await;
    let limits = json!({"models": ["large"], "max_budget": 1_000_000_000_000_000_u64, "budget_duration": "1s",
                        "tpm_limit": 1_000_000_000, "rpm_limit": null});
    let changed = ada.patch(&team, json!({"limits": limits})).await;
    let changed = changed.expect(200).body;
    assert_eq!(changed["effective_models"], json!(["large"]));
    assert_eq!(
        changed["effective_limits"],
        json!({"max_budget": 1_000_000_000_000_000_u64, "budget_duration": "1s", "tpm_limit": 1_000_000_000,
               "rpm_limit": null})
    );
}

#[tokio::test]
async fn null_inherits_the_limits_of_the_organization() {
    let world = World::start().await;
    let ada = world.user("ada");
    let (_, team) = limited(&world, &ada, some_limits()).await;
    let of_organization = json!({"max_budget": 100, "budget_duration": "30d",
                                 "tpm_limit": 1000, "rpm_limit": 60});
    let own = json!({"models": ["small"], "max_budget": 1, "budget_duration": "1d",
                     "tpm_limit": 10, "rpm_limit": 1});
    let cleared = json!({"models": null, "max_budget": null, "tpm_limit": null, "rpm_limit": null});
    for clearing in [
        cleared,
        Value::Null,
        json!({"models": [], "max_budget": null}),
    ] {
        ada.patch(&team, json!({"limits": own})).await.expect(200);
        let changed = ada.patch(&team, json!({"limits": clearing})).await;
        let changed = changed.expect(200).body;
        assert_eq!(changed["effective_models"], json!(["small"]), "{clearing}");
        let effective = &changed["effective_limits"];
        assert_eq!(effective["max_budget"], of_organization["max_budget"]);
        assert_eq!(effective["budget_duration"], "30d", "{clearing}");
        if clearing.get("rpm_limit").is_some() || clearing.is_null() {
            assert_eq!(*effective, of_organization);
        }
    }
}

#[tokio::test]
async fn effective_limits_follow_the_organization() {
    let world = World::start().await;
    let ada = world.user("ada");
    let limits = json!({"models": ["small", "large"], "max_budget": 100, "budget_duration": "30d",
                        "tpm_limit": 1000});
    let (organization, team) = limited(&world, &ada, limits).await;
    let own = json!({"models": ["large", "small"], "max_budget": 50, "tpm_limit": 800,
                     "rpm_limit": 7});
    let changed = ada.patch(&team, json!({"limits": own})).await.expect(200);
    assert_eq!(changed.body["effective_models"], json!(["large", "small"]));
    assert_eq!(
        changed.body["effective_limits"],
        json!({"max_budget": 50, "budget_duration": "30d", "tpm_limit": 800, "rpm_limit": 7})
    );

    let lowered = json!({"limits": {"models": ["small"], "max_budget": 100,
                                    "budget_duration": "90d", "tpm_limit": 10}});
    ada.patch(&organization, lowered).await.expect(200);
    let teams = format!("{organization}/teams");
    let read = ada.get(&team).await.expect(200).body;
    for shown in [&read, &ada.all(&teams).await[0]] {
        assert_eq!(shown["limits"]["tpm_limit"], 800);
        assert_eq!(shown["effective_models"], json!(["small"]));
        let effective = json!({"max_budget": 50, "budget_duration": "90d", "tpm_limit": 10,
                               "rpm_limit": 7});
        assert_eq!(shown["effective_limits"], effective);
    }
    // An existing higher value does not prevent other changes.
    let other = json!({"limits": {"rpm_limit": 6}, "name": "Sales EMEA"});
    ada.patch(&team, other).await.expect(200);

    // An empty list would mean all.
    let replaced = json!({"limits": {"models": ["huge"]}});
    ada.patch(&organization, replaced).await.expect(200);
    let read = ada.get(&team).await.expect(200).body;
    assert_eq!(read["effective_models"], json!(["no-default-models"]));
}

#[tokio::test]
async fn a_leader_does_not_change_limits() {
    let world = World::start().await;
    let ada = world.user("ada");
    let (organization, team) = limited(&world, &ada, some_limits()).await;
    let id = organization.trim_start_matches("/organizations/");
    let bob = world.member(id, "bob", "readonly", "active").await;
    let mia = world.member(id, "mia", "manager", "active").await;
    let root = world.tenant_admin();
    let alone = root
        .post("/teams", json!({"name": "Ops"}))
        .await
        .expect(201);
    let alone = alone.headers["location"].clone();
    for team in [&team, &alone] {
        let leader = json!({"user_id": "bob", "role": "leader"});
        let members = format!("{team}/members");
        root.post(&members, leader).await.expect(201);
        for limits in [
            json!({"models": ["large"], "tpm_limit": 1_000_000_000, "max_budget": 100}),
            json!({"tpm_limit": 1}),
            json!({}),
            Value::Null,
        ] {
            let change = json!({"limits": limits});
            bob.patch(team, change).await.problem(403, "forbidden");
        }
        bob.patch(team, json!({"description": "north"}))
            .await
            .expect(200);
    }
    let within = json!({"limits": {"tpm_limit": 1}});
    mia.patch(&team, within.clone()).await.expect(200);
    root.patch(&alone, within).await.expect(200);
}
