//! Tests of the NIfTI writer against recon's reader and that of the crate `nifti`.

use crate::support::{apart, difference, folder, oblique, turned, volume};
use nifti::{InMemNiftiVolume, NiftiHeader, NiftiObject, RandomAccessNiftiVolume, ReaderOptions};
use proptest::prelude::*;
use recon::data::{Grid, Quantity, Volume};
use recon::formats::{Units, grid_of, nifti as ours};
use std::path::Path;

fn round_trip(path: &Path, volume: &Volume) -> Volume {
    ours::write(path, volume, "test").unwrap();
    ours::read(path, Units::Hounsfield).unwrap().volume
}

#[test]
fn writing_and_reading_keeps_voxels_and_place_compressed_or_not() {
    let folder = folder();
    let volume = oblique();
    for name in ["a.nii", "a.nii.gz", "case.1.nii.gz"] {
        let path = folder.path().join(name);
        let back = round_trip(&path, &volume);
        assert_eq!(back.as_slice(), volume.as_slice(), "{name}");
        assert!(apart(&back.grid, &volume.grid) < 1e-4, "{name}");
        assert!(apart(&grid_of::read(&path).unwrap(), &volume.grid) < 1e-4);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "exactly the names asked for");
}

#[test]
fn the_same_volume_gives_the_same_bytes() {
    let folder = folder();
    let (a, b) = (folder.path().join("a.nii.gz"), folder.path().join("b.nii.gz"));
    ours::write(&a, &oblique(), "x").unwrap();
    ours::write(&b, &oblique(), "x").unwrap();
    assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
}

#[test]
fn other_endings_and_descriptions_of_any_length_are_handled() {
    let folder = folder();
    assert_eq!(ours::write(&folder.path().join("a.img"), &oblique(), "").unwrap_err().exit_code(), 2);
    let path = folder.path().join("a.nii");
    ours::write(&path, &oblique(), &"ü".repeat(100)).unwrap();
    assert_eq!(NiftiHeader::from_file(&path).unwrap().descrip.len(), 80);
}

#[test]
fn the_header_says_what_viewers_need_and_another_reader_finds_the_voxels() {
    let folder = folder();
    let path = folder.path().join("a.nii");
    let volume = oblique();
    ours::write(&path, &volume, "fdk").unwrap();
    let object = ReaderOptions::new().read_file(&path).unwrap();
    let header = object.header().clone();
    assert_eq!(
        (header.sform_code, header.qform_code, header.xyzt_units, header.datatype, header.bitpix),
        (1, 1, 2, 16, 32)
    );
    assert!(header.descrip.starts_with(b"fdk [HU]\0"));
    let (qform, sform) = (qform(&header), [header.srow_x, header.srow_y, header.srow_z].map(|row| row.map(f64::from)));
    for row in 0..3 {
        for column in 0..4 {
            assert!((qform[row][column] - sform[row][column]).abs() < 1e-5, "row {row}, column {column}");
        }
    }
    // Every voxel, found through the stored matrix, has the place and the value that the volume gives it.
    let data: InMemNiftiVolume = object.into_volume();
    for (index, &value) in volume.voxels().indexed_iter() {
        let [x, y, z] = volume.grid.point([index.0 as f64, index.1 as f64, index.2 as f64]);
        let stored = solve(&sform, [-x, -y, z]).map(|v| v.round() as u16);
        assert_eq!(data.get_f32(&stored).unwrap(), value, "{index:?} at {stored:?}");
    }
}

/// Returns the qform's matrix by method 2 of nifti1.h, implemented a second time.
fn qform(header: &NiftiHeader) -> [[f64; 4]; 3] {
    let [b, c, d] = [header.quatern_b, header.quatern_c, header.quatern_d].map(f64::from);
    let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
    let r = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
        [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
        [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ];
    let size = [header.pixdim[1], header.pixdim[2], header.pixdim[3] * header.pixdim[0]].map(f64::from);
    let offset = [header.quatern_x, header.quatern_y, header.quatern_z].map(f64::from);
    std::array::from_fn(|row| [r[row][0] * size[0], r[row][1] * size[1], r[row][2] * size[2], offset[row]])
}

/// Returns the index of a point, by Cramer's rule.
fn solve(m: &[[f64; 4]; 3], point: [f64; 3]) -> [f64; 3] {
    use recon::data::{cross, dot, sub};
    let column = |k: usize| [m[0][k], m[1][k], m[2][k]];
    let (a, b, c, p) = (column(0), column(1), column(2), sub(point, column(3)));
    let determinant = dot(a, cross(b, c));
    [dot(p, cross(b, c)), dot(a, cross(p, c)), dot(a, cross(b, p))].map(|v| v / determinant)
}

#[test]
fn a_slice_stays_two_dimensional() {
    let folder = folder();
    let slice = volume(Grid::centered([1, 5, 4], [0.7, 0.7, 0.7], [1.0, 2.0, 3.0]).unwrap());
    let back = round_trip(&folder.path().join("a.nii.gz"), &slice);
    assert!(back.grid.is_2d() && back.grid.spacing[0] == back.grid.spacing[1]);
    assert!(apart(&back.grid, &slice.grid) < 1e-5 && difference(&back, &slice) == 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_grid_comes_back(
        shape in prop::array::uniform3(1usize..6),
        spacing in prop::array::uniform3(0.02f64..8.0),
        origin in prop::array::uniform3(-500.0f64..500.0),
        angles in prop::array::uniform3(-0.6f64..0.6),
    ) {
        let spacing = if shape[0] == 1 { [spacing[1], spacing[1], spacing[2]] } else { spacing };
        let grid = Grid::new(shape, spacing, origin, turned(angles)).unwrap();
        let values = (0..grid.voxels()).map(|n| n as f32 * 0.1).collect();
        let volume = Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap();
        let folder = folder();
        let back = round_trip(&folder.path().join("a.nii"), &volume);
        // At large angles another axis is the closest to a canonical one: the points and values are the same, in
        // another order.
        let point_of = |volume: &Volume, n: usize| {
            let [_, ny, nx] = volume.grid.shape;
            volume.grid.point([(n / (ny * nx)) as f64, (n / nx % ny) as f64, (n % nx) as f64])
        };
        let voxel = |n| (volume.as_slice()[n], point_of(&volume, n));
        let mut there: Vec<_> = (0..volume.grid.voxels()).map(voxel).collect();
        let mut here: Vec<_> = (0..back.grid.voxels()).map(|n| (back.as_slice()[n], point_of(&back, n))).collect();
        there.sort_by(|a, b| a.0.total_cmp(&b.0));
        here.sort_by(|a, b| a.0.total_cmp(&b.0));
        prop_assert_eq!(there.len(), here.len());
        for (a, b) in there.iter().zip(&here) {
            prop_assert_eq!(a.0, b.0);
            prop_assert!(recon::data::norm(recon::data::sub(a.1, b.1)) < 2e-4, "{:?} {:?}", a.1, b.1);
        }
    }
}
