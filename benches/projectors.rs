//! Running times of the projector kernels: `cargo bench --bench projectors`. With `-- --serve` it answers requests of
//! `benches/peers/*.py` (one per line of stdin: job, voxels, pixels, views), which time another library in alternation.

use criterion::{BenchmarkId, Criterion};
use recon::data::{Detector, DetectorShape, Geometry, Grid, Orbit, Source, View};
use recon::operators::xray::kernels::{backproject, coverage, filter, joseph, support};
use std::f64::consts::{PI, TAU};
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::Instant;

/// A scan of a grid, with values to project and to backproject.
struct Work {
    grid: Grid,
    geometry: Geometry,
    volume: Vec<f32>,
    projections: Vec<f32>,
}

impl Work {
    /// Kinds of scans; the first is the default of a request.
    const KINDS: [&str; 4] = ["cone", "oblique", "parallel2d", "fan2d"];

    /// A cube (or a square) with edges of 128 mm. Source and detector are each 500 mm from the axis, and the detector
    /// is 1.25 times as wide as the cube's magnified edge (parallel beam: the requested number of pixels, each as wide
    /// as a voxel). `oblique`: the cube is tilted out of the plane of the orbit.
    fn new(kind: &str, voxels: usize, pixels: usize, views: usize) -> Self {
        let (flat, parallel) = (kind.ends_with("2d"), kind == "parallel2d");
        let spacing = 128.0 / voxels as f64;
        let mut grid = Grid::centered([if flat { 1 } else { voxels }, voxels, voxels], [spacing; 3], [0.0; 3])
            .expect("a valid grid");
        if kind == "oblique" {
            let (s, c) = 0.1f64.sin_cos();
            grid.axes = [[0.0, -s, c], [0.0, c, s], [1.0, 0.0, 0.0]];
        }
        let (radius, pitch) = (500.0, if parallel { spacing } else { 128.0 * 2.0 * 1.25 / pixels as f64 });
        let arc = if parallel { PI } else { TAU };
        let angles: Vec<f64> = (0..views).map(|i| arc * i as f64 / views as f64).collect();
        let exposures = angles.iter().map(|angle| {
            let (s, c) = angle.sin_cos();
            let source =
                if parallel { Source::Direction([-c, -s, 0.0]) } else { Source::Point([radius * c, radius * s, 0.0]) };
            View {
                source,
                center: [-radius * c, -radius * s, 0.0],
                u: [-s * pitch, c * pitch, 0.0],
                v: [0.0, 0.0, pitch],
            }
        });
        let exposures = exposures.collect();
        let distance = |mm: f64| (!parallel).then_some(mm);
        let orbit = Orbit {
            isocenter: [0.0; 3],
            angles,
            arc,
            source_to_axis: distance(radius),
            source_to_detector: distance(2.0 * radius),
            offset: [0.0; 2],
        };
        let detector = Detector { rows: if flat { 1 } else { pixels }, columns: pixels, shape: DetectorShape::Flat };
        let geometry = Geometry::new(exposures, detector, Some(orbit)).expect("a valid geometry");
        let wave = |count: usize| (0..count).map(|i| (i as f32 * 0.37).sin() + 1.0).collect::<Vec<f32>>();
        let (volume, projections) = (wave(grid.voxels()), wave(geometry.samples()));
        Self { grid, geometry, volume, projections }
    }

    fn run(&mut self, job: &str) {
        let Self { grid, geometry, volume, projections } = self;
        match job {
            "forward" => joseph::forward(grid, &geometry.views, &geometry.detector, volume, projections),
            "adjoint" => joseph::adjoint(grid, &geometry.views, &geometry.detector, projections, volume),
            "coverage" => drop(black_box(coverage::seen_by(grid, geometry))),
            "support" => drop(black_box(support::seen_support(grid, geometry, projections, 1.5))),
            "filter" => filter::ramp_rows(projections, geometry.detector.columns, 1.0, filter::Filter::Hann, 1.0),
            _ => backproject::fdk(grid, geometry, projections, volume),
        }
        black_box((volume, projections));
    }
}

/// Answers each request with the seconds of one run, after one untimed run. A job may be preceded by its kind, as in
/// `fan2d:forward`.
fn serve() -> std::io::Result<()> {
    let mut last = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [job, voxels, pixels, views] = words[..] else { continue };
        let [Ok(voxels), Ok(pixels), Ok(views)] = [voxels, pixels, views].map(str::parse) else { continue };
        let (kind, job) = job.split_once(':').unwrap_or((Work::KINDS[0], job));
        let key = (kind.to_string(), voxels, pixels, views);
        let (_, work) = match last.take() {
            Some((same, work)) if same == key => last.insert((same, work)),
            _ => last.insert((key, Work::new(kind, voxels, pixels, views))),
        };
        work.run(job);
        let start = Instant::now();
        work.run(job);
        writeln!(std::io::stdout(), "{}", start.elapsed().as_secs_f64())?;
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    if std::env::args().any(|argument| argument == "--serve") {
        return serve();
    }
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    for job in ["forward", "adjoint", "backproject", "filter", "coverage", "support"] {
        let mut group = criterion.benchmark_group(job);
        for (kind, voxels, pixels, views) in [
            ("cone", 64, 64, 50),
            ("cone", 128, 128, 50),
            ("cone", 128, 256, 50),
            ("cone", 256, 256, 50),
            ("oblique", 128, 128, 50),
            ("parallel2d", 256, 363, 60),
            ("fan2d", 256, 363, 60),
        ] {
            let mut work = Work::new(kind, voxels, pixels, views);
            let name = BenchmarkId::new(kind, format!("{voxels} voxels, {views} x {pixels} pixels"));
            group.bench_function(name, |bencher| bencher.iter(|| work.run(job)));
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
