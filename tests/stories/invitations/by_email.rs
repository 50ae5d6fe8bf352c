//! Invitations by email: inviting, sending again, revoking, and what others see of them.

mod ending;
mod refused;
mod resending;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::{Clock, Timestamp};
use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Lines, Reply, World, at_once, invariants};

pub(crate) const MINUTE: i64 = 60 * 1_000;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

/// A world whose time the test moves.
pub(crate) struct Calendar(Arc<AtomicI64>);

impl Calendar {
    pub(crate) async fn with(variables: &[(&str, &str)]) -> (World, Self) {
        let time = Arc::new(AtomicI64::new(1_795_219_200_000));
        let (machine, given) = (Clock::system(), Arc::clone(&time));
        let variables = variables.iter();
        let world = World::with(Options {
            clock: Clock::from_fn(move || {
                let now = Timestamp::from_millisecond(given.load(Ordering::Relaxed)).unwrap();
                (now, machine.new_id())
            }),
            variables: variables
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Options::default()
        })
        .await;
        (world, Self(time))
    }

    pub(crate) fn pass(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

/// An organization of ada, and the path of its invitations.
pub(crate) async fn acme(world: &World) -> (Actor, String, String) {
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let invitations = format!("/organizations/{id}/invitations");
    (ada, id, invitations)
}

pub(crate) fn bob() -> Value {
    json!({"email": "bob@acme.example"})
}

/// The token in the link of an invitation.
pub(crate) fn token(reply: &Reply) -> String {
    let link = reply.body["accept_url"].as_str().unwrap();
    let (_, token) = link.split_once("invitation=").unwrap();
    token.split(['&', '#']).next().unwrap().to_owned()
}

pub(crate) fn path(reply: &Reply) -> String {
    let body = &reply.body;
    let (organization, id) = (&body["organization_id"], &body["id"]);
    format!(
        "/organizations/{}/invitations/{}",
        organization.as_str().unwrap(),
        id.as_str().unwrap()
    )
}

/// Makes the address of a user verified, as a login does.
pub(crate) async fn verified(world: &World, user: &str, email: &str) {
    let root = world.tenant_admin();
    root.put(&format!("/users/{user}"), json!({"email": email}))
        .await;
    let pk = format!("TENANT#acme#USER#{user}");
    let verified = AttributeValue::Bool(true);
    world.tamper(&pk, "USER", "email_verified", verified).await;
}

/// The event types of the organization, oldest first.
pub(crate) async fn events(ada: &Actor, id: &str) -> Vec<String> {
    let events = ada.all(&format!("/organizations/{id}/events")).await;
    let types = events
        .iter()
        .rev()
        .map(|event| event["type"].as_str().unwrap());
    types.map(str::to_owned).collect()
}

#[tokio::test]
async fn an_invitation_is_created_and_read() {
    let (world, _) = Calendar::with(&[]).await;
    let (ada, id, invitations) = acme(&world).await;
    let team = ada
        .post(&format!("/organizations/{id}/teams"), json!({"name": "T"}))
        .await
        .expect(201);
    let body = json!({
        "email": "Bob@Acme.example",
        "role": "manager",
        "team_ids": [team.body["id"]],
        "expires_in_days": 30,
        "redirect_url": "https://app.example/welcome",
    });
    let made = ada.post(&invitations, body).await.expect(201);
    assert_eq!(made.headers["location"], path(&made));
    let invitation = made.body["id"].clone();
    let mut shown = made.body.clone();
    let link = shown.as_object_mut().unwrap().remove("accept_url").unwrap();
    let link = link.as_str().unwrap();
    assert!(link.starts_with("?invitation=inv1_"), "{link}");
    assert!(
        link.ends_with("&redirect_url=https%3A%2F%2Fapp.example%2Fwelcome"),
        "{link}"
    );
    assert_eq!(
        shown,
        json!({
            "id": invitation,
            "organization_id": id,
            "email": "Bob@Acme.example",
            "role": "manager",
            "team_ids": [team.body["id"]],
            "status": "pending",
            "invited_by_user_id": "ada",
            "expires_at": "2026-12-21T00:00:00.000Z",
            "sent_at": null,
            "send_count": 1,
            "delivery": "none",
            "accepted_by_user_id": null,
            "version": 1,
            "created_at": "2026-11-21T00:00:00.000Z",
            "updated_at": "2026-11-21T00:00:00.000Z",
        })
    );
    let got = ada.get(&path(&made)).await.expect(200);
    assert_eq!(got.body, shown);
    assert_eq!(ada.all(&invitations).await, [shown]);
    let types = events(&ada, &id).await;
    assert!(
        types.contains(&"invitation.created".to_owned()),
        "{types:?}"
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn defaults_are_member_no_teams_and_seven_days() {
    let (world, _) = Calendar::with(&[]).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201).body;
    assert_eq!(made["role"], "member");
    assert_eq!(made["team_ids"], json!([]));
    assert_eq!(made["expires_at"], "2026-11-28T00:00:00.000Z");
}

#[tokio::test]
async fn inviting_again_returns_the_pending_one() {
    let (world, _) = Calendar::with(&[]).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let before = world.everything().await;
    for email in ["bob@acme.example", "BOB@ACME.EXAMPLE"] {
        let again = ada.post(&invitations, json!({"email": email})).await;
        let again = again.expect(200);
        assert_eq!(again.body, made.body);
    }
    let other = json!({"email": "Bob@acme.example", "role": "readonly"});
    let refused = ada.post(&invitations, other.clone()).await;
    refused.problem(409, "already-invited");
    assert_eq!(world.everything().await, before);

    // Once it is revoked, the address can be invited with any role.
    ada.delete(&path(&made)).await.expect(204);
    let next = ada.post(&invitations, other).await.expect(201);
    assert_ne!(next.body["id"], made.body["id"]);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn an_idempotency_key_repeats_the_answer_with_its_link() {
    let (world, _) = Calendar::with(&[]).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post_once(&invitations, "k", bob()).await.expect(201);
    let before = world.everything().await;
    let again = ada.post_once(&invitations, "k", bob()).await.expect(201);
    assert_eq!(again.body, made.body);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(world.everything().await, before);
    let other = json!({"email": "eve@acme.example"});
    let refused = ada.post_once(&invitations, "k", other).await;
    refused.problem(422, "idempotency-mismatch");
    ada.delete(&path(&made)).await.expect(204);
    let again = ada.post_once(&invitations, "k", bob()).await.expect(201);
    assert_eq!(again.body, made.body);
    let existing = ada.post_once(&invitations, "l", bob()).await.expect(201);
    let found = ada.post_once(&invitations, "m", bob()).await.expect(200);
    assert_eq!(found.body, existing.body);
    let found = ada.post_once(&invitations, "m", bob()).await.expect(200);
    assert_eq!(found.headers["idempotency-replayed"], "true");
}

#[tokio::test]
async fn one_address_has_one_pending_invitation() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let emails = ["bob@acme.example", "Bob@acme.example", "BOB@ACME.EXAMPLE"];
    let replies = at_once((0..12).map(|n| {
        let (ada, invitations) = (ada.clone(), invitations.clone());
        async move {
            let body = json!({"email": emails[n % 3]});
            ada.post(&invitations, body).await
        }
    }))
    .await;
    let created = replies.iter().filter(|reply| reply.status == 201);
    assert_eq!(created.count(), 1);
    for reply in &replies {
        assert!([200, 201].contains(&reply.status), "{reply:?}");
        assert_eq!(reply.body, replies[0].body);
    }
    let created = events(&ada, &id).await;
    let created = created.iter().filter(|it| *it == "invitation.created");
    assert_eq!(created.count(), 1);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn each_organization_invites_an_address_on_its_own() {
    let world = World::start().await;
    let (ada, _, invitations) = acme(&world).await;
    let other = world.organization(&ada, "Globex").await;
    let other = format!("/organizations/{other}/invitations");
    let one = ada.post(&invitations, bob()).await.expect(201);
    let two = ada.post(&other, bob()).await.expect(201);
    assert_ne!(token(&one), token(&two));
    ada.delete(&path(&one)).await.expect(204);
    let left = ada.get(&path(&two)).await.expect(200);
    assert_eq!(left.body["status"], "pending");
    let ids = (&two.body["id"], &one.body["organization_id"]);
    let wrong = format!(
        "/organizations/{}/invitations/{}",
        ids.1.as_str().unwrap(),
        ids.0.as_str().unwrap()
    );
    ada.get(&wrong).await.problem(404, "not-found");
    ada.delete(&wrong).await.problem(404, "not-found");
}

#[tokio::test]
async fn addresses_differ_unless_only_ascii_case_does() {
    let world = World::start().await;
    let (ada, _, invitations) = acme(&world).await;
    // The Kelvin sign, a sharp s, full-width letters, letters with an accent.
    let emails = [
        "k@acme.example",
        "\u{212a}@acme.example",
        "strasse@acme.example",
        "stra\u{df}e@acme.example",
        "bob@acme.example",
        "\u{ff42}\u{ff4f}\u{ff42}@acme.example",
        "\u{e9}@acme.example",
        "\u{c9}@acme.example",
    ];
    for email in emails {
        let made = ada.post(&invitations, json!({"email": email})).await;
        made.expect(201);
    }
    assert_eq!(ada.all(&invitations).await.len(), emails.len());
}

#[tokio::test]
async fn a_member_with_the_verified_address_is_not_invited() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    world.member(&id, "bob", "member", "active").await;
    let root = world.tenant_admin();
    root.put("/users/bob", json!({"email": "Bob@Acme.example"}))
        .await
        .expect(200);
    // Not verified: anyone can claim it.
    let made = ada.post(&invitations, bob()).await.expect(201);
    ada.delete(&path(&made)).await.expect(204);

    verified(&world, "bob", "Bob@Acme.example").await;
    let before = world.everything().await;
    let refused = ada.post(&invitations, bob()).await;
    refused.problem(409, "already-member");
    assert_eq!(world.everything().await, before);

    let other = world.organization(&ada, "Globex").await;
    let other = format!("/organizations/{other}/invitations");
    ada.post(&other, bob()).await.expect(201);
    ada.delete(&format!("/organizations/{id}/members/bob"))
        .await
        .expect(204);
    ada.post(&invitations, bob()).await.expect(201);
}

#[tokio::test]
async fn teams_of_an_invitation_are_live_and_of_the_organization() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let other = world.organization(&ada, "Globex").await;
    let mut teams = Vec::new();
    for organization in [&id, &id, &other] {
        let made = ada
            .post(
                &format!("/organizations/{organization}/teams"),
                json!({"name": format!("T{}", teams.len())}),
            )
            .await
            .expect(201);
        teams.push(made.body["id"].as_str().unwrap().to_owned());
    }
    ada.delete(&format!("/teams/{}", teams[1]))
        .await
        .expect(204);
    let before = world.everything().await;
    for ids in [
        json!([teams[0], teams[1]]),
        json!([teams[2]]),
        json!(["none"]),
        json!([teams[0], teams[0]]),
        json!(["#"]),
        json!("x"),
        json!(vec![teams[0].clone(); 21]),
    ] {
        let body = json!({"email": "bob@acme.example", "team_ids": ids});
        let refused = ada.post(&invitations, body).await;
        let refused = refused.problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], "/team_ids");
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn the_link_is_for_those_who_send_it() {
    let (world, calendar) = Calendar::with(&[
        ("INVITATION_FROM", "no-reply@acme.example"),
        ("INVITATION_URL", "https://app.example/join?lang=de#top"),
    ])
    .await;
    let (ada, _, invitations) = acme(&world).await;
    let root = world.tenant_admin();
    let machine = world.machine_of("acme");
    let made = ada.post(&invitations, bob()).await.expect(201);
    assert_eq!(made.body["delivery"], "queued");
    assert_eq!(made.body.get("accept_url"), None);
    for (actor, resends) in [(&root, true), (&machine, true), (&ada, false)] {
        calendar.pass(MINUTE);
        let existing = actor.post(&invitations, bob()).await.expect(200);
        assert_eq!(existing.body.get("accept_url").is_some(), resends);
        let resend = format!("{}/resend", path(&made));
        let again = actor.post_empty(&resend).await.expect(200);
        assert_eq!(again.body["delivery"], "queued");
        let link = again.body.get("accept_url").and_then(Value::as_str);
        assert_eq!(link.is_some(), resends);
        if let Some(link) = link {
            let start = "https://app.example/join?lang=de&invitation=inv1_";
            assert!(link.starts_with(start) && link.ends_with("#top"), "{link}");
        }
        let read = actor.get(&path(&made)).await.expect(200);
        assert_eq!(read.body.get("accept_url"), None);
    }
}

#[tokio::test]
async fn no_token_is_stored_or_logged() {
    let (options, lines) = Lines::collect(Options::default());
    let world = World::with(options).await;
    let (ada, id, invitations) = acme(&world).await;
    let made = ada.post_once(&invitations, "k", bob()).await.expect(201);
    ada.post_once(&invitations, "k", bob()).await.expect(201);
    ada.post(&invitations, bob()).await.expect(200);
    ada.get(&path(&made)).await.expect(200);
    ada.get(&invitations).await.expect(200);
    ada.post_empty(&format!("{}/resend", path(&made)))
        .await
        .problem(429, "sent-recently");
    ada.delete(&path(&made)).await.expect(204);
    let token = token(&made);
    let (_, mac) = token.split_once('.').unwrap();
    let stored = world.everything().await.join("\n");
    let logged = format!("{:?}", lines.take());
    let events = ada.all(&format!("/organizations/{id}/events")).await;
    let events = json!(events).to_string();
    for (what, text) in [("table", &stored), ("log", &logged), ("events", &events)] {
        assert!(!text.contains("inv1_") && !text.contains(mac), "{what}");
    }
    for (what, text) in [("log", &logged), ("events", &events)] {
        assert!(!text.contains("bob@acme"), "{what}");
    }
    assert!(logged.contains("createInvitation") || logged.contains("invitations"));
}
