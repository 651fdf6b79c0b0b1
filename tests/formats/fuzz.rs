//! Exhaustive small damage: every byte changed in several ways, every truncation. Any answer will do but a panic or an
//! error that is not the input's.

use crate::common::data_or_skip;
use crate::support::{folder, series, small};
use flate2::Compression;
use flate2::write::GzEncoder;
use recon::error::Error;
use recon::formats::{Units, describe, dicom, nifti, npy};
use std::io::Write;
use std::path::Path;

/// Reads what is left of `seed` after each damage; damage at every `stride`-th byte.
fn damage(seed: &[u8], name: &str, stride: usize, read: &(dyn Fn(&Path) -> Option<Error> + Sync)) {
    // Within a pool of one, parallel loops over next to nothing cost nothing.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| damage_alone(seed, name, stride, read));
}

fn damage_alone(seed: &[u8], name: &str, stride: usize, read: &dyn Fn(&Path) -> Option<Error>) {
    let folder = folder();
    let path = folder.path().join(name);
    let check = |bytes: &[u8], what: &str| {
        // A new file each time: file systems flush one that is emptied and written again.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).unwrap();
        if let Some(error) = read(&path) {
            assert_eq!(error.exit_code(), 3, "{what}: {error}");
        }
    };
    for place in (0..seed.len()).step_by(stride) {
        let mut bytes = seed.to_vec();
        for value in [seed[place] ^ 1, seed[place] ^ 0x80, 0, 0xff] {
            bytes[place] = value;
            check(&bytes, &format!("byte {place} = {value}"));
        }
        check(&seed[..place], &format!("cut at {place}"));
    }
}

fn read_nifti(path: &Path) -> Option<Error> {
    nifti::read(path, Units::Hounsfield).err()
}

fn read_dicom(path: &Path) -> Option<Error> {
    dicom::read_series(path, None).err()
}

#[test]
fn no_damage_to_a_nifti_file_panics() {
    damage(&small(&[1.0, -2.0, 3.5]), "a.nii", 1, &read_nifti);
    let mut big_endian = small(&[1.0]);
    big_endian[..4].reverse();
    damage(&big_endian, "a.nii", 1, &read_nifti);
}

#[test]
fn no_damage_to_a_compressed_nifti_file_panics() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&small(&[1.0, -2.0, 3.5])).unwrap();
    damage(&encoder.finish().unwrap(), "a.nii.gz", 1, &read_nifti);
}

#[test]
fn no_damage_to_a_dicom_file_panics() {
    let folder = folder();
    let seed = std::fs::read(&series(folder.path(), 1)[0]).unwrap();
    damage(&seed, "a.dcm", 1, &read_dicom);
    damage(&seed, "a.dcm", 7, &|path| describe(path).err());
}

#[test]
fn no_damage_to_an_array_header_panics() {
    let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2), }\n";
    let seed = [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header, &[0; 8]].concat();
    damage(&seed, "a.npy", 1, &|path| describe(path).err());
    let _ = npy::read_projections;
}

#[test]
fn no_damage_to_compressed_pixels_panics() {
    for name in ["CT1_RLE", "CT1_JPLL", "CT1_J2KR"] {
        let seed = std::fs::read(data_or_skip!(&format!("dicom/compressed_wg04_ct1_ge/{name}"))).unwrap();
        let pixels = seed.windows(4).position(|tag| tag == [0xe0, 0x7f, 0x10, 0]).unwrap();
        let folder = folder();
        let file = folder.path().join("a.dcm");
        // The headers of the codestream byte by byte, then some way apart.
        for place in (pixels..pixels + 160).step_by(3).chain((pixels + 160..seed.len()).step_by(seed.len() / 12)) {
            let mut bytes = seed.clone();
            bytes[place] ^= 0x55;
            let _ = std::fs::remove_file(&file);
            std::fs::write(&file, &bytes).unwrap();
            if let Some(error) = read_dicom(&file) {
                assert_eq!(error.exit_code(), 3, "{name}, byte {place}: {error}");
            }
        }
    }
}
