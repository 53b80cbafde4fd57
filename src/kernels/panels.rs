//! Weights in the order in which the matrix kernels read them.

use super::parallel;
use super::simd::Chosen;

/// A matrix `[k][n]` as panels of NR columns: `[n / NR][k][NR]`, the last panel filled up with zeros. NR is that of
/// the instruction set that it was packed for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panels {
    lines: Vec<Line>,
    k: usize,
    n: usize,
    nr: usize,
    /// None before anything was packed.
    packed_for: Option<Chosen>,
}

/// A cache line: panels begin at one, so that no vector of weights straddles two.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub(crate) struct Line([f32; 16]);

impl Line {
    /// The elements of some lines.
    #[inline(always)]
    pub fn as_f32(lines: &[Line]) -> &[f32] {
        // SAFETY: a line is just 16 f32.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast::<f32>(), 16 * lines.len()) }
    }

    /// The same, to change.
    #[inline(always)]
    pub fn as_f32_mut(lines: &mut [Line]) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast::<f32>(), 16 * lines.len()) }
    }
}

impl Panels {
    /// Packs a matrix for an instruction set. `fill(c, nr, panel)` is called for each panel, in parallel; it writes the columns from
    /// `c` on into `panel`, `[k][nr]`, which holds zeros.
    pub fn pack(&mut self, set: Chosen, k: usize, n: usize, fill: impl Fn(usize, usize, &mut [f32]) + Sync) {
        let nr = set.panel_width();
        (self.k, self.n, self.nr, self.packed_for) = (k, n, nr, Some(set));
        self.lines.clear();
        self.lines.resize(self.count() * self.panel_len().div_ceil(16), Line::default());
        let (lines, len) = (self.panel_len().div_ceil(16).max(1), self.panel_len());
        parallel::for_each_chunk(&mut self.lines, lines, |i, lines| {
            fill(i * nr, nr, &mut Line::as_f32_mut(lines)[..len]);
        });
    }

    /// Rows of the matrix: the length of the sums.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns of the matrix.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Columns of a panel.
    pub fn nr(&self) -> usize {
        self.nr
    }

    /// How many panels.
    pub fn count(&self) -> usize {
        self.n.div_ceil(self.nr.max(1))
    }

    /// One panel, `[k][NR]`.
    #[inline(always)]
    pub fn panel(&self, i: usize) -> &[f32] {
        let lines = self.panel_len().div_ceil(16);
        &Line::as_f32(&self.lines[i * lines..(i + 1) * lines])[..self.panel_len()]
    }

    /// Panics if it was packed for another instruction set than that of the job.
    pub fn check(&self, set: Chosen) {
        assert_eq!(self.packed_for, Some(set), "weights packed for the instruction set in use");
    }

    fn panel_len(&self) -> usize {
        self.k * self.nr
    }
}

/// Copies columns `c..` of the matrix `w`, `[rows][n]`, into the rows of a panel `[rows][NR]`: NR columns, or as many
/// as there are.
pub(crate) fn copy_columns(w: &[f32], n: usize, c: usize, nr: usize, panel: &mut [f32]) {
    let columns = nr.min(n - c);
    for (panel, w) in panel.chunks_exact_mut(nr).zip(w.chunks_exact(n)) {
        panel[..columns].copy_from_slice(&w[c..c + columns]);
    }
}

/// Copies rows `c..` of the matrix `w`, `[n][k]`, into the columns of a panel `[k][NR]`: NR rows, or as many as there
/// are.
pub(crate) fn copy_transposed(w: &[f32], k: usize, c: usize, nr: usize, panel: &mut [f32]) {
    for (j, row) in w.chunks_exact(k).skip(c).take(nr).enumerate() {
        for (panel, w) in panel.chunks_exact_mut(nr).zip(row) {
            panel[j] = *w;
        }
    }
}
