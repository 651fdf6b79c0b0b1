//! `recon render FIELD -o OUT`: a fitted field on another grid; radiographs of a field or a volume along the rays of
//! any scan (`--views`); pictures of a radiance field from given cameras (`--views`) or from cameras on a circle around
//! it (`--turntable`).

mod film;
mod radiographs;
mod scene;
mod subject;

use super::Output;
use crate::error::{Error, Result};
use crate::formats::{self, Units};
use crate::progress::{self, StopSignal};
use crate::stages::grid::{self, Spacing};
use std::path::PathBuf;
use subject::Subject;

/// Arguments of `recon render`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// A method's folder in a run folder, the checkpoint (.safetensors) of a field or, with --views, any volume file
    pub field: PathBuf,
    /// File or folder to write. A field on a grid: a volume file (.nii.gz, .nii, .mha, .mhd, .nrrd, .nhdr, .npy, .npz,
    /// .raw or .tif) in HU (1/mm for a radiance field). Radiographs: a volume file of line integrals [view, row,
    /// column]; any other name is a folder for line integrals and pictures. A turntable: .png (an animation) or .mp4
    /// (needs ffmpeg); any other name is a folder
    #[arg(short, long)]
    pub output: PathBuf,
    /// Voxel spacing of the output grid in mm: one number, or z,y,x (y,x in 2-D)
    #[arg(long, value_delimiter = ',', group = "grid_choice")]
    pub spacing: Option<Vec<f64>>,
    /// Number of voxels of the output grid along z,y,x (y,x in 2-D)
    #[arg(long, value_delimiter = ',', group = "grid_choice")]
    pub shape: Option<Vec<usize>>,
    /// Volume file whose grid is the output grid
    #[arg(long, group = "grid_choice")]
    pub like: Option<PathBuf>,
    /// Scan geometry for radiographs (geometry.json, .csv, ASTRA vectors, RTK .xml), or cameras for a radiance field
    /// (transforms.json)
    #[arg(long)]
    pub views: Option<PathBuf>,
    /// Number of pictures of a radiance field from cameras on a full circle around it, 2 to 1000
    #[arg(long, conflicts_with = "views")]
    pub turntable: Option<usize>,
    /// Elevation angle of the turntable's cameras above the centre of the object, in degrees
    #[arg(long, default_value_t = 20.0, requires = "turntable", allow_hyphen_values = true)]
    pub elevation: f64,
    /// Distance of the turntable's cameras from the centre of the object, in mm; default: the whole grid is visible
    #[arg(long, requires = "turntable")]
    pub distance: Option<f64>,
    /// Duration of one turn of the turntable, in seconds
    #[arg(long, default_value_t = 4.0, requires = "turntable")]
    pub seconds: f64,
    /// Picture size in pixels: rows,columns. For a turntable (default 256,256), or if the file of --views has no size
    #[arg(long, value_delimiter = ',', num_args = 1)]
    pub pixels: Option<Vec<usize>>,
    /// Detector pixel size in mm: v,u. Needed if the file of --views has no pixel size
    #[arg(long, value_delimiter = ',', requires = "views")]
    pub pitch: Option<Vec<f64>>,
    /// Unit of the values in a volume file: hounsfield, attenuation_per_mm or relative
    #[arg(long, default_value = "hounsfield", value_parser = units)]
    pub units: Units,
    /// Attenuation of water in 1/mm, to convert a volume from HU to attenuation; a fitted field has its own value
    #[arg(long, default_value_t = crate::data::MU_WATER_PER_MM)]
    pub mu_water: f64,
    /// Device to compute on: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
}

fn units(text: &str) -> std::result::Result<Units, String> {
    serde_json::from_value(text.into()).map_err(|_| "expected hounsfield, attenuation_per_mm or relative".to_string())
}

/// Renders the field or volume.
///
/// # Errors
/// An object that cannot be rendered in this way, an invalid grid or scan, too little memory, a file that cannot be
/// written.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    if !(args.mu_water.is_finite() && args.mu_water > 0.0) {
        return Err(Error::config("--mu-water", format!("expected a positive number of 1/mm, got {}", args.mu_water)));
    }
    let subject = Subject::read(args)?;
    match (&args.views, args.turntable) {
        (Some(file), _) => match &subject {
            Subject::Scene(scene) => scene::pictures(scene, file, args, stop),
            _ => radiographs::write(&subject, file, args, stop),
        },
        (None, Some(frames)) => match &subject {
            Subject::Scene(scene) => scene::turntable(scene, frames, args, stop),
            _ => Err(Error::input(&args.field, "expected a radiance field: other methods store no colour")
                .hint("for radiographs give a scan: --views geometry.json")),
        },
        (None, None) => on_a_grid(&subject, args, stop),
    }
}

/// Writes the field sampled on the output grid.
fn on_a_grid(subject: &Subject, args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    if let Subject::Volume(_) = subject {
        return Err(Error::input(&args.field, "expected the folder of a fitted field, or its checkpoint.safetensors")
            .hint("only neural and radiance fields store weights; --views renders other volumes as radiographs"));
    }
    let grid = wanted(args).map_or_else(|| Ok(subject.grid().clone()), |wanted| wanted.over(subject.grid()))?;
    let (volume, description) = subject.volume(&grid, stop)?;
    formats::write_volume(&args.output, &volume, description)?;
    let value = serde_json::json!({"volume": args.output, "shape": grid.shape, "spacing_mm": grid.spacing});
    Ok(Output { text: progress::place(&args.output), value, summary: String::new() })
}

/// The output grid of `--spacing`, `--shape` or `--like`, if one is given.
fn wanted(args: &Args) -> Option<grid::Config> {
    let spacing =
        args.spacing.clone().map(|list| if let [one] = list[..] { Spacing::One(one) } else { Spacing::Each(list) });
    let wanted =
        grid::Config { shape: args.shape.clone(), spacing_mm: spacing, from: args.like.clone().map(Into::into) };
    (wanted != grid::Config::default()).then_some(wanted)
}

/// The picture size of `--pixels`, [rows, columns].
fn pixels(args: &Args) -> Result<Option<[usize; 2]>> {
    match args.pixels.as_deref() {
        None => Ok(None),
        Some(&[rows, columns]) => Ok(Some([rows, columns])),
        Some(other) => Err(Error::config("--pixels", format!("expected rows,columns, got {other:?}"))),
    }
}
