//! The claim `organizations`: as many of the user's organizations as fit, highest roles first.

use muster::config::TokenOrganizations;
use muster::domain::{Membership, TenantId, UserId};
use muster::store;
use serde_json::{Map, Value};

use crate::App;

/// Organizations that are looked up at once: DynamoDB reads up to 100 items in one call.
const AT_ONCE: usize = 100;

/// The claim about the user's organizations, as far as it fits.
pub(super) struct Organizations {
    /// `None`: the token says nothing about them.
    pub(super) claim: Option<Value>,
    /// Whether organizations were left out.
    pub(super) truncated: bool,
}

impl Organizations {
    /// Returns the claim of a user without organizations.
    pub(super) fn none(kind: TokenOrganizations) -> Self {
        Claim::new(kind, 0, false).finish(false)
    }
}

/// Reads the active memberships of a user in live organizations, and makes the claim of them.
pub(super) async fn organizations(
    app: &App,
    tenant: &TenantId,
    user: &UserId,
    is_first: bool,
) -> Result<Organizations, store::Error> {
    let kind = app.settings.token_organizations;
    let mut claim = Claim::new(kind, app.settings.token_claim_bytes, is_first);
    if kind == TokenOrganizations::None {
        return Ok(claim.finish(false));
    }
    let memberships = app.store.active_memberships(tenant, user).await?;
    for memberships in memberships.chunks(AT_ONCE) {
        for membership in app.store.of_live_organizations(memberships).await? {
            if !claim.add(membership) {
                return Ok(claim.finish(true));
            }
        }
    }
    Ok(claim.finish(false))
}

/// A claim that grows until it has no more room.
struct Claim {
    kind: TokenOrganizations,
    is_first: bool,
    left: usize,
    roles: Map<String, Value>,
    ids: Vec<Value>,
}

impl Claim {
    fn new(kind: TokenOrganizations, most: usize, is_first: bool) -> Self {
        // The brackets; of a string, its quotes as well.
        let brackets = if is_first { 4 } else { 2 };
        Self {
            kind,
            is_first,
            left: most.saturating_sub(brackets),
            roles: Map::new(),
            ids: Vec::new(),
        }
    }

    /// Adds an organization, if it fits. In a string each quote takes two bytes.
    fn add(&mut self, membership: &Membership) -> bool {
        let (id, role) = (
            membership.organization_id.as_str(),
            membership.role.as_str(),
        );
        let quote = if self.is_first { 2 } else { 1 };
        let is_roles = self.kind == TokenOrganizations::Roles;
        let entry = if is_roles {
            id.len() + role.len() + 4 * quote + ":".len()
        } else {
            id.len() + 2 * quote
        };
        let comma = usize::from(!self.roles.is_empty() || !self.ids.is_empty());
        let Some(left) = self.left.checked_sub(entry + comma) else {
            return false;
        };
        self.left = left;
        if is_roles {
            self.roles.insert(id.to_owned(), role.into());
        } else {
            self.ids.push(id.into());
        }
        true
    }

    fn finish(self, truncated: bool) -> Organizations {
        let claim = match self.kind {
            TokenOrganizations::Roles => Some(Value::Object(self.roles)),
            TokenOrganizations::Ids => Some(Value::Array(self.ids)),
            TokenOrganizations::None => None,
        };
        Organizations { claim, truncated }
    }
}

#[cfg(test)]
mod tests {
    use muster::domain::{OrganizationId, Role, Status, Timestamp};

    use super::*;

    #[test]
    fn a_claim_is_no_longer_than_its_most_bytes() {
        let now = Timestamp::from_millisecond(0).unwrap();
        let membership = |n: usize| {
            let id = OrganizationId::parse(format!("organization-{n}")).unwrap();
            let (tenant, user) = (
                TenantId::parse("acme").unwrap(),
                UserId::parse("ada").unwrap(),
            );
            Membership::new(tenant, id, user, Role::Manager, Status::Active, now)
        };
        for kind in [TokenOrganizations::Roles, TokenOrganizations::Ids] {
            for is_first in [true, false] {
                for most in [64, 100, 512, 2_048] {
                    let mut claim = Claim::new(kind, most, is_first);
                    let added = (0..500).take_while(|n| claim.add(&membership(*n))).count();
                    assert!((1..500).contains(&added));
                    let value = claim.finish(true).claim.unwrap();
                    let value = if is_first {
                        Value::from(value.to_string())
                    } else {
                        value
                    };
                    let bytes = value.to_string().len();
                    assert!(
                        bytes <= most && bytes + 60 > most,
                        "{kind:?} {most}: {bytes}"
                    );
                }
            }
        }
    }
}
