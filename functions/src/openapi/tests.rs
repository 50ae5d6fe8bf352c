use muster::http::Code;
use strum::VariantArray as _;

use super::*;

/// The document of all endpoints.
fn document() -> Value {
    crate::openapi_document()
}

/// All values of the document, each with its position.
fn each(value: &Value, place: &str, look: &mut impl FnMut(&str, &Value)) {
    look(place, value);
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                each(inner, &format!("{place}/{name}"), look);
            }
        }
        Value::Array(items) => {
            for (n, inner) in items.iter().enumerate() {
                each(inner, &format!("{place}/{n}"), look);
            }
        }
        _ => {}
    }
}

#[test]
fn texts_contain_no_rust_syntax() {
    each(&document(), "", &mut |place, value| {
        let Some(text) = value.as_str() else {
            return;
        };
        for odd in ["::", "[`", "`None`", "`Some", "our users"] {
            assert!(!text.contains(odd), "{odd} at {place}: {text}");
        }
    });
}

/// A route whose resource is not declared is found here.
#[test]
fn every_operation_has_a_declared_tag() {
    let document = document();
    let declared = document["tags"].as_array().unwrap();
    let declared: Vec<_> = declared.iter().map(|tag| &tag["name"]).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(tags) = operation.get("tags") else {
                continue;
            };
            for tag in tags.as_array().unwrap() {
                assert!(declared.contains(&tag), "{method} {path}: {tag}");
            }
        }
    }
}

/// `Get a team`: a verb first, and all unique.
#[test]
fn every_operation_has_a_summary_of_its_own() {
    const VERBS: [&str; 23] = [
        "Accept", "Add", "Create", "Decline", "Delete", "Disable", "Erase", "Get", "List",
        "Preview", "Register", "Remove", "Resend", "Restore", "Replay", "Retry", "Revoke",
        "Rotate", "Sync", "Test", "Transfer", "Update", "Verify",
    ];

    let mut seen = std::collections::BTreeSet::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(summary) = operation["summary"].as_str() else {
                continue;
            };
            let what = format!("{method} {path}: {summary:?}");
            let verb = summary.split(' ').next().unwrap_or_default();
            assert!(VERBS.contains(&verb), "{what} begins with a verb");
            assert!(summary.len() <= 60, "{what} has at most 60 characters");
            assert!(!summary.ends_with('.'), "{what} is no sentence");
            assert!(seen.insert(summary.to_owned()), "{what} is unique");
            let description = operation["description"].as_str().unwrap();
            let description = description.replace('\n', " ");
            assert!(
                description.contains("Requires "),
                "{what} says who may call it"
            );
            let is_versioned = operation["responses"].get("412").is_some();
            assert!(
                !is_versioned || description.contains("412 `version-mismatch`"),
                "{what} says when the version differs"
            );
        }
    }
    assert!(seen.len() > 25, "{} operations", seen.len());
}

#[test]
fn every_event_type_has_a_schema() {
    use muster::domain::EventType;

    let document = document();
    let schemas = &document["components"]["schemas"];
    let any = &schemas["TypedEvent"];
    assert_eq!(
        any["oneOf"].as_array().unwrap().len(),
        EventType::VARIANTS.len()
    );
    for event_type in EventType::VARIANTS {
        let place = any["discriminator"]["mapping"][event_type.as_str()].as_str();
        let schema = document.pointer(place.unwrap().trim_start_matches('#'));
        let properties = &schema.unwrap()["properties"];
        assert_eq!(properties["type"]["const"], event_type.as_str());
        let changes = format!("{:?}Changes", event_type.resource());
        let place = properties["changes"]["$ref"].as_str().unwrap();
        assert_eq!(place, format!("#/components/schemas/{changes}"));
        assert_eq!(schemas[&changes]["additionalProperties"], false);
        let fields = schemas[&changes]["properties"].as_object().unwrap();
        assert!(!fields.is_empty(), "{event_type}");
    }
    // A field whose values events show, and one whose values they hide.
    let fields = &schemas["OrganizationChanges"]["properties"];
    assert!(fields["name"].to_string().contains("\"from\""));
    assert!(!fields["billing_email"].to_string().contains("\"from\""));
    assert_eq!(schemas["MembershipChanges"]["properties"].get("name"), None);
}

#[test]
fn every_code_is_documented() {
    let document = document();
    let responses = document["components"]["responses"].as_object().unwrap();
    for code in Code::VARIANTS {
        let is_there = |name: &String| name.split('.').any(|one| one == code.as_str());
        assert!(responses.keys().any(is_there), "{}", code.as_str());
    }
}

#[test]
fn standalone_teams_document_nothing_of_organizations() {
    let document = document();
    for (path, in_organization) in [
        ("/organizations/{organization_id}/teams", true),
        ("/teams", false),
    ] {
        let operation = &document["paths"][path]["post"];
        for part in ["requestBody", "responses"] {
            let text = operation[part].to_string();
            let of_organization = ["name-taken", "all-org-models"];
            assert_eq!(
                of_organization.iter().any(|word| text.contains(word)),
                in_organization,
                "{part} of {path}: {text}"
            );
        }
    }
}

/// A validator of the schema at this position of the document.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut schema = schema.clone();
    schema["components"] = json!({"schemas": document["components"]["schemas"]});
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = document();
    let mut seen = 0;
    each(&document, "", &mut |place, value| {
        let (Some(schema), Some(object)) = (value.get("schema"), value.as_object()) else {
            return;
        };
        let several = object.get("examples").and_then(Value::as_object);
        let several = several.into_iter().flatten().map(|(_, example)| {
            let reference = example["$ref"].as_str().unwrap().trim_start_matches('#');
            document.pointer(reference).unwrap().get("value").unwrap()
        });
        for example in several.chain(object.get("example")) {
            let wrong: Vec<_> = validator(&document, schema)
                .iter_errors(example)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{place}: {wrong:?}");
            seen += 1;
        }
    });
    assert!(seen > 100, "{seen}");
}

#[test]
fn parsers_accept_what_the_schema_allows() {
    use muster::domain::{BillingAddress, BudgetDuration, Description, Domain, Name, UserId};
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    let document = document();
    let schema = |name: &str| validator(&document, &document["components"]["schemas"][name]);
    let (user_id, name) = (schema("UserId"), schema("Name"));
    let (domain, given_domain) = (schema("Domain"), schema("DomainInput"));
    let (duration, address) = (schema("BudgetDuration"), schema("BillingAddress"));
    let description = schema("Description");
    let texts = prop_oneof![
        "\\PC{0,12}",
        "[ \\t\\n\\x00a\u{85}\u{a0}Z]{0,6}",
        "[a-zA-Z0-9._@+:|=#/ -]{0,140}",
        "([a-zA-Z0-9-]{0,5}[.]){0,4}[a-z0-9-]{0,5}",
        "([a-zäßÜφЖ漢0-9-]{1,5}[.]){1,3}[a-zéω字]{1,5}",
        "[0-9]{0,12}[smhdo]{0,3}",
        "[ \\n]{0,3}x{250,260}[ \\n]{0,3}",
        "[ \\n]{0,3}x{1998,2002}",
    ];
    TestRunner::default()
        .run(&texts, |text| {
            let json = json!(text);
            prop_assert_eq!(user_id.is_valid(&json), text.parse::<UserId>().is_ok());
            prop_assert_eq!(
                duration.is_valid(&json),
                text.parse::<BudgetDuration>().is_ok()
            );
            prop_assert_eq!(
                address.is_valid(&json),
                text.parse::<BillingAddress>().is_ok()
            );
            prop_assert_eq!(
                description.is_valid(&json),
                text.parse::<Description>().is_ok()
            );
            // A regular expression cannot require that a name has visible characters.
            if !name.is_valid(&json) {
                prop_assert!(text.parse::<Name>().is_err(), "{:?}", text);
            } else if text.contains(|c: char| c.is_ascii_graphic()) {
                prop_assert!(text.parse::<Name>().is_ok(), "{:?}", text);
            }
            let parsed = text.parse::<Domain>();
            // Nor can it check the Unicode of domains, or labels that start with `xn--`.
            if text.is_ascii() && text.trim() == text && !text.contains("xn--") {
                prop_assert_eq!(given_domain.is_valid(&json), parsed.is_ok(), "{:?}", text);
            }
            if let Ok(parsed) = parsed {
                prop_assert!(domain.is_valid(&json!(parsed.as_str())), "{:?}", text);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn domains_of_all_scripts_are_as_the_schema_says() {
    let document = document();
    let schema = |name: &str| validator(&document, &document["components"]["schemas"][name]);
    let (stored, given) = (schema("Domain"), schema("DomainInput"));
    for text in [
        "acme.example",
        "ACME.Example",
        "xn--bcher-kva.example",
        "bücher.example",
        "BÜCHER.example",
        "donaudampfschifffahrtsgesellschaftskapitän.example",
        "例え.jp",
        "例え。jp",
        "ตัวอย่าง.ไทย",
        "예시.한국",
        "مثال.إختبار",
        "उदाहरण.भारत",
        "παράδειγμα.ελ",
        "испытание.рф",
    ] {
        assert!(given.is_valid(&json!(text)), "{text}");
        assert_eq!(stored.is_valid(&json!(text)), text.is_ascii(), "{text}");
        let domain = text.parse::<muster::domain::Domain>().unwrap();
        assert!(stored.is_valid(&json!(domain.as_str())), "{domain}");
    }
    for text in [
        "acme",
        "127.0.0.1",
        "a..b",
        "-a.b",
        "acme.1x",
        "bücher",
        "ü..b",
    ] {
        assert!(!given.is_valid(&json!(text)), "{text}");
        assert!(text.parse::<muster::domain::Domain>().is_err(), "{text}");
    }
}
