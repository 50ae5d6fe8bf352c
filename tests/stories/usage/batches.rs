//! The billed usage of functions that get batches of the table's stream and of queues: one for each batch.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::StatusCode;
use serde_json::{Value, json};
use support::{Actor, Receiver, World};

use super::events::{event_ids, records};
use super::items::items;
use super::services::Call;
use super::setup::{Setup, TENANT, log_bytes, person};

/// `EventBridge` and SQS charge for each of these of an event or a request.
const CHUNK: usize = 64 * 1024;

/// The bodies of the messages that these calls put on queues.
fn bodies(calls: &[Call]) -> Vec<String> {
    let entries = calls.iter().flat_map(|call| &call.entries);
    let bodies = entries.filter_map(|(_, entry)| entry["MessageBody"].as_str());
    bodies.map(str::to_owned).collect()
}

/// A batch of a queue with these messages.
fn batch(bodies: &[String]) -> Value {
    let records = bodies.iter().enumerate();
    let records = records.map(|(n, body)| json!({"messageId": format!("m{n}"), "body": body}));
    json!({"Records": records.collect::<Vec<_>>()})
}

impl Setup {
    /// Invokes a function with a batch, and keeps its usage under the name of the function and what is in the batch.
    /// Returns the messages that it put on queues.
    pub(super) async fn batch(&mut self, function: &str, of: &str, batch: &Value) -> Vec<String> {
        self.batch_for(function, of, batch, None).await
    }

    /// As [`Self::batch`], with a receiver of webhooks.
    async fn batch_for(
        &mut self,
        function: &str,
        of: &str,
        batch: &Value,
        receiver: Option<&Receiver>,
    ) -> Vec<String> {
        let done = json!({"batchItemFailures": []});
        self.invocation((function, of), batch, &done, receiver)
            .await
    }

    /// Invokes a function as its timer does, and keeps its usage. Its answer must be this one.
    pub(super) async fn timer(&mut self, function: &str, of: &str, answer: &Value) {
        self.invocation((function, of), &json!({}), answer, None)
            .await;
    }

    async fn invocation(
        &mut self,
        (function, of): (&str, &str),
        event: &Value,
        expected: &Value,
        receiver: Option<&Receiver>,
    ) -> Vec<String> {
        let webhooks = || receiver.map(Receiver::received).unwrap_or_default();
        let before = webhooks().len();
        self.start();
        self.services.take();
        self.world.calls.take();
        let answer = self.world.invoke(function, event).await;
        assert_eq!(answer, *expected, "{function}, {of}");

        let units = self.world.charges.take();
        let lines = self.lines.take();
        for line in &lines {
            self.note_series(line);
        }
        let mut calls = self.services.take();
        // A function reads its secret once.
        calls.retain(|call| call.operation != "GetSecretValue");
        let of_operation = |operation: &str| {
            let calls = calls.iter().filter(|call| call.operation == operation);
            calls.collect::<Vec<_>>()
        };
        let chunks = |bytes: usize| bytes.div_ceil(CHUNK);
        let bytes = |call: &Call| call.entries.iter().map(|(bytes, _)| bytes).sum::<usize>();
        let events = of_operation("PutEvents");
        let events = events.iter().flat_map(|call| &call.entries);
        let queued = of_operation("SendMessageBatch");
        let webhooks = webhooks().split_off(before);
        let webhook_bytes = webhooks.iter().map(|webhook| {
            let headers = webhook.headers.iter();
            let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + 4);
            headers.sum::<usize>() + webhook.body.len()
        });
        let used = json!({
            "table_calls": self.world.calls.take().len(),
            "read_units": units.read,
            "write_units": units.write,
            "service_calls": calls.len(),
            "graph_calls": 0,
            "bus_events": events.map(|(bytes, _)| chunks(*bytes)).sum::<usize>(),
            "queue_requests": queued.iter().map(|call| chunks(bytes(call))).sum::<usize>(),
            "mails": of_operation("SendEmail").len(),
            "webhooks": webhooks.len(),
            "webhook_bytes": webhook_bytes.sum::<usize>(),
            "log_bytes": lines.iter().map(log_bytes).sum::<usize>(),
        });
        let name = format!("{function}, {of}");
        assert_eq!(self.batches.insert(name, used), None);
        bodies(&calls)
    }

    /// Registers a user, and makes their address a verified one, as a login does.
    async fn verified(&self, n: usize, email: &str) {
        let body = json!({"email": email, "display_name": "Given Family"});
        let path = format!("/users/{}", person(n));
        self.root().put(&path, body).await.expect(201);
        let verified = AttributeValue::Bool(true);
        let pk = format!("TENANT#{TENANT}#USER#{}", person(n));
        let world = &self.world;
        world.tamper(&pk, "USER", "email_verified", verified).await;
    }
}

/// The token in the latest mail.
async fn mailed_token(world: &World) -> String {
    let mails = crate::mail::mails(world).await;
    let text = mails[0]["text"].as_str().unwrap();
    let (_, rest) = text.split_once("invitation=").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

/// An organization, and the batches that follow its changes.
struct Following {
    setup: Setup,
    ada: Actor,
    /// The path of the organization.
    id: String,
    /// The events that the stream has given.
    known: BTreeSet<String>,
}

impl Following {
    /// An organization of ada among users who are not members yet, and whose events so far are counted.
    async fn start(users: usize) -> Self {
        let setup = Setup::open(None).await;
        let ada = setup.user(0);
        for n in 0..=users {
            let email = format!("given.family{n:05}@customer.example");
            setup.verified(n, &email).await;
        }
        let made = json!({"name": "Customer Engineering Ltd", "domain": "customer.example"});
        let made = ada.post("/organizations", made).await.expect(201);
        let mut following = Self {
            id: made.headers["location"].clone(),
            setup,
            ada,
            known: BTreeSet::new(),
        };
        let all = following.stream().await;
        following.setup.world.invoke("track-members", &all).await;
        following
    }

    /// The batch of the stream since the last one.
    async fn stream(&mut self) -> Value {
        let world = &self.setup.world;
        let records = records(world, &self.known).await;
        self.known = event_ids(world).await;
        json!({"Records": records})
    }

    async fn add(&self, n: usize) {
        let body = json!({"user_id": person(n), "status": "active"});
        let members = format!("{}/members", self.id);
        self.ada.post(&members, body).await.expect(201);
    }

    async fn members(&mut self) {
        self.add(1).await;
        let one = self.stream().await;
        for n in 2..=11 {
            self.add(n).await;
        }
        let ten = self.stream().await;
        for (of, batch) in [("1 event", one), ("10 events", ten)] {
            for function in ["publish-events", "track-members"] {
                self.setup.batch(function, of, &batch).await;
            }
        }
    }

    /// Webhooks to an endpoint that takes none of members who were removed.
    async fn webhooks(&mut self) {
        let receiver = Receiver::answering(|webhook| {
            if webhook.body.contains("membership.removed") {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::NO_CONTENT
            }
        });
        let receiver = receiver.await;
        let endpoint = json!({"url": receiver.url, "event_types": ["membership.*"]});
        let root = self.setup.root();
        root.post("/webhook-endpoints", endpoint).await.expect(201);
        self.stream().await;

        self.add(12).await;
        let one = self.stream().await;
        let setup = &mut self.setup;
        let of = "1 event with a webhook";
        let messages = batch(&setup.batch("publish-events", of, &one).await);
        let (function, to) = ("deliver-webhook", Some(&receiver));
        let delivered = setup.batch_for(function, "1 webhook", &messages, to);
        assert_eq!(delivered.await, [""; 0]);

        let member = format!("{}/members/{}", self.id, person(12));
        self.ada.delete(&member).await.expect(204);
        let one = self.stream().await;
        let setup = &mut self.setup;
        setup.services.take();
        setup.world.invoke("publish-events", &one).await;
        let failing = batch(&bodies(&setup.services.take()));
        let of = "1 webhook that fails";
        let again = setup.batch_for(function, of, &failing, to).await;
        assert_eq!(again.len(), 1);
    }

    /// An invitation by email to a person who signs in with this number afterwards, and accepts it.
    async fn mail(&mut self, n: usize) {
        let email = format!("given.family{n:05}@customer.example");
        let path = format!("{}/invitations", self.id);
        let what = "create invitation by email";
        let ada = self.ada.clone();
        let body = json!({"email": email});
        self.setup.post(what, &ada, &path, body).await;
        let one = self.stream().await;
        let setup = &mut self.setup;
        let of = "1 event with a mail";
        let messages = batch(&setup.batch("publish-events", of, &one).await);
        setup.batch("send-invitation", "1 mail", &messages).await;
        let token = json!({"token": mailed_token(&setup.world).await});
        setup.verified(n, &email).await;
        let (what, user) = ("accept invitation by email", setup.user(n));
        setup.post(what, &user, "/invitations/accept", token).await;
    }
}

/// Changes, and the batches that follow them.
pub(super) async fn batches() -> Setup {
    let mut following = Following::start(12).await;
    following.members().await;
    following.webhooks().await;
    following.mail(13).await;
    following.setup
}

/// The items that deliveries of webhooks leave.
pub(super) async fn deliveries(world: &World) -> BTreeMap<String, Value> {
    let mut all = world.items().await;
    all.retain(|item| item["pk"].as_str().unwrap().ends_with("#DELIVERIES"));
    for item in &mut all {
        item["sk"] = json!("DELIVERY");
    }
    items(&all)
}
