//! Mails of invitations while SES, its queue or the sender fails.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::Timestamp;
use muster_local::{CallFault, Options, TEMPLATE};
use serde_json::{Value, json};
use support::{Received, Receiver};
use tokio::io::{AsyncReadExt as _, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::{HOUR, MACHINE, MINUTE, Post, SECOND, due_at, token};
use crate::mail::mails;
use crate::webhook_endpoints::deliveries::until;

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
    crate::webhook_endpoints::endpoint(&post.world, body).await;
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
