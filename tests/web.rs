//! The engine in the browser: every kernel against the oracle, data, and a step of training, in each build. That
//! threads change nothing is asked on the page itself (tests/e2e), where there is a pool.
#![cfg(target_arch = "wasm32")]

#[path = "support/data.rs"]
mod data;
#[path = "support/deploy.rs"]
mod deploy;
#[cfg(not(any(target_feature = "relaxed-simd", feature = "threads")))]
#[path = "support/digest.rs"]
mod digest;
#[path = "support/kernels.rs"]
mod oracle;
#[path = "support/surface.rs"]
mod surface;

use nibble::kernels::{self, Isa};
use nibble::run::Run;
use nibble::train::Clock;
use nibble::{RunConfig, data::synthetic, metrics::Event};
use std::sync::Arc;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The threads builds need a pool: that of this one worker.
fn for_each_isa(check: impl Fn(&str)) {
    nibble::wasm::use_current_thread().ok();
    assert!(oracle::for_each_isa(check) >= 1);
}

#[wasm_bindgen_test]
fn convolutions_match_the_oracle() {
    for_each_isa(oracle::conv3x3_matches_oracle);
    for_each_isa(oracle::conv5x5_matches_oracle);
}

#[wasm_bindgen_test]
fn linear_layers_match_the_oracle() {
    for_each_isa(oracle::linear_matches_oracle);
}

#[wasm_bindgen_test]
fn batch_norm_matches_the_oracle() {
    for_each_isa(oracle::batch_norm_matches_oracle);
    for_each_isa(oracle::batch_norm_chooses_as_max_pool_does);
}

#[wasm_bindgen_test]
fn passes_over_activations_match_the_oracle() {
    for_each_isa(oracle::pointwise_matches_oracle);
}

#[wasm_bindgen_test]
fn passes_over_weights_match_the_oracle() {
    for_each_isa(oracle::weights_match_oracle);
    for_each_isa(oracle::latents_match_oracle);
    for_each_isa(oracle::soft_clip_is_tanh_everywhere);
}

#[wasm_bindgen_test]
fn deployed_weights_match_the_oracle() {
    for_each_isa(deploy::deployed_matches_oracle);
}

#[wasm_bindgen_test]
fn exact_kernels_give_the_committed_bits() {
    nibble::wasm::use_current_thread().ok();
    assert!(Isa::Simd128.is_exact() && Isa::available().contains(&Isa::Simd128));
    Isa::Simd128.select();
    assert_eq!(oracle::digest(&oracle::fingerprint()), oracle::EXACT_DIGEST);
    Isa::available()[0].select();
}

/// Once is enough: in the build that is tested beside the others. The page's tests ask whether threads change anything.
#[cfg(not(any(target_feature = "relaxed-simd", feature = "threads")))]
#[wasm_bindgen_test]
fn exact_trainings_compute_what_they_always_did() {
    nibble::wasm::use_current_thread().ok();
    digest::trainings_compute_what_they_always_did();
}

#[wasm_bindgen_test]
fn random_data_is_the_same_as_natively() {
    data::random_data_is_the_same_everywhere();
}

#[wasm_bindgen_test]
fn pickles_read() {
    data::pickles_read();
}

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
