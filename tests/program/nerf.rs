//! Pictures through the same stages: simulated, fitted, judged, resumed, read from files, and refused where they do not
//! belong.

use crate::common::{Bench, TINY};

const SCENE: &str = "
name: scene
load: {phantom: {file: ball.yaml}}
grid: {shape: [16, 16, 16]}
simulate:
  cameras: {sphere: {views: 12}, pixels: [24, 24], held_out: 3}
  appearance:
    transfer:
      - {hu: -100, color: [0.9, 0.3, 0.2], density_per_mm: 0}
      - {hu: 0, color: [0.9, 0.3, 0.2], density_per_mm: 1}
    voxels: 32
reconstruct:
  - radiance_field: {steps: 150, rays: 256, samples: 64, cells: 16, checkpoint_seconds: 0}
evaluate: {metrics: [psnr_db, ssim]}
";
const BALL: &str = "
name: ball
source: a ball
extent_mm: 100
dimension: 3
unit_mm: 1
shapes:
  - ellipsoid: {center: [5, 0, 0], semi_axes: [30, 30, 30], density: 1.0}
";

fn bench() -> Bench {
    let bench = Bench::new();
    std::fs::write(bench.path("ball.yaml"), BALL).unwrap();
    std::fs::write(bench.path("scene.yaml"), SCENE).unwrap();
    bench
}

#[test]
fn a_scene_is_learned_and_seen_from_held_out_cameras_with_the_same_bits_again() {
    let bench = bench();
    for output in ["a", "b"] {
        bench.recon(&["run", "scene.yaml", "--output", output]).expect(0, &[]);
    }
    let report = std::fs::read_to_string(bench.path("a/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let method = &report["methods"][0];
    assert!(method["metrics"]["psnr_db"].as_f64().unwrap() > 20.0, "{}", method["metrics"]);
    assert_eq!(method["notes"]["views"].as_array().unwrap().len(), 3);
    for file in ["volume.nii.gz", "views/r_0.png", "depth/r_2.npy"] {
        let read = |run: &str| std::fs::read(bench.path(&format!("{run}/radiance_field/{file}"))).unwrap();
        assert!(read("a") == read("b"), "{file}");
    }
    // Nothing is done again, and the pictures of the run are a set that is read.
    let again = bench.recon(&["run", "scene.yaml", "--output", "a", "--json"]).expect(0, &[]);
    assert!(again.stdout.contains("radiance_field"));
    let set = "
name: set
acquire: {images: {transforms: a/pictures/transforms_train.json, held_out: a/pictures/transforms_test.json}}
reconstruct: [{radiance_field: {steps: 3, rays: 16}}]
";
    std::fs::write(bench.path("set.yaml"), set).unwrap();
    bench.recon(&["run", "set.yaml", "--output", "c"]).expect(0, &[]);
    std::fs::remove_file(bench.path("a/pictures/train/r_3.png")).unwrap();
    bench.recon(&["run", "set.yaml", "--output", "d"]).expect(3, &["r_3.png"]);
}

#[test]
fn methods_refuse_the_other_kind_of_measurement_by_name() {
    let bench = bench();
    let other = ["run", "scene.yaml", "--output", "a", "--set", "reconstruct=[fdk]"];
    bench.recon(&other).expect(2, &["fdk", "X-ray projections"]);
    bench.recon(&["check", "scene.yaml", "--set", "reconstruct=[fdk]"]).expect(2, &["fdk", "X-ray projections"]);
    let pictures = ["run", TINY, "--output", "b", "--set", "reconstruct=[radiance_field]"];
    bench.recon(&pictures).expect(2, &["radiance_field", "pictures"]);
    let noisy = ["check", "scene.yaml", "--set", "simulate.noise.photons=1000"];
    bench.recon(&noisy).expect(2, &["simulate.noise", "cameras"]);
}
