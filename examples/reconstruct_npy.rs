//! Reconstructs a slice from a sinogram in a NumPy file, by filtered backprojection.
//!
//! ```sh
//! cargo run --release --example reconstruct_npy -- sinogram.npy slice.nii.gz
//! ```
//!
//! The array is `[view, column]` and holds line integrals of a parallel beam (dimensionless), over half a turn from +x
//! to +y. The NIfTI file holds the slice in HU.

use recon::algorithms::{Algorithm, Problem, Run, fbp};
use recon::data::{Grid, Projections, Volume};
use recon::error::{Error, Result};
use recon::formats::{nifti, npy};
use recon::geometries::{PerAxis, Trajectory, detector, parallel};
use std::path::Path;
use tch::Device;

/// Width of a detector column and of a voxel, mm.
const PITCH_MM: f64 = 1.0;
/// Linear attenuation coefficient of water, 1/mm.
const MU_WATER: f64 = 0.0206;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [sinogram, output] = &arguments[..] else {
        return Err(Error::config("arguments", "expected SINOGRAM.npy OUTPUT.nii.gz"));
    };
    let slice = reconstruct(Path::new(sinogram))?;
    nifti::write(Path::new(output), &slice.to_hounsfield(MU_WATER), "FBP of a sinogram")
}

/// Reconstructs the slice `[1, columns, columns]` (attenuation, 1/mm) of a sinogram `[view, column]`, centred on the
/// axis of rotation.
///
/// # Errors
/// A file that is not a NumPy array, or an array that does not have two dimensions.
pub fn reconstruct(sinogram: &Path) -> Result<Volume> {
    let array = npy::read_array(sinogram)?;
    let &[views, columns] = array.shape() else {
        let problem = format!("expected an array [view, column], got the shape {:?}", array.shape());
        return Err(Error::input(sinogram, problem));
    };
    let grid = Grid::centered([1, columns, columns], [PITCH_MM; 3], [0.0; 3])?;
    let detector = detector::Config {
        pixels: PerAxis::One(columns),
        pitch_mm: PerAxis::One(PITCH_MM),
        ..detector::Config::default()
    };
    let geometry = parallel::Config { views, detector, ..parallel::Config::default() }.build(&grid)?;
    let data = Projections::from_vec(geometry, array.into_iter().collect())?;
    let mut run = Run::quiet(Device::Cpu, 0);
    Ok(fbp::Config::default().reconstruct(&Problem::xrays(&data, &grid, MU_WATER), &mut run)?.volume)
}
