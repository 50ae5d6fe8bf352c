//! Compares the functions with their binaries and routes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::{branches, each, names, of_type, read, resource};

/// One `AWS::Serverless::Function`.
pub(crate) struct FunctionBlock {
    pub(crate) resource: String,
    pub(crate) binary: String,
    pub(crate) routes: Vec<String>,
    /// Whether its routes are called without a token.
    pub(crate) is_public: bool,
    pub(crate) properties: Value,
}

impl FunctionBlock {
    /// The statements of its policies, of both branches of each condition.
    pub(crate) fn statements(&self) -> Vec<&Value> {
        let policies = each(&self.properties["Policies"]);
        assert!(!policies.is_empty(), "{} has no policy", self.resource);
        let policies = policies.into_iter().flat_map(branches);
        policies
            .flat_map(|policy| {
                // Inline: neither a managed policy nor a policy template.
                let statements = each(&policy["Statement"]);
                assert!(!statements.is_empty(), "{}: {policy}", self.resource);
                statements.into_iter().flat_map(branches)
            })
            .collect()
    }
}

pub(crate) fn functions() -> Vec<FunctionBlock> {
    let functions = of_type("AWS::Serverless::Function").into_iter();
    functions
        .map(|(resource, definition)| {
            let properties = definition["Properties"].clone();
            let events = properties["Events"].as_object().into_iter().flatten();
            let routes = events.filter_map(|(_, event)| {
                if event["Type"] == "Schedule" {
                    return None;
                }
                assert_eq!(event["Type"], "HttpApi", "{resource}");
                let event = &event["Properties"];
                let text = |name: &str| event[name].as_str().unwrap();
                Some(format!("{} {}", text("Method"), text("Path")))
            });
            let mut events = properties["Events"].as_object().into_iter().flatten();
            let is_public =
                events.any(|(_, event)| event["Properties"]["Auth"]["Authorizer"] == "NONE");
            let binary = definition["Metadata"]["BuildProperties"]["Binary"].as_str();
            FunctionBlock {
                binary: binary
                    .unwrap_or_else(|| panic!("{resource} has no Binary"))
                    .to_owned(),
                routes: routes.collect(),
                is_public,
                properties,
                resource,
            }
        })
        .collect()
}

fn pascal_case(binary: &str) -> String {
    let words = binary.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect()
}

#[test]
fn functions_and_binaries_match() {
    let mut resources = BTreeMap::new();
    for function in functions() {
        assert_eq!(function.resource, pascal_case(&function.binary));
        let other = resources.insert(function.binary, function.resource);
        assert_eq!(other, None, "two resources with one binary");
    }
    let binaries = names("functions/src/bin", ".rs");
    assert_eq!(resources.into_keys().collect::<BTreeSet<_>>(), binaries);
}

/// Whether a route is one of SCIM, which has discovery documents of its own.
fn is_of_scim(route: &str) -> bool {
    route.starts_with("ANY /scim/v2/")
}

/// Every other route requires a token.
#[test]
fn only_the_preview_of_an_invitation_is_public() {
    let public = functions()
        .into_iter()
        .filter(|function| function.is_public);
    let routes: Vec<_> = public.flat_map(|function| function.routes).collect();
    // Those of SCIM take the token of a directory.
    let (of_scim, routes): (Vec<_>, Vec<_>) = routes
        .into_iter()
        .partition(|route: &String| is_of_scim(route));
    assert_eq!(of_scim.len(), 5);
    assert_eq!(routes, ["GET /invitations/{token}"]);
    let settings = &resource("HttpApi")["Properties"]["RouteSettings"];
    let throttled = settings.as_object().unwrap().keys();
    assert_eq!(throttled.collect::<Vec<_>>(), ["GET /invitations/{token}"]);
}

#[test]
fn the_openapi_document_has_exactly_the_routes() {
    let document = read("docs/openapi.json");
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if method != "parameters" {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let routed = functions().into_iter().flat_map(|it| it.routes);
    let routed: Vec<_> = routed.filter(|route| !is_of_scim(route)).collect();
    let once: BTreeSet<_> = routed.iter().cloned().collect();
    assert_eq!(once.len(), routed.len(), "a route with two functions");
    assert_eq!(described, once);
}

/// Fault injection and the DynamoDB emulator are in the tests and the local stack. No function
/// links them.
#[test]
fn functions_do_not_link_test_code() {
    let packages = |package: &str| {
        let tree = std::process::Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--edges", "normal", "--prefix", "none"])
            .args(["--package", package, "--format", "{lib}"])
            .output()
            .unwrap();
        let stdout = String::from_utf8(tree.stdout).unwrap();
        stdout.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let of_functions = packages("muster-functions");
    assert!(of_functions.contains("muster"), "{of_functions:?}");
    for other in ["muster-tests", "muster-local"] {
        assert!(packages(other).contains("muster_functions"), "{other}");
    }
    for foreign in [
        "support",
        "muster_local",
        "muster_model",
        "dynoxide",
        "stateright",
        "axum",
    ] {
        assert!(
            !of_functions.contains(foreign),
            "{foreign} in {of_functions:?}"
        );
    }
}
