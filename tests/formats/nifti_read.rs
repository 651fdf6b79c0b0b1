//! Tests on NIfTI files that other programs wrote.

use crate::common::data_or_skip;
use crate::support::{apart, difference, folder, input_error, small, sums};
use recon::data::Quantity;
use recon::formats::{Units, nifti};
use std::path::Path;

const CTA: &str = "nifti/ct_thorax_cta_1.5mm/ct_cropped.nii.gz";

#[test]
fn the_thorax_is_where_nibabel_puts_it() {
    let loaded = nifti::read(&data_or_skip!(CTA), Units::Hounsfield).unwrap();
    let grid = &loaded.volume.grid;
    // The figures are those of nibabel.as_closest_canonical, with x and y reversed (from RAS to LPS).
    assert_eq!(grid.shape, [164, 126, 120]);
    assert_eq!(grid.spacing, [1.5; 3]);
    let expected = [-71.658203125, -255.658203125, 540.2000122070312];
    assert!(grid.origin.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", grid.origin);
    assert_eq!(loaded.volume.range(), (-1078.0, 3343.0));
    assert_eq!(sums(&loaded.volume), (-497_705_824.0, -211_045_869_299.0));
    assert_eq!(loaded.warnings.iter().map(|w| w.code.as_str()).collect::<Vec<_>>(), ["nifti_unit_unknown"]);
    assert!(loaded.volume.quantity == Quantity::Hounsfield);
}

#[test]
fn all_48_orientations_load_to_one_canonical_volume() {
    let folder = data_or_skip!("nifti/orientations48_mri");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 48);
    let first = nifti::read(&files[0], Units::Relative).unwrap().volume;
    assert_eq!(first.grid.shape, [67, 79, 64]);
    for file in &files[1..] {
        let volume = nifti::read(file, Units::Relative).unwrap().volume;
        // The files were resampled to 8 bits one by one: they differ by less than two steps and a tenth of a mm.
        assert!(difference(&first, &volume) < 2.0, "{}", file.display());
        assert!(apart(&first.grid, &volume.grid) < 0.1, "{}", file.display());
    }
}

#[test]
fn types_byte_orders_and_forms_agree_with_nibabel() {
    // File, shape, origin (mm), and the sum and weighted sum (see `sums`) of nibabel's get_fdata.
    type Row = (&'static str, [usize; 3], [f64; 3], (f64, f64));
    let rows: [Row; 5] = [
        // The file is big-endian int16 and has a qform only.
        ("nibabel_tests/anatomical.nii", [25, 41, 33], [-32.0, -40.0, -16.0], (284_166_082.0, 28_824_288_736.0)),
        // The file is big-endian float64.
        (
            "nibabel_tests/reoriented_anat_moved.nii",
            [22, 26, 21],
            [-44.70210266113281, -52.02241516113281, -27.599409103393555],
            (32_739_769.449157715, 2_150_787_793.815979),
        ),
        ("nibabel_tests/standard.nii.gz", [7, 5, 4], [-3.0, -12.0, 0.0], (7650.0, 84405.0)),
        // The file has neither sform nor qform; the origin is the one that nibabel assumes.
        ("types/minimal.nii.gz", [10, 64, 64], [-94.5, -94.5, -13.5], (1_290_240.0, 181_063_680.0)),
        (
            "microct_trabecular_bone/LHDL_3155_D_4_bc_uint8_converted.nii.gz",
            [200; 3],
            [-3.880500080063939, -3.880500080063939, 0.0],
            (375_897_899.0, 225_526_387_429.0),
        ),
    ];
    let folder = data_or_skip!("nifti");
    for (file, shape, origin, expected) in rows {
        let volume = nifti::read(&folder.join(file), Units::Relative).unwrap().volume;
        assert_eq!(volume.grid.shape, shape, "{file}");
        assert!(
            volume.grid.origin.iter().zip(origin).all(|(a, b)| (a - b).abs() < 1e-6),
            "{file}: {:?}",
            volume.grid.origin
        );
        let found = sums(&volume);
        assert!(
            (found.0 - expected.0).abs() < 1e-9 * expected.0 && (found.1 - expected.1).abs() < 1e-9 * expected.1,
            "{file}: {found:?}"
        );
    }
}

#[test]
fn a_file_of_one_volume_in_four_dimensions_is_read_and_of_several_refused() {
    let folder = folder();
    let file = folder.path().join("a.nii");
    for (volumes, fits) in [(1u8, true), (2, false)] {
        let mut bytes = small(&[1.0, 2.0, 3.0, 4.0]);
        bytes[40] = 4;
        bytes[48] = volumes;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(nifti::read(&file, Units::Relative).is_ok(), fits);
    }
    assert!(input_error(nifti::read(&file, Units::Relative)).contains("expected one volume, got 2"));
}

#[test]
fn what_is_not_one_scalar_volume_is_refused_with_a_reason() {
    let folder = data_or_skip!("nifti");
    for (file, reason) in [
        ("nibabel_tests/example4d.nii.gz", "expected one volume, got 2"),
        ("nibabel_tests/example_nifti2.nii.gz", "expected one volume, got 2"),
        ("nibabel_tests/nifti2.hdr", "nifti2.img: no such file"),
        ("nibabel_tests/row_major.dconn.nii", "row_major.dconn.nii"),
        ("nibabel_tests/analyze.hdr", "ANALYZE"),
        ("nibabel_tests/nifti1.hdr", "nifti1.img: no such file"),
        ("nibabel_tests/resampled_anat_moved.nii", "153 NaN and 0 infinite of 1071"),
        ("types/complex.nii.gz", "complex64"),
        ("types/ct_perfusion.nii.gz", "RGB"),
    ] {
        let message = input_error(nifti::read(&folder.join(file), Units::Hounsfield));
        assert!(message.contains(reason), "{file}: {message}");
    }
}

#[test]
fn values_unlike_their_units_are_doubted() {
    let folder = folder();
    let file = folder.path().join("a.nii");
    let codes = |values: &[f32], units| {
        std::fs::write(&file, small(values)).unwrap();
        let loaded = nifti::read(&file, units).unwrap();
        loaded.warnings.iter().any(|warning| warning.code == "units_doubtful")
    };
    assert!(codes(&[0.0, 255.0], Units::Hounsfield) && !codes(&[-1000.0, 255.0], Units::Hounsfield));
    assert!(codes(&[-1000.0, 255.0], Units::AttenuationPerMm) && !codes(&[0.0, 0.05], Units::AttenuationPerMm));
    assert!(codes(&[-1000.0, 255.0], Units::Relative) && !codes(&[0.0, 1.5], Units::Relative));
}

#[test]
fn scaling_units_of_length_and_pairs_are_honoured() {
    let folder = folder();
    let file = folder.path().join("a.nii");
    let first = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        nifti::read(&file, Units::Relative).map(|loaded| (loaded.volume.as_slice()[0], loaded.volume.grid.spacing[1]))
    };
    let with = |place: usize, value: f32| {
        let mut bytes = small(&[3.0, 4.0]);
        bytes[place..place + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    assert_eq!(first(&with(112, 2.0)).unwrap(), (6.0, 1.0));
    // A slope of 0 or NaN means none, as in nibabel; infinite ones are refused.
    assert_eq!(first(&with(112, 0.0)).unwrap().0, 3.0);
    assert_eq!(first(&with(112, f32::NAN)).unwrap().0, 3.0);
    assert!(input_error(first(&with(112, f32::INFINITY))).contains("scl_slope"));
    assert!(input_error(first(&with(116, f32::NAN))).contains("scl_inter"));
    for (unit, spacing) in [(0u8, 1.0), (1, 1000.0), (2, 1.0), (3, 1e-3)] {
        let mut bytes = small(&[3.0, 4.0]);
        bytes[123] = unit;
        assert!((first(&bytes).unwrap().1 / spacing - 1.0).abs() < 1e-12);
    }
    pair(folder.path());
}

fn pair(folder: &Path) {
    let mut header = small(&[3.0, 4.0]);
    let data = header.split_off(352);
    header[344..348].copy_from_slice(b"ni1\0");
    header[108..112].copy_from_slice(&0f32.to_le_bytes());
    std::fs::write(folder.join("p.hdr"), header).unwrap();
    std::fs::write(folder.join("p.img"), data).unwrap();
    for name in ["p.hdr", "p.img"] {
        assert_eq!(nifti::read(&folder.join(name), Units::Relative).unwrap().volume.as_slice(), [3.0, 4.0]);
    }
}
