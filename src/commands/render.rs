//! `recon render FIELD -o OUT`: a fitted field on another grid, finer than the one it was fitted on.

use super::Output;
use crate::algorithms::neural_field::Fitted;
use crate::context::{Machine, layout};
use crate::error::{Error, Result};
use crate::formats;
use crate::progress::{self, StopSignal};
use crate::stages::grid::{self, Spacing};
use crate::tensors::DeviceRequest;
use std::path::{Path, PathBuf};

/// What `recon render` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// A method's folder in a run folder, or the checkpoint (.safetensors) itself
    pub field: PathBuf,
    /// The file to write, HU: .nii.gz, .nii, .mha, .mhd, .nrrd, .nhdr, .npy, .npz, .raw or .tif
    #[arg(short, long)]
    pub output: PathBuf,
    /// Distance between voxels in mm: one number, or z,y,x (y,x in 2-D)
    #[arg(long, value_delimiter = ',', group = "grid_choice")]
    pub spacing: Option<Vec<f64>>,
    /// Voxels along z,y,x (y,x in 2-D)
    #[arg(long, value_delimiter = ',', group = "grid_choice")]
    pub shape: Option<Vec<usize>>,
    /// A volume whose grid is taken
    #[arg(long, group = "grid_choice")]
    pub like: Option<PathBuf>,
    /// auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
}

/// Renders the field.
///
/// # Errors
/// A folder without a field, a grid that cannot be, memory, a file that cannot be written.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let file = checkpoint(&args.field)?;
    let bytes = std::fs::read(&file).map_err(|error| Error::input(&file, error))?;
    let request: DeviceRequest = args.device.parse().map_err(|error: Error| error.under("--device"))?;
    let device = Machine::take(request, crate::context::Threads::default())?.device;
    let fitted = Fitted::read(&bytes, device).map_err(|error| match error {
        Error::Input { problem, hint, .. } => Error::Input { place: file.clone(), problem, hint },
        other => other,
    })?;
    let spacing =
        args.spacing.clone().map(|list| if let [one] = list[..] { Spacing::One(one) } else { Spacing::Each(list) });
    let wanted =
        grid::Config { shape: args.shape.clone(), spacing_mm: spacing, from: args.like.clone().map(Into::into) };
    let grid = if wanted == grid::Config::default() { fitted.grid().clone() } else { wanted.over(fitted.grid())? };
    let volume = fitted.volume(&grid, stop)?.to_hounsfield(fitted.mu_water());
    formats::write_volume(&args.output, &volume, "neural field, HU")?;
    let value = serde_json::json!({"volume": args.output, "shape": grid.shape, "spacing_mm": grid.spacing});
    Ok(Output { text: progress::place(&args.output), value, summary: String::new() })
}

/// The file of a method's folder.
fn checkpoint(place: &Path) -> Result<PathBuf> {
    let file = if place.is_dir() { place.join(layout::CHECKPOINT) } else { place.to_path_buf() };
    if file.is_file() {
        return Ok(file);
    }
    Err(Error::input(place, "expected the folder of a fitted neural field, or its checkpoint.safetensors")
        .hint("such as runs/ct/siren: methods that are no fields keep no weights"))
}
