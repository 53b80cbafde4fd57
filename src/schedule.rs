//! Learning-rate schedules: one line in [`SCHEDULES`] each.

use std::f64::consts::PI;

use crate::registry::{Entry, Named, Registry, told};
use crate::{Result, elementary};

/// Epochs in which the published schedule falls to 0 (and then climbs).
const PUBLISHED_T_MAX: f64 = 100.0;
/// Share of a run in which one-cycle rises.
const ONE_CYCLE_RISE: f64 = 0.3;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At {
    /// Training steps done.
    pub step: u64,
    /// Training steps in all.
    pub steps: u64,
    /// Epochs done.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Share of the run in which a rate warms up, where it does.
    pub warm_up: f64,
}

/// What a schedule says for a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Share of the setting's learning rate.
    pub lr: f64,
    /// The momentum, where the schedule has its own.
    pub momentum: Option<f64>,
}

impl Rates {
    fn of(lr: f64) -> Self {
        Self { lr, momentum: None }
    }
}

/// A registered rule.
pub struct Schedule {
    /// Its name and description.
    pub entry: Entry,
    /// Its rates at a step.
    pub rates: fn(&At) -> Rates,
}

impl Named for Schedule {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every rule that a run can use.
pub static SCHEDULES: Registry<Schedule> = Registry::new("schedule", OWN);

const OWN: &[Schedule] = &[
    Schedule {
        entry: Entry {
            name: "cosine",
            label: told("Cosine, falling"),
            about: told("Cosine annealing from the initial rate towards 0 at the end of the run"),
        },
        rates: |at| Rates::of(cosine(f64::from(at.epoch) / f64::from(at.epochs))),
    },
    Schedule {
        entry: Entry {
            name: "cosine_climbing",
            label: told("Cosine, as published"),
            about: told("Cosine with a half-period of 100 epochs: falls to 0 at epoch 100, then climbs back"),
        },
        rates: |at| Rates::of(cosine(f64::from(at.epoch) / PUBLISHED_T_MAX)),
    },
    Schedule {
        entry: Entry {
            name: "one_cycle",
            label: told("One cycle"),
            about: told(
                "Rises from a 25th to the full rate in 30 % of the steps, then falls to nearly 0; the momentum does the opposite",
            ),
        },
        rates: one_cycle,
    },
    Schedule {
        entry: Entry {
            name: "warmup_linear",
            label: told("Warm-up, linear"),
            about: told(
                "Rises in the first steps, 5 % of them unless told otherwise, then falls in a straight line to 0",
            ),
        },
        rates: |at| {
            let warm_up = (at.warm_up * at.steps as f64).round().max(1.0);
            let (step, steps) = (at.step as f64, at.steps as f64);
            Rates::of(if step < warm_up {
                (step + 1.0) / warm_up
            } else {
                ((steps - step) / (steps - warm_up)).max(0.0)
            })
        },
    },
    Schedule {
        entry: Entry {
            name: "steps",
            label: told("Steps"),
            about: told("The full rate, a tenth from half of the epochs on, a hundredth from three quarters"),
        },
        rates: |at| {
            let done = f64::from(at.epoch) / f64::from(at.epochs);
            Rates::of(match done {
                ..0.5 => 1.0,
                ..0.75 => 0.1,
                _ => 0.01,
            })
        },
    },
];

/// `(1 + cos(pi t)) / 2` (arXiv 1608.03983, equation 5).
fn cosine(t: f64) -> f64 {
    0.5 * (1.0 + elementary::cos(PI * t))
}

/// arXiv 1708.07120 as PyTorch's OneCycleLR does it: cosine from 1/25 to 1 and on to 1/250,000, the momentum from 0.95 to
/// 0.85 and back.
fn one_cycle(at: &At) -> Rates {
    let last = (at.steps as f64 - 1.0).max(1.0);
    let peak = (ONE_CYCLE_RISE * at.steps as f64 - 1.0).clamp(0.0, last);
    let step = (at.step as f64).min(last);
    let between = |from: f64, to: f64, share: f64| to + (from - to) * cosine(share);
    let (low, least) = (1.0 / 25.0, 1.0 / 25.0 / 1e4);
    if step <= peak && peak > 0.0 {
        let share = step / peak;
        Rates { lr: between(low, 1.0, share), momentum: Some(between(0.95, 0.85, share)) }
    } else {
        let share = (step - peak) / (last - peak).max(1.0);
        Rates { lr: between(1.0, least, share), momentum: Some(between(0.85, 0.95, share)) }
    }
}

/// The rule of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Schedule> {
    SCHEDULES.find(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lr(name: &str, epoch: u32, epochs: u32) -> f64 {
        let at =
            At { step: u64::from(epoch) * 10, steps: u64::from(epochs) * 10, epoch, epochs, warm_up: 0.05 };
        (find(name).unwrap().rates)(&at).lr
    }

    #[test]
    fn published_schedule_climbs_and_the_default_only_falls() {
        assert_eq!(lr("cosine_climbing", 0, 150), 1.0);
        assert!(lr("cosine_climbing", 100, 150) < 1e-12);
        assert!((lr("cosine_climbing", 150, 150) - 0.5).abs() < 1e-12);
        assert_eq!(lr("cosine", 0, 150), 1.0);
        assert!((1..150).all(|e| lr("cosine", e, 150) < lr("cosine", e - 1, 150)));
        assert!(lr("cosine", 149, 150) > 0.0);
    }

    #[test]
    fn every_schedule_stays_within_the_rate_in_runs_of_any_length() {
        for schedule in SCHEDULES.iter() {
            for epochs in [1, 2, 7] {
                for step in 0..epochs * 3 {
                    let at = At {
                        step,
                        steps: epochs * 3,
                        epoch: (step / 3) as u32,
                        epochs: epochs as u32,
                        warm_up: 0.05,
                    };
                    let Rates { lr, momentum } = (schedule.rates)(&at);
                    assert!((0.0..=1.0).contains(&lr), "{} at {at:?}: {lr}", schedule.entry.name);
                    assert!(momentum.is_none_or(|m| (0.85..=0.95).contains(&m)), "{momentum:?}");
                }
            }
        }
    }
}
