//! Which Entra tenant a domain belongs to. Entra publishes it, in its document of `OpenID` Connect discovery for the
//! domain; no permission and no consent is needed. Entra lets one tenant alone verify a domain.
//! <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>

use std::fmt;

use reqwest::{Method, Request, StatusCode, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::call::{Calls, http_client};
use super::error::{Authority, TokenError};
use super::settings::{endpoint, login_template};
use super::variables::Variables;
use muster::config::SettingError;
use muster::domain::{Clock, Domain, EntraId};

/// The end of the URL of the token endpoint of an Entra tenant.
const TOKEN: &str = "/oauth2/v2.0/token";
/// The end of the URL of its discovery document.
const DISCOVERY: &str = "/v2.0/.well-known/openid-configuration";

/// Looks up the Entra tenants of domains.
pub struct DomainOwners {
    calls: Calls,
    /// The URL of the document, with `{tenant}` for the domain.
    template: String,
}

/// The part of the document that is read.
#[derive(Deserialize)]
struct Discovery {
    /// `https://login.microsoftonline.com/<tenant id>/v2.0`; the host is another one in other clouds.
    issuer: String,
}

impl DomainOwners {
    /// Reads the settings: the discovery document lies beside `MICROSOFT_TOKEN_ENDPOINT`. `variable` looks up an
    /// environment variable. Makes no call.
    pub fn read(
        clock: Clock,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let template = login_template(&Variables::new(&variable))?;
        let template = template
            .strip_suffix(TOKEN)
            .map(|start| format!("{start}{DISCOVERY}"));
        let template = template.filter(|it| it.contains("{tenant}"));
        let template = template.ok_or_else(|| SettingError {
            variable: "MICROSOFT_TOKEN_ENDPOINT",
            problem: format!(
                "must contain {{tenant}} and end in {TOKEN} for directories of tenants"
            ),
        })?;
        let client = http_client(&variable).map_err(SettingError::no_client)?;
        Ok(Self {
            calls: Calls::new(client, clock),
            template,
        })
    }

    /// Returns the Entra tenant that has verified the domain, or `None` if none has.
    pub async fn owner(
        &self,
        domain: &Domain,
        deadline: Instant,
    ) -> Result<Option<EntraId>, TokenError> {
        let authority = Authority::Entra;
        let nonsense = || TokenError::Nonsense { authority };
        let url = endpoint(&self.template.replace("{tenant}", domain.as_str()));
        let request = Request::new(Method::GET, url.map_err(|_| nonsense())?);
        let answer = self.calls.send(&request, deadline).await;
        let answer = answer.map_err(|error| TokenError::from_call(error, authority))?;
        match answer.status {
            StatusCode::OK => {}
            // AADSTS90002: no tenant has the domain.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => return Ok(None),
            _ => {
                return Err(TokenError::Refused {
                    authority,
                    refusal: answer.refusal(None),
                });
            }
        }
        let found: Discovery = serde_json::from_slice(&answer.body).map_err(|_| nonsense())?;
        let issuer = Url::parse(&found.issuer).map_err(|_| nonsense())?;
        let mut path = issuer.path_segments().ok_or_else(nonsense)?;
        let is_known = path.next_back() == Some("v2.0");
        let tenant = path.next_back().filter(|_| is_known);
        let tenant = tenant.and_then(|segment| segment.parse().ok());
        tenant.map(Some).ok_or_else(nonsense)
    }
}

impl fmt::Debug for DomainOwners {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DomainOwners")
    }
}
