//! Who sends a request, from the claims of the verified token.

use serde_json::{Map, Value};

use super::{ApiRequest, Code, Problem};
use crate::domain::{Caller, TenantId, UserId};

impl ApiRequest {
    /// Who asks, from the verified token and nothing else: `sub` is the user; `tenant_id`, else
    /// `custom:tenant_id`, the tenant; `tenant_admin` or `cognito:groups` makes a tenant admin.
    pub fn caller(&self) -> Result<Caller, Problem> {
        let authorizer = self.event.request_context.authorizer.as_ref();
        let claims = authorizer
            .and_then(|authorizer| authorizer.jwt.as_ref())
            .map(|jwt| &jwt.claims)
            .filter(|claims| !claims.is_empty());
        let claims = claims.ok_or_else(|| {
            Problem::new(
                Code::Unauthenticated,
                "Send a valid token in the header Authorization: Bearer <token>.",
            )
        })?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let user_id = UserId::parse(text("sub")).map_err(|invalid| {
            Problem::new(
                Code::UnusableSubject,
                format!(
                    "The claim sub of your token {invalid}. Ask the administrator of the user pool."
                ),
            )
        })?;
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
            tenant_admin: self.is_tenant_admin(claims),
        })
    }

    /// Whether the token makes its user a tenant admin: by the claim of the pre-token trigger, or by a group.
    fn is_tenant_admin(&self, claims: &Map<String, Value>) -> bool {
        let by_claim = match claims.get("tenant_admin") {
            Some(Value::Bool(is_admin)) => *is_admin,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let issuer = claims
            .get("iss")
            .and_then(Value::as_str)
            .unwrap_or_default();
        by_claim || self.is_in_group(claims.get("cognito:groups"), is_user_pool(issuer))
    }

    /// Whether the claim names the tenant admins' group. API Gateway renders an array as `[a b]`. Names of groups
    /// in a user pool have no blanks; those of other issuers may, so there the whole value must be the one name.
    fn is_in_group(&self, groups: Option<&Value>, of_user_pool: bool) -> bool {
        let group = self.tenant_admin_group.as_str();
        match groups {
            Some(Value::String(groups)) => {
                let listed = groups
                    .strip_prefix('[')
                    .and_then(|groups| groups.strip_suffix(']'))
                    .unwrap_or(groups);
                let is_only = listed == group || groups == group;
                is_only || (of_user_pool && listed.split(' ').any(|one| one == group))
            }
            Some(Value::Array(groups)) => groups.iter().any(|one| one == group),
            _ => false,
        }
    }
}

/// Whether an issuer is a Cognito user pool: `https://cognito-idp.<region>.amazonaws.com/<pool>`.
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
        let request = ApiRequest::new(serde_json::from_value(event).unwrap(), "tenant-admins");
        request.caller().map_err(|problem| problem.code)
    }

    #[test]
    fn a_group_is_split_at_blanks_only_for_a_user_pool() {
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
    fn a_claim_that_cannot_be_used_has_a_code_of_its_own() {
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
