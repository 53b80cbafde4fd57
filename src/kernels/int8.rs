//! Convolution in integers: levels of activations in u8, of gradients in i8, of weights in i8.

use super::panels::Panels;
use super::simd::Chosen;
use super::winograd;
use super::winograd::integer::{self, most_channels};
use crate::Tensor;
use crate::tensor::{Levels, Shape};

/// A 3x3 convolution of stride 1 with zero padding 1 over levels. Weights are HWIO, `[3][3][c_in][c_out]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv3x3 {
    /// Input channels: whole groups of 16.
    pub c_in: usize,
    /// Output channels: whole groups of 16.
    pub c_out: usize,
}

/// The weights as [`Conv3x3::forward`] reads them. Filled by [`Conv3x3::pack_forward`].
#[derive(Debug, Clone, Default)]
pub struct ForwardPanels(Panels);

/// The weights as [`Conv3x3::backward_input`] reads them. Filled by [`Conv3x3::pack_backward`].
#[derive(Debug, Clone, Default)]
pub struct BackwardPanels(Panels);

impl Conv3x3 {
    /// Whether there is one of that shape, for images of `h x w` pixels.
    pub fn takes([h, w, c_in]: Shape, c_out: usize, stride: usize) -> bool {
        stride == 1 && winograd::takes(c_in, c_out) && winograd::fits(h, w)
    }

    /// Whether sums of as many products stay within i32, for weights of at most that magnitude.
    pub fn holds(&self, weight: i8) -> bool {
        let weight = i64::from(weight.unsigned_abs()).max(1);
        self.c_in <= most_channels::<u8>(weight) && self.c_out <= most_channels::<i8>(weight)
    }

    fn set(&self) -> Chosen {
        Chosen::now().dividing(self.c_in).dividing(self.c_out)
    }

    /// Brings HWIO weights into the order of the forward pass.
    pub fn pack_forward(&self, w: &[i8], panels: &mut ForwardPanels) {
        integer::pack_forward(self.set(), w, self.c_in, self.c_out, &mut panels.0);
    }

    /// Brings HWIO weights into the order of the input gradient.
    pub fn pack_backward(&self, w: &[i8], panels: &mut BackwardPanels) {
        integer::pack_backward(self.set(), w, self.c_in, self.c_out, &mut panels.0);
    }

    /// `y = scales (x * w) + bias`, a scale and a bias for each output channel.
    pub fn forward(&self, x: &Tensor<u8>, w: &ForwardPanels, scales: &[f32], bias: &[f32], y: &mut Tensor) {
        integer::convolve(self.set(), x, &w.0, scales, bias, y);
    }

    /// `dx = scale dy * w` transposed.
    pub fn backward_input(&self, dy: &Tensor<i8>, w: &BackwardPanels, scale: f32, dx: &mut Tensor) {
        integer::convolve(self.set(), dy, &w.0, &vec![scale; self.c_in], &[], dx);
    }

    /// `dw = x dy`, HWIO, and `db`, the sums of `dy`: overwritten; in units of the steps of both, and of that of `dy`.
    pub fn backward_weight(&self, x: &Levels<u8>, dy: &Levels<i8>, dw: &mut [f32], db: &mut [f32]) {
        let steps = [x.step(), dy.step()];
        integer::weight_gradient(self.set(), &x.values, &dy.values, steps, dw, db);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{self, oracle};

    fn numbers(len: usize, min: i32, max: i32, seed: u32) -> Vec<i32> {
        let mut state = 0x2545_f491u32.wrapping_add(seed.wrapping_mul(7919));
        (0..len)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                min + (state % (max - min + 1) as u32) as i32
            })
            .collect()
    }

    fn largest(values: &[f32]) -> f32 {
        values.iter().fold(0.0, |most, x| most.max(x.abs()))
    }

    fn close(found: &[f32], wanted: &[f32], tolerance: f32, what: &str) {
        let bound = tolerance * largest(wanted).max(1e-30);
        for (i, (a, b)) in found.iter().zip(wanted).enumerate() {
            assert!((a - b).abs() <= bound, "{what} {i}: {a} for {b}, bound {bound}");
        }
    }

    #[test]
    fn all_three_passes_are_those_of_the_oracle() {
        for (n, h, w, c_in, c_out) in
            [(1, 4, 4, 16, 16), (2, 5, 7, 32, 16), (3, 8, 8, 16, 48), (1, 32, 32, 64, 64), (2, 3, 9, 32, 96)]
        {
            let conv = Conv3x3 { c_in, c_out };
            let x = numbers(n * h * w * c_in, 0, 255, 1);
            let dy = numbers(n * h * w * c_out, -127, 127, 2);
            let weights = numbers(9 * c_in * c_out, -7, 7, 3);
            let float = |v: &[i32]| v.iter().map(|x| *x as f32).collect::<Vec<_>>();
            let (shape, y_shape) = ([n, h, w, c_in], [n, h, w, c_out]);
            let reference = kernels::Conv3x3::new(c_in, c_out, 1);
            let (fx, fdy) =
                (Tensor::from_dense(shape, 1, &float(&x)), Tensor::from_dense(y_shape, 1, &float(&dy)));
            let fw = float(&weights);
            let x = Tensor::<u8>::from_dense(shape, 1, &x.iter().map(|x| *x as u8).collect::<Vec<_>>());
            let dy = Tensor::<i8>::from_dense(y_shape, 1, &dy.iter().map(|x| *x as i8).collect::<Vec<_>>());
            let w8: Vec<i8> = weights.iter().map(|x| *x as i8).collect();
            let what = format!("{n} {h} {w} {c_in} {c_out}");

            let bias: Vec<f32> = (0..c_out).map(|c| c as f32).collect();
            let (mut y, mut wanted) = (Tensor::zeros(y_shape, 1), Tensor::zeros(y_shape, 1));
            let mut panels = ForwardPanels::default();
            conv.pack_forward(&w8, &mut panels);
            conv.forward(&x, &panels, &vec![1.0; c_out], &bias, &mut y);
            oracle::conv3x3_forward(&reference, &fx, &fw, &bias, &mut wanted);
            close(&y.to_dense(), &wanted.to_dense(), 4e-6, &format!("forward {what}"));

            let (mut dx, mut wanted) = (Tensor::zeros(shape, 0), Tensor::zeros(shape, 0));
            let mut panels = BackwardPanels::default();
            conv.pack_backward(&w8, &mut panels);
            conv.backward_input(&dy, &panels, 0.5, &mut dx);
            oracle::conv3x3_backward_input(&reference, &fdy, &fw, &mut wanted);
            let wanted: Vec<f32> = wanted.to_dense().iter().map(|x| 0.5 * x).collect();
            close(&dx.to_dense(), &wanted, 4e-6, &format!("backward input {what}"));

            let [(mut dw, mut wanted), (mut db, mut wanted_db)] =
                [fw.len(), c_out].map(|len| (vec![0.0; len], vec![0.0; len]));
            let (x, dy) = (Levels { values: x, step: Some(1.0) }, Levels { values: dy, step: Some(1.0) });
            conv.backward_weight(&x, &dy, &mut dw, &mut db);
            oracle::conv3x3_backward_weight(&reference, &fx, &fdy, &mut wanted, &mut wanted_db);
            close(&dw, &wanted, 4e-6, &format!("backward weight {what}"));
            assert_eq!(db, wanted_db, "backward bias {what}");
        }
    }

    /// Pixels with which each tile's products are largest at position (3, 3): 255 where its coefficient is positive.
    fn largest_at_3_3(n: usize, size: usize, c: usize) -> Vec<u8> {
        // Row 3 of B^T is [0, -2, -1, 2, 1, 0]; a tile's input begins a pixel before the tile.
        let sign = |at: usize| if [1, 2].contains(&((at + 1) % 4)) { -1 } else { 1 };
        let pixel = |p: usize| if sign(p / size % size) * sign(p % size) > 0 { 255 } else { 0 };
        (0..n * size * size).flat_map(|p| std::iter::repeat_n(pixel(p), c)).collect()
    }

    #[test]
    fn sums_of_the_largest_products_do_not_overflow() {
        let size = 12;
        let channels = most_channels::<u8>(7) / 16 * 16;
        let conv = Conv3x3 { c_in: channels, c_out: 16 };
        assert!(channels > 1300 && conv.holds(7) && !Conv3x3 { c_in: channels + 16, ..conv }.holds(7));
        let pixels = largest_at_3_3(1, size, channels);
        let float = Tensor::from_dense(
            [1, size, size, channels],
            1,
            &pixels.iter().map(|x| f32::from(*x)).collect::<Vec<_>>(),
        );
        let x = Tensor::from_dense(float.shape(), 1, &pixels);
        let mut panels = ForwardPanels::default();
        conv.pack_forward(&vec![7; 9 * channels * 16], &mut panels);
        let (mut y, mut wanted) =
            (Tensor::zeros([1, size, size, 16], 0), Tensor::zeros([1, size, size, 16], 0));
        conv.forward(&x, &panels, &[1.0; 16], &[], &mut y);
        let reference = kernels::Conv3x3::new(channels, 16, 1);
        oracle::conv3x3_forward(&reference, &float, &vec![7.0; 9 * channels * 16], &[], &mut wanted);
        close(&y.to_dense(), &wanted.to_dense(), 4e-6, "forward");

        let (size, conv) = (32, Conv3x3 { c_in: 16, c_out: 16 });
        let pixels = largest_at_3_3(2, size, 16);
        let shape = [2, size, size, 16];
        let float = Tensor::from_dense(shape, 1, &pixels.iter().map(|x| f32::from(*x)).collect::<Vec<_>>());
        let (x, dy) =
            (Tensor::from_dense(shape, 1, &pixels), Tensor::from_dense(shape, 1, &vec![127; pixels.len()]));
        let (x, dy) = (Levels { values: x, step: Some(1.0) }, Levels { values: dy, step: Some(1.0) });
        let (mut dw, mut wanted) = (vec![0.0; 9 * 256], vec![0.0; 9 * 256]);
        conv.backward_weight(&x, &dy, &mut dw, &mut []);
        let float_dy = Tensor::from_dense(shape, 1, &vec![127.0; pixels.len()]);
        oracle::conv3x3_backward_weight(
            &kernels::Conv3x3::new(16, 16, 1),
            &float,
            &float_dy,
            &mut wanted,
            &mut [],
        );
        close(&dw, &wanted, 4e-6, "backward weight");
    }
}
