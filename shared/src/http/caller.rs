//! The caller of a request, from the claims of the verified token.

use std::collections::HashMap;

use lambda_http::request::RequestContext;
use serde_json::{Map, Value};

use super::event::CLAIMS;
use super::{ApiRequest, Code, Problem};
use crate::domain::{
    Actor, Caller, ClaimedEmail, EventContext, Invalid, Name, Origin, TenantId, UserId,
};

/// The scope of the tokens of machine callers: `platform` of the resource server `muster`.
pub const MACHINE_SCOPE: &str = "muster/platform";
/// The header in which a machine caller names the tenant.
const TENANT_HEADER: &str = "muster-tenant";
/// Maximum length of the address or the program of a client in an event, in characters.
const MAX_DETAIL_LENGTH: usize = 256;

impl ApiRequest {
    /// Returns the caller, from the verified token. `sub` is the user. `tenant_id` is the tenant, or
    /// `custom:tenant_id` if it is absent. `tenant_admin` or `cognito:groups` makes the caller a tenant admin. `email`
    /// and `email_verified` are the caller's address.
    ///
    /// A machine, which has no tenant in its token, names it in the header `Muster-Tenant`.
    pub fn caller(&self) -> Result<Caller, Problem> {
        let claims = self.claims().filter(|claims| !claims.is_empty());
        let claims = claims.ok_or_else(|| {
            Problem::new(
                Code::Unauthenticated,
                "Send a valid token in the header Authorization: Bearer <token>.",
            )
        })?;
        let header = self.header(TENANT_HEADER);
        if claims.is_machine() {
            return machine(&claims, header.as_deref());
        }
        if header.is_some() {
            return Err(Problem::invalid_at(
                "/muster-tenant",
                "is a header for machine callers only: the tenant of a user is in the token. Leave it out",
            ));
        }
        let text = |name: &str| claims.text(name).unwrap_or_default();
        let user_id = subject(&claims)?;
        let (name, tenant) = ["tenant_id", "custom:tenant_id"]
            .map(|name| (name, text(name)))
            .into_iter()
            .find(|(_, tenant)| !tenant.is_empty())
            .ok_or_else(|| {
                Problem::new(
                    Code::NoTenant,
                    "Your token has neither the claim tenant_id nor custom:tenant_id. Sign in again, or ask the administrator of the user pool.",
                )
            })?;
        let tenant_id = TenantId::parse(tenant).map_err(|invalid| {
            Problem::new(
                Code::NoTenant,
                format!("The claim {name} of your token {invalid}. Ask the administrator of the user pool."),
            )
        })?;
        Ok(Caller {
            tenant_id,
            user_id,
            tenant_admin: self.is_tenant_admin(&claims),
            machine: false,
            email: claims.email(),
        })
    }

    /// Returns the caller and the client as the events of the request's changes name them. `has_details` says whether
    /// they contain the address and the program of the client.
    pub fn origin(&self, caller: &Caller, operation: String, has_details: bool) -> Origin {
        let name = self.claims().and_then(|claims| {
            let name: Name = claims.text("name")?.parse().ok()?;
            Some(String::from(name))
        });
        let (source_ip, user_agent) = match self.context() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                (&context.http.source_ip, &context.http.user_agent)
            }
            Some(RequestContext::ApiGatewayV1(context)) => {
                (&context.identity.source_ip, &context.identity.user_agent)
            }
            _ => (&None, &None),
        };
        let detail = |text: &Option<String>| {
            let text = text
                .as_ref()
                .filter(|text| has_details && !text.is_empty())?;
            Some(text.chars().take(MAX_DETAIL_LENGTH).collect())
        };
        Origin::new(
            Actor {
                actor_type: caller.actor_type(),
                id: caller.user_id.as_str().to_owned(),
                name,
            },
            EventContext {
                request_id: self.id().to_owned(),
                operation,
                source_ip: detail(source_ip),
                user_agent: detail(user_agent),
                group_id: None,
            },
        )
    }

    /// Returns the claims of the verified token, or `None` without a token.
    fn claims(&self) -> Option<Claims<'_>> {
        let authorizer = self.context()?.authorizer()?;
        if let Some(jwt) = &authorizer.jwt {
            return Some(Claims::Texts(&jwt.claims));
        }
        let claims = authorizer.fields.get(CLAIMS)?;
        claims.as_object().map(Claims::Values)
    }

    /// Returns whether the token makes its user a tenant admin, by the claim of the pre-token trigger or by a group.
    fn is_tenant_admin(&self, claims: &Claims<'_>) -> bool {
        claims.is_true("tenant_admin") || self.is_in_group(claims)
    }

    /// Returns whether the claim names the tenant admins' group. An HTTP API renders an array as `[a b]`, a REST API
    /// as `a,b`. Group names in a user pool contain no blanks. Those of other issuers may, so there the whole value
    /// must be that one name.
    fn is_in_group(&self, claims: &Claims<'_>) -> bool {
        const GROUPS: &str = "cognito:groups";
        let group = self.tenant_admin_group.as_str();
        if claims.array(GROUPS).iter().any(|one| one == group) {
            return true;
        }
        let Some(groups) = claims.text(GROUPS) else {
            return false;
        };
        let in_brackets = groups.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let listed = in_brackets.unwrap_or(groups);
        let is_rest = matches!(self.context(), Some(RequestContext::ApiGatewayV1(_)));
        let separator = if is_rest && in_brackets.is_none() {
            ','
        } else {
            ' '
        };
        let of_user_pool = is_user_pool(claims.text("iss").unwrap_or_default());
        let is_only = listed == group || groups == group;
        is_only || (of_user_pool && listed.split(separator).any(|one| one == group))
    }
}

/// Returns the machine with this token. The header names its tenant.
fn machine(claims: &Claims<'_>, header: Option<&str>) -> Result<Caller, Problem> {
    let tenant = header.ok_or(Invalid::new(
        "is required: a machine caller names the tenant of each request in this header",
    ));
    let tenant_id = tenant.and_then(TenantId::parse);
    Ok(Caller {
        user_id: subject(claims)?,
        tenant_id: tenant_id.map_err(|invalid| Problem::invalid_at("/muster-tenant", invalid))?,
        tenant_admin: true,
        machine: true,
        email: None,
    })
}

fn subject(claims: &Claims<'_>) -> Result<UserId, Problem> {
    UserId::parse(claims.text("sub").unwrap_or_default()).map_err(|invalid| {
        Problem::new(
            Code::UnusableSubject,
            format!(
                "The claim sub of your token {invalid}. Ask the administrator of the user pool."
            ),
        )
    })
}

/// The claims of a token: strings in an HTTP API, any JSON in other events.
enum Claims<'a> {
    Texts(&'a HashMap<String, String>),
    Values(&'a Map<String, Value>),
}

impl<'a> Claims<'a> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Texts(claims) => claims.is_empty(),
            Self::Values(claims) => claims.is_empty(),
        }
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        match self {
            Self::Texts(claims) => claims.get(name).map(String::as_str),
            Self::Values(claims) => claims.get(name)?.as_str(),
        }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        match self {
            Self::Texts(_) => None,
            Self::Values(claims) => claims.get(name),
        }
    }

    /// Returns whether the token is of a machine with [`MACHINE_SCOPE`], by the client credentials grant of Cognito:
    /// its subject is the client. The token of a user can have the scope too, if an app client allows it, but has
    /// another subject and a user name.
    fn is_machine(&self) -> bool {
        let scopes = self.text("scope").unwrap_or_default();
        let client = self.text("client_id").filter(|client| !client.is_empty());
        let of_user = [
            "username",
            "cognito:username",
            "tenant_id",
            "custom:tenant_id",
        ];
        scopes.split(' ').any(|scope| scope == MACHINE_SCOPE)
            && client.is_some_and(|client| self.text("sub") == Some(client))
            && of_user.iter().all(|claim| !self.has(claim))
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Texts(claims) => claims.contains_key(name),
            Self::Values(claims) => claims.contains_key(name),
        }
    }

    fn is_true(&self, name: &str) -> bool {
        self.text(name) == Some("true") || self.value(name) == Some(&Value::Bool(true))
    }

    /// Returns the address of the user. An address that cannot be read counts as none.
    fn email(&self) -> Option<ClaimedEmail> {
        Some(ClaimedEmail {
            address: self.text("email")?.parse().ok()?,
            is_verified: self.is_true("email_verified"),
        })
    }

    fn array(&self, name: &str) -> &'a [Value] {
        let array = self.value(name).and_then(Value::as_array);
        array.map_or(&[], Vec::as_slice)
    }
}

/// Returns whether an issuer is a Cognito user pool: `https://cognito-idp.<region>.amazonaws.com/<pool>`.
fn is_user_pool(issuer: &str) -> bool {
    let Some(rest) = issuer.strip_prefix("https://cognito-idp.") else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"]
        .iter()
        .any(|domain| host.ends_with(domain))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn caller(claims: Value) -> Result<Caller, Code> {
        let event = json!({
            "routeKey": "GET /", "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
        });
        let request = ApiRequest::of_event(&event.to_string(), "tenant-admins").unwrap();
        request.caller().map_err(|problem| problem.code)
    }

    #[test]
    fn groups_are_split_at_blanks_only_for_user_pools() {
        let pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc";
        let other = "https://login.example/";
        for (issuer, groups, is_admin) in [
            (pool, json!("[a tenant-admins]"), true),
            (pool, json!("tenant-admins"), true),
            (pool, json!("[my-tenant-admins]"), false),
            (other, json!("[friends of tenant-admins]"), false),
            (other, json!("[a tenant-admins]"), false),
            (other, json!("[tenant-admins]"), true),
            (other, json!("tenant-admins"), true),
            (other, json!(["a", "tenant-admins"]), true),
            (other, json!(["friends of tenant-admins"]), false),
            (
                "https://cognito-idp.evil.example/x",
                json!("[a tenant-admins]"),
                false,
            ),
            (
                "https://cognito-idp.evil.example/.amazonaws.com",
                json!("[a tenant-admins]"),
                false,
            ),
            ("", json!("[a tenant-admins]"), false),
        ] {
            let claims =
                json!({"sub": "ada", "tenant_id": "t", "iss": issuer, "cognito:groups": groups});
            assert_eq!(
                caller(claims).unwrap().tenant_admin,
                is_admin,
                "{issuer} {groups}"
            );
        }
        for (claim, is_admin) in [
            (json!("true"), true),
            (json!(true), true),
            (json!("false"), false),
            (json!("TRUE"), false),
            (json!(1), false),
            (json!(["true"]), false),
        ] {
            let claims = json!({"sub": "ada", "tenant_id": "t", "tenant_admin": claim});
            assert_eq!(caller(claims).unwrap().tenant_admin, is_admin, "{claim}");
        }
    }

    #[test]
    fn an_email_address_is_verified_only_if_the_token_says_so() {
        for (claims, is_verified) in [
            (json!({"email_verified": "true"}), true),
            (json!({"email_verified": true}), true),
            (json!({"email_verified": "false"}), false),
            (json!({"email_verified": false}), false),
            (json!({"email_verified": "TRUE"}), false),
            (json!({"email_verified": 1}), false),
            (json!({"email_verified": ["true"]}), false),
            (json!({}), false),
        ] {
            let mut token = json!({"sub": "ada", "tenant_id": "t", "email": "ada@acme.example"});
            let object = token.as_object_mut().unwrap();
            object.extend(claims.as_object().unwrap().clone());
            let email = caller(token).unwrap().email.unwrap();
            assert_eq!(email.address.as_str(), "ada@acme.example");
            assert_eq!(email.is_verified, is_verified, "{claims:?}");
        }
        for email in [json!(null), json!(""), json!("ada"), json!(["a@b.example"])] {
            let token =
                json!({"sub": "ada", "tenant_id": "t", "email": email, "email_verified": true});
            assert_eq!(caller(token).unwrap().email, None, "{email}");
        }
    }

    #[test]
    fn groups_of_a_rest_api_are_split_at_commas() {
        let pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc";
        let other = "https://login.example/";
        for (issuer, groups, is_admin) in [
            (pool, "a,tenant-admins", true),
            (pool, "tenant-admins", true),
            (pool, "a,b", false),
            (pool, "my-tenant-admins,b", false),
            (pool, "a tenant-admins", false),
            // An HTTP API with payload format 1.0.
            (pool, "[a tenant-admins]", true),
            (pool, "[a,tenant-admins]", false),
            (other, "a,tenant-admins", false),
            (other, "tenant-admins", true),
        ] {
            let claims =
                json!({"sub": "ada", "tenant_id": "t", "iss": issuer, "cognito:groups": groups});
            let event = json!({
                "resource": "/", "httpMethod": "GET", "requestContext": {"authorizer": {"claims": claims}},
            });
            let request = ApiRequest::of_event(&event.to_string(), "tenant-admins").unwrap();
            let caller = request.caller().unwrap();
            assert_eq!(caller.tenant_admin, is_admin, "{issuer} {groups}");
        }
    }

    #[test]
    fn unusable_claim_has_its_own_code() {
        let long = "x".repeat(256);
        for sub in [
            json!("me"),
            json!("ä"),
            json!(""),
            json!(null),
            json!(long),
            json!("a\nb"),
        ] {
            let claims = json!({"sub": sub, "tenant_id": "t"});
            assert_eq!(caller(claims).unwrap_err(), Code::UnusableSubject, "{sub}");
        }
        for tenant in [json!("a#b"), json!(""), json!(null), json!("ä")] {
            let claims = json!({"sub": "ada", "tenant_id": tenant});
            assert_eq!(caller(claims).unwrap_err(), Code::NoTenant, "{tenant}");
        }
    }
}
