//! How fast a device is, and how near each part of a reconstruction comes to what it could do: the rates of a matrix
//! product and of a copy, then the time of each kernel and of whole reconstructions, as fractions of those.

mod ceilings;
mod fits;
mod parts;

use super::Machine;
use crate::data::{Detector, DetectorShape, Geometry, Grid, Orbit, Source, View};
use crate::error::Result;
use crate::progress::StopSignal;
use std::time::Instant;
use tch::Device;

/// How much work is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Voxels along each axis of a volume.
    pub voxels: usize,
    /// Views of a scan.
    pub views: usize,
    /// Rows and columns of the detector.
    pub pixels: usize,
    /// Rows of a square matrix.
    pub matrix: usize,
    /// Numbers of a copy.
    pub numbers: usize,
    /// Points at which a field is evaluated.
    pub points: usize,
    /// Iterations of a whole reconstruction.
    pub iterations: usize,
    /// How often a short measurement is repeated; the median counts.
    pub repeats: usize,
}

impl Size {
    /// Seconds on any machine.
    pub const SMALL: Self = Self {
        voxels: 24,
        views: 6,
        pixels: 32,
        matrix: 512,
        numbers: 1 << 20,
        points: 1 << 10,
        iterations: 3,
        repeats: 3,
    };
    /// What a card is for: 256³ voxels from 50 views.
    pub const FULL: Self = Self {
        voxels: 256,
        views: 50,
        pixels: 384,
        matrix: 8192,
        numbers: 1 << 28,
        points: 1 << 20,
        iterations: 200,
        repeats: 9,
    };
}

/// What a time is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Multiplications and additions at the rate of an f32 matrix product.
    F32,
    /// Those at the rate of a bf16 matrix product.
    Bf16,
    /// Bytes at the rate of a copy.
    Bytes,
    /// Nothing.
    None,
}

/// One measured thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was done, with its size.
    pub name: String,
    /// Median time of doing it once, seconds.
    pub seconds: f64,
    /// How much it was, in `unit`.
    pub amount: f64,
    /// Such as `samples`.
    pub unit: &'static str,
    /// Operations or bytes that it must at least take, for the fraction.
    pub least: f64,
    /// Which ceiling that is held against.
    pub bound: Bound,
    /// `least` over time as a part of the ceiling; `None` without one.
    pub fraction: Option<f64>,
}

/// All figures of a device: ceilings, kernels, whole reconstructions.
///
/// # Errors
/// Memory; the driver; a stop.
pub fn measure(machine: &Machine, size: Size, stop: &dyn StopSignal) -> Result<Vec<Figure>> {
    let bench = Stopwatch { device: machine.device, repeats: size.repeats };
    let ceilings = ceilings::measure(&bench, size)?;
    let mut figures = ceilings.figures.clone();
    for part in [parts::measure, fits::measure] {
        stop.check_stop()?;
        figures.extend(part(&bench, size)?.into_iter().map(|figure| ceilings.judged(figure)));
    }
    Ok(figures)
}

/// Takes times on a device.
struct Stopwatch {
    device: Device,
    repeats: usize,
}

impl Stopwatch {
    /// Median time of `work`, seconds, after one turn that is not counted; the device has finished when a time ends.
    fn median(&self, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
        work()?;
        let mut times = Vec::with_capacity(self.repeats);
        for _ in 0..self.repeats {
            times.push(self.once(&mut work)?);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }

    /// Time of one turn, seconds.
    fn once(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        self.finish();
        let begin = Instant::now();
        work()?;
        self.finish();
        Ok(begin.elapsed().as_secs_f64())
    }

    fn finish(&self) {
        if let Device::Cuda(index) = self.device {
            tch::Cuda::synchronize(index as i64);
        }
    }
}

/// A cone-beam scan of a cube of 1 mm voxels.
fn scan(size: Size) -> Result<(Grid, Geometry)> {
    let edge = size.voxels as f64;
    let grid = Grid::centered([size.voxels; 3], [1.0; 3], [0.0; 3])?;
    let (near, far) = (3.0 * edge, 1.5 * edge);
    let pitch = 2.2 * edge / size.pixels as f64;
    let angles: Vec<f64> = (0..size.views).map(|i| std::f64::consts::TAU * i as f64 / size.views as f64).collect();
    let view = |&angle: &f64| {
        let (s, c) = angle.sin_cos();
        let source = Source::Point([near * c, near * s, 0.0]);
        View { source, center: [-far * c, -far * s, 0.0], u: [-pitch * s, pitch * c, 0.0], v: [0.0, 0.0, pitch] }
    };
    let orbit = Orbit {
        isocenter: [0.0; 3],
        angles: angles.clone(),
        arc: std::f64::consts::TAU,
        source_to_axis: Some(near),
        source_to_detector: Some(near + far),
        offset: [0.0; 2],
    };
    let detector = Detector { rows: size.pixels, columns: size.pixels, shape: DetectorShape::Flat };
    Ok((grid, Geometry::new(angles.iter().map(view).collect(), detector, Some(orbit))?))
}
