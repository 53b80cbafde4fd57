//! Weights that share a few values (arXiv 1510.00149, section 3): centroids, found by k-means and then trained.
//!
//! The paper trains the centroids alone, each weight keeping its own. Here the master weights go on learning too, straight
//! through, and each takes the centroid that is nearest now.

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared};
use crate::kernels::blocks::Blocks;
use crate::kernels::grid::F32_BITS;
use crate::kernels::nearest::Nearest;
use crate::kernels::parallel;
use crate::param::{Param, Role};
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "codebook",
        label: told("Codebook"),
        about: told("2^b values, found by k-means among the weights of a layer and trained with them"),
    },
    format: Format::Custom,
    formula: told("W_q = the nearest of 2^b centroids; a centroid's gradient is the sum of its weights'"),
    source: told("arXiv 1510.00149, sections 3.1 to 3.3"),
    bits: &[1, 2, 3, 4, 5, 6, 7, 8],
    sharing: Shared::Whole,
    build: |request| Some(Box::new(Codebook::new(request))),
};

/// A centroid that has not been taken from any weights yet.
const UNKNOWN: f32 = f32::NAN;
/// Rounds of k-means: what moves after so many moves little.
const MOST_ROUNDS: usize = 300;
/// Weights of a work item.
const CHUNK: usize = 64 * 1024;

struct Codebook {
    blocks: Blocks,
    /// In the order in which they started, from the lowest to the highest.
    centroids: Param,
    /// Places in `centroids`, by their present values.
    order: Vec<usize>,
    nearest: Nearest,
}

impl Codebook {
    fn new(request: &Request) -> Self {
        let mut centroids = Param::constant("centroids", Role::Level, &[1 << request.bits], UNKNOWN);
        centroids.decays = false;
        Self { blocks: request.blocks, centroids, order: Vec::new(), nearest: Nearest::new(&[0.0]) }
    }
}

/// Lloyd's algorithm in one dimension from centroids spaced equally between the ends (section 3.2), until no weight
/// changes its centroid. An empty cluster keeps its centroid; of two that are equally near, the lower one counts.
fn k_means(w: &[f32], count: usize) -> Vec<f32> {
    let mut sorted = w.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    // Sums of the first so many: that of a cluster, a stretch of the sorted weights, is a difference.
    let mut sums = Vec::with_capacity(sorted.len() + 1);
    sums.push(0.0f64);
    sorted.iter().for_each(|w| sums.push(sums[sums.len() - 1] + f64::from(*w)));
    let ends = [sorted.first(), sorted.last()].map(|end| end.copied().map_or(0.0, f64::from));
    let spacing = (ends[1] - ends[0]) / (count - 1) as f64;
    let mut centroids: Vec<f64> = (0..count).map(|place| ends[0] + spacing * place as f64).collect();
    let mut clusters = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let edge = |pair: &[f64]| {
            let middle = (pair[0] + pair[1]) / 2.0;
            sorted.partition_point(|w| f64::from(*w) <= middle)
        };
        let edges = centroids.windows(2).map(edge);
        let now: Vec<usize> = std::iter::once(0).chain(edges).chain([sorted.len()]).collect();
        if now == clusters {
            break;
        }
        for (centroid, cluster) in centroids.iter_mut().zip(now.windows(2)) {
            let [first, end] = [cluster[0], cluster[1]];
            if first < end {
                *centroid = (sums[end] - sums[first]) / (end - first) as f64;
            }
        }
        clusters = now;
    }
    centroids.into_iter().map(|centroid| centroid as f32).collect()
}

impl Quantizer for Codebook {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        if self.centroids.value.iter().any(|centroid| centroid.is_nan()) {
            self.centroids.value = k_means(w, self.centroids.value.len());
        }
        let values = &self.centroids.value;
        self.order = (0..values.len()).collect();
        self.order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        self.nearest = Nearest::new(&self.order.iter().map(|place| values[*place]).collect::<Vec<_>>());
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        let nearest = &self.nearest;
        self.blocks.map(w, &[()], out, move |w, ()| nearest.level(w));
    }

    fn grid(&self) -> Grid {
        let levels = self.nearest.levels().to_vec();
        let bits = F32_BITS * levels.len();
        Grid::table(self.blocks, levels, vec![1.0]).costing(bits)
    }

    /// Section 3.3 for the centroids.
    fn backward(&mut self, w: &[f32], dw: &mut [f32]) {
        let (nearest, count) = (&self.nearest, self.order.len());
        let parts = parallel::map(w.len().div_ceil(CHUNK), |item| {
            let range = item * CHUNK..w.len().min((item + 1) * CHUNK);
            let mut sums = vec![0.0f64; count];
            for (w, dw) in w[range.clone()].iter().zip(&dw[range]) {
                sums[nearest.place(*w)] += f64::from(*dw);
            }
            sums
        });
        for (place, centroid) in self.order.iter().enumerate() {
            self.centroids.grad[*centroid] = parts.iter().map(|sums| sums[place]).sum::<f64>() as f32;
        }
    }

    fn params(&self) -> &[Param] {
        std::slice::from_ref(&self.centroids)
    }

    fn params_mut(&mut self) -> &mut [Param] {
        std::slice::from_mut(&mut self.centroids)
    }
}
