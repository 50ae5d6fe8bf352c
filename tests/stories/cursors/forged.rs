//! Forged cursors: sealed as the API seals its own, with positions that it never gives.

use muster::domain::{Caller, Clock, OrganizationId, TenantId, UserId};
use muster::http::Cursor;
use muster::store::{Error, Refusal};
use support::{ACME, World};

use super::{ADMIN, Crowd, OTHER, cursor, two_tenants};

/// All cursors that a caller can forge, since the seal uses no secret: positions of other tenants,
/// keys instead of positions, and invalid positions.
fn places(others: &str) -> Vec<String> {
    let mut places = vec![
        "a of other#".to_owned() + others,
        format!("d$0of$0other#{others}"),
        format!("TENANT#{OTHER}#ORG#{others}"),
        format!("TENANT#{OTHER}#ORGS"),
        format!("#{others}"),
        format!("../{others}"),
        others.to_owned(),
        "bob".to_owned(),
        "USER#bob".to_owned(),
        "ORG#x".to_owned(),
        "{\"pk\":\"TENANT#other#USER#bob\"}".to_owned(),
        String::new(),
        "#".to_owned(),
        "\0".to_owned(),
        "\u{10ffff}#x".to_owned(),
        "zzzz#x".to_owned(),
        "0#x".to_owned(),
        "x".repeat(129),
    ];
    places.push(format!("{}#x", "x".repeat(1_030)));
    places.push(format!("{}#x", "x".repeat(2_900)));
    places
}

/// A list as bound to its cursors: route, ids in the path, request and filters.
type ListQuery<'a> = (
    &'static str,
    [&'a str; 3],
    String,
    Vec<(&'static str, &'static str)>,
);

fn queries(crowd: &Crowd) -> Vec<ListQuery<'_>> {
    let Crowd {
        organization: crowd,
        team,
        ..
    } = crowd;
    let filters =
        |set: &[&'static str], status: &'static str| -> Vec<(&'static str, &'static str)> {
            set.iter()
                .map(|name| (*name, if *name == "status" { status } else { "" }))
                .collect()
        };
    let organizations = ["name_prefix", "name", "domain", "status"];
    let members = ["status", "role", "q", "sort"];
    vec![
        (
            "GET /organizations",
            ["", "", ""],
            "/organizations".to_owned(),
            filters(&organizations, ""),
        ),
        (
            "GET /organizations",
            ["", "", ""],
            "/organizations?status=deleted".to_owned(),
            filters(&organizations, "deleted"),
        ),
        (
            "GET /organizations",
            ["", "", ""],
            "/organizations?name_prefix=a".to_owned(),
            vec![
                ("name_prefix", "a"),
                ("name", ""),
                ("domain", ""),
                ("status", ""),
            ],
        ),
        (
            "GET /organizations",
            ["", "", ""],
            "/organizations?domain=x.example".to_owned(),
            vec![
                ("name_prefix", ""),
                ("name", ""),
                ("domain", "x.example"),
                ("status", ""),
            ],
        ),
        (
            "GET /organizations/{organization_id}/members",
            [crowd.as_str(), "", ""],
            format!("/organizations/{crowd}/members?status=all"),
            filters(&members, "all"),
        ),
        (
            "GET /organizations/{organization_id}/members",
            [crowd.as_str(), "", ""],
            format!("/organizations/{crowd}/members?sort=name"),
            vec![("status", ""), ("role", ""), ("q", ""), ("sort", "name")],
        ),
        (
            "GET /users",
            ["", "", ""],
            "/users".to_owned(),
            vec![("q", ""), ("status", "")],
        ),
        ("GET /teams", ["", "", ""], "/teams".to_owned(), vec![]),
        (
            "GET /organizations/{organization_id}/teams",
            [crowd.as_str(), "", ""],
            format!("/organizations/{crowd}/teams"),
            vec![],
        ),
        (
            "GET /users/{user_id}/organizations",
            ["", "", ADMIN],
            format!("/users/{ADMIN}/organizations?status=all"),
            filters(&["status", "organization_status"], "all"),
        ),
        (
            "GET /teams/{team_id}/members",
            ["", team.as_str(), ""],
            format!("/teams/{team}/members"),
            vec![],
        ),
        (
            "GET /users/{user_id}/teams",
            ["", "", ADMIN],
            format!("/users/{ADMIN}/teams"),
            vec![],
        ),
    ]
}

#[tokio::test]
async fn forged_cursors_lead_to_no_other_data() {
    let (world, [crowd, others]) = two_tenants().await;
    let others = others.organization;
    let root = world.tenant_admin();
    let tenant = TenantId::parse(ACME).unwrap();
    for (route, ids, list, filters) in queries(&crowd) {
        let own = ids.map(|id| ("", id));
        let made = Cursor::new(&tenant, route, own.into_iter().chain(filters));
        // The real seal.
        if !list.contains("deleted") && !list.contains("prefix") {
            let place = made.open(&cursor(&root, &list).await).unwrap();
            assert!(!place.is_empty());
        }
        for place in places(&others) {
            let separator = if list.contains('?') { '&' } else { '?' };
            let asked = format!("{list}{separator}cursor={}", made.seal(&place));
            world.calls.take();
            let reply = root.get(&asked).await;
            for call in world.calls.take() {
                assert_eq!(
                    support::of_other_tenants(&call, ACME),
                    Vec::<String>::new(),
                    "{place}"
                );
            }
            // DynamoDB rejects these as start keys, but the embedded one does not.
            let prefix = list.contains("prefix") && !place.starts_with('a');
            if reply.status != 200 || prefix || place.len() > 1_024 {
                reply.problem(400, "invalid-cursor");
                continue;
            }
            for item in reply.body["items"].as_array().unwrap() {
                assert_eq!(item["tenant_id"], ACME, "{asked} {place}");
            }
        }
    }
}

#[tokio::test]
async fn positions_of_domains_and_invitations_fit_in_a_key() {
    let world = World::start().await;
    let id = world.organization(&world.tenant_admin(), "Acme").await;
    let id = OrganizationId::parse(id).unwrap();
    let caller = Caller {
        tenant_id: TenantId::parse(ACME).unwrap(),
        user_id: UserId::parse(ADMIN).unwrap(),
        tenant_admin: true,
        machine: false,
        email: None,
    };
    let (store, cx) = (
        world.store(),
        support::context(caller, Clock::system().now()),
    );
    let is_refused = |error: Option<Error>| match error {
        Some(Error::Refused(Refusal::InvalidPosition)) => true,
        None => false,
        Some(other) => panic!("{other:?}"),
    };
    for (bytes, refused) in [(1_024, false), (1_025, true)] {
        let domain = format!("{:x<bytes$}", "DOMAIN#");
        let domains = store.domains(&cx, &id, Some(&domain), 1).await;
        assert_eq!(is_refused(domains.err()), refused, "{bytes}");
        let invitation = format!("{:x<bytes$}", "INVITATION#");
        let invitations = store
            .invitations(&cx, &id, None, Some(&invitation), 1)
            .await;
        assert_eq!(is_refused(invitations.err()), refused, "{bytes}");
    }
}
