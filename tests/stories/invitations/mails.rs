//! The mails of invitations: each is sent once, also when SES or the table does not answer as it should.

mod outages;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use muster::domain::{Clock, Timestamp};
use muster_local::{CallFault, Options, ServiceFaults};
use serde_json::{Value, json};
use support::{Actor, Lines, Reply, World, invariants};

use crate::mail::mails;
use crate::webhook_endpoints::deliveries::until;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const START: i64 = 1_795_219_200_000;
/// The time of this machine instead, for what has to end within the time of an invocation.
const MACHINE: i64 = 0;

/// A deployment that sends mails. The test moves its time.
struct Post {
    world: World,
    ada: Actor,
    organization: String,
    time: Arc<AtomicI64>,
    fault: Arc<Mutex<Option<CallFault>>>,
    is_down: Arc<AtomicBool>,
    /// Whether queues refuse the messages of mails, and how often they did.
    refuse_mails: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
    /// The messages on all queues.
    queued: Arc<Mutex<Vec<Value>>>,
    lines: Lines,
}

impl Post {
    async fn start() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let time = Arc::new(AtomicI64::new(START));
        let (machine, given) = (Clock::system(), Arc::clone(&time));
        let fault = Arc::new(Mutex::new(None));
        let is_down = Arc::new(AtomicBool::new(false));
        let queued: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (refuse_mails, refused) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (queue_fails, refusals) = (Arc::clone(&refuse_mails), Arc::clone(&refused));
        let (down, fails, messages) = (
            Arc::clone(&is_down),
            Arc::clone(&fault),
            Arc::clone(&queued),
        );
        let call = move |operation: &str| {
            let is_mail = operation == "SendEmail" && down.load(Ordering::SeqCst);
            is_mail.then(|| fails.lock().unwrap().clone()).flatten()
        };
        let entry = move |operation: &str, entry: &Value| {
            if operation == "SendMessageBatch" {
                let body = entry["MessageBody"].as_str().unwrap();
                if body.contains("\"invitation_id\":") && queue_fails.load(Ordering::SeqCst) {
                    refusals.fetch_add(1, Ordering::SeqCst);
                    return Some("InternalError".to_owned());
                }
                messages
                    .lock()
                    .unwrap()
                    .push(serde_json::from_str(body).unwrap());
            }
            None
        };
        let variables = [
            ("INVITATION_FROM", "Muster <no-reply@muster.example>"),
            ("INVITATION_URL", "https://app.example/join"),
        ];
        let mut all = options.variables.clone();
        all.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let (options, lines) = Lines::collect(Options {
            clock: Clock::from_fn(move || {
                let now = match given.load(Ordering::SeqCst) {
                    MACHINE => machine.now(),
                    set => Timestamp::from_millisecond(set).unwrap(),
                };
                (now, machine.new_id())
            }),
            variables: all,
            service_faults: ServiceFaults {
                call: Some(Arc::new(call)),
                entry: Some(Arc::new(entry)),
            },
            ..options
        });
        let world = World::with(options).await;
        let ada = world.user("ada");
        let root = world.tenant_admin();
        root.put("/users/ada", json!({"display_name": "<i>Ada</i>"}))
            .await;
        let organization = world.organization(&ada, "Rockets & <b>Co</b>").await;
        Self {
            world,
            ada,
            organization,
            time,
            fault,
            is_down,
            refuse_mails,
            refused,
            queued,
            lines,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.time.load(Ordering::SeqCst)).unwrap()
    }

    fn pass(&self, milliseconds: i64) {
        self.time.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// From now on, SES answers with this fault.
    fn fail(&self, status: u16, code: &str) {
        *self.fault.lock().unwrap() = Some(CallFault::Error(status, code.to_owned()));
        self.is_down.store(true, Ordering::SeqCst);
    }

    fn works_again(&self) {
        self.is_down.store(false, Ordering::SeqCst);
    }

    async fn invite(&self, email: &str) -> Reply {
        let path = format!("/organizations/{}/invitations", self.organization);
        let made = self.ada.post(&path, json!({"email": email})).await;
        let made = made.expect(201);
        assert_eq!(made.body["delivery"], "queued");
        made
    }

    fn path(&self, made: &Reply) -> String {
        let id = made.body["id"].as_str().unwrap();
        format!("/organizations/{}/invitations/{id}", self.organization)
    }

    async fn shown(&self, made: &Reply) -> Value {
        self.ada.get(&self.path(made)).await.expect(200).body
    }

    /// The message of a token.
    fn task(&self, made: &Reply, send_count: u32) -> Value {
        json!({
            "tenant_id": "acme",
            "organization_id": self.organization,
            "invitation_id": made.body["id"],
            "send_count": send_count,
            "attempt": 1,
            "due_at": self.now().to_string(),
        })
    }

    /// Invokes the function with a message, as Lambda does.
    async fn deliver(&self, task: &Value) -> Value {
        let record = json!({"messageId": "m1", "body": task.to_string()});
        let batch = json!({"Records": [record]});
        self.world.invoke("send-invitation", &batch).await
    }

    async fn deliver_well(&self, task: &Value) {
        let answer = self.deliver(task).await;
        assert_eq!(answer, json!({"batchItemFailures": []}), "{task}");
    }

    /// Takes the messages that were put on queues.
    fn take_queued(&self) -> Vec<Value> {
        std::mem::take(&mut *self.queued.lock().unwrap())
    }

    async fn events(&self, event_type: &str) -> Vec<Value> {
        let organization = &self.organization;
        let path = format!("/organizations/{organization}/events?type={event_type}");
        self.ada.all(&path).await
    }
}

/// The token in a mail.
fn token(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    let (_, rest) = text
        .split_once("https://app.example/join?invitation=")
        .unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

fn due_at(task: &Value) -> i64 {
    let due: Timestamp = task["due_at"].as_str().unwrap().parse().unwrap();
    due.as_millisecond()
}

#[tokio::test]
async fn a_mail_follows_creating_and_resending() {
    let post = Post::with(Options {
        event_sources: true,
        ..Options::default()
    })
    .await;
    let made = post.invite("Bob@acme.example").await;
    let sent = async || {
        let shown = post.shown(&made).await;
        (shown["delivery"] == "sent").then_some(shown)
    };
    let shown = until(sent).await;
    assert_eq!(shown["sent_at"], post.now().to_string());
    // Neither is a change of the invitation.
    assert_eq!(shown["version"], 1);
    assert_eq!(shown["updated_at"], made.body["updated_at"]);
    post.pass(MINUTE);
    let resend = format!("{}/resend", post.path(&made));
    let again = post.ada.post_empty(&resend).await.expect(200);
    assert_eq!(again.body["delivery"], "queued");
    until(sent).await;

    let all = mails(&post.world).await;
    let [second, first] = &all[..] else {
        panic!("two mails, not {all:?}")
    };
    for mail in [first, second] {
        assert_eq!(mail["to"], "Bob@acme.example");
        assert_eq!(mail["from"], "Muster <no-reply@muster.example>");
        let html = mail["html"].as_str().unwrap();
        for escaped in [
            "&lt;i&gt;Ada&lt;/i&gt;",
            "Rockets &amp; &lt;b&gt;Co&lt;/b&gt;",
        ] {
            assert!(html.contains(escaped), "{html}");
        }
        assert!(!html.contains("<i>") && !html.contains("<b>"), "{html}");
    }
    let tokens = [token(first), token(second)];
    assert_ne!(tokens[0], tokens[1]);

    // The token is in the mails only.
    let queued = json!(post.take_queued()).to_string();
    let stored = post.world.everything().await.join("\n");
    let logged = format!("{:?}", post.lines.take());
    let on_bus = reqwest::get(format!("{}/_local/events", post.world.stack.url()));
    let on_bus = on_bus.await.unwrap().text().await.unwrap();
    assert_eq!(queued.matches("invitation_id").count(), 2, "{queued}");
    for (what, text) in [
        ("queues", &queued),
        ("table", &stored),
        ("log", &logged),
        ("bus", &on_bus),
    ] {
        for secret in ["inv1_", &tokens[0], &tokens[1]] {
            assert!(!text.contains(secret), "{secret} in the {what}");
        }
        let has_address = text.to_lowercase().contains("bob@acme");
        assert_eq!(has_address, what == "table", "{what}");
    }
    invariants::check(&post.world.items().await);
}

#[tokio::test]
async fn an_invitation_that_ended_sends_no_mail() {
    let post = Post::start().await;
    let revoked = post.invite("a@acme.example").await;
    post.ada.delete(&post.path(&revoked)).await.expect(204);
    let resent = post.invite("b@acme.example").await;
    post.pass(MINUTE);
    let path = format!("{}/resend", post.path(&resent));
    post.ada.post_empty(&path).await.expect(200);
    let expired = post.invite("c@acme.example").await;
    for made in [&revoked, &resent] {
        post.deliver_well(&post.task(made, 1)).await;
    }
    post.pass(8 * 24 * HOUR);
    post.deliver_well(&post.task(&expired, 1)).await;
    assert!(mails(&post.world).await.is_empty());
    let unknown = post.task(&revoked, 1);
    let gone = format!("/organizations/{}", post.organization);
    post.ada.delete(&gone).await.expect(204);
    post.deliver_well(&unknown).await;
    assert!(mails(&post.world).await.is_empty());
    assert!(post.take_queued().is_empty());
}

#[tokio::test]
async fn a_rejected_mail_is_failed_with_one_event() {
    let post = Post::start().await;
    let made = post.invite("bob@acme.example").await;
    post.fail(400, "MessageRejected");
    let task = post.task(&made, 1);
    for _ in 0..2 {
        post.deliver_well(&task).await;
    }
    let shown = post.shown(&made).await;
    assert_eq!(shown["delivery"], "failed");
    assert_eq!(shown["sent_at"], Value::Null);
    assert_eq!(shown["version"], 1);
    let events = post.events("invitation.delivery_failed").await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["actor"]["type"], "system");
    let change = json!({"delivery": {"from": "queued", "to": "failed"}});
    assert_eq!(events[0]["changes"], change);
    let context = &events[0]["context"];
    assert_eq!(context["operation"], "sendInvitation");
    assert!(
        context["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{context}"
    );
    // Resending tries again.
    post.works_again();
    post.pass(MINUTE);
    let resend = format!("{}/resend", post.path(&made));
    post.ada.post_empty(&resend).await.expect(200);
    post.deliver_well(&post.task(&made, 2)).await;
    assert_eq!(post.shown(&made).await["delivery"], "sent");
    invariants::check(&post.world.items().await);
}

#[tokio::test]
async fn a_mail_that_is_given_up_can_be_moved_back() {
    let post = Post::start().await;
    let made = post.invite("bob@acme.example").await;
    post.fail(503, "ServiceUnavailable");
    let mut task = post.task(&made, 1);
    task["attempt"] = json!(muster_delivery::mail::MAX_ATTEMPTS);
    post.deliver_well(&task).await;
    assert_eq!(post.shown(&made).await["delivery"], "failed");
    assert_eq!(post.events("invitation.delivery_failed").await.len(), 1);
    let aside = post.take_queued();
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0]["attempt"], 1);
    post.works_again();
    post.pass(HOUR);
    post.deliver_well(&aside[0]).await;
    assert_eq!(mails(&post.world).await.len(), 1);
    assert_eq!(post.shown(&made).await["delivery"], "sent");
}

#[tokio::test]
async fn the_local_stack_sends_mails_with_links_to_itself() {
    for (from, delivery) in [(None, "queued"), (Some(""), "none")] {
        let variables = from.map(|from| ("INVITATION_FROM".to_owned(), from.to_owned()));
        let world = World::with(Options {
            invitation_mails: true,
            event_sources: true,
            variables: variables.into_iter().collect(),
            ..Options::default()
        })
        .await;
        let id = world.organization(&world.user("ada"), "Acme").await;
        let path = format!("/organizations/{id}/invitations");
        let body = json!({"email": "bob@acme.example"});
        let made = world.user("ada").post(&path, body).await.expect(201);
        assert_eq!(made.body["delivery"], delivery);
        if delivery == "none" {
            continue;
        }
        let mail = until(async || mails(&world).await.into_iter().next()).await;
        let link = format!("\n{}/?invitation=inv1_", world.stack.url());
        assert!(mail["text"].as_str().unwrap().contains(&link), "{mail}");
    }
}

#[tokio::test]
async fn an_unreadable_message_is_returned_as_failed() {
    let post = Post::start().await;
    let answer = post.deliver(&json!({"invitation_id": "x"})).await;
    let again = json!({"batchItemFailures": [{"itemIdentifier": "m1"}]});
    assert_eq!(answer, again);
}

#[tokio::test]
async fn a_mail_with_a_template_names_it() {
    let mut options = Options::default();
    let template = ("INVITATION_TEMPLATE".to_owned(), "welcome".to_owned());
    options.variables.extend([template]);
    let post = Post::with(options).await;
    let made = post.invite("bob@acme.example").await;
    post.deliver_well(&post.task(&made, 1)).await;
    let all = mails(&post.world).await;
    assert_eq!(all[0]["template"], "welcome");
    let data: Value = serde_json::from_str(all[0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(data["inviter_name"], "&lt;i&gt;Ada&lt;/i&gt;");
    assert_eq!(data["role"], "member");
    assert_eq!(data["expires_at"], made.body["expires_at"]);
}
