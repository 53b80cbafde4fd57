//! The engine itself: what it is, its memory, its schemes.

use js_sys::Float32Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::error::Result;
use super::{object, to_js};
use crate::kernels;
use crate::quant::SchemeLevels;

#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;

/// Runs everything on the calling worker: for pages that are not cross-origin isolated.
#[wasm_bindgen(js_name = useCurrentThread)]
pub fn use_current_thread() -> std::result::Result<(), JsError> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EngineInfo {
    build: &'static str,
    simd: &'static str,
    threads: usize,
    exact: bool,
    version: &'static str,
}

/// What this build is and how many threads it uses.
#[wasm_bindgen(js_name = engineInfo)]
pub fn engine_info() -> Result<JsValue> {
    let relaxed = cfg!(target_feature = "relaxed-simd");
    let build = match (cfg!(feature = "threads"), relaxed) {
        (false, _) => "single",
        (true, false) => "simd",
        (true, true) => "relaxed",
    };
    to_js(&EngineInfo {
        build,
        simd: kernels::simd_kind(),
        threads: rayon::current_num_threads(),
        exact: !relaxed,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Size of the wasm memory, bytes. It never shrinks.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> f64 {
    core::arch::wasm32::memory_size(0) as f64 * 65_536.0
}

/// Times the kernels whose name or shape contains `filter`, at the models' shapes; takes some seconds.
#[cfg(feature = "bench")]
#[wasm_bindgen(js_name = benchKernels)]
pub fn bench_kernels(filter: &str) -> Result<JsValue> {
    to_js(&on_pool(|| kernels::bench::run(now, filter)))
}

/// The levels that a scheme for weights rounds to with so many bits: `{levels, sampled}`, the first a `Float32Array`.
#[wasm_bindgen(js_name = weightLevels)]
pub fn weight_levels(scheme: &str, bits: u8) -> Result<JsValue> {
    Ok(levels_to_js(&SchemeLevels::of_weights(scheme, bits)?))
}

/// The same of a scheme for activations.
#[wasm_bindgen(js_name = activationLevels)]
pub fn activation_levels(scheme: &str, bits: u8) -> Result<JsValue> {
    Ok(levels_to_js(&SchemeLevels::of_activations(scheme, bits)?))
}

/// There may be 65,536 of them.
fn levels_to_js(SchemeLevels { levels, sampled }: &SchemeLevels) -> JsValue {
    object([("levels", Float32Array::from(levels.as_slice()).into()), ("sampled", (*sampled).into())])
}

/// Does it all on a thread of the pool. The calling worker is not one of them: without this each of the hundred
/// parallel passes of a step would wake it and put it to sleep again.
pub(super) fn on_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let (mut work, mut result) = (Some(work), None);
    call_on_pool(&mut || result = work.take().map(|work| work()));
    result.expect("it was called")
}

/// The same, compiled once for all: rayon has a copy of the work for each way to the pool.
fn call_on_pool(work: &mut (dyn FnMut() + Send)) {
    rayon::scope(|_| work());
}

/// Milliseconds by the worker's clock.
pub(super) fn now() -> f64 {
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance, js_name = now)]
        fn performance_now() -> f64;
    }
    performance_now()
}
