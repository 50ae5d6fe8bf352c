//! Concurrent logins of one user: the later one finds its work done.

use serde_json::json;
use support::Faults;

use super::office::{ORGANIZATIONS, Office, event, map};

const ACTIVE: &str = "internal_user active entra";

/// Two logins. The first is held at its writes of this operation until the second has finished. Its
/// writes, of the organization and of the team, then find their result.
async fn is_overtaken(office: &Office, faults: &Faults, operation: &str) {
    let (mut one, mut other) = (faults.hold(operation), faults.hold(operation));
    office.pass_ten_minutes();
    office.lines.take();
    let overtaking = async {
        one.arrived().await;
        other.arrived().await;
        office.sign_in(event("ada")).await;
        one.release();
        other.release();
    };
    tokio::join!(office.sign_in(event("ada")), overtaking);
    let lines = office.lines.take();
    let outcomes: Vec<_> = lines.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["synced", "unchanged"], "{lines:?}");
}

#[tokio::test]
async fn what_one_login_does_another_at_the_same_time_finds_done() {
    let (office, faults) = Office::with_faults(&[ORGANIZATIONS]).await;
    office.graph.assign("g-one", "One");
    office.expect("eve", "synced").await;
    office.graph.join("ada", "g-one");
    is_overtaken(&office, &faults, "PutItem").await;
    assert_eq!(office.organizations("ada").await, map([("g-one", ACTIVE)]));
    assert_eq!(office.teams("ada").await, map([("g-one", "active entra")]));
    office.expect("ada", "unchanged").await;

    office.graph.leave("ada", "g-one");
    is_overtaken(&office, &faults, "DeleteItem").await;
    assert_eq!(office.organizations("ada").await, map([]));
    assert_eq!(office.teams("ada").await, map([]));
    office.expect("ada", "unchanged").await;
    office.check().await;
}

#[tokio::test]
async fn an_inviter_who_regains_the_right_keeps_the_invitation() {
    let (office, faults) = Office::with_faults(&[ORGANIZATIONS]).await;
    office.graph.assign("g-one", "One");
    office.world.register(&["ora", "bob", "eve"]).await;
    office.expect("fay", "synced").await;
    let root = office.world.tenant_admin();
    let members = "/organizations/g-one/members";
    for owner in ["ora", "bob"] {
        let body = json!({"user_id": owner, "role": "owner", "status": "active"});
        root.post(members, body).await.expect(201);
    }
    let bob = office.world.user("bob");
    let body = json!({"user_id": "eve", "role": "owner"});
    bob.post(members, body).await.expect(201);
    let path = format!("{members}/bob");
    let change = |role: &str| json!({"role": role});
    root.patch(&path, change("admin")).await.expect(200);

    // Accepts the invitation and joins the team, then sets the directory's role in place of the
    // invitation's.
    let mut held: Vec<_> = (0..3).map(|_| faults.hold("TransactWriteItems")).collect();
    let mut last = held.pop().unwrap();
    office.graph.join("eve", "g-one");
    office.pass_ten_minutes();
    let meanwhile = async {
        for mut one in held {
            one.arrived().await;
            one.release();
        }
        last.arrived().await;
        root.patch(&path, change("owner")).await.expect(200);
        last.release();
    };
    tokio::join!(office.sign_in(event("eve")), meanwhile);
    let open = map([("g-one", "owner invited manual")]);
    assert_eq!(office.organizations("eve").await, open);
    office.sign_in(event("eve")).await;
    let accepted = map([("g-one", "owner active manual")]);
    assert_eq!(office.organizations("eve").await, accepted);
    office.check().await;
}
