//! Lists and searches of the users of a tenant.

use crate::domain::{SearchPrefix, TenantId, User, UserStatus};
use crate::store::access;
use crate::store::keys::{self, GSI3, Key, MAX_SORT_KEY_BYTES};
use crate::store::rows::users::from_row;
use crate::store::table::{self, Condition, Query, text, text_of};
use crate::store::{Context, Error, Page, Refusal, Store};

/// Number of entries that one page reads when few of many match.
const SIFTED: usize = 500;

/// Filter of a list of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFilter {
    /// Only users whose name or email address starts with it.
    pub prefix: Option<SearchPrefix>,
    /// Only users with this status; `None` for any status.
    pub status: Option<UserStatus>,
}

/// A list in the index. Each begins its positions with a letter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// By name.
    Names,
    /// By email address.
    Emails,
}

impl Phase {
    const fn letter(self) -> char {
        match self {
            Self::Names => 'n',
            Self::Emails => 'e',
        }
    }

    /// Returns the phase of a position, and the sort key after which it continues.
    fn of(position: &str) -> Result<(Self, Option<&str>), Refusal> {
        let found = [Self::Names, Self::Emails].into_iter().find_map(|phase| {
            let place = position.strip_prefix(phase.letter())?;
            Some((phase, (!place.is_empty()).then_some(place)))
        });
        found.ok_or(Refusal::InvalidPosition)
    }
}

impl UserFilter {
    fn query(
        &self,
        tenant: &TenantId,
        phase: Phase,
        place: Option<&str>,
        limit: usize,
    ) -> Result<Query<'static>, Refusal> {
        let (partition, prefix) = match phase {
            Phase::Names => (
                keys::users_partition(tenant),
                self.prefix.as_ref().map_or("", SearchPrefix::of_name),
            ),
            Phase::Emails => (
                keys::emails_partition(tenant),
                self.prefix.as_ref().map_or("", SearchPrefix::of_email),
            ),
        };
        let start = keys::person_start(prefix);
        let after = match place {
            None => None,
            Some(place) if place.len() > MAX_SORT_KEY_BYTES || !place.starts_with(&start) => {
                return Err(Refusal::InvalidPosition);
            }
            Some(place) => {
                let user = keys::person_at(place).ok_or(Refusal::InvalidPosition)?;
                let mut key = match phase {
                    Phase::Names => keys::user(tenant, &user),
                    Phase::Emails => keys::email_entry(tenant, &user),
                }
                .attributes();
                key.extend(Key::new(partition.clone(), place).attributes_of(GSI3));
                Some(key)
            }
        };
        let is_rare = self.status == Some(UserStatus::Disabled);
        Ok(Query::in_partition(Some(GSI3), partition, start)
            // An entry by email address has no status; that of the profile counts.
            .filter(self.condition().filter(|_| phase == Phase::Names))
            .after(after)
            .limit(if is_rare { limit.max(SIFTED) } else { limit }))
    }

    /// Returns the condition on the status, which is absent until a user is disabled for the first time.
    fn condition(&self) -> Option<Condition> {
        let status = self.status?;
        let is_equal = Condition::new("#status = :status").value(":status", text(status.as_str()));
        Some(match status {
            UserStatus::Enabled => is_equal.or(Condition::new("attribute_not_exists(#status)")),
            UserStatus::Disabled => is_equal,
        })
    }

    /// Returns whether a profile that was read belongs to the phase: the index lags behind the table, and a key holds
    /// only the start of a very long name.
    fn includes(&self, phase: Phase, user: &User) -> bool {
        if self.status.is_some_and(|status| status != user.status) {
            return false;
        }
        let Some(prefix) = &self.prefix else {
            return true;
        };
        let names = user.names();
        match phase {
            Phase::Names => prefix.begins_name(&names),
            // A user whose name starts like this too was in the first phase.
            Phase::Emails => prefix.begins_email(&names) && !prefix.begins_name(&names),
        }
    }
}

impl Store {
    /// Returns the users of the tenant, after `after`: by name, and in a search then those whose email address starts
    /// with the text, by email address. Requires a tenant admin.
    ///
    /// Eventually consistent: reads an index, and then the profiles with strong consistency.
    pub async fn users(
        &self,
        cx: &Context,
        filter: &UserFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<User>, Error> {
        let caller = &cx.caller;
        access::require_tenant_admin(caller)?;
        let tenant = &caller.tenant_id;
        let (mut phase, mut place) = after.map_or(Ok((Phase::Names, None)), Phase::of)?;
        let mut items: Vec<User> = Vec::new();
        let next = loop {
            let query = filter.query(tenant, phase, place, limit)?;
            let page = self.table.query(query).await?;
            let room = limit - items.len();
            let (found, next) = self.users_of(tenant, filter, phase, page, room).await?;
            items.extend(found);
            if let Some(place) = next {
                break Some(format!("{}{place}", phase.letter()));
            }
            if phase == Phase::Emails || filter.prefix.is_none() {
                break None;
            }
            (phase, place) = (Phase::Emails, None);
            if items.len() == limit {
                break Some(phase.letter().to_string());
            }
        };
        Ok(Page { items, next })
    }

    /// Returns up to `room` users of the entries, and the place after which more follow.
    async fn users_of(
        &self,
        tenant: &TenantId,
        filter: &UserFilter,
        phase: Phase,
        page: table::Page,
        room: usize,
    ) -> Result<(Vec<User>, Option<String>), Error> {
        let mut entries = Vec::with_capacity(page.items.len());
        for entry in &page.items {
            let place = text_of(entry, "gsi3sk")?.to_owned();
            let user = keys::person_at(&place);
            let user = user.ok_or_else(|| table::Error::defect("an entry without a user"))?;
            entries.push((place, keys::user(tenant, &user)));
        }
        let mut next = page.next;
        if phase == Phase::Names && entries.len() > room {
            // All entries match the filter, so no more are read than fit.
            entries.truncate(room);
            next = entries.last().map(|(place, _)| place.clone());
        }
        let wanted: Vec<_> = entries.iter().map(|(_, key)| key).collect();
        let mut profiles = self.table.get_all(&wanted).await?;
        let mut found = Vec::new();
        let mut last = None;
        for (place, key) in entries {
            let Some(profile) = profiles.remove(&key) else {
                continue;
            };
            let user: User = from_row(profile)?;
            if !filter.includes(phase, &user) {
                continue;
            }
            if found.len() == room {
                next = last;
                break;
            }
            found.push(user);
            last = Some(place);
        }
        Ok((found, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::Fake;
    use crate::store::samples::{profile_row, request_of_admin, tenant, user};
    use crate::store::table::Item;

    /// Ada by her name, and Bob by his address.
    fn people() -> [Item; 3] {
        let place = |partition, text: &str, id| {
            let place = keys::person_place(text, &user(id));
            Key::new(partition, place).attributes_of(GSI3)
        };
        let mut ada = profile_row("ada", &[("display_name", "Ada")]);
        ada.extend(place(keys::users_partition(&tenant()), "ada", "ada"));
        let bob = profile_row("bob", &[("email", "ada.bob@acme.example")]);
        let mut entry = keys::email_entry(&tenant(), &user("bob")).attributes();
        let emails = keys::emails_partition(&tenant());
        entry.extend(place(emails, "ada.bob@acme.example", "bob"));
        [ada, bob, entry]
    }

    #[tokio::test]
    async fn a_page_with_room_continues_with_email_addresses() {
        let filter = UserFilter {
            prefix: Some("ada".parse().unwrap()),
            status: None,
        };
        let both = vec![user("ada"), user("bob")];
        let first = vec![user("ada")];
        for (limit, expected, next) in [(5, both, None), (1, first, Some("e"))] {
            let fake = Fake::with(people());
            let (store, cx) = (fake.store(), request_of_admin());
            let page = store.users(&cx, &filter, None, limit).await.unwrap();
            let found = page.items.into_iter().map(|it| it.user_id);
            assert_eq!(found.collect::<Vec<_>>(), expected);
            assert_eq!(page.next.as_deref(), next);
        }
    }

    /// A user in the index by name, or by address.
    fn listed(id: &str, by_name: bool) -> Vec<Item> {
        let email = format!("ada.{id}@acme.example");
        let disabled = ("status", "disabled");
        let profile = profile_row(id, &[("email", &email), disabled]);
        let (mut entry, partition, text) = if by_name {
            let named = profile_row(id, &[("display_name", "Ada"), disabled]);
            (named, keys::users_partition(&tenant()), "ada".to_owned())
        } else {
            let entry = keys::email_entry(&tenant(), &user(id)).attributes();
            (entry, keys::emails_partition(&tenant()), email)
        };
        let place = keys::person_place(&text, &user(id));
        entry.extend(Key::new(partition, place).attributes_of(GSI3));
        if by_name {
            return vec![entry];
        }
        vec![entry, profile]
    }

    #[tokio::test]
    async fn a_page_reads_and_has_no_more_users_than_asked_for() {
        let filter = UserFilter {
            prefix: Some("ada".parse().unwrap()),
            status: Some(UserStatus::Disabled),
        };
        for by_name in [1, 4] {
            let people = ["bob", "eve", "mia", "zoe"].into_iter().enumerate();
            let rows = people.flat_map(|(number, id)| listed(id, number < by_name));
            let fake = Fake::with(rows);
            let (store, cx) = (fake.store(), request_of_admin());
            let page = store.users(&cx, &filter, None, 2).await.unwrap();
            assert_eq!(page.items.len(), 2);
            assert!(page.next.is_some());
            let (first, _) = &fake.keys_read()[0];
            assert_eq!(first.len(), by_name.min(2));
        }
    }

    #[test]
    fn a_position_must_match_the_search_and_fit_in_a_key() {
        let tenant = TenantId::parse("acme").unwrap();
        let filter = UserFilter {
            prefix: Some("ada".parse().unwrap()),
            status: None,
        };
        let query = |phase, place: &str| filter.query(&tenant, phase, Some(place), 50);
        let after = query(Phase::Names, "ada#u").unwrap().after.unwrap();
        let text = |attribute: &str| after[attribute].as_s().unwrap().as_str();
        assert_eq!(text("gsi3sk"), "ada#u");
        assert_eq!(text("pk"), "TENANT#acme#USER#u");
        let long = |bytes: usize| format!("ada{}#u", "x".repeat(bytes - "ada#u".len()));
        for phase in [Phase::Names, Phase::Emails] {
            assert!(query(phase, &long(MAX_SORT_KEY_BYTES)).is_ok());
            for other in ["bob#u", "ada", "ada#", &long(MAX_SORT_KEY_BYTES + 1)] {
                assert!(
                    matches!(query(phase, other), Err(Refusal::InvalidPosition)),
                    "{other}"
                );
            }
        }
    }
}
