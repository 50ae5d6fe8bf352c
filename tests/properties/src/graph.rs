//! The responses of Graph.

use muster::domain::MAX_NAME_LENGTH;
use muster_directory::pages;
use reqwest::Url;

use crate::Property;

pub(crate) const PROPERTY: Property = Property {
    name: "graph",
    check,
    seeds: &[
        br#"{"value":[{"principalType":"Group","principalId":"g1","principalDisplayName":"Sales EMEA","appRoleId":"r1"},{"principalType":"User"}],"@odata.nextLink":"https://graph.example/v1.0/x?$skiptoken=1"}"#,
        br##"{"value":[{"@odata.type":"#microsoft.graph.group","id":"g1"},{"@odata.type":"#microsoft.graph.directoryRole","id":"d"},{"id":"g2"}]}"##,
        br#"{"appRoles":[{"id":"r1","value":"Lead","isEnabled":true},{"id":"r2","value":null}]}"#,
        br#"{"error":{"code":"Authorization_RequestDenied","message":"m"}}"#,
        b"https://graph.example/v1.0/x?$skiptoken=2",
    ],
};

const GRAPH: &str = "https://graph.example/v1.0";

fn check(data: &[u8]) {
    let mut pages = data.split(|byte| *byte == 0xff);
    let app_roles = pages.clone().next_back();
    let assigned = pages::assigned_groups(pages.clone(), app_roles);
    if let Ok(assigned) = assigned {
        let groups = assigned.groups().count();
        assert!(groups + assigned.unusable() <= data.len());
        for (_, group) in assigned.groups() {
            let length = group.name.as_str().chars().count();
            assert!((1..=MAX_NAME_LENGTH).contains(&length));
            assert_eq!(group.name.as_str().parse().as_ref(), Ok(&group.name));
        }
        // Reading the same pages twice gives the same result.
        let twice = pages::assigned_groups(pages.clone().chain(pages.clone()), app_roles);
        let twice = twice.unwrap();
        assert!(twice.groups().eq(assigned.groups()));
    }
    if let Ok(groups) = pages::groups_of_a_user(pages.clone()) {
        assert!(groups.len() <= data.len());
        let twice = pages::groups_of_a_user(pages.clone().chain(pages.clone()));
        assert_eq!(twice.as_ref(), Ok(&groups));
    }
    if let Some(code) = pages::error_code(data) {
        assert!(code.len() <= data.len());
    }
    if let Some(link) = pages.next().and_then(|link| std::str::from_utf8(link).ok()) {
        let graph = Url::parse(GRAPH).unwrap();
        if let Ok(next) = pages::next_link(link, &graph) {
            // The token is sent to this link.
            assert_eq!(next.origin(), graph.origin());
            assert!(next.username().is_empty() && next.password().is_none());
            assert_eq!(pages::next_link(next.as_str(), &graph).as_ref(), Ok(&next));
        }
    }
}
