//! An invented run for the tests of this folder: a ball phantom, a blurred and noisy "FDK", a nearly perfect "SIREN".

use super::{Gallery, RunFacts};
use crate::data::{
    CurvePoint, Detector, DetectorShape, Geometry, Grid, MethodReport, MetricDefinition, Orbit, Projections, Quantity,
    Report, Source, StageReport, Status, View, Volume, Warning,
};
use serde_json::json;
use std::collections::BTreeMap;

fn method(name: &str, algorithm: &str, seconds: f64, memory: u64, metrics: [f64; 3]) -> MethodReport {
    let [psnr, ssim, rmse] = metrics;
    let all = [("psnr_db", psnr), ("ssim", ssim), ("rmse_hu", rmse)];
    let in_view = [("psnr_db_fov", psnr + 1.0), ("ssim_fov", ssim), ("rmse_hu_fov", (rmse * 90.0).round() / 100.0)];
    MethodReport {
        name: name.into(),
        algorithm: algorithm.into(),
        status: Status::Complete,
        seconds,
        peak_memory_bytes: Some(memory),
        volume: format!("{name}/volume.nii.gz"),
        metrics: all.into_iter().chain(in_view).map(|(key, value)| (key.to_string(), Some(value))).collect(),
        reasons: BTreeMap::new(),
        notes: BTreeMap::new(),
        curve: Vec::new(),
    }
}

fn definitions() -> BTreeMap<String, MetricDefinition> {
    let define = |definition: &str, data_range: Option<f64>, unit: &str| MetricDefinition {
        definition: definition.into(),
        data_range,
        unit: unit.into(),
        mask: "all".into(),
    };
    let all: [(&str, MetricDefinition); 3] = [
        (
            "psnr_db",
            define("10 log10(R²/MSE) over all voxels, no clipping, R = max − min of the truth", Some(1400.0), "dB"),
        ),
        (
            "ssim",
            define(
                "3-D Gaussian window, sigma 1.5, 11 taps, K 0.01/0.03, population covariance, interior only",
                Some(1400.0),
                "",
            ),
        ),
        ("rmse_hu", define("root of the mean squared difference", None, "HU")),
    ];
    let fov = all.clone().map(|(key, value)| (format!("{key}_fov"), MetricDefinition { mask: "fov".into(), ..value }));
    all.map(|(key, value)| (key.to_string(), value)).into_iter().chain(fov).collect()
}

/// A complete run of `fdk`, `siren` (started from `tv`) and `tv`.
pub(crate) fn report() -> Report {
    let mut fdk = method("fdk", "fdk", 0.84, 412_090_368, [24.31, 0.6127, 61.2]);
    fdk.notes.insert("filter".into(), json!("hann"));
    let mut siren = method("siren", "neural_field", 192.4, 1_342_177_280, [33.52, 0.9581, 21.2]);
    siren.notes.insert(
        "start".into(),
        json!({"algorithm": "tv", "psnr_db": 31.87, "ssim": 0.9312, "rmse_hu": 25.6, "seconds": 41.0}),
    );
    siren.notes.insert("parameters".into(), json!(198_657));
    siren.curve = (0..200).map(|i| point(1 + 10 * i, 0.9, 4.0e-2, 0.03)).collect();
    let mut tv = method("tv", "tv", 41.0, 655_360_000, [31.87, 0.9312, 25.6]);
    tv.curve = (0..40).map(|i| point(1 + 5 * i, 0.2, 0.5, 0.02)).collect();
    let stage = |name: &str, seconds, cached| StageReport { name: name.into(), seconds, cached };
    Report {
        schema: Report::SCHEMA,
        name: "ball".into(),
        status: Status::Complete,
        device: "cpu".into(),
        seed: 7,
        identity: "keep".into(),
        stages: vec![
            stage("load", 0.31, true),
            stage("simulate", 6.2, true),
            stage("reconstruct", 234.2, false),
            stage("evaluate", 1.9, false),
        ],
        methods: vec![fdk, siren, tv],
        metric_definitions: definitions(),
        warnings: vec![Warning::new(
            "clamped_pixels",
            "12 of 368640 detector pixels counted no photon and were set to one",
        )],
        config: json!({
            "name": "ball", "seed": 7, "load": {"phantom": {"file": "../phantoms/ball.yaml"}},
            "grid": {"shape": [48, 48, 48]},
            "evaluate": {"metrics": ["psnr_db", "ssim", "rmse_hu"]}
        }),
    }
}

/// A noisy exponential decay with a decaying rate.
fn point(step: u64, seconds_per_step: f64, height: f64, speed: f64) -> CurvePoint {
    let t = step as f64;
    let loss = height * ((-speed * t).exp() + 0.01 + 0.002 * (t * 12.9898).sin());
    CurvePoint {
        step,
        seconds: seconds_per_step * t / 10.0,
        loss,
        figures: [("rate".to_string(), 1e-3 * (-t / 800.0).exp())].into(),
    }
}

/// A ball of 85 mm radius (40 HU) in air with a dense (400 HU), a fat (−100 HU) and an air inclusion, in HU `[z, y, x]`
/// on a grid 200 mm wide; `[1, n, n]` if `flat`. `blur` is the width of the edges (mm), `noise` the amplitude of
/// pseudo-random noise (HU).
pub(crate) fn ball(n: usize, flat: bool, blur: f64, noise: f64) -> Volume {
    let spacing = 200.0 / n as f64;
    let shape = if flat { [1, n, n] } else { [n * 4 / 5, n, n] };
    let grid = Grid::centered(shape, [spacing; 3], [0.0; 3]).unwrap();
    let balls = [
        ([0.0, 0.0, 0.0], 85.0, 1040.0),
        ([35.0, 0.0, 0.0], 18.0, 360.0),
        ([-30.0, 30.0, 0.0], 16.0, -140.0),
        ([0.0, -40.0, 15.0], 20.0, -900.0),
    ];
    let mut values = Vec::with_capacity(grid.voxels());
    for i in 0..grid.voxels() {
        let index = [i / (n * n), i / n % n, i % n];
        let p = grid.point(index.map(|k| k as f64));
        let inside = |(center, radius, height): &([f64; 3], f64, f64)| {
            let distance = crate::data::norm(crate::data::sub(p, *center));
            height / (1.0 + ((distance - radius) / (blur + spacing / 4.0)).exp())
        };
        let dither = ((i as f64 * 12.9898).sin() * 43758.5453).fract() + (p[0] * 0.35 + p[1] * 0.2).sin();
        values.push((-1000.0 + balls.iter().map(inside).sum::<f64>() + noise * dither) as f32);
    }
    Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap()
}

/// A cone-beam (with one detector row: fan-beam) geometry with `views` views over 360°.
pub(crate) fn circle(views: usize, rows: usize, columns: usize) -> Geometry {
    let (near, far, pitch) = (500.0, 700.0, 300.0 / columns as f64);
    let angles: Vec<f64> = (0..views).map(|i| std::f64::consts::TAU * i as f64 / views as f64).collect();
    let view = |&angle: &f64| {
        let (s, c) = angle.sin_cos();
        View {
            source: Source::Point([near * c, near * s, 0.0]),
            center: [-(far - near) * c, -(far - near) * s, 0.0],
            u: [-s * pitch, c * pitch, 0.0],
            v: [0.0, 0.0, pitch],
        }
    };
    let orbit = Orbit {
        isocenter: [0.0; 3],
        angles: angles.clone(),
        arc: std::f64::consts::TAU,
        source_to_axis: Some(near),
        source_to_detector: Some(far),
        offset: [0.0; 2],
    };
    let detector = Detector { rows, columns, shape: DetectorShape::Flat };
    Geometry::new(angles.iter().map(view).collect(), detector, Some(orbit)).unwrap()
}

/// Line integrals through the balls of [`ball`], dimensionless.
pub(crate) fn projections(geometry: Geometry) -> Projections {
    let [views, rows, columns] = geometry.shape();
    let balls = [
        ([0.0, 0.0, 0.0], 85.0, 0.0214),
        ([35.0, 0.0, 0.0], 18.0, 0.0074),
        ([-30.0, 30.0, 0.0], 16.0, -0.0029),
        ([0.0, -40.0, 15.0], 20.0, -0.0185),
    ];
    let mut values = Vec::with_capacity(geometry.samples());
    for i in 0..views * rows * columns {
        let (view, row, column) = (i / (rows * columns), i / columns % rows, i % columns);
        let (origin, direction) = geometry.ray(view, row as f64, column as f64);
        let chord = |&(center, radius, mu): &([f64; 3], f64, f64)| {
            let to = crate::data::sub(center, origin);
            let along = crate::data::dot(to, direction);
            let square = radius * radius - (crate::data::dot(to, to) - along * along);
            2.0 * mu * square.max(0.0).sqrt()
        };
        values.push(balls.iter().map(chord).sum::<f64>() as f32);
    }
    Projections::from_vec(geometry, values).unwrap()
}

/// Facts about an invented machine.
pub(crate) fn facts() -> RunFacts {
    let rows = |rows: &[(&str, &str)]| {
        rows.iter().map(|(label, value)| ((*label).to_string(), (*value).to_string())).collect()
    };
    RunFacts {
        versions: rows(&[("recon", "0.1.0"), ("libtorch", "2.11.0")]),
        machine: rows(&[("device", "cpu (auto: no CUDA device)"), ("threads", "2"), ("SIMD", "avx512")]),
        inputs: rows(&[("ball.yaml", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")]),
        outputs: rows(&[("siren/volume.nii.gz", "1e8c7a4f0c4c2e3f90d14cf2f4ae9e1c0de4ab7bf2a4bd6d8a2c9f0c6d1b7a55")]),
        repeat: super::Repeat { threads: 2, named: true },
    }
}

/// A gallery of borrowed volumes: truth, then the methods of [`report`].
pub(crate) fn gallery<'a>(truth: &'a Volume, methods: &'a [Volume], projections: &'a Projections) -> Gallery<'a> {
    let names = ["fdk", "siren", "tv"];
    Gallery {
        truth: Some(truth),
        methods: names.iter().zip(methods).map(|(name, volume)| ((*name).to_string(), volume)).collect(),
        projections: Some(projections),
        pictures: Vec::new(),
        run: facts(),
        ..Gallery::default()
    }
}
