//! Tests the page of the local stack in a real browser, with the sizes of a desktop and a phone: a
//! token with two clicks, calls of the API's reference, and the result of a login.
//!
//! The browser is Chromium, driven with `playwright-core` from npm, which is installed into
//! `.tools/` on first use. Screenshots are in `target/tmp/page-desktop` and `target/tmp/page-phone`
//! afterwards.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use support::{Receiver, World, npm, skipped, system_tool};
use tokio::process::Command;

use crate::webhooks::deliveries::{LONG_AGO, deliver, some_event};
use crate::webhooks::endpoint;

const PLAYWRIGHT: &str = "1.65.1";
const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stories/page/browser.cjs");
/// Width and height of a screen.
type Screen = (u32, u32);
const DESKTOP: Screen = (1280, 900);
const PHONE: Screen = (375, 812);

/// The browser and its driver. `None` if one is missing, which fails in CI.
pub(crate) async fn browser() -> Option<(PathBuf, PathBuf)> {
    let chromium = system_tool("chromium").await?;
    let wanted = format!("playwright-core@{PLAYWRIGHT}");
    let packages = npm::packages(&format!("playwright-core-{PLAYWRIGHT}"), &[&wanted]).await?;
    Some((chromium, packages))
}

/// The page of a new stack as a visitor sees it.
async fn visit(browser: &(PathBuf, PathBuf), name: &str, screen: Screen, try_all: bool) -> Value {
    let (chromium, packages) = browser;
    let (width, height) = screen;
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "event_types": ["team.*"]});
    let (hook, _) = endpoint(&world, body).await;
    deliver(&world, &hook, &some_event(&world).await, 1, LONG_AGO).await;
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
    assert!(output.status.success(), "{name}: {errors}");
    let seen = serde_json::from_slice(&output.stdout).unwrap();
    in_order(&seen, &world);
    assert_eq!(seen["deliveries"]["endpoints"], json!([receiver.url]));
    let rows = seen["deliveries"]["rows"].as_array().unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| [&row[0], &row[1], &row[2], &row[3]])
        .collect();
    assert_eq!(shown, [["team.created", "delivered", "1", "204"]]);
    if !try_all {
        // The page shows the actual state.
        let created = created(&seen);
        let path = format!("/organizations/{}", created["id"].as_str().unwrap());
        let stored = world.user("ada").get(&path).await.expect(200).body;
        for field in ["name", "domain", "created_at", "version"] {
            assert_eq!(stored[field], created[field], "{field}");
        }
    }
    seen
}

/// The created organization.
fn created(seen: &Value) -> Value {
    serde_json::from_str(seen["created"]["body"].as_str().unwrap()).unwrap()
}

/// Requirements on every screen.
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
    let created = created(seen);
    assert_eq!(created["created_by"], "ada");
    let listed = seen["listed"]["body"].as_str().unwrap();
    assert!(listed.contains(created["id"].as_str().unwrap()), "{listed}");

    let logins = &seen["logins"];
    assert_eq!(logins[0]["outcome"], "synced");
    let figures = &logins[0]["figures"];
    assert_eq!(figures["granted"], 4, "{figures}");
    assert_eq!(figures["organizations created"], 2, "{figures}");
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
async fn the_page_issues_tokens_and_sends_every_call() {
    let Some(browser) = browser().await else {
        return skipped("the story of the page", "Chromium and npm (Node.js)");
    };
    let (desktop, _) = futures::join!(
        visit(&browser, "page-desktop", DESKTOP, true),
        visit(&browser, "page-phone", PHONE, false)
    );
    let tried = desktop["tried"].as_object().unwrap();
    for (call, status) in tried {
        assert!(status.is_u64(), "{call}: {status}");
    }
    // Without the one at the start of the visit, and those that need a delivery, an active member, an invitation of more
    // than a minute ago, and, twice, the record of a domain, and, three times, the token of an invitation.
    assert_eq!(tried.len(), crate::openapi::operations() - 11);
}
