//! What training keeps in memory, counted: the bounds that let VGG4bit and 60,000 images share a tab, and by which a run
//! that has no room is refused before it begins.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nibble::data::{BYTES_PER_IMAGE, synthetic};
use nibble::metrics::Event;
use nibble::models;
use nibble::run::{Quantization, Run};
use nibble::settings::RunConfig;

const MEGABYTE: usize = 1_000_000;

/// What the whole engine may take in the browser, images included.
const BUDGET: usize = 600 * MEGABYTE;

/// How much less than it says a run may take, and its copies more.
const SLACK: usize = 20 * MEGABYTE;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, and a count of the bytes that it has handed out.
struct Counting;

// SAFETY: all is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The only test of this file: what others allocate would be counted as well.
#[test]
fn runs_take_what_they_say_and_vgg4bit_leaves_room_for_60000_images() {
    let dataset = Arc::new(synthetic::generate(130, 100, 1).unwrap());
    let images = 60_000 * BYTES_PER_IMAGE;
    for preset in models::MODELS.iter() {
        let before = LIVE.load(Ordering::Relaxed);
        let config =
            RunConfig { model: preset.entry.name.into(), batch: 128, epochs: 1, ..RunConfig::default() };
        let mut run = Run::new(dataset.clone(), config, || 0.0).unwrap();
        let said = run.bytes();
        run.reserve().unwrap();
        let reserved = LIVE.load(Ordering::Relaxed);
        PEAK.store(reserved, Ordering::Relaxed);
        while !matches!(run.advance().unwrap(), Event::Finished { .. }) {}
        let peak = PEAK.load(Ordering::Relaxed);
        let (taken, early) = (peak - before, reserved - before);
        println!("{}: {said} bytes said, {early} taken when made, {taken} at most", preset.entry.name);
        assert!(taken <= said, "{} takes {taken} bytes and says {said}", preset.entry.name);
        assert!(taken + SLACK > said, "{} takes {taken} bytes only and says {said}", preset.entry.name);
        assert!(run.bytes() + images < BUDGET, "the whole");

        let before = LIVE.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let mut copy = run.fork(run.config().clone()).unwrap();
        let everything = Quantization {
            quantizer: "symmetric".into(),
            bits: 4,
            granularity: "tensor".into(),
            fold: true,
            equalise: true,
            correct: true,
            activations: Some("affine".into()),
            activation_bits: 4,
            calibration: "mse".into(),
            ..Default::default()
        };
        for quantization in [None, Some(everything)] {
            let mut evaluator = copy.evaluator(quantization).unwrap();
            while evaluator.advance().result.is_none() {}
        }
        let (taken, said) = (PEAK.load(Ordering::Relaxed) - before, run.copy_bytes());
        println!("copied and evaluated: {said} bytes said, {taken} taken");
        assert!(taken < said + SLACK, "copies of {} take {taken} bytes and say {said}", preset.entry.name);

        for name in ["relevance", "eigenvalue", "snip"] {
            let before = LIVE.load(Ordering::Relaxed);
            PEAK.store(before, Ordering::Relaxed);
            let mut sensing = run.sensing(name, 0).unwrap();
            // What is taken is taken by then.
            for _ in 0..4 {
                if sensing.advance().unwrap().result.is_some() {
                    break;
                }
            }
            let (taken, said) = (PEAK.load(Ordering::Relaxed) - before, run.sensing_bytes());
            println!("measured by {name}: {said} bytes said, {taken} taken");
            assert!(taken < said + SLACK, "{name} of {} takes {taken} bytes, {said} said", preset.entry.name);
        }
    }
}
