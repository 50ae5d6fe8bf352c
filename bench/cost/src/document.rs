//! `docs/results/cost.md`

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;

use crate::bill::Bill;
use crate::cause::Cause;
use crate::data::{Data, MEASURED};

/// The document with the bills of all usage profiles, in order.
pub(crate) fn document(data: &Data, bills: &[Bill]) -> Result<String> {
    let mut text = String::new();
    summary(&mut text, data, bills)?;
    dominates(&mut text, data, bills)?;
    of_changes(&mut text, data, bills)?;
    of_timers(&mut text, data, bills)?;
    what_if(&mut text, data, bills)?;
    user_pool(&mut text, data)?;
    sources(&mut text, data)?;
    Ok(text)
}

/// The head of a table with a column per usage profile.
fn head(text: &mut String, data: &Data, first: &str) -> Result<()> {
    let names = data.habits.shapes.iter().map(|shape| shape.name.as_str());
    let names: Vec<_> = names.collect();
    writeln!(text, "| {first} | {} |", names.join(" | "))?;
    writeln!(text, "|---|{}", "---:|".repeat(names.len()))?;
    Ok(())
}

fn row(text: &mut String, first: &str, cells: impl Iterator<Item = String>) -> Result<()> {
    let cells: Vec<_> = cells.collect();
    writeln!(text, "| {first} | {} |", cells.join(" | "))?;
    Ok(())
}

fn summary(text: &mut String, data: &Data, bills: &[Bill]) -> Result<()> {
    let region = &data.prices.region;
    writeln!(
        text,
        "# What a year costs: the last results

<!-- Written by `cargo xtask cost`; do not edit. -->

Explained in [What a year costs](../COST.md). With 1 million monthly users, in {region}.
"
    )?;
    head(text, data, "")?;
    let shapes = &data.habits.shapes;
    row(
        text,
        "API requests per month",
        bills.iter().map(|bill| millions(bill.requests)),
    )?;
    row(
        text,
        "sign-ins and tokens per month",
        bills.iter().map(|bill| millions(bill.triggers)),
    )?;
    let deployments = shapes.iter().map(|shape| shape.deployments.to_string());
    row(text, "deployments", deployments)?;
    row(
        text,
        "**per year**",
        bills.iter().map(|bill| format!("**{}**", usd(bill.year()))),
    )?;
    let each = shapes
        .iter()
        .zip(bills)
        .map(|(shape, bill)| cents(bill.year() / shape.users));
    row(text, "per user and year", each)?;
    let million = bills
        .iter()
        .map(|bill| usd2(bill.month() / (bill.requests + bill.triggers) * 1e6));
    row(text, "per million requests, everything included", million)?;
    writeln!(
        text,
        "\n![Cost by service, one bar for each usage profile](cost.svg)\n"
    )?;
    for shape in shapes {
        writeln!(text, "- **{}**: {}", shape.name, shape.about)?;
    }
    Ok(())
}

fn dominates(text: &mut String, data: &Data, bills: &[Bill]) -> Result<()> {
    writeln!(
        text,
        "\n## What it is made of\n\nUS dollars per year, and share of the total.\n"
    )?;
    head(text, data, "")?;
    let Some(first) = bills.first() else {
        return Ok(());
    };
    for line in &first.lines {
        let price = data.prices.get(line.price)?;
        let cells = bills.iter().map(|bill| {
            let year = bill.line(line.price).map_or(0.0, |line| line.usd * 12.0);
            usd_share(year, bill.year())
        });
        row(text, &price.name, cells)?;
    }
    writeln!(text, "\nThe largest items:\n")?;
    for (shape, bill) in data.habits.shapes.iter().zip(bills) {
        let mut lines: Vec<_> = bill.lines.iter().collect();
        lines.sort_by(|one, other| other.usd.total_cmp(&one.usd));
        let mut top = Vec::new();
        for line in lines.into_iter().take(3) {
            let price = data.prices.get(line.price)?;
            top.push(format!(
                "{} ({:.0} %)",
                price.name,
                line.usd / bill.month() * 100.0
            ));
        }
        writeln!(text, "- {}: {}", shape.name, top.join("; "))?;
    }
    Ok(())
}

/// What follows a change: the costs of events, and of what is done with them.
fn of_changes(text: &mut String, data: &Data, bills: &[Bill]) -> Result<()> {
    writeln!(
        text,
        "
## Events, webhooks and mails

What follows a change is part of the total above. An event is written in the transaction of its change. Lambda reads it from the table's
stream for two functions: `publish-events` puts it on the event bus and on the queues of webhooks and of invitations, `track-members`
counts members. The calculation takes each event and each message as a batch of its own, which is the most expensive case.
US dollars per year, and share of the total.
"
    )?;
    head(text, data, "")?;
    row(
        text,
        "events per month",
        bills.iter().map(|bill| millions(bill.events)),
    )?;
    for cause in Cause::OF_CHANGES {
        of_cause(text, data, bills, cause)?;
    }
    let together = bills.iter().map(|bill| {
        let years = Cause::OF_CHANGES.map(|cause| bill.year_of(cause));
        format!("**{}**", usd_share(years.iter().sum(), bill.year()))
    });
    row(text, "**Together**", together)?;
    let a_million = bills.iter().map(|bill| {
        let years = Cause::OF_CHANGES.map(|cause| bill.year_of(cause));
        usd2(years.iter().sum::<f64>() / 12.0 / bill.events * 1e6)
    });
    row(text, "Together, per million events", a_million)?;
    writeln!(
        text,
        "
Reads of the stream are free, because Lambda makes them: DynamoDB charges `GetRecords` requests only of other readers. Queues that are
empty are not free if a function reads them: Lambda asks each of these {queues} all the time. The queues of failures have no reader, and cost
nothing while they are empty. The bus has no rules: targets that you add are charged by their service. The archive of events is off by default
(`EventArchiveDays`).",
        queues = data.template.queues.len()
    )?;
    Ok(())
}

/// A row with the sum of a cause, and one for each price in it.
fn of_cause(text: &mut String, data: &Data, bills: &[Bill], cause: Cause) -> Result<()> {
    let years = bills
        .iter()
        .map(|bill| usd_share(bill.year_of(cause), bill.year()));
    let cells: Vec<_> = years.map(|cell| format!("**{cell}**")).collect();
    row(text, &format!("**{}**", cause.name()), cells.into_iter())?;
    let prices = bills.first().map_or(&[][..], |bill| &bill.lines);
    for price in prices.iter().map(|line| line.price) {
        let year = |bill: &Bill| {
            let line = bill.line(price);
            let part = line.and_then(|line| line.causes.get(&cause));
            part.map_or(0.0, |usd| usd * 12.0)
        };
        if bills.iter().any(|bill| year(bill) > 0.0) {
            let name = &data.prices.get(price)?.name;
            row(text, name, bills.iter().map(|bill| usd2(year(bill))))?;
        }
    }
    Ok(())
}

/// What timers start.
fn of_timers(text: &mut String, data: &Data, bills: &[Bill]) -> Result<()> {
    writeln!(
        text,
        "
## Runs of directories

What timers start is part of the total above: each {minutes} minutes (`ReconcileMinutes`) a run of each directory, which reads what has
changed, and once a day reads all users; and each hour a look for domains that are due, each once a week. A change of a user's groups is
counted twice, once as written by a login and once as written by a run, because either can be first; its events are counted once.
US dollars per year, and share of the total.
",
        minutes = data.template.reconcile_minutes
    )?;
    head(text, data, "")?;
    let directories = data.habits.shapes.iter();
    let directories = directories.map(|shape| shape.directories.to_string());
    row(text, "directories", directories)?;
    of_cause(text, data, bills, Cause::Timers)
}

fn what_if(text: &mut String, data: &Data, bills: &[Bill]) -> Result<()> {
    writeln!(
        text,
        "\n## What if\n\nUS dollars per year when one assumption changes, and the ratio to the total above.\n"
    )?;
    head(text, data, "")?;
    row(text, "as above", bills.iter().map(|bill| usd(bill.year())))?;
    for what_if in &data.habits.what_ifs {
        let assumed = data.assumed(&what_if.set);
        let mut cells = Vec::new();
        for (shape, usual) in data.habits.shapes.iter().zip(bills) {
            let year = data.bill(shape, &assumed)?.year();
            cells.push(format!("{} ({:.2} x)", usd(year), year / usual.year()));
        }
        row(text, &what_if.name, cells.into_iter())?;
    }
    writeln!(
        text,
        "\nWithout requests, the remaining cost is storage, backup, alarms, dashboards, secrets, the requests of Lambda to empty queues, and what timers start."
    )?;
    Ok(())
}

fn user_pool(text: &mut String, data: &Data) -> Result<()> {
    writeln!(
        text,
        "
## The user pool

You choose the identity provider, so its price is not included above. Amazon Cognito costs:
"
    )?;
    writeln!(text, "| 1 million monthly users | per year |\n|---|---:|")?;
    for key in ["cognito_lite", "cognito_essentials"] {
        let price = data.prices.get(key)?;
        writeln!(text, "| {} | {} |", price.name, usd(price.of(1e6) * 12.0))?;
    }
    Ok(())
}

fn sources(text: &mut String, data: &Data) -> Result<()> {
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
fn steps(price: &crate::data::Price) -> String {
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

/// With thousands separators.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut apart = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

fn usd(value: f64) -> String {
    format!("${}", whole(value))
}

/// With the share of a total.
fn usd_share(value: f64, total: f64) -> String {
    format!("{} ({:.0} %)", usd(value), value / total * 100.0)
}

fn usd2(value: f64) -> String {
    format!("${value:.2}")
}

fn cents(value: f64) -> String {
    format!("{:.1} cents", value * 100.0)
}

fn millions(value: f64) -> String {
    format!("{:.1} million", value / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators() {
        assert_eq!(whole(0.4), "0");
        assert_eq!(whole(999.0), "999");
        assert_eq!(whole(1000.0), "1,000");
        assert_eq!(usd(1_234_567.8), "$1,234,568");
    }
}
