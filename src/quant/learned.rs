//! What quantizers learn: steps and clips, by their logarithms, so that they stay above zero.

use crate::elementary;
use crate::param::{Param, Role};
use crate::state::Visitor;

/// A logarithm that has not been taken from any values yet.
const UNKNOWN: f32 = f32::NAN;

/// Numbers above zero that are learned for some bit width.
pub(super) struct Learned {
    /// Their natural logarithms.
    logs: Param,
    /// The bits that they were learned for: a fork may bring those of other ones.
    learned_bits: u64,
    bits: u64,
}

impl Learned {
    /// So many, none of them known.
    pub fn new(name: &'static str, count: usize, bits: u8) -> Self {
        let mut logs = Param::constant(name, Role::Step, &[count], UNKNOWN);
        logs.decays = false;
        Self { logs, learned_bits: bits.into(), bits: bits.into() }
    }

    /// Whether all have a value, and one for these bits.
    pub fn is_known(&self) -> bool {
        self.learned_bits == self.bits && !self.logs.value.iter().any(|log| log.is_nan())
    }

    /// Starts from these values.
    pub fn start(&mut self, values: impl IntoIterator<Item = f32>) {
        self.logs.value = values.into_iter().map(elementary::ln).collect();
        self.learned_bits = self.bits;
    }

    /// The value at that index.
    pub fn value(&self, index: usize) -> f32 {
        elementary::exp(self.logs.value[index])
    }

    /// All values.
    pub fn values(&self) -> Vec<f32> {
        (0..self.logs.value.len()).map(|index| self.value(index)).collect()
    }

    /// Takes the gradient with respect to the value at that index, `value`.
    pub fn take_gradient(&mut self, index: usize, value: f32, gradient: f64) {
        self.logs.grad[index] = (gradient * f64::from(value)) as f32;
    }

    /// What the optimizer changes.
    pub fn params(&self) -> &[Param] {
        std::slice::from_ref(&self.logs)
    }

    /// The same, to change.
    pub fn params_mut(&mut self) -> &mut [Param] {
        std::slice::from_mut(&mut self.logs)
    }

    /// State besides the parameters.
    pub fn visit(&mut self, visitor: &mut dyn Visitor) {
        visitor.number("bits", &mut self.learned_bits);
    }
}
