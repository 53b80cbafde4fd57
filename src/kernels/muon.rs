//! The orthogonalisation of Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024;
//! Liu et al., arXiv 2502.16982): the singular values of a gradient are all brought near 1.
//!
//! Five steps of a Newton-Schulz iteration, `X <- X (a I + b A + c A^2)` with `A = X^T X`, from `X = G / |G|`. The
//! polynomial `a s + b s^3 + c s^5` is chosen steep at 0, and not to converge: singular values of at least 0.002 of the
//! norm end between 0.68 and 1.21, smaller ones grow by up to a^5 = 485.
//!
//! The published code works in bfloat16 and forms `A` from `X` at every step. All factors are polynomials of one and
//! the same matrix, so steps can be taken on the small side alone (Gram Newton-Schulz, dao-lab.ai, 2026): with
//! `B = a I + b A + c A^2` the next A is `B A B`, and X is multiplied once, by the product of the B. For a matrix nine
//! times as long as it is wide that halves the work. A rounding error in A then grows by up to a^2 = 12 a step in the
//! directions in which X is small, so `A` is formed anew after two steps. All these matrices are symmetric: one side of the
//! diagonal is computed, and mirrored.

use std::ops::Range;

use super::dot::{DotProducts, Lattice, Window};
use super::outer::OuterProducts;
use super::panels::{Panels, copy_columns};
use super::parallel;
use super::simd::Chosen;
use super::weights::sum_of_squares;

/// a, b, c of the iteration, as published.
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];

/// Steps between two times that `A` is formed from `X`: five in all.
const ROUNDS: [usize; 2] = [2, 3];

/// The least norm to divide by: a gradient of zeros stays zero.
const NORM_MIN: f32 = 1e-7;

/// Elements of a work item of a pass over memory.
const CHUNK: usize = 16 * 1024;

/// Columns of a symmetric matrix that are computed at once, down to the diagonal: a multiple of every NR.
const SYMMETRIC_BLOCK: usize = 128;

/// Rows and columns of a block that is transposed, so that both sides stay in the cache.
const BLOCK: usize = 32;

/// Replaces the matrix `g`, `[rows][cols]` dense, by one of the same singular vectors whose singular values lie near 1.
///
/// A transposed matrix gives the transposed result, and rows or columns in another order give theirs in that order, up
/// to rounding: weights stored `[kh kw c_in][c_out]` need not be brought into PyTorch's `[c_out][c_in kh kw]`.
///
/// With m the shorter and n the longer side, it does some `6 m^2 n + 18 m^3` floating-point operations, and takes
/// memory for two more matrices (one, if it is not wider than long) and some of m by m.
pub fn orthogonalize(g: &mut [f32], rows: usize, cols: usize) {
    orthogonalize_in(&ROUNDS, g, rows, cols);
}

/// The same with another cut into rounds; `[1; 5]` is the iteration as published.
fn orthogonalize_in(rounds: &[usize], g: &mut [f32], rows: usize, cols: usize) {
    assert_eq!(g.len(), rows * cols, "elements of a {rows} x {cols} matrix");
    if g.is_empty() {
        return;
    }
    let norm = sum_of_squares(g).sqrt() as f32;
    let set = Chosen::now();
    let scale = 1.0 / if norm < NORM_MIN { NORM_MIN } else { norm };
    parallel::for_each_chunk(g, CHUNK, |_, g| set.vectorize(|| g.iter_mut().for_each(|g| *g *= scale)));
    if rows >= cols {
        iterate(rounds, g, rows, cols);
    } else {
        let mut tall = vec![0.0; g.len()];
        transpose(g, rows, cols, &mut tall);
        iterate(rounds, &mut tall, cols, rows);
        transpose(&tall, cols, rows, g);
    }
}

/// The iteration on `x`, `[n][m]`.
fn iterate(rounds: &[usize], x: &mut [f32], n: usize, m: usize) {
    let square = || vec![0.0; m * m];
    let (mut a, mut a2, mut b, mut product, mut factor) = (square(), square(), square(), square(), square());
    let mut next = vec![0.0; x.len()];
    let mut panels = Panels::default();
    for &steps in rounds {
        gram(x, n, m, &mut a);
        for step in 0..steps {
            multiply_symmetric(&a, &a, m, &mut panels, &mut a2);
            polynomial(&a, &a2, m, &mut b);
            if step == 0 {
                factor.copy_from_slice(&b);
            } else {
                multiply_symmetric(&factor, &b, m, &mut panels, &mut product);
                std::mem::swap(&mut factor, &mut product);
            }
            if step + 1 < steps {
                multiply_symmetric(&a, &b, m, &mut panels, &mut product);
                multiply_symmetric(&b, &product, m, &mut panels, &mut a);
            }
        }
        multiply(x, &factor, m, &mut panels, &mut next);
        x.copy_from_slice(&next);
    }
}

/// `a = x^T x` of `x` `[n][m]`.
fn gram(x: &[f32], n: usize, m: usize, a: &mut [f32]) {
    let rows = Lattice { base: 0, image: 0, row: 0, column: m };
    let mut part = Vec::new();
    for first in (0..m).step_by(SYMMETRIC_BLOCK) {
        let end = m.min(first + SYMMETRIC_BLOCK);
        let job = OuterProducts {
            size: [1, 1, n],
            x,
            x_at: rows,
            taps: 1,
            tap_stride: 0,
            rows: end,
            kept: (end, end),
            dy: x,
            dy_at: Lattice { base: first, ..rows },
            columns: end - first,
        };
        part.resize(end * (end - first), 0.0);
        job.run(&mut part, &mut []);
        for (a, part) in a.chunks_exact_mut(m).zip(part.chunks_exact(end - first)) {
            a[first..end].copy_from_slice(part);
        }
    }
    mirror(a, m);
}

/// `out = x w` of `x` `[any][m]` and `w` `[m][m]`.
fn multiply(x: &[f32], w: &[f32], m: usize, panels: &mut Panels, out: &mut [f32]) {
    multiply_columns(x, w, m, 0..m, panels, out);
}

/// `out = x w` of two polynomials of the same symmetric matrix, `[m][m]`: their product is symmetric too.
fn multiply_symmetric(x: &[f32], w: &[f32], m: usize, panels: &mut Panels, out: &mut [f32]) {
    for first in (0..m).step_by(SYMMETRIC_BLOCK) {
        let end = m.min(first + SYMMETRIC_BLOCK);
        multiply_columns(&x[..end * m], w, m, first..end, panels, out);
    }
    mirror(out, m);
}

/// The columns `columns` of `x w`, a multiple of NR or up to the last one; the others of `out` stay.
fn multiply_columns(
    x: &[f32],
    w: &[f32],
    m: usize,
    columns: Range<usize>,
    panels: &mut Panels,
    out: &mut [f32],
) {
    panels.pack(Chosen::for_columns(columns.len()), m, columns.len(), |c, nr, panel| {
        copy_columns(w, m, columns.start + c, nr, panel);
    });
    let rows = Lattice { base: 0, image: m, row: 0, column: 0 };
    let job = DotProducts {
        size: [x.len() / m, 1, 1],
        x,
        x_at: rows,
        window: Window { segments: 1, segment_len: m, segment_stride: 0 },
        panels,
        bias: &[],
        out_at: Lattice { base: columns.start, ..rows },
    };
    job.run(out);
}

/// What is above the diagonal of `a`, `[m][m]`, goes below it.
fn mirror(a: &mut [f32], m: usize) {
    for r0 in (0..m).step_by(BLOCK) {
        for c0 in (0..=r0).step_by(BLOCK) {
            for r in r0..m.min(r0 + BLOCK) {
                for c in c0..r.min(c0 + BLOCK) {
                    a[r * m + c] = a[c * m + r];
                }
            }
        }
    }
}

/// `out = a I + b A + c A^2`.
fn polynomial(a: &[f32], a2: &[f32], m: usize, out: &mut [f32]) {
    let set = Chosen::now();
    let [identity, first, second] = COEFFICIENTS;
    parallel::for_each_chunk(out, CHUNK, |item, out| {
        let part = item * CHUNK..item * CHUNK + out.len();
        set.vectorize(|| {
            for ((out, a), a2) in out.iter_mut().zip(&a[part.clone()]).zip(&a2[part]) {
                *out = first * a + second * a2;
            }
        });
    });
    for diagonal in out.iter_mut().step_by(m + 1) {
        *diagonal += identity;
    }
}

/// `out[c][r] = x[r][c]`.
fn transpose(x: &[f32], rows: usize, cols: usize, out: &mut [f32]) {
    parallel::for_each_chunk(out, BLOCK * rows, |item, out| {
        let first = item * BLOCK;
        for r0 in (0..rows).step_by(BLOCK) {
            for (c, out) in out.chunks_exact_mut(rows).enumerate() {
                for r in r0..rows.min(r0 + BLOCK) {
                    out[r] = x[r * cols + first + c];
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// The iteration as published: `A` from `X` at every step.
    const PUBLISHED: [usize; 5] = [1; 5];

    /// Relative to the largest element. In NumPy's f32 the published iteration is within 3e-6 of f64 (the references hold
    /// how far each is off); the order of the sums differs here, and errors in A grow by 12 once.
    const TOLERANCE: f64 = 1.2e-5;
    /// Where a matrix has directions in which it has only rounding errors: they grow by 485.
    const SINGULAR_TOLERANCE: f64 = 485.0 * 1.2e-7 * 4.0;

    #[derive(Deserialize)]
    struct References {
        orthogonalize: Vec<Reference>,
    }

    /// See `tests/golden/README.md`.
    #[derive(Deserialize)]
    struct Reference {
        rows: usize,
        cols: usize,
        what: String,
        stride: usize,
        values: Vec<f64>,
    }

    /// The keyed generator of the references.
    fn unit(name: &str, count: usize) -> Vec<f32> {
        let key = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let value = |i: u64| {
            let mut z = key.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (1..=count as u64).map(value).collect()
    }

    fn matrix(rows: usize, cols: usize, what: &str) -> Vec<f32> {
        let mut g = unit(&format!("muon/{rows}x{cols}/{what}"), rows * cols);
        match what {
            "zero" => g.fill(0.0),
            "tiny" => g.iter_mut().for_each(|g| *g *= 2.0f32.powi(-30)),
            "rank one" => {
                let u = g.clone();
                for (i, g) in g.iter_mut().enumerate() {
                    *g = u[i / cols * cols] * u[i % cols];
                }
            }
            "one large" => g[rows / 2 * cols + cols / 2] = 100.0,
            _ => {}
        }
        g
    }

    #[track_caller]
    fn assert_close(what: &str, found: impl Iterator<Item = f32>, expected: &[f64], tolerance: f64) {
        let largest = expected.iter().fold(0.0f64, |max, v| max.max(v.abs()));
        let errors = found.zip(expected).map(|(found, expected)| (f64::from(found) - expected).abs());
        let error = errors.fold(0.0, f64::max) / largest.max(f64::MIN_POSITIVE);
        println!("{what}: off by {error:.1e}");
        assert!(error <= tolerance, "{what}: off by {error:.1e} of the largest element");
    }

    #[test]
    fn orthogonalize_is_that_of_pytorch() {
        let references: References =
            serde_json::from_str(include_str!("../../tests/golden/optimizers.json")).unwrap();
        assert!(references.orthogonalize.len() >= 13);
        for Reference { rows, cols, what, stride, values } in references.orthogonalize {
            let tolerance = if what == "rank one" { SINGULAR_TOLERANCE } else { TOLERANCE };
            for rounds in [&ROUNDS[..], &PUBLISHED] {
                let mut g = matrix(rows, cols, &what);
                orthogonalize_in(rounds, &mut g, rows, cols);
                let found = g.iter().step_by(stride).copied();
                assert_eq!(found.len(), values.len());
                assert_close(&format!("{rows} x {cols} {what}, {rounds:?}"), found, &values, tolerance);
            }
        }
    }

    /// The published iteration in plain loops and f64.
    fn oracle(g: &[f32], rows: usize, cols: usize) -> Vec<f64> {
        let multiply = |x: &[f64], y: &[f64], n: usize| {
            let k = y.len() / n;
            let mut out = vec![0.0; x.len() / k * n];
            for (x, out) in x.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
                for (x, y) in x.iter().zip(y.chunks_exact(n)) {
                    out.iter_mut().zip(y).for_each(|(out, y)| *out += x * y);
                }
            }
            out
        };
        let [a, b, c] = COEFFICIENTS.map(f64::from);
        let mut x: Vec<f64> = g.iter().map(|g| f64::from(*g)).collect();
        let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::from(NORM_MIN));
        x.iter_mut().for_each(|x| *x /= norm);
        for _ in 0..5 {
            let transposed: Vec<f64> = (0..cols * rows).map(|i| x[i % rows * cols + i / rows]).collect();
            let gram = multiply(&x, &transposed, rows);
            let square = multiply(&gram, &gram, rows);
            let factor: Vec<f64> = gram.iter().zip(square).map(|(g, s)| b * g + c * s).collect();
            let more = multiply(&factor, &x, cols);
            x.iter_mut().zip(more).for_each(|(x, more)| *x = a * *x + more);
        }
        x
    }

    /// Ones, primes, both sides of the tiles and blocks, either side the longer.
    const SIZES: [[usize; 2]; 12] = [
        [1, 1],
        [1, 70],
        [2, 33],
        [31, 32],
        [33, 31],
        [64, 64],
        [65, 129],
        [129, 17],
        [27, 64],
        [5, 1031],
        [1031, 12],
        [577, 61],
    ];

    #[test]
    fn orthogonalize_matches_oracle() {
        for [rows, cols] in SIZES {
            let g = unit(&format!("oracle/{rows}x{cols}"), rows * cols);
            let expected = oracle(&g, rows, cols);
            for rounds in [&ROUNDS[..], &PUBLISHED] {
                let mut found = g.clone();
                orthogonalize_in(rounds, &mut found, rows, cols);
                assert_close(
                    &format!("{rows} x {cols}, {rounds:?}"),
                    found.into_iter(),
                    &expected,
                    TOLERANCE,
                );
            }
        }
    }

    #[test]
    fn orthogonalize_gives_the_same_bits_on_any_number_of_threads() {
        for [rows, cols] in SIZES.into_iter().chain([[600, 130]]) {
            let g = unit(&format!("threads/{rows}x{cols}"), rows * cols);
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut x = g.clone();
                pool.install(|| orthogonalize(&mut x, rows, cols));
                x.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let one = on(1);
            for threads in [2, 3, 5] {
                assert_eq!(on(threads), one, "{rows} x {cols} on {threads} threads");
            }
        }
    }

    #[test]
    fn transposed_matrix_gives_the_transposed_result() {
        for [rows, cols] in SIZES.into_iter().filter(|[rows, cols]| rows != cols) {
            let mut g = unit(&format!("transposed/{rows}x{cols}"), rows * cols);
            let mut turned = vec![0.0; g.len()];
            transpose(&g, rows, cols, &mut turned);
            orthogonalize(&mut g, rows, cols);
            orthogonalize(&mut turned, cols, rows);
            let mut back = vec![0.0; g.len()];
            transpose(&turned, cols, rows, &mut back);
            let largest = g.iter().fold(0.0f32, |max, v| max.max(v.abs()));
            for (a, b) in g.iter().zip(&back) {
                // The norm sums in another order.
                assert!((a - b).abs() <= 1e-5 * largest, "{rows} x {cols}: {a} and {b}");
            }
        }
    }

    #[test]
    fn nothing_and_zeros_stay() {
        orthogonalize(&mut [], 0, 7);
        orthogonalize(&mut [], 7, 0);
        let mut zeros = [0.0; 12];
        orthogonalize(&mut zeros, 4, 3);
        assert_eq!(zeros, [0.0; 12]);
    }
}
