//! Sagittal, coronal and tilted single slices are rotated into the axial plane, because a slice is scanned in its own
//! plane.
//!
//! A scan rotates about z. In their original position, the beam would pass along a sagittal or coronal slice edge-on,
//! and a tilted slice would not stay on the single detector row. The original pose is kept for exports.

use crate::data::{Grid, Volume, Warning, cross};
use crate::error::Result;
use crate::stages::flow::LaidDown;
use ndarray::Axis;

/// Cosine of the angle between a slice's normal and z above which the slice counts as axial: a quarter of a degree.
const UPRIGHT: f64 = 0.99999;

/// Rotates a single slice that is not axial into the axial plane, about its centre; other volumes are returned
/// unchanged. The first row of a sagittal or coronal slice is its superior end, as on a screen. The thickness is
/// nominal: the spacing of the rows. Also returns the original pose and a warning.
///
/// # Errors
/// Never, for a valid volume.
pub(super) fn in_own_plane(volume: Volume) -> Result<(Volume, Option<(LaidDown, Warning)>)> {
    let grid = &volume.grid;
    let single: Vec<usize> = (0..3).filter(|&k| grid.shape[k] == 1).collect();
    let [across] = single[..] else { return Ok((volume, None)) };
    if across == 0 && grid.axes[0][2].abs() > UPRIGHT {
        return Ok((volume, None));
    }
    let [rows, columns] = [[1, 2], [0, 2], [0, 1]][across];
    let mut voxels = volume.voxels().permuted_axes([across, rows, columns]);
    if rows == 0 {
        voxels.invert_axis(Axis(1));
    }
    let shape = [1, grid.shape[rows], grid.shape[columns]];
    let spacing = [grid.spacing[rows], grid.spacing[rows], grid.spacing[columns]];
    let flat = Grid::centered(shape, spacing, grid.center())?;
    let normal = grid.axes[across].map(|part| format!("{part:.2}")).join(", ");
    let message = format!(
        "the one slice, with normal ({normal}), is scanned in its own plane: results are an axial slice about the same \
         centre, without the patient's axes; a DICOM series has them where the slice lay"
    );
    let lay = original_pose(grid, rows, columns);
    let laid = Volume::new(flat, volume.quantity, voxels.as_standard_layout().into_owned())?;
    Ok((laid, Some((lay, Warning::new("slice_laid_down", message)))))
}

/// The pose of a single slice whose rows and columns lie along these axes of its grid.
fn original_pose(grid: &Grid, rows: usize, columns: usize) -> LaidDown {
    let down = if rows == 0 { grid.axes[rows].map(|part| -part) } else { grid.axes[rows] };
    let over = grid.axes[columns];
    LaidDown { center: grid.center(), axes: [cross(over, down), down, over] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Quantity;

    fn volume(shape: [usize; 3], axes: [[f64; 3]; 3]) -> Volume {
        let grid = Grid::new(shape, [3.0, 2.0, 1.0], [7.0, 8.0, 9.0], axes).unwrap();
        let count = grid.voxels();
        Volume::from_vec(grid, Quantity::Attenuation, (0..count as u16).map(f32::from).collect()).unwrap()
    }

    const UP: [[f64; 3]; 3] = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];

    #[test]
    fn sagittal_and_coronal_slices_lie_with_their_superior_end_first() {
        let sagittal = volume([2, 3, 1], UP);
        let (laid, warning) = in_own_plane(sagittal.clone()).unwrap();
        assert_eq!((laid.grid.shape, laid.grid.spacing, laid.grid.axes), ([1, 2, 3], [3.0, 3.0, 2.0], UP));
        assert_eq!(laid.as_slice(), &[3.0, 4.0, 5.0, 0.0, 1.0, 2.0]);
        assert_eq!(laid.grid.center(), sagittal.grid.center());
        let (lay, warning) = warning.unwrap();
        assert_eq!(warning.code, "slice_laid_down");
        let back = lay.restored(&laid).unwrap();
        // The voxel that came first was (z 1, y 0), and the one after it is a step of y on.
        assert_eq!(back.grid.point([0.0; 3]), sagittal.grid.point([1.0, 0.0, 0.0]));
        assert_eq!(back.grid.point([0.0, 1.0, 2.0]), sagittal.grid.point([0.0, 2.0, 0.0]));
        let (coronal, _) = in_own_plane(volume([2, 1, 3], UP)).unwrap();
        assert_eq!((coronal.grid.shape, coronal.grid.spacing), ([1, 2, 3], [3.0, 3.0, 1.0]));
        assert_eq!(coronal.as_slice(), &[3.0, 4.0, 5.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn a_tilted_slice_is_levelled_and_axial_slices_and_volumes_are_left() {
        let (s, c) = 10f64.to_radians().sin_cos();
        let tilted = volume([1, 2, 3], [[0.0, -s, c], [0.0, c, s], [1.0, 0.0, 0.0]]);
        let (laid, warning) = in_own_plane(tilted.clone()).unwrap();
        assert!(laid.grid.axes == UP && laid.as_slice() == tilted.as_slice());
        let back = warning.unwrap().0.restored(&laid).unwrap();
        let apart = |k: [f64; 3]| crate::data::norm(crate::data::sub(back.grid.point(k), tilted.grid.point(k)));
        assert!([[0.0; 3], [0.0, 1.0, 2.0]].map(apart).iter().all(|mm| *mm < 1e-9), "{back:?}");
        for kept in [volume([1, 2, 3], UP), volume([2, 2, 3], UP), volume([1, 1, 3], UP)] {
            let (same, warning) = in_own_plane(kept.clone()).unwrap();
            assert!(same == kept && warning.is_none());
        }
    }
}
