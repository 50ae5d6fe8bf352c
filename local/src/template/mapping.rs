//! Event source mappings. Settings that decide which records a function gets are either understood or an error.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};

use super::pattern::Pattern;
use super::scope::Scope;
use super::{Mapping, Source, StreamSettings};

/// The properties that are played or have no local effect.
const KNOWN: [&str; 14] = [
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "Enabled",
    "EventSourceArn",
    "FilterCriteria",
    "FunctionName",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "ScalingConfig",
    "StartingPosition",
];
/// Invocations of a queue without `ScalingConfig`: enough for a developer.
const DEFAULT_CONCURRENCY: usize = 10;

pub(super) fn read(properties: &Value, scope: &Scope) -> Result<Mapping> {
    let properties = properties.as_object().context("has no properties")?;
    for name in properties.keys() {
        ensure!(
            KNOWN.contains(&name.as_str()),
            "{name} is not played by the local stack"
        );
    }
    let text = |name: &str| -> Result<String> {
        let value = properties.get(name).context(name.to_owned())?;
        scope.text(value).context(name.to_owned())
    };
    let arn = text("EventSourceArn")?;
    let is_stream = arn.starts_with("arn:aws:dynamodb:");
    let batch_size = number(properties, "BatchSize", scope)?;
    let parallelization = number(properties, "ParallelizationFactor", scope)?;
    let responses = properties
        .get("FunctionResponseTypes")
        .and_then(Value::as_array);
    let mut responses = responses.into_iter().flatten();
    let source = if is_stream {
        ensure!(
            text("StartingPosition")? == "TRIM_HORIZON",
            "StartingPosition must be TRIM_HORIZON"
        );
        Source::Stream(stream(properties, scope)?)
    } else {
        let scaling = properties.get("ScalingConfig").and_then(Value::as_object);
        let scaling = scaling.map(|it| number(it, "MaximumConcurrency", scope));
        let concurrency = scaling.transpose()?.flatten();
        Source::Queue(arn, concurrency.unwrap_or(DEFAULT_CONCURRENCY))
    };
    let default = if is_stream { 100 } else { 10 };
    Ok(Mapping {
        function: text("FunctionName")?,
        batch_size: batch_size.unwrap_or(default),
        parallelization: parallelization.unwrap_or(1),
        reports_failures: responses.any(|it| it == "ReportBatchItemFailures"),
        filters: filters(properties, is_stream)?,
        source,
    })
}

fn stream(properties: &Map<String, Value>, scope: &Scope) -> Result<StreamSettings> {
    let bounded = |name: &str| -> Result<Option<u32>> {
        let value = properties.get(name).filter(|value| **value != -1);
        value
            .map(|value| scope.text(value)?.parse().ok())
            .map(|value| value.context(name.to_owned()))
            .transpose()
    };
    let destination = properties
        .get("DestinationConfig")
        .and_then(|it| it.pointer("/OnFailure/Destination"));
    let destination = destination.map(|it| scope.text(it).context("DestinationConfig"));
    let bisects = properties.get("BisectBatchOnFunctionError");
    let max_age = bounded("MaximumRecordAgeInSeconds")?;
    Ok(StreamSettings {
        bisects: bisects.and_then(Value::as_bool).unwrap_or_default(),
        max_retries: bounded("MaximumRetryAttempts")?,
        max_age: max_age.map(|seconds| Duration::from_secs(seconds.into())),
        on_failure: destination.transpose()?,
    })
}

fn filters(properties: &Map<String, Value>, is_stream: bool) -> Result<Vec<Pattern>> {
    let Some(criteria) = properties.get("FilterCriteria") else {
        return Ok(Vec::new());
    };
    ensure!(
        is_stream,
        "FilterCriteria of a queue are not played by the local stack"
    );
    let filters = criteria.get("Filters").and_then(Value::as_array);
    let filters = filters.context("FilterCriteria")?.iter();
    let patterns = filters.map(|filter| {
        let pattern = filter.get("Pattern").and_then(Value::as_str);
        Pattern::read(pattern.context("FilterCriteria")?)
    });
    patterns.collect()
}

fn number(properties: &Map<String, Value>, name: &str, scope: &Scope) -> Result<Option<usize>> {
    let value = properties.get(name);
    let value = value.map(|value| scope.text(value)?.parse().ok());
    value
        .map(|value| value.context(name.to_owned()))
        .transpose()
}
