//! A login is overtaken by another one of the same person: what it was to do is done when it comes to it.

use support::Faults;

use super::office::{ORGANIZATIONS, Office, event, map};

const ACTIVE: &str = "internal_user active entra";

/// Two logins, of which the first is held at its writes of this operation until the other is through.
/// Both writes, of the organization and of the team, then find what they want.
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
