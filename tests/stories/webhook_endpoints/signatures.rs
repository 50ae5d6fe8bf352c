//! Independent libraries verify what the sender sends.

use std::path::Path;

use muster::domain::{Clock, WebhookSecret, WebhookTargets, WebhookUrl};
use muster_delivery::webhook::{Connections, Message, Sender, new_secret};
use serde_json::json;
use serde_json::value::RawValue;
use support::{Received, Receiver, npm, tool};
use tokio::process::Command;

const STANDARD_WEBHOOKS: &str = "1.1.1";
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stories/webhook_endpoints");

/// A webhook signed with these secrets, as a receiver gets it now.
async fn received(secrets: &[WebhookSecret]) -> Received {
    let receiver = Receiver::start().await;
    let clock = Clock::system();
    let connections = Connections::to(WebhookTargets::default().with_loopback());
    let sender = Sender::new(connections, clock.clone()).unwrap();
    let url = WebhookUrl::try_from(receiver.url.clone()).unwrap();
    let id = clock.new_id().to_string();
    let record = json!({"id": id, "targets": [{"name": "Zoë \u{1f680}"}], "limit": 1.50});
    let record = RawValue::from_string(record.to_string()).unwrap();
    let message = Message::new(id, "team.created", clock.now(), &record).unwrap();
    let response = sender.send(&url, &message, secrets).await.unwrap();
    assert_eq!(response.status, 204);
    receiver.received().remove(0)
}

/// Whether the library accepts the webhook, and otherwise what it prints.
async fn verified(mut verifier: Command, secret: &WebhookSecret, webhook: &Received) -> String {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers = names.map(|name| (name.to_owned(), json!(webhook.header(name))));
    let input = json!({
        "secret": secret.expose_text(),
        "headers": serde_json::Map::from_iter(headers),
        "body": webhook.body,
    });
    let output = verifier.env("WEBHOOK", input.to_string()).output().await;
    let output = output.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Checks what a library accepts and what it refuses.
async fn is_verified_by(verifier: impl Fn() -> Command) {
    let (old, new) = (new_secret().unwrap(), new_secret().unwrap());
    let webhook = received(&[new.clone(), old.clone()]).await;
    // During a rotation, receivers with either secret accept it.
    for secret in [&old, &new] {
        assert_eq!(verified(verifier(), secret, &webhook).await, "accepted");
    }
    let other = new_secret().unwrap();
    assert_ne!(verified(verifier(), &other, &webhook).await, "accepted");
    let changed = Received {
        body: webhook.body.replace("team.created", "team.deleted"),
        ..webhook.clone()
    };
    assert_ne!(verified(verifier(), &new, &changed).await, "accepted");
    let mut delayed = webhook;
    let timestamp: u64 = delayed.header("webhook-timestamp").parse().unwrap();
    delayed
        .headers
        .insert("webhook-timestamp", (timestamp - 1).into());
    assert_ne!(verified(verifier(), &new, &delayed).await, "accepted");
}

#[tokio::test]
async fn webhooks_are_verified_by_standardwebhooks() {
    let package = format!("standardwebhooks@{STANDARD_WEBHOOKS}");
    let folder = format!("standardwebhooks-{STANDARD_WEBHOOKS}");
    let Some(packages) = npm::packages(&folder, &[&package]).await else {
        return;
    };
    is_verified_by(|| {
        let mut node = Command::new("node");
        node.arg(Path::new(SCRIPTS).join("verify.cjs"))
            .env("NODE_PATH", packages.join("node_modules"));
        node
    })
    .await;
}

#[tokio::test]
async fn webhooks_are_verified_by_svix() {
    let Some(python) = tool("svix", "python3").await else {
        return;
    };
    is_verified_by(|| {
        let mut verifier = Command::new(&python);
        verifier.arg(Path::new(SCRIPTS).join("verify.py"));
        verifier
    })
    .await;
}
