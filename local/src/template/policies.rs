//! The permissions of a function's policies on the table. Other services are not emulated, so their
//! permissions are ignored.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::scope::Scope;
use super::{Denial, Right};

/// What policies allow and deny on the table.
type OnTable = (BTreeSet<Right>, BTreeSet<Denial>);

/// Reads a function's permissions on the table with this ARN from its `Policies`.
pub(super) fn read(policies: &Value, table: &str, scope: &Scope) -> Result<OnTable> {
    let mut rights = BTreeSet::new();
    let mut denials = BTreeSet::new();
    for policy in each(policies, scope)? {
        let statements = policy
            .get("Statement")
            .context("a policy without Statement is not played by the local stack")?;
        for statement in each(statements, scope)? {
            match statement.get("Effect").and_then(Value::as_str) {
                Some("Allow") => rights.extend(on_table(statement, table, scope)?),
                Some("Deny") => denials.extend(denied(statement, scope)?),
                _ => bail!("a statement needs Effect: Allow or Deny"),
            }
        }
    }
    Ok((rights, denials))
}

/// Reads a statement that denies actions on items by their partition keys.
fn denied(statement: &Value, scope: &Scope) -> Result<Vec<Denial>> {
    let condition = statement
        .get("Condition")
        .and_then(|it| it.get("ForAnyValue:StringLike"))
        .and_then(|it| it.get("dynamodb:LeadingKeys"));
    let keys = condition.context("only denials of partition keys are played")?;
    let keys = scope.text(keys).context("dynamodb:LeadingKeys")?;
    let actions = each(statement.get("Action").unwrap_or(&Value::Null), scope)?;
    let actions = actions.into_iter().map(|action| {
        let action = scope.text(action).context("Action")?;
        let operation = action.strip_prefix("dynamodb:");
        Ok(Denial {
            operation: operation.context("only actions of DynamoDB")?.to_owned(),
            keys: keys.clone(),
        })
    });
    actions.collect()
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
