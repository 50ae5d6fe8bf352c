//! Tests of the content of events, and of the users they name.

use super::memberships::team_membership;
use super::organizations::organization;
use super::*;

/// The event of a draft, by the system.
fn recorded(draft: EventDraft) -> Event {
    let origin = Origin::new(Actor::system(), EventContext::default());
    draft.record(EventId::first_at(at(1)), at(1), &origin)
}

fn event(event_type: EventType, changes: Value) -> Event {
    let document = json!({
        "id": "01938f2e-5c2b-7a08-9b0c-1d2e3f405162",
        "type": event_type.to_string(),
        "tenant_id": "acme",
        "organization_id": "o1",
        "occurred_at": "2026-11-28T02:43:00.123Z",
        "actor": {"type": "user", "id": "ada", "name": "Ada"},
        "targets": [
            {"type": "user", "id": "bob", "name": "Bob"},
            {"type": "organization", "id": "o1", "name": "Acme"},
        ],
        "changes": changes,
        "context": {
            "request_id": "r1", "operation": "addMember",
            "source_ip": "192.0.2.1", "user_agent": "curl",
        },
        "resource_version": 1,
    });
    serde_json::from_value(document).unwrap()
}

#[test]
fn an_event_counts_the_members_who_became_active() {
    let status = |from: &str, to: &str| json!({"status": {"from": from, "to": to}});
    for (event_type, changes, more) in [
        (
            EventType::MembershipAdded,
            json!({"status": {"from": null, "to": "active"}}),
            1,
        ),
        (
            EventType::MembershipSuspended,
            status("active", "suspended"),
            -1,
        ),
        (
            EventType::MembershipSuspended,
            status("suspended", "active"),
            1,
        ),
        (
            EventType::MembershipSuspended,
            status("invited", "suspended"),
            0,
        ),
        (
            EventType::MembershipSuspended,
            json!({"role": {"from": "admin", "to": "owner"}}),
            0,
        ),
        (
            EventType::TeamMembershipAdded,
            json!({"status": {"from": null, "to": "active"}}),
            0,
        ),
    ] {
        let event = event(event_type, changes);
        assert_eq!(event.active_members(), more, "{event:?}");
    }
}

#[test]
fn personal_details_are_taken_out_and_put_back() {
    let whole = event(EventType::MembershipAdded, json!({}));
    let mut rest = whole.clone();
    let details = PersonalDetails::take_from(&mut rest);
    assert_eq!(details.actor_name.as_deref(), Some("Ada"));
    assert_eq!(details.names["bob"], "Bob");
    assert_eq!(details.names.len(), 1);
    let text = serde_json::to_string(&rest).unwrap();
    for personal in ["Ada", "Bob", "192.0.2.1", "curl"] {
        assert!(!text.contains(personal), "{text}");
    }
    // The name of an organization is not personal.
    assert!(text.contains("Acme"), "{text}");
    details.put_into(&mut rest);
    assert_eq!(rest, whole);
}

#[test]
fn a_user_target_has_the_name_that_was_read_or_the_actors() {
    let actor = |actor_type| Actor {
        actor_type,
        id: "ada".to_owned(),
        name: Some("Ada".to_owned()),
    };
    let named = |user: &str, origin: &Origin| {
        let user = UserId::parse(user).unwrap();
        let membership = Membership::new(
            TenantId::parse("t").unwrap(),
            OrganizationId::parse("o").unwrap(),
            user,
            Role::Member,
            Status::Active,
            at(0),
        );
        let draft = EventDraft::membership(
            EventType::MembershipAdded,
            Transition::Created(&membership),
            Some(&"Acme".parse().unwrap()),
        );
        let event = draft.record(EventId::first_at(at(0)), at(0), origin);
        assert_eq!(event.targets[1].name.as_deref(), Some("Acme"));
        event.targets[0].name.clone()
    };
    for own in [ActorType::User, ActorType::TenantAdmin] {
        let origin = Origin::new(actor(own), EventContext::default());
        assert_eq!(named("ada", &origin).as_deref(), Some("Ada"));
        assert_eq!(named("bob", &origin), None);
    }
    let machine = Origin::new(actor(ActorType::Machine), EventContext::default());
    assert_eq!(named("ada", &machine), None);
    let read = machine.naming(&UserId::parse("ada").unwrap(), Some("Ada L."));
    assert_eq!(named("ada", &read).as_deref(), Some("Ada L."));
}

#[test]
fn a_change_shows_what_differs_and_hides_what_is_private() {
    let before = organization();
    let patch = OrganizationPatch {
        name: Some("Globex".parse().unwrap()),
        billing_email: Patch::Set("bills@acme.example".parse().unwrap()),
        ..OrganizationPatch::default()
    };
    let after = patch.apply(&before, at(1)).unwrap();
    let transition = Transition::Changed(&before, &after);
    let draft = EventDraft::organization(EventType::OrganizationUpdated, transition);
    let event = recorded(draft);
    let changes = serde_json::to_value(&event.changes).unwrap();
    let expected = json!({
        "name": {"from": "Acme", "to": "Globex"},
        "billing_email": {"changed": true},
    });
    assert_eq!(changes, expected);
    assert_eq!(event.resource_version, Some(2));
    // Empty and absent are the same.
    let cleared = OrganizationPatch {
        metadata: Patch::Set(object(json!({"a": null}))),
        ..OrganizationPatch::default()
    };
    let same = cleared.apply(&before, at(1)).unwrap();
    let transition = Transition::Changed(&before, &same);
    let same = recorded(EventDraft::organization(
        EventType::OrganizationUpdated,
        transition,
    ));
    assert!(same.changes.keys().all(|field| field == "metadata"));
    // All of it comes with a creation, and goes with a removal.
    let created = Transition::Created(&before);
    let created = recorded(EventDraft::organization(
        EventType::OrganizationCreated,
        created,
    ));
    let name = serde_json::to_value(&created.changes["name"]).unwrap();
    assert_eq!(name, json!({"from": null, "to": "Acme"}));
    let removed = Transition::Removed(&before);
    let purged = recorded(EventDraft::organization(
        EventType::OrganizationDeleted,
        removed,
    ));
    let name = serde_json::to_value(&purged.changes["name"]).unwrap();
    assert_eq!(name, json!({"from": "Acme", "to": null}));
}

#[test]
fn a_large_change_is_named_without_its_values() {
    let mut before = organization();
    let models = |count: usize| vec!["m".repeat(100); count];
    before.limits.models = models(1);
    let mut after = before.clone();
    after.limits.models = models(MAX_CHANGE_BYTES / 100);
    let transition = Transition::Changed(&before, &after);
    let draft = EventDraft::organization(EventType::OrganizationUpdated, transition);
    let change = serde_json::to_value(&recorded(draft).changes["limits"]).unwrap();
    assert_eq!(change, json!({"changed": true}));
}

#[test]
fn an_event_names_its_group_and_a_transfer_has_no_version() {
    let organization = organization();
    let bob = UserId::parse("bob").unwrap();
    let transfer = EventDraft::ownership_transferred(&organization, None, &bob);
    let group = GroupId::parse("g").unwrap();
    let event = recorded(transfer.because_of(group.clone()));
    assert_eq!(event.resource_version, None);
    assert_eq!(event.context.group_id, Some(group));
    for resource in [Resource::Organization, Resource::User, Resource::Team] {
        assert!(!targets_of(resource).is_empty());
    }
    let fields: Vec<_> = fields_of(Resource::Membership).collect();
    assert!(fields.contains(&"role") && !fields.contains(&"updated_at"));
    assert!(shows_value(Resource::Organization, "name"));
    assert!(!shows_value(Resource::Organization, "billing_email"));
    assert!(!shows_value(Resource::Organization, "updated_at"));
}

#[test]
fn a_change_is_small_by_the_sum_of_its_values() {
    let mut before = organization();
    before.limits.models = vec!["m".repeat(200)];
    let mut after = before.clone();
    after.limits.models = vec!["n".repeat(200)];
    let transition = Transition::Changed(&before, &after);
    let event = recorded(EventDraft::organization(
        EventType::OrganizationUpdated,
        transition,
    ));
    let change = &event.changes["limits"];
    assert!(matches!(change, FieldChange::Values { .. }), "{change:?}");
}

#[test]
fn a_team_that_moves_takes_its_memberships_along() {
    let before = team_membership(TeamRole::Member, Status::Active);
    let after = TeamMembership {
        organization_id: Some(OrganizationId::parse("o").unwrap()),
        ..before.clone()
    };
    let changes = |one: &TeamMembership, other: &TeamMembership| {
        let transition = Transition::Changed(one, other);
        let event_type = EventType::TeamMembershipAdded;
        recorded(EventDraft::team_membership(event_type, transition, None)).changes
    };
    let moved = serde_json::to_value(&changes(&before, &after)["organization_id"]).unwrap();
    assert_eq!(moved, json!({"from": null, "to": "o"}));
    assert!(!changes(&before, &before).contains_key("organization_id"));
}

#[test]
fn only_users_have_the_names_of_users() {
    let user = UserId::parse("o").unwrap();
    let membership = Membership::new(
        TenantId::parse("t").unwrap(),
        OrganizationId::parse("o").unwrap(),
        user.clone(),
        Role::Member,
        Status::Active,
        at(0),
    );
    let transition = Transition::Created(&membership);
    let draft = EventDraft::membership(EventType::MembershipAdded, transition, None);
    let origin = Origin::new(Actor::system(), EventContext::default()).naming(&user, Some("Olga"));
    let event = draft.record(EventId::first_at(at(0)), at(0), &origin);
    let names: Vec<_> = event.targets.iter().map(|it| it.name.as_deref()).collect();
    assert_eq!(names, [Some("Olga"), None]);
}
