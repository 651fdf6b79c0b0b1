//! Bad pixels, rows and columns: the same ones in every view, chosen by the seed.
//!
//! A bad pixel reads only a part of what falls on it (`response`), so its line integral is too large by −ln response,
//! in every view: rings. `repair: interpolate` replaces them after the logarithm by the nearest good pixels along its
//! row and its column, each weighted by the inverse of its distance (exact where line integrals are linear), as
//! scanners do with their defect map.

use crate::data::{Warning, Warnings};
use crate::error::{Error, Result};
use crate::random;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `bad_pixels: {fraction, rows, columns, response, repair}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BadPixelsConfig {
    /// Part of the pixels that are bad, each for itself.
    pub fraction: f64,
    /// Whole rows that are bad.
    pub rows: usize,
    /// Whole columns that are bad.
    pub columns: usize,
    /// Part of the signal that bad pixels still read; 0 (dead) needs noise to have a floor.
    pub response: f64,
    /// What is done about them.
    pub repair: Repair,
}

/// What becomes of bad pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// Good neighbours take their place, and the run warns.
    #[default]
    Interpolate,
    /// They stay as measured.
    Keep,
}

impl Default for BadPixelsConfig {
    fn default() -> Self {
        Self { fraction: 0.001, rows: 0, columns: 0, response: 0.5, repair: Repair::Interpolate }
    }
}

impl BadPixelsConfig {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// A fraction or a response out of range, more rows or columns than the detector can lose.
    pub fn check(&self, rows: usize, columns: usize) -> Result<()> {
        if !(0.0..=0.5).contains(&self.fraction) {
            return Err(Error::config("fraction", format!("expected 0 to 0.5, got {}", self.fraction)));
        }
        if !(0.0..=1.0).contains(&self.response) {
            return Err(Error::config("response", format!("expected 0 to 1, got {}", self.response)));
        }
        for (key, bad, all) in [("rows", self.rows, rows), ("columns", self.columns, columns)] {
            if bad * 2 > all {
                return Err(Error::config(key, format!("expected at most half of the detector's {all}, got {bad}")));
            }
        }
        Ok(())
    }

    /// Which pixels `[row, column]` are bad.
    pub(super) fn mask(&self, rows: usize, columns: usize, seed: u64) -> Vec<bool> {
        let mut random = random::stream(seed, "bad pixels", 0);
        let mut mask: Vec<bool> = (0..rows * columns).map(|_| random.random_bool(self.fraction)).collect();
        let mut several = |count: usize, all: usize| {
            let mut left: Vec<usize> = (0..all).collect();
            (0..count).map(|_| left.swap_remove(random.random_range(0..left.len()))).collect::<Vec<usize>>()
        };
        for row in several(self.rows, rows) {
            mask[row * columns..][..columns].fill(true);
        }
        for column in several(self.columns, columns) {
            mask.iter_mut().skip(column).step_by(columns).for_each(|bad| *bad = true);
        }
        mask
    }

    /// Warns (`bad_pixels`) how many there are and what became of them.
    pub(super) fn warning(&self, mask: &[bool]) -> Warnings {
        let bad = mask.iter().filter(|bad| **bad).count();
        let fate = if self.repair == Repair::Interpolate {
            "were interpolated from their neighbours"
        } else {
            "were kept as measured"
        };
        let message = format!("{bad} of {} detector pixels are bad and {fate}", mask.len());
        if bad > 0 { vec![Warning::new("bad_pixels", message)] } else { Vec::new() }
    }
}

/// Puts the good neighbours' values in the place of bad pixels of one view; without any good neighbour a pixel stays.
pub(super) fn interpolate(image: &mut [f32], mask: &[bool], columns: usize) {
    let rows = image.len() / columns;
    let measured = image.to_vec();
    for (at, _) in mask.iter().enumerate().filter(|(_, bad)| **bad) {
        let (row, column) = (at / columns, at % columns);
        let good =
            |steps: usize, index: &dyn Fn(usize) -> usize| (1..=steps).map(|k| (k, index(k))).find(|(_, i)| !mask[*i]);
        let neighbours = [
            good(column, &|k| at - k),
            good(columns - 1 - column, &|k| at + k),
            good(row, &|k| at - k * columns),
            good(rows - 1 - row, &|k| at + k * columns),
        ];
        let weighed =
            neighbours.into_iter().flatten().map(|(distance, i)| (1.0 / distance as f64, f64::from(measured[i])));
        let (weight, sum) = weighed.fold((0.0, 0.0), |(weight, sum), (w, value)| (weight + w, sum + w * value));
        if weight > 0.0 {
            image[at] = (sum / weight) as f32;
        }
    }
}
