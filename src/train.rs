//! The training step.

mod rebits;

use std::sync::Arc;

use crate::kernels::weights;
use crate::layers::{Param, Pass, Role, Slot};
use crate::loss::Loss;
use crate::metrics::{self, Flips, LayerReport, Levels, Phases};
use crate::model::{Description, Model};
use crate::optim::{self, Optimizer, Update};
use crate::schedule::Rates;
use crate::settings::RunConfig;
use crate::state::{self, Snapshot, Visitor};
use crate::task::{self, Task};
use crate::{Error, Result, Tensor};

use rebits::{Notes, is_noted};

/// A clock: milliseconds since some fixed moment.
pub type Clock = fn() -> f64;

/// Where the average of a parameter's values is kept.
const AVERAGE: &str = "average";
/// Rounded weights that are rounded again are within this share of themselves: a scale has an epsilon.
const SAME: f32 = 1e-5;
/// What stands there until a step has been averaged.
const NO_AVERAGE: f32 = f32::NAN;

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
    description: Description,
    model: Model,
    task: Arc<dyn Task>,
    optimizer: &'static dyn Optimizer,
    /// Steps done.
    step: u64,
    /// Steps that the optimizer has done: less where it was changed on the way.
    optimizer_step: u64,
    /// The forward weights do not belong to the present master weights.
    stale: bool,
    /// Share of each tensor's weights that the last step moved to another level; empty if that is none.
    flips: Vec<f64>,
    /// What bits are chosen by, where the settings want that.
    notes: Option<Notes>,
    clock: Clock,
    phases: Phases,
}

impl Trainer {
    /// Builds the network and its initial weights.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range, [`Error::Model`] for layers that do not fit.
    pub fn new(description: Description, clock: Clock) -> Result<Self> {
        let config = &description.config;
        config.validate()?;
        let mut model = Model::new(&description)?;
        model.time_products(clock);
        if config.ema > 0.0 {
            model.for_each_param_mut(|_, param| {
                param.slots.push(Slot { name: AVERAGE, values: vec![NO_AVERAGE; param.value.len()] });
            });
        }
        let notes = (config.rebits > 0).then(|| Notes::of(&model));
        if notes.is_some() {
            crate::sensitivity::check(&model, config)?;
        }
        Ok(Self {
            model,
            notes,
            task: task::of(config),
            optimizer: optim::find(&config.optimizer)?.optimizer,
            step: 0,
            optimizer_step: 0,
            stale: true,
            flips: Vec::new(),
            phases: Phases::default(),
            description,
            clock,
        })
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// A copy of the weights, the optimizer and the running statistics that goes on by the rules of `config`.
    /// With an equal configuration it does, bit for bit, what the original will do.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn fork(&mut self, config: RunConfig) -> Result<Self> {
        self.settle();
        let mut fork = Self::new(self.description.with(config), self.clock)?;
        Snapshot::of(|visitor| self.visit(visitor)).restore(|visitor| fork.visit(visitor));
        // Averages of latent variables are none of what they stand for.
        fork.model.take_over(&self.model, |param| {
            let averages = param.slots.iter_mut().filter(|slot| slot.name == AVERAGE);
            averages.for_each(|slot| slot.values.fill(NO_AVERAGE));
        });
        if fork.config().optimizer != self.config().optimizer {
            fork.optimizer_step = 0;
            fork.model.for_each_param_mut(|_, param| param.slots.retain(|slot| slot.name == AVERAGE));
        }
        fork.refresh_forward_weights();
        if fork.levels() == self.levels() {
            fork.flips.clone_from(&self.flips);
        }
        Ok(fork)
    }

    /// Shows everything that a copy needs to go on alike. A visitor may replace the state of a new trainer, before its
    /// first step.
    pub fn visit(&mut self, visitor: &mut dyn Visitor) {
        visitor.number("step", &mut self.step);
        visitor.number("optimizer_step", &mut self.optimizer_step);
        self.model.visit(&slots(self.optimizer, self.config().ema > 0.0), visitor);
        if let Some(notes) = &mut self.notes {
            notes.visit(visitor);
        }
    }

    /// The part of [`Trainer::visit`] that computes.
    pub(crate) fn visit_network(&mut self, visitor: &mut dyn Visitor) {
        self.model.visit(&[], visitor);
    }

    /// Shows what the last step moved to other levels, which reports tell.
    pub(crate) fn visit_flips(&mut self, visitor: &mut dyn Visitor) {
        state::list(visitor, "flips", &mut self.flips, |share| share.to_le_bytes(), f64::from_le_bytes);
    }

    /// After a visitor has put another state in place of that of a new trainer.
    pub(crate) fn restored(&mut self) {
        self.stale = true;
        self.refresh_forward_weights();
    }

    /// The same for a network alone, which was trained for so many steps. What the optimizer knew of them is not there: it
    /// begins anew.
    pub(crate) fn restored_network(&mut self, steps: u64) {
        self.restored();
        self.step = steps;
    }

    /// Whether these can be levels of the weights, in their order.
    pub(crate) fn levels_fit(&self, levels: &[Levels]) -> bool {
        let weights = self.model.params().filter(|(_, param)| param.is_weight());
        weights.zip(levels).all(|((_, param), levels)| {
            levels.len() == if param.quantizer.is_some() { param.value.len() } else { 0 }
        })
    }

    /// One step on the batch `x` `[n, 32, 32, 4]` with the halo that the model asks for: the only place where its order
    /// is written.
    ///
    /// # Errors
    /// [`Error::Diverged`] if loss or gradients are not finite; the weights are then those before the step.
    pub fn step(&mut self, x: &Tensor, labels: &[u16], rates: Rates) -> Result<StepOutcome> {
        self.model.take_products_ms(); // that of evaluations
        self.refresh_forward_weights();
        self.flips.clear();
        let start = (self.clock)();

        let pass = Pass { training: true, seed: self.config().seed, step: self.step };
        self.model.forward(x, &pass);
        let (logits, gradient) = self.model.logits_and_gradient();
        let loss = self.task.loss(logits, labels, Some(gradient));
        let after_forward = (self.clock)();

        self.model.backward(x);
        self.model.quantizer_backward(self.description.config.straight_through);
        let after_backward = (self.clock)();

        let grad_norm = global_norm(&mut self.model);
        if !(loss.mean.is_finite() && grad_norm.is_finite()) {
            return Err(Error::Diverged { step: self.step + 1, loss: loss.mean, grad_norm });
        }
        let rules = self.rules(rates, grad_norm);
        let every = u64::from(self.description.config.rebits);
        let mut notes = self.notes.as_mut().filter(|_| is_noted(self.step, every));
        update(self.optimizer, &mut self.model, &rules, notes.as_deref_mut());
        if let Some(notes) = notes {
            notes.add_loss(loss.mean);
        }
        self.average();
        self.model.end_step();
        self.step += 1;
        self.optimizer_step += 1;
        self.stale = true;

        self.phases.forward += after_forward - start;
        self.phases.backward += after_backward - after_forward;
        self.phases.products += self.model.take_products_ms();
        self.phases.update += (self.clock)() - after_backward;
        Ok(StepOutcome { loss, grad_norm })
    }

    /// What the settings ask of the optimizer in a step.
    fn rules(&self, rates: Rates, grad_norm: f64) -> Rules {
        let config = self.config();
        let factor = if config.grad_clip { optim::clip_factor(grad_norm, config.clip_norm) } else { 1.0 };
        Rules {
            step_lr: rates.lr * config.step_lr,
            decay_norms: config.decay_norms,
            norm_rate: config.norm_rate,
            update: Update {
                step: self.optimizer_step + 1,
                lr: config.lr * rates.lr,
                momentum: rates.momentum.unwrap_or(config.momentum),
                weight_decay: config.weight_decay,
                gradient_scale: factor,
                soft_clip: config.tanh_clip.then_some(config.tanh_limit as f32),
            },
        }
    }

    /// Moves the averages of all values towards the present ones.
    fn average(&mut self) {
        let keep = self.config().ema as f32;
        if keep == 0.0 {
            return;
        }
        self.model.for_each_param_mut(|_, param| {
            let at = param.slot(AVERAGE);
            let average = &mut param.slots[at].values;
            if average.first().is_some_and(|value| value.is_nan()) {
                average.copy_from_slice(&param.value);
            } else {
                weights::add_scaled(average, keep, &param.value, 1.0 - keep);
            }
        });
    }

    /// A copy of the network whose master weights are the averages; `None` before the first step of an average.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn averaged(&mut self) -> Result<Option<Model>> {
        let config = self.config().clone();
        let mut copy = self.copy(&config)?;
        let mut averages = self.model.params().map(|(_, param)| {
            let slot = param.slots.iter().find(|slot| slot.name == AVERAGE);
            slot.map(|slot| &slot.values).filter(|values| !values.iter().any(|value| value.is_nan()))
        });
        let mut complete = true;
        copy.for_each_param_mut(|_, param| match averages.next().flatten() {
            Some(average) => param.changing().value.clone_from(average),
            None => complete = false,
        });
        copy.quantize();
        Ok(complete.then_some(copy))
    }

    /// A copy of the network, quantized by other settings.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn copy(&mut self, config: &RunConfig) -> Result<Model> {
        self.settle();
        // What is done to copies, and looked at in them, is f32.
        let config = RunConfig { compute: "f32".into(), ..config.with_implied() };
        let mut model = Model::new(&self.description.with(config))?;
        Snapshot::of(|visitor| self.model.visit(&[], visitor)).restore(|visitor| model.visit(&[], visitor));
        model.take_over(&self.model, |_| {});
        model.quantize();
        Ok(model)
    }

    /// A copy of the network whose master weights are those that it computes with, wherever the same come out of them again.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn rounded(&mut self) -> Result<Model> {
        let config = self.config().clone();
        let mut model = self.copy(&config)?;
        let weights = |model: &Model| -> Vec<Vec<f32>> {
            let weights = model.params().filter(|(_, param)| param.is_weight());
            weights.map(|(_, param)| param.forward_value().to_vec()).collect()
        };
        let wanted = weights(&model);
        let mut masters = Vec::new();
        let mut at = 0;
        model.for_each_param_mut(|_, param| {
            if param.is_weight() {
                masters.push(std::mem::replace(&mut param.changing().value, wanted[at].clone()));
                at += 1;
            }
        });
        model.quantize();
        let found = weights(&model);
        let (mut masters, mut pairs) = (masters.into_iter(), wanted.iter().zip(&found));
        model.for_each_param_mut(|_, param| {
            if !param.is_weight() {
                return;
            }
            let (master, (wanted, found)) = masters.next().zip(pairs.next()).expect("one a weight");
            let same = |(a, b): (&f32, &f32)| (a - b).abs() <= SAME * a.abs();
            if !wanted.iter().zip(found).all(same) {
                param.changing().value = master;
            }
        });
        model.quantize();
        Ok(model)
    }

    /// Loss and hits of a batch in evaluation mode; nothing changes.
    pub fn evaluate(&mut self, x: &Tensor, labels: &[u16]) -> Loss {
        crate::loss::cross_entropy(self.logits(x), labels, None)
    }

    /// Logits `[n, 1, 1, classes]` of a batch in evaluation mode.
    pub fn logits(&mut self, x: &Tensor) -> &Tensor {
        self.settle();
        self.model.forward(x, &Pass::EVALUATION)
    }

    /// Has the quantizers of activations see a training batch, and nothing else learn from it.
    pub fn measure_activations(&mut self, x: &Tensor) {
        let pass = Pass { training: true, seed: self.config().seed, step: self.step };
        let model = self.settled();
        model.forward(x, &pass);
        model.keep_ranges();
    }

    /// The network. Forward weights are those of the last step or evaluation.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The network, its forward weights up to date, for passes that change no parameter.
    pub fn settled(&mut self) -> &mut Model {
        self.settle();
        &mut self.model
    }

    /// Bytes that it takes while it trains, activations included.
    pub fn bytes(&self) -> usize {
        let slots = slots(self.optimizer, self.config().ema > 0.0).len();
        self.model.parameter_bytes(slots) + self.model.activation_bytes(self.config().batch as usize)
    }

    /// Takes the memory of a batch's activations now, which a step would else take.
    ///
    /// # Errors
    /// [`Error::Config`] where there is not enough.
    pub fn reserve(&mut self) -> Result<()> {
        let batch = self.config().batch;
        self.model.try_reserve(batch as usize).map_err(|_| Error::Config {
            field: "batch",
            expected: format!("memory for {batch} images at a time"),
            found: "too little".into(),
        })
    }

    /// The settings.
    pub fn config(&self) -> &RunConfig {
        &self.description.config
    }

    /// What the network is built from.
    pub fn description(&self) -> &Description {
        &self.description
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
        self.model.for_each_param_mut(|layer, param| set(layer, param.changing()));
        self.stale = true;
        self.refresh_forward_weights();
    }

    /// The levels of every weight tensor, in order: those of the forward weights.
    pub fn levels(&self) -> Vec<Levels> {
        let weights = self.model.params().filter(|(_, param)| param.is_weight());
        weights.map(|(_, param)| metrics::levels(param)).collect()
    }

    /// Describes every weight tensor. `levels` are the present [`Trainer::levels`], `before` those to count
    /// changes from.
    pub fn layer_reports(&self, levels: &[Levels], before: &[Levels]) -> Vec<LayerReport> {
        let weights = self.model.params().filter(|(_, param)| param.is_weight());
        let report = |(i, (name, param)): (usize, (&str, &Param))| {
            let flips = Flips {
                last_step: self.flips.get(i).copied().unwrap_or(0.0),
                since_epoch: metrics::flipped_share(&levels[i], &before[i]),
            };
            metrics::layer_report(name, param, &levels[i], flips)
        };
        weights.enumerate().map(report).collect()
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
            self.model.quantize();
            self.stale = false;
            self.phases.quantize += (self.clock)() - start;
        }
    }
}

/// What a step asks for the whole network; [`update`] makes an [`Update`] of it for each parameter.
struct Rules {
    /// Learning rate of what quantizers learn, as [`Role::Step`].
    step_lr: f64,
    /// Biases and normalisations decay too.
    decay_norms: bool,
    /// Factor on their learning rate.
    norm_rate: f64,
    /// The rest, for a weight.
    update: Update,
}

/// Changes every parameter of a network, and notes what that does to weights.
fn update(optimizer: &dyn Optimizer, model: &mut Model, rules: &Rules, mut notes: Option<&mut Notes>) {
    let mut weights = 0;
    model.for_each_param_mut(|_, param| {
        let before = notes.as_ref().filter(|_| param.is_weight()).map(|_| param.value.clone());
        if param.trainable {
            change(optimizer, param, rules);
        }
        if let Some((notes, before)) = notes.as_mut().zip(before) {
            notes.add_layer(weights, param, before);
            weights += 1;
        }
    });
}

/// Changes one of them.
fn change(optimizer: &dyn Optimizer, param: &mut Param, rules: &Rules) {
    let mut update = rules.update;
    match param.role {
        Role::Weight | Role::Adapter => {}
        Role::Bias | Role::Norm => {
            update.soft_clip = None;
            update.lr *= rules.norm_rate;
            if !rules.decay_norms {
                update.weight_decay = 0.0;
            }
        }
        Role::Latent | Role::Level => update.soft_clip = None,
        Role::Step => update = Update { lr: rules.step_lr, soft_clip: None, ..update },
    }
    if !param.decays {
        update.weight_decay = 0.0;
    }
    optimizer.update(param, &update);
}

/// Euclidean norm of all gradients together; each parameter remembers its own.
fn global_norm(model: &mut Model) -> f64 {
    let mut total = 0.0;
    model.for_each_param_mut(|_, param| {
        let squares = weights::gradient_squares(param.gradient());
        param.grad_norm = squares.sqrt();
        total += squares;
    });
    total.sqrt()
}

/// Names of everything that is kept beside a parameter.
fn slots(optimizer: &dyn Optimizer, averages: bool) -> Vec<&'static str> {
    optimizer.slots().iter().copied().chain(averages.then_some(AVERAGE)).collect()
}
