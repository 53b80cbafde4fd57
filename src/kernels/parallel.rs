//! Work items over the threads of the current rayon pool.
//!
//! Items are many and small, and threads take them from an atomic counter: a fixed half for each of two threads
//! falls to the speed of one thread as soon as something else uses a core. On a pool of one this is a loop.
//!
//! Which thread does an item must not matter to the result: items are cut by shape, and what they sum up is
//! combined by the caller in the order of the items.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Tensor;

/// Calls `body(0)` to `body(items - 1)`, in any order and on any thread of the current pool.
pub fn for_each(items: usize, body: impl Fn(usize) + Sync) {
    share(items, &body);
}

/// The same, compiled once for all: what the items do is a call for each of them, of microseconds at least.
fn share(items: usize, body: &(dyn Fn(usize) + Sync)) {
    let threads = rayon::current_num_threads().min(items);
    if threads <= 1 {
        return (0..items).for_each(body);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let item = next.fetch_add(1, Ordering::Relaxed);
            if item >= items {
                return;
            }
            body(item);
        }
    };
    // The caller works too. A task that no idle thread has taken by the end finds the counter used up.
    rayon::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| work());
        }
        work();
    });
}

/// Calls `body(i, chunk i)` for the chunks of `chunk` elements of `data` (the last may be shorter).
pub fn for_each_chunk<T: Send>(data: &mut [T], chunk: usize, body: impl Fn(usize, &mut [T]) + Sync) {
    let len = data.len();
    let parts = Parts::new(data);
    for_each(len.div_ceil(chunk.max(1)), |i| {
        // SAFETY: chunks of different items do not overlap.
        body(i, unsafe { parts.slice(i * chunk..len.min((i + 1) * chunk)) });
    });
}

/// What `map` gives for each item, in the order of the items.
pub fn map<T: Send + Default + Clone>(items: usize, map: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut results = vec![T::default(); items];
    for_each_chunk(&mut results, 1, |i, slot| slot[0] = map(i));
    results
}

/// The rows of pixels of a batch, cut into work items of about `ITEM_ELEMENTS`.
#[derive(Debug, Clone, Copy)]
pub struct RowBlocks {
    rows: usize,
    per_item: usize,
}

/// Elements of a work item of a pass over memory: some tens of microseconds, and small enough for the cache.
const ITEM_ELEMENTS: usize = 32 * 1024;

impl RowBlocks {
    /// Of this tensor.
    pub fn new(x: &Tensor) -> Self {
        Self::of(x.n() * x.h(), x.w() * x.c())
    }

    /// Of so many rows of so many elements.
    pub fn of(rows: usize, row_len: usize) -> Self {
        Self { rows, per_item: (ITEM_ELEMENTS / row_len.max(1)).max(1) }
    }

    /// How many items.
    pub fn items(&self) -> usize {
        self.rows.div_ceil(self.per_item)
    }

    /// The rows of an item, counted through the whole batch: row `h` of image `n` is `n H + h`.
    pub fn range(&self, item: usize) -> Range<usize> {
        item * self.per_item..self.rows.min((item + 1) * self.per_item)
    }

    /// Calls `body` with each item's rows.
    pub fn for_each(&self, body: impl Fn(Range<usize>) + Sync) {
        for_each(self.items(), |item| body(self.range(item)));
    }

    /// The same from the last item on: for a second pass over a tensor, whose end is still in the cache.
    pub fn for_each_backwards(&self, body: impl Fn(Range<usize>) + Sync) {
        let items = self.items();
        for_each(items, |item| body(self.range(items - 1 - item)));
    }
}

/// A slice of which different work items write different parts.
pub struct Parts<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: it only hands out parts, and whoever takes one promises that no other thread has it.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    /// Borrows the whole slice for as long as parts are handed out.
    pub fn new(data: &'a mut [T]) -> Self {
        Self { start: data.as_mut_ptr(), len: data.len(), borrow: PhantomData }
    }

    /// The start of the slice, for kernels that write by pointer.
    pub fn as_ptr(&self) -> *mut T {
        self.start
    }

    /// A part.
    ///
    /// # Safety
    /// No part that overlaps this one is in use.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} of {}", self.len);
        // SAFETY: within the slice; the caller promises that it is the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

/// The rows of pixels of a tensor, counted through the whole batch: row `h` of image `n` is `n H + h`. Without
/// the tensor's data, so that it can be used while that is being written.
#[derive(Debug, Clone, Copy)]
pub struct RowMap {
    base: usize,
    image: usize,
    row: usize,
    h: usize,
    len: usize,
}

impl RowMap {
    /// The rows of this tensor.
    pub fn new<T: Copy + Default>(x: &Tensor<T>) -> Self {
        Self {
            base: x.offset(0, 0, 0),
            image: x.image_stride(),
            row: x.row_stride(),
            h: x.h().max(1),
            len: x.w() * x.c(),
        }
    }

    /// Where the interior of a row lies in the tensor's data.
    #[inline(always)]
    pub fn range(&self, row: usize) -> Range<usize> {
        let start = self.base + row / self.h * self.image + row % self.h * self.row;
        start..start + self.len
    }
}
