//! A small copy of a measured scan that can be reconstructed quickly: fewer views, averaged pixels.
//!
//! One view in [`HELD_OUT`] is withheld from all fits. Calibration minimises the residual A x − y of the other views,
//! with x from a few steps of CGLS on the same views. The volume is reconstructed anew for each assumed scan (variable
//! projection), so that it can absorb what belongs to the object, such as a shift.

use super::parameter::Values;
use super::pose::{Shift, posed};
use crate::algorithms::cgls;
use crate::data::{Detector, Geometry, Grid, Orbit, Projections, Volume, add, norm, scale};
use crate::error::{Error, Result};
use crate::operators::xray::kernels::joseph;
use ndarray::{Array3, Axis, Slice, s};

/// One view in this many is withheld.
const HELD_OUT: usize = 8;

/// Number of smoothings of the pixels. At sharp edges, which voxels cannot represent, scans whose detector rows
/// coincide with voxel rows (such as those with a roll of 0) fit better, and this can outweigh a small error of the
/// scan.
const SMOOTHINGS: usize = 2;
/// An axis with fewer rows or columns than this is not smoothed.
const FEW: usize = 8;

/// Size of a small copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Largest number of views.
    pub(crate) views: usize,
    /// Largest number of rows and of columns.
    pub(crate) side: usize,
    /// Number of CGLS steps.
    pub(crate) steps: u64,
}

/// A small copy of a scan.
pub(crate) struct Small<'a> {
    /// The given geometry of all views and pixels.
    whole: &'a Geometry,
    /// Indices of the kept views in the whole scan.
    kept: Vec<usize>,
    /// Number of pixels averaged into one, [rows, columns].
    pub(crate) bin: [usize; 2],
    /// Number of pixels, [rows, columns].
    pub(crate) pixels: [usize; 2],
    /// Averaged line integrals [view, row, column].
    values: Vec<f32>,
    grid: Grid,
    steps: u64,
}

impl<'a> Small<'a> {
    /// Makes a copy of at most `size`. Its grid contains all that any view sees if the axis is at most `reach` columns
    /// from its given position.
    ///
    /// # Errors
    /// A scan that is not circular.
    pub(crate) fn new(data: &Array3<f32>, whole: &'a Geometry, size: Size, reach: f64) -> Result<Self> {
        let [views, rows, columns] = whole.shape();
        let kept: Vec<usize> = (0..views).step_by(views.div_ceil(size.views)).collect();
        let bin = rows.max(columns).div_ceil(size.side);
        let bin = [bin.min(rows), bin];
        let mean = |i: usize, row: usize, column: usize| {
            let part = s![kept[i], row * bin[0]..(row + 1) * bin[0], column * bin[1]..(column + 1) * bin[1]];
            data.slice(part).iter().sum::<f32>() / (bin[0] * bin[1]) as f32
        };
        let shape = (kept.len(), rows / bin[0], columns / bin[1]);
        let values = Array3::from_shape_fn(shape, |(i, row, column)| mean(i, row, column));
        let values = (0..SMOOTHINGS).fold(values, |values, _| smoothed(&values));
        let pixels = [values.shape()[1], values.shape()[2]];
        let values = values.into_iter().collect();
        let grid = grid(whole, bin, reach)?;
        Ok(Self { whole, kept, bin, pixels, values, grid, steps: size.steps })
    }

    /// Indices of the copy's views that are withheld, or of those that fits use.
    pub(crate) fn views(&self, withheld: bool) -> Vec<usize> {
        (0..self.kept.len()).filter(|i| (i % HELD_OUT == HELD_OUT / 2) == withheld).collect()
    }

    /// Indices of these views in the whole scan.
    pub(crate) fn numbers(&self, views: &[usize]) -> Vec<usize> {
        views.iter().map(|&i| self.kept[i]).collect()
    }

    /// Number of samples per view.
    pub(crate) fn per_view(&self) -> usize {
        self.pixels[0] * self.pixels[1]
    }

    /// The measured values of these views.
    pub(crate) fn measured(&self, views: &[usize]) -> Vec<f32> {
        views.iter().flat_map(|&i| &self.values[i * self.per_view()..(i + 1) * self.per_view()]).copied().collect()
    }

    /// Geometry of some of the copy's views, with values and shifts (of the views of the whole scan) applied.
    fn geometry(&self, views: &[usize], values: &Values, shifts: &[Shift]) -> Geometry {
        let whole = posed(self.whole, values, shifts);
        let Detector { rows, columns, shape } = whole.detector;
        let over = |count: usize, bin: usize| -((count % bin) as f64);
        let aside = [over(rows, self.bin[0]), over(columns, self.bin[1])];
        let small = |&i: &usize| {
            let mut view = whole.views[self.kept[i]];
            view.center = add(view.center, add(scale(view.v, aside[0] / 2.0), scale(view.u, aside[1] / 2.0)));
            (view.v, view.u) = (scale(view.v, self.bin[0] as f64), scale(view.u, self.bin[1] as f64));
            view
        };
        let detector = Detector { rows: self.pixels[0], columns: self.pixels[1], shape };
        Geometry { views: views.iter().map(small).collect(), detector, orbit: None }
    }

    /// Reconstructs a volume from these views with a few CGLS steps.
    ///
    /// # Errors
    /// Too little memory.
    pub(crate) fn volume(&self, views: &[usize], values: &Values, shifts: &[Shift]) -> Result<Volume> {
        let data = Projections::from_vec(self.geometry(views, values, shifts), self.measured(views))?;
        cgls::few(&data, &self.grid, self.steps)
    }

    /// Residual A x − y of a volume on these views.
    pub(crate) fn left(&self, volume: &Volume, views: &[usize], values: &Values, shifts: &[Shift]) -> Vec<f32> {
        let geometry = self.geometry(views, values, shifts);
        let mut left = vec![0.0; geometry.samples()];
        joseph::forward(&volume.grid, &geometry.views, &geometry.detector, volume.as_slice(), &mut left);
        left.iter_mut().zip(self.measured(views)).for_each(|(found, measured)| *found -= measured);
        left
    }
}

/// Grid with voxels of the size of a copy's pixel at the axis, which contains all that any view sees.
fn grid(whole: &Geometry, bin: [usize; 2], reach: f64) -> Result<Grid> {
    let needs = || Error::config("calibrate", "needs views on a circle about z");
    let orbit = whole.orbit.as_ref().ok_or_else(needs)?;
    let first = &whole.views[0];
    let pitch = [norm(first.v), norm(first.u)];
    let [_, rows, columns] = whole.shape();
    let wide = (columns as f64 / 2.0 + reach + bin[1] as f64) * pitch[1] + orbit.offset[1].abs();
    let high = [-0.5, 0.5].map(|side| orbit.offset[0] + side * rows as f64 * pitch[0]);
    let (radius, heights, magnification) = cylinder(orbit, wide, high);
    let voxel = [pitch[0] * bin[0] as f64 / magnification, pitch[1] * bin[1] as f64 / magnification];
    let side = (2.0 * radius / voxel[1]).ceil().max(2.0) as usize;
    if rows == 1 {
        return Grid::centered([1, side, side], [voxel[1]; 3], orbit.isocenter);
    }
    let tall = ((heights[1] - heights[0]) / voxel[0]).ceil().max(1.0) as usize;
    let middle = orbit.isocenter[2] + f64::midpoint(heights[0], heights[1]);
    Grid::centered([tall, side, side], [voxel[0], voxel[1], voxel[1]], [orbit.isocenter[0], orbit.isocenter[1], middle])
}

/// Radius and heights (mm) of the cylinder that contains all that a detector sees up to `wide` on both sides of the
/// central ray and between the heights `high`, and the magnification.
fn cylinder(orbit: &Orbit, wide: f64, high: [f64; 2]) -> (f64, [f64; 2], f64) {
    let Some((axis, detector)) = orbit.source_to_axis.zip(orbit.source_to_detector) else { return (wide, high, 1.0) };
    let radius = axis * (wide / detector).atan().sin();
    let near_and_far = [axis - radius, axis + radius];
    let reach = |v: f64, most: fn(f64, f64) -> f64| {
        let [a, b] = near_and_far.map(|depth| v * depth / detector);
        most(a, b)
    };
    (radius, [reach(high[0], f64::min), reach(high[1], f64::max)], detector / axis)
}

/// Averages each pixel with its neighbours along rows and columns, (1 2 1) / 4, and drops the edge pixels, which lack a
/// neighbour. An axis with fewer than [`FEW`] entries stays as it is.
fn smoothed(values: &Array3<f32>) -> Array3<f32> {
    let along = |values: &Array3<f32>, axis: usize| {
        let count = values.len_of(Axis(axis));
        if count < FEW {
            return values.clone();
        }
        let part = |first: usize| values.slice_axis(Axis(axis), Slice::from(first..first + count - 2));
        (&part(0) + &part(2)) * 0.25 + part(1).mapv(|value| 0.5 * value)
    };
    along(&along(values, 2), 1)
}
