//! Which directory user a user who signs in is.

use muster::domain::{Email, EntraObjectId, LinkBy, ScimLookup, ScimScope, ScimUserId, UserId};
use muster::store::{self, Profile, ScimUserWithGroups, Store};

/// The directory users that a login may be of, by what they are found by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates {
    /// By the id that the settings name.
    by_id: Vec<ScimUserWithGroups>,
    /// By a verified address in a verified domain of the tenant.
    by_email: Vec<ScimUserWithGroups>,
}

/// Which directory user a login is of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice {
    /// The one that the user is linked to.
    Linked(Box<ScimUserWithGroups>),
    /// This one, to which the user is linked now. The link to the one before, which is not active, ends.
    Link(Box<ScimUserWithGroups>, Option<ScimUserId>),
    /// None.
    None,
}

/// Reads the directory users that a login may be of, with their groups.
pub(crate) async fn candidates(
    store: &Store,
    scope: &ScimScope,
    link_by: LinkBy,
    profile: &Profile,
) -> Result<Candidates, store::Error> {
    let id = match link_by {
        LinkBy::ObjectId => profile.entra_object_id.as_ref().map(EntraObjectId::as_str),
        LinkBy::UserId => Some(profile.user_id.as_str()),
    };
    let by_id = async {
        match id {
            Some(id) => {
                let lookup = ScimLookup::ExternalId(id.to_owned());
                store.scim_users_to_link(scope, &lookup).await
            }
            None => Ok(Vec::new()),
        }
    };
    let (by_id, by_email) = tokio::try_join!(by_id, by_email(store, scope, profile))?;
    Ok(Candidates { by_id, by_email })
}

async fn by_email(
    store: &Store,
    scope: &ScimScope,
    profile: &Profile,
) -> Result<Vec<ScimUserWithGroups>, store::Error> {
    let email = profile.email.as_ref().filter(|_| profile.email_verified);
    let Some((email, domain)) = email.and_then(|it| Some((it, it.provable_domain()?))) else {
        return Ok(Vec::new());
    };
    let lookup = ScimLookup::Email(Email::folded(email));
    let (is_verified, found) = tokio::try_join!(
        store.is_verified_domain(&scope.tenant_id, &domain),
        store.scim_users_to_link(scope, &lookup)
    )?;
    Ok(if is_verified { found } else { Vec::new() })
}

impl Candidates {
    /// Returns the candidate with an id.
    pub(crate) fn get(&self, id: &ScimUserId) -> Option<&ScimUserWithGroups> {
        let mut all = self.by_id.iter().chain(&self.by_email);
        all.find(|one| one.user.id == *id)
    }
}

/// Returns which directory user a login of `user` is of. `linked` is the one that the profile names, if it exists.
///
/// A directory user that is linked to another user is never chosen, and neither is one of several that are equally
/// good. An active one is better than one that is not. A link to a user that is active stays.
pub(crate) fn choose(
    user: &UserId,
    linked: Option<ScimUserWithGroups>,
    candidates: &Candidates,
) -> Choice {
    let linked = linked.filter(|it| it.user.user_id.as_ref() == Some(user));
    if let Some(linked) = linked.as_ref().filter(|it| it.user.is_active) {
        return Choice::Linked(linked.clone().into());
    }
    let found = best(user, &candidates.by_id).or_else(|| best(user, &candidates.by_email));
    match (linked, found) {
        (None, None) => Choice::None,
        (None, Some(found)) => Choice::Link(found.clone().into(), None),
        (Some(linked), Some(found)) if found.user.is_active => {
            Choice::Link(found.clone().into(), Some(linked.user.id))
        }
        (Some(linked), _) => Choice::Linked(linked.into()),
    }
}

/// Returns the only active candidate that is free, else the only one.
fn best<'a>(user: &UserId, found: &'a [ScimUserWithGroups]) -> Option<&'a ScimUserWithGroups> {
    let free: Vec<_> = found
        .iter()
        .filter(|one| one.user.user_id.as_ref().is_none_or(|it| it == user))
        .collect();
    let active: Vec<_> = free.iter().filter(|one| one.user.is_active).collect();
    match (active.as_slice(), free.as_slice()) {
        ([one], _) => Some(one),
        ([], [one]) => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use muster::domain::ScimUser;

    use super::*;

    fn one(id: &str, user: Option<&str>, is_active: bool) -> ScimUserWithGroups {
        let now = "2026-11-29T10:00:00.000Z".parse().unwrap();
        ScimUserWithGroups {
            user: ScimUser {
                id: ScimUserId::parse(id).unwrap(),
                attributes: serde_json::Map::default(),
                user_name: id.to_owned(),
                external_id: None,
                emails: BTreeSet::new(),
                is_active,
                user_id: user.map(|id| UserId::parse(id).unwrap()),
                unapplied: None,
                version: 1,
                created_at: now,
                updated_at: now,
            },
            groups: Vec::new(),
        }
    }

    fn chosen(
        linked: Option<ScimUserWithGroups>,
        by_id: &[ScimUserWithGroups],
        by_email: &[ScimUserWithGroups],
    ) -> String {
        let candidates = Candidates {
            by_id: by_id.to_vec(),
            by_email: by_email.to_vec(),
        };
        match choose(&UserId::parse("ada").unwrap(), linked, &candidates) {
            Choice::None => "none".to_owned(),
            Choice::Linked(one) => format!("linked {}", one.user.id),
            Choice::Link(one, None) => format!("link {}", one.user.id),
            Choice::Link(one, Some(before)) => format!("link {} instead of {before}", one.user.id),
        }
    }

    #[test]
    fn an_id_wins_over_an_address() {
        let (a, b) = (one("a", None, true), one("b", None, true));
        assert_eq!(
            chosen(None, std::slice::from_ref(&a), std::slice::from_ref(&b)),
            "link a"
        );
        assert_eq!(chosen(None, &[], &[b]), "link b");
        assert_eq!(chosen(None, &[], &[]), "none");
    }

    #[test]
    fn a_user_linked_elsewhere_is_not_chosen() {
        let other = one("a", Some("bob"), true);
        assert_eq!(chosen(None, std::slice::from_ref(&other), &[]), "none");
        // A profile that still names it has lost the link.
        assert_eq!(chosen(Some(other.clone()), &[other], &[]), "none");
    }

    #[test]
    fn two_equal_matches_link_no_one() {
        let both = [one("a", None, true), one("b", None, true)];
        assert_eq!(chosen(None, &[], &both), "none");
        let one_is_active = [one("a", None, false), one("b", None, true)];
        assert_eq!(chosen(None, &[], &one_is_active), "link b");
    }

    #[test]
    fn a_link_stays_until_an_active_one_takes_its_place() {
        let mine = |is_active| one("a", Some("ada"), is_active);
        let other = |is_active| [one("b", None, is_active)];
        assert_eq!(chosen(Some(mine(true)), &other(true), &[]), "linked a");
        assert_eq!(chosen(Some(mine(false)), &other(false), &[]), "linked a");
        assert_eq!(chosen(Some(mine(false)), &[], &[mine(false)]), "linked a");
        let instead = "link b instead of a";
        assert_eq!(chosen(Some(mine(false)), &other(true), &[]), instead);
        assert_eq!(chosen(Some(mine(false)), &[], &other(true)), instead);
    }

    #[test]
    fn an_inactive_directory_user_is_linked() {
        assert_eq!(chosen(None, &[one("a", None, false)], &[]), "link a");
    }
}
