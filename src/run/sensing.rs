//! How much each layer of a run minds losing bits.

use std::ops::Range;

use super::Run;
use super::images::Feed;
use crate::layers::Pass;
use crate::sensitivity::{self, IMAGES, Probe, Sensing};
use crate::{Result, Tensor};

impl Run {
    /// Begins to measure it, by the way of that name in [`SENSITIVITIES`](crate::sensitivity::SENSITIVITIES), over the master
    /// weights as they are now. The run is free to go on meanwhile. `images` are in a batch; 0: [`IMAGES`].
    ///
    /// # Errors
    /// [`crate::Error::Config`] for an unknown name, [`crate::Error::Data`] for a run without its images.
    pub fn sensing(&mut self, name: &str, images: usize) -> Result<Sensing> {
        let sensitivity = sensitivity::find(name)?;
        Sensing::new(sensitivity, self.probe(images)?)
    }

    /// What is looked at.
    pub(crate) fn probe(&mut self, images: usize) -> Result<Probe> {
        self.images.check_present()?;
        let config = self.config().clone();
        let mut full = config.clone();
        full.layers.retain(|_| false);
        full.bits = full.bits.all.into();
        full.set("quantizer", "none")?;
        full.set("granularity", "tensor")?;
        full.set("activations", "none")?;
        full.set("gradients", "none")?;
        let model = self.trainer.copy(&full)?;
        let images = if images == 0 { IMAGES } else { images };
        Ok(Probe::new(model, config, Feed::new(self.images.clone()), images))
    }

    /// How much each pixel of some tested images has to do with the class that the network takes the image for, by layer-wise
    /// relevance propagation: `[images][32][32]`.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for a run without its images.
    ///
    /// # Panics
    /// For images that there are not.
    pub fn heat_maps(&mut self, places: Range<usize>) -> Result<Vec<f32>> {
        self.images.check_present()?;
        let mut model = self.trainer.rounded()?;
        model.fold_batch_norm();
        let (mut x, mut labels) = (Tensor::default(), Vec::new());
        self.images.test_batch(places, model.input_halo(), &mut x, &mut labels);
        let logits = model.forward(&x, &Pass::EVALUATION);
        let largest = |row: &[f32]| {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.map_or(0, |(class, _)| class as u16)
        };
        let classes: Vec<u16> = logits.data().chunks_exact(logits.c()).map(largest).collect();
        Ok(model.relevance(&x, &classes).pixels)
    }
}
