//! Uses of the `OpenAPI` document: a linter finds no problems, and the TypeScript client of
//! `docs/clients/typescript` is generated from it, type-checked and run as its README says, against
//! the local stack.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{World, npm, root, skipped};
use tokio::process::Command;

/// The linter, Redocly's.
const REDOCLY: &str = "2.77.0";

/// The number of operations in the document.
pub(crate) fn operations() -> usize {
    let document: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of = |item: &Value| {
        let names = item.as_object().unwrap().keys();
        names.filter(|name| *name != "parameters").count()
    };
    paths.values().map(of).sum()
}

#[tokio::test]
async fn the_openapi_document_passes_a_linter() {
    let directory = format!("redocly-{REDOCLY}");
    let package = format!("@redocly/cli@{REDOCLY}");
    let Some(packages) = npm::packages(&directory, &[&package]).await else {
        return skipped("the linter of the OpenAPI document", "npm (Node.js)");
    };
    let output = Command::new(packages.join("node_modules/.bin/redocly"))
        .args(["lint", "--config", ".config/redocly.yaml"])
        .arg("docs/openapi.json")
        .current_dir(root())
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
}

/// Installs the packages of the client's package.json.
async fn packages_of_the_client() -> Option<PathBuf> {
    let manifest = root().join("docs/clients/typescript/package.json");
    let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let mut names = vec!["typescript-client".to_owned()];
    let mut wanted = Vec::new();
    for kind in ["dependencies", "devDependencies"] {
        for (name, version) in manifest[kind].as_object().unwrap() {
            let version = version.as_str().unwrap();
            wanted.push(format!("{name}@{version}"));
            names.push(version.to_owned());
        }
    }
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    npm::packages(&names.join("-"), &wanted).await
}

/// The client in a folder of its own, with its packages.
fn copy(packages: &Path) -> PathBuf {
    let docs = root().join("docs");
    let name = format!("typescript-{:016x}", fastrand::u64(..));
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let client = copy.join("clients/typescript");
    fs::create_dir_all(client.join("src")).unwrap();
    for file in [
        "package.json",
        "tsconfig.json",
        "src/client.ts",
        "src/tour.ts",
    ] {
        fs::copy(
            docs.join("clients/typescript").join(file),
            client.join(file),
        )
        .unwrap();
    }
    fs::copy(docs.join("openapi.json"), copy.join("openapi.json")).unwrap();
    symlink(packages.join("node_modules"), client.join("node_modules")).unwrap();
    copy
}

async fn npm_run(script: &str, client: &Path, url: &str) -> String {
    let output = Command::new("npm")
        .args(["run", "--silent", script])
        .current_dir(client)
        .env("MUSTER", url)
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {printed}\n{errors}");
    printed
}

#[tokio::test]
async fn a_generated_client_completes_an_invitation() {
    let Some(packages) = packages_of_the_client().await else {
        return skipped("the generated client", "npm (Node.js)");
    };
    let world = World::start().await;
    let copy = copy(&packages);
    let client = copy.join("clients/typescript");
    npm_run("generate", &client, "").await;
    npm_run("build", &client, "").await;
    let printed = npm_run("tour", &client, world.stack.url()).await;
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "created Rockets, version 1",
            "repeated: true, true",
            "invited bob",
            "invited cleo",
            "invited dan",
            "accepted as admin",
            "members ada:active bob:active cleo:invited dan:invited",
            "refused: 409 name-taken, taken true",
        ]
    );

    // The compiler finds a code that the operation does not have.
    let tour = fs::read_to_string(client.join("src/tour.ts")).unwrap();
    let wrong = tour.replace("\"name-taken\"", "\"name-is-taken\"");
    assert_ne!(tour, wrong);
    fs::write(client.join("src/tour.ts"), wrong).unwrap();
    let output = Command::new("npm")
        .args(["run", "--silent", "build"])
        .current_dir(&client)
        .output()
        .await
        .unwrap();
    assert!(!output.status.success(), "a wrong code compiles");
    fs::remove_dir_all(&copy).unwrap();
}
