//! `cargo nibble bits`: how much each layer minds losing bits, and the best bits under a budget.

use clap::{Arg, ArgMatches, Command, value_parser};
use nibble::registry::Named;
use nibble::run::Run;
use nibble::sensitivity::{
    self, Budget, Damage, IMAGES, LayerSensitivity, SENSITIVITIES, Sensitivity, agreement, bits_setting,
    losing_a_bit,
};
use serde_json::json;

use crate::problem::{Result, say};
use crate::{engine, images, report, saved};

/// Every way.
const ALL: &str = "all";
/// The way that others are held against.
const TRUTH: &str = "rounding";

pub fn command() -> Command {
    let ways: Vec<_> =
        SENSITIVITIES.iter().map(|way| format!("{}: {}", way.entry.name, way.entry.about)).collect();
    Command::new("bits")
        .about("Say how much each layer of a saved run minds losing bits, and which bits are best under a budget")
        .arg(saved::argument())
        .arg(
            Arg::new("by")
                .long("by")
                .value_name("NAME")
                .default_value(TRUTH)
                .help(format!("The way it is measured, or {ALL}. {}", ways.join(". "))),
        )
        .arg(
            Arg::new("budget")
                .long("budget")
                .value_name("TEXT")
                .help("What the weights may cost: average bits (3), kilobytes (400KB) or billions of bit-operations an image (12GBOP)"),
        )
        .arg(
            Arg::new("batch-images")
                .long("batch-images")
                .value_name("N")
                .value_parser(value_parser!(u16).range(2..))
                .help(format!("Training images in a batch; {IMAGES} by default")),
        )
        .arg(report::json())
        .arg(images::argument())
        .args(engine::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let file = saved::path(arguments);
    let name = arguments.get_one::<String>("by").expect("it has a default");
    let ways: Vec<&Sensitivity> = match name.as_str() {
        ALL => SENSITIVITIES.iter().collect(),
        name => vec![sensitivity::find(name)?],
    };
    let budget: Option<Budget> =
        arguments.get_one::<String>("budget").map(|text| text.parse()).transpose()?;
    let images = arguments.get_one::<u16>("batch-images").map_or(IMAGES, |images| (*images).into());
    engine::on_pool(arguments, |clock| {
        let (_, mut loaded) = saved::load(file, arguments, clock)?;
        saved::warn(file, &loaded);
        let run = &mut loaded.run;
        let json = arguments.get_flag("json");
        let mut truth: Option<Vec<Damage>> = None;
        for way in ways {
            let start = clock();
            let layers = measured(run, way, images, json)?;
            let seconds = (clock() - start) / 1e3;
            tell(way, &layers, seconds, json)?;
            match &truth {
                Some(truth) if !json => {
                    let [tau, deviation] = agreement(truth, &losing_a_bit(&layers));
                    say(format!("ranks layers as {TRUTH} does: Kendall's tau {tau:.2}, +- {deviation:.2}"))?;
                }
                _ if way.name() == TRUTH => truth = Some(losing_a_bit(&layers)),
                _ => {}
            }
            if let Some(budget) = budget {
                assign(run, way, &layers, budget, json)?;
            }
        }
        Ok(())
    })
}

fn measured(run: &mut Run, way: &Sensitivity, images: usize, json: bool) -> Result<Vec<LayerSensitivity>> {
    let mut sensing = run.sensing(way.name(), images)?;
    let bar = report::bar("{wide_bar} {msg}, {eta} left at most", json).with_message(way.entry.label);
    loop {
        let progress = sensing.advance()?;
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
        if let Some(layers) = progress.result {
            bar.finish_and_clear();
            return Ok(layers);
        }
    }
}

fn tell(way: &Sensitivity, layers: &[LayerSensitivity], seconds: f64, json: bool) -> Result<()> {
    if json {
        return say(json!({
            "kind": "sensitivity", "by": way.name(), "unit": way.unit, "seconds": seconds, "layers": layers,
        }));
    }
    say(format!("{}: {} ({}), {seconds:.1} s", way.name(), way.unit, way.source))?;
    for LayerSensitivity { layer, weights, value, spread, widths, .. } in layers {
        let spread = spread.map_or(String::new(), |spread| format!(" +- {spread:.3e}"));
        let damage: Vec<_> =
            widths.iter().map(|width| format!("{}: {:.2e}", width.bits, width.damage.rise)).collect();
        say(format!("  {layer:10} {weights:>9} weights  {value:10.3e}{spread:14}  {}", damage.join("  ")))?;
    }
    Ok(())
}

fn assign(
    run: &Run,
    way: &Sensitivity,
    layers: &[LayerSensitivity],
    budget: Budget,
    json: bool,
) -> Result<()> {
    let bits = budget.assign(layers)?;
    // What a setting says of the ends does not reach layers that are named.
    let ends = [layers.first(), layers.last()].map(|layer| layer.map_or("", |layer| &layer.layer));
    let named = if run.config().ends == "same" { &[][..] } else { &ends };
    let setting = bits_setting(layers, &bits, named).to_string();
    let spent = budget.spent(layers, &bits);
    if json {
        return say(json!({ "kind": "assignment", "by": way.name(), "bits": setting, "spent": spent }));
    }
    say(format!("best for the budget: bits={setting}, {spent}"))
}
