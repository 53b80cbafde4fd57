//! Data sets for which there is no memory are refused: an allocation that fails where nobody can refuse it ends the
//! engine, and every run in it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use nibble::data::images::from_pixels;
use nibble::data::{BYTES_PER_IMAGE, Dataset, Decoder, Gathering, IMAGE_BYTES, synthetic};
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
    let read =
        |image: usize, into: &mut [u8]| into.copy_from_slice(&pixels[image * IMAGE_BYTES..][..IMAGE_BYTES]);
    let own = || from_pixels("Pets", vec!["cats".into(), "dogs".into()], pixels.len(), &labels, 1, read);
    assert!(with_room(450, own).is_ok());
    let fit = room_for(with_room(300, own), 400);
    assert!((290..=300).contains(&fit), "{fit}");
    room_for(with_room(415, own), 40);

    let files = || vec![("data_batch_1.bin", batch(700)), ("test_batch.bin", batch(100))];
    let gathering = gathered(files());
    let result = with_room(690, || gathering.plan(&mut |_| {}).map(drop));
    assert!(result.is_err(), "a reader asks for more than there is");
    assert_eq!(read_all(gathered(files())).unwrap().train.len(), 700);
}

fn gathered(files: Vec<(&str, Vec<u8>)>) -> Gathering {
    let mut gathering = Gathering::new(Decoder { name: "nobody" });
    files.into_iter().for_each(|(name, bytes)| gathering.add(name, Rc::new(bytes)));
    gathering
}

fn read_all(gathering: Gathering) -> Result<Dataset> {
    Ok(gathering.plan(&mut |_| {})?.finish()?.0)
}

/// Counted before it is read, by what the page knows.
#[test]
fn a_file_that_is_too_large_for_its_room_is_not_read() {
    let _guard = exclusive();
    let files = |second: usize| vec![("data_batch_1.bin", batch(100)), ("data_batch_2.bin", batch(second))];
    let mut gathering = gathered(files(100));
    gathering.set_room(150 * BYTES_PER_IMAGE);
    assert_eq!(room_for(read_all(gathering), 100), 50);
    let mut gathering = gathered(files(50));
    gathering.set_room(150 * BYTES_PER_IMAGE);
    read_all(gathering).unwrap();
}
