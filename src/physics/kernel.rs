//! Smoothing of detector images by separable kernels whose weights sum to 1. Border pixels are repeated outwards, so
//! that a uniform image stays uniform.

use crate::data::{Geometry, norm};

/// A symmetric kernel: weight of the pixel itself, then of the pixels at distance 1, 2, ...
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BlurKernel(Vec<f64>);

impl BlurKernel {
    /// Discrete Gaussian of standard deviation `sd` (pixels) for sampled images: T(k) = e^−t I_k(t) with t = sd² and
    /// the modified Bessel functions I_k. Its variance is exactly sd², however narrow it is (T. Lindeberg, IEEE Trans.
    /// PAMI 12(3), 234, 1990).
    pub(super) fn gaussian(sd: f64) -> Self {
        let t = sd * sd;
        if t < 1e-12 {
            return Self(vec![1.0]);
        }
        let reach = (8.0 * sd).ceil() as usize + 8;
        // Downward recurrence I_{k−1} = I_{k+1} + (2k/t) I_k (Miller), rescaled against overflow; the sum over all k is
        // 1.
        let mut weights = vec![0.0; reach + 2];
        weights[reach] = f64::MIN_POSITIVE;
        for k in (1..=reach).rev() {
            weights[k - 1] = weights[k + 1] + 2.0 * k as f64 / t * weights[k];
            if weights[k - 1] > 1e200 {
                for w in &mut weights {
                    *w *= 1e-200;
                }
            }
        }
        let total = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
        for w in &mut weights {
            *w /= total;
        }
        let last = weights.iter().rposition(|&w| w > 1e-12).unwrap_or(0);
        weights.truncate(last + 1);
        Self(weights)
    }

    /// Kernel that moves a fraction of the signal to each of the two neighbours.
    pub(super) fn neighbours(fraction: f64) -> Self {
        Self(vec![1.0 - 2.0 * fraction, fraction])
    }

    /// Smooths rows of `columns` values in place.
    fn along_rows(&self, image: &mut [f64], columns: usize) {
        let mut line = vec![0.0; columns];
        for row in image.chunks_exact_mut(columns) {
            line.copy_from_slice(row);
            row.iter_mut().enumerate().for_each(|(at, value)| *value = self.at(&line, at));
        }
    }

    fn at(&self, line: &[f64], at: usize) -> f64 {
        let last = line.len() - 1;
        let pair = |(k, weight): (usize, &f64)| weight * (line[at.saturating_sub(k)] + line[(at + k).min(last)]);
        self.0[0] * line[at] + self.0.iter().enumerate().skip(1).map(pair).sum::<f64>()
    }
}

/// Kernels along the rows (u) and along the columns (v), applied one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Smoothing {
    pub(super) along_u: Vec<BlurKernel>,
    pub(super) along_v: Vec<BlurKernel>,
}

impl Smoothing {
    /// A Gaussian of standard deviation `sd_mm` (mm on the detector); a detector with a single row (column) is not
    /// smoothed along v (u).
    pub(super) fn gaussian(sd_mm: f64, geometry: &Geometry) -> Self {
        let view = &geometry.views[0];
        let of = |pitch: [f64; 3], pixels: usize| {
            if pixels > 1 { vec![BlurKernel::gaussian(sd_mm / norm(pitch))] } else { Vec::new() }
        };
        Self { along_u: of(view.u, geometry.detector.columns), along_v: of(view.v, geometry.detector.rows) }
    }

    /// Smooths an image `[row, column]` in place.
    pub(super) fn apply(&self, image: &mut [f64], columns: usize) {
        self.along_u.iter().for_each(|kernel| kernel.along_rows(image, columns));
        if self.along_v.is_empty() {
            return;
        }
        let rows = image.len() / columns;
        let mut turned: Vec<f64> = (0..image.len()).map(|i| image[i % rows * columns + i / rows]).collect();
        self.along_v.iter().for_each(|kernel| kernel.along_rows(&mut turned, rows));
        image.iter_mut().enumerate().for_each(|(i, value)| *value = turned[i % columns * rows + i / columns]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gaussian_has_its_variance_and_sums_to_one_however_narrow_or_wide() {
        for sd in [1e-9, 0.05, 0.3, 0.5, 1.0, 4.0, 60.0] {
            let BlurKernel(weights) = BlurKernel::gaussian(sd);
            let both =
                |f: fn(f64) -> f64| 2.0 * weights.iter().enumerate().skip(1).map(|(k, w)| f(k as f64) * w).sum::<f64>();
            assert!((weights[0] + both(|_| 1.0) - 1.0).abs() < 1e-9, "sd {sd}");
            assert!((both(|k| k * k) - sd * sd).abs() < 1e-6 * (1.0 + sd * sd), "sd {sd}: {}", both(|k| k * k));
        }
        let BlurKernel(weights) = BlurKernel::gaussian(8.0);
        let density = (-0.5 * (6.0f64 / 8.0).powi(2)).exp() / (8.0 * (2.0 * std::f64::consts::PI).sqrt());
        assert!((weights[6] / density - 1.0).abs() < 5e-3, "{} against {density}", weights[6]);
    }

    #[test]
    fn smoothing_keeps_flat_images_and_spreads_a_point_the_same_way_in_both_directions() {
        let smoothing =
            Smoothing { along_u: vec![BlurKernel::gaussian(1.0)], along_v: vec![BlurKernel::gaussian(1.0)] };
        let mut flat = vec![3.0; 5 * 7];
        smoothing.apply(&mut flat, 7);
        assert!(flat.iter().all(|v| (v - 3.0).abs() < 1e-9));
        let mut point = vec![0.0; 21 * 31];
        point[10 * 31 + 12] = 1.0;
        smoothing.apply(&mut point, 31);
        assert!((point[10 * 31 + 14] - point[12 * 31 + 12]).abs() < 1e-15 && point[10 * 31 + 14] > 0.0);
        assert!((point.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
