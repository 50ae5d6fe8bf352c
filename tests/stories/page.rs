//! Tests the page of the local stack in a real browser, with the sizes of a desktop and a phone: a
//! token with two clicks, calls of the API's reference, and the result of a login, the links of
//! invitations, and what an identity provider has sent by SCIM.
//!
//! The browser is Chromium, driven with `playwright-core` from npm, which is installed into
//! `.tools/` on first use. Screenshots are in `target/tmp/page-desktop` and `target/tmp/page-phone`
//! afterwards.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use muster_local::Options;
use serde_json::{Value, json};
use support::{ACME, Receiver, World, npm, skipped, system_tool};
use tokio::process::Command;

use crate::mail::mails;
use crate::webhook_endpoints::deliveries::{LONG_AGO, deliver, some_event, until};
use crate::webhook_endpoints::endpoint;

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

/// Visits the page with a function of the driver. Returns what the visitor sees.
async fn drive(
    (chromium, packages): &(PathBuf, PathBuf),
    world: &World,
    name: &str,
    (width, height): Screen,
    visit: &str,
    given: &Value,
) -> Value {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let output = Command::new("node")
        .arg(DRIVER)
        .arg(chromium)
        .arg(world.stack.url())
        .arg(&folder)
        .args([width.to_string(), height.to_string()])
        .args([visit, &given.to_string()])
        .env("NODE_PATH", packages.join("node_modules"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The calls and logins of a visitor of a new stack.
async fn visit(browser: &(PathBuf, PathBuf), name: &str, screen: Screen, try_all: bool) -> Value {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "event_types": ["team.*"]});
    let (hook, _) = endpoint(&world, body).await;
    deliver(&world, &hook, &some_event(&world).await, 1, LONG_AGO).await;
    let calls = if try_all { "all_calls" } else { "calls" };
    let seen = drive(browser, &world, name, screen, calls, &Value::Null).await;
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
    // than a minute ago, and, twice, the record of a domain, and, three times, the token of an invitation, and, seven times, a directory.
    assert_eq!(tried.len(), crate::openapi::operations() - 18);
}

/// Two visitors open the links of their mails, and an owner proves a domain.
async fn visit_invitations(browser: &(PathBuf, PathBuf), name: &str, screen: Screen) {
    let world = World::with(Options {
        event_sources: true,
        invitation_mails: true,
        ..Options::default()
    })
    .await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Rockets").await;
    let invitations = format!("/organizations/{id}/invitations");
    for email in ["Carol@acme.example", "dora@acme.example"] {
        let body = json!({"email": email, "role": "manager"});
        ada.post(&invitations, body).await.expect(201);
    }
    until(async || (mails(&world).await.len() == 2).then_some(())).await;
    let domains = format!("/organizations/{id}/domains");
    let added = ada.post(&domains, json!({"domain": "acme.example"})).await;
    let added = added.expect(201).body["verification"].clone();
    let records = json!([["other.example", "gone"], [added["name"], added["value"]]]);
    let given = json!({
        "accepting": "Carol@acme.example",
        "declining": "dora@acme.example",
        "records": records,
    });
    let seen = drive(browser, &world, name, screen, "invitations", &given).await;

    for nothing in ["outside", "too_wide"] {
        assert_eq!(seen[nothing], json!([]), "{nothing}");
    }
    // The two refused requests, each also as a message of the browser.
    let console = seen["console"].as_array().unwrap();
    let refused = |status: &str| {
        let starts = |line: &&Value| line.as_str().unwrap().starts_with(status);
        console.iter().filter(starts).count()
    };
    assert_eq!((refused("404 GET "), refused("403 POST ")), (1, 1));
    assert_eq!(console.len(), 4, "{console:?}");

    assert_eq!(seen["prefilled"], json!(["carol", "acme"]));
    assert_eq!(seen["buttons_without_token"], 2);
    let preview = &seen["preview"];
    for (field, value) in [
        ("Organization", "Rockets"),
        ("Role", "manager"),
        ("Invited by", "unknown"),
        ("Address", "Carol@acme.example"),
    ] {
        assert_eq!(preview[field], value, "{preview}");
    }
    let identity = seen["identity"].as_str().unwrap();
    assert!(identity.contains("Carol@acme.example"), "{identity}");
    let accepted = "carol is a member of Rockets with the role manager.";
    assert_eq!(seen["accepted"], accepted);
    assert_eq!(seen["declined"], "The invitation to Rockets is declined.");
    for (what, part) in [
        ("used_link", "does not exist"),
        ("another_address", "address"),
    ] {
        let text = seen[what].as_str().unwrap();
        assert!(text.contains(part), "{what}: {text}");
    }
    let carol = format!("/organizations/{id}/members/carol");
    let carol = ada.get(&carol).await.expect(200).body;
    assert_eq!(carol["status"], "active");
    assert_eq!(carol["role"], "manager");
    for (status, email) in [
        ("accepted", "Carol@acme.example"),
        ("declined", "dora@acme.example"),
    ] {
        let answered = ada.all(&format!("{invitations}?status={status}")).await;
        let emails: Vec<_> = answered.iter().map(|it| &it["email"]).collect();
        assert_eq!(emails, [email], "{status}");
    }

    let shown = [added["name"].clone(), added["value"].clone()];
    assert_eq!(seen["records"].as_array().unwrap().len(), 4);
    assert_eq!(seen["records_left"], json!(shown));
    let verify = format!("{domains}/acme.example/verify");
    let verified = ada.post_empty(&verify).await.expect(200).body;
    assert_eq!(verified["status"], "verified");
}

#[tokio::test]
async fn the_page_answers_invitations_and_sets_records() {
    let Some(browser) = browser().await else {
        return skipped("the story of invitations", "Chromium and npm (Node.js)");
    };
    futures::join!(
        visit_invitations(&browser, "invitations-desktop", DESKTOP),
        visit_invitations(&browser, "invitations-phone", PHONE)
    );
}

/// An identity provider has sent a user who has signed in, one who is disabled, and a group.
async fn visit_directory(browser: &(PathBuf, PathBuf), name: &str, screen: Screen) {
    let world = World::start().await;
    let (_, made) = crate::scim::created(&world).await;
    let text = |field: &str| made["scim"][field].as_str().unwrap().to_owned();
    let (base, http) = (text("base_url"), reqwest::Client::new());
    let create = async |path: &str, body: Value| -> Value {
        let request = http.post(format!("{base}{path}")).json(&body);
        let made = request.bearer_auth(text("token")).send().await.unwrap();
        assert_eq!(made.status(), 201);
        made.json().await.unwrap()
    };
    let alan = json!({"userName": "Alan@acme.example", "externalId": "object-alan"});
    let alan = create("/Users", alan).await;
    let grace = json!({"userName": "grace@acme.example", "active": false});
    let grace = create("/Users", grace).await;
    let members = json!([{"value": alan["id"]}, {"value": grace["id"]}]);
    let group = json!({"displayName": "Compilers", "members": members});
    create("/Groups", group).await;
    let attributes = json!({
        "sub": "alan", "custom:tenant_id": ACME, "custom:entra_object_id": "object-alan",
    });
    let login = json!({"triggerSource": "PostAuthentication_Authentication",
        "request": {"userAttributes": attributes}, "response": {}});
    world.invoke("post-login", &login).await;

    let seen = drive(browser, &world, name, screen, "directory", &Value::Null).await;
    for nothing in ["outside", "too_wide"] {
        assert_eq!(seen[nothing], json!([]), "{nothing}");
    }
    assert_eq!(
        seen["without_token"],
        "Get a token of a tenant admin first."
    );
    assert_eq!(seen["title"], "Okta active");
    assert_eq!(seen["base_url"], base);
    let users = json!([
        ["Alan@acme.example", "active", "alan"],
        ["grace@acme.example", "not active", "not linked"],
    ]);
    assert_eq!(seen["users"], users);
    let groups = json!([["Compilers", "Alan@acme.example, grace@acme.example"]]);
    assert_eq!(seen["groups"], groups);
    let refused = seen["of_others"].as_str().unwrap();
    assert!(refused.contains("cannot be shown"), "{refused}");
}

#[tokio::test]
async fn the_page_shows_what_was_sent_by_scim() {
    let Some(browser) = browser().await else {
        return skipped("the story of a directory", "Chromium and npm (Node.js)");
    };
    futures::join!(
        visit_directory(&browser, "directory-desktop", DESKTOP),
        visit_directory(&browser, "directory-phone", PHONE)
    );
}
