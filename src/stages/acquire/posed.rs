//! Measured views whose poses come from a file. The poses are those of the detector's own pixels: what is done to the
//! pixels (rows left out, binning) is done to them, and nothing about the axis is left to be found.

use super::layout::MeasuredLayout;
use crate::algorithms::cgls;
use crate::data::{Detector, Geometry, Grid, Poses, Projections, Source, add, norm, scale, sub};
use crate::error::{Error, Result};
use crate::formats;
use crate::geometries::{PerAxis, Trajectory, poses};
use ndarray::{Array3, s};

/// The scan of the data's pixels.
///
/// # Errors
/// A file that cannot be read; other views or pixels than the data's; keys that say again what the poses say.
pub(super) fn build(config: &poses::Config, layout: &MeasuredLayout) -> Result<Geometry> {
    let under = |error: Error| error.under("geometry.poses");
    let poses = formats::geometry::read_poses(&config.file)?;
    let mut config = config.clone();
    if poses.pixels.is_none() && config.detector.pixels == PerAxis::Auto {
        config.detector.pixels = PerAxis::Two(layout.whole);
    }
    let volume = between(&poses)?;
    let geometry = config.place(poses, &volume).map_err(under)?;
    let [views, rows, columns] = geometry.shape();
    if layout.reversed {
        return Err(Error::config("reverse_angles", "expected false: the poses say how the views turn"));
    }
    if (views, [rows, columns]) != (layout.views, layout.whole) {
        let [high, wide] = layout.whole;
        let problem = format!(
            "{} holds {views} views of {rows} x {columns} pixels, the data are {} of {high} x {wide}",
            config.file.display(),
            layout.views
        );
        return Err(under(
            Error::config("file", problem).hint("one pose per view of the data, for its detector before rows and bin"),
        ));
    }
    Ok(of_pixels(geometry, layout))
}

/// The same scan of the layout's pixels.
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

/// The scan of the whole detector in the file, of which `geometry` has the layout's pixels: what [`build`] makes that
/// geometry of. `turned` if rows were turned round when they were read, which poses never are.
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

/// A grid that decides nothing, half way between source and detector.
fn between(poses: &Poses) -> Result<Grid> {
    let middle = |view: &crate::data::View| match view.source {
        Source::Point(source) => scale(add(source, view.center), 0.5),
        Source::Direction(_) => view.center,
    };
    let sum = poses.views.iter().map(middle).fold([0.0; 3], add);
    Grid::centered([1, 1, 1], [1e-6; 3], scale(sum, 1.0 / poses.views.len().max(1) as f64))
}

/// Most views, pixels and voxels a side of a trial.
const VIEWS: usize = 60;
const SIDE: usize = 48;

/// What of the data stays unexplained by a quick reconstruction on a coarse copy of `grid`, 0 to about 1.
///
/// # Errors
/// A grid that cannot be.
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
    let shape = grid.shape.map(|n| n.min(SIDE));
    let spacing = std::array::from_fn(|k| grid.spacing[k] * grid.shape[k] as f64 / shape[k] as f64);
    let corner =
        (0..3).fold(grid.center(), |at, k| add(at, scale(grid.axes[k], -spacing[k] * (shape[k] as f64 - 1.0) / 2.0)));
    let coarser = Grid::new(shape, spacing, corner, grid.axes)?;
    cgls::unexplained(&Projections::from_vec(of_pixels(thin, &layout), coarse.into_iter().collect())?, &coarser)
}
