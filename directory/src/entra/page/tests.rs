use proptest::prelude::*;

use super::*;

fn named(display_name: Option<&str>) -> String {
    let id = GroupId::parse("cdb555e3-b33e-4fd5-a427-17fadacbdfa7").unwrap();
    group_name(display_name, &id).to_string()
}

#[test]
fn group_without_display_name_is_named_by_id() {
    assert_eq!(named(Some(" Sales EMEA ")), "Sales EMEA");
    assert_eq!(named(Some("Sales\nEMEA")), "Sales EMEA");
    assert_eq!(named(Some(&"x".repeat(256))), "x".repeat(255));
    for nothing in [None, Some(""), Some(" \u{a0}"), Some("\0")] {
        assert_eq!(named(nothing), "cdb555e3-b33e-4fd5-a427-17fadacbdfa7");
    }
}

fn assigned(rows: &str) -> Result<Assigned, PageFault> {
    let page: Page<Assignment> = read(rows.as_bytes())?;
    let mut assignments = Assignments::default();
    for row in page.value {
        assignments.add(row)?;
    }
    Ok(assignments.finish(&BTreeMap::from([("r1".to_owned(), "Lead".to_owned())])))
}

#[test]
fn rows_of_one_group_combine_their_app_roles() {
    let read = assigned(
        r#"{"value": [
            {"principalType": "Group", "principalId": "g", "principalDisplayName": null, "appRoleId": "r1"},
            {"principalType": "Group", "principalId": "g", "principalDisplayName": "G", "appRoleId": "r2"},
            {"principalType": "User", "principalId": "u"},
            {"principalType": "ServicePrincipal"},
            {"principalType": "Group", "principalId": "a/b", "principalDisplayName": "odd"}]}"#,
    )
    .unwrap();
    let groups: Vec<_> = read.groups().collect();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].1.name.as_str(), "G");
    assert_eq!(groups[0].1.app_roles, BTreeSet::from(["Lead".to_owned()]));
    assert_eq!(read.unusable(), 1);
}

#[test]
fn rows_without_required_fields_are_refused() {
    for bad in [
        r#"{"value": [{"principalType": "Group"}]}"#,
        r#"{"value": [{"principalId": "g"}]}"#,
        r#"{"value": [{"principalType": "Group", "principalId": 5}]}"#,
        r#"{"value": null}"#,
        r#"{"value": {}}"#,
        r#"{"error": {"code": "x"}}"#,
        "{}",
        "[]",
        "",
        "<html></html>",
    ] {
        assert!(assigned(bad).is_err(), "{bad}");
    }
}

#[test]
fn count_must_match_number_of_rows() {
    let read = |pages: &[&str]| {
        let pages = pages.iter().map(|page| page.as_bytes());
        pages::groups_of_a_user(pages)
    };
    for good in [
        &[r#"{"value": []}"#][..],
        &[r#"{"@odata.count": 0, "value": []}"#],
        &[r#"{"@odata.count": 1, "value": [{"id": "a"}]}"#],
        // The same group twice counts as two rows.
        &[r#"{"@odata.count": 2, "value": [{"id": "a"}, {"id": "a"}]}"#],
        &[
            r#"{"@odata.count": 2, "value": [{"id": "a"}]}"#,
            r#"{"value": [{"id": "b"}]}"#,
        ],
        &[
            r#"{"value": [{"id": "a"}]}"#,
            r#"{"@odata.count": 2, "value": [{"id": "b"}]}"#,
        ],
    ] {
        assert!(read(good).is_ok(), "{good:?}");
    }
    for bad in [
        &[r#"{"@odata.count": 3, "value": []}"#][..],
        &[r#"{"@odata.count": 3, "value": [{"id": "a"}]}"#],
        &[r#"{"@odata.count": 0, "value": [{"id": "a"}]}"#],
        &[r#"{"@odata.count": "1", "value": [{"id": "a"}]}"#],
        &[r#"{"@odata.count": null, "value": [{"id": "a"}]}"#],
        &[r#"{"@odata.count": -1, "value": [{"id": "a"}]}"#],
        &[r#"{"@odata.count": 1.5, "value": [{"id": "a"}]}"#],
        &[
            r#"{"value": [{"id": "a"}]}"#,
            r#"{"@odata.count": 3, "value": [{"id": "b"}]}"#,
        ],
        &[
            r#"{"@odata.count": 1, "value": [{"id": "a"}]}"#,
            r#"{"@odata.count": 2, "value": [{"id": "b"}]}"#,
        ],
    ] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
    let count = r#"{"@odata.count": 2, "value": [{"principalType": "Group", "principalId": "g"}]}"#;
    assert!(pages::assigned_groups([count.as_bytes()], None).is_err());
}

#[test]
fn rows_other_than_groups_are_ignored() {
    let page: Page<Container> = read(
        br##"{"value": [
            {"id": "a"}, {"id": "a"}, {"@odata.type": "#microsoft.graph.group", "id": "b"},
            {"@odata.type": "#microsoft.graph.directoryRole", "id": "c"},
            {"@odata.type": "#microsoft.graph.administrativeUnit", "id": "d"}, {"id": "#"}]}"##,
    )
    .unwrap();
    let mut containers = Containers::default();
    page.value.into_iter().for_each(|row| containers.add(row));
    let ids: Vec<&str> = containers.groups.iter().map(GroupId::as_str).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn disabled_app_role_is_ignored() {
    let application: ServicePrincipal = read(
        br#"{"appRoles": [{"id": "1", "value": "a"}, {"id": "2", "value": "b", "isEnabled": false},
                          {"id": "3", "value": null}, {"id": "4", "value": ""}]}"#,
    )
    .unwrap();
    let values: Vec<String> = application.role_values().into_values().collect();
    assert_eq!(values, ["a"]);
}

proptest! {
    #[test]
    fn no_body_breaks_the_reader(body in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,100}") {
        let _ = read::<Page<Assignment>>(&body);
        let _ = read::<Page<Container>>(text.as_bytes());
        let _ = error_code(&body);
        let row = format!(r#"{{"value": [{{"principalType": "Group", "principalId": {0}, "principalDisplayName": {0}}}]}}"#,
            serde_json::Value::from(text.as_str()));
        let _ = assigned(&row).unwrap();
    }
}
