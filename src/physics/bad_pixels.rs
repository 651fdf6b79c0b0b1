//! Defective detector pixels, rows and columns: the same in every view, chosen at random by the seed.
//!
//! A bad pixel reports only the fraction `response` of its signal, so its line integral is too large by −ln response in
//! every view, which reconstructs to rings. `repair: interpolate` replaces it after the logarithm by the nearest good
//! pixels along its row and its column, each weighted by the inverse of its distance (exact where line integrals vary
//! linearly), as scanners do with their defect map.

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
    /// Probability that a pixel is bad, independently of the others, 0 to 0.5.
    pub fraction: f64,
    /// Number of whole rows that are bad, at most half of the detector's.
    pub rows: usize,
    /// Number of whole columns that are bad, at most half of the detector's.
    pub columns: usize,
    /// Fraction of the signal that bad pixels still report, 0 to 1; 0 (dead pixels) needs `noise` or `repair:
    /// interpolate`.
    pub response: f64,
    /// Treatment of bad pixels: interpolate (default) or keep.
    pub repair: Repair,
}

/// Treatment of bad pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// Replace them by interpolation between good neighbours; the run warns.
    #[default]
    Interpolate,
    /// Keep them as measured.
    Keep,
}

impl Default for BadPixelsConfig {
    fn default() -> Self {
        Self { fraction: 0.001, rows: 0, columns: 0, response: 0.5, repair: Repair::Interpolate }
    }
}

impl BadPixelsConfig {
    /// Checks the ranges of all values for a detector of `rows` x `columns` pixels.
    ///
    /// # Errors
    /// A fraction or a response out of range, or more than half of the rows or columns bad.
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

    /// Mask in C order `[row, column]`: true for bad pixels.
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

    /// Warning (`bad_pixels`) with the number of bad pixels and their treatment; empty if there are none.
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

/// Replaces the bad pixels of one view `[row, column]` by interpolation between their nearest good neighbours; a pixel
/// without good neighbours is left as it is.
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
