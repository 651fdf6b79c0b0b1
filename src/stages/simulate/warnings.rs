//! Warnings about a simulated scan: a detector that truncates the object, and grids that are too similar.

use crate::data::{Geometry, Grid, Volume, Warning, Warnings};
use crate::geometries::truncation;
use crate::stages::flow::{APART, Content};

/// Voxels above this fraction of the object's largest attenuation count as its support, not air.
const MATTER: f32 = 0.02;

/// Warnings for the scan of an object, which is sampled as `outline`, and for its reconstruction on `grid`.
pub(super) fn of(content: &Content, grid: &Grid, outline: &Volume, geometry: &Geometry) -> Warnings {
    let crime = if let Content::Voxels(volume, _) = content { inverse_crime(&volume.grid, grid) } else { None };
    truncated(outline, geometry).into_iter().chain(crime).collect()
}

fn inverse_crime(fine: &Grid, coarse: &Grid) -> Option<Warning> {
    let (axis, ratio) = coarse.least_coarser(fine);
    (ratio < APART).then(|| {
        let message = format!(
            "the object's voxels {:?} mm are only {ratio:.2} times finer along {axis} than the reconstruction's {:?} \
             mm: the methods share the simulation's discretisation and look better than they are; coarsen `grid` to at \
             least {APART} times along every axis",
            fine.spacing, coarse.spacing
        );
        Warning::new("inverse_crime", message)
    })
}

/// Warns if the object itself, not only its box, is projected outside the detector.
fn truncated(outline: &Volume, geometry: &Geometry) -> Option<Warning> {
    let floor = outline.range().1 * MATTER;
    let matter: Vec<bool> = outline.as_slice().iter().map(|&mu| mu > floor).collect();
    truncation::of_support(geometry, &outline.grid, &matter).message.map(|message| Warning::new("truncated", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lattices_too_alike_are_an_inverse_crime() {
        let fine = Grid::centered([8, 8, 8], [1.0; 3], [0.0; 3]).unwrap();
        let at = |shape| inverse_crime(&fine, &fine.with_shape(shape).unwrap());
        assert!(at([8, 8, 8]).is_some() && at([6, 6, 6]).is_some());
        assert!(at([4, 4, 4]).is_none() && at([8, 4, 4]).is_some_and(|warning| warning.message.contains("along z")));
        let slice = Grid::centered([1, 8, 8], [1.0; 3], [0.0; 3]).unwrap();
        assert!(inverse_crime(&slice, &slice.with_shape([1, 4, 4]).unwrap()).is_none());
    }
}
