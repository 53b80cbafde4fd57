//! Runs and what can be asked of them.

use js_sys::{Float32Array, Function, Uint8Array};
use wasm_bindgen::prelude::*;

use super::engine::{now, on_pool};
use super::error::Result;
use super::files::Sink;
use super::{Dataset, Sensing, from_js, object, to_js};
use crate::checkpoint::{self, History};
use crate::export::{self, Content};
use crate::settings::RunConfig;
use crate::{kernels, packed, run};

/// A training run, and what it has reported.
#[wasm_bindgen]
pub struct Run {
    run: run::Run,
    history: History,
}

impl Run {
    pub(super) fn of(run: run::Run, history: History) -> Self {
        Self { run, history }
    }
}

#[wasm_bindgen]
impl Run {
    /// Prepares a run on a data set; `config` is a `RunConfig` in which any field may be absent.
    #[wasm_bindgen(constructor)]
    pub fn new(dataset: &Dataset, config: JsValue) -> Result<Run> {
        let config = changed(&RunConfig::default(), config)?;
        Ok(Self::of(run::Run::new(dataset.0.clone(), config, now)?, History::default()))
    }

    /// What it is.
    pub fn info(&self) -> Result<JsValue> {
        to_js(&self.run.info())
    }

    /// Bytes that it takes while it trains, without its images.
    pub fn bytes(&self) -> f64 {
        self.run.bytes() as f64
    }

    /// Bytes that looking at it takes for a while: copies of it that are quantized, evaluated or packed.
    #[wasm_bindgen(js_name = copyBytes)]
    pub fn copy_bytes(&self) -> f64 {
        self.run.copy_bytes() as f64
    }

    /// Takes most of what it needs to train now, which the first step would else take. Throws where there is not enough.
    pub fn reserve(&mut self) -> Result<()> {
        Ok(self.run.reserve()?)
    }

    /// One training step or one batch of the test pass. Throws an Error of kind `diverged` where loss or gradients
    /// leave the finite numbers; the weights are then those before the step.
    pub fn advance(&mut self) -> Result<JsValue> {
        let event = on_pool(|| self.run.advance())?;
        let told = to_js(&event)?;
        // JavaScript has it as text for the asking.
        self.history
            .add_by(&event, |_| js_sys::JSON::stringify(&told).map_or_else(|_| String::new(), String::from));
        Ok(told)
    }

    /// The weights as they are now.
    #[wasm_bindgen(js_name = layerReports)]
    pub fn layer_reports(&mut self) -> Result<JsValue> {
        to_js(&self.run.layer_reports())
    }

    /// Milliseconds a phase since the last call.
    pub fn phases(&mut self) -> Result<JsValue> {
        to_js(&self.run.take_phases())
    }

    /// An exact copy that goes on with other settings: `config` is a `RunConfig`; what is absent stays as it is.
    pub fn fork(&mut self, config: JsValue) -> Result<Run> {
        let config = changed(self.run.config(), config)?;
        Ok(Self::of(self.run.fork(config)?, self.history.clone()))
    }

    /// Multiplies the layer's largest weight by `factor`. Gives
    /// `{layer, index, before, after, absmaxBefore, absmaxAfter}`.
    #[wasm_bindgen(js_name = injectOutlier)]
    pub fn inject_outlier(&mut self, layer: &str, factor: f32) -> Result<JsValue> {
        to_js(&self.run.inject_outlier(layer, factor)?)
    }

    /// A test pass over a copy of the weights as they are now, quantized by `{quantizer, bits, granularity, fold, equalise,
    /// correct, reestimate, activations, activationBits, calibration}`, of which all but the first three may be absent, or
    /// as the run does it where that is null or absent.
    pub fn evaluator(&mut self, quantization: JsValue) -> Result<Evaluator> {
        Ok(Evaluator(self.run.evaluator(from_js(&quantization)?)?))
    }

    /// Begins to measure how much layers mind losing bits, by the way of that name, with so many images in a batch; 0: as
    /// many as is usual.
    pub fn sensing(&mut self, name: &str, images: usize) -> Result<Sensing> {
        Ok(Sensing(self.run.sensing(name, images)?))
    }

    /// Bytes that measuring takes for a while.
    #[wasm_bindgen(js_name = sensingBytes)]
    pub fn sensing_bytes(&self) -> f64 {
        self.run.sensing_bytes() as f64
    }

    /// What each way takes here: an array of `{name, passes, seconds}`.
    #[wasm_bindgen(js_name = sensingCosts)]
    pub fn sensing_costs(&mut self) -> Result<JsValue> {
        to_js(&on_pool(|| self.run.sensing_costs())?)
    }

    /// How much each pixel of pictures of 32 x 32 x RGBA bytes has to do with the class that each is taken for.
    #[wasm_bindgen(js_name = heatMaps)]
    pub fn heat_maps(&mut self, rgba: &[u8]) -> Result<Float32Array> {
        Ok(Float32Array::from(on_pool(|| self.run.heat_maps(rgba))?.as_slice()))
    }

    /// Images of the last complete test pass, by `{label, predicted, limit}`; an array of
    /// `{index, label, top: [{class, probability}], loss}`.
    pub fn predictions(&self, query: JsValue) -> Result<JsValue> {
        to_js(&self.run.predictions(from_js(&query)?)?)
    }

    /// The network as it is now with weights packed two to a byte; those of an FP32 run are quantized to 4 bits.
    pub fn packed(&mut self) -> Result<PackedModel> {
        Ok(PackedModel(self.run.packed()?))
    }

    /// Writes it as a file, piece by piece, by `write(bytes)`, which takes a `Uint8Array`; with `notes`, which
    /// [`LoadedRun::history`] gives back.
    pub fn save(&mut self, notes: String, write: &Function) -> Result<()> {
        self.history.notes = notes;
        let mut out = Sink(write).buffered();
        checkpoint::write(&mut self.run, &self.history, &mut out)?;
        Ok(())
    }

    /// The same with its images, whichever they are, for programs that have none of their own.
    #[wasm_bindgen(js_name = saveWithImages)]
    pub fn save_with_images(&mut self, write: &Function) -> Result<()> {
        let mut out = Sink(write).buffered();
        checkpoint::write_with_images(&mut self.run, &self.history, kernels::simd_kind(), &mut out)?;
        Ok(())
    }

    /// The network as it is now in a file of another program, by the name of a target: `{extension, mime, bytes}`, the
    /// last a `Uint8Array`.
    pub fn export(&mut self, target: &str) -> Result<JsValue> {
        let target = export::find(target)?;
        let artifact = (target.write)(&self.run.network())?;
        let Content::File { mime, bytes } = artifact.content else {
            unreachable!("the engine writes no folder")
        };
        Ok(object([
            ("extension", artifact.extension.into()),
            ("mime", mime.into()),
            ("bytes", Uint8Array::from(bytes.as_slice()).into()),
        ]))
    }

    /// The weights of a layer, filter by filter: `{count, height, width, channels, latent, quantized}`, the last
    /// two a `Float32Array` `[count][height][width][channels]`.
    pub fn filters(&mut self, layer: &str) -> Result<JsValue> {
        let filters = self.run.filters(layer)?;
        let size = |size: usize| (size as f64).into();
        let values = |values: &[f32]| Float32Array::from(values).into();
        Ok(object([
            ("count", size(filters.count)),
            ("height", size(filters.height)),
            ("width", size(filters.width)),
            ("channels", size(filters.channels)),
            ("latent", values(&filters.latent)),
            ("quantized", values(&filters.quantized)),
        ]))
    }

    /// One of the grids of a layer, by its number, and the weights on it: a `GridReport`.
    #[wasm_bindgen(js_name = gridReport)]
    pub fn grid_report(&mut self, layer: &str, grid: usize) -> Result<JsValue> {
        to_js(&self.run.grid_report(layer, grid)?)
    }

    /// What the ReLUs give for some test images: an array of `ActivationReport`.
    #[wasm_bindgen(js_name = activationReports)]
    pub fn activation_reports(&mut self) -> Result<JsValue> {
        to_js(&on_pool(|| self.run.activation_reports())?)
    }
}

/// A test pass over a copy of a run's weights.
#[wasm_bindgen]
pub struct Evaluator(run::Evaluator);

#[wasm_bindgen]
impl Evaluator {
    /// One batch, or as much of what comes before: `{done, total, result}`, where `result` is null until all images are
    /// done, and `{loss, accuracy, bits}` then.
    pub fn advance(&mut self) -> Result<JsValue> {
        to_js(&on_pool(|| self.0.advance()))
    }
}

/// A network with packed weights, for one picture at a time.
#[wasm_bindgen]
pub struct PackedModel(packed::PackedModel);

#[wasm_bindgen]
impl PackedModel {
    /// `{packedBytes, fp32Bytes, layers: [{name, bits, packedBytes, fp32Bytes}]}`.
    pub fn info(&self) -> Result<JsValue> {
        to_js(self.0.info())
    }

    /// Every class of a picture of 32 x 32 x RGBA bytes, the likeliest first: `[{class, probability}]`.
    pub fn classify(&self, rgba: &[u8]) -> Result<JsValue> {
        to_js(&self.0.classify(rgba)?)
    }
}

/// `config` with the fields that an object of JavaScript has.
fn changed(config: &RunConfig, changes: JsValue) -> Result<RunConfig> {
    Ok(config.with(from_js(&changes)?)?)
}
