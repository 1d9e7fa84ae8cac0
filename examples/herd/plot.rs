//! Curves over time, as SVG. The benchmark draws its plots in JavaScript (benches/report/svg.mjs): each program draws
//! what it has measured, so that this one needs no Node.js, and the benchmark need not compile a plotter.

use std::{error::Error, path::Path};

use plotters::prelude::*;

/// A curve and its name.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Draws `curves`; with `level`, a line at that height as well. A scale that is not linear is logarithmic from 1 on.
pub(crate) fn draw(
    path: &Path,
    title: &str,
    y_title: &str,
    curves: &[Curve],
    level: Option<f64>,
    linear: bool,
) -> Result<(), Box<dyn Error>> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (right, top) = points().fold((1.0, level.unwrap_or(1.0)), |(x, y): (f64, f64), p| (x.max(p.0), y.max(p.1)));
    let height = |y: f64| if linear { y } else { y.max(1.0).log10() };
    let root = SVGBackend::new(path, (800, 400)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right, 0.0..height(top) * 1.02)?;
    let label = |y: &f64| if linear { format!("{y:.0}") } else { format!("{:.0}", 10_f64.powf(*y)) };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("seconds since the server vanished")
        .y_desc(y_title)
        .y_label_formatter(&label)
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS) {
        let line = curve.points.iter().map(|(x, y)| (*x, height(*y)));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(curve.name.as_str())
            .legend(move |(x, y)| Rectangle::new([(x, y - 2), (x + 16, y + 2)], colour.filled()));
    }
    if let Some(level) = level {
        let line = [(0.0, height(level)), (right, height(level))];
        chart.draw_series(LineSeries::new(line, BLACK))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}

/// The palette of Okabe and Ito, which colour-blind readers can distinguish.
const COLOURS: [RGBColor; 4] =
    [RGBColor(213, 94, 0), RGBColor(0, 114, 178), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];
