//! Verified domains: an organization proves that a domain is its own, so that the users of its email addresses can
//! become members by themselves.

mod refused;

use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patch::nothing_required;
use super::{
    Domain, Email, Invalid, Membership, OrganizationId, Role, Source, Status, TenantId, Timestamp,
    UserId,
};

/// Maximum number of domains of an organization.
pub const MAX_DOMAINS: u8 = 10;
/// Time between two checks of a verified domain.
pub const RECHECK_INTERVAL: Duration = Duration::from_hours(7 * 24);
/// Number of checks in a row without the record, after which a domain is no longer verified.
pub const MAX_MISSES: u8 = 3;
/// The label below a domain that has the record.
const CHALLENGE_LABEL: &str = "_muster-challenge";
/// The name of the token in the record.
const TOKEN: &str = "token=";

/// Status of the proof that a domain belongs to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for DomainStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let all = [Self::Pending, Self::Verified, Self::Failed];
        let found = all.into_iter().find(|status| status.as_str() == text);
        found.ok_or(Invalid::new("must be pending, verified or failed"))
    }
}

/// The token in the record of a domain. Each domain of each organization has its own, which is random.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainToken(String);

impl DomainToken {
    /// Creates it from random bytes: 16 at least.
    pub fn from_bytes(bytes: &[u8; 20]) -> Self {
        use std::fmt::Write as _;

        let mut text = String::with_capacity(40);
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Returns whether a TXT record proves the domain: pairs separated by blanks, of which the first is the token.
    pub fn is_in(&self, record: &str) -> bool {
        let first = record.split_ascii_whitespace().next().unwrap_or_default();
        first.strip_prefix(TOKEN) == Some(&self.0)
    }
}

/// The DNS record that proves that a domain belongs to the organization.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Verification {
    /// The type of the record: `TXT`.
    #[serde(rename = "type")]
    record_type: &'static str,
    /// The name of the record: `_muster-challenge.acme.example`.
    name: String,
    /// The value of the record: `token=…`. May be followed by a blank and more.
    value: String,
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
    /// The role of who becomes a member.
    pub auto_join_role: Role,
    /// When it was verified.
    pub verified_at: Option<Timestamp>,
    /// When its record was looked up last.
    pub last_checked_at: Option<Timestamp>,
    /// What was wrong with the record at the last look-up.
    pub failure: Option<String>,
    /// Number of checks in a row without the record. Not part of the HTTP contract.
    pub misses: u8,
    /// Starts at 1 and increases by 1 with each change of status or of auto-join.
    pub version: u64,
    /// The user who added it.
    pub created_by: UserId,
    /// When it was added.
    pub created_at: Timestamp,
    /// When status or auto-join changed last.
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
    /// `verified` if the record was found. `failed` if it was not, or not three weeks in a row after that.
    status: DomainStatus,
    /// The DNS record to publish.
    verification: Verification,
    /// Whether users with a verified email address of the domain become members when they sign in.
    auto_join: bool,
    /// The role of who becomes a member.
    auto_join_role: Role,
    /// When it was verified; `null` unless it is.
    verified_at: Option<Timestamp>,
    /// When its record was looked up last.
    last_checked_at: Option<Timestamp>,
    /// What was found instead of the record at the last look-up; `null` if the record was found.
    failure: Option<&'a str>,
    /// Starts at 1 and increases by 1 with each change of `status`, `auto_join` or `auto_join_role`.
    version: u64,
    /// The user who added it.
    created_by: &'a UserId,
    /// When it was added.
    created_at: Timestamp,
    /// When `status`, `auto_join` or `auto_join_role` changed last.
    updated_at: Timestamp,
}

impl Serialize for OrganizationDomain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

/// A change of a domain. Absent fields keep their value.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct DomainPatch {
    /// Whether users with a verified email address of the domain become members when they sign in. Requires that the
    /// domain is verified.
    #[schemars(with = "bool")]
    pub auto_join: Option<bool>,
    /// The role of who becomes a member. Cannot be a role that manages members: `owner`, `admin` or `org_admin`.
    #[schemars(with = "Role")]
    pub auto_join_role: Option<Role>,
}

/// What a look-up of the record of a domain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainCheck {
    /// The record.
    Found,
    /// Not the record, but these TXT records.
    Missing(Vec<String>),
}

impl OrganizationDomain {
    /// Returns the name of the record.
    pub fn record_name(&self) -> String {
        format!("{CHALLENGE_LABEL}.{}", self.domain)
    }

    /// Returns the domain as the API shows it.
    pub fn shown(&self) -> ShownDomain<'_> {
        ShownDomain {
            tenant_id: &self.tenant_id,
            organization_id: &self.organization_id,
            domain: &self.domain,
            status: self.status,
            verification: Verification {
                record_type: "TXT",
                name: self.record_name(),
                value: format!("{TOKEN}{}", self.token.0),
            },
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

/// Says what was found instead of the record. Shows the first values, cut: they are from another server.
fn failure(name: &str, found: &[String]) -> String {
    const SHOWN: usize = 3;
    if found.is_empty() {
        return format!("There is no TXT record {name}.");
    }
    let cut = |value: &String| format!("{:?}", value.chars().take(80).collect::<String>());
    let shown: Vec<_> = found.iter().take(SHOWN).map(cut).collect();
    let more = if found.len() > SHOWN { ", …" } else { "" };
    let shown = shown.join(", ");
    format!("No TXT record {name} has the token. Found: {shown}{more}.")
}

impl DomainPatch {
    /// Fails if users could get a role by which they manage members.
    pub fn check_role(&self) -> Result<(), Invalid> {
        let manages = |role: Role| role.grants(super::Permission::ManageMembers);
        if self.auto_join_role.is_some_and(manages) {
            return Err(Invalid::new(
                "must be a role that does not manage members: manager, member, internal_user, readonly or internal_user_viewer",
            ));
        }
        Ok(())
    }

    /// Returns the domain after the change. Returns it unchanged, including the version, if nothing changes.
    #[must_use]
    pub fn apply(&self, before: &OrganizationDomain, now: Timestamp) -> OrganizationDomain {
        let auto_join = self.auto_join.unwrap_or(before.auto_join);
        let auto_join_role = self.auto_join_role.unwrap_or(before.auto_join_role);
        if (auto_join, auto_join_role) == (before.auto_join, before.auto_join_role) {
            return before.clone();
        }
        OrganizationDomain {
            auto_join,
            auto_join_role,
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        }
    }
}

/// A verified domain by which users become members when they sign in.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoJoin {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The organization that they join.
    pub organization_id: OrganizationId,
    /// The domain of their email addresses.
    pub domain: Domain,
    /// The role that they get.
    pub role: Role,
}

impl AutoJoin {
    /// Returns the membership of a user who joins.
    pub fn membership(&self, user: &UserId, now: Timestamp) -> Membership {
        Membership {
            source: Source::Domain,
            ..Membership::new(
                self.tenant_id.clone(),
                self.organization_id.clone(),
                user.clone(),
                (self.role, Status::Active),
                now,
            )
        }
    }
}

impl Email {
    /// Returns the domain of the address, unless no organization can have it.
    pub fn provable_domain(&self) -> Option<Domain> {
        let (_, domain) = self.as_str().rsplit_once('@')?;
        let domain: Domain = domain.parse().ok()?;
        domain.check_provable().ok()?;
        Some(domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_token_is_the_first_pair_of_a_record() {
        let token = DomainToken::from_bytes(&[0xab; 20]);
        let value = format!("token={}", "ab".repeat(20));
        for record in [
            value.clone(),
            format!("{value} expiry=never"),
            format!(" {value} "),
        ] {
            assert!(token.is_in(&record), "{record}");
        }
        for record in [
            String::new(),
            "token=".to_owned(),
            value.to_uppercase(),
            format!("expiry=never {value}"),
            format!("{value}0"),
            format!("x{value}"),
            format!("token={}", "ac".repeat(20)),
            "ab".repeat(20),
        ] {
            assert!(!token.is_in(&record), "{record}");
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
    fn the_failure_is_short_however_much_was_found() {
        let found = vec!["é".repeat(4_000); 50];
        assert!(failure("_muster-challenge.acme.example", &found).len() < 700);
    }

    #[test]
    fn nobody_joins_with_a_role_that_manages_members() {
        for role in Role::ALL {
            let patch = DomainPatch {
                auto_join: None,
                auto_join_role: Some(role),
            };
            let manages = matches!(role, Role::Owner | Role::Admin | Role::OrgAdmin);
            assert_eq!(patch.check_role().is_err(), manages, "{role:?}");
        }
    }

    #[test]
    fn the_domain_of_an_address_is_the_part_after_the_last_at() {
        let domain = |email: &str| email.parse::<Email>().unwrap().provable_domain();
        let acme = |text: &str| Some(text.parse().unwrap());
        assert_eq!(domain("ada@ACME.example"), acme("acme.example"));
        assert_eq!(domain("\"x@gmail.com\"@acme.example"), acme("acme.example"));
        assert_eq!(domain("ada@mail.acme.example"), acme("mail.acme.example"));
        assert_eq!(domain("ada@gmail.com"), None);
        assert_eq!(domain("ada@contoso.onmicrosoft.com"), None);
    }
}
