//! 3x3 convolution of stride 1 as Winograd F(4x4, 3x3) (Lavin and Gray, arXiv 1509.09308): forward, input gradient
//! and weight gradient with a quarter of the direct multiplications.
//!
//! The output is cut into tiles of 4x4 pixels, each made from 6x6 pixels of input. Transformed along rows and
//! columns a tile becomes 36 positions, and at each position the convolution is a matrix product over channels:
//!
//! - forward: `y = A^T [sum over c_in of (B^T x B) (G w G^T)] A`;
//! - input gradient: the same over `dy`, with the weights turned around and transposed;
//! - weight gradient: `dw = G^T [sum over tiles of (B^T x B) (A dy A^T)] G`.
//!
//! Layouts: V (input) and M (product) are `[position][tile][channel]`, U (weights) is `[panel][position][c_in][NR]`.
//! Vectors run along channels, so the transforms need no shuffles. A block of tiles goes through all its stages
//! before the next one begins, so V and M stay in the cache. Pixels are read in strips of neighbouring tiles: along
//! whole rows, which the processor fetches ahead, and without reading the overlap of neighbours twice.
//!
//! Error against an f64 oracle, relative to the largest output: below 1e-5 (direct f32: 1e-6); the bound that the tests
//! hold it to is [`TOLERANCE`].

mod convolve;
mod filters;
pub(super) mod integer;
mod strip;
mod transforms;
mod weight_gradient;

pub(super) use convolve::convolve;
pub(super) use filters::{pack_backward, pack_forward};
pub(super) use weight_gradient::weight_gradient;

use std::ops::Range;

use strip::Strip;

/// Largest error, relative to the largest result, for weights and activations of the size met in training. The
/// transforms' coefficients reach 8, and products of them cancel: some ten times the direct error.
pub const TOLERANCE: f32 = 3e-5;

/// Output pixels of a side of a tile.
const OUT: usize = 4;
/// Input pixels of a side of a tile.
const IN: usize = 6;
/// Pixels of zeros around the image that the tiles of input reach.
const BORDER: usize = 1;
/// Products a tile and channel pair.
const POSITIONS: usize = IN * IN;

/// Channels must be a multiple of this: the lanes of the widest instruction set.
const CHANNEL_STEP: usize = 16;

/// Whether this path takes a convolution of these channels. Below 16 channels the transforms cost more than they
/// save.
pub(super) fn takes(c_in: usize, c_out: usize) -> bool {
    c_in.is_multiple_of(CHANNEL_STEP) && c_out.is_multiple_of(CHANNEL_STEP)
}

/// Whether whole tiles fit images of this size well enough: less than half of their pixels are outside.
pub(super) fn fits(h: usize, w: usize) -> bool {
    2 * h * w >= h.next_multiple_of(OUT) * w.next_multiple_of(OUT)
}

/// The tiles of a batch of images, counted row by row.
#[derive(Debug, Clone, Copy)]
struct Tiles {
    images: usize,
    rows: usize,
    columns: usize,
}

impl Tiles {
    /// Those of images of `h x w` pixels.
    fn new(images: usize, h: usize, w: usize) -> Self {
        Self { images, rows: h.div_ceil(OUT), columns: w.div_ceil(OUT) }
    }

    fn count(&self) -> usize {
        self.images * self.rows * self.columns
    }

    /// A range of tiles as strips, each with the index in the range of its first tile.
    fn strips(self, range: Range<usize>) -> impl Iterator<Item = (usize, Strip)> {
        let Self { rows, columns, .. } = self;
        let mut next = range.start;
        std::iter::from_fn(move || {
            let (line, column) = (next / columns, next % columns);
            let tiles = (columns - column).min(range.end - next);
            let first = next - range.start;
            next += tiles;
            let strip = Strip { n: line / rows, h: line % rows * OUT, w: column * OUT, tiles };
            (tiles > 0).then_some((first, strip))
        })
    }
}
