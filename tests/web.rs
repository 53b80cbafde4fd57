//! The engine in the browser: what the native tests cannot see.
#![cfg(target_arch = "wasm32")]

use nibble::train::{Clock, Run};
use nibble::{RunConfig, data::synthetic, kernels, metrics::Event};
use std::sync::Arc;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn the_kernels_are_those_of_the_build() {
    let expected = if cfg!(target_feature = "relaxed-simd") { "relaxed-simd" } else { "simd128" };
    assert_eq!(kernels::simd_kind(), expected);
}

#[wasm_bindgen_test]
fn a_step_of_training_has_a_finite_loss() {
    nibble::wasm::use_current_thread().ok();
    let clock: Clock = || 0.0;
    let dataset = Arc::new(synthetic::generate(16, 4, 1).unwrap());
    let config = RunConfig { batch: 8, ..RunConfig::default() };
    let mut run = Run::new(dataset, config, clock).unwrap();
    let Event::Step(step) = run.advance().unwrap() else { panic!("the first unit of work is a step") };
    assert!(step.loss.is_finite() && step.grad_norm > 0.0);
}
