//! Working memory of the kernels: one buffer a thread, kept from call to call.

use std::cell::RefCell;

use super::panels::Line;

thread_local! {
    static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Calls `body` with `LEN.len()` slices of at least so many elements each, which begin at cache lines and hold
/// whatever was there before. It must not be called within itself.
pub(crate) fn with<const N: usize, R>(len: [usize; N], body: impl FnOnce([&mut [f32]; N]) -> R) -> R {
    LINES.with_borrow_mut(|lines| {
        let wanted: usize = len.iter().map(|len| len.div_ceil(16)).sum();
        if lines.len() < wanted {
            lines.resize(wanted, Line::default());
        }
        let mut rest = Line::as_f32_mut(lines);
        let parts = len.map(|len| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(len.next_multiple_of(16));
            rest = after;
            &mut part[..len]
        });
        body(parts)
    })
}
