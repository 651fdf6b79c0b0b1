//! Running times of the classical methods: `cargo bench --bench classical`. With `-- --serve` it answers requests of
//! `benches/peers/classical.py`, which compares other libraries with recon on the same data and times them in
//! alternation. Requests (see [`Request`]) and answers are lines of JSON.

use criterion::{BenchmarkId, Criterion};
use recon::algorithms::{AlgorithmKind, Problem, Run};
use recon::data::{Geometry, Grid, MU_WATER_PER_MM, Projections, Volume};
use recon::formats::npy;
use recon::geometries::GeometryKind;
use recon::phantoms::Phantom;
use recon::registry::OneOf;
use serde::Deserialize;
use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tch::Device;

/// A request: one line of JSON on stdin.
#[derive(Deserialize)]
struct Request {
    /// Voxels of the grid `[z, y, x]`, centred at the origin, `spacing_mm` (default 1 mm) apart.
    shape: [usize; 3],
    #[serde(default = "one")]
    spacing_mm: f64,
    /// A scan geometry as in a pipeline, such as `parallel: {views: 60}`.
    scan: String,
    /// Path of the projections `[view, row, column]` (.npy): written if `phantom` is given, read otherwise.
    data: PathBuf,
    /// Path of a phantom file; it is projected and rasterised, and nothing is reconstructed.
    phantom: Option<PathBuf>,
    /// A method as in a pipeline, such as `sirt: {iterations: 100}`.
    #[serde(default)]
    method: String,
    /// Path to which the volume `[z, y, x]` (1/mm) is written.
    volume: Option<PathBuf>,
    /// Number of untimed runs before the timed one.
    #[serde(default)]
    warm_up: usize,
}

fn one() -> f64 {
    1.0
}

fn scan(text: &str, grid: &Grid) -> Geometry {
    let kind: OneOf<GeometryKind> = serde_yaml::from_str(text).expect("a scan");
    kind.kind.build(grid).expect("a scan of the grid")
}

fn reconstruct(method: &AlgorithmKind, data: &Projections, grid: &Grid) -> recon::error::Result<Volume> {
    let mut run = Run::quiet(Device::Cpu, 0);
    Ok(method.as_part().reconstruct(&Problem::xrays(data, grid, MU_WATER_PER_MM), &mut run)?.volume)
}

fn draw(path: &Path, volume: &Volume) -> Result<(), Box<dyn Error>> {
    Ok(ndarray_npy::write_npy(path, &volume.voxels().to_owned())?)
}

/// Handles a request; returns the seconds of the timed run, or 0 for a phantom.
fn answer(request: &Request) -> Result<f64, Box<dyn Error>> {
    let grid = Grid::centered(request.shape, [request.spacing_mm; 3], [0.0; 3])?;
    let geometry = scan(&request.scan, &grid);
    if let Some(file) = &request.phantom {
        let phantom = Phantom::parse(&std::fs::read_to_string(file)?, file)?;
        npy::write_projections(
            &request.data,
            &Projections::from_vec(geometry.clone(), phantom.project(&geometry, MU_WATER_PER_MM))?,
        )?;
        if let Some(path) = &request.volume {
            draw(path, &phantom.rasterise(&grid, MU_WATER_PER_MM, 4))?;
        }
        return Ok(0.0);
    }
    let data = npy::read_projections(&request.data, geometry)?;
    let method: OneOf<AlgorithmKind> = serde_yaml::from_str(&request.method)?;
    for _ in 0..request.warm_up {
        black_box(reconstruct(&method.kind, &data, &grid)?);
    }
    let start = Instant::now();
    let volume = reconstruct(&method.kind, &data, &grid)?;
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &request.volume {
        draw(path, &volume)?;
    }
    Ok(seconds)
}

fn serve() -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let reply = match serde_json::from_str::<Request>(&line).map_err(Box::from).and_then(|request| answer(&request))
        {
            Ok(seconds) => serde_json::json!({ "seconds": seconds }),
            Err(error) => serde_json::json!({ "error": error.to_string() }),
        };
        writeln!(std::io::stdout(), "{reply}")?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == "--serve") {
        return serve();
    }
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("classical");
    let grid = Grid::centered([1, 256, 256], [1.0; 3], [0.0; 3])?;
    let geometry = scan("parallel: {views: 60, detector: {pixels: 363, pitch_mm: 1.0}}", &grid);
    let chord = |i: usize| {
        let (o, d) = geometry.ray(i / 363, 0.0, (i % 363) as f64);
        let (b, c) = (o[0] * d[0] + o[1] * d[1], o[0] * o[0] + o[1] * o[1] - 100.0f64.powi(2));
        (MU_WATER_PER_MM * 2.0 * (b * b - c).max(0.0).sqrt()) as f32
    };
    let data = Projections::from_vec(geometry.clone(), (0..geometry.samples()).map(chord).collect())?;
    for text in [
        "fbp",
        "sirt: {iterations: 10}",
        "os_sart: {iterations: 10}",
        "cgls: {iterations: 10}",
        "fista: {iterations: 10}",
    ] {
        let method: OneOf<AlgorithmKind> = serde_yaml::from_str(text)?;
        group.bench_function(BenchmarkId::new(text, "256 x 256, 60 views"), |bencher| {
            bencher.iter(|| reconstruct(&method.kind, &data, &grid).expect("a volume"));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
