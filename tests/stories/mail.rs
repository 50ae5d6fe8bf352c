//! Mails go out through SES, also when it does not answer as it should.

use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_delivery::mail::{InvitationMail, Mail, Mailer, SendMailError};
use muster_local::{CallFault, Options, ServiceFaults};
use serde_json::{Value, json};
use support::World;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

const LINK: &str = "https://app.example/join?invitation=inv1_abc.def";

/// The mails of the local stack, newest first.
pub(crate) async fn mails(world: &World) -> Vec<Value> {
    let url = format!("{}/_local/mail", world.stack.url());
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    answer["items"].as_array().unwrap().clone()
}

/// A client of SES at this address.
fn mailer(endpoint: &str) -> Mailer {
    let variable = |name: &str| {
        Some(match name {
            "INVITATION_FROM" => "Muster <no-reply@muster.example>".to_owned(),
            "AWS_ENDPOINT_URL_SESV2" => endpoint.to_owned(),
            "AWS_REGION" => "eu-central-1".to_owned(),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "test".to_owned(),
            _ => return None,
        })
    };
    Mailer::read(variable).unwrap().unwrap()
}

/// Sends the mail of an invitation.
async fn send(mailer: &Mailer, to: &str, template: Option<&str>) -> Result<(), SendMailError> {
    let invitation = InvitationMail {
        organization_name: "Rockets & <b>Co</b>",
        inviter_name: Some("Ada"),
        role: "member".parse().unwrap(),
        accept_url: LINK,
        expires_at: "2026-12-05T09:00:00.000Z".parse().unwrap(),
    };
    let mail = Mail {
        to: &to.parse().unwrap(),
        content: invitation.content(template),
    };
    mailer.send(&mail, "invitation").await
}

fn of_stack(world: &World) -> Mailer {
    mailer(&format!("{}/_local/aws", world.stack.url()))
}

#[tokio::test]
async fn a_mail_arrives_in_the_local_outbox() {
    let world = World::start().await;
    let mailer = of_stack(&world);
    send(&mailer, "bob@acme.example", None).await.unwrap();
    send(&mailer, "eve@acme.example", Some("welcome"))
        .await
        .unwrap();
    let all = mails(&world).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["to"], "eve@acme.example");
    assert_eq!(all[0]["template"], "welcome");
    let mail = &all[1];
    assert_eq!(mail["to"], "bob@acme.example");
    assert_eq!(mail["from"], "Muster <no-reply@muster.example>");
    assert_eq!(
        mail["subject"],
        "You are invited to join Rockets & <b>Co</b>"
    );
    let (text, html) = (
        mail["text"].as_str().unwrap(),
        mail["html"].as_str().unwrap(),
    );
    assert!(text.contains(LINK), "{text}");
    assert!(
        html.contains("Rockets &amp; &lt;b&gt;Co&lt;/b&gt;"),
        "{html}"
    );
    assert!(mail["id"].is_string() && mail["sent_at"].is_string());

    let url = format!("{}/_local/mail", world.stack.url());
    let cleared = reqwest::Client::new().delete(url).send().await.unwrap();
    assert_eq!(cleared.status(), 204);
    assert!(mails(&world).await.is_empty());
}

#[tokio::test]
async fn only_a_rejected_mail_is_given_up() {
    for (status, code, expected) in [
        (
            400,
            "MessageRejected",
            SendMailError::Rejected("MessageRejected".to_owned()),
        ),
        (
            429,
            "TooManyRequestsException",
            SendMailError::Failed("TooManyRequestsException".to_owned()),
        ),
        (
            500,
            "InternalFailure",
            SendMailError::Failed("InternalFailure".to_owned()),
        ),
        (
            400,
            "SendingPausedException",
            SendMailError::Failed("SendingPausedException".to_owned()),
        ),
    ] {
        let fault = move |operation: &str| {
            (operation == "SendEmail").then(|| CallFault::Error(status, code.to_owned()))
        };
        let world = World::with(Options {
            service_faults: ServiceFaults {
                call: Some(Arc::new(fault)),
                ..ServiceFaults::default()
            },
            ..Options::default()
        })
        .await;
        let result = send(&of_stack(&world), "bob@acme.example", None).await;
        assert_eq!(result, Err(expected));
        assert!(mails(&world).await.is_empty());
    }
}

/// The client does not repeat the call: the mail may have been sent.
#[tokio::test]
async fn a_call_without_an_answer_is_made_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut calls = 0;
        while let Ok(Ok((mut connection, _))) =
            tokio::time::timeout(Duration::from_secs(2), listener.accept()).await
        {
            let mut start = [0; 16];
            if connection.read(&mut start).await.unwrap() > 0 {
                calls += 1;
            }
        }
        calls
    });
    let start = Instant::now();
    let result = send(&mailer(&endpoint), "bob@acme.example", None).await;
    assert_eq!(result, Err(SendMailError::Failed("NoResponse".to_owned())));
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(server.await.unwrap(), 1);
}

#[tokio::test]
async fn the_local_outbox_refuses_what_ses_refuses() {
    let world = World::start().await;
    let url = format!("{}/_local/aws/v2/email/outbound-emails", world.stack.url());
    let good = json!({
        "FromEmailAddress": "a@acme.example",
        "Destination": {"ToAddresses": ["b@acme.example"]},
        "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "x"}}}},
    });
    for (pointer, value) in [
        ("/FromEmailAddress", json!("nobody")),
        ("/Destination/ToAddresses", json!([])),
        ("/Destination/ToAddresses/0", json!("nobody")),
        ("/Content", json!({})),
        ("/Content/Simple/Subject/Data", json!("a\r\nBcc: b@x")),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let client = reqwest::Client::new();
        let answer = client.post(&url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{pointer}");
    }
    assert!(mails(&world).await.is_empty());
}
