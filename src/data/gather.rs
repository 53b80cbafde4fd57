//! From whatever was dropped to a data set.
//!
//! [`Gathering::plan`] looks at every file, by its content, and decides what the set is: CIFAR's batches, a table in Parquet,
//! arrays, or pictures. All but pictures it reads at once; pictures are asked for one at a time by [`Reading::next_picture`], so that
//! whoever knows how decodes them, and each is put in its place. Nothing of a file is taken whole but an array, of which there
//! are at most [`MAX_ARRAY`](super::arrays::MAX_ARRAY) bytes, and a picture.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::rc::Rc;

use super::archive::{Leaf, Walk};
use super::arrays::npy::Npy;
use super::arrays::{self, Array, MAX_ARRAY};
use super::dataset::Dataset;
use super::folders::{self, Table, natural};
use super::input::{take_exactly, unreadable, wrong};
use super::left_out::{LeftOut, few};
use super::loader::Loader;
use super::pairs::Pairs;
use super::pickle::Pickle;
use super::pictures::{Decoder, Places, Slot};
use super::recognise::{Content, picture_by_name};
use super::roles::{Role, base_name};
use super::source::{Input, Source};
use super::tables::Tables;
use crate::{Error, Result};

/// Files of a drop, those in archives too.
const MOST_FILES: usize = 1_000_000;
/// Bytes of a table of labels.
const MAX_TABLE: u64 = 64 << 20;
/// Bytes of a picture in an archive.
const MAX_PICTURE: u64 = 128 << 20;
/// Bytes of pictures of tar archives that are kept from the first look on, so that none is unpacked twice.
const MAX_KEPT: usize = 256 << 20;
/// With so many pictures, an array beside them is a stranger.
const MANY_PICTURES: usize = 20;

/// What may be dropped.
const WANTED: &str = "pictures in a folder for each class, CIFAR's batches, arrays of images and labels (.npz, .npy, .mat, IDX), \
                      or a Parquet table of pictures";

/// Gathers what was dropped.
pub struct Gathering {
    inputs: Vec<Input>,
    room: Option<usize>,
    sample: Option<usize>,
    decoder: Decoder,
}

/// A file, and what it is.
struct Seen {
    leaf: Leaf,
    content: Content,
    /// What it looks like, where it may have to be said.
    described: String,
}

/// A picture to be decoded.
pub struct Picture {
    /// Its place in the set, for [`Reading::put`].
    pub slot: usize,
    /// The input that it is, as it lies there; its bytes then are not read here.
    pub input: Option<usize>,
    /// Its bytes, where it lies in an archive or a table.
    pub bytes: Vec<u8>,
}

/// The path of a text, and the text.
type Text = (String, String);

enum Pending {
    Nothing,
    /// Slots by the number of their leaf, which the walk counts; those of plain files, in their order; those whose bytes are at
    /// hand.
    Walk {
        walk: Walk,
        next: usize,
        slots: HashMap<usize, usize>,
        plain: std::vec::IntoIter<(usize, usize)>,
        ready: std::vec::IntoIter<(usize, Vec<u8>)>,
    },
    Tables(Tables),
}

enum Set {
    Done(Box<Dataset>, Vec<LeftOut>),
    Pictures(Box<Places>),
}

/// A set that is being read.
pub struct Reading {
    inputs: Rc<[Input]>,
    pending: Pending,
    set: Set,
    decoder: Decoder,
}

impl Gathering {
    /// One of nothing. `decoder` is who will decode pictures.
    pub fn new(decoder: Decoder) -> Self {
        Self { inputs: Vec::new(), room: None, sample: None, decoder }
    }

    /// Adds a file by its path from the dropped folder on.
    pub fn add(&mut self, path: &str, source: Rc<dyn Source>) {
        self.inputs.push(Input { path: path.replace('\\', "/"), source, origin: self.inputs.len() });
    }

    /// Lets the images take so many bytes at most: more are refused before they are read.
    pub fn set_room(&mut self, bytes: usize) {
        self.room = Some(bytes);
    }

    /// Takes only about so many pictures, evenly of each class.
    pub fn set_sample(&mut self, images: usize) {
        self.sample = Some(images);
    }

    /// Looks at everything, and reads what is no picture. `progress` is told how many files it has looked at.
    ///
    /// # Errors
    /// [`Error::Data`] where no data set is in it, or it is damaged, larger than it may be, or there is no memory for it.
    pub fn plan(mut self, progress: &mut dyn FnMut(usize)) -> Result<Reading> {
        // Browsers list a folder in the order of the disk; the same folder is to be the same data set everywhere.
        let mut inputs = std::mem::take(&mut self.inputs);
        inputs.sort_by_cached_key(|input| natural(&input.path));
        let inputs: Rc<[Input]> = inputs.into();
        let Looked { seen, texts, kept } = look(&inputs, progress)?;
        if seen.iter().any(batch) {
            return self.cifar(inputs, &seen);
        }
        let pictures = seen.iter().filter(|seen| matches!(seen.content, Content::Picture(_))).count();
        let tabled = seen.iter().any(|seen| seen.content == Content::Parquet);
        if pictures < MANY_PICTURES && tabled {
            return self.tables(inputs, &seen);
        }
        let pairs = stl(&seen);
        let arrays = |seen: &Seen| {
            matches!(seen.content, Content::Npy | Content::Idx | Content::Mat | Content::Pickle)
                || pairs.contains(&seen.leaf.name)
        };
        if pictures < MANY_PICTURES && seen.iter().any(arrays) {
            return self.arrays(inputs, &seen, &texts, &arrays);
        }
        if pictures == 0 {
            return Err(nothing(&seen));
        }
        self.pictures(inputs, seen, &texts, kept)
    }

    fn cifar(self, inputs: Rc<[Input]>, seen: &[Seen]) -> Result<Reading> {
        let mut loader = Loader::new();
        if let Some(room) = self.room {
            loader.set_room(room);
        }
        let mut strangers = Vec::new();
        each(&inputs, seen, |seen, walk| {
            let role = Role::of(&seen.leaf.path);
            if !batch(seen) && !matches!(role, Role::NamesPickle | Role::NamesText) {
                if role == Role::Unknown {
                    strangers.push(stranger(seen));
                }
                return Ok(false);
            }
            loader.add(&seen.leaf.name, role, seen.content, seen.leaf.size, walk.reader()).map(|()| true)
        })?;
        let mut dataset = loader.finish()?;
        if !strangers.is_empty() {
            let names: Vec<&str> = strangers.iter().map(|left| base_name(&left.path)).collect();
            dataset.notes.push(format!("Passed over beside the batches: {}.", few(&names)));
        }
        Ok(self.done(inputs, dataset, strangers))
    }

    fn arrays(
        self,
        inputs: Rc<[Input]>,
        seen: &[Seen],
        texts: &[Text],
        wanted: &dyn Fn(&Seen) -> bool,
    ) -> Result<Reading> {
        let mut pairs = Pairs::default();
        let mut strangers = Vec::new();
        each(&inputs, seen, |seen, walk| {
            let Seen { leaf, content, .. } = seen;
            if !wanted(seen) {
                // Texts tell of classes, or of the set.
                if *content != Content::Text {
                    strangers.push(stranger(seen));
                }
                return Ok(false);
            }
            let name = leaf.name.as_str();
            let read = match content {
                Content::Npy => match arrays::npy::read(name, walk.reader())? {
                    Npy::Numbers(array) => pairs.add(&leaf.path, "", array),
                    Npy::Texts(texts) => {
                        pairs.add_texts(&leaf.path, texts);
                        Ok(())
                    }
                    // Beside others it is passed over.
                    Npy::Other(header) if leaf.plain => {
                        wrong(name, "a .npy array of numbers", format!("its header {header}"))
                    }
                    Npy::Other(_) => Ok(()),
                },
                Content::Idx => pairs.add(&leaf.path, "", arrays::idx::read(name, walk.reader())?),
                Content::Mat => {
                    let found = arrays::mat::read(name, walk.reader())?;
                    found.into_iter().try_for_each(|(key, array)| pairs.add(&leaf.path, &key, array))
                }
                Content::Pickle => pickled(&mut pairs, leaf, walk.reader()),
                _ => pairs.add(&leaf.path, "", raw(leaf, walk.reader())?),
            };
            read.map(|()| true)
        })?;
        if !pairs.has_images() {
            return Err(nothing(seen));
        }
        let names = texts
            .iter()
            .find(|(path, _)| ["class", "name", "label"].iter().any(|word| base_name(path).contains(word)));
        if let Some((_, text)) = names {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            pairs.classes = Some(lines.map(String::from).collect());
        }
        let mut dataset = pairs.finish(&set_name(&inputs), self.room, self.sample)?;
        let sizes = format!(
            "{} classes, {} training and {} test images",
            dataset.classes.len(),
            dataset.train.len(),
            dataset.test.len()
        );
        dataset.notes.insert(0, format!("Read as arrays: {sizes}."));
        Ok(self.done(inputs, dataset, strangers))
    }

    fn tables(self, inputs: Rc<[Input]>, seen: &[Seen]) -> Result<Reading> {
        let mut files: Vec<(String, Rc<dyn Source>)> = Vec::new();
        each(&inputs, seen, |seen, walk| {
            let leaf = &seen.leaf;
            if seen.content != Content::Parquet {
                return Ok(false);
            }
            let source: Rc<dyn Source> = if leaf.plain {
                inputs[leaf.input].source.clone()
            } else {
                Rc::new(whole(leaf, walk.reader(), MAX_ARRAY)?)
            };
            files.push((leaf.name.clone(), source));
            Ok(true)
        })?;
        let (tables, places) = Tables::plan(&set_name(&inputs), files, self.room, self.sample)?;
        let (pending, set) = (Pending::Tables(tables), Set::Pictures(Box::new(places)));
        Ok(Reading { inputs, pending, set, decoder: self.decoder })
    }

    fn pictures(
        self,
        inputs: Rc<[Input]>,
        seen: Vec<Seen>,
        texts: &[Text],
        mut kept: HashMap<usize, Vec<u8>>,
    ) -> Result<Reading> {
        let (mut at, mut paths, mut left_out, mut known) =
            (Vec::new(), Vec::new(), Vec::new(), HashSet::new());
        for (number, seen) in seen.iter().enumerate() {
            let Seen { leaf, content, .. } = seen;
            match content {
                // An archive beside its unpacked folder: each picture once.
                Content::Picture(_) if !known.insert((leaf.path.as_str(), leaf.size)) => {}
                Content::Picture(_) => {
                    at.push(number);
                    paths.push(leaf.path.as_str());
                }
                Content::Text => {}
                _ => left_out.push(stranger(seen)),
            }
        }
        let tables: Vec<Table> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let grouping = folders::group(&paths, &tables)?;
        for (why, pictures) in &grouping.left_out {
            left_out.extend(pictures.iter().map(|&picture| LeftOut {
                path: paths[picture].into(),
                why: (*why).into(),
                class: None,
            }));
        }
        let mut order: Vec<usize> =
            (0..paths.len()).filter(|&picture| grouping.places[picture].is_some()).collect();
        order.sort_by_cached_key(|&picture| natural(paths[picture]));
        let slot = |&picture: &usize| {
            let (share, class) = grouping.places[picture]?;
            Some(Slot { path: paths[picture].into(), share, class, at: at[picture] })
        };
        let slots = order.iter().filter_map(slot).collect();
        let name = grouping.name.unwrap_or_else(|| set_name(&inputs));
        let mut places = Places::new(name, grouping.classes, grouping.how, slots, self.room, self.sample)?;
        places.left_out = left_out;
        let (mut slots, mut plain, mut ready) = (HashMap::new(), Vec::new(), Vec::new());
        for (slot, Slot { at, .. }) in places.slots().iter().enumerate() {
            let leaf = &seen[*at].leaf;
            if leaf.plain {
                plain.push((slot, leaf.input));
            } else if let Some(bytes) = kept.remove(at) {
                ready.push((slot, bytes));
            } else {
                slots.insert(*at, slot);
            }
        }
        let pending = Pending::Walk {
            walk: Walk::new(inputs.clone()),
            next: 0,
            slots,
            plain: plain.into_iter(),
            ready: ready.into_iter(),
        };
        Ok(Reading { inputs, pending, set: Set::Pictures(Box::new(places)), decoder: self.decoder })
    }

    fn done(self, inputs: Rc<[Input]>, dataset: Dataset, left_out: Vec<LeftOut>) -> Reading {
        let set = Set::Done(Box::new(dataset), left_out);
        Reading { inputs, pending: Pending::Nothing, set, decoder: self.decoder }
    }
}

impl Reading {
    /// How many pictures there are to decode.
    pub fn pictures(&self) -> usize {
        match &self.set {
            Set::Pictures(places) => places.len(),
            Set::Done(..) => 0,
        }
    }

    /// Which of the files that were added an input of [`Picture`] is.
    pub fn origin(&self, input: usize) -> usize {
        self.inputs[input].origin
    }

    /// The next picture to decode; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Data`] where an archive is damaged.
    pub fn next_picture(&mut self) -> Result<Option<Picture>> {
        match &mut self.pending {
            Pending::Nothing => Ok(None),
            Pending::Tables(tables) => {
                Ok(tables.next()?.map(|(slot, bytes)| Picture { slot, input: None, bytes }))
            }
            Pending::Walk { walk, next, slots, plain, ready } => {
                if let Some((slot, input)) = plain.next() {
                    return Ok(Some(Picture { slot, input: Some(input), bytes: Vec::new() }));
                }
                if let Some((slot, bytes)) = ready.next() {
                    return Ok(Some(Picture { slot, input: None, bytes }));
                }
                while !slots.is_empty()
                    && let Some(leaf) = walk.next()?
                {
                    let number = *next;
                    *next += 1;
                    let Some(slot) = slots.remove(&number) else { continue };
                    walk.content(&leaf)?;
                    let bytes =
                        whole(&leaf, walk.reader(), MAX_PICTURE).map_err(|error| walk.blame(error))?;
                    return Ok(Some(Picture { slot, input: None, bytes }));
                }
                Ok(None)
            }
        }
    }

    /// The bytes of an input.
    ///
    /// # Errors
    /// [`Error::Data`] where it cannot be read, or is larger than a picture may be.
    pub fn bytes(&self, input: usize) -> Result<Vec<u8>> {
        let Input { path, source, .. } = &self.inputs[input];
        if source.size() > MAX_PICTURE {
            return wrong(
                path,
                format!("a picture of at most {} MB", MAX_PICTURE >> 20),
                format!("{} bytes", source.size()),
            );
        }
        let mut stretch = super::source::Stretch::new(source.clone(), 0, source.size());
        take_exactly(path, &mut stretch, source.size())
    }

    /// Puts a decoded picture, `[3][SIDE][SIDE]`, in its place.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn put(&mut self, slot: usize, image: &[u8]) {
        if let Set::Pictures(places) = &mut self.set {
            places.put(slot, image);
        }
    }

    /// A picture could not be decoded. Its first bytes say what it is.
    pub fn refuse(&mut self, slot: usize, head: &[u8]) {
        if let Set::Pictures(places) = &mut self.set {
            places.refuse(slot, head, self.decoder);
        }
    }

    /// The set, and what is not in it.
    ///
    /// # Errors
    /// [`Error::Data`] where fewer than two classes are left.
    pub fn finish(self) -> Result<(Dataset, Vec<LeftOut>)> {
        match self.set {
            Set::Done(dataset, left_out) => Ok((*dataset, left_out)),
            Set::Pictures(places) => places.finish(),
        }
    }
}

/// What there is.
struct Looked {
    seen: Vec<Seen>,
    /// Those that may be tables of labels.
    texts: Vec<Text>,
    /// Bytes of pictures, by the number of their file, that cost as much to read again as all before them.
    kept: HashMap<usize, Vec<u8>>,
}

/// Looks at every file.
fn look(inputs: &Rc<[Input]>, progress: &mut dyn FnMut(usize)) -> Result<Looked> {
    let (mut seen, mut texts) = (Vec::new(), Vec::new());
    let (mut kept, mut held) = (HashMap::new(), 0);
    let mut walk = Walk::new(inputs.clone());
    while let Some(leaf) = walk.next()? {
        if seen.len() == MOST_FILES {
            return wrong(&leaf.name, format!("at most {MOST_FILES} files"), "more");
        }
        // The names of pictures are believed until they are decoded.
        let by_name = picture_by_name(&leaf.path);
        let (content, head) = match by_name {
            Some(format) => (Content::Picture(format), Vec::new()),
            None => walk.content(&leaf).map_err(|error| walk.blame(error))?,
        };
        if content == Content::Text && leaf.size.is_none_or(|size| size <= MAX_TABLE) {
            let mut text = Vec::new();
            let read = walk.reader().take(MAX_TABLE).read_to_end(&mut text);
            read.map_err(|error| walk.blame(unreadable(&leaf.name, &error)))?;
            texts.push((leaf.path.clone(), String::from_utf8_lossy(&text).into_owned()));
        }
        let size = leaf.size.unwrap_or(u64::MAX);
        if matches!(content, Content::Picture(_))
            && walk.unpacks_all()
            && size <= MAX_PICTURE.min((MAX_KEPT - held) as u64)
        {
            walk.content(&leaf).map_err(|error| walk.blame(error))?;
            let bytes = whole(&leaf, walk.reader(), MAX_PICTURE).map_err(|error| walk.blame(error))?;
            held += bytes.len();
            kept.insert(seen.len(), bytes);
        }
        let described = if by_name.is_some() { String::new() } else { content.describe(&head) };
        seen.push(Seen { leaf, content, described });
        progress(seen.len());
    }
    Ok(Looked { seen, texts, kept })
}

/// Goes through all files again, each ready to be read; what was of use is read to its end, where its checksum is.
fn each(
    inputs: &Rc<[Input]>,
    seen: &[Seen],
    mut with: impl FnMut(&Seen, &mut Walk) -> Result<bool>,
) -> Result<()> {
    let mut walk = Walk::new(inputs.clone());
    let mut next = 0;
    while let Some(leaf) = walk.next()? {
        let Some(seen) = seen.get(next) else { break };
        next += 1;
        walk.content(&leaf)?;
        let read = with(seen, &mut walk).and_then(|used| match used {
            true if !leaf.plain => {
                io::copy(walk.reader(), &mut io::sink()).map_err(|error| unreadable(&leaf.name, &error))
            }
            _ => Ok(0),
        });
        read.map_err(|error| walk.blame(error))?;
    }
    Ok(())
}

/// Whether a file is a batch of CIFAR: by its name, and a content that it may have.
fn batch(seen: &Seen) -> bool {
    let Role::Batch { kind, .. } = Role::of(&seen.leaf.path) else { return false };
    let name = base_name(&seen.leaf.path).to_ascii_lowercase();
    let sure = name.contains("batch") || name.ends_with(".bin");
    match seen.content {
        Content::Pickle => true,
        Content::Other | Content::Text | Content::Empty => {
            sure || seen.leaf.size.is_some_and(|size| size > 0 && size % kind.record_bytes() as u64 == 0)
        }
        _ => false,
    }
}

fn stranger(seen: &Seen) -> LeftOut {
    LeftOut { path: seen.leaf.path.clone(), why: seen.described.clone(), class: None }
}

/// Nothing of it is a data set.
fn nothing(seen: &[Seen]) -> Error {
    let foreign = |seen: &&Seen| matches!(seen.content, Content::Foreign(..));
    let first = seen.iter().find(foreign).or_else(|| seen.first());
    let (file, found) = match first {
        Some(first) => {
            let size = first.leaf.size.map_or_else(String::new, |size| format!(" ({size} bytes)"));
            let more =
                if seen.len() > 1 { format!(", and {} more files", seen.len() - 1) } else { String::new() };
            (first.leaf.name.clone(), format!("{}{size}{more}", first.described))
        }
        None => ("no data set".into(), "no file".into()),
    };
    Error::Data { file, expected: WANTED.into(), found }
}

/// A set's name: that of the folder that holds all, or of the only file, or what own images are called.
fn set_name(inputs: &[Input]) -> String {
    let first = |path: &str| path.split('/').next().unwrap_or("").to_owned();
    let roots: HashSet<String> = inputs.iter().map(|input| first(&input.path)).collect();
    let mut roots = roots.into_iter();
    match (roots.next(), roots.next()) {
        (Some(root), None) => {
            let endings =
                [".gz", ".tar", ".tgz", ".zip", ".npz", ".npy", ".mat", ".parquet", ".pkl", ".pickle"];
            let mut name = root.as_str();
            for ending in endings {
                name = name.strip_suffix(ending).unwrap_or(name);
            }
            name.to_owned()
        }
        _ => "Own images".into(),
    }
}

/// The bytes of a file in an archive.
fn whole(leaf: &Leaf, reader: &mut dyn Read, most: u64) -> Result<Vec<u8>> {
    if let Some(size) = leaf.size.filter(|&size| size > most) {
        return wrong(&leaf.name, format!("a file of at most {} MB", most >> 20), format!("{size} bytes"));
    }
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&leaf.name, &error))?;
    if bytes.len() as u64 > most {
        return wrong(&leaf.name, format!("a file of at most {} MB", most >> 20), "more");
    }
    Ok(bytes)
}

/// Whatever of a pickle is images or labels.
fn pickled(pairs: &mut Pairs, leaf: &Leaf, reader: &mut dyn Read) -> Result<()> {
    let corrupt = |corrupt: super::pickle::Corrupt| corrupt.of(&leaf.name);
    let mut pickle = Pickle::read(reader, leaf.size).map_err(corrupt)?;
    for (key, part) in pickle.parts() {
        if let Some(array) = pickle.numbers(part, 10 * super::dataset::MAX_IMAGES).map_err(corrupt)? {
            pairs.add(&leaf.path, &key, array)?;
        }
    }
    Ok(())
}

/// Bytes of an image of STL-10: 96 x 96, three planes, each column by column.
const STL_SIDE: usize = 96;
const STL_BYTES: u64 = (3 * STL_SIDE * STL_SIDE) as u64;

/// The files of STL-10 that have labels: `train_X.bin` with `train_y.bin`, as many of one as of the other.
fn stl(seen: &[Seen]) -> HashSet<String> {
    let sizes: HashMap<&str, u64> =
        seen.iter().filter_map(|seen| Some((seen.leaf.name.as_str(), seen.leaf.size?))).collect();
    let mut found = HashSet::new();
    for (name, size) in &sizes {
        let Some(stem) = name.strip_suffix("_X.bin") else { continue };
        let labels = format!("{stem}_y.bin");
        if size % STL_BYTES == 0 && sizes.get(labels.as_str()) == Some(&(size / STL_BYTES)) {
            found.extend([(*name).to_owned(), labels]);
        }
    }
    found
}

/// Bytes without a header: STL-10's.
fn raw(leaf: &Leaf, reader: &mut dyn Read) -> Result<Array> {
    let bytes = whole(leaf, reader, MAX_ARRAY)?;
    let shape = if leaf.path.ends_with("_X.bin") {
        vec![STL_SIDE, STL_SIDE, 3, bytes.len() / STL_BYTES as usize]
    } else {
        vec![bytes.len()]
    };
    Ok(Array { dtype: arrays::Dtype::U8, shape, fortran: true, bytes })
}
