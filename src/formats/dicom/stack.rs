//! Computes the affine of a stack from the positions of its slices, which are sorted along their normal and checked;
//! slice thickness and file names are never used.

use super::doubts::doubts;
use super::even::Uneven;
use super::header::{Frame, PixelLayout};
use super::series::Series;
use super::words;
use crate::data::{Point, Warning, Warnings, add, cross, dot, norm, normalized, scale, sub};
use crate::error::{Error, Result};
use crate::formats::orient::Affine;
use crate::formats::{Reading, Sheared, Units};
use crate::progress;
use std::path::{Path, PathBuf};

/// Largest number of pixels of a series (8 GiB in memory).
const MAX_PIXELS: usize = 1 << 31;
/// Largest difference between the direction vectors of two slices.
const SAME_DIRECTION: f64 = 1e-4;
/// Positions closer than this are one position, mm.
const SAME_PLACE: f64 = 1e-3;
/// Largest relative deviation of a slice distance from the usual one: beyond it the stack is resampled or refused.
/// Positions that are off by more than a fifth of it, in slice distances, give a warning.
const UNEVEN: f64 = 0.05;
/// Tangent of the angle between the stack and the slices' normal up to which the stack counts as not tilted.
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

/// A series as a stack of slices.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    pub(super) layout: PixelLayout,
    /// In the order of their positions along the normal.
    pub(super) slices: Vec<Slice>,
    /// Affine of the stack, axes `[slice, row, column]`.
    affine: Affine,
    /// Positions of the slices, if their distances are uneven; the affine's first step is then that of 1 mm of depth.
    uneven: Option<Uneven>,
    pub(super) warnings: Warnings,
}

impl Stack {
    /// The grid of evenly spaced slices; sheared if the gantry was tilted.
    pub(super) fn even_affine(&self) -> Affine {
        self.uneven.as_ref().map_or_else(|| self.affine.clone(), |uneven| uneven.affine(&self.affine))
    }

    /// Brings values `[slice, row, column]` to the grid of evenly spaced slices.
    pub(super) fn even(&self, values: Vec<f32>) -> (Vec<f32>, Affine) {
        let values = match &self.uneven {
            Some(uneven) => uneven.resampled(&values, self.layout.pixels()),
            None => values,
        };
        (values, self.even_affine())
    }
}

/// Unit of the values of a series by its modality: Hounsfield for CT, relative for others.
pub(super) fn natural(series: &Series) -> Units {
    if series.images.iter().all(|image| image.modality == "CT") { Units::Hounsfield } else { Units::Relative }
}

/// Sorts and checks the slices of a CT series.
///
/// # Errors
/// [`Error::Input`] when the series is not CT in Hounsfield units though these are asked for, its slices differ in
/// shape or orientation, lie at the same place, or one is missing.
pub(super) fn stack(path: &Path, series: &Series, reading: &Reading) -> Result<Stack> {
    let refuse = |problem: String| Error::input(path, problem);
    check_kind(series, reading.units).map_err(&refuse)?;
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
    let (step, uneven) = step(series, &slices, normal, reading, &mut warnings)?;
    let affine = affine(&slices, layout, step);
    Ok(Stack { layout, slices, affine, uneven, warnings })
}

/// The grid of slices in their order; `step` is the vector from one to the next.
fn affine(slices: &[Slice], layout: PixelLayout, step: Point) -> Affine {
    let first = &slices[0].frame;
    let unit = |v: Point, spacing: f64| scale(normalized(v), spacing);
    Affine {
        shape: [slices.len(), layout.rows, layout.columns],
        steps: [step, unit(first.along_column, first.spacing[0]), unit(first.along_row, first.spacing[1])],
        origin: first.position,
    }
}

/// Refuses series of the wrong kind: only CT has Hounsfield units; relative values may be of any modality.
fn check_kind(series: &Series, units: Units) -> std::result::Result<(), String> {
    if series.is_localizer() {
        return Err("it holds localizer images (scout views) only, no slices".into());
    }
    if units == Units::Relative {
        return Ok(());
    }
    if let Some(other) = series.images.iter().find(|image| image.modality != "CT") {
        let modality = words::modality(&other.modality);
        return Err(format!(
            "expected modality CT, got {modality}: its values are not Hounsfield units (`units: relative` reads them \
             as they are)"
        ));
    }
    match series.images.iter().find_map(|image| image.rescale_type().filter(|kind| kind != "HU" && kind != "US")) {
        Some(kind) => Err(format!("expected values in HU, the files declare {}", words::rescale(&kind))),
        None => Ok(()),
    }
}

/// Layout of the pixels of the first file. All files must have the same rows and columns, but may differ in frames and
/// bits.
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

/// Checks that all slices have the same orientation and pixel spacing, and returns their normal.
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

/// The vector from one slice to the next, mm; or for uneven slices the vector of 1 mm of depth, and their positions. A
/// single slice is a 2-D image.
fn step(
    series: &Series,
    slices: &[Slice],
    normal: Point,
    reading: &Reading,
    warnings: &mut Warnings,
) -> Result<(Point, Option<Uneven>)> {
    let first = &slices[0].frame;
    let Some(last) = slices.last().filter(|_| slices.len() > 1) else {
        warnings.push(Warning::new("dicom_single_slice", "the series has one slice: it is read as a 2-D image"));
        return Ok((scale(normal, first.spacing[0]), None));
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
    let whole = depth(last) - depth(&slices[0]);
    let direction = direction(series, slices, normal, whole)?;
    let folder = || path(&slices[0]).parent().unwrap_or(Path::new(""));
    let uneven = match spread(slices, &depth) {
        Spread::Even => None,
        Spread::Missing(problem) => return Err(Error::input(folder(), problem).hint(UNEVEN_HINT)),
        Spread::Uneven(problem, _) if reading.sheared == Sheared::Refuse => {
            return Err(Error::input(folder(), problem).hint(UNEVEN_HINT));
        }
        Spread::Uneven(problem, usual) => {
            let uneven = Uneven::new(slices.iter().map(depth).collect(), usual);
            if uneven.count > MOST_MORE * slices.len() {
                let problem = format!(
                    "{problem}; an even spacing would need {} slices instead of {}",
                    uneven.count,
                    slices.len()
                );
                return Err(Error::input(folder(), problem).hint(UNEVEN_HINT));
            }
            let text =
                format!("{problem}; they are resampled to {} slices {:.3} mm apart", uneven.count, uneven.spacing);
            warnings.push(Warning::new("dicom_uneven", text));
            Some(uneven)
        }
    };
    if uneven.is_some() {
        return Ok((direction, uneven));
    }
    let length = whole / (slices.len() - 1) as f64;
    warnings.extend(wobble(slices, &depth, length));
    Ok((scale(direction, length), None))
}

/// The vector along the stack per mm of depth: the slices' normal, or oblique to it where the gantry was tilted.
fn direction(series: &Series, slices: &[Slice], normal: Point, whole: f64) -> Result<Point> {
    let (first, last) = (&slices[0].frame, &slices[slices.len() - 1].frame);
    let askew = sub(sub(last.position, first.position), scale(normal, whole));
    if norm(askew) / whole <= SHEAR {
        return Ok(normal);
    }
    let direction = add(normal, scale(askew, 1.0 / whole));
    let pixel = first.spacing[0].min(first.spacing[1]);
    for slice in slices {
        let offset = sub(slice.frame.position, first.position);
        let off = norm(sub(offset, scale(direction, dot(offset, normal))));
        if off > 0.5 * pixel {
            let problem = format!("it lies {off:.2} mm beside the line through the first and the last slice");
            return Err(Error::input(&series.images[slice.image].path, problem)
                .hint("slices of one volume lie one behind the other; is this another acquisition?"));
        }
    }
    Ok(direction)
}

const PLACELESS_HINT: &str = "take the series as the scanner stored it (one file per slice, or enhanced CT with a \
                              Plane Position for every frame)";

/// The problem with a file of several frames that all have one position, that of the file; `None` if there is none.
fn placeless(slices: &[Slice], image: usize) -> Option<String> {
    let frames: Vec<Point> = slices.iter().filter(|slice| slice.image == image).map(|s| s.frame.position).collect();
    let one = frames.len() > 1 && frames.iter().all(|&place| norm(sub(place, frames[0])) < SAME_PLACE);
    one.then(|| format!("its {} frames have no positions of their own: the file gives one for all", frames.len()))
}

const UNEVEN_HINT: &str = "a slice may be missing; copy the whole series, or resample it to even distances";

/// Regularity of the distances between slices.
enum Spread {
    Even,
    /// A few distances are multiples of the usual one: slices are missing.
    Missing(String),
    /// The distances vary in another way; holds the usual distance, mm.
    Uneven(String, f64),
}

/// Largest ratio of resampled to stored slices of an uneven stack: beyond it, most of the volume would be interpolated.
const MOST_MORE: usize = 4;
/// Slices count as missing if at most 1 + (number of distances) / `FEW` distances are multiples of the usual one; more
/// of them count as a change of the protocol.
const FEW: usize = 10;

/// Classifies the distances of the slices; the message names the first that is not the usual one.
fn spread(slices: &[Slice], depth: &dyn Fn(&Slice) -> f64) -> Spread {
    let gaps: Vec<f64> = slices.windows(2).map(|pair| depth(&pair[1]) - depth(&pair[0])).collect();
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    // The lower median: of two distances it is the usual one even if a slice is missing in the other.
    let usual = sorted[(sorted.len() - 1) / 2];
    let odd: Vec<usize> = (0..gaps.len()).filter(|&k| (gaps[k] - usual).abs() > UNEVEN * usual).collect();
    let Some(&first) = odd.first() else { return Spread::Even };
    let ratio = |k: usize| gaps[k] / usual;
    let lost = odd.iter().all(|&k| ratio(k) > 1.5 && (ratio(k) - ratio(k).round()).abs() < 0.1);
    if lost && odd.len() <= 1 + gaps.len() / FEW {
        let (from, to) = (depth(&slices[first]), depth(&slices[first + 1]));
        return Spread::Missing(format!(
            "{} slice(s) missing between {from:.3} and {to:.3} mm along the normal (usual distance {usual:.3} mm)",
            ratio(first).round() - 1.0
        ));
    }
    let (from, range) = (depth(&slices[first]), (sorted[0], sorted[sorted.len() - 1]));
    let text = format!(
        "uneven slices: distances from {:.3} to {:.3} mm (usual {usual:.3} mm, {:.3} mm after {from:.3} mm)",
        range.0, range.1, gaps[first]
    );
    Spread::Uneven(text, usual)
}

/// A warning for slices that deviate a little from an even stack.
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
