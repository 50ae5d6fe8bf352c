//! Which events an endpoint receives, and changes of endpoints.

use super::*;

fn endpoint() -> WebhookEndpoint {
    WebhookEndpoint {
        id: WebhookEndpointId::parse("e1").unwrap(),
        tenant_id: TenantId::parse("acme").unwrap(),
        organization_id: None,
        url: "https://hooks.example/".parse().unwrap(),
        description: None,
        event_types: serde_json::from_value(json!(["membership.*"])).unwrap(),
        status: WebhookStatus::Enabled,
        disabled_reason: None,
        last_success_at: None,
        last_failure_at: None,
        failing_since: None,
        version: 1,
        created_by: UserId::parse("root").unwrap(),
        created_at: at(0),
        updated_at: at(0),
    }
}

fn event(event_type: EventType, organization: Option<&str>) -> Event {
    Event {
        id: EventId::first_at(at(0)),
        event_type,
        tenant_id: TenantId::parse("acme").unwrap(),
        organization_id: organization.map(|id| OrganizationId::parse(id).unwrap()),
        occurred_at: at(0),
        actor: Actor::system(),
        targets: Vec::new(),
        changes: Changes::default(),
        context: EventContext::default(),
        resource_version: None,
    }
}

#[test]
fn an_endpoint_receives_what_it_asked_for() {
    let added = event(EventType::MembershipAdded, Some("o1"));
    assert!(endpoint().receives(&added));
    assert!(!endpoint().receives(&event(EventType::TeamCreated, Some("o1"))));
    let disabled = endpoint().disabled(DisabledReason::Gone, at(5));
    assert!(!disabled.receives(&added));
    let of_one = WebhookEndpoint {
        organization_id: Some(OrganizationId::parse("o1").unwrap()),
        ..endpoint()
    };
    assert!(of_one.receives(&added));
    for other in [Some("o2"), None] {
        assert!(!of_one.receives(&event(EventType::MembershipAdded, other)));
    }
    let patterns = endpoint().event_types;
    assert_eq!(patterns.patterns().len(), 1);
}

#[test]
fn each_field_of_an_endpoint_can_change() {
    let patch = WebhookEndpointPatch {
        url: Some("https://other.example/".parse().unwrap()),
        description: Patch::Set("Sales".parse().unwrap()),
        event_types: Some(serde_json::from_value(json!(["team.*"])).unwrap()),
        status: Some(WebhookStatus::Disabled),
    };
    let expected = WebhookEndpoint {
        url: "https://other.example/".parse().unwrap(),
        description: Some("Sales".parse().unwrap()),
        event_types: serde_json::from_value(json!(["team.*"])).unwrap(),
        status: WebhookStatus::Disabled,
        disabled_reason: Some(DisabledReason::Requested),
        version: 2,
        updated_at: at(5),
        ..endpoint()
    };
    assert_eq!(patch.apply(&endpoint(), at(5)), expected);
    let disabled = WebhookEndpoint {
        status: WebhookStatus::Disabled,
        disabled_reason: Some(DisabledReason::Failing),
        version: 2,
        updated_at: at(5),
        ..endpoint()
    };
    assert_eq!(
        endpoint().disabled(DisabledReason::Failing, at(5)),
        disabled
    );
    let address = |url: &str| url.parse::<WebhookUrl>().unwrap().address();
    assert_eq!(address("https://hooks.example/"), None);
    assert_eq!(address("https://8.8.8.8/"), Some([8, 8, 8, 8].into()));
}
