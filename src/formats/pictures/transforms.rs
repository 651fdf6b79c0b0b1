//! `transforms_{train,val,test}.json`: cameras as Blender writes them for NeRF's synthetic scenes (Mildenhall et al.,
//! ECCV 2020), with the keys that instant-ngp and nerfstudio add.
//!
//! `transform_matrix` maps a camera's axes (x right, y up, z backwards) to the world, z up. The object lies within ±1.5
//! of the origin, or, with instant-ngp's `aabb_scale`, `scale` and `offset`, where p · scale + offset is within 0.5 ±
//! aabb_scale / 2. recon's own key `recon: {mm_per_unit, center_mm}` gives the length of the unit and the world
//! position of the origin, mm; other programs ignore it.

use super::{CameraFile, Frame, Intrinsics, Unit, picture_file, stem};
use crate::data::{Camera, Point, scale};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::input_path;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Half the edge of the box of Blender's scenes.
const HALF: f64 = 1.5;
/// instant-ngp's default for `scale`.
const NGP_SCALE: f64 = 0.33;
/// Largest file that is read, bytes.
const LARGEST: u64 = 1 << 28;

/// Intrinsic parameters, of the whole file or of one frame.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Lens {
    #[serde(skip_serializing_if = "Option::is_none")]
    camera_angle_x: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera_angle_y: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fl_x: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fl_y: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cx: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    w: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    h: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    #[serde(flatten)]
    lens: Lens,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aabb_scale: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<[f64; 3]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recon: Option<Placement>,
    frames: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    file_path: String,
    transform_matrix: Vec<Vec<f64>>,
    #[serde(flatten)]
    lens: Lens,
}

#[derive(Debug, Serialize, Deserialize)]
struct Placement {
    mm_per_unit: f64,
    center_mm: [f64; 3],
}

/// Reads a file of cameras. Its pictures are not opened.
///
/// # Errors
/// A file that is missing or not such JSON, has no frames, or has a matrix of the wrong shape or an invalid number.
pub fn read(path: &Path) -> Result<CameraFile> {
    let text = input_path::read_text(path, LARGEST)?;
    let fault = |problem: String| Error::input(path, problem);
    let document: Document = serde_json::from_str(&text)
        .map_err(|error| fault(format!("not a file of cameras (transforms.json): {error}")))?;
    if document.frames.is_empty() {
        return Err(fault("expected at least one entry in `frames`, got none".to_string()));
    }
    let unit = unit(document.recon.as_ref()).map_err(fault)?;
    let (center, half) = aabb(&document).map_err(fault)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let frame = |entry: &Entry| -> Result<Frame> {
        let picture = picture_file(folder, &entry.file_path);
        let (position, axes) =
            pose(&entry.transform_matrix).map_err(|problem| fault(format!("frame {}: {problem}", entry.file_path)))?;
        let lens = entry.lens.over(&document.lens).map_err(fault)?;
        Ok(Frame { name: stem(Path::new(&entry.file_path)), picture, source: path.to_path_buf(), position, axes, lens })
    };
    let frames = document.frames.iter().map(frame).collect::<Result<Vec<_>>>()?;
    Ok(CameraFile { frames, center, half, unit })
}

fn unit(placement: Option<&Placement>) -> std::result::Result<Unit, String> {
    let Some(&Placement { mm_per_unit: mm, center_mm: origin }) = placement else {
        return Ok(Unit { mm: 1.0, origin: [0.0; 3] });
    };
    if !(mm.is_finite() && mm > 0.0 && origin.iter().all(|x| x.is_finite())) {
        return Err(format!("recon: expected a positive mm_per_unit and a finite center_mm, got {mm} and {origin:?}"));
    }
    Ok(Unit { mm, origin })
}

/// Centre and half edge of the object's box, in the file's unit.
fn aabb(document: &Document) -> std::result::Result<(Point, f64), String> {
    if document.aabb_scale.is_none() && document.scale.is_none() && document.offset.is_none() {
        return Ok(([0.0; 3], HALF));
    }
    let (edge, factor) = (document.aabb_scale.unwrap_or(1.0), document.scale.unwrap_or(NGP_SCALE));
    let offset = document.offset.unwrap_or([0.5; 3]);
    let fine = |x: f64| x.is_finite() && x > 0.0;
    if !(fine(edge) && fine(factor) && offset.iter().all(|x| x.is_finite())) {
        return Err(format!("expected a positive aabb_scale and scale, got {edge} and {factor}"));
    }
    Ok((offset.map(|x| (0.5 - x) / factor), 0.5 * edge / factor))
}

/// Position and axes (right, down, forward) of a camera-to-world matrix of 3 or 4 rows.
fn pose(matrix: &[Vec<f64>]) -> std::result::Result<(Point, [Point; 3]), String> {
    if !(3..=4).contains(&matrix.len()) || matrix.iter().any(|row| row.len() != 4) {
        return Err("expected a transform_matrix of 4 rows of 4 numbers".to_string());
    }
    if matrix.get(3).is_some_and(|row| *row != [0.0, 0.0, 0.0, 1.0]) {
        return Err("expected a transform_matrix whose last row is 0, 0, 0, 1".to_string());
    }
    let column = |k: usize| [matrix[0][k], matrix[1][k], matrix[2][k]];
    Ok((column(3), [column(0), scale(column(1), -1.0), scale(column(2), -1.0)]))
}

impl Lens {
    /// Intrinsic parameters of a frame: its own values, or those of the file where it has none.
    fn over(&self, file: &Self) -> std::result::Result<Intrinsics, String> {
        let side = |own: Option<f64>, all: Option<f64>, key: &str| match own.or(all) {
            None => Ok(None),
            Some(n) if (1.0..=32768.0).contains(&n) && n.fract() == 0.0 => Ok(Some(n as usize)),
            Some(n) => Err(format!("{key}: expected a number of pixels, got {n}")),
        };
        let (h, w) = (side(self.h, file.h, "h")?, side(self.w, file.w, "w")?);
        let fov = [self.camera_angle_x.or(file.camera_angle_x), self.camera_angle_y.or(file.camera_angle_y)];
        if let Some(bad) = fov.into_iter().flatten().find(|fov| !(*fov > 0.0 && *fov < std::f64::consts::PI)) {
            return Err(format!("camera_angle: expected 0 to pi, got {bad}"));
        }
        Ok(Intrinsics {
            pixels: h.zip(w).map(|(h, w)| [h, w]),
            focal: [self.fl_x.or(file.fl_x), self.fl_y.or(file.fl_y)],
            fov,
            center: [self.cx.or(file.cx), self.cy.or(file.cy)],
        })
    }

    fn of(camera: &Camera) -> Self {
        let [h, w] = camera.pixels.map(|n| n as f64);
        let angle = |side: f64, focal: f64| Some(2.0 * (side / 2.0 / focal).atan());
        Self {
            camera_angle_x: angle(w, camera.focal[0]),
            camera_angle_y: angle(h, camera.focal[1]),
            fl_x: Some(camera.focal[0]),
            fl_y: Some(camera.focal[1]),
            cx: Some(camera.center[0]),
            cy: Some(camera.center[1]),
            w: Some(w),
            h: Some(h),
        }
    }
}

/// Writes cameras in world mm: `files[i]` names the picture of `cameras[i]`, relative to the file's folder and without
/// extension. `center` and `edge` (mm) are those of the cube that holds the object, which is scaled to ±1.5.
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, files: &[String], cameras: &[Camera], center: Point, edge: f64) -> Result<()> {
    let mm_per_unit = edge / (2.0 * HALF);
    let lens = cameras.first().map(Lens::of).unwrap_or_default();
    let entry = |(file, camera): (&String, &Camera)| {
        let own = Lens::of(camera);
        let placed = camera.rescaled(center, 1.0 / mm_per_unit);
        let columns = [placed.right, scale(placed.down, -1.0), scale(placed.forward, -1.0), placed.position];
        let mut matrix: Vec<Vec<f64>> = (0..3).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
        matrix.push(vec![0.0, 0.0, 0.0, 1.0]);
        let lens = if own == lens { Lens::default() } else { own };
        Entry { file_path: file.clone(), transform_matrix: matrix, lens }
    };
    let frames = files.iter().zip(cameras).map(entry).collect();
    // With these values instant-ngp's unit cube is the object's cube.
    let document = Document {
        lens: lens.clone(),
        aabb_scale: Some(1.0),
        scale: Some(0.5 / HALF),
        offset: Some([0.5; 3]),
        recon: Some(Placement { mm_per_unit, center_mm: center }),
        frames,
    };
    let text = serde_json::to_string_pretty(&document).map_err(|error| Error::resource("transforms", error))?;
    atomic::write(path, (text + "\n").as_bytes())
}
