//! Description of NIfTI files for `recon info`.

use super::header;
use super::pair::pair;
use crate::error::Result;
use crate::formats::describe::{Candidate, Description};
use crate::formats::{Reading, Units, stored};

pub(super) fn claims(candidate: &Candidate) -> bool {
    let named = candidate.ends_with(&[".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz"]);
    let first = matches!(candidate.head.get(344..348), Some(b"n+1\0" | b"ni1\0"));
    let second = matches!(candidate.head.get(4..8), Some(b"n+2\0" | b"ni2\0"));
    !candidate.is_folder && (named || first || second)
}

pub(super) fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    claims(candidate).then(|| rows(candidate))
}

fn rows(candidate: &Candidate) -> Result<Description> {
    let path = candidate.path;
    let header = header::read(path)?;
    let (header_path, data_path) = pair(path);
    let mut description = Description::new(format!("NIfTI-{} volume", header.version));
    let packing = if candidate.head.starts_with(&[0x1f, 0x8b]) { ", gzip" } else { "" };
    let pair = if header_path == data_path { "" } else { ", pair" };
    let order = if header.stored.big_endian { "big-endian" } else { "little-endian" };
    description.row("stored as", format!("{}, {order}{packing}{pair}", header.stored.kind.name()));
    let scaling = header.stored.scaling;
    if !scaling.is_identity() {
        description.row("scaling", format!("{} x + {}", scaling.slope, scaling.intercept));
    }
    description.row("placed by", header.placed_by);
    description.free_text("description", &header.description);
    if header.volumes > 1 {
        description.row("volumes", format!("{} (the first is described)", header.volumes));
    }
    let reading = Reading { units: Units::Relative, volume: Some(0), ..Reading::default() };
    stored::value_rows(&mut description, super::read_with(path, &reading)?);
    Ok(description)
}
