//! The billed usage of the functions that timers start: runs of directories, and checks of domains.

use reqwest::Method;
use serde_json::{Value, json};

use super::setup::{OWN_GROUPS, Setup, TENANT, event, group, person};
use crate::directories::{organization_with_domain, send};

/// Users whom a complete run reads: a part of a large directory.
pub(super) const USERS: usize = 50;
const ENTRA: &str = "7b1d9c52-0e4f-4a6b-9d38-5c2f1e0a7b64";
const PRINCIPAL: &str = "a40c6d1b-93f2-4e57-8b0a-6d5e4f3c2b1a";
const DOMAIN: &str = "customer.example";
const DAY: i64 = 24 * 3_600_000;

/// The id of a user's account, as Entra gives it.
fn account(n: usize) -> String {
    format!("9e3f5b7d-1a2c-4d6e-8f90-{n:012}")
}

/// The Entra tenant: each user is in each group, but the last user is in one less.
fn entra(is_last_in_all: bool) -> Value {
    let users = (0..USERS).map(|n| {
        json!({
            "id": account(n), "user_id": person(n), "display_name": "Given Family",
            "email": format!("given.family{n:05}@{DOMAIN}"),
        })
    });
    let groups = (0..OWN_GROUPS).map(|n| {
        let are_all_in = is_last_in_all || n > 0;
        let members = (0..USERS).filter(|user| are_all_in || user + 1 < USERS);
        json!({
            "id": group(n), "display_name": format!("Customer department {n:04}"),
            "members": members.map(person).collect::<Vec<_>>(),
        })
    });
    let assigned = (0..OWN_GROUPS).map(|n| json!({"to": group(n)}));
    json!({
        "tenant_id": TENANT, "domains": [DOMAIN],
        "application": {
            "tenant": ENTRA, "client_id": "2f0c4a1e-7d55-4c1b-9a43-6f1f0d1c0a01",
            "client_secret": "local-secret", "service_principal_id": PRINCIPAL, "display_name": "Muster",
        },
        "users": users.collect::<Vec<_>>(), "groups": groups.collect::<Vec<_>>(),
        "assignments": assigned.collect::<Vec<_>>(),
    })
}

/// A directory whose users have signed in, and the message that runs it.
struct Runs {
    setup: Setup,
    path: String,
    message: Value,
}

impl Runs {
    async fn start() -> Self {
        let setup = Setup::with_entra().await;
        set_entra(&setup, true).await;
        organization_with_domain(&setup.world, TENANT, DOMAIN).await;
        let directory = json!({
            "name": "Customer", "type": "entra",
            "entra": {"tenant_id": ENTRA, "domain": DOMAIN, "service_principal_id": PRINCIPAL},
            "settings": {"create_organizations": true},
        });
        let made = setup.root().post("/directories", directory).await;
        let path = made.expect(201).headers["location"].clone();
        for n in 0..USERS {
            let mut login = event(n, "PostAuthentication_Authentication");
            login["request"]["userAttributes"]["custom:entra_object_id"] = account(n).into();
            setup.invoke("post-login", &login).await;
        }
        let id = path.strip_prefix("/directories/").unwrap();
        let task = json!({"tenant_id": TENANT, "directory_id": id}).to_string();
        Self {
            message: json!({"Records": [{"messageId": "m0", "body": task}]}),
            path,
            setup,
        }
    }

    /// Makes a run and returns it.
    async fn run(&mut self, of: Option<&str>) -> Value {
        let (setup, function) = (&mut self.setup, "reconcile-directory");
        if let Some(of) = of {
            setup.batch(function, of, &self.message).await;
        } else {
            setup.invoke(function, &self.message).await;
        }
        let runs = setup.root().all(&format!("{}/runs", self.path)).await;
        let run = runs[0].clone();
        assert_eq!(run["numbers"]["failed"], 0, "{run}");
        if let Some(of) = of {
            let used = setup.batches.get_mut(&format!("{function}, {of}")).unwrap();
            used["graph_calls"] = run["numbers"]["graph_calls"].clone();
        }
        run
    }
}

async fn set_entra(setup: &Setup, is_last_in_all: bool) {
    let path = "/_local/entra/directory";
    let mut all = send(&setup.world, Method::GET, path, &Value::Null).await;
    all["other_tenants"] = json!([entra(is_last_in_all)]);
    send(&setup.world, Method::PUT, path, &all).await;
}

/// Runs of a directory, as a timer makes them.
pub(super) async fn runs() -> Setup {
    let mut runs = Runs::start().await;
    let clock = runs.setup.clock.clone();
    // Makes what logins left, and marks each account as seen.
    let first = runs.run(None).await;
    assert_eq!(first["kind"], "complete", "{first}");
    let queued = json!({"queued": 1, "late": 0, "blocked": 0, "broken": 0, "failed": 0});
    let (timer, of) = ("schedule-reconciles", "1 directory");
    runs.setup.timer(timer, of, &queued).await;

    let quiet = runs.run(Some("no change")).await;
    assert_eq!(quiet["kind"], "changes", "{quiet}");
    assert_eq!(quiet["numbers"]["users_read"], 0, "{quiet}");
    set_entra(&runs.setup, false).await;
    let one = runs.run(Some("1 changed user")).await;
    assert_eq!(one["numbers"]["users_read"], 1, "{one}");
    assert_eq!(one["numbers"]["memberships_ended"], 2, "{one}");
    clock.pass(DAY + DAY / 24);
    let all = runs.run(Some(&format!("all {USERS} users"))).await;
    assert_eq!(all["kind"], "complete", "{all}");
    assert_eq!(all["outcome"], "unchanged", "{all}");
    assert_eq!(all["numbers"]["users_read"], USERS, "{all}");
    // The groups of each.
    assert!(
        all["numbers"]["graph_calls"].as_u64() > Some(USERS as u64),
        "{all}"
    );

    let (timer, mut checked) = (
        "recheck-domains",
        json!({"checked": 0, "ended": 0, "failed": 0}),
    );
    runs.setup.timer(timer, "none due", &checked).await;
    clock.pass(7 * DAY);
    checked["checked"] = 1.into();
    runs.setup.timer(timer, "1 domain", &checked).await;
    runs.setup
}
