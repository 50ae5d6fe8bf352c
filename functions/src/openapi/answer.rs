//! The successful responses of an operation.

use muster::http::MediaType;
use serde_json::{Map, Value, json};

use super::headers::Header;
use super::object::insert;
use super::schemas::{SchemaOf, Schemas};

/// A successful response.
pub(super) struct DocumentedAnswer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    /// The schema of the body and an example, if there is a body.
    pub(super) body: Option<(SchemaOf, Value)>,
    /// Headers in addition to those of every response.
    pub(super) headers: Vec<Header>,
    /// Headers that are only present sometimes.
    pub(super) optional: Vec<Header>,
    /// Other forms of the body, with an example of each.
    pub(super) exports: Vec<(MediaType, String)>,
    /// The operations that a response links to.
    pub(super) links: Map<String, Value>,
}

impl DocumentedAnswer {
    /// `repeats`: whether it can be replayed for a repeated request.
    pub(super) fn to_json(&self, repeats: bool, schemas: &mut Schemas) -> Value {
        let always = [
            Header::RequestId,
            Header::ServerTiming,
            Header::CacheControl,
            Header::Vary,
        ];
        let mut headers: Map<_, _> = always
            .iter()
            .chain(&self.headers)
            .map(|header| (header.name().to_owned(), header.to_json(true)))
            .collect();
        let replayed = repeats.then_some(Header::Replayed);
        for header in self.optional.iter().copied().chain(replayed) {
            headers.insert(header.name().to_owned(), header.to_json(false));
        }
        let mut answer = json!({"description": self.description, "headers": headers});
        if let Some((schema, example)) = &self.body {
            let schema = schemas.answer(*schema);
            let mut content = json!({"application/json": {"schema": schema, "example": example}});
            for (media_type, example) in &self.exports {
                let schema = json!({"type": "string"});
                let form = json!({"schema": schema, "example": example});
                insert(&mut content, media_type.name(), form);
            }
            insert(&mut answer, "content", content);
        }
        if !self.links.is_empty() {
            insert(&mut answer, "links", json!(self.links));
        }
        answer
    }
}
