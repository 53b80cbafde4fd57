//! Every kernel against the oracle, for every instruction set of this machine.

#[path = "support/deploy.rs"]
mod deploy;
#[path = "support/kernels.rs"]
mod support;

use nibble::Tensor;
use nibble::kernels::{Conv3x3, Isa, Linear};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use support as oracle;
use support::*;

/// The instruction set is chosen for the whole process: one test at a time.
fn exclusive() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[test]
fn conv3x3() {
    let _guard = exclusive();
    assert!(for_each_isa(conv3x3_matches_oracle) >= 1);
}

#[test]
fn conv5x5() {
    let _guard = exclusive();
    assert!(for_each_isa(conv5x5_matches_oracle) >= 1);
}

#[test]
fn linear() {
    let _guard = exclusive();
    assert!(for_each_isa(linear_matches_oracle) >= 1);
}

#[test]
fn batch_norm() {
    let _guard = exclusive();
    assert!(for_each_isa(batch_norm_matches_oracle) >= 1);
    assert!(for_each_isa(batch_norm_chooses_as_max_pool_does) >= 1);
}

#[test]
fn pointwise_and_pool() {
    let _guard = exclusive();
    assert!(for_each_isa(pointwise_matches_oracle) >= 1);
}

#[test]
fn weights() {
    let _guard = exclusive();
    assert!(for_each_isa(weights_match_oracle) >= 1);
    assert!(for_each_isa(latents_match_oracle) >= 1);
    assert!(for_each_isa(soft_clip_is_tanh_everywhere) >= 1);
}

#[test]
fn deployed() {
    let _guard = exclusive();
    assert!(for_each_isa(deploy::deployed_matches_oracle) >= 1);
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let _guard = exclusive();
    for_each_isa(|isa| {
        let run = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads")
                .install(fingerprint)
        };
        let one = run(1);
        for threads in 2..=4 {
            assert!(run(threads) == one, "{isa}: {threads} threads differ from one");
        }
    });
}

#[test]
fn exact_instruction_sets_agree_with_the_committed_bits() {
    let _guard = exclusive();
    let exact: Vec<_> = Isa::available().iter().filter(|isa| isa.is_exact()).collect();
    assert!(!exact.is_empty());
    for isa in exact {
        isa.select();
        assert_eq!(digest(&fingerprint()), EXACT_DIGEST, "{}", isa.name());
    }
    Isa::available()[0].select();
}

#[test]
fn weights_packed_for_another_instruction_set_are_refused() {
    let _guard = exclusive();
    // More columns than sets of two widths have the same tiles for.
    let linear = Linear::new(3, 40);
    let (x, mut y) = (Tensor::zeros([2, 1, 1, 3], 0), Tensor::zeros([2, 1, 1, 40], 0));
    for packed_for in Isa::available() {
        packed_for.select();
        let mut packed = Default::default();
        linear.pack_forward(&[0.0; 120], &mut packed);
        for used_with in Isa::available() {
            used_with.select();
            let used = catch_unwind(AssertUnwindSafe(|| linear.forward(&x, &packed, &[], &mut y)));
            assert_eq!(used.is_ok(), packed_for == used_with, "{packed_for:?}, {used_with:?}");
        }
    }
    Isa::available()[0].select();
}

/// A job that looked the instruction set up more than once would mix tiles of different sizes.
#[test]
fn an_instruction_set_selected_in_the_middle_of_a_job_is_for_the_next_one() {
    let _guard = exclusive();
    let conv = Conv3x3::new(16, 48, 1);
    let shape = [4, 20, 20];
    let x = tensor([shape[0], shape[1], shape[2], 16], 1, 1);
    let dy = tensor([shape[0], shape[1], shape[2], 48], 1, 2);
    let gradients = |conv: Conv3x3| {
        let (mut dw, mut db) = (vec![f32::NAN; conv.weight_len()], vec![f32::NAN; conv.c_out]);
        conv.backward_weight(&x, &dy, &mut dw, &mut db);
        (dw, db)
    };
    for conv in [conv, conv.direct()] {
        let expected: Vec<_> = Isa::available()
            .iter()
            .map(|isa| {
                isa.select();
                gradients(conv)
            })
            .collect();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    Isa::available().iter().for_each(|isa| isa.select());
                    std::thread::yield_now();
                }
            });
            let found: Vec<_> = (0..60).map(|_| gradients(conv)).collect();
            done.store(true, Ordering::Relaxed);
            assert!(found.iter().all(|found| expected.contains(found)), "{:?}", conv.algorithm);
        });
    }
    Isa::available()[0].select();
}

/// The best instruction set of this machine is really among those tested.
#[test]
fn x86_with_avx2_uses_it() {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        assert!(Isa::available().contains(&Isa::Avx2));
        assert_ne!(Isa::available()[0], Isa::Portable);
    }
}
