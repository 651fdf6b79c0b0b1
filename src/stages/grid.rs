//! Configuration of a grid (`grid` and `resample`): by shape, by spacing, or copied from a file.

use crate::data::Grid;
use crate::error::{Error, Result};
use crate::formats::grid_of;
use crate::input_path::InputPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Grid over a given box. Exactly one of the keys must be given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Number of voxels [z, y, x], or [y, x] in 2-D.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// Voxel spacing in mm: one number for all axes, or [z, y, x] ([y, x] in 2-D). The shape is rounded to whole
    /// voxels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing_mm: Option<Spacing>,
    /// NIfTI file whose grid is used as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<InputPath>,
}

/// Spacing for all axes, or one per axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number of mm or a list of them, one per axis")]
pub enum Spacing {
    /// The same along all axes.
    One(f64),
    /// [z, y, x], or [y, x] in 2-D.
    Each(Vec<f64>),
}

impl Config {
    /// The grid over the box of `bounds`; for `from` the grid of the file, whatever the box.
    ///
    /// # Errors
    /// Not exactly one key is given, a list does not have one entry per axis, a spacing is not positive, or a file has
    /// no grid.
    pub fn over(&self, bounds: &Grid) -> Result<Grid> {
        match (&self.shape, &self.spacing_mm, &self.from) {
            (Some(shape), None, None) => {
                bounds.with_shape(per_axis(shape, 1, bounds).map_err(|error| error.under("shape"))?)
            }
            (None, Some(spacing), None) => spacing.over(bounds).map_err(|error| error.under("spacing_mm")),
            (None, None, Some(file)) => grid_of::read(file),
            _ => Err(Error::config("", "expected exactly one of `shape`, `spacing_mm` and `from`")
                .hint("replace the whole map, as in --set 'grid={spacing_mm: 2}'")),
        }
    }
}

impl Config {
    /// The grid of the file, if `from` is the only key that is given.
    pub fn of_file(&self) -> Option<Result<Grid>> {
        self.from.as_ref().filter(|_| self.shape.is_none() && self.spacing_mm.is_none()).map(|file| grid_of::read(file))
    }
}

impl Spacing {
    fn over(&self, bounds: &Grid) -> Result<Grid> {
        let spacing = match self {
            Self::One(length) => [*length; 3],
            Self::Each(lengths) => per_axis(lengths, lengths.last().copied().unwrap_or(1.0), bounds)?,
        };
        if let Some(bad) = spacing.iter().find(|length| !length.is_finite() || **length <= 0.0) {
            return Err(Error::config("", format!("expected positive lengths in mm, got {bad}")));
        }
        let extent = bounds.extent();
        let count =
            |k: usize| if k == 0 && bounds.is_2d() { 1 } else { ((extent[k] / spacing[k]).round() as usize).max(1) };
        bounds.with_shape(std::array::from_fn(count))
    }
}

/// A list [z, y, x], or [y, x] in 2-D, as [z, y, x]; `slice` is the missing z value.
fn per_axis<T: Copy + std::fmt::Debug>(list: &[T], slice: T, bounds: &Grid) -> Result<[T; 3]> {
    match *list {
        [z, y, x] => Ok([z, y, x]),
        [y, x] if bounds.is_2d() => Ok([slice, y, x]),
        _ => Err(Error::config("", format!("expected [z, y, x] ([y, x] for a 2-D object), got {list:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(shape: [usize; 3]) -> Grid {
        Grid::centered(shape, [2.0; 3], [0.0; 3]).unwrap()
    }

    fn by_shape(shape: &[usize]) -> Config {
        Config { shape: Some(shape.to_vec()), ..Config::default() }
    }

    fn by_spacing(spacing: Spacing) -> Config {
        Config { spacing_mm: Some(spacing), ..Config::default() }
    }

    #[test]
    fn shape_and_spacing_give_the_same_box() {
        let grid = by_shape(&[5, 10, 20]).over(&bounds([10, 20, 40])).unwrap();
        assert_eq!((grid.shape, grid.spacing), ([5, 10, 20], [4.0; 3]));
        assert_eq!(by_spacing(Spacing::One(4.0)).over(&bounds([10, 20, 40])).unwrap(), grid);
        assert_eq!(by_spacing(Spacing::Each(vec![4.0, 4.0, 4.0])).over(&bounds([10, 20, 40])).unwrap(), grid);
        assert_eq!(by_shape(&[8, 8]).over(&bounds([1, 16, 16])).unwrap().shape, [1, 8, 8]);
    }

    #[test]
    fn what_makes_no_lattice_is_refused() {
        let bad = [
            Config::default(),
            Config { spacing_mm: Some(Spacing::One(1.0)), ..by_shape(&[2, 2, 2]) },
            by_shape(&[2, 2]),
            by_shape(&[]),
            by_shape(&[0, 2, 2]),
            by_spacing(Spacing::Each(vec![])),
            by_spacing(Spacing::One(-1.0)),
            by_spacing(Spacing::One(f64::NAN)),
            by_spacing(Spacing::One(1e-300)),
        ];
        assert!(bad.iter().all(|config| config.over(&bounds([4, 4, 4])).is_err()));
    }
}
