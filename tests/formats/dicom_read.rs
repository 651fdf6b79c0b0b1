//! Tests on real DICOM series and codecs; the expected figures are those of pydicom and SimpleITK.

use crate::common::data_or_skip;
use crate::support::{difference, edit, folder, input_error, put, sums};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use recon::data::{Grid, Quantity};
use recon::formats::dicom::{read_series, read_with};
use recon::formats::{Reading, Sheared, Units};
use std::path::Path;

/// Compares a grid with the shape, the spacing (mm) and the origin (mm) that SimpleITK's series reader gives.
fn check_grid(grid: &Grid, shape: [usize; 3], spacing: [f64; 3], origin: [f64; 3]) {
    assert_eq!(grid.shape, shape);
    assert_eq!(grid.axes, Grid::CANONICAL);
    let near = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(near(grid.spacing, spacing) && near(grid.origin, origin), "{grid:?}");
}

#[test]
fn the_thigh_is_where_simpleitk_puts_it() {
    let loaded = read_series(&data_or_skip!("dicom/sts013_ge_thigh_ct"), None).unwrap();
    // The files have implicit VR, and positions such as 531.039999999997 mm at distances of 3.27 mm.
    let origin = [-46.875103999999, -78.125088, 531.039999999997];
    check_grid(&loaded.volume.grid, [114, 215, 252], [3.27, 0.976562, 0.976562], origin);
    assert_eq!(loaded.volume.range(), (-1000.0, 1516.0));
    assert_eq!(sums(&loaded.volume), (-3_468_848_337.0, -2_227_399_293_778.0));
    assert!(loaded.warnings.is_empty() && loaded.volume.quantity == Quantity::Hounsfield);
}

#[test]
fn the_chest_keeps_its_padding_and_the_abdomen_decodes_from_jpeg_2000() {
    let chest = read_series(&data_or_skip!("dicom/lidc0001_ge_chest_slab"), None).unwrap().volume;
    check_grid(&chest.grid, [16, 512, 512], [2.5, 0.703125, 0.703125], [-166.0, -171.699997, -132.5]);
    assert_eq!((chest.range(), sums(&chest)), ((-2048.0, 3071.0), (-3_610_994_899.0, -4_611_629_912_813.0)));
    // The slices are 3 mm thick and 2 mm apart: the distance of their positions counts, not the thickness. The files
    // have no series UID.
    let abdomen = read_series(&data_or_skip!("dicom/siemens_mct_abdomen_j2k"), None).unwrap().volume;
    check_grid(&abdomen.grid, [20, 512, 512], [2.0, 0.9765625, 0.9765625], [-249.51171875, -437.51171875, -804.5]);
    assert_eq!((abdomen.range(), sums(&abdomen)), ((-1024.0, 1839.0), (-3_272_217_339.0, -4_024_198_168_987.0)));
}

#[test]
fn compressed_forms_of_one_slice_are_the_slice() {
    let folder = data_or_skip!("dicom/compressed_wg04_ct1_ge");
    let read = |name: &str| read_series(&folder.join(name), None);
    let plain = read("CT1_UNC").unwrap().volume;
    assert_eq!(plain.grid.shape, [1, 512, 512]);
    assert_eq!((plain.range(), sums(&plain)), ((-3024.0, 1254.0), (-228_407_043.0, -287_855_241_124.0)));
    let lossless = ["CT1_RLE", "CT1_JPLL", "CT1_JLSL", "CT1_J2KR"].map(|name| (name, 0.0));
    // pydicom finds the same largest differences.
    for (name, largest) in lossless.into_iter().chain([("CT1_JLSN", 4.0), ("CT1_J2KI", 352.0)]) {
        assert_eq!(difference(&plain, &read(name).unwrap().volume), largest, "{name}");
    }
}

#[test]
fn an_enhanced_multi_frame_ct_is_placed_by_its_functional_groups() {
    let loaded = read_series(&data_or_skip!("dicom/pydicom_data_subset/eCT_Supplemental.dcm"), None).unwrap();
    // The rows run to the right, along (-1, 0, 0). The reader turns them around, so that the first voxel is 511 columns
    // further.
    check_grid(
        &loaded.volume.grid,
        [2, 512, 512],
        [10.0, 0.388672, 0.388672],
        [99.5 - 511.0 * 0.388672, -301.5, -159.0],
    );
    // By pydicom the stored values add up to 199249408, and the intercept is -1024.
    assert_eq!(sums(&loaded.volume).0, 199_249_408.0 - 1024.0 * 524_288.0);
    assert!(loaded.warnings.iter().any(|warning| warning.code == "dicom_rescale_type"));
}

#[test]
fn every_odd_series_is_refused_with_its_reason() {
    let folder = data_or_skip!("dicom");
    for (path, reason) in [
        ("ge_hispeed_head_tilt18.5_irregular_gaps", "uneven slices: distances from 1.081 to 6.999 mm"),
        ("philips_ingenuity_headphantom_tilt-18.5", "axes deviate 18.50 degrees"),
        ("sts013_philips_thigh_mr_t1", "expected modality CT, got MR"),
        ("series_oddities/gantrytilting_001", "14.00 degrees"),
        ("series_oddities/notavolume_001", "002.dcm: at the same place as"),
        ("series_oddities/sliceincrement_001", "1 slice(s) missing between 28.107 and 38.107 mm"),
        ("series_oddities/sliceincrement_002", "1 slice(s) missing"),
        ("series_oddities/sliceorientation_001", "got MR"),
        ("series_oddities/slicecount_001", "got MR"),
        ("series_oddities", "expected one series, found 6"),
        ("compressed_wg04_ct1_ge", "expected one series, found 2"),
    ] {
        let refuse = Reading { sheared: Sheared::Refuse, ..Reading::default() };
        let message = input_error(read_with(&folder.join(path), &refuse));
        assert!(message.contains(reason), "{path}: {message}");
    }
}

#[test]
fn tilted_and_uneven_series_are_resampled_with_a_word_and_other_modalities_are_relative() {
    let folder = data_or_skip!("dicom");
    for (path, code, words) in [
        ("philips_ingenuity_headphantom_tilt-18.5", "sheared", "18.50 degrees"),
        ("series_oddities/gantrytilting_001", "sheared", "14.00 degrees"),
        ("ge_hispeed_head_tilt18.5_irregular_gaps", "dicom_uneven", "are resampled to"),
    ] {
        let loaded = read_series(&folder.join(path), None).unwrap();
        let found = loaded.warnings.iter().find(|warning| warning.code == code);
        assert!(found.is_some_and(|warning| warning.message.contains(words)), "{path}: {:?}", loaded.warnings);
    }
    let relative = Reading { units: Units::Relative, ..Reading::default() };
    let magnetic = read_with(&folder.join("sts013_philips_thigh_mr_t1"), &relative).unwrap();
    assert_eq!(magnetic.volume.quantity, recon::data::Quantity::Relative);
}

#[test]
fn a_series_is_found_by_its_uid_among_others() {
    let folder = data_or_skip!("dicom/series_oddities");
    let uid = "1.2.826.0.1.3680043.8.498.172569766509356227417197937";
    assert!(input_error(read_series(&folder, Some(uid))).contains("missing between"));
    let message = input_error(read_series(&folder, Some("1.2.3")));
    assert!(
        message.contains("no series 1.2.3; there are 6")
            && message.contains("MR, ")
            && message.contains("2 slice(s) in"),
        "{message}"
    );
}

#[test]
fn every_file_of_every_kind_reads_or_is_an_input_error() {
    let root = data_or_skip!("dicom");
    let mut readable = Vec::new();
    for folder in ["pydicom_test_files", "pydicom_data_subset", "../malformed"] {
        each_file(&root.join(folder), &mut |file| {
            match read_series(file, None) {
                Ok(_) => readable.push(file.file_name().unwrap().to_string_lossy().into_owned()),
                Err(error) => assert_eq!(error.exit_code(), 3, "{}: {error}", file.display()),
            }
            let _ = recon::formats::describe(file);
        });
    }
    // The CT images among them, in every encoding.
    for name in [
        "CT_small.dcm",
        "J2K_pixelrep_mismatch.dcm",
        "eCT_Supplemental.dcm",
        "693_UNCR.dcm",
        "693_J2KI.dcm",
        "bad_sequence.dcm",
        "explicit_VR-UN.dcm",
    ] {
        assert!(readable.iter().any(|found| found == name), "{name} is not among {readable:?}");
    }
}

#[test]
fn one_image_in_many_encodings_is_one_image() {
    // The files are MR slices; their modality is changed to CT, so that the reader accepts them.
    let root = data_or_skip!("dicom/pydicom_test_files");
    let folder = folder();
    let read = |name: &str| {
        let path = folder.path().join(name);
        std::fs::copy(root.join(name), &path).unwrap();
        edit(&path, |object| {
            put(object, tags::MODALITY, VR::CS, "CT");
            put(object, tags::RESCALE_SLOPE, VR::DS, "1");
            put(object, tags::RESCALE_INTERCEPT, VR::DS, "0");
        });
        read_series(&path, None)
    };
    let plain = read("MR_small.dcm").unwrap().volume;
    // The figures are pydicom's pixel_array.sum(), min() and max().
    assert_eq!((sums(&plain).0, plain.range()), (2_125_338.0, (127.0, 2145.0)));
    for name in [
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_padded.dcm",
    ] {
        let volume = read(name).map_or_else(|error| panic!("{name}: {error}"), |loaded| loaded.volume);
        assert_eq!(difference(&plain, &volume), 0.0, "{name}");
    }
}

fn each_file(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { each_file(&path, visit) } else { visit(&path) }
    }
}
