//! Random histories of logins, changes in the directory, changes by hand, and logins that die: in the
//! end the table is what the directory says, and what is by hand is as it was done by hand.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::json;
use support::{Fault, Faults};

use super::office::{Memberships, ORGANIZATIONS, Office, event, seeds};

const USERS: [&str; 3] = ["ada", "bob", "cy"];
const GROUPS: [&str; 5] = ["g-0", "g-1", "g-2", "g-3", "g-4"];
const STEPS: usize = 40;

/// What the directory says, and what was done by hand.
#[derive(Default)]
struct Model {
    assigned: BTreeMap<&'static str, bool>,
    /// User and group.
    members: BTreeMap<(&'static str, &'static str), bool>,
    /// Roles of memberships by hand, by user and organization.
    by_hand: BTreeMap<(&'static str, &'static str), &'static str>,
    deleted: BTreeMap<&'static str, bool>,
}

impl Model {
    fn holds(&self, user: &'static str, group: &'static str) -> bool {
        self.assigned.get(group) == Some(&true) && self.members.get(&(user, group)) == Some(&true)
    }

    /// The organizations that the user ends up in, role and status left to the table.
    fn organizations(&self, user: &'static str) -> BTreeMap<String, Option<&'static str>> {
        let groups = GROUPS
            .iter()
            .filter(|group| self.deleted.get(*group) != Some(&true));
        let found = groups.filter_map(|group| {
            let by_hand = self.by_hand.get(&(user, *group)).copied();
            let there = by_hand.is_some() || self.holds(user, group);
            there.then(|| ((*group).to_owned(), by_hand))
        });
        found.collect()
    }
}

struct History {
    office: Office,
    faults: Faults,
    model: Model,
    random: Rng,
}

impl History {
    async fn step(&mut self) {
        let user = *self.random.choice(&USERS).unwrap();
        let group = *self.random.choice(&GROUPS).unwrap();
        let graph = &self.office.graph;
        match self.random.u8(..14) {
            0..=1 => {
                graph.assign(group, &format!("Name {}", self.random.u8(..3)));
                self.model.assigned.insert(group, true);
            }
            2 => {
                graph.unassign(group);
                self.model.assigned.insert(group, false);
            }
            3..=5 => {
                graph.join(user, group);
                self.model.members.insert((user, group), true);
            }
            6 => {
                graph.leave(user, group);
                self.model.members.insert((user, group), false);
            }
            7 => self.by_hand(user, group).await,
            8 => self.delete_or_restore(group).await,
            9 => {
                // Dies somewhere on its way.
                let operations = ["PutItem", "TransactWriteItems", "DeleteItem", "UpdateItem"];
                let operation = self.random.choice(operations).unwrap();
                self.faults.always(operation, Fault::Failure(500));
                self.login(user).await;
                self.faults.stop();
            }
            10 => {
                let seed = self.random.u64(..);
                self.faults.at_random(40, seed);
                self.login(user).await;
                self.faults.stop();
            }
            _ => self.login(user).await,
        }
    }

    async fn login(&self, user: &str) {
        self.office.pass_ten_minutes();
        self.office.sign_in(event(user)).await;
        self.office.check().await;
    }

    /// Adds somebody, who then is in it by hand whatever the directory says.
    async fn by_hand(&mut self, user: &'static str, group: &'static str) {
        let role = *self
            .random
            .choice(&["owner", "manager", "readonly"])
            .unwrap();
        let body = json!({"user_id": user, "role": role, "status": "active"});
        let members = format!("/organizations/{group}/members");
        let added = self.office.world.tenant_admin().post(&members, body).await;
        if added.status == 201 {
            self.model.by_hand.insert((user, group), role);
        }
    }

    async fn delete_or_restore(&mut self, group: &'static str) {
        let root = self.office.world.tenant_admin();
        let path = format!("/organizations/{group}");
        if self.model.deleted.get(group) == Some(&true) {
            let restored = root.post_empty(&format!("{path}/restore")).await;
            if restored.status == 200 {
                self.model.deleted.insert(group, false);
            }
        } else if root.delete(&path).await.status == 204 {
            self.model.deleted.insert(group, true);
        }
    }

    async fn ends_as_the_directory_says(&mut self) {
        // A deleted one is not looked into from here.
        for group in GROUPS {
            if self.model.deleted.get(group) == Some(&true) {
                self.delete_or_restore(group).await;
            }
        }
        for user in USERS {
            // An owner who is the last one stays: those by hand are no matter of the sync.
            self.office.settle(user).await;
        }
        self.office.check().await;
        let live = self.office.all_organizations().await;
        for group in GROUPS {
            let made = live.contains_key(group);
            let deleted = self.model.deleted.get(group) == Some(&true);
            if self.model.assigned.get(group) == Some(&true) {
                assert!(made || deleted, "{group} is not made");
            }
        }
        let alone = self.office.standalone_teams().await;
        for user in USERS {
            let is: Memberships = self.office.organizations(user).await;
            let expected = self.model.organizations(user);
            assert_eq!(
                is.keys().collect::<Vec<_>>(),
                expected.keys().collect::<Vec<_>>(),
                "organizations of {user}"
            );
            for (id, by_hand) in expected {
                let wanted = by_hand.map_or("internal_user active entra".to_owned(), |role| {
                    format!("{role} active manual")
                });
                assert_eq!(is[&id], wanted, "{user} in {id}");
            }
            let teams = self.office.teams(user).await;
            let held = GROUPS.into_iter().filter(|group| {
                // The team is gone with its organization, unless it had to be made alone.
                let gone =
                    self.model.deleted.get(group) == Some(&true) && !alone.contains_key(*group);
                self.model.holds(user, group) && !gone
            });
            let held: Vec<_> = held.map(str::to_owned).collect();
            assert_eq!(
                teams.into_keys().collect::<Vec<_>>(),
                held,
                "teams of {user}"
            );
        }
    }
}

#[tokio::test]
async fn random_histories_end_as_the_directory_says() {
    for seed in seeds() {
        let settings = [ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")];
        let (office, faults) = Office::with_faults(&settings).await;
        office.world.register(&USERS).await;
        let mut history = History {
            office,
            faults,
            model: Model::default(),
            random: Rng::with_seed(seed),
        };
        for _ in 0..STEPS {
            history.step().await;
        }
        history.ends_as_the_directory_says().await;
    }
}
