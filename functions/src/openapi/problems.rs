//! The errors of an operation.

use std::collections::BTreeMap;

use muster::domain::{Json, Limits, Name};
use muster::http::{ApiRequest, Code, Problem, ProblemDocument};
use muster::json::text;
use muster::store::{Refusal, TableError};
use serde_json::{Map, Value, json};
use strum::VariantArray as _;

use super::headers::Header;
use super::object::insert;
use super::schemas::{Schemas, of};

/// The path in the examples.
const INSTANCE: &str = "/organizations/019aa4f2-6e5b-7c3d-9a4e-2f1b0c8d7e6f";

/// The statuses that API Gateway can also return, with its own body.
const OF_GATEWAY: [u16; 5] = [401, 413, 429, 500, 503];

/// Error responses, each with its possible codes. Operations with the same ones share them.
#[derive(Default)]
pub(super) struct Problems(BTreeMap<String, Value>);

impl Problems {
    /// The responses with these codes, by status.
    pub(super) fn answers(&mut self, codes: &[Code], schemas: &mut Schemas) -> Map<String, Value> {
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in Code::VARIANTS.iter().filter(|code| codes.contains(code)) {
            by_status.entry(code.status()).or_default().push(*code);
        }
        let answers = by_status.into_iter().map(|(status, codes)| {
            let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
            let name = names.join(".");
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            self.0
                .entry(name)
                .or_insert_with(|| answer(status, &codes, schemas));
            (status.to_string(), reference)
        });
        answers.collect()
    }

    /// All of them.
    pub(super) fn into_components(self) -> BTreeMap<String, Value> {
        self.0
    }
}

/// An example of each code.
pub(super) fn examples() -> Map<String, Value> {
    let examples = Code::VARIANTS.iter().map(|code| {
        let body = example(*code).to_json(INSTANCE, "UQ3bVgkXFiAEJ5A=");
        let example = json!({"summary": code.title(), "value": body});
        (code.as_str().to_owned(), example)
    });
    examples.collect()
}

fn answer(status: u16, codes: &[Code], schemas: &mut Schemas) -> Value {
    let by_gateway = OF_GATEWAY.contains(&status);
    let mut headers: Map<_, _> = [
        Header::RequestId,
        Header::ServerTiming,
        Header::CacheControl,
        Header::Vary,
    ]
    .into_iter()
    .map(|header| (header.name().to_owned(), header.to_json(!by_gateway)))
    .collect();
    let more = match status {
        401 => Some(Header::Authenticate),
        429 | 503 => Some(Header::RetryAfter),
        _ => None,
    };
    if let Some(header) = more {
        headers.insert(header.name().to_owned(), header.to_json(false));
    }
    let description: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.as_str(), code.title()))
        .collect();
    let problem = schemas.answer(of::<ProblemDocument<'static>>);
    let examples: Map<_, _> = codes
        .iter()
        .map(|code| {
            let reference = format!("#/components/examples/{}", code.as_str());
            (code.as_str().to_owned(), json!({"$ref": reference}))
        })
        .collect();
    let mut content = json!({
        "application/problem+json": {
            "schema": {
                "allOf": [
                    problem,
                    {"properties": {"status": {"const": status}, "code": {"enum": codes}}},
                ],
            },
            "examples": examples,
        },
    });
    if by_gateway {
        insert(
            &mut content,
            "application/json",
            json!({
                "schema": {
                    "description": "A response of API Gateway itself.",
                    "type": "object",
                    "required": ["message"],
                    "properties": {"message": {"type": "string"}},
                },
                "example": {"message": gateway_message(status)},
            }),
        );
    }
    json!({
        "description": description.join("\n\n"),
        "headers": headers,
        "content": content,
    })
}

fn gateway_message(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        413 => "Request Entity Too Large",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

/// An error as the API creates it.
fn example(code: Code) -> Problem {
    let busy = || "busy".into();
    let refusal = match code {
        Code::Unauthenticated => return of_request(&json!({}), |request| request.caller().err()),
        Code::UnusableSubject => {
            let claims =
                json!({"authorizer": {"jwt": {"claims": {"sub": "me", "tenant_id": "acme"}}}});
            return of_request(&claims, |request| request.caller().err());
        }
        Code::NoTenant => {
            let claims = json!({"authorizer": {"jwt": {"claims": {"sub": "ada"}}}});
            return of_request(&claims, |request| request.caller().err());
        }
        Code::ValidationFailed => return invalid(),
        Code::InvalidJson => return of_body("application/json", "{"),
        Code::UnsupportedMediaType => return of_body("text/plain", "{}"),
        Code::BodyTooLarge => {
            let long = " ".repeat(muster::http::MAX_BODY_BYTES + 1);
            return of_body("application/json", &long);
        }
        Code::InvalidCursor => Refusal::InvalidPosition,
        Code::UserDisabled => Refusal::UserDisabled,
        Code::Forbidden => Refusal::Forbidden,
        Code::NotFound => Refusal::NotFound,
        Code::NameTaken => Refusal::NameTaken,
        Code::AlreadyMember => Refusal::AlreadyMember,
        Code::AlreadyInvited => Refusal::AlreadyInvited,
        Code::LastOwner => Refusal::LastOwner,
        Code::DirectoryManaged => Refusal::DirectoryManaged,
        Code::UnknownUser => Refusal::UnknownUser,
        Code::NotAnOrganizationMember => Refusal::NotAnOrganizationMember,
        Code::BudgetExceedsOrganization => {
            let rate = |tpm_limit| Limits {
                tpm_limit: Some(tpm_limit),
                ..Limits::default()
            };
            let exceeding = rate(2_000).exceeding(&Limits::default(), &rate(1_000));
            Refusal::BudgetExceedsOrganization(exceeding)
        }
        Code::InvitationNotPending => Refusal::InvitationNotPending,
        Code::InvitationNotValid => Refusal::InvitationNotValid,
        Code::EmailNotVerified => Refusal::EmailNotVerified,
        Code::InvitationForAnotherAddress => Refusal::InvitationForAnotherAddress,
        Code::InvitationPending => Refusal::InvitationPending,
        Code::IdempotencyMismatch => Refusal::IdempotencyMismatch,
        Code::VersionMismatch => Refusal::VersionMismatch,
        Code::LimitReached => Refusal::LimitReached,
        Code::EndpointDisabled => Refusal::EndpointDisabled,
        Code::SentRecently => Refusal::SentRecently,
        Code::DomainTaken => Refusal::DomainTaken,
        Code::DomainNotVerified => Refusal::DomainNotVerified,
        Code::DirectoryTaken => Refusal::DirectoryTaken,
        Code::Conflict => return TableError::Conflict("update_organization").into(),
        Code::Throttled => return TableError::Throttled(busy()).into(),
        Code::Unavailable => return TableError::Unavailable(busy()).into(),
        Code::Internal => return TableError::Defect(busy()).into(),
    };
    Problem::from(refusal)
}

fn invalid() -> Problem {
    match text::<Name>(Json::String(String::new())) {
        Ok(_) => Problem::internal("an empty name is none"),
        Err(invalid) => Problem::invalid_at("/name", invalid),
    }
}

fn of_body(content_type: &str, body: &str) -> Problem {
    let event = json!({
        "routeKey": "",
        "headers": {"content-type": content_type},
        "body": body,
        "requestContext": {},
    });
    of_event(event, |request| request.body().err())
}

fn of_request(context: &Value, ask: impl FnOnce(&ApiRequest) -> Option<Problem>) -> Problem {
    of_event(json!({"routeKey": "", "requestContext": context}), ask)
}

fn of_event(event: Value, ask: impl FnOnce(&ApiRequest) -> Option<Problem>) -> Problem {
    let request = ApiRequest::of_event(&event.to_string(), "");
    let problem = request.map(|request| ask(&request));
    problem
        .ok()
        .flatten()
        .unwrap_or_else(|| Problem::internal("the request is refused"))
}
