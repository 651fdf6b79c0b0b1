//! Speed of a device: the rates of a matrix product and of a copy, then the time of each kernel and of whole
//! reconstructions. The time of a kernel is compared with the matrix product or the copy as an upper limit.

mod ceilings;
mod fits;
mod parts;

use super::Machine;
use crate::data::{Detector, DetectorShape, Geometry, Grid, Orbit, Source, View};
use crate::error::Result;
use crate::progress::StopSignal;
use std::time::Instant;
use tch::Device;

/// Size of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Number of voxels along each axis of the volume.
    pub voxels: usize,
    /// Number of views of the scan.
    pub views: usize,
    /// Number of rows, and of columns, of the detector.
    pub pixels: usize,
    /// Number of rows of the square matrices.
    pub matrix: usize,
    /// Number of f32 values that are copied.
    pub numbers: usize,
    /// Number of points at which a field is evaluated.
    pub points: usize,
    /// Number of iterations of a whole reconstruction.
    pub iterations: usize,
    /// Number of repetitions of a short measurement; the median is reported.
    pub repeats: usize,
}

impl Size {
    /// A small size that takes seconds on any machine.
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
    /// A size that uses a GPU fully: 256³ voxels, 50 views.
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

/// Upper limit with which a measured time is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Multiplications and additions, at the rate of an f32 matrix product.
    F32,
    /// Multiplications and additions, at the rate of a bf16 matrix product.
    Bf16,
    /// Bytes read and written, at the rate of a copy.
    Bytes,
    /// No upper limit.
    None,
}

/// Measured time of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name of the operation, with its size.
    pub name: String,
    /// Median time of the operation, seconds.
    pub seconds: f64,
    /// Amount of work done, in `unit`.
    pub amount: f64,
    /// Unit of `amount`, such as `samples`.
    pub unit: &'static str,
    /// Smallest number of operations or bytes that the operation needs, for `fraction`.
    pub least: f64,
    /// Upper limit with which `least` is compared.
    pub bound: Bound,
    /// `least` per second, divided by the rate of `bound`; `None` without a bound.
    pub fraction: Option<f64>,
}

/// Measures everything on a device: upper limits, kernels, whole reconstructions.
///
/// # Errors
/// Too little memory, an error of the driver, or a stop.
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

/// Measures times on a device.
struct Stopwatch {
    device: Device,
    repeats: usize,
}

impl Stopwatch {
    /// Median time of `work`, seconds, after one call that is not measured. Waits for the device before the clock
    /// stops.
    fn median(&self, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
        work()?;
        let mut times = Vec::with_capacity(self.repeats);
        for _ in 0..self.repeats {
            times.push(self.once(&mut work)?);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }

    /// Time of one call, seconds.
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

/// A circular cone-beam scan of a cube with voxels of 1 mm.
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
