//! Fourier shell correlation (Fourier ring correlation in 2-D) of two volumes that were reconstructed from independent
//! halves of the data, and the resolution that follows from it.
//!
//! FSC(f) = Re Σ A(k) B*(k) / √(Σ|A(k)|² Σ|B(k)|²) over the frequencies k of a shell |k| ≈ f (Saxton and Baumeister, J.
//! Microsc. 127 (1982) 127). The resolution is 1/f at the frequency f where the FSC falls below the half-bit curve
//! (0.2071 + 1.9102/√n) / (1.2071 + 0.9102/√n), with n the number of independent frequencies in the shell (van Heel and
//! Schatz, J. Struct. Biol. 151 (2005) 250). Artefacts that both halves share (ring artefacts, a misplaced rotation
//! axis, a prior that smooths both) correlate as well, so the true resolution may be worse than this value.

use crate::data::Volume;
use crate::error::{Error, Result};
use ndarray::{Array3, Axis, Zip};
use rustfft::FftPlanner;
use rustfft::num_complex::{Complex32, Complex64};

/// Fraction of each axis, at both ends, over which the volume is tapered to zero, so that the edges of the grid do not
/// correlate.
const TAPER: f64 = 0.1;
/// Fewest voxels along an axis that is Fourier-transformed; shorter axes are left as they are.
const FEWEST: usize = 8;

/// The Fourier shell correlation, from the lowest frequency above zero to the highest that all transformed axes have.
#[derive(Debug, Clone, PartialEq)]
pub struct ShellCorrelation {
    /// For each shell: frequency (1/mm), correlation (−1 to 1), value of the half-bit curve.
    pub shells: Vec<[f64; 3]>,
    /// Resolution 1/f in mm, with f the frequency where the correlation falls below the half-bit curve and is still
    /// below it at the next shell; if that never happens, 1/f of the highest shell.
    pub resolution_mm: f64,
}

/// Computes the Fourier shell correlation of two volumes `[z, y, x]` on the same grid.
///
/// # Errors
/// Grids that differ or are too small, a constant volume, too little memory.
pub fn correlate(a: &Volume, b: &Volume) -> Result<ShellCorrelation> {
    if a.grid != b.grid {
        return Err(Error::input("volumes", "expected two volumes on one grid"));
    }
    let extent = |k: usize| a.grid.spacing[k] * a.grid.shape[k] as f64;
    let axes = transformed_axes(a.grid.shape);
    let width = axes.iter().map(|&k| 1.0 / extent(k)).fold(0.0, f64::max);
    let highest = axes.iter().map(|&k| 0.5 / a.grid.spacing[k]).fold(f64::INFINITY, f64::min);
    let count = if axes.is_empty() { 0 } else { (highest / width).floor() as usize + 1 };
    if count < 4 {
        return Err(Error::input("volumes", format!("a grid of {:?} voxels has too few frequencies", a.grid.shape)));
    }
    let sums = shells(&transformed(a, b, &axes)?, &axes, a.grid.spacing, width, count);
    let curve: Vec<[f64; 3]> = sums.iter().enumerate().skip(1).map(|(i, sum)| sum.row(i as f64 * width)).collect();
    if curve.iter().any(|[_, correlation, _]| !correlation.is_finite()) {
        return Err(Error::input("volumes", "the correlation of a constant volume is undefined"));
    }
    Ok(ShellCorrelation { resolution_mm: resolution(&curve), shells: curve })
}

/// The axes to Fourier-transform; a volume of fewer than [`FEWEST`] slices is treated as a stack of 2-D images.
fn transformed_axes(shape: [usize; 3]) -> Vec<usize> {
    (0..3).filter(|&k| shape[k] >= FEWEST).collect()
}

/// The resolution (mm) of a curve, see [`ShellCorrelation::resolution_mm`]; the crossing is interpolated linearly
/// between shells.
fn resolution(curve: &[[f64; 3]]) -> f64 {
    let above = |[_, correlation, half_bit]: &[f64; 3]| correlation - half_bit;
    let pairs = curve.iter().enumerate();
    let falls = |i: usize| above(&curve[i]) < 0.0 && curve.get(i + 1).is_none_or(|next| above(next) < 0.0);
    let Some(at) = pairs.map(|(i, _)| i).find(|&i| falls(i)) else { return 1.0 / curve[curve.len() - 1][0] };
    let [high, below] = [curve[at][0], above(&curve[at])];
    let Some(before) = at.checked_sub(1).map(|i| &curve[i]) else { return 1.0 / high };
    let part = above(before) / (above(before) - below);
    1.0 / (before[0] + part.clamp(0.0, 1.0) * (high - before[0]))
}

/// Sums over the frequencies of a shell.
#[derive(Clone, Copy, Default)]
struct Shell {
    cross: f64,
    first: f64,
    second: f64,
    count: f64,
}

impl Shell {
    fn row(&self, frequency: f64) -> [f64; 3] {
        // The volumes are real, so each frequency and its negative are not independent: n is half the count.
        let root = (self.count / 2.0).max(1.0).sqrt();
        let half_bit = (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root);
        [frequency, self.cross / (self.first * self.second).sqrt(), half_bit]
    }
}

/// The Fourier transform of a + i b, after subtracting the means and tapering: one complex transform for two real
/// volumes.
fn transformed(a: &Volume, b: &Volume, axes: &[usize]) -> Result<Array3<Complex32>> {
    let mean =
        |volume: &Volume| volume.as_slice().iter().map(|&v| f64::from(v)).sum::<f64>() / volume.grid.voxels() as f64;
    let means = [mean(a), mean(b)].map(|mean| mean as f32);
    let windows: [Vec<f32>; 3] = std::array::from_fn(|k| window(a.grid.shape[k], axes.contains(&k)));
    let mut values = Vec::new();
    let memory = |_| Error::resource("memory", "not enough for the Fourier transform of the volumes");
    values.try_reserve_exact(a.grid.voxels()).map_err(memory)?;
    let [_, ny, nx] = a.grid.shape;
    values.extend(a.as_slice().iter().zip(b.as_slice()).enumerate().map(|(i, (&a, &b))| {
        let weight = windows[0][i / (ny * nx)] * windows[1][i / nx % ny] * windows[2][i % nx];
        Complex32::new((a - means[0]) * weight, (b - means[1]) * weight)
    }));
    let mut values = Array3::from_shape_vec(a.grid.shape, values).map_err(|error| Error::input("volumes", error))?;
    for &axis in axes {
        let plan = FftPlanner::new().plan_fft_forward(a.grid.shape[axis]);
        Zip::from(values.lanes_mut(Axis(axis))).par_for_each(|mut lane| {
            let mut line: Vec<Complex32> = lane.iter().copied().collect();
            plan.process(&mut line);
            lane.iter_mut().zip(line).for_each(|(to, from)| *to = from);
        });
    }
    Ok(values)
}

/// Tukey window: 1 in the middle, tapered to 0 by a cosine at both ends; 1 everywhere along an axis that is not
/// transformed.
fn window(length: usize, transformed: bool) -> Vec<f32> {
    if !transformed {
        return vec![1.0; length];
    }
    let fade = |i: usize| {
        let edge = (i.min(length - 1 - i) as f64 + 0.5) / length as f64;
        if edge >= TAPER { 1.0 } else { 0.5 - 0.5 * (std::f64::consts::PI * edge / TAPER).cos() }
    };
    (0..length).map(|i| fade(i) as f32).collect()
}

fn shells(transform: &Array3<Complex32>, axes: &[usize], spacing: [f64; 3], width: f64, count: usize) -> Vec<Shell> {
    let shape: [usize; 3] = transform.dim().into();
    let mut sums = vec![Shell::default(); count];
    let frequency = |k: usize, i: usize| {
        let signed = if 2 * i > shape[k] { i as f64 - shape[k] as f64 } else { i as f64 };
        if axes.contains(&k) { signed / (shape[k] as f64 * spacing[k]) } else { 0.0 }
    };
    let squares: [Vec<f64>; 3] =
        std::array::from_fn(|k| (0..shape[k]).map(|i| frequency(k, i).powi(2)).collect::<Vec<f64>>());
    for ((z, y, x), &value) in transform.indexed_iter() {
        let shell = ((squares[0][z] + squares[1][y] + squares[2][x]).sqrt() / width).round() as usize;
        let Some(sum) = sums.get_mut(shell) else { continue };
        let mirrored = |k: usize, i: usize| if axes.contains(&k) { (shape[k] - i) % shape[k] } else { i };
        let opposite = transform[[mirrored(0, z), mirrored(1, y), mirrored(2, x)]];
        let wide = |c: Complex32| Complex64::new(f64::from(c.re), f64::from(c.im));
        let (here, there) = (wide(value), wide(opposite).conj());
        let (first, second) = ((here + there) / 2.0, (here - there) / Complex64::new(0.0, 2.0));
        sum.cross += (first * second.conj()).re;
        sum.first += first.norm_sqr();
        sum.second += second.norm_sqr();
        sum.count += 1.0;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Grid, Quantity};
    use crate::random::stream;
    use rand::RngExt;

    /// Blobs that both volumes share, blurred by `blur` voxels, and noise of their own.
    fn volumes(shape: [usize; 3], blur: f64, noise: f64) -> [Volume; 2] {
        let grid = Grid::centered(shape, [0.5; 3], [0.0; 3]).unwrap();
        let mut random = stream(1, "blobs", 0);
        let blobs: Vec<[f64; 3]> = (0..60).map(|_| std::array::from_fn(|_| random.random_range(0.2..0.8))).collect();
        let shared = |i: usize| {
            let [_, ny, nx] = shape;
            let at = [i / (ny * nx), i / nx % ny, i % nx];
            let one = |blob: &[f64; 3]| {
                let square: f64 =
                    (0..3).filter(|&k| shape[k] > 1).map(|k| (at[k] as f64 - blob[k] * shape[k] as f64).powi(2)).sum();
                (-square / (2.0 * blur * blur)).exp()
            };
            blobs.iter().map(one).sum::<f64>()
        };
        [0, 1].map(|half| {
            let mut random = stream(2, "noise", half);
            let values =
                (0..grid.voxels()).map(|i| (shared(i) + noise * random.random_range(-1.0..1.0)) as f32).collect();
            Volume::from_vec(grid.clone(), Quantity::Attenuation, values).unwrap()
        })
    }

    #[test]
    fn equal_volumes_correlate_up_to_the_lattice_and_independent_noise_nowhere() {
        let [a, _] = volumes([1, 64, 64], 1.0, 0.3);
        let same = correlate(&a, &a).unwrap();
        assert!(same.shells.iter().all(|[_, correlation, _]| (correlation - 1.0).abs() < 1e-6));
        assert!((same.resolution_mm - 1.0).abs() < 0.05, "two voxels of 0.5 mm: {}", same.resolution_mm);
        let [a, b] = volumes([1, 64, 64], 1.0, 1e6);
        let none = correlate(&a, &b).unwrap();
        let mean = none.shells.iter().map(|[_, correlation, _]| correlation.abs()).sum::<f64>();
        assert!(mean / (none.shells.len() as f64) < 0.25 && none.resolution_mm > 10.0, "{none:?}");
    }

    #[test]
    fn the_resolution_follows_the_blur_in_two_and_three_dimensions() {
        for shape in [[1, 96, 96], [3, 64, 64], [32, 32, 32]] {
            let at = |blur: f64| {
                let [a, b] = volumes(shape, blur, 0.2);
                correlate(&a, &b).unwrap().resolution_mm
            };
            let (sharp, soft) = (at(1.0), at(2.5));
            assert!(soft > 1.25 * sharp && sharp < 4.0, "{shape:?}: {sharp} mm, {soft} mm");
        }
    }

    #[test]
    fn what_cannot_be_correlated_is_refused() {
        let [a, _] = volumes([1, 64, 64], 1.0, 0.3);
        let [b, _] = volumes([1, 32, 32], 1.0, 0.3);
        assert!(correlate(&a, &b).is_err());
        let flat = Volume::from_vec(a.grid.clone(), a.quantity, vec![1.0; a.grid.voxels()]).unwrap();
        assert!(correlate(&flat, &flat).is_err());
        let [tiny, _] = volumes([1, 3, 3], 1.0, 0.3);
        assert!(correlate(&tiny, &tiny).is_err());
    }
}
