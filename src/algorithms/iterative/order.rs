//! The order in which subsets of the views are visited.

use crate::random::stream;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The order in which the subsets of the views are visited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The order in which the views were measured.
    Sequential,
    /// Each subset is halfway between two visited before it (bit-reversed order; H. Guan, R. Gordon, Phys. Med. Biol.
    /// 39, 1994).
    #[default]
    Multilevel,
    /// Steps of 0.618 (the golden ratio) of the number of subsets.
    Golden,
    /// A random order, drawn anew for each iteration from the run's seed.
    Random,
}

impl Order {
    /// A permutation of 0 to `count` − 1 for iteration `iteration`.
    pub(super) fn permutation(self, count: usize, seed: u64, iteration: u64) -> Vec<usize> {
        match self {
            Self::Sequential => (0..count).collect(),
            Self::Multilevel => bit_reversed(count),
            Self::Golden => {
                let step = (5f64.sqrt() - 1.0) / 2.0;
                // Some subsets are met twice before all have been met, so take more steps than subsets; any that remain
                // follow in order.
                let walk = (0..8 * count).map(|k| ((k as f64 * step).fract() * count as f64) as usize % count);
                visit(count, walk.chain(0..count))
            }
            Self::Random => {
                let mut random = stream(seed, "order of subsets", iteration);
                let mut order: Vec<usize> = (0..count).collect();
                // Fisher and Yates.
                for i in (1..count).rev() {
                    order.swap(i, random.random_range(0..=i));
                }
                order
            }
        }
    }
}

/// The numbers 0 to `count` − 1 in bit-reversed order.
fn bit_reversed(count: usize) -> Vec<usize> {
    let bits = count.next_power_of_two().trailing_zeros();
    let halves = |k: usize| (0..bits).fold(0, |reversed, bit| reversed | ((k >> bit & 1) << (bits - 1 - bit)));
    visit(count, (0..1usize << bits).map(|k| (halves(k) * count) >> bits))
}

/// The numbers 0 to `count` − 1 in the order of their first occurrence in `walk`.
fn visit(count: usize, walk: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut met = vec![false; count];
    walk.filter(|&i| !std::mem::replace(&mut met[i], true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_visits_every_subset_once() {
        for order in [Order::Sequential, Order::Multilevel, Order::Golden, Order::Random] {
            for count in [1, 2, 3, 7, 16, 40, 61] {
                let mut visited = order.permutation(count, 3, 5);
                visited.sort_unstable();
                assert_eq!(visited, (0..count).collect::<Vec<_>>(), "{order:?}");
            }
        }
    }

    #[test]
    fn neighbours_in_time_are_far_apart_in_angle() {
        assert_eq!(Order::Multilevel.permutation(8, 0, 0), [0, 4, 2, 6, 1, 5, 3, 7]);
        assert_eq!(Order::Multilevel.permutation(40, 0, 0)[..6], [0, 20, 10, 30, 5, 25]);
        assert_eq!(Order::Golden.permutation(40, 0, 0)[..4], [0, 24, 9, 34]);
    }

    #[test]
    fn chance_depends_on_seed_and_iteration_alone() {
        let order = |seed, iteration| Order::Random.permutation(40, seed, iteration);
        assert_eq!(order(1, 1), order(1, 1));
        assert!(order(1, 1) != order(1, 2) && order(1, 1) != order(2, 1));
    }
}
