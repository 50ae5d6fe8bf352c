//! `docs/results/peers.svg`: the p99 latency against the number of concurrent clients.

use std::error::Error;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::load::spread;
use crate::peer::{PeerKind, PeerOperation};
use crate::results::Results;

const SIZE: (u32, u32) = (960, 680);
const COLOURS: [RGBColor; 3] = [
    RGBColor(0xcc, 0x44, 0x44),
    RGBColor(0x22, 0x88, 0x77),
    RGBColor(0x33, 0x66, 0xaa),
];

/// Draws the results of a run.
pub(crate) fn chart(results: &Results) -> Result<String> {
    let mut svg = String::new();
    draw(&mut svg, results).map_err(|error| anyhow!("the drawing: {error}"))?;
    Ok(svg)
}

fn draw(svg: &mut String, results: &Results) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let font = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
    let title =
        "Milliseconds within which 99 in 100 requests were answered, against clients at once";
    area.draw(&Text::new(title, (20, 14), font(16)))?;
    for (n, (kind, colour)) in PeerKind::ALL.into_iter().zip(COLOURS).enumerate() {
        let left = 20 + i32::try_from(n)? * 230;
        area.draw(&Rectangle::new(
            [(left, 42), (left + 14, 56)],
            colour.filled(),
        ))?;
        area.draw(&Text::new(kind.name(), (left + 20, 43), font(13)))?;
    }
    let panels = area.margin(70, 10, 10, 10).split_evenly((2, 2));
    let (least, most) = range(results);
    for (panel, operation) in panels.iter().zip(PeerOperation::ALL) {
        draw_panel(panel, results, operation, least..most)?;
    }
    area.present()?;
    Ok(())
}

/// The common range of all charts.
fn range(results: &Results) -> (f64, f64) {
    let services = results.peers.values();
    let loads =
        services.flat_map(|service| service.loads.values().flat_map(|loads| loads.values()));
    let all = loads.flatten().map(|ran| ran.p99).filter(|p99| *p99 > 0.0);
    let (_, least, most) = spread(all);
    (least.max(0.1) / 1.5, most.max(1.0) * 1.5)
}

fn draw_panel(
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    results: &Results,
    operation: PeerOperation,
    range: std::ops::Range<f64>,
) -> Result<(), Box<dyn Error>> {
    // The numbers of clients are at equal distances on the axis.
    let clients = &results.clients;
    let end = f64::from(u32::try_from(clients.len())?) - 0.5;
    let mut chart = ChartBuilder::on(panel)
        .caption(operation.name(), ("sans-serif", 14))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(48)
        .build_cartesian_2d(-0.5..end, range.log_scale())?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place"
    )]
    let label = |at: &f64| {
        let on_it = (at - at.round()).abs() < 0.01 && *at >= 0.0;
        let place = on_it.then(|| at.round() as usize);
        place
            .and_then(|place| clients.get(place))
            .map_or_else(String::new, usize::to_string)
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(2 * clients.len() + 1)
        .x_label_formatter(&label)
        .y_label_formatter(&|ms| format!("{ms}"))
        .draw()?;
    for (kind, colour) in PeerKind::ALL.into_iter().zip(COLOURS) {
        let loads = results
            .peers
            .get(kind.name())
            .and_then(|service| service.loads.get(operation.name()));
        let mut medians = Vec::new();
        for (place, clients) in clients.iter().enumerate() {
            let rounds = loads
                .and_then(|loads| loads.get(clients))
                .into_iter()
                .flatten();
            let (median, least, most) = spread(rounds.map(|ran| ran.p99));
            let at = f64::from(u32::try_from(place)?);
            let bar = [(at, least.max(0.01)), (at, most.max(0.01))];
            chart.draw_series([PathElement::new(bar, colour.mix(0.4).stroke_width(4))])?;
            medians.push((at, median.max(0.01)));
        }
        chart.draw_series(LineSeries::new(medians.clone(), colour.stroke_width(2)))?;
        chart.draw_series(
            medians
                .into_iter()
                .map(|at| Circle::new(at, 4, colour.filled())),
        )?;
    }
    Ok(())
}
