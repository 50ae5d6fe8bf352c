//! Every event is returned unchanged.

use serde_json::{Value, json};
use support::ACME;
use support::graph::object_id;

use super::setup::{ORGANIZATIONS, Setup, event, map};

async fn setup(more: &[(&str, &str)]) -> Setup {
    let setup = Setup::open(&[&[ORGANIZATIONS], more].concat()).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup
}

fn outcome(setup: &Setup) -> Value {
    let lines = setup.lines.take();
    let line = lines.iter().find(|line| line["message"] == "login sync");
    line.unwrap_or_else(|| panic!("{lines:?}"))["outcome"].clone()
}

#[tokio::test]
async fn every_trigger_source_of_a_login_syncs() {
    for source in [
        "PostConfirmation_ConfirmSignUp",
        "PostAuthentication_Authentication",
        "PostSomething_OfTheFuture",
    ] {
        let setup = setup(&[]).await;
        let mut event = event("ada");
        event["triggerSource"] = source.into();
        event["request"]
            .as_object_mut()
            .unwrap()
            .remove("newDeviceUsed");
        setup.sign_in(event).await;
        assert_eq!(outcome(&setup), "synced");
        let ada = setup.world.user("ada").get("/users/me").await.expect(200);
        let values = ["email", "display_name", "entra_object_id"].map(|name| &ada.body[name]);
        assert_eq!(
            values,
            ["ada@acme.example", "ada of Acme", &object_id("ada")]
        );
    }
}

#[tokio::test]
async fn any_other_single_sign_on_sends_a_plain_event() {
    let setup = setup(&[]).await;
    let event = json!({"triggerSource": "PostLogin", "tenantId": ACME, "userId": "ada", "odd": [null],
        "email": "ada@acme.example", "entraObjectId": object_id("ada")});
    setup.sign_in(event).await;
    assert_eq!(outcome(&setup), "synced");
    let joined = map([("g-sales", "internal_user active entra")]);
    assert_eq!(setup.organizations("ada").await, joined);
}

#[tokio::test]
async fn events_without_tenant_or_object_id_use_defaults() {
    let setup = setup(&[("DEFAULT_TENANT_ID", ACME)]).await;
    let mut bare = event("ada");
    let attributes = bare["request"]["userAttributes"].as_object_mut().unwrap();
    attributes.remove("custom:tenant_id");
    setup.sign_in(bare.clone()).await;
    assert_eq!(outcome(&setup), "synced");

    let attributes = bare["request"]["userAttributes"].as_object_mut().unwrap();
    attributes.remove("custom:entra_object_id");
    attributes.insert("sub".to_owned(), "bob".into());
    setup.graph.calls();
    setup.sign_in(bare).await;
    let lines = setup.lines.take();
    let values = ["outcome", "reason", "level"].map(|name| &lines[0][name]);
    assert_eq!(values, ["skipped", "no-object-id", "WARN"]);
    assert!(setup.graph.calls().is_empty());
    setup.world.user("bob").get("/users/me").await.expect(200);
}

#[tokio::test]
async fn without_sync_the_profile_is_written() {
    let setup = setup(&[("MICROSOFT_CLIENT_ID", ""), ("MICROSOFT_TENANT", "")]).await;
    setup.sign_in(event("ada")).await;
    let lines = setup.lines.take();
    let values = ["outcome", "reason", "level"].map(|name| &lines[0][name]);
    assert_eq!(values, ["skipped", "off", "INFO"]);
    assert!(setup.graph.calls().is_empty());
    let ada = setup.world.user("ada").get("/users/me").await.expect(200);
    assert!(ada.body["last_login_at"].is_string());
    assert_eq!(setup.organizations("ada").await, map([]));
}

#[tokio::test]
async fn an_invalid_event_is_returned_and_writes_nothing() {
    let setup = setup(&[]).await;
    let odd = [
        json!({"request": {"userAttributes": {"sub": 5, "custom:tenant_id": ACME}}}),
        json!({"request": {"userAttributes": {"sub": "ada", "custom:tenant_id": "a#b"}}}),
        json!({"request": {"userAttributes": {"sub": "ä/b#c", "custom:tenant_id": ACME}}}),
        json!({"request": {"userAttributes": {"sub": "ada"}}}),
        json!({"request": {"userAttributes": {"sub": "ada", "custom:tenant_id": 5}}}),
    ];
    for event in odd {
        setup.sign_in(event.clone()).await;
        let lines = setup.lines.take();
        let failure = json!([lines[0]["level"], lines[0]["code"]]);
        assert_eq!(
            failure,
            json!(["ERROR", "login-sync"]),
            "{event}: {lines:?}"
        );
        // Counted, so that an alarm sees it.
        let counted = json!([lines[1]["Syncs"], lines[1]["outcome"]]);
        assert_eq!(counted, json!([1, "failed"]), "{event}");
        assert_eq!(lines.len(), 2, "{event}: {lines:?}");

        assert_eq!(setup.invoke("pre-token", &event).await, event);
        let lines = setup.lines.take();
        let failure = json!([lines[0]["level"], lines[0]["code"]]);
        assert_eq!(failure, json!(["ERROR", "pre-token"]), "{event}: {lines:?}");
        let counted = json!([lines[1]["Events"], lines[1]["trigger"], lines[1]["outcome"]]);
        assert_eq!(counted, json!([1, "pre-token", "failed"]), "{event}");
        assert_eq!(lines.len(), 2, "{event}: {lines:?}");
    }
    for event in [
        json!({"triggerSource": "PostLogin", "tenantId": 5, "userId": "ada"}),
        json!({"triggerSource": "PostLogin", "tenantId": ACME, "userId": {"id": "ada"}}),
    ] {
        setup.sign_in(event.clone()).await;
        assert_eq!(outcome(&setup), "failed", "{event}");
    }
    assert!(setup.world.items().await.is_empty());
    assert!(setup.graph.calls().is_empty());
}

/// Counted separately, so that no alarm sees it.
#[tokio::test]
async fn an_event_without_a_user_is_ignored() {
    let setup = setup(&[("DEFAULT_TENANT_ID", ACME)]).await;
    let machine = json!({"version": "3", "triggerSource": "TokenGeneration_ClientCredentials",
        "request": {"scopes": ["api/read"]}, "response": {}});
    let mut machine_with_attributes = event("ada");
    machine_with_attributes["triggerSource"] = machine["triggerSource"].clone();
    for event in [
        machine,
        machine_with_attributes,
        json!(null),
        json!([]),
        json!("login"),
        json!(-1.5e-7),
        json!({}),
        json!({"request": null}),
        json!({"request": {"userAttributes": null}, "response": null}),
        json!({"request": {"userAttributes": []}}),
        json!({"request": {"userAttributes": {"sub": null, "custom:tenant_id": ACME}}}),
        json!({"request": {"userAttributes": {"email": "ada@acme.example"}}}),
        json!({"version": null, "triggerSource": null, "callerContext": null}),
    ] {
        setup.sign_in(event.clone()).await;
        assert_eq!(setup.invoke("pre-token", &event).await, event);
        let lines = setup.lines.take();
        assert_eq!(lines.len(), 2, "{event}: {lines:?}");
        for line in &lines {
            let values = ["level", "outcome"].map(|name| &line[name]);
            assert_eq!(values, ["INFO", "ignored"], "{event}");
            let metrics = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
            for counted in metrics {
                let dimensions = counted["Dimensions"][0].as_array().unwrap();
                assert!(dimensions.contains(&json!("outcome")), "{line}");
            }
        }
    }
    assert!(setup.world.items().await.is_empty());
    assert!(setup.graph.calls().is_empty());
}

#[tokio::test]
async fn null_in_any_place_of_an_event_is_read_as_absent() {
    let setup = setup(&[]).await;
    let plain = json!({"triggerSource": "PostLogin", "tenantId": ACME, "userId": "ada",
        "entraObjectId": object_id("ada"), "email": null, "request": null, "response": null});
    setup.sign_in(plain).await;
    assert_eq!(outcome(&setup), "synced");
    let mut cognito = event("ada");
    for name in ["version", "triggerSource", "callerContext", "response"] {
        cognito[name] = json!(null);
    }
    setup.sign_in(cognito.clone()).await;
    assert_eq!(outcome(&setup), "unchanged");
    cognito["request"]["groupConfiguration"] = json!(null);
    let answer = setup.invoke("pre-token", &cognito).await;
    let claims = &answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
    assert_eq!(claims["tenant_id"], ACME);
}

#[tokio::test]
async fn the_user_id_me_is_skipped_with_a_warning() {
    let setup = setup(&[("DEFAULT_TENANT_ID", ACME)]).await;
    let plain = json!({"triggerSource": "PostLogin", "tenantId": ACME, "userId": "me",
        "entraObjectId": object_id("ada")});
    for event in [plain, event("me")] {
        setup.sign_in(event.clone()).await;
        let lines = setup.lines.take();
        let values = ["level", "outcome", "reason"].map(|name| &lines[0][name]);
        assert_eq!(values, ["WARN", "skipped", "reserved-user-id"]);
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
    let answer = setup.invoke("pre-token", &event("me")).await;
    assert_eq!(answer, event("me"));
    let lines = setup.lines.take();
    let values = ["level", "outcome", "reason"].map(|name| &lines[0][name]);
    assert_eq!(values, ["WARN", "skipped", "reserved-user-id"]);
    assert!(setup.world.items().await.is_empty());
    assert!(setup.graph.calls().is_empty());
}
