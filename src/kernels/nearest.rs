//! The nearest of some numbers that follow no rule.

/// Stretches of equal width between the lowest and the highest edge.
const STRETCHES: usize = 1024;

/// Finds the nearest of some numbers; of two that are equally near, the lower.
#[derive(Debug, Clone)]
pub struct Nearest {
    levels: Vec<f32>,
    /// In the middle between neighbours.
    edges: Vec<f32>,
    stretches: Box<[Stretch; STRETCHES]>,
    first_edge: f32,
    stretches_a_unit: f32,
}

/// What is known of the numbers in one stretch.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// The first edge in it; infinite without one.
    edge: f32,
    /// The levels on both sides of that.
    around: [f32; 2],
    /// Edges before it, and in it.
    before: u16,
    inside: u16,
}

impl Nearest {
    /// `levels`: at least one, the lowest first, at most 65,535.
    pub fn new(levels: &[f32]) -> Self {
        let middle = |pair: &[f32]| ((f64::from(pair[0]) + f64::from(pair[1])) / 2.0) as f32;
        let edges: Vec<f32> = levels.windows(2).map(middle).collect();
        let first_edge = edges.first().copied().unwrap_or(0.0);
        let width = edges.last().copied().unwrap_or(0.0) - first_edge;
        let stretches_a_unit = if width > 0.0 { (STRETCHES - 1) as f32 / width } else { 0.0 };
        let stretches =
            Box::new([Stretch { edge: f32::INFINITY, around: [0.0; 2], before: 0, inside: 0 }; STRETCHES]);
        let mut nearest = Self { levels: levels.to_vec(), edges, stretches, first_edge, stretches_a_unit };
        for edge in 0..nearest.edges.len() {
            let stretch = nearest.stretch(nearest.edges[edge]);
            nearest.stretches[stretch].inside += 1;
        }
        let mut before = 0;
        for stretch in nearest.stretches.iter_mut() {
            stretch.before = before;
            let place = usize::from(before);
            let above = if stretch.inside > 0 { place + 1 } else { place };
            stretch.around = [levels[place], levels[above]];
            if stretch.inside > 0 {
                stretch.edge = nearest.edges[place];
            }
            before += stretch.inside;
        }
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
        let stretch = &self.stretches[self.stretch(x)];
        let before = usize::from(stretch.before);
        if stretch.inside <= 1 {
            return before + usize::from(x > stretch.edge);
        }
        let inside = &self.edges[before..before + usize::from(stretch.inside)];
        before + inside.partition_point(|edge| x > *edge)
    }

    /// The nearest level.
    #[inline(always)]
    pub fn level(&self, x: f32) -> f32 {
        let stretch = &self.stretches[self.stretch(x)];
        if stretch.inside <= 1 {
            return stretch.around[usize::from(x > stretch.edge)];
        }
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
