//! Readers of measured projections: HDF5 in the tomopy/DXchange and NeXus layouts, TIFF stacks, NumPy arrays, MATLAB
//! sinograms, MetaImage stacks, raw numbers, and the scans of Nikon, SkyScan, GE and Zeiss with their headers.
//!
//! All give the same [`Frames`]: values as the detector or an earlier program wrote them, and the geometry from a
//! scanner's header. The caller decides what the values mean (counts, transmission, line integrals).

pub mod astra;
pub mod hdf5;
mod ini;
pub mod mat;
mod mat5;
pub mod metaimage;
mod names;
pub mod nexus;
pub mod nikon;
pub mod npy;
pub mod phoenix;
pub mod raw;
pub mod skyscan;
mod table;
pub mod tiff;
pub mod zeiss;

use super::{Candidate, Description, Format};
use crate::data::Warnings;
use crate::error::{Error, Result};
use ndarray::{Array3, ArrayD, Axis, Ix3, s};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// The entries in the list of formats.
pub(super) const HDF5: Format =
    Format { name: "HDF5", looks_like: ".h5", describe: |candidate: &Candidate| hdf5::describe(candidate) };
pub(super) const TIFF: Format =
    Format { name: "TIFF stack", looks_like: ".tif", describe: |candidate: &Candidate| tiff::describe(candidate) };
pub(super) const MAT: Format =
    Format { name: "MATLAB file", looks_like: ".mat", describe: |candidate: &Candidate| mat::describe(candidate) };

/// Contents of the files of one measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Frames {
    /// One value per pixel `[view, row, column]`, in the unit of the file. A 2-D sinogram has one row.
    pub data: Array3<f32>,
    /// Exposures without the object `[frame, row, column]`.
    pub flats: Option<Array3<f32>>,
    /// Exposures without the beam `[frame, row, column]`.
    pub darks: Option<Array3<f32>>,
    /// Angle of each view, in the unit of the file.
    pub angles: Option<Vec<f64>>,
    /// Number of rows of the whole detector; `data` may hold only a part of them.
    pub height: usize,
    /// Geometry of the scan from the scanner's header, where there is one.
    pub header: Option<ScanHeader>,
    /// Warnings about how ambiguous files were interpreted.
    pub warnings: Warnings,
}

impl Frames {
    /// Reverses the columns of every image, for scanners whose images are seen from behind the detector.
    pub fn turn_columns(&mut self) {
        for images in std::iter::once(&mut self.data).chain(&mut self.flats).chain(&mut self.darks) {
            images.invert_axis(Axis(2));
            *images = images.as_standard_layout().into_owned();
        }
    }

    /// Reverses the rows of every image: the first one becomes the last.
    pub fn turn_rows(&mut self) {
        for images in std::iter::once(&mut self.data).chain(&mut self.flats).chain(&mut self.darks) {
            images.invert_axis(Axis(1));
            *images = images.as_standard_layout().into_owned();
        }
    }

    /// Makes frames of parts that fit together.
    ///
    /// # Errors
    /// No data, flats or darks of another size than the data, another number of angles than views, angles that are not
    /// finite.
    pub fn new(
        place: &Path,
        data: Array3<f32>,
        flats: Option<Array3<f32>>,
        darks: Option<Array3<f32>>,
        angles: Option<Vec<f64>>,
    ) -> Result<Self> {
        let height = data.shape()[1];
        let frames = Self { data, flats, darks, angles, height, header: None, warnings: Warnings::new() };
        frames.check().map_err(|problem| Error::input(place, problem))?;
        Ok(frames)
    }

    /// Checks that the parts fit together.
    fn check(&self) -> std::result::Result<(), String> {
        if self.data.is_empty() {
            return Err(format!("expected projections [views, rows, columns], got shape {:?}", self.data.shape()));
        }
        let pixels = &self.data.shape()[1..];
        for (name, part) in [("flats", &self.flats), ("darks", &self.darks)] {
            if let Some(part) = part.as_ref().filter(|part| part.is_empty() || &part.shape()[1..] != pixels) {
                return Err(format!("expected {name} of {pixels:?} pixels as the data, got shape {:?}", part.shape()));
            }
        }
        let views = self.data.shape()[0];
        if let Some(angles) = self.angles.as_ref().filter(|angles| angles.len() != views) {
            return Err(format!("expected one angle per view ({views}), got {}", angles.len()));
        }
        if self.angles.iter().flatten().any(|angle| !angle.is_finite()) {
            return Err("expected finite angles".to_string());
        }
        Ok(())
    }

    /// The same frames, of a detector with `height` rows.
    fn of(self, height: usize) -> Self {
        Self { height, ..self }
    }
}

/// Type of beam, as a scanner's header gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderBeam {
    /// Parallel rays.
    Parallel,
    /// Rays from one point.
    Cone,
}

/// Scan geometry from a scanner's header; what it leaves out must be given in the pipeline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanHeader {
    /// Type of beam.
    pub beam: Option<HeaderBeam>,
    /// Distance from the source to the axis of rotation, mm.
    pub source_to_axis_mm: Option<f64>,
    /// Distance from the source to the detector, mm.
    pub source_to_detector_mm: Option<f64>,
    /// Pitch of the pixels of the stored images `[v, u]`, mm.
    pub pitch_mm: Option<[f64; 2]>,
    /// Shift of the detector's centre from the central ray `[v, u]`, mm.
    pub offset_mm: [f64; 2],
    /// Rotation of the detector in its own plane, degrees from u to v.
    pub rotation_deg: f64,
    /// Column of the stored images onto which the axis of rotation is projected.
    pub center_column: Option<f64>,
    /// Value of the open beam (air), counts.
    pub open_beam: Option<f64>,
}

/// Converts an array of two (one row) or three dimensions to `[view, row, column]` and keeps only `rows`; also returns
/// the number of rows that it had.
fn stacked(place: &Path, what: &str, array: ArrayD<f32>, rows: Option<&Range<usize>>) -> Result<(Array3<f32>, usize)> {
    let shape = array.shape().to_vec();
    let array = if array.ndim() == 2 { array.insert_axis(Axis(1)) } else { array };
    let array = array.into_dimensionality::<Ix3>().map_err(|_| {
        Error::input(
            place,
            format!("expected {what} as [views, columns] or [views, rows, columns], got shape {shape:?}"),
        )
    })?;
    let height = array.shape()[1];
    let rows = within(place, rows, height)?;
    Ok((array.slice(s![.., rows, ..]).as_standard_layout().into_owned(), height))
}

/// The requested rows, after checking that the detector has them; all rows without a request.
fn within(place: &Path, rows: Option<&Range<usize>>, height: usize) -> Result<Range<usize>> {
    let rows = rows.cloned().unwrap_or(0..height);
    if rows.start >= rows.end || rows.end > height {
        let problem = format!("expected rows [first, end] within 0 and {height}, got [{}, {}]", rows.start, rows.end);
        return Err(Error::input(place, problem).hint("see acquire.rows"));
    }
    Ok(rows)
}

/// Runs a decoder of untrusted files; a panic of the decoder becomes an error.
fn guarded<T>(place: &Path, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err(Error::input(place, "damaged: the decoder failed")))
}

/// Refuses an array whose declared size is out of proportion to its file: no compression in use reaches 1100 to 1.
fn plausible(place: &Path, elements: u64, bytes_each: u64, file: u64) -> Result<()> {
    let declared = elements.checked_mul(bytes_each);
    if declared.is_some_and(|bytes| bytes / 1100 <= file + 4096) {
        return Ok(());
    }
    Err(Error::input(place, format!("damaged: it declares {elements} values in a file of {file} bytes")))
}

fn row_of_shape(description: &mut Description, name: &str, shape: &[usize], kind: &str) {
    let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let shape = if shape.is_empty() { "one value".to_string() } else { shape.join(" x ") };
    description.row(name, format!("{shape}, {kind}"));
}
