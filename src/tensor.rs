//! Dense activations in NHWC order, with an optional halo of zeros around every image.

use std::collections::TryReserveError;

/// `[h, w, c]` of one image's activation; a vector is `[1, 1, c]`.
pub type Shape = [usize; 3];

/// A batch of images `[n][h + 2 halo][w + 2 halo][c]`, contiguous: of f32, or of the integers that low-bit arithmetic reads.
///
/// The halo is the zero padding of the convolution that reads the tensor: with it a 3x3 kernel needs no
/// border cases. Only the interior is data; writers keep the halo at zero. A batch of vectors is
/// `[n, 1, 1, c]` with halo 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tensor<T = f32> {
    /// Always as long as the shape and the halo say, see [`len`]: kernels write by the shape without asking again.
    data: Vec<T>,
    n: usize,
    h: usize,
    w: usize,
    c: usize,
    halo: usize,
}

/// A batch in whole numbers of a step.
#[derive(Debug, Clone, Default)]
pub struct Levels<T> {
    /// The numbers.
    pub values: Tensor<T>,
    /// What they are multiplied with; `None`: there are none of the present batch.
    pub step: Option<f32>,
}

impl<T> Levels<T> {
    /// What the numbers are multiplied with.
    ///
    /// # Panics
    /// If there are none of the present batch.
    pub fn step(&self) -> f32 {
        self.step.expect("levels of the present batch")
    }
}

impl<T: Copy + Default> Tensor<T> {
    /// Zeros of the shape `[n, h, w, c]` with a halo.
    pub fn zeros(shape: [usize; 4], halo: usize) -> Self {
        let [n, h, w, c] = shape;
        Self { data: vec![T::default(); len(shape, halo)], n, h, w, c, halo }
    }

    /// Images in the batch.
    #[inline]
    pub fn n(&self) -> usize {
        self.n
    }

    /// Rows of an image, without the halo.
    #[inline]
    pub fn h(&self) -> usize {
        self.h
    }

    /// Columns of an image, without the halo.
    #[inline]
    pub fn w(&self) -> usize {
        self.w
    }

    /// Channels.
    #[inline]
    pub fn c(&self) -> usize {
        self.c
    }

    /// Width of the border of zeros, in pixels.
    #[inline]
    pub fn halo(&self) -> usize {
        self.halo
    }

    /// `[n, h, w, c]`, without the halo.
    pub fn shape(&self) -> [usize; 4] {
        [self.n, self.h, self.w, self.c]
    }

    /// Elements from one row of pixels to the next.
    pub fn row_stride(&self) -> usize {
        (self.w + 2 * self.halo) * self.c
    }

    /// Elements from one image to the next.
    pub fn image_stride(&self) -> usize {
        (self.h + 2 * self.halo) * self.row_stride()
    }

    /// Index in [`Tensor::data`] of channel 0 of the interior pixel `(n, h, w)`.
    pub fn offset(&self, n: usize, h: usize, w: usize) -> usize {
        n * self.image_stride() + (h + self.halo) * self.row_stride() + (w + self.halo) * self.c
    }

    /// Everything, halo included.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// Everything, halo included.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The interior of one row: `w * c` elements.
    pub fn row(&self, n: usize, h: usize) -> &[T] {
        let start = self.offset(n, h, 0);
        &self.data[start..start + self.w * self.c]
    }

    /// The interiors of all rows, image by image.
    pub fn rows(&self) -> impl Iterator<Item = &[T]> {
        (0..self.n).flat_map(move |n| (0..self.h).map(move |h| self.row(n, h)))
    }

    /// The interior of one row: `w * c` elements.
    pub fn row_mut(&mut self, n: usize, h: usize) -> &mut [T] {
        let start = self.offset(n, h, 0);
        let len = self.w * self.c;
        &mut self.data[start..start + len]
    }

    /// The interior as a dense `[n][h][w][c]` vector (for tests and reports).
    pub fn to_dense(&self) -> Vec<T> {
        self.rows().flatten().copied().collect()
    }

    /// A tensor with the given interior, `[n][h][w][c]` dense.
    ///
    /// # Panics
    /// If `dense` does not have `n * h * w * c` elements.
    pub fn from_dense(shape: [usize; 4], halo: usize, dense: &[T]) -> Self {
        let mut tensor = Self::zeros(shape, halo);
        let [n, h, w, c] = shape;
        assert_eq!(dense.len(), n * h * w * c, "interior of shape {shape:?}");
        for (i, row) in dense.chunks_exact((w * c).max(1)).enumerate() {
            tensor.row_mut(i / h, i % h).copy_from_slice(row);
        }
        tensor
    }

    /// Takes memory for a [`Tensor::reshape`] to `shape` and `halo`, which then needs no more.
    ///
    /// # Errors
    /// Where there is not enough.
    pub fn try_reserve(&mut self, shape: [usize; 4], halo: usize) -> Result<(), TryReserveError> {
        // More than can be counted is refused as more than there is.
        let len = checked_len(shape, halo).unwrap_or(usize::MAX);
        self.data.try_reserve_exact(len.saturating_sub(self.data.len()))
    }

    /// Makes the tensor hold `shape` and `halo`; the allocation grows when it must and is kept otherwise.
    /// The halo is zero afterwards, the interior is unspecified. Does nothing where the shape is right.
    pub fn reshape(&mut self, shape: [usize; 4], halo: usize) {
        if self.shape() == shape && self.halo == halo {
            return;
        }
        let len = len(shape, halo);
        // Empty in between: whoever catches the panic of an allocation must find data and shape in agreement.
        let mut data = std::mem::take(self).data;
        if data.len() < len || halo > 0 {
            data.clear();
        }
        data.resize(len, T::default());
        self.data = data;
        [self.n, self.h, self.w, self.c] = shape;
        self.halo = halo;
    }
}

/// Elements of a tensor, halo included.
///
/// # Panics
/// If there are more than can be counted.
fn len(shape: [usize; 4], halo: usize) -> usize {
    checked_len(shape, halo).unwrap_or_else(|| panic!("a tensor of shape {shape:?}, halo {halo}"))
}

fn checked_len([n, h, w, c]: [usize; 4], halo: usize) -> Option<usize> {
    let border = halo.checked_mul(2)?;
    n.checked_mul(h.checked_add(border)?)?.checked_mul(w.checked_add(border)?)?.checked_mul(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees(x: &Tensor) -> bool {
        x.data.len() == len(x.shape(), x.halo) && x.data.len() == x.n * x.image_stride()
    }

    #[test]
    fn data_is_as_long_as_the_shape_says() {
        let mut x: Tensor = Tensor::default();
        assert!(agrees(&x));
        for (shape, halo) in [([2, 3, 5, 7], 1), ([1, 1, 1, 4], 0), ([3, 0, 2, 1], 2), ([4, 2, 2, 2], 0)] {
            assert!(agrees(&Tensor::zeros(shape, halo)));
            x.reshape(shape, halo);
            assert!(agrees(&x));
            assert_eq!((x.shape(), x.halo()), (shape, halo));
        }
    }

    #[test]
    fn a_shape_beyond_all_memory_leaves_an_agreeing_tensor() {
        let mut x = Tensor::zeros([1, 2, 3, 4], 1);
        for shape in [[usize::MAX, 2, 1, 1], [1, usize::MAX, 1, 1], [usize::MAX / 8, 1, 1, 1]] {
            assert!(x.try_reserve(shape, 1).is_err());
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| x.reshape(shape, 1)));
            assert!(result.is_err());
            assert!(agrees(&x));
        }
    }
}
