//! Tests of the formats of volumes: each reads what it writes, wherever a volume is taken, and files of other tools are
//! read as those tools mean them.

use crate::common::data_or_skip;
use crate::support::{apart, difference, folder, input_error, oblique, small};
use recon::data::{Grid, Point, Volume};
use recon::formats::{Reading, Sheared, Units, VOLUMES, nifti, parts, read_grid, read_volume, write_volume};

fn reading() -> Reading {
    Reading { units: Units::Relative, ..Reading::default() }
}

#[test]
fn every_format_gives_back_what_it_wrote_by_any_of_its_endings() {
    let volume = oblique();
    let written: Vec<_> = VOLUMES.iter().filter(|format| format.key != "dicom").collect();
    assert_eq!(written.len(), VOLUMES.len() - 1);
    for format in written {
        for ending in format.endings {
            let folder = folder();
            let path = folder.path().join(format!("a{ending}"));
            let files = write_volume(&path, &volume, "test").unwrap();
            let back = read_volume(&path, &Reading::default()).unwrap();
            assert!(apart(&back.volume.grid, &volume.grid) < 1e-4, "{ending}: {:?}", back.volume.grid);
            assert!(difference(&back.volume, &volume) == 0.0 && back.warnings.is_empty(), "{ending}: {back:?}");
            assert!(apart(&read_grid(&path).unwrap().0, &volume.grid) < 1e-4, "{ending}");
            // The files that were written are exactly those that belong to the volume.
            let (mut known, mut made) = (parts(&path), files);
            known.sort();
            made.sort();
            assert_eq!(known, made, "{ending}");
            assert!(recon::formats::describe(&path).is_ok(), "{ending}");
        }
    }
    let folder = folder();
    assert_eq!(write_volume(&folder.path().join("a.xyz"), &volume, "").unwrap_err().exit_code(), 2);
    std::fs::write(folder.path().join("a.txt"), "hello").unwrap();
    assert!(input_error(read_volume(&folder.path().join("a.txt"), &reading())).contains("known are NIfTI"));
}

#[test]
fn metaimage_of_another_byte_order_type_and_file_is_read() {
    let folder = folder();
    let header = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = True\n\
        TransformMatrix = 0 1 0 1 0 0 0 0 -1\nOffset = 5 6 7\nElementSpacing = 2 3 4\nDimSize = 2 1 2\n\
        ElementType = MET_SHORT\nHeaderSize = -1\nElementDataFile = a.raw\n";
    std::fs::write(folder.path().join("a.mhd"), header).unwrap();
    let numbers: Vec<u8> = [1i16, 2, 3, -4].iter().flat_map(|value| value.to_be_bytes()).collect();
    std::fs::write(folder.path().join("a.raw"), [b"some words before ".as_slice(), &numbers].concat()).unwrap();
    let loaded = read_volume(&folder.path().join("a.mhd"), &reading()).unwrap();
    let grid = &loaded.volume.grid;
    // The index i runs along +y (2 mm), j along +x (3 mm) and k along -z (4 mm).
    assert_eq!((grid.shape, grid.spacing, grid.axes), ([2, 2, 1], [4.0, 2.0, 3.0], Grid::CANONICAL));
    assert_eq!((grid.origin, loaded.volume.as_slice()), ([5.0, 6.0, 3.0], &[3.0, -4.0, 1.0, 2.0][..]));
    for (from, to, reason) in [
        ("a.raw", "../a.raw", "in the header's folder"),
        ("MET_SHORT", "MET_OTHER", "unknown ElementType"),
        ("DimSize = 2 1 2", "DimSize = 2 1 2000", "too short"),
        ("DimSize = 2 1 2", "DimSize = 2 1 -2", "positive whole numbers"),
        ("TransformMatrix = 0 1 0 1 0 0 0 0 -1", "TransformMatrix = 0 0 0 0 0 0 0 0 0", "axes are degenerate"),
    ] {
        std::fs::write(folder.path().join("a.mhd"), header.replacen(from, to, 1)).unwrap();
        let message = input_error(read_volume(&folder.path().join("a.mhd"), &reading()));
        assert!(message.contains(reason), "{to}: {message}");
    }
}

#[test]
fn nrrd_of_ras_and_without_a_space_is_read() {
    let folder = folder();
    let path = folder.path().join("a.nrrd");
    let numbers: Vec<u8> = [1u16, 2, 3, 4].iter().flat_map(|value| value.to_be_bytes()).collect();
    let write = |fields: &str| {
        let head = format!("NRRD0005\n# made by hand\ntype: unsigned short\ndimension: 3\nsizes: 2 1 2\n{fields}");
        std::fs::write(&path, [head.as_bytes(), b"encoding: raw\nendian: big\n\n", &numbers].concat()).unwrap();
        read_volume(&path, &reading())
    };
    let ras = "space: right-anterior-superior\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (1,2,3)\n";
    let loaded = write(ras).unwrap();
    // In LPS the axis i runs to the right, so that the reader reverses it.
    let grid = &loaded.volume.grid;
    assert_eq!((grid.origin, grid.spacing), ([-3.0, -2.0, 3.0], [4.0, 3.0, 2.0]));
    assert_eq!(loaded.volume.as_slice(), [2.0, 1.0, 4.0, 3.0]);
    let bare = write("spacings: 2 3 4\n").unwrap();
    assert_eq!((bare.volume.grid.spacing, bare.warnings[0].code.as_str()), ([4.0, 3.0, 2.0], "nrrd_no_space"));
    for (fields, reason) in [
        ("space directions: (2,0,0) none (0,0,4)\n", "three numbers for each of three axes"),
        ("byte skip: 7\n", "skips a part"),
    ] {
        assert!(input_error(write(fields)).contains(reason), "{fields}");
    }
}

#[test]
fn a_sheared_lattice_is_resampled_with_a_word_or_refused_on_request() {
    let folder = folder();
    let path = folder.path().join("a.nii");
    let mut bytes = small(&[1.0, 2.0, 3.0]);
    bytes[284..288].copy_from_slice(&0.3f32.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let loaded = read_volume(&path, &reading()).unwrap();
    assert!(loaded.warnings.iter().any(|warning| warning.code == "sheared"), "{:?}", loaded.warnings);
    let refused = Reading { sheared: Sheared::Refuse, ..reading() };
    assert!(input_error(read_volume(&path, &refused)).contains("is sheared"));
}

#[test]
fn the_tilted_head_keeps_its_matter_at_right_angles() {
    let path = data_or_skip!("nifti/ct_head_phantom/shear.nii.gz");
    let loaded = read_volume(&path, &Reading::default()).unwrap();
    let grid = &loaded.volume.grid;
    let tilt = loaded.warnings.iter().find(|warning| warning.code == "sheared").unwrap();
    assert!(tilt.message.contains("18.50 degrees"), "{}", tilt.message);
    // The slices keep their pixels of 0.482 x 0.482 mm. Their distance along the normal is that of the file along z,
    // 2.370809 mm, times cos 18.5 degrees.
    let expected = [2.248_295, 0.482_422, 0.482_422];
    assert!(grid.spacing.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{:?}", grid.spacing);
    // By nibabel the HU values of the file add up to -5577896244.73 over 306 x 422 x 54 voxels of 0.482421875 x
    // 0.457492 x 2.370809 mm.
    let matter: f64 = loaded.volume.as_slice().iter().map(|&hu| f64::from(hu) + 1024.0).sum();
    let integral = matter * grid.voxel_mm3();
    let file =
        (306.0 * 422.0 * 54.0 * 1024.0 - 5_577_896_244.733_097) * 0.482_421_875 * 0.457_492_053_5 * 2.370_809_316_6;
    assert!((integral / file - 1.0).abs() < 2e-3, "{integral} {file}");
}

#[test]
fn one_array_of_an_archive_is_chosen_by_its_number() {
    let folder = folder();
    let path = folder.path().join("a.npz");
    let mut archive = ndarray_npy::NpzWriter::new(std::fs::File::create(&path).unwrap());
    archive.add_array("mask", &ndarray::array![[0u8, 1], [1, 0]]).unwrap();
    archive.add_array("image", &ndarray::array![[[1.5f64, -2.0, 3.0]]]).unwrap();
    archive.finish().unwrap();
    let choose = |volume| read_volume(&path, &Reading { volume, ..reading() });
    assert!(input_error(choose(None)).contains("expected one array, got 2"));
    assert!(input_error(choose(Some(2))).contains("there is none 2"));
    assert_eq!(choose(Some(0)).unwrap().volume.grid.shape, [1, 2, 2]);
    let image = choose(Some(1)).unwrap();
    assert_eq!((image.volume.as_slice(), image.warnings[0].code.as_str()), (&[1.5, -2.0, 3.0][..], "no_spacing"));
}

#[test]
fn nifti_2_and_one_volume_of_several_are_read() {
    let path = data_or_skip!("nifti/nibabel_tests/example_nifti2.nii.gz");
    assert!(input_error(read_volume(&path, &reading())).contains("expected one volume, got 2"));
    // The sums are img.dataobj[..., n].sum() by nibabel.
    for (volume, sum) in [(0, 3_461_748.0), (1, 3_465_054.0)] {
        let one = Reading { volume: Some(volume), ..reading() };
        let found = nifti::read_with(&path, &one).unwrap().volume;
        assert_eq!(found.as_slice().iter().map(|&v| f64::from(v)).sum::<f64>(), sum);
        assert_eq!(found.grid.shape, [12, 20, 32]);
    }
    let beyond = Reading { volume: Some(2), ..reading() };
    assert!(input_error(read_volume(&path, &beyond)).contains("there is none 2"));
}

/// Returns the correlation of two lists of values.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (a, b) = pairs.iter().fold((0.0, 0.0), |(a, b), pair| (a + pair.0 / n, b + pair.1 / n));
    let sum = |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|pair| f(pair.0 - a, pair.1 - b)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

/// Returns the value of the nearest voxel, or `None` outside the grid.
fn nearest(volume: &Volume, point: Point) -> Option<f64> {
    let index = volume.grid.index(point).map(f64::round);
    let inside = (0..3).all(|k| index[k] >= 0.0 && index[k] < volume.grid.shape[k] as f64);
    inside.then(|| f64::from(volume.voxels()[index.map(|v| v as usize)]))
}

#[test]
fn one_tilted_scan_is_the_same_as_dicom_and_as_nifti() {
    let (series, file) =
        (data_or_skip!("dicom/philips_ingenuity_headphantom_tilt-18.5"), data_or_skip!("nifti/ct_head_phantom"));
    let series = read_volume(&series, &Reading::default()).unwrap().volume;
    let file = read_volume(&file.join("shear.nii.gz"), &Reading::default()).unwrap().volume;
    // The NIfTI file holds 306 x 422 pixels of every slice, turned by 180 degrees and smoothed: pixel (i, j) of its
    // slice k is pixel (403 - i, 471 - j) of slice k of the series. This was found by correlating the stored slices in
    // NumPy; the correlation is then 0.976 to 0.987. The two files place the pixels differently: `of_file` is the
    // affine by nibabel, `of_series` that by pydicom, both in LPS (mm).
    let of_file = |[i, j, k]: Point| {
        [
            94.379_356 - 0.482_421_88 * i,
            117.106_018 - 0.457_492_05 * j,
            -102.203_552 + 0.153_074_74 * j + 2.370_809_32 * k,
        ]
    };
    let of_series = |[i, j, k]: Point| {
        [-123.5 + 0.482_421_88 * i, -15.640_97 + 0.457_492_1 * j, 742.345_192 - 0.153_074_73 * j + 2.5 * k]
    };
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for k in 0..54 {
        for j in (10..412).step_by(3) {
            for i in (10..296).step_by(3) {
                let index = [i, j, k].map(f64::from);
                let other = [403.0 - index[0], 471.0 - index[1], index[2]];
                let a = nearest(&file, of_file(index)).unwrap();
                right.push((a, nearest(&series, of_series(other)).unwrap()));
                // The wrong pairs assume a gantry that is tilted to the other side.
                let [x, y, z] = of_series(other);
                wrong.push((a, nearest(&series, [x, y, z + 0.3 * (index[1] - 211.0)]).unwrap_or(-1000.0)));
            }
        }
    }
    assert!(correlation(&right) > 0.97 && correlation(&wrong) < 0.9, "{} {}", correlation(&right), correlation(&wrong));
    // The reference is the sum of (HU + 1024) over the stored pixels by pydicom, times their area and their distance
    // along the normal.
    let matter: f64 = series.as_slice().iter().map(|&hu| f64::from(hu) + 1024.0).sum::<f64>() * series.grid.voxel_mm3();
    assert!((matter / 1_314_207_552.754_763_4 - 1.0).abs() < 2e-3, "{matter}");
}
