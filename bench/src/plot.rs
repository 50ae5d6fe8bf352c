//! Draws line charts.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

const SIZE: (u32, u32) = (840, 400);
/// Distinguishable with red-green colour blindness.
const COLORS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x7f, 0x7f, 0x7f),
];

/// A chart of some curves over a logarithmic axis.
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
    pub(crate) curves: Vec<(String, Vec<(f64, f64)>)>,
}

impl Plot<'_> {
    /// The SVG.
    pub(crate) fn svg(&self) -> Result<String> {
        let mut svg = String::new();
        self.draw(&mut svg)
            .map_err(|error| anyhow!("the drawing: {error}"))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let points = || self.curves.iter().flat_map(|(_, points)| points);
        let least = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
        let most = points().map(|(x, _)| *x).fold(least, f64::max);
        let high = points().map(|(_, y)| *y).fold(0.0, f64::max) * 1.1;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(56)
            // Room for the names next to the curves.
            .right_y_label_area_size(170)
            .build_cartesian_2d((least..most).log_scale(), 0.0..high)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(WHITE)
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|x| thousands(*x))
            .draw()?;
        for (n, (name, points)) in self.curves.iter().enumerate() {
            let color = COLORS.get(n % COLORS.len()).copied().unwrap_or(BLACK);
            let style = color.stroke_width(2);
            chart.draw_series(LineSeries::new(points.iter().copied(), style).point_size(3))?;
            let at = 50 + 22 * i32::try_from(n)?;
            let left = i32::try_from(SIZE.0)? - 165;
            area.draw(&Rectangle::new(
                [(left, at), (left + 14, at + 4)],
                color.filled(),
            ))?;
            let font = ("sans-serif", 13).into_font();
            area.draw(&Text::new(name.as_str(), (left + 20, at - 4), font))?;
        }
        area.present()?;
        Ok(())
    }
}

/// A whole number with thousands separators.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators() {
        let formatted = [1.0, 999.0, 1_000.0, 1_234_567.0].map(thousands);
        assert_eq!(formatted, ["1", "999", "1,000", "1,234,567"]);
    }
}
