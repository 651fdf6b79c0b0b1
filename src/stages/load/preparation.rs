//! Preparation of loaded voxels before the scan: rescale, clip, crop, slice, resample, in this order.

use super::Slice;
use crate::data::{Quantity, Volume, Warning, hounsfield_to_attenuation};
use crate::error::{Error, Result};
use crate::stages::grid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Optional preparation of the loaded voxels. It changes the scanned object, and with it the ground truth.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Preparation {
    /// Region of the volume to keep. `null`: all.
    pub crop: Option<Crop>,
    /// One axial slice to keep, as a 2-D object. `null`: all slices.
    pub slice: Option<Slice>,
    /// Grid to which the volume is resampled: by averaging to larger voxels, by linear interpolation to smaller ones.
    /// `null`: no resampling.
    pub resample: Option<grid::Config>,
    /// Smallest and largest HU, at least -1000; values outside are clipped. Default for volumes in HU: [-1000, 3000].
    pub clip_hu: Option<[f64; 2]>,
    /// [slope, intercept]: a value v of the file becomes slope * v + intercept, for example for 8-bit files that hold a
    /// grey-value window.
    pub rescale: Option<[f64; 2]>,
}

/// Region of a volume to keep.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Crop {
    /// Voxel index ranges [[z0, z1], [y0, y1], [x0, x1]], from 0; the ends z1, y1 and x1 are not included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voxels: Option<[[usize; 2]; 3]>,
    /// Largest length along z, mm, around the centre of what `voxels` leaves; only whole slices are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z_mm: Option<f64>,
}

crate::sibling_keys!(Preparation { crop, slice, resample, clip_hu, rescale });

impl Preparation {
    /// Default range of HU.
    pub const CLIP_HU: [f64; 2] = [-1000.0, 3000.0];

    /// Prepares the volume and converts it to attenuation (1/mm).
    ///
    /// # Errors
    /// A crop or grid that does not fit the volume, or an empty range of HU.
    pub fn prepare(&self, volume: Volume, mu_water: f64) -> Result<Volume> {
        let hounsfield = volume.quantity == Quantity::Hounsfield;
        let mut volume = self.rescaled(volume)?.to_attenuation(mu_water);
        // Clipped before anything is averaged, because padding values far below air do not describe matter.
        if let Some([low, high]) = self.clip_hu.or(hounsfield.then_some(Self::CLIP_HU)) {
            if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) || low < -1000.0 {
                return Err(Error::config("clip_hu", format!("expected -1000 <= low < high, got [{low}, {high}]")));
            }
            let [low, high] = [low, high].map(|hu| hounsfield_to_attenuation(hu, mu_water) as f32);
            volume = volume.map(|mu| mu.clamp(low, high));
        }
        if let Some(crop) = &self.crop {
            volume = crop.apply(volume).map_err(|error| error.under("crop"))?;
        }
        if let Some(slice) = &self.slice {
            volume = slice.of(&volume).map_err(|error| error.under("slice"))?;
        }
        match &self.resample {
            Some(grid) => {
                let grid = grid.over(&volume.grid).map_err(|error| error.under("resample"))?;
                volume.resampled(&grid).map_err(|error| error.under("resample"))
            }
            None => Ok(volume),
        }
    }

    /// The volume with its values rescaled by `rescale`.
    fn rescaled(&self, volume: Volume) -> Result<Volume> {
        match self.rescale {
            None => Ok(volume),
            Some([slope, intercept]) if slope != 0.0 && slope.is_finite() && intercept.is_finite() => {
                Ok(volume.map(|number| (slope * f64::from(number) + intercept) as f32))
            }
            Some(bad) => Err(Error::config(
                "rescale",
                format!("expected [slope, intercept] with a slope that is not 0, got {bad:?}"),
            )),
        }
    }

    /// Refuses all keys, because a phantom is projected exactly.
    ///
    /// # Errors
    /// If any key is given.
    pub fn refuse_for_phantom(&self) -> Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        let problem =
            "crop, slice, resample, clip_hu and rescale are for voxels; a phantom is projected exactly, as it is";
        Err(Error::config("load", problem).hint("remove them, or set them to nothing: --set load.clip_hu="))
    }
}

/// Largest magnitude of a plausible CT number, HU: the range of 16 bits.
const POSSIBLE_HU: f32 = 32768.0;

/// Warns if a volume in HU holds implausible values, which clipping would hide.
pub(super) fn implausible(volume: &Volume) -> Option<Warning> {
    let beyond = volume.as_slice().iter().filter(|hu| hu.abs() > POSSIBLE_HU).count();
    (volume.quantity == Quantity::Hounsfield && beyond > 0).then(|| {
        let (low, high) = volume.range();
        let message = format!(
            "{beyond} voxels are beyond any CT number (values lie in [{low:e}, {high:e}] HU) and are clipped; are the \
             units right, or is the file damaged?"
        );
        Warning::new("implausible_hu", message)
    })
}

impl Crop {
    fn apply(&self, volume: Volume) -> Result<Volume> {
        let mut volume = volume;
        if let Some(ranges) = self.voxels {
            volume = volume.cropped(ranges.map(|[start, end]| start..end))?;
        }
        let Some(length) = self.z_mm else { return Ok(volume) };
        let slices = (length / volume.grid.spacing[0] + 1e-9).floor();
        if !slices.is_finite() || slices < 1.0 {
            let problem = format!("expected at least one slice of {} mm, got {length} mm", volume.grid.spacing[0]);
            return Err(Error::config("z_mm", problem));
        }
        let [z, y, x] = volume.grid.shape;
        volume.cropped([middle(z, slices as usize), 0..y, 0..x])
    }
}

/// Index range of the middle `keep` of `n` slices; all if there are fewer.
fn middle(n: usize, keep: usize) -> Range<usize> {
    let keep = keep.min(n);
    let start = (n - keep) / 2;
    start..start + keep
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Grid;

    fn volume(values: [f32; 4]) -> Volume {
        let grid = Grid::centered([4, 1, 1], [3.0, 1.0, 1.0], [0.0; 3]).unwrap();
        Volume::from_vec(grid, Quantity::Hounsfield, values.to_vec()).unwrap()
    }

    #[test]
    fn padding_is_clipped_before_it_is_averaged() {
        let grid = grid::Config { shape: Some(vec![2, 1, 1]), ..grid::Config::default() };
        let preparation = Preparation { resample: Some(grid), ..Preparation::default() };
        let prepared = preparation.prepare(volume([-3024.0, 0.0, 0.0, 9000.0]), 0.02).unwrap();
        let expected = [0.01f32, 0.05];
        assert!(prepared.as_slice().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{prepared:?}");
    }

    #[test]
    fn a_crop_in_mm_keeps_whole_slices_about_the_middle() {
        let crop = |z_mm| Preparation { crop: Some(Crop { voxels: None, z_mm: Some(z_mm) }), ..Preparation::default() };
        let cut = crop(6.0).prepare(volume([1.0, 2.0, 3.0, 4.0]), 0.02).unwrap();
        assert_eq!((cut.grid.shape, cut.grid.center()), ([2, 1, 1], [0.0; 3]));
        assert_eq!(crop(600.0).prepare(volume([1.0; 4]), 0.02).unwrap().grid.shape, [4, 1, 1]);
        for bad in [2.0, -1.0, f64::NAN] {
            assert!(crop(bad).prepare(volume([1.0; 4]), 0.02).is_err());
        }
    }

    #[test]
    fn numbers_are_rescaled_before_anything_else() {
        let preparation = Preparation { rescale: Some([10.0, -1000.0]), ..Preparation::default() };
        let prepared = preparation.prepare(volume([0.0, 100.0, 200.0, 900.0]), 0.02).unwrap();
        let expected = [0.0f32, 0.02, 0.04, 0.08];
        assert!(prepared.as_slice().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{prepared:?}");
        let flat = Preparation { rescale: Some([0.0, 1.0]), ..Preparation::default() };
        assert_eq!(flat.prepare(volume([0.0; 4]), 0.02).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn impossible_ranges_of_hu_are_refused() {
        for clip in [[0.0, 0.0], [10.0, -10.0], [f64::NAN, 0.0], [-2000.0, 0.0]] {
            let preparation = Preparation { clip_hu: Some(clip), ..Preparation::default() };
            assert_eq!(preparation.prepare(volume([0.0; 4]), 0.02).unwrap_err().exit_code(), 2);
        }
    }
}
