//! A directory of five thousand users in two hundred groups: what a run reads depends on the change alone. The figures are
//! in `docs/results/runs.md`.

use std::fmt;

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

/// The cost of a run.
#[derive(Debug, PartialEq)]
struct Cost {
    units: Value,
    calls: Value,
    users_read: Value,
    graph_calls: Value,
}

impl Cost {
    fn of(line: &Value, run: &Value) -> Self {
        Self {
            units: line["units"].clone(),
            calls: line["calls"].clone(),
            users_read: line["users_read"].clone(),
            graph_calls: run["numbers"]["graph_calls"].clone(),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            units,
            calls,
            users_read,
            graph_calls,
        } = self;
        write!(
            formatter,
            "{users_read} users read, {graph_calls} calls to Graph, {calls} calls to DynamoDB, {units} units"
        )
    }
}

/// Groups whose changes one call to Graph reads.
const GROUPS_AT_ONCE: usize = 50;
/// How many runs read those whom the first one could not.
const MAX_RUNS: usize = 5;

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
        // On a slow machine, some users time out and are left for the next run.
        for _ in 0..MAX_RUNS {
            if measured(&world, &path).await["users_read"] == 0 {
                break;
            }
        }
        let mut costs = Vec::new();
        for is_first_in_two in [false, true] {
            self.set(&world, is_first_in_two).await;
            let line = measured(&world, &path).await;
            assert_eq!(line["DirectoryRuns"], 1, "{line}");
            let last = &runs(&world, &path).await[0];
            let given = &last["numbers"]["memberships_given"];
            let expected = 2 * (self.users + usize::from(is_first_in_two));
            assert_eq!(given, expected, "{last}");
            costs.push(Cost::of(&line, last));
        }
        costs.try_into().unwrap()
    }
}

#[tokio::test]
async fn the_cost_of_a_run_follows_the_change() {
    let few = Size {
        users: 10,
        groups: 5,
    };
    let many = Size {
        users: 5_000,
        groups: 200,
    };
    let of_few = few.costs().await;
    let of_many = many.costs().await;
    for (size, costs) in [(few, &of_few), (many, &of_many)] {
        // The assignments, the changes of groups and of accounts, and then the account and the groups of the user.
        let quiet = 2 + size.groups.div_ceil(GROUPS_AT_ONCE);
        assert_eq!(costs[0].graph_calls, quiet, "{costs:?}");
        assert_eq!(costs[1].graph_calls, quiet + 2, "{costs:?}");
    }
    let without_graph = |costs: &[Cost; 2]| {
        let of_table = |cost: &Cost| [&cost.units, &cost.calls, &cost.users_read].map(Clone::clone);
        costs.each_ref().map(of_table)
    };
    assert_eq!(without_graph(&of_few), without_graph(&of_many));
    let [quiet, changed] = of_many;
    insta::assert_snapshot!(
        "the_cost_of_runs",
        format!("no change        {quiet}\none user changed {changed}")
    );
    assert_eq!(
        [&quiet.users_read, &changed.users_read],
        [&json!(0), &json!(1)]
    );
}
