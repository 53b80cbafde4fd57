//! The nearest of some numbers that follow no rule.

/// Stretches of equal width between the lowest and the highest edge.
const STRETCHES: usize = 1024;

/// Finds the nearest of some numbers; of two that are equally near, the lower.
#[derive(Debug, Clone, Default)]
pub struct Nearest {
    levels: Vec<f32>,
    /// In the middle between neighbours.
    edges: Vec<f32>,
    /// Edges in the stretches before each, and of all of them.
    before: Vec<u32>,
    first_edge: f32,
    stretches_a_unit: f32,
}

impl Nearest {
    /// `levels`: at least one, the lowest first.
    pub fn new(levels: &[f32]) -> Self {
        let middle = |pair: &[f32]| ((f64::from(pair[0]) + f64::from(pair[1])) / 2.0) as f32;
        let edges: Vec<f32> = levels.windows(2).map(middle).collect();
        let first_edge = edges.first().copied().unwrap_or(0.0);
        let width = edges.last().copied().unwrap_or(0.0) - first_edge;
        let stretches_a_unit = if width > 0.0 { (STRETCHES - 1) as f32 / width } else { 0.0 };
        let mut nearest =
            Self { levels: levels.to_vec(), edges, before: Vec::new(), first_edge, stretches_a_unit };
        let mut counts = [0u32; STRETCHES];
        nearest.edges.iter().for_each(|edge| counts[nearest.stretch(*edge)] += 1);
        let sums = counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        nearest.before = std::iter::once(0).chain(sums).collect();
        nearest
    }

    /// Grows with x: an edge in an earlier stretch is below x, one in a later stretch above.
    #[inline(always)]
    fn stretch(&self, x: f32) -> usize {
        (((x - self.first_edge) * self.stretches_a_unit) as usize).min(STRETCHES - 1)
    }

    /// Place of the nearest level.
    #[inline(always)]
    pub fn place(&self, x: f32) -> usize {
        let stretch = self.stretch(x);
        let (from, to) = (self.before[stretch] as usize, self.before[stretch + 1] as usize);
        let inside = &self.edges[from..to];
        match inside {
            [] => from,
            [edge] => from + usize::from(x > *edge),
            _ => from + inside.partition_point(|edge| x > *edge),
        }
    }

    /// The nearest level.
    #[inline(always)]
    pub fn level(&self, x: f32) -> f32 {
        self.levels[self.place(x)]
    }

    /// All levels, the lowest first.
    pub fn levels(&self) -> &[f32] {
        &self.levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_one_that_a_plain_search_finds(
            mut levels in prop::collection::vec(-3.0f32..3.0, 1..40), crowd in 0.0f32..1e-3, x in -4.0f32..4.0,
        ) {
            // Many in one stretch, and some twice.
            levels.extend((0..20).map(|i| 1.0 + crowd * (i / 2) as f32));
            levels.sort_by(f32::total_cmp);
            let nearest = Nearest::new(&levels);
            for x in levels.iter().copied().chain(nearest.edges.iter().copied()).chain([x, f32::MAX, f32::MIN]) {
                prop_assert_eq!(nearest.place(x), nearest.edges.iter().filter(|edge| x > **edge).count());
            }
            let distance = |level: f32| (f64::from(level) - f64::from(x)).abs();
            let least = levels.iter().map(|level| distance(*level)).fold(f64::INFINITY, f64::min);
            // Edges are rounded to f32.
            prop_assert!(distance(nearest.level(x)) <= least + 1e-6);
        }
    }

    #[test]
    fn one_number_is_always_the_nearest() {
        let nearest = Nearest::new(&[0.0; 16]);
        assert_eq!([-1.0, 0.0, f32::INFINITY].map(|x| nearest.level(x)), [0.0; 3]);
        assert_eq!(Nearest::new(&[2.0]).level(-7.0), 2.0);
    }
}
