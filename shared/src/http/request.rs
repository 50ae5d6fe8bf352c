//! A request in the form that endpoints read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt as _};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::entity_tag::{named, version};
use super::event::KEPT_HOST;
use super::uri::ENCODED;
use super::{Code, MediaType, Problem, read_event};
use crate::domain::{
    Caller, DirectoryId, Domain, EventId, ExpectedVersion, IdempotencyKey, Invalid, InvitationId,
    Json, JsonObject, ME, OrganizationId, TeamId, UserId, WebhookEndpointId,
};
use crate::json::Fields;

/// Maximum size of a body, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Maximum length of an `Idempotency-Key`, in characters.
pub const MAX_IDEMPOTENCY_KEY_LENGTH: usize = 255;

/// A request. Only the claims of its token are trusted.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    request: Request,
    route: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) tenant_admin_group: String,
}

impl ApiRequest {
    /// Creates it from the request that `lambda_http` made from an event read by [`read_event`]. Members of the
    /// group are tenant admins.
    pub fn new(request: Request, tenant_admin_group: &str) -> Self {
        let route = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.route_key.clone(),
            Some(RequestContext::ApiGatewayV1(context)) => {
                let resource = context.resource_path.as_deref().unwrap_or_default();
                Some(format!("{} {resource}", context.http_method))
            }
            _ => None,
        };
        let mut query = BTreeMap::<String, String>::new();
        let parameters = request.query_string_parameters_ref();
        for (name, value) in parameters.into_iter().flat_map(|it| it.iter()) {
            // Several values of one name are joined into one value, which no parameter accepts.
            let values = query.entry(name.to_owned());
            values
                .and_modify(|before| {
                    before.push(',');
                    before.push_str(value);
                })
                .or_insert_with(|| value.to_owned());
        }
        Self {
            route: route.unwrap_or_default(),
            query,
            tenant_admin_group: tenant_admin_group.to_owned(),
            request,
        }
    }

    /// Reads the request in an event of API Gateway.
    pub fn of_event(event: &str, tenant_admin_group: &str) -> Result<Self, serde_json::Error> {
        let request = read_event(event)?.into();
        Ok(Self::new(request, tenant_admin_group))
    }

    pub(super) fn context(&self) -> Option<&RequestContext> {
        self.request.request_context_ref()
    }

    /// Returns the method and path as in the template: `GET /organizations/{organization_id}`.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Returns the requested path.
    pub fn path(&self) -> &str {
        self.request.raw_http_path()
    }

    /// Returns the URL of the API as the client called it, without a slash at its end.
    pub fn origin_url(&self) -> String {
        let host = self.header(KEPT_HOST).unwrap_or_default();
        let scheme = match self.header("x-forwarded-proto").as_deref() {
            Some("http") => "http",
            _ => "https",
        };
        format!("{scheme}://{host}")
    }

    /// Returns the method.
    pub fn method(&self) -> &str {
        self.request.method().as_str()
    }

    /// Returns whether the query has a parameter.
    pub fn has_query(&self, name: &str) -> bool {
        self.query.contains_key(name)
    }

    /// Returns the body as it was sent. It is not limited in size.
    pub fn raw_body(&self) -> &[u8] {
        self.request.body().as_ref()
    }

    /// Returns API Gateway's id of the request.
    pub fn id(&self) -> &str {
        let id = match self.context() {
            Some(RequestContext::ApiGatewayV2(context)) => context.request_id.as_deref(),
            Some(RequestContext::ApiGatewayV1(context)) => context.request_id.as_deref(),
            _ => None,
        };
        id.unwrap_or_default()
    }

    /// Returns the decoded value of a path parameter, or an empty string if there is none.
    pub fn path_parameter(&self, name: &str) -> String {
        let parameters = self.request.path_parameters_ref();
        let value = parameters.and_then(|it| it.first(name)).unwrap_or_default();
        // An HTTP API decodes the path, a REST API does not. An id with a `%` is encoded in Base64.
        percent_decode_str(value).decode_utf8_lossy().into_owned()
    }

    /// Reads `{organization_id}` from the path.
    pub fn organization_id(&self) -> Result<OrganizationId, Problem> {
        OrganizationId::parse(self.path_parameter("organization_id"))
            .map_err(|invalid| Problem::invalid_at("/organization_id", invalid))
    }

    /// Reads `{team_id}` from the path.
    pub fn team_id(&self) -> Result<TeamId, Problem> {
        TeamId::parse(self.path_parameter("team_id"))
            .map_err(|invalid| Problem::invalid_at("/team_id", invalid))
    }

    /// Reads `{domain}` from the path.
    pub fn domain(&self) -> Result<Domain, Problem> {
        let domain = self.path_parameter("domain").parse();
        domain.map_err(|invalid: Invalid| Problem::invalid_at("/domain", invalid))
    }

    /// Reads `{event_id}` from the path.
    pub fn event_id(&self) -> Result<EventId, Problem> {
        let id = self.path_parameter("event_id").parse();
        id.map_err(|invalid: Invalid| Problem::invalid_at("/event_id", invalid))
    }

    /// Returns whether the path contains an organization.
    pub fn is_in_organization(&self) -> bool {
        let parameters = self.request.path_parameters_ref();
        parameters.is_some_and(|it| it.first("organization_id").is_some())
    }

    /// Reads `{user_id}` from the path. `me` is the caller. An id may be encoded as `~` and its Base64 (the URL-safe
    /// alphabet without padding), for gateways that do not route an encoded slash.
    pub fn user_id(&self, caller: &Caller) -> Result<UserId, Problem> {
        let text = self.path_parameter("user_id");
        if text == ME {
            return Ok(caller.user_id.clone());
        }
        let id = match text.strip_prefix(ENCODED) {
            None => UserId::parse(text),
            Some(encoded) => URL_SAFE_NO_PAD
                .decode(encoded)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or(Invalid::new(
                    "that begins with ~ must be followed by the unpadded base64url of the user id",
                ))
                .and_then(UserId::parse),
        };
        id.map_err(|invalid| Problem::invalid_at("/user_id", invalid))
    }

    /// Returns the value of a header. Joins several values of one name with commas.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.request.headers().get_all(name).iter();
        let values = values
            .by_ref()
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.reduce(|one, next| format!("{one},{next}").into())
    }

    /// Reads `{invitation_id}` from the path.
    pub fn invitation_id(&self) -> Result<InvitationId, Problem> {
        InvitationId::parse(self.path_parameter("invitation_id"))
            .map_err(|invalid| Problem::invalid_at("/invitation_id", invalid))
    }

    /// Reads `{directory_id}` from the path.
    pub fn directory_id(&self) -> Result<DirectoryId, Problem> {
        DirectoryId::parse(self.path_parameter("directory_id"))
            .map_err(|invalid| Problem::invalid_at("/directory_id", invalid))
    }

    /// Reads `{endpoint_id}` from the path.
    pub fn webhook_endpoint_id(&self) -> Result<WebhookEndpointId, Problem> {
        WebhookEndpointId::parse(self.path_parameter("endpoint_id"))
            .map_err(|invalid| Problem::invalid_at("/endpoint_id", invalid))
    }

    /// Reads `{delivery_id}` from the path: the id of an event.
    pub fn delivery_id(&self) -> Result<EventId, Problem> {
        let id = self.path_parameter("delivery_id").parse();
        id.map_err(|invalid: Invalid| Problem::invalid_at("/delivery_id", invalid))
    }

    /// Returns the form in which the caller wants a page of a list, from `Accept`. Defaults to JSON.
    pub fn accepted(&self) -> MediaType {
        let accept = self
            .header("accept")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let mut types = accept
            .split(',')
            .filter_map(|one| one.split(';').next())
            .map(str::trim);
        let known = types.find_map(|name| name.parse().ok());
        known.unwrap_or(MediaType::Json)
    }

    /// Returns the query without one parameter, encoded for a URL.
    pub fn query_without(&self, name: &str) -> String {
        let others = self.query.iter().filter(|(other, _)| *other != name);
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = others.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// Returns the versions that `If-Match` and `If-None-Match` require.
    pub fn expected_version(&self) -> ExpectedVersion {
        ExpectedVersion {
            if_match: self.header("if-match").map(|tags| named(&tags, version)),
            if_none_match: self
                .header("if-none-match")
                .map(|tags| named(&tags, |tag| version(tag.strip_prefix("W/").unwrap_or(tag)))),
        }
    }

    /// Returns the entity tags that the caller of a `GET` already has: `If-None-Match`.
    pub fn held_tags(&self) -> Option<Cow<'_, str>> {
        self.header("if-none-match")
            .filter(|_| self.route().starts_with("GET "))
    }

    /// Returns the `Idempotency-Key` if the client sent one.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let Some(key) = self.header("idempotency-key") else {
            return Ok(None);
        };
        let key = key.trim();
        if !(1..=MAX_IDEMPOTENCY_KEY_LENGTH).contains(&key.len())
            || !key.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(Problem::invalid_at(
                "/idempotency-key",
                "must be 1 to 255 visible ASCII characters",
            ));
        }
        Ok(Some(IdempotencyKey {
            route: self.route().to_owned(),
            key: key.to_owned(),
            fingerprint: self.fingerprint()?,
        }))
    }

    /// Returns a digest of the target and the body, which identifies a repeated request.
    fn fingerprint(&self) -> Result<String, Problem> {
        let body = self.bytes()?;
        let body = match Json::read(body) {
            Ok(value) => Cow::Owned(serde_json::to_vec(&value).map_err(Problem::internal)?),
            Err(_) => Cow::Borrowed(body),
        };
        let parameters = self.request.path_parameters_ref();
        let parameters: BTreeMap<_, _> = parameters.into_iter().flat_map(|it| it.iter()).collect();
        let mut digest = Sha256::new();
        for (name, value) in parameters {
            digest.update(format!(
                "{name}={}\n",
                percent_decode_str(value).decode_utf8_lossy()
            ));
        }
        digest.update(body);
        Ok(STANDARD.encode(digest.finalize()))
    }

    fn bytes(&self) -> Result<&[u8], Problem> {
        let bytes: &[u8] = self.request.body().as_ref();
        if bytes.len() > MAX_BODY_BYTES {
            return Err(Problem::new(
                Code::BodyTooLarge,
                "The body may have up to 64 KB (65,536 bytes).",
            ));
        }
        Ok(bytes)
    }

    /// Returns the fields of the JSON body.
    pub fn body(&self) -> Result<Fields, Problem> {
        let bytes = self.bytes()?;
        self.require_json()?;
        let body = Json::read(bytes).map_err(|error| {
            Problem::new(
                Code::InvalidJson,
                format!(
                    "The body must be one JSON object, nested at most 127 levels deep. Reading it failed at line {}, column {}.",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        match body {
            Json::Object(object) => Ok(Fields::new(object)),
            _ => Err(Problem::new(
                Code::InvalidJson,
                "The body must be one JSON object.",
            )),
        }
    }

    /// Fails if the body is not empty, for operations without a body.
    pub fn no_body(&self) -> Result<(), Problem> {
        Ok(self.optional_body()?.finish()?)
    }

    /// Returns the fields of the JSON body; none for an empty body.
    pub fn optional_body(&self) -> Result<Fields, Problem> {
        if self.bytes()?.iter().all(u8::is_ascii_whitespace) {
            return Ok(Fields::new(JsonObject::default()));
        }
        self.body()
    }

    fn require_json(&self) -> Result<(), Problem> {
        let media_type = self.header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if ["application/json", "application/merge-patch+json"]
            .iter()
            .any(|known| media_type.eq_ignore_ascii_case(known))
        {
            return Ok(());
        }
        Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send JSON with the header Content-Type: application/json.",
        ))
    }
}
