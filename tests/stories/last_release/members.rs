//! Members and users of the last release can be changed, removed and found, and keep their memberships at a login.

use serde_json::{Value, json};
use support::{ACME, invariants};

use super::acme;
use super::setup::{ODD_USER, Setup, segment};
use super::write::ROLES;

#[tokio::test]
async fn members_of_every_role_and_status_can_be_changed_and_removed() {
    let setup = Setup::of_last_release().await;
    let (root, ada) = (setup.root(ACME), setup.world.user("ada"));
    let members = format!("/organizations/{}/members", acme(&root).await);
    let accept = format!("{members}/me/accept");
    // The last release did not store that an inviter was a tenant admin: they invite again.
    let by_root = setup.world.user("by-root");
    let refused = by_root.post_empty(&accept).await;
    refused.problem(409, "invitation-not-valid");
    let again = json!({"user_id": "by-root", "role": "member"});
    root.post(&members, again).await.expect(200);
    for user in ["by-owner", "by-admin", "by-root"] {
        let accepted = setup.world.user(user).post_empty(&accept).await;
        assert_eq!(accepted.expect(200).body["role"], "member");
    }
    for role in ROLES {
        for status in ["active", "invited", "suspended"] {
            let path = format!("{members}/{role}-{status}");
            // A caller who changes the role of an invitation becomes its inviter.
            if (role, status) == ("manager", "invited") {
                let other = json!({"role": "member"});
                ada.patch(&path, other).await.expect(200);
            }
            let now = ada.patch(&path, json!({"role": "manager"})).await;
            assert_eq!(now.expect(200).body["status"], status);
            match status {
                "active" => ada.patch(&path, json!({"status": "suspended"})).await,
                "suspended" => ada.patch(&path, json!({"status": "active"})).await,
                _ => {
                    let invited = setup.world.user(&format!("{role}-{status}"));
                    invited.post_empty(&format!("{members}/me/accept")).await
                }
            }
            .expect(200);
            ada.delete(&path).await.expect(204);
        }
    }
    // Its user is in a team and has an id with every character.
    let odd = format!("{members}/{}", segment(ODD_USER));
    ada.patch(&odd, json!({"role": "readonly"}))
        .await
        .expect(200);
    setup
        .world
        .user(ODD_USER)
        .delete(&format!("{members}/me"))
        .await
        .expect(204);
    invariants::check_without_events(&setup.world.items().await);
}

#[tokio::test]
async fn users_keep_their_memberships_at_the_next_login() {
    let setup = Setup::of_last_release().await;
    let memberships = async |user: &str| {
        let mine = "/users/me/organizations?status=all";
        let mut all = setup.world.user(user).all(mine).await;
        all.iter_mut()
            .map(|one| {
                let text = |name: &str| one[name].as_str().unwrap().to_owned();
                (text("organization_id"), text("role"), text("status"))
            })
            .collect::<Vec<_>>()
    };
    for user in ["eve", "fay"] {
        let before = memberships(user).await;
        setup.login(user).await;
        assert_eq!(memberships(user).await, before);
    }
    // And join new groups.
    setup.graph.assign("g-new", "New");
    for user in ["eve", "fay", "kim"] {
        setup.graph.join(user, "g-new");
        setup.login(user).await;
        let new = memberships(user).await;
        let new = new.iter().find(|(id, ..)| id == "g-new").unwrap();
        assert_eq!((&*new.1, &*new.2), ("internal_user", "active"));
    }
    // A membership made by the sync is suspended when its user leaves the group.
    setup.graph.leave("fay", "g-left");
    setup.login("fay").await;
    let all = memberships("fay").await;
    let left = all.iter().find(|(id, ..)| id == "g-left").unwrap();
    assert_eq!(left.2, "suspended");
    invariants::check_without_events(&setup.world.items().await);
}

#[tokio::test]
async fn members_and_users_are_found_by_name_after_their_next_login() {
    let setup = Setup::of_last_release().await;
    let root = setup.root(ACME);
    let id = acme(&root).await;
    let members = format!("/organizations/{id}/members?status=all");
    let users = |items: Vec<Value>| -> Vec<String> {
        let user = |item: Value| item["user_id"].as_str().unwrap().to_owned();
        let mut users: Vec<_> = items.into_iter().map(user).collect();
        users.sort();
        users
    };
    // No list loses a member who is in no index by name yet.
    let all = users(root.all(&members).await);
    assert!(all.len() > 3, "{all:?}");
    for limit in [1, 3, 100] {
        let path = format!("{members}&sort=name&limit={limit}");
        assert_eq!(users(root.all(&path).await), all, "{limit}");
    }
    assert!(root.all("/users?status=all").await.is_empty());
    // A request that changes nothing puts a user into both.
    let bob = all.iter().find(|user| *user != "root").unwrap();
    let name = json!({"display_name": "Zebulon"});
    root.put(&format!("/users/{}", segment(bob)), name)
        .await
        .expect(200);
    for other in all.iter().filter(|user| *user != bob) {
        let path = format!("/users/{}", segment(other));
        let known = root.put(&path, json!({})).await;
        assert!([200, 201].contains(&known.status), "{known:?}");
    }
    assert_eq!(
        users(root.all(&format!("{members}&q=zebu")).await),
        std::slice::from_ref(bob)
    );
    assert_eq!(
        users(root.all("/users?q=zebu").await),
        std::slice::from_ref(bob)
    );
    assert_eq!(users(root.all("/users?status=all").await), all);
    for limit in [1, 3, 100] {
        let path = format!("{members}&sort=name&limit={limit}");
        let listed = root.all(&path).await;
        assert_eq!(listed.last().unwrap()["user_id"], bob.as_str());
        assert_eq!(users(listed), all, "{limit}");
        assert_eq!(
            users(root.all(&format!("{members}&limit={limit}")).await),
            all
        );
    }
    invariants::check_without_events(&setup.world.items().await);
}
