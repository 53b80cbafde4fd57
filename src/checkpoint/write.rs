//! Writing.

use std::collections::BTreeMap;
use std::io::{self, Write};

use safetensors::Dtype;

use super::header::{Header, json};
use super::{
    About, BITS, CHUNK, EPOCHS, FORMAT, History, IMAGES, Images, LABELS, LOSSES, NOTES, PREFIX, Plan, SUM,
    Summed,
};
use crate::data::{DatasetKind, IMAGE_BYTES, PLANE, SIDE};
use crate::kernels;
use crate::run::Run;
use crate::state::Visitor;

/// Writes a run, and what it has reported so far. The run can go on at once.
///
/// # Errors
/// Those of `out`.
pub fn write(run: &mut Run, history: &History, out: impl Write) -> io::Result<()> {
    // Nobody else has one's own.
    let dataset = run.dataset();
    let images = dataset.kind == DatasetKind::Images && !dataset.is_stand_in;
    write_all(run, history, images, kernels::simd_kind(), out)
}

/// The same with its images, whichever they are, for programs that have none of their own; `arithmetic` is that of its last
/// steps, which were not done here.
///
/// # Errors
/// Those of `out`.
pub fn write_with_images(
    run: &mut Run,
    history: &History,
    arithmetic: &str,
    out: impl Write,
) -> io::Result<()> {
    write_all(run, history, true, arithmetic, out)
}

fn write_all(
    run: &mut Run,
    history: &History,
    images: bool,
    arithmetic: &str,
    out: impl Write,
) -> io::Result<()> {
    run.settle();
    let plan = Plan::of(run);
    let reports = history.reports.join("\n");
    let mut header = Header::default();
    let dataset = images.then(|| run.dataset().clone());
    let splits = dataset.iter().flat_map(|dataset| [&dataset.train, &dataset.test]);
    if let Some(dataset) = &dataset {
        let count = dataset.train.len() + dataset.test.len();
        header.add(IMAGES, Dtype::U8, vec![count, IMAGE_BYTES / PLANE, SIDE, SIDE]);
        header.add(LABELS, Dtype::U16, vec![count]);
    }
    for (name, dims) in &plan.tensors {
        header.add(name, Dtype::F32, dims.clone());
    }
    header.add(LOSSES, Dtype::F64, vec![history.losses.len()]);
    for (name, len) in &plan.bytes {
        header.add(name, Dtype::U8, vec![*len]);
    }
    header.add(EPOCHS, Dtype::U8, vec![reports.len()]);
    let bits = history.bits_text();
    if !bits.is_empty() {
        header.add(BITS, Dtype::U8, vec![bits.len()]);
    }
    header.add(NOTES, Dtype::U8, vec![history.notes.len()]);
    header.add(SUM, Dtype::U8, vec![size_of::<[u8; 32]>()]);
    let about = About { arithmetic: arithmetic.into(), ..about(run, history, plan.numbers) };

    let mut out = Summed::new(out);
    out.write_all(&header.encode(&metadata(&about)?)?)?;
    splits.clone().try_for_each(|split| out.write_all(&split.images))?;
    splits.clone().try_for_each(|split| put(&mut out, &split.labels, |label| label.to_le_bytes()))?;
    let mut tensors = Tensors { out: &mut out, outcome: Ok(()) };
    run.visit(&mut tensors);
    tensors.outcome?;
    put(&mut out, &history.losses, |loss| loss.to_le_bytes())?;
    let mut bytes = Bytes { out: &mut out, outcome: Ok(()) };
    run.visit(&mut bytes);
    bytes.outcome?;
    out.write_all(reports.as_bytes())?;
    out.write_all(bits.as_bytes())?;
    out.write_all(history.notes.as_bytes())?;
    let sum = out.sum();
    out.write_all(&sum)?;
    out.flush()
}

/// What a file says of a run.
pub(super) fn about(run: &Run, history: &History, state: BTreeMap<String, u64>) -> About {
    About {
        format: FORMAT,
        engine: env!("CARGO_PKG_VERSION").into(),
        arithmetic: kernels::simd_kind().into(),
        settings: run.config().texts(),
        data: Images::of(run.dataset()),
        state,
        epochs: history.epochs(),
        packed: false,
    }
}

pub(super) fn metadata(about: &About) -> io::Result<BTreeMap<String, String>> {
    let About { format, engine, arithmetic, settings, data, state, epochs, packed } = about;
    let mut fields = vec![
        ("format", json(format)?),
        ("engine", json(engine)?),
        ("arithmetic", json(arithmetic)?),
        ("settings", json(settings)?),
        ("data", json(data)?),
        ("state", json(state)?),
        ("epochs", json(epochs)?),
    ];
    if *packed {
        fields.push(("packed", json(packed)?));
    }
    Ok(fields.into_iter().map(|(name, text)| (format!("{PREFIX}{name}"), text)).collect())
}

/// Writes values some at a time.
pub(super) fn put<T, const N: usize>(
    out: &mut impl Write,
    values: &[T],
    encode: fn(&T) -> [u8; N],
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(CHUNK);
    for some in values.chunks(CHUNK / N) {
        bytes.clear();
        some.iter().for_each(|value| bytes.extend(encode(value)));
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// Writes the tensors of the walk.
struct Tensors<'a, W> {
    out: &'a mut W,
    outcome: io::Result<()>,
}

impl<W: Write> Visitor for Tensors<'_, W> {
    fn tensor(&mut self, _: &str, _: &[usize], values: &mut [f32]) {
        if self.outcome.is_ok() {
            self.outcome = put(self.out, values, |value| value.to_le_bytes());
        }
    }

    fn number(&mut self, _: &str, _: &mut u64) {}

    fn bytes(&mut self, _: &str, _: &mut Vec<u8>) {}
}

/// Writes the bytes of the walk.
struct Bytes<'a, W> {
    out: &'a mut W,
    outcome: io::Result<()>,
}

impl<W: Write> Visitor for Bytes<'_, W> {
    fn tensor(&mut self, _: &str, _: &[usize], _: &mut [f32]) {}

    fn number(&mut self, _: &str, _: &mut u64) {}

    fn bytes(&mut self, _: &str, bytes: &mut Vec<u8>) {
        if self.outcome.is_ok() {
            self.outcome = self.out.write_all(bytes);
        }
    }
}
