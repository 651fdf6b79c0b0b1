//! DICOM series ↔ volumes: CT in Hounsfield units, one file per slice or enhanced multi-frame.
//!
//! A file is walked by our own `prescan` before `dicom-object` sees any of it, and it sees only wanted elements;
//! compressed pixels are compared with the image before `dicom-pixeldata` decodes them. Slices are ordered by their
//! positions along their normal and must form an even, right-angled stack. Each slice is rescaled by its own slope and
//! intercept; windows are never applied; padding and values below −1024 stay as they are (`clip_hu` is for them).

mod codestream;
mod dataset;
mod file;
mod header;
mod info;
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

pub(super) use info::FORMAT;
pub use labels::{Identity, Labels};
pub use source::SourceSeries;
pub use write::{Written, write_series};

use super::Loaded;
use super::orient::reorder;
use crate::data::{Quantity, Volume};
use crate::error::{Error, Result};
use crate::memory;
use file::DicomFile;
use rayon::prelude::*;
use series::Series;
use stack::Stack;
use std::path::Path;

/// Reads one CT series as a Hounsfield volume `[z, y, x]` in canonical order (axes closest to +z, +y, +x of LPS,
/// obliqueness kept). `path` is a folder (with its subfolders) or one file; `series` the Series Instance UID, needed
/// when there are several.
///
/// # Errors
/// [`Error::Input`] when there is no image, not exactly one series (all are listed), a damaged file, a modality other
/// than CT, a missing or repeated slice, mixed shapes or orientations, a tilted gantry, or pixels that cannot be
/// decoded. No message holds anything that identifies a patient, unless a path does.
pub fn read_series(path: &Path, series: Option<&str>) -> Result<Loaded> {
    let (series, mut warnings) = series::choose(path, series)?;
    let stack = stack::stack(path, &series)?;
    stack
        .affine
        .check()
        .map_err(|fault| Error::input(path, format!("its slices are no right-angled affine: {fault}")))?;
    let order = stack.affine.canonical_order();
    let grid = stack.affine.grid(order).map_err(|error| Error::input(path, error))?;
    let voxels = reorder(load(path, &series, &stack)?, stack.affine.shape, order);
    let volume = Volume::from_vec(grid, Quantity::Hounsfield, voxels).map_err(|error| Error::input(path, error))?;
    warnings.extend(stack.warnings);
    Ok(Loaded { volume, warnings })
}

/// The values of all slices, `[slice, row, column]`.
fn load(path: &Path, series: &Series, stack: &Stack) -> Result<Vec<f32>> {
    let pixels = stack.layout.pixels();
    let total = pixels * stack.slices.len();
    memory::admit(path, total as u64)?;
    let mut values = Vec::new();
    let memory = |_| {
        Error::resource(path.display().to_string(), format!("not enough memory for its {} bytes of voxels", 4 * total))
    };
    values.try_reserve_exact(total).map_err(memory)?;
    values.resize(total, 0.0);
    let open = |image: usize| DicomFile::open(&series.images[image].path, |_| false);
    // Files of many frames are opened once, others when their slice is due.
    let shared: Vec<Option<DicomFile>> = (0..series.images.len())
        .map(|image| {
            series.images[image].layout.as_ref().is_ok_and(|layout| layout.frames > 1).then(|| open(image)).transpose()
        })
        .collect::<Result<_>>()?;
    values.par_chunks_mut(pixels).zip(&stack.slices).try_for_each(|(out, slice)| {
        let image = &series.images[slice.image];
        let fail = |problem: String| Error::input(&image.path, problem);
        let layout = image.layout.clone().map_err(fail)?;
        let mut decode = |file: &DicomFile| pixels::decode(file, layout, slice.index, &slice.frame, out).map_err(fail);
        match &shared[slice.image] {
            Some(file) => decode(file),
            None => decode(&open(slice.image)?),
        }
    })?;
    Ok(values)
}
