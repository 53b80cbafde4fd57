//! Checkpoints that are damaged, or made by hand to do damage: each is refused in a sentence or told by its checksum, and
//! none takes more memory than it can have a reason to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use nibble::checkpoint::{self, History, Reader};
use nibble::data::{Dataset, synthetic};
use nibble::run::Run;
use nibble::{Result, RunConfig};

/// What a file may take in memory besides twice its own bytes: buffers, and a header that is read as far as it goes.
const BESIDES: usize = 1 << 20;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, and a count of the bytes that it has handed out.
struct Counting;

impl Counting {
    fn add(bytes: usize) {
        let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
        PEAK.fetch_max(live, Ordering::Relaxed);
    }
}

// SAFETY: all is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // A large one grows where it lies, or by its pages.
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        Self::add(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is counted is of the whole process: one test at a time.
fn exclusive() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The most bytes that were taken at a time meanwhile.
fn taken<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = work();
    (result, PEAK.load(Ordering::Relaxed) - before)
}

fn images() -> Arc<Dataset> {
    static IMAGES: OnceLock<Arc<Dataset>> = OnceLock::new();
    IMAGES.get_or_init(|| Arc::new(synthetic::generate(130, 40, 1).unwrap())).clone()
}

fn config() -> RunConfig {
    let mut config =
        RunConfig { model: "convnetjs_cifar10".into(), batch: 16, epochs: 2, ..RunConfig::default() };
    for (key, text) in [("quantizer", "lsq"), ("activations", "affine"), ("actbits", "4"), ("ema", "0.9")] {
        config.set(key, text).unwrap();
    }
    config
}

/// The file of a run in the middle of its second epoch, and what a new run of its settings takes.
fn saved() -> (&'static [u8], usize) {
    static FILE: OnceLock<(Vec<u8>, usize)> = OnceLock::new();
    let (file, run) = FILE.get_or_init(|| {
        // Threads and tables of the first use.
        drop(Run::new(images(), config(), || 0.0).unwrap());
        let (run, bytes) = taken(|| Run::new(images(), config(), || 0.0));
        let (mut run, mut history) = (run.unwrap(), History::default());
        (0..15).for_each(|_| history.add(&run.advance().unwrap()));
        let mut file = Vec::new();
        checkpoint::write(&mut run, &history, &mut file).unwrap();
        (file, bytes)
    });
    (file, *run)
}

fn header_len(file: &[u8]) -> usize {
    u64::from_le_bytes(file[..8].try_into().unwrap()) as usize
}

/// One sentence, of a line, which names the file.
fn check_sentence<T>(result: &Result<T>, what: &str) {
    if let Err(error) = result {
        let text = error.to_string();
        assert!(
            text.contains(": expected ") && text.contains(", found ") && !text.contains('\n'),
            "{what}: {text}"
        );
    }
}

fn open(file: &[u8]) -> Result<Reader<&[u8]>> {
    Reader::open("a", file)
}

fn load(file: &[u8]) -> Result<bool> {
    Ok(open(file)?.load(images(), || 0.0)?.intact)
}

/// Reads a file in every way, and returns whether it counts as the one that was written.
fn read(file: &[u8], what: &str, loads: bool) -> bool {
    let (_, run) = saved();
    let most = 2 * file.len() + BESIDES;
    let (verified, took) = taken(|| open(file).and_then(Reader::verify));
    check_sentence(&verified, what);
    assert!(took <= most, "{what}: verifying {} bytes took {took}", file.len());
    if loads {
        let (loaded, took) = taken(|| load(file));
        check_sentence(&loaded, what);
        assert!(
            took <= run + most,
            "{what}: loading {} bytes took {took}, a run of its own {run}",
            file.len()
        );
        assert!(
            !loaded.as_ref().is_ok_and(|intact| *intact) || verified.is_ok(),
            "{what}: only loading holds it intact"
        );
        return loaded.unwrap_or(false);
    }
    verified.unwrap_or(false)
}

#[test]
fn a_whole_file_is_intact() {
    let _guard = exclusive();
    let (file, _) = saved();
    assert!(read(file, "whole", false) && read(file, "whole", true));
}

#[test]
fn any_one_bit_that_is_flipped_is_told() {
    let _guard = exclusive();
    let (file, _) = saved();
    let data = 8 + header_len(file);
    // A bit of every byte of the header, of three hundred places of the data, and all of the sum.
    let header = (0..data).map(|at| (at, 5 * at % 8));
    let tensors = (data..file.len() - 32).step_by((file.len() - data) / 300).map(|at| (at, at / 300 % 8));
    let sum = (file.len() - 32..file.len()).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let mut flipped = file.to_vec();
    let mut count = [0, 0];
    for (at, bit) in header.chain(tensors).chain(sum) {
        flipped[at] ^= 1 << bit;
        let opens = open(&flipped).is_ok();
        count[usize::from(opens)] += 1;
        // Building a run takes a hundred times as long as reading a header that is refused.
        assert!(
            !read(&flipped, &format!("bit {bit} of byte {at}"), opens && at % 7 == 0),
            "bit {bit} of byte {at}"
        );
        flipped[at] ^= 1 << bit;
    }
    assert!(count.iter().all(|count| *count > 500), "refused at once and not: {count:?}");
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let _guard = exclusive();
    let (file, _) = saved();
    let data = 8 + header_len(file);
    let header = (0..data).step_by(13);
    let edges = (0..16).chain(data - 2..data + 40).chain(file.len() - 40..file.len());
    let tensors = (data..file.len()).step_by((file.len() - data) / 200);
    for length in header.chain(edges).chain(tensors) {
        let cut = &file[..length];
        let problem = load(cut).expect_err("cut").to_string();
        assert!(
            problem.contains("its end after") || problem.contains("less than eight bytes"),
            "{length}: {problem}"
        );
        assert!(!read(cut, &format!("the first {length} bytes"), length % 3 == 0));
    }
}

/// A file with this header, before the bytes that follow it in `file`.
fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// The header of the file, and what comes after it.
fn parts() -> (String, &'static [u8]) {
    let (file, _) = saved();
    let end = 8 + header_len(file);
    (String::from_utf8(file[8..end].to_vec()).unwrap(), &file[end..])
}

#[test]
fn other_versions_are_refused() {
    let _guard = exclusive();
    let (header, data) = parts();
    let now = "\"nibble.format\":\"1\"";
    assert!(header.contains(now));
    for format in
        ["0", "2", "99", "18446744073709551615", "1e300", "-1", "1.5", "null", "[1]", "", "\\\"1\\\""]
    {
        let file = with_header(&header.replace(now, &format!("\"nibble.format\":\"{format}\"")), data);
        let problem = load(&file).expect_err(format).to_string();
        assert!(problem.contains("a run saved by Nibble, of format 1 to 1, found "), "{format}: {problem}");
        assert!(!read(&file, format, true));
    }
}

/// Metadata of a run that has nothing in it but, as one of its fields, this text.
fn metadata(name: &str, text: &str) -> String {
    let fields = [
        ("format", "1"),
        ("engine", r#"\"\""#),
        ("arithmetic", r#"\"\""#),
        ("settings", "{}"),
        ("data", r#"{\"name\":\"\",\"classes\":[],\"images\":[1,1],\"fingerprint\":\"\"}"#),
        ("state", "{}"),
        ("epochs", "[]"),
    ];
    let fields =
        fields.map(|(own, usual)| format!("\"nibble.{own}\":\"{}\"", if own == name { text } else { usual }));
    format!("\"__metadata__\":{{{}}}", fields.join(","))
}

/// The files that were made by hand, with what each is.
fn made_by_hand() -> Vec<(String, Vec<u8>)> {
    let (header, data) = parts();
    let mut made = Vec::new();
    let mut add = |what: &str, file: Vec<u8>| made.push((what.to_owned(), file));
    // The description of a tensor, with something else in it.
    let weight = header.find("\"conv1.weight\":{").unwrap();
    let end = weight + header[weight..].find('}').unwrap() + 1;
    let sum = header.find("\"nibble.sum\":{").unwrap();
    let sum_end = sum + header[sum..].find('}').unwrap() + 1;
    let most = usize::MAX;
    for (dtype, shape, offsets) in [
        ("F32", format!("[{most}]"), format!("[0,{most}]")),
        ("F32", format!("[{most},{most}]"), "[0,0]".into()),
        ("F32", "[1099511627776]".into(), "[0,4398046511104]".into()),
        ("U8", format!("[{}]", 1u64 << 50), format!("[0,{}]", 1u64 << 50)),
        ("F64", format!("[{}]", 1u64 << 40), format!("[0,{}]", 1u64 << 43)),
        ("F32", "[0]".into(), "[0,0]".into()),
        ("F32", "[]".into(), "[8,4]".into()),
        ("F32", "[-1]".into(), "[0,4]".into()),
        ("F4", "[3]".into(), "[0,2]".into()),
    ] {
        let tensor = format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}}}");
        add(
            &format!("conv1.weight as {tensor}"),
            with_header(&format!("{}\"conv1.weight\":{tensor}{}", &header[..weight], &header[end..]), data),
        );
        let alone = format!("{{{},\"nibble.losses\":{tensor}}}", metadata("", ""));
        add(&format!("nibble.losses alone as {tensor}"), with_header(&alone, data));
    }
    // The last tensor goes on for ever: it is read as far as the file goes.
    let start: u64 = header[sum..sum_end].split(['[', ',']).find_map(|text| text.parse().ok()).unwrap();
    for end in [1u64 << 40, 1 << 62] {
        let tensor = format!(
            "\"nibble.sum\":{{\"data_offsets\":[{start},{end}],\"dtype\":\"U8\",\"shape\":[{}]}}",
            end - start
        );
        let text = format!("{}{tensor}{}", &header[..sum], &header[sum_end..]);
        add(&format!("a sum of {end} bytes"), with_header(&text, data));
    }
    // Lengths of a header that is not there, at and about the longest that is read.
    for length in [1, (1 << 19) - 1, 1 << 19, (1 << 19) + 1, 1 << 40, u64::MAX] {
        add(&format!("a header of {length} bytes"), [&length.to_le_bytes()[..], header.as_bytes()].concat());
    }
    // Headers as long as they may be.
    let long = |begin: &str, repeated: &str, end: &str| {
        let times = ((1 << 19) - begin.len() - end.len()) / repeated.len();
        with_header(&format!("{begin}{}{end}", repeated.repeat(times)), &[])
    };
    add("blanks", long("{", " ", "}"));
    add("brackets", long("", "[", ""));
    add("nested", long("", "{\"a\":", ""));
    add("a long name", long("{\"", "a", "\":1}"));
    add("a long shape", long("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4],\"shape\":[1", ",1", "]}}"));
    add(
        "a long shape in two",
        long("{\"a\":{\"shape\":[0", ",0", "],\"dtype\":\"F32\",\"data_offsets\":[0,0]}}"),
    );
    add("nothing known", long("{\"a\":{\"x\":[1", ",1", "]}}"));
    let field = |name: &str, begin: &str, repeated: &str, end: &str| {
        let whole = format!("{{{}}}", metadata(name, "\n"));
        let (before, after) = whole.split_once('\n').unwrap();
        long(&format!("{before}{begin}"), repeated, &format!("{end}{after}"))
    };
    add("numbers for epochs", field("epochs", "[1", ",1", "]"));
    add("nested epochs", field("epochs", "", "[", ""));
    add("many settings", field("settings", r#"{\"a\":\"\""#, r#",\"a\":\"\""#, "}"));
    add(
        "many classes",
        field(
            "data",
            r#"{\"name\":\"\",\"images\":[1,1],\"fingerprint\":\"\",\"classes\":[\"\""#,
            r#",\"\""#,
            "]}",
        ),
    );
    add(
        "few long classes",
        field(
            "data",
            r#"{\"name\":\"\",\"images\":[1,1],\"fingerprint\":\"\",\"classes\":[\""#,
            "a",
            r#"\"]}"#,
        ),
    );
    add("a long number", field("state", r#"{\"a\":1"#, "0", "}"));
    let numbered = |one: &dyn Fn(usize) -> String| {
        (0..)
            .map(one)
            .scan(0, |sum, one| {
                *sum += one.len();
                (*sum < (1 << 19) - 1000).then_some(one)
            })
            .collect::<String>()
    };
    let tensors = numbered(&|n| {
        format!("\"{n:x}\":{{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[{n},{}]}},", n + 1)
    });
    add("many tensors", with_header(&format!("{{{tensors}{}}}", metadata("", "")), &[]));
    let numbers = numbered(&|n| format!("\\\"{n:x}\\\":1,"));
    add(
        "many numbers",
        with_header(&format!("{{{}}}", metadata("state", &format!("{{{numbers}\\\"a\\\":1}}"))), &[]),
    );
    made
}

#[test]
fn what_was_made_by_hand_takes_no_memory() {
    let _guard = exclusive();
    saved();
    for (what, file) in made_by_hand() {
        assert!(!read(&file, &what, true), "{what}");
    }
}
