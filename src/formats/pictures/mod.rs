//! Pictures and the cameras that took them: PNG and JPEG, the `transforms.json` of NeRF's synthetic scenes as
//! nerfstudio and instant-ngp read it, and text models of COLMAP.

pub mod colmap;
mod jpeg;
mod png;
pub mod transforms;

pub use png::{encode, write, write_animation};

use crate::data::{Camera, Picture, Point, Shot, add, scale};
use crate::error::{Error, Result};
use crate::input_path;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// Largest number of pixels of a picture that is read.
const MOST: usize = 1 << 26;
/// Extensions that are tried for a picture that is named without one.
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// A camera as a file describes it, and the picture that it names.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// File name of the picture without its extension.
    pub name: String,
    /// Path of the picture.
    pub picture: PathBuf,
    /// File that describes the camera, for messages.
    pub source: PathBuf,
    /// Position of the pinhole, in the file's unit of length.
    pub position: Point,
    /// Directions to the right along a row, down along a column, and forward along the view.
    pub axes: [Point; 3],
    /// Intrinsic parameters, as far as they are known.
    pub lens: Intrinsics,
}

/// Intrinsic parameters of a camera, as far as a file gives them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Intrinsics {
    /// Size of the picture, pixels [rows, columns].
    pub pixels: Option<[usize; 2]>,
    /// Focal lengths (x, y) in pixels.
    pub focal: [Option<f64>; 2],
    /// Fields of view (x, y), radians.
    pub fov: [Option<f64>; 2],
    /// Principal point (x, y), where the optical axis meets the picture, pixels.
    pub center: [Option<f64>; 2],
}

/// All cameras of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraFile {
    /// One frame per picture.
    pub frames: Vec<Frame>,
    /// Centre of the cubic box that holds the object, in the file's unit.
    pub center: Point,
    /// Half the edge of that box, in the file's unit.
    pub half: f64,
    /// Length of the file's unit and place of its origin, mm.
    pub unit: Unit,
}

/// A file's unit: world (mm) = position · mm + origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// Length of the unit, mm; 1 where the file has none.
    pub mm: f64,
    /// World point (mm) of the file's origin.
    pub origin: Point,
}

impl CameraFile {
    /// Centre of the object's box in the world, mm.
    #[must_use]
    pub fn center_mm(&self) -> Point {
        add(scale(self.center, self.unit.mm), self.unit.origin)
    }

    /// Edge of that box, mm.
    #[must_use]
    pub fn edge_mm(&self) -> f64 {
        2.0 * self.half * self.unit.mm
    }

    /// The camera of a frame, in world mm. `pixels` ([rows, columns]) is used where the file does not give the size.
    ///
    /// # Errors
    /// A matrix that is not a rotation, or a size or focal length that is missing. The error names the file and the
    /// frame.
    pub fn camera(&self, frame: &Frame, pixels: Option<[usize; 2]>) -> Result<Camera> {
        let fault = |problem: String| Error::input(&frame.source, format!("frame {}: {problem}", frame.name));
        let pixels = frame.lens.pixels.or(pixels).ok_or_else(|| fault("lacks its size (`w` and `h`)".to_string()))?;
        let [right, down, forward] = frame.axes;
        let (focal, center) = frame.lens.complete(pixels).map_err(fault)?;
        let camera = Camera { position: frame.position, right, down, forward, focal, center, pixels };
        let placed = camera.placed(self.unit.origin, self.unit.mm);
        placed.check().map(|()| placed).map_err(|error| match error {
            Error::Input { problem, .. } => fault(problem),
            other => other,
        })
    }

    /// Reads the picture of a frame, and returns it with its camera.
    ///
    /// # Errors
    /// A picture that is missing, damaged or of another size than the file says; what [`CameraFile::camera`] refuses.
    pub fn shot(&self, frame: &Frame) -> Result<Shot> {
        let picture = read(&frame.picture)?;
        if let Some(said) = frame.lens.pixels.filter(|said| *said != picture.pixels) {
            let ([rows, columns], [h, w]) = (said, picture.pixels);
            let problem =
                format!("{} says {columns} x {rows} pixels, the picture has {w} x {h}", frame.source.display());
            return Err(Error::input(&frame.picture, problem));
        }
        Ok(Shot { name: frame.name.clone(), camera: self.camera(frame, Some(picture.pixels))?, picture })
    }
}

impl Intrinsics {
    /// Focal lengths (x, y) and principal point (x, y), pixels, for pictures of `pixels` ([rows, columns]). A missing
    /// focal length along y is taken from x, a missing principal point is the centre of the picture.
    fn complete(&self, pixels: [usize; 2]) -> std::result::Result<([f64; 2], [f64; 2]), String> {
        let side = [pixels[1] as f64, pixels[0] as f64];
        let from_fov = |k: usize| self.fov[k].map(|fov| side[k] / 2.0 / (fov / 2.0).tan());
        let focal = |k: usize| self.focal[k].or_else(|| from_fov(k));
        let x = focal(0).ok_or("lacks a focal length: `camera_angle_x` or `fl_x`")?;
        let center = [0, 1].map(|k| self.center[k].unwrap_or(side[k] / 2.0));
        Ok(([x, focal(1).unwrap_or(x)], center))
    }
}

/// Path of the picture that a name refers to, relative to a folder: the name as it is, or with one of [`EXTENSIONS`].
pub(super) fn picture_file(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    if path.is_file() {
        return path;
    }
    let with = |extension: &&str| {
        let mut text = path.clone().into_os_string();
        text.push(".");
        text.push(extension);
        PathBuf::from(text)
    };
    let tried: Vec<PathBuf> = EXTENSIONS.iter().map(with).collect();
    let known = path.extension().is_some_and(|e| EXTENSIONS.contains(&e.to_string_lossy().to_lowercase().as_str()));
    let found = tried.iter().find(|file| file.is_file()).cloned();
    found.unwrap_or_else(|| if known { path } else { tried[0].clone() })
}

/// Name of a picture: its file name without the extension.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "picture".to_string(), |stem| stem.to_string_lossy().into_owned())
}

/// Reads a PNG (grey, palette or colour, 8 or 16 bits, with opacity or without) or JPEG file.
///
/// # Errors
/// A file that is missing, damaged, too large or of another kind.
pub fn read(path: &Path) -> Result<Picture> {
    let file = input_path::open(path).map_err(|error| Error::read(path, &error))?;
    let mut reader = BufReader::new(file);
    let mut start = [0u8; 4];
    let known = reader.read_exact(&mut start).and_then(|()| reader.rewind());
    known.map_err(|error| Error::read(path, &error))?;
    let decoded = match start {
        [0x89, b'P', b'N', b'G'] => png::decode(reader),
        [0xff, 0xd8, 0xff, _] => jpeg::decode(reader),
        _ => Err("expected a PNG or JPEG picture".to_string()),
    };
    decoded
        .and_then(|(pixels, rgba)| Picture::new(pixels, rgba).map_err(|e| e.to_string()))
        .map_err(|problem| Error::input(path, problem))
}

/// Refuses a picture of no pixels or of more than [`MOST`].
fn admit(rows: usize, columns: usize) -> std::result::Result<(), String> {
    match rows.checked_mul(columns) {
        Some(n) if n > 0 && n <= MOST => Ok(()),
        _ => Err(format!("expected 1 to {MOST} pixels, got {columns} x {rows}")),
    }
}

#[cfg(test)]
mod tests;
