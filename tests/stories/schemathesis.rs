//! Requests made up from the `OpenAPI` document, well formed and not, one after the other and in
//! chains: none gets an answer that the document does not have.
//!
//! They are made up by Schemathesis, from `PyPI`, which is put into `.tools/` the first time. What
//! it finds it prints, with a `curl` to repeat it; `MUSTER_SEED` makes other requests up.

use std::path::PathBuf;

use serde_json::json;
use support::{Actor, World, tool};
use tokio::process::Command;

const CONFIG: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/stories/schemathesis/schemathesis.toml"
);

/// Makes requests up for a caller, and fails with whatever is found.
async fn finds_nothing(program: PathBuf, world: &World, caller: &Actor) {
    let seed = std::env::var("MUSTER_SEED").unwrap_or_else(|_| "1".to_owned());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("schemathesis-{:016x}", fastrand::u64(..)));
    std::fs::create_dir_all(&folder).unwrap();
    let output = Command::new(program)
        .args(["--config-file", CONFIG, "run"])
        .arg(format!("{}/_local/openapi.json", world.stack.url()))
        .args([
            "--header",
            &format!("Authorization: {}", caller.authorization()),
        ])
        .args(["--checks", "all"])
        // API Gateway answers 404, not 405, to a method that a path does not have, and so does the
        // local stack.
        .args(["--exclude-checks", "unsupported_method"])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        // Enough for all that the document tells apart, and done in a minute.
        .args(["--max-examples", "5", "--seed", &seed])
        .args(["--continue-on-failure", "--no-color", "--warnings", "off"])
        .current_dir(&folder)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let (told, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{told}\n{errors}");
    // All operations, and not just a few requests.
    let tested = format!("Tested: {}\n", crate::openapi::operations());
    assert!(told.contains(&tested), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_requests_of_a_tenant_admin_match_the_document() {
    let Some(program) = tool("schemathesis", "python3").await else {
        return;
    };
    let (world, ..) = World::acme().await;
    finds_nothing(program, &world, &world.tenant_admin()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_requests_of_a_user_match_the_document() {
    let Some(program) = tool("schemathesis", "python3").await else {
        return;
    };
    let (world, ada, id) = World::acme().await;
    // Something of each kind is there for her.
    let teams = format!("/organizations/{id}/teams");
    ada.post(&teams, json!({"name": "Engines"}))
        .await
        .expect(201);
    finds_nothing(program, &world, &ada).await;
}
