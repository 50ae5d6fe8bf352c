//! Lists and searches of the members of an organization.
//!
//! A list by name, and a search, go through phases, each with an index of its own. A position names its phase. Each
//! phase makes at most one `Query` and one `BatchGetItem` of up to 500 items per page.

use std::collections::{HashMap, HashSet};

use futures_util::TryFutureExt;

use super::{MemberFilter, SIFTED};
use crate::domain::{
    Caller, Membership, OrganizationId, Permission, SearchPrefix, TenantId, UserId, UserNames,
};
use crate::store::access::{self, Standing, View, standing};
use crate::store::keys::{self, GSI1, GSI3, Key, MAX_SORT_KEY_BYTES, USER_PREFIX};
use crate::store::rows::members::from_row;
use crate::store::rows::names::{ProfileCopy, names_in};
use crate::store::rows::organizations::NAMES_INDEXED;
use crate::store::table::{self, Condition, Item, Query, in_partition, text_of};
use crate::store::{Context, Error, Page, Refusal, Store};

/// The order of a list of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberSort {
    /// The order in which they joined. Members from before this order existed come last, by id, until their next
    /// login.
    Joined,
    /// By display name; members without a name first.
    Name,
    /// Members whose name starts with the text, by name; then those whose email address does, if the caller may see
    /// email addresses.
    Search(SearchPrefix),
}

/// A membership with the names of its user.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The membership.
    pub membership: Membership,
    /// The names of the user.
    pub names: UserNames,
    /// Whether the caller may see the email address.
    pub shows_email: bool,
}

/// A list of people in an index. Each begins its positions with a letter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
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
    fn of(position: &str) -> Result<(Self, Option<&str>), Refusal> {
        let all = [Self::Names, Self::Emails, Self::Unlisted];
        let found = all.into_iter().find_map(|phase| {
            let place = position.strip_prefix(phase.letter())?;
            Some((phase, (!place.is_empty()).then_some(place)))
        });
        found.ok_or(Refusal::InvalidPosition)
    }

    fn position(self, place: &str) -> String {
        format!("{}{place}", self.letter())
    }

    const fn index(self) -> &'static str {
        match self {
            Self::Names | Self::Emails => GSI3,
            Self::Unlisted => GSI1,
        }
    }
}

/// A membership that was read, with the place of its entry in the index.
struct Found {
    item: Item,
    place: String,
}

/// What a list asks for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    tenant: &'a TenantId,
    organization: &'a OrganizationId,
    filter: MemberFilter,
    prefix: Option<&'a SearchPrefix>,
}

impl Wanted<'_> {
    fn query(
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
            Phase::Names => self.filter.look_at(limit),
            Phase::Emails | Phase::Unlisted => limit.max(SIFTED),
        };
        Ok(Query {
            index: Some(index),
            condition: in_partition(Some(index), partition, start),
            filter,
            after,
            limit,
            is_backwards: false,
        })
    }

    /// Returns whether a membership that was read belongs to the phase: the index lags behind the table, and a key
    /// holds only the start of a very long name.
    fn includes(self, phase: Phase, membership: &Membership, copy: Option<&ProfileCopy>) -> bool {
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
    fn next_phase(self, phase: Phase, sees_emails: bool, has_unlisted: bool) -> Option<Phase> {
        match (phase, self.prefix) {
            (Phase::Names, Some(_)) if sees_emails => Some(Phase::Emails),
            (Phase::Names, None) if has_unlisted => Some(Phase::Unlisted),
            _ => None,
        }
    }
}

impl Store {
    /// Returns the members of an organization, after `after`. Requires an active member.
    ///
    /// Eventually consistent: reads an index. Concurrently reads the organization and the caller's membership
    /// with strong consistency.
    pub async fn members(
        &self,
        cx: &Context,
        organization: &OrganizationId,
        (sort, filter): (&MemberSort, MemberFilter),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Member>, Error> {
        let prefix = match sort {
            MemberSort::Joined => {
                return self
                    .members_by_joining(cx, organization, filter, after, limit)
                    .await;
            }
            MemberSort::Name => None,
            MemberSort::Search(prefix) => Some(prefix),
        };
        let caller = &cx.caller;
        let wanted = Wanted {
            tenant: &caller.tenant_id,
            organization,
            filter,
            prefix,
        };
        let (mut phase, mut place) = match after {
            None => (Phase::Names, None),
            Some(position) => Phase::of(position)?,
        };
        let first = self.table.query(wanted.query(phase, place, limit)?);
        let (view, first) =
            tokio::try_join!(self.view(caller, organization, &[]), first.err_into())?;
        let standing = self.may_list(caller, organization, &view)?;
        let sees_emails = standing.grants(Permission::ViewEmails);
        if phase == Phase::Emails && !sees_emails {
            // The caller's role is lower than on the page before.
            return Err(Refusal::InvalidPosition.into());
        }
        let has_unlisted = view
            .item(&keys::organization(&caller.tenant_id, organization))
            .is_none_or(|item| !item.contains_key(NAMES_INDEXED));
        let mut found = Vec::new();
        let mut page = first;
        let next = loop {
            let room = limit - found.len();
            let (more, next) = self.members_of(wanted, (phase, page), room).await?;
            found.extend(more);
            if let Some(place) = next {
                break Some(phase.position(&place));
            }
            let Some(following) = wanted.next_phase(phase, sees_emails, has_unlisted) else {
                break None;
            };
            if found.len() == limit {
                break Some(following.position(""));
            }
            (phase, place) = (following, None);
            page = self.table.query(wanted.query(phase, place, limit)?).await?;
        };
        let items = found.into_iter().map(|found| found.item).collect();
        let items = self.with_names(caller, standing, items).await?;
        Ok(Page { items, next })
    }

    /// Returns the members in the order in which they joined.
    async fn members_by_joining(
        &self,
        cx: &Context,
        organization: &OrganizationId,
        filter: MemberFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Member>, Error> {
        let caller = &cx.caller;
        let partition = keys::organization_partition(&caller.tenant_id, organization);
        let after = match after {
            None => None,
            Some(position) => {
                let place = format!("{USER_PREFIX}{position}");
                let user = keys::member_at(&place).filter(|_| place.len() <= MAX_SORT_KEY_BYTES);
                let user = user.ok_or(Refusal::InvalidPosition)?;
                let mut key = keys::membership(&caller.tenant_id, &user, organization).attributes();
                key.extend(Key::new(partition.clone(), place).attributes_of(GSI1));
                Some(key)
            }
        };
        let members = self.table.query(Query {
            index: Some(GSI1),
            condition: in_partition(Some(GSI1), partition, USER_PREFIX.to_owned()),
            filter: filter.condition(),
            after,
            limit: filter.look_at(limit),
            is_backwards: false,
        });
        let (view, page) =
            tokio::try_join!(self.view(caller, organization, &[]), members.err_into())?;
        let standing = self.may_list(caller, organization, &view)?;
        let mut items = page.items;
        let mut next = page.next;
        if items.len() > limit {
            items.truncate(limit);
            let last = items.last().map(|last| text_of(last, "gsi1sk"));
            next = last.transpose()?.map(ToOwned::to_owned);
        }
        let position = |place: String| Some(place.strip_prefix(USER_PREFIX)?.to_owned());
        Ok(Page {
            items: self.with_names(caller, standing, items).await?,
            next: next.and_then(position),
        })
    }

    /// Requires an active member of a live organization.
    fn may_list(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        view: &View,
    ) -> Result<Standing, Error> {
        view.organization(caller, organization, self.clock.now())?;
        let own = view.membership(&access::own_key(caller, organization))?;
        let standing = standing(caller, own.as_ref())?;
        standing.require(Permission::ViewMembers)?;
        Ok(standing)
    }

    /// Returns up to `room` memberships of the entries of an index, and the place after which more follow.
    async fn members_of(
        &self,
        wanted: Wanted<'_>,
        (phase, page): (Phase, table::Page),
        room: usize,
    ) -> Result<(Vec<Found>, Option<String>), Error> {
        let mut entries = page.items;
        let mut next = page.next;
        if phase != Phase::Emails && entries.len() > room {
            // All entries match the filters, so no more are read than fit.
            entries.truncate(room);
            let last = entries.last().map(|last| place_of(phase, last));
            next = last.transpose()?;
        }
        let mut memberships = HashMap::new();
        if phase != Phase::Unlisted {
            let keys = entries.iter().map(|entry| key_of(wanted, phase, entry));
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            memberships = self.table.get_all(&keys.iter().collect::<Vec<_>>()).await?;
        }
        let mut found = Vec::new();
        for entry in entries {
            let place = place_of(phase, &entry)?;
            let item = match phase {
                Phase::Unlisted => Some(entry),
                _ => memberships.remove(&key_of(wanted, phase, &entry)?),
            };
            let Some(item) = item else {
                continue;
            };
            let copy = ProfileCopy::of(&item)?;
            let membership = from_row(item.clone())?;
            if !wanted.includes(phase, &membership, copy.as_ref()) {
                continue;
            }
            if found.len() == room {
                next = found.last().map(|last: &Found| last.place.clone());
                break;
            }
            found.push(Found { item, place });
        }
        Ok((found, next))
    }

    /// Returns memberships with the names of their users. Reads the profiles of those that have no copy in one call.
    async fn with_names(
        &self,
        caller: &Caller,
        standing: Standing,
        items: Vec<Item>,
    ) -> Result<Vec<Member>, Error> {
        let sees_emails = standing.grants(Permission::ViewEmails);
        let mut members = Vec::with_capacity(items.len());
        let mut without_copy = HashSet::new();
        for item in items {
            let copy = ProfileCopy::of(&item)?;
            let membership = from_row(item)?;
            if copy.is_none() {
                without_copy.insert(membership.user_id.clone());
            }
            members.push(Member {
                shows_email: sees_emails || caller.user_id == membership.user_id,
                names: copy.map(|copy| copy.names).unwrap_or_default(),
                membership,
            });
        }
        if without_copy.is_empty() {
            return Ok(members);
        }
        let profile = |user: &UserId| keys::user(&caller.tenant_id, user);
        let keys: Vec<_> = without_copy.iter().map(profile).collect();
        let profiles = self.table.get_all(&keys.iter().collect::<Vec<_>>()).await?;
        for member in &mut members {
            let user = &member.membership.user_id;
            if without_copy.contains(user)
                && let Some(item) = profiles.get(&profile(user))
            {
                member.names = names_in(item)?;
            }
        }
        Ok(members)
    }
}

fn place_of(phase: Phase, entry: &Item) -> Result<String, table::Error> {
    Ok(text_of(entry, &format!("{}sk", phase.index()))?.to_owned())
}

/// Returns the key of the membership of an entry.
fn key_of(wanted: Wanted<'_>, phase: Phase, entry: &Item) -> Result<Key, table::Error> {
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
