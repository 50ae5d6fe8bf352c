//! `docs/results/cost.md`

mod sources;
mod table;

use std::fmt::Write as _;

use anyhow::Result;

use crate::bill::Bill;
use crate::cause::Cause;
use crate::data::Data;
use crate::numbers::{cents, millions, usd, usd_share, usd2};

use sources::sources;
use table::{head, row};

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

/// The costs of a change: those of its events, and of processing them.
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

/// The costs of the work that timers start.
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
