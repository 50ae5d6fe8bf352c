//! The names that organizations and teams get from groups.

use super::*;

#[test]
fn second_group_with_same_name_gets_id_suffix() {
    let groups = [("11111111-a", "Sales"), ("22222222-b", "SALES")];
    let reading = reading_of(&groups, &[]);
    let plan = empty().plan(&reading, Provisioned::Unknown, &with_organizations());
    assert!(said(&plan).contains(&"make organization 22222222-b: SALES (22222222)".to_owned()));
    let table = empty().synced(&reading, &with_organizations());
    let names: Vec<&str> = table
        .organizations
        .values()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["Sales", "SALES (22222222)"]);
}

#[test]
fn renamed_group_does_not_override_manual_names() {
    let rules = DirectorySettings {
        refresh_names: true,
        ..with_organizations()
    };
    let table = empty().synced(&reading_of(&[("g1", "Sales"), ("g2", "Ops")], &[]), &rules);
    let mut by_hand = table.clone();
    let organization = id("g1").organization_id();
    by_hand.organizations.get_mut(&organization).unwrap().name = "Mine".parse().unwrap();
    by_hand.teams.clear();

    let renamed = reading_of(&[("g1", "Vertrieb"), ("g2", "Ops")], &[]);
    let plan = table.plan(&renamed, Provisioned::Unknown, &rules);
    assert_eq!(said(&plan), ["rename to Vertrieb", "rename to Vertrieb"]);
    let plan = by_hand.plan(&renamed, Provisioned::Unknown, &rules);
    assert_eq!(said(&plan), ["make org team g1", "make org team g2"]);
}

#[test]
fn suffix_is_removed_when_name_is_free() {
    let rules = DirectorySettings {
        refresh_names: true,
        ..with_organizations()
    };
    let groups = [("11111111-a", "Sales"), ("22222222-b", "Sales")];
    let table = empty().synced(&reading_of(&groups, &[]), &rules);
    let renamed = [("11111111-a", "Ops"), ("22222222-b", "Sales")];
    let after = table.synced(&reading_of(&renamed, &[]), &rules);
    let names: Vec<&str> = after
        .organizations
        .values()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["Ops", "Sales"]);
}
