//! Emulates Lambda: each call is an invocation of a real handler, in its own task, with Lambda's
//! context.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::Client;
use lambda_runtime::{Context, Diagnostic};
use muster::config::{Settings, WEBHOOK_LOOPBACK};
use muster::domain::Clock;
use muster::store::Store;
use muster_dns::DOMAIN_RESOLVERS;
use muster_functions::App;
use serde_json::Value;
use serde_json::value::to_raw_value;

use crate::aws::{ACCOUNT, REGION};
use crate::handler::Handler;
use crate::log::Log;
use crate::options::Options;
use crate::rights;
use crate::services::Services;
use crate::tail::Tail;
use crate::template::{Template, TemplateFunction};

/// The functions of the template with their code.
#[derive(Debug)]
pub(crate) struct Lambda {
    functions: Vec<Arc<Deployed>>,
    clock: Clock,
    log: Log,
    tail: Tail,
}

/// A function and its code.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) function: TemplateFunction,
    handler: Option<Handler>,
}

impl Lambda {
    /// Links each function of the template with its handler and settings.
    pub(crate) fn new(
        template: &Template,
        options: &Options,
        client: &Client,
        table: &str,
        services: &Services,
    ) -> Result<Self> {
        let tail = Tail::default();
        let functions = template.functions.iter().map(|function| {
            let handler = match options.handlers.get(&function.binary) {
                Some(handler) => Some(handler.clone()),
                None => linked(function, options, client, table, services, &tail)?,
            };
            Ok(Arc::new(Deployed {
                function: function.clone(),
                handler,
            }))
        });
        Ok(Self {
            functions: functions.collect::<Result<_>>()?,
            tail,
            // The context's deadline is in real time, independent of the handlers' clock.
            clock: Clock::system(),
            log: options.log.into(),
        })
    }

    /// The function with this logical id or binary.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Deployed>> {
        let named = |deployed: &&Arc<Deployed>| {
            deployed.function.resource == name || deployed.function.binary == name
        };
        self.functions.iter().find(named)
    }

    /// The last log lines of an invocation.
    pub(crate) fn log_of(&self, request_id: &str) -> String {
        self.tail.of(request_id)
    }

    /// The log lines of the last logins, in order.
    pub(crate) fn logins(&self) -> Vec<Value> {
        self.tail.logins()
    }

    /// Functions of the template without linked code.
    pub(crate) fn unlinked(&self) -> impl Iterator<Item = &TemplateFunction> {
        let unlinked = self
            .functions
            .iter()
            .filter(|deployed| deployed.handler.is_none());
        unlinked.map(|deployed| &deployed.function)
    }

    /// Invokes the function. It runs to its end even if the client disconnects, as in the cloud.
    pub(crate) async fn invoke(
        &self,
        deployed: &Deployed,
        event: Value,
        request_id: &str,
    ) -> Result<Value, Diagnostic> {
        let answer = self.run(deployed, event, request_id).await;
        if let Err(Diagnostic {
            error_type,
            error_message,
        }) = &answer
        {
            let name = &deployed.function.resource;
            self.log
                .line(format_args!("{name} failed: {error_type}: {error_message}"));
        }
        answer
    }

    async fn run(
        &self,
        deployed: &Deployed,
        event: Value,
        request_id: &str,
    ) -> Result<Value, Diagnostic> {
        let TemplateFunction {
            resource,
            binary,
            timeout,
            ..
        } = &deployed.function;
        let Some(handler) = &deployed.handler else {
            return Err(Diagnostic {
                error_type: "Runtime.InvalidEntrypoint".to_owned(),
                error_message: format!("no function of this program has the binary {binary}"),
            });
        };
        let context = self.context(resource, *timeout, request_id);
        let mut invocation = tokio::spawn((handler.0)(event, context));
        match tokio::time::timeout(*timeout, &mut invocation).await {
            Ok(Ok(answer)) => answer.map_err(Diagnostic::from),
            Ok(Err(_)) => Err(Diagnostic {
                error_type: "Runtime.ExitError".to_owned(),
                error_message: format!("RequestId: {request_id} Error: the function panicked"),
            }),
            Err(_) => {
                invocation.abort();
                Err(Diagnostic {
                    error_type: "Sandbox.Timedout".to_owned(),
                    error_message: format!(
                        "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
                        timeout.as_secs_f64()
                    ),
                })
            }
        }
    }

    fn context(&self, resource: &str, timeout: Duration, request_id: &str) -> Context {
        let deadline = self.clock.now().after(timeout).as_millisecond();
        let mut context = Context::default();
        request_id.clone_into(&mut context.request_id);
        context.deadline = u64::try_from(deadline).unwrap_or(u64::MAX);
        context.invoked_function_arn = arn(resource);
        context
    }
}

/// The function's ARN.
pub(crate) fn arn(resource: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{resource}")
}

/// Runs the linked function with its own settings: the only place that creates an [`App`].
fn linked(
    function: &TemplateFunction,
    options: &Options,
    client: &Client,
    table: &str,
    services: &Services,
    tail: &Tail,
) -> Result<Option<Handler>> {
    let mut all = muster_functions::functions().iter();
    let Some(linked) = all.find(|linked| linked.name == function.binary) else {
        return Ok(None);
    };
    let mut variables: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in &function.variables {
        variables.insert(name, value);
    }
    for name in options.variables.keys() {
        if let Some(value) = options.variable(name) {
            variables.insert(name, value);
        }
    }
    variables.insert("TABLE_NAME", table);
    let own = services.variables(function, |name| options.variable(name).is_some());
    for (name, value) in &own {
        variables.insert(name, value);
    }
    // Receivers of webhooks run on this machine too.
    variables.insert(WEBHOOK_LOOPBACK, "allowed");
    let resolver = services.dns().address().map(|it| it.to_string());
    if let Some(resolver) = &resolver
        && options.variable(DOMAIN_RESOLVERS).is_none()
    {
        variables.insert(DOMAIN_RESOLVERS, resolver);
    }
    let variables: BTreeMap<String, String> = variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let variable = move |name: &str| variables.get(name).cloned();
    let of_function = || format!("the settings of {}", function.resource);
    let settings = Settings::read(&variable).with_context(of_function)?;
    let app = App {
        store: Store::new(rights::limited(client, function), table)
            .with_clock(options.clock.clone())
            .with_event_retention(settings.audit_retention),
        settings,
        clock: options.clock.clone(),
        telemetry: tail.telemetry(options.log.into()),
    };
    let app = match &options.configure_app {
        Some(configure) => configure(app),
        None => app,
    };
    let started = match options.starts.get(linked.name) {
        Some(start) => start(app, &variable),
        None => linked.start(app, &variable),
    };
    let started = started.with_context(of_function)?;
    Ok(Some(Handler::new(move |event, context| {
        let started = Arc::clone(&started);
        async move {
            let answer = started(to_raw_value(&event)?, context).await?;
            Ok(serde_json::from_str(answer.get())?)
        }
    })))
}
