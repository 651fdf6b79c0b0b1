//! What `recon info` says about a NIfTI file.

use super::header;
use super::open::parts;
use crate::error::Result;
use crate::formats::describe::{Candidate, Description, grid_rows};
use crate::formats::{Format, Units};
use std::path::Path;

/// The entry in the list of formats.
pub(in crate::formats) const FORMAT: Format =
    Format { name: "NIfTI", looks_like: ".nii, .nii.gz, .hdr + .img", describe };

fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    let name = candidate.name.to_ascii_lowercase();
    let named = [".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz"].iter().any(|ending| name.ends_with(ending));
    let marked = matches!(candidate.head.get(344..348), Some(b"n+1\0" | b"ni1\0" | b"n+2\0"));
    (!candidate.is_folder && (named || marked)).then(|| rows(candidate.path))
}

fn rows(path: &Path) -> Result<Description> {
    let (header, stream) = header::open(path)?;
    let (header_path, data_path) = parts(path);
    let mut description = Description::new("NIfTI-1 volume");
    let packing = if stream.gzip { ", gzip" } else { "" };
    let pair = if header_path == data_path { "" } else { ", pair" };
    let order = if header.big_endian { "big-endian" } else { "little-endian" };
    description.row("stored as", format!("{}, {order}{packing}{pair}", header.kind.name()));
    if !header.scaling.is_identity() {
        description.row("scaling", format!("{} x + {}", header.scaling.slope, header.scaling.intercept));
    }
    description.row("placed by", header.placed_by);
    description.free_text("description", &header.description);
    drop(stream);
    // All voxels are read: a damaged file should say so here and not in the middle of a run.
    let loaded = super::read(path, Units::Relative)?;
    grid_rows(&mut description, &loaded.volume.grid);
    let (low, high) = loaded.volume.range();
    description.row("values", format!("{low} to {high}"));
    description.warnings = loaded.warnings.into_iter().filter(|warning| warning.code != "units_doubtful").collect();
    Ok(description)
}
