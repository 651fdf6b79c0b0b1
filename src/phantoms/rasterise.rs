//! Rasterisation of a phantom to anti-aliased voxels.
//!
//! Each row of voxels is sampled along n x n parallel lines (in 2-D n² lines side by side). On each line a shape covers
//! one interval (or several pieces of it, where shapes replace each other), whose overlap with every voxel is computed
//! exactly. Most work is thus done at surfaces: voxels that are entirely inside cost one addition.

use super::Phantom;
use super::body::Body;
use super::solids::{Scratch, Solids};
use crate::data::{Grid, Point, Quantity, Volume};
use rayon::prelude::*;
use std::ops::Range;

impl Phantom {
    /// The phantom on a grid, attenuation in 1/mm. Each voxel holds the mean over its box, exact along the row (x) and
    /// by `supersampling` midpoints along each of the other axes (in 2-D its square along y); 4 is sufficient. On a 2-D
    /// grid `[1, ny, nx]` the mean is over the voxel's square in the slice's mid-plane. `mu_water` (1/mm) must be
    /// finite.
    #[must_use]
    pub fn rasterise(&self, grid: &Grid, mu_water: f64, supersampling: usize) -> Volume {
        let scene = self.scene();
        let ranges: Vec<_> =
            scene.parts.iter().map(|part| index_ranges(grid, part.body.as_ref(), self.is_2d())).collect();
        let [_, ny, nx] = grid.shape;
        let mut voxels = vec![0.0; grid.voxels()];
        voxels.par_chunks_mut(ny * nx).enumerate().for_each(|(z, slice)| {
            let mut sum = vec![0.0; ny * nx];
            let mut row = Row::new(grid, supersampling.max(1));
            let touched: Vec<bool> = ranges.iter().map(|[zs, _]| zs.contains(&z)).collect();
            for (y, sum) in sum.chunks_exact_mut(nx).enumerate() {
                row.cover(&scene, z, y, |part| touched[part] && ranges[part][1].contains(&y));
                row.add_to(sum, &scene, mu_water);
            }
            slice.iter_mut().zip(&sum).for_each(|(voxel, &value)| *voxel = value as f32);
        });
        Volume::from_vec(grid.clone(), Quantity::Attenuation, voxels)
            .expect("the phantom was checked and mu_water is finite")
    }
}

/// Ranges of slices and rows of the grid that a body can touch; all of them if it is `endless` along z (2-D).
fn index_ranges(grid: &Grid, body: &dyn Body, endless: bool) -> [Range<usize>; 2] {
    let [low, high] = body.bounds();
    let corners =
        (0..8).map(|k| grid.index([0, 1, 2].map(|axis| if k >> axis & 1 == 0 { low[axis] } else { high[axis] })));
    let (first, last) = corners.fold(([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]), |(first, last), index| {
        (std::array::from_fn(|k| first[k].min(index[k])), std::array::from_fn(|k| last[k].max(index[k])))
    });
    [0, 1].map(|axis| {
        if endless {
            return 0..grid.shape[axis];
        }
        let from = (first[axis] - 0.5).floor().max(0.0) as usize;
        let to = (last[axis] + 1.5).ceil().max(0.0) as usize;
        from..to.min(grid.shape[axis]).max(from)
    })
}

/// Coverage of one row of voxels by each part, summed over the row's sample lines.
struct Row<'a> {
    grid: &'a Grid,
    /// Offsets of the sample lines from the row's centre, in voxels `[z, y]`.
    lines: Vec<[f64; 2]>,
    scratch: Scratch,
    /// Index and coverage of each part that occurs in the row; the buffers are reused from row to row.
    parts: Vec<(usize, Coverage)>,
    used: usize,
}

/// Coverage of a row of voxels by one part.
#[derive(Default)]
struct Coverage {
    /// Change from voxel to voxel of the number of lines that cover a voxel entirely. Integers cancel exactly, so air
    /// beside a shape is exactly 0.
    steps: Vec<i32>,
    /// Fractions of voxels covered by the ends of intervals, summed over the lines.
    ends: Vec<f64>,
}

impl<'a> Row<'a> {
    fn new(grid: &'a Grid, supersampling: usize) -> Self {
        let midpoints = |n: usize| (0..n).map(move |k| (k as f64 + 0.5) / n as f64 - 0.5);
        let lines = if grid.is_2d() {
            midpoints(supersampling * supersampling).map(|y| [0.0, y]).collect()
        } else {
            midpoints(supersampling).flat_map(|z| midpoints(supersampling).map(move |y| [z, y])).collect()
        };
        Self { grid, lines, scratch: Scratch::default(), parts: Vec::new(), used: 0 }
    }

    fn cover(&mut self, scene: &Solids, z: usize, y: usize, may: impl Fn(usize) -> bool) {
        self.used = 0;
        let nx = self.grid.shape[2];
        let direction: Point = self.grid.step(2);
        for k in 0..self.lines.len() {
            let [dz, dy] = self.lines[k];
            // The direction is one voxel step, so t counts voxels from the row's first face.
            let origin = self.grid.point([z as f64 + dz, y as f64 + dy, -0.5]);
            let (parts, used) = (&mut self.parts, &mut self.used);
            scene.pieces([origin, direction], 0.0, &may, &mut self.scratch, |part, first, last| {
                let coverage = Self::of(parts, used, part, nx);
                coverage.span(first.clamp(0.0, nx as f64), last.clamp(0.0, nx as f64));
            });
        }
    }

    /// The coverage buffer of a part, cleared when the part first occurs in the row.
    fn of<'b>(parts: &'b mut Vec<(usize, Coverage)>, used: &mut usize, part: usize, nx: usize) -> &'b mut Coverage {
        let place = parts[..*used].iter().position(|(index, _)| *index == part).unwrap_or_else(|| {
            if *used == parts.len() {
                parts.push((part, Coverage::default()));
            }
            let (index, coverage) = &mut parts[*used];
            *index = part;
            coverage.clear(nx);
            *used += 1;
            *used - 1
        });
        &mut parts[place].1
    }

    /// Adds the parts in the order of the file, so that the result does not depend on which line met them first.
    fn add_to(&mut self, row: &mut [f64], scene: &Solids, mu_water: f64) {
        self.parts[..self.used].sort_unstable_by_key(|(part, _)| *part);
        for (part, coverage) in &self.parts[..self.used] {
            let share = scene.parts[*part].density * mu_water / self.lines.len() as f64;
            let mut whole = 0;
            for ((voxel, step), end) in row.iter_mut().zip(&coverage.steps).zip(&coverage.ends) {
                whole += step;
                *voxel += share * (f64::from(whole) + end);
            }
        }
    }
}

impl Coverage {
    fn clear(&mut self, nx: usize) {
        self.steps.clear();
        self.steps.resize(nx + 1, 0);
        self.ends.clear();
        self.ends.resize(nx, 0.0);
    }

    /// Adds one interval, given in voxels from the row's first face.
    fn span(&mut self, from: f64, to: f64) {
        let (i, j) = (from as usize, to as usize);
        if i == j {
            if i < self.ends.len() {
                self.ends[i] += to - from;
            }
            return;
        }
        self.ends[i] += (i + 1) as f64 - from;
        if j < self.ends.len() {
            self.ends[j] += to - j as f64;
        }
        self.steps[i + 1] += 1;
        self.steps[j] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn shipped(name: &str) -> Phantom {
        Phantom::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("phantoms").join(name)).unwrap()
    }

    fn total(volume: &Volume) -> f64 {
        volume.as_slice().iter().map(|&v| f64::from(v)).sum()
    }

    #[test]
    fn the_mass_of_every_shipped_phantom_is_the_analytic_one() {
        for name in
            ["shepp-logan.yaml", "shepp-logan-original.yaml", "shepp-logan-2d.yaml", "shepp-logan-2d-original.yaml"]
        {
            let phantom = shipped(name);
            let grid = phantom.box_grid(if phantom.is_2d() { [1, 60, 50] } else { [40, 60, 50] }).unwrap();
            let cell = if phantom.is_2d() { grid.spacing[1] * grid.spacing[2] } else { grid.voxel_mm3() };
            let exact: f64 = phantom.bodies().iter().map(|(density, body)| density * body.content()).sum();
            let found = total(&phantom.rasterise(&grid, 1.0, 4)) * cell;
            assert!((found / exact - 1.0).abs() < 1e-3, "{name}: {found} against {exact}");
        }
    }

    #[test]
    fn every_voxel_is_the_mean_of_dense_point_samples() {
        let phantom = shipped("shepp-logan.yaml");
        let grid = phantom.box_grid([9, 11, 10]).unwrap();
        let volume = phantom.rasterise(&grid, 0.02, 16);
        let bodies = phantom.bodies();
        let n = 24;
        let at = |i: usize, k: usize| i as f64 + (k as f64 + 0.5) / f64::from(n) - 0.5;
        for (z, y, x) in [(4, 5, 5), (4, 1, 5), (1, 5, 4), (4, 3, 2), (0, 0, 0), (6, 9, 6)] {
            let mut sum = 0.0;
            for k in 0..(n * n * n) as usize {
                let n = n as usize;
                let point = grid.point([at(z, k / (n * n)), at(y, k / n % n), at(x, k % n)]);
                sum += bodies.iter().filter(|(_, body)| body.contains(point)).map(|(density, _)| density).sum::<f64>();
            }
            let expected = 0.02 * sum / f64::from(n * n * n);
            let found = f64::from(volume.voxels()[[z, y, x]]);
            assert!((found - expected).abs() < 2e-4, "voxel [{z}, {y}, {x}]: {found} against {expected}");
        }
    }

    #[test]
    fn an_oblique_grid_sees_the_same_object() {
        let phantom = shipped("shepp-logan.yaml");
        let (s, c) = 0.4f64.sin_cos();
        let mut grid =
            Grid::new([40, 44, 48], [5.0, 5.0, 5.0], [0.0; 3], [[0.0, -s, c], [0.0, c, s], [1.0, 0.0, 0.0]]).unwrap();
        grid.origin = crate::data::scale(grid.center(), -1.0);
        let exact: f64 = phantom.bodies().iter().map(|(density, body)| density * body.content()).sum();
        let found = total(&phantom.rasterise(&grid, 1.0, 4)) * grid.voxel_mm3();
        assert!((found / exact - 1.0).abs() < 1e-3, "{found} against {exact}");
    }

    #[test]
    fn air_is_exactly_zero_and_the_inside_exactly_its_density() {
        let phantom = shipped("shepp-logan-original.yaml");
        let volume = phantom.rasterise(&phantom.box_grid([32, 32, 32]).unwrap(), 1.0, 3);
        assert_eq!(volume.voxels()[[0, 16, 16]], 0.0);
        assert_eq!(volume.voxels()[[16, 16, 0]], 0.0);
        assert!((volume.voxels()[[16, 16, 16]] - 1.02).abs() < 1e-6);
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let phantom = shipped("shepp-logan.yaml");
        let grid = phantom.box_grid([20, 20, 20]).unwrap();
        let with = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| phantom.rasterise(&grid, 0.02, 4))
        };
        assert_eq!(with(1), with(3));
    }
}
