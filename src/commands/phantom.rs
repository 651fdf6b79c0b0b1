//! `recon phantom FILE -o OUT`: rasterises an analytic phantom into a volume file.

use super::Output;
use crate::data::MU_WATER_PER_MM;
use crate::error::Result;
use crate::formats;
use crate::phantoms::Phantom;
use crate::progress;
use crate::stages::grid;
use std::path::PathBuf;

/// Arguments of `recon phantom`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The phantom's YAML file
    pub file: PathBuf,
    /// Volume file to write, in HU: .nii.gz, .nii, .mha, .mhd, .nrrd, .nhdr, .npy, .npz, .raw or .tif
    #[arg(short, long)]
    pub output: PathBuf,
    /// Number of voxels along z,y,x (y,x for a 2-D phantom) [default: 128,128,128 or 256,256]
    #[arg(long, value_delimiter = ',')]
    pub shape: Option<Vec<usize>>,
    /// Samples per voxel edge (1 to 16) for the partial-volume effect at boundaries
    #[arg(long, default_value_t = 4)]
    pub supersampling: usize,
}

/// Rasterises the phantom.
///
/// # Errors
/// A phantom that cannot be read, an invalid shape, a file that cannot be written.
pub fn run(args: &Args) -> Result<Output> {
    let phantom = Phantom::read(&args.file)?;
    let shape = args.shape.clone().unwrap_or_else(|| if phantom.is_2d() { vec![256, 256] } else { vec![128; 3] });
    let bounds = phantom.box_grid(if phantom.is_2d() { [1, 2, 2] } else { [2, 2, 2] })?;
    let grid = grid::Config { shape: Some(shape), ..grid::Config::default() }
        .over(&bounds)
        .map_err(|error| error.under("--shape"))?;
    let volume =
        phantom.rasterise(&grid, MU_WATER_PER_MM, args.supersampling.clamp(1, 16)).to_hounsfield(MU_WATER_PER_MM);
    formats::write_volume(&args.output, &volume, &format!("{}, HU", phantom.name))?;
    let value = serde_json::json!({"volume": args.output, "shape": grid.shape, "spacing_mm": grid.spacing});
    Ok(Output { text: progress::place(&args.output), value, summary: String::new() })
}
