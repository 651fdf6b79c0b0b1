//! Radiographs of a field or a volume from any scan geometry: line integrals by forward projection, and pictures of
//! them.

use super::subject::Subject;
use super::{Args, Output, pixels, wanted};
use crate::appearance::radiograph;
use crate::context::layout::{GEOMETRY, PROJECTIONS};
use crate::data::{Geometry, Grid, Projections, Quantity, Volume, norm};
use crate::error::{Error, Result};
use crate::formats::{self, VOLUMES, npy, pictures};
use crate::geometries::poses::{Config, Pixels};
use crate::geometries::{PerAxis, Trajectory};
use crate::operators::xray;
use crate::progress::{self, StopSignal};
use std::path::Path;

/// Writes the line integrals of the subject along the rays of a scan: as a `.npy` file, as a volume file, or as a
/// folder.
pub(super) fn write(subject: &Subject, views: &Path, args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let wanted = wanted(args).map(|wanted| wanted.over(subject.grid())).transpose()?;
    let geometry = scan(views, subject.grid(), args)?;
    let volume = subject.attenuation(wanted.as_ref(), stop)?;
    stop.check_stop()?;
    let task = progress::begin("radiographs", None);
    let found = xray::radiographs(&volume, &geometry, 1)?;
    task.end();
    let name = args.output.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let as_file = VOLUMES.iter().flat_map(|format| format.endings).any(|ending| name.ends_with(ending));
    if args.output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        npy::write_projections(&args.output, &found)?;
    } else if as_file {
        formats::write_volume(&args.output, &stack(&found)?, "line integrals [view, row, column]")?;
    } else {
        folder(&args.output, &found)?;
    }
    let value = serde_json::json!({"views": args.output, "shape": geometry.shape()});
    Ok(Output { text: progress::place(&args.output), value, summary: String::new() })
}

/// Reads a scan geometry from a file whose coordinates are world coordinates in mm.
fn scan(file: &Path, grid: &Grid, args: &Args) -> Result<Geometry> {
    let poses = formats::geometry::read_poses(file)?;
    let pixels = pixels(args)?.map_or(PerAxis::Auto, PerAxis::Two);
    let pitch_mm = match args.pitch.as_deref() {
        None => PerAxis::Auto,
        Some(&[one]) => PerAxis::One(one),
        Some(&[v, u]) => PerAxis::Two([v, u]),
        Some(other) => return Err(Error::config("--pitch", format!("expected v,u in mm, got {other:?}"))),
    };
    let detector = Pixels { pixels, pitch_mm, ..Pixels::default() };
    let place = Config { file: file.to_path_buf().into(), beam: None, origin_mm: [0.0; 3], detector };
    place.place(poses, grid).map_err(|error| match error {
        Error::Config { problem, hint, .. } => Error::Input { place: file.to_path_buf(), problem, hint },
        other => other,
    })
}

/// Line integrals as a volume `[view, row, column]` whose spacing is 1 between views and the pixel pitch in mm between
/// rows and columns.
fn stack(views: &Projections) -> Result<Volume> {
    let first = &views.geometry.views[0];
    let grid = Grid::centered(views.geometry.shape(), [1.0, norm(first.v), norm(first.u)], [0.0; 3])?;
    Volume::from_vec(grid, Quantity::Relative, views.as_slice().to_vec())
}

/// Writes a folder with the line integrals, the scan geometry and a picture of each view.
fn folder(place: &Path, views: &Projections) -> Result<()> {
    std::fs::create_dir_all(place).map_err(|error| Error::write(place, &error))?;
    npy::write_projections(&place.join(PROJECTIONS), views)?;
    formats::geometry::write(&place.join(GEOMETRY), &views.geometry)?;
    let white = views.as_slice().iter().copied().fold(0.0, f32::max);
    for (number, picture) in radiograph::of(views, white)?.iter().enumerate() {
        pictures::write(&place.join(format!("view_{number:03}.png")), picture)?;
    }
    Ok(())
}
