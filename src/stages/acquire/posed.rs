//! Measured views whose poses come from a file. The poses describe the pixels of the whole detector; cropping and
//! binning of the pixels are applied to them as well. They define the axis, so it is not searched for.

use super::layout::MeasuredLayout;
use crate::algorithms::cgls;
use crate::data::{Detector, Geometry, Grid, Poses, Projections, Source, add, norm, scale, sub};
use crate::error::{Error, Result};
use crate::formats;
use crate::geometries::{PerAxis, Trajectory, poses};
use ndarray::{Array3, s};
use std::path::Path;

/// Geometry of the layout's pixels, from the poses.
///
/// # Errors
/// A file that cannot be read, numbers of views or pixels that differ from the data's, or a key that repeats what the
/// poses determine.
pub(super) fn build(config: &poses::Config, layout: &MeasuredLayout) -> Result<Geometry> {
    let under = |error: Error| error.under("geometry.poses");
    let poses = formats::geometry::read_poses(&config.file)?;
    let mut config = config.clone();
    if poses.pixels.is_none() && config.detector.pixels == PerAxis::Auto {
        config.detector.pixels = PerAxis::Two(layout.whole);
    }
    let volume = between(&poses)?;
    let geometry = config.place(poses, &volume).map_err(under)?;
    if layout.reversed {
        return Err(Error::config("reverse_angles", "expected false: the poses say how the views turn"));
    }
    check_size(&config.file, &geometry, layout).map_err(under)?;
    Ok(of_pixels(geometry, layout))
}

/// Refuses poses of other numbers of views or pixels than those of the data.
fn check_size(file: &Path, geometry: &Geometry, layout: &MeasuredLayout) -> Result<()> {
    let [views, rows, columns] = geometry.shape();
    if (views, [rows, columns]) == (layout.views, layout.whole) {
        return Ok(());
    }
    let [high, wide] = layout.whole;
    let problem = format!(
        "{} holds {views} views of {rows} x {columns} pixels, the data are {} of {high} x {wide}",
        file.display(),
        layout.views
    );
    Err(Error::config("file", problem).hint("one pose per view of the data, for its detector before rows and bin"))
}

/// The same geometry for the layout's cropped and binned pixels.
fn of_pixels(mut geometry: Geometry, layout: &MeasuredLayout) -> Geometry {
    let [rows, columns] = layout.pixels;
    let [tall, wide] = [layout.bin.min(layout.whole[0]) as f64, layout.bin as f64];
    let aside = ((columns * layout.bin) as f64 - layout.whole[1] as f64) / 2.0;
    let first = geometry.views[0];
    if let Some(orbit) = &mut geometry.orbit {
        orbit.offset[0] += layout.lifted * norm(first.v);
        orbit.offset[1] += aside * norm(first.u);
    }
    for view in &mut geometry.views {
        view.center = add(view.center, add(scale(view.u, aside), scale(view.v, layout.lifted)));
        (view.u, view.v) = (scale(view.u, wide), scale(view.v, tall));
    }
    geometry.detector = Detector { rows, columns, ..geometry.detector };
    geometry
}

/// Inverse of [`build`]: the geometry of the whole detector in the file, from `geometry` of the layout's pixels.
/// `turned`: whether the rows were reversed while reading; the result has the order of the rows in the file.
pub(super) fn of_detector(mut geometry: Geometry, layout: &MeasuredLayout, turned: bool) -> Geometry {
    let [tall, wide] = [layout.bin.min(layout.whole[0]) as f64, layout.bin as f64];
    let aside = ((layout.pixels[1] * layout.bin) as f64 - layout.whole[1] as f64) / 2.0;
    for view in &mut geometry.views {
        (view.u, view.v) = (scale(view.u, 1.0 / wide), scale(view.v, 1.0 / tall));
        view.center = sub(view.center, add(scale(view.u, aside), scale(view.v, layout.lifted)));
    }
    let first = geometry.views[0];
    if let Some(orbit) = &mut geometry.orbit {
        orbit.offset[0] -= layout.lifted * norm(first.v);
        orbit.offset[1] -= aside * norm(first.u);
    }
    if turned {
        geometry.views.iter_mut().for_each(|view| view.v = scale(view.v, -1.0));
    }
    let [rows, columns] = layout.whole;
    geometry.detector = Detector { rows, columns, ..geometry.detector };
    geometry
}

/// A tiny grid half way between source and detector; it only serves as an argument and does not affect the geometry.
fn between(poses: &Poses) -> Result<Grid> {
    let middle = |view: &crate::data::View| match view.source {
        Source::Point(source) => scale(add(source, view.center), 0.5),
        Source::Direction(_) => view.center,
    };
    let sum = poses.views.iter().map(middle).fold([0.0; 3], add);
    Grid::centered([1, 1, 1], [1e-6; 3], scale(sum, 1.0 / poses.views.len().max(1) as f64))
}

/// Largest number of views, and of pixels and voxels per side, of a trial.
const VIEWS: usize = 60;
const SIDE: usize = 48;

/// Relative residual ‖A x − y‖ / ‖y‖, 0 to about 1, of a quick reconstruction on a coarse copy of `grid`.
///
/// # Errors
/// An invalid grid.
pub(super) fn residual(data: &Array3<f32>, geometry: &Geometry, grid: &Grid) -> Result<f64> {
    let [views, rows, columns] = geometry.shape();
    let (stride, bin) = (views.div_ceil(VIEWS), rows.max(columns).div_ceil(SIDE));
    let kept: Vec<usize> = (0..views).step_by(stride).collect();
    let layout = MeasuredLayout {
        views: kept.len(),
        angles: None,
        reversed: false,
        pixels: [(rows / bin).max(1), columns / bin],
        bin,
        axis: None,
        lifted: 0.0,
        whole: [rows, columns],
    };
    let thin =
        Geometry { views: kept.iter().map(|&i| geometry.views[i]).collect(), detector: geometry.detector, orbit: None };
    let tall = bin.min(rows);
    let mean = |(view, row, column): (usize, usize, usize)| {
        data.slice(s![kept[view], row * tall..(row + 1) * tall, column * bin..(column + 1) * bin]).mean().unwrap_or(0.0)
    };
    let [high, wide] = layout.pixels;
    let coarse = Array3::from_shape_fn((kept.len(), high, wide), mean);
    let coarser = coarser(grid)?;
    cgls::unexplained(&Projections::from_vec(of_pixels(thin, &layout), coarse.into_iter().collect())?, &coarser)
}

/// The same box with at most [`SIDE`] voxels along each side.
fn coarser(grid: &Grid) -> Result<Grid> {
    let shape = grid.shape.map(|n| n.min(SIDE));
    let spacing = std::array::from_fn(|k| grid.spacing[k] * grid.shape[k] as f64 / shape[k] as f64);
    let corner =
        (0..3).fold(grid.center(), |at, k| add(at, scale(grid.axes[k], -spacing[k] * (shape[k] as f64 - 1.0) / 2.0)));
    Grid::new(shape, spacing, corner, grid.axes)
}
