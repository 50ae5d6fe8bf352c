//! `POST /_local/token`, and the two documents with which others verify its tokens.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use muster::http::{Code, Problem};
use muster::json::Violation;
use serde_json::{Map, Value, json};

use super::{EXPIRES_IN, Identity, Issuer, trigger};
use crate::lambda::Lambda;
use crate::problem::Refused;

/// Issues tokens over HTTP.
#[derive(Clone)]
pub(crate) struct TokenEndpoint {
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) lambda: Arc<Lambda>,
}

/// The fields of the body for a user.
const USER_FIELDS: &str = "user_id, tenant_id, groups, email, email_verified";
/// The fields of the body for a machine.
const MACHINE_FIELDS: &str = "client_id, scope";

/// Who gets a token.
#[derive(Debug)]
enum Holder {
    User(Identity),
    /// A machine, by the client credentials grant. Cognito calls the pre-token trigger for it only in version 3.
    Machine(Map<String, Value>),
}

/// Issues a token for the user in the body, with the claims of the pre-token trigger, or for a machine.
pub(crate) async fn token(State(endpoint): State<TokenEndpoint>, body: Bytes) -> Response {
    let TokenEndpoint { issuer, lambda } = endpoint;
    let answer = |refused: Refused| {
        refused.into_response("/_local/token", &issuer.clock.new_id().to_string())
    };
    let claims = match read(&body) {
        Ok(Holder::User(identity)) => {
            let id = issuer.clock.new_id().to_string();
            let mut claims = identity.claims();
            claims.extend(trigger::claims(&lambda, &identity, &id).await);
            claims
        }
        Ok(Holder::Machine(claims)) => claims,
        Err(problem) => return answer(Refused::invalid(problem)),
    };
    match issuer.token_with(claims) {
        Ok(token) => Json(json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": EXPIRES_IN,
        }))
        .into_response(),
        Err(_) => answer(Refused::internal()),
    }
}

/// The key that verifies the tokens.
pub(crate) async fn jwks(State(endpoint): State<TokenEndpoint>) -> Response {
    Json(endpoint.issuer.key_set()).into_response()
}

/// Where to find the key, for clients that know only the issuer.
pub(crate) async fn openid_configuration(State(endpoint): State<TokenEndpoint>) -> Response {
    let url = endpoint.issuer.url();
    Json(json!({
        "issuer": url,
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "token_endpoint": format!("{url}/token"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
        "response_types_supported": ["token"],
    }))
    .into_response()
}

fn read(body: &[u8]) -> Result<Holder, Problem> {
    let fields = match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(not_an_object("The body is JSON, but not an object.")),
        Err(_) => return Err(not_an_object("The body is not JSON.")),
    };
    let mut violations = Vec::new();
    let (holder, known) = if fields.contains_key("client_id") {
        (machine(&fields, &mut violations), MACHINE_FIELDS)
    } else {
        (user(&fields, &mut violations), USER_FIELDS)
    };
    for field in fields.keys() {
        if !known.split(", ").any(|known| known == field) {
            let detail = format!("is not a field of this request; it has {known}");
            violate(&mut violations, field, &detail);
        }
    }
    if violations.is_empty() {
        Ok(holder)
    } else {
        Err(Problem::invalid(violations))
    }
}

fn user(fields: &Map<String, Value>, violations: &mut Vec<Violation>) -> Holder {
    Holder::User(Identity {
        user_id: text(fields, "user_id", violations).unwrap_or_default(),
        tenant_id: text(fields, "tenant_id", violations).unwrap_or_default(),
        groups: groups(fields, violations),
        email: match fields.get("email") {
            None | Some(Value::Null) => None,
            Some(_) => text(fields, "email", violations),
        },
        email_verified: flag(fields, "email_verified", violations),
    })
}

fn machine(fields: &Map<String, Value>, violations: &mut Vec<Violation>) -> Holder {
    let client = text(fields, "client_id", violations);
    let scope = text(fields, "scope", violations);
    Holder::Machine(Map::from_iter([
        ("sub".to_owned(), json!(client)),
        ("client_id".to_owned(), json!(client)),
        ("scope".to_owned(), json!(scope)),
    ]))
}

fn not_an_object(what: &str) -> Problem {
    let detail = format!(r#"{what} Send {{"user_id": "ada", "tenant_id": "acme"}}."#);
    Problem::new(Code::InvalidJson, detail)
}

fn violate(violations: &mut Vec<Violation>, field: &str, detail: &str) {
    let field = field.replace('~', "~0").replace('/', "~1");
    violations.push(Violation {
        pointer: format!("/{field}"),
        detail: detail.to_owned(),
    });
}

fn text(
    fields: &Map<String, Value>,
    field: &str,
    violations: &mut Vec<Violation>,
) -> Option<String> {
    let detail = match fields.get(field) {
        Some(Value::String(text)) if !text.is_empty() => return Some(text.clone()),
        None => "is required: a text that is not empty",
        Some(_) => "must be a text that is not empty",
    };
    violate(violations, field, detail);
    None
}

fn flag(fields: &Map<String, Value>, field: &str, violations: &mut Vec<Violation>) -> Option<bool> {
    match fields.get(field) {
        None | Some(Value::Null) => None,
        Some(Value::Bool(flag)) => Some(*flag),
        Some(_) => {
            violate(violations, field, "must be true or false");
            None
        }
    }
}

fn groups(fields: &Map<String, Value>, violations: &mut Vec<Violation>) -> Vec<String> {
    match fields.get("groups") {
        None | Some(Value::Null) => Vec::new(),
        Some(value) => serde_json::from_value(value.clone()).unwrap_or_else(|_| {
            violate(violations, "groups", "must be a list of texts");
            Vec::new()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(body: &str) -> Vec<String> {
        let problem = read(body.as_bytes()).unwrap_err();
        problem
            .violations
            .into_iter()
            .map(|violation| violation.pointer)
            .collect()
    }

    #[test]
    fn a_body_names_user_and_tenant_and_may_name_groups_and_email() {
        let body = br#"{"user_id":"ada","tenant_id":"acme","groups":["a"],"email":"a@b.example"}"#;
        let identity = user_in(body);
        assert_eq!(
            (identity.user_id.as_str(), identity.tenant_id.as_str()),
            ("ada", "acme")
        );
        assert_eq!((identity.groups.len(), identity.email.is_some()), (1, true));
        let body =
            br#"{"user_id":"ada","tenant_id":"acme","email":"a@b.example","email_verified":false}"#;
        assert_eq!(user_in(body).email_verified, Some(false));
        assert!(
            user_in(br#"{"user_id":"ada","tenant_id":"acme"}"#)
                .groups
                .is_empty()
        );
    }

    fn user_in(body: &[u8]) -> Identity {
        match read(body).unwrap() {
            Holder::User(identity) => identity,
            Holder::Machine(claims) => panic!("a machine: {claims:?}"),
        }
    }

    #[test]
    fn a_machine_is_its_client() {
        let body = br#"{"client_id":"billing","scope":"muster/platform"}"#;
        let Holder::Machine(claims) = read(body).unwrap() else {
            panic!("a user");
        };
        let expected =
            json!({"sub": "billing", "client_id": "billing", "scope": "muster/platform"});
        assert_eq!(Value::Object(claims), expected);
        assert_eq!(violations(r#"{"client_id":"billing"}"#), ["/scope"]);
        assert_eq!(
            violations(r#"{"client_id":"a","scope":"b","tenant_id":"c"}"#),
            ["/tenant_id"]
        );
    }

    #[test]
    fn each_wrong_field_is_named() {
        assert_eq!(violations("{}"), ["/user_id", "/tenant_id"]);
        assert_eq!(
            violations(
                r#"{"user_id":1,"tenant_id":"","groups":"a","email":2,"email_verified":"no"}"#
            )
            .len(),
            5
        );
        assert_eq!(
            violations(r#"{"user_id":"a","tenant_id":"b","x/y":1}"#),
            ["/x~1y"]
        );
    }

    #[test]
    fn a_body_that_is_not_an_object_is_rejected() {
        for body in ["", "[]", "{"] {
            assert_eq!(read(body.as_bytes()).unwrap_err().code, Code::InvalidJson);
        }
    }
}
