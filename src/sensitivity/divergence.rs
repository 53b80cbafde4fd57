//! SNIP (arXiv 2602.01410): what bits do to a run on its way, by what it noted about its layers while it trained.
//!
//! SNIP weighs two things: loss divergence, the rise of the training loss that comes from rounding in the forward pass, and
//! weight divergence, what rounding does to the updates of the weights by way of the backward pass. The formulas are ours.
//! Rounding layer l to b bits moves its weights by `e`, which is independent of everything else:
//!
//! - it moves the loss L by `g e`, whose square is `|g|^2 |e|^2 / n` on average, g being the gradient of its n weights;
//! - what the backward pass hands on is off by the share `|e| / |W|`, and so is the update `|dW|` of every layer k before it.
//!
//! Beside the loss and beside the weights these are shares, whose squares add up over layers as independent errors do:
//!
//! `damage = |e|^2 (|g|^2 / (n L^2) + sum over k of (|dW_k| / |W_k|)^2 / |W|^2)`

use super::probe::{FULL_BITS, fitted, squared_distance, widths};
use super::{Budget, Damage, LayerSensitivity, Unit, Width};
use crate::kernels::weights::sum_of_squares;
use crate::model::Model;
use crate::param::Param;
use crate::settings::RunConfig;
use crate::{Error, Result};

/// Other bits must do this share of the present ones' damage at most: layers with a new grid have to settle, and what was
/// noted is uncertain.
const WORTH: f64 = 0.75;

/// What a run noted.
pub struct Noted {
    /// Mean loss of its steps.
    pub loss: f64,
    /// Of each layer with weights the mean square of the gradient's norm, and that of its updates'.
    pub layers: Vec<[f64; 2]>,
}

/// Number and squares of each layer's weights, and the layers that its backward pass reaches.
struct Sizes {
    weights: Vec<[f64; 2]>,
    reached: Vec<Vec<usize>>,
}

/// By which a layer's squared rounding error is multiplied, one a layer with weights.
pub(super) fn damage_factors(model: &Model, noted: &Noted) -> Vec<f64> {
    let weights =
        params(model).map(|param| [param.value.len() as f64, sum_of_squares(&param.value)]).collect();
    factors(noted, &Sizes { weights, reached: model.reached_backward() })
}

fn factors(noted: &Noted, sizes: &Sizes) -> Vec<f64> {
    let share = |part: f64, whole: f64| part / whole.max(f64::MIN_POSITIVE);
    let updates: Vec<f64> =
        noted.layers.iter().zip(&sizes.weights).map(|([_, update], [_, of])| share(*update, *of)).collect();
    let layers = noted.layers.iter().zip(&sizes.weights).zip(&sizes.reached);
    let factor = |(([gradient, _], [count, squares]), reached): ((&[f64; 2], &[f64; 2]), &Vec<usize>)| {
        let updates: f64 = reached.iter().map(|layer| updates[*layer]).sum();
        share(*gradient, count * noted.loss.powi(2)) + share(updates, *squares)
    };
    layers.map(factor).collect()
}

fn params(model: &Model) -> impl Iterator<Item = &Param> {
    model.params().map(|(_, param)| param).filter(|param| param.is_weight())
}

/// What the widths of each layer do whose bits are the setting's.
///
/// # Errors
/// [`Error::Config`] for settings that no layer can follow.
pub fn divergences(model: &Model, config: &RunConfig, noted: &Noted) -> Result<Vec<LayerSensitivity>> {
    of_factors(model, config, &damage_factors(model, noted))
}

fn of_factors(model: &Model, config: &RunConfig, factors: &[f64]) -> Result<Vec<LayerSensitivity>> {
    let named = model.layers_by_bits(config)?.into_iter().zip(params(model)).zip(factors).enumerate();
    let open = named.filter_map(|(place, ((name, param), factor))| Some((place, name?, param, *factor)));
    let layers = open.map(|(place, name, param, factor)| {
        let own = config.of_layer(name)?;
        let mut rounded = param.value.clone();
        let widths = widths(&own)?.into_iter().map(|bits| {
            fitted(&own, place, param, bits)?.quantize(&param.value, &mut rounded);
            let rise = factor * squared_distance(&rounded, &param.value);
            Ok(Width { bits, damage: Damage { rise, error: 0.0 }, size: 0 })
        });
        Ok(LayerSensitivity {
            widths: widths.collect::<Result<_>>()?,
            layer: name.into(),
            weights: param.value.len(),
            value: factor,
            spread: None,
            shown: None,
            products: 0,
            input_bits: FULL_BITS,
        })
    });
    layers.collect()
}

fn budget(config: &RunConfig) -> Budget {
    Budget { unit: Unit::AverageBits, amount: config.bit_budget }
}

/// The best bits under the budget of the settings.
///
/// # Errors
/// [`Error::Config`] where even the fewest bits are more.
fn assigned(layers: &[LayerSensitivity], config: &RunConfig) -> Result<Vec<u8>> {
    budget(config).assign(layers).map_err(|error| match error {
        Error::Config { expected, found, .. } => Error::Config { field: "bitbudget", expected, found },
        other => other,
    })
}

/// The same, unless the present bits are within the budget and nearly as good.
///
/// # Errors
/// As [`assigned`].
pub fn better(layers: &[LayerSensitivity], config: &RunConfig) -> Result<Option<Vec<u8>>> {
    let best = assigned(layers, config)?;
    let present: Vec<u8> = layers.iter().map(|layer| config.bits.of(&layer.layer)).collect();
    // Bits that a layer cannot have are worse than any.
    let rise = |layer: &LayerSensitivity, bits| {
        layer.at(bits).map_or(f64::INFINITY, |at| layer.widths[at].damage.rise)
    };
    let damage =
        |bits: &[u8]| -> f64 { layers.iter().zip(bits).map(|(layer, bits)| rise(layer, *bits)).sum() };
    let good = budget(config).holds(layers, &present) && damage(&best) >= WORTH * damage(&present);
    Ok((!good).then_some(best))
}

/// # Errors
/// [`Error::Config`] for a budget that no bits keep to, and for a scheme whose forward weights are not the master weights
/// rounded: there is then no rounding error.
pub fn check(model: &Model, config: &RunConfig) -> Result<()> {
    let signals = params(model).map(|param| 1.0 / sum_of_squares(&param.value));
    let layers = of_factors(model, config, &signals.collect::<Vec<_>>())?;
    let latent = params(model).any(|param| param.latents().is_some());
    let far = |layer: &LayerSensitivity| layer.widths.last().is_some_and(|widest| widest.damage.rise >= 1.0);
    if latent || layers.iter().any(far) {
        return Err(Error::Config {
            field: "rebits",
            expected: "0 with a scheme whose levels do not stand near the weights".into(),
            found: config.rebits.to_string(),
        });
    }
    assigned(&layers, config).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Description;

    /// Layer 2 reads both others, which read the image.
    #[test]
    fn divergences_are_those_of_the_formula() {
        let noted = Noted { loss: 2.0, layers: vec![[8.0, 1.0], [4.0, 0.5], [1.0, 0.25]] };
        let sizes = Sizes {
            weights: vec![[10.0, 4.0], [5.0, 2.0], [2.0, 8.0]],
            reached: vec![vec![], vec![], vec![0, 1]],
        };
        // 8 / (10 * 4), 4 / (5 * 4), 1 / (2 * 4) + (1 / 4 + 0.5 / 2) / 8.
        assert_eq!(factors(&noted, &sizes), [0.2, 0.2, 0.1875]);
        // No loss is left, and no gradient; a layer of zeros.
        let noted = Noted { loss: 0.0, layers: vec![[0.0, 0.0]; 3] };
        let sizes = Sizes { weights: vec![[10.0, 0.0]; 3], ..sizes };
        assert_eq!(factors(&noted, &sizes), [0.0; 3]);
    }

    fn model(changes: &[(&str, &str)]) -> Result<(Model, RunConfig)> {
        let mut config = RunConfig { rebits: 1, ..RunConfig::default() };
        changes.iter().try_for_each(|(key, text)| config.set(key, text))?;
        let model = Model::new(&Description::preset(10, config.clone())?)?;
        check(&model, &config)?;
        Ok((model, config))
    }

    #[test]
    fn a_layer_that_matters_more_gets_more_bits() {
        let (model, config) = model(&[]).unwrap();
        let count = params(&model).count();
        let bits = |important: Option<usize>| {
            let mut noted = Noted { loss: 1.0, layers: vec![[1.0, 0.0]; count] };
            important.into_iter().for_each(|layer| noted.layers[layer][0] = 1e4);
            let layers = divergences(&model, &config, &noted).unwrap();
            assigned(&layers, &config).unwrap()
        };
        let even = bits(None);
        for layer in 0..count {
            let of = bits(Some(layer));
            assert!(of[layer] > even[layer] || of[layer] == 8, "{layer}: {of:?}, else {even:?}");
        }
        // What flows back through the last layer is what all others learn by.
        let layers = vec![[0.0, 1.0]; count];
        let layers = divergences(&model, &config, &Noted { loss: 1.0, layers }).unwrap();
        assert!(layers[0].value == 0.0 && layers[count - 1].value > 0.0);
    }

    #[test]
    fn bits_that_are_nearly_as_good_stay() {
        let widths = |damages: [f64; 2]| -> Vec<Width> {
            let width = |(bits, rise)| Width { bits, damage: Damage { rise, error: 0.0 }, size: 0 };
            [2, 4].into_iter().zip(damages).map(width).collect()
        };
        let layer = |name: &str, damages| LayerSensitivity {
            layer: name.into(),
            weights: 10,
            value: 0.0,
            spread: None,
            shown: None,
            products: 0,
            input_bits: FULL_BITS,
            widths: widths(damages),
        };
        let config = |bits: &str| RunConfig { bits: bits.parse().unwrap(), ..RunConfig::default() };
        let nearly = [layer("a", [1.0, 0.5]), layer("b", [1.05, 0.5])];
        assert_eq!(better(&nearly, &config("2,a:4")).unwrap(), None);
        let worse = [layer("a", [1.0, 0.5]), layer("b", [2.0, 0.5])];
        assert_eq!(better(&worse, &config("2,a:4")).unwrap(), Some(vec![2, 4]));
        assert_eq!(better(&worse, &config("2,b:4")).unwrap(), None);
        // More than the budget, and bits that no choice has.
        assert_eq!(better(&nearly, &config("4")).unwrap(), Some(vec![2, 4]));
        assert_eq!(better(&nearly, &config("3")).unwrap(), Some(vec![2, 4]));
    }

    #[test]
    fn layers_that_have_their_bits_from_elsewhere_are_left_alone() {
        let open = |changes: &[(&str, &str)]| {
            let (model, config) = model(changes).unwrap();
            let names = model.layers_by_bits(&config).unwrap();
            names.iter().map(|name| u8::from(name.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(open(&[]), [1; 7]);
        assert_eq!(open(&[("ends", "8")]), [0, 1, 1, 1, 1, 1, 0]);
        assert_eq!(open(&[("ends", "full"), ("bits", "4,conv1:5")]), [1, 1, 1, 1, 1, 1, 0]);
        assert_eq!(open(&[("layers", "conv2.quantizer:none")]), [1, 0, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn what_cannot_be_chosen_is_refused() {
        for (changes, sentence) in [
            (
                &[("bitbudget", "1.5")][..],
                "bitbudget: expected at least 2.000 bits a weight, found 1.500 bits a weight",
            ),
            (&[("quantizer", "fp8_e4m3"), ("bits", "8")], "bitbudget: expected at least 8.000 bits a weight"),
            (
                &[("quantizer", "dorefa")],
                "rebits: expected 0 with a scheme whose levels do not stand near the weights",
            ),
            (&[("quantizer", "shift"), ("bits", "3")], "rebits: expected 0 with"),
        ] {
            let refused = model(changes).err().unwrap().to_string();
            assert!(refused.starts_with(sentence), "{changes:?}: {refused}");
        }
    }
}
