//! Further samples of a ray where a first network finds matter: the hierarchical sampling of Mildenhall et al., ECCV
//! 2020, §5.2.
//!
//! The weights wᵢ of the first samples, each constant over the step that its sample stands for, form a density along
//! the ray. The depths of the further samples are the values of its inverse cumulative function at evenly spaced
//! places. First and further samples are then rendered together: each stands for the part of its step that is closer to
//! it than to the samples beside it, so that the lengths of a ray add up to those of its first samples.

use super::samples::{Marcher, Ray, Sample, Samples};
use rayon::prelude::*;

/// Added to each weight, so that every step keeps a chance of a further sample (the 1e-5 of the authors' program).
const FLOOR: f64 = 1e-5;

/// The depth of a sample, in field coordinates, and the number of the step in which it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SampleDepth {
    depth: f64,
    step: usize,
}

impl Marcher<'_> {
    /// The samples of `first` ([`Marcher::samples`] of these rays) and `count` more on each ray that has any, drawn by
    /// the weights `[samples]` of the first ones. The number of threads does not change the result.
    #[must_use]
    pub fn finer(&self, rays: &[Ray], first: &Samples, weights: &[f32], count: usize) -> Samples {
        let one = |number: usize| {
            let own = first.offsets[number]..first.offsets[number + 1];
            self.further(&rays[number], &first.depths[own.clone()], &weights[own], count)
        };
        let own: Vec<_> = (0..rays.len()).into_par_iter().map(one).collect();
        Samples::of_rays(&own)
    }

    fn further(&self, ray: &Ray, depths: &[f32], weights: &[f32], count: usize) -> Vec<Sample> {
        let Some([near, far]) = self.interval(ray).filter(|_| !depths.is_empty()) else { return Vec::new() };
        let step = self.step();
        let number = |depth: f32| ((f64::from(depth) - near) / step - ray.jitter).round().max(0.0) as usize;
        let ends = |number: usize| [near + number as f64 * step, (near + (number + 1) as f64 * step).min(far)];
        let steps: Vec<usize> = depths.iter().map(|&depth| number(depth)).collect();
        let mut samples = drawn(&steps, weights, count, ray.jitter, ends);
        samples.extend(depths.iter().zip(&steps).map(|(&depth, &step)| SampleDepth { depth: depth.into(), step }));
        samples.sort_by(|a, b| a.depth.total_cmp(&b.depth));
        let length = |k: usize| {
            let [low, high] = ends(samples[k].step);
            let beside = |other: usize| samples[other].step.abs_diff(samples[k].step) <= 1;
            let middle = |other: usize| f64::midpoint(samples[other].depth, samples[k].depth);
            let from = if k > 0 && beside(k - 1) { middle(k - 1) } else { low };
            let to = if k + 1 < samples.len() && beside(k + 1) { middle(k + 1) } else { high };
            (to - from).max(0.0)
        };
        (0..samples.len()).map(|k| self.sample(ray, samples[k].depth, length(k))).collect()
    }
}

/// `count` places at which the cumulative sum of the weights, constant within each of the `steps`, passes evenly spaced
/// values; `jitter` moves them all within their spacing.
fn drawn(
    steps: &[usize],
    weights: &[f32],
    count: usize,
    jitter: f64,
    ends: impl Fn(usize) -> [f64; 2],
) -> Vec<SampleDepth> {
    let chances: Vec<f64> = weights.iter().map(|&weight| f64::from(weight).max(0.0) + FLOOR).collect();
    let total: f64 = chances.iter().sum();
    let (mut at, mut below) = (0, 0.0);
    let one = |number: usize| {
        let wanted = (number as f64 + jitter) / count as f64 * total;
        while at + 1 < chances.len() && below + chances[at] <= wanted {
            below += chances[at];
            at += 1;
        }
        let [low, high] = ends(steps[at]);
        let part = ((wanted - below) / chances[at]).clamp(0.0, 1.0);
        SampleDepth { depth: low + part * (high - low), step: steps[at] }
    };
    (0..count).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::composite::Batch;
    use super::super::occupancy::Occupancy;
    use super::*;
    use crate::data::Grid;

    fn grid() -> Grid {
        Grid::centered([10, 10, 10], [10.0; 3], [0.0; 3]).unwrap()
    }

    fn ray(jitter: f64) -> Ray {
        Ray { from: [-300.0, 3.0, 7.0], direction: [1.0, 0.0, 0.0], jitter }
    }

    /// Raw values of a smooth blob of matter around x = 0.3, 0.03 wide, whose colour changes along x.
    fn raw(samples: &Samples) -> Vec<f32> {
        let blob = |p: &[f32]| {
            let x = f64::from(p[0]);
            let sigma = 60.0 * (-((x - 0.3) / 0.03).powi(2) / 2.0).exp();
            [sigma.max(1e-30).ln(), 4.0 * (x - 0.3), 1.0, -20.0 * (x - 0.3)].map(|value| value as f32)
        };
        samples.points.chunks(3).flat_map(blob).collect()
    }

    #[test]
    fn lengths_add_up_and_most_samples_lie_where_the_matter_is() {
        let (grid, rays) = (grid(), [ray(0.5), ray(0.2)]);
        let march = Marcher::new(&grid, 40);
        let first = march.samples(&rays, &Occupancy::new(4));
        let weights = first.batch().weights(&raw(&first));
        let finer = march.finer(&rays, &first, &weights, 30);
        for (number, ray) in rays.iter().enumerate() {
            let own = finer.offsets[number]..finer.offsets[number + 1];
            assert_eq!(own.len(), first.offsets[number + 1] - first.offsets[number] + 30);
            let [near, far] = march.interval(ray).unwrap();
            let steps = (first.offsets[number + 1] - first.offsets[number]) as f64;
            let whole = (steps * march.step()).min(far - near);
            let length: f32 = finer.lengths[own.clone()].iter().sum();
            assert!((f64::from(length) - whole).abs() < 1e-5, "{length} of {whole}");
            assert!(finer.depths[own.clone()].is_sorted());
            let close = finer.points[3 * own.start..3 * own.end].chunks(3).filter(|p| (p[0] - 0.3).abs() < 0.15);
            assert!(close.count() >= 30);
        }
    }

    #[test]
    fn steps_left_out_between_two_others_stay_left_out() {
        let (grid, rays) = (grid(), [ray(0.5)]);
        let march = Marcher::new(&grid, 40);
        let all = march.samples(&rays, &Occupancy::new(4));
        // Only the samples with x < −0.5 or x > 0.5 remain, as if an occupancy grid left the others out.
        let keep: Vec<usize> = (0..all.count()).filter(|&i| all.points[3 * i].abs() > 0.5).collect();
        let some = Samples {
            offsets: vec![0, keep.len()],
            points: keep.iter().flat_map(|&i| all.points[3 * i..3 * i + 3].to_vec()).collect(),
            depths: keep.iter().map(|&i| all.depths[i]).collect(),
            lengths: keep.iter().map(|&i| all.lengths[i]).collect(),
            rays: vec![0; keep.len()],
        };
        let finer = march.finer(&rays, &some, &vec![0.1; keep.len()], 25);
        let reach = 0.5 - march.step() as f32;
        assert!(finer.points.chunks(3).all(|p| p[0].abs() > reach));
        let [length, before]: [f32; 2] = [&finer, &some].map(|samples| samples.lengths.iter().sum());
        assert!((length - before).abs() < march.step() as f32, "{length} of {before}");
    }

    #[test]
    fn a_first_and_a_further_pass_agree_with_a_dense_quadrature() {
        let (grid, rays) = (grid(), [ray(0.5)]);
        let seen = |samples: &Samples| {
            let Batch { offsets, depths, lengths } = samples.batch();
            Batch { offsets, depths, lengths }.forward(&raw(samples))[0]
        };
        let dense = seen(&Marcher::new(&grid, 40_000).samples(&rays, &Occupancy::new(4)));
        let march = Marcher::new(&grid, 40);
        let first = march.samples(&rays, &Occupancy::new(4));
        let weights = first.batch().weights(&raw(&first));
        let error = |found: super::super::Seen| {
            (0..3)
                .map(|k| (found.color[k] - dense.color[k]).abs())
                .fold((found.opacity - dense.opacity).abs(), f64::max)
        };
        let (coarse, fine) = (error(seen(&first)), error(seen(&march.finer(&rays, &first, &weights, 60))));
        assert!(fine < 4e-3 && fine < coarse / 4.0, "{fine} in place of {coarse}");
    }

    #[test]
    fn a_ray_that_misses_the_box_gets_no_samples() {
        let (grid, missing) = (grid(), Ray { from: [-300.0, 400.0, 0.0], direction: [1.0, 0.0, 0.0], jitter: 0.5 });
        let march = Marcher::new(&grid, 40);
        let rays = [missing, ray(0.5)];
        let first = march.samples(&rays, &Occupancy::new(4));
        let finer = march.finer(&rays, &first, &vec![0.0; first.count()], 8);
        assert_eq!((finer.offsets[1], finer.count()), (0, first.count() + 8));
    }
}
