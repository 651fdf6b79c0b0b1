//! [`Projections`]: line integrals with the scan they belong to.

use super::geometry::Geometry;
use crate::error::{Error, Result};
use ndarray::{Array3, ArrayView3};

/// Line integrals of attenuation (unitless) `[view, row, column]`, all finite, with their scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Projections {
    /// The scan.
    pub geometry: Geometry,
    values: Array3<f32>,
}

impl Projections {
    /// Checked projections.
    ///
    /// # Errors
    /// When the shape is not the geometry's or a value is not finite.
    pub fn new(geometry: Geometry, values: Array3<f32>) -> Result<Self> {
        if values.shape() != geometry.shape() {
            let problem = format!("expected [views, rows, columns] = {:?}, got {:?}", geometry.shape(), values.shape());
            return Err(Error::input("projections", problem));
        }
        // Copied only if it must be: large arrays come here.
        let values = if values.is_standard_layout() { values } else { values.as_standard_layout().into_owned() };
        let bad = values.as_slice().map_or(0, |slice| slice.iter().filter(|v| !v.is_finite()).count());
        if bad > 0 {
            let problem = format!("expected finite line integrals, got {bad} NaN or infinite of {}", values.len());
            return Err(Error::input("projections", problem).hint("was the logarithm of a zero count taken?"));
        }
        Ok(Self { geometry, values })
    }

    /// Projections from values in C order `[view, row, column]`.
    ///
    /// # Errors
    /// As [`Projections::new`].
    pub fn from_vec(geometry: Geometry, values: Vec<f32>) -> Result<Self> {
        let (shape, found) = (geometry.shape(), values.len());
        let values = Array3::from_shape_vec(shape, values)
            .map_err(|_| Error::input("projections", format!("expected {} values for shape {shape:?}, got {found}", geometry.samples())))?;
        Self::new(geometry, values)
    }

    /// The values `[view, row, column]`.
    #[must_use]
    pub fn values(&self) -> ArrayView3<'_, f32> {
        self.values.view()
    }

    /// The values as one slice, C order `[view, row, column]`.
    ///
    /// # Panics
    /// Never: construction keeps the standard layout.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        self.values.as_slice().expect("standard layout by construction")
    }
}
