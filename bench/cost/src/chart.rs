//! `docs/results/cost.svg`: the cost by service, a bar for each usage profile.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::bill::Bill;
use crate::data::Data;

const SIZE: (u32, u32) = (960, 380);
/// The start and end of the bars.
const LEFT: f64 = 190.0;
const RIGHT: f64 = 930.0;
const TOP: i32 = 60;
const BAR: i32 = 46;
const GAP: i32 = 26;

/// Lines with a common name and colour.
const PARTS: [(&str, &[&str], RGBColor); 8] = [
    ("API Gateway", &["api_request"], RGBColor(0x33, 0x66, 0xaa)),
    (
        "Lambda",
        &["lambda_request", "lambda_time"],
        RGBColor(0xee, 0x88, 0x33),
    ),
    ("DynamoDB reads", &["read_unit"], RGBColor(0x66, 0xaa, 0xdd)),
    (
        "DynamoDB writes, storage, backup",
        &["write_unit", "storage", "pitr", "key_request"],
        RGBColor(0x22, 0x88, 0x77),
    ),
    (
        "Logs",
        &["log_ingestion", "log_storage"],
        RGBColor(0xaa, 0x66, 0x99),
    ),
    (
        "Metrics, traces, alarms",
        &["metric", "trace", "alarm", "dashboard"],
        RGBColor(0xcc, 0x44, 0x44),
    ),
    (
        "Bus, queues, mails",
        &["bus_event", "queue_request", "queue_group", "mail"],
        RGBColor(0xdd, 0xbb, 0x33),
    ),
    (
        "Data out, secret",
        &["transfer", "secret", "secret_call"],
        RGBColor(0x99, 0x99, 0x99),
    ),
];

/// Draws the bills of all usage profiles in order.
pub(crate) fn chart(data: &Data, bills: &[Bill]) -> Result<String> {
    let mut svg = String::new();
    draw(&mut svg, data, bills).map_err(|error| anyhow!("the drawing: {error}"))?;
    Ok(svg)
}

fn draw(svg: &mut String, data: &Data, bills: &[Bill]) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let font = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
    let to_right = |size: i32| font(size).pos(Pos::new(HPos::Right, VPos::Center));
    area.draw(&Text::new(
        "A year of 1 million monthly users, US dollars",
        (20, 20),
        font(18),
    ))?;
    let most = bills.iter().map(Bill::year).fold(1.0, f64::max);
    #[expect(clippy::cast_possible_truncation, reason = "pixels")]
    let x = |usd: f64| (LEFT + usd / most * (RIGHT - LEFT - 90.0)).round() as i32;
    let mut top = TOP;
    for (shape, bill) in data.habits.shapes.iter().zip(bills) {
        let middle = top + BAR / 2;
        area.draw(&Text::new(
            shape.name.clone(),
            (x(0.0) - 10, middle),
            to_right(14),
        ))?;
        let mut from = 0.0;
        for (_, prices, colour) in PARTS {
            let lines = prices.iter().filter_map(|price| bill.line(price));
            let to = from + lines.map(|line| line.usd * 12.0).sum::<f64>();
            area.draw(&Rectangle::new(
                [(x(from), top), (x(to), top + BAR)],
                colour.filled(),
            ))?;
            from = to;
        }
        let total = format!("${}", crate::numbers::whole(bill.year()));
        let beside = font(14).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(total, (x(from) + 8, middle), beside))?;
        top += BAR + GAP;
    }
    for (n, (name, _, colour)) in PARTS.into_iter().enumerate() {
        let n = i32::try_from(n)?;
        let (left, at) = (190 + n % 3 * 250, top + 20 + n / 3 * 26);
        area.draw(&Rectangle::new(
            [(left, at), (left + 14, at + 14)],
            colour.filled(),
        ))?;
        area.draw(&Text::new(name, (left + 20, at + 1), font(13)))?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_bill_is_in_the_chart() {
        let root = crate::root();
        let data = Data::read(&root).unwrap();
        let usual = data.assumed(&std::collections::BTreeMap::new());
        let bill = data.bill(&data.habits.shapes[0], &usual).unwrap();
        for line in &bill.lines {
            let parts = PARTS
                .iter()
                .filter(|(_, prices, _)| prices.contains(&line.price));
            assert_eq!(parts.count(), 1, "{}", line.price);
        }
    }
}
