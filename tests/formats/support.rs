//! Helpers that the tests of this binary share: grids, volumes, and DICOM files to change.

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{DefaultDicomObject, InMemDicomObject};
use recon::data::{Grid, Point, Quantity, Volume};
use recon::error::Error;
use recon::formats::dicom::{Identity, Labels, write_series};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Returns the canonical axes turned by three angles (about z, then y, then x), radians.
pub(crate) fn turned(angles: [f64; 3]) -> [Point; 3] {
    let turn = |[x, y, z]: Point| {
        let (s, c) = angles[0].sin_cos();
        let [x, y, z] = [c * x - s * y, s * x + c * y, z];
        let (s, c) = angles[1].sin_cos();
        let [x, y, z] = [c * x + s * z, y, c * z - s * x];
        let (s, c) = angles[2].sin_cos();
        [x, c * y - s * z, s * y + c * z]
    };
    Grid::CANONICAL.map(turn)
}

/// Returns a volume in whole Hounsfield units from -1000, no two voxels of which are equal up to 4001 voxels.
pub(crate) fn volume(grid: Grid) -> Volume {
    let values = (0..grid.voxels()).map(|n| (n * 37 % 4001) as f32 - 1000.0).collect();
    Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap()
}

pub(crate) fn oblique() -> Volume {
    volume(Grid::new([4, 5, 6], [2.5, 1.25, 0.75], [-31.0, 12.3456, 100.5], turned([0.3, -0.2, 0.1])).unwrap())
}

/// Returns the largest distance between corresponding corners of two grids, mm.
pub(crate) fn apart(a: &Grid, b: &Grid) -> f64 {
    assert_eq!(a.shape, b.shape);
    let distance = |(a, b): (&Point, Point)| recon::data::norm(recon::data::sub(*a, b));
    a.corners().iter().zip(b.corners()).map(distance).fold(0.0, f64::max)
}

/// Returns the largest difference between corresponding voxels.
pub(crate) fn difference(a: &Volume, b: &Volume) -> f32 {
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Returns the sum of the voxels, and the sum weighted by z + 2 y + 3 x (indices), which depends on their order.
pub(crate) fn sums(volume: &Volume) -> (f64, f64) {
    let weight = |(z, y, x): (usize, usize, usize)| (z + 2 * y + 3 * x) as f64;
    volume
        .voxels()
        .indexed_iter()
        .fold((0.0, 0.0), |(sum, weighted), (index, &v)| (sum + f64::from(v), weighted + f64::from(v) * weight(index)))
}

pub(crate) fn labels() -> Labels {
    Labels {
        series_description: "recon fdk".into(),
        series_number_offset: 900,
        derivation: "FDK from 40 views".into(),
        identity: Identity::Keep,
        study: "run".into(),
    }
}

/// Writes a series of `slices` slices of 4 x 5 pixels, 2 mm apart, to `folder`; returns its files.
pub(crate) fn series(folder: &Path, slices: usize) -> Vec<PathBuf> {
    let grid = Grid::centered([slices, 4, 5], [2.0, 1.5, 1.5], [10.0, 20.0, 30.0]).unwrap();
    write_series(folder, &volume(grid), &labels(), None).unwrap().files
}

/// Changes a DICOM file in place.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut InMemDicomObject)) {
    let mut object: DefaultDicomObject = dicom_object::open_file(path).unwrap();
    change(&mut object);
    object.write_to_file(path).unwrap();
}

pub(crate) fn put(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
}

/// Returns the message of an input error; fails for anything else.
pub(crate) fn input_error<T>(result: recon::error::Result<T>) -> String {
    match result {
        Err(error @ Error::Input { .. }) => error.to_string(),
        Err(error) => panic!("expected an input error, got {error:?}"),
        Ok(_) => panic!("expected an input error, got a value"),
    }
}

/// Returns a little-endian NIfTI file (header and data in one) of one row of float32 values, 1 mm apart, along the axes
/// of LPS.
pub(crate) fn small(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |place: usize, part: &[u8]| bytes[place..place + part.len()].copy_from_slice(part);
    put(0, &348i32.to_le_bytes());
    for (k, n) in [3, values.len() as i16, 1, 1, 1, 1, 1, 1].into_iter().enumerate() {
        put(40 + 2 * k, &n.to_le_bytes());
    }
    put(70, &16i16.to_le_bytes());
    put(72, &32i16.to_le_bytes());
    for k in 0..4 {
        put(76 + 4 * k, &1f32.to_le_bytes());
    }
    put(108, &352f32.to_le_bytes());
    put(112, &1f32.to_le_bytes());
    put(123, &[2]);
    put(254, &1i16.to_le_bytes());
    for (k, (place, step)) in [(280, -1.0), (296, -1.0), (312, 1f32)].into_iter().enumerate() {
        put(place + 4 * k, &step.to_le_bytes());
    }
    put(344, b"n+1\0");
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}
