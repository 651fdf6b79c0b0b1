//! A sparse model of COLMAP as text: `cameras.txt`, `images.txt` and, for the box of the object, `points3D.txt`
//! (<https://colmap.github.io/format.html>). The pose of an image maps world points X to camera coordinates R X + t, x
//! right, y down, z forward; R is the rotation of the quaternion (w, x, y, z). Only cameras without distortion are
//! read.

use super::{CameraFile, Frame, Intrinsics, Unit, picture_file, stem};
use crate::data::{Point, dot, scale};
use crate::error::{Error, Result};
use crate::input_path;
use std::collections::BTreeMap;
use std::path::Path;

/// Largest file that is read, bytes.
const LARGEST: u64 = 1 << 30;
/// Fraction of the points that is ignored at each end of an axis when the box is computed, because outliers are common.
const STRAY: f64 = 0.01;

/// Reads the model in the folder `model`, whose pictures are in the folder `pictures`. Its unit of length is taken as 1
/// mm, since COLMAP's models have no absolute scale.
///
/// # Errors
/// A file that is missing or malformed, a camera with distortion, no image, no point for the box.
pub fn read(model: &Path, pictures: &Path) -> Result<CameraFile> {
    let cameras = cameras(&model.join("cameras.txt"))?;
    let path = model.join("images.txt");
    let text = input_path::read_text(&path, LARGEST)?;
    let mut frames = Vec::new();
    // Two lines per image; the second, of its image points, may be empty.
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let fault = |problem: String| Error::input(&path, format!("line {}: {problem}", number + 1));
        frames.push(image(line, &cameras, &path, pictures).map_err(fault)?);
        lines.next();
    }
    if frames.is_empty() {
        return Err(Error::input(&path, "expected at least one image, got none"));
    }
    let (center, half) = cube(&model.join("points3D.txt"))?;
    Ok(CameraFile { frames, center, half, unit: Unit { mm: 1.0, origin: [0.0; 3] } })
}

fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> std::result::Result<Vec<f64>, String> {
    let number = |word: &str| {
        word.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or(format!("expected a number, got `{word}`"))
    };
    words.map(number).collect()
}

fn cameras(path: &Path) -> Result<BTreeMap<String, Intrinsics>> {
    let text = input_path::read_text(path, LARGEST)?;
    let mut all = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty())
    {
        let (id, lens) = lens(line).map_err(|problem| Error::input(path, format!("line {}: {problem}", number + 1)))?;
        all.insert(id, lens);
    }
    Ok(all)
}

/// Parses a line `CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]` of `cameras.txt`.
fn lens(line: &str) -> std::result::Result<(String, Intrinsics), String> {
    let mut words = line.split_whitespace();
    let (Some(id), Some(model)) = (words.next(), words.next()) else {
        return Err("expected CAMERA_ID MODEL WIDTH HEIGHT PARAMS".to_string());
    };
    let values = numbers(words)?;
    let (focal, center, distortion) = match (model, values.as_slice()) {
        ("SIMPLE_PINHOLE", &[_, _, f, x, y]) => ([f, f], [x, y], 0.0),
        ("PINHOLE", &[_, _, fx, fy, x, y]) => ([fx, fy], [x, y], 0.0),
        ("SIMPLE_RADIAL", &[_, _, f, x, y, k]) => ([f, f], [x, y], k.abs()),
        ("RADIAL", &[_, _, f, x, y, k1, k2]) => ([f, f], [x, y], k1.abs() + k2.abs()),
        _ => {
            return Err(format!(
                "expected a camera SIMPLE_PINHOLE or PINHOLE, got {model} with {} numbers",
                values.len()
            ));
        }
    };
    if distortion > 0.0 {
        return Err(format!("camera {id} is distorted; undistort the pictures first (colmap image_undistorter)"));
    }
    let pixels = Some([side(values[1])?, side(values[0])?]);
    Ok((id.to_string(), Intrinsics { pixels, focal: focal.map(Some), fov: [None; 2], center: center.map(Some) }))
}

/// Number of pixels along a side of a picture.
fn side(n: f64) -> std::result::Result<usize, String> {
    if (1.0..=32768.0).contains(&n) {
        Ok(n as usize)
    } else {
        Err(format!("expected a size of 1 to 32768 pixels, got {n}"))
    }
}

/// Parses a line `IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME` of `images.txt`.
fn image(
    line: &str,
    cameras: &BTreeMap<String, Intrinsics>,
    source: &Path,
    pictures: &Path,
) -> std::result::Result<Frame, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.len() < 10 {
        return Err("expected IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME".to_string());
    }
    let values = numbers(words[1..8].iter().copied())?;
    let axes = rotation([values[0], values[1], values[2], values[3]])?;
    let t = [values[4], values[5], values[6]];
    // −Rᵀ t: the rows of R are the camera's axes.
    let position = std::array::from_fn(|k| -(0..3).map(|row| axes[row][k] * t[row]).sum::<f64>());
    let lens = *cameras.get(words[8]).ok_or_else(|| format!("camera {} is not in cameras.txt", words[8]))?;
    let name = words[9..].join(" ");
    let picture = picture_file(pictures, &name);
    Ok(Frame { name: stem(Path::new(&name)), picture, source: source.to_path_buf(), position, axes, lens })
}

/// Rows of the rotation matrix of a quaternion (w, x, y, z).
fn rotation(q: [f64; 4]) -> std::result::Result<[Point; 3], String> {
    let length = q.iter().map(|x| x * x).sum::<f64>().sqrt();
    if (length - 1.0).abs() > 1e-2 {
        return Err(format!("expected a unit quaternion, got one of length {length}"));
    }
    let [w, x, y, z] = q.map(|x| x / length);
    let vector = [x, y, z];
    let row = |k: usize| {
        let unit: Point = std::array::from_fn(|j| f64::from(u8::from(j == k)));
        let turned = [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]][k];
        std::array::from_fn(|j| {
            (w * w - dot(vector, vector)) * unit[j] + 2.0 * vector[k] * vector[j] + 2.0 * w * turned[j]
        })
    };
    Ok([row(0), row(1), row(2)])
}

/// Centre and half edge of the cube that holds all points except outliers.
fn cube(path: &Path) -> Result<(Point, f64)> {
    let text = input_path::read_text(path, LARGEST)?;
    let mut along: [Vec<f64>; 3] = Default::default();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty())
    {
        let values = numbers(line.split_whitespace().skip(1).take(3))
            .map_err(|problem| Error::input(path, format!("line {}: {problem}", number + 1)))?;
        values.iter().zip(&mut along).for_each(|(value, axis)| axis.push(*value));
    }
    if along.iter().any(|axis| axis.len() < 2) {
        return Err(Error::input(path, "expected at least 2 points, to compute the object's bounding box"));
    }
    let ends = along.map(|mut axis| {
        axis.sort_by(f64::total_cmp);
        let out = (STRAY * axis.len() as f64) as usize;
        [axis[out], axis[axis.len() - 1 - out]]
    });
    let center = scale(ends.map(|[low, high]| low + high), 0.5);
    let half = ends.iter().map(|[low, high]| (high - low) / 2.0).fold(1e-6, f64::max);
    Ok((center, half))
}
