//! Tomography scans in the NeXus application definition NXtomo: one stack of images whose `image_key` says what each is
//! (0 projection, 1 flat, 2 dark, 3 invalid), with the `rotation_angle` of each.
//!
//! <https://manual.nexusformat.org/classes/applications/NXtomo.html>. The names of groups are arbitrary, so datasets
//! are found by their own names: `image_key` and the `data` beside it, `rotation_angle` of the same length,
//! `x_pixel_size` and `y_pixel_size` with their `units`. Rays are parallel, as the definition has no distance of the
//! source.

use super::hdf5::Open;
use super::{Frames, HeaderBeam, ScanHeader, guarded};
use crate::data::Warning;
use crate::error::{Error, Result};
use ndarray::{Array3, Axis};
use std::ops::Range;
use std::path::Path;

/// Names of the datasets where they are not those of the definition.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// The images.
    pub data: Option<&'a str>,
    /// The kind of each image.
    pub image_key: Option<&'a str>,
    /// The angle of each image.
    pub angles: Option<&'a str>,
}

/// Reads a scan; only `rows` of the detector.
///
/// # Errors
/// [`Error::Input`] when the file is missing or damaged, a dataset is not there or there are several, or the parts do
/// not fit.
pub fn read(path: &Path, names: &Names, rows: Option<&Range<usize>>) -> Result<Frames> {
    guarded(path, || {
        let file = Open::new(path)?;
        let listed: Vec<(String, Vec<usize>)> =
            file.listed()?.into_iter().map(|(name, shape, _)| (name, shape)).collect();
        let find = |asked: Option<&str>, own: &str, shaped: &dyn Fn(&[usize]) -> bool| match asked {
            Some(name) => Ok(Some(name.to_string())),
            None => one(path, own, &listed, shaped),
        };
        let keys = find(names.image_key, "image_key", &|shape| shape.len() == 1)?;
        let beside = keys.as_ref().map(|keys| format!("{}/data", folder(keys)));
        let data = find(names.data.or(beside.as_deref()), "data", &|shape| shape.len() == 3)?.ok_or_else(|| {
            Error::input(path, "no `image_key` and no `data` of three dimensions").hint("name them in the pipeline")
        })?;
        let images = file.frames(&data, rows)?;
        let count = images.shape()[0];
        let angles = find(names.angles, "rotation_angle", &|shape| shape == [count])?;
        let angles = angles.map(|name| in_degrees(&file, &name)).transpose()?;
        let keys = keys.map(|name| file.list(&name)).transpose()?;
        let height = file.height(&data)?;
        let mut frames = sorted(path, &images, angles, keys)?.of(height);
        frames.header = Some(header(&file, &data)?);
        Ok(frames)
    })
}

/// The dataset with this name and a fitting shape; the first one if there are two, an error if there are more.
fn one(
    path: &Path,
    own: &str,
    listed: &[(String, Vec<usize>)],
    shaped: &dyn Fn(&[usize]) -> bool,
) -> Result<Option<String>> {
    let ends = |(name, shape): &&(String, Vec<usize>)| {
        name.rsplit('/').next().is_some_and(|last| last == own) && shaped(shape)
    };
    let found: Vec<&str> = listed.iter().filter(ends).map(|(name, _)| name.as_str()).collect();
    match found[..] {
        [] => Ok(None),
        // NXtomo links its arrays from a second group, `data`; both paths give the same array.
        [first, ..] if found.len() <= 2 => Ok(Some(first.to_string())),
        _ => Err(Error::input(path, format!("several datasets are called {own}: {}", found.join(", ")))
            .hint("name one in the pipeline")),
    }
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The angles of a dataset, converted from its unit (degrees without one).
fn in_degrees(file: &Open, name: &str) -> Result<Vec<f64>> {
    let radians = file.unit(name).is_some_and(|unit| unit.starts_with("rad"));
    Ok(file.list(name)?.into_iter().map(|angle| if radians { angle.to_degrees() } else { angle }).collect())
}

/// Sorts images into projections, flats and darks by their keys; invalid ones are left out.
fn sorted(path: &Path, images: &Array3<f32>, angles: Option<Vec<f64>>, keys: Option<Vec<f64>>) -> Result<Frames> {
    let count = images.shape()[0];
    let keys = keys.unwrap_or_else(|| vec![0.0; count]);
    if keys.len() != count {
        return Err(Error::input(path, format!("expected one image_key per image ({count}), got {}", keys.len())));
    }
    if let Some(odd) = keys.iter().find(|key| ![0.0, 1.0, 2.0, 3.0].contains(*key)) {
        return Err(Error::input(path, format!("expected image_key of 0, 1, 2 or 3, got {odd}")));
    }
    let of =
        |wanted: f64| keys.iter().enumerate().filter(|(_, key)| **key == wanted).map(|(i, _)| i).collect::<Vec<_>>();
    let part = |wanted: f64| Some(of(wanted)).filter(|own| !own.is_empty()).map(|own| images.select(Axis(0), &own));
    let views = of(0.0);
    let angles = angles.map(|angles| of_views(path, angles, &views, count)).transpose()?;
    let mut frames = Frames::new(path, images.select(Axis(0), &views), part(1.0), part(2.0), angles)?;
    let invalid = of(3.0).len();
    if invalid > 0 {
        let message = format!("{invalid} images are marked as invalid (image_key 3) and left out");
        frames.warnings.push(Warning::new("frames_set_apart", message));
    }
    Ok(frames)
}

/// The angles of the views, from those of all images or of the views alone.
fn of_views(path: &Path, angles: Vec<f64>, views: &[usize], images: usize) -> Result<Vec<f64>> {
    match angles.len() {
        all if all == images => Ok(views.iter().map(|&view| angles[view]).collect()),
        own if own == views.len() => Ok(angles),
        other => Err(Error::input(
            path,
            format!("expected one angle per image ({images}) or per view ({}), got {other}", views.len()),
        )),
    }
}

/// The pixel pitch stored beside the images, converted from its unit (metres without one) to mm.
fn header(file: &Open, data: &str) -> Result<ScanHeader> {
    let size = |key: &str| -> Result<Option<f64>> {
        let name = format!("{}/{key}", folder(data));
        if !file.has(&name) {
            return Ok(None);
        }
        let in_mm = match file.unit(&name).as_deref() {
            Some("m" | "metre" | "meter") | None => 1e3,
            Some("mm") => 1.0,
            Some("um" | "micron" | "microns" | "µm") => 1e-3,
            Some("nm") => 1e-6,
            Some(_) => return Ok(None),
        };
        Ok(file.list(&name)?.first().map(|size| size * in_mm).filter(|size| size.is_finite() && *size > 0.0))
    };
    let pitch = size("y_pixel_size")?.zip(size("x_pixel_size")?).map(|(v, u)| [v, u]);
    Ok(ScanHeader { beam: Some(HeaderBeam::Parallel), pitch_mm: pitch, ..ScanHeader::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_belong_to_all_images_or_to_the_views_and_another_number_is_refused() {
        let path = Path::new("scan.nxs");
        let of = |angles: Vec<f64>| of_views(path, angles, &[1, 3], 4);
        assert_eq!(of(vec![0.0, 10.0, 20.0, 30.0]).unwrap(), [10.0, 30.0]);
        assert_eq!(of(vec![10.0, 30.0]).unwrap(), [10.0, 30.0]);
        let error = of(vec![10.0; 3]).unwrap_err();
        assert!(error.to_string().contains("one angle per image (4) or per view (2), got 3"), "{error}");
    }
}
