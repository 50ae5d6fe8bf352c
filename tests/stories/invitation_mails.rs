//! The mails of invitations: each is sent once, also when SES or the table does not answer as it should.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::{Clock, Timestamp};
use muster_local::{CallFault, Options, ServiceFaults, TEMPLATE};
use serde_json::{Value, json};
use support::{Actor, Lines, Received, Receiver, Reply, World, invariants};
use tokio::io::{AsyncReadExt as _, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::mail::mails;
use crate::webhooks::deliveries::until;

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

/// The batch of the stream fails again and again. What has its events does not get them each time.
#[tokio::test]
async fn while_its_queue_is_down_a_mail_delays_only_itself() {
    let post = Post::with(Options {
        event_sources: true,
        template: TEMPLATE.replace("Timeout: 30", "Timeout: 6"),
        ..Options::default()
    })
    .await;
    post.time.store(MACHINE, Ordering::SeqCst);
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "event_types": ["*"]});
    crate::webhooks::endpoint(&post.world, body).await;
    post.refuse_mails.store(true, Ordering::SeqCst);
    let made = post.invite("bob@acme.example").await;
    let root = post.world.tenant_admin();
    root.post("/teams", json!({"name": "Engines"}))
        .await
        .expect(201);
    until(async || (post.refused.load(Ordering::SeqCst) > 12).then_some(())).await;
    assert!(mails(&post.world).await.is_empty());
    post.refuse_mails.store(false, Ordering::SeqCst);
    until(async || (post.shown(&made).await["delivery"] == "sent").then_some(())).await;
    for event_type in ["invitation.created", "team.created"] {
        let of_type = |one: &Received| one.body.contains(&format!("\"type\":\"{event_type}\""));
        until(async || receiver.received().iter().any(of_type).then_some(())).await;
        let all = receiver.received();
        let count = all.iter().filter(|one| of_type(one)).count();
        assert_eq!(count, 1, "{event_type}");
    }
    assert_eq!(mails(&post.world).await.len(), 1);
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
async fn a_message_that_arrives_twice_sends_one_mail() {
    let post = Post::start().await;
    let made = post.invite("bob@acme.example").await;
    let task = post.task(&made, 1);
    let batch = json!({"Records": [
        {"messageId": "m1", "body": task.to_string()},
        {"messageId": "m2", "body": task.to_string()},
    ]});
    let invocations = (0..8).map(|_| post.world.invoke("send-invitation", &batch));
    let answers = futures::future::join_all(invocations).await;
    for answer in answers {
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    assert_eq!(mails(&post.world).await.len(), 1);
    // Those who came while it was being sent look again later, and find it sent.
    post.pass(2 * MINUTE);
    for later in post.take_queued() {
        assert!(due_at(&later) <= post.now().as_millisecond(), "{later}");
        post.deliver_well(&later).await;
    }
    post.deliver_well(&task).await;
    assert_eq!(mails(&post.world).await.len(), 1);
    assert!(post.take_queued().is_empty());
    assert_eq!(post.shown(&made).await["delivery"], "sent");
}

#[tokio::test]
async fn a_mail_whose_sender_stopped_is_sent_again() {
    let post = Post::start().await;
    let made = post.invite("bob@acme.example").await;
    let end = post.now().as_millisecond() + 90 * SECOND;
    let end = Timestamp::from_millisecond(end).unwrap();
    let items = post.world.items().await;
    let of_invitation = |item: &&serde_json::Map<String, Value>| {
        item.get("id") == Some(&made.body["id"]) && item.contains_key("send_count")
    };
    let row = items.iter().find(of_invitation).unwrap();
    let key = |name: &str| row[name].as_str().unwrap().to_owned();
    for (attribute, value) in [
        ("sending_until", end.to_string()),
        ("sending_by", "x".into()),
    ] {
        let value = AttributeValue::S(value);
        post.world
            .tamper(&key("pk"), &key("sk"), attribute, value)
            .await;
    }
    post.deliver_well(&post.task(&made, 1)).await;
    assert!(mails(&post.world).await.is_empty());
    let held = post.take_queued();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["due_at"], end.to_string());
    post.pass(90 * SECOND);
    post.deliver_well(&held[0]).await;
    assert_eq!(mails(&post.world).await.len(), 1);
}

#[tokio::test]
async fn after_an_hour_without_ses_each_mail_is_sent_once() {
    let post = Post::start().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(post.invite(&format!("u{n}@acme.example")).await);
    }
    let mut queue: Vec<_> = made.iter().map(|made| post.task(made, 1)).collect();
    let faults = [
        (503, "ServiceUnavailable"),
        (429, "TooManyRequestsException"),
        (400, "SendingPausedException"),
        (400, "LimitExceededException"),
        (403, "AccountSuspendedException"),
    ];
    let back = post.now().as_millisecond() + HOUR;
    let mut calls = 0;
    while !queue.is_empty() {
        queue.sort_by_key(due_at);
        let task = queue.remove(0);
        let ahead = due_at(&task) - post.now().as_millisecond();
        post.pass(ahead.max(0));
        if post.now().as_millisecond() < back {
            let (status, code) = faults[calls % faults.len()];
            post.fail(status, code);
        } else {
            post.works_again();
        }
        post.deliver_well(&task).await;
        queue.extend(post.take_queued());
        calls += 1;
        assert!(calls < 200, "{queue:?}");
    }
    assert!(calls > 5 * 5, "{calls} attempts");
    // Back within the longest delay of a message.
    assert!(post.now().as_millisecond() < back + 15 * MINUTE);
    let all = mails(&post.world).await;
    let mut to: Vec<_> = all
        .iter()
        .map(|mail| mail["to"].as_str().unwrap())
        .collect();
    to.sort_unstable();
    let expected: Vec<_> = (0..5).map(|n| format!("u{n}@acme.example")).collect();
    assert_eq!(to, expected);
    for made in &made {
        assert_eq!(post.shown(made).await["delivery"], "sent");
    }
    assert!(post.events("invitation.delivery_failed").await.is_empty());
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
async fn a_call_of_ses_that_hangs_is_tried_again() {
    let post = Post::start().await;
    let made = post.invite("bob@acme.example").await;
    *post.fault.lock().unwrap() = Some(CallFault::Hang);
    post.is_down.store(true, Ordering::SeqCst);
    post.deliver_well(&post.task(&made, 1)).await;
    post.works_again();
    let later = post.take_queued();
    assert_eq!((later.len(), &later[0]["attempt"]), (1, &json!(2)));
    // Before it is due it goes back.
    post.deliver_well(&later[0]).await;
    assert!(mails(&post.world).await.is_empty());
    assert_eq!(post.take_queued(), later);
    post.pass(30 * SECOND);
    post.deliver_well(&later[0]).await;
    assert_eq!(mails(&post.world).await.len(), 1);
}

/// When the connection to SES ends.
#[derive(Clone, Copy, PartialEq)]
enum Closes {
    Never,
    BeforeTheRequest,
    BeforeTheAnswer,
}

/// Passes connections on to the local stack. Returns the address.
async fn closing(closes: Arc<Mutex<Closes>>, stack: Arc<OnceLock<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/_local/aws", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let when = *closes.lock().unwrap();
            if when == Closes::BeforeTheRequest {
                continue;
            }
            let address = stack
                .get()
                .unwrap()
                .trim_start_matches("http://")
                .to_owned();
            let mut server = TcpStream::connect(address).await.unwrap();
            if when == Closes::Never {
                tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
                continue;
            }
            let (mut from, _) = client.split();
            let (mut answer, mut to) = server.split();
            let mut start = [0; 1];
            tokio::select! {
                _ = copy(&mut from, &mut to) => {}
                _ = answer.read(&mut start) => {}
            }
        }
    });
    endpoint
}

#[tokio::test]
async fn a_connection_that_ses_closes_delays_the_mail() {
    for (when, sent) in [(Closes::BeforeTheRequest, 0), (Closes::BeforeTheAnswer, 1)] {
        let (closes, stack) = (Arc::new(Mutex::new(when)), Arc::default());
        let endpoint = closing(Arc::clone(&closes), Arc::clone(&stack)).await;
        let variables = [("AWS_ENDPOINT_URL_SESV2".to_owned(), endpoint)];
        let post = Post::with(Options {
            variables: variables.into_iter().collect(),
            ..Options::default()
        })
        .await;
        stack.set(post.world.stack.url().to_owned()).unwrap();
        let made = post.invite("bob@acme.example").await;
        post.deliver_well(&post.task(&made, 1)).await;
        assert_eq!(mails(&post.world).await.len(), sent);
        assert_eq!(post.shown(&made).await["delivery"], "queued");
        let later = post.take_queued();
        assert_eq!((later.len(), &later[0]["attempt"]), (1, &json!(2)));
        *closes.lock().unwrap() = Closes::Never;
        post.pass(30 * SECOND);
        post.deliver_well(&later[0]).await;
        assert_eq!(post.shown(&made).await["delivery"], "sent");
        // A lost answer repeats the mail, with the same link.
        let mut tokens: Vec<_> = mails(&post.world).await.iter().map(token).collect();
        assert_eq!(tokens.len(), sent + 1);
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
    }
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
