//! Users: the people of a tenant.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

use super::patch::nothing_required;
use super::{
    Email, EntraObjectId, FoldedName, Invalid, MAX_NAME_LENGTH, Name, Origin, Patch, TenantId,
    Timestamp, UserId,
};

/// Status of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum UserStatus {
    /// Has access through their memberships.
    #[default]
    Enabled,
    /// Has no access through any membership. The memberships do not change.
    Disabled,
}

impl UserStatus {
    /// Returns its name in requests, responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A person in a tenant.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct User {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user id: the `sub` of the token.
    pub user_id: UserId,
    /// The email address.
    pub email: Option<Email>,
    /// Whether the last login proved that the address belongs to the user. Changing the address resets it to `false`.
    pub email_verified: bool,
    /// The display name.
    pub display_name: Option<Name>,
    /// The object id in Entra, with which the directory sync finds the user's groups.
    pub entra_object_id: Option<EntraObjectId>,
    /// The status. A disabled user has no access through any membership.
    pub status: UserStatus,
    /// Whether the user is being erased: they count as disabled, and cannot be added or changed. Not part of the HTTP
    /// contract.
    #[serde(skip)]
    pub is_being_erased: bool,
    /// Time of the last login.
    pub last_login_at: Option<Timestamp>,
    /// Increases by 1 with each write. Returned only as the `ETag`.
    #[serde(skip)]
    pub version: u64,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change of the profile or the status.
    pub updated_at: Timestamp,
}

impl User {
    /// A user of whom only the id is known.
    pub fn new(tenant_id: TenantId, user_id: UserId, now: Timestamp) -> Self {
        Self {
            tenant_id,
            user_id,
            email: None,
            email_verified: false,
            display_name: None,
            entra_object_id: None,
            status: UserStatus::Enabled,
            is_being_erased: false,
            last_login_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the email address if it is verified.
    pub fn verified_email(&self) -> Option<&Email> {
        self.email.as_ref().filter(|_| self.email_verified)
    }

    /// Returns the origin of changes of the user, which names them.
    #[must_use]
    pub fn named_in(&self, origin: Origin) -> Origin {
        origin.naming(&self.user_id, self.display_name.as_ref().map(Name::as_str))
    }

    /// Returns the name and the email address.
    pub fn names(&self) -> UserNames {
        UserNames {
            display_name: self.display_name.clone(),
            email: self.email.clone(),
        }
    }
}

/// The name and the email address of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserNames {
    /// The display name.
    pub display_name: Option<Name>,
    /// The email address.
    pub email: Option<Email>,
}

impl UserNames {
    /// Returns the display name, folded for comparison; empty without a name.
    pub fn folded_name(&self) -> String {
        let name = self.display_name.as_ref();
        name.map_or_else(String::new, |name| name.folded().as_str().to_owned())
    }
}

/// The start of a name or an email address that a search looks for. Names are compared case-insensitively and with
/// white space folded, email addresses case-insensitively.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPrefix {
    name: FoldedName,
    email: String,
}

impl SearchPrefix {
    /// Returns the start of a folded name.
    pub fn of_name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the start of a folded email address.
    pub fn of_email(&self) -> &str {
        &self.email
    }

    /// Returns whether the display name starts with it.
    pub fn begins_name(&self, names: &UserNames) -> bool {
        names.folded_name().starts_with(self.name.as_str())
    }

    /// Returns whether the email address starts with it.
    pub fn begins_email(&self, names: &UserNames) -> bool {
        let email = names.email.as_ref();
        email.is_some_and(|email| email.folded().starts_with(&self.email))
    }
}

impl FromStr for SearchPrefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.chars().count() > MAX_NAME_LENGTH {
            return Err(Invalid::new("must have at most 255 characters"));
        }
        let name = Name::folded_prefix(text);
        if name.as_str().is_empty() {
            return Err(Invalid::new("must have at least one visible character"));
        }
        Ok(Self {
            name,
            email: text.trim_start().to_ascii_lowercase(),
        })
    }
}

/// A profile of a user. Absent fields keep their value, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct UserPatch {
    /// The email address.
    pub email: Patch<Email>,
    /// The display name.
    pub display_name: Patch<Name>,
    /// The object id in Entra.
    pub entra_object_id: Patch<EntraObjectId>,
}

impl UserPatch {
    /// Returns the profile after the change, with the same version.
    pub fn apply(&self, before: &User) -> User {
        let email = self.email.apply(&before.email);
        User {
            email_verified: before.email_verified && email == before.email,
            email,
            display_name: self.display_name.apply(&before.display_name),
            entra_object_id: self.entra_object_id.apply(&before.entra_object_id),
            ..before.clone()
        }
    }
}

/// A change of the status of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct UserStatusPatch {
    /// The new status.
    pub status: UserStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, email: &str) -> UserNames {
        UserNames {
            display_name: name.parse().ok(),
            email: email.parse().ok(),
        }
    }

    #[test]
    fn a_search_compares_folded_names_and_lower_case_emails() {
        let found = |text: &str, name: &str, email: &str| {
            let prefix: SearchPrefix = text.parse().unwrap();
            let names = names(name, email);
            (prefix.begins_name(&names), prefix.begins_email(&names))
        };
        assert_eq!(found("ADA", "Ada Byron", "ADA@x.example"), (true, true));
        assert_eq!(found("strasse", "Straße", ""), (true, false));
        assert_eq!(found("ada b", "Ada  Byron", ""), (true, false));
        assert_eq!(found("ada ", "Adam", ""), (false, false));
        assert_eq!(
            found("byron", "Ada Byron", "ada@byron.example"),
            (false, false)
        );
        assert_eq!(found("ada%", "Ada Byron", "ada@x.example"), (false, false));
        assert_eq!(found("ada@X", "", "Ada@x.example"), (false, true));
    }

    #[test]
    fn a_search_needs_a_visible_character() {
        for text in ["", " ", "\u{200b}", &"x".repeat(256)] {
            assert!(text.parse::<SearchPrefix>().is_err(), "{text:?}");
        }
        assert!("x".repeat(255).parse::<SearchPrefix>().is_ok());
    }
}
