//! `slice`: selects one axial slice of a volume as a 2-D object.

use crate::data::{Grid, Volume};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Selection of one axial slice. Give exactly one of the keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slice {
    /// Index of the slice along z, from 0, after the crop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z: Option<usize>,
    /// Position of the slice along z, from 0 (lowest) to 1 (highest); 0.5 is the middle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<f64>,
}

impl Slice {
    /// The selected slice at its position, shape `[1, ny, nx]`. As for every 2-D grid, the thickness is nominal: the
    /// spacing along y.
    ///
    /// # Errors
    /// Not exactly one key, or a slice outside the volume.
    pub fn of(&self, volume: &Volume) -> Result<Volume> {
        let [slices, y, x] = volume.grid.shape;
        let z = self.index(slices)?;
        let cut = volume.cropped([z..z + 1, 0..y, 0..x])?;
        let Grid { shape, spacing: [_, row, column], origin, axes } = cut.grid;
        let flat = Grid::new(shape, [row, row, column], origin, axes)?;
        Volume::new(flat, cut.quantity, cut.voxels().to_owned())
    }

    fn index(&self, slices: usize) -> Result<usize> {
        match (self.z, self.part) {
            (Some(z), None) if z < slices => Ok(z),
            (Some(z), None) => Err(Error::config("z", format!("expected a slice below {slices}, got {z}"))),
            (None, Some(part)) if (0.0..=1.0).contains(&part) => Ok(((part * slices as f64) as usize).min(slices - 1)),
            (None, Some(part)) => Err(Error::config("part", format!("expected 0 to 1, got {part}"))),
            _ => Err(Error::config("", "expected exactly one of `z` and `part`")
                .hint("write `slice: {part: 0.5}` for the middle")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Quantity;

    fn volume() -> Volume {
        let grid = Grid::centered([5, 2, 3], [3.0, 1.0, 0.5], [7.0, 8.0, 9.0]).unwrap();
        Volume::from_vec(grid, Quantity::Attenuation, (0..30u8).map(f32::from).collect()).unwrap()
    }

    #[test]
    fn a_slice_stays_where_it_was_and_is_two_dimensional() {
        let slice = Slice { z: Some(3), part: None }.of(&volume()).unwrap();
        assert_eq!(slice.as_slice(), &[18.0, 19.0, 20.0, 21.0, 22.0, 23.0]);
        assert!(slice.grid.is_2d() && slice.grid.spacing == [1.0, 1.0, 0.5]);
        assert_eq!(slice.grid.point([0.0; 3]), volume().grid.point([3.0, 0.0, 0.0]));
    }

    #[test]
    fn a_part_of_the_height_finds_the_slice_there() {
        let index = |part| Slice { z: None, part: Some(part) }.index(5).unwrap();
        assert_eq!([0.0, 0.19, 0.2, 0.5, 1.0].map(index), [0, 0, 1, 2, 4]);
    }

    #[test]
    fn slices_that_are_not_there_are_refused() {
        let bad = [
            (None, None),
            (Some(5), None),
            (Some(1), Some(0.5)),
            (None, Some(-0.1)),
            (None, Some(1.1)),
            (None, Some(f64::NAN)),
        ];
        for (z, part) in bad {
            assert_eq!(Slice { z, part }.of(&volume()).unwrap_err().exit_code(), 2, "{z:?} {part:?}");
        }
    }
}
