//! A quick reconstruction of one slice, which shows how well the views fit together for an assumed geometry.
//!
//! Views are left out and columns averaged. A few steps of CGLS (conjugate gradients on Aᵀ A x = Aᵀ y; Björck,
//! "Numerical Methods for Least Squares Problems", 1996, §7.4) give an image of the field of view. Its relative
//! residual ‖A x − y‖ / ‖y‖ is small only if the axis and the sense of rotation are right. Unlike filtered
//! backprojection this works equally for parallel and divergent rays and for any arc.

use super::layout::MeasuredLayout;
use super::scan;
use crate::algorithms::cgls;
use crate::data::{Geometry, Grid, Projections};
use crate::error::{Error, Result};
use crate::geometries::GeometryKind;
use crate::registry::OneOf;
use ndarray::{Array2, Array3, s};

/// Largest number of views of a trial.
const VIEWS: usize = 120;
/// Largest distance of the plane of the source from the nearest detector row, rows.
const BESIDE: f64 = 1.5;
/// A row whose line integrals stay below this fraction of the largest one does not show the object.
const EMPTY: f32 = 0.1;

/// One row of the data with fewer views and columns, and the description of its scan.
pub(super) struct Trial<'a> {
    kind: &'a OneOf<GeometryKind>,
    layout: MeasuredLayout,
    /// Number of columns averaged into one.
    bin: usize,
    sinogram: Array2<f32>,
}

impl<'a> Trial<'a> {
    /// Takes the row nearest to the plane of the source and averages its columns to at most `columns`.
    ///
    /// # Errors
    /// No row near that plane, or one that does not show the object: the rays of other rows are not in one plane.
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

    /// Number of columns of the data that are used.
    pub(super) fn width(&self) -> f64 {
        (self.sinogram.ncols() * self.bin) as f64
    }

    /// Relative residual, 0 to about 1, if the axis falls on column `axis` of the data. `reversed` reverses the sense
    /// of rotation.
    ///
    /// # Errors
    /// An axis outside the detector, or a kind of scan that cannot be reduced to one slice.
    pub(super) fn residual(&self, axis: f64, reversed: bool) -> Result<f64> {
        let (geometry, grid) = self.scan(axis, reversed)?;
        let data = Projections::from_vec(geometry, self.sinogram.iter().copied().collect())?;
        cgls::unexplained(&data, &grid)
    }

    /// The trial's data for an axis on column `axis` of the data, and a grid that contains what any view sees.
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

/// The row in the plane of the source, which alone shows a single slice of the object; for a parallel beam the middle
/// row.
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

/// The geometry with an arc of a full turn, so that the grid contains what any view sees: the part of the data that can
/// be explained must not depend on the axis.
fn whole_turn(geometry: &Geometry) -> Geometry {
    let mut whole = geometry.clone();
    if let Some(orbit) = &mut whole.orbit {
        orbit.arc = std::f64::consts::TAU;
    }
    whole
}
