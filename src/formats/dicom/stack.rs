//! From the places of slices to a affine: sorted along their normal, checked, never by slice thickness or file name.

use super::header::{Frame, Image, PixelLayout};
use super::series::Series;
use super::words;
use crate::data::{Point, Warning, Warnings, cross, dot, norm, normalized, scale, sub};
use crate::error::{Error, Result};
use crate::formats::orient::Affine;
use crate::progress;
use std::path::{Path, PathBuf};

/// Most pixels of a series (8 GiB in memory).
const MAX_PIXELS: usize = 1 << 31;
/// Largest difference between the direction vectors of two slices.
const SAME_DIRECTION: f64 = 1e-4;
/// Positions closer than this are one position, mm.
const SAME_PLACE: f64 = 1e-3;
/// How far a slice may be from its place in an even stack, in slice distances: refused beyond, warned about beyond a
/// fifth.
const UNEVEN: f64 = 0.05;
/// Largest tangent of the angle between the stack and the slices' normal.
const SHEAR: f64 = 1e-3;

/// One slice: a frame of a file.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    /// Index of the file in the series.
    pub(super) image: usize,
    /// Frame of that file.
    pub(super) index: usize,
    pub(super) frame: Frame,
}

/// A series as an even stack of slices.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    pub(super) layout: PixelLayout,
    /// In the order of their positions along the normal.
    pub(super) slices: Vec<Slice>,
    /// `[slice, row, column]`.
    pub(super) affine: Affine,
    pub(super) warnings: Warnings,
}

/// Sorts and checks the slices of a CT series.
///
/// # Errors
/// [`Error::Input`] when the series is not CT in Hounsfield units, its slices differ in shape or orientation, lie at
/// the same place, unevenly, or askew (gantry tilt).
pub(super) fn stack(path: &Path, series: &Series) -> Result<Stack> {
    let refuse = |problem: String| Error::input(path, problem);
    check_kind(series).map_err(&refuse)?;
    let mut warnings = doubts(series);
    let layout = layout(series)?;
    let mut slices = Vec::new();
    for (image, file) in series.images.iter().enumerate() {
        slices.extend(file.frames()?.into_iter().enumerate().map(|(index, frame)| Slice { image, index, frame }));
    }
    if slices.len().checked_mul(layout.pixels()).is_none_or(|n| n > MAX_PIXELS) {
        return Err(refuse(format!(
            "expected at most {MAX_PIXELS} voxels, got {} slices of {}",
            slices.len(),
            layout.pixels()
        )));
    }
    let normal = same_plane(series, &slices)?;
    slices.sort_by(|a, b| dot(a.frame.position, normal).total_cmp(&dot(b.frame.position, normal)));
    let step = step(series, &slices, normal, &mut warnings)?;
    let first = &slices[0].frame;
    let unit = |v: Point, spacing: f64| scale(normalized(v), spacing);
    let affine = Affine {
        shape: [slices.len(), layout.rows, layout.columns],
        steps: [step, unit(first.along_column, first.spacing[0]), unit(first.along_row, first.spacing[1])],
        origin: first.position,
    };
    Ok(Stack { layout, slices, affine, warnings })
}

/// Only CT has Hounsfield units.
fn check_kind(series: &Series) -> std::result::Result<(), String> {
    if let Some(other) = series.images.iter().find(|image| image.modality != "CT") {
        let modality = words::modality(&other.modality);
        return Err(format!("expected modality CT, got {modality}: its values are not Hounsfield units"));
    }
    if series.is_localizer() {
        return Err("it holds localizer images (scout views) only, no slices".into());
    }
    match series.images.iter().find_map(|image| image.rescale_type().filter(|kind| kind != "HU" && kind != "US")) {
        Some(kind) => Err(format!("expected values in HU, the files declare {}", words::rescale(&kind))),
        None => Ok(()),
    }
}

fn doubts(series: &Series) -> Warnings {
    let mut warnings = Warnings::new();
    if series.images.iter().any(|image| image.rescale_type().is_some_and(|kind| kind == "US")) {
        warnings.push(Warning::new(
            "dicom_rescale_type",
            "the files do not say that their values are Hounsfield units (Rescale Type US)",
        ));
    }
    if let Some(image) = series.images.iter().find(|image| image.preamble.is_some()) {
        let what = image.preamble.unwrap_or_default();
        let text = format!(
            "{}: its preamble looks like {what}; it is a valid DICOM file but may not be only that",
            progress::place(&image.path)
        );
        warnings.push(Warning::new("dicom_preamble", text));
    }
    warnings
}

/// The one way in which all files store their pixels; files may differ in frames and bits, not in shape.
fn layout(series: &Series) -> Result<PixelLayout> {
    let mut shape: Option<(PixelLayout, &PathBuf)> = None;
    for image in &series.images {
        let layout = image.layout.clone().map_err(|problem| Error::input(&image.path, problem))?;
        match shape {
            None => shape = Some((layout, &image.path)),
            Some((first, _)) if (first.rows, first.columns) == (layout.rows, layout.columns) => {}
            Some((first, path)) => {
                let problem = format!(
                    "{} x {} pixels, but {} has {} x {}",
                    layout.rows,
                    layout.columns,
                    progress::place(path),
                    first.rows,
                    first.columns
                );
                return Err(Error::input(&image.path, problem)
                    .hint("slices of one volume have one shape; is this another acquisition?"));
            }
        }
    }
    shape.map(|(layout, _)| layout).ok_or_else(|| Error::input("series", "it has no images"))
}

/// The normal that all slices share.
fn same_plane(series: &Series, slices: &[Slice]) -> Result<Point> {
    let first = &slices[0].frame;
    let apart = |a: Point, b: Point| norm(sub(a, b)) > SAME_DIRECTION;
    for slice in slices {
        let frame = &slice.frame;
        let place = || series.images[slice.image].path.clone();
        if apart(frame.along_row, first.along_row) || apart(frame.along_column, first.along_column) {
            let orientation = |f: &Frame| format!("{:?} {:?}", f.along_row, f.along_column);
            let problem = format!("orientation {}, but the first slice has {}", orientation(frame), orientation(first));
            return Err(Error::input(place(), problem)
                .hint("slices of one volume are parallel; is this a localizer or another acquisition?"));
        }
        if (0..2).any(|k| (frame.spacing[k] - first.spacing[k]).abs() > 1e-4 * first.spacing[k]) {
            let problem =
                format!("pixel spacing {:?} mm, but the first slice has {:?} mm", frame.spacing, first.spacing);
            return Err(Error::input(place(), problem).hint("slices of one volume have one spacing"));
        }
    }
    Ok(normalized(cross(first.along_row, first.along_column)))
}

/// The vector from one slice to the next. A single slice is a 2-D image.
fn step(series: &Series, slices: &[Slice], normal: Point, warnings: &mut Warnings) -> Result<Point> {
    let first = &slices[0].frame;
    let Some(last) = slices.last().filter(|_| slices.len() > 1) else {
        warnings.push(Warning::new("dicom_single_slice", "the series has one slice: it is read as a 2-D image"));
        return Ok(scale(normal, first.spacing[0]));
    };
    let depth = |slice: &Slice| dot(slice.frame.position, normal);
    let path = |slice: &Slice| &series.images[slice.image].path;
    if let Some((a, b)) = slices.iter().zip(&slices[1..]).find(|(a, b)| depth(b) - depth(a) < SAME_PLACE) {
        if let Some(problem) = placeless(slices, a.image) {
            return Err(Error::input(path(a), problem).hint(PLACELESS_HINT));
        }
        let problem =
            format!("at the same place as {} ({:.3} mm along the normal)", progress::place(path(a)), depth(a));
        return Err(Error::input(path(b), problem)
            .hint("the series repeats slices (several phases, or files twice); keep one of each place"));
    }
    check_even(slices, &depth).map_err(|problem| {
        Error::input(path(&slices[0]).parent().unwrap_or(Path::new("")), problem).hint(UNEVEN_HINT)
    })?;
    let length = (depth(last) - depth(&slices[0])) / (slices.len() - 1) as f64;
    warnings.extend(wobble(slices, &depth, length));
    let askew = sub(sub(last.frame.position, first.position), scale(normal, depth(last) - depth(&slices[0])));
    let tangent = norm(askew) / (depth(last) - depth(&slices[0]));
    if tangent > SHEAR {
        let declared = series.images.iter().find_map(Image::tilt).filter(|tilt| *tilt != 0.0);
        let tilt = declared.map_or(String::new(), |tilt| format!(", the files declare a gantry tilt of {tilt}"));
        let problem =
            format!("its slices are askew: stacked {:.2} degrees off their normal{tilt}", tangent.atan().to_degrees());
        return Err(Error::input(path(&slices[0]).parent().unwrap_or(Path::new("")), problem).hint(
            "a tilted gantry gives a sheared volume; resample it to right angles first, for instance with dcm2niix \
             (its _Tilt output)",
        ));
    }
    Ok(scale(normal, length))
}

const PLACELESS_HINT: &str = "take the series as the scanner stored it (one file per slice, or enhanced CT with a \
                              Plane Position for every frame)";

/// What is wrong with a file whose frames all lie at one place: the place of the file itself.
fn placeless(slices: &[Slice], image: usize) -> Option<String> {
    let frames: Vec<Point> = slices.iter().filter(|slice| slice.image == image).map(|s| s.frame.position).collect();
    let one = frames.len() > 1 && frames.iter().all(|&place| norm(sub(place, frames[0])) < SAME_PLACE);
    one.then(|| format!("its {} frames have no places of their own: the file gives one place for all", frames.len()))
}

const UNEVEN_HINT: &str = "a slice may be missing; copy the whole series, or resample it to even distances";

/// Names the first gap that is not the usual one.
fn check_even(slices: &[Slice], depth: &dyn Fn(&Slice) -> f64) -> std::result::Result<(), String> {
    let gaps: Vec<f64> = slices.windows(2).map(|pair| depth(&pair[1]) - depth(&pair[0])).collect();
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    // The lower median: with one gap of two missing it is still the usual one.
    let usual = sorted[(sorted.len() - 1) / 2];
    let Some(odd) = gaps.iter().position(|gap| (gap - usual).abs() > UNEVEN * usual) else { return Ok(()) };
    let (from, to, ratio) = (depth(&slices[odd]), depth(&slices[odd + 1]), gaps[odd] / usual);
    if ratio > 1.5 && (ratio - ratio.round()).abs() < 0.1 {
        let missing = ratio.round() - 1.0;
        return Err(format!(
            "{missing} slice(s) missing between {from:.3} and {to:.3} mm along the normal (usual distance {usual:.3} \
             mm)"
        ));
    }
    let range = (sorted[0], sorted[sorted.len() - 1]);
    Err(format!(
        "uneven slices: distances from {:.3} to {:.3} mm (usual {usual:.3} mm, {:.3} mm after {from:.3} mm)",
        range.0, range.1, gaps[odd]
    ))
}

/// A warning for slices that are a little off an even stack.
fn wobble(slices: &[Slice], depth: &dyn Fn(&Slice) -> f64, length: f64) -> Option<Warning> {
    let start = depth(&slices[0]);
    let off = slices
        .iter()
        .enumerate()
        .map(|(k, slice)| (depth(slice) - start - length * k as f64).abs())
        .fold(0.0, f64::max);
    let text =
        || format!("slices are up to {off:.4} mm off an even distance of {length:.4} mm; they are taken as even");
    (off > UNEVEN / 5.0 * length).then(|| Warning::new("dicom_uneven", text()))
}
