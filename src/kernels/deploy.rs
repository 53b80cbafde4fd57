//! Convolution and matrix product over weights as a network is deployed with: two 4-bit levels to a byte, or one level
//! to one or two bytes where it has more bits.
//!
//! For single images: work is cut into some pixels by [`COLUMNS`] output channels. Such an item unpacks a few rows of
//! its columns at a time into a panel of a few KB on the stack, and multiplies all its pixels by it before it unpacks
//! the next: an f32 copy of the weights is never made. With one scale
//! sums run over levels, and the scale comes in once, at the end.

use super::dot::Lattice;
use super::grid::{Encoded, F32_BITS, Grid};
use super::int4;
use super::parallel;
use super::simd::Chosen;
use crate::Tensor;

/// Output channels of a work item.
const COLUMNS: usize = 8;
/// Pixels of a work item: enough for the unpacking to cost a tenth of the multiplying.
const PIXELS: usize = 64;
/// Pixels whose sums are held in registers together: with [`COLUMNS`] they fill 8 of WebAssembly's 15.
const TILE: usize = 4;
/// Rows of a panel.
const ROWS: usize = 128;

/// Sums of one pixel.
type Sums = [f32; COLUMNS];

/// A matrix `[k][n]` of codes on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployedWeights {
    k: usize,
    n: usize,
    levels: Levels,
    meaning: Meaning,
    bits: u8,
}

/// What the packed levels stand for.
#[derive(Debug, Clone, PartialEq)]
enum Meaning {
    /// `level * scale`, the scale one for all: it comes in once, behind the sums.
    Scaled(f32),
    /// The weights themselves.
    Full,
    /// Codes of a grid, less `offset`.
    Codes { grid: Grid, offset: i32 },
}

/// Levels row by row, without gaps.
#[derive(Debug, Clone, PartialEq)]
enum Levels {
    /// Two to a byte, see [`int4`].
    Nibbles(Vec<u8>),
    /// One to a byte.
    Bytes(Vec<i8>),
    /// One to two bytes.
    Words(Vec<i16>),
    /// The weights themselves, where they are not quantized.
    Full(Vec<f32>),
}

/// What one output pixel reads: `segments` runs of `k / segments` contiguous elements, `stride` apart.
#[derive(Clone, Copy)]
struct Window {
    segments: usize,
    stride: usize,
}

impl DeployedWeights {
    /// Packs the codes of a matrix `[k][n]`.
    ///
    /// # Panics
    /// With another number of codes, or more levels than a code tells apart.
    pub fn new(encoded: &Encoded, [k, n]: [usize; 2]) -> Self {
        let Encoded { grid, codes } = encoded;
        let count = grid.levels.len();
        assert_eq!(codes.len(), k * n, "codes of a matrix {k} x {n}");
        assert!(count <= 1 << 16, "{count} levels in two bytes");
        let symmetric = grid.scales.len() == 1 && grid.zero_points.is_empty() && grid.is_uniform();
        let lowest = grid.levels[0] as i32;
        let (least, most) = match count {
            0..=16 => (-8, 7),
            17..=256 => (-128, 127),
            _ => (-32_768, 32_767),
        };
        // Levels as they are where they fit, else codes, shifted to where they do.
        let (meaning, shift) = if symmetric && lowest >= least && lowest + count as i32 - 1 <= most {
            (Meaning::Scaled(grid.scales[0]), lowest)
        } else {
            (Meaning::Codes { grid: grid.clone(), offset: least }, least)
        };
        let levels = codes.iter().map(|code| i32::from(*code) + shift);
        let bytes = || levels.clone().map(|level| level as i8).collect::<Vec<_>>();
        let levels = match count {
            0..=16 => Levels::Nibbles(int4::pack_int4(&bytes())),
            17..=256 => Levels::Bytes(bytes()),
            _ => Levels::Words(levels.map(|level| level as i16).collect()),
        };
        Self { k, n, levels, meaning, bits: grid.code_bits() as u8 }
    }

    /// Keeps a matrix `[k][n]` as it is.
    ///
    /// # Panics
    /// With another number of weights.
    pub fn full(values: &[f32], [k, n]: [usize; 2]) -> Self {
        assert_eq!(values.len(), k * n, "weights of a matrix {k} x {n}");
        let levels = Levels::Full(values.to_vec());
        Self { k, n, levels, meaning: Meaning::Full, bits: F32_BITS as u8 }
    }

    /// Bytes of the levels, and of the scales, zero points and tables that they need.
    pub fn bytes(&self) -> usize {
        let levels = match &self.levels {
            Levels::Nibbles(bytes) => bytes.len(),
            Levels::Bytes(bytes) => bytes.len(),
            Levels::Words(words) => size_of_val(words.as_slice()),
            Levels::Full(values) => size_of_val(values.as_slice()),
        };
        let overhead_bits = match &self.meaning {
            Meaning::Full => 0,
            Meaning::Scaled(_) => F32_BITS,
            Meaning::Codes { grid, .. } => grid.overhead_bits,
        };
        levels + overhead_bits.div_ceil(8)
    }

    /// Bits that tell the levels apart; 32 without a grid.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Columns of the matrix: output channels.
    pub fn outputs(&self) -> usize {
        self.n
    }

    /// Convolution with `size x size` weights, an odd number, and a zero padding of `size / 2`: `y = x * w + bias`.
    /// The matrix is `[size][size][c_in]` by `c_out`; `x` has `c_in` channels and a halo of at least the padding, `y` is
    /// `[n, ceil(h / stride), ceil(w / stride), c_out]` with any halo.
    pub fn conv_forward(&self, size: usize, stride: usize, x: &Tensor, bias: &[f32], y: &mut Tensor) {
        assert_eq!(size * size * x.c(), self.k, "rows of the weights for x");
        let shape = [x.n(), x.h().div_ceil(stride), x.w().div_ceil(stride), self.n];
        assert_eq!(y.shape(), shape, "shape of y for x {:?}", x.shape());
        let windows = Lattice::around(x, size / 2).every(stride);
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for n in 0..y.n() {
            for h in 0..y.h() {
                for w in 0..y.w() {
                    from.push(windows.at(n, h, w));
                    to.push(y.offset(n, h, w));
                }
            }
        }
        let window = Window { segments: size, stride: x.row_stride() };
        self.product(x.data(), &from, window, bias, y.data_mut(), &to);
    }

    /// Fully connected layer: `y = x w + bias`, `x` and `y` `[n, 1, 1, _]` with any halo.
    pub fn linear_forward(&self, x: &Tensor, bias: &[f32], y: &mut Tensor) {
        assert_eq!(x.shape(), [x.n(), 1, 1, self.k], "x [n, 1, 1, inputs]");
        assert_eq!(y.shape(), [x.n(), 1, 1, self.n], "y [n, 1, 1, outputs]");
        let from: Vec<usize> = (0..x.n()).map(|n| x.offset(n, 0, 0)).collect();
        let to: Vec<usize> = (0..x.n()).map(|n| y.offset(n, 0, 0)).collect();
        let window = Window { segments: 1, stride: 0 };
        self.product(x.data(), &from, window, bias, y.data_mut(), &to);
    }

    /// `out[to[p]..][..n] = (window of x from from[p]) * weights + bias` for every pixel p.
    fn product(
        &self,
        x: &[f32],
        from: &[usize],
        window: Window,
        bias: &[f32],
        out: &mut [f32],
        to: &[usize],
    ) {
        assert_eq!(bias.len(), self.n, "one bias an output");
        let scale = if let Meaning::Scaled(scale) = self.meaning { scale } else { 1.0 };
        let (blocks, panels) = (from.len().div_ceil(PIXELS), self.n.div_ceil(COLUMNS));
        let pixels = |item: usize| item / panels * PIXELS..from.len().min((item / panels + 1) * PIXELS);
        let set = Chosen::now();
        let sums = parallel::map(blocks * panels, |item| {
            self.block(set, x, &from[pixels(item)], window, item % panels * COLUMNS)
        });
        for (item, sums) in sums.iter().enumerate() {
            let first = item % panels * COLUMNS;
            let bias = &bias[first..self.n.min(first + COLUMNS)];
            for (sums, to) in sums.iter().zip(&to[pixels(item)]) {
                for ((out, sum), bias) in out[to + first..].iter_mut().zip(sums).zip(bias) {
                    *out = sum * scale + bias;
                }
            }
        }
    }

    /// Sums over unpacked levels for some pixels and the columns from `column` on.
    fn block(&self, set: Chosen, x: &[f32], from: &[usize], window: Window, column: usize) -> Vec<Sums> {
        let mut sums = vec![[0.0; COLUMNS]; from.len()];
        let mut panel = [[0.0; COLUMNS]; ROWS];
        let segment_len = self.k / window.segments;
        for segment in 0..window.segments {
            for k in (0..segment_len).step_by(ROWS) {
                let rows = ROWS.min(segment_len - k);
                set.vectorize(|| {
                    for (i, row) in panel[..rows].iter_mut().enumerate() {
                        self.unpack(segment * segment_len + k + i, column, row);
                    }
                    let offset = segment * window.stride + k;
                    let input = |from: usize| &x[from + offset..][..rows];
                    let (tiles, rest) = sums.as_chunks_mut::<TILE>();
                    let (tiles_from, rest_from) = from.as_chunks::<TILE>();
                    for (sums, from) in tiles.iter_mut().zip(tiles_from) {
                        multiply(from.map(input), &panel[..rows], sums);
                    }
                    for (sums, from) in rest.iter_mut().zip(rest_from) {
                        multiply([input(*from)], &panel[..rows], std::array::from_mut(sums));
                    }
                });
            }
        }
        sums
    }

    /// Unpacks a row from `column` on; zeros where it ends.
    #[inline(always)]
    fn unpack(&self, row: usize, column: usize, out: &mut Sums) {
        self.unpack_levels(row, column, out);
        if let Meaning::Codes { grid, offset } = &self.meaning {
            for (i, out) in out.iter_mut().enumerate().take(self.n - column) {
                let block = grid.blocks.of(row * self.n + column + i);
                *out = grid.value((*out as i32 - offset) as usize, block);
            }
        }
    }

    /// Unpacks the levels of a row from `column` on; zeros where it ends.
    #[inline(always)]
    fn unpack_levels(&self, row: usize, column: usize, out: &mut Sums) {
        let start = row * self.n + column;
        let columns = COLUMNS.min(self.n - column);
        match &self.levels {
            Levels::Nibbles(bytes) if columns == COLUMNS && start.is_multiple_of(2) => {
                let bytes = &bytes[start / 2..][..COLUMNS / 2];
                for (pair, &byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
                    *pair = [f32::from(int4::low(byte)), f32::from(int4::high(byte))];
                }
            }
            Levels::Nibbles(bytes) => {
                *out = std::array::from_fn(|i| {
                    if i < columns { f32::from(int4::level(bytes, start + i)) } else { 0.0 }
                });
            }
            Levels::Bytes(bytes) => {
                let bytes = &bytes[start..][..columns];
                *out = std::array::from_fn(|i| bytes.get(i).map_or(0.0, |&level| f32::from(level)));
            }
            Levels::Words(words) => {
                let words = &words[start..][..columns];
                *out = std::array::from_fn(|i| words.get(i).map_or(0.0, |&level| f32::from(level)));
            }
            Levels::Full(values) => {
                let values = &values[start..][..columns];
                *out = std::array::from_fn(|i| values.get(i).copied().unwrap_or(0.0));
            }
        }
    }
}

/// `sums[p] += sum over k of x[p][k] * panel[k]`.
#[inline(always)]
fn multiply<const P: usize>(x: [&[f32]; P], panel: &[Sums], sums: &mut [Sums; P]) {
    let x = x.map(|x| &x[..panel.len()]);
    let mut local = *sums;
    for (k, row) in panel.iter().enumerate() {
        for p in 0..P {
            for c in 0..COLUMNS {
                local[p][c] += x[p][k] * row[c];
            }
        }
    }
    *sums = local;
}
