//! How much each layer of a run minds losing bits.

use super::Run;
use super::images::Feed;
use crate::data::{BATCH_CHANNELS, SIDE};
use crate::layers::Pass;
use crate::packed::{self, PICTURE_BYTES};
use crate::predictions::arg_max;
use crate::sensitivity::{self, Cost, IMAGES, Learner, Probe, Sensing};
use crate::{Result, RunConfig, Tensor};

/// Copies of the weights beside those that a network in training has.
const SLOTS: usize = 4;
/// Copies of a batch's values: they themselves, those that relevance remembers, and the relevance.
const VALUES: usize = 3;

impl Run {
    /// Begins to measure it, by the way of that name in [`SENSITIVITIES`](crate::sensitivity::SENSITIVITIES), over the master
    /// weights as they are now. The run is free to go on meanwhile. `images` are in a batch; 0: [`IMAGES`].
    ///
    /// # Errors
    /// [`crate::Error::Config`] for an unknown name, [`crate::Error::Data`] for a run without its images.
    pub fn sensing(&mut self, name: &str, images: usize) -> Result<Sensing> {
        let sensitivity = sensitivity::find(name)?;
        let probe = self.probe(images)?;
        Sensing::new(sensitivity, probe, || self.learner())
    }

    /// A copy that trains on at the rate of now and notes every step, its bits as they are.
    pub(crate) fn learner(&mut self) -> Result<Learner> {
        let config = RunConfig { rebits: 0, ..self.config().clone() };
        let mut trainer = self.trainer.fork(config)?;
        trainer.note();
        Ok(Learner { trainer, rates: self.rates(self.trainer.steps().saturating_sub(1)) })
    }

    /// What each way of measuring takes here.
    ///
    /// # Errors
    /// As [`Run::sensing`].
    pub fn sensing_costs(&mut self) -> Result<Vec<Cost>> {
        let clock = self.trainer.clock();
        sensitivity::costs(self.probe(0)?, clock)
    }

    /// Bytes that measuring takes for a while, whichever way: a copy, and the values of a batch with those that relevance
    /// keeps beside them.
    pub fn sensing_bytes(&self) -> usize {
        let model = self.trainer.model();
        model.parameter_bytes(SLOTS) + VALUES * model.activation_bytes(IMAGES)
    }

    /// What is looked at.
    pub(crate) fn probe(&mut self, images: usize) -> Result<Probe> {
        self.images.check_present()?;
        let config = self.config().clone();
        let mut full = config.clone();
        full.layers.retain(|_| false);
        full.bits = full.bits.all.into();
        full.set("compute", "f32")?;
        full.set("quantizer", "none")?;
        full.set("granularity", "tensor")?;
        full.set("activations", "none")?;
        full.set("gradients", "none")?;
        let model = self.trainer.copy(&full)?;
        let images = if images == 0 { IMAGES } else { images };
        Ok(Probe::new(model, config, Feed::new(self.images.clone()), images))
    }

    /// How much each pixel of pictures has to do with the class that the network takes each for, by layer-wise relevance
    /// propagation: `[n][32][32]` of `[n][32][32]` pixels R G B A, which count as opaque.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for another number of bytes.
    pub fn heat_maps(&mut self, rgba: &[u8]) -> Result<Vec<f32>> {
        let count = rgba.len() / PICTURE_BYTES;
        packed::check_pictures(rgba, count.max(1))?;
        let mut model = self.trainer.rounded()?;
        model.fold_batch_norm();
        let pixels: Vec<f32> = self.images.normalize.pixels(rgba).flatten().collect();
        let x = Tensor::from_dense([count, SIDE, SIDE, BATCH_CHANNELS], model.input_halo(), &pixels);
        let logits = model.forward(&x, &Pass::EVALUATION);
        let classes: Vec<u16> = logits.data().chunks_exact(logits.c()).map(arg_max).collect();
        Ok(model.relevance(&x, &classes).pixels)
    }
}
