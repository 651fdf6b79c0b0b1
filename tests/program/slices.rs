//! Tests of one slice of a volume as a 2-D object, from the file to the report and the exported series.

use crate::common::Bench;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use recon::data::{Grid, Quantity, Volume, norm, sub};
use recon::formats::dicom::{Identity, Labels, read_series, write_series};
use recon::formats::nifti::{self, Units};

const PIPELINE: &str = "
load:
  nifti: {path: ct.nii.gz}
  slice: {z: 13}
grid: {shape: [20, 20]}
simulate:
  geometry: {parallel: {views: 60, detector: {pixels: auto, pitch_mm: 5.0}}}
reconstruct:
- fbp: {filter: hann}
- tv: {iterations: 50, weight: 1.0e-5}
- neural_field: {field: {siren: {width: 16, depth: 2}}, start: null, steps: 30}
evaluate: {metrics: [psnr_db, ssim]}
export: {directory: out, report: [json, html]}
";

fn sliced() -> Bench {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    bench.recon(&["phantom", phantom, "-o", "ct.nii.gz", "--shape", "30,40,40"]).expect(0, &[]);
    bench.write("slice.yaml", PIPELINE);
    bench
}

#[test]
fn a_slice_is_scanned_as_it_is_and_its_truth_is_averaged_onto_the_grid() {
    let bench = sliced();
    let outcome = bench.recon(&["run", "slice.yaml"]).expect(0, &[]);
    assert!(!outcome.stderr.contains("warning"), "neither truncated nor an inverse crime: {}", outcome.stderr);
    let read = |path: &str| nifti::read(&bench.path(path), Units::Hounsfield).unwrap().volume;
    let (volume, truth) = (read("ct.nii.gz"), read("out/truth.nii.gz"));
    assert_eq!(truth.grid.shape, [1, 20, 20]);
    for y in 0..20 {
        for x in 0..20 {
            let fine = [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[j, i]| volume.voxels()[[13, 2 * y + j, 2 * x + i]]);
            let mean = fine.iter().sum::<f32>() / 4.0;
            assert!((truth.voxels()[[0, y, x]] - mean).abs() < 0.51, "HU at {y}, {x}: files hold whole HU");
        }
    }
    let center = |grid: &recon::data::Grid| grid.point([0.0, 0.0, 0.0])[2];
    assert!((center(&truth.grid) - volume.grid.point([13.0, 0.0, 0.0])[2]).abs() < 1e-3, "the slice is where it was");
    let report = bench.json("out/report.json");
    let psnr = |i: usize| report["methods"][i]["metrics"]["psnr_db"].as_f64().unwrap();
    // The PSNR of a volume of air, which the few steps of the field must exceed.
    let square = truth.as_slice().iter().map(|&hu| f64::from(hu + 1000.0).powi(2)).sum::<f64>() / 400.0;
    let range = report["metric_definitions"]["psnr_db"]["data_range"].as_f64().unwrap();
    let air = 10.0 * (range * range / square).log10();
    let all = [psnr(0), psnr(1), psnr(2)];
    assert!(all[0] > 20.0 && all[1] > 25.0 && all[2] > air + 1.0, "{all:?} dB, air {air} dB");
}

#[test]
fn a_slice_that_is_not_there_is_refused_with_its_key() {
    let bench = sliced();
    bench
        .recon(&["run", "slice.yaml", "--set", "load.slice.z=30"])
        .expect(2, &["load.slice.z: expected a slice below 30, got 30"]);
    bench
        .recon(&["run", "slice.yaml", "--set", "load.slice.part=0.5"])
        .expect(2, &["load.slice: expected exactly one of"]);
    bench.recon(&["run", "slice.yaml", "--set", "load.slice={}"]).expect(2, &["load.slice: expected exactly one of"]);
    bench.recon(&["run", "slice.yaml", "--set", "load.slcie.z=3"]).expect(2, &["did you mean `slice`?"]);
    let phantom = concat!("load.phantom.file=", env!("CARGO_MANIFEST_DIR"), "/phantoms/shepp-logan-2d.yaml");
    bench.recon(&["run", "slice.yaml", "--set", phantom]).expect(2, &["load: crop, slice, resample"]);
}

/// Writes a DICOM file of one slice with these axes: a disc of water off its centre that belongs to a patient. Returns
/// the volume.
fn patient(bench: &Bench, axes: [[f64; 3]; 3]) -> Volume {
    let grid = Grid::new([1, 24, 24], [8.0; 3], [10.0, -20.0, 30.0], axes).unwrap();
    let inside = |i: usize| ((i / 24) as f64 - 8.0).hypot((i % 24) as f64 - 12.0) < 5.0;
    let values = (0..576).map(|i| if inside(i) { 0.0 } else { -1000.0 }).collect();
    let volume = Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap();
    let labels = Labels {
        series_description: "one slice".into(),
        series_number_offset: 1,
        derivation: "made".into(),
        identity: Identity::Keep,
        study: "s".into(),
    };
    let file = write_series(&bench.path("slice"), &volume, &labels, None).unwrap().files.remove(0);
    let mut object = dicom_object::open_file(&file).unwrap();
    for (tag, vr, value) in [(tags::PATIENT_ID, VR::LO, "4711"), (tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.2.3.5")] {
        object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
    }
    object.write_to_file(&file).unwrap();
    volume
}

#[test]
fn a_slice_that_was_laid_down_is_exported_where_it_lay_in_its_patient() {
    let (s, c) = 10f64.to_radians().sin_cos();
    let sagittal = [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]];
    let tilted = [[0.0, s, c], [0.0, c, -s], [1.0, 0.0, 0.0]];
    for axes in [sagittal, tilted] {
        let bench = Bench::new();
        let volume = patient(&bench, axes);
        let text = "load: {dicom: {path: slice}}\ngrid: {shape: [24, 24]}\n\
                    simulate: {geometry: {parallel: {views: 60}}}\nreconstruct: [fbp]\n\
                    export: {directory: out, volumes: [dicom], report: [json], dicom: {identity: keep}}\n";
        bench.write("p.yaml", text);
        bench.recon(&["run", "p.yaml"]).expect(0, &["[slice_laid_down]"]);
        let back = read_series(&bench.path("out/fbp/dicom"), None).unwrap().volume;
        // The centre of the disc in the patient is at row 8 and column 12 of the source.
        let (mut sum, mut mass) = ([0.0; 3], 0.0);
        for (index, &value) in back.voxels().indexed_iter() {
            let weight = f64::from(value + 1000.0).max(0.0).powi(2);
            let place = back.grid.point([index.0 as f64, index.1 as f64, index.2 as f64]);
            (0..3).for_each(|k| sum[k] += weight * place[k]);
            mass += weight;
        }
        let middle = volume.grid.point([0.0, 8.0, 12.0]);
        assert!(norm(sub(sum.map(|x| x / mass), middle)) < 1.0, "{axes:?}: {sum:?} / {mass}, not {middle:?}");
        let file = std::fs::read_dir(bench.path("out/fbp/dicom")).unwrap().next().unwrap().unwrap().path();
        let object = dicom_object::open_file(file).unwrap();
        let text = |tag| object.element(tag).unwrap().to_str().unwrap().trim_end().to_string();
        assert_eq!((text(tags::PATIENT_ID), text(tags::FRAME_OF_REFERENCE_UID)), ("4711".into(), "1.2.3.5".into()));
        assert!(object.element(tags::SOURCE_IMAGE_SEQUENCE).is_ok());
    }
}
