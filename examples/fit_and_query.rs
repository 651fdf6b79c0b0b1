//! Fits a neural field (a SIREN) to few projections of a phantom and evaluates its attenuation at given points.
//!
//! ```sh
//! cargo run --release --example fit_and_query
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use recon::algorithms::neural_field::Fitted;
use recon::algorithms::{AlgorithmKind, Problem, Run};
use recon::data::{Grid, Projections};
use recon::error::{Error, Result};
use recon::geometries::{Trajectory, parallel};
use recon::phantoms::Phantom;
use recon::progress::Checkpoints;
use recon::registry::OneOf;
use std::cell::RefCell;
use std::path::Path;
use tch::Device;

/// Linear attenuation coefficient of water, 1/mm.
const MU_WATER: f64 = 0.0206;
/// A disc of water (radius 40 mm) in air, with a disc twice as dense (radius 12 mm) inside it at (15, 0, 0) mm.
const PHANTOM: &str = "{name: discs, source: this example, extent_mm: 100, dimension: 2, unit_mm: 1, shapes: \
 [{ellipse: {semi_axes: [40, 40], density: 1}}, {ellipse: {center: [15, 0], semi_axes: [12, 12], density: 1}}]}";
/// The method, written as in the `reconstruct` section of a pipeline.
const METHOD: &str = "neural_field: {field: {siren: {width: 64, depth: 2, omega: 15}}, \
 start: {tv: {iterations: 60}, steps: 300, batch: 512}, steps: 40}";

fn main() -> Result<()> {
    let field = fit()?;
    let points = [[0.0, 0.0, 0.0], [15.0, 0.0, 0.0], [-25.0, 10.0, 0.0], [45.0, 0.0, 0.0]];
    for (point, attenuation) in points.iter().zip(field.at(&points)?) {
        println!("{point:?} mm: {attenuation:.4} /mm = {:.2} of water", f64::from(attenuation) / MU_WATER);
    }
    Ok(())
}

/// Fits the field to 30 views of the phantom.
///
/// # Errors
/// Not enough memory.
pub fn fit() -> Result<Fitted> {
    let grid = Grid::centered([1, 40, 40], [2.5; 3], [0.0; 3])?;
    let geometry = parallel::Config { views: 30, ..parallel::Config::default() }.build(&grid)?;
    let phantom = Phantom::parse(PHANTOM, Path::new("discs"))?;
    let data = Projections::from_vec(geometry.clone(), phantom.project(&geometry, MU_WATER))?;

    let method: OneOf<AlgorithmKind> =
        serde_yaml::from_str(METHOD).map_err(|error| Error::config("neural_field", error))?;
    let last = LastCheckpoint::default();
    let mut run = Run { checkpoints: &last, ..Run::quiet(Device::Cpu, 0) };
    method.kind.as_part().reconstruct(&Problem::xrays(&data, &grid, MU_WATER), &mut run)?;
    Fitted::read(&last.0.borrow(), Device::Cpu)
}

/// Keeps the latest checkpoint in memory; a fit saves its final weights as its last checkpoint.
#[derive(Default)]
struct LastCheckpoint(RefCell<Vec<u8>>);

impl Checkpoints for LastCheckpoint {
    fn load(&self, _accept: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        Ok(false)
    }

    fn save(&self, bytes: &[u8]) -> Result<()> {
        *self.0.borrow_mut() = bytes.to_vec();
        Ok(())
    }
}
