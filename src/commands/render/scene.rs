//! Pictures of a radiance field from given cameras, and from an orbit around it (turntable).

use super::{Args, Output, film, pixels};
use crate::algorithms::Rendering;
use crate::algorithms::radiance_field::Fitted;
use crate::appearance::depth;
use crate::cameras::{CameraKind, Lens, orbit};
use crate::context::layout::{DEPTH, VIEWS};
use crate::data::{Camera, Picture};
use crate::error::{Error, Result};
use crate::formats::npy;
use crate::formats::pictures::{self, transforms};
use crate::progress::{self, StopSignal};
use std::collections::HashSet;
use std::path::Path;

/// Largest number of pictures in an orbit.
const MOST: usize = 1000;

/// Renders the field from the cameras of a file into a folder with views/NAME.png, depth/NAME.npy and depth/NAME.png.
pub(super) fn pictures(scene: &Fitted, file: &Path, args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let file = transforms::read(file)?;
    let pixels = pixels(args)?.unwrap_or([256, 256]);
    let cameras: Vec<Camera> =
        file.frames.iter().map(|frame| file.camera(frame, Some(pixels))).collect::<Result<_>>()?;
    let mut names: Vec<String> = file.frames.iter().map(|frame| frame.name.clone()).collect();
    // Pictures from different folders may have the same name.
    if names.iter().collect::<HashSet<_>>().len() < names.len() {
        names = (0..names.len()).map(|number| format!("view_{number:03}")).collect();
    }
    let seen = scene.views(&cameras.iter().collect::<Vec<_>>(), stop)?;
    folder(&args.output, &names, &seen)?;
    Ok(done(args, seen.len()))
}

/// Renders an orbit around the object as an animation, a film or a folder.
pub(super) fn turntable(scene: &Fitted, frames: usize, args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    if !(2..=MOST).contains(&frames) {
        return Err(Error::config("--turntable", format!("expected 2 to {MOST} pictures, got {frames}")));
    }
    if !(args.seconds.is_finite() && (0.1..=600.0).contains(&args.seconds)) {
        return Err(Error::config("--seconds", format!("expected 0.1 to 600, got {}", args.seconds)));
    }
    let kind =
        CameraKind::Orbit(orbit::Config { views: frames, elevation_deg: args.elevation, ..orbit::Config::default() });
    let pixels = Some(pixels(args)?.unwrap_or([256, 256]));
    let lens = Lens { pixels, distance_mm: args.distance, held_out: Some(0), ..Lens::default() };
    let cameras = lens.place(&kind, scene.grid(), 0)?.training;
    let ending = args.output.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if ending == "mp4" {
        film::check()?;
    }
    let seen = scene.views(&cameras.iter().collect::<Vec<_>>(), stop)?;
    let shots: Vec<&Picture> = seen.iter().map(|view| &view.picture).collect();
    let each = args.seconds / frames as f64;
    match ending.as_str() {
        "png" | "apng" => {
            let milliseconds = (1000.0 * each).round().clamp(1.0, f64::from(u16::MAX)) as u16;
            pictures::write_animation(&args.output, &shots, milliseconds)?;
        }
        "mp4" => film::write(&args.output, &shots, 1.0 / each)?,
        _ => {
            let names: Vec<String> = (0..frames).map(|frame| format!("frame_{frame:03}")).collect();
            folder(&args.output, &names, &seen)?;
        }
    }
    Ok(done(args, frames))
}

fn done(args: &Args, count: usize) -> Output {
    let value = serde_json::json!({"pictures": args.output, "count": count});
    Output { text: progress::place(&args.output), value, summary: String::new() }
}

fn folder(place: &Path, names: &[String], seen: &[Rendering]) -> Result<()> {
    for part in [VIEWS, DEPTH] {
        let folder = place.join(part);
        std::fs::create_dir_all(&folder).map_err(|error| Error::write(&folder, &error))?;
    }
    for (name, view) in names.iter().zip(seen) {
        pictures::write(&place.join(VIEWS).join(format!("{name}.png")), &view.picture)?;
        npy::write_plane(&place.join(DEPTH).join(format!("{name}.npy")), view.picture.pixels, &view.depth)?;
        let shown = depth::picture(view.picture.pixels, &view.depth)?;
        pictures::write(&place.join(DEPTH).join(format!("{name}.png")), &shown)?;
    }
    Ok(())
}
