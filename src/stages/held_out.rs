//! Held-out X-ray views, which no method is given. The run folder holds their line integrals and geometry and, for a
//! detector of several rows, radiographs.

use crate::appearance::radiograph;
use crate::context::Context;
use crate::context::layout::{GEOMETRY, HELD_OUT, PROJECTIONS};
use crate::data::{Projections, Volume};
use crate::error::{Error, Result};
use crate::formats::{self, npy, pictures};
use crate::operators::xray::radiographs;

/// Rays per pixel along each side: the detector averages over the area of a pixel.
const SUBRAYS: usize = 2;

/// Name of a view's files.
pub(super) fn name(view: usize) -> String {
    format!("view_{view:03}")
}

/// Line integral that radiographs show as white: the largest one of all held-out views.
pub(super) fn brightest(projections: &Projections) -> f32 {
    projections.as_slice().iter().copied().fold(0.0, f32::max)
}

/// Writes line integrals and, if the detector has several rows, radiographs to `folder`; returns the names of the
/// files.
pub(super) fn write_below(folder: &str, views: &Projections, white: f32, context: &Context) -> Result<Vec<String>> {
    context.folder.make(folder)?;
    npy::write_projections(&context.folder.path(&format!("{folder}/{PROJECTIONS}")), views)?;
    for (number, picture) in radiograph::of(views, white)?.into_iter().enumerate() {
        pictures::write(&context.folder.path(&format!("{folder}/{}.png", name(number))), &picture)?;
    }
    Ok(files_below(folder, views))
}

/// Names of the files that [`write_below`] writes.
pub(super) fn files_below(folder: &str, views: &Projections) -> Vec<String> {
    let shown = if views.geometry.detector.rows > 1 { views.geometry.views.len() } else { 0 };
    let pictures = (0..shown).map(|view| format!("{folder}/{}.png", name(view)));
    std::iter::once(format!("{folder}/{PROJECTIONS}")).chain(pictures).collect()
}

pub(super) fn write(views: &Projections, context: &Context) -> Result<()> {
    write_below(HELD_OUT, views, brightest(views), context)?;
    formats::geometry::write(&context.folder.path(&format!("{HELD_OUT}/{GEOMETRY}")), &views.geometry)
}

pub(super) fn read(context: &Context) -> Result<Projections> {
    let path = |name: &str| context.folder.path(&format!("{HELD_OUT}/{name}"));
    npy::read_projections(&path(PROJECTIONS), formats::geometry::read(&path(GEOMETRY))?)
}

/// Names of the files that [`write`] writes.
pub(super) fn files(views: &Projections) -> Vec<String> {
    [vec![format!("{HELD_OUT}/{GEOMETRY}")], files_below(HELD_OUT, views)].concat()
}

/// Splits measured projections into [kept, held out], with `count` directions held out. Views along the same lines form
/// one direction and are held out together, so there may be more than `count` views.
///
/// # Errors
/// `count` is 0 or more than half of the directions.
pub(super) fn apart(measured: &Projections, count: usize) -> Result<[Projections; 2]> {
    let directions = measured.geometry.directions().len();
    if count == 0 || 2 * count > directions {
        let problem =
            format!("expected 1 to {} of the views from {directions} directions, got {count}", directions / 2);
        return Err(Error::config("held_out", problem));
    }
    let [kept, out] = measured.geometry.parted(directions / count, 0);
    Ok([measured.part(&kept)?, measured.part(&out)?])
}

/// Projects a volume (attenuation, 1/mm) along the rays of `views`.
pub(super) fn seen(volume: &Volume, views: &Projections) -> Result<Projections> {
    radiographs(volume, &views.geometry, SUBRAYS)
}
