//! A small copy of a measured scan, whose reconstruction takes a moment: views left out, pixels averaged.
//!
//! One view in [`HELD_OUT`] is withheld from every fit. What a fit leaves unexplained of the other views, A x − y with
//! x of a few steps of CGLS on the same views, is the residual that calibration makes small (variable projection: the
//! volume is found anew for each guess of the scan, so that it can take what is the object's, such as a shift).

use super::parameter::Values;
use super::pose::{Shift, posed};
use crate::algorithms::cgls;
use crate::data::{Detector, Geometry, Grid, Projections, Volume, add, norm, scale};
use crate::error::{Error, Result};
use crate::operators::xray::kernels::joseph;
use ndarray::{Array3, Axis, Slice, s};

/// One view of so many is withheld.
const HELD_OUT: usize = 8;

/// Times that the pixels are smoothed: edges that voxels cannot follow reward scans whose rows fall on rows of voxels,
/// such as a roll of 0, more than a small error of the scan costs.
const SMOOTHINGS: usize = 2;
/// Fewer rows or columns than this are not smoothed.
const FEW: usize = 8;

/// Sizes of a small copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Most views.
    pub(crate) views: usize,
    /// Most rows and columns.
    pub(crate) side: usize,
    /// Steps of CGLS.
    pub(crate) steps: u64,
}

/// The copy.
pub(crate) struct Small<'a> {
    /// The scan of all views and pixels, as it is given.
    whole: &'a Geometry,
    /// The views that are kept.
    kept: Vec<usize>,
    /// Pixels averaged into one, [rows, columns].
    pub(crate) bin: [usize; 2],
    /// Pixels, [rows, columns].
    pub(crate) pixels: [usize; 2],
    /// [view, row, column]
    values: Vec<f32>,
    grid: Grid,
    steps: u64,
}

impl<'a> Small<'a> {
    /// A copy of at most `size`, with a grid that holds all that any view sees if the axis is no more than `reach`
    /// columns from where it is said to fall.
    ///
    /// # Errors
    /// A scan that is no circle.
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

    /// Numbers of the copy's views that fits see, or of those that they do not.
    pub(crate) fn views(&self, withheld: bool) -> Vec<usize> {
        (0..self.kept.len()).filter(|i| (i % HELD_OUT == HELD_OUT / 2) == withheld).collect()
    }

    /// Numbers of these views in the whole scan.
    pub(crate) fn numbers(&self, views: &[usize]) -> Vec<usize> {
        views.iter().map(|&i| self.kept[i]).collect()
    }

    /// Samples of a view.
    pub(crate) fn per_view(&self) -> usize {
        self.pixels[0] * self.pixels[1]
    }

    /// The measured values of these views.
    pub(crate) fn measured(&self, views: &[usize]) -> Vec<f32> {
        views.iter().flat_map(|&i| &self.values[i * self.per_view()..(i + 1) * self.per_view()]).copied().collect()
    }

    /// The scan of some of the copy's views, as values and shifts (of the whole scan's views) say.
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

    /// A quick reconstruction from these views.
    ///
    /// # Errors
    /// Memory.
    pub(crate) fn volume(&self, views: &[usize], values: &Values, shifts: &[Shift]) -> Result<Volume> {
        let data = Projections::from_vec(self.geometry(views, values, shifts), self.measured(views))?;
        cgls::few(&data, &self.grid, self.steps)
    }

    /// What of these views a volume leaves unexplained, A x − y.
    pub(crate) fn left(&self, volume: &Volume, views: &[usize], values: &Values, shifts: &[Shift]) -> Vec<f32> {
        let geometry = self.geometry(views, values, shifts);
        let mut left = vec![0.0; geometry.samples()];
        joseph::forward(&volume.grid, &geometry.views, &geometry.detector, volume.as_slice(), &mut left);
        left.iter_mut().zip(self.measured(views)).for_each(|(found, measured)| *found -= measured);
        left
    }
}

/// Voxels as large as a small pixel at the axis, over all that any view sees.
fn grid(whole: &Geometry, bin: [usize; 2], reach: f64) -> Result<Grid> {
    let needs = || Error::config("calibrate", "needs views on a circle about z");
    let orbit = whole.orbit.as_ref().ok_or_else(needs)?;
    let first = &whole.views[0];
    let pitch = [norm(first.v), norm(first.u)];
    let [_, rows, columns] = whole.shape();
    let wide = (columns as f64 / 2.0 + reach + bin[1] as f64) * pitch[1] + orbit.offset[1].abs();
    let high = [-0.5, 0.5].map(|side| orbit.offset[0] + side * rows as f64 * pitch[0]);
    let (radius, heights, magnification) = match orbit.source_to_axis.zip(orbit.source_to_detector) {
        None => (wide, high, 1.0),
        Some((axis, detector)) => {
            let radius = axis * (wide / detector).atan().sin();
            let near_and_far = [axis - radius, axis + radius];
            let reach = |v: f64, most: fn(f64, f64) -> f64| {
                let [a, b] = near_and_far.map(|depth| v * depth / detector);
                most(a, b)
            };
            (radius, [reach(high[0], f64::min), reach(high[1], f64::max)], detector / axis)
        }
    };
    let voxel = [pitch[0] * bin[0] as f64 / magnification, pitch[1] * bin[1] as f64 / magnification];
    let side = (2.0 * radius / voxel[1]).ceil().max(2.0) as usize;
    if rows == 1 {
        return Grid::centered([1, side, side], [voxel[1]; 3], orbit.isocenter);
    }
    let tall = ((heights[1] - heights[0]) / voxel[0]).ceil().max(1.0) as usize;
    let middle = orbit.isocenter[2] + f64::midpoint(heights[0], heights[1]);
    Grid::centered([tall, side, side], [voxel[0], voxel[1], voxel[1]], [orbit.isocenter[0], orbit.isocenter[1], middle])
}

/// Each pixel with its neighbours along rows and columns, (1 2 1) / 4; those at the edges, which lack one, are left
/// out. Few are left as they are.
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
