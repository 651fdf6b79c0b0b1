//! MetaImage volumes (`.mha`; `.mhd` with its data file), the native format of ITK, read and written.
//!
//! A header of `Key = value` lines ends with `ElementDataFile`; the voxel values follow, or are in the file it names.
//! Lengths are mm, the world is LPS; row i of `TransformMatrix` is the direction of index axis i (ITK's
//! `itkMetaImageIO`; key names: itk.org/Wiki/MetaIO/Documentation). Files of several channels and lists of data files
//! are refused.

use super::atomic;
use super::describe::{Candidate, Description};
use super::orient::Affine;
use super::stored::{self, Header, Packing, Scaling, Stored, VoxelType};
use super::{Loaded, Reading, VolumeFormat};
use crate::data::{Grid, Point, Volume, Warning, Warnings, scale};
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The entry in the list of formats.
pub(super) const FORMAT: VolumeFormat = VolumeFormat {
    name: "MetaImage",
    key: "metaimage",
    endings: &[".mha", ".mhd"],
    looks_like: ".mha, .mhd",
    claims,
    describe,
    read,
    read_grid,
    parts,
    write: Some(write),
};

/// Longest header that is read, bytes.
const MAX_HEADER: u64 = 1 << 16;

/// Names of the voxel types in ITK.
const TYPES: [(&str, VoxelType); 10] = [
    ("MET_CHAR", VoxelType::I8),
    ("MET_UCHAR", VoxelType::U8),
    ("MET_SHORT", VoxelType::I16),
    ("MET_USHORT", VoxelType::U16),
    ("MET_INT", VoxelType::I32),
    ("MET_UINT", VoxelType::U32),
    ("MET_LONG_LONG", VoxelType::I64),
    ("MET_ULONG_LONG", VoxelType::U64),
    ("MET_FLOAT", VoxelType::F32),
    ("MET_DOUBLE", VoxelType::F64),
];

fn claims(candidate: &Candidate) -> bool {
    candidate.ends_with(FORMAT.endings)
}

fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    claims(candidate).then(|| header(candidate.path)?.describe("MetaImage volume", candidate.path))
}

fn read(path: &Path, reading: &Reading) -> Result<Loaded> {
    header(path)?.load(path, reading)
}

fn read_grid(path: &Path) -> Result<(Grid, Warnings)> {
    header(path)?.grid(path)
}

fn parts(path: &Path) -> Vec<PathBuf> {
    let data = header(path).map(|header| header.data);
    [vec![path.to_path_buf()], data.into_iter().filter(|data| data != path).collect()].concat()
}

fn header(path: &Path) -> Result<Header> {
    let bytes = stored::head(path, MAX_HEADER)?;
    let size = std::fs::metadata(path).map_err(|error| Error::read(path, &error))?.len();
    parsed(&bytes, path, size).map_err(|problem| Error::input(path, problem))
}

/// The header's keys and values, and the offset of the first byte behind the header.
fn keys(bytes: &[u8]) -> std::result::Result<(HashMap<String, String>, u64), String> {
    let mut keys = HashMap::new();
    let mut at = 0;
    while let Some(length) = bytes[at..].iter().position(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(&bytes[at..at + length]);
        at += length + 1;
        if line.trim().is_empty() {
            continue;
        }
        let (key, value) = line.split_once('=').ok_or("not a MetaImage header: a line without `=`")?;
        let last = key.trim() == "ElementDataFile";
        keys.insert(key.trim().to_string(), value.trim().to_string());
        if last {
            return Ok((keys, at as u64));
        }
    }
    Err("not a MetaImage header: no ElementDataFile in it".to_string())
}

fn parsed(bytes: &[u8], path: &Path, size: u64) -> std::result::Result<Header, String> {
    let (keys, end) = keys(bytes)?;
    let get = |names: &[&str]| names.iter().find_map(|name| keys.get(*name)).map(String::as_str);
    let yes = |names: &[&str]| get(names).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1");
    if get(&["BinaryData"]).is_some() && !yes(&["BinaryData"]) {
        return Err("its numbers are text, which is not read; write them with BinaryData = True".to_string());
    }
    let channels = get(&["ElementNumberOfChannels"]).unwrap_or("1");
    if channels != "1" {
        return Err("expected one number per voxel, its ElementNumberOfChannels is not 1".to_string());
    }
    let named = get(&["ElementType"]).unwrap_or_default();
    let kind = TYPES.iter().find(|(name, _)| *name == named).map(|(_, kind)| *kind);
    let kind =
        kind.ok_or_else(|| format!("unknown ElementType, known are {}", TYPES.map(|(name, _)| name).join(", ")))?;
    let mut warnings = Warnings::new();
    let affine = affine(&get, &mut warnings)?;
    let stored = Stored {
        affine,
        kind,
        big_endian: yes(&["BinaryDataByteOrderMSB", "ElementByteOrderMSB"]),
        scaling: Scaling::NONE,
    };
    let local = get(&["ElementDataFile"]).unwrap_or_default();
    let data = if local.eq_ignore_ascii_case("local") { path.to_path_buf() } else { stored::sibling(path, local)? };
    let needed = (stored.voxels() * kind.bytes()) as u64;
    let own = data == path;
    let offset = match get(&["HeaderSize"]).map(str::parse::<i64>) {
        None | Some(Ok(0)) => {
            if own {
                end
            } else {
                0
            }
        }
        // -1: the voxel values are the last bytes of the file.
        Some(Ok(-1)) => {
            let whole = if own { size } else { std::fs::metadata(&data).map_or(0, |found| found.len()) };
            whole.checked_sub(needed).ok_or("its data file is too short for its size")?
        }
        Some(Ok(bytes)) => u64::try_from(bytes).map_err(|_| "expected a HeaderSize of -1 or more")?,
        Some(Err(_)) => return Err("HeaderSize is not a number".to_string()),
    };
    let packing = if yes(&["CompressedData"]) { Packing::Zlib } else { Packing::None };
    Ok(Header { stored, data, offset, packing, warnings })
}

fn numbers<const N: usize>(name: &str, text: &str) -> std::result::Result<Vec<f64>, String> {
    let found: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap_or(f64::NAN)).collect();
    if found.len() == N && found.iter().all(|v: &f64| v.is_finite()) {
        return Ok(found);
    }
    Err(format!("{name}: expected {N} numbers"))
}

fn affine<'a>(
    get: &dyn Fn(&[&str]) -> Option<&'a str>,
    warnings: &mut Warnings,
) -> std::result::Result<Affine, String> {
    let dimensions = get(&["NDims"]).unwrap_or("3");
    let flat = match dimensions {
        "3" => false,
        "2" => true,
        _ => return Err("expected 2 or 3 dimensions (NDims)".to_string()),
    };
    let sizes = get(&["DimSize"]).ok_or("it has no DimSize")?;
    let sizes = if flat { numbers::<2>("DimSize", sizes)? } else { numbers::<3>("DimSize", sizes)? };
    if sizes.iter().any(|n| *n < 1.0 || n.fract() != 0.0 || *n > 1e9) {
        return Err("expected positive whole numbers as DimSize".to_string());
    }
    let shape = [sizes.get(2).map_or(1, |&n| n as usize), sizes[1] as usize, sizes[0] as usize];
    stored::check_shape(shape)?;
    let list = |names: &[&str], two: &[f64], three: &[f64]| match (get(names), flat) {
        (None, true) => Ok(two.to_vec()),
        (None, false) => Ok(three.to_vec()),
        (Some(text), true) if two.len() == 4 => numbers::<4>(names[0], text),
        (Some(text), true) => numbers::<2>(names[0], text),
        (Some(text), false) if three.len() == 9 => numbers::<9>(names[0], text),
        (Some(text), false) => numbers::<3>(names[0], text),
    };
    if get(&["ElementSpacing", "ElementSize"]).is_none() {
        warnings.push(Warning::new("no_spacing", "its voxel spacing is not given; 1 mm is assumed"));
    }
    let spacing = list(&["ElementSpacing", "ElementSize"], &[1.0; 2], &[1.0; 3])?;
    let origin = list(&["Offset", "Position", "Origin"], &[0.0; 2], &[0.0; 3])?;
    let unit = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let matrix = list(&["TransformMatrix", "Rotation", "Orientation"], &[1.0, 0.0, 0.0, 1.0], &unit)?;
    let direction = |axis: usize| -> Point {
        match (flat, axis) {
            (false, _) => [matrix[3 * axis], matrix[3 * axis + 1], matrix[3 * axis + 2]],
            (true, 2) => [0.0, 0.0, 1.0],
            (true, _) => [matrix[2 * axis], matrix[2 * axis + 1], 0.0],
        }
    };
    let gap = |axis: usize| spacing.get(axis).copied().unwrap_or(1.0);
    let steps = [2, 1, 0].map(|axis| scale(direction(axis), gap(axis)));
    Ok(Affine { shape, steps, origin: [origin[0], origin[1], origin.get(2).copied().unwrap_or(0.0)] })
}

/// Writes `.mha`, or `.mhd` with the voxel values beside it in `.raw`; float32, little-endian.
fn write(path: &Path, volume: &Volume, description: &str) -> Result<Vec<PathBuf>> {
    let pair = path.extension().is_some_and(|ending| ending == "mhd");
    let raw = path.with_extension("raw");
    let name = raw.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Grid { shape: [nz, ny, nx], spacing: [sz, sy, sx], origin: [ox, oy, oz], axes } = &volume.grid;
    let matrix: Vec<String> = [2, 1, 0].iter().flat_map(|&k| axes[k]).map(|v| v.to_string()).collect();
    let comment: String = description.chars().map(|c| if c.is_control() || c == '=' { ' ' } else { c }).collect();
    let header = format!(
        "ObjectType = Image\nNDims = 3\nComment = {comment} [{}]\nBinaryData = True\nBinaryDataByteOrderMSB = False\n\
         CompressedData = False\nTransformMatrix = {}\nOffset = {ox} {oy} {oz}\nCenterOfRotation = 0 0 0\n\
         ElementSpacing = {sx} {sy} {sz}\nDimSize = {nx} {ny} {nz}\nElementType = MET_FLOAT\nElementDataFile = {}\n",
        volume.quantity.unit(),
        matrix.join(" "),
        if pair { &name } else { "LOCAL" }
    );
    if pair {
        return stored::write_pair(path, header.as_bytes(), raw, volume.as_slice());
    }
    atomic::write_with(path, |out| {
        out.write_all(header.as_bytes())?;
        stored::write_floats(out, volume.as_slice())
    })?;
    Ok(vec![path.to_path_buf()])
}
