//! NRRD volumes (`.nrrd`; `.nhdr` with its data file), the format of 3D Slicer, read and written.
//!
//! A file is a magic word, lines of `field: value`, an empty line and the voxel values
//! (teem.sourceforge.net/nrrd/format.html). Two or three axes in raw or gzip encoding are read, in any anatomical
//! space, which is converted to LPS.

use super::atomic;
use super::describe::{Candidate, Description};
use super::orient::Affine;
use super::stored::{self, Header, Packing, Scaling, Stored, VoxelType};
use super::{Loaded, Reading, VolumeFormat};
use crate::data::{Grid, Point, Volume, Warning, Warnings};
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The entry in the list of formats.
pub(super) const FORMAT: VolumeFormat = VolumeFormat {
    name: "NRRD",
    key: "nrrd",
    endings: &[".nrrd", ".nhdr"],
    looks_like: ".nrrd, .nhdr",
    claims,
    describe,
    read,
    read_grid,
    parts,
    write: Some(write),
};

const MAGIC: &[u8] = b"NRRD000";
/// Longest header that is read, bytes.
const MAX_HEADER: u64 = 1 << 16;

/// Names of the voxel types in NRRD.
const TYPES: [(&[&str], VoxelType); 10] = [
    (&["signed char", "int8", "int8_t"], VoxelType::I8),
    (&["uchar", "unsigned char", "uint8", "uint8_t"], VoxelType::U8),
    (&["short", "short int", "signed short", "signed short int", "int16", "int16_t"], VoxelType::I16),
    (&["ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"], VoxelType::U16),
    (&["int", "signed int", "int32", "int32_t"], VoxelType::I32),
    (&["uint", "unsigned int", "uint32", "uint32_t"], VoxelType::U32),
    (&["longlong", "long long", "long long int", "signed long long", "int64", "int64_t"], VoxelType::I64),
    (&["ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"], VoxelType::U64),
    (&["float"], VoxelType::F32),
    (&["double"], VoxelType::F64),
];

/// Names of anatomical spaces, with the signs that convert their (x, y, z) to LPS.
const SPACES: [(&[&str], Point); 4] = [
    (&["left-posterior-superior", "lps"], [1.0, 1.0, 1.0]),
    (&["right-anterior-superior", "ras"], [-1.0, -1.0, 1.0]),
    (&["left-anterior-superior", "las"], [1.0, -1.0, 1.0]),
    (&["right-posterior-superior", "rps"], [-1.0, 1.0, 1.0]),
];

fn claims(candidate: &Candidate) -> bool {
    candidate.ends_with(FORMAT.endings) || candidate.head.starts_with(MAGIC)
}

fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    claims(candidate).then(|| header(candidate.path)?.describe("NRRD volume", candidate.path))
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
    parsed(&bytes, path).map_err(|problem| Error::input(path, problem))
}

/// The header's fields, and the offset of the first byte behind the empty line that ends them (the end of the file if
/// the voxel values are in another file).
fn fields(bytes: &[u8]) -> std::result::Result<(HashMap<String, String>, u64), String> {
    if !bytes.starts_with(MAGIC) {
        return Err("not an NRRD file: it does not begin with NRRD000".to_string());
    }
    let mut fields = HashMap::new();
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let line = String::from_utf8_lossy(&rest[..length]);
        let line = line.trim_end_matches('\r');
        at = (at + length + 1).min(bytes.len());
        if line.is_empty() || length == rest.len() {
            return Ok((fields, at as u64));
        }
        // Comments and `key:=value` pairs do not affect how the voxel values are read.
        if line.starts_with('#') || line.contains(":=") {
            continue;
        }
        if let Some((field, value)) = line.split_once(": ") {
            fields.insert(field.trim().to_ascii_lowercase(), value.trim().to_string());
        }
    }
}

fn parsed(bytes: &[u8], path: &Path) -> std::result::Result<Header, String> {
    let (fields, end) = fields(bytes)?;
    let get = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)).map(String::as_str);
    let need = |names: &[&str]| get(names).ok_or_else(|| format!("it has no `{}`", names[0]));
    let named = need(&["type"])?.to_ascii_lowercase();
    let kind = TYPES.iter().find(|(names, _)| names.contains(&named.as_str())).map(|(_, kind)| *kind);
    let kind = kind.ok_or("unsupported type: expected one real number per voxel")?;
    let packing = packing(need(&["encoding"])?)?;
    if ["line skip", "lineskip", "byte skip", "byteskip"].iter().any(|skip| get(&[skip]).is_some_and(|n| n != "0")) {
        return Err("it skips a part of its data file, which is not read; save it again without".to_string());
    }
    let big_endian = is_big_endian(get(&["endian"]), kind)?;
    let mut warnings = Warnings::new();
    let affine = affine(&get, &mut warnings)?;
    let (data, offset) = match get(&["data file", "datafile"]) {
        None => (path.to_path_buf(), end),
        Some(name) => (stored::sibling(path, name)?, 0),
    };
    let stored = Stored { affine, kind, big_endian, scaling: Scaling::NONE };
    Ok(Header { stored, data, offset, packing, warnings })
}

fn packing(encoding: &str) -> std::result::Result<Packing, String> {
    match encoding.to_ascii_lowercase().as_str() {
        "raw" => Ok(Packing::None),
        "gzip" | "gz" => Ok(Packing::Gzip),
        _ => Err("expected the encoding raw or gzip".to_string()),
    }
}

/// Whether the numbers are big-endian; the order may be left out for numbers of one byte.
fn is_big_endian(order: Option<&str>, kind: VoxelType) -> std::result::Result<bool, String> {
    match order.map(str::to_ascii_lowercase).as_deref() {
        Some("big") => Ok(true),
        Some("little") => Ok(false),
        None if kind.bytes() == 1 => Ok(false),
        _ => Err("expected the endian little or big".to_string()),
    }
}

fn affine<'a>(
    get: &dyn Fn(&[&str]) -> Option<&'a str>,
    warnings: &mut Warnings,
) -> std::result::Result<Affine, String> {
    let sizes = get(&["sizes"]).ok_or("it has no `sizes`")?;
    let sizes: Vec<usize> = sizes.split_whitespace().map(|word| word.parse().unwrap_or(0)).collect();
    let declared = get(&["dimension"]).and_then(|text| text.parse::<usize>().ok());
    if declared != Some(sizes.len()) || !(2..=3).contains(&sizes.len()) {
        return Err("expected 2 or 3 axes of one volume, with a size each".to_string());
    }
    let shape = [sizes.get(2).copied().unwrap_or(1), sizes[1], sizes[0]];
    stored::check_shape(shape)?;
    if let Some(text) = get(&["space directions"]) {
        let directions: Option<Vec<Point>> = text.trim().split_inclusive(')').map(vector).collect();
        let Some([x, y, z]) = directions.as_deref() else {
            return Err("space directions: expected a vector of three numbers for each of three axes".to_string());
        };
        let space = get(&["space"]).unwrap_or_default().to_ascii_lowercase();
        let signs = SPACES.iter().find(|(names, _)| names.contains(&space.as_str())).map(|(_, signs)| *signs);
        let signs = signs.unwrap_or_else(|| {
            let text = "its `space` is not a known anatomical space; left-posterior-superior is assumed";
            warnings.push(Warning::new("nrrd_space", text));
            [1.0; 3]
        });
        let origin = get(&["space origin"]).map(|text| vector(text).ok_or("space origin: expected three numbers"));
        let origin = origin.transpose()?.unwrap_or_default();
        let lps = |v: &Point| std::array::from_fn(|k| v[k] * signs[k]);
        return Ok(Affine { shape, steps: [lps(z), lps(y), lps(x)], origin: lps(&origin) });
    }
    let spacings: Vec<f64> = match get(&["spacings"]) {
        Some(text) => text.split_whitespace().map(|word| word.parse().unwrap_or(f64::NAN)).collect(),
        None => vec![1.0; sizes.len()],
    };
    if spacings.len() != sizes.len() || spacings.iter().any(|spacing| !spacing.is_finite()) {
        return Err("spacings: expected a number for each axis".to_string());
    }
    let text = "it has no space directions; its axes are taken as +x, +y, +z from the origin";
    warnings.push(Warning::new("nrrd_no_space", text));
    let [x, y, z] = [0, 1, 2].map(|k| spacings.get(k).copied().unwrap_or(1.0));
    Ok(Affine { shape, steps: [[0.0, 0.0, z], [0.0, y, 0.0], [x, 0.0, 0.0]], origin: [0.0; 3] })
}

/// Parses a vector `(1,2,3)`, in which blanks are allowed.
fn vector(text: &str) -> Option<Point> {
    let inside = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let numbers: Option<Vec<f64>> = inside.split(',').map(|word| word.trim().parse().ok()).collect();
    let found: Point = numbers?.try_into().ok()?;
    found.iter().all(|v| v.is_finite()).then_some(found)
}

/// Writes `.nrrd` (gzip), or `.nhdr` with the voxel values beside it in `.raw`; float32, little-endian.
fn write(path: &Path, volume: &Volume, description: &str) -> Result<Vec<PathBuf>> {
    let raw = path.with_extension("raw");
    if path.extension().is_some_and(|ending| ending == "nhdr") {
        let header = text(volume, description, raw.file_name());
        return stored::write_pair(path, header.as_bytes(), raw, volume.as_slice());
    }
    atomic::write_with(path, |out| {
        out.write_all(text(volume, description, None).as_bytes())?;
        stored::write_gzip(out, &[], volume.as_slice())
    })?;
    Ok(vec![path.to_path_buf()])
}

/// The text of a header for values behind it in gzip, or in the file `data`.
fn text(volume: &Volume, description: &str, data: Option<&OsStr>) -> String {
    let Grid { shape: [nz, ny, nx], origin: [ox, oy, oz], .. } = &volume.grid;
    let vector = |[x, y, z]: Point| format!("({x},{y},{z})");
    let steps = [2, 1, 0].map(|k| vector(volume.grid.step(k))).join(" ");
    let content: String = description.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let file = data.map_or_else(String::new, |name| format!("data file: {}\n", name.to_string_lossy()));
    format!(
        "NRRD0004\n# Complete NRRD file format specification at:\n# http://teem.sourceforge.net/nrrd/format.html\n\
         content: {content} [{}]\ntype: float\ndimension: 3\nspace: left-posterior-superior\nsizes: {nx} {ny} {nz}\n\
         space directions: {steps}\nkinds: domain domain domain\nendian: little\nencoding: {}\n\
         space origin: ({ox},{oy},{oz})\n{file}\n",
        volume.quantity.unit(),
        if data.is_some() { "raw" } else { "gzip" },
    )
}
