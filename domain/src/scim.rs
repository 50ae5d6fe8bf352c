//! The users and groups of a directory of type `scim`, as its identity provider writes them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{DirectoryId, GroupId, Invalid, Name, ScimUserId, TenantId, Timestamp, UserId};

/// Maximum number of members of a group.
pub const MAX_SCIM_MEMBERS: usize = 10_000;
/// Maximum number of users or groups that a filter reads by one of its conditions, or without an index.
pub const MAX_SCIM_FOUND: usize = 1_000;
/// Maximum number of email addresses of a user.
pub const MAX_SCIM_EMAILS: usize = 20;
/// Maximum size of the attributes of a user or group as JSON, in bytes.
pub const MAX_SCIM_RESOURCE_BYTES: usize = 100_000;

/// The start of a token as text.
const TOKEN_PREFIX: &str = "mst_";
/// The number of random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// The bearer token of a directory: 256 random bits, as text `mst_` and their base64url. It is not printed, and cleared
/// from memory when it is dropped.
#[derive(Clone)]
pub struct ScimToken(SecretSlice<u8>);

impl ScimToken {
    /// Creates the token from its random bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Invalid> {
        if bytes.len() == TOKEN_BYTES {
            return Ok(Self(bytes.into()));
        }
        Err(Invalid::new("must have 32 bytes"))
    }

    /// Returns the text, for the administrator who asked for it.
    pub fn expose_text(&self) -> String {
        let bytes = URL_SAFE_NO_PAD.encode(self.0.expose_secret());
        format!("{TOKEN_PREFIX}{bytes}")
    }

    /// Returns its hash, which is stored in place of the token.
    pub fn hash(&self) -> ScimTokenHash {
        ScimTokenHash(Sha256::digest(self.0.expose_secret()).into())
    }
}

impl FromStr for ScimToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bytes = text
            .strip_prefix(TOKEN_PREFIX)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes.map_or_else(
            || Err(Invalid::new("must be mst_ and 32 bytes in base64url")),
            Self::from_bytes,
        )
    }
}

impl fmt::Debug for ScimToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ScimToken")
    }
}

/// The SHA-256 hash of a token. A token has 256 random bits, so that its hash gives no way to it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScimTokenHash([u8; 32]);

impl ScimTokenHash {
    /// Returns whether two hashes are equal. Takes the same time for all hashes.
    pub fn is_same(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl TryFrom<String> for ScimTokenHash {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(Invalid::new("must be 32 bytes"))
    }
}

impl From<ScimTokenHash> for String {
    fn from(hash: ScimTokenHash) -> String {
        URL_SAFE_NO_PAD.encode(hash.0)
    }
}

impl fmt::Debug for ScimTokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ScimTokenHash")
    }
}

/// The directory that users and groups belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimScope {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The directory.
    pub directory_id: DirectoryId,
}

/// A user of a directory. Not a user of the product, to whom it may be linked.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimUser {
    /// The id, which Muster gives.
    pub id: ScimUserId,
    /// The attributes that the identity provider wrote.
    pub attributes: Map<String, Value>,
    /// The login name without regard to case. Unique in the directory.
    pub user_name: String,
    /// The id in the identity provider.
    pub external_id: Option<String>,
    /// The email addresses without regard to case.
    pub emails: BTreeSet<String>,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// The user of the product that it is linked to.
    pub user_id: Option<UserId>,
    /// The last change of its groups or of `active` that its linked user does not have yet.
    pub unapplied: Option<String>,
    /// Starts at 1 and increases by 1 with each change of the attributes.
    pub version: u64,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A group of a directory, without its members.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimGroup {
    /// The id, which Muster gives.
    pub id: GroupId,
    /// The attributes that the identity provider wrote.
    pub attributes: Map<String, Value>,
    /// The display name.
    pub name: Name,
    /// The display name without regard to case. Unique in the directory.
    pub name_key: String,
    /// The id in the identity provider.
    pub external_id: Option<String>,
    /// The number of members.
    pub member_count: usize,
    /// Starts at 1 and increases by 1 with each change of the attributes or members.
    pub version: u64,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScimMember {
    /// A user.
    User(ScimUserId),
    /// A group. Its members are not members of the group that it is in.
    Group(GroupId),
}

impl ScimMember {
    /// Returns the id.
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Group(id) => id.as_str(),
        }
    }

    /// Returns the user; `None` if it is a group.
    pub fn user(&self) -> Option<&ScimUserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Group(_) => None,
        }
    }
}

/// A change of the members of a group. Adding a member that is there changes nothing, and neither does removing one
/// that is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScimMembersChange {
    /// Adds and removes some, by their ids.
    Some {
        /// To add.
        add: BTreeSet<String>,
        /// To remove.
        remove: BTreeSet<String>,
    },
    /// Replaces all members by these.
    Replace(BTreeSet<String>),
}

impl ScimMembersChange {
    /// Returns the change that changes nothing.
    pub fn none() -> Self {
        Self::Some {
            add: BTreeSet::new(),
            remove: BTreeSet::new(),
        }
    }
}

/// An attribute by which users or groups are found without reading all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScimLookup {
    /// `id`
    Id(String),
    /// `userName` of a user or `displayName` of a group, without regard to case.
    Name(String),
    /// `externalId`
    ExternalId(String),
    /// An email address of a user, without regard to case.
    Email(String),
    /// A member of a group, by its id.
    Member(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_and_are_not_printed() {
        let token = ScimToken::from_bytes(vec![251; 32]).unwrap();
        let text = token.expose_text();
        assert!(text.starts_with("mst_"), "{text}");
        let read: ScimToken = text.parse().unwrap();
        assert!(read.hash().is_same(&token.hash()));
        assert_eq!(
            format!("{token:?}{:?}", token.hash()),
            "ScimTokenScimTokenHash"
        );
        let other = ScimToken::from_bytes(vec![250; 32]).unwrap();
        assert!(!other.hash().is_same(&token.hash()));
        let stored = String::from(token.hash());
        let hash = ScimTokenHash::try_from(stored).unwrap();
        assert!(hash.is_same(&token.hash()));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let short = format!("mst_{}", URL_SAFE_NO_PAD.encode([7; 31]));
        let bare = URL_SAFE_NO_PAD.encode([7; 32]);
        for text in ["", "mst_", "mst_!", &short, &bare] {
            assert!(text.parse::<ScimToken>().is_err(), "{text}");
        }
    }
}
