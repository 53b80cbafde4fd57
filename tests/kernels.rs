//! Every kernel against the oracle, for every instruction set of this machine.

#[path = "support/packed.rs"]
mod packed;
#[path = "support/kernels.rs"]
mod support;

use nibble::kernels::Isa;
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
    assert!(for_each_isa(soft_clip_is_tanh_everywhere) >= 1);
}

#[test]
fn packed() {
    let _guard = exclusive();
    assert!(for_each_isa(packed::packed_matches_oracle) >= 1);
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

/// The best instruction set of this machine is really among those tested.
#[test]
fn x86_with_avx2_uses_it() {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        assert!(Isa::available().contains(&Isa::Avx2));
        assert_ne!(Isa::available()[0], Isa::Portable);
    }
}
