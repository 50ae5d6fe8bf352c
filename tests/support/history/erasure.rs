//! A user who is erased, registered and added again while the other requests run. The model does not know them: they
//! own nothing, so no answer depends on them. The invariants check them, and at the end nothing of them is left.

use std::pin::Pin;

use fastrand::Rng;
use serde_json::json;

use crate::{ACME, Actor, Reply, World};

const DAN: &str = "dan";
/// Texts that only their personal details contain.
const PERSONAL: [&str; 2] = ["Daniel", "daniel@acme.example"];

/// How often a request that ran out of time is repeated.
const MAX_REPEATS: usize = 10;

/// A request about them.
pub(super) struct ErasureRequest {
    pub(super) name: &'static str,
    pub(super) future: Pin<Box<dyn Future<Output = Reply> + Send>>,
}

/// Registers them, with a membership in the organization and in the team.
pub(super) async fn prepare(world: &World, organization: &str, team: &str) {
    let root = world.tenant_admin();
    register(&root).await.expect(201);
    add(&root, organization).await.expect(201);
    add_to_team(&root, team).await.expect(201);
}

/// A random request about them, in the organization and the team. `actor` adds them.
pub(super) fn request(
    world: &World,
    random: &mut Rng,
    (organization, team): (&str, &str),
    actor: Actor,
) -> ErasureRequest {
    let root = world.tenant_admin();
    let (organization, team) = (organization.to_owned(), team.to_owned());
    let (name, future): (_, Pin<Box<dyn Future<Output = Reply> + Send>>) = match random.u8(..5) {
        0 | 1 => ("erase user", Box::pin(async move { erase(&root).await })),
        2 => (
            "register user",
            Box::pin(async move { register(&root).await }),
        ),
        3 => {
            let added = async move { add(&actor, &organization).await };
            ("add member to be erased", Box::pin(added))
        }
        _ => {
            let added = async move { add_to_team(&actor, &team).await };
            ("add team member to be erased", Box::pin(added))
        }
    };
    ErasureRequest { name, future }
}

/// Erases them, and returns what is left of them.
pub(super) async fn leftovers(world: &World) -> Vec<String> {
    let root = world.tenant_admin();
    let mut left = Vec::new();
    let mut reply = erase(&root).await;
    for _ in 0..MAX_REPEATS {
        // The time of one request was up. A repeated one continues.
        if reply.status != 503 {
            break;
        }
        reply = erase(&root).await;
    }
    if reply.status != 204 {
        left.push(format!("not erased: {reply:?}"));
    }
    for item in world.items().await {
        let is_own = item["pk"] == format!("TENANT#{ACME}#USER#{DAN}");
        let text = serde_json::to_string(&item).unwrap();
        if is_own || PERSONAL.iter().any(|personal| text.contains(personal)) {
            left.push(format!("left of an erased user: {text}"));
        }
    }
    left
}

async fn register(root: &Actor) -> Reply {
    let profile = json!({"display_name": PERSONAL[0], "email": PERSONAL[1]});
    root.put(&format!("/users/{DAN}"), profile).await
}

async fn erase(root: &Actor) -> Reply {
    root.delete(&format!("/users/{DAN}")).await
}

async fn add(actor: &Actor, organization: &str) -> Reply {
    let body = json!({"user_id": DAN, "status": "active"});
    let members = format!("/organizations/{organization}/members");
    actor.post(&members, body).await
}

async fn add_to_team(actor: &Actor, team: &str) -> Reply {
    let members = format!("/teams/{team}/members");
    actor.post(&members, json!({"user_id": DAN})).await
}
