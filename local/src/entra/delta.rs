//! Delta queries of groups and users: everything, or what has changed since a link.
//! <https://learn.microsoft.com/graph/delta-query-overview>
//!
//! A link to the next page or to later changes is a number under which the stack keeps what it stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::EntraRefusal;
use super::circumstances::Circumstances;
use super::file::Directory;
use super::links::{DeltaQuery, Followed, Kept, State, States};
use super::query;

/// Maximum number of objects in the filter of a query.
const MAX_FILTERED: usize = 50;

impl Followed {
    const fn path(self) -> &'static str {
        match self {
            Self::Groups => "groups/delta",
            Self::Users => "users/delta",
        }
    }

    /// The objects of the directory, limited to these ids.
    fn states(self, directory: &Directory, ids: Option<&BTreeSet<String>>) -> States {
        let all: States = match self {
            Self::Groups => group_states(directory),
            Self::Users => user_states(directory),
        };
        let all = all.into_iter();
        all.filter(|(id, _)| ids.is_none_or(|ids| ids.contains(id)))
            .collect()
    }
}

/// Answers a delta query: its first page, a later page, or the changes since a link.
pub(super) fn answer(
    followed: Followed,
    directory: &Directory,
    about: &Circumstances<'_>,
) -> Result<Value, EntraRefusal> {
    let links = about.links;
    if let Some(token) = &about.query.skip_token {
        return match links.find(token)? {
            Kept::Pages(pages, end) => Ok(page(followed, about, &pages, end)),
            Kept::Since(..) => Err(query::bad("Request_BadRequest", "Not a link to a page.")),
        };
    }
    let (asked, since) = match about.query.delta_token.as_deref() {
        Some("latest") => {
            let asked = asked(followed, about)?;
            let now = followed.states(directory, asked.ids.as_ref());
            (asked, Some(Arc::new(now)))
        }
        Some(token) => match links.find(token)? {
            Kept::Since(asked, states) => (asked, Some(states)),
            Kept::Pages(..) => return Err(query::bad("Request_BadRequest", "Not a delta link.")),
        },
        None => (asked(followed, about)?, None),
    };
    let now = followed.states(directory, asked.ids.as_ref());
    let rows = rows(&asked, since.as_deref(), &now, directory.page_size(None));
    let end = links.keep(Kept::Since(asked, Arc::new(now)));
    let pages: Vec<Vec<Value>> = rows
        .chunks(directory.page_size(None))
        .map(<[Value]>::to_vec)
        .collect();
    Ok(page(followed, about, &pages, end))
}

fn asked(followed: Followed, about: &Circumstances<'_>) -> Result<DeltaQuery, EntraRefusal> {
    let ids = about.query.filter.as_deref().map(ids).transpose()?;
    Ok(DeltaQuery {
        followed,
        select: about.query.select.clone(),
        ids,
    })
}

/// Reads `id eq 'a' or id eq 'b'`.
fn ids(filter: &str) -> Result<BTreeSet<String>, EntraRefusal> {
    let unsupported = || {
        let message = "A delta query can be filtered by at most 50 ids: id eq 'a' or id eq 'b'.";
        query::bad("Request_UnsupportedQuery", message)
    };
    let ids = filter.split(" or ").map(|one| {
        let id = one.trim().strip_prefix("id eq '")?.strip_suffix('\'')?;
        Some(id.to_owned())
    });
    let ids: BTreeSet<_> = ids.collect::<Option<_>>().ok_or_else(unsupported)?;
    if ids.len() > MAX_FILTERED {
        return Err(unsupported());
    }
    Ok(ids)
}

/// The rows of a query. A group whose members do not fit on a page has several.
fn rows(asked: &DeltaQuery, since: Option<&States>, now: &States, size: usize) -> Vec<Value> {
    let selects = |name: &str| {
        let select = asked.select.as_deref();
        select.is_none_or(|names| names.split(',').any(|one| one.trim() == name))
    };
    let follows_members = asked.followed == Followed::Groups && selects("members");
    let gone = since.into_iter().flatten();
    let gone = gone.filter(|(id, _)| !now.contains_key(*id));
    let mut rows: Vec<Value> = gone
        .map(|(id, _)| json!({"id": id, "@removed": {"reason": "changed"}}))
        .collect();
    for (id, state) in now {
        let before = since.and_then(|since| since.get(id));
        let mut row = state.properties.clone();
        row.retain(|name, value| {
            let is_same = before.is_some_and(|before| before.properties.get(name) == Some(value));
            selects(name) && !is_same
        });
        let is_changed = !row.is_empty();
        let none = BTreeMap::new();
        let had = before.map_or(&none, |before| &before.members);
        let added = state
            .members
            .iter()
            .filter(|(id, _)| !had.contains_key(*id));
        let added = added.map(|(id, of_type)| json!({"@odata.type": of_type, "id": id}));
        let removed = had
            .iter()
            .filter(|(id, _)| !state.members.contains_key(*id));
        let removed = removed.map(|(id, of_type)| {
            json!({"@odata.type": of_type, "id": id, "@removed": {"reason": "deleted"}})
        });
        let members: Vec<Value> = added.chain(removed).filter(|_| follows_members).collect();
        if !is_changed && members.is_empty() && before.is_some() {
            continue;
        }
        row.insert("id".to_owned(), json!(id));
        if members.is_empty() {
            rows.push(row.clone().into());
        }
        for some in members.chunks(size) {
            let mut part = row.clone();
            part.insert("members@delta".to_owned(), json!(some));
            rows.push(part.into());
        }
    }
    rows
}

/// The first of the pages, with a link to the others or to later changes.
fn page(followed: Followed, about: &Circumstances<'_>, pages: &[Vec<Value>], end: u64) -> Value {
    let (first, rest) = match pages {
        [] => (&[][..], &[][..]),
        [first, rest @ ..] => (first.as_slice(), rest),
    };
    let url = format!("{}/{}", about.root, followed.path());
    let (name, token) = if rest.is_empty() {
        ("@odata.deltaLink", format!("$deltatoken={end}"))
    } else {
        let next = about.links.keep(Kept::Pages(Arc::new(rest.to_vec()), end));
        let page = about.query.page() + 1;
        ("@odata.nextLink", format!("$skiptoken={next}.{page}"))
    };
    json!({
        "@odata.context": format!("{}/$metadata#{}", about.root, followed.path()),
        "value": first,
        name: format!("{url}?{token}"),
    })
}

fn group_states(directory: &Directory) -> States {
    let user_ids: BTreeMap<&str, &str> = directory
        .users
        .iter()
        .map(|user| (user.user_id.as_str(), user.id.as_str()))
        .collect();
    let groups = directory.groups.iter().map(|group| {
        let members = group
            .members
            .iter()
            .map(|member| match user_ids.get(member.as_str()) {
                Some(id) => ((*id).to_owned(), "#microsoft.graph.user"),
                None => (member.clone(), "#microsoft.graph.group"),
            });
        let state = State {
            properties: Map::from_iter([("displayName".to_owned(), json!(group.display_name))]),
            members: members.collect(),
        };
        (group.id.clone(), state)
    });
    groups.collect()
}

fn user_states(directory: &Directory) -> States {
    let users = directory.users.iter().map(|user| {
        let state = State {
            properties: Map::from_iter([
                ("displayName".to_owned(), json!(user.display_name)),
                ("accountEnabled".to_owned(), json!(user.account_enabled)),
            ]),
            members: BTreeMap::new(),
        };
        (user.id.clone(), state)
    });
    users.collect()
}
