//! A picture of loss and accuracy over the epochs, SVG.

use std::fmt::Write as _;

use serde_json::Value;

/// Sizes of a plot and of the margins around it, in pixels.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 48.0;
const TOP: f64 = 36.0;
/// Of the curves, as the page has them.
const COLOURS: [&str; 2] = ["#0072b2", "#c44e00"];

/// Of the reports of some epochs.
pub(super) fn svg(reports: &[Value]) -> String {
    let total = [2.0 * (LEFT + WIDTH) + 24.0, TOP + HEIGHT + 40.0];
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\
         <title>Loss and accuracy over the epochs</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
        total[0], total[1]
    );
    let largest = ["trainLoss", "testLoss"].iter().flat_map(|key| numbers(reports, key)).fold(0.0, f64::max);
    plot(&mut text, reports, LEFT, "Loss", ["trainLoss", "testLoss"], largest);
    plot(&mut text, reports, 2.0 * LEFT + WIDTH, "Accuracy", ["trainAccuracy", "testAccuracy"], 1.0);
    text + "</svg>\n"
}

fn numbers(reports: &[Value], key: &str) -> Vec<f64> {
    reports.iter().filter_map(|report| report[key].as_f64()).collect()
}

fn plot(text: &mut String, reports: &[Value], left: f64, title: &str, keys: [&str; 2], most: f64) {
    let most = if most > 0.0 { most } else { 1.0 };
    let bottom = TOP + HEIGHT;
    let _ = write!(
        text,
        "<text x=\"{left}\" y=\"20\" font-weight=\"bold\">{title}</text>\
         <path d=\"M{left} {TOP}V{bottom}H{}\" fill=\"none\" stroke=\"#888\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most:.2}</text><text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">epoch {}</text>",
        left + WIDTH,
        left - 6.0,
        TOP + 10.0,
        left - 6.0,
        left + WIDTH,
        bottom + 18.0,
        reports.len(),
    );
    for ((key, colour), (name, at)) in keys.iter().zip(COLOURS).zip([("training", 0.0), ("test", 70.0)]) {
        let values = numbers(reports, key);
        let x = |i: usize| left + WIDTH * (i + 1) as f64 / values.len() as f64;
        let points: String = values
            .iter()
            .enumerate()
            .map(|(i, value)| format!("{:.1},{:.1} ", x(i), bottom - HEIGHT * value / most))
            .collect();
        let _ = write!(
            text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{}\" y=\"20\" fill=\"{colour}\">{name}</text>",
            points.trim_end(),
            left + 90.0 + at,
        );
    }
}
