//! Parses the template. Settings that decide who can call what are either understood or an error;
//! none is ignored.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::scope::Scope;
use super::shapes::{
    ApiAuth, Document, Event, FunctionProperties, Globals, HttpApiProperties, Metadata, Resource,
    RouteProperties, TableProperties,
};
use super::{QueueDefinition, Route, Table, Template, TemplateFunction, mapping, policies, yaml};
use crate::aws::{ACCOUNT, REGION};

/// Default name of the table.
const DEFAULT_TABLE_NAME: &str = "muster";
/// Lambda's default.
const DEFAULT_TIMEOUT_SECONDS: u64 = 3;

/// Reads a template. An error names the resource.
pub fn read(text: &str) -> Result<Template> {
    let document: Document = yaml::read(text)
        .and_then(|value| Ok(serde_json::from_value(value)?))
        .context("template.yaml cannot be read")?;
    let parameters = document.parameters.iter();
    // A parameter's default is a literal without references.
    let literal = Scope::new(BTreeMap::new(), BTreeMap::new());
    let mut scope = Scope::new(
        parameters
            .filter_map(|(name, parameter)| {
                let default = parameter.default.as_ref()?;
                Some((name.clone(), literal.text(default)?))
            })
            .collect(),
        document.conditions.clone(),
    );

    let table = one(&document, "AWS::DynamoDB::Table")?;
    let table = within(table.0, read_table(table.0, table.1, &scope))?;
    let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{}", table.name);
    scope.insert(&table.resource, &table.name);
    scope.insert(&format!("{}.Arn", table.resource), &arn);
    let stream = format!("{arn}/stream/local");
    scope.insert(&format!("{}.StreamArn", table.resource), &stream);
    name_resources(&document, &mut scope);

    let secrets = document.resources.iter();
    let secrets = secrets.filter(|(_, it)| it.kind == "AWS::SecretsManager::Secret");
    let secrets = secrets.map(|(name, _)| secret_arn(name)).collect();
    let queues = document.resources.iter();
    let queues = queues.filter(|(_, definition)| definition.kind == "AWS::SQS::Queue");
    let queues = queues.map(|(name, it)| within(name, read_queue(name, it, &scope)));
    let queues = queues.collect::<Result<_>>()?;

    let api = one(&document, "AWS::Serverless::HttpApi")?;
    let auth = within(api.0, read_auth(api.1, &document.globals))?;

    let mut functions = Vec::new();
    let mut routes = Vec::new();
    for (resource, definition) in &document.resources {
        if definition.kind == "AWS::Serverless::Function" {
            let understood = read_function(resource, definition, &document.globals, &arn, &scope)
                .and_then(|(function, events)| {
                    functions.push(function);
                    read_routes(resource, events, &auth)
                });
            routes.extend(within(resource, understood)?);
        }
    }
    let mappings = document.resources.iter();
    let mappings = mappings.filter(|(_, it)| it.kind == "AWS::Lambda::EventSourceMapping");
    let mappings = mappings.map(|(name, it)| within(name, mapping::read(&it.properties, &scope)));
    let mappings = mappings.collect::<Result<_>>()?;
    routes.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
    Ok(Template {
        functions,
        routes,
        table,
        secrets,
        queues,
        mappings,
    })
}

/// Returns the ARN of a secret. Secrets Manager ends it with six characters of its own.
fn secret_arn(resource: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{resource}-local1")
}

/// Makes the names, addresses and ARNs of event buses, queues, secrets and functions known.
fn name_resources(document: &Document, scope: &mut Scope) {
    for (resource, definition) in &document.resources {
        let name = |property: &str, scope: &Scope| {
            let name = definition.properties.get(property);
            let name = name.and_then(|name| scope.text(name));
            name.unwrap_or_else(|| resource.clone())
        };
        match definition.kind.as_str() {
            "AWS::Events::EventBus" => {
                let name = name("Name", scope);
                let arn = format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}");
                scope.insert(resource, &name);
                scope.insert(&format!("{resource}.Arn"), &arn);
            }
            "AWS::SQS::Queue" => {
                let name = name("QueueName", scope);
                let url = format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}");
                let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}");
                scope.insert(resource, &url);
                scope.insert(&format!("{resource}.Arn"), &arn);
                scope.insert(&format!("{resource}.QueueName"), &name);
            }
            "AWS::SecretsManager::Secret" => scope.insert(resource, &secret_arn(resource)),
            "AWS::Serverless::Function" => scope.insert(resource, resource),
            _ => {}
        }
    }
}

/// Adds the resource's name to an error.
fn within<T>(resource: &str, understood: Result<T>) -> Result<T> {
    understood.with_context(|| format!("template.yaml: resource {resource} cannot be understood"))
}

fn one<'a>(document: &'a Document, kind: &str) -> Result<(&'a str, &'a Resource)> {
    let mut found = document
        .resources
        .iter()
        .filter(|(_, resource)| resource.kind == kind);
    match (found.next(), found.next()) {
        (Some((name, resource)), None) => Ok((name, resource)),
        (None, _) => Err(anyhow!("template.yaml has no {kind}")),
        (Some((one, _)), Some((other, _))) => Err(anyhow!(
            "template.yaml: {one} and {other} are both {kind}; the local stack plays one"
        )),
    }
}

fn properties<T: DeserializeOwned>(value: &Value) -> Result<T> {
    // Missing properties are the same as empty ones.
    let value = if value.is_null() {
        Value::Object(serde_json::Map::new())
    } else {
        value.clone()
    };
    Ok(serde_json::from_value(value)?)
}

fn read_table(resource: &str, definition: &Resource, scope: &Scope) -> Result<Table> {
    let table: TableProperties = properties(&definition.properties)?;
    ensure!(
        table.local_secondary_indexes.is_none(),
        "LocalSecondaryIndexes are not played by the local stack"
    );
    Ok(Table {
        resource: resource.to_owned(),
        name: table
            .table_name
            .and_then(|name| scope.text(&name))
            .unwrap_or_else(|| DEFAULT_TABLE_NAME.to_owned()),
        attributes: table.attribute_definitions,
        key: table.key_schema,
        indexes: table.global_secondary_indexes,
        time_to_live: table
            .time_to_live_specification
            .filter(|time_to_live| time_to_live.enabled)
            .map(|time_to_live| time_to_live.attribute_name),
        stream: table
            .stream_specification
            .map(|stream| stream.stream_view_type),
    })
}

fn read_queue(resource: &str, definition: &Resource, scope: &Scope) -> Result<QueueDefinition> {
    let properties = &definition.properties;
    ensure!(
        properties.get("FifoQueue").is_none(),
        "FifoQueue is not played by the local stack"
    );
    let known = |name: &str| scope.text(&json!({"Fn::GetAtt": format!("{resource}.{name}")}));
    let seconds = |name: &str, default: u64| match properties.get(name) {
        None => Ok(Duration::from_secs(default)),
        Some(value) => number(value, scope)
            .map(Duration::from_secs)
            .with_context(|| format!("{name} must be a number of seconds")),
    };
    let redrive = properties.get("RedrivePolicy").map(|policy| {
        let target = policy.get("deadLetterTargetArn");
        let target = target.and_then(|target| scope.text(target));
        let most = policy.get("maxReceiveCount");
        let most = most.and_then(|most| u32::try_from(number(most, scope)?).ok());
        target.zip(most).context("RedrivePolicy")
    });
    Ok(QueueDefinition {
        name: known("QueueName").context("QueueName")?,
        url: scope.text(&json!({"Ref": resource})).context("QueueName")?,
        arn: known("Arn").context("QueueName")?,
        visibility_timeout: seconds("VisibilityTimeout", 30)?,
        delay: seconds("DelaySeconds", 0)?,
        redrive: redrive.transpose()?,
    })
}

/// A whole number.
fn number(value: &Value, scope: &Scope) -> Option<u64> {
    scope.text(value)?.parse().ok()
}

fn read_auth(definition: &Resource, globals: &Globals) -> Result<ApiAuth> {
    ensure!(
        globals.http_api.auth.is_none(),
        "its authorizer must stand on the resource itself, not under Globals"
    );
    let api: HttpApiProperties = properties(&definition.properties)?;
    let auth = api.auth.unwrap_or_default();
    for (name, authorizer) in &auth.authorizers {
        ensure!(
            authorizer.identity_source == "$request.header.Authorization",
            "authorizer {name}: IdentitySource must be $request.header.Authorization"
        );
    }
    if let Some(name) = &auth.default_authorizer {
        ensure!(
            auth.authorizers.contains_key(name),
            "DefaultAuthorizer {name} is not among its Authorizers"
        );
    }
    Ok(auth)
}

fn read_function(
    resource: &str,
    definition: &Resource,
    globals: &Globals,
    table: &str,
    scope: &Scope,
) -> Result<(TemplateFunction, BTreeMap<String, Event>)> {
    let own: FunctionProperties = properties(&definition.properties)?;
    let metadata: Metadata = properties(&definition.metadata)
        .context("Metadata.BuildProperties.Binary must name its binary")?;
    let timeout = match own.timeout.as_ref().or(globals.function.timeout.as_ref()) {
        None => DEFAULT_TIMEOUT_SECONDS,
        Some(value) => scope
            .text(value)
            .and_then(|text| text.parse().ok())
            .context("Timeout must be a number of seconds")?,
    };
    let permissions = policies::read(&own.policies, table, scope).context("Policies")?;
    let global = &globals.function.environment.variables;
    let variables = global.iter().chain(&own.environment.variables);
    let function = TemplateFunction {
        resource: resource.to_owned(),
        binary: metadata.build_properties.binary,
        timeout: Duration::from_secs(timeout),
        variables: variables
            .filter_map(|(name, value)| Some((name.clone(), scope.text(value)?)))
            .collect(),
        rights: permissions.rights,
        actions: permissions.actions,
        denials: permissions.denials,
    };
    Ok((function, own.events))
}

fn read_routes(
    resource: &str,
    events: BTreeMap<String, Event>,
    auth: &ApiAuth,
) -> Result<Vec<Route>> {
    events
        .into_iter()
        .filter(|(_, event)| event.kind == "HttpApi")
        .map(|(name, event)| {
            read_route(resource, &event, auth).with_context(|| format!("event {name}"))
        })
        .collect()
}

fn read_route(resource: &str, event: &Event, auth: &ApiAuth) -> Result<Route> {
    let route: RouteProperties = properties(&event.properties)?;
    ensure!(route.path.starts_with('/'), "Path must start with /");
    ensure!(
        route.auth.authorization_scopes.is_none(),
        "AuthorizationScopes are not played by the local stack"
    );
    let authorized = match (&route.auth.authorizer, &auth.default_authorizer) {
        (Some(none), _) if none == "NONE" => false,
        (Some(name), _) if auth.authorizers.contains_key(name) => true,
        (Some(name), _) => bail!("authorizer {name} is not among the HttpApi's Authorizers"),
        (None, default) => default.is_some(),
    };
    let method = route.method.to_ascii_uppercase();
    Ok(Route {
        method: if method == "*" {
            "ANY".to_owned()
        } else {
            method
        },
        path: route.path,
        function: resource.to_owned(),
        authorized,
    })
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
