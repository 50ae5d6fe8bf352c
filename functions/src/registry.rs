//! All functions by name, as the local stack and the tests run them.

use std::sync::LazyLock;

use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::function::Function;
use crate::{delivery, directories, domains, endpoints, members, openapi, triggers};

const TRIGGERS: [Function; 9] = [
    Function::trigger("deliver-webhook", delivery::deliver_webhook::start),
    Function::trigger("post-login", triggers::post_login::start),
    Function::trigger("pre-token", triggers::pre_token::start),
    Function::trigger("publish-events", delivery::publish_events::start),
    Function::trigger("recheck-domains", domains::recheck::start),
    Function::trigger("reconcile-directory", directories::reconcile::start),
    Function::trigger("schedule-reconciles", directories::schedule::start),
    Function::trigger("send-invitation", delivery::send_invitation::start),
    Function::trigger("track-members", members::track::start),
];

/// All functions: the endpoints, then the triggers.
pub fn functions() -> &'static [Function] {
    static FUNCTIONS: LazyLock<Vec<Function>> =
        LazyLock::new(|| [endpoints::ENDPOINTS, &TRIGGERS].concat());
    &FUNCTIONS
}

/// The `OpenAPI` document of all endpoints.
pub fn openapi_document() -> Value {
    let endpoints = functions().iter().filter_map(Function::endpoint);
    openapi::document(endpoints.flat_map(Endpoint::operations))
}

/// The document as stored in `docs/`.
pub fn openapi_text() -> String {
    format!("{:#}\n", openapi_document())
}
