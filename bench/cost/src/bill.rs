//! The bill of a month: usage times prices.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::cause::Cause;
use crate::data::{Data, PLATFORM_LINES, Shape};
use crate::usage::{Assumed, Usage};

/// A line of the bill.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The price's key.
    pub price: &'static str,
    /// The amount per month.
    pub amount: f64,
    /// US dollars per month.
    pub usd: f64,
    /// The part of each cause, in US dollars per month. All parts of an amount have its mean price.
    pub causes: BTreeMap<Cause, f64>,
}

/// The monthly cost of a usage profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// In the order of a request's path.
    pub lines: Vec<Line>,
    /// Requests of the API.
    pub requests: f64,
    /// Invocations of the triggers.
    pub triggers: f64,
    /// Events.
    pub events: f64,
}

impl Bill {
    /// US dollars per month.
    pub fn month(&self) -> f64 {
        self.lines.iter().map(|line| line.usd).sum()
    }

    /// US dollars per year.
    pub fn year(&self) -> f64 {
        self.month() * 12.0
    }

    /// The line of a price.
    pub fn line(&self, price: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.price == price)
    }

    /// US dollars per year of a cause.
    pub fn year_of(&self, cause: Cause) -> f64 {
        let parts = self.lines.iter().filter_map(|line| line.causes.get(&cause));
        parts.sum::<f64>() * 12.0
    }
}

impl Data {
    /// The assumptions and what the template decides, with these overrides.
    pub fn assumed(&self, other: &BTreeMap<String, f64>) -> Assumed {
        let usual = self.habits.assumptions.iter();
        let mut assumed: Assumed = usual
            .map(|given| (given.key.clone(), given.value))
            .collect();
        let lines = f64::from(u8::from(self.template.platform_lines));
        assumed.insert(PLATFORM_LINES.to_owned(), lines);
        assumed.extend(other.iter().map(|(key, value)| (key.clone(), *value)));
        assumed
    }

    /// The cost of a usage profile under these assumptions.
    pub fn bill(&self, shape: &Shape, assumed: &Assumed) -> Result<Bill> {
        let month = Usage::of(self, shape, assumed)?;
        let mut lines = Vec::new();
        for (price, parts) in month.amounts {
            let amount = parts.values().sum();
            let usd = self.prices.get(price)?.of(amount);
            let causes = parts.into_iter().map(|(cause, part)| {
                let mean = if amount > 0.0 { usd / amount } else { 0.0 };
                (cause, part * mean)
            });
            lines.push(Line {
                price,
                amount,
                usd,
                causes: causes.collect(),
            });
        }
        Ok(Bill {
            lines,
            requests: month.requests,
            triggers: month.triggers,
            events: month.changes.events,
        })
    }
}
