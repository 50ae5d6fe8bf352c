//! Tests of responses: attributes, errors and discovery documents.

use muster_scim::*;
use serde_json::json;

use super::{ENTERPRISE, shown, user};

/// 10: A conflict is 409 with `uniqueness`, and its status is a string.
#[test]
fn case_10_a_conflict_has_scim_type_uniqueness() {
    let error = Error::of(ScimType::Uniqueness, "userName is taken.").to_json();
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "409", "scimType": "uniqueness", "detail": "userName is taken.",
    });
    assert_eq!(error, expected);
}

/// 19: Errors are JSON with the error schema. That the service sends them so is a story.
#[test]
fn case_19_errors_have_the_error_schema() {
    let error = Error::status(401, "No token.").to_json();
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:Error"]);
    assert_eq!(
        error,
        json!({"schemas": schemas, "status": "401", "detail": "No token."})
    );
}

/// 20: Responses have the media type of SCIM. What is accepted is a story of the service.
#[test]
fn case_20_the_media_type_is_that_of_scim() {
    assert_eq!(MEDIA_TYPE, "application/scim+json");
}

#[test]
fn discovery_documents_can_be_read_by_id() {
    let base = "https://x.test/scim/v2/1";
    let discovery = Discovery { base };
    assert_eq!(discovery.schemas()["totalResults"], 3);
    let department = discovery.schema(ENTERPRISE).unwrap();
    assert_eq!(department["attributes"][4]["name"], "department");
    assert!(discovery.schema("urn:x").is_none() && discovery.resource_type("Bot").is_none());
    assert_eq!(
        discovery.resource_type("User").unwrap()["endpoint"],
        "/Users"
    );
    assert_eq!(
        discovery.service_provider_config()["bulk"]["supported"],
        false
    );
    assert_eq!(discovery.resource_types()["Resources"][1]["name"], "Group");
}

#[test]
fn responses_have_what_is_asked_for() {
    let user = user(json!({
        "name": {"givenName": "J", "familyName": "D"}, "emails": [{"type": "work", "value": "a"}],
        ENTERPRISE: {"department": "R&D", "division": "X"},
    }));
    let whole = shown(&user, None, None);
    assert_eq!(
        whole["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE])
    );
    assert_eq!(whole["meta"]["version"], "W/\"7\"");
    let department = format!("NAME.givenname,emails.value,{ENTERPRISE}:department");
    let some = shown(&user, Some(&department), None);
    let expected = json!({
        "id": "1", "schemas": whole["schemas"], "name": {"givenName": "J"},
        "emails": [{"value": "a"}], ENTERPRISE: {"department": "R&D"},
    });
    assert_eq!(some, expected);
    let without = shown(&user, None, Some("id,name.familyName,meta,emails"));
    assert_eq!(
        (&without["id"], &without["name"]),
        (&json!("1"), &json!({"givenName": "J"}))
    );
    assert!(without.get("meta").is_none() && without.get("emails").is_none());
    let wants = |attributes, excluded| {
        Projection::parse(attributes, excluded)
            .unwrap()
            .wants(ScimResource::Group, "members")
    };
    assert!(wants(None, None) && wants(Some("members.value"), None));
    assert!(!wants(None, Some("Members")) && !wants(Some("displayName"), None));
}
