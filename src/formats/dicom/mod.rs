//! DICOM series ↔ volumes: CT in Hounsfield units, one file per slice or enhanced multi-frame.
//!
//! `prescan` walks over a file before `dicom-object` reads any of it, and `dicom-object` gets only the needed elements;
//! compressed pixels are compared with the image before `dicom-pixeldata` decodes them. Slices are ordered by their
//! positions along their normal; uneven distances and tilted stacks are resampled. Each slice is rescaled by its own
//! slope and intercept; windows are never applied; padding and values below −1024 stay as they are (`clip_hu` limits
//! them).

mod codestream;
mod dataset;
mod doubts;
mod even;
mod file;
mod header;
mod info;
mod jpeg_ls;
mod labels;
mod pixels;
mod prescan;
mod series;
mod source;
mod stack;
mod syntax;
mod uid;
mod without_pixels;
mod words;
mod write;

pub use labels::{Identity, Labels};
pub use source::SourceSeries;
pub use write::{Written, write_series};

use super::{Loaded, Reading, VolumeFormat, stored};
use crate::data::{Grid, Warnings};
use crate::error::{Error, Result};
use crate::memory;
use file::DicomFile;
use header::Image;
use rayon::prelude::*;
use series::Series;
use stack::Stack;
use std::path::Path;

/// The entry in the list of formats.
pub(super) const FORMAT: VolumeFormat = VolumeFormat {
    name: "DICOM",
    key: "dicom",
    endings: &[],
    looks_like: "a folder of slices, or one file",
    claims: info::claims,
    describe: info::describe,
    read: read_with,
    read_grid,
    parts: |path| vec![path.to_path_buf()],
    write: None,
};

/// Reads one CT series as a Hounsfield volume `[z, y, x]` in canonical order (axes closest to +z, +y, +x of LPS,
/// obliqueness kept). `path` is a folder (with its subfolders) or one file; `series` its Series Number, UID or Series
/// Description, needed when there are several.
///
/// # Errors
/// [`Error::Input`] when there is no image, not exactly one series (all are listed), a damaged file, a modality other
/// than CT, a missing or repeated slice, mixed shapes or orientations, or pixels that cannot be decoded. No message
/// holds anything that identifies a patient, unless a path does.
pub fn read_series(path: &Path, series: Option<&str>) -> Result<Loaded> {
    read_with(path, &Reading { series: series.map(str::to_string), ..Reading::default() })
}

/// Like [`read_series`], with all options for reading. Series of other modalities are read if relative values are
/// requested.
///
/// # Errors
/// As [`read_series`].
pub fn read_with(path: &Path, reading: &Reading) -> Result<Loaded> {
    let (series, mut warnings) = series::choose(path, reading.series.as_deref())?;
    let stack = stack::stack(path, &series, reading)?;
    let values = load(path, &series, &stack)?;
    warnings.extend(stack.warnings.clone());
    memory::admit(path, stack.even_affine().shape.iter().product::<usize>() as u64)?;
    let (values, affine) = stack.even(values);
    let loaded = stored::finished(path, values, &affine, reading, warnings)?;
    // DICOM files state the unit of their values, so their range is no reason for a doubt.
    let warnings = loaded.warnings.into_iter().filter(|warning| warning.code != "units_doubtful").collect();
    Ok(Loaded { warnings, ..loaded })
}

/// The grid of the only series; no pixels are read.
fn read_grid(path: &Path) -> Result<(Grid, Warnings)> {
    let (series, mut warnings) = series::choose(path, None)?;
    let stack = stack::stack(path, &series, &Reading::default())?;
    warnings.extend(stack.warnings.clone());
    let (grid, sheared) = stored::grid(path, &stack.even_affine(), &Reading::default())?;
    Ok((grid, warnings.into_iter().chain(sheared).collect()))
}

/// Reads the values of all slices, `[slice, row, column]`.
fn load(path: &Path, series: &Series, stack: &Stack) -> Result<Vec<f32>> {
    let pixels = stack.layout.pixels();
    let mut values = zeros(path, pixels * stack.slices.len())?;
    let open = |image: &Image| DicomFile::open(&image.path, |_| false);
    // Files of several frames are opened once, others when their slice is read.
    let several = |image: &Image| image.layout.as_ref().is_ok_and(|layout| layout.frames > 1);
    let shared = series.images.iter().map(|image| several(image).then(|| open(image)).transpose());
    let shared = shared.collect::<Result<Vec<Option<DicomFile>>>>()?;
    values.par_chunks_mut(pixels).zip(&stack.slices).try_for_each(|(out, slice)| {
        let image = &series.images[slice.image];
        let fail = |problem: String| Error::input(&image.path, problem);
        let layout = image.layout.clone().map_err(fail)?;
        let mut decode = |file: &DicomFile| pixels::decode(file, layout, slice.index, &slice.frame, out).map_err(fail);
        match &shared[slice.image] {
            Some(file) => decode(file),
            None => decode(&open(image)?),
        }
    })?;
    Ok(values)
}

/// Memory for the voxels of a series, or the error that there is not enough.
fn zeros(path: &Path, voxels: usize) -> Result<Vec<f32>> {
    memory::admit(path, voxels as u64)?;
    let mut values = Vec::new();
    let memory = |_| {
        Error::resource(path.display().to_string(), format!("not enough memory for its {} bytes of voxels", 4 * voxels))
    };
    values.try_reserve_exact(voxels).map_err(memory)?;
    values.resize(voxels, 0.0);
    Ok(values)
}
