//! One operation of the document: a method on a path.

use muster::http::{Code, DEFAULT_LIMIT, MAX_LIMIT, MediaType};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::answer::DocumentedAnswer;
use super::example::Example;
use super::headers::{self, Header};
use super::object::insert;
use super::problems::Problems;
use super::schemas::{PageOf, SchemaOf, Schemas, of};

/// Describes a method on a path for clients. Built by the endpoint, step by step.
pub struct Operation {
    method: &'static str,
    path: &'static str,
    id: String,
    tag: &'static str,
    summary: &'static str,
    /// Who may call it, what happens, and which errors it returns.
    description: &'static str,
    parameters: Vec<Value>,
    body: Option<(SchemaOf, Value)>,
    is_body_optional: bool,
    answers: Vec<DocumentedAnswer>,
    codes: Vec<Code>,
    repeats: bool,
    pub(super) is_public: bool,
}

impl Operation {
    /// A route as in the template, a unique name, a tag, and the doc comment of its handler: the first
    /// line is the summary, the rest the description.
    pub(crate) fn new(
        route: &'static str,
        id: String,
        tag: &'static str,
        docs: &'static str,
    ) -> Self {
        let (method, path) = route.split_once(' ').unwrap_or((route, ""));
        let codes = vec![
            Code::Unauthenticated,
            Code::UnusableSubject,
            Code::NoTenant,
            Code::UserDisabled,
            // Every operation rejects unknown query parameters.
            Code::ValidationFailed,
            Code::Throttled,
            Code::Unavailable,
            Code::Internal,
        ];
        Self {
            method,
            path,
            id,
            tag,
            summary: docs.trim().lines().next().unwrap_or_default(),
            description: docs.trim().split_once("\n\n").map_or("", |(_, rest)| rest),
            parameters: Vec::new(),
            body: None,
            is_body_optional: false,
            answers: Vec::new(),
            codes,
            repeats: false,
            is_public: false,
        }
    }

    /// Called without a token, and so without the errors of one.
    pub(crate) fn without_token(mut self) -> Self {
        let of_callers = [
            Code::Unauthenticated,
            Code::UnusableSubject,
            Code::NoTenant,
            Code::UserDisabled,
        ];
        self.codes.retain(|code| !of_callers.contains(code));
        self.is_public = true;
        self
    }

    /// Replaces the summary from the doc comment, for a handler of two operations, and the description if `docs` has
    /// more than the summary.
    pub(crate) fn described(self, docs: &'static str) -> Self {
        match docs.split_once("\n\n") {
            None => Self {
                summary: docs,
                ..self
            },
            Some((summary, description)) => Self {
                summary,
                description,
                ..self
            },
        }
    }

    /// Adds errors, in addition to those of its parts.
    pub(crate) fn fails(mut self, codes: &[Code]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// Adds a JSON body.
    pub(crate) fn body<T: JsonSchema + Example>(mut self) -> Self {
        self.body = Some((of::<T>, T::example()));
        self.read_body()
    }

    /// Adds a body that may be left out.
    pub(crate) fn optional_body<T: JsonSchema + Example>(self) -> Self {
        Self {
            is_body_optional: true,
            ..self.body::<T>()
        }
    }

    /// Without a body: a body with content is rejected.
    pub(crate) fn no_body(self) -> Self {
        self.read_body()
    }

    fn read_body(self) -> Self {
        self.fails(&[
            Code::ValidationFailed,
            Code::InvalidJson,
            Code::UnsupportedMediaType,
            Code::BodyTooLarge,
        ])
    }

    /// Adds a query parameter with this schema.
    pub(crate) fn query(mut self, name: &str, description: &str, schema: Value) -> Self {
        self.parameters.push(json!({
            "name": name,
            "in": "query",
            "description": description,
            "schema": schema,
        }));
        self.fails(&[Code::ValidationFailed])
    }

    /// Adds `Idempotency-Key`.
    pub(crate) fn once(mut self) -> Self {
        self.parameters.push(headers::idempotency_key());
        self.repeats = true;
        self.fails(&[
            Code::ValidationFailed,
            Code::BodyTooLarge,
            Code::IdempotencyMismatch,
        ])
    }

    /// Adds `If-Match`.
    pub(crate) fn if_match(mut self) -> Self {
        self.parameters.push(headers::if_match());
        self.fails(&[Code::VersionMismatch])
    }

    /// 200 with one resource and its version.
    pub(crate) fn ok<T: JsonSchema + Example>(self, description: &'static str) -> Self {
        let body = (of::<T> as SchemaOf, T::example());
        self.answer(200, description, Some(body), &[Header::ETag])
    }

    /// Like [`Operation::ok`], or 304 if the client has that version already.
    pub(crate) fn shows<T: JsonSchema + Example>(mut self, description: &'static str) -> Self {
        self.parameters.push(headers::if_none_match());
        let unchanged = "Not modified: the entity tag is one of `If-None-Match`.";
        self.ok::<T>(description)
            .answer(304, unchanged, None, &[Header::ETag])
    }

    /// 201 with the created resource and its location.
    pub(crate) fn created<T: JsonSchema + Example>(self, description: &'static str) -> Self {
        let body = (of::<T> as SchemaOf, T::example());
        self.answer(
            201,
            description,
            Some(body),
            &[Header::ETag, Header::Location],
        )
    }

    /// 204 without content.
    pub(crate) fn no_content(self, description: &'static str) -> Self {
        self.answer(204, description, None, &[])
    }

    /// 200 with a page of a list.
    pub(crate) fn page<T: JsonSchema + Example>(self) -> Self {
        let body = (
            of::<PageOf<T>> as SchemaOf,
            json!({"items": [T::example()], "next_cursor": null}),
        );
        self.answer(200, "A page of items.", Some(body), &[])
    }

    /// Adds other forms of the last response: CSV, and lines of JSON.
    pub(crate) fn exported<T: Example>(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.exports = vec![
                (MediaType::Csv, "id,type,occurred_at\n".to_owned()),
                (MediaType::Ndjson, format!("{}\n", T::example())),
            ];
            answer.headers.push(Header::VaryByAccept);
            answer.optional.push(Header::Link);
        }
        self
    }

    /// 200 with a resource that has no version.
    pub(crate) fn plain<T: JsonSchema + Example>(self, description: &'static str) -> Self {
        let body = (of::<T> as SchemaOf, T::example());
        self.answer(200, description, Some(body), &[])
    }

    /// Adds `limit` and `cursor`.
    pub(crate) fn pagination(self) -> Self {
        self.query(
            "limit",
            "The maximum number of items in a page.",
            json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
        )
        .query(
            "cursor",
            "`next_cursor` of the previous page. Use the same filters.",
            json!({"type": "string"}),
        )
        .fails(&[Code::InvalidCursor])
    }

    fn answer(
        mut self,
        status: u16,
        description: &'static str,
        body: Option<(SchemaOf, Value)>,
        headers: &[Header],
    ) -> Self {
        self.answers.push(DocumentedAnswer {
            status,
            description,
            body,
            headers: headers.to_vec(),
            optional: Vec::new(),
            exports: Vec::new(),
            links: Map::new(),
        });
        self
    }

    /// Sets another example of the body.
    pub(crate) fn body_example(mut self, example: Value) -> Self {
        if let Some((_, own)) = &mut self.body {
            *own = example;
        }
        self
    }

    /// Sets another example of the last response.
    pub(crate) fn answer_example(mut self, example: Value) -> Self {
        if let Some((_, own)) = self.answers.last_mut().and_then(|it| it.body.as_mut()) {
            *own = example;
        }
        self
    }

    /// Links of the last response: operations, each with the source of its parameters in the
    /// response or the request.
    pub(crate) fn leads_to(mut self, ids: &[&str], parameters: Value) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            for id in ids {
                let link = json!({"operationId": id, "parameters": parameters});
                answer.links.insert((*id).to_owned(), link);
            }
        }
        self
    }

    /// The path, as in the template.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The method, in lower case as in the document.
    pub fn method(&self) -> String {
        self.method.to_lowercase()
    }

    pub(super) fn to_json(&self, schemas: &mut Schemas, problems: &mut Problems) -> Value {
        let mut responses: Map<String, Value> = self
            .answers
            .iter()
            .map(|answer| {
                let json = answer.to_json(self.repeats, schemas);
                (answer.status.to_string(), json)
            })
            .collect();
        responses.extend(problems.answers(&self.codes, schemas));
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": self.description,
            "responses": responses,
        });
        if self.is_public {
            insert(&mut operation, "security", json!([]));
        }
        if !self.parameters.is_empty() {
            insert(&mut operation, "parameters", json!(self.parameters));
        }
        if let Some((schema, example)) = &self.body {
            let content = json!({"schema": schemas.request(*schema), "example": example});
            let mut types = json!({"application/json": content});
            if self.method != "POST" {
                insert(&mut types, "application/merge-patch+json", content);
            }
            insert(
                &mut operation,
                "requestBody",
                json!({"required": !self.is_body_optional, "content": types}),
            );
        }
        operation
    }
}
