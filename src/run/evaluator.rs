//! A test pass over a copy of a run's weights.

use std::collections::VecDeque;

use serde::Serialize;

use super::Totals;
use super::after_training::Preparation;
use super::images::{Feed, Images};
use crate::Result;
use crate::data::mirror;
use crate::layers::Pass;
use crate::loss::cross_entropy;
use crate::model::Model;
use crate::quant;
use crate::settings::RunConfig;

/// Images at a time. An evaluator has activations of its own, beside those of the run in training: small batches
/// keep them small, and a batch of this size is as fast an image as a larger one.
pub(super) const BATCH: usize = 32;

/// Bits of a weight without a grid.
const FP32_BITS: u8 = 32;

/// How far an [`Evaluator`] is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Progress {
    /// Test images done.
    pub done: usize,
    /// Test images.
    pub total: usize,
    /// Once all are done.
    pub result: Option<Evaluation>,
}

/// What the whole test set gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share classified rightly.
    pub accuracy: f64,
    /// Bits of a weight; 32 without a grid.
    pub bits: u8,
}

/// A test pass of its own, over a copy of a run's weights.
pub struct Evaluator {
    model: Model,
    feed: Feed,
    bits: u8,
    /// Each image is seen mirrored as well, and the mean of both logits counts.
    mirrored: bool,
    /// What is to be done before the first image.
    preparations: VecDeque<Box<dyn Preparation>>,
    totals: Totals,
}

impl Evaluator {
    pub(super) fn new(
        model: Model,
        images: Images,
        config: &RunConfig,
        preparations: Vec<Box<dyn Preparation>>,
    ) -> Result<Self> {
        let full = quant::find(&config.quantizer)?.format == quant::Format::Full;
        Ok(Self {
            model,
            feed: Feed::new(images),
            bits: if full { FP32_BITS } else { config.bits.all },
            mirrored: false,
            preparations: preparations.into(),
            totals: Totals::default(),
        })
    }

    /// Has it see each image mirrored too, and take the mean of both logits (test-time augmentation).
    pub fn mirrored(mut self) -> Self {
        self.mirrored = true;
        self
    }

    /// Has it see the test set, also for a run that keeps training images aside and is tested on these.
    pub fn on_test_set(mut self) -> Self {
        self.feed.images.test_on_test_set();
        self
    }

    /// Classifies the next batch of test images, once the network is prepared. When all are done it gives the result
    /// again.
    pub fn advance(&mut self) -> Progress {
        let total = self.feed.images.test_len();
        if let Some(preparation) = self.preparations.front_mut() {
            if preparation.advance(&mut self.model, &mut self.feed) {
                self.preparations.pop_front();
            }
            return Progress { done: 0, total, result: None };
        }
        let Feed { images, x, labels } = &mut self.feed;
        let start = self.totals.images;
        let end = (start + BATCH).min(total);
        if start < end {
            let halo = self.model.input_halo();
            images.test_batch(start..end, halo, x, labels);
            let logits = self.model.forward(x, &Pass::EVALUATION);
            let loss = if self.mirrored {
                let mut mean = logits.clone();
                mirror(x);
                let mirrored = self.model.forward(x, &Pass::EVALUATION).data();
                mean.data_mut().iter_mut().zip(mirrored).for_each(|(a, b)| *a = (*a + b) / 2.0);
                cross_entropy(&mean, labels, None)
            } else {
                cross_entropy(logits, labels, None)
            };
            self.totals.add(loss, end - start);
        }
        let result =
            Evaluation { loss: self.totals.mean_loss(), accuracy: self.totals.accuracy(), bits: self.bits };
        Progress { done: end, total, result: (end == total).then_some(result) }
    }
}
