//! The phases of a list of members by name, and of a search.

use super::super::{MemberFilter, SIFTED};
use crate::domain::{Membership, OrganizationId, SearchPrefix, TenantId};
use crate::store::Refusal;
use crate::store::keys::{self, GSI1, GSI3, Key, MAX_SORT_KEY_BYTES, USER_PREFIX};
use crate::store::rows::names::ProfileCopy;
use crate::store::table::{self, Condition, Item, Query, text_of};

/// A list of people in an index. Each begins its positions with a letter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The members by name.
    Names,
    /// The users of the tenant by email address.
    Emails,
    /// Memberships of the last release, which are not in the index by name yet.
    Unlisted,
}

impl Phase {
    const fn letter(self) -> char {
        match self {
            Self::Names => 'n',
            Self::Emails => 'e',
            Self::Unlisted => 'u',
        }
    }

    /// Returns the phase of a position, and the sort key after which it continues.
    pub(super) fn of(position: &str) -> Result<(Self, Option<&str>), Refusal> {
        let all = [Self::Names, Self::Emails, Self::Unlisted];
        let found = all.into_iter().find_map(|phase| {
            let place = position.strip_prefix(phase.letter())?;
            Some((phase, (!place.is_empty()).then_some(place)))
        });
        found.ok_or(Refusal::InvalidPosition)
    }

    pub(super) fn position(self, place: &str) -> String {
        format!("{}{place}", self.letter())
    }

    pub(super) const fn index(self) -> &'static str {
        match self {
            Self::Names | Self::Emails => GSI3,
            Self::Unlisted => GSI1,
        }
    }
}

/// Parameters of a list request.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) organization: &'a OrganizationId,
    pub(super) filter: MemberFilter,
    pub(super) prefix: Option<&'a SearchPrefix>,
}

impl Wanted<'_> {
    pub(super) fn query(
        self,
        phase: Phase,
        place: Option<&str>,
        limit: usize,
    ) -> Result<Query<'static>, Refusal> {
        let index = phase.index();
        let (partition, start) = match (phase, self.prefix) {
            (Phase::Names, prefix) => (
                keys::names_partition(self.tenant, self.organization),
                keys::person_start(prefix.map_or("", SearchPrefix::of_name)),
            ),
            (Phase::Emails, prefix) => (
                keys::emails_partition(self.tenant),
                keys::person_start(prefix.map_or("", SearchPrefix::of_email)),
            ),
            (Phase::Unlisted, _) => (
                keys::organization_partition(self.tenant, self.organization),
                USER_PREFIX.to_owned(),
            ),
        };
        let after = match place {
            None => None,
            Some(place) if place.len() > MAX_SORT_KEY_BYTES || !place.starts_with(&start) => {
                return Err(Refusal::InvalidPosition);
            }
            Some(place) => {
                let user = match phase {
                    Phase::Names | Phase::Emails => keys::person_at(place),
                    Phase::Unlisted => keys::member_at(place),
                };
                let user = user.ok_or(Refusal::InvalidPosition)?;
                let mut key = match phase {
                    Phase::Emails => keys::email_entry(self.tenant, &user),
                    _ => keys::membership(self.tenant, &user, self.organization),
                }
                .attributes();
                key.extend(Key::new(partition.clone(), place).attributes_of(index));
                Some(key)
            }
        };
        let filter = match phase {
            Phase::Names => self.filter.condition(),
            // The status and the role are those of a membership, which is read afterwards.
            Phase::Emails => None,
            Phase::Unlisted => {
                let unlisted = Condition::new("attribute_not_exists(#gsi3pk)");
                Some(match self.filter.condition() {
                    Some(filter) => filter.and(unlisted),
                    None => unlisted,
                })
            }
        };
        let limit = match phase {
            Phase::Names => self.filter.limit_to_read(limit),
            Phase::Emails | Phase::Unlisted => limit.max(SIFTED),
        };
        Ok(Query::in_partition(Some(index), partition, start)
            .filter(filter)
            .after(after)
            .limit(limit))
    }

    /// Returns whether a membership that was read belongs to the phase: the index lags behind the table, and a key
    /// holds only the start of a very long name.
    pub(super) fn includes(
        self,
        phase: Phase,
        membership: &Membership,
        copy: Option<&ProfileCopy>,
    ) -> bool {
        let MemberFilter { status, role } = self.filter;
        if status.is_some_and(|status| status != membership.status)
            || role.is_some_and(|role| role != membership.role)
        {
            return false;
        }
        let Some(prefix) = self.prefix else {
            return true;
        };
        let begins_name = copy.is_some_and(|copy| prefix.begins_name(&copy.names));
        match phase {
            Phase::Names | Phase::Unlisted => begins_name,
            // A member whose name starts like this too was in the first phase.
            Phase::Emails => !begins_name,
        }
    }

    /// Returns the phase after this one.
    pub(super) fn next_phase(
        self,
        phase: Phase,
        sees_emails: bool,
        has_unlisted: bool,
    ) -> Option<Phase> {
        match (phase, self.prefix) {
            (Phase::Names, Some(_)) if sees_emails => Some(Phase::Emails),
            (Phase::Names, None) if has_unlisted => Some(Phase::Unlisted),
            _ => None,
        }
    }
}

pub(super) fn place_of(phase: Phase, entry: &Item) -> Result<String, table::Error> {
    Ok(text_of(entry, &format!("{}sk", phase.index()))?.to_owned())
}

/// Returns the key of the membership of an entry.
pub(super) fn key_of(wanted: Wanted<'_>, phase: Phase, entry: &Item) -> Result<Key, table::Error> {
    let user = keys::person_at(&place_of(phase, entry)?);
    let user = user.ok_or_else(|| table::Error::defect("an entry without a user"))?;
    Ok(keys::membership(wanted.tenant, &user, wanted.organization))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(phase: Phase, place: &str) -> Result<Query<'static>, Refusal> {
        let wanted = Wanted {
            tenant: &TenantId::parse("acme").unwrap(),
            organization: &OrganizationId::parse("o").unwrap(),
            filter: MemberFilter {
                status: None,
                role: None,
            },
            prefix: Some(&"ada".parse().unwrap()),
        };
        wanted.query(phase, Some(place), 50)
    }

    #[test]
    fn a_position_names_its_phase_and_stays_in_its_list() {
        for phase in [Phase::Names, Phase::Emails, Phase::Unlisted] {
            assert_eq!(Phase::of(&phase.position("")).unwrap(), (phase, None));
            assert_eq!(Phase::of(&phase.position("x")).unwrap(), (phase, Some("x")));
        }
        assert!(Phase::of("").is_err() && Phase::of("xada#u").is_err());
        let after = query(Phase::Emails, "ada@x#u").unwrap().after.unwrap();
        let text = |attribute: &str| after[attribute].as_s().unwrap().as_str();
        assert_eq!(text("pk"), "TENANT#acme#USER#u");
        assert_eq!(text("sk"), "EMAIL");
        assert_eq!(text("gsi3pk"), "TENANT#acme#EMAILS");
        let long = |bytes: usize| format!("ada{}#u", "x".repeat(bytes - "ada#u".len()));
        assert!(query(Phase::Names, &long(MAX_SORT_KEY_BYTES)).is_ok());
        for place in ["bob#u", "ada", "ada#", &long(MAX_SORT_KEY_BYTES + 1)] {
            assert!(query(Phase::Names, place).is_err(), "{place}");
        }
        assert!(query(Phase::Unlisted, "USER#$2026#u").is_ok());
        assert!(query(Phase::Unlisted, "ORG#u").is_err());
    }
}
