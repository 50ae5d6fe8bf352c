//! Verified domains: an organization proves that a domain is its own, so that the users of its email addresses can
//! become members by themselves.

mod auto_join;
mod record;
mod refused;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::{Domain, Invalid, OrganizationId, Role, TenantId, Timestamp, UserId};

pub use auto_join::{AutoJoin, DomainPatch};
use record::failure;
pub use record::{DomainCheck, DomainToken, Verification};

/// Maximum number of domains of an organization.
pub const MAX_DOMAINS: u8 = 10;
/// Time between two checks of a verified domain.
pub const RECHECK_INTERVAL: Duration = Duration::from_hours(7 * 24);
/// Number of checks in a row without the record, after which a domain is no longer verified.
pub const MAX_MISSES: u8 = 3;
/// Status of the proof that a domain belongs to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum DomainStatus {
    /// It has not been verified yet.
    Pending,
    /// The record was found.
    Verified,
    /// The record was not found when the domain was verified, or three times in a row after that.
    Failed,
}

impl DomainStatus {
    /// Returns its name in responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A domain of an organization.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationDomain {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The domain.
    pub domain: Domain,
    /// The status.
    pub status: DomainStatus,
    /// The token in its record.
    pub token: DomainToken,
    /// Whether users with a verified email address of the domain become members when they sign in.
    pub auto_join: bool,
    /// Role of users who join.
    pub auto_join_role: Role,
    /// Time of the verification.
    pub verified_at: Option<Timestamp>,
    /// Time of the last look-up of its record.
    pub last_checked_at: Option<Timestamp>,
    /// The problem with the record at the last look-up.
    pub failure: Option<String>,
    /// Number of checks in a row without the record. Not part of the HTTP contract.
    pub misses: u8,
    /// Starts at 1 and increases by 1 with each change of status or of auto-join.
    pub version: u64,
    /// The user who added it.
    pub created_by: UserId,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change of status or auto-join.
    pub updated_at: Timestamp,
}

/// A domain of an organization.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrganizationDomain")]
pub struct ShownDomain<'a> {
    /// The tenant.
    tenant_id: &'a TenantId,
    /// The organization.
    organization_id: &'a OrganizationId,
    /// The domain, in lower case and IDNA-encoded.
    domain: &'a Domain,
    /// `verified` if the record was found. `failed` if it was not found, or was missing in three weekly checks in a
    /// row.
    status: DomainStatus,
    /// The DNS record to publish.
    verification: Verification,
    /// Whether users with a verified email address of the domain become members when they sign in.
    auto_join: bool,
    /// Role of users who join.
    auto_join_role: Role,
    /// Time of the verification; `null` if it is not verified.
    verified_at: Option<Timestamp>,
    /// Time of the last look-up of its record.
    last_checked_at: Option<Timestamp>,
    /// Text found instead of the record at the last look-up; `null` if the record was found.
    failure: Option<&'a str>,
    /// Starts at 1 and increases by 1 with each change of `status`, `auto_join` or `auto_join_role`.
    version: u64,
    /// The user who added it.
    created_by: &'a UserId,
    /// Creation time.
    created_at: Timestamp,
    /// Time of the last change of `status`, `auto_join` or `auto_join_role`.
    updated_at: Timestamp,
}

impl Serialize for OrganizationDomain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

impl OrganizationDomain {
    /// Returns the name of the record.
    pub fn record_name(&self) -> String {
        record::name_of(&self.domain)
    }

    /// Returns the domain as the API shows it.
    pub fn shown(&self) -> ShownDomain<'_> {
        ShownDomain {
            tenant_id: &self.tenant_id,
            organization_id: &self.organization_id,
            domain: &self.domain,
            status: self.status,
            verification: Verification::new(&self.domain, &self.token),
            auto_join: self.auto_join,
            auto_join_role: self.auto_join_role,
            verified_at: self.verified_at,
            last_checked_at: self.last_checked_at,
            failure: self.failure.as_deref(),
            version: self.version,
            created_by: &self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// Returns the domain after a look-up that its owner asked for. A verified one stays verified.
    #[must_use]
    pub fn after_verification(&self, check: &DomainCheck, now: Timestamp) -> Self {
        let checked = self.checked(check, now);
        match check {
            DomainCheck::Found => Self {
                misses: 0,
                ..checked.with_status(DomainStatus::Verified, now)
            },
            DomainCheck::Missing(_) if self.status == DomainStatus::Verified => checked,
            DomainCheck::Missing(_) => checked.with_status(DomainStatus::Failed, now),
        }
    }

    /// Returns the verified domain after the weekly look-up. After [`MAX_MISSES`] look-ups without the record it is no
    /// longer verified, and no user joins by it.
    #[must_use]
    pub fn after_recheck(&self, check: &DomainCheck, now: Timestamp) -> Self {
        let checked = self.checked(check, now);
        if *check == DomainCheck::Found {
            return Self {
                misses: 0,
                ..checked
            };
        }
        let misses = self.misses.saturating_add(1);
        if misses < MAX_MISSES {
            return Self { misses, ..checked };
        }
        checked.ended(now)
    }

    /// Returns the domain as no longer verified. No user joins by it.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> Self {
        Self {
            misses: 0,
            ..self.clone().with_status(DomainStatus::Failed, now)
        }
    }

    fn checked(&self, check: &DomainCheck, now: Timestamp) -> Self {
        Self {
            last_checked_at: Some(now),
            failure: match check {
                DomainCheck::Found => None,
                DomainCheck::Missing(found) => Some(failure(&self.record_name(), found)),
            },
            ..self.clone()
        }
    }

    fn with_status(self, status: DomainStatus, now: Timestamp) -> Self {
        if status == self.status {
            return self;
        }
        let is_verified = status == DomainStatus::Verified;
        Self {
            status,
            verified_at: is_verified.then_some(now),
            auto_join: self.auto_join && is_verified,
            version: self.version + 1,
            updated_at: now,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, Status};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-11-28T10:00:00.000Z")
    }

    fn domain() -> OrganizationDomain {
        OrganizationDomain {
            tenant_id: TenantId::parse("acme").unwrap(),
            organization_id: OrganizationId::parse("o1").unwrap(),
            domain: "acme.example".parse().unwrap(),
            status: DomainStatus::Pending,
            token: DomainToken::from_bytes(&[7; 20]),
            auto_join: false,
            auto_join_role: Role::Member,
            verified_at: None,
            last_checked_at: None,
            failure: None,
            misses: 0,
            version: 1,
            created_by: UserId::parse("ada").unwrap(),
            created_at: now(),
            updated_at: now(),
        }
    }

    #[test]
    fn three_misses_in_a_row_end_auto_join() {
        let missing = DomainCheck::Missing(Vec::new());
        let verified = domain().after_verification(&DomainCheck::Found, now());
        assert_eq!(verified.status, DomainStatus::Verified);
        assert_eq!((verified.version, verified.verified_at), (2, Some(now())));
        let joining = DomainPatch {
            auto_join: Some(true),
            auto_join_role: None,
        };
        let joining = joining.apply(&verified, now());
        let twice = joining
            .after_recheck(&missing, now())
            .after_recheck(&missing, now());
        assert!(twice.auto_join && twice.status == DomainStatus::Verified);
        assert_eq!(twice.version, joining.version);
        // A check that finds it starts again.
        let found = twice.after_recheck(&DomainCheck::Found, now());
        let again = found.after_recheck(&missing, now());
        assert_eq!((found.misses, again.misses), (0, 1));
        let ended = twice.after_recheck(&missing, now());
        assert_eq!(ended.status, DomainStatus::Failed);
        assert_eq!((ended.auto_join, ended.verified_at), (false, None));
        assert_eq!(ended.version, joining.version + 1);
        // Verifying it again does not turn on auto-join.
        let back = ended.after_verification(&DomainCheck::Found, now());
        assert!(back.status == DomainStatus::Verified && !back.auto_join);
    }

    #[test]
    fn a_verification_without_the_record_keeps_a_verified_domain() {
        let missing = DomainCheck::Missing(vec!["v=spf1".to_owned()]);
        let failed = domain().after_verification(&missing, now());
        assert_eq!(failed.status, DomainStatus::Failed);
        let failure = failed.failure.unwrap();
        assert!(failure.contains("_muster-challenge.acme.example") && failure.contains("v=spf1"));
        let verified = domain().after_verification(&DomainCheck::Found, now());
        let kept = verified.after_verification(&missing, now());
        assert_eq!(kept.status, DomainStatus::Verified);
        assert_eq!((kept.version, kept.misses), (verified.version, 0));
    }

    #[test]
    fn a_domain_changes_field_by_field() {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        let domain = OrganizationDomain {
            status: DomainStatus::Verified,
            auto_join: true,
            verified_at: Some(at(1)),
            misses: 2,
            ..domain()
        };
        let patch = DomainPatch {
            auto_join: None,
            auto_join_role: Some(Role::Readonly),
        };
        let changed = OrganizationDomain {
            auto_join_role: Role::Readonly,
            version: 2,
            updated_at: at(7),
            ..domain.clone()
        };
        assert_eq!(patch.apply(&domain, at(7)), changed);
        let failed = OrganizationDomain {
            status: DomainStatus::Failed,
            auto_join: false,
            verified_at: None,
            misses: 0,
            version: 2,
            updated_at: at(8),
            ..domain.clone()
        };
        assert_eq!(domain.ended(at(8)), failed);
        let found = domain.after_verification(&DomainCheck::Found, at(9));
        assert_eq!((found.last_checked_at, found.misses), (Some(at(9)), 0));
        // Three values are shown, and more are hinted at.
        let failure = |count: usize| {
            let records = (0..count).map(|n| format!("v{n}")).collect();
            let checked = domain.after_recheck(&DomainCheck::Missing(records), at(9));
            checked.failure.unwrap()
        };
        assert!(failure(3).ends_with("\"v2\"."), "{}", failure(3));
        assert!(failure(4).ends_with("\"v2\", …."), "{}", failure(4));
        let join = AutoJoin {
            tenant_id: domain.tenant_id.clone(),
            organization_id: domain.organization_id.clone(),
            domain: domain.domain.clone(),
            role: Role::Member,
        };
        let joined = join.membership(&UserId::parse("bob").unwrap(), at(3));
        assert_eq!(
            (joined.source, joined.status),
            (Source::Domain, Status::Active)
        );
    }
}
