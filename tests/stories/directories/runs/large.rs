//! A directory of five thousand users in two hundred groups: what a run reads depends on the change alone.

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use support::World;

use super::cost::measured;
use super::{change, runs};
use crate::directories::{GLOBEX, created};

/// Users and groups of a directory.
#[derive(Clone, Copy)]
struct Size {
    users: usize,
    groups: usize,
}

/// What a run did.
#[derive(Debug, PartialEq)]
struct Cost {
    units: Value,
    calls: Value,
    users_read: Value,
}

fn account(n: usize) -> String {
    format!("9e3f5b7d-1a2c-4d6e-8f90-{n:012}")
}

fn group(n: usize) -> String {
    format!("cdb555e3-b33e-4fd5-a427-{n:012}")
}

fn user(n: usize) -> String {
    format!("clerk-{n:04}")
}

impl Size {
    /// Sets the users and groups of the Entra tenant. Each user is in one group, and the first one, if it says so, in
    /// two.
    async fn set(self, world: &World, is_first_in_two: bool) {
        change(world, |entra| {
            let users = (0..self.users).map(|n| {
                json!({"id": account(n), "user_id": user(n), "display_name": user(n),
                    "email": format!("{}@globex.example", user(n))})
            });
            let groups = (0..self.groups).map(|n| {
                let members = (0..self.users).filter(|who| {
                    who % self.groups == n || (is_first_in_two && *who == 0 && n == 1)
                });
                json!({"id": group(n), "display_name": format!("Department {n:03}"),
                    "members": members.map(user).collect::<Vec<_>>()})
            });
            let assigned = (0..self.groups).map(|n| json!({"to": group(n)}));
            entra["users"] = users.collect();
            entra["groups"] = groups.collect();
            entra["assignments"] = assigned.collect();
        })
        .await;
    }

    /// Returns the costs of a run after which nothing has changed, and of one after a user has joined a group.
    async fn costs(self) -> [Cost; 2] {
        let world = World::start().await;
        let (path, _) = created(&world, |_| json!({"create_organizations": true})).await;
        self.set(&world, false).await;
        let root = &world.tenant_admin_of(GLOBEX);
        let known = stream::iter(0..self.users).map(|n| async move {
            let body = json!({"entra_object_id": account(n)});
            root.put(&format!("/users/{}", user(n)), body)
                .await
                .expect(201);
        });
        known.buffer_unordered(8).collect::<Vec<_>>().await;
        let first = measured(&world, &path).await;
        assert_eq!(first["users_read"], self.users, "{first}");
        let last = &runs(&world, &path).await[0];
        assert_eq!(
            last["numbers"]["memberships_given"],
            2 * self.users,
            "{last}"
        );
        let mut costs = Vec::new();
        for is_first_in_two in [false, true] {
            self.set(&world, is_first_in_two).await;
            let line = measured(&world, &path).await;
            assert_eq!(line["DirectoryRuns"], 1, "{line}");
            costs.push(Cost {
                units: line["units"].clone(),
                calls: line["calls"].clone(),
                users_read: line["users_read"].clone(),
            });
        }
        costs.try_into().unwrap()
    }
}

#[tokio::test]
async fn a_run_reads_the_change_whatever_the_size() {
    let few = Size {
        users: 10,
        groups: 5,
    };
    let many = Size {
        users: 5_000,
        groups: 200,
    };
    let (few, many) = (few.costs().await, many.costs().await);
    println!("nothing changed, one changed: {many:?}");
    assert_eq!(few, many);
    assert_eq!(
        [&many[0].users_read, &many[1].users_read],
        [&json!(0), &json!(1)]
    );
}
