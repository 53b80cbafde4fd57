//! What the network made of the test images: confusion matrix and the images behind it.

use serde::{Deserialize, Serialize};

use crate::state::Visitor;
use crate::{Error, Result, Tensor, elementary};

/// Classes kept of each image, the likeliest.
pub const TOP: usize = 3;

/// A class and how likely the network takes it to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassProbability {
    /// Index of the class.
    pub class: u16,
    /// Softmax of the logits, 0 to 1.
    pub probability: f32,
}

/// One test image and what the network made of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// Index in the test set.
    pub index: usize,
    /// Its class.
    pub label: u16,
    /// The likeliest classes, the likeliest first: [`TOP`] of them, or all where there are fewer.
    pub top: Vec<ClassProbability>,
    /// Cross-entropy in nats.
    pub loss: f32,
}

/// Which images to show.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Query {
    /// Images of this class.
    #[serde(default)]
    pub label: Option<u32>,
    /// Images taken for this class.
    #[serde(default)]
    pub predicted: Option<u32>,
    /// At most so many.
    pub limit: usize,
}

/// The predictions of one pass over a test set, in the order of its images.
#[derive(Debug, Clone, Default)]
pub struct Predictions {
    classes: usize,
    records: Vec<Record>,
}

/// A [`Prediction`] without its allocation: test sets have thousands.
#[derive(Debug, Clone, Copy)]
struct Record {
    label: u16,
    /// Where there are fewer classes, the surplus is not used.
    top: [ClassProbability; TOP],
    loss: f32,
}

impl Record {
    /// Of a record as bytes: label, loss, and class and probability of each of the likeliest.
    const BYTES: usize = 2 + 4 + TOP * (2 + 4);

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.label.to_le_bytes());
        bytes.extend(self.loss.to_le_bytes());
        for ClassProbability { class, probability } in self.top {
            bytes.extend(class.to_le_bytes());
            bytes.extend(probability.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Self {
        let class = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let float = |at: usize| f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let top = std::array::from_fn(|i| ClassProbability {
            class: class(6 + 6 * i),
            probability: float(8 + 6 * i),
        });
        Self { label: class(0), loss: float(2), top }
    }

    fn predicted(&self) -> u16 {
        self.top[0].class
    }
}

impl Predictions {
    /// Those of a set with so many classes, before its first image.
    pub fn new(classes: usize) -> Self {
        Self { classes, records: Vec::new() }
    }

    /// Adds the next images of the set: their logits `[n, 1, 1, classes]` and classes.
    pub fn add(&mut self, logits: &Tensor, labels: &[u16]) {
        assert_eq!(logits.c(), self.classes, "logits of an image");
        let mut probabilities = vec![0.0; self.classes];
        for (logits, &label) in logits.data().chunks_exact(self.classes).zip(labels) {
            softmax(logits, &mut probabilities);
            // Where the probability is too small for f32, its logarithm is that of the smallest normal number.
            let loss = -elementary::ln(probabilities[usize::from(label)].max(f32::MIN_POSITIVE));
            self.records.push(Record { label, top: likeliest(logits, &probabilities), loss });
        }
    }

    /// Shows the images added so far.
    pub fn visit(&mut self, name: &str, visitor: &mut dyn Visitor) {
        let mut bytes = Vec::with_capacity(self.records.len() * Record::BYTES);
        self.records.iter().for_each(|record| record.write(&mut bytes));
        visitor.bytes(name, &mut bytes);
        self.records = bytes.chunks_exact(Record::BYTES).map(Record::read).collect();
    }

    /// Whether all classes are among those of the set.
    pub(crate) fn fit(&self) -> bool {
        let fits = |class: u16| usize::from(class) < self.classes;
        let top = |record: &Record| record.top[..TOP.min(self.classes)].iter().all(|top| fits(top.class));
        self.records.iter().all(|record| fits(record.label) && top(record))
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Images of class `i` that were taken for class `j`, at `i * classes + j`.
    pub fn confusion(&self) -> Vec<u32> {
        let mut counts = vec![0; self.classes * self.classes];
        for record in &self.records {
            counts[usize::from(record.label) * self.classes + usize::from(record.predicted())] += 1;
        }
        counts
    }

    /// Some of the images, those first that the network is surest of. With a label and a prediction: that cell of
    /// the confusion matrix; with one of them: the mistakes with it; with neither: all mistakes.
    ///
    /// # Errors
    /// [`Error::Config`] for a class that does not exist.
    pub fn select(&self, query: Query) -> Result<Vec<Prediction>> {
        let wanted = |field, class: Option<u32>| match class {
            Some(class) if class as usize >= self.classes => Err(Error::Config {
                field,
                expected: format!("a class below {}", self.classes),
                found: class.to_string(),
            }),
            class => Ok(class),
        };
        let (label, predicted) = (wanted("label", query.label)?, wanted("predicted", query.predicted)?);
        let one_cell = label.is_some() && predicted.is_some();
        let mut found: Vec<(usize, &Record)> = self
            .records
            .iter()
            .enumerate()
            .filter(|(_, record)| label.is_none_or(|label| u32::from(record.label) == label))
            .filter(|(_, record)| predicted.is_none_or(|class| u32::from(record.predicted()) == class))
            .filter(|(_, record)| one_cell || record.label != record.predicted())
            .collect();
        // Stable: images of equal probability stay in the order of the set.
        found.sort_by(|(_, a), (_, b)| b.top[0].probability.total_cmp(&a.top[0].probability));
        let prediction = |(index, record): (usize, &Record)| Prediction {
            index,
            label: record.label,
            top: record.top[..TOP.min(self.classes)].to_vec(),
            loss: record.loss,
        };
        Ok(found.into_iter().take(query.limit).map(prediction).collect())
    }
}

/// Softmax of the logits of one image into `probabilities`, which has the same length.
pub fn softmax(logits: &[f32], probabilities: &mut [f32]) {
    let max = logits.iter().fold(f32::NEG_INFINITY, |max, &x| max.max(x));
    for (p, x) in probabilities.iter_mut().zip(logits) {
        *p = elementary::exp(x - max);
    }
    let sum: f32 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= sum);
}

/// The class of the largest logit; the first of equals.
pub fn arg_max(logits: &[f32]) -> u16 {
    likeliest(logits, logits)[0].class
}

/// The classes of the largest logits, the largest first; the first of equals, as argmax takes it.
fn likeliest(logits: &[f32], probabilities: &[f32]) -> [ClassProbability; TOP] {
    let mut order = [0usize; TOP];
    let mut found = 0;
    for class in 0..logits.len() {
        let at = order[..found].iter().position(|&other| logits[class] > logits[other]).unwrap_or(found);
        if at < TOP {
            found = (found + 1).min(TOP);
            order.copy_within(at..found - 1, at + 1);
            order[at] = class;
        }
    }
    order.map(|class| ClassProbability { class: class as u16, probability: probabilities[class] })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three classes; the logits are natural logarithms of the probabilities, times any factor.
    fn four_images() -> Predictions {
        let rows = [[0.7f32, 0.2, 0.1], [0.1, 0.8, 0.1], [0.05, 0.05, 0.9], [0.6, 0.3, 0.1]];
        let logits: Vec<f32> = rows.iter().flatten().map(|p| (5.0 * p).ln()).collect();
        let mut predictions = Predictions::new(3);
        predictions.add(&Tensor::from_dense([4, 1, 1, 3], 0, &logits), &[0, 0, 0, 1]);
        predictions
    }

    fn indices(predictions: &Predictions, label: Option<u32>, predicted: Option<u32>) -> Vec<usize> {
        let found = predictions.select(Query { label, predicted, limit: 10 }).unwrap();
        found.iter().map(|prediction| prediction.index).collect()
    }

    #[test]
    fn images_are_found_by_label_and_prediction() {
        let predictions = four_images();
        assert_eq!(predictions.confusion(), [1, 1, 1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(indices(&predictions, None, None), [2, 1, 3], "mistakes, the surest first");
        assert_eq!(indices(&predictions, Some(0), Some(0)), [0], "a cell of the diagonal");
        assert_eq!(indices(&predictions, Some(0), Some(1)), [1]);
        assert_eq!(indices(&predictions, Some(0), None), [2, 1]);
        assert_eq!(indices(&predictions, None, Some(0)), [3]);
        assert_eq!(predictions.select(Query { label: None, predicted: None, limit: 1 }).unwrap().len(), 1);
    }

    #[test]
    fn a_prediction_has_its_three_likeliest_classes_and_its_loss() {
        let found = four_images().select(Query { label: Some(1), predicted: None, limit: 1 }).unwrap();
        let classes: Vec<u16> = found[0].top.iter().map(|top| top.class).collect();
        assert_eq!(classes, [0, 1, 2]);
        // Logarithm and exponential of f32: a few roundings.
        assert!((found[0].top[0].probability - 0.6).abs() < 1e-6, "{found:?}");
        assert!((found[0].loss + 0.3f32.ln()).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn equal_logits_go_to_the_first_class_and_two_classes_are_enough() {
        let mut predictions = Predictions::new(2);
        predictions.add(&Tensor::from_dense([1, 1, 1, 2], 0, &[1.0, 1.0]), &[1]);
        let found = predictions.select(Query { label: None, predicted: None, limit: 9 }).unwrap();
        assert_eq!(found[0].top.len(), 2);
        assert_eq!((found[0].top[0].class, found[0].top[0].probability), (0, 0.5));
        let wide = likeliest(&[1.0, 5.0, 2.0, 5.0, 9.0], &[0.0; 5]);
        assert_eq!(wide.map(|top| top.class), [4, 1, 3]);
    }

    #[test]
    fn classes_beyond_a_byte_are_told_apart() {
        let mut logits = vec![0.0; 700];
        logits[699] = 3.0;
        let mut predictions = Predictions::new(700);
        predictions.add(&Tensor::from_dense([1, 1, 1, 700], 0, &logits), &[512]);
        assert_eq!(predictions.confusion()[512 * 700 + 699], 1);
        let query = Query { label: Some(512), predicted: Some(699), limit: 1 };
        let found = predictions.select(query).unwrap();
        assert_eq!((found[0].label, found[0].top[0].class), (512, 699));
    }

    #[test]
    fn a_class_that_does_not_exist_is_named() {
        let error = four_images().select(Query { label: None, predicted: Some(3), limit: 1 }).unwrap_err();
        assert_eq!(error.to_string(), "predicted: expected a class below 3, found 3");
    }
}
