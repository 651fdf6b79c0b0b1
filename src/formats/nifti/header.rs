//! The header, checked before anything else is read: dimensions, type, scaling, place of the voxels, affine.

use super::affine;
use super::numbers::{Scaling, VoxelType};
use super::open::{HEADER_BYTES, Stream, parts};
use super::refusal::Refusal;
use crate::data::{Warning, Warnings};
use crate::error::{Error, Result};
use crate::formats::orient::Affine;
use crate::memory;
use nifti::{Endianness, NiftiHeader};
use std::path::Path;

/// Most voxels that are read (8 GiB in memory): 2048 x 1024 x 1024.
const MAX_VOXELS: u64 = 1 << 31;
/// Largest place of the voxels in the file that is believed: extensions are small.
const MAX_OFFSET: f32 = (1u32 << 28) as f32;

/// What a header says, checked.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// Voxel affine in storage order (slowest first), LPS mm.
    pub(super) affine: Affine,
    /// Type of the stored numbers.
    pub(super) kind: VoxelType,
    /// Whether the file is big-endian.
    pub(super) big_endian: bool,
    /// Stored number to value.
    pub(super) scaling: Scaling,
    /// Free text of the file, printable characters only.
    pub(super) description: String,
    /// Which of the transforms placed the affine.
    pub(super) placed_by: &'static str,
    /// What the user should know.
    pub(super) warnings: Warnings,
}

impl Header {
    /// Number of voxels.
    pub(super) fn voxels(&self) -> usize {
        self.affine.shape.iter().product()
    }
}

/// Opens a file or pair: its checked header, and the stream standing at the first voxel.
pub(super) fn open(path: &Path) -> Result<(Header, Stream)> {
    let (header_path, data_path) = parts(path);
    let paired = header_path != data_path;
    let mut stream = Stream::open(&header_path)?;
    let mut bytes = [0; HEADER_BYTES];
    let got = stream.fill(&mut bytes).map_err(|error| error.at(&header_path))?;
    let raw = parse(&bytes[..got]).map_err(|problem| Error::input(&header_path, problem))?;
    let single = raw.magic == *b"n+1\0";
    if single == paired {
        let problem = if single {
            "a single-file header (n+1) in a .hdr/.img pair"
        } else {
            "the header of a .hdr/.img pair (ni1) in a single file"
        };
        return Err(Error::input(&header_path, problem).hint("rename the files so that names and header agree"));
    }
    let header = check(&raw).map_err(|problem| problem.at(&header_path))?;
    let offset = offset(&raw, single).map_err(|problem| Error::input(&header_path, problem))?;
    if paired {
        stream = Stream::open(&data_path)?;
    }
    let needed = offset + (header.voxels() * header.kind.bytes()) as u64;
    if needed > stream.capacity {
        let problem = format!(
            "its header declares {:?} voxels of {} = {needed} bytes, but the file has {}{}",
            header.affine.shape,
            header.kind.name(),
            stream.size,
            if stream.gzip { " (compressed)" } else { "" }
        );
        return Err(Error::input(&data_path, problem).hint("is the file complete?"));
    }
    memory::admit(&data_path, header.voxels() as u64)?;
    stream.skip_to(offset).map_err(|error| error.at(&data_path))?;
    Ok((header, stream))
}

/// The crate's parse, for what is a NIfTI-1 header at all.
fn parse(bytes: &[u8]) -> std::result::Result<NiftiHeader, String> {
    if bytes.len() < HEADER_BYTES {
        return Err(format!("expected a NIfTI header of {HEADER_BYTES} bytes, got {}", bytes.len()));
    }
    let size = [
        i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
        i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
    ];
    if size.contains(&540) {
        return Err("NIfTI-2 is not read; convert it, for instance with nibabel: \
         nib.save(nib.Nifti1Image.from_image(img), ...)"
            .into());
    }
    if !size.contains(&348) {
        return Err(format!("not a NIfTI file: expected a header size of 348, got {}", size[0]));
    }
    match &bytes[344..348] {
        b"n+1\0" | b"ni1\0" => {}
        [0, ..] => {
            return Err(
                "an ANALYZE header without NIfTI mark: it does not say left from right; convert it to NIfTI first"
                    .into(),
            );
        }
        other => return Err(format!("not a NIfTI file: expected the mark n+1 or ni1, got {other:?}")),
    }
    let header = NiftiHeader::from_reader(bytes).map_err(|error| format!("not a NIfTI file: {error}"))?;
    // The crate guesses the byte order from the dimensions; the header's own size must agree.
    let big = size[1] == 348;
    if big != (header.endianness == Endianness::Big) {
        return Err(format!("its dimensions are damaged: expected 1 to 7 of them, got {}", header.dim[0].swap_bytes()));
    }
    Ok(header)
}

fn check(raw: &NiftiHeader) -> std::result::Result<Header, Refusal> {
    let shape = shape(raw)?;
    let kind = VoxelType::of(raw.datatype, raw.bitpix)?;
    let scaling = Scaling::of(raw.scl_slope, raw.scl_inter)?;
    let mut warnings = Warnings::new();
    let (affine, placed_by) = affine::affine(raw, shape, &mut warnings)?;
    if raw.intent_code != 0 {
        let text = format!(
            "the file declares intent code {} (a statistic or a vector?), read as plain values",
            raw.intent_code
        );
        warnings.push(Warning::new("nifti_intent", text));
    }
    let printable = |bytes: &[u8]| -> String {
        String::from_utf8_lossy(bytes).chars().take_while(|&c| c != '\0').filter(|c| !c.is_control()).collect()
    };
    let big_endian = raw.endianness == Endianness::Big;
    Ok(Header { affine, kind, big_endian, scaling, description: printable(&raw.descrip), placed_by, warnings })
}

/// Voxels along the stored axes, slowest first.
fn shape(raw: &NiftiHeader) -> std::result::Result<[usize; 3], Refusal> {
    let dims = &raw.dim[1..=usize::from(raw.dim[0]).clamp(1, 7)];
    let refuse = |problem: String| Err(Refusal::new(problem, ""));
    if !(2..=7).contains(&raw.dim[0]) {
        return refuse(format!("expected 2 or 3 dimensions, got {}", raw.dim[0]));
    }
    // Negative and absurd sizes appear here as values above i16::MAX.
    if dims.iter().any(|&n| n == 0 || n > i16::MAX as u16) {
        return refuse(format!("expected dimensions between 1 and {}, got {dims:?}", i16::MAX));
    }
    if dims.iter().skip(3).any(|&n| n != 1) {
        return Err(Refusal::new(
            format!(
                "expected one volume, got {} (dimensions {dims:?})",
                dims.iter().skip(3).map(|&n| u64::from(n)).product::<u64>()
            ),
            "extract one volume first, for instance with nibabel: img.slicer[..., 0]",
        ));
    }
    let size = |k: usize| dims.get(k).map_or(1, |&n| usize::from(n));
    let shape = [size(2), size(1), size(0)];
    let voxels: u64 = shape.iter().map(|&n| n as u64).product();
    if voxels > MAX_VOXELS {
        return refuse(format!("expected at most {MAX_VOXELS} voxels, got {voxels} ({dims:?})"));
    }
    Ok(shape)
}

/// Byte of the first voxel.
fn offset(raw: &NiftiHeader, single: bool) -> std::result::Result<u64, String> {
    let least = if single { 352.0 } else { 0.0 };
    match raw.vox_offset {
        0.0 => Ok(least as u64),
        offset if (least..=MAX_OFFSET).contains(&offset) => Ok(offset as u64),
        offset => Err(format!("expected the voxels to begin between byte {least} and {MAX_OFFSET}, got {offset}")),
    }
}
