//! The permissions of a function's policies on the table. Other services are not emulated, so their
//! permissions are ignored.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::Right;
use super::scope::Scope;

/// Reads a function's permissions on the table with this ARN from its `Policies`.
pub(super) fn read(policies: &Value, table: &str, scope: &Scope) -> Result<BTreeSet<Right>> {
    let mut rights = BTreeSet::new();
    for policy in each(policies, scope)? {
        let statements = policy
            .get("Statement")
            .context("a policy without Statement is not played by the local stack")?;
        for statement in each(statements, scope)? {
            rights.extend(on_table(statement, table, scope)?);
        }
    }
    Ok(rights)
}

fn on_table(statement: &Value, table: &str, scope: &Scope) -> Result<Vec<Right>> {
    let texts = |name: &str| -> Result<Vec<String>> {
        let values = each(statement.get(name).unwrap_or(&Value::Null), scope)?;
        let texts = values.into_iter().map(|value| scope.text(value));
        texts.collect::<Option<_>>().context(name.to_owned())
    };
    let operations: Vec<_> = texts("Action")?
        .iter()
        .filter_map(|action| Some(action.strip_prefix("dynamodb:")?.to_owned()))
        .collect();
    if operations.is_empty() {
        return Ok(Vec::new());
    }
    ensure!(
        statement.get("Effect").and_then(Value::as_str) == Some("Allow"),
        "only Effect: Allow is played by the local stack"
    );
    let mut rights = Vec::new();
    for resource in texts("Resource")? {
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
