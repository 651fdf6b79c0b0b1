//! The header of a NIfTI file, checked before anything else is read: dimensions, type, scaling, offset of the voxels,
//! affine.

use super::affine;
use super::fields::{BYTES, Fields};
use super::numbers::{scaling, voxel_type};
use super::pair::pair;
use super::refusal::Refusal;
use crate::data::{Warning, Warnings};
use crate::error::{Error, Result};
use crate::formats::Reading;
use crate::formats::stored::{Stored, Stream};
use std::path::Path;

/// Largest number of voxels that are read (8 GiB in memory): 2048 x 1024 x 1024.
const MAX_VOXELS: u64 = 1 << 31;
/// Largest accepted offset of the voxels in the file, bytes: extensions of the header are small.
const MAX_OFFSET: f64 = (1u32 << 28) as f64;

/// A checked header.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// Version of NIfTI, 1 or 2.
    pub(super) version: u8,
    /// Grid, type and scaling of one volume.
    pub(super) stored: Stored,
    /// Number of volumes in the file, stored one after the other.
    pub(super) volumes: usize,
    /// Free text of the file, printable characters only.
    pub(super) description: String,
    /// Source of the affine: `sform`, `qform` or `pixdim`.
    pub(super) placed_by: &'static str,
    /// Warnings for the user.
    pub(super) warnings: Warnings,
    /// Offset of the first voxel of the first volume, bytes.
    offset: u64,
}

impl Header {
    /// Offset of the first voxel of a volume, bytes.
    fn place(&self, volume: usize) -> u64 {
        self.offset + volume as u64 * (self.stored.voxels() * self.stored.kind.bytes()) as u64
    }

    /// Skips the volumes after the one that was read, to the end of the data, where gzip stores its checksum.
    pub(super) fn pass_rest(&self, stream: &mut Stream, path: &Path) -> Result<()> {
        stream.skip_to(self.place(self.volumes)).map_err(|error| error.at(path))
    }

    /// Index of the volume to read.
    fn choose(&self, reading: &Reading) -> std::result::Result<usize, Refusal> {
        match (self.volumes, reading.volume) {
            (1, None) => Ok(0),
            (n, Some(wanted)) if wanted < n => Ok(wanted),
            (n, Some(wanted)) => {
                Err(Refusal::new(format!("it has {n} volumes, numbered from 0: there is none {wanted}"), ""))
            }
            (n, None) => Err(Refusal::new(
                format!("expected one volume, got {n}"),
                "choose one by its number, from 0: `volume: 0`",
            )),
        }
    }
}

/// Reads and checks the header of a file or pair.
pub(super) fn read(path: &Path) -> Result<Header> {
    let (header_path, data_path) = pair(path);
    let paired = header_path != data_path;
    let mut stream = Stream::open(&header_path)?;
    let mut bytes = [0; BYTES[1]];
    let got = stream.fill(&mut bytes).map_err(|error| error.at(&header_path))?;
    let raw = Fields::parse(&bytes[..got]).map_err(|problem| Error::input(&header_path, problem))?;
    if raw.single == paired {
        let problem = if raw.single {
            "a single-file header (n+1, n+2) in a .hdr/.img pair"
        } else {
            "the header of a .hdr/.img pair (ni1, ni2) in a single file"
        };
        return Err(Error::input(&header_path, problem).hint("rename the files so that names and header agree"));
    }
    check(&raw).map_err(|problem| problem.at(&header_path))
}

/// Opens a file or pair: returns its checked header, and the stream at the first voxel of the requested volume.
pub(super) fn open(path: &Path, reading: &Reading) -> Result<(Header, Stream)> {
    let header = read(path)?;
    let (header_path, data_path) = pair(path);
    let volume = header.choose(reading).map_err(|problem| problem.at(&header_path))?;
    let mut stream = Stream::open(&data_path)?;
    stream.admit(&data_path, header.place(volume), &header.stored)?;
    stream.skip_to(header.place(volume)).map_err(|error| error.at(&data_path))?;
    Ok((header, stream))
}

fn check(raw: &Fields) -> std::result::Result<Header, Refusal> {
    let (shape, volumes) = shape(raw)?;
    let kind = voxel_type(raw.datatype, raw.bitpix)?;
    let scaling = scaling(raw.scl_slope, raw.scl_inter)?;
    let mut warnings = Warnings::new();
    let (affine, placed_by) = affine::affine(raw, shape, &mut warnings)?;
    if raw.intent_code != 0 {
        let text = format!(
            "the file declares intent code {} (a statistic or a vector?), read as plain values",
            raw.intent_code
        );
        warnings.push(Warning::new("nifti_intent", text));
    }
    let text = String::from_utf8_lossy(&raw.descrip);
    let description = text.chars().take_while(|&c| c != '\0').filter(|c| !c.is_control()).collect();
    let offset = offset(raw).map_err(|problem| Refusal::new(problem, ""))?;
    let stored = Stored { affine, kind, big_endian: raw.big_endian, scaling };
    Ok(Header { version: raw.version, stored, volumes, description, placed_by, warnings, offset })
}

/// Voxels along the stored axes, slowest first, and the number of volumes.
fn shape(raw: &Fields) -> std::result::Result<([usize; 3], usize), Refusal> {
    let dims = &raw.dim[1..=raw.dim[0].clamp(1, 7) as usize];
    let refuse = |problem: String| Err(Refusal::new(problem, ""));
    if raw.dim[0] < 2 {
        return refuse(format!("expected 2 or 3 dimensions, got {}", raw.dim[0]));
    }
    let most = if raw.version == 1 { i64::from(i16::MAX) } else { MAX_VOXELS as i64 };
    if dims.iter().any(|&n| n < 1 || n > most) {
        return refuse(format!("expected dimensions between 1 and {most}, got {dims:?}"));
    }
    let size = |k: usize| dims.get(k).map_or(1, |&n| n as usize);
    let shape = [size(2), size(1), size(0)];
    let product = |numbers: &[i64]| numbers.iter().try_fold(1u64, |product, &n| product.checked_mul(n as u64));
    let voxels = product(&dims[..dims.len().min(3)]).unwrap_or(u64::MAX);
    let volumes = product(dims.get(3..).unwrap_or_default()).unwrap_or(u64::MAX);
    // Both are bounded, so that no later product of the two can overflow.
    if voxels > MAX_VOXELS || volumes > MAX_VOXELS {
        return refuse(format!("expected at most {MAX_VOXELS} voxels, got {voxels} ({dims:?})"));
    }
    Ok((shape, volumes as usize))
}

/// Offset of the first voxel, bytes.
fn offset(raw: &Fields) -> std::result::Result<u64, String> {
    let least = match (raw.single, raw.version) {
        (false, _) => 0.0,
        (true, 1) => 352.0,
        (true, _) => 544.0,
    };
    match raw.vox_offset {
        0.0 => Ok(least as u64),
        offset if (least..=MAX_OFFSET).contains(&offset) => Ok(offset as u64),
        offset => Err(format!("expected the voxels to begin between byte {least} and {MAX_OFFSET}, got {offset}")),
    }
}
