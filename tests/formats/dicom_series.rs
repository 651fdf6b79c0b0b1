//! Tests of which files form a series, on files that are written here and then changed.

use crate::support::{apart, edit, folder, input_error, labels, put, series, turned, volume};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use recon::data::{Grid, Volume};
use recon::formats::dicom::{Labels, read_series, read_with, write_series};
use recon::formats::{Loaded, Reading, Sheared};
use std::path::{Path, PathBuf};

fn read(folder: &Path) -> recon::error::Result<Loaded> {
    read_series(folder, None)
}

/// Returns the error for a series of five slices after `spoil` has changed its files.
fn refused(spoil: impl FnOnce(&[PathBuf])) -> String {
    let folder = folder();
    spoil(&series(folder.path(), 5));
    input_error(read(folder.path()))
}

fn codes(loaded: &Loaded) -> Vec<&str> {
    loaded.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

#[test]
fn names_and_subfolders_do_not_matter_positions_do() {
    let folder = folder();
    let files = series(folder.path(), 5);
    let expected = read(folder.path()).unwrap().volume;
    std::fs::create_dir_all(folder.path().join("sub/sub")).unwrap();
    for (file, name) in files.iter().zip(["e", "sub/c", "a.dcm", "sub/sub/b", "d.IMA"]) {
        std::fs::rename(file, folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("notes.txt"), "not a slice").unwrap();
    std::fs::write(folder.path().join("sub/empty"), "").unwrap();
    let found = read(folder.path()).unwrap();
    assert_eq!(found.volume, expected);
    assert!(found.warnings.is_empty());
}

#[test]
fn a_missing_slice_is_named_a_missing_end_is_not_seen() {
    let message = refused(|files| std::fs::remove_file(&files[2]).unwrap());
    assert!(message.contains("1 slice(s) missing between") && message.contains("usual distance 2.000 mm"), "{message}");
    let folder = folder();
    std::fs::remove_file(&series(folder.path(), 5)[4]).unwrap();
    assert_eq!(read(folder.path()).unwrap().volume.grid.shape[0], 4);
}

#[test]
fn uneven_slices_are_refused_and_a_little_wobble_is_told() {
    let moved = |file: &Path, by: f64| {
        let position = format!("7\\17.75\\{}", 26.0 + 4.0 + by);
        edit(file, |object| put(object, tags::IMAGE_POSITION_PATIENT, VR::DS, &position));
    };
    let strict = Reading { sheared: Sheared::Refuse, ..Reading::default() };
    let folder = folder();
    moved(&series(folder.path(), 5)[2], 0.5);
    let message = input_error(read_with(folder.path(), &strict));
    assert!(message.contains("uneven slices: distances from 1.500 to 2.500 mm"), "{message}");
    let loaded = read(folder.path()).unwrap();
    assert!(
        codes(&loaded) == ["dicom_uneven"] && loaded.warnings[0].message.contains("resampled to 5 slices 2.000 mm")
    );
    moved(&series(folder.path(), 5)[2], 0.03);
    let loaded = read(folder.path()).unwrap();
    assert!(codes(&loaded).contains(&"dicom_uneven"));
    assert!((loaded.volume.grid.spacing[0] - 2.0).abs() < 1e-9);
}

#[test]
fn repeated_slices_mixed_orientations_shapes_and_spacings_are_refused() {
    let repeated = refused(|files| {
        let copy = files[1].with_file_name("copy.dcm");
        std::fs::copy(&files[1], &copy).unwrap();
        edit(&copy, |object| put(object, tags::SOP_INSTANCE_UID, VR::UI, "1.2.3"));
    });
    assert!(repeated.contains("at the same place as"), "{repeated}");
    let turned = refused(|files| {
        edit(&files[3], |object| put(object, tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "0\\1\\0\\0\\0\\-1"));
    });
    assert!(turned.contains("slice-0004.dcm: orientation"), "{turned}");
    let wide = refused(|files| edit(&files[3], |object| put(object, tags::PIXEL_SPACING, VR::DS, "1.5\\1.6")));
    assert!(wide.contains("slice-0004.dcm: pixel spacing"), "{wide}");
    let small = refused(|files| {
        let other = volume(Grid::centered([1, 3, 5], [2.0, 1.5, 1.5], [10.0, 20.0, 60.0]).unwrap());
        let more = files[0].parent().unwrap().join("more");
        let made = write_series(&more, &other, &labels(), None).unwrap();
        let uid = dicom_object::open_file(&files[0])
            .unwrap()
            .element(tags::SERIES_INSTANCE_UID)
            .unwrap()
            .to_str()
            .unwrap()
            .into_owned();
        edit(&made.files[0], |object| put(object, tags::SERIES_INSTANCE_UID, VR::UI, &uid));
    });
    assert!(small.contains("4 x 5 pixels") && small.contains("has 3 x 5"), "{small}");
}

#[test]
fn a_tilted_gantry_is_known_by_its_geometry_not_by_its_tag() {
    let tilted = folder();
    for (k, file) in series(tilted.path(), 5).iter().enumerate() {
        let position = format!("7\\{}\\{}", 17.75 + 0.5 * k as f64, 26.0 + 2.0 * k as f64);
        edit(file, |object| put(object, tags::IMAGE_POSITION_PATIENT, VR::DS, &position));
    }
    let strict = Reading { sheared: Sheared::Refuse, ..Reading::default() };
    assert!(input_error(read_with(tilted.path(), &strict)).contains("14.04 degrees"));
    let upright = read(tilted.path()).unwrap();
    assert_eq!((codes(&upright), upright.volume.grid.shape), (vec!["sheared"], [5, 6, 5]));
    let folder = folder();
    for file in series(folder.path(), 3) {
        edit(&file, |object| put(object, tags::GANTRY_DETECTOR_TILT, VR::DS, "10"));
    }
    assert!(read(folder.path()).is_ok(), "a tilt in the tag alone shears nothing");
}

#[test]
fn repeated_instances_and_several_frames_of_reference_are_told() {
    let folder = folder();
    let files = series(folder.path(), 3);
    edit(&files[1], |object| put(object, tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.2.3"));
    let loaded = read(folder.path()).unwrap();
    assert_eq!(codes(&loaded), ["dicom_frame_of_reference"]);
    assert!(loaded.warnings[0].message.contains("2 frames of reference"));
    let folder = self::folder();
    let files = series(folder.path(), 3);
    let first = dicom_object::open_file(&files[0]).unwrap();
    let uid = first.element(tags::SOP_INSTANCE_UID).unwrap().to_str().unwrap();
    edit(&files[2], |object| put(object, tags::SOP_INSTANCE_UID, VR::UI, &uid));
    let loaded = read(folder.path()).unwrap();
    assert_eq!((codes(&loaded), loaded.volume.grid.shape[0]), (vec!["dicom_repeated_uid"], 3));
}

#[test]
fn localizers_are_left_out_with_a_warning() {
    let folder = folder();
    let files = series(folder.path(), 4);
    let scout =
        |file: &Path| edit(file, |object| put(object, tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\LOCALIZER"));
    scout(&files[3]);
    // A second series in the same folder consists of scout views.
    let grid = Grid::centered([1, 9, 9], [1.0; 3], [0.0; 3]).unwrap();
    for file in write_series(&folder.path().join("scout"), &volume(grid), &labels(), None).unwrap().files {
        scout(&file);
    }
    let loaded = read(folder.path()).unwrap();
    assert_eq!(loaded.volume.grid.shape, [3, 4, 5]);
    assert_eq!(codes(&loaded), ["dicom_localizer"]);
    assert!(loaded.warnings[0].message.contains("2 localizer images"));
    assert!(input_error(read(&folder.path().join("scout"))).contains("scout views) only"));
}

#[test]
fn several_series_are_listed_and_one_can_be_named() {
    let folder = folder();
    series(&folder.path().join("a"), 3);
    let other = Labels { series_description: "second".into(), ..labels() };
    let grid = Grid::centered([2, 2, 2], [1.0; 3], [0.0; 3]).unwrap();
    let made = write_series(&folder.path().join("b"), &volume(grid), &other, None).unwrap();
    let message = input_error(read(folder.path()));
    assert!(message.contains("found 2:") && message.contains("CT, 2 x 2, 2 slice(s) in 2 file(s)"), "{message}");
    let uid = dicom_object::open_file(&made.files[0])
        .unwrap()
        .element(tags::SERIES_INSTANCE_UID)
        .unwrap()
        .to_str()
        .unwrap()
        .into_owned();
    assert!(message.contains(&uid) && !message.contains("second"), "a description may name the patient: {message}");
    for name in [uid.as_str(), "second"] {
        assert_eq!(read_series(folder.path(), Some(name)).unwrap().volume.grid.shape, [2, 2, 2]);
    }
    assert!(input_error(read_series(folder.path(), Some("900"))).contains("2 series are called 900"));
    for file in &made.files {
        edit(file, |object| put(object, tags::SERIES_NUMBER, VR::IS, "7"));
    }
    assert!(!input_error(read(folder.path())).contains(&uid), "numbers suffice");
    assert_eq!(read_series(folder.path(), Some("7")).unwrap().volume.grid.shape, [2, 2, 2]);
}

#[test]
fn each_slice_is_rescaled_by_its_own_numbers() {
    let folder = folder();
    let files = series(folder.path(), 3);
    let before = read(folder.path()).unwrap().volume;
    edit(&files[1], |object| {
        put(object, tags::RESCALE_SLOPE, VR::DS, " 2.0 ");
        put(object, tags::RESCALE_INTERCEPT, VR::DS, "-1e1");
    });
    let after = read(folder.path()).unwrap().volume;
    for (index, (a, b)) in before.as_slice().iter().zip(after.as_slice()).enumerate() {
        assert_eq!(*b, if index / 20 == 1 { 2.0 * a - 10.0 } else { *a });
    }
}

#[test]
fn what_is_not_in_hounsfield_units_is_refused() {
    let change = |tag, vr, value: &str| {
        let value = value.to_string();
        refused(move |files| files.iter().for_each(|file| edit(file, |object| put(object, tag, vr, &value))))
    };
    assert!(change(tags::MODALITY, VR::CS, "MR").contains("expected modality CT, got MR"));
    assert!(change(tags::MODALITY, VR::CS, "").contains("got no modality"));
    assert!(change(tags::RESCALE_TYPE, VR::LO, "MGML").contains("expected values in HU, the files declare MGML"));
    assert!(change(tags::RESCALE_SLOPE, VR::DS, "0").contains("Slope other than 0"));
    assert!(change(tags::RESCALE_SLOPE, VR::DS, "NaN").contains("Rescale Slope: expected a number"));
    assert!(change(tags::RESCALE_INTERCEPT, VR::DS, "").contains("Rescale Intercept: expected 1 numbers, got 0"));
    assert!(change(tags::PIXEL_SPACING, VR::DS, "-1\\1").contains("positive Pixel Spacing"));
    assert!(change(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\1\\0\\0").contains("orthogonal unit vectors"));
    assert!(change(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB").contains("one grey value per pixel"));
    let gone = refused(|files| edit(&files[0], |object| assert!(object.remove_element(tags::IMAGE_POSITION_PATIENT))));
    assert!(gone.contains("slice-0001.dcm: Image Position (Patient): missing"), "{gone}");
}

#[test]
fn folders_without_a_series_and_damaged_slices_are_named() {
    let folder = folder();
    assert!(input_error(read(folder.path())).contains("no DICOM image in this folder (0 other files)"));
    std::fs::write(folder.path().join("a.dcm"), b"nothing").unwrap();
    assert!(input_error(read(folder.path())).contains("(1 other files)"));
    assert!(input_error(read(&folder.path().join("a.dcm"))).contains("not a DICOM image"));
    assert!(input_error(read(&folder.path().join("none"))).contains("no such file"));
    let cut = refused(|files| {
        let bytes = std::fs::read(&files[2]).unwrap();
        std::fs::write(&files[2], &bytes[..bytes.len() - 7]).unwrap();
    });
    assert!(
        cut.contains("slice-0003.dcm: damaged DICOM file") && cut.contains("declares 40 bytes, 33 are left"),
        "{cut}"
    );
}

#[test]
fn sagittal_coronal_and_oblique_stacks_come_back_canonical() {
    let [z, y, x] = Grid::CANONICAL;
    let minus = |v: [f64; 3]| v.map(|c| -c);
    let tilted = turned([0.2, 0.3, -0.25]);
    for axes in
        [[x, minus(z), y], [y, minus(z), x], [minus(z), y, minus(x)], tilted, [tilted[2], minus(tilted[0]), tilted[1]]]
    {
        let folder = folder();
        let stored = volume(Grid::new([3, 4, 5], [2.0, 1.0, 0.5], [10.0, -20.0, 30.0], axes).unwrap());
        write_series(folder.path(), &stored, &labels(), None).unwrap();
        let loaded = read(folder.path()).unwrap().volume;
        check_same_points(&stored, &loaded);
        let closest = (0..3).all(|k| recon::data::dot(loaded.grid.axes[k], Grid::CANONICAL[k]) > 0.5);
        assert!(closest, "{:?}", loaded.grid.axes);
    }
}

/// Checks that every voxel of `b` has the value that `a` has at the same place.
fn check_same_points(a: &Volume, b: &Volume) {
    for ((z, y, x), &value) in b.voxels().indexed_iter() {
        let index = a.grid.index(b.grid.point([z as f64, y as f64, x as f64]));
        assert!(index.iter().all(|v| (v - v.round()).abs() < 1e-6), "{index:?}");
        let [z, y, x] = index.map(|v| v.round() as usize);
        assert_eq!(a.voxels()[[z, y, x]], value);
    }
}

#[test]
fn one_slice_is_a_two_dimensional_image() {
    let folder = folder();
    let file = series(folder.path(), 1).remove(0);
    for path in [folder.path(), &file] {
        let loaded = read(path).unwrap();
        assert!(loaded.volume.grid.is_2d());
        assert_eq!(codes(&loaded), ["dicom_single_slice"]);
    }
}

#[test]
fn overlapping_slices_lie_as_far_apart_as_their_positions() {
    let folder = folder();
    let grid = Grid::centered([6, 4, 4], [0.6, 1.0, 1.0], [0.0; 3]).unwrap();
    let made = volume(grid.clone());
    for file in write_series(folder.path(), &made, &labels(), None).unwrap().files {
        edit(&file, |object| {
            put(object, tags::SLICE_THICKNESS, VR::DS, "0.8");
            put(object, tags::SPACING_BETWEEN_SLICES, VR::DS, "0.8");
        });
    }
    assert!(apart(&read(folder.path()).unwrap().volume.grid, &grid) < 1e-9);
}
