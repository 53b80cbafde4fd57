//! What quantizers learn: steps and clips, as logarithms, so that they stay above zero.

use crate::param::{Param, Role};

/// A logarithm that has not been taken from any values yet.
pub(super) const UNKNOWN: f32 = f32::NAN;

/// So many unknown logarithms, which do not decay.
pub(super) fn logarithms(name: &'static str, count: usize) -> Param {
    let mut param = Param::constant(name, Role::Step, &[count], UNKNOWN);
    param.decays = false;
    param
}
