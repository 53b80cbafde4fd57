//! Data sets for which there is no memory are refused: an allocation that fails where nobody can refuse it ends the
//! engine, and every run in it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use nibble::data::images::from_images;
use nibble::data::{BYTES_PER_IMAGE, IMAGE_BYTES, Loader, synthetic};
use nibble::{Error, Result};

/// Allocations up to this size always succeed: messages, names, what a thread needs.
const SMALL: usize = 16 << 10;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

/// The system's allocator with a limit.
struct Limited;

impl Limited {
    /// Whether there is room for so many bytes more.
    fn allows(bytes: usize) -> bool {
        bytes <= SMALL || LIVE.load(Ordering::Relaxed).saturating_add(bytes) <= LIMIT.load(Ordering::Relaxed)
    }
}

// SAFETY: all is done by the system's allocator, or refused.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !Self::allows(layout.size()) {
            return std::ptr::null_mut();
        }
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > layout.size() && !Self::allows(size) {
            return std::ptr::null_mut();
        }
        LIVE.fetch_add(size, Ordering::Relaxed);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Limited = Limited;

/// Does something where there is memory for so many images more.
fn with_room<T>(images: usize, work: impl FnOnce() -> T) -> T {
    LIMIT.store(LIVE.load(Ordering::Relaxed) + images * BYTES_PER_IMAGE, Ordering::Relaxed);
    let result = work();
    LIMIT.store(usize::MAX, Ordering::Relaxed);
    result
}

/// How many images there was room for, of so many that were wanted.
#[track_caller]
fn room_for<T: std::fmt::Debug>(result: Result<T>, wanted: usize) -> usize {
    match result {
        Err(Error::Data { expected, found, .. }) if expected == format!("memory for {wanted} images") => {
            found.strip_prefix("room for ").and_then(|fit| fit.parse().ok()).expect("a number of images")
        }
        other => panic!("expected an error of memory for {wanted} images, got {other:?}"),
    }
}

/// A binary batch of CIFAR-10.
fn batch(images: usize) -> Vec<u8> {
    (0..images * (1 + IMAGE_BYTES)).map(|i| if i % (1 + IMAGE_BYTES) == 0 { 3 } else { i as u8 }).collect()
}

/// The limit is for the whole process: one test at a time.
fn exclusive() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[test]
fn what_has_no_room_is_refused() {
    let _guard = exclusive();
    // Threads and tables of the first use.
    synthetic::generate(10, 10, 1).unwrap();

    let drawn = || synthetic::generate(300, 100, 1);
    assert!(with_room(410, drawn).is_ok());
    // What is small is granted to the last.
    let fit = room_for(with_room(350, drawn), 100);
    assert!((40..=50).contains(&fit), "{fit}");
    let fit = room_for(with_room(200, drawn), 300);
    assert!((190..=200).contains(&fit), "{fit}");
    assert!(room_for(synthetic::generate(1 << 50, 1, 1), 1 << 50) < 1 << 50);
    assert!(room_for(synthetic::generate(1, usize::MAX, 1), usize::MAX) < 1 << 50);

    let (pixels, labels) = (batch(400)[..400 * IMAGE_BYTES].to_vec(), [[0u16; 200], [1; 200]].concat());
    let own = || from_images("Pets", vec!["cats".into(), "dogs".into()], &pixels, &labels, 1);
    assert!(with_room(410, own).is_ok());
    let fit = room_for(with_room(300, own), 360);
    assert!((290..=300).contains(&fit), "{fit}");
    room_for(with_room(365, own), 40);

    let first = batch(100);
    let add = |loader: &mut Loader, name: &str, bytes: &[u8]| loader.add(name, bytes.len() as u64, bytes);
    let mut loader = Loader::new();
    add(&mut loader, "data_batch_1.bin", &first).unwrap();
    // A reader asks for two megabytes, 683 images, and takes one.
    let refused = with_room(600, || add(&mut loader, "data_batch_2.bin", &first)).unwrap_err().to_string();
    assert_eq!(refused, "data_batch_2.bin: expected memory to read it, found too little");
    let (large, piece) = (batch(700), 16);
    room_for(with_room(690, || add(&mut loader, "data_batch_2.bin", &large)), 700);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&large).unwrap();
    let packed = packed.finish().unwrap();
    let result = with_room(690, || add(&mut loader, "data_batch_2.bin.gz", &packed));
    assert!(room_for(result, piece) < piece, "it comes in pieces");
    assert_eq!(loader.bytes(), 100 * BYTES_PER_IMAGE, "what fails leaves the loader as it was");
    room_for(with_room(0, || loader.finish()), 10);
}

/// Counted before it is read, by what the page knows.
#[test]
fn a_file_that_is_too_large_for_its_room_is_not_read() {
    let _guard = exclusive();
    let mut loader = Loader::new();
    loader.set_room(150 * BYTES_PER_IMAGE);
    let first = batch(100);
    loader.add("data_batch_1.bin", first.len() as u64, first.as_slice()).unwrap();
    let mut rest = first.as_slice();
    // Only its first bytes, which tell what it is.
    let only_head = std::io::Read::take(&mut rest, 512);
    assert_eq!(room_for(loader.add("data_batch_2.bin", first.len() as u64, only_head), 100), 50);
    let half = &first[..50 * (1 + IMAGE_BYTES)];
    loader.add("data_batch_2.bin", half.len() as u64, half).unwrap();
    assert_eq!(loader.bytes(), 150 * BYTES_PER_IMAGE);
    loader.finish().unwrap();
}
