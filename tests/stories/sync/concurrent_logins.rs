//! Concurrent logins of one user: the later one finds its work done.

use serde_json::json;
use support::Faults;

use super::setup::{ORGANIZATIONS, Setup, event, map};

const ACTIVE: &str = "internal_user active entra";

/// Two logins. The first is held at its writes of this operation until the second has finished. Its
/// writes, of the organization and of the team, then find their result.
async fn is_overtaken(setup: &Setup, faults: &Faults, operation: &str) {
    let (mut one, mut other) = (faults.hold(operation), faults.hold(operation));
    setup.pass_ten_minutes();
    setup.lines.take();
    let overtaking = async {
        one.arrived().await;
        other.arrived().await;
        setup.sign_in(event("ada")).await;
        one.release();
        other.release();
    };
    tokio::join!(setup.sign_in(event("ada")), overtaking);
    let lines = setup.lines.take();
    let outcomes: Vec<_> = lines.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["synced", "unchanged"], "{lines:?}");
}

#[tokio::test]
async fn concurrent_logins_of_one_user_both_succeed() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-one", "One");
    setup.expect("eve", "synced").await;
    setup.graph.join("ada", "g-one");
    is_overtaken(&setup, &faults, "TransactWriteItems membership.added").await;
    assert_eq!(setup.organizations("ada").await, map([("g-one", ACTIVE)]));
    assert_eq!(setup.teams("ada").await, map([("g-one", "active entra")]));
    setup.expect("ada", "unchanged").await;

    setup.graph.leave("ada", "g-one");
    is_overtaken(&setup, &faults, "TransactWriteItems membership.removed").await;
    assert_eq!(setup.organizations("ada").await, map([]));
    assert_eq!(setup.teams("ada").await, map([]));
    setup.expect("ada", "unchanged").await;
    setup.check().await;
}

#[tokio::test]
async fn a_team_left_meanwhile_does_not_stop_a_login_from_leaving() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-one", "One");
    setup.graph.join("ada", "g-one");
    setup.expect("ada", "synced").await;
    let team = setup
        .world
        .team(Some("g-one"), "By hand", &[("ada", "member")]);
    let team = team.await;
    setup.graph.leave("ada", "g-one");
    setup.pass_ten_minutes();
    let mut held = faults.hold("TransactWriteItems membership.removed");
    let meanwhile = async {
        held.arrived().await;
        let left = format!("{team}/members/ada");
        setup.world.tenant_admin().delete(&left).await.expect(204);
        held.release();
    };
    tokio::join!(setup.sign_in(event("ada")), meanwhile);
    assert_eq!(setup.organizations("ada").await, map([]));
    assert_eq!(setup.teams("ada").await, map([]));
    setup.check().await;
}

#[tokio::test]
async fn an_inviter_who_regains_the_right_keeps_the_invitation() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-one", "One");
    setup.world.register(&["ora", "bob", "eve"]).await;
    setup.expect("fay", "synced").await;
    let root = setup.world.tenant_admin();
    let members = "/organizations/g-one/members";
    for owner in ["ora", "bob"] {
        let body = json!({"user_id": owner, "role": "owner", "status": "active"});
        root.post(members, body).await.expect(201);
    }
    let bob = setup.world.user("bob");
    let body = json!({"user_id": "eve", "role": "owner"});
    bob.post(members, body).await.expect(201);
    let path = format!("{members}/bob");
    let change = |role: &str| json!({"role": role});
    root.patch(&path, change("admin")).await.expect(200);

    // Writes the profile, accepts the invitation and joins the team, then sets the directory's role in
    // place of the invitation's.
    let mut held: Vec<_> = (0..4).map(|_| faults.hold("TransactWriteItems")).collect();
    let mut last = held.pop().unwrap();
    setup.graph.join("eve", "g-one");
    setup.pass_ten_minutes();
    let meanwhile = async {
        for mut one in held {
            one.arrived().await;
            one.release();
        }
        last.arrived().await;
        root.patch(&path, change("owner")).await.expect(200);
        last.release();
    };
    tokio::join!(setup.sign_in(event("eve")), meanwhile);
    let open = map([("g-one", "owner invited manual")]);
    assert_eq!(setup.organizations("eve").await, open);
    setup.sign_in(event("eve")).await;
    let accepted = map([("g-one", "owner active manual")]);
    assert_eq!(setup.organizations("eve").await, accepted);
    setup.check().await;
}
