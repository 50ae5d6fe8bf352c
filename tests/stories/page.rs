//! The page of the local stack in a real browser, on a desktop and on a phone: a token with two
//! clicks, calls of the API's reference, and what a login did.
//!
//! The browser is Chromium, driven with `playwright-core` from npm, which goes into `.tools/` the
//! first time. Screenshots lie in `target/tmp/page-desktop` and `target/tmp/page-phone` afterwards.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use support::{World, npm};
use tokio::process::Command;

const PLAYWRIGHT: &str = "1.65.1";
const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stories/page/browser.cjs");
/// By these names a Chromium is known to different systems.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Width and height of a screen.
type Screen = (u32, u32);
const DESKTOP: Screen = (1280, 900);
const PHONE: Screen = (375, 812);

/// What the browser and its driver lie in. `None` where one is missing; in CI that is a failure.
async fn browser() -> Option<(PathBuf, PathBuf)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path)
        .flat_map(|directory| CHROMIUM.map(|name| directory.join(name)));
    let Some(chromium) = all.find(|file| file.is_file()) else {
        assert!(
            !npm::in_ci(),
            "Chromium is missing, and in CI no story is left out: install it, \
             on Debian with apt-get install chromium"
        );
        return None;
    };
    let wanted = format!("playwright-core@{PLAYWRIGHT}");
    let packages = npm::packages(&format!("playwright-core-{PLAYWRIGHT}"), &[&wanted]).await?;
    Some((chromium, packages))
}

/// What somebody sees who visits the page of a new stack; nothing where there is no browser.
async fn visit(name: &str, (width, height): Screen, try_all: bool) -> Option<Value> {
    let Some((chromium, packages)) = browser().await else {
        #[allow(clippy::print_stderr)] // whoever runs the stories should know
        {
            eprintln!("Left out: the story of the page needs Chromium and npm (Node.js).");
        }
        return None;
    };
    let world = World::start().await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let output = Command::new("node")
        .arg(DRIVER)
        .arg(chromium)
        .arg(world.stack.url())
        .arg(&folder)
        .args([width.to_string(), height.to_string(), try_all.to_string()])
        .env("NODE_PATH", packages.join("node_modules"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    in_order(&seen, &world);

    // The table says the same as the page.
    let created: Value = serde_json::from_str(seen["created"]["body"].as_str().unwrap()).unwrap();
    if !try_all {
        let id = created["id"].as_str().unwrap();
        let found = world.user("ada").get(&format!("/organizations/{id}")).await;
        assert_eq!(found.expect(200).body["name"], created["name"]);
    }
    Some(seen)
}

/// What must be so on every screen.
fn in_order(seen: &Value, world: &World) {
    for nothing in ["console", "outside", "too_wide"] {
        assert_eq!(seen[nothing], json!([]), "{nothing}");
    }
    let running = seen["running"].as_str().unwrap();
    for shown in [world.stack.url(), world.stack.dynamodb_url(), "muster"] {
        assert!(running.contains(shown), "{running}");
    }
    let identity = seen["identity"].as_str().unwrap();
    assert!(
        identity.contains("ada of acme, in tenant-admins"),
        "{identity}"
    );

    assert_eq!(seen["created"]["status"], 201, "{}", seen["created"]);
    assert_eq!(seen["listed"]["status"], 200, "{}", seen["listed"]);
    let created: Value = serde_json::from_str(seen["created"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(created["created_by"], "ada");
    let listed = seen["listed"]["body"].as_str().unwrap();
    assert!(listed.contains(created["id"].as_str().unwrap()), "{listed}");

    let logins = &seen["logins"];
    assert_eq!(logins[0]["outcome"], "synced");
    let figures = &logins[0]["figures"];
    assert_eq!(figures["granted"], 4, "{figures}");
    assert_eq!(figures["organizations made"], 2, "{figures}");
    assert_eq!(
        logins[0]["tree"],
        json!([
            "Alan Turing",
            "Compilers internal_user entra granted",
            "team Compilers member entra granted",
            "Research internal_user entra granted",
            "team Research member entra granted",
        ])
    );
    assert_eq!(logins[1]["figures"]["revoked"], 2, "{}", logins[1]);
    assert_eq!(
        logins[1]["tree"],
        json!([
            "Alan Turing",
            "Compilers internal_user entra revoked",
            "team Compilers member entra revoked",
            "Research internal_user entra kept",
            "team Research member entra kept",
        ])
    );
    assert_eq!(seen["last_logins"], 2);
    let identity = seen["signed_in_as"].as_str().unwrap();
    assert!(identity.contains("alan of acme"), "{identity}");
}

#[tokio::test]
async fn on_a_desktop_it_shows_what_runs_and_every_call_can_be_tried() {
    let Some(seen) = visit("page-desktop", DESKTOP, true).await else {
        return;
    };
    let tried = seen["tried"].as_object().unwrap();
    assert!(!tried.is_empty());
    for (call, status) in tried {
        assert!(status.is_u64(), "{call}: {status}");
    }
}

#[tokio::test]
async fn on_a_phone_it_does_the_same_and_nobody_scrolls_sideways() {
    visit("page-phone", PHONE, false).await;
}
