//! Grids of feature vectors over the field's box, stored one after the other in one table: bilinear and trilinear
//! interpolation of a point's features ("gather"), and the gradient with respect to the table ("scatter"). Müller et
//! al., ACM TOG 41(4), 2022, §3.
//!
//! Gathering is parallel over tiles of points. Scattering is parallel over the levels: each is written by one thread in
//! the order of the points, so that the result does not depend on the number of threads.
#![allow(clippy::inline_always, reason = "compiled with the instructions of the kernels that call it")]
#![allow(clippy::needless_range_loop, reason = "the numbers of rows, neurons and lanes index several arrays")]

use crate::operators::xray::kernels::simd::{self, Kernel, LANES, Simd};
use rayon::prelude::*;

/// Factors of the spatial hash, one per axis: Teschner et al., VMV 2003, as in Müller et al. 2022, eq. 4.
pub const PRIMES: [u32; 3] = [1, 2_654_435_761, 805_459_861];

/// One grid. Along axis k a point p has the position `t = scale · p[axes[k]] + (nodes[k] − 1)/2` in units of cells,
/// between the nodes 0 and `nodes[k] − 1`; outside the grid the values of its border are used. Node (i, j, ..) has the
/// row i + `nodes[0]` (j + ..) of the level, or the row given by its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Indices of the point's coordinates that the grid spans: two or three, the fastest-varying axis of the table
    /// first.
    pub axes: Vec<usize>,
    /// Number of nodes along each of these axes.
    pub nodes: Vec<usize>,
    /// Number of cells per unit of the field coordinates.
    pub scale: f32,
    /// Index of the level's first row in the table.
    pub first: usize,
    /// Number of rows of the level; a power of two if hashed.
    pub rows: usize,
    /// Whether nodes share rows by a hash.
    pub hashed: bool,
}

/// Several grids in one table `[rows, features]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// Number of coordinates of a point.
    pub inputs: usize,
    /// Number of features per row.
    pub features: usize,
    /// The grids, in the order of their rows in the table.
    pub levels: Vec<Level>,
}

impl Levels {
    /// An empty list of grids.
    #[must_use]
    pub fn new(inputs: usize, features: usize) -> Self {
        Self { inputs, features, levels: Vec::new() }
    }

    /// Appends a grid, with one row per node, or `2^log2` rows shared by a hash if that is fewer.
    pub fn push(&mut self, axes: Vec<usize>, nodes: Vec<usize>, scale: f32, log2: Option<u32>) {
        let all = nodes.iter().fold(1usize, |product, &n| product.saturating_mul(n));
        let shared = log2.map_or(usize::MAX, |bits| 1 << bits);
        let first = self.rows();
        self.levels.push(Level { axes, nodes, scale, first, rows: all.min(shared), hashed: all > shared });
    }

    /// Number of rows of the table.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.levels.last().map_or(0, |level| level.first.saturating_add(level.rows))
    }

    /// Number of features of a point: those of each level, concatenated.
    #[must_use]
    pub fn width(&self) -> usize {
        self.levels.len() * self.features
    }

    /// Number of table entries that are read for a point.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.levels.iter().map(|level| self.features << level.axes.len()).sum()
    }
}

/// Number of points per tile.
const TILE: usize = 256;

impl Levels {
    /// Features `[n, width]` of the points `[n, inputs]` from the table `[rows, features]`.
    pub fn gather(&self, table: &[f32], points: &[f32], out: &mut [f32]) {
        let (inputs, width, features) = (self.inputs, self.width(), self.features);
        out.par_chunks_mut(TILE * width).zip(points.par_chunks(TILE * inputs)).for_each(|(out, points)| {
            for (number, level) in self.levels.iter().enumerate() {
                let table = &table[level.first * features..(level.first + level.rows) * features];
                let values = Values { width, features, first: number * features };
                simd::dispatch(
                    simd::level(),
                    Walk { level, inputs, points, job: Gather { table, out: &mut *out, values } },
                );
            }
        });
    }

    /// Adds the gradient with respect to the table to `gradient` `[rows, features]`, for gradients `slopes` `[n,
    /// width]` with respect to the features of the points `[n, inputs]`.
    pub fn scatter(&self, slopes: &[f32], points: &[f32], gradient: &mut [f32]) {
        let (width, features) = (self.width(), self.features);
        let mut rest = gradient;
        let mut parts = Vec::with_capacity(self.levels.len());
        for (number, level) in self.levels.iter().enumerate() {
            let (part, below) = rest.split_at_mut(level.rows * features);
            parts.push((Values { width, features, first: number * features }, level, part));
            rest = below;
        }
        parts.into_par_iter().for_each(|(values, level, gradient)| {
            let job = Scatter { gradient, slopes, values };
            simd::dispatch(simd::level(), Walk { level, inputs: self.inputs, points, job });
        });
    }
}

/// Table rows and interpolation weights of the corners of the cells of up to sixteen points: `[corner, point]`.
struct Cells {
    rows: [[u32; LANES]; 8],
    weights: [[f32; LANES]; 8],
}

/// An operation on the cells of `count` points, of which the first has the number `first`.
trait Job {
    fn visit<const AXES: usize>(&mut self, cells: &Cells, first: usize, count: usize);
}

/// Runs a job on every point of a level. It uses no SIMD intrinsics: the loops over sixteen points are compiled to the
/// vector instructions of the dispatched level.
struct Walk<'a, J> {
    level: &'a Level,
    inputs: usize,
    points: &'a [f32],
    job: J,
}

impl<J: Job> Kernel for Walk<'_, J> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        if self.level.axes.len() == 2 { self.each::<2>() } else { self.each::<3>() }
    }
}

impl<J: Job> Walk<'_, J> {
    #[inline(always)]
    fn each<const AXES: usize>(mut self) {
        let count = self.points.len() / self.inputs;
        for first in (0..count).step_by(LANES) {
            let lanes = LANES.min(count - first);
            let cells = self.level.cells::<AXES>(&self.points[first * self.inputs..], self.inputs, lanes);
            self.job.visit::<AXES>(&cells, first, lanes);
        }
    }
}

impl Level {
    /// The cells of the first `count` points of `points`.
    #[inline(always)]
    fn cells<const AXES: usize>(&self, points: &[f32], inputs: usize, count: usize) -> Cells {
        let mut low = [[0u32; LANES]; AXES];
        let mut part = [[0f32; LANES]; AXES];
        let mut steps = [1u32; AXES];
        for k in 0..AXES {
            let mut at = [0f32; LANES];
            for lane in 0..count {
                at[lane] = points[lane * inputs + self.axes[k]];
            }
            let last = (self.nodes[k] - 1) as f32;
            let lowest = (last - 1.0).max(0.0);
            for lane in 0..LANES {
                let t = (at[lane] * self.scale + last * 0.5).max(0.0).min(last);
                let cell = (t as i32 as f32).min(lowest);
                low[k][lane] = cell as i32 as u32;
                part[k][lane] = t - cell;
            }
            if k + 1 < AXES {
                steps[k + 1] = steps[k].wrapping_mul(self.nodes[k] as u32);
            }
        }
        let mut cells = Cells { rows: [[0; LANES]; 8], weights: [[0.0; LANES]; 8] };
        let mask = if self.hashed { self.rows as u32 - 1 } else { u32::MAX };
        for corner in 0..1 << AXES {
            let mut rows = [0u32; LANES];
            let mut weights = [1f32; LANES];
            for k in 0..AXES {
                let upper = (corner >> k & 1) as u32;
                let next = upper.min(self.nodes[k] as u32 - 1);
                for lane in 0..LANES {
                    let node = low[k][lane] + next;
                    rows[lane] = if self.hashed {
                        rows[lane] ^ node.wrapping_mul(PRIMES[k])
                    } else {
                        rows[lane] + node.wrapping_mul(steps[k])
                    };
                    weights[lane] *= if upper == 1 { part[k][lane] } else { 1.0 - part[k][lane] };
                }
            }
            cells.rows[corner] = rows.map(|row| row & mask);
            cells.weights[corner] = weights;
        }
        cells
    }
}

/// Position of a level's features in a row of `width` values.
#[derive(Clone, Copy)]
struct Values {
    width: usize,
    features: usize,
    first: usize,
}

impl Values {
    /// Range of the level's features of point `point`.
    #[inline(always)]
    fn of(self, point: usize) -> std::ops::Range<usize> {
        let start = point * self.width + self.first;
        start..start + self.features
    }
}

struct Gather<'a> {
    table: &'a [f32],
    out: &'a mut [f32],
    values: Values,
}

struct Scatter<'a> {
    gradient: &'a mut [f32],
    slopes: &'a [f32],
    values: Values,
}

impl Gather<'_> {
    #[inline(always)]
    fn known<const AXES: usize, const FEATURES: usize>(&mut self, cells: &Cells, first: usize, count: usize) {
        for lane in 0..count {
            let mut sum = [0f32; FEATURES];
            for corner in 0..1 << AXES {
                let (row, weight) = (cells.rows[corner][lane] as usize * FEATURES, cells.weights[corner][lane]);
                let entry = &self.table[row..row + FEATURES];
                for k in 0..FEATURES {
                    sum[k] += weight * entry[k];
                }
            }
            self.out[self.values.of(first + lane)].copy_from_slice(&sum);
        }
    }
}

impl Job for Gather<'_> {
    #[inline(always)]
    fn visit<const AXES: usize>(&mut self, cells: &Cells, first: usize, count: usize) {
        match self.values.features {
            1 => return self.known::<AXES, 1>(cells, first, count),
            2 => return self.known::<AXES, 2>(cells, first, count),
            4 => return self.known::<AXES, 4>(cells, first, count),
            _ => {}
        }
        let features = self.values.features;
        for lane in 0..count {
            let out = &mut self.out[self.values.of(first + lane)];
            out.fill(0.0);
            for corner in 0..1 << AXES {
                let (row, weight) = (cells.rows[corner][lane] as usize * features, cells.weights[corner][lane]);
                out.iter_mut().zip(&self.table[row..row + features]).for_each(|(sum, value)| *sum += weight * value);
            }
        }
    }
}

impl Scatter<'_> {
    #[inline(always)]
    fn known<const AXES: usize, const FEATURES: usize>(&mut self, cells: &Cells, first: usize, count: usize) {
        for lane in 0..count {
            let mut slopes = [0f32; FEATURES];
            slopes.copy_from_slice(&self.slopes[self.values.of(first + lane)]);
            for corner in 0..1 << AXES {
                let (row, weight) = (cells.rows[corner][lane] as usize * FEATURES, cells.weights[corner][lane]);
                let entry = &mut self.gradient[row..row + FEATURES];
                for k in 0..FEATURES {
                    entry[k] += weight * slopes[k];
                }
            }
        }
    }
}

impl Job for Scatter<'_> {
    #[inline(always)]
    fn visit<const AXES: usize>(&mut self, cells: &Cells, first: usize, count: usize) {
        match self.values.features {
            1 => return self.known::<AXES, 1>(cells, first, count),
            2 => return self.known::<AXES, 2>(cells, first, count),
            4 => return self.known::<AXES, 4>(cells, first, count),
            _ => {}
        }
        let features = self.values.features;
        for lane in 0..count {
            let slopes = &self.slopes[self.values.of(first + lane)];
            for corner in 0..1 << AXES {
                let (row, weight) = (cells.rows[corner][lane] as usize * features, cells.weights[corner][lane]);
                self.gradient[row..row + features]
                    .iter_mut()
                    .zip(slopes)
                    .for_each(|(sum, slope)| *sum += weight * slope);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).sin()).collect()
    }

    fn with_threads<T: Send>(threads: usize, job: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(job)
    }

    #[test]
    fn scattering_is_the_transpose_of_gathering_and_its_bits_do_not_depend_on_threads() {
        for (inputs, features) in [(2, 1), (2, 2), (3, 2), (3, 3), (3, 4)] {
            let mut levels = Levels::new(inputs, features);
            for cells in [3, 9, 40] {
                levels.push((0..inputs).collect(), vec![cells + 1; inputs], cells as f32 / 2.0, Some(9));
            }
            let points: Vec<f32> = wave(700 * inputs, 0.7).iter().map(|x| 1.05 * x).collect();
            let (table, slopes) = (wave(levels.rows() * features, 0.37), wave(700 * levels.width(), 1.3));
            let run = || {
                let (mut out, mut gradient) = (vec![0.0; slopes.len()], vec![0.0; table.len()]);
                levels.gather(&table, &points, &mut out);
                levels.scatter(&slopes, &points, &mut gradient);
                (out, gradient)
            };
            let (out, gradient) = with_threads(1, run);
            assert_eq!((out.clone(), gradient.clone()), with_threads(3, run));
            let inner = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
            let (left, right) = (inner(&out, &slopes), inner(&table, &gradient));
            assert!((left - right).abs() < 1e-5 * slopes.len() as f64, "{left} {right}");
        }
    }
}
