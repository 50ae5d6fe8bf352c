//! Emulates the services that functions call besides the table: an event bus, queues and
//! secrets.

mod bus;
mod dns;
mod faults;
mod mail;
mod queue;
mod queues;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use muster::config::IGNORE_ENDPOINTS;
use serde_json::{Value, json};

use crate::aws::{ACCOUNT, REGION};
use crate::origin::only_own_name;
use crate::template::{ServiceAction, Template, TemplateFunction};

pub use faults::{CallFault, ServiceFaults};

use bus::EventLog;
use dns::{Dns, Records};
use mail::Outbox;
pub(crate) use queue::{Message, Queue};
use queues::Queues;

/// The path under which the services are served, on the port of the API.
const PATH: &str = "/_local/aws";

/// The services of a stack.
#[derive(Debug)]
pub(crate) struct Services {
    endpoint: String,
    bus: EventLog,
    queues: Queues,
    outbox: Outbox,
    /// The ARNs of the secrets.
    secrets: BTreeSet<String>,
    dns: Arc<Dns>,
    /// The allowed actions of each function, by its logical id.
    functions: BTreeMap<String, BTreeSet<ServiceAction>>,
    faults: ServiceFaults,
}

/// An error in the form of AWS.
#[derive(Debug)]
struct ServiceError {
    status: StatusCode,
    code: String,
    message: String,
}

impl ServiceError {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

impl Services {
    /// The buses and queues of the template, for the stack at this URL.
    pub(crate) fn new(template: &Template, url: &str, faults: ServiceFaults) -> Self {
        let functions = template.functions.iter();
        let functions = functions.map(|it| (it.resource.clone(), it.actions.clone()));
        Self {
            endpoint: format!("{url}{PATH}"),
            bus: EventLog::default(),
            queues: Queues::new(&template.queues),
            outbox: Outbox::default(),
            secrets: template.secrets.iter().cloned().collect(),
            dns: Arc::default(),
            functions: functions.collect(),
            faults,
        }
    }

    /// The address of the services.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The resolver of the names that the developer sets.
    pub(crate) fn dns(&self) -> &Arc<Dns> {
        &self.dns
    }

    /// The queue with this ARN, URL or name.
    pub(crate) fn queue(&self, name: &str) -> Option<&Arc<Queue>> {
        self.queues.find(name)
    }

    /// The queue that gets messages of this one that were received too often.
    pub(crate) fn dead_letters(&self, queue: &Queue) -> Option<&Arc<Queue>> {
        self.queues.dead_letters(queue)
    }

    /// The variables with which the SDK clients of a function reach the services. Each function has an access key of its
    /// own, so that its calls are known by it. A service whose endpoint the developer set is left to them.
    pub(crate) fn variables(
        &self,
        function: &TemplateFunction,
        is_set: impl Fn(&str) -> bool,
    ) -> BTreeMap<&'static str, String> {
        let mut variables = BTreeMap::new();
        if function.actions.is_empty() || is_set("AWS_ENDPOINT_URL") {
            return variables;
        }
        for (action, endpoint) in [
            ("events:", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
            ("ses:", "AWS_ENDPOINT_URL_SESV2"),
            ("secretsmanager:", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            ("sqs:", "AWS_ENDPOINT_URL_SQS"),
        ] {
            let mut actions = function.actions.iter();
            if actions.any(|it| it.name.starts_with(action)) && !is_set(endpoint) {
                variables.insert(endpoint, self.endpoint.clone());
            }
        }
        if !variables.is_empty() {
            variables.insert("AWS_REGION", REGION.to_owned());
            variables.insert("AWS_ACCESS_KEY_ID", function.resource.clone());
            variables.insert("AWS_SECRET_ACCESS_KEY", "local".to_owned());
            variables.insert("AWS_SESSION_TOKEN", String::new());
            variables.insert(IGNORE_ENDPOINTS, String::new());
        }
        variables
    }

    /// Rejects a call of a function that its policies do not allow. Callers that are not functions may do all.
    fn authorize(
        &self,
        headers: &HeaderMap,
        action: &str,
        resource: &str,
    ) -> Result<(), ServiceError> {
        let authorization = headers.get(header::AUTHORIZATION);
        let authorization = authorization.and_then(|it| it.to_str().ok());
        let key = authorization.and_then(|it| it.split_once("Credential=")?.1.split_once('/'));
        let Some((function, actions)) = key.and_then(|(key, _)| self.functions.get_key_value(key))
        else {
            return Ok(());
        };
        let needed = ServiceAction {
            name: action.to_owned(),
            resource: resource.to_owned(),
        };
        if actions.contains(&needed) {
            return Ok(());
        }
        let message = format!(
            "{function} is not authorized to perform {action} on {resource}: its Policies in template.yaml do not allow it"
        );
        Err(ServiceError::new("AccessDeniedException", message))
    }

    async fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Result<Value, ServiceError> {
        let target = headers.get("x-amz-target").and_then(|it| it.to_str().ok());
        let (service, operation) = target.and_then(|it| it.split_once('.')).unwrap_or_default();
        let input: Value = serde_json::from_slice(body)
            .map_err(|error| ServiceError::new("SerializationException", error.to_string()))?;
        self.faults.call(operation).await?;
        match (service, operation) {
            ("AWSEvents", "PutEvents") => self.put_events(headers, &input),
            ("secretsmanager", "GetSecretValue") => self.secret(headers, &input),
            ("AmazonSQS", _) => self.call_queue(headers, operation, &input).await,
            _ => Err(ServiceError::new(
                "UnknownOperationException",
                format!("{service}.{operation} is not played by the local stack"),
            )),
        }
    }

    async fn send_email(&self, headers: &HeaderMap, body: &[u8]) -> Result<Value, ServiceError> {
        let input: Value = serde_json::from_slice(body)
            .map_err(|error| ServiceError::new("BadRequestException", error.to_string()))?;
        let identities = format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/*");
        self.authorize(headers, "ses:SendEmail", &identities)?;
        self.faults.call("SendEmail").await?;
        self.outbox.send(&input)
    }

    fn put_events(&self, headers: &HeaderMap, input: &Value) -> Result<Value, ServiceError> {
        let entries = input.get("Entries").and_then(Value::as_array);
        let entries = entries.map(Vec::as_slice).unwrap_or_default();
        for entry in entries {
            let bus = entry.get("EventBusName").and_then(Value::as_str);
            let arn = format!(
                "arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{}",
                bus.unwrap_or("default")
            );
            self.authorize(headers, "events:PutEvents", &arn)?;
        }
        self.bus.put(entries, &self.faults)
    }

    /// The value of a secret. It is the same with each start, so that what was made with it stays valid.
    fn secret(&self, headers: &HeaderMap, input: &Value) -> Result<Value, ServiceError> {
        let arn = input.get("SecretId").and_then(Value::as_str);
        let arn = arn.filter(|arn| self.secrets.contains(*arn));
        let arn = arn.ok_or_else(|| {
            let message = "Secrets Manager can't find the specified secret.";
            ServiceError::new("ResourceNotFoundException", message)
        })?;
        self.authorize(headers, "secretsmanager:GetSecretValue", arn)?;
        let value = format!("a secret of the local stack: {arn}");
        Ok(json!({"ARN": arn, "SecretString": value}))
    }

    async fn call_queue(
        &self,
        headers: &HeaderMap,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ServiceError> {
        let name = ["QueueUrl", "QueueName", "SourceArn"];
        let name = name.iter().find_map(|name| input.get(*name)?.as_str());
        if operation == "ListQueues" {
            return Ok(json!({"QueueUrls": self.queues.urls()}));
        }
        let queue = name.and_then(|name| self.queue(name)).ok_or_else(|| {
            let message = "The specified queue does not exist.";
            ServiceError::new("com.amazonaws.sqs#QueueDoesNotExist", message)
        })?;
        let action = match operation {
            "SendMessageBatch" => "SendMessage",
            "DeleteMessageBatch" => "DeleteMessage",
            other => other,
        };
        self.authorize(headers, &format!("sqs:{action}"), queue.arn())?;
        self.queues
            .call(queue, operation, input, &self.faults)
            .await
    }
}

/// The services, and the list of what was put on the bus.
pub(crate) fn router<S>(services: Arc<Services>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route(PATH, post(serve))
        .route(&format!("{PATH}/"), post(serve))
        .route(
            &format!("{PATH}/v2/email/outbound-emails"),
            post(send_email),
        )
        .route("/_local/events", get(events))
        .route("/_local/mail", get(mails).delete(clear_mails))
        .route("/_local/dns", get(records).put(replace_records))
        .with_state(services)
        .layer(from_fn(only_own_name))
}

async fn serve(State(services): State<Arc<Services>>, headers: HeaderMap, body: Bytes) -> Response {
    respond(services.answer(&headers, &body).await)
}

async fn send_email(
    State(services): State<Arc<Services>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    respond(services.send_email(&headers, &body).await)
}

fn respond(result: Result<Value, ServiceError>) -> Response {
    match result {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let body = json!({"__type": error.code, "message": error.message});
            let mut response = (error.status, Json(body)).into_response();
            // SQS also sends the code that it had in its former protocol, which SDKs use.
            let code = error
                .code
                .strip_prefix("com.amazonaws.sqs#")
                .map(|code| match code {
                    "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue;Sender",
                    "TooManyEntriesInBatchRequest" => {
                        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender"
                    }
                    _ => "ReceiptHandleIsInvalid;Sender",
                });
            if let Some(code) = code {
                let code = HeaderValue::from_static(code);
                response.headers_mut().insert("x-amzn-query-error", code);
            }
            response
        }
    }
}

/// The entries put on the bus, newest first.
async fn events(State(services): State<Arc<Services>>) -> Json<Value> {
    Json(json!({"items": services.bus.entries()}))
}

/// The mails that were sent, newest first.
async fn mails(State(services): State<Arc<Services>>) -> Json<Value> {
    Json(json!({"items": services.outbox.mails()}))
}

async fn clear_mails(State(services): State<Arc<Services>>) -> StatusCode {
    services.outbox.clear();
    StatusCode::NO_CONTENT
}

/// The DNS records.
async fn records(State(services): State<Arc<Services>>) -> Json<Records> {
    Json(services.dns.records())
}

/// Replaces all DNS records.
async fn replace_records(
    State(services): State<Arc<Services>>,
    Json(records): Json<Records>,
) -> Json<Records> {
    services.dns.replace(records);
    Json(services.dns.records())
}
