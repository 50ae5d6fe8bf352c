//! Measures the duration of a login with realistic latencies of DynamoDB and Graph, against the
//! number of the user's groups: the deployed binary of post-login in a process of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::graph::{Graph, GraphEndpoint, GraphFault, object_id};
use support::{ACME, World};

use crate::figures::{Machine, Rounds, keep};
use crate::process::Process;
use crate::slow::Slow;

/// Latency of a call to DynamoDB, and to Graph or Entra.
pub(crate) const DYNAMODB: Duration = Duration::from_millis(20);
pub(crate) const GRAPH: Duration = Duration::from_millis(60);
/// Groups of the user, all of them assigned to the application.
const GROUPS: [usize; 5] = [1, 10, 50, 100, 200];
const ROUNDS: usize = 3;
/// Maximum number of logins until nothing is left to create.
const PATIENCE: usize = 30;

/// The results.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logins {
    pub(crate) machine: Machine,
    pub(crate) logins: Vec<Login>,
}

/// Logins of users with this number of groups.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) groups: usize,
    /// The first login of any user, when nothing exists yet; it leaves to the next what exceeds its
    /// time.
    pub(crate) pioneer: Cost,
    /// The first login of a user, in a new process.
    pub(crate) first: Cost,
    /// The second login of the same user, in the same process.
    pub(crate) unchanged: Cost,
}

/// The measurements of one login.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) ms: Rounds,
    pub(crate) dynamodb_calls: usize,
    pub(crate) graph_calls: usize,
    pub(crate) peak_memory: Rounds,
}

impl Cost {
    /// The maximum of all rounds.
    fn calls(&mut self, dynamodb: usize, graph: usize) {
        self.dynamodb_calls = self.dynamodb_calls.max(dynamodb);
        self.graph_calls = self.graph_calls.max(graph);
    }
}

/// Measures and stores the results.
pub(crate) async fn measure(binaries: &Path) -> Result<()> {
    let places = ["post-login/bootstrap", "post-login"].map(|place| binaries.join(place));
    let program = places.into_iter().find(|place| place.is_file());
    let program = program.context("no post-login in the folder of the binaries")?;
    let mut logins = Vec::new();
    for groups in GROUPS {
        let mut login = Login {
            groups,
            pioneer: Cost::default(),
            first: Cost::default(),
            unchanged: Cost::default(),
        };
        for round in 1..=ROUNDS {
            eprintln!("{groups} groups, round {round} of {ROUNDS}");
            one(&program, groups, &mut login).await?;
        }
        logins.push(login);
    }
    let machine = Machine::here()?;
    keep("logins", &Logins { machine, logins })
}

async fn one(program: &Path, groups: usize, login: &mut Login) -> Result<()> {
    let graph = Graph::start().await;
    for n in 0..groups {
        let id = format!("group-{n:04}");
        graph.assign(&id, &format!("Group {n}"));
        graph.join("ada", &id);
        graph.join("bob", &id);
    }
    for endpoint in [
        GraphEndpoint::Token,
        GraphEndpoint::AssignedGroups,
        GraphEndpoint::AppRoles,
        GraphEndpoint::UserGroups,
    ] {
        graph.fail(endpoint, None, GraphFault::Delay(GRAPH));
    }
    // The maximum page size of Graph.
    graph.page_size(999);
    let mut options = graph.options(&[("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true")]);
    let mut variables: Vec<_> = options.variables.clone().into_iter().collect();
    options.variables.clear();
    let world = World::with(options).await;
    let slow = Slow::start(world.stack.dynamodb_url(), DYNAMODB).await?;
    variables.push(("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), slow.url.clone()));

    let start = || {
        let (program, variables) = (PathBuf::from(program), variables.clone());
        let started = move || Process::start(&program, &variables);
        tokio::task::spawn_blocking(started)
    };
    let sign_in = async |process: Process, user: &str, cost: &mut Cost| -> Result<Process> {
        graph.calls();
        slow.calls();
        let event = event(user);
        let sent = event.to_string().into_bytes();
        let invoked = move || {
            let (time, answer) = process.api.invoke(sent)?;
            Ok::<_, anyhow::Error>((process, time, answer))
        };
        let (process, time, answer) = tokio::task::spawn_blocking(invoked).await??;
        ensure!(
            serde_json::from_slice::<Value>(&answer)? == event,
            "the event was returned changed"
        );
        cost.ms.0.push(time.as_secs_f64() * 1e3);
        cost.calls(slow.calls(), graph.calls().len());
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        cost.peak_memory.0.push(process.peak_memory()? as f64);
        Ok(process)
    };
    let mut process = sign_in(start().await??, "ada", &mut login.pioneer).await?;
    let mut logins = 0;
    loop {
        let mut rest = Cost::default();
        process = sign_in(process, "ada", &mut rest).await?;
        // Everything exists already.
        if rest.dynamodb_calls == 2 {
            break;
        }
        logins += 1;
        ensure!(logins < PATIENCE, "logins never finish");
    }
    let process = sign_in(start().await??, "bob", &mut login.first).await?;
    sign_in(process, "bob", &mut login.unchanged).await?;
    let bob = world.user("bob").all("/users/me/organizations").await;
    ensure!(
        bob.len() == groups,
        "{} of {groups} in the first login",
        bob.len()
    );
    Ok(())
}

fn event(user: &str) -> Value {
    json!({
        "version": "1", "region": "eu-central-1", "userPoolId": "eu-central-1_abc", "userName": user,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "xxx"},
        "triggerSource": "PostAuthentication_Authentication",
        "request": {"userAttributes": {
            "sub": user, "email": format!("{user}@acme.example"), "custom:tenant_id": ACME,
            "custom:entra_object_id": object_id(user),
        }},
        "response": {},
    })
}
