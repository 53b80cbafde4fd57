//! Softmax cross-entropy.

use crate::Tensor;
use crate::elementary::{exp, ln};

/// Loss and hits of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Mean cross-entropy in nats.
    pub mean: f64,
    /// Images whose largest logit is that of their label.
    pub correct: usize,
}

/// Mean over the batch of `-log softmax(logits)[label]`.
///
/// `logits` is `[n, 1, 1, k]`. `gradient`, where given, has the same shape and receives
/// `(softmax - onehot) / n`.
pub fn cross_entropy(logits: &Tensor, labels: &[u16], gradient: Option<&mut Tensor>) -> Loss {
    smoothed_cross_entropy(logits, labels, 0.0, gradient)
}

/// The same against targets of which the share `smoothing` is spread evenly over all classes (arXiv 1512.00567,
/// section 7).
pub fn smoothed_cross_entropy(
    logits: &Tensor,
    labels: &[u16],
    smoothing: f32,
    mut gradient: Option<&mut Tensor>,
) -> Loss {
    let classes = logits.c();
    let n = labels.len();
    let mut total = 0.0;
    let mut correct = 0;
    for (i, (row, &label)) in logits.data().chunks_exact(classes).zip(labels).enumerate() {
        let label = usize::from(label);
        let max = row.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
        let mut sum = 0.0f32;
        if let Some(gradient) = gradient.as_deref_mut() {
            let out = &mut gradient.data_mut()[i * classes..(i + 1) * classes];
            for (d, x) in out.iter_mut().zip(row) {
                *d = exp(x - max);
                sum += *d;
            }
            for d in out.iter_mut() {
                *d = *d / sum / n as f32;
            }
            if smoothing > 0.0 {
                let spread = smoothing / classes as f32 / n as f32;
                out.iter_mut().for_each(|d| *d -= spread);
            }
            out[label] -= (1.0 - smoothing) / n as f32;
        } else {
            sum = row.iter().map(|x| exp(x - max)).sum();
        }
        let log_sum = ln(sum) + max;
        total += if smoothing > 0.0 {
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / classes as f64;
            let (log_sum, kept) = (f64::from(log_sum), f64::from(1.0 - smoothing));
            kept * (log_sum - f64::from(row[label])) + (1.0 - kept) * (log_sum - mean)
        } else {
            f64::from(log_sum - row[label])
        };
        // The first of equal logits wins, as argmax does; a NaN never does.
        correct += usize::from(row.iter().position(|&x| x == max) == Some(label));
    }
    Loss { mean: total / n as f64, correct }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_value_and_hit() {
        let logits = Tensor::from_dense([2, 1, 1, 3], 0, &[0.0, 0.0, 0.0, 10.0, 0.0, 0.0]);
        let loss = cross_entropy(&logits, &[1, 0], None);
        let expected = (3f64.ln() + (1.0 + 2.0 * (-10f64).exp()).ln()) / 2.0;
        assert!((loss.mean - expected).abs() < 1e-6, "{} {expected}", loss.mean);
        assert_eq!(loss.correct, 1);
    }

    #[test]
    fn gradient_matches_finite_difference() {
        let x = [0.3f32, -1.2, 2.0, 0.1, 0.7, -0.4];
        let labels = [2, 0];
        let logits = Tensor::from_dense([2, 1, 1, 3], 0, &x);
        let mut gradient = Tensor::zeros([2, 1, 1, 3], 0);
        cross_entropy(&logits, &labels, Some(&mut gradient));
        for i in 0..6 {
            let at = |delta: f32| {
                let mut moved = x;
                moved[i] += delta;
                cross_entropy(&Tensor::from_dense([2, 1, 1, 3], 0, &moved), &labels, None).mean
            };
            let numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
            // Central differences of step 1e-2: truncation 1e-5, rounding of f32 logits 1e-5.
            assert!((numeric - f64::from(gradient.data()[i])).abs() < 1e-4);
        }
    }

    #[test]
    fn classes_beyond_a_byte_are_told_apart() {
        let mut values = [0.0; 1000];
        values[999] = 20.0;
        let logits = Tensor::from_dense([1, 1, 1, 1000], 0, &values);
        let mut gradient = Tensor::zeros([1, 1, 1, 1000], 0);
        let right = cross_entropy(&logits, &[999], Some(&mut gradient));
        assert_eq!(right.correct, 1);
        assert!(right.mean < 1e-4 && gradient.data()[999] < 0.0);
        // 999 is 231 in a byte.
        let wrong = cross_entropy(&logits, &[231], None);
        assert!(wrong.correct == 0 && wrong.mean > 19.0);
    }

    #[test]
    fn large_logits_stay_finite() {
        let logits = Tensor::from_dense([1, 1, 1, 2], 0, &[1e30, -1e30]);
        assert_eq!(cross_entropy(&logits, &[0], None).mean, 0.0);
    }
}
