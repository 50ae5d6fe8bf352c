//! Settings from environment variables. Each is read once at start. If one cannot be read, the error names the
//! variable.

use std::time::Duration;

use thiserror::Error;

use crate::domain::{
    DEFAULT_EVENT_RETENTION_DAYS, Invalid, InvitationPage, TenantId, WebhookTargets,
};

/// The variable that names a file of root certificates. It overrides the certificates in the program.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// Default of `METRICS_NAMESPACE`.
pub const DEFAULT_METRICS_NAMESPACE: &str = "Muster";
/// Default of `TENANT_ADMIN_GROUP`.
pub const DEFAULT_TENANT_ADMIN_GROUP: &str = "tenant-admins";
/// Default of `TOKEN_CLAIM_BYTES`: a token with this claim still fits in a cookie.
pub const DEFAULT_TOKEN_CLAIM_BYTES: usize = 2_048;
/// Maximum of `AUDIT_RETENTION_DAYS`: 100 years.
pub const MAX_AUDIT_RETENTION_DAYS: u32 = 36_500;
/// Minimum of `TOKEN_CLAIM_BYTES`.
pub const MIN_TOKEN_CLAIM_BYTES: usize = 64;
/// Maximum of `TOKEN_CLAIM_BYTES`: API Gateway accepts 10,240 bytes of request headers in total.
pub const MAX_TOKEN_CLAIM_BYTES: usize = 8_192;

/// The variable with the ports of webhook endpoints, separated by commas. Defaults to 443.
pub const WEBHOOK_PORTS: &str = "WEBHOOK_PORTS";
/// The variable that, with the value `allowed`, accepts webhook endpoints on this machine. Only the local stack sets it.
pub const WEBHOOK_LOOPBACK: &str = "WEBHOOK_LOOPBACK";

/// The variable with the sender of the mails of invitations. Not set: no mail is sent.
pub const INVITATION_FROM: &str = "INVITATION_FROM";
/// The variable with the page of the front end that shows an invitation.
pub const INVITATION_URL: &str = "INVITATION_URL";
/// The variable with the ARN of the secret that makes the tokens of invitations.
pub const INVITATION_SECRET_ARN: &str = "INVITATION_SECRET_ARN";

/// The variable with the endpoint of DynamoDB.
pub const DYNAMODB_ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";
/// The variable with the endpoint of every service that has no variable of its own.
const ANY_ENDPOINT: &str = "AWS_ENDPOINT_URL";
/// The variable that disables all of these endpoint variables.
pub const IGNORE_ENDPOINTS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// Looks up the endpoint of an AWS service as the SDKs do. The service's own variable, such as
/// `AWS_ENDPOINT_URL_STS`, takes precedence over `AWS_ENDPOINT_URL`. Ignores both if
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is `true`. Returns the name of the variable and its value.
pub fn aws_endpoint(
    own: &'static str,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    let ignored = variable(IGNORE_ENDPOINTS);
    if ignored.is_some_and(|ignored| ignored.trim().eq_ignore_ascii_case("true")) {
        return None;
    }
    let mut names = [own, ANY_ENDPOINT].into_iter();
    names.find_map(|name| {
        let value = variable(name).filter(|value| !value.is_empty())?;
        Some((name, value))
    })
}

/// The settings of the functions. The names of the environment variables are part of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`: the DynamoDB table. Required.
    pub table_name: String,
    /// `TENANT_ADMIN_GROUP`: the group in `cognito:groups` whose members are tenant admins.
    pub tenant_admin_group: String,
    /// `ORGANIZATION_CREATION`: who may create organizations.
    pub organization_creation: OrganizationCreation,
    /// `DEFAULT_TENANT_ID`: the tenant of a user who signs in with an event that has no tenant.
    pub default_tenant_id: Option<TenantId>,
    /// `VERIFIED_EMAIL_PROVIDERS`: the identity providers of the user pool whose email addresses count as verified.
    pub verified_email_providers: Vec<String>,
    /// `TOKEN_ORGANIZATIONS`: what a token contains about the user's organizations.
    pub token_organizations: TokenOrganizations,
    /// `TOKEN_CLAIM_BYTES`: the maximum size of that claim, in bytes.
    pub token_claim_bytes: usize,
    /// `AUDIT_RETENTION_DAYS`: how long events are kept; `None` for ever.
    pub audit_retention: Option<Duration>,
    /// `AUDIT_CLIENT_DETAILS`: whether events contain the address and the program of the client.
    pub audit_client_details: bool,
    /// `WEBHOOK_PORTS` and `WEBHOOK_LOOPBACK`: where webhooks may be sent to.
    pub webhook_targets: WebhookTargets,
    /// `INVITATION_FROM`: the sender of the mails of invitations; `None` if no mail is sent.
    pub invitation_from: Option<String>,
    /// `INVITATION_URL`: the page of the front end that shows an invitation.
    pub invitation_page: Option<InvitationPage>,
    /// `INVITATION_EMAIL_MUST_MATCH`: whether only a user with the invited address, verified, may accept an invitation.
    pub invitation_email_must_match: bool,
    /// `DIRECTORY_SECRETS`: what the ARNs of the secrets of directories start with, followed by the tenant and a slash;
    /// `None` if tenants cannot name secrets.
    pub directory_secrets: Option<String>,
    /// `METRICS_NAMESPACE`: the CloudWatch namespace of the metrics. Each deployment has its own.
    pub metrics_namespace: String,
}

/// Who may create organizations: `ORGANIZATION_CREATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganizationCreation {
    /// `any` (default): every user of the tenant.
    Any,
    /// `tenant-admin`: tenant admins only.
    TenantAdmin,
}

/// The content of a token about the user's organizations: `TOKEN_ORGANIZATIONS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenOrganizations {
    /// `roles` (default): their ids and the user's role in each.
    #[default]
    Roles,
    /// `ids`: their ids.
    Ids,
    /// `none`: nothing.
    None,
}

/// A setting that cannot be read. Stops the function at start.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{variable}: {problem}")]
pub struct SettingError {
    /// The environment variable.
    pub variable: &'static str,
    /// The problem, without the value, which may be a secret.
    pub problem: String,
}

impl SettingError {
    /// An HTTP client that cannot be created: only its root certificates can be wrong.
    pub fn no_client(error: impl std::fmt::Display) -> Self {
        Self {
            variable: SSL_CERT_FILE,
            problem: format!("the HTTP client cannot be created: {error}"),
        }
    }
}

impl Settings {
    /// Reads the settings. `variable` looks one up: `|name| std::env::var(name).ok()` in a function.
    /// An empty variable counts as not set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let organization_creation = match variable("ORGANIZATION_CREATION").as_deref() {
            None | Some("any") => OrganizationCreation::Any,
            Some("tenant-admin") => OrganizationCreation::TenantAdmin,
            Some(_) => {
                return Err(SettingError {
                    variable: "ORGANIZATION_CREATION",
                    problem: "must be any or tenant-admin".to_owned(),
                });
            }
        };
        let token_organizations = match variable("TOKEN_ORGANIZATIONS").as_deref() {
            None | Some("roles") => TokenOrganizations::Roles,
            Some("ids") => TokenOrganizations::Ids,
            Some("none") => TokenOrganizations::None,
            Some(_) => {
                return Err(SettingError {
                    variable: "TOKEN_ORGANIZATIONS",
                    problem: "must be roles, ids or none".to_owned(),
                });
            }
        };
        let token_claim_bytes = match variable("TOKEN_CLAIM_BYTES").map(|bytes| bytes.parse()) {
            None => DEFAULT_TOKEN_CLAIM_BYTES,
            Some(Ok(bytes @ MIN_TOKEN_CLAIM_BYTES..=MAX_TOKEN_CLAIM_BYTES)) => bytes,
            Some(_) => {
                return Err(SettingError {
                    variable: "TOKEN_CLAIM_BYTES",
                    problem: format!(
                        "must be a whole number from {MIN_TOKEN_CLAIM_BYTES} to \
                         {MAX_TOKEN_CLAIM_BYTES}"
                    ),
                });
            }
        };
        let retention_days = match variable("AUDIT_RETENTION_DAYS").map(|days| days.parse()) {
            None => DEFAULT_EVENT_RETENTION_DAYS,
            Some(Ok(days @ 0..=MAX_AUDIT_RETENTION_DAYS)) => days,
            Some(_) => {
                return Err(SettingError {
                    variable: "AUDIT_RETENTION_DAYS",
                    problem: format!("must be a whole number from 0 to {MAX_AUDIT_RETENTION_DAYS}"),
                });
            }
        };
        let audit_client_details = match variable("AUDIT_CLIENT_DETAILS").as_deref() {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => {
                return Err(SettingError {
                    variable: "AUDIT_CLIENT_DETAILS",
                    problem: "must be true or false".to_owned(),
                });
            }
        };
        let default_tenant_id = variable("DEFAULT_TENANT_ID")
            .map(TenantId::parse)
            .transpose();
        Ok(Self {
            default_tenant_id: default_tenant_id.map_err(|invalid| SettingError {
                variable: "DEFAULT_TENANT_ID",
                problem: invalid.to_string(),
            })?,
            table_name: variable("TABLE_NAME").ok_or(SettingError {
                variable: "TABLE_NAME",
                problem: "must name the DynamoDB table".to_owned(),
            })?,
            tenant_admin_group: variable("TENANT_ADMIN_GROUP")
                .unwrap_or_else(|| DEFAULT_TENANT_ADMIN_GROUP.to_owned()),
            organization_creation,
            verified_email_providers: variable("VERIFIED_EMAIL_PROVIDERS")
                .map(|names| listed(&names))
                .unwrap_or_default(),
            token_organizations,
            token_claim_bytes,
            audit_retention: (retention_days > 0)
                .then(|| Duration::from_hours(u64::from(retention_days) * 24)),
            audit_client_details,
            webhook_targets: webhook_targets(variable)?,
            invitation_from: variable(INVITATION_FROM),
            invitation_page: invitation_page(variable)?,
            invitation_email_must_match: email_must_match(variable)?,
            directory_secrets: variable("DIRECTORY_SECRETS"),
            metrics_namespace: variable("METRICS_NAMESPACE")
                .unwrap_or_else(|| DEFAULT_METRICS_NAMESPACE.to_owned()),
        })
    }
}

/// Returns the items of a list that is separated by commas, without blanks around them.
fn listed(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim);
    let items = items.filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// Reads the page of the front end that shows an invitation.
fn invitation_page(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<InvitationPage>, SettingError> {
    let page = variable(INVITATION_URL).map(|url| url.parse());
    page.transpose().map_err(|invalid: Invalid| SettingError {
        variable: INVITATION_URL,
        problem: invalid.to_string(),
    })
}

/// Reads whether only the invited address may accept an invitation.
fn email_must_match(variable: impl Fn(&str) -> Option<String>) -> Result<bool, SettingError> {
    const VARIABLE: &str = "INVITATION_EMAIL_MUST_MATCH";
    match variable(VARIABLE).as_deref() {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(SettingError {
            variable: VARIABLE,
            problem: "must be true or false".to_owned(),
        }),
    }
}

/// Reads where webhooks may be sent to.
fn webhook_targets(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<WebhookTargets, SettingError> {
    let mut targets = WebhookTargets::default();
    if let Some(ports) = variable(WEBHOOK_PORTS) {
        let ports = ports.split(',').map(|port| match port.trim().parse() {
            Ok(0) | Err(_) => Err(SettingError {
                variable: WEBHOOK_PORTS,
                problem: "must be ports from 1 to 65535, separated by commas".to_owned(),
            }),
            Ok(port) => Ok(port),
        });
        targets = WebhookTargets::new(ports.collect::<Result<Vec<u16>, _>>()?);
    }
    match variable(WEBHOOK_LOOPBACK).as_deref() {
        None => Ok(targets),
        Some("allowed") => Ok(targets.with_loopback()),
        Some(_) => Err(SettingError {
            variable: WEBHOOK_LOOPBACK,
            problem: "must be allowed or not set".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::read(|name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn settings_default_if_not_set() {
        let settings = read(&[("TABLE_NAME", "muster"), ("TENANT_ADMIN_GROUP", "")]).unwrap();
        assert_eq!(settings.tenant_admin_group, "tenant-admins");
        assert_eq!(settings.organization_creation, OrganizationCreation::Any);
        assert_eq!(settings.metrics_namespace, "Muster");
        assert_eq!(settings.token_organizations, TokenOrganizations::Roles);
        assert_eq!(settings.token_claim_bytes, 2_048);
        assert_eq!(settings.invitation_from, None);
        assert_eq!(settings.invitation_page, None);
    }

    #[test]
    fn verified_email_providers_are_separated_by_commas() {
        let providers = |list: &str| {
            let set = [("TABLE_NAME", "t"), ("VERIFIED_EMAIL_PROVIDERS", list)];
            read(&set).unwrap().verified_email_providers
        };
        assert_eq!(providers(" Okta,Acme SAML , ,"), ["Okta", "Acme SAML"]);
        assert!(providers("").is_empty());
        assert!(providers(",").is_empty());
    }

    #[test]
    fn webhook_settings_name_ports_and_loopback() {
        let targets = |set: &[(&str, &str)]| {
            let table = [("TABLE_NAME", "t")];
            read(&[&table, set].concat()).map(|settings| settings.webhook_targets)
        };
        let (ports, loopback) = (WEBHOOK_PORTS, WEBHOOK_LOOPBACK);
        assert_eq!(targets(&[]), Ok(WebhookTargets::default()));
        assert_eq!(targets(&[(ports, ""), (loopback, "")]), targets(&[]));
        let two = WebhookTargets::new([443, 8443]);
        assert_eq!(targets(&[(ports, "443, 8443")]), Ok(two));
        let here = WebhookTargets::default().with_loopback();
        assert_eq!(targets(&[(loopback, "allowed")]), Ok(here));
        for bad in ["0", "https", "443,", "65536", "-1"] {
            assert_eq!(targets(&[(ports, bad)]).unwrap_err().variable, ports);
        }
        assert_eq!(
            targets(&[(loopback, "true")]).unwrap_err().variable,
            loopback
        );
    }

    #[test]
    fn own_endpoint_takes_precedence() {
        let own = (DYNAMODB_ENDPOINT, "http://own");
        let any = (ANY_ENDPOINT, "http://any");
        let ignored = |value| (IGNORE_ENDPOINTS, value);
        for (set, expected) in [
            (vec![], None),
            (vec![own], Some(own)),
            (vec![any], Some(any)),
            (vec![any, own], Some(own)),
            (vec![(DYNAMODB_ENDPOINT, ""), any], Some(any)),
            (vec![("AWS_ENDPOINT_URL_STS", "http://sts")], None),
            (vec![any, own, ignored("true")], None),
            (vec![any, own, ignored("True")], None),
            (vec![any, own, ignored("false")], Some(own)),
            (vec![any, own, ignored("")], Some(own)),
        ] {
            let found = aws_endpoint(DYNAMODB_ENDPOINT, |name| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            let expected = expected.map(|(name, value)| (name, value.to_owned()));
            assert_eq!(found, expected, "{set:?}");
        }
    }

    #[test]
    fn error_names_the_invalid_setting() {
        assert_eq!(read(&[]).unwrap_err().variable, "TABLE_NAME");
        let wrong = read(&[("TABLE_NAME", "t"), ("ORGANIZATION_CREATION", "everyone")]);
        let tenant = read(&[("TABLE_NAME", "t"), ("DEFAULT_TENANT_ID", "a#b")]);
        assert_eq!(tenant.unwrap_err().variable, "DEFAULT_TENANT_ID");
        let token = read(&[("TABLE_NAME", "t"), ("TOKEN_ORGANIZATIONS", "all")]);
        assert_eq!(token.unwrap_err().variable, "TOKEN_ORGANIZATIONS");
        let page = read(&[("TABLE_NAME", "t"), (INVITATION_URL, "app.example")]);
        assert_eq!(page.unwrap_err().variable, INVITATION_URL);
        for bytes in ["0", "63", "8193", "-1", "2 KB", "1e3"] {
            let token = read(&[("TABLE_NAME", "t"), ("TOKEN_CLAIM_BYTES", bytes)]);
            assert_eq!(
                token.unwrap_err().to_string(),
                "TOKEN_CLAIM_BYTES: must be a whole number from 64 to 8192"
            );
        }
        assert_eq!(
            wrong.unwrap_err().to_string(),
            "ORGANIZATION_CREATION: must be any or tenant-admin"
        );
    }
}
