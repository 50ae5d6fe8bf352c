//! The sections on exclusions, measurements, assumptions and prices.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;

use super::table::{head, row};
use crate::data::{Data, MEASURED, Price};
use crate::numbers::whole;

pub(super) fn sources(text: &mut String, data: &Data) -> Result<()> {
    writeln!(
        text,
        "
## What is not included

Support, tax, a domain name, a web application firewall, and the front end. These are not counted separately: requests that are
refused before they reach a function, 304 responses, retries, `Idempotency-Key` (2 more write units for each POST that has one),
the items of invitations, the records of runs, the first login of a tenant, which creates organizations and teams for all its groups once, and
the DNS queries of checks of domains. The number of metrics in alarms ({alarm_metrics}, each charged), of dashboards ({dashboards}) and
the memory of a function ({memory} MB) come from the template.

The page does not compare with an always-on service, because the machine that such a service would need for the same load has
not been measured.

## What was measured

For each operation, with ids and names of realistic length: [the snapshot](../../{MEASURED}). The last two columns are of the events: their number, and the part of the write units that is theirs, as the table charges for a copy of their items.

| Operation | round trips | read units | write units | calls to Graph | log bytes | response bytes | events | their write units |
|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        alarm_metrics = data.template.alarm_metrics,
        dashboards = data.template.dashboards,
        memory = data.template.memory,
    )?;
    measured(text, data)?;
    assumptions(text, data)?;
    writeln!(
        text,
        "\n## Prices\n\nIn {}. The AWS page linked in the first column is authoritative. The other columns say where and when the figure was read, and the date of that source.\n",
        data.prices.region
    )?;
    writeln!(
        text,
        "| | US dollars | source | date of the source | read on | confirmed |\n|---|---|---|---|---|---|"
    )?;
    for (_, price) in data.prices.all() {
        let confirmed = if price.confirmed { "yes" } else { "**no**" };
        let seen = format!("[{}]({})", host(&price.seen), price.seen);
        writeln!(
            text,
            "| [{}]({}) | {} | {seen} | {} | {} | {confirmed} |",
            price.name,
            price.page,
            steps(price),
            price.date,
            price.read
        )?;
    }
    writeln!(
        text,
        "\nConfirmed: the figure is in a text by AWS, or in two independent texts. To calculate the cost for another region, change the
figures in `bench/cost/prices.toml`."
    )?;
    Ok(())
}

fn measured(text: &mut String, data: &Data) -> Result<()> {
    let or_none =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    for (name, operation) in &data.measured.operations {
        let events = operation.events.unwrap_or_default();
        let cells = [
            or_none(operation.round_trips),
            operation.read_units.to_string(),
            operation.write_units.to_string(),
            operation.graph_calls.to_string(),
            operation.log_bytes.to_string(),
            or_none(operation.answer_bytes),
            events.count.to_string(),
            events.write_units.to_string(),
        ];
        row(text, name, cells.into_iter())?;
    }
    writeln!(
        text,
        "
For each invocation with a batch of the stream or of a queue, or by a timer. The bus and the queues are charged by 64 KB: by events put on the bus, and by requests that
send messages. What Lambda requests of a queue to read a message is not in it.

| Function and batch | calls to DynamoDB | read units | write units | calls to other services | calls to Graph | events on the bus | requests that send | mails | webhooks | their bytes | log bytes |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    for (name, batch) in &data.measured.batches {
        let cells = [
            batch.table_calls,
            batch.read_units,
            batch.write_units,
            batch.service_calls,
            batch.graph_calls,
            batch.bus_events,
            batch.queue_requests,
            batch.mails,
            batch.webhooks,
            batch.webhook_bytes,
            batch.log_bytes,
        ];
        row(text, name, cells.iter().map(f64::to_string))?;
    }
    Ok(())
}

fn assumptions(text: &mut String, data: &Data) -> Result<()> {
    writeln!(
        text,
        "\n## What is assumed\n\nThese values are not measured. Change them in `bench/cost/shapes.toml`.\n"
    )?;
    writeln!(text, "| | | |\n|---|---:|---|")?;
    for given in &data.habits.assumptions {
        writeln!(text, "| {} | {} | {} |", given.key, given.value, given.why)?;
    }
    writeln!(text, "\nOperations per user and month:\n")?;
    head(text, data, "")?;
    let mut all = BTreeSet::new();
    for shape in &data.habits.shapes {
        all.extend(shape.monthly.keys());
    }
    for operation in all {
        let times = data.habits.shapes.iter().map(|shape| {
            let times = shape.monthly.get(operation);
            times.map_or_else(String::new, f64::to_string)
        });
        row(text, operation, times)?;
    }
    Ok(())
}

/// A price as text.
fn steps(price: &Price) -> String {
    let per = match price.per {
        per if per >= 1e6 => "million ".to_owned(),
        per if per > 1.0 => format!("{} ", whole(per)),
        _ => String::new(),
    };
    let steps: Vec<_> = price
        .steps
        .iter()
        .map(|step| match step.up_to {
            Some(to) => format!("{} up to {}", step.usd, whole(to)),
            None => step.usd.to_string(),
        })
        .collect();
    let unit = if per.is_empty() {
        price.unit.trim_end_matches('s')
    } else {
        &price.unit
    };
    format!("{} per {per}{unit}", steps.join(", then "))
}

fn host(address: &str) -> &str {
    let (_, rest) = address.split_once("://").unwrap_or(("", address));
    rest.split('/')
        .next()
        .unwrap_or(rest)
        .trim_start_matches("www.")
}
