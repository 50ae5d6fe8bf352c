//! How a directory of Microsoft Entra ID is read.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::patch::nothing_required;
use crate::{Domain, Invalid, Patch};

/// Maximum length of the ARN of a secret, in bytes: a name of 512 characters, its random suffix, and what precedes it.
const MAX_ARN_LENGTH: usize = 640;

/// The id of a tenant, an application or a service principal in Entra: a UUID in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntraId(String);

impl EntraId {
    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntraId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_uuid = text.len() == 36 && Uuid::try_parse(text).is_ok();
        if !is_uuid {
            return Err(Invalid::new(
                "must be an id of Entra, like 8e881353-1735-45af-af21-ee1344582a4d",
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for EntraId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<EntraId> for String {
    fn from(id: EntraId) -> String {
        id.0
    }
}

impl fmt::Display for EntraId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl JsonSchema for EntraId {
    fn schema_name() -> Cow<'static, str> {
        "EntraId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
            "description": "An id in Entra: a UUID. Returned in lower case.",
        })
    }
}

/// The ARN of a secret in AWS Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretArn {
    arn: String,
    partition: String,
    region: String,
}

impl SecretArn {
    /// Returns the ARN.
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// Returns the partition of AWS: `aws`, `aws-cn`, `aws-us-gov`.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// Returns the region.
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl FromStr for SecretArn {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let host_safe = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let parts: Vec<&str> = text.splitn(7, ':').collect();
        match parts[..] {
            [
                "arn",
                partition,
                "secretsmanager",
                region,
                _,
                "secret",
                name,
            ] if host_safe(partition)
                && host_safe(region)
                && !name.is_empty()
                && text.len() <= MAX_ARN_LENGTH =>
            {
                Ok(Self {
                    arn: text.to_owned(),
                    partition: partition.to_owned(),
                    region: region.to_owned(),
                })
            }
            _ => Err(Invalid::new(
                "must be the ARN of a secret in Secrets Manager",
            )),
        }
    }
}

impl TryFrom<String> for SecretArn {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<SecretArn> for String {
    fn from(arn: SecretArn) -> String {
        arn.arn
    }
}

impl JsonSchema for SecretArn {
    fn schema_name() -> Cow<'static, str> {
        "SecretArn".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": MAX_ARN_LENGTH,
            "pattern": "^arn:[A-Za-z0-9-]+:secretsmanager:[A-Za-z0-9-]+:[^:]*:secret:.+$",
            "description": "The ARN of a secret in AWS Secrets Manager.",
        })
    }
}

/// How a directory of Microsoft Entra ID is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntraDirectory {
    /// The directory (tenant) id in Entra. At most one directory of the deployment can use it.
    pub tenant_id: EntraId,
    /// The domain that proved that the Entra tenant belongs to this tenant.
    pub domain: Domain,
    /// The object id of the enterprise application in that Entra tenant. The groups assigned to it are synced.
    pub service_principal_id: EntraId,
    /// The application (client) id of the app registration; `null` for the one of the deployment.
    pub client_id: Option<EntraId>,
    /// The secret of the app registration; `null` for the credential of the deployment.
    pub client_secret_arn: Option<SecretArn>,
}

/// A change of how a directory is read. Absent fields keep their value, `null` sets the default.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct EntraDirectoryPatch {
    /// The object id of the enterprise application. Cannot be `null`.
    #[schemars(with = "EntraId")]
    pub service_principal_id: Option<EntraId>,
    /// The application (client) id; `null` for the one of the deployment.
    pub client_id: Patch<EntraId>,
    /// The secret of the app registration; `null` for the credential of the deployment.
    pub client_secret_arn: Patch<SecretArn>,
}

impl EntraDirectoryPatch {
    /// Returns the part after the change.
    pub fn apply(&self, before: &EntraDirectory) -> EntraDirectory {
        let id = &before.service_principal_id;
        EntraDirectory {
            service_principal_id: self
                .service_principal_id
                .clone()
                .unwrap_or_else(|| id.clone()),
            client_id: self.client_id.apply(&before.client_id),
            client_secret_arn: self.client_secret_arn.apply(&before.client_secret_arn),
            ..before.clone()
        }
    }
}
