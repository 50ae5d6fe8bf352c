//! The published suites of Okta and Microsoft, ported as data.

use support::World;

use super::client::Provider;

#[tokio::test]
async fn okta_s_suite_passes() {
    let world = World::start().await;
    let provider = Provider::new(&world).await;
    provider.run(include_str!("okta.json")).await;
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
