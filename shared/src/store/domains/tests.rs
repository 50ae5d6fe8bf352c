//! Tests of domains and their claims.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::domain::{AutoJoin, DomainCheck, Organization};
use crate::store::WriteOutcome;
use crate::store::fake::Fake;
use crate::store::rows::known_user::KnownUser;
use crate::store::samples::{
    login_of_ada, now, organization, organization_id, organization_row, profile_row,
    request_of_admin, tenant, user,
};
use crate::store::table::text_of;

/// `acme.example` of the organization.
pub(super) fn domain(status: DomainStatus) -> OrganizationDomain {
    let row = json!({
        "tenant_id": "acme",
        "organization_id": "o",
        "domain": "acme.example",
        "status": status,
        "token": "00",
        "auto_join": false,
        "auto_join_role": "member",
        "version": 1,
        "created_by": "root",
        "created_at": Timestamp::EPOCH,
        "updated_at": Timestamp::EPOCH,
    });
    OrganizationDomain::from_recorded(serde_json::from_value(row).unwrap()).unwrap()
}

#[test]
fn a_verified_domain_belongs_to_one_organization() {
    let claim = Item::from([("organization_id".to_owned(), text("o1"))]);
    let is_of = |id: &str| is_claimed_by(&claim, &OrganizationId::parse(id).unwrap());
    assert!(is_of("o1"));
    assert!(!is_of("o2"));
}

/// Another live organization has the domain.
#[tokio::test]
async fn only_a_found_record_competes_for_the_domain() {
    let other = Organization {
        id: OrganizationId::parse("other").unwrap(),
        ..organization()
    };
    let mut claim =
        keys::domain_claim(&tenant(), &domain(DomainStatus::Pending).domain).attributes();
    let row = json!({"tenant_id": "acme", "organization_id": "other", "domain": "acme.example",
        "auto_join": false, "auto_join_role": "member"});
    let row: ClaimRow = serde_json::from_value(row).unwrap();
    claim.extend(to_item(&row, [Item::new(), Item::new()]).unwrap());
    for (check, is_refused) in [
        (DomainCheck::Found, true),
        (DomainCheck::Missing(Vec::new()), false),
    ] {
        let one = domain(DomainStatus::Pending);
        let fake = Fake::with([
            organization_row(),
            organizations::to_row(&other).unwrap(),
            to_row(&one).unwrap(),
            claim.clone(),
        ]);
        let (store, cx) = (fake.store(), request_of_admin());
        let recorded = store.record_verification(&cx, &one, &check).await;
        assert_eq!(recorded.is_err(), is_refused, "{recorded:?}");
        assert_eq!(fake.writes().is_empty(), is_refused);
    }
}

#[tokio::test]
async fn a_login_joins_once_unless_the_user_is_in_it_or_has_left() {
    let (ada, organization) = (user("ada"), organization_id());
    let one = domain(DomainStatus::Verified);
    let email = "ada@acme.example";
    let login = login_of_ada(Some(email));
    let by = AutoJoin {
        tenant_id: tenant(),
        organization_id: organization.clone(),
        domain: one.domain.clone(),
        role: Role::Member,
    };
    let membership = keys::membership(&tenant(), &ada, &organization);
    let left = keys::left_mark(&tenant(), &ada, &organization);
    let invitee = keys::invitee(&tenant(), &organization, &email.parse().unwrap());
    for (unmet, is_settled) in [
        (membership, true),
        (left, true),
        (invitee, false),
        (keys::domain_claim(&tenant(), &one.domain), false),
    ] {
        let profile = profile_row("ada", &[("email", email)]);
        let known = KnownUser::read(profile.clone()).unwrap();
        let fake = Fake::with([profile]).unmet(unmet, None);
        let store = fake.store();
        let joined = store.join_by_domain(&login, &known, &by).await.unwrap();
        assert!(matches!(joined, WriteOutcome::Unchanged));
        let marks = fake.calls("UpdateItem").len();
        assert_eq!(marks, usize::from(is_settled));
    }
}

#[test]
fn a_domain_is_checked_again_after_a_week() {
    let one = OrganizationDomain {
        last_checked_at: Some(now()),
        ..domain(DomainStatus::Verified)
    };
    let row = to_row(&one).unwrap();
    let next = now().after(Duration::from_hours(7 * 24)).to_string();
    let place = text_of(&row, "gsi2sk").unwrap();
    assert!(place.starts_with(&next), "{place}");
}
