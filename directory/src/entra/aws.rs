//! The two AWS calls that a token may need: a secret from Secrets Manager, and a web identity token from STS. They
//! are signed with the signer that the DynamoDB client brings and sent with the HTTP client for Graph. An SDK client
//! for each would add two crates to compile and link, for one call each. The Parameters and Secrets extension is not
//! used: it is a layer per region and architecture to keep up to date and one more process to start with each
//! instance, and its cache would return an old secret for minutes after a rotation.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::call::{Calls, ServiceResponse};
use super::error::{Authority, TokenError};
use super::variables::Variables;
use muster::config::{SettingError, aws_endpoint};
use muster::domain::{Clock, SecretArn};

/// Requests a web identity token with the audience that Entra requires (`api://AzureADTokenExchange`) and the
/// algorithm that it supports. It is valid for the shortest time that STS has as a default, because it is used at once.
const WEB_IDENTITY: &str = "Action=GetWebIdentityToken&Version=2011-06-15\
    &Audience.member.1=api%3A%2F%2FAzureADTokenExchange&SigningAlgorithm=RS256&DurationSeconds=300";
/// The key of the client secret in a secret that is a JSON object.
const SECRET_KEY: &str = "MICROSOFT_CLIENT_SECRET";

/// The endpoint of an AWS service, and the credentials to call it with.
#[derive(Clone, Debug)]
pub struct AwsAccess {
    endpoint: Url,
    region: String,
    credentials: Credentials,
}

impl AwsAccess {
    pub(super) fn to_secrets_manager(
        variables: &Variables<'_>,
        arn: &SecretArn,
    ) -> Result<Self, SettingError> {
        let credentials = credentials(variables)?;
        let default = format!(
            "https://secretsmanager.{}.{}",
            arn.region(),
            suffix(arn.partition())
        );
        Ok(Self {
            endpoint: service("AWS_ENDPOINT_URL_SECRETS_MANAGER", &default, variables)?,
            region: arn.region().to_owned(),
            credentials,
        })
    }

    pub(super) fn to_sts(variables: &Variables<'_>) -> Result<Self, SettingError> {
        let region = variables.required("AWS_REGION", "must be set when no secret is")?;
        let partition = if region.starts_with("cn-") {
            "aws-cn"
        } else {
            "aws"
        };
        // Uses the regional endpoint: the global one does not support GetWebIdentityToken.
        let default = format!("https://sts.{region}.{}", suffix(partition));
        Ok(Self {
            endpoint: service("AWS_ENDPOINT_URL_STS", &default, variables)?,
            credentials: credentials(variables)?,
            region,
        })
    }

    /// Reads the client secret: the text of the secret, or the member [`SECRET_KEY`] of a JSON object.
    pub(super) async fn client_secret(
        &self,
        arn: &SecretArn,
        calls: &Calls,
        deadline: Instant,
    ) -> Result<SecretString, TokenError> {
        let text = self.secret(arn, calls, deadline).await?;
        let nonsense = || TokenError::Nonsense {
            authority: Authority::SecretsManager,
        };
        match serde_json::from_str(text.expose_secret()) {
            Ok(Value::Object(mut object)) => match object.remove(SECRET_KEY) {
                Some(Value::String(secret)) => Ok(secret.into()),
                _ => Err(nonsense()),
            },
            _ => Ok(SecretString::from(text.expose_secret().trim())),
        }
    }

    /// Reads the text of a secret.
    pub(super) async fn secret(
        &self,
        arn: &SecretArn,
        calls: &Calls,
        deadline: Instant,
    ) -> Result<SecretString, TokenError> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "secretsmanager.GetSecretValue"),
        ];
        let body = json!({ "SecretId": arn.as_str() }).to_string();
        let authority = Authority::SecretsManager;
        let answer = self
            .call("secretsmanager", authority, &headers, body, calls, deadline)
            .await?;
        match serde_json::from_slice(&answer.body) {
            Ok(SecretValue {
                secret_string: Some(text),
            }) => Ok(text),
            _ => Err(TokenError::Nonsense { authority }),
        }
    }

    /// Requests a web identity token from STS, which proves the identity of this function to Entra.
    pub(super) async fn web_identity(
        &self,
        calls: &Calls,
        deadline: Instant,
    ) -> Result<SecretString, TokenError> {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let authority = Authority::Sts;
        let answer = self
            .call(
                "sts",
                authority,
                &headers,
                WEB_IDENTITY.to_owned(),
                calls,
                deadline,
            )
            .await?;
        let text = String::from_utf8_lossy(&answer.body);
        element(&text, "WebIdentityToken")
            .filter(|token| is_jwt(token))
            .map(SecretString::from)
            .ok_or(TokenError::Nonsense { authority })
    }

    async fn call(
        &self,
        service: &'static str,
        authority: Authority,
        headers: &[(&'static str, &'static str)],
        body: String,
        calls: &Calls,
        deadline: Instant,
    ) -> Result<ServiceResponse, TokenError> {
        let request = self
            .signed(service, headers, body, calls.clock())
            .ok_or(TokenError::Nonsense { authority })?;
        let answer = calls.send(&request, deadline).await;
        let answer = answer.map_err(|error| TokenError::from_call(error, authority))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(TokenError::Refused {
            authority,
            refusal: answer.refusal(error_code(&answer.body)),
        })
    }

    /// Returns the signed request, or `None` if the credentials or the endpoint cannot be part of a request.
    fn signed(
        &self,
        service: &'static str,
        headers: &[(&'static str, &'static str)],
        body: String,
        clock: &Clock,
    ) -> Option<Request> {
        let since_epoch = u64::try_from(clock.now().as_millisecond()).ok()?;
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(since_epoch))
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let signable = SignableRequest::new(
            "POST",
            self.endpoint.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(body.as_bytes()),
        )
        .ok()?;
        let (instructions, _) = sign(signable, &params).ok()?.into_parts();
        let mut request = Request::new(Method::POST, self.endpoint.clone());
        for (name, value) in headers.iter().copied().chain(instructions.headers()) {
            let name: reqwest::header::HeaderName = name.parse().ok()?;
            let mut value: reqwest::header::HeaderValue = value.parse().ok()?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        *request.body_mut() = Some(body.into());
        Some(request)
    }
}

/// Reads the credentials that Lambda sets in the environment. They live as long as the instance.
fn credentials(variables: &Variables<'_>) -> Result<Credentials, SettingError> {
    let needed = "must be set when MICROSOFT_CLIENT_SECRET is not";
    Ok(Credentials::new(
        variables.required("AWS_ACCESS_KEY_ID", needed)?,
        variables.required("AWS_SECRET_ACCESS_KEY", needed)?,
        variables.get("AWS_SESSION_TOKEN"),
        None,
        "environment",
    ))
}

/// Returns the configured endpoint of a service, or the default.
fn service(
    own: &'static str,
    default: &str,
    variables: &Variables<'_>,
) -> Result<Url, SettingError> {
    let (variable, endpoint) =
        aws_endpoint(own, |name| variables.get(name)).unwrap_or_else(|| (own, default.to_owned()));
    let url = Url::parse(&endpoint).ok().filter(|url| {
        let is_plain = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && is_plain && url.query().is_none()
    });
    url.ok_or_else(|| SettingError {
        variable,
        problem: "must be an absolute http or https URL".to_owned(),
    })
}

fn suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    }
}

#[derive(Deserialize)]
struct SecretValue {
    #[serde(rename = "SecretString")]
    secret_string: Option<SecretString>,
}

/// Returns the text between the tags of the first element with that name. This is enough for a response of STS, of
/// which one element without nested markup is needed.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text)
}

fn is_jwt(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    text.split('.').count() == 3 && text.split('.').all(part)
}

/// Reads `AccessDeniedException` from `{"__type": "com.amazon…#AccessDeniedException"}`, or `AccessDenied` from
/// `<Error><Code>AccessDenied</Code>…`.
fn error_code(body: &[u8]) -> Option<String> {
    if let Ok(Value::Object(error)) = serde_json::from_slice(body) {
        let kind = error.get("__type")?.as_str()?;
        return kind.rsplit('#').next().map(str::to_owned);
    }
    element(&String::from_utf8_lossy(body), "Code").map(str::to_owned)
}
