//! The sum along a ray and its hand-derived gradient. With wᵢ = Tᵢ (1 − exp(−σᵢ δᵢ)), and Tₑ the transmittance of the
//! whole ray, ∂C/∂cᵢ = wᵢ, ∂C/∂σᵢ = δᵢ (Tᵢ₊₁ cᵢ − Σ_{j>i} wⱼ cⱼ), ∂A/∂σᵢ = δᵢ Tₑ for the opacity A = 1 − Tₑ.
//!
//! A field returns four raw numbers at a point: the density is σ = exp(raw₀), with raw₀ limited to 15, and the colour
//! is the logistic function of the others. Sums are in f64 and each ray is computed by one thread, so that the bits do
//! not depend on how the rays are distributed over threads or chunks.

use rayon::prelude::*;

/// Upper limit of the raw density; larger values are clamped to it, and are opaque anyway.
pub const DENSEST: f64 = 15.0;

/// Colour, opacity and depth along a ray.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seen {
    /// Red, green and blue, multiplied by the opacity.
    pub color: [f64; 3],
    /// Opacity A, 0 to 1.
    pub opacity: f64,
    /// Mean distance from the camera, weighted by wᵢ, in the unit of the given distances; 0 for an empty ray.
    pub depth: f64,
}

/// Density, per unit of length, for a raw value.
#[must_use]
pub fn density(raw: f64) -> f64 {
    raw.min(DENSEST).exp()
}

/// Colour component, 0 to 1, for a raw value.
#[must_use]
pub fn color(raw: f64) -> f64 {
    1.0 / (1.0 + (-raw).exp())
}

/// Composites the samples of a ray: `raw` `[samples, 4]`, at the distances `depths` `[samples]`, each for a length of
/// `lengths` `[samples]`.
#[must_use]
pub fn forward<T: Copy + Into<f64>>(raw: &[T], depths: &[T], lengths: &[T]) -> Seen {
    let (mut seen, mut left) = (Seen::default(), 1.0f64);
    for ((point, &depth), &length) in raw.chunks_exact(4).zip(depths).zip(lengths) {
        let weight = left * (1.0 - (-density(point[0].into()) * length.into()).exp());
        (0..3).for_each(|k| seen.color[k] += weight * color(point[k + 1].into()));
        seen.depth += weight * depth.into();
        left -= weight;
    }
    seen.opacity = 1.0 - left;
    seen.depth = if seen.opacity > 1e-6 { seen.depth / seen.opacity } else { 0.0 };
    seen
}

/// Weight wᵢ of each sample of a ray, `[samples]`, and the transmittance Tᵢ₊₁ behind it.
fn weights<T: Copy + Into<f64>>(raw: &[T], lengths: &[T]) -> Vec<(f64, f64)> {
    let mut left = 1.0f64;
    let one = |(point, &length): (&[T], &T)| {
        let weight = left * (1.0 - (-density(point[0].into()) * length.into()).exp());
        left -= weight;
        (weight, left)
    };
    raw.chunks_exact(4).zip(lengths).map(one).collect()
}

/// Gradient of a function of the ray's colour and opacity with respect to the raw values, given its gradient `slope`
/// with respect to colour and opacity; calls `put` with the number of each sample and its four values. `lengths` are
/// those of [`forward`].
pub fn backward<T: Copy + Into<f64>>(
    raw: &[T],
    lengths: &[T],
    slope: ([f64; 3], f64),
    mut put: impl FnMut(usize, [f64; 4]),
) {
    let samples: Vec<[f64; 4]> = raw
        .chunks_exact(4)
        .map(|p| [density(p[0].into()), color(p[1].into()), color(p[2].into()), color(p[3].into())])
        .collect();
    let along = |sample: &[f64; 4]| (0..3).map(|k| slope.0[k] * sample[k + 1]).sum::<f64>();
    let weights = weights(raw, lengths);
    let end = weights.last().map_or(1.0, |&(_, left)| left);
    let mut behind = 0.0;
    for (i, (sample, (weight, after))) in samples.iter().zip(&weights).enumerate().rev() {
        let own = along(sample);
        let dense = lengths[i].into() * (after * own - behind + slope.1 * end);
        behind += weight * own;
        let inner: [f64; 3] = std::array::from_fn(|k| slope.0[k] * weight * sample[k + 1] * (1.0 - sample[k + 1]));
        let chain = if raw[4 * i].into() < DENSEST { sample[0] } else { 0.0 };
        put(i, [dense * chain, inner[0], inner[1], inner[2]]);
    }
}

/// Samples of many rays, stored ray by ray.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Index of each ray's first sample, and the total number of samples: rays + 1 numbers.
    pub offsets: &'a [usize],
    /// Distances from the cameras, `[samples]`, in the unit of the lengths.
    pub depths: &'a [f32],
    /// Length of the ray that each sample stands for, `[samples]`.
    pub lengths: &'a [f32],
}

impl Batch<'_> {
    fn samples(&self, ray: usize) -> std::ops::Range<usize> {
        self.offsets[ray]..self.offsets[ray + 1]
    }

    /// Colour, opacity and depth of each ray, for raw values `[samples, 4]`.
    #[must_use]
    pub fn forward(&self, raw: &[f32]) -> Vec<Seen> {
        let one = |ray: usize| {
            let samples = self.samples(ray);
            forward(&raw[4 * samples.start..4 * samples.end], &self.depths[samples.clone()], &self.lengths[samples])
        };
        (0..self.offsets.len().saturating_sub(1)).into_par_iter().map(one).collect()
    }

    /// Weight wᵢ of each sample in the colour of its ray, `[samples]`, for raw values `[samples, 4]`.
    #[must_use]
    pub fn weights(&self, raw: &[f32]) -> Vec<f32> {
        let one = |ray: usize| {
            let samples = self.samples(ray);
            let found = weights(&raw[4 * samples.start..4 * samples.end], &self.lengths[samples]);
            found.into_iter().map(|(weight, _)| weight as f32).collect::<Vec<_>>()
        };
        (0..self.offsets.len().saturating_sub(1)).into_par_iter().flat_map_iter(one).collect()
    }

    /// Gradient `[samples, 4]` of a function of the rays' colours and opacities with respect to the raw values, given
    /// its gradient with respect to each ray's colour and opacity.
    #[must_use]
    pub fn backward(&self, raw: &[f32], slopes: &[([f64; 3], f64)]) -> Vec<f32> {
        let mut out = vec![0f32; raw.len()];
        let mut rest = out.as_mut_slice();
        let mut parts = Vec::with_capacity(slopes.len());
        for (ray, slope) in slopes.iter().enumerate() {
            let samples = self.samples(ray);
            let (part, below) = rest.split_at_mut(4 * samples.len());
            parts.push((&raw[4 * samples.start..4 * samples.end], &self.lengths[samples], slope, part));
            rest = below;
        }
        parts.into_par_iter().for_each(|(raw, lengths, slope, part)| {
            backward(raw, lengths, *slope, |i, values| {
                (0..4).for_each(|k| part[4 * i + k] = values[k] as f32);
            });
        });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The raw value of a colour.
    fn logit(value: f64) -> f64 {
        (value / (1.0 - value)).ln()
    }

    /// Samples of a function of the distance, at the middles of equal steps.
    fn sampled(count: usize, length: f64, at: impl Fn(f64) -> [f64; 4]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let step = length / count as f64;
        let depths: Vec<f64> = (0..count).map(|i| (i as f64 + 0.5) * step).collect();
        let raw = depths.iter().flat_map(|&t| {
            let [sigma, r, g, b] = at(t);
            [sigma.max(1e-30).ln(), logit(r), logit(g), logit(b)]
        });
        (raw.collect(), depths, vec![step; count])
    }

    #[test]
    fn a_homogeneous_sphere_absorbs_by_its_chord_wherever_the_ray_passes() {
        let (radius, sigma) = (0.8f64, 1.7);
        for offset in [0.0, 0.3, 0.6, 0.79] {
            let half = (radius * radius - offset * offset).sqrt();
            let at = |t: f64| if (t - 1.0).abs() < half { [sigma, 0.7, 0.2, 0.4] } else { [0.0, 0.5, 0.5, 0.5] };
            let (raw, depths, lengths) = sampled(40_000, 2.0, at);
            let seen = forward(&raw, &depths, &lengths);
            let exact = 1.0 - (-sigma * 2.0 * half).exp();
            assert!((seen.opacity - exact).abs() < 1e-4, "{offset}: {} against {exact}", seen.opacity);
            assert!((seen.color[0] - 0.7 * exact).abs() < 1e-4 && (seen.color[1] - 0.2 * exact).abs() < 1e-4);
        }
    }

    #[test]
    fn two_overlapping_boxes_are_seen_one_through_the_other() {
        // Red from 0.4 to 1.2, blue from 0.9 to 1.6; where they overlap, the densities add and the colours are weighted
        // by them.
        let (a, b) = (1.3, 2.1);
        let red = [0.9, 0.1, 0.2];
        let blue = [0.1, 0.3, 0.8];
        let mixed: [f64; 3] = std::array::from_fn(|k| (a * red[k] + b * blue[k]) / (a + b));
        let at = |t: f64| {
            let (first, second) = ((0.4..1.2).contains(&t), (0.9..1.6).contains(&t));
            let (sigma, c) = match (first, second) {
                (true, true) => (a + b, mixed),
                (true, false) => (a, red),
                (false, true) => (b, blue),
                _ => (0.0, [0.5; 3]),
            };
            [sigma, c[0], c[1], c[2]]
        };
        let (raw, depths, lengths) = sampled(40_000, 2.0, at);
        let seen = forward(&raw, &depths, &lengths);
        let parts = [(0.5f64, a, red), (0.3, a + b, mixed), (0.4, b, blue)];
        let (mut left, mut exact) = (1.0, [0.0; 3]);
        for (length, sigma, color) in parts {
            let opacity = 1.0 - (-sigma * length).exp();
            (0..3).for_each(|k| exact[k] += left * opacity * color[k]);
            left *= 1.0 - opacity;
        }
        assert!((0..3).all(|k| (seen.color[k] - exact[k]).abs() < 1e-4), "{:?} against {exact:?}", seen.color);
        assert!((seen.opacity - (1.0 - left)).abs() < 1e-4);
    }

    /// Deterministic test values between −1.5 and 1.5.
    fn wave(i: usize) -> f64 {
        1.5 * (i as f64 * 1.7).sin()
    }

    #[test]
    fn the_gradient_is_the_finite_difference() {
        let raw: Vec<f64> = (0..40).map(wave).collect();
        let depths: Vec<f64> = (0..10).map(f64::from).collect();
        let lengths: Vec<f64> = (0..10).map(|i| 0.1 + 0.03 * f64::from(i)).collect();
        let slope = ([0.3, -1.1, 0.7], 0.9);
        let value = |raw: &[f64]| {
            let seen = forward(raw, &depths, &lengths);
            (0..3).map(|k| slope.0[k] * seen.color[k]).sum::<f64>() + slope.1 * seen.opacity
        };
        let mut found = vec![0.0; 40];
        backward(&raw, &lengths, slope, |i, values| found[4 * i..4 * i + 4].copy_from_slice(&values));
        for i in 0..40 {
            let moved = |by: f64| {
                let mut raw = raw.clone();
                raw[i] += by;
                value(&raw)
            };
            let exact = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((found[i] - exact).abs() < 1e-9, "{i}: {} against {exact}", found[i]);
        }
    }

    #[test]
    fn neither_threads_nor_chunks_change_a_bit() {
        let offsets: Vec<usize> = (0..=50).map(|ray| ray * (ray + 1) / 2).collect();
        let count = offsets[50];
        let raw: Vec<f32> = (0..4 * count).map(|i| wave(i) as f32).collect();
        let depths: Vec<f32> = (0..count).map(|i| i as f32).collect();
        let slopes: Vec<_> = (0..50).map(|ray| ([wave(ray), wave(ray + 7), wave(ray + 3)], wave(ray + 1))).collect();
        let lengths: Vec<f32> = (0..count).map(|i| 0.05 + 0.1 * (i % 3) as f32).collect();
        let whole = Batch { offsets: &offsets, depths: &depths, lengths: &lengths };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| (whole.forward(&raw), whole.backward(&raw, &slopes)))
        };
        let (seen, found) = on(1);
        assert_eq!((seen.clone(), found.clone()), on(3));
        let (cut, first) = (20, offsets[20]);
        let moved: Vec<usize> = offsets[cut..].iter().map(|offset| offset - first).collect();
        let part = Batch { offsets: &moved, depths: &depths[first..], lengths: &lengths[first..] };
        assert_eq!(part.forward(&raw[4 * first..]), seen[cut..]);
        assert_eq!(part.backward(&raw[4 * first..], &slopes[cut..]), found[4 * first..]);
    }
}
