//! Directories: maps and filters of groups, domains, invitations, and SCIM members.

use super::*;

fn value(value: Value) -> Json {
    serde_json::from_value::<JsonObject>(json!({ "value": value }))
        .unwrap()
        .remove("value")
        .unwrap()
}

#[test]
fn group_maps_and_ids_have_exact_limits() {
    let group = |n: usize| format!("group-{n}");
    let many = |count: usize| -> serde_json::Map<String, Value> {
        let entry = |n| (group(n), json!({"organization_id": "o", "role": "admin"}));
        (0..count).map(entry).collect()
    };
    let patch = |count| GroupMapPatch::from_json(&value(Value::Object(many(count))));
    let map = patch(MAX_MAP_ENTRIES)
        .unwrap()
        .apply(&GroupMap::default())
        .unwrap();
    assert!(!map.is_empty() && GroupMap::default().is_empty());
    assert!(patch(MAX_MAP_ENTRIES + 1).is_err());
    // `null` removes an entry.
    let removal = GroupMapPatch::from_json(&value(json!({"group-0": null}))).unwrap();
    let without = removal.apply(&map).unwrap();
    let first = GroupId::parse("group-0").unwrap();
    assert!(map.get(&first).is_some() && without.get(&first).is_none());
    assert!(GroupMapPatch::from_json(&value(json!([]))).is_err());
    let ids = |count: usize| GroupIds::try_from((0..count).map(group).collect::<Vec<_>>());
    let most = ids(MAX_GROUP_IDS).unwrap();
    assert!(ids(MAX_GROUP_IDS + 1).is_err());
    assert!(!most.is_empty() && GroupIds::default().is_empty());
    assert!(most.contains(&first));
    assert!(!most.contains(&GroupId::parse("other").unwrap()));
    assert_eq!(most.iter().count(), MAX_GROUP_IDS);
}

#[test]
fn filters_differ_by_their_text() {
    let filter =
        |text: &str| -> GroupFilter { serde_json::from_value(json!({"prefix": text})).unwrap() };
    assert_eq!(filter("App-"), filter("App-"));
    assert_ne!(filter("App-"), filter("Dev-"));
}

#[test]
fn a_domain_changes_field_by_field() {
    let domain = OrganizationDomain {
        tenant_id: TenantId::parse("acme").unwrap(),
        organization_id: OrganizationId::parse("o1").unwrap(),
        domain: "acme.example".parse().unwrap(),
        status: DomainStatus::Verified,
        token: DomainToken::from_bytes(&[7; 20]),
        auto_join: true,
        auto_join_role: Role::Member,
        verified_at: Some(at(1)),
        last_checked_at: Some(at(1)),
        failure: None,
        misses: 2,
        version: 4,
        created_by: UserId::parse("ada").unwrap(),
        created_at: at(0),
        updated_at: at(1),
    };
    let patch = DomainPatch {
        auto_join: None,
        auto_join_role: Some(Role::Readonly),
    };
    let changed = OrganizationDomain {
        auto_join_role: Role::Readonly,
        version: 5,
        updated_at: at(7),
        ..domain.clone()
    };
    assert_eq!(patch.apply(&domain, at(7)), changed);
    let failed = OrganizationDomain {
        status: DomainStatus::Failed,
        auto_join: false,
        verified_at: None,
        misses: 0,
        version: 5,
        updated_at: at(8),
        ..domain.clone()
    };
    assert_eq!(domain.ended(at(8)), failed);
    let found = domain.after_verification(&DomainCheck::Found, at(9));
    assert_eq!((found.last_checked_at, found.misses), (Some(at(9)), 0));
    // Three values are shown, and more are hinted at.
    let failure = |count: usize| {
        let records = (0..count).map(|n| format!("v{n}")).collect();
        let checked = domain.after_recheck(&DomainCheck::Missing(records), at(9));
        checked.failure.unwrap()
    };
    assert!(failure(3).ends_with("\"v2\"."), "{}", failure(3));
    assert!(failure(4).ends_with("\"v2\", …."), "{}", failure(4));
    let join = AutoJoin {
        tenant_id: domain.tenant_id.clone(),
        organization_id: domain.organization_id.clone(),
        domain: domain.domain.clone(),
        role: Role::Member,
    };
    let joined = join.membership(&UserId::parse("bob").unwrap(), at(3));
    assert_eq!(
        (joined.source, joined.status),
        (Source::Domain, Status::Active)
    );
}

#[test]
fn a_scim_member_is_a_user_or_a_group() {
    let id = ScimUserId::parse("u1").unwrap();
    let user = ScimMember::User(id.clone());
    assert_eq!((user.id(), user.user()), ("u1", Some(&id)));
    let group = ScimMember::Group(GroupId::parse("g1").unwrap());
    assert_eq!((group.id(), group.user()), ("g1", None));
}

#[test]
fn the_limits_of_a_team_are_those_of_both() {
    let team = Team::new(
        TeamId::parse("m").unwrap(),
        (
            TenantId::parse("t").unwrap(),
            Some(OrganizationId::parse("o").unwrap()),
        ),
        "Rockets".parse().unwrap(),
        UserId::parse("ada").unwrap(),
        at(0),
    );
    let mut organization = Organization::new(
        OrganizationId::parse("o").unwrap(),
        TenantId::parse("t").unwrap(),
        "Acme".parse().unwrap(),
        UserId::parse("ada").unwrap(),
        at(0),
    );
    organization.limits.models = vec!["large".to_owned()];
    organization.limits.rpm_limit = Some(7);
    assert_eq!(team.effective_models(Some(&organization)), ["large"]);
    assert_eq!(
        team.effective_limits(Some(&organization)).rpm_limit,
        Some(7)
    );
}
