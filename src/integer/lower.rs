//! From the lowered network to one of integers: which operations become one step, and what the integers of each value
//! mean.

use super::arithmetic::Requantize;
use super::{Integer, IntegerWeights, Span, Step, Value, pixels};
use crate::data::{IMAGE_BYTES, Normalize};
use crate::kernels::rounding::Rounding;
use crate::lower::{Lowered, Op, Operation, fold};
use crate::packed::PackedModel;
use crate::{Error, Result};

/// Levels of a byte, less one.
const STEPS: f64 = 255.0;
/// The least byte.
const LEAST: i32 = -128;
/// The largest logit.
const LOGIT: i32 = 32_767;
/// The largest factor of a sum of two: 255 of them twice stay within 31 bits.
const FACTOR_BITS: i32 = 21;

/// What will be a value.
struct Draft {
    value: Value,
    /// The folded network's value whose range counts: the last one that became a part of this.
    observed: usize,
    /// No value is below 0.
    positive: bool,
    /// The grid that training rounds to: scale and highest level.
    fixed: Option<(f32, f32)>,
}

pub(super) fn integer(lowered: &Lowered, [mean, std]: [[f32; 3]; 2], images: &[u8]) -> Result<Integer> {
    let lowered = fold(lowered);
    let normalize = Normalize::new(mean, std);
    let extents = extents(&lowered, &normalize, images)?;
    let mut plan = Plan::new(&lowered);
    lowered.operations.iter().enumerate().try_for_each(|(i, operation)| plan.add(i, operation))?;
    let Plan { mut drafts, steps, mut notes, .. } = plan;
    let table = spread(&mut drafts, &normalize);
    let last = drafts.len() - 1;
    for i in 1..drafts.len() {
        let (step, inputs) = &steps[i - 1];
        drafts[i].value.span = match step {
            _ if i == last => logits(extents[drafts[i].observed]),
            Draw::MaxPool | Draw::Flatten => drafts[inputs[0]].value.span,
            _ => span(&drafts[i], extents[drafts[i].observed]),
        };
    }
    let values: Vec<Value> = drafts.into_iter().map(|draft| draft.value).collect();
    let finish = |(i, (draw, inputs)): (usize, (Draw<'_>, Vec<usize>))| {
        let spans: Vec<Span> = inputs.iter().map(|input| values[*input].span).collect();
        (step(draw, &spans, &values[inputs[0]], &values[i + 1], &mut notes), inputs)
    };
    let steps = steps.into_iter().enumerate().map(finish).collect();
    Ok(Integer { table, values, steps, notes })
}

/// The least and the largest of each value over all images.
fn extents(lowered: &Lowered, normalize: &Normalize, images: &[u8]) -> Result<Vec<[f64; 2]>> {
    if images.is_empty() {
        return Err(Error::Data {
            file: "images".into(),
            expected: "some training images, by which the ranges of 8-bit activations are chosen".into(),
            found: "none".into(),
        });
    }
    let model = PackedModel::new(lowered, normalize.clone());
    let mut extents = vec![[0.0f64; 2]; lowered.operations.len() + 1];
    for planes in images.chunks_exact(IMAGE_BYTES) {
        let rgba: Vec<u8> = pixels(planes).chunks(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect();
        model.trace(&rgba, &mut |value, tensor| {
            for x in tensor.to_dense() {
                let [least, most] = &mut extents[value];
                *least = least.min(x.into());
                *most = most.max(x.into());
            }
        });
    }
    Ok(extents)
}

/// What each byte of a pixel becomes, and the span of the image.
fn spread(drafts: &mut [Draft], normalize: &Normalize) -> [[i8; 256]; 3] {
    let value = |channel: usize, byte: u8| f64::from(normalize.pixel([byte; 3])[channel]);
    let ends = (0..3).flat_map(|channel| [value(channel, 0), value(channel, u8::MAX)]);
    let (least, most) = ends.fold((0.0f64, 0.0f64), |(least, most), x| (least.min(x), most.max(x)));
    let image = affine([least, most]);
    drafts[0].value.span = image;
    std::array::from_fn(|channel| {
        std::array::from_fn(|byte| {
            image.bound((value(channel, byte as u8) / image.scale).round() as i32) as i8
        })
    })
}

/// A byte from the least to the largest value; 0 has an integer of its own.
fn affine([least, most]: [f64; 2]) -> Span {
    let scale = if most > least { (most - least) / STEPS } else { 1.0 };
    let zero = (f64::from(LEAST) - least / scale).round() as i32;
    Span { scale, zero, least: LEAST, most: LEAST + STEPS as i32 }
}

fn span(draft: &Draft, [least, most]: [f64; 2]) -> Span {
    match draft.fixed {
        Some((scale, highest)) => {
            Span { scale: scale.into(), zero: LEAST, least: LEAST, most: LEAST + highest as i32 }
        }
        None if draft.positive => affine([0.0, most]),
        None => affine([least, most]),
    }
}

fn logits([least, most]: [f64; 2]) -> Span {
    let largest = most.max(-least);
    // A picture that was not seen may have larger ones.
    let scale = if largest > 0.0 { 2.0 * largest / f64::from(LOGIT) } else { 1.0 };
    Span { scale, zero: 0, least: -LOGIT, most: LOGIT }
}

/// A step before it is known what its integers mean.
enum Draw<'a> {
    Conv(&'a Operation),
    Add,
    MaxPool,
    Mean,
    Flatten,
    Rescale,
}

struct Plan<'a> {
    lowered: &'a Lowered,
    drafts: Vec<Draft>,
    steps: Vec<(Draw<'a>, Vec<usize>)>,
    /// Where each value of the folded network is found.
    place: Vec<usize>,
    notes: Vec<String>,
}

impl<'a> Plan<'a> {
    fn new(lowered: &'a Lowered) -> Self {
        let mut plan =
            Self { lowered, drafts: Vec::new(), steps: Vec::new(), place: vec![0], notes: Vec::new() };
        plan.draft("image", 0);
        plan
    }

    fn draft(&mut self, name: &str, observed: usize) {
        // Found out later.
        let span = Span { scale: 1.0, zero: 0, least: 0, most: 0 };
        let value = Value { name: name.into(), shape: self.lowered.shape(observed), span };
        self.drafts.push(Draft { value, observed, positive: false, fixed: None });
    }

    fn push(&mut self, draw: Draw<'a>, at: usize) {
        let Operation { name, inputs, .. } = &self.lowered.operations[at];
        let inputs = inputs.iter().map(|input| self.place[*input]).collect();
        self.steps.push((draw, inputs));
        self.draft(name, at + 1);
        self.place.push(self.drafts.len() - 1);
    }

    /// Whether nothing but one operation reads a value of the folded network.
    fn alone(&self, value: usize) -> bool {
        self.lowered.operations.iter().filter(|operation| operation.inputs.contains(&value)).count() == 1
    }

    fn add(&mut self, at: usize, operation: &'a Operation) -> Result<()> {
        let before = operation.inputs[0];
        let producer = self.place[before];
        match &operation.op {
            Op::Conv2d { .. } | Op::Linear { .. } => self.push(Draw::Conv(operation), at),
            Op::Add => {
                self.push(Draw::Add, at);
                let positive = operation.inputs.iter().all(|input| self.drafts[self.place[*input]].positive);
                self.last().positive = positive;
            }
            Op::MaxPool => {
                self.push(Draw::MaxPool, at);
                self.inherit(producer);
            }
            Op::Flatten => {
                self.push(Draw::Flatten, at);
                self.inherit(producer);
            }
            Op::GlobalAvgPool => {
                self.push(Draw::Mean, at);
                let positive = self.drafts[producer].positive;
                self.last().positive = positive;
            }
            Op::Relu => {
                if producer == 0 || !self.alone(before) || !self.computes(producer) {
                    self.push(Draw::Rescale, at);
                } else {
                    self.drafts[producer].observed = at + 1;
                    self.place.push(producer);
                }
                let place = self.place[at + 1];
                self.drafts[place].positive = true;
            }
            Op::Round(Rounding::Uniform { scale, most }) if f64::from(*most) <= STEPS => {
                let fixed = Some((*scale, *most));
                if !self.alone(before) || !self.fix(producer, fixed) {
                    self.push(Draw::Rescale, at);
                    self.last().fixed = fixed;
                } else {
                    self.place.push(producer);
                }
            }
            Op::Round(_) => {
                self.notes.push(format!("{}: activations have 8 bits of a uniform grid", operation.name));
                self.place.push(producer);
            }
            Op::Affine { .. } | Op::ScaleChannels | Op::Sigmoid => {
                return Err(Error::Model {
                    layer: operation.name.clone(),
                    expected:
                        "layers that have a form in integers: convolutions and linear layers, each with the \
                               batch norm behind it, ReLUs, sums and pooling"
                            .into(),
                    found: operation.op.name().into(),
                });
            }
        }
        Ok(())
    }

    fn last(&mut self) -> &mut Draft {
        self.drafts.last_mut().expect("the image is there")
    }

    /// The last value lies within what it was taken from.
    fn inherit(&mut self, producer: usize) {
        let Draft { positive, fixed, .. } = self.drafts[producer];
        let last = self.last();
        (last.positive, last.fixed) = (positive, fixed);
    }

    /// Whether a value's integers are chosen where it is computed.
    fn computes(&self, value: usize) -> bool {
        value > 0 && matches!(self.steps[value - 1].0, Draw::Conv(_) | Draw::Add | Draw::Mean | Draw::Rescale)
    }

    /// Has a value computed in a grid; behind a pooling that of what it pools, which the order of values does not change.
    fn fix(&mut self, value: usize, fixed: Option<(f32, f32)>) -> bool {
        let Some((draw, inputs)) = value.checked_sub(1).map(|step| &self.steps[step]) else { return false };
        let done = match draw {
            Draw::MaxPool | Draw::Flatten => {
                let input = inputs[0];
                self.alone(self.drafts[input].observed) && self.fix(input, fixed)
            }
            _ => self.drafts[value].positive && self.drafts[value].fixed.is_none(),
        };
        if done {
            self.drafts[value].fixed = fixed;
        }
        done
    }
}

fn step(draw: Draw<'_>, spans: &[Span], from: &Value, to: &Value, notes: &mut Vec<String>) -> Step {
    let by = |factor: f64| Requantize::by(factor / to.span.scale);
    match draw {
        Draw::Conv(operation) => {
            let (Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias }) = &operation.op else {
                unreachable!("convolutions and linear layers have weights")
            };
            let stride = if let Op::Conv2d { stride, .. } = operation.op { stride } else { 1 };
            let (weights, exact) = IntegerWeights::new(weight);
            if !exact {
                notes.push(format!("{}: its weights are rounded to 8 bits a channel", operation.name));
            }
            let units: Vec<f64> = weights.scales.iter().map(|scale| scale * from.span.scale).collect();
            // As much of a bias as 30 bits hold: more is beyond every bound.
            let whole = |(bias, unit): (&f32, &f64)| {
                let limit = f64::from(1 << 30);
                if *unit == 0.0 { 0 } else { (f64::from(*bias) / unit).round().clamp(-limit, limit) as i32 }
            };
            let bias = bias.iter().zip(&units).map(whole).collect();
            Step::Conv { weights, bias, stride, requantize: units.into_iter().map(by).collect() }
        }
        Draw::Add => {
            let ratios: Vec<f64> = spans.iter().map(|span| span.scale / to.span.scale).collect();
            let largest = ratios.iter().copied().fold(0.0, f64::max);
            // The largest factor has so many bits that the sum of all has less than 32.
            let mut shift = 1;
            let bits = FACTOR_BITS + 1 - (spans.len() as i32 - 1).max(1);
            while shift < 30 && largest * f64::from(1u32 << (shift + 1)) < f64::from(1 << bits) {
                shift += 1;
            }
            let factor = |ratio: &f64| (ratio * f64::from(1u32 << shift)).round() as i32;
            Step::Add { factors: ratios.iter().map(factor).collect(), shift }
        }
        Draw::MaxPool => Step::MaxPool,
        Draw::Flatten => Step::Flatten,
        Draw::Mean => {
            let pixels = (from.shape[0] * from.shape[1]) as f64;
            Step::Mean(by(from.span.scale / pixels))
        }
        Draw::Rescale => Step::Rescale(by(from.span.scale)),
    }
}
