//! Adds a scan geometry: a saddle trajectory, on which the source moves up and down twice per turn, unlike on a circle
//! or a helix. A ball is scanned along this trajectory and reconstructed by SIRT.
//!
//! ```sh
//! cargo run --release --example add_geometry
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use recon::algorithms::{Algorithm, Problem, Run, sirt};
use recon::data::{Detector, DetectorShape, Geometry, Grid, Projections, Source, View, Volume, add};
use recon::error::{Error, Result};
use recon::geometries::Trajectory;
use recon::phantoms::Phantom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::Device;

/// `saddle: {views, height_mm, source_to_axis_mm, source_to_detector_mm, pixels, pitch_mm}`.
///
/// source(θ) = centre + (R cos θ, R sin θ, H cos 2θ), R = `source_to_axis_mm`, H = `height_mm` (J. D. Pack, F. Noo,
/// H. Kudo, Phys. Med. Biol. 49 (2004) 2317).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Saddle {
    /// Number of views in one turn, equally spaced.
    pub views: usize,
    /// Largest distance of the source from the central plane, mm.
    pub height_mm: f64,
    /// Distance from the source to the axis of rotation (in the central plane), mm.
    pub source_to_axis_mm: f64,
    /// Distance from the source to the detector, mm; larger than source_to_axis_mm.
    pub source_to_detector_mm: f64,
    /// Number of pixels, [rows, columns].
    pub pixels: [usize; 2],
    /// Width and height of a pixel, mm.
    pub pitch_mm: f64,
}

impl Default for Saddle {
    fn default() -> Self {
        Self {
            views: 60,
            height_mm: 80.0,
            source_to_axis_mm: 500.0,
            source_to_detector_mm: 700.0,
            pixels: [48, 48],
            pitch_mm: 4.0,
        }
    }
}

impl Trajectory for Saddle {
    fn build(&self, volume: &Grid) -> Result<Geometry> {
        if !(self.height_mm.is_finite() && self.height_mm >= 0.0) {
            let problem = format!("expected a height of 0 mm or more, got {}", self.height_mm);
            return Err(Error::config("height_mm", problem).hint("0 is a circle"));
        }
        let views = (0..self.views).map(|i| self.view(i, volume)).collect();
        let [rows, columns] = self.pixels;
        Geometry::new(views, Detector { rows, columns, shape: DetectorShape::Flat }, None)
    }
}

impl Saddle {
    /// The view with index `i`; the centre of the volume projects to the centre of the detector, whose rows stay
    /// horizontal.
    fn view(&self, i: usize, volume: &Grid) -> View {
        let angle = std::f64::consts::TAU * i as f64 / self.views as f64;
        let (sin, cos) = angle.sin_cos();
        let source = [self.source_to_axis_mm * cos, self.source_to_axis_mm * sin, self.height_mm * (2.0 * angle).cos()];
        let behind = 1.0 - self.source_to_detector_mm / self.source_to_axis_mm;
        View {
            source: Source::Point(add(volume.center(), source)),
            center: add(volume.center(), source.map(|x| behind * x)),
            u: [-self.pitch_mm * sin, self.pitch_mm * cos, 0.0],
            v: [0.0, 0.0, self.pitch_mm],
        }
    }
}

/// Linear attenuation coefficient of water, 1/mm.
const MU_WATER: f64 = 0.0206;
/// A ball of water with a radius of 30 mm.
const BALL: &str = "{name: ball, source: this example, extent_mm: 100, dimension: 3, unit_mm: 1, shapes: \
 [{ellipsoid: {semi_axes: [30, 30, 30], density: 1}}]}";

fn main() -> Result<()> {
    let volume = scan_and_reconstruct(&Saddle::default())?.to_hounsfield(MU_WATER);
    let [nz, ny, nx] = volume.grid.shape;
    println!("in the middle of the ball: {:.0} HU", volume.voxels()[[nz / 2, ny / 2, nx / 2]]);
    println!("in the corner, in air: {:.0} HU", volume.voxels()[[0, 0, 0]]);
    Ok(())
}

/// Reconstructs the ball (attenuation, 1/mm) from its exact line integrals along this trajectory.
///
/// # Errors
/// An invalid trajectory.
pub fn scan_and_reconstruct(trajectory: &dyn Trajectory) -> Result<Volume> {
    let grid = Grid::centered([25, 25, 25], [4.0; 3], [0.0; 3])?;
    let geometry = trajectory.build(&grid)?;
    let ball = Phantom::parse(BALL, Path::new("ball"))?;
    let data = Projections::from_vec(geometry.clone(), ball.project(&geometry, MU_WATER))?;
    let method = sirt::Config { iterations: 40, ..sirt::Config::default() };
    Ok(method.reconstruct(&Problem::xrays(&data, &grid, MU_WATER), &mut Run::quiet(Device::Cpu, 0))?.volume)
}
