//! Positions of the samples along rays: equal steps through the object's box, with a random offset if a fit asks for
//! it, and only in occupied cells.

use super::composite::Batch;
use super::occupancy::Occupancy;
use crate::data::{Grid, Point, scale, sub};
use rayon::prelude::*;

/// A ray in world coordinates, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ray {
    /// Starting point, mm.
    pub from: Point,
    /// Unit vector.
    pub direction: Point,
    /// Position of the sample within a step, 0 to 1; ½ is the middle.
    pub jitter: f64,
}

/// Samples of many rays, in field coordinates (see [`crate::fields`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// Index of each ray's first sample, and the total number of samples: rays + 1 numbers.
    pub offsets: Vec<usize>,
    /// `[samples, 3]`, order (x, y, z).
    pub points: Vec<f32>,
    /// Distances from the starting points of the rays, `[samples]`, in units of the field coordinates.
    pub depths: Vec<f32>,
    /// Length of the ray that each sample stands for, `[samples]`, in the same unit.
    pub lengths: Vec<f32>,
    /// Number of the ray of each sample, `[samples]`.
    pub rays: Vec<i64>,
}

/// A sample of a ray.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) point: [f32; 3],
    pub(super) depth: f32,
    pub(super) length: f32,
}

impl Samples {
    /// The samples of many rays, from those of each.
    pub(super) fn of_rays(own: &[Vec<Sample>]) -> Self {
        let count = own.iter().map(Vec::len).sum();
        let mut all = Self {
            offsets: Vec::with_capacity(own.len() + 1),
            points: Vec::with_capacity(3 * count),
            depths: Vec::with_capacity(count),
            lengths: Vec::with_capacity(count),
            rays: Vec::with_capacity(count),
        };
        all.offsets.push(0);
        for (number, samples) in own.iter().enumerate() {
            for sample in samples {
                all.points.extend(sample.point);
                all.depths.push(sample.depth);
                all.lengths.push(sample.length);
                all.rays.push(number as i64);
            }
            all.offsets.push(all.depths.len());
        }
        all
    }

    /// What the sums along the rays need.
    #[must_use]
    pub fn batch(&self) -> Batch<'_> {
        Batch { offsets: &self.offsets, depths: &self.depths, lengths: &self.lengths }
    }

    /// Number of samples of all rays.
    #[must_use]
    pub fn count(&self) -> usize {
        self.depths.len()
    }
}

/// Sampling of rays through the box of a grid.
#[derive(Debug, Clone)]
pub struct Marcher<'a> {
    grid: &'a Grid,
    /// Unit of the field coordinates in mm: half the box's longest extent.
    unit: f64,
    /// Length of a step in field coordinates.
    step: f64,
}

impl<'a> Marcher<'a> {
    /// Divides the diagonal of the box into `across` steps.
    #[must_use]
    pub fn new(grid: &'a Grid, across: usize) -> Self {
        let unit = grid.half_extent();
        let diagonal = crate::data::norm(grid.extent()) / unit;
        Self { grid, unit, step: diagonal / across as f64 }
    }

    /// Length of a step in field coordinates.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.step
    }

    /// Unit of the field coordinates in mm.
    #[must_use]
    pub fn unit_mm(&self) -> f64 {
        self.unit
    }

    /// The samples of the rays. Each ray is sampled independently, so that the result does not depend on the number of
    /// threads.
    #[must_use]
    pub fn samples(&self, rays: &[Ray], matter: &Occupancy) -> Samples {
        let own: Vec<_> = rays.par_iter().map(|ray| self.along(ray, matter)).collect();
        Samples::of_rays(&own)
    }

    fn along(&self, ray: &Ray, matter: &Occupancy) -> Vec<Sample> {
        let Some([near, far]) = self.interval(ray) else { return Vec::new() };
        let count = ((far - near) / self.step - ray.jitter).ceil().max(0.0) as usize;
        (0..count)
            .map(|i| self.sample(ray, near + (i as f64 + ray.jitter) * self.step, self.step))
            .filter(|sample| matter.holds(sample.point))
            .collect()
    }

    /// Distances at which a ray enters and leaves the box, in field coordinates; `None` if it misses the box.
    pub(super) fn interval(&self, ray: &Ray) -> Option<[f64; 2]> {
        self.grid.crossing(ray.from, ray.direction).map(|ends| ends.map(|mm| mm / self.unit))
    }

    /// The sample at a distance along a ray, both in field coordinates.
    pub(super) fn sample(&self, ray: &Ray, depth: f64, length: f64) -> Sample {
        let start = scale(sub(ray.from, self.grid.center()), 1.0 / self.unit);
        let point = std::array::from_fn(|k| (start[k] + depth * ray.direction[k]) as f32);
        Sample { point, depth: depth as f32, length: length as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ray_is_looked_at_in_equal_steps_inside_the_box_only() {
        let grid = Grid::centered([10, 10, 10], [10.0; 3], [5.0, 0.0, 0.0]).unwrap();
        let march = Marcher::new(&grid, 100);
        let ray = |y: f64| Ray { from: [-300.0, y, 0.0], direction: [1.0, 0.0, 0.0], jitter: 0.5 };
        let samples = march.samples(&[ray(0.0), ray(60.0), ray(10.0)], &Occupancy::new(8));
        assert!((march.step() - 2.0 * 3f64.sqrt() / 100.0).abs() < 1e-12 && march.unit_mm() == 50.0);
        // 100 of the 173.2 mm of the diagonal, which has 100 steps.
        assert!(
            (57..=58).contains(&samples.offsets[1]) && samples.offsets[1] == samples.offsets[2],
            "{:?}",
            samples.offsets
        );
        assert!(samples.points.chunks(3).all(|p| p[0].abs() <= 1.0) && samples.points[1] == 0.0);
        assert!((f64::from(samples.depths[0]) - (255.0 / 50.0 + march.step() / 2.0)).abs() < 1e-5);
        assert_eq!(samples.rays[samples.offsets[2]], 2);
    }
}
