//! Random histories: a few users of two tenants send random concurrent requests.

use std::sync::{Arc, Mutex};

use serde_json::json;
use support::{Actor, Reply, World, at_once};

const PEOPLE: [&str; 6] = ["ada", "bob", "cyd", "dan", "eve", "fay"];
const TENANTS: [&str; 2] = ["acme", "globex"];
const NAMES: [&str; 4] = ["Acme", "acme", "Globex", "Initech"];
const ROLES: [&str; 6] = ["owner", "owner", "admin", "org_admin", "manager", "member"];

/// The users, and the resources to act on.
#[derive(Clone)]
pub(super) struct History {
    actors: Vec<Actor>,
    organizations: Arc<Mutex<Vec<String>>>,
    seed: u64,
}

impl History {
    pub(super) async fn new(world: &World, seed: u64) -> Self {
        let mut actors = Vec::new();
        let mut organizations = Vec::new();
        for tenant in TENANTS {
            let root = world.tenant_admin_of(tenant);
            for person in &PEOPLE[..5] {
                root.put(&format!("/users/{person}"), json!({}))
                    .await
                    .expect(201);
            }
            for (owner, name) in [("ada", "Acme"), ("bob", "Umbrella")] {
                let owner = world.user_of(tenant, owner);
                let made = owner.post("/organizations", json!({"name": name})).await;
                let id = made.expect(201).body["id"].as_str().unwrap().to_owned();
                let members = format!("/organizations/{id}/members");
                for (person, role) in [("cyd", "owner"), ("dan", "admin"), ("eve", "member")] {
                    let body = json!({"user_id": person, "role": role, "status": "active"});
                    owner.post(&members, body).await.expect(201);
                }
                organizations.push(id);
            }
            actors.push(root);
            actors.extend(PEOPLE.map(|person| world.user_of(tenant, person)));
        }
        Self {
            actors,
            organizations: Arc::new(Mutex::new(organizations)),
            seed,
        }
    }

    /// This number of concurrent users, with this number of requests each.
    pub(super) async fn run(self, writers: u64, each: usize) -> Vec<Reply> {
        let replies = at_once((0..writers).map(|writer| {
            let history = self.clone();
            async move {
                let mut random = fastrand::Rng::with_seed(history.seed * 1_000 + writer);
                let mut replies = Vec::new();
                for _ in 0..each {
                    let reply = history.step(&mut random).await;
                    if reply.status == 201
                        && let Some(id) = reply.body["id"].as_str()
                    {
                        history.organizations.lock().unwrap().push(id.to_owned());
                    }
                    replies.push(reply);
                }
                replies
            }
        }))
        .await;
        replies.into_iter().flatten().collect()
    }

    async fn step(&self, random: &mut fastrand::Rng) -> Reply {
        let actor = random.choice(&self.actors).unwrap();
        let id = {
            let organizations = self.organizations.lock().unwrap();
            random.choice(&*organizations).unwrap().clone()
        };
        let organization = format!("/organizations/{id}");
        let members = format!("{organization}/members");
        let person = random.choice(PEOPLE).unwrap();
        let member = format!("{members}/{person}");
        let name = json!({"name": random.choice(NAMES).unwrap()});
        let role = random.choice(ROLES).unwrap();
        let status = ["active", "suspended"][usize::from(random.u8(..3) == 0)];
        match random.u8(..20) {
            0 => actor.post("/organizations", name).await,
            1 => {
                let key = format!("k-{}", random.u8(..4));
                actor.post_once("/organizations", &key, name).await
            }
            2 => actor.patch(&organization, name).await,
            3 => {
                let body = json!({"domain": "acme.example", "metadata": {(*person): role}});
                actor.put(&organization, body).await
            }
            4 => actor.delete(&organization).await,
            5 | 6 => actor.post_empty(&format!("{organization}/restore")).await,
            7..=9 => {
                let status = if random.bool() { "active" } else { "invited" };
                let body = json!({"user_id": person, "role": role, "status": status});
                actor.post(&members, body).await
            }
            10..=12 => actor.patch(&member, json!({"role": role})).await,
            13 | 14 => actor.patch(&member, json!({"status": status})).await,
            15 => {
                let request = actor.request(reqwest::Method::PATCH, &member);
                let request = request.header("if-match", "\"1\", \"2\"");
                actor.send(request.json(&json!({"role": role}))).await
            }
            16 => actor.delete(&member).await,
            17 => actor.delete(&format!("{members}/me")).await,
            18 => actor.post_empty(&format!("{members}/me/accept")).await,
            _ => {
                let body = json!({"email": format!("{person}@{role}.example")});
                actor.put(&format!("/users/{person}"), body).await
            }
        }
    }
}
