//! Requests about a team that were decided before a concurrent change of the team or its
//! organization.

use muster_local::Options;
use serde_json::json;
use support::Faults;

/// By a leader of the team, and by an owner.
#[tokio::test]
async fn a_team_change_fails_after_a_concurrent_deletion() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let root = world.tenant_admin();
    for (number, of_team) in [
        (0, true),
        (1, true),
        (2, true),
        (3, true),
        (0, false),
        (1, false),
    ] {
        for by in ["ada", "lee"] {
            let ada = world.user("ada");
            let name = format!("{number} {of_team} {by}");
            let id = world.organization(&ada, &name).await;
            for user in ["lee", "max", "mia"] {
                world.member(&id, user, "member", "active").await;
            }
            let organization = format!("/organizations/{id}");
            let in_team = [("lee", "leader"), ("mia", "member")];
            let team = world.team(Some(&id), "T", &in_team).await;
            let members = format!("{team}/members");

            let mut held = proxy.hold("TransactWriteItems");
            let actor = world.user(by);
            let going = async {
                let mia = format!("{members}/mia");
                match number {
                    0 => actor.patch(&team, json!({"name": "New"})).await,
                    1 => actor.post(&members, json!({"user_id": "max"})).await,
                    2 => actor.patch(&mia, json!({"role": "leader"})).await,
                    _ => actor.delete(&mia).await,
                }
            };
            let meanwhile = async {
                held.arrived().await;
                let gone = if of_team { &team } else { &organization };
                root.delete(gone).await.expect(204);
                let before = world.table().await;
                held.release();
                before
            };
            let (reply, before) = futures::join!(going, meanwhile);
            assert_eq!(reply.status, 404, "{name}: {reply:?}");
            assert!(world.table().await == before, "{name} succeeded");
        }
    }
}

/// Decided with the old limit of the organization, written with a lower one.
#[tokio::test]
async fn a_team_budget_fails_if_the_organization_lowers_its_own() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let organization = format!("/organizations/{id}");
    let teams = format!("{organization}/teams");
    let made = ada.post(&teams, json!({"name": "Old"})).await.expect(201);
    let team = made.headers["location"].clone();
    let budget = |most: u32| json!({"limits": {"max_budget": most}});
    for makes in [false, true] {
        ada.patch(&organization, budget(10)).await.expect(200);
        let mut held = proxy.hold("TransactWriteItems");
        let going = async {
            if makes {
                let new = json!({"name": "New", "limits": {"max_budget": 8}});
                ada.post(&teams, new).await
            } else {
                ada.patch(&team, budget(8)).await
            }
        };
        let meanwhile = async {
            held.arrived().await;
            ada.patch(&organization, budget(5)).await.expect(200);
            held.release();
        };
        let (reply, ()) = futures::join!(going, meanwhile);
        reply.problem(422, "budget-exceeds-organization");
        ada.patch(&team, budget(5)).await.expect(200);
    }
    assert_eq!(ada.all(&teams).await.len(), 1);
}
