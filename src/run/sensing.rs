//! How much each layer of a run minds losing bits.

use super::Run;
use super::images::Feed;
use crate::Result;
use crate::sensitivity::{self, IMAGES, Probe, Sensing};

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
}
