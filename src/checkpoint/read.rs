//! Reading.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::sync::Arc;

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, from_value};

use super::packed::{self, VALUES};
use super::{
    About, BITS, CHUNK, EPOCHS, FORMAT, History, IMAGES, Images, LABELS, LOSSES, MOST_HEADER, NOTES, PREFIX,
    Plan, SUM, Summed,
};
use crate::data::{Dataset, DatasetKind, IMAGE_BYTES, MAX_IMAGES, PLANE, SIDE, Split};
use crate::run::Run;
use crate::settings::RunConfig;
use crate::state::Visitor;
use crate::train::Clock;
use crate::{Error, Result};

/// Most commas between the values of a text that is read as JSON. VGG4bit's header has a thousand, and a thousand epochs ten
/// thousand.
const MOST_COMMAS: usize = 1 << 14;

/// A checkpoint of which the header has been read.
pub struct Reader<R> {
    file: String,
    input: Summed<R>,
    header: Metadata,
    about: About,
    has_read_images: bool,
}

/// A run as it was.
pub struct Loaded {
    /// The run.
    pub run: Run,
    /// What it had reported.
    pub history: History,
    /// Whether the file is the one that was written, by its checksum.
    pub intact: bool,
}

impl<R: Read> Reader<R> {
    /// Reads what comes before the tensors; `file` is the name in messages.
    ///
    /// # Errors
    /// [`Error::Data`] where it is no checkpoint, or one of a later version.
    pub fn open(file: &str, input: R) -> Result<Self> {
        let mut input = Summed::new(input);
        let file = file.to_owned();
        let header = read_header(&mut input).map_err(|found| no_checkpoint(&file, found))?;
        let about = read_about(&header).map_err(|found| no_checkpoint(&file, found))?;
        Ok(Self { file, input, header, about, has_read_images: false })
    }

    /// What the checkpoint says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Number of tensors, and their bytes.
    pub fn tensors(&self) -> [usize; 2] {
        [self.header.tensors().len(), self.header.data_len()]
    }

    /// Whether the file is the one that was written, by its checksum. Needs no images, and no memory for the tensors.
    ///
    /// # Errors
    /// [`Error::Data`] where the file is cut short.
    pub fn verify(mut self) -> Result<bool> {
        let mut intact = false;
        for name in self.header.offset_keys() {
            let info = self.header.info(&name).expect("a name of the header").clone();
            match &*name {
                SUM => intact = self.sum_holds(&info)?,
                _ => self.copy(&info, &mut io::sink())?,
            }
        }
        Ok(intact)
    }

    /// Own pictures that it was trained on, which come before all else; `None` where the file has none.
    ///
    /// # Errors
    /// [`Error::Data`] where they are no data set, or not those that the run was trained on.
    pub fn images(&mut self) -> Result<Option<Dataset>> {
        let first = self.header.offset_keys();
        let (
            [IMAGES, LABELS, ..],
            Images { kind: Some(DatasetKind::Images), name, classes, images, fingerprint },
        ) = (&first.iter().map(String::as_str).collect::<Vec<_>>()[..], &self.about.data)
        else {
            return Ok(None);
        };
        let (name, classes, [train, test], wanted) =
            (name.clone(), classes.clone(), *images, fingerprint.clone());
        let [pixels, labels] =
            [IMAGES, LABELS].map(|name| self.header.info(name).expect("it is there").clone());
        let count = train.saturating_add(test);
        let fit = count <= MAX_IMAGES
            && pixels.dtype == Dtype::U8
            && pixels.shape == [count, IMAGE_BYTES / PLANE, SIDE, SIDE]
            && labels.dtype == Dtype::U16
            && labels.shape == [count];
        if !fit {
            let found = format!("{:?} and {:?}", pixels.shape, labels.shape);
            return Err(self.problem(format!("{count} images and labels"), found));
        }
        self.has_read_images = true;
        let mut splits = [Split::default(), Split::default()];
        for (split, count) in splits.iter_mut().zip([train, test]) {
            self.copy_bytes(count * IMAGE_BYTES, &mut Growing(&mut split.images))?;
            split.images.shrink_to_fit();
        }
        let labels = self.read(&labels)?;
        let mut labels = labels.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
        let [mut train_set, mut test_set] = splits;
        train_set.labels.extend(labels.by_ref().take(train));
        test_set.labels.extend(labels);
        let (train, test) = (train_set, test_set);
        let dataset = Dataset::new(DatasetKind::Images, &name, classes, train, test)?;
        match dataset.fingerprint() == wanted {
            true => Ok(Some(dataset)),
            false => Err(self.problem(format!("images of CRC-32 {wanted}"), dataset.fingerprint().into())),
        }
    }

    /// The settings of the run.
    ///
    /// # Errors
    /// [`Error::Config`] for one that does not exist or is out of range.
    pub fn settings(&self) -> Result<RunConfig> {
        let mut config = RunConfig::default();
        self.about.settings.iter().try_for_each(|(key, text)| config.set(key, text))?;
        Ok(config)
    }

    /// What stands in for the images that it was trained on, where its weights are all that counts; `None` where these
    /// images tell how pixels are normalised.
    ///
    /// # Errors
    /// As [`Reader::settings`] and [`Dataset::stand_in`].
    pub fn stand_in(&self) -> Result<Option<Dataset>> {
        if self.settings()?.normalization == "own" {
            return Ok(None);
        }
        let data = &self.about.data;
        let Images { name, classes, images, fingerprint, .. } = data;
        Dataset::stand_in(data.dataset_kind(), name, classes.clone(), *images, fingerprint).map(Some)
    }

    /// Reads the run, which goes on with the images that it was trained on.
    ///
    /// # Errors
    /// [`Error::Data`] for other images, and where the file holds another state than a run of its settings has; as
    /// [`Run::new`].
    pub fn load(mut self, dataset: Arc<Dataset>, clock: Clock) -> Result<Loaded> {
        let (wanted, given) = (&self.about.data, Images::of(&dataset));
        if given.fingerprint != wanted.fingerprint || given.classes != wanted.classes {
            return Err(
                self.problem(format!("a run on {}", given.text()), format!("one on {}", wanted.text()))
            );
        }
        let mut run = Run::new(dataset, self.settings()?, clock)?;
        if self.about.packed {
            return self.load_packed(run);
        }
        self.check_names(&Plan::of(&mut run))?;
        let mut history = History::default();
        let mut bytes = HashMap::new();
        let mut intact = false;
        for name in self.header.offset_keys() {
            let info = self.header.info(&name).expect("a name of the header").clone();
            match (name.as_str(), info.dtype) {
                (SUM, Dtype::U8) => intact = self.sum_holds(&info)?,
                // They were taken by `images`, or are those of the data set.
                (IMAGES | LABELS, _) if self.has_read_images => {}
                (IMAGES | LABELS, _) => self.copy(&info, &mut io::sink())?,
                (LOSSES, Dtype::F64) => {
                    let read = self.read(&info)?;
                    let loss = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("eight bytes"));
                    history.losses = read.chunks_exact(8).map(loss).collect();
                }
                (EPOCHS, Dtype::U8) => {
                    history.reports = self.read_text(&info)?.lines().map(str::to_owned).collect();
                }
                (BITS, Dtype::U8) => history.bits = History::read_bits(&self.read_text(&info)?),
                (NOTES, Dtype::U8) => history.notes = self.read_text(&info)?,
                (_, Dtype::F32) => {
                    let mut fill = Fill { input: &mut self.input, name: &name, outcome: Ok(()) };
                    run.visit_tensors(&mut fill);
                    fill.outcome.map_err(|error| self.cut(&error))?;
                }
                _ => {
                    bytes.insert(name, self.read(&info)?);
                }
            }
        }
        run.visit(&mut Restore { numbers: &self.about.state, bytes: &bytes });
        run.restored().map_err(|found| self.problem("the state of a run".into(), found))?;
        Ok(Loaded { run, history, intact })
    }

    /// Reads a network into a new run, which is at its end then.
    fn load_packed(mut self, mut run: Run) -> Result<Loaded> {
        let (mut tensors, mut bytes) = (HashMap::new(), HashMap::new());
        let mut history = History::default();
        let mut intact = false;
        for name in self.header.offset_keys() {
            let info = self.header.info(&name).expect("a name of the header").clone();
            match (name.as_str(), info.dtype) {
                (SUM, Dtype::U8) => intact = self.sum_holds(&info)?,
                (EPOCHS, Dtype::U8) => {
                    history.reports = self.read_text(&info)?.lines().map(str::to_owned).collect();
                }
                (_, Dtype::F32) => {
                    let read = self.read(&info)?;
                    let values = read.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
                    tensors.insert(name, (info.shape, values.collect::<Vec<f32>>()));
                }
                _ => {
                    bytes.insert(name, self.read(&info)?);
                }
            }
        }
        let mut unpack = Unpack { tensors, bytes, numbers: &self.about.state, missing: None };
        run.visit_network(&mut unpack);
        if let Some(name) = unpack.missing {
            return Err(self.problem(format!("{name} of such a network"), "none".into()));
        }
        run.restored_network();
        Ok(Loaded { run, history, intact })
    }

    /// Whether the file has the state that the walk shows, and nothing else.
    fn check_names(&self, plan: &Plan) -> Result<()> {
        let mut left = self.header.tensors();
        let mut take = |name: &str, fits: &dyn Fn(&TensorInfo) -> bool, what: String| match left.remove(name)
        {
            Some(info) if fits(info) => Ok(()),
            Some(info) => Err(self.problem(what, format!("{name} as {:?} {:?}", info.dtype, info.shape))),
            None => Err(self.problem(what, "none".into())),
        };
        let list = |dtype: Dtype| move |info: &TensorInfo| info.dtype == dtype && info.shape.len() == 1;
        for (name, dims) in &plan.tensors {
            let fits = |info: &TensorInfo| info.dtype == Dtype::F32 && info.shape == *dims;
            take(name, &fits, format!("{name} as F32 {dims:?}"))?;
        }
        let own = [(LOSSES, Dtype::F64), (EPOCHS, Dtype::U8), (SUM, Dtype::U8)];
        let bytes = plan.bytes.iter().map(|(name, _)| (name.as_str(), Dtype::U8));
        for (name, dtype) in bytes.chain(own) {
            take(name, &list(dtype), format!("{name} as {dtype:?}"))?;
        }
        // The first files had no notes, and few have images or changes of bits.
        left.retain(|name, _| ![BITS, NOTES, IMAGES, LABELS].contains(&name.as_str()));
        if let Some(name) = left.keys().next() {
            return Err(self.problem("the tensors of such a run".into(), format!("{name} too")));
        }
        match plan.numbers.keys().find(|name| !self.about.state.contains_key(*name)) {
            Some(name) => Err(self.problem(format!("the number {name}"), "none".into())),
            None => Ok(()),
        }
    }

    /// Whether the next tensor, the checksum, is that of what was read before it.
    fn sum_holds(&mut self, info: &TensorInfo) -> Result<bool> {
        let sum = self.input.sum();
        Ok(self.read(info)? == sum)
    }

    /// The bytes of the next tensor.
    fn read(&mut self, info: &TensorInfo) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.copy(info, &mut bytes)?;
        Ok(bytes)
    }

    /// The next tensor as text.
    fn read_text(&mut self, info: &TensorInfo) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.read(info)?).into_owned())
    }

    /// Hands the bytes of the next tensor on. No more is taken at a time than there is.
    fn copy(&mut self, info: &TensorInfo, to: &mut impl io::Write) -> Result<()> {
        self.copy_bytes(info.data_offsets.1 - info.data_offsets.0, to)
    }

    fn copy_bytes(&mut self, wanted: usize, to: &mut impl io::Write) -> Result<()> {
        let wanted = wanted as u64;
        match io::copy(&mut self.input.by_ref().take(wanted), to) {
            Ok(count) if count == wanted => Ok(()),
            Ok(_) => Err(self.cut(&io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.cut(&error)),
        }
    }

    /// Of a file that does not go on.
    fn cut(&self, error: &io::Error) -> Error {
        let found = match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("its end after {}", self.input.bytes),
            _ => format!("{error} after {}", self.input.bytes),
        };
        self.problem(format!("{} bytes and a header", self.header.data_len()), found)
    }

    fn problem(&self, expected: String, found: String) -> Error {
        Error::Data { file: self.file.clone(), expected, found }
    }
}

impl Images {
    fn text(&self) -> String {
        format!(
            "{} ({} and {} images, CRC-32 {})",
            self.name, self.images[0], self.images[1], self.fingerprint
        )
    }
}

fn no_checkpoint(file: &str, found: String) -> Error {
    Error::Data {
        file: file.into(),
        expected: format!("a run saved by Nibble, of format 1 to {FORMAT}"),
        found,
    }
}

fn read_header(input: &mut impl Read) -> std::result::Result<Metadata, String> {
    let mut length = [0; 8];
    input.read_exact(&mut length).map_err(|_| "less than eight bytes".to_owned())?;
    let length = u64::from_le_bytes(length);
    if length > MOST_HEADER {
        return Err(format!("a header of {length} bytes, more than {MOST_HEADER}"));
    }
    let mut text = String::new();
    input.take(length).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 != length {
        return Err(format!("its end after {} bytes of a header of {length}", text.len()));
    }
    // It has grown to twice its length.
    text.shrink_to_fit();
    let metadata = parse(&text).and_then(|header| metadata(header).map_err(|error| error.to_string()));
    metadata.map_err(|error| format!("no header of safetensors ({error})"))
}

fn metadata(header: Value) -> std::result::Result<Metadata, SafeTensorError> {
    let mut entries: Map<String, Value> = from_value(header)?;
    let metadata = from_value(entries.remove("__metadata__").unwrap_or_default())?;
    let tensors = entries.into_iter().map(|(name, info)| Ok((name, from_value::<TensorInfo>(info)?)));
    let mut tensors = tensors.collect::<std::result::Result<Vec<_>, SafeTensorError>>()?;
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    Metadata::new(metadata, tensors)
}

/// Reads JSON. One of `[0,0,…]` would take some thirty times its own bytes, and nothing here is long but by its texts.
fn parse(text: &str) -> std::result::Result<Value, String> {
    let (mut commas, mut in_text) = (0, false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_text = !in_text,
            // What follows it ends no text.
            b'\\' => drop(bytes.next()),
            b',' => commas += usize::from(!in_text),
            _ => {}
        }
    }
    if commas > MOST_COMMAS {
        return Err(format!("{commas} commas, more than {MOST_COMMAS}"));
    }
    // Byte by byte, a long text with escapes takes its own length beside what comes of it; by pieces up to twice that.
    serde_json::from_reader(text.as_bytes()).map_err(|error| error.to_string())
}

fn read_about(header: &Metadata) -> std::result::Result<About, String> {
    let fields = Fields(header);
    let format = fields.get("format").map_err(|_| "no run of Nibble's".to_owned())?;
    if format == 0 || format > FORMAT {
        return Err(format!("format {format}"));
    }
    Ok(About {
        format,
        engine: fields.get("engine")?,
        arithmetic: fields.get("arithmetic")?,
        settings: fields.get("settings")?,
        data: fields.get("data")?,
        state: fields.get("state")?,
        epochs: fields.get("epochs")?,
        packed: fields.has("packed"),
    })
}

/// Metadata of safetensors.
struct Fields<'a>(&'a Metadata);

impl Fields<'_> {
    /// Whether it is there.
    fn has(&self, name: &str) -> bool {
        self.0.metadata().as_ref().is_some_and(|metadata| metadata.contains_key(&format!("{PREFIX}{name}")))
    }

    /// One of [`About`]'s.
    fn get<T: DeserializeOwned>(&self, name: &str) -> std::result::Result<T, String> {
        let value = parse(self.text(name)?);
        let field = value.and_then(|value| from_value(value).map_err(|error| error.to_string()));
        field.map_err(|error| format!("{PREFIX}{name} that cannot be read ({error})"))
    }

    fn text(&self, name: &str) -> std::result::Result<&str, String> {
        let metadata = self.0.metadata().as_ref();
        let text = metadata.and_then(|metadata| metadata.get(&format!("{PREFIX}{name}")));
        text.map(String::as_str).ok_or_else(|| format!("no {PREFIX}{name}"))
    }
}

/// Takes memory as bytes come, not as many as a file says that it has; says so where there is no more.
struct Growing<'a>(&'a mut Vec<u8>);

impl io::Write for Growing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_reserve(bytes.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the tensor of that name into its place.
struct Fill<'a, R> {
    input: &'a mut R,
    name: &'a str,
    outcome: io::Result<()>,
}

impl<R: Read> Visitor for Fill<'_, R> {
    fn tensor(&mut self, name: &str, _: &[usize], values: &mut [f32]) {
        if name != self.name {
            return;
        }
        let mut bytes = [0; CHUNK];
        for some in values.chunks_mut(CHUNK / 4) {
            let bytes = &mut bytes[..4 * some.len()];
            self.outcome = self.input.read_exact(bytes);
            if self.outcome.is_err() {
                return;
            }
            for (value, bytes) in some.iter_mut().zip(bytes.chunks_exact(4)) {
                *value = f32::from_le_bytes(bytes.try_into().expect("four bytes"));
            }
        }
    }

    fn number(&mut self, _: &str, _: &mut u64) {}

    fn bytes(&mut self, _: &str, _: &mut Vec<u8>) {}
}

/// Puts back what is no tensor.
struct Restore<'a> {
    numbers: &'a BTreeMap<String, u64>,
    bytes: &'a HashMap<String, Vec<u8>>,
}

impl Visitor for Restore<'_> {
    fn tensor(&mut self, _: &str, _: &[usize], _: &mut [f32]) {}

    fn number(&mut self, name: &str, value: &mut u64) {
        *value = self.numbers[name];
    }

    fn bytes(&mut self, name: &str, bytes: &mut Vec<u8>) {
        bytes.clone_from(&self.bytes[name]);
    }
}

/// Puts a packed network in its place.
struct Unpack<'a> {
    /// Sizes and values, also those that codes stand for.
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
    /// Codes, and what else is bytes.
    bytes: HashMap<String, Vec<u8>>,
    numbers: &'a BTreeMap<String, u64>,
    /// The first that is not there, or of other sizes.
    missing: Option<String>,
}

impl Unpack<'_> {
    fn found(&mut self, name: &str, found: bool) {
        if !found {
            self.missing.get_or_insert_with(|| name.into());
        }
    }
}

impl Visitor for Unpack<'_> {
    fn tensor(&mut self, name: &str, dims: &[usize], values: &mut [f32]) {
        let coded = self.tensors.get(&format!("{name}{VALUES}")).zip(self.bytes.get(name));
        let found = match (coded, self.tensors.get(name)) {
            (Some(((shape, table), codes)), _) => packed::decode(table, shape, codes, values),
            (None, Some((shape, read))) if shape == dims => {
                values.copy_from_slice(read);
                true
            }
            _ => false,
        };
        self.found(name, found);
    }

    fn number(&mut self, name: &str, value: &mut u64) {
        let read = self.numbers.get(name).copied();
        *value = read.unwrap_or_default();
        self.found(name, read.is_some());
    }

    fn bytes(&mut self, name: &str, bytes: &mut Vec<u8>) {
        let read = self.bytes.remove(name);
        let found = read.is_some();
        *bytes = read.unwrap_or_default();
        self.found(name, found);
    }
}
