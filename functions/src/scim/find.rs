//! Lists and searches.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use muster::domain::{MAX_SCIM_FOUND, ScimGroup, ScimLookup, ScimUser};
use muster::http::{Answer, ApiRequest};
use muster_scim::{
    Alternative, Error, Filter, Indexed, ListQuery, Plan, ScimResource, ScimType, list_response,
};
use serde_json::Value;

use super::{Failure, Scim, answer, body};

/// Maximum number of members in one list of groups. A list of groups with more has no members.
const MAX_LISTED_MEMBERS: usize = 10_000;
/// Maximum size of the resources in a list, in bytes. A response of a function has at most 6 MB.
const MAX_LIST_BYTES: usize = 4_000_000;
/// Number of users or groups that are read at the same time.
const AT_ONCE: usize = 16;

/// The resources found: how many there are, and those of the page.
struct FoundResources<T> {
    total: usize,
    items: Vec<T>,
}

/// Returns what the query of a request asks for.
pub(super) fn asked(request: &ApiRequest) -> Result<ListQuery, Failure> {
    // Without no parameter, all are left.
    Ok(ListQuery::from_query(&request.query_without(""))?)
}

/// Returns what the body of a search asks for.
pub(super) fn searched(request: &ApiRequest) -> Result<ListQuery, Failure> {
    Ok(ListQuery::from_search(&body(request)?)?)
}

/// The error of a filter that no index answers.
fn unindexed() -> Failure {
    let detail = "The filter needs an equality on id, userName, externalId, displayName, emails or members, \
                  because the directory has more than 1,000 resources.";
    Error::of(ScimType::TooMany, detail).into()
}

/// The error of a filter for what too many have.
fn too_many() -> Failure {
    let detail = "More than 1,000 resources have the externalId, the email address or the member.";
    Error::of(ScimType::TooMany, detail).into()
}

/// Returns the lookup of an index that answers the alternative best.
fn lookup(alternative: &Alternative, kind: ScimResource) -> Option<ScimLookup> {
    alternative.lookups.iter().find_map(|lookup| {
        let value = lookup.value.clone();
        match (lookup.by, kind) {
            (Indexed::Id, _) => Some(ScimLookup::Id(value)),
            (Indexed::UserName, ScimResource::User)
            | (Indexed::DisplayName, ScimResource::Group) => Some(ScimLookup::Name(value)),
            (Indexed::ExternalId, _) => Some(ScimLookup::ExternalId(value)),
            (Indexed::Email, ScimResource::User) => Some(ScimLookup::Email(value)),
            (Indexed::Member, ScimResource::Group) => Some(ScimLookup::Member(value)),
            _ => None,
        }
    })
}

/// Returns the lookups that find all that a filter matches; `None` if indexes do not help.
fn lookups(filter: &Filter, kind: ScimResource) -> Option<Vec<ScimLookup>> {
    match filter.plan(kind) {
        Plan::Indexed(alternatives) => alternatives
            .iter()
            .map(|alternative| lookup(alternative, kind))
            .collect(),
        Plan::Scan => None,
    }
}

impl<Queue> Scim<Queue> {
    /// Returns a page of the users.
    pub(super) async fn list_users(&self, query: &ListQuery) -> Result<Answer, Failure> {
        let found = self.users(query).await?;
        let shown = self.show_users(&found.items, query).await?;
        let list = list_response(found.total, query.start_index, shown);
        Ok(answer::document(&list))
    }

    /// Returns a page of the groups.
    pub(super) async fn list_groups(&self, query: &ListQuery) -> Result<Answer, Failure> {
        let found = self.groups(query).await?;
        let shown = self.show_groups(&found.items, query).await?;
        let list = list_response(found.total, query.start_index, shown);
        Ok(answer::document(&list))
    }

    /// Returns a page of the users and groups: first all users, then all groups.
    pub(super) async fn list_all(&self, query: &ListQuery) -> Result<Answer, Failure> {
        let is_asked = |kind| {
            let filter = query.filter.as_ref();
            filter.is_none_or(|filter| filter.check(kind).is_ok())
        };
        let (of_users, of_groups) = (is_asked(ScimResource::User), is_asked(ScimResource::Group));
        if let (false, false, Some(filter)) = (of_users, of_groups, &query.filter) {
            filter.check(ScimResource::User)?;
        }
        let users = if of_users {
            self.users(query).await?
        } else {
            FoundResources {
                total: 0,
                items: Vec::new(),
            }
        };
        let rest = ListQuery {
            start_index: query.start_index.saturating_sub(users.total).max(1),
            count: query.count - users.items.len(),
            ..query.clone()
        };
        let groups = if of_groups {
            self.groups(&rest).await?
        } else {
            FoundResources {
                total: 0,
                items: Vec::new(),
            }
        };
        let mut shown = self.show_users(&users.items, query).await?;
        // The next page continues where this one ends.
        if shown.len() == users.items.len() {
            shown.extend(self.show_groups(&groups.items, query).await?);
        }
        let total = users.total + groups.total;
        let list = list_response(total, query.start_index, shown);
        Ok(answer::document(&list))
    }

    async fn show_users(
        &self,
        users: &[ScimUser],
        query: &ListQuery,
    ) -> Result<Vec<Value>, Failure> {
        let shown = users
            .iter()
            .map(|user| self.shown_user(user, &query.projection));
        self.fitting(shown.collect()).await
    }

    async fn show_groups(
        &self,
        groups: &[ScimGroup],
        query: &ListQuery,
    ) -> Result<Vec<Value>, Failure> {
        let members: usize = groups.iter().map(|group| group.member_count).sum();
        if members > MAX_LISTED_MEMBERS {
            let shown = groups.iter().map(|group| {
                let attributes = self.group_attributes(group, &query.projection)?;
                Ok(Value::Object(attributes))
            });
            return shown.collect();
        }
        let shown = groups
            .iter()
            .map(|group| self.shown_group(group, &query.projection));
        self.fitting(shown.collect()).await
    }

    /// Returns as many as fit into one response, at least one.
    async fn fitting(
        &self,
        shown: Vec<impl Future<Output = Result<Value, Failure>>>,
    ) -> Result<Vec<Value>, Failure> {
        let (mut fitting, mut bytes) = (Vec::new(), 0);
        let mut shown = stream::iter(shown).buffered(AT_ONCE);
        while let Some(one) = shown.try_next().await? {
            bytes += one.to_string().len();
            if bytes > MAX_LIST_BYTES && !fitting.is_empty() {
                break;
            }
            fitting.push(one);
        }
        Ok(fitting)
    }

    async fn users(&self, query: &ListQuery) -> Result<FoundResources<ScimUser>, Failure> {
        let (store, scope) = (self.store(), self.scope());
        let Some(filter) = &query.filter else {
            let page = store
                .scim_users_page(scope, query.start_index - 1, query.count)
                .await?;
            return Ok(FoundResources {
                total: page.total,
                items: page.items,
            });
        };
        filter.check(ScimResource::User)?;
        let mut candidates = BTreeMap::new();
        if let Some(lookups) = lookups(filter, ScimResource::User) {
            for lookup in lookups {
                let found = store.scim_users_found(scope, &lookup).await?;
                for user in found.ok_or_else(too_many)? {
                    candidates.insert(user.user_name.clone(), user);
                }
            }
        } else {
            if store.scim_users_page(scope, 0, 0).await?.total > MAX_SCIM_FOUND {
                return Err(unindexed());
            }
            let page = store.scim_users_page(scope, 0, MAX_SCIM_FOUND).await?;
            for user in page.items {
                candidates.insert(user.user_name.clone(), user);
            }
        }
        let mut matches = Vec::new();
        for user in candidates.into_values() {
            if filter.matches(ScimResource::User, &self.user_attributes(&user)?) {
                matches.push(user);
            }
        }
        Ok(FoundResources {
            total: matches.len(),
            items: query.page(&matches).to_vec(),
        })
    }

    async fn groups(&self, query: &ListQuery) -> Result<FoundResources<ScimGroup>, Failure> {
        let (store, scope) = (self.store(), self.scope());
        let Some(filter) = &query.filter else {
            let page = store
                .scim_groups_page(scope, query.start_index - 1, query.count)
                .await?;
            return Ok(FoundResources {
                total: page.total,
                items: page.items,
            });
        };
        filter.check(ScimResource::Group)?;
        let asked = filter.members_asked(ScimResource::Group);
        if asked.needs_all {
            let detail = "Members can only be compared by an equality on their value.";
            return Err(Error::of(ScimType::InvalidFilter, detail).into());
        }
        let mut candidates = BTreeMap::new();
        if let Some(lookups) = lookups(filter, ScimResource::Group) {
            for lookup in lookups {
                let found = store.scim_groups_found(scope, &lookup).await?;
                for group in found.ok_or_else(too_many)? {
                    candidates.insert(group.name_key.clone(), group);
                }
            }
        } else {
            if store.scim_groups_page(scope, 0, 0).await?.total > MAX_SCIM_FOUND {
                return Err(unindexed());
            }
            let page = store.scim_groups_page(scope, 0, MAX_SCIM_FOUND).await?;
            for group in page.items {
                candidates.insert(group.name_key.clone(), group);
            }
        }
        let all = muster_scim::Projection::default();
        let ids = &asked.ids;
        let with_members = candidates.into_values().map(|group| async move {
            let members: BTreeSet<String> = if ids.is_empty() {
                BTreeSet::new()
            } else {
                store.scim_members_among(scope, &group.id, ids).await?
            };
            Ok::<_, Failure>((group, members))
        });
        let with_members: Vec<_> = with_members.collect();
        let mut with_members = stream::iter(with_members).buffered(AT_ONCE);
        let mut matches = Vec::new();
        while let Some((group, members)) = with_members.try_next().await? {
            let attributes = self.group_attributes(&group, &all)?;
            let is_member = |id: &str| Some(members.contains(id));
            if filter.matches_group(ScimResource::Group, &attributes, &is_member) {
                matches.push(group);
            }
        }
        Ok(FoundResources {
            total: matches.len(),
            items: query.page(&matches).to_vec(),
        })
    }
}
