//! Imports point down only: what each layer may import is in [`LAYERS`]. Within a folder, modules do not import each other
//! in a circle: see `circles.rs`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test reports by panicking"
)]

mod circles;
mod imports;

use std::fs;
use std::path::Path;

use imports::{absolute, code, paths, sources};

/// Each layer, and the modules and crates that it may import beside itself. The first layer whose folder or file
/// has the source decides.
const LAYERS: [(&str, &[&str]); 21] = [
    ("domain/src", &["muster_domain"]),
    ("shared/src/config", &["muster::domain"]),
    ("shared/src/aws", &["muster::config", "aws_sdk_dynamodb"]),
    ("shared/src/outbound", &["muster::domain"]),
    (
        "shared/src/telemetry",
        &["muster::domain", "muster::config"],
    ),
    // A kit that knows nothing of organizations.
    (
        "shared/src/store/table",
        &["muster::aws", "muster::config", "aws_sdk_dynamodb"],
    ),
    // The shape of the items, without the operations on them. The SDK is imported for the types of attributes.
    (
        "shared/src/store/rows",
        &[
            "muster::domain",
            "muster::store::table",
            "muster::store::keys",
            "muster::store::Error",
            "muster::store::Refusal",
            "muster::store::in_version",
            "aws_sdk_dynamodb",
        ],
    ),
    (
        "shared/src/store",
        &["muster::domain", "muster::store::table", "aws_sdk_dynamodb"],
    ),
    ("shared/src/http", &["muster::domain", "muster::json"]),
    // The only module that knows both the store and the HTTP contract.
    (
        "shared/src/refusals",
        &[
            "muster::domain",
            "muster::http",
            "muster::json",
            "muster::store",
        ],
    ),
    (
        "directory/src/plan",
        &[
            "muster::domain",
            "muster::store",
            "muster_directory::snapshot",
            "muster_directory::rules",
        ],
    ),
    ("directory/src/rules", &["muster::domain", "muster::json"]),
    (
        "directory/src/snapshot",
        &["muster::domain", "muster_directory::rules"],
    ),
    (
        "directory/src/entra",
        &[
            "muster::config",
            "muster::domain",
            "muster::outbound",
            "muster_directory::rules",
            "muster_directory::snapshot",
        ],
    ),
    (
        "directory/src/apply",
        &[
            "muster::domain",
            "muster::store",
            "muster_directory::entra",
            "muster_directory::plan",
            "muster_directory::snapshot",
        ],
    ),
    (
        "directory/src",
        &[
            "muster::config",
            "muster::domain",
            "muster::store",
            "muster::telemetry",
            "muster_directory",
        ],
    ),
    (
        "delivery/src/webhook",
        &[
            "muster::config",
            "muster::domain",
            "muster::outbound",
            "muster_delivery::queue",
        ],
    ),
    (
        "delivery/src",
        &[
            "muster::aws",
            "muster::config",
            "muster::domain",
            "muster::store",
            "muster_delivery",
            "aws_sdk_eventbridge",
            "aws_sdk_sesv2",
            "aws_sdk_sqs",
        ],
    ),
    (
        "dns/src",
        &["muster::config", "muster::domain", "muster_dns"],
    ),
    // A protocol that knows nothing of this service.
    ("scim/src", &["muster_scim"]),
    (
        "functions/src",
        &[
            "muster::config",
            "muster::domain",
            "muster::from_fields",
            "muster::http",
            "muster::json",
            "muster::store",
            "muster::telemetry",
            "muster_delivery",
            "muster_directory",
            "muster_dns",
            "muster_functions",
            "muster_scim",
        ],
    ),
];

/// Types of the table and of its SDK, which only the store knows.
const OF_THE_TABLE: [&str; 4] = ["AttributeValue", "Item", "ItemChange", "Key"];

/// Crates that belong to a layer. All others may be imported anywhere.
const OWN: [&str; 11] = [
    "muster",
    "muster_delivery",
    "muster_directory",
    "muster_dns",
    "muster_domain",
    "muster_functions",
    "muster_scim",
    "aws_sdk_dynamodb",
    "aws_sdk_eventbridge",
    "aws_sdk_sesv2",
    "aws_sdk_sqs",
];

/// The crate and the modules of a source file: `muster::store::keys`.
fn module(path: &str) -> String {
    let (package, inside) = path.split_once("/src/").unwrap();
    let root = match package {
        "domain" => "muster_domain",
        "shared" => "muster",
        "directory" => "muster_directory",
        "delivery" => "muster_delivery",
        "dns" => "muster_dns",
        "scim" => "muster_scim",
        _ => "muster_functions",
    };
    let inside = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    if inside == "lib" {
        return root.to_owned();
    }
    format!("{root}::{}", inside.replace('/', "::"))
}

fn is_in(path: &str, module: &str) -> bool {
    path == module || path.starts_with(&format!("{module}::"))
}

/// The imports of a source that its layer does not allow.
fn violations(path: &str, source: &str) -> Vec<String> {
    let layer = LAYERS.iter().find(|(folder, _)| {
        path.strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with(['/', '.']))
    });
    let (folder, allowed) = layer.expect("every source has a layer");
    let own = module(&format!("{folder}/mod.rs"));
    let module = module(path);
    let imported = paths(&code(source)).into_iter();
    let imported = imported.map(|import| absolute(&import, &module));
    let upward = imported.filter(|import| {
        let allowed = allowed.iter().copied().chain([own.as_str()]);
        !allowed.into_iter().any(|allowed| is_in(import, allowed))
    });
    upward
        .map(|import| format!("{path} imports {import}"))
        .collect()
}

#[test]
fn imports_point_down_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for package in [
        "domain",
        "shared",
        "directory",
        "delivery",
        "dns",
        "scim",
        "functions",
    ] {
        sources(&root.join(package).join("src"), &mut found);
    }
    found.retain(|path| !path.ends_with("lib.rs"));
    assert!(found.len() > 100, "the sources are found");
    let mut upward = Vec::new();
    for path in found {
        let source = fs::read_to_string(&path).unwrap();
        let path = path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        upward.extend(violations(&path, &source));
    }
    assert!(upward.is_empty(), "{}", upward.join("\n"));
}

/// The public functions of a source that take or return a type of the table.
fn leaks(path: &str, source: &str) -> Vec<String> {
    let code = code(source);
    let mut leaks = Vec::new();
    for start in ["pub fn ", "pub async fn ", "pub const fn "] {
        for (at, _) in code.match_indices(start) {
            let signature = code[at..].split('{').next().unwrap();
            let mut words = signature.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if words.any(|word| OF_THE_TABLE.contains(&word)) {
                leaks.push(format!("{path}: {signature}"));
            }
        }
    }
    leaks
}

#[test]
fn functions_see_no_type_of_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&root.join("src/store"), &mut found);
    let leaked = found.iter().flat_map(|path| {
        let source = fs::read_to_string(path).unwrap();
        leaks(&path.display().to_string(), &source)
    });
    let leaked: Vec<_> = leaked.collect();
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
    let leaked = "impl Store {\n    pub async fn f(\n        after: Option<Item>,\n    ) {}\n}";
    assert_eq!(leaks("a.rs", leaked).len(), 1);
}

#[test]
fn an_upward_import_is_found() {
    for (path, source) in [
        ("domain/src/team.rs", "use muster::store::Store;"),
        // The domain has one name outside of its package.
        ("shared/src/http/query.rs", "use muster_domain::Name;"),
        (
            "shared/src/http/query.rs",
            "use super::super::store::Store;",
        ),
        ("shared/src/config.rs", "use crate::telemetry::Telemetry;"),
        (
            "shared/src/telemetry/mod.rs",
            "fn f(line: &crate::store::Measure) {}",
        ),
        ("shared/src/store/table/read.rs", "use super::super::keys;"),
        (
            "shared/src/store/table/read.rs",
            "use crate::domain::TenantId;",
        ),
        (
            "shared/src/store/users.rs",
            "use crate::{domain::User, http::Problem};",
        ),
        (
            "shared/src/http/answer.rs",
            "use crate::{\n    json::{Fields},\n    store::{Error, Page},\n};",
        ),
        (
            "shared/src/store/rows/users.rs",
            "use crate::store::members;",
        ),
        ("directory/src/plan/mod.rs", "use crate::entra::Directory;"),
        ("directory/src/apply/mod.rs", "use crate::sync::LoginSync;"),
        ("directory/src/entra/page.rs", "use crate::sync::LoginSync;"),
        ("dns/src/record.rs", "use muster::store::Store;"),
        ("directory/src/sync/mod.rs", "use muster::http::Problem;"),
        (
            "delivery/src/webhook/sender.rs",
            "use muster::store::Store;",
        ),
        (
            "functions/src/members/get.rs",
            "use aws_sdk_dynamodb::Client;",
        ),
        (
            "functions/src/delivery/publish_events.rs",
            "use aws_sdk_sqs::Client;",
        ),
        ("delivery/src/bus.rs", "use muster::http::Problem;"),
        ("scim/src/filter/mod.rs", "use muster::domain::Email;"),
    ] {
        assert!(!violations(path, source).is_empty(), "{path}: {source}");
    }
    let allowed =
        "use super::keys;\nuse crate::domain::{Caller, User};\n// crate::http\n\"crate::http\"";
    assert!(violations("shared/src/store/users.rs", allowed).is_empty());
}
