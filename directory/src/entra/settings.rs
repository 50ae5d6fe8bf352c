//! Settings of the login sync. Each is read once at start. If one cannot be read, the error names the variable. No
//! error repeats a value, because a secret may be set in the wrong variable.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::aws::AwsAccess;
use super::variables::{Variables, refused};
use crate::rules;
use muster::config::SettingError;
use muster::domain::{
    DEFAULT_ROLE, DirectorySettings, EntraDirectory, Invalid, OnLeave, Role, RoleMap, SecretArn,
};

/// Default of `MICROSOFT_GRAPH_ENDPOINT`.
pub const DEFAULT_GRAPH_ENDPOINT: &str = "https://graph.microsoft.com/v1.0";
/// Default of `SYNC_BUDGET_MS`.
pub const DEFAULT_BUDGET: Duration = Duration::from_millis(3_500);
/// Maximum of `SYNC_BUDGET_MS`, in milliseconds: Cognito waits 5 s for a trigger.
pub const MAX_BUDGET_MS: u64 = 4_500;

/// The settings of the login sync.
#[derive(Clone, Debug)]
pub struct EntraSettings {
    /// How to connect to Entra, or `None` if the sync is off.
    pub directory: Option<EntraConnection>,
    /// How to connect to the directories of tenants.
    pub connections: Connections,
    /// How to map the groups.
    pub rules: DirectorySettings,
    /// `SYNC_BUDGET_MS`: the time limit of the whole sync, from the event's arrival.
    pub budget: Duration,
}

/// How to connect to Entra.
#[derive(Clone, Debug)]
pub struct EntraConnection {
    /// `MICROSOFT_CLIENT_ID`: the app registration.
    pub client_id: String,
    /// How the application authenticates.
    pub credential: Credential,
    /// `MICROSOFT_SERVICE_PRINCIPAL_ID`: the object id of the enterprise application. If it is `None`, nothing is
    /// created, and users join what exists under the ids of their groups.
    pub service_principal_id: Option<String>,
    /// `MICROSOFT_GRAPH_ENDPOINT`, including the version.
    pub graph_endpoint: Url,
    /// `MICROSOFT_TOKEN_ENDPOINT`, with the directory (`MICROSOFT_TENANT`) filled in.
    pub token_endpoint: Url,
    /// `ENTRA_NESTED_GROUPS`: whether nested groups count.
    pub nested_groups: bool,
    /// Whether `ENTRA_ROLE_MAP` names app roles, which must then be read too.
    pub app_roles: bool,
}

/// The variables of credentials. They are read again for each connection.
const KEPT_VARIABLES: [&str; 10] = [
    "MICROSOFT_CLIENT_SECRET",
    "MICROSOFT_CLIENT_SECRET_ARN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

/// How to connect to the directories of tenants: what they have in common.
#[derive(Clone, Debug)]
pub struct Connections {
    client_id: Option<String>,
    graph_endpoint: Url,
    /// The token endpoint, with `{tenant}` for the Entra tenant.
    login_template: String,
    variables: BTreeMap<&'static str, SecretString>,
}

impl Connections {
    /// Returns the connection to a tenant's directory. Client and credential default to those of the deployment.
    pub fn of(
        &self,
        entra: &EntraDirectory,
        rules: &DirectorySettings,
    ) -> Result<EntraConnection, SettingError> {
        let client_id = entra.client_id.as_ref().map(ToString::to_string);
        let client_id = client_id.or_else(|| self.client_id.clone());
        if !self.login_template.contains("{tenant}") {
            return Err(refused(
                "MICROSOFT_TOKEN_ENDPOINT",
                "must contain {tenant} for directories of tenants",
            ));
        }
        let template = &self.login_template;
        let token_endpoint = endpoint(&in_directory(template, Some(entra.tenant_id.as_str())));
        let variable = |name: &str| {
            let value = self.variables.get(name)?;
            Some(value.expose_secret().to_owned())
        };
        let variables = Variables::new(&variable);
        let credential = match &entra.client_secret_arn {
            Some(arn) => {
                let access = AwsAccess::to_secrets_manager(&variables, arn)?;
                Credential::SecretsManager(arn.clone(), access)
            }
            None => variables.credential()?,
        };
        Ok(EntraConnection {
            client_id: client_id.ok_or_else(|| {
                refused(
                    "MICROSOFT_CLIENT_ID",
                    "must be set for directories without a client_id",
                )
            })?,
            credential,
            service_principal_id: Some(entra.service_principal_id.to_string()),
            graph_endpoint: self.graph_endpoint.clone(),
            token_endpoint: token_endpoint
                .map_err(|_| refused("MICROSOFT_TOKEN_ENDPOINT", "makes no token endpoint"))?,
            nested_groups: rules.nested_groups,
            app_roles: rules.role_map.names_app_roles(),
        })
    }
}

/// How the application authenticates.
#[derive(Clone, Debug)]
pub enum Credential {
    /// `MICROSOFT_CLIENT_SECRET`.
    Secret(SecretString),
    /// `MICROSOFT_CLIENT_SECRET_ARN`: a secret in AWS Secrets Manager. It is read for each new token, so that a
    /// rotated secret is used automatically.
    SecretsManager(SecretArn, AwsAccess),
    /// Without either variable: a web identity token of AWS STS, for which Entra has a federated credential.
    WebIdentity(AwsAccess),
}

impl EntraSettings {
    /// Reads the settings. `variable` looks one up: `|name| std::env::var(name).ok()` in a function.
    /// An empty variable counts as not set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let variables = Variables::new(&variable);
        let default_role = variables
            .parsed("ENTRA_DEFAULT_ROLE")?
            .unwrap_or(DEFAULT_ROLE);
        if default_role == Role::Owner {
            return Err(refused(
                "ENTRA_DEFAULT_ROLE",
                "must not be owner: owners are assigned manually",
            ));
        }
        let role_map: RoleMap = variables.parsed("ENTRA_ROLE_MAP")?.unwrap_or_default();
        let rules = DirectorySettings {
            create_organizations: variables.flag("ENTRA_GROUPS_ALSO_CREATE_ORGS")?,
            default_role,
            role_map,
            on_leave: variables
                .parsed::<OnLeave>("ENTRA_ON_LEAVE")?
                .unwrap_or_default(),
            refresh_names: variables.flag("ENTRA_REFRESH_NAMES")?,
            default_team_params: variables
                .read_as("DEFAULT_TEAM_PARAMS", rules::limits)?
                .unwrap_or_default(),
            nested_groups: variables.flag("ENTRA_NESTED_GROUPS")?,
            ..DirectorySettings::default()
        };
        let directory = variables.directory(&rules)?;
        Ok(Self {
            connections: variables.connections()?,
            directory,
            budget: variables
                .read_as("SYNC_BUDGET_MS", budget)?
                .unwrap_or(DEFAULT_BUDGET),
            rules,
        })
    }
}

fn budget(text: &str) -> Result<Duration, Invalid> {
    match text.parse() {
        Ok(ms @ 1..=MAX_BUDGET_MS) => Ok(Duration::from_millis(ms)),
        _ => Err(Invalid::new(
            "must be a number of milliseconds from 1 to 4500",
        )),
    }
}

impl Variables<'_> {
    fn directory(
        &self,
        rules: &DirectorySettings,
    ) -> Result<Option<EntraConnection>, SettingError> {
        // Reads them even if the sync is off: an invalid setting should fail now and not on the day that the sync
        // is turned on.
        let graph_endpoint = self.graph_endpoint()?;
        let service_principal_id = self.read_as("MICROSOFT_SERVICE_PRINCIPAL_ID", path_segment)?;
        let client_id = self.read_as("MICROSOFT_CLIENT_ID", path_segment)?;
        let tenant = self.read_as("MICROSOFT_TENANT", directory_tenant)?;
        let token_endpoint = self.read_as("MICROSOFT_TOKEN_ENDPOINT", |text| {
            endpoint(&in_directory(text, tenant.as_deref()))
        })?;
        let (client_id, tenant) = match (client_id, tenant) {
            // With the client alone, only tenants with directories of their own are synced.
            (_, None) => return Ok(None),
            (None, Some(_)) => {
                return Err(refused(
                    "MICROSOFT_CLIENT_ID",
                    "must be set with MICROSOFT_TENANT",
                ));
            }
            (Some(client_id), Some(tenant)) => (client_id, tenant),
        };
        let token_endpoint = token_endpoint
            .map_or_else(
                || endpoint(&in_directory(login_of(&graph_endpoint), Some(&tenant))),
                Ok,
            )
            .map_err(|_| refused("MICROSOFT_TENANT", "makes no token endpoint"))?;
        Ok(Some(EntraConnection {
            client_id,
            credential: self.credential()?,
            service_principal_id,
            graph_endpoint,
            token_endpoint,
            nested_groups: rules.nested_groups,
            app_roles: rules.role_map.names_app_roles(),
        }))
    }

    fn connections(&self) -> Result<Connections, SettingError> {
        let kept = KEPT_VARIABLES
            .iter()
            .filter_map(|name| Some((*name, self.get(name)?.into())));
        Ok(Connections {
            client_id: self.read_as("MICROSOFT_CLIENT_ID", path_segment)?,
            graph_endpoint: self.graph_endpoint()?,
            login_template: login_template(self)?,
            variables: kept.collect(),
        })
    }

    fn graph_endpoint(&self) -> Result<Url, SettingError> {
        self.read_as("MICROSOFT_GRAPH_ENDPOINT", endpoint)?
            .map_or_else(|| endpoint(DEFAULT_GRAPH_ENDPOINT), Ok)
            .map_err(|_| refused("MICROSOFT_GRAPH_ENDPOINT", "has no default"))
    }

    fn credential(&self) -> Result<Credential, SettingError> {
        let arn = self.read_as("MICROSOFT_CLIENT_SECRET_ARN", str::parse::<SecretArn>)?;
        match (self.get("MICROSOFT_CLIENT_SECRET"), arn) {
            (Some(_), Some(_)) => Err(refused(
                "MICROSOFT_CLIENT_SECRET",
                "must not be set together with MICROSOFT_CLIENT_SECRET_ARN",
            )),
            (Some(secret), None) => Ok(Credential::Secret(secret.into())),
            (None, Some(arn)) => {
                let access = AwsAccess::to_secrets_manager(self, &arn)?;
                Ok(Credential::SecretsManager(arn, access))
            }
            (None, None) => Ok(Credential::WebIdentity(AwsAccess::to_sts(self)?)),
        }
    }
}

/// Reads an absolute `https` URL. Allows `http` only for the loopback, where local stacks and tests listen.
pub(super) fn endpoint(text: &str) -> Result<Url, Invalid> {
    let refused = || Invalid::new("must be an absolute https URL, or an http one on the loopback");
    let url = Url::parse(text).map_err(|_| refused())?;
    let host = url.host_str().unwrap_or_default();
    let is_loopback = host == "localhost"
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
    let is_safe = match url.scheme() {
        "https" => !host.is_empty(),
        "http" => is_loopback,
        _ => false,
    };
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (is_safe && is_plain).then_some(url).ok_or_else(refused)
}

/// Reads a segment of a URL path: an object id or an application id.
fn path_segment(text: &str) -> Result<String, Invalid> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.len() > 64 || !text.bytes().all(allowed) {
        return Err(Invalid::new(
            "must be an id like 8e881353-1735-45af-af21-ee1344582a4d",
        ));
    }
    Ok(text.to_owned())
}

fn directory_tenant(text: &str) -> Result<String, Invalid> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    // An application signs in to one directory; these names stand for many.
    let is_many = ["common", "organizations", "consumers"].contains(&text);
    if is_many || text.len() > 253 || text.starts_with('.') || !text.bytes().all(allowed) {
        return Err(Invalid::new(
            "must be the id or a domain of one directory, like contoso.onmicrosoft.com",
        ));
    }
    Ok(text.to_owned())
}

/// Returns the token endpoint with `{tenant}` for the Entra tenant: `MICROSOFT_TOKEN_ENDPOINT`, or that of the cloud.
pub(super) fn login_template(variables: &Variables<'_>) -> Result<String, SettingError> {
    if let Some(template) = variables.get("MICROSOFT_TOKEN_ENDPOINT") {
        return Ok(template);
    }
    Ok(login_of(&variables.graph_endpoint()?).to_owned())
}

fn in_directory(endpoint: &str, tenant: Option<&str>) -> String {
    endpoint.replace("{tenant}", tenant.unwrap_or("tenant"))
}

/// Returns the login endpoint of the cloud that this Graph endpoint belongs to.
/// <https://learn.microsoft.com/graph/deployments>
fn login_of(graph: &Url) -> &'static str {
    match graph.host_str() {
        Some("graph.microsoft.us" | "dod-graph.microsoft.us") => {
            "https://login.microsoftonline.us/{tenant}/oauth2/v2.0/token"
        }
        Some("microsoftgraph.chinacloudapi.cn") => {
            "https://login.chinacloudapi.cn/{tenant}/oauth2/v2.0/token"
        }
        _ => "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    }
}

#[cfg(test)]
mod tests;
