//! The training step.

use crate::config::RunConfig;
use crate::layers::{LayerSpec, Param, Pass};
use crate::loss::{Loss, cross_entropy};
use crate::metrics::{self, Flips, LayerReport, Levels, Phases};
use crate::model::Model;
use crate::optim::{self, AdamW};
use crate::quant::Quantizer;
use crate::{Error, Result, Tensor, quant};

/// Soft clipping keeps weights within this bound: `W <- 3 tanh(W / 3)`.
const SOFT_CLIP_LIMIT: f32 = 3.0;

/// A clock: milliseconds since some fixed moment.
pub type Clock = fn() -> f64;

/// What one training step measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOutcome {
    /// Loss and hits of the batch.
    pub loss: Loss,
    /// Norm of all gradients before clipping.
    pub grad_norm: f64,
}

/// A model in training: the weights, the optimizer and the rules of the method.
pub struct Trainer {
    model: Model,
    optimizer: AdamW,
    quantizer: &'static dyn Quantizer,
    config: RunConfig,
    /// Steps done.
    step: u64,
    /// The forward weights do not belong to the present master weights.
    stale: bool,
    /// Share of each tensor's weights that the last step moved to another level; empty if that is none.
    flips: Vec<f64>,
    clock: Clock,
    phases: Phases,
}

impl Trainer {
    /// Builds the network and its initial weights.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range, [`Error::Model`] for layers that do not fit.
    pub fn new(specs: &[LayerSpec], classes: usize, config: RunConfig, clock: Clock) -> Result<Self> {
        config.validate()?;
        let mut model = Model::new(specs, classes, config.seed)?;
        model.time_products(clock);
        if !config.winograd {
            model.use_direct_algorithms();
        }
        Ok(Self {
            model,
            optimizer: AdamW::default(),
            quantizer: quant::find(&config.quantizer)?.quantizer,
            step: 0,
            stale: true,
            flips: Vec::new(),
            phases: Phases::default(),
            config,
            clock,
        })
    }

    /// A copy of the weights, the optimizer and the running statistics that goes on by the rules of `config`.
    /// With an equal configuration it does, bit for bit, what the original will do.
    ///
    /// `specs` and `classes` must be those of the original.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn fork(&mut self, specs: &[LayerSpec], classes: usize, config: RunConfig) -> Result<Self> {
        self.settle();
        let mut fork = Self::new(specs, classes, config, self.clock)?;
        fork.model.copy_state(&self.model);
        fork.optimizer = self.optimizer.clone();
        fork.step = self.step;
        fork.refresh_forward_weights();
        if fork.levels() == self.levels() {
            fork.flips.clone_from(&self.flips);
        }
        Ok(fork)
    }

    /// One step on the batch `x` `[n, h, w, 4]` with halo 1: the only place where its order is written.
    ///
    /// # Errors
    /// [`Error::Diverged`] if loss or gradients are not finite; the weights are then those before the step.
    pub fn step(&mut self, x: &Tensor, labels: &[u16], lr: f64) -> Result<StepOutcome> {
        self.model.take_products_ms(); // that of evaluations
        self.refresh_forward_weights();
        self.flips.clear();
        let start = (self.clock)();

        let pass = Pass { training: true, seed: self.config.seed, step: self.step };
        self.model.forward(x, &pass);
        let (logits, gradient) = self.model.logits_and_gradient();
        let loss = cross_entropy(logits, labels, Some(gradient));
        let after_forward = (self.clock)();

        self.model.backward(x);
        if self.config.straight_through {
            self.model.quantizer_backward(self.quantizer);
        } else {
            self.model.clear_quantized_gradients();
        }
        let after_backward = (self.clock)();

        let grad_norm = optim::global_norm(self.model.params().map(|(_, param)| param));
        if !(loss.mean.is_finite() && grad_norm.is_finite()) {
            return Err(Error::Diverged { step: self.step + 1, loss: loss.mean, grad_norm });
        }
        let factor = if self.config.grad_clip { optim::clip_factor(grad_norm) } else { 1.0 };
        let soft_clip = self.config.tanh_clip.then_some(SOFT_CLIP_LIMIT);
        self.optimizer.step(self.model.params_mut(), lr, factor, soft_clip);
        self.model.end_step();
        self.step += 1;
        self.stale = true;

        self.phases.forward += after_forward - start;
        self.phases.backward += after_backward - after_forward;
        self.phases.products += self.model.take_products_ms();
        self.phases.update += (self.clock)() - after_backward;
        Ok(StepOutcome { loss, grad_norm })
    }

    /// Loss and hits of a batch in evaluation mode; nothing changes.
    pub fn evaluate(&mut self, x: &Tensor, labels: &[u16]) -> Loss {
        cross_entropy(self.logits(x), labels, None)
    }

    /// Logits `[n, 1, 1, classes]` of a batch in evaluation mode.
    pub fn logits(&mut self, x: &Tensor) -> &Tensor {
        self.settle();
        self.model.forward(x, &Pass { training: false, seed: 0, step: 0 })
    }

    /// The network. Forward weights are those of the last step or evaluation.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Bytes that it takes while it trains, activations included.
    pub fn bytes(&self) -> usize {
        self.model.parameter_bytes() + self.model.activation_bytes(self.config.batch as usize)
    }

    /// Takes the memory of a batch's activations now, which a step would else take.
    ///
    /// # Errors
    /// [`Error::Config`] where there is not enough.
    pub fn reserve(&mut self) -> Result<()> {
        let batch = self.config.batch;
        self.model.try_reserve(batch as usize).map_err(|_| Error::Config {
            field: "batch",
            expected: format!("memory for {batch} images at a time"),
            found: "too little".into(),
        })
    }

    /// The settings.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The scheme of the settings.
    pub fn quantizer(&self) -> &'static dyn Quantizer {
        self.quantizer
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The time by the trainer's clock, in milliseconds.
    pub fn now(&self) -> f64 {
        (self.clock)()
    }

    /// Where the time of the steps went.
    pub fn phases_mut(&mut self) -> &mut Phases {
        &mut self.phases
    }

    /// Every parameter with its layer's name, to overwrite its value; the forward weights follow.
    pub fn set_params(&mut self, mut set: impl FnMut(&str, &mut Param)) {
        self.settle();
        self.model.for_each_param_mut(|layer, param| set(layer, param));
        self.stale = true;
        self.refresh_forward_weights();
    }

    /// The levels of every weight tensor, in order: those of the forward weights.
    pub fn levels(&self) -> Vec<Levels> {
        let weights = self.model.params().filter(|(_, param)| param.is_weight());
        weights.map(|(_, param)| metrics::levels(param, self.quantizer, self.config.bits)).collect()
    }

    /// Describes every weight tensor. `levels` are the present [`Trainer::levels`], `before` those to count
    /// changes from.
    pub fn layer_reports(&self, levels: &[Levels], before: &[Levels]) -> Vec<LayerReport> {
        let (quantizer, bits) = (self.quantizer, self.config.bits);
        let weights = self.model.params().filter(|(_, param)| param.is_weight());
        let mut reports = Vec::new();
        for (i, (name, param)) in weights.enumerate() {
            let flips = Flips {
                last_step: self.flips.get(i).copied().unwrap_or(0.0),
                since_epoch: metrics::flipped_share(&levels[i], &before[i]),
            };
            reports.push(metrics::layer_report(
                name,
                param,
                quantizer.quant_max(bits),
                bits,
                &levels[i],
                flips,
            ));
        }
        reports
    }

    /// Brings the forward weights up to date after a step, and counts which of them it moved to another level.
    /// Steps themselves do without the counting.
    pub fn settle(&mut self) {
        if self.stale {
            // The forward weights are still those that the last step used.
            let before = self.levels();
            self.refresh_forward_weights();
            let after = self.levels();
            self.flips =
                after.iter().zip(&before).map(|(now, then)| metrics::flipped_share(now, then)).collect();
        }
    }

    fn refresh_forward_weights(&mut self) {
        if self.stale {
            let start = (self.clock)();
            self.model.quantize(self.quantizer, self.config.bits, self.config.per_layer_scale);
            self.stale = false;
            self.phases.quantize += (self.clock)() - start;
        }
    }
}
