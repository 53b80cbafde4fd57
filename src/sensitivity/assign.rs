//! The best bits for each layer under a budget: a knapsack with one choice a layer, solved exactly.

/// One of the choices of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// What it costs of the budget.
    pub cost: u64,
    /// What it does to the loss.
    pub damage: f64,
}

/// A sum of choices of the layers so far that no other is at least as good as in both respects.
struct Sum {
    cost: u64,
    damage: f64,
    /// The last layer's choice, and the sum before it.
    choice: usize,
    before: usize,
}

/// The place of the choice of each layer that does the least damage in all at a cost of at most `budget`; of equal ones the
/// cheapest. `None` where even the cheapest choices cost more.
pub fn assign(layers: &[Vec<Choice>], budget: u64) -> Option<Vec<usize>> {
    let stages = stages(layers, budget);
    match stages.last() {
        Some(sums) => Some(traced(&stages, sums.len().checked_sub(1)?)),
        None => Some(Vec::new()),
    }
}

/// The best for every budget, from the cheapest on: each does less damage than what costs less.
pub fn front(layers: &[Vec<Choice>]) -> Vec<Vec<usize>> {
    let stages = stages(layers, u64::MAX);
    (0..stages.last().map_or(0, Vec::len)).map(|at| traced(&stages, at)).collect()
}

/// Dynamic programming over the sums that can matter: layer by layer, those are kept that are cheaper than all that do less
/// damage. Damage that is no number counts as the worst.
fn stages(layers: &[Vec<Choice>], budget: u64) -> Vec<Vec<Sum>> {
    // What the cheapest choices of the layers behind cost: a sum that leaves less is none.
    let mut rest: u64 = 0;
    let mut needed = Vec::new();
    for choices in layers.iter().rev() {
        needed.push(rest);
        rest = rest.saturating_add(choices.iter().map(|choice| choice.cost).min().unwrap_or(u64::MAX));
    }
    needed.reverse();
    let mut stages: Vec<Vec<Sum>> = Vec::new();
    let start = [Sum { cost: 0, damage: 0.0, choice: 0, before: 0 }];
    for (choices, needed) in layers.iter().zip(needed) {
        let so_far = stages.last().map_or(&start[..], |sums| &sums[..]);
        let mut sums: Vec<Sum> = Vec::new();
        for (before, sum) in so_far.iter().enumerate() {
            for (choice, Choice { cost, damage, .. }) in choices.iter().enumerate() {
                let cost = sum.cost.saturating_add(*cost);
                if cost.saturating_add(needed) <= budget {
                    let damage = sum.damage + if damage.is_nan() { f64::INFINITY } else { *damage };
                    sums.push(Sum { cost, damage, choice, before });
                }
            }
        }
        sums.sort_by(|a, b| a.cost.cmp(&b.cost).then(a.damage.total_cmp(&b.damage)));
        let mut least = f64::INFINITY;
        let mut first = true;
        sums.retain(|sum| {
            let keep = first || sum.damage < least;
            (first, least) = (false, least.min(sum.damage));
            keep
        });
        stages.push(sums);
    }
    stages
}

/// The choices that the sum of that place in the last stage is of.
fn traced(stages: &[Vec<Sum>], mut at: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    for sums in stages.iter().rev() {
        chosen.push(sums[at].choice);
        at = sums[at].before;
    }
    chosen.reverse();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(layers: &[Vec<Choice>], chosen: &[usize]) -> (u64, f64) {
        let choices = layers.iter().zip(chosen).map(|(choices, at)| choices[*at]);
        choices.fold((0, 0.0), |(cost, damage), choice| (cost + choice.cost, damage + choice.damage))
    }

    /// Every way there is.
    fn brute_force(layers: &[Vec<Choice>], budget: u64) -> Option<(u64, f64)> {
        let mut all = vec![Vec::new()];
        for choices in layers {
            all = all
                .iter()
                .flat_map(|chosen: &Vec<usize>| {
                    (0..choices.len()).map(move |at| [&chosen[..], &[at]].concat())
                })
                .collect();
        }
        let totals = all.iter().map(|chosen| total(layers, chosen)).filter(|(cost, _)| *cost <= budget);
        totals.min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
    }

    proptest! {
        #[test]
        fn assignments_are_the_best_that_there_are(
            // Halves add up without rounding.
            layers in prop::collection::vec(
                prop::collection::vec((0u64..40, -8i32..40), 1..5), 0..6
            ),
            budget in 0u64..160,
        ) {
            let layers: Vec<Vec<Choice>> = layers
                .into_iter()
                .map(|choices| {
                    let choice = |(cost, damage)| Choice { cost, damage: f64::from(damage) / 2.0 };
                    choices.into_iter().map(choice).collect()
                })
                .collect();
            let found = assign(&layers, budget).map(|chosen| total(&layers, &chosen));
            prop_assert_eq!(found, brute_force(&layers, budget));
        }
    }

    #[test]
    fn what_is_no_number_is_the_last_choice() {
        let choice = |cost, damage| Choice { cost, damage };
        let layers = [vec![choice(2, f64::NAN), choice(4, 1.0)], vec![choice(2, 5.0), choice(4, 1.0)]];
        assert_eq!(assign(&layers, 6), Some(vec![1, 0]));
        assert_eq!(assign(&layers, 5), Some(vec![0, 0]));
        assert_eq!(assign(&layers, 3), None);
        assert_eq!(assign(&[], 0), Some(vec![]));
    }
}
