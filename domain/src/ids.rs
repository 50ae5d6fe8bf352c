//! Identifiers. Each is a separate type that is created only by parsing, so that ids of different types cannot be
//! mixed up and no id can imitate part of a table key.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Invalid;

/// Maximum length of the id of a tenant, an organization, a team or a group, in characters (all of them ASCII).
pub const MAX_ID_LENGTH: usize = 128;
/// Maximum length of a user id, in characters (all of them ASCII): the limit of `OpenID` Connect for a `sub`.
pub const MAX_USER_ID_LENGTH: usize = 255;
/// The alias of the caller's own user id in a path. No user has this id.
pub const ME: &str = "me";

/// The rule of an id, as a regular expression.
const PATTERN: &str = r"^[A-Za-z0-9._@+:|=-]+$";
/// The rule of a user id, as a regular expression: printable ASCII.
const USER_ID_PATTERN: &str = r"^[ -~]+$";

/// Checks a user id. Allows what `OpenID` Connect allows as a `sub`, except `me`.
/// <https://openid.net/specs/openid-connect-core-1_0.html#IDToken>
fn check_user_id(text: &str) -> Result<(), Invalid> {
    let is_printable = |byte: u8| matches!(byte, b' '..=b'~');
    let is_in_range = (1..=MAX_USER_ID_LENGTH).contains(&text.len());
    if !is_in_range || text == ME || !text.bytes().all(is_printable) {
        return Err(Invalid::new(
            "must be 1 to 255 printable ASCII characters, and cannot be \"me\"",
        ));
    }
    Ok(())
}

/// Checks a user id from the table, where the first release could write a user called `me`.
fn check_stored_user_id(text: &str) -> Result<(), Invalid> {
    if text == ME {
        return Ok(());
    }
    check_user_id(text)
}

/// Checks any other id: 1 to 128 characters of `A-Z a-z 0-9 . _ - @ + : | =`.
/// Excludes `#`, the separator of table keys.
fn check(text: &str) -> Result<(), Invalid> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+:|=".contains(&byte);
    if text.is_empty() || text.len() > MAX_ID_LENGTH || !text.bytes().all(allowed) {
        return Err(Invalid::new(
            "must be 1 to 128 characters of A-Z a-z 0-9 . _ - @ + : | =",
        ));
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        id!(
            $(#[$doc])* $name: check, check, "minLength" = 1, "maxLength" = MAX_ID_LENGTH, "pattern" = PATTERN
        );
    };
    ($(#[$doc:meta])* $name:ident: $check:ident, $check_stored:ident, $($schema:tt)+) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend($($schema)+))]
        pub struct $name(String);

        impl $name {
            /// Parses an id.
            pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// Parses an id that an earlier release may have written.
            pub fn from_table(text: impl Into<String>) -> Result<Self, Invalid> {
                let text = text.into();
                $check_stored(&text)?;
                Ok(Self(text))
            }

            /// Returns the id unchanged.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::parse(text)
            }
        }

        /// Parses an id from the table.
        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::from_table(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The isolation boundary: a customer of the SaaS. Comes from the verified token, or from the
    /// header `Muster-Tenant` of a machine; never from a path, a query or a body.
    TenantId
);
id!(
    /// A person in a tenant: the token's `sub`, 1 to 255 printable ASCII characters.
    UserId: check_user_id, check_stored_user_id,
    "minLength" = 1,
    "maxLength" = MAX_USER_ID_LENGTH,
    "pattern" = USER_ID_PATTERN,
    "not" = {"const": ME}
);
id!(
    /// An organization id: a `UUIDv7` if created through the API, an Entra group id if created by the directory sync.
    OrganizationId
);
id!(
    /// A team id: a `UUIDv7` if created through the API, an Entra group id if created by the directory sync.
    TeamId
);

id!(
    /// A webhook endpoint: a `UUIDv7`.
    WebhookEndpointId
);
id!(
    /// An invitation by email: a `UUIDv7`.
    InvitationId
);
id!(
    /// A directory: a `UUIDv7`.
    DirectoryId
);
id!(
    /// A run of a directory: a `UUIDv7`.
    DirectoryRunId
);
id!(
    /// A user of a directory of type `scim`: a `UUIDv7`. Not a `sub`.
    ScimUserId
);
id!(
    /// The object id of a user in Entra, with which the directory sync finds their groups. Not a `sub`.
    EntraObjectId
);
id!(
    /// A group of a directory: an object id in Entra, or the `UUIDv7` of a group of a directory of type `scim`. What the
    /// sync creates for the group has the same id.
    GroupId
);

impl GroupId {
    /// Returns the id of the organization that the sync creates for the group.
    pub fn organization_id(&self) -> OrganizationId {
        OrganizationId(self.0.clone())
    }

    /// Returns eight characters that distinguish the group: the first ones of its id. An id of UUID version 7 begins with
    /// the time, which groups that are made within a minute share: of it, the last ones.
    pub fn short(&self) -> String {
        const LENGTH: usize = 8;
        let id = self.as_str();
        match uuid::Uuid::parse_str(id) {
            Ok(uuid) if uuid.get_version_num() == 7 => id.chars().skip(id.len() - LENGTH).collect(),
            _ => id.chars().take(LENGTH).collect(),
        }
    }

    /// Returns the id of the team that the sync creates for the group.
    pub fn team_id(&self) -> TeamId {
        TeamId(self.0.clone())
    }
}

impl From<&OrganizationId> for GroupId {
    /// Returns the group of an organization that the sync created.
    fn from(id: &OrganizationId) -> Self {
        Self(id.0.clone())
    }
}

impl From<&TeamId> for GroupId {
    /// Returns the group of a team that the sync created.
    fn from(id: &TeamId) -> Self {
        Self(id.0.clone())
    }
}

impl From<uuid::Uuid> for OrganizationId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl From<uuid::Uuid> for WebhookEndpointId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl From<uuid::Uuid> for ScimUserId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl From<uuid::Uuid> for GroupId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl From<uuid::Uuid> for DirectoryId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl From<uuid::Uuid> for DirectoryRunId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl From<uuid::Uuid> for InvitationId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl From<uuid::Uuid> for TeamId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_distinguishes_a_group_is_not_the_time_in_its_id() {
        for (id, short) in [
            ("3c6f0b0e-8a62-4a3e-9d0e-0c7f1e1d2a3b", "3c6f0b0e"),
            ("01a2b3c4-d5e6-7a08-9b0c-1d2e3f405162", "3f405162"),
            ("sales-of-europe", "sales-of"),
            ("g", "g"),
        ] {
            assert_eq!(GroupId::parse(id).unwrap().short(), short);
        }
    }

    #[test]
    fn ids_with_all_allowed_characters_are_valid() {
        for id in [
            "a",
            "A-Z.a_z@0+9:x|y=",
            "3c6f0b0e-8a62-4a3e-9d0e-0c7f1e1d2a3b",
        ] {
            assert_eq!(TeamId::parse(id).map(String::from), Ok(id.to_owned()));
        }
        assert!(TeamId::parse("x".repeat(MAX_ID_LENGTH)).is_ok());
    }

    #[test]
    fn user_id_is_any_openid_connect_sub_except_me() {
        for id in [
            "dlvyg+PkAt/lCmoJtTqb=",
            "CN=Bob,OU=x",
            r"CORP\bob",
            "a#b",
            "~",
            " ",
            "ME",
        ] {
            assert_eq!(UserId::parse(id).map(String::from), Ok(id.to_owned()));
        }
        assert!(UserId::parse("x".repeat(MAX_USER_ID_LENGTH)).is_ok());
        assert!(UserId::parse("x".repeat(MAX_USER_ID_LENGTH + 1)).is_err());
        assert_eq!(UserId::from_table("me").unwrap().as_str(), "me");
        for id in ["", "me", "a\0", "a\n", "a\u{7f}", "ä"] {
            assert!(UserId::parse(id).is_err(), "{id:?}");
        }
    }

    #[test]
    fn ids_with_other_characters_are_refused() {
        for id in ["", "a#b", "a/b", "../x", "a b", "a\0", "a%23b", "ä", "\n"] {
            assert!(OrganizationId::parse(id).is_err(), "{id:?}");
        }
        assert!(TenantId::parse("x".repeat(MAX_ID_LENGTH + 1)).is_err());
    }
}
