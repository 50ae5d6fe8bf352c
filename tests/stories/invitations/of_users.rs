//! A user's own invitations: found by their verified address, and answered without the token of the link.

use serde_json::{Value, json};
use support::{Actor, Fault, Faults, Reply, World, at_once, invariants};

use crate::faults::in_a_hurry;
use crate::invitations::by_email::{Calendar, DAY, acme, bob, events, path, token, verified};

const OWN: &str = "/users/me/invitations";
const ADDRESS: &str = "bob@acme.example";

/// A user whose verified address is the invited one.
async fn invited(world: &World) -> Actor {
    verified(world, "bob", ADDRESS).await;
    world.user("bob")
}

/// A user with an address in their token.
fn with_claim(world: &World, user: &str, email: &str, is_verified: bool) -> Actor {
    let claims = json!({"sub": user, "tenant_id": "acme", "email": email,
        "email_verified": is_verified});
    let token = world
        .stack
        .token_with(claims.as_object().unwrap().clone())
        .unwrap();
    world.bearer(user, Some(token))
}

fn id(made: &Reply) -> &str {
    made.body["id"].as_str().unwrap()
}

async fn accept(actor: &Actor, made: &Reply) -> Reply {
    actor
        .post_empty(&format!("{OWN}/{}/accept", id(made)))
        .await
}

async fn decline(actor: &Actor, made: &Reply) -> Reply {
    actor
        .post_empty(&format!("{OWN}/{}/decline", id(made)))
        .await
}

async fn ids(actor: &Actor) -> Vec<Value> {
    let listed = actor.all(OWN).await.into_iter();
    listed.map(|one| one["id"].clone()).collect()
}

#[tokio::test]
async fn own_invitations_show_who_invites_where() {
    let world = World::start().await;
    let (ada, organization, invitations) = acme(&world).await;
    let root = world.tenant_admin();
    let name = json!({"display_name": "Ada Lovelace"});
    root.put("/users/ada", name).await;
    let bob_himself = invited(&world).await;
    let made = ada
        .post(
            &invitations,
            json!({"email": "BOB@acme.example", "role": "manager"}),
        )
        .await
        .expect(201);
    // Others of the same organization, and of another tenant.
    ada.post(&invitations, json!({"email": "eve@acme.example"}))
        .await
        .expect(201);
    let gus = world.user_of("globex", "gus");
    let foreign = world.organization(&gus, "G").await;
    gus.post(&format!("/organizations/{foreign}/invitations"), bob())
        .await
        .expect(201);

    let mut shown = ada.get(&path(&made)).await.expect(200).body;
    shown["organization"] = json!({"id": organization, "name": "Acme"});
    shown["invited_by"] = json!({"display_name": "Ada Lovelace"});
    assert_eq!(bob_himself.all(OWN).await, [shown.clone()]);
    let claimed = with_claim(&world, "robert", "Bob@Acme.EXAMPLE", true);
    assert_eq!(claimed.all(OWN).await, [shown]);
    assert_eq!(ids(&world.user("eve")).await, Vec::<Value>::new());
    assert_eq!(ids(&ada).await, Vec::<Value>::new());

    // Of an organization that is deleted, and then restored.
    let organization = format!("/organizations/{organization}");
    ada.delete(&organization).await.expect(204);
    assert_eq!(ids(&bob_himself).await, Vec::<Value>::new());
    accept(&bob_himself, &made).await.problem(404, "not-found");
    ada.post_empty(&format!("{organization}/restore"))
        .await
        .expect(200);
    assert_eq!(ids(&bob_himself).await.len(), 1);
}

#[tokio::test]
async fn own_invitations_come_in_pages() {
    let world = World::start().await;
    let bob_himself = invited(&world).await;
    let ada = world.user("ada");
    let mut made = Vec::new();
    for number in 0..5 {
        let id = world.organization(&ada, &format!("O{number}")).await;
        let invitations = format!("/organizations/{id}/invitations");
        let one = ada.post(&invitations, bob()).await.expect(201);
        made.push(one);
    }
    ada.delete(&path(&made[1])).await.expect(204);
    let mut paged = Vec::new();
    let mut next = format!("{OWN}?limit=2");
    loop {
        let page = bob_himself.get(&next).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        paged.extend(items.iter().map(|one| one["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        next = format!("{OWN}?limit=2&cursor={cursor}");
    }
    let open: Vec<_> = [0, 2, 3, 4]
        .map(|number: usize| made[number].body["id"].clone())
        .into();
    assert_eq!(paged, open);
    let reply = bob_himself.get(&format!("{OWN}?cursor=x")).await;
    reply.problem(400, "invalid-cursor");
}

#[tokio::test]
async fn accepting_and_declining_need_no_token() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let role = json!({"email": ADDRESS, "role": "manager"});
    let made = ada.post(&invitations, role).await.expect(201);
    let accepted = accept(&user, &made).await.expect(200);
    let member = ada.get(&format!("/organizations/{id}/members/bob")).await;
    assert_eq!(accepted.body["role"], "manager");
    assert_eq!(accepted.body["version"], member.body["version"]);
    let shown = ada.get(&path(&made)).await.expect(200).body;
    assert_eq!(shown["accepted_by_user_id"], "bob");
    assert_eq!(ids(&user).await, Vec::<Value>::new());
    // Once more: the answer to the first request may be lost. Its token does not work any more for another user.
    let before = world.everything().await;
    assert_eq!(accept(&user, &made).await.expect(200).body, accepted.body);
    decline(&user, &made).await.problem(404, "not-found");
    assert_eq!(world.everything().await, before);

    let other = world.organization(&ada, "Other").await;
    let others = format!("/organizations/{other}/invitations");
    let second = ada.post(&others, bob()).await.expect(201);
    decline(&user, &second).await.expect(204);
    decline(&user, &second).await.expect(204);
    accept(&user, &second).await.problem(404, "not-found");
    let sent = json!({"token": token(&second)});
    let by_token = user.post("/invitations/accept", sent).await;
    by_token.problem(404, "not-found");
    let shown = ada.get(&path(&second)).await.expect(200).body;
    assert_eq!(shown["status"], "declined");
    assert_eq!(
        events(&ada, &other).await.last().unwrap(),
        "invitation.declined"
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn accepting_registers_a_user_with_an_event() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let robert = with_claim(&world, "robert", ADDRESS, true);
    accept(&robert, &made).await.expect(200);
    let root = world.tenant_admin();
    let events = root.all("/events?type=user.*&user_id=robert").await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["type"], "user.registered");
    assert_eq!(events[0]["actor"]["id"], "robert");
    // A user who is known has no second one.
    let other = world.organization(&ada, "Other").await;
    assert_ne!(other, id);
    let others = format!("/organizations/{other}/invitations");
    let second = ada.post(&others, bob()).await.expect(201);
    accept(&robert, &second).await.expect(200);
    let events = root.all("/events?type=user.*&user_id=robert").await;
    assert_eq!(events.len(), 1, "{events:?}");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn only_the_verified_address_finds_an_invitation() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let root = world.tenant_admin();
    root.put("/users/eve", bob()).await;
    verified(&world, "zoe", "zoe@acme.example").await;
    let unverified = [
        world.user("eve"),
        world.user("unknown"),
        with_claim(&world, "eve", ADDRESS, false),
    ];
    // The Kelvin sign, and other forms that some systems take for the same address.
    let others = [
        "bo\u{212a}@acme.example",
        "bob+1@acme.example",
        "b.ob@acme.example",
    ];
    let mut strangers = vec![world.user("zoe")];
    strangers.extend(others.map(|other| with_claim(&world, "eve", other, true)));
    let before = world.everything().await;
    for actor in &unverified {
        assert_eq!(ids(actor).await, Vec::<Value>::new());
        accept(actor, &made)
            .await
            .problem(403, "email-not-verified");
        decline(actor, &made)
            .await
            .problem(403, "email-not-verified");
    }
    for actor in &strangers {
        assert_eq!(ids(actor).await, Vec::<Value>::new());
        accept(actor, &made).await.problem(404, "not-found");
        decline(actor, &made).await.problem(404, "not-found");
    }
    assert_eq!(world.everything().await, before);
    // The same address in another tenant.
    let foreign = json!({"sub": "bob", "tenant_id": "globex", "email": ADDRESS,
        "email_verified": true});
    let foreign = foreign.as_object().unwrap().clone();
    let foreign = world.stack.token_with(foreign).unwrap();
    let foreign = world.bearer("bob", Some(foreign));
    accept(&foreign, &made).await.problem(404, "not-found");
    let user = invited(&world).await;
    calendar.pass(8 * DAY);
    assert_eq!(ids(&user).await, Vec::<Value>::new());
    accept(&user, &made).await.problem(404, "not-found");
    let reply = user.post_empty(&format!("{OWN}/none/accept")).await;
    reply.problem(404, "not-found");
}

/// An administrator of any Entra directory can give an account any address. The domain of the organization proves nothing
/// about the person; the token of the mail does.
#[tokio::test]
async fn a_claimed_domain_does_not_verify_its_addresses() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let owner = json!({"email": ADDRESS, "role": "owner"});
    let made = ada.post(&invitations, owner).await.expect(201);
    let eve = with_claim(&world, "eve", ADDRESS, false);
    let sent = json!({"token": token(&made)});
    let unclaimed = eve.post("/invitations/accept", sent).await;
    unclaimed.problem(403, "email-not-verified");
    crate::domains::verified(&world, &ada, &id, "acme.example").await;
    let before = world.everything().await;
    assert_eq!(ids(&eve).await, Vec::<Value>::new());
    accept(&eve, &made).await.problem(403, "email-not-verified");
    decline(&eve, &made)
        .await
        .problem(403, "email-not-verified");
    assert_eq!(world.everything().await, before);
    let bob_himself = with_claim(&world, "bob", ADDRESS, false);
    let sent = json!({"token": token(&made)});
    bob_himself
        .post("/invitations/accept", sent)
        .await
        .expect(200);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn an_unverified_address_gets_no_cursor() {
    let world = World::start().await;
    let ada = world.user("ada");
    for name in ["One", "Two"] {
        let id = world.organization(&ada, name).await;
        let invitations = format!("/organizations/{id}/invitations");
        ada.post(&invitations, bob()).await.expect(201);
    }
    let root = world.tenant_admin();
    root.put("/users/zoe", bob()).await;
    for actor in [with_claim(&world, "eve", ADDRESS, false), world.user("zoe")] {
        let page = actor.get(&format!("{OWN}?limit=1")).await.expect(200).body;
        assert_eq!(page, json!({"items": [], "next_cursor": null}));
    }
}

#[tokio::test]
async fn an_inviter_who_lost_the_right_gives_nothing() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let members = format!("/organizations/{id}/members");
    let eve = json!({"user_id": "eve", "role": "admin", "status": "active"});
    world.register(&["eve"]).await;
    ada.post(&members, eve).await.expect(201);
    let role = json!({"email": ADDRESS, "role": "admin"});
    let made = world.user("eve").post(&invitations, role).await.expect(201);
    let demoted = json!({"role": "manager"});
    ada.patch(&format!("{members}/eve"), demoted)
        .await
        .expect(200);
    let before = world.everything().await;
    accept(&user, &made)
        .await
        .problem(409, "invitation-not-valid");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn accepting_and_declining_at_once_has_one_outcome() {
    let world = World::start().await;
    let (ada, organization, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let member = format!("/organizations/{organization}/members/bob");
    for _ in 0..5 {
        let made = ada.post(&invitations, bob()).await.expect(201);
        let sent = json!({"token": token(&made)});
        let (one, two, three) = tokio::join!(
            accept(&user, &made),
            user.post("/invitations/accept", sent),
            decline(&user, &made)
        );
        let outcome = [one.status, two.status, three.status];
        assert!(
            outcome == [200, 200, 404] || outcome == [404, 404, 204],
            "{outcome:?}"
        );
        ada.delete(&member).await.expect(204);
    }
    let made = ada.post(&invitations, bob()).await.expect(201);
    let replies = at_once((0..6).map(|_| {
        let (user, path) = (user.clone(), format!("{OWN}/{}/accept", id(&made)));
        async move { user.post_empty(&path).await }
    }))
    .await;
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200; 6]);
    invariants::check(&world.items().await);
}

/// The transaction fails, or its response is lost.
#[tokio::test]
async fn a_lost_answer_accepts_an_own_invitation_once() {
    for fault in [Fault::Failure(500), Fault::CutBefore, Fault::CutAfter] {
        let (world, faults) = Faults::world(in_a_hurry()).await;
        let (ada, id, invitations) = acme(&world).await;
        let user = invited(&world).await;
        let made = ada.post(&invitations, bob()).await.expect(201);
        faults.always("TransactWriteItems", fault);
        accept(&user, &made).await.problem(503, "unavailable");
        faults.stop();
        accept(&user, &made).await.expect(200);
        let events = events(&ada, &id).await;
        for (event, count) in [("invitation.accepted", 1), ("membership.added", 2)] {
            let found = events.iter().filter(|it| *it == event);
            assert_eq!(found.count(), count, "{event} {fault:?}");
        }
        invariants::check(&world.items().await);
    }
}

#[tokio::test]
async fn the_token_with_an_address_saves_a_read() {
    let world = World::start().await;
    let (ada, _, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let claimed = with_claim(&world, "bob", ADDRESS, true);
    world.calls.take();
    claimed.get(OWN).await.expect(200);
    let mut calls = world.calls.operations();
    calls.sort_unstable();
    assert_eq!(calls, ["BatchGetItem", "BatchGetItem", "Query"]);
    world.calls.take();
    accept(&claimed, &made).await.expect(200);
    let calls = world.calls.operations();
    assert_eq!(calls, ["Query", "BatchGetItem", "TransactWriteItems"]);
}
