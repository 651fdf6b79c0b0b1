//! Tests of radiance fields from pictures, through the same stages as X-rays: simulated, fitted, evaluated, resumed,
//! read from files, and refused where they do not belong.

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
    // Another run does nothing again, and the pictures of the run can be read as a set of pictures.
    let again = bench.recon(&["run", "scene.yaml", "--output", "a", "--json"]).expect(0, &[]);
    assert!(again.stdout.contains("radiance_field"));
    assert_eq!(bench.computed("a/report.json"), ["export"]);
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

/// Fits a field of the scene for 60 steps; `more` holds additional keys.
fn fitted(more: &str) -> Bench {
    let bench = bench();
    let method = format!("reconstruct=[{{radiance_field: {{steps: 60, rays: 256, samples: 48, cells: 16{more}}}}}]");
    bench.recon(&["run", "scene.yaml", "--output", "a", "--set", &method]).expect(0, &[]);
    bench
}

#[test]
fn a_field_is_seen_from_other_cameras_and_from_a_turn_around_it() {
    let bench = fitted("");
    let field = "a/radiance_field";
    // The held-out cameras see what the run has written.
    let cameras = "a/pictures/transforms_test.json";
    bench.recon(&["render", field, "--views", cameras, "-o", "seen"]).expect(0, &[]);
    let read = |file: &str| std::fs::read(bench.path(file)).unwrap();
    for file in ["views/r_1.png", "depth/r_1.npy"] {
        assert!(read(&format!("seen/{file}")) == read(&format!("{field}/{file}")), "{file}");
    }
    let depth = recon::formats::pictures::read(&bench.path("seen/depth/r_1.png")).unwrap();
    let seen = depth.rgba.iter().filter(|pixel| pixel[3] > 0.0).count();
    assert!(depth.pixels == [24, 24] && seen > 50 && seen < 576, "{seen}");
    let turn = ["render", field, "--turntable", "5", "--pixels", "20,30", "--seconds", "1", "-o"];
    bench.recon(&[&turn[..], &["turn.png"]].concat()).expect(0, &[]);
    let bytes = read("turn.png");
    let chunk = |name: &[u8]| bytes.windows(4).filter(|window| *window == name).count();
    assert_eq!((chunk(b"acTL"), chunk(b"fcTL"), chunk(b"fdAT")), (1, 5, 4), "five pictures that move");
    bench.recon(&[&turn[..], &["turn"]].concat()).expect(0, &[]);
    assert_eq!(bench.files("turn").len(), 15);
    // The density on any grid, in its own unit.
    bench.recon(&["render", field, "--shape", "16,16,16", "-o", "density.nii.gz"]).expect(0, &[]);
    assert!(read("density.nii.gz") == read(&format!("{field}/volume.nii.gz")));
    for (arguments, code, words) in [
        (["--turntable", "1", "-o", "no.png"], 2, "--turntable"),
        (["--views", "a/report.json", "-o", "no"], 3, "not a file of cameras"),
        (["--pixels", "9", "-o", "no"], 2, "ending"),
    ] {
        bench.recon(&[&["render", field][..], &arguments].concat()).expect(code, &[words]);
    }
    assert!(!bench.path("no").exists() && !bench.path("no.png").exists());
}

#[cfg(unix)]
#[test]
fn a_film_is_made_by_ffmpeg_and_refused_without_it() {
    use std::os::unix::fs::PermissionsExt;
    let bench = fitted("");
    let film = |path: &std::path::Path| {
        let args =
            ["render", "a/radiance_field", "--turntable", "4", "--pixels", "20,30", "--seconds", "1", "-o", "t.mp4"];
        crate::common::Outcome::from(bench.command(&args).env("PATH", path).output().unwrap())
    };
    film(&bench.path("nowhere")).expect(5, &["ffmpeg", ".png"]);
    // A script stands in for ffmpeg: it stores its arguments and its input; another one fails.
    let script = |body: &str| {
        let file = bench.write("bin/ffmpeg", &format!("#!/bin/sh\n[ \"$1\" = -version ] && exit 0\n{body}\n"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let said = bench.path("bin/said");
    script(&format!("for last; do :; done; echo \"$@\" > {}; exec /bin/cat > \"$last\"", said.display()));
    film(&bench.path("bin")).expect(0, &[]);
    assert_eq!(std::fs::metadata(bench.path("t.mp4")).unwrap().len(), 4 * 20 * 30 * 3, "every pixel of every picture");
    let said = std::fs::read_to_string(said).unwrap();
    assert!(said.contains("-s 30x20 -r 4 ") && said.contains("yuv420p"), "{said}");
    script("echo 'no such encoder' >&2; exit 1");
    std::fs::remove_file(bench.path("t.mp4")).unwrap();
    film(&bench.path("bin")).expect(5, &["no such encoder"]);
    let left = bench.files("").into_iter().filter(|file| file.contains("partial") || file == "t.mp4").count();
    assert_eq!(left, 0);
}

#[test]
fn a_siren_learns_the_scene_too() {
    let siren = ", optimizer: {adam: {rate: 2.0e-3}}, field: {encoding: identity, activation: {sine: {omega: 10}}, \
                 width: 48, depth: 3}";
    let bench = fitted(siren);
    let metrics = &bench.json("a/report.json")["methods"][0]["metrics"];
    assert!(metrics["psnr_db"].as_f64().unwrap() > 20.0, "{metrics}");
    assert!(metrics["psnr_db_object"].as_f64().unwrap() < metrics["psnr_db"].as_f64().unwrap(), "{metrics}");
}

#[test]
fn a_coarse_and_a_fine_network_learn_the_scene_and_are_rendered_from_their_checkpoint() {
    let nerf = ", fine: {samples: 24}, optimizer: {adam: {rate: 5.0e-3}}, field: {encoding: {nerf: {octaves: \
                4}}, width: 32, depth: 3, skip: 1, features: 16, direction: waves, color_width: 16, color_depth: 1}";
    let bench = fitted(nerf);
    let method = bench.json("a/report.json")["methods"][0].clone();
    // 19.3 dB after 60 steps of so small a network; the white background alone has 15 dB.
    assert!(method["metrics"]["psnr_db"].as_f64().unwrap() > 18.0, "{}", method["metrics"]);
    let read = |file: &str| std::fs::read(bench.path(file)).unwrap();
    let field = "a/radiance_field";
    bench.recon(&["render", field, "--views", "a/pictures/transforms_test.json", "-o", "seen"]).expect(0, &[]);
    assert!(read("seen/views/r_1.png") == read(&format!("{field}/views/r_1.png")));
    // There are two networks, and the pictures are not those of the first one alone.
    let alone = fitted(&nerf.replace(", fine: {samples: 24}", ""));
    let parameters = |bench: &Bench| bench.json("a/report.json")["methods"][0]["notes"]["parameters"].as_u64().unwrap();
    assert_eq!(parameters(&bench), 2 * parameters(&alone));
    let other = std::fs::read(alone.path(&format!("{field}/views/r_1.png"))).unwrap();
    assert!(other != read(&format!("{field}/views/r_1.png")));
    let wrong = "reconstruct=[{radiance_field: {fine: {samples: 0}}}]";
    bench.recon(&["check", "scene.yaml", "--set", wrong]).expect(2, &["radiance_field.fine.samples", "got 0"]);
}
