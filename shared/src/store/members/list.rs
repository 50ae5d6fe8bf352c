//! Lists and searches of the members of an organization.
//!
//! A list by name, and a search, go through phases, each with an index of its own. A position names its phase. Each
//! phase makes at most one `Query` and one `BatchGetItem` of up to 500 items per page.

mod phase;

use std::collections::{HashMap, HashSet};

use futures_util::TryFutureExt;

use self::phase::{Phase, Wanted, key_of, place_of};
use super::MemberFilter;
use crate::domain::{
    Caller, Membership, OrganizationId, Permission, SearchPrefix, UserId, UserNames,
};
use crate::store::access::{Standing, View};
use crate::store::keys::{self, GSI1, Key, MAX_SORT_KEY_BYTES, USER_PREFIX};
use crate::store::rows::members::from_row;
use crate::store::rows::names::{ProfileCopy, names_in};
use crate::store::rows::organizations::NAMES_INDEXED;
use crate::store::table::{self, Item, Query, text_of};
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

/// A membership that was read, with the place of its entry in the index.
struct FoundMember {
    item: Item,
    place: String,
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
        sort: &MemberSort,
        filter: MemberFilter,
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
            let (more, next) = self.members_of(wanted, phase, page, room).await?;
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
        let members = self.table.query(
            Query::in_partition(Some(GSI1), partition, USER_PREFIX)
                .filter(filter.condition())
                .after(after)
                .limit(filter.limit_to_read(limit)),
        );
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
        let standing = view.standing(caller, organization)?;
        standing.require(Permission::ViewMembers)?;
        Ok(standing)
    }

    /// Returns up to `room` memberships of the entries of an index, and the place after which more follow.
    async fn members_of(
        &self,
        wanted: Wanted<'_>,
        phase: Phase,
        page: table::Page,
        room: usize,
    ) -> Result<(Vec<FoundMember>, Option<String>), Error> {
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
            let membership = from_row(&item)?;
            if !wanted.includes(phase, &membership, copy.as_ref()) {
                continue;
            }
            if found.len() == room {
                next = found.last().map(|last: &FoundMember| last.place.clone());
                break;
            }
            found.push(FoundMember { item, place });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::store::fake::Fake;
    use crate::store::keys::GSI3;
    use crate::store::rows::{names, users};
    use crate::store::samples::{
        member_row, organization_id, organization_row, profile_row, request_of_admin, user,
    };
    use crate::store::table::text;

    #[tokio::test]
    async fn members_of_the_last_release_follow_until_all_are_listed() {
        let mut unlisted = member_row("ada", Role::Member);
        unlisted.retain(|name, _| !name.starts_with("gsi3"));
        let mut listed = organization_row();
        listed.insert(NAMES_INDEXED.to_owned(), text("x"));
        let expected = vec![user("ada")];
        for (organization, expected) in [(organization_row(), expected), (listed, Vec::new())] {
            let fake = Fake::with([organization, unlisted.clone()]);
            let (store, cx) = (fake.store(), request_of_admin());
            let all = MemberFilter {
                status: None,
                role: None,
            };
            let id = organization_id();
            let page = store.members(&cx, &id, &MemberSort::Name, all, None, 10);
            let page = page.await.unwrap();
            let found = page.items.into_iter().map(|it| it.membership.user_id);
            assert_eq!(found.collect::<Vec<_>>(), expected);
        }
    }

    /// A member in the index by name, or only in the one by the time of joining.
    fn row_in(index: &str, id: &str) -> Item {
        let mut row = member_row(id, Role::Member);
        let profile = users::from_row(profile_row(id, &[])).unwrap();
        names::add_copy(&mut row, &profile, &organization_id());
        let other = if index == GSI1 { GSI3 } else { GSI1 };
        row.retain(|name, _| !name.starts_with(other));
        row
    }

    /// Lists members by name. Returns the number of members on the page, its next position, and the table.
    async fn listed(rows: &[(&str, &str)], limit: usize) -> (usize, Option<String>, Fake) {
        let rows = rows.iter().map(|(index, id)| row_in(index, id));
        let fake = Fake::with(rows.chain([organization_row()]));
        let (store, cx, id) = (fake.store(), request_of_admin(), organization_id());
        let members = MemberFilter {
            status: None,
            role: Some(Role::Member),
        };
        let page = store.members(&cx, &id, &MemberSort::Name, members, None, limit);
        let page = page.await.unwrap();
        (page.items.len(), page.next, fake)
    }

    #[tokio::test]
    async fn a_page_has_no_more_members_than_asked_for() {
        let rows = [(GSI3, "ada"), (GSI1, "bob"), (GSI1, "eve"), (GSI1, "mia")];
        let (count, next, _) = listed(&rows, 2).await;
        assert_eq!(count, 2);
        assert!(next.is_some());
        let (count, next, _) = listed(&rows, 5).await;
        assert_eq!((count, next), (4, None));
    }

    #[tokio::test]
    async fn only_members_of_the_page_are_read() {
        let rows = [(GSI3, "ada"), (GSI3, "bob"), (GSI3, "eve"), (GSI3, "mia")];
        let (count, next, fake) = listed(&rows, 2).await;
        assert_eq!(count, 2);
        assert!(next.is_some());
        let reads = fake.keys_read().into_iter();
        let read = reads.map(|(keys, _)| keys.len());
        assert_eq!(read.max(), Some(2));
    }
}
