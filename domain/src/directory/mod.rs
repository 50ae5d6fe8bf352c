//! Directories: where the groups of a tenant's users are read from.

mod entra;
mod filter;
mod maps;
mod preview;
mod run;
mod settings;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumString, IntoStaticStr, VariantNames};

use super::patch::nothing_required;
use super::{
    DirectoryId, DirectoryRunId, Invalid, Name, Patch, ScimScope, Source, TenantId, Timestamp,
    UserId,
};

pub use entra::{EntraDirectory, EntraDirectoryPatch, EntraId, SecretArn};
pub use filter::{GroupFilter, MAX_GROUP_FILTER_LENGTH};
pub use maps::{GroupMap, GroupMapPatch, MAX_MAP_ENTRIES, MappedGroup, RoleMap, RoleMapPatch};
pub use preview::{PreviewedGroup, PreviewedMembership, PreviewedUser, SyncPreview};
pub use run::{DirectoryRun, RunKind, RunNumbers, RunOutcome};
pub use settings::{
    DEFAULT_ROLE, DirectorySettings, DirectorySettingsPatch, GroupIds, LinkBy, MAX_GROUP_IDS,
    OnLeave, RemovalLimit, RemovalLimitPatch,
};

/// The type of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum DirectoryType {
    /// Microsoft Entra ID, which Muster reads through Microsoft Graph.
    Entra,
    /// An identity provider that writes its users and groups by SCIM 2.0.
    Scim,
}

impl DirectoryType {
    /// Returns the source of what a directory of this kind gives.
    pub const fn source(self) -> Source {
        match self {
            Self::Entra => Source::Entra,
            Self::Scim => Source::Scim,
        }
    }
}

/// Status of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum DirectoryStatus {
    /// It is read at logins and by runs.
    Active,
    /// A tenant admin paused it. It is not read, and its memberships do not change.
    Paused,
    /// It can no longer be read. Its memberships do not change.
    Broken,
}

impl DirectoryStatus {
    /// Returns its name in responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The status that a request can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[derive(EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum RequestedDirectoryStatus {
    /// The directory is read at logins and by runs.
    Active,
    /// It is not read, and its memberships do not change.
    Paused,
}

/// The handling of the memberships of a directory when it is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(AsRefStr, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum MembershipsOfDeleted {
    /// They are kept, with the source `manual`.
    #[default]
    Keep,
    /// They are removed.
    Remove,
}

/// A directory of a tenant.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Directory {
    /// The id.
    pub id: DirectoryId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The name.
    pub name: Name,
    /// The type.
    #[serde(rename = "type")]
    pub directory_type: DirectoryType,
    /// The status.
    pub status: DirectoryStatus,
    /// Why it is paused or broken; `null` if it is active.
    pub status_reason: Option<String>,
    /// Connection to Entra; `null` if its type is `scim`.
    pub entra: Option<EntraDirectory>,
    /// Settings by which groups become organizations, teams and memberships.
    pub settings: DirectorySettings,
    /// The last run that read the directory without a login; `null` before the first one.
    pub last_run: Option<DirectoryRun>,
    /// The latest blocked run; `null` if no run is blocked. While set, no access is removed. Cleared when a confirmed run
    /// completes or a later run is within the limit.
    pub blocked_run_id: Option<DirectoryRunId>,
    /// Starts at 1 and increases by 1 with each change.
    pub version: u64,
    /// The user who created it.
    pub created_by: UserId,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A change of a directory by JSON Merge Patch: absent fields keep their value, `null` sets the default.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct DirectoryPatch {
    /// The new name. Cannot be `null`.
    #[schemars(with = "Name")]
    pub name: Option<Name>,
    /// `paused` stops reading the directory, `active` resumes it, even if it is broken. Cannot be `null`.
    #[schemars(with = "RequestedDirectoryStatus")]
    pub status: Option<RequestedDirectoryStatus>,
    /// Connection to Entra. `tenant_id` and `domain` cannot change. Cannot be `null`, and must be absent if the type is `scim`.
    #[schemars(with = "EntraDirectoryPatch")]
    pub entra: Option<EntraDirectoryPatch>,
    /// A merge patch of the settings. `null` sets all of them to their defaults.
    pub settings: Patch<DirectorySettingsPatch>,
}

/// Why a directory that a tenant admin paused is paused.
const REQUESTED: &str = "requested";

impl DirectoryPatch {
    /// Returns the directory after the change. Returns it unchanged, including the version, if nothing changes. Fails
    /// with the field whose combination with its stored value exceeds a limit.
    pub fn apply(
        &self,
        before: &Directory,
        now: Timestamp,
    ) -> Result<Directory, (&'static str, Invalid)> {
        let (status, status_reason) = match self.status {
            None => (before.status, before.status_reason.clone()),
            Some(RequestedDirectoryStatus::Active) => (DirectoryStatus::Active, None),
            Some(RequestedDirectoryStatus::Paused) => {
                (DirectoryStatus::Paused, Some(REQUESTED.to_owned()))
            }
        };
        let entra = match (&self.entra, &before.entra) {
            (Some(patch), Some(entra)) => Some(patch.apply(entra)),
            (Some(_), None) => {
                let reason = Invalid::new("must be absent: the type of the directory is scim");
                return Err(("/entra", reason));
            }
            (None, entra) => entra.clone(),
        };
        let after = Directory {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            status,
            status_reason,
            entra,
            settings: match &self.settings {
                Patch::Keep => before.settings.clone(),
                Patch::Clear => DirectorySettings::default(),
                Patch::Set(patch) => patch.apply(&before.settings)?,
            },
            ..before.clone()
        };
        if after == *before {
            return Ok(after);
        }
        Ok(after.touched(before.version, now))
    }
}

impl Directory {
    /// Returns the directory as its SCIM users and groups name it.
    pub fn scope(&self) -> ScimScope {
        ScimScope {
            tenant_id: self.tenant_id.clone(),
            directory_id: self.id.clone(),
        }
    }

    /// Returns the directory in the version after this one.
    #[must_use]
    pub fn touched(self, before: u64, now: Timestamp) -> Self {
        Self {
            version: before + 1,
            updated_at: now,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
