//! Redundancy weights for arcs shorter than a full turn.
//!
//! Parker's for a short scan, with the margin δ = (arc − π)/2 in place of half the fan angle, so that any arc from π +
//! fan to 2π is used whole: w = sin²(π β / 4(δ + γ)) for β < 2(δ + γ), sin²(π (π + 2δ − β) / 4(δ − γ)) for β > π + 2γ,
//! 1 between. Parker, Med. Phys. 9 (1982) 254, eq. 12 (his α counts against our γ); the general arc: Silver, Med. Phys.
//! 27 (2000) 773. For shorter arcs, the two measurements of a ray have the weights w = c(β) / (c(β) + c(β')), with c
//! rising as sin² over ten degrees from both ends: Noo, Defrise, Clackdoyle and Kudo, Phys. Med. Biol. 47 (2002) 2525,
//! eq. 39. Rays that were never measured remain missing.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// Parker's weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Parker {
    /// δ, radians.
    pub(super) margin: f64,
}

impl Parker {
    pub(super) fn weight(self, beta: f64, gamma: f64) -> f64 {
        let (first, last) = (self.margin + gamma, self.margin - gamma);
        let rise = |part: f64| (FRAC_PI_4 * part.max(0.0)).sin().powi(2);
        if beta < 2.0 * first {
            rise(beta / first)
        } else if beta > PI + 2.0 * gamma && last > 0.0 {
            rise((PI + 2.0 * self.margin - beta) / last)
        } else {
            1.0
        }
    }
}

/// Weights for an arc shorter than a short scan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Shared {
    /// Arc, radians.
    pub(super) arc: f64,
    /// Arc by which it is shorter than a short scan, radians.
    pub(super) missing: f64,
}

impl Shared {
    pub(super) fn weight(&self, beta: f64, gamma: f64) -> f64 {
        let width = (PI / 18.0).min(self.arc / 2.0);
        let edge = |beta: f64| {
            let inside = beta.min(self.arc - beta);
            // Shifted by 1 mrad, so that the first and the last view have a weight above 0.
            if inside < -1e-9 { 0.0 } else { (FRAC_PI_2 * ((inside + 1e-3) / width).min(1.0)).sin().powi(2) }
        };
        let own = edge(beta);
        let others = edge(beta + PI - 2.0 * gamma) + edge(beta - PI - 2.0 * gamma);
        own / (own + others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parkers_pairs_add_to_one_over_any_arc() {
        for margin in [0.2, 0.5, 1.2] {
            let parker = Parker { margin };
            for gamma in [-0.19, -0.1, 0.0, 0.05, 0.19] {
                for step in 0..200 {
                    let beta = f64::from(step) / 200.0 * (PI + 2.0 * margin);
                    let opposite = [beta + PI - 2.0 * gamma, beta - PI - 2.0 * gamma];
                    let measured = opposite.into_iter().find(|b| (0.0..=PI + 2.0 * margin).contains(b));
                    let sum = parker.weight(beta, gamma) + measured.map_or(0.0, |b| parker.weight(b, -gamma));
                    assert!((sum - 1.0).abs() < 1e-9, "margin {margin}, beta {beta}, gamma {gamma}: {sum}");
                }
            }
        }
    }

    #[test]
    fn shares_of_less_than_a_short_scan_add_to_one_where_anything_was_measured() {
        let shared = Shared { arc: 3.0, missing: 0.5 };
        for gamma in [-0.2, 0.0, 0.2] {
            for step in 0..=100 {
                let beta = f64::from(step) / 100.0 * 3.0;
                let opposite = [beta + PI - 2.0 * gamma, beta - PI - 2.0 * gamma];
                let measured = opposite.into_iter().find(|b| (0.0..=3.0).contains(b));
                let sum = shared.weight(beta, gamma) + measured.map_or(0.0, |b| shared.weight(b, -gamma));
                assert!((sum - 1.0).abs() < 1e-9, "beta {beta}, gamma {gamma}: {sum}");
            }
        }
    }
}
