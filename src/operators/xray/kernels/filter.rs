//! Ramp filters for analytic reconstruction.
//!
//! The ramp is the transform of its band-limited samples h(0) = 1/(4 a²), h(n) = −1/(π n a)² for odd n, 0 for even n
//! (Kak and Slaney, Principles of Computerized Tomographic Imaging, eq. 61), not of |f| itself: sampling |f| would
//! remove the mean of every zero-padded row and so offset the reconstructed values. Rows are zero-padded to at least
//! twice their length.

use crate::data::{Geometry, Source, cross, dot, normalized, sub};
use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::sync::Arc;

/// Window of the ramp filter, as a function of x = frequency / (cutoff x Nyquist frequency).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// No window: sharpest and noisiest.
    #[default]
    RamLak,
    /// sin(πx/2) / (πx/2).
    SheppLogan,
    /// cos(πx/2).
    Cosine,
    /// 0.54 + 0.46 cos(πx).
    Hamming,
    /// (1 + cos(πx)) / 2: smoothest.
    Hann,
}

impl Filter {
    /// The window's factor at x = frequency / (cutoff x Nyquist frequency); 0 for x > 1.
    #[must_use]
    pub fn window(self, x: f64) -> f64 {
        match self {
            _ if x > 1.0 => 0.0,
            Self::RamLak => 1.0,
            Self::SheppLogan if x == 0.0 => 1.0,
            Self::SheppLogan => (PI * x / 2.0).sin() / (PI * x / 2.0),
            Self::Cosine => (PI * x / 2.0).cos(),
            Self::Hamming => 0.54 + 0.46 * (PI * x).cos(),
            Self::Hann => f64::midpoint(1.0, (PI * x).cos()),
        }
    }
}

/// Number of rows per task.
const TASK: usize = 16;

/// Convolves each row of `columns` samples `pitch` mm apart (at the axis of rotation) with the ramp filter, in place:
/// line integrals in, 1/mm out. `cutoff` is the highest frequency kept, as a fraction of the Nyquist frequency.
///
/// # Panics
/// If `rows` is not a whole number of rows.
pub fn ramp_rows(rows: &mut [f32], columns: usize, pitch: f64, filter: Filter, cutoff: f64) {
    convolve(rows, columns, |padded| response(padded, pitch, 0.0, filter, cutoff));
}

/// [`ramp_rows`] for columns `step` radians apart on a cylindrical detector about the source, `pitch` mm apart at the
/// axis: the ramp times (γ / sin γ)² (Kak and Slaney, eq. 95).
///
/// # Panics
/// As [`ramp_rows`].
pub fn ramp_rows_equiangular(rows: &mut [f32], columns: usize, pitch: f64, step: f64, filter: Filter, cutoff: f64) {
    convolve(rows, columns, |padded| response(padded, pitch, step, filter, cutoff));
}

fn convolve(rows: &mut [f32], columns: usize, response: impl Fn(usize) -> Vec<f32>) {
    if rows.is_empty() {
        return;
    }
    assert!(columns > 0 && rows.len().is_multiple_of(columns), "whole rows");
    let padded = fast_length(2 * columns);
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(padded), planner.plan_fft_inverse(padded));
    let response = response(padded);
    rows.par_chunks_mut(TASK * columns).for_each(|rows| {
        let (mut row, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
        let mut scratch = vec![Complex::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
        for values in rows.chunks_mut(columns) {
            row[..columns].copy_from_slice(values);
            row[columns..].fill(0.0);
            forward.process_with_scratch(&mut row, &mut spectrum, &mut scratch).expect("lengths come from the plan");
            for (value, &factor) in spectrum.iter_mut().zip(&response) {
                *value *= factor;
            }
            // The spectrum of a real signal is real at both ends; the filter's factors are real, so that it remains
            // real.
            inverse.process_with_scratch(&mut spectrum, &mut row, &mut scratch).expect("lengths come from the plan");
            values.copy_from_slice(&row[..columns]);
        }
    });
}

/// The smallest number 2^a 3^b ≥ `least` with a > 0, a length for which the FFT is fast.
fn fast_length(least: usize) -> usize {
    let powers_of_three = std::iter::successors(Some(1usize), |p| p.checked_mul(3)).take_while(|&p| p < 2 * least);
    powers_of_three.map(|p| p * least.div_ceil(p).next_power_of_two().max(2)).min().unwrap_or(least)
}

/// The filter's factor at each frequency of an FFT of `padded` samples, including the normalisation 1/padded of the FFT
/// pair. `step` is the angle between equiangular columns, radians; 0 on a flat detector.
fn response(padded: usize, pitch: f64, step: f64, filter: Filter, cutoff: f64) -> Vec<f32> {
    let mut kernel = vec![0.0f64; padded];
    kernel[0] = 1.0 / (4.0 * pitch * pitch);
    for n in (1..=padded / 2).step_by(2) {
        let angle = n as f64 * step;
        // No row spans half a circle, so that larger angles do not matter.
        let bend = if angle > 0.0 && angle < 3.0 { angle / angle.sin() } else { 1.0 };
        let value = -(bend / (PI * n as f64 * pitch)).powi(2);
        kernel[n] = value;
        kernel[padded - n] = value;
    }
    let transform: Arc<dyn RealToComplex<f64>> = RealFftPlanner::new().plan_fft_forward(padded);
    let mut spectrum = transform.make_output_vec();
    transform.process(&mut kernel, &mut spectrum).expect("lengths come from the plan");
    let nyquist = padded as f64 / 2.0;
    let factor = |(k, value): (usize, &Complex<f64>)| {
        value.re * pitch * filter.window(k as f64 / nyquist / cutoff) / padded as f64
    };
    spectrum.iter().enumerate().map(|entry| factor(entry) as f32).collect()
}

/// Multiplies each sample by the cosine of the angle between its ray and the detector's normal, the first step of FDK
/// (Feldkamp, Davis and Kress, J. Opt. Soc. Am. A 1 (1984) 612). Parallel beams are unchanged.
///
/// # Panics
/// If the length of `projections` `[view, row, column]` is not that of the geometry.
pub fn cosine_weights(geometry: &Geometry, projections: &mut [f32]) {
    assert_eq!(projections.len(), geometry.samples(), "one value per sample");
    let [_, rows, columns] = geometry.shape();
    projections.par_chunks_mut(columns).enumerate().for_each(|(line, values)| {
        let (view, row) = (line / rows, line % rows);
        let exposure = &geometry.views[view];
        if let Source::Point(source) = exposure.source {
            let normal = normalized(cross(exposure.u, exposure.v));
            for (column, value) in values.iter_mut().enumerate() {
                let ray = normalized(sub(geometry.pixel(view, row as f64, column as f64), source));
                *value *= dot(ray, normal).abs() as f32;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Filter; 5] = [Filter::RamLak, Filter::SheppLogan, Filter::Cosine, Filter::Hamming, Filter::Hann];

    #[test]
    fn lengths_are_fast_and_long_enough() {
        for least in [2, 3, 5, 17, 128, 200, 363, 726, 1000, 1025] {
            let length = fast_length(least);
            let mut rest = length;
            while rest.is_multiple_of(2) {
                rest /= 2;
            }
            while rest.is_multiple_of(3) {
                rest /= 3;
            }
            assert!(
                rest == 1 && length >= least && length.is_multiple_of(2) && length < 2 * least.max(2),
                "{least}: {length}"
            );
        }
    }

    #[test]
    fn the_response_to_a_wave_is_the_windowed_frequency() {
        // In the middle of a long row the ends, cut off by padding, are far away.
        let (columns, pitch) = (6000usize, 0.5);
        for filter in ALL {
            for cutoff in [1.0, 0.6] {
                for frequency in [0.05, 0.2, 0.41, 0.55, 0.9] {
                    let wave = |i: usize| (2.0 * PI * frequency * i as f64 * pitch).cos();
                    let mut row: Vec<f32> = (0..columns).map(|i| wave(i) as f32).collect();
                    ramp_rows(&mut row, columns, pitch, filter, cutoff);
                    let middle = columns / 2 - 500..columns / 2 + 500;
                    let gain = middle.clone().map(|i| f64::from(row[i]) * wave(i)).sum::<f64>()
                        / middle.map(|i| wave(i).powi(2)).sum::<f64>();
                    let expected = frequency * filter.window(frequency * 2.0 * pitch / cutoff);
                    assert!(
                        (gain - expected).abs() < 2e-3,
                        "{filter:?}, cutoff {cutoff}, {frequency}/mm: {gain} for {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_pulse_gives_the_band_limited_kernel() {
        let (columns, pitch) = (64usize, 2.0);
        let mut row = vec![0.0f32; columns];
        row[20] = 1.0;
        ramp_rows(&mut row, columns, pitch, Filter::RamLak, 1.0);
        for (i, &value) in row.iter().enumerate() {
            let n = i as f64 - 20.0;
            let expected = match i.abs_diff(20) {
                0 => 1.0 / (4.0 * pitch),
                d if d % 2 == 0 => 0.0,
                _ => -1.0 / (PI * PI * n * n * pitch),
            };
            assert!((f64::from(value) - expected).abs() < 1e-6, "{i}: {value} for {expected}");
        }
    }

    #[test]
    fn rows_do_not_mix() {
        let mut two = vec![0.0f32; 100];
        two[10] = 1.0;
        ramp_rows(&mut two, 50, 1.0, Filter::Hann, 0.8);
        assert!(two[..50].iter().any(|&v| v != 0.0) && two[50..].iter().all(|&v| v == 0.0));
    }
}
