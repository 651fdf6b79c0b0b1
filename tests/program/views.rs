//! Tests of X-ray views that no method is given: simulated or measured and withheld, scored, shown, and rendered
//! afterwards.

use crate::common::{Bench, TINY};
use ndarray::Array3;
use ndarray_npy::ReadNpyExt;
use recon::data::MU_WATER_PER_MM;
use recon::formats::nifti::{self, Units};
use recon::formats::{geometry, pictures};
use recon::operators::xray::kernels::{joseph, siddon};
use std::path::Path;

fn stack(path: &Path) -> Array3<f32> {
    Array3::read_npy(std::fs::File::open(path).unwrap()).unwrap()
}

/// ‖a − b‖ / ‖b‖.
fn apart(a: &[f32], b: &[f32]) -> f64 {
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f(f64::from(a), f64::from(b))).sum::<f64>()
    };
    assert_eq!(a.len(), b.len());
    (sum(&|a, b| (a - b).powi(2)) / sum(&|_, b| b * b)).sqrt()
}

/// Runs two methods on twelve views into the folder `r` and judges them by four other views.
fn judged() -> Bench {
    let bench = Bench::new();
    let sets = ["reconstruct=[fdk, {tv: {iterations: 30}}]", "simulate.held_out=4", "simulate.noise="];
    let mut args = vec!["run", TINY, "--output", "r"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    bench.recon(&args).expect(0, &[]);
    bench
}

#[test]
fn methods_are_scored_and_shown_from_views_that_they_were_not_given() {
    let bench = judged();
    let report = bench.json("r/report.json");
    for method in report["methods"].as_array().unwrap() {
        let (psnr, ssim) = (&method["metrics"]["views_psnr_db"], &method["metrics"]["views_ssim"]);
        assert!(psnr.as_f64().unwrap() > 15.0 && ssim.as_f64().unwrap() > 0.3, "{method}");
        assert_eq!(method["notes"]["views"].as_array().unwrap().len(), 4);
    }
    assert_eq!(report["metric_definitions"]["views_psnr_db"]["unit"], "dB");
    // The PSNR is computed once more from the files.
    let (truth, found) =
        (stack(&bench.path("r/held_out/projections.npy")), stack(&bench.path("r/tv/views/projections.npy")));
    let error = truth.iter().zip(&found).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / truth.len() as f64;
    let high = f64::from(truth.iter().copied().fold(f32::MIN, f32::max));
    let range = high - f64::from(truth.iter().copied().fold(f32::MAX, f32::min));
    let expected = 10.0 * (range * range / error).log10();
    let said = report["methods"][1]["metrics"]["views_psnr_db"].as_f64().unwrap();
    assert!((said - expected).abs() < 1e-6, "{said} and {expected}");
    // The held-out views are halfway between the given ones, which are 30 degrees apart.
    let [given, out] =
        ["r/geometry.json", "r/held_out/geometry.json"].map(|file| geometry::read(&bench.path(file)).unwrap());
    let angle = |view: &recon::data::View| (-view.center[1]).atan2(-view.center[0]).to_degrees().rem_euclid(30.0);
    assert!(out.views.iter().all(|view| (angle(view) - 15.0).abs() < 1e-6) && given.views.len() == 12);
    let page = std::fs::read_to_string(bench.path("r/report.html")).unwrap();
    assert!(page.contains("Held-out views") && page.contains("PSNR of views"));
    assert_eq!(pictures::read(&bench.path("r/fdk/views/view_003.png")).unwrap().pixels, [24, 24]);
    bench.recon(&["verify", "r"]).expect(0, &[]);
}

#[test]
fn a_volume_is_rendered_as_the_projector_sees_it() {
    let bench = judged();
    let scan = "r/held_out/geometry.json";
    bench.recon(&["render", "r/tv", "--views", scan, "-o", "tv.npy"]).expect(0, &[]);
    let volume = nifti::read(&bench.path("r/tv/volume.nii.gz"), Units::Hounsfield).unwrap().volume;
    let volume = volume.to_attenuation(MU_WATER_PER_MM);
    let geometry = geometry::read(&bench.path(scan)).unwrap();
    let found = stack(&bench.path("tv.npy"));
    let mut expected = vec![0.0; geometry.samples()];
    joseph::forward(&volume.grid, &geometry.views, &geometry.detector, volume.as_slice(), &mut expected);
    let error = apart(found.as_slice().unwrap(), &expected);
    assert!(error < 1e-3, "{error}");
    // Siddon's projector treats voxels as boxes, which makes a difference of 0.0507 here, where 16 voxels span the
    // head. A view that is mirrored, or in another unit, differs by far more.
    siddon::forward(&volume.grid, &geometry.views, &geometry.detector, volume.as_slice(), &mut expected);
    let error = apart(found.as_slice().unwrap(), &expected);
    assert!(error < 0.1, "{error}");
    // A volume file, as pictures and as a volume.
    bench.recon(&["render", "r/tv/volume.nii.gz", "--views", scan, "-o", "seen"]).expect(0, &[]);
    assert_eq!(bench.files("seen").len(), 6, "{:?}", bench.files("seen"));
    assert_eq!(stack(&bench.path("seen/projections.npy")), found);
    bench.recon(&["render", "r/tv", "--views", scan, "-o", "seen.nii.gz"]).expect(0, &[]);
    let seen = nifti::read(&bench.path("seen.nii.gz"), Units::Relative).unwrap().volume;
    assert_eq!((seen.grid.shape, seen.as_slice().len()), ([4, 24, 24], found.len()));
    for (arguments, code, words) in [
        (["render", "r/tv", "--views", "r/report.json", "-o", "no.npy"], 3, "not a scan geometry"),
        (["render", "r/no", "--views", scan, "-o", "no.npy"], 3, "r/no"),
        (["render", "r/tv", "--turntable", "4", "-o", "no.png"], 3, "radiance field"),
        (["render", "r/tv", "--pixels", "4", "-o", "no.nii"], 3, "fitted field"),
    ] {
        bench.recon(&arguments).expect(code, &[words]);
    }
    assert!(!bench.path("no.npy").exists() && !bench.path("no.png").exists());
}

#[test]
fn measured_views_are_withheld_from_every_method() {
    let bench = judged();
    let acquire = |held: &str| {
        format!(
            "acquire: {{npy: {{path: r/projections.npy}}, geometry: {{poses: {{file: r/geometry.json}}}}{held}}}\n\
             grid: {{shape: [16, 16, 16]}}\nreconstruct: [sirt]\n"
        )
    };
    let run = |name: &str, text: &str| {
        let file = bench.write(&format!("{name}.yaml"), text);
        bench.recon(&["run", file.to_str().unwrap(), "--output", name])
    };
    run("m", &acquire(", held_out: 3")).expect(0, &[]);
    let given = geometry::read(&bench.path("m/geometry.json")).unwrap();
    let out = geometry::read(&bench.path("m/held_out/geometry.json")).unwrap();
    assert_eq!((given.views.len(), out.views.len()), (9, 3));
    assert!(out.views.iter().all(|view| !given.views.contains(view)));
    let all = stack(&bench.path("r/projections.npy"));
    assert_eq!(
        stack(&bench.path("m/held_out/projections.npy")).index_axis(ndarray::Axis(0), 0),
        all.index_axis(ndarray::Axis(0), 2)
    );
    let metrics = &bench.json("m/report.json")["methods"][0]["metrics"];
    assert!(metrics["views_psnr_db"].as_f64().unwrap() > 15.0 && metrics["residual"].is_number(), "{metrics}");
    // Ten held-out views of twelve would leave too few for the methods.
    run("n", &(acquire("") + "evaluate: {views: held_out}\n")).expect(2, &["acquire.held_out", "1 to 6", "got 10"]);
}

#[test]
fn what_cannot_be_held_out_is_refused_with_its_key() {
    let bench = Bench::new();
    let check = |set: &str| bench.recon(&["check", TINY, "--set", set]);
    check("simulate.held_out=13").expect(2, &["simulate.held_out", "1 to 12", "13"]);
    check("simulate.held_out=0").expect(2, &["simulate.held_out"]);
    check("evaluate.views=held_in").expect(2, &["evaluate.views", "held_out"]);
    check("evaluate.views=held_out").expect(0, &[]);
}
