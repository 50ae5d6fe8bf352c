//! A request with a key and nothing to do, with a change before its response is stored.

use serde_json::{Value, json};
use support::{Actor, Faults, Reply, World, invariants};

use super::posts::Post;
use super::{answer, is_repeat};

/// The result of a POST with nothing to do when a change precedes the storing of its response.
struct Overtaken {
    world: World,
    faults: Faults,
    ada: Actor,
    organization: String,
}

impl Overtaken {
    /// An organization with an active member.
    async fn start() -> Self {
        let (world, faults) = Faults::world(muster_local::Options::default()).await;
        let ada = world.user("ada");
        let id = world.organization(&ada, "Acme").await;
        world.member(&id, "bob", "admin", "active").await;
        Self {
            world,
            faults,
            ada,
            organization: format!("/organizations/{id}"),
        }
    }

    fn post(&self, actor: &str, path: String, body: Option<Value>) -> Post {
        Post {
            actor: self.world.user(actor),
            path,
            body,
            status: 0,
        }
    }

    /// Sends it, runs `meanwhile` just before its n-th transaction, and repeats it with its key.
    /// Returns the response.
    async fn send(&self, post: Post, nth: usize, meanwhile: impl Future<Output = Reply>) -> Reply {
        let mut held: Vec<_> = (0..nth)
            .map(|_| self.faults.hold("TransactWriteItems"))
            .collect();
        let mut last = held.pop().unwrap();
        let late = {
            let post = post.clone();
            tokio::spawn(async move { post.send("k-1").await })
        };
        for mut before in held {
            before.arrived().await;
            before.release();
        }
        last.arrived().await;
        let done = meanwhile.await;
        assert!(done.status < 300, "{done:?}");
        last.release();
        let first = late.await.unwrap();
        let again = post.send("k-1").await;
        if first.status < 300 {
            assert_eq!(answer(&again), answer(&first));
        }
        assert_eq!(is_repeat(&again), first.status < 300);
        invariants::check(&self.world.items().await);
        first
    }
}

/// Otherwise one of two concurrent requests with one key could have a response from before the
/// change, and the other from after it.
#[tokio::test]
async fn a_no_op_response_is_stored_only_while_it_is_true() {
    let admin = |user: &str| Some(json!({"user_id": user, "role": "admin"}));

    let it = Overtaken::start().await;
    let members = format!("{}/members", it.organization);
    let bob = format!("{members}/bob");
    let accept = it.post("bob", format!("{members}/me/accept"), None);
    let gone = it.send(accept, 1, it.ada.delete(&bob)).await;
    gone.problem(404, "not-found");

    // After the transaction that finds the member.
    let it = Overtaken::start().await;
    let members = format!("{}/members", it.organization);
    let bob = format!("{members}/bob");
    let add = it.post("ada", members.clone(), admin("bob"));
    let added = it.send(add, 2, it.ada.delete(&bob)).await.expect(201);
    assert_eq!(it.ada.get(&bob).await.expect(200).body, added.body);

    let it = Overtaken::start().await;
    let members = format!("{}/members", it.organization);
    let bob = format!("{members}/bob");
    let add_self = it.post("bob", members, admin("bob"));
    let gone = it.send(add_self, 1, it.ada.delete(&bob)).await;
    gone.problem(404, "not-found");

    let it = Overtaken::start().await;
    let restore = it.post("ada", format!("{}/restore", it.organization), None);
    let rename = it.ada.patch(&it.organization, json!({"name": "Another"}));
    let restored = it.send(restore, 1, rename).await.expect(200);
    assert_eq!(restored.body["name"], "Another");

    // A leader who adds themselves must be a leader at that moment, too.
    for change in [
        None,
        Some(json!({"role": "member"})),
        Some(json!({"status": "suspended"})),
    ] {
        let it = Overtaken::start().await;
        let id = it.organization.trim_start_matches("/organizations/");
        it.world.member(id, "lee", "member", "active").await;
        let teams = format!("{}/teams", it.organization);
        let made = it.ada.post(&teams, json!({"name": "Sales"})).await;
        let members = format!("{}/members", made.expect(201).headers["location"]);
        let leader = json!({"user_id": "lee", "role": "leader"});
        it.ada.post(&members, leader.clone()).await.expect(201);
        let lee = format!("{members}/lee");
        let meanwhile = async {
            match change {
                None => it.ada.delete(&lee).await,
                Some(change) => it.ada.patch(&lee, change).await,
            }
        };
        let add = it.post("lee", members.clone(), Some(leader));
        it.send(add, 1, meanwhile).await.problem(403, "forbidden");
    }

    for (actor, deletes) in [("ada", false), ("bob", false), ("ada", true)] {
        let it = Overtaken::start().await;
        let teams = format!("{}/teams", it.organization);
        let made = it.ada.post(&teams, json!({"name": "Sales"})).await;
        let team = made.expect(201).headers["location"].clone();
        let bob = json!({"user_id": "bob", "role": "member"});
        let members = format!("{team}/members");
        it.ada.post(&members, bob.clone()).await.expect(201);
        let add = it.post(actor, members.clone(), Some(bob));
        if deletes {
            let gone = it.send(add, 2, it.ada.delete(&team)).await;
            gone.problem(404, "not-found");
        } else {
            let leaves = format!("{members}/bob");
            let leaves = it.ada.delete(&leaves);
            it.send(add, 2, leaves).await.expect(201);
            assert_eq!(it.ada.all(&members).await.len(), 1);
        }
    }
}

/// The first has the response, and the second, already in flight, gets the same, although it would
/// be rejected now.
#[tokio::test]
async fn concurrent_repeats_get_the_same_response() {
    let it = Overtaken::start().await;
    let bob = format!("{}/members/bob", it.organization);
    it.ada
        .patch(&bob, json!({"role": "owner"}))
        .await
        .expect(200);
    it.ada.delete(&it.organization).await.expect(204);
    let restore = it.post("bob", format!("{}/restore", it.organization), None);
    let mut held = it.faults.hold("TransactWriteItems");
    let late = {
        let restore = restore.clone();
        tokio::spawn(async move { restore.send("k-1").await })
    };
    held.arrived().await;
    let first = restore.send("k-1").await.expect(200);
    it.ada
        .patch(&bob, json!({"role": "member"}))
        .await
        .expect(200);
    held.release();
    let late = late.await.unwrap();
    assert_eq!(answer(&late), answer(&first));
    assert!(is_repeat(&late) && !is_repeat(&first));
    invariants::check(&it.world.items().await);
}
