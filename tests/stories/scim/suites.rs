//! The published suites of Okta and Microsoft, ported as data, and the list of the cases that servers in the wild answer
//! wrongly.

use std::collections::BTreeSet;
use std::fs;

use support::{World, root};

use super::client::Provider;

#[tokio::test]
async fn okta_s_suite_passes() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    provider.run(include_str!("okta.json")).await;
}

/// Microsoft's collection of requests, with data of our own: each request except the one for a token, in its order. It
/// differs in four answers: a PATCH of a user returns the user with 200 and not 204, a member that does not exist is
/// refused, a PUT of a group without members keeps them, and names that a request gives members are not kept.
#[tokio::test]
async fn microsoft_s_collection_passes() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    provider.run(include_str!("microsoft.json")).await;
}

#[tokio::test]
async fn requests_of_entra_pass() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    provider.run(include_str!("entra.json")).await;
}

#[tokio::test]
async fn requests_of_entra_with_the_flag_pass() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    provider.run(include_str!("entra_flag.json")).await;
}

/// Number of cases in the list.
const CASES: u8 = 33;
/// Maximum length of the name of a test.
const MAX_NAME: usize = 60;

#[test]
fn each_case_has_a_test_with_its_number() {
    let mut found = BTreeSet::new();
    for folder in ["scim/tests/cases", "tests/stories/scim"] {
        for file in fs::read_dir(root().join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|it| it != "rs") {
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for rest in source.split("\nasync fn ").chain(source.split("\nfn ")) {
                let name = rest.split('(').next().unwrap();
                let Some(numbered) = name.strip_prefix("case_") else {
                    continue;
                };
                assert!(name.len() <= MAX_NAME, "{name}");
                let (number, words) = numbered.split_once('_').unwrap();
                assert!(words.starts_with(|c: char| c.is_alphabetic()), "{name}");
                found.insert(number.parse::<u8>().unwrap());
            }
        }
    }
    let missing: Vec<_> = (1..=CASES).filter(|case| !found.contains(case)).collect();
    assert!(missing.is_empty(), "cases without a test: {missing:?}");
}
