//! Reading what [`super::json`] and [`super::safetensors`] write.

use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Network;
use super::document::{FORMAT, VERSION};
use super::safetensors::{BYTE, KEY, NIBBLE};
use crate::kernels::blocks::{Blocks, Granularity};
use crate::kernels::grid::{Encoded, Grid};
use crate::kernels::int4;
use crate::kernels::minifloat::{E2M1, E4M3, E5M2};
use crate::kernels::rounding::Rounding;
use crate::lower::{Lowered, Op, Operation, Weights};
use crate::tensor::Shape;
use crate::{Error, Result};

/// Reads a network as the target `json` or `safetensors` has written it: it computes the same bits. `file` is the name
/// in messages.
///
/// # Errors
/// [`Error::Data`] for anything else.
pub fn read(file: &str, bytes: &[u8]) -> Result<Network> {
    let error = |found: String| Error::Data {
        file: file.into(),
        expected: "a network as the export to JSON or safetensors writes it".into(),
        found,
    };
    let tensors;
    let (document, numbers) = if bytes.starts_with(b"{") {
        (serde_json::from_slice(bytes).map_err(|cause| error(cause.to_string()))?, Numbers::Inline)
    } else {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|cause| error(cause.to_string()))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or_else(|| error(format!("no metadata {KEY}")))?;
        tensors = SafeTensors::deserialize(bytes).map_err(|cause| error(cause.to_string()))?;
        (serde_json::from_str(text).map_err(|cause| error(cause.to_string()))?, Numbers::Beside(&tensors))
    };
    network(document, &numbers).map_err(error)
}

/// What was found instead.
type Found<T> = std::result::Result<T, String>;

/// Where the numbers of a document lie.
enum Numbers<'a> {
    Inline,
    Beside(&'a SafeTensors<'a>),
}

impl Numbers<'_> {
    fn floats(&self, value: &Value) -> Found<Vec<f32>> {
        match self {
            Self::Inline => parsed(value),
            Self::Beside(_) if value.is_null() => Ok(Vec::new()),
            Self::Beside(_) => {
                let bytes = self.tensor(value, Dtype::F32)?;
                Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
            }
        }
    }

    /// `count` indices into so many levels.
    fn codes(&self, value: &Value, count: usize, levels: usize) -> Found<Vec<u16>> {
        let codes: Vec<u16> = match self {
            Self::Inline => parsed(value)?,
            Self::Beside(_) if levels <= NIBBLE => {
                let bytes = self.tensor(value, Dtype::U8)?;
                let codes = (2 * bytes.len()).saturating_sub(count % 2);
                (0..codes).map(|i| int4::code(bytes, i).into()).collect()
            }
            Self::Beside(_) if levels <= BYTE => {
                self.tensor(value, Dtype::U8)?.iter().map(|byte| u16::from(*byte)).collect()
            }
            Self::Beside(_) => {
                let bytes = self.tensor(value, Dtype::U16)?;
                bytes.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect()
            }
        };
        check(codes.len() == count, || format!("{} codes for {count} weights", codes.len()))?;
        check(codes.iter().all(|code| usize::from(*code) < levels), || format!("a code of {levels} levels"))?;
        Ok(codes)
    }

    fn tensor(&self, name: &Value, dtype: Dtype) -> Found<&[u8]> {
        let Self::Beside(tensors) = self else { unreachable!("numbers in the document are no tensors") };
        let name = name.as_str().ok_or("a tensor without a name")?;
        let tensor = tensors.tensor(name).map_err(|cause| cause.to_string())?;
        check(tensor.dtype() == dtype, || format!("{name} as {:?}", tensor.dtype()))?;
        Ok(tensor.data())
    }
}

fn check(holds: bool, found: impl FnOnce() -> String) -> Found<()> {
    if holds { Ok(()) } else { Err(found()) }
}

fn parsed<T: DeserializeOwned>(value: &Value) -> Found<T> {
    T::deserialize(value).map_err(|cause| cause.to_string())
}

#[derive(Deserialize)]
struct Document {
    format: String,
    version: u32,
    input: Input,
    classes: Vec<String>,
    operations: Vec<Line>,
}

#[derive(Deserialize)]
struct Input {
    shape: Shape,
    mean: [f32; 3],
    std: [f32; 3],
}

/// An operation; what it is made of follows from what it is.
#[derive(Deserialize)]
struct Line {
    name: String,
    op: String,
    inputs: Vec<usize>,
    shape: Shape,
    #[serde(flatten)]
    parts: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tensor {
    dims: Vec<usize>,
    #[serde(default)]
    values: Value,
    #[serde(default)]
    codes: Value,
    #[serde(default)]
    levels: Value,
    #[serde(default)]
    scales: Value,
    #[serde(default)]
    zero_points: Value,
    #[serde(default)]
    overhead_bits: Option<usize>,
    #[serde(default)]
    rows_of_a_scale: Option<usize>,
}

fn network(document: Document, numbers: &Numbers) -> Found<Network> {
    let Document { format, version, input, classes, operations } = document;
    check(format == FORMAT && version == VERSION, || format!("{format}, version {version}"))?;
    let mut lowered = Lowered::new(input.shape);
    for Line { name, op, inputs, shape, parts } in operations {
        let earlier = inputs.iter().all(|input| *input <= lowered.operations.len());
        check(earlier && !inputs.is_empty(), || format!("{name} that reads what comes later"))?;
        let op = operation(&op, &parts, numbers).map_err(|found| format!("{name}: {found}"))?;
        lowered.operations.push(Operation { name, op, inputs, shape });
    }
    let last = lowered.shape(lowered.operations.len());
    check(last == [1, 1, classes.len()], || format!("logits {last:?} of {} classes", classes.len()))?;
    Ok(Network::new(lowered, classes, [input.mean, input.std]))
}

fn operation(op: &str, parts: &serde_json::Map<String, Value>, numbers: &Numbers) -> Found<Op> {
    let part = |name: &str| parts.get(name).unwrap_or(&Value::Null);
    let floats = |name: &str| numbers.floats(part(name));
    Ok(match op {
        "conv2d" => {
            let weight = weights(parsed(part("weight"))?, 4, numbers)?;
            Op::Conv2d { weight, bias: floats("bias")?, stride: parsed(part("stride"))? }
        }
        "linear" => {
            Op::Linear { weight: weights(parsed(part("weight"))?, 2, numbers)?, bias: floats("bias")? }
        }
        "affine" => Op::Affine { factor: floats("factor")?, offset: floats("offset")? },
        "relu" => Op::Relu,
        "max_pool" => Op::MaxPool,
        "global_avg_pool" => Op::GlobalAvgPool,
        "flatten" => Op::Flatten,
        "add" => Op::Add,
        "scale_channels" => Op::ScaleChannels,
        "sigmoid" => Op::Sigmoid,
        "round" => Op::Round(rounding(part("levels"), part("scale"))?),
        other => return Err(format!("the operation {other}")),
    })
}

fn rounding(levels: &Value, scale: &Value) -> Found<Rounding> {
    if let Some(most) = levels.get("to") {
        return Ok(Rounding::Uniform { scale: parsed(scale)?, most: parsed(most)? });
    }
    let levels: Vec<f32> = parsed(levels)?;
    let format = [E2M1, E4M3, E5M2].into_iter().find(|format| format.values() == levels);
    let format = format.ok_or("levels of no known format")?;
    Ok(if scale.is_null() {
        Rounding::Microscaled { format }
    } else {
        Rounding::Float { format, scale: parsed(scale)? }
    })
}

fn weights(tensor: Tensor, rank: usize, numbers: &Numbers) -> Found<Weights> {
    let Tensor { dims, values, codes, levels, scales, zero_points, overhead_bits, rows_of_a_scale } = tensor;
    let count = dims.iter().try_fold(1usize, |count, dim| count.checked_mul(*dim)).unwrap_or(0);
    check(dims.len() == rank && count > 0, || format!("weights of {dims:?}"))?;
    if codes.is_null() {
        let values = numbers.floats(&values)?;
        check(values.len() == count, || format!("{} values of {dims:?}", values.len()))?;
        return Ok(Weights { dims, values, encoded: None });
    }
    let outputs = dims[rank - 1];
    let granularity = rows_of_a_scale.map_or(Granularity::Tensor, Granularity::Group);
    let blocks = Blocks::new(count / outputs, outputs, granularity);
    let (levels, scales) = (numbers.floats(&levels)?, numbers.floats(&scales)?);
    let zero_points = numbers.floats(&zero_points)?;
    check(!levels.is_empty(), || "no levels".into())?;
    check(scales.len() == blocks.count(), || format!("{} scales", scales.len()))?;
    let alike = zero_points.is_empty() || zero_points.len() == scales.len();
    check(alike, || format!("{} zero points", zero_points.len()))?;
    let codes = numbers.codes(&codes, count, levels.len())?;
    let overhead_bits = overhead_bits.ok_or("no overheadBits")?;
    let encoded = Encoded { grid: Grid { blocks, levels, scales, zero_points, overhead_bits }, codes };
    Ok(Weights { dims, values: encoded.decode(), encoded: Some(encoded) })
}
