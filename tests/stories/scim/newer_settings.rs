//! Settings that change while requests, logins and take-ups follow the ones before.

use support::{Faults, invariants};

use super::live::{Scene, names};
use super::resumption::{LATER_PAGE, NOTHING};

/// Holds back what gives a membership by the settings that it has read, until newer ones are followed completely. In the
/// end the newer ones count.
async fn overtaken(
    (scene, faults): (&Scene, &Faults),
    group: &str,
    under_way: impl Future<Output = ()>,
) {
    let mut held = faults.hold("TransactWriteItems membership.added");
    let meanwhile = async {
        held.arrived().await;
        scene.filter(Some("App-")).await;
        scene.take_up().await;
        assert_eq!(scene.left().await, NOTHING);
        held.release();
    };
    futures::join!(under_way, meanwhile);
    assert_eq!(scene.members(group).await, 1, "by the settings before");
    scene.take_up().await;
    assert_eq!(scene.members(group).await, 0);
    assert_eq!(scene.left().await, NOTHING);
    invariants::check(&scene.world.items().await);
}

#[tokio::test]
async fn newer_settings_win_over_a_request_under_way() {
    let (scene, faults) = Scene::faulty().await;
    let ids = scene.linked(&names(1)).await;
    let group = scene.group("Sales", &[]).await;
    let request = scene.change_member(&group, "add", &ids[0]);
    overtaken((&scene, &faults), &group, request).await;
}

/// The user is not marked.
#[tokio::test]
async fn newer_settings_win_over_a_login_under_way() {
    let (scene, faults) = Scene::faulty().await;
    scene.filter(Some("App-")).await;
    scene.take_up().await;
    let ids = scene.linked(&["ada".to_owned()]).await;
    let group = scene.group("Sales", &ids).await;
    scene.filter(None).await;
    overtaken((&scene, &faults), &group, scene.login("ada")).await;
}

/// Settings that change again while everyone is marked for the first change.
#[tokio::test]
async fn newer_settings_are_marked_from_the_beginning() {
    let (scene, faults) = Scene::faulty().await;
    let ids = scene.linked(&names(40)).await;
    let group = scene.group("Sales", &ids).await;
    scene.take_up().await;
    scene.filter(Some("S")).await;
    let mut held = faults.hold(LATER_PAGE);
    let meanwhile = async {
        held.arrived().await;
        scene.filter(Some("App-")).await;
        held.release();
    };
    futures::join!(scene.take_up(), meanwhile);
    assert_eq!(scene.members(&group).await, 0);
    assert_eq!(scene.left().await, NOTHING);
}
