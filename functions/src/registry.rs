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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::App;

    fn variable(name: &str) -> Option<String> {
        let value = match name {
            "AWS_REGION" => "eu-central-1",
            "INVITATION_SECRET_ARN" => {
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:muster-AbCdEf"
            }
            "TABLE_NAME" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "muster",
            name if name.ends_with("_QUEUE_URL") => "https://sqs.example/queue",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[tokio::test]
    async fn a_function_starts_only_with_its_declared_variables() {
        let app = App::read(&variable).unwrap();
        for function in functions() {
            let Some(endpoint) = function.endpoint() else {
                continue;
            };
            assert!(
                function.start(app.clone(), &variable).is_ok(),
                "{}",
                function.name
            );
            for (name, is_declared) in [
                ("WEBHOOK_QUEUE_URL", endpoint.webhook_queue),
                ("RECONCILE_QUEUE_URL", endpoint.run_queue),
                ("INVITATION_SECRET_ARN", endpoint.invitation_secret),
            ] {
                let others = |it: &str| variable(it).filter(|_| it != name);
                let started = function.start(app.clone(), &others);
                let missing = started.err().map(|error| error.variable);
                assert_eq!(missing, is_declared.then_some(name), "{}", function.name);
            }
        }
    }
}
