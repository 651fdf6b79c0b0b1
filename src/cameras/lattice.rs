//! Directions evenly distributed over a band of the sphere: the golden-angle spiral, rotated about z by a random angle.
//! Swinbank and Purser, Q. J. R. Meteorol. Soc. 132 (2006) 1769.

use crate::data::Point;
use crate::random::stream;
use rand::RngExt;
use std::f64::consts::{PI, TAU};

/// `count` unit vectors, evenly distributed over the band of z between `low` and `high`.
#[must_use]
pub fn spiral(count: usize, [low, high]: [f64; 2], purpose: &str, seed: u64) -> Vec<Point> {
    let turn = stream(seed, purpose, 0).random_range(0.0..TAU);
    let golden = PI * (3.0 - 5f64.sqrt());
    let one = |i: usize| {
        let z = high - (high - low) * (i as f64 + 0.5) / count as f64;
        let (sin, cos) = (turn + golden * i as f64).sin_cos();
        let radius = (1.0 - z * z).max(0.0).sqrt();
        [radius * cos, radius * sin, z]
    };
    (0..count).map(one).collect()
}
