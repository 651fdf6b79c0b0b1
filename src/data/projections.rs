//! [`Projections`]: line integrals together with their scan geometry.

use super::geometry::Geometry;
use crate::error::{Error, Result};
use ndarray::{Array3, ArrayView3, Axis};

/// Line integrals of attenuation (dimensionless) `[view, row, column]`, all finite, with their scan geometry.
#[derive(Debug, Clone, PartialEq)]
pub struct Projections {
    /// The scan geometry.
    pub geometry: Geometry,
    values: Array3<f32>,
}

impl Projections {
    /// Creates projections and checks them.
    ///
    /// # Errors
    /// When the shape is not the geometry's or a value is not finite.
    pub fn new(geometry: Geometry, values: Array3<f32>) -> Result<Self> {
        if values.shape() != geometry.shape() {
            let problem = format!("expected [views, rows, columns] = {:?}, got {:?}", geometry.shape(), values.shape());
            return Err(Error::input("projections", problem));
        }
        // Copied only if necessary: the arrays can be large.
        let values = if values.is_standard_layout() { values } else { values.as_standard_layout().into_owned() };
        let bad = values.as_slice().map_or(0, |slice| slice.iter().filter(|v| !v.is_finite()).count());
        if bad > 0 {
            let problem = format!("expected finite line integrals, got {bad} NaN or infinite of {}", values.len());
            return Err(Error::input("projections", problem).hint("was the logarithm of a zero count taken?"));
        }
        Ok(Self { geometry, values })
    }

    /// Creates projections from values in C order `[view, row, column]`.
    ///
    /// # Errors
    /// As [`Projections::new`].
    pub fn from_vec(geometry: Geometry, values: Vec<f32>) -> Result<Self> {
        let (shape, found) = (geometry.shape(), values.len());
        let values = Array3::from_shape_vec(shape, values).map_err(|_| {
            Error::input(
                "projections",
                format!("expected {} values for shape {shape:?}, got {found}", geometry.samples()),
            )
        })?;
        Self::new(geometry, values)
    }

    /// Some of the views with their values, in the order given, with the geometry of [`Geometry::subset`].
    ///
    /// # Errors
    /// No views; a view index out of range.
    pub fn subset(&self, views: &[usize]) -> Result<Self> {
        let geometry = self.geometry.subset(views)?;
        Ok(Self { geometry, values: self.values.select(Axis(0), views) })
    }

    /// The values `[view, row, column]`.
    #[must_use]
    pub fn values(&self) -> ArrayView3<'_, f32> {
        self.values.view()
    }

    /// The values as one slice in C order `[view, row, column]`.
    ///
    /// # Panics
    /// Never: construction keeps the standard layout.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        self.values.as_slice().expect("standard layout by construction")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, DetectorShape, Source, View};

    #[test]
    fn a_subset_has_the_values_of_its_views() {
        let view = |x: f64| View {
            source: Source::Direction([0.0, 1.0, 0.0]),
            center: [x; 3],
            u: [1.0, 0.0, 0.0],
            v: [0.0, 0.0, 1.0],
        };
        let detector = Detector { rows: 2, columns: 3, shape: DetectorShape::Flat };
        let geometry = Geometry::new((0..4).map(|i| view(f64::from(i))).collect(), detector, None).unwrap();
        let whole = Projections::from_vec(geometry, (0..24).map(|i| i as f32).collect()).unwrap();
        let part = whole.subset(&[3, 1]).unwrap();
        assert_eq!(part.geometry.views, [whole.geometry.views[3], whole.geometry.views[1]]);
        assert_eq!(part.as_slice(), [&whole.as_slice()[18..24], &whole.as_slice()[6..12]].concat());
        assert!(whole.subset(&[4]).is_err() && whole.subset(&[]).is_err());
    }
}
