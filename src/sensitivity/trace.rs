//! HAWQ-V2 (arXiv 1911.03852): the trace of each layer's part of the Hessian, by Hutchinson's estimator.

use super::hessian::signs;
use super::probe::BACKWARD;
use super::{Found, Measure, Probe, Sensitivity, proportional};
use crate::Result;
use crate::kernels::weights::sum_of_squares;
use crate::registry::{Entry, told};

pub(super) const SENSITIVITY: Sensitivity = Sensitivity {
    entry: Entry {
        name: "trace",
        label: told("Mean curve (HAWQ-V2)"),
        about: told(
            "The mean curvature of the loss over a layer's weights: the trace of its part of the Hessian over their number",
        ),
    },
    source: "arXiv 1911.03852, sections 3.1 and 3.2",
    unit: "trace a weight",
    passes: |_| Ok(DRAWS * (1 + BACKWARD)),
    learns: false,
    begin: |probe| {
        probe.look_at(0);
        Ok(Box::new(Trace { draws: vec![Vec::new(); probe.len()] }))
    },
};

/// Vectors of signs that are drawn.
const DRAWS: usize = 32;

/// With the Hessian of a layer written as `B B^T`, `B = J^T S^(1/2)`, its trace is the mean of `|B u|^2` over vectors of signs
/// u, one sign for each logit: a single backward pass gives it for all layers.
struct Trace {
    /// Of each layer what each draw gave.
    draws: Vec<Vec<f64>>,
}

impl Measure for Trace {
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>> {
        let draw = self.draws[0].len();
        let count = probe.logit_count();
        let u = signs(0, count, draw as u64);
        let root = (probe.images() as f64).sqrt();
        // diag(p) - p p^T is the square of diag(sqrt p) - p sqrt(p)^T.
        let (gradients, _) = probe.pull_back(|p, at, out| {
            let along: f64 = p.iter().zip(&u[at..]).map(|(p, u)| p.sqrt() * f64::from(*u)).sum();
            for ((out, p), u) in out.iter_mut().zip(p).zip(&u[at..]) {
                *out = root * (p.sqrt() * f64::from(*u) - p * along);
            }
        })?;
        for (draws, gradient) in self.draws.iter_mut().zip(gradients) {
            draws.push(sum_of_squares(&gradient));
        }
        if draw + 1 < DRAWS {
            return Ok(None);
        }
        let layers = self.draws.iter().enumerate().map(|(layer, draws)| {
            let count = probe.weights(layer).len() as f64;
            let [mean, deviation] = super::mean_and_deviation(draws);
            let value = mean / count;
            let error = deviation / (draws.len() as f64).sqrt() / count;
            let damage = proportional(value / 2.0, error / 2.0, &probe.perturbations(layer)?);
            Ok(Found { value, spread: Some(error), damage })
        });
        layers.collect::<Result<_>>().map(Some)
    }
}
