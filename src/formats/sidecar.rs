//! Volume formats that store voxel values without a geometry: NumPy arrays (`.npy`, `.npz`), raw numbers (`.raw`) and
//! TIFF stacks (one file of pages, or a folder of images). A sidecar file, `NAME.json` beside `NAME.npy`, gives the
//! geometry:
//!
//! ```json
//! {"spacing_mm": [2.5, 1, 1], "origin_mm": [0, 0, 0], "axes": [[0, 0, 1], [0, 1, 0], [1, 0, 0]],
//!  "shape": [40, 128, 128], "type": "int16", "big_endian": false}
//! ```
//!
//! `spacing_mm` and `axes` (unit vectors in LPS) are in array order [z, y, x]; `origin_mm` is the centre of the first
//! voxel, LPS (x, y, z). Only raw numbers need a sidecar, with `shape` and `type`; all else may be left out.

use super::atomic;
use super::measured::{self, tiff};
use super::orient::Affine;
use super::stored::{self, Header, Packing, Scaling, Stored, VoxelType};
use super::{Description, Loaded, Reading, Units, VolumeFormat, npy, npz};
use crate::data::{Grid, Point, Volume, Warning, Warnings, scale};
use crate::error::{Error, Result};
use crate::memory;
use crate::progress;
use ::tiff::encoder::TiffEncoder;
use ::tiff::encoder::colortype::Gray32Float;
use ndarray::ArrayD;
use ndarray_npy::WriteNpyExt;
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// NumPy arrays `[z, y, x]`.
pub(super) const NPY: VolumeFormat = VolumeFormat {
    name: "NumPy volume",
    key: "npy",
    endings: &[".npy"],
    looks_like: ".npy with a sidecar .json",
    claims: |candidate| candidate.ends_with(&[".npy"]),
    describe: npy::FORMAT.describe,
    read: |path, reading| laid_out(path, array(path)?, reading),
    read_grid: |path| Ok((laid_out(path, array(path)?, &Reading::default())?.volume.grid, Warnings::new())),
    parts,
    write: Some(write_npy),
};

/// NumPy archives of an array `[z, y, x]`.
pub(super) const NPZ: VolumeFormat = VolumeFormat {
    name: "NumPy archive",
    key: "npz",
    endings: &[".npz"],
    looks_like: ".npz with a sidecar .json",
    claims: |candidate| candidate.ends_with(&[".npz"]),
    describe: |candidate| candidate.ends_with(&[".npz"]).then(|| describe_archive(candidate.path)),
    read: |path, reading| laid_out(path, archived(path, reading.volume)?, reading),
    read_grid: |path| Ok((laid_out(path, archived(path, None)?, &Reading::default())?.volume.grid, Warnings::new())),
    parts,
    write: Some(write_npz),
};

/// Raw numbers, `[z, y, x]`, x fastest.
pub(super) const RAW: VolumeFormat = VolumeFormat {
    name: "raw numbers",
    key: "raw",
    endings: &[".raw"],
    looks_like: ".raw with a sidecar .json",
    claims: |candidate| candidate.ends_with(&[".raw"]),
    describe: |candidate| {
        candidate.ends_with(&[".raw"]).then(|| raw(candidate.path)?.describe("raw numbers", candidate.path))
    },
    read: |path, reading| raw(path)?.load(path, reading),
    read_grid: |path| raw(path)?.grid(path),
    parts,
    write: Some(write_raw),
};

/// TIFF stacks, one slice per page or image, rows from the top.
pub(super) const TIFF: VolumeFormat = VolumeFormat {
    name: "TIFF stack",
    key: "tiff",
    endings: &[".tif", ".tiff"],
    looks_like: ".tif, or a folder of them, with a sidecar .json",
    claims: |candidate| tiff::claims(candidate),
    describe: measured::TIFF.describe,
    read: |path, reading| laid_out(path, pages(path)?, reading),
    read_grid: |path| Ok((laid_out(path, pages(path)?, &Reading::default())?.volume.grid, Warnings::new())),
    parts,
    write: Some(write_tiff),
};

/// Longest sidecar that is read, bytes.
const MAX_SIDECAR: u64 = 1 << 16;

/// Contents of a sidecar file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sidecar {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shape: Option<[usize; 3]>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    big_endian: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spacing_mm: Option<[f64; 3]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin_mm: Option<Point>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    axes: Option<[Point; 3]>,
    /// Unit of the values, for human readers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// The sidecar's path: `a.json` of `a.npy`, `folder.json` beside a folder.
fn beside(path: &Path) -> PathBuf {
    if path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return path.with_file_name(name + ".json");
    }
    path.with_extension("json")
}

fn parts(path: &Path) -> Vec<PathBuf> {
    [path.to_path_buf(), beside(path)].into_iter().filter(|part| part == path || part.is_file()).collect()
}

impl Sidecar {
    fn read(path: &Path) -> Result<Option<Self>> {
        let file = beside(path);
        if !file.is_file() {
            return Ok(None);
        }
        let bytes = stored::head(&file, MAX_SIDECAR)?;
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|error| Error::input(&file, format!("not the sidecar of a volume: {error}")))
    }

    fn of(volume: &Volume, description: &str) -> Self {
        let Grid { shape, spacing, origin, axes } = volume.grid.clone();
        Self {
            shape: Some(shape),
            kind: Some(VoxelType::F32.name().to_string()),
            big_endian: Some(false),
            spacing_mm: Some(spacing),
            origin_mm: Some(origin),
            axes: Some(axes),
            unit: Some(volume.quantity.unit().to_string()),
            description: Some(description.to_string()),
        }
    }

    fn write(&self, path: &Path) -> Result<PathBuf> {
        let file = beside(path);
        let text = serde_json::to_vec(self).map_err(|error| Error::input(&file, error))?;
        atomic::write(&file, &text).map(|()| file)
    }

    fn affine(&self, shape: [usize; 3], warnings: &mut Warnings) -> Affine {
        if self.spacing_mm.is_none() {
            let text = "its voxel spacing is not given: 1 mm is assumed; put `spacing_mm` into a sidecar .json";
            warnings.push(Warning::new("no_spacing", text));
        }
        let spacing = self.spacing_mm.unwrap_or([1.0; 3]);
        let axes = self.axes.unwrap_or(Grid::CANONICAL);
        let steps = std::array::from_fn(|k| scale(axes[k], spacing[k]));
        Affine { shape, steps, origin: self.origin_mm.unwrap_or_default() }
    }
}

/// Shape `[z, y, x]`, and values in C order (x fastest).
type Values = ([usize; 3], Vec<f32>);

fn array(path: &Path) -> Result<Values> {
    shaped(path, &npy::read_array(path)?)
}

fn archived(path: &Path, wanted: Option<usize>) -> Result<Values> {
    shaped(path, &npz::read(path, wanted)?)
}

fn describe_archive(path: &Path) -> Result<Description> {
    let mut description = Description::new("NumPy archive");
    let reading = Reading { units: Units::Relative, ..Reading::default() };
    stored::value_rows(&mut description, laid_out(path, archived(path, None)?, &reading)?);
    Ok(description)
}

fn shaped(path: &Path, array: &ArrayD<f32>) -> Result<Values> {
    let shape = match *array.shape() {
        [rows, columns] => [1, rows, columns],
        [slices, rows, columns] => [slices, rows, columns],
        ref other => return Err(Error::input(path, format!("expected an array [z, y, x], got shape {other:?}"))),
    };
    Ok((shape, array.as_standard_layout().iter().copied().collect()))
}

fn pages(path: &Path) -> Result<Values> {
    let files = tiff::Files { data: path, flats: None, darks: None, angles: None };
    let data = tiff::read(&files, None)?.data;
    let [slices, rows, columns] = [0, 1, 2].map(|k| data.shape()[k]);
    memory::admit(path, data.len() as u64)?;
    Ok(([slices, rows, columns], data.into_iter().collect()))
}

/// Places the values on the grid that the sidecar describes.
fn laid_out(path: &Path, (shape, values): Values, reading: &Reading) -> Result<Loaded> {
    stored::check_shape(shape).map_err(|problem| Error::input(path, problem))?;
    let sidecar = Sidecar::read(path)?.unwrap_or_default();
    if let Some(declared) = sidecar.shape.filter(|declared| *declared != shape) {
        return Err(Error::input(beside(path), format!("declares a shape of {declared:?}, the volume has {shape:?}")));
    }
    let mut warnings = Warnings::new();
    let affine = sidecar.affine(shape, &mut warnings);
    stored::finished(path, values, &affine, reading, warnings)
}

fn raw(path: &Path) -> Result<Header> {
    let missing = || {
        Error::input(path, "a .raw file has no header: its shape and type must be given").hint(
            "put its shape and type into a sidecar, NAME.json: {\"shape\": [z, y, x], \"type\": \"int16\", \
             \"spacing_mm\": [z, y, x]}",
        )
    };
    let sidecar = Sidecar::read(path)?.ok_or_else(missing)?;
    let (Some(shape), Some(kind)) = (sidecar.shape, sidecar.kind.as_deref().and_then(VoxelType::named)) else {
        return Err(missing());
    };
    stored::check_shape(shape).map_err(|problem| Error::input(beside(path), problem))?;
    let mut warnings = Warnings::new();
    let affine = sidecar.affine(shape, &mut warnings);
    let stored = Stored { affine, kind, big_endian: sidecar.big_endian.unwrap_or(false), scaling: Scaling::NONE };
    Ok(Header { stored, data: path.to_path_buf(), offset: 0, packing: Packing::None, warnings })
}

fn write_npy(path: &Path, volume: &Volume, description: &str) -> Result<Vec<PathBuf>> {
    atomic::write_with(path, |out| volume.voxels().write_npy(out).map_err(std::io::Error::other))?;
    Ok(vec![path.to_path_buf(), Sidecar::of(volume, description).write(path)?])
}

fn write_npz(path: &Path, volume: &Volume, description: &str) -> Result<Vec<PathBuf>> {
    npz::write(path, volume)?;
    Ok(vec![path.to_path_buf(), Sidecar::of(volume, description).write(path)?])
}

fn write_raw(path: &Path, volume: &Volume, description: &str) -> Result<Vec<PathBuf>> {
    atomic::write_with(path, |out| stored::write_floats(out, volume.as_slice()))?;
    Ok(vec![path.to_path_buf(), Sidecar::of(volume, description).write(path)?])
}

fn write_tiff(path: &Path, volume: &Volume, description: &str) -> Result<Vec<PathBuf>> {
    let [_, rows, columns] = volume.grid.shape;
    let pages = volume.as_slice().chunks(rows * columns);
    let encoded = || -> ::tiff::TiffResult<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes)?;
        for page in pages {
            encoder.write_image::<Gray32Float>(columns as u32, rows as u32, page)?;
        }
        Ok(bytes.into_inner())
    };
    let bytes = encoded().map_err(|error| Error::resource(progress::place(path), error))?;
    atomic::write(path, &bytes)?;
    Ok(vec![path.to_path_buf(), Sidecar::of(volume, description).write(path)?])
}
