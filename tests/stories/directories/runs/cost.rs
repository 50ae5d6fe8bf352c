//! The reads of a run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::World;

use super::{all_groups, change, runs};
use crate::directories::{GLOBEX, NUCLEAR, created, set_members, sign_in};

/// Makes a run in one invocation. Returns its log line.
pub(super) async fn measured(world: &World, path: &str) -> Value {
    let id = path.strip_prefix("/directories/").unwrap();
    let task = json!({"tenant_id": GLOBEX, "directory_id": id}).to_string();
    let batch = json!({"Records": [{"messageId": "1", "body": task}]});
    let url = format!(
        "{}/2015-03-31/functions/reconcile-directory/invocations",
        world.stack.url()
    );
    let request = reqwest::Client::new().post(url).body(batch.to_string());
    let request = request.header("x-amz-log-type", "Tail");
    let answer = request.send().await.unwrap();
    let log = STANDARD.decode(answer.headers()["x-amz-log-result"].as_bytes());
    let log = String::from_utf8(log.unwrap()).unwrap();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines = lines.filter(|line| line["message"] == "reconcile directories");
    lines.next().expect("a line of the run")
}

#[tokio::test]
async fn a_quiet_run_reads_the_changes_and_no_user() {
    let world = World::start().await;
    let (path, _) = created(&world, all_groups).await;
    for user in ["hank", "homer"] {
        sign_in(&world, GLOBEX, user).await;
    }
    measured(&world, &path).await;
    let few = measured(&world, &path).await;
    // Thirty more, who have signed in once.
    let ids: Vec<_> = (0..30).map(|n| format!("clerk-{n:02}")).collect();
    change(&world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        for (n, id) in ids.iter().enumerate() {
            users.push(
                json!({"id": format!("9e3f5b7d-1a2c-4d6e-8f90-{n:012}"), "user_id": id,
                "display_name": id, "email": format!("{id}@globex.example")}),
            );
        }
    })
    .await;
    let root = world.tenant_admin_of(GLOBEX);
    for (n, id) in ids.iter().enumerate() {
        let body = json!({"entra_object_id": format!("9e3f5b7d-1a2c-4d6e-8f90-{n:012}")});
        root.put(&format!("/users/{id}"), body).await.expect(201);
    }
    set_members(&world, NUCLEAR, &["hank", "homer"]).await;
    // New accounts are followed a second time, for Entra may not have been everywhere at once.
    for _ in 0..2 {
        measured(&world, &path).await;
    }
    let many = measured(&world, &path).await;
    for line in [&few, &many] {
        assert_eq!(line["DirectoryRuns"], 1, "{line}");
        assert_eq!(line["users_read"], 0, "{line}");
    }
    assert_eq!(few["units"], many["units"], "{few} {many}");
    assert_eq!(few["calls"], many["calls"], "{few} {many}");
    let calls = async || runs(&world, &path).await[0]["numbers"]["graph_calls"].clone();
    // The assignments, the changes of groups, and those of accounts.
    assert_eq!(calls().await, 3);
    // One change is read for one user alone.
    set_members(&world, NUCLEAR, &["hank", "homer", "clerk-00"]).await;
    let one = measured(&world, &path).await;
    assert_eq!(one["users_read"], 1, "{one}");
    assert_eq!(one["RunMembershipsMade"], 2, "{one}");
    // Besides these: the account and the groups of the user.
    assert_eq!(calls().await, 5);
}
