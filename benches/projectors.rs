//! Times of the projector kernels: `cargo bench --bench projectors`, or `-- --serve` to answer requests of
//! `benches/peers/*.py` (one per line of stdin: job, voxels, pixels, views), which time a peer in alternation.

use criterion::{BenchmarkId, Criterion};
use recon::data::{Detector, DetectorShape, Geometry, Grid, Orbit, Source, View};
use recon::projectors::kernels::{backproject, joseph};
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

/// Work B of the comparison: cube of 128 mm, source 500 mm and detector 1000 mm away, detector 1.25 times the cube's shadow.
struct Work {
    grid: Grid,
    geometry: Geometry,
    volume: Vec<f32>,
    projections: Vec<f32>,
}

impl Work {
    fn new(voxels: usize, pixels: usize, views: usize) -> Self {
        let grid = Grid::centered([voxels; 3], [128.0 / voxels as f64; 3], [0.0; 3]).expect("a valid grid");
        let (radius, pitch) = (500.0, 128.0 * 2.0 * 1.25 / pixels as f64);
        let angles: Vec<f64> = (0..views).map(|i| std::f64::consts::TAU * i as f64 / views as f64).collect();
        let exposures = angles.iter().map(|angle| {
            let (s, c) = angle.sin_cos();
            View {
                source: Source::Point([radius * c, radius * s, 0.0]),
                center: [-radius * c, -radius * s, 0.0],
                u: [-s * pitch, c * pitch, 0.0],
                v: [0.0, 0.0, pitch],
            }
        });
        let exposures = exposures.collect();
        let orbit = Orbit {
            isocenter: [0.0; 3],
            angles,
            arc: std::f64::consts::TAU,
            source_to_axis: Some(radius),
            source_to_detector: Some(2.0 * radius),
            offset: [0.0; 2],
        };
        let detector = Detector { rows: pixels, columns: pixels, shape: DetectorShape::Flat };
        let geometry = Geometry::new(exposures, detector, Some(orbit)).expect("a valid geometry");
        let wave = |count: usize| (0..count).map(|i| (i as f32 * 0.37).sin() + 1.0).collect::<Vec<f32>>();
        let (volume, projections) = (wave(grid.voxels()), wave(geometry.samples()));
        Self { grid, geometry, volume, projections }
    }

    fn run(&mut self, job: &str) -> bool {
        let Self { grid, geometry, volume, projections } = self;
        match job {
            "forward" => joseph::forward(grid, &geometry.views, &geometry.detector, volume, projections),
            "adjoint" => joseph::adjoint(grid, &geometry.views, &geometry.detector, projections, volume),
            "backproject" => backproject::fdk(grid, geometry, projections, volume),
            _ => return false,
        }
        black_box((volume, projections));
        true
    }
}

/// Answers each request by the seconds of one run after one that is not timed.
fn serve() -> std::io::Result<()> {
    let mut last = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [job, voxels, pixels, views] = words[..] else { continue };
        let [Ok(voxels), Ok(pixels), Ok(views)] = [voxels, pixels, views].map(str::parse) else { continue };
        let (_, work) = match last.take() {
            Some((sizes, work)) if sizes == [voxels, pixels, views] => last.insert((sizes, work)),
            _ => last.insert(([voxels, pixels, views], Work::new(voxels, pixels, views))),
        };
        work.run(job);
        let start = Instant::now();
        let known = work.run(job);
        let seconds = if known { start.elapsed().as_secs_f64() } else { f64::NAN };
        writeln!(std::io::stdout(), "{seconds}")?;
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    if std::env::args().any(|argument| argument == "--serve") {
        return serve();
    }
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    for job in ["forward", "adjoint", "backproject"] {
        let mut group = criterion.benchmark_group(job);
        for (voxels, pixels) in [(64, 64), (128, 128), (128, 256), (256, 256)] {
            let mut work = Work::new(voxels, pixels, 50);
            let name = BenchmarkId::from_parameter(format!("{voxels}^3, 50 x {pixels}^2"));
            group.bench_function(name, |bencher| bencher.iter(|| work.run(job)));
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
