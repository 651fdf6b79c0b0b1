//! [`Volume`]: voxel values on a grid, with their physical quantity.

use super::grid::Grid;
use super::units::{Quantity, attenuation_to_hounsfield, hounsfield_to_attenuation};
use crate::error::{Error, Result};
use ndarray::{Array3, ArrayView3};

/// Voxel values `[z, y, x]` on a [`Grid`], all finite, of one [`Quantity`].
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Position, spacing and orientation of the voxels.
    pub grid: Grid,
    /// Physical quantity of the values.
    pub quantity: Quantity,
    voxels: Array3<f32>,
}

impl Volume {
    /// Creates a volume and checks it; `voxels` is `[z, y, x]`, in any memory layout.
    ///
    /// # Errors
    /// When the shape is not the grid's or a value is not finite.
    pub fn new(grid: Grid, quantity: Quantity, voxels: Array3<f32>) -> Result<Self> {
        if voxels.shape() != grid.shape {
            return Err(Error::input(
                "volume",
                format!("expected voxels of shape {:?} as its grid, got {:?}", grid.shape, voxels.shape()),
            ));
        }
        // Copied only if necessary: the arrays can be large.
        let voxels = if voxels.is_standard_layout() { voxels } else { voxels.as_standard_layout().into_owned() };
        let bad = voxels.as_slice().map_or(0, |slice| slice.iter().filter(|v| !v.is_finite()).count());
        if bad > 0 {
            return Err(Error::input(
                "volume",
                format!("expected finite voxels, got {bad} NaN or infinite of {}", voxels.len()),
            )
            .hint("replace them in the source, for instance by the value of air"));
        }
        Ok(Self { grid, quantity, voxels })
    }

    /// Creates a volume from values in C order `[z, y, x]`.
    ///
    /// # Errors
    /// As [`Volume::new`].
    pub fn from_vec(grid: Grid, quantity: Quantity, values: Vec<f32>) -> Result<Self> {
        let found = values.len();
        let voxels = Array3::from_shape_vec(grid.shape, values).map_err(|_| {
            Error::input("volume", format!("expected {} voxels for shape {:?}, got {found}", grid.voxels(), grid.shape))
        })?;
        Self::new(grid, quantity, voxels)
    }

    /// Creates a volume with the same value in every voxel.
    #[must_use]
    pub fn filled(grid: Grid, quantity: Quantity, value: f32) -> Self {
        let voxels = Array3::from_elem(grid.shape, value);
        Self { grid, quantity, voxels }
    }

    /// The voxel values `[z, y, x]`.
    #[must_use]
    pub fn voxels(&self) -> ArrayView3<'_, f32> {
        self.voxels.view()
    }

    /// The voxel values as one slice in C order `[z, y, x]`.
    ///
    /// # Panics
    /// Never: construction keeps the standard layout.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        self.voxels.as_slice().expect("standard layout by construction")
    }

    /// Applies `f` to every voxel; `f` must return a finite value.
    #[must_use]
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        Self { grid: self.grid.clone(), quantity: self.quantity, voxels: self.voxels.mapv(f) }
    }

    /// Smallest and largest voxel value.
    #[must_use]
    pub fn range(&self) -> (f32, f32) {
        self.voxels.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
    }

    /// Converts to linear attenuation, 1/mm. Relative values are multiples of `mu_water` (1/mm).
    #[must_use]
    pub fn to_attenuation(&self, mu_water: f64) -> Self {
        let convert = |v: f32| match self.quantity {
            Quantity::Hounsfield => hounsfield_to_attenuation(f64::from(v), mu_water) as f32,
            Quantity::Attenuation => v,
            Quantity::Relative => (f64::from(v) * mu_water) as f32,
        };
        Self { quantity: Quantity::Attenuation, ..self.map(convert) }
    }

    /// Converts to Hounsfield units. Relative values are multiples of water's attenuation.
    #[must_use]
    pub fn to_hounsfield(&self, mu_water: f64) -> Self {
        let convert = |v: f32| match self.quantity {
            Quantity::Hounsfield => v,
            Quantity::Attenuation => attenuation_to_hounsfield(f64::from(v), mu_water) as f32,
            Quantity::Relative => attenuation_to_hounsfield(f64::from(v) * mu_water, mu_water) as f32,
        };
        Self { quantity: Quantity::Hounsfield, ..self.map(convert) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hounsfield_round_trip() {
        let grid = Grid::centered([1, 1, 2], [1.0; 3], [0.0; 3]).unwrap();
        let volume = Volume::from_vec(grid, Quantity::Hounsfield, vec![-1000.0, 500.0]).unwrap();
        let mu = volume.to_attenuation(0.02);
        assert!((f64::from(mu.as_slice()[1]) - 0.03).abs() < 1e-8 && mu.as_slice()[0] == 0.0);
        assert!((mu.to_hounsfield(0.02).as_slice()[1] - 500.0).abs() < 1e-3);
    }

    #[test]
    fn nan_and_wrong_shapes_are_refused() {
        let grid = Grid::centered([1, 1, 2], [1.0; 3], [0.0; 3]).unwrap();
        assert!(Volume::from_vec(grid.clone(), Quantity::Relative, vec![0.0, f32::NAN]).is_err());
        assert!(Volume::from_vec(grid, Quantity::Relative, vec![0.0; 3]).is_err());
    }
}
