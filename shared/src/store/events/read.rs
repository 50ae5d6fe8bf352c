//! Reading events: of an organization, of the tenant, and one by its id.

use std::time::Duration;

use futures_util::future::try_join_all;
use strum::{EnumString, VariantNames};

use super::{PARTITIONS, from_row, partition_of};
use crate::domain::{
    Event, EventId, EventTypePattern, Invalid, OrganizationId, Page, Permission, TenantId,
    Timestamp, UserId,
};
use crate::store::keys::{self, GSI1};
use crate::store::table::{Condition, Query, text};
use crate::store::{Context, Error, Refusal, Store, access, table};

/// How old an event must be to be in a list from the oldest on. The id of an event is drawn before its transaction is
/// committed, so an event can appear behind later ones for as long as the commit may take, plus the difference between
/// clocks and the delay of an index, for which there are 50 s.
///
/// How long a function runs does not matter: the id is drawn when the transaction is built, no call is made between that
/// and its commit, and each further attempt of an operation draws new ids. The commit sends the last time within the retry
/// budget (3 s), and that call ends within the timeout of a call (3 s).
pub const SETTLE_TIME: Duration = Duration::from_mins(1);
/// Number of events that one page reads when few of many match.
const SIFTED: usize = 500;

/// The order of a list of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum EventOrder {
    /// The latest event first.
    #[default]
    Newest,
    /// The earliest event first, without events that are younger than [`SETTLE_TIME`].
    Oldest,
}

/// Which events a list contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only these types; empty for all.
    pub types: Vec<EventTypePattern>,
    /// Only changes made by this actor.
    pub actor_id: Option<String>,
    /// Only changes that have this user as a target.
    pub user_id: Option<UserId>,
    /// Only changes at or after this time.
    pub from: Option<Timestamp>,
    /// Only changes before this time.
    pub to: Option<Timestamp>,
    /// The order of the list.
    pub order: EventOrder,
}

/// The ids between which a page starts and ends, both included.
type Range = (EventId, EventId);

impl Store {
    /// Returns the events of an organization. Requires an owner or admin; of a deleted organization, a tenant admin.
    /// Eventually consistent.
    pub async fn organization_events(
        &self,
        cx: &Context,
        id: &OrganizationId,
        filter: &EventFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Event>, Error> {
        let caller = &cx.caller;
        let now = self.clock.now();
        let range = filter.range(after, now)?;
        let partition = keys::events_of_organization(&caller.tenant_id, id);
        let found = async {
            let Some(range) = range else {
                return Ok(FoundEvents::default());
            };
            let read = filter.limit_to_read(limit, SIFTED);
            let found = self.events_in(Some(GSI1), partition, range, filter, read);
            Ok::<_, Error>(found.await?)
        };
        let (view, found) = tokio::try_join!(self.view(caller, id, &[]), found)?;
        if caller.tenant_admin {
            view.any_organization(caller, id, now)?;
        } else {
            view.organization(caller, id, now)?;
        }
        view.standing(caller, id)?.require(Permission::ViewEvents)?;
        Ok(filter.page(vec![found], after, limit))
    }

    /// Returns the events of the caller's tenant. Requires a tenant admin. Strongly consistent. Makes one query for
    /// each partition, all at once.
    pub async fn tenant_events(
        &self,
        cx: &Context,
        filter: &EventFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Event>, Error> {
        let caller = &cx.caller;
        access::require_tenant_admin(caller)?;
        let Some(range) = filter.range(after, self.clock.now())? else {
            return Ok(filter.page(Vec::new(), after, limit));
        };
        // The ids are spread evenly. Half as many again, so that most pages are full.
        let partitions = usize::from(PARTITIONS);
        let share = (limit * 3).div_ceil(partitions * 2) + 2;
        let share = filter.limit_to_read(share, SIFTED / partitions);
        let found = (0..PARTITIONS).map(|partition| {
            let partition = keys::events_partition(&caller.tenant_id, partition);
            self.events_in(None, partition, range, filter, share)
        });
        Ok(filter.page(try_join_all(found).await?, after, limit))
    }

    /// Returns an event of the caller's tenant. Requires a tenant admin.
    pub async fn event(&self, cx: &Context, id: EventId) -> Result<Event, Error> {
        let caller = &cx.caller;
        access::require_tenant_admin(caller)?;
        let key = keys::event(&caller.tenant_id, partition_of(id), id);
        let item = self.table.get(&key).await?.ok_or(Refusal::NotFound)?;
        Ok(from_row(item)?)
    }

    /// Returns the events of memberships in an organization from one id on. Strongly consistent. Reads all events of
    /// memberships of the tenant since then.
    pub(in crate::store) async fn membership_events(
        &self,
        tenant: &TenantId,
        organization: &OrganizationId,
        from: EventId,
    ) -> Result<Vec<Event>, table::Error> {
        let filter = EventFilter {
            types: vec!["membership.*".parse().map_err(table::Error::defect)?],
            order: EventOrder::Oldest,
            ..EventFilter::default()
        };
        let filter = &filter;
        let in_partition = async |number: u8| {
            let (mut events, mut next) = (Vec::new(), Some(from));
            while let Some(first) = next {
                let partition = keys::events_partition(tenant, number);
                let range = (first, EventId::last_at(Timestamp::MAX));
                let found = self.events_in(None, partition, range, filter, usize::MAX);
                let found = found.await?;
                events.extend(found.events);
                next = found.read_up_to.map(EventId::next);
            }
            Ok::<_, table::Error>(events)
        };
        let found = try_join_all((0..PARTITIONS).map(in_partition)).await?;
        let events = found.into_iter().flatten();
        let mut events: Vec<_> = events
            .filter(|event| event.organization_id.as_ref() == Some(organization))
            .collect();
        events.sort_by_key(|event| event.id);
        Ok(events)
    }

    async fn events_in(
        &self,
        index: Option<&str>,
        partition: String,
        (first, last): Range,
        filter: &EventFilter,
        read: usize,
    ) -> Result<FoundEvents, table::Error> {
        let page = self
            .table
            .query(
                Query::between(index, partition, first.to_string(), last.to_string())
                    .filter(filter.condition())
                    .limit(read)
                    .backwards(filter.order == EventOrder::Newest),
            )
            .await?;
        let read_up_to = page.next.map(|id| id.parse()).transpose();
        Ok(FoundEvents {
            events: page
                .items
                .into_iter()
                .map(from_row)
                .collect::<Result<_, _>>()?,
            read_up_to: read_up_to.map_err(table::Error::unreadable)?,
        })
    }
}

/// The matching events of one partition.
#[derive(Default)]
struct FoundEvents {
    events: Vec<Event>,
    /// The last event read; `None` if all were.
    read_up_to: Option<EventId>,
}

impl EventFilter {
    /// Returns the ids to read after a position; `None` if there are none.
    fn range(&self, after: Option<&str>, now: Timestamp) -> Result<Option<Range>, Refusal> {
        let after: Option<EventId> = after
            .map(str::parse)
            .transpose()
            .map_err(|_| Refusal::InvalidPosition)?;
        let mut first = EventId::first_at(self.from.unwrap_or(Timestamp::EPOCH));
        let before_end = |end| EventId::first_at(end).previous();
        let mut last = self.to.map_or(EventId::last_at(Timestamp::MAX), before_end);
        match self.order {
            EventOrder::Newest => {
                last = after.map_or(last, |after| last.min(after.previous()));
            }
            EventOrder::Oldest => {
                first = after.map_or(first, |after| first.max(after.next()));
                last = last.min(before_end(now.before(SETTLE_TIME)));
            }
        }
        Ok((first <= last).then_some((first, last)))
    }

    /// Returns the condition of the other filters.
    fn condition(&self) -> Option<Condition> {
        let types =
            self.types.iter().enumerate().map(|(n, pattern)| {
                let name = format!(":type{n}");
                match pattern.as_str().strip_suffix('*') {
                    Some(prefix) => Condition::new(format!("begins_with(#type, {name})"))
                        .value(&name, text(prefix)),
                    None => Condition::new(format!("#type = {name}"))
                        .value(&name, text(pattern.as_str())),
                }
            });
        let types = types.reduce(Condition::or);
        let actor = self.actor_id.as_ref().map(|actor| {
            Condition::new("#actor_id = :actor").value(":actor", text(actor.as_str()))
        });
        let user = self.user_id.as_ref().map(|user| {
            Condition::new("contains(#user_ids, :user)").value(":user", text(user.as_str()))
        });
        let all = [types, actor, user].into_iter().flatten();
        all.reduce(Condition::and)
    }

    /// Returns how many events to read for a page of `limit`.
    fn limit_to_read(&self, limit: usize, sifted: usize) -> usize {
        let all = self.types.is_empty() && self.actor_id.is_none() && self.user_id.is_none();
        if all { limit } else { limit.max(sifted) }
    }

    /// Merges the events of several partitions into a page. A list from the oldest on always has a next position, from
    /// which later events can be read.
    fn page(&self, found: Vec<FoundEvents>, after: Option<&str>, limit: usize) -> Page<Event> {
        let nearer = |one: EventId, other: EventId| match self.order {
            EventOrder::Newest => one.max(other),
            EventOrder::Oldest => one.min(other),
        };
        // Beyond this event, not every partition was read.
        let end = found.iter().filter_map(|it| it.read_up_to).reduce(nearer);
        let events = found.into_iter().flat_map(|it| it.events);
        let is_complete = |event: &Event| end.is_none_or(|end| nearer(event.id, end) == event.id);
        let mut items: Vec<_> = events.filter(is_complete).collect();
        items.sort_by_key(|event| event.id);
        if self.order == EventOrder::Newest {
            items.reverse();
        }
        let is_cut = items.len() > limit;
        items.truncate(limit);
        let last = items.last().map(|event| event.id.to_string());
        let mut next = if is_cut {
            last.clone()
        } else {
            end.map(|end| end.to_string())
        };
        if self.order == EventOrder::Oldest && next.is_none() {
            let start = || EventId::first_at(self.from.unwrap_or(Timestamp::EPOCH)).previous();
            next = last
                .or_else(|| after.map(ToOwned::to_owned))
                .or_else(|| Some(start().to_string()));
        }
        Page { items, next }
    }
}

#[cfg(test)]
mod tests;
