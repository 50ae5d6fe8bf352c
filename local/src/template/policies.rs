//! The permissions of a function's policies on the table, on event buses, on queues, on secrets and on SES. Other services are not
//! emulated, so their permissions are ignored.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::scope::Scope;
use super::{Denial, Right, ServiceAction};

/// The operations with which Lambda reads a stream for a function.
const STREAM_OPERATIONS: [&str; 4] = [
    "DescribeStream",
    "GetRecords",
    "GetShardIterator",
    "ListStreams",
];

/// The permissions of one function.
#[derive(Default)]
pub(super) struct Permissions {
    pub(super) rights: BTreeSet<Right>,
    pub(super) actions: BTreeSet<ServiceAction>,
    pub(super) denials: BTreeSet<Denial>,
}

/// Reads a function's permissions from its `Policies`, those on the table with this ARN.
pub(super) fn read(policies: &Value, table: &str, scope: &Scope) -> Result<Permissions> {
    let mut permissions = Permissions::default();
    for policy in each(policies, scope)? {
        let statements = policy
            .get("Statement")
            .context("a policy without Statement is not played by the local stack")?;
        for statement in each(statements, scope)? {
            if statement.get("Effect").and_then(Value::as_str) == Some("Deny") {
                permissions.denials.extend(denied(statement, scope)?);
                continue;
            }
            permissions
                .rights
                .extend(on_table(statement, table, scope)?);
            permissions.actions.extend(on_services(statement, scope)?);
        }
    }
    Ok(permissions)
}

/// Reads a statement that denies actions on items by their partition keys.
fn denied(statement: &Value, scope: &Scope) -> Result<Vec<Denial>> {
    let condition = statement
        .get("Condition")
        .and_then(|it| it.get("ForAnyValue:StringLike"))
        .and_then(|it| it.get("dynamodb:LeadingKeys"));
    let keys = condition.context("only denials of partition keys are played")?;
    let keys = scope.text(keys).context("dynamodb:LeadingKeys")?;
    let other_than = statement
        .pointer("/Condition/ForAnyValue:StringNotEquals/dynamodb:Attributes")
        .unwrap_or(&Value::Null);
    let other_than = each(other_than, scope)?.into_iter();
    let other_than = other_than.map(|name| scope.text(name));
    let other_than: Vec<_> = other_than
        .collect::<Option<_>>()
        .context("dynamodb:Attributes")?;
    let actions = texts(statement, "Action", scope)?.into_iter();
    let actions = actions.map(|action| {
        let operation = action.strip_prefix("dynamodb:");
        Ok(Denial {
            operation: operation.context("only actions of DynamoDB")?.to_owned(),
            keys: keys.clone(),
            other_than: other_than.clone(),
        })
    });
    actions.collect()
}

/// The actions of a statement on event buses, queues and secrets, and on SES, where only all identities can be named: the
/// local stack does not have the account's.
fn on_services(statement: &Value, scope: &Scope) -> Result<Vec<ServiceAction>> {
    let names = texts(statement, "Action", scope)?;
    let mut each = names.iter();
    let services = ["events:", "secretsmanager:", "ses:", "sqs:"];
    if !each.any(|it| services.iter().any(|service| it.starts_with(service))) {
        return Ok(Vec::new());
    }
    ensure_allow(statement)?;
    let resources = texts(statement, "Resource", scope)?;
    let mut actions = Vec::new();
    for name in names {
        for resource in &resources {
            // A folder of secrets, of which the local stack has none.
            let folder = resource.strip_suffix("/*");
            let folder = folder.filter(|_| name.starts_with("secretsmanager:"));
            let place = folder.unwrap_or(resource);
            let is_named = name.starts_with("ses:") || !place.contains(['*', '?']);
            ensure!(
                !name.contains(['*', '?']) && is_named,
                "{name} on {resource} must name one action and one resource"
            );
            let resource = resource.clone();
            let name = name.clone();
            actions.push(ServiceAction { name, resource });
        }
    }
    Ok(actions)
}

fn ensure_allow(statement: &Value) -> Result<()> {
    ensure!(
        statement.get("Effect").and_then(Value::as_str) == Some("Allow"),
        "a statement needs Effect: Allow or Deny"
    );
    Ok(())
}

/// The texts of `Action` or `Resource`.
fn texts(statement: &Value, name: &str, scope: &Scope) -> Result<Vec<String>> {
    let values = each(statement.get(name).unwrap_or(&Value::Null), scope)?;
    let texts = values.into_iter().map(|value| scope.text(value));
    texts.collect::<Option<_>>().context(name.to_owned())
}

fn on_table(statement: &Value, table: &str, scope: &Scope) -> Result<Vec<Right>> {
    let operations: Vec<_> = texts(statement, "Action", scope)?
        .iter()
        .filter_map(|action| Some(action.strip_prefix("dynamodb:")?.to_owned()))
        .collect();
    // Reading the stream is Lambda's part.
    let is_stream = |operation: &String| STREAM_OPERATIONS.contains(&operation.as_str());
    if operations.iter().all(is_stream) {
        return Ok(Vec::new());
    }
    ensure_allow(statement)?;
    let mut rights = Vec::new();
    for resource in texts(statement, "Resource", scope)? {
        let index = resource.strip_prefix(table);
        let index = index.and_then(|rest| rest.strip_prefix("/index/"));
        ensure!(
            resource == table || index.is_some(),
            "{resource} is not the table, nor an index of it"
        );
        for operation in &operations {
            ensure!(
                !operation.contains(['*', '?']),
                "dynamodb:{operation} does not name one action"
            );
            rights.push(Right {
                operation: operation.clone(),
                index: index.map(str::to_owned),
            });
        }
    }
    Ok(rights)
}

/// One or several; for a condition, those of the selected branch.
fn each<'a>(value: &'a Value, scope: &Scope) -> Result<Vec<&'a Value>> {
    let several: &[Value] = match value {
        Value::Null => &[],
        Value::Array(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut chosen = Vec::new();
    for one in several {
        let one = scope
            .chosen(one)
            .context("has a condition that is only known in the cloud")?;
        let is_nothing = one.get("Ref").and_then(Value::as_str) == Some("AWS::NoValue");
        if !is_nothing {
            chosen.push(one);
        }
    }
    Ok(chosen)
}
