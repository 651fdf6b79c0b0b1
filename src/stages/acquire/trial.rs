//! A quick reconstruction of one slice, only to see how well the views fit together under a guess of the geometry.
//!
//! The views are thinned and their columns averaged; a few steps of CGLS (conjugate gradients on Aᵀ A x = Aᵀ y; Björck,
//! "Numerical Methods for Least Squares Problems", 1996, §7.4) give an image of the field of view, and what of the data
//! its reprojection leaves unexplained, ‖A x − y‖ / ‖y‖, is small only if the axis and the sense of rotation are right.
//! Unlike a filtered backprojection it works alike for parallel and divergent rays and for any arc.

use super::layout::MeasuredLayout;
use super::scan;
use crate::algorithms::cgls;
use crate::data::{Geometry, Grid, Projections};
use crate::error::{Error, Result};
use crate::geometries::GeometryKind;
use crate::registry::OneOf;
use ndarray::{Array2, Array3, s};

/// Most views of a trial.
const VIEWS: usize = 120;
/// Rows beside the detector at which the plane of the source may still fall.
const BESIDE: f64 = 1.5;
/// A row whose line integrals stay below this part of the largest ones shows nothing.
const EMPTY: f32 = 0.1;

/// One row of the data, thinned, and how the scan was.
pub(super) struct Trial<'a> {
    kind: &'a OneOf<GeometryKind>,
    layout: MeasuredLayout,
    /// Columns averaged into one.
    bin: usize,
    sinogram: Array2<f32>,
}

impl<'a> Trial<'a> {
    /// The row nearest to the plane of the source, its columns averaged to at most `columns`.
    ///
    /// # Errors
    /// No row near that plane, or none of the object in it: other rows are no fan.
    pub(super) fn new(
        integrals: &Array3<f32>,
        layout: &MeasuredLayout,
        kind: &'a OneOf<GeometryKind>,
        columns: usize,
    ) -> Result<Self> {
        let [views, width] = [integrals.shape()[0], integrals.shape()[2]];
        let bin = width.div_ceil(columns);
        let middle = level_row(integrals, layout, kind)?;
        let stride = views.div_ceil(VIEWS);
        let kept: Vec<usize> = (0..views).step_by(stride).collect();
        let mean = |view: usize, column: usize| {
            integrals.slice(s![view, middle, column * bin..(column + 1) * bin]).iter().sum::<f32>() / bin as f32
        };
        let sinogram = Array2::from_shape_fn((kept.len(), width / bin), |(i, column)| mean(kept[i], column));
        let angles = layout.angles.as_ref().map(|angles| kept.iter().map(|&i| angles[i]).collect());
        Ok(Self { kind, layout: MeasuredLayout { views: kept.len(), angles, ..layout.clone() }, bin, sinogram })
    }

    /// Columns of the data.
    pub(super) fn width(&self) -> f64 {
        (self.sinogram.ncols() * self.bin) as f64
    }

    /// What of the data stays unexplained, 0 to about 1, if the axis falls on this column of the data and the views
    /// turn as they do (or the other way round).
    ///
    /// # Errors
    /// An axis beside the detector; a kind of scan that cannot be cut down to one slice.
    pub(super) fn residual(&self, axis: f64, reversed: bool) -> Result<f64> {
        let (geometry, grid) = self.scan(axis, reversed)?;
        let data = Projections::from_vec(geometry, self.sinogram.iter().copied().collect())?;
        cgls::unexplained(&data, &grid)
    }

    /// The trial's data, if the axis falls on this column of the data, and a grid that holds what any view sees.
    ///
    /// # Errors
    /// As [`Trial::residual`].
    pub(super) fn projections(&self, axis: f64) -> Result<(Projections, Grid)> {
        let (geometry, grid) = self.scan(axis, false)?;
        Ok((Projections::from_vec(geometry, self.sinogram.iter().copied().collect())?, grid))
    }

    fn scan(&self, axis: f64, reversed: bool) -> Result<(Geometry, Grid)> {
        let bin = self.bin as f64;
        let layout = self.layout.flat([1, self.sinogram.ncols()], self.bin, (axis - (bin - 1.0) / 2.0) / bin);
        let geometry = MeasuredLayout { reversed: reversed != self.layout.reversed, ..layout }.build(self.kind)?;
        let grid = scan::bounds(&whole_turn(&geometry), None)?;
        Ok((geometry, grid))
    }
}

/// The row that the plane of the source meets, which alone shows one slice of the object; of a parallel beam all do.
fn level_row(integrals: &Array3<f32>, layout: &MeasuredLayout, kind: &OneOf<GeometryKind>) -> Result<usize> {
    let rows = integrals.shape()[1];
    let middle = (rows as f64 - 1.0) / 2.0;
    if rows == 1 || matches!(kind.kind, GeometryKind::Parallel(_)) {
        return Ok(middle.round() as usize);
    }
    let given = scan::given(kind)?;
    let place = middle - (given.offset[0] / given.pitch[0] + layout.lifted) / layout.bin as f64;
    let row = place.round().clamp(0.0, rows as f64 - 1.0);
    let highest = |part: &mut dyn Iterator<Item = &f32>| part.copied().fold(0.0f32, f32::max);
    let row_of_views = integrals.slice(s![.., row as usize, ..]);
    let empty = highest(&mut row_of_views.iter()) < EMPTY * highest(&mut integrals.iter());
    if (place - row).abs() > BESIDE || empty {
        let what = if empty { "which shows nothing of the object" } else { "which the detector does not have" };
        let problem = format!("the plane of the source falls on row {:.1}, {what}", place * layout.bin as f64);
        return Err(Error::config("center_of_rotation", problem).hint("give the column, from an alignment scan"));
    }
    Ok(row as usize)
}

/// The scan as if it went all the way round, so that the grid reaches as far as any view sees: another axis must not
/// change how much of the data can be explained.
fn whole_turn(geometry: &Geometry) -> Geometry {
    let mut whole = geometry.clone();
    if let Some(orbit) = &mut whole.orbit {
        orbit.arc = std::f64::consts::TAU;
    }
    whole
}
