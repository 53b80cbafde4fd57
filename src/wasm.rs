//! The JavaScript surface: every JS type lives here. Handles go in, small plain values come out.

use std::io;
use std::sync::Arc;

use js_sys::{Function, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::config::{Entry, RunConfig};
use crate::data::loader::Loader;
use crate::data::{self, synthetic};
use crate::{kernels, models, optim, quant, train};

/// Largest piece of a file read at once, bytes.
const READ_CHUNK: u64 = 1 << 20;

#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// Runs everything on the calling worker: for pages that are not cross-origin isolated.
#[wasm_bindgen(js_name = useCurrentThread)]
pub fn use_current_thread() -> Result<(), JsError> {
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
pub fn engine_info() -> Result<JsValue, JsError> {
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

#[derive(Serialize)]
struct Registry {
    models: Vec<&'static Entry>,
    quantizers: Vec<&'static Entry>,
    schedules: Vec<&'static Entry>,
    defaults: RunConfig,
}

/// Every named choice, for menus, and the default settings.
#[wasm_bindgen]
pub fn registry() -> Result<JsValue, JsError> {
    to_js(&Registry {
        models: models::MODELS.iter().map(|preset| &preset.entry).collect(),
        quantizers: quant::QUANTIZERS.iter().map(|scheme| &scheme.entry).collect(),
        schedules: optim::SCHEDULES.iter().map(|schedule| &schedule.entry).collect(),
        defaults: RunConfig::default(),
    })
}

/// Times the kernels whose name or shape contains `filter`, at the models' shapes; takes some seconds.
#[wasm_bindgen(js_name = benchKernels)]
pub fn bench_kernels(filter: &str) -> Result<JsValue, JsError> {
    to_js(&kernels::bench::run(now, filter))
}

/// Gathers files into a data set.
#[wasm_bindgen]
#[derive(Default)]
pub struct DatasetLoader {
    loader: Loader,
}

#[wasm_bindgen]
impl DatasetLoader {
    /// One without files.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one file or archive. `read(offset, length)` returns a `Uint8Array` of that part of it;
    /// `progress(bytes)`, where given, is called as it goes.
    #[wasm_bindgen(js_name = addFile)]
    pub fn add_file(
        &mut self,
        name: &str,
        size: f64,
        read: Function,
        progress: Option<Function>,
    ) -> Result<(), JsError> {
        let reader = JsReader { read, progress, offset: 0, size: size as u64 };
        Ok(self.loader.add(name, size as u64, reader)?)
    }

    /// Ends the gathering.
    pub fn finish(self) -> Result<Dataset, JsError> {
        Ok(Dataset(Arc::new(self.loader.finish()?)))
    }
}

/// A file that JavaScript reads piece by piece.
struct JsReader {
    read: Function,
    progress: Option<Function>,
    offset: u64,
    size: u64,
}

impl io::Read for JsReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = (buffer.len() as u64).min(READ_CHUNK).min(self.size - self.offset);
        if length == 0 {
            return Ok(0);
        }
        let failed = |error: JsValue| io::Error::other(format!("{error:?}"));
        let (offset, wanted) = (JsValue::from(self.offset as f64), JsValue::from(length as f64));
        let bytes = self.read.call2(&JsValue::NULL, &offset, &wanted).map_err(failed)?;
        let bytes = Uint8Array::new(&bytes);
        let count = bytes.length() as usize;
        if count == 0 || count > buffer.len() {
            return Err(io::Error::other(format!("{count} bytes where {length} were asked for")));
        }
        bytes.copy_to(&mut buffer[..count]);
        self.offset += count as u64;
        if let Some(progress) = &self.progress {
            progress.call1(&JsValue::NULL, &JsValue::from(self.offset as f64)).map_err(failed)?;
        }
        Ok(count)
    }
}

/// A loaded or generated data set.
#[wasm_bindgen]
pub struct Dataset(Arc<data::Dataset>);

#[wasm_bindgen]
impl Dataset {
    /// The built-in set.
    pub fn synthetic(train: u32, test: u32, seed: u32) -> Result<Dataset, JsError> {
        let dataset = synthetic::generate(train as usize, test as usize, u64::from(seed))?;
        Ok(Self(Arc::new(dataset)))
    }

    /// What it is.
    pub fn info(&self) -> Result<JsValue, JsError> {
        to_js(&self.0.info())
    }

    /// Pixels of one image: 32 x 32 x RGBA bytes. `split` is `train` or `test`.
    pub fn image(&self, split: &str, index: u32) -> Result<js_sys::Uint8ClampedArray, JsError> {
        let split = self.split(split, index)?;
        Ok(js_sys::Uint8ClampedArray::from(split.rgba(index as usize).as_slice()))
    }

    /// Class of one image.
    pub fn label(&self, split: &str, index: u32) -> Result<u8, JsError> {
        Ok(self.split(split, index)?.label(index as usize))
    }

    fn split(&self, name: &str, index: u32) -> Result<&data::Split, JsError> {
        let split = match name {
            "train" => &self.0.train,
            "test" => &self.0.test,
            _ => return Err(JsError::new(&format!("split: expected train or test, found {name}"))),
        };
        if index as usize >= split.len() {
            let expected = format!("index: expected below {}, found {index}", split.len());
            return Err(JsError::new(&expected));
        }
        Ok(split)
    }
}

/// A training run.
#[wasm_bindgen]
pub struct Run(train::Run);

#[wasm_bindgen]
impl Run {
    /// Prepares a run on a data set; `config` is a `RunConfig` in which any field may be absent.
    #[wasm_bindgen(constructor)]
    pub fn new(dataset: &Dataset, config: JsValue) -> Result<Run, JsError> {
        let config: RunConfig = serde_wasm_bindgen::from_value(config)?;
        Ok(Self(train::Run::new(dataset.0.clone(), config, now)?))
    }

    /// What it is.
    pub fn info(&self) -> Result<JsValue, JsError> {
        to_js(&self.0.info())
    }

    /// One training step or one batch of the test pass.
    pub fn advance(&mut self) -> Result<JsValue, JsError> {
        to_js(&self.0.advance()?)
    }

    /// The weights as they are now.
    #[wasm_bindgen(js_name = layerReports)]
    pub fn layer_reports(&mut self) -> Result<JsValue, JsError> {
        to_js(&self.0.layer_reports())
    }

    /// Milliseconds a phase since the last call.
    pub fn phases(&mut self) -> Result<JsValue, JsError> {
        to_js(&self.0.take_phases())
    }
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, JsError> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}

/// Milliseconds by the worker's clock.
fn now() -> f64 {
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance, js_name = now)]
        fn performance_now() -> f64;
    }
    performance_now()
}
