//! The attributes of a profile that the login sync reads, with the marks of the sync.

use std::fmt;
use std::str::FromStr;

use super::users::{DISABLED_BY, Stored};
use crate::domain::{
    DirectoryId, EntraObjectId, Invalid, OrganizationId, Origin, ScimUserId, TenantId, UserId,
    UserStatus,
};
use crate::store::table::{self, Item};

/// Attribute of a user and of a tenant: the fingerprint of the assigned groups for which everything has been
/// created.
pub(in crate::store) const MADE: &str = "made";

/// Attribute of a user: the organization that a domain has added them to at a login, or that they were in or had left
/// before. Saves later logins the attempt. It does not keep a user out of an organization that they have left: the mark
/// of their leaving does.
pub(in crate::store) const JOINED_BY_DOMAIN: &str = "joined_by_domain";

/// Attribute of a profile: the directory user that it is linked to.
pub(in crate::store) const SCIM_USER: &str = "scim_user";

/// A user as the table has them, with the marks of the sync.
#[derive(Clone, Debug)]
pub struct KnownUser {
    /// The fingerprint of what has been created for the user.
    pub mark: Option<String>,
    /// The organization that a domain has added the user to, or that they have left.
    pub(in crate::store) joined_by_domain: Option<OrganizationId>,
    /// The directory user of a directory of type `scim` that the user is linked to.
    pub scim_link: Option<ScimLink>,
    /// Whether the directory has disabled the user, and may enable them again.
    pub is_disabled_by_directory: bool,
    pub(in crate::store) profile: Stored,
}

impl KnownUser {
    /// Returns the user of a profile that was read.
    pub(in crate::store) fn read(item: Item) -> Result<Self, table::Error> {
        Ok(Self {
            mark: mark_in(&item),
            joined_by_domain: joined_by_domain_in(&item),
            scim_link: scim_link_in(&item),
            is_disabled_by_directory: item.contains_key(DISABLED_BY),
            profile: Stored::read(item)?,
        })
    }

    /// Returns the user's tenant.
    pub fn tenant_id(&self) -> &TenantId {
        &self.profile.user.tenant_id
    }

    /// Returns the object id of the user's account in Entra.
    pub fn account(&self) -> Option<&EntraObjectId> {
        self.profile.user.entra_object_id.as_ref()
    }

    /// Returns the origin of changes of the user, which names them.
    #[must_use]
    pub fn named_in(&self, origin: Origin) -> Origin {
        self.profile.user.named_in(origin)
    }

    /// Returns whether the user is being erased.
    pub fn is_being_erased(&self) -> bool {
        self.profile.user.is_being_erased
    }

    /// Returns whether the user is disabled, by the directory or by hand.
    pub fn is_disabled(&self) -> bool {
        self.profile.user.status == UserStatus::Disabled
    }

    /// Returns the user's id.
    pub fn user_id(&self) -> &UserId {
        &self.profile.user.user_id
    }
}

/// The directory user that a user of the product is linked to, as their profile records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimLink {
    /// The directory.
    pub directory_id: DirectoryId,
    /// The directory user.
    pub user: ScimUserId,
}

impl fmt::Display for ScimLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}", self.directory_id, self.user)
    }
}

impl FromStr for ScimLink {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (directory, user) = text
            .split_once('#')
            .ok_or(Invalid::new("must be the ids of a directory and a user"))?;
        Ok(Self {
            directory_id: DirectoryId::parse(directory)?,
            user: ScimUserId::parse(user)?,
        })
    }
}

pub(in crate::store) fn mark_in(item: &Item) -> Option<String> {
    item.get(MADE).and_then(|mark| mark.as_s().ok()).cloned()
}

pub(in crate::store) fn scim_link_in(item: &Item) -> Option<ScimLink> {
    item.get(SCIM_USER)?.as_s().ok()?.parse().ok()
}

pub(in crate::store) fn joined_by_domain_in(item: &Item) -> Option<OrganizationId> {
    let id = item.get(JOINED_BY_DOMAIN)?.as_s().ok()?;
    OrganizationId::parse(id.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::{organization_id, profile_row};

    #[test]
    fn marks_of_a_profile_are_read() {
        let link = "d#s";
        let attributes = [(SCIM_USER, link), (JOINED_BY_DOMAIN, "o"), (MADE, "g")];
        let known = KnownUser::read(profile_row("ada", &attributes)).unwrap();
        assert_eq!(
            known.scim_link.map(|it| it.to_string()).as_deref(),
            Some(link)
        );
        assert_eq!(known.joined_by_domain, Some(organization_id()));
        assert_eq!(known.mark.as_deref(), Some("g"));
        let unknown = KnownUser::read(profile_row("ada", &[])).unwrap();
        assert_eq!(unknown.scim_link, None);
        assert_eq!(unknown.joined_by_domain, None);
        assert_eq!(unknown.mark, None);
    }

    #[test]
    fn a_user_who_is_being_erased_is_known_as_such() {
        for (status, is_erased) in [("erasing", true), ("enabled", false), ("disabled", false)] {
            let known = KnownUser::read(profile_row("ada", &[("status", status)])).unwrap();
            assert_eq!(known.is_being_erased(), is_erased, "{status}");
        }
    }

    #[test]
    fn a_link_comes_back_as_it_was() {
        let link = ScimLink {
            directory_id: DirectoryId::parse("d").unwrap(),
            user: ScimUserId::parse("s").unwrap(),
        };
        assert_eq!(link.to_string().parse(), Ok(link));
        assert!("d".parse::<ScimLink>().is_err());
    }
}
