//! Sample data for the tests of the store.

use super::Context;
use super::keys;
use super::rows::{members, organizations, teams};
use super::table::{Item, number, text};
use super::users::Profile;
use crate::domain::{
    Actor, Caller, DirectoryId, EventContext, IdempotencyKey, Membership, Organization,
    OrganizationId, Origin, Role, ScimScope, Status, Team, TeamId, TeamMembership, TeamRole,
    TenantId, Timestamp, UserId,
};

/// The time of the stores.
pub(super) fn now() -> Timestamp {
    "2026-11-28T10:00:00.000Z".parse().unwrap()
}

pub(super) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(super) fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

pub(super) fn organization_id() -> OrganizationId {
    OrganizationId::parse("o").unwrap()
}

/// A directory of the tenant.
pub(super) fn scim_scope() -> ScimScope {
    ScimScope {
        tenant_id: tenant(),
        directory_id: DirectoryId::parse("d").unwrap(),
    }
}

/// A login of ada with this address, which is verified.
pub(super) fn login_of_ada(email: Option<&str>) -> Profile {
    Profile {
        tenant_id: tenant(),
        user_id: user("ada"),
        email: email.map(|email| email.parse().unwrap()),
        email_verified: email.is_some(),
        display_name: None,
        entra_object_id: None,
        request_id: "r".to_owned(),
    }
}

/// A request of a user who is no tenant admin.
pub(super) fn request_of(id: &str) -> Context {
    Context {
        caller: Caller {
            tenant_id: tenant(),
            user_id: user(id),
            tenant_admin: false,
            machine: false,
            email: None,
        },
        now: now(),
        origin: Origin::new(Actor::system(), EventContext::default()),
        idempotency_key: None,
    }
}

/// A request of a tenant admin.
pub(super) fn request_of_admin() -> Context {
    let mut cx = request_of("root");
    cx.caller.tenant_admin = true;
    cx
}

/// The same request with an `Idempotency-Key`.
pub(super) fn with_key(cx: Context) -> Context {
    Context {
        idempotency_key: Some(IdempotencyKey {
            route: "POST /things".to_owned(),
            key: "k".to_owned(),
            fingerprint: "f".to_owned(),
        }),
        ..cx
    }
}

pub(super) fn organization() -> Organization {
    let name = "Acme".parse().unwrap();
    let long_ago = Timestamp::EPOCH;
    Organization::new(organization_id(), tenant(), name, user("root"), long_ago)
}

pub(super) fn organization_row() -> Item {
    organizations::to_row(&organization()).unwrap()
}

/// A membership in the organization.
pub(super) fn membership(id: &str, role: Role, status: Status) -> Membership {
    let long_ago = Timestamp::EPOCH;
    Membership::new(
        tenant(),
        organization_id(),
        user(id),
        role,
        status,
        long_ago,
    )
}

/// The row of an active membership in the organization.
pub(super) fn member_row(id: &str, role: Role) -> Item {
    members::to_row(&membership(id, role, Status::Active)).unwrap()
}

/// A team, in the organization or standalone.
pub(super) fn team(organization: Option<OrganizationId>) -> Team {
    let id = TeamId::parse("t").unwrap();
    let name = "Sales".parse().unwrap();
    let long_ago = Timestamp::EPOCH;
    Team::new(id, tenant(), organization, name, user("root"), long_ago)
}

pub(super) fn team_row(team: &Team, more: &[(&str, &str)]) -> Item {
    let mut row = teams::to_row(team).unwrap();
    let more = more.iter();
    row.extend(more.map(|(name, value)| ((*name).to_owned(), text(*value))));
    row
}

pub(super) fn team_membership(team: &Team, id: &str) -> TeamMembership {
    TeamMembership::new(team, user(id), TeamRole::Member, Timestamp::EPOCH)
}

/// The row of a profile in version 3, with these attributes.
pub(super) fn profile_row(id: &str, more: &[(&str, &str)]) -> Item {
    let mut row = keys::user(&tenant(), &user(id)).attributes();
    let long_ago = Timestamp::EPOCH.to_string();
    let all = [
        ("tenant_id", "acme"),
        ("user_id", id),
        ("created_at", &long_ago),
        ("updated_at", &long_ago),
    ];
    let all = all.iter().chain(more);
    row.extend(all.map(|(name, value)| ((*name).to_owned(), text(*value))));
    row.insert("version".to_owned(), number(3));
    row
}
