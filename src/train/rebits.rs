//! Bits that are chosen anew while it trains (SNIP, arXiv 2602.01410): what is noted about layers from step to step, and the
//! change to other bits in place. What the choice goes by is src/sensitivity/divergence.rs.

use super::{AVERAGE, NO_AVERAGE, Trainer, slots};
use crate::kernels::weights;
use crate::model::Model;
use crate::param::{Param, Quantizer, Role, Slot, visit_quantizer};
use crate::sensitivity::{Noted, better, bits_setting, divergences};
use crate::settings::Bits;
use crate::state::{self, Snapshot, Visitor};
use crate::{Result, RunConfig};

/// Steps before a choice that are noted, which takes a pass over all weights each: enough for means, and of late.
const NOTED: u64 = 32;

/// Whether the step after so many is noted, where bits are chosen `every` so many steps; 0: every step is.
pub(super) fn is_noted(steps: u64, every: u64) -> bool {
    every == 0 || steps % every + NOTED >= every
}

/// Sums over the steps that were noted since the last choice.
pub(super) struct Notes {
    steps: u64,
    /// Of the training loss.
    loss: f64,
    /// Of each layer with weights: squares of the gradient's norm, and of the update's.
    layers: Vec<[f64; 2]>,
}

impl Notes {
    pub fn of(model: &Model) -> Self {
        let layers = model.params().filter(|(_, param)| param.is_weight()).map(|_| [0.0; 2]).collect();
        Self { steps: 0, loss: 0.0, layers }
    }

    /// Notes what a step did to the weights of the layer in that place, which were `before`.
    pub fn add_layer(&mut self, place: usize, param: &Param, mut before: Vec<f32>) {
        weights::add_scaled(&mut before, -1.0, &param.value, 1.0);
        let [gradient, update] = &mut self.layers[place];
        *gradient += param.grad_norm.powi(2);
        *update += weights::sum_of_squares(&before);
    }

    /// Notes its loss, after the layers.
    pub fn add_loss(&mut self, loss: f64) {
        self.steps += 1;
        self.loss += loss;
    }

    pub fn visit(&mut self, visitor: &mut dyn Visitor) {
        visitor.number("rebits.steps", &mut self.steps);
        state::float(visitor, "rebits.loss", &mut self.loss);
        for (i, [gradient, update]) in self.layers.iter_mut().enumerate() {
            state::float(visitor, &format!("rebits.{i}.gradient"), gradient);
            state::float(visitor, &format!("rebits.{i}.update"), update);
        }
    }
}

impl Trainer {
    /// Chooses the bits of the layers, where the settings want that before the next step: the setting of the bits is then
    /// what was chosen. The places, among the layers with weights, of those that have other bits now; `None` where no layer
    /// has.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for settings that no layer can follow.
    pub(crate) fn choose_bits(&mut self) -> Result<Option<Vec<usize>>> {
        let every = u64::from(self.config().rebits);
        let due = self.step.is_multiple_of(every);
        let Some(noted) = due.then(|| self.noted()).flatten() else { return Ok(None) };
        let config = self.config();
        let layers = divergences(&self.model, config, &noted)?;
        let Some(bits) = better(&layers, config)? else { return Ok(None) };
        // What single layers have goes before what is said of the ends.
        let named: Vec<&str> =
            if config.ends == "same" { Vec::new() } else { config.bits.layers().collect() };
        let bits = bits_setting(&layers, &bits, &named);
        let changed = layers.iter().filter(|layer| bits.of(&layer.layer) != config.bits.of(&layer.layer));
        let changed: Vec<String> = changed.map(|layer| layer.layer.clone()).collect();
        if changed.is_empty() {
            return Ok(None);
        }
        self.take_bits(bits, &changed)?;
        let places = self.model.params().filter(|(_, param)| param.is_weight()).enumerate();
        let places = places.filter(|(_, (layer, _))| changed.iter().any(|name| name == layer));
        Ok(Some(places.map(|(place, _)| place).collect()))
    }

    /// Notes every step from now on.
    pub(crate) fn note(&mut self) {
        self.notes = Some(Notes::of(&self.model));
    }

    /// What was noted since the last time; `None` where no step was.
    pub(crate) fn noted(&mut self) -> Option<Noted> {
        let notes = self.notes.as_mut().filter(|notes| notes.steps > 0)?;
        let Notes { steps, loss, layers } = std::mem::replace(notes, Notes::of(&self.model));
        let mean = |sum: f64| sum / steps as f64;
        Some(Noted { loss: mean(loss), layers: layers.iter().map(|sums| sums.map(mean)).collect() })
    }

    /// Gives these layers the quantizers that a fork with such bits would have.
    fn take_bits(&mut self, bits: Bits, changed: &[String]) -> Result<()> {
        // What the last step moved to other levels is told by the grids that it was done on.
        self.settle();
        let is_changed = |layer: &str| changed.iter().any(|name| name == layer);
        let mut former: Vec<Box<dyn Quantizer>> = Vec::new();
        self.model.for_each_param_mut(|layer, param| {
            if param.is_weight() && is_changed(layer) {
                former.extend(param.quantizer.take());
            }
        });
        let config = RunConfig { bits, ..self.config().clone() };
        self.model.make_quantizers_of(&config, &is_changed)?;
        let averages = config.ema > 0.0;
        let slots = slots(self.optimizer, averages);
        let mut former = former.into_iter();
        self.model.for_each_param_mut(|layer, param| {
            let Some(quantizer) =
                param.quantizer.as_mut().filter(|_| param.role == Role::Weight && is_changed(layer))
            else {
                return;
            };
            if averages {
                quantizer.params_mut().iter_mut().for_each(|param| {
                    param.slots.push(Slot { name: AVERAGE, values: vec![NO_AVERAGE; param.value.len()] });
                });
            }
            let mut former = former.next().expect("one a layer");
            let kept = Snapshot::of(|visitor| visit_quantizer(&mut *former, &slots, visitor));
            kept.restore(|visitor| visit_quantizer(&mut **quantizer, &slots, visitor));
        });
        self.description.config = config;
        self.stale = true;
        self.refresh_forward_weights();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_before_a_choice_are_noted() {
        let noted = |every: u64| (0..2 * every).filter(|steps| is_noted(*steps, every)).collect::<Vec<_>>();
        assert_eq!(noted(3), [0, 1, 2, 3, 4, 5]);
        assert_eq!(noted(100), (68..100).chain(168..200).collect::<Vec<_>>());
    }
}
