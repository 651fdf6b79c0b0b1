//! `recon render WHAT -o OUT`: a fitted field on another grid; radiographs of a field or a volume along the rays of any
//! scan (`--views`); pictures of a radiance field from any cameras (`--views`) or from a turn around it
//! (`--turntable`).

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

/// What `recon render` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// A method's folder in a run folder, the checkpoint (.safetensors) of a field or, with --views, any volume
    pub field: PathBuf,
    /// The file to write. A field on a grid: .nii.gz, .nii, .mha, .mhd, .nrrd, .nhdr, .npy, .npz, .raw or .tif, HU
    /// (1/mm for a radiance field). Radiographs: one of these, line integrals [view, row, column], or else a folder for
    /// them and for pictures. A turntable: .png (an animation), .mp4 (needs ffmpeg), or else a folder
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
    /// A scan whose rays are taken (geometry.json, .csv, ASTRA vectors, RTK .xml); for a radiance field the cameras of
    /// a transforms.json
    #[arg(long)]
    pub views: Option<PathBuf>,
    /// So many pictures of a radiance field from a turn around it
    #[arg(long, conflicts_with = "views")]
    pub turntable: Option<usize>,
    /// Angle of a turntable's camera above the middle of the object, degrees
    #[arg(long, default_value_t = 20.0, requires = "turntable", allow_hyphen_values = true)]
    pub elevation: f64,
    /// Distance of a turntable's camera from the middle of the object, mm; default: the whole box is seen
    #[arg(long, requires = "turntable")]
    pub distance: Option<f64>,
    /// Seconds of a turn
    #[arg(long, default_value_t = 4.0, requires = "turntable")]
    pub seconds: f64,
    /// Pixels rows,columns: of a turntable (default 256,256), or where the file of --views does not say them
    #[arg(long, value_delimiter = ',', num_args = 1)]
    pub pixels: Option<Vec<usize>>,
    /// Size of a detector's pixel in mm, v,u, where the file of --views does not say it
    #[arg(long, value_delimiter = ',', requires = "views")]
    pub pitch: Option<Vec<f64>>,
    /// What the numbers of a volume are: hounsfield, attenuation_per_mm or relative
    #[arg(long, default_value = "hounsfield", value_parser = units)]
    pub units: Units,
    /// Attenuation of water in 1/mm, by which HU of a volume become attenuation; a field knows its own
    #[arg(long, default_value_t = crate::data::MU_WATER_PER_MM)]
    pub mu_water: f64,
    /// auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
}

fn units(text: &str) -> std::result::Result<Units, String> {
    serde_json::from_value(text.into()).map_err(|_| "expected hounsfield, attenuation_per_mm or relative".to_string())
}

/// Renders.
///
/// # Errors
/// Nothing that can be rendered so, a grid or scan that cannot be, memory, a file that cannot be written.
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
            _ => Err(Error::input(&args.field, "expected a radiance field: only it knows what an object looks like")
                .hint("for radiographs give a scan: --views geometry.json")),
        },
        (None, None) => on_a_grid(&subject, args, stop),
    }
}

/// The field on another grid.
fn on_a_grid(subject: &Subject, args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    if let Subject::Volume(_) = subject {
        return Err(Error::input(&args.field, "expected the folder of a fitted field, or its checkpoint.safetensors")
            .hint("methods that are no fields keep no weights; --views renders their volumes as radiographs"));
    }
    let grid = wanted(args).map_or_else(|| Ok(subject.grid().clone()), |wanted| wanted.over(subject.grid()))?;
    let (volume, description) = subject.volume(&grid, stop)?;
    formats::write_volume(&args.output, &volume, description)?;
    let value = serde_json::json!({"volume": args.output, "shape": grid.shape, "spacing_mm": grid.spacing});
    Ok(Output { text: progress::place(&args.output), value, summary: String::new() })
}

/// The grid that is asked for, if one is.
fn wanted(args: &Args) -> Option<grid::Config> {
    let spacing =
        args.spacing.clone().map(|list| if let [one] = list[..] { Spacing::One(one) } else { Spacing::Each(list) });
    let wanted =
        grid::Config { shape: args.shape.clone(), spacing_mm: spacing, from: args.like.clone().map(Into::into) };
    (wanted != grid::Config::default()).then_some(wanted)
}

/// The number of pixels that is asked for, [rows, columns].
fn pixels(args: &Args) -> Result<Option<[usize; 2]>> {
    match args.pixels.as_deref() {
        None => Ok(None),
        Some(&[rows, columns]) => Ok(Some([rows, columns])),
        Some(other) => Err(Error::config("--pixels", format!("expected rows,columns, got {other:?}"))),
    }
}
