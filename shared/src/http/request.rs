//! A request, as an endpoint reads it.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::cursor::{Cursor, DEFAULT_LIMIT, MAX_LIMIT, PageRequest};
use super::event::HttpEvent;
use super::{Code, Fields, Problem};
use crate::domain::{
    Caller, ExpectedVersion, Invalid, OrganizationId, TeamId, TenantId, Timestamp, UserId,
};
use crate::store::Once;

/// Largest body, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest `Idempotency-Key`, in characters.
pub const MAX_IDEMPOTENCY_KEY_LENGTH: usize = 255;
/// Stands for the caller's own user id in a path.
pub const ONESELF: &str = "me";

/// A request, with nothing in it believed yet but the token's claims.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    event: HttpEvent,
    tenant_admin_group: String,
}

impl ApiRequest {
    /// The request in an event. Members of the group are tenant admins.
    pub fn new(event: HttpEvent, tenant_admin_group: &str) -> Self {
        Self {
            event,
            tenant_admin_group: tenant_admin_group.to_owned(),
        }
    }

    /// Method and path as in the template.
    pub fn route(&self) -> &str {
        &self.event.route_key
    }

    /// The path that was asked for.
    pub fn path(&self) -> &str {
        &self.event.raw_path
    }

    /// API Gateway's id of the request.
    pub fn id(&self) -> &str {
        &self.event.request_context.request_id
    }

    /// Who asks, from the verified token and nothing else: `sub` is the user; `tenant_id`, else
    /// `custom:tenant_id`, the tenant; `cognito:groups` makes a tenant admin.
    pub fn caller(&self) -> Result<Caller, Problem> {
        let authorizer = self.event.request_context.authorizer.as_ref();
        let claims = authorizer
            .and_then(|authorizer| authorizer.jwt.as_ref())
            .map(|jwt| &jwt.claims);
        let unauthenticated = || {
            Problem::new(
                Code::Unauthenticated,
                "Send a valid token in the header Authorization: Bearer <token>.",
            )
        };
        let claims = claims.ok_or_else(unauthenticated)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let user_id = UserId::parse(text("sub")).map_err(|_| unauthenticated())?;
        let tenant = [text("tenant_id"), text("custom:tenant_id")]
            .into_iter()
            .find(|tenant| !tenant.is_empty())
            .map(TenantId::parse);
        let Some(Ok(tenant_id)) = tenant else {
            return Err(Problem::new(
                Code::NoTenant,
                "Your token has no usable tenant_id or custom:tenant_id. Sign in again, or ask who runs the user pool.",
            ));
        };
        Ok(Caller {
            tenant_id,
            user_id,
            tenant_admin: self.is_in_group(claims.get("cognito:groups")),
        })
    }

    /// Whether the claim names the tenant admins' group. API Gateway renders an array as `[a b]`.
    fn is_in_group(&self, groups: Option<&Value>) -> bool {
        let group = self.tenant_admin_group.as_str();
        match groups {
            Some(Value::String(groups)) => groups
                .strip_prefix('[')
                .and_then(|groups| groups.strip_suffix(']'))
                .unwrap_or(groups)
                .split(' ')
                .any(|one| one == group),
            Some(Value::Array(groups)) => groups.iter().any(|one| one == group),
            _ => false,
        }
    }

    fn parameter(&self, name: &str) -> String {
        let value = self
            .event
            .path_parameters
            .get(name)
            .map_or("", String::as_str);
        // No id has a `%`, so one that is there is a code that was left in.
        percent_decode_str(value).decode_utf8_lossy().into_owned()
    }

    /// `{organization_id}` of the path.
    pub fn organization_id(&self) -> Result<OrganizationId, Problem> {
        OrganizationId::parse(self.parameter("organization_id"))
            .map_err(|invalid| Problem::invalid_at("/organization_id", invalid))
    }

    /// `{team_id}` of the path.
    pub fn team_id(&self) -> Result<TeamId, Problem> {
        TeamId::parse(self.parameter("team_id"))
            .map_err(|invalid| Problem::invalid_at("/team_id", invalid))
    }

    /// Whether the path goes through an organization.
    pub fn is_in_organization(&self) -> bool {
        self.event.path_parameters.contains_key("organization_id")
    }

    /// `{user_id}` of the path, in which `me` is the caller.
    pub fn user_id(&self, caller: &Caller) -> Result<UserId, Problem> {
        let id = self.parameter("user_id");
        if id == ONESELF {
            return Ok(caller.user_id.clone());
        }
        UserId::parse(id).map_err(|invalid| Problem::invalid_at("/user_id", invalid))
    }

    /// A query parameter, if it is there and not empty.
    pub fn query(&self, name: &str) -> Option<&str> {
        let value = self.event.query_string_parameters.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// A query parameter with a rule.
    pub fn query_as<T: FromStr<Err = Invalid>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let value = self.query(name).map(str::parse).transpose();
        value.map_err(|invalid| Problem::invalid_at(format!("/{name}"), invalid))
    }

    /// `?force=true|false`, of which `false` is meant when nothing is said.
    pub fn force(&self) -> Result<bool, Problem> {
        match self.query("force") {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::invalid_at("/force", "must be true or false")),
        }
    }

    /// `limit` and `cursor`. The parameters named as filters make a list of their own.
    pub fn page(&self, caller: &Caller, filters: &[&'static str]) -> Result<PageRequest, Problem> {
        let limit = match self.query("limit").map(str::parse::<usize>) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                return Err(Problem::invalid_at(
                    "/limit",
                    "must be a number from 1 to 100",
                ));
            }
        };
        let place = ["organization_id", "team_id", "user_id"].map(|name| self.parameter(name));
        let place = place.iter().map(|id| ("", id.as_str()));
        let filters = filters
            .iter()
            .map(|name| (*name, self.query(name).unwrap_or_default()));
        let cursor = Cursor::new(&caller.tenant_id, self.route(), place.chain(filters));
        let after = self
            .query("cursor")
            .map(|sealed| cursor.open(sealed))
            .transpose()?;
        Ok(PageRequest {
            limit,
            after,
            cursor,
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .event
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    /// The versions of `If-Match`. Tags that are none of ours match nothing.
    pub fn if_match(&self) -> ExpectedVersion {
        match self.header("if-match") {
            None => ExpectedVersion::Any,
            Some("*") => ExpectedVersion::Present,
            Some(tags) => ExpectedVersion::OneOf(
                tags.split(',')
                    .filter_map(|tag| version(tag.trim()))
                    .collect(),
            ),
        }
    }

    /// Whether the caller has this version already: `If-None-Match`.
    pub fn has_version(&self, current: u64) -> bool {
        self.header("if-none-match").is_some_and(|tags| {
            tags == "*"
                || tags
                    .split(',')
                    .filter_map(|tag| version(tag.trim().trim_start_matches("W/")))
                    .any(|tag| tag == current)
        })
    }

    /// What `Idempotency-Key` makes of the request, if it is there.
    pub fn once(&self, caller: &Caller, now: Timestamp) -> Result<Option<Once>, Problem> {
        let Some(key) = self.header("idempotency-key") else {
            return Ok(None);
        };
        if !(1..=MAX_IDEMPOTENCY_KEY_LENGTH).contains(&key.len())
            || !key.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(Problem::invalid_at(
                "/idempotency-key",
                "must be 1 to 255 visible ASCII characters",
            ));
        }
        let who = (&caller.tenant_id, &caller.user_id);
        Ok(Some(Once::new(
            who,
            self.route(),
            key,
            self.fingerprint()?,
            now,
        )))
    }

    /// What makes it the same request: where it goes, and what its body says.
    fn fingerprint(&self) -> Result<String, Problem> {
        let body = self.bytes()?;
        let body = match serde_json::from_slice::<Value>(&body) {
            Ok(value) => value.to_string().into_bytes(),
            Err(_) => body,
        };
        let mut digest = Sha256::new();
        for (name, value) in &self.event.path_parameters {
            digest.update(format!(
                "{name}={}\n",
                percent_decode_str(value).decode_utf8_lossy()
            ));
        }
        digest.update(body);
        Ok(STANDARD.encode(digest.finalize()))
    }

    fn bytes(&self) -> Result<Vec<u8>, Problem> {
        let body = self.event.body.as_deref().unwrap_or_default();
        let bytes = if self.event.is_base64_encoded {
            STANDARD.decode(body).map_err(Problem::internal)?
        } else {
            body.as_bytes().to_vec()
        };
        if bytes.len() > MAX_BODY_BYTES {
            return Err(Problem::new(
                Code::BodyTooLarge,
                "A body may have up to 64 KB (65,536 bytes).",
            ));
        }
        Ok(bytes)
    }

    /// The fields of the JSON body.
    pub fn body(&self) -> Result<Fields, Problem> {
        let bytes = self.bytes()?;
        self.require_json()?;
        let object: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|error| {
            Problem::new(
                Code::InvalidJson,
                format!(
                    "The body must be one JSON object, nested at most 127 levels deep. Reading it failed at line {}, column {}.",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        Ok(Fields::new(object))
    }

    /// Refuses a body with anything in it, where there is nothing to say.
    pub fn no_body(&self) -> Result<(), Problem> {
        if self.bytes()?.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        self.body()?.finish()
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

/// The version in an entity tag. Tags are compared as they stand (RFC 9110, section 8.8.3.2): what a
/// number could be written like as well is none of ours.
fn version(tag: &str) -> Option<u64> {
    let number = tag.strip_prefix('"')?.strip_suffix('"')?;
    let version: u64 = number.parse().ok()?;
    (version.to_string() == number).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_tag_is_a_version_only_as_it_was_shown() {
        assert_eq!(version("\"7\""), Some(7));
        for other in ["7", "\"07\"", "\"+7\"", "\"\"", "\"7", "\" 7\"", "W/\"7\""] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
