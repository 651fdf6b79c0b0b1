//! HDF5 files, as tomopy and DXchange lay them out: `/exchange/data` `[view, row, column]`, `data_white`, `data_dark`
//! `[frame, row, column]`, `theta` (degrees). De Carlo et al., J. Synchrotron Rad. 21 (2014) 1224.
//!
//! The crate that reads them has no C code and reads from the file on demand. It uses no memory map, so that a file
//! that shrinks causes an error instead of a crash.

use super::{Frames, guarded, plausible, row_of_shape, within};
use crate::error::{Error, Result};
use crate::formats::{Candidate, Description};
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Datatype, FileStorage, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};
use ndarray::{Array3, ArrayD, Axis, Ix3};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// First bytes of every HDF5 file; in a MATLAB v7.3 file they follow a MATLAB header of 512 bytes.
pub(super) const MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Largest chunk that is accepted, bytes.
const MAX_CHUNK: usize = 1 << 30;
/// Deepest nesting of groups that is searched.
const MAX_DEPTH: usize = 6;
/// Largest number of datasets that are listed.
const MAX_LISTED: usize = 10_000;

/// Paths of the datasets inside a file.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The projections.
    pub data: &'a str,
    /// Exposures without the object, if there are any.
    pub flats: Option<&'a str>,
    /// Exposures without the beam, if there are any.
    pub darks: Option<&'a str>,
    /// Angles, if there are any.
    pub angles: Option<&'a str>,
}

/// Reads projections, and flats, darks and angles where names are given; only `rows` of the detector.
///
/// # Errors
/// [`Error::Input`] when the file is missing or damaged, a dataset is not there or not numbers, or the parts do not
/// fit.
pub fn read(path: &Path, names: &Names, rows: Option<&Range<usize>>) -> Result<Frames> {
    guarded(path, || {
        let file = Open::new(path)?;
        let optional = |name: Option<&str>| name.map(|name| file.frames(name, rows)).transpose();
        let angles = names.angles.map(|name| file.list(name)).transpose()?;
        let frames =
            Frames::new(path, file.frames(names.data, rows)?, optional(names.flats)?, optional(names.darks)?, angles)?;
        Ok(frames.of(file.height(names.data)?))
    })
}

/// Whether the file has a dataset of this name.
///
/// # Errors
/// [`Error::Input`] when the file is missing or no HDF5 file.
pub fn has(path: &Path, name: &str) -> Result<bool> {
    guarded(path, || Ok(Open::new(path)?.has(name)))
}

/// An open file, with its path for messages.
pub(super) struct Open<'a> {
    path: &'a Path,
    bytes: u64,
    file: Hdf5File,
}

impl<'a> Open<'a> {
    pub(super) fn new(path: &'a Path) -> Result<Self> {
        let bytes = std::fs::metadata(path).map_err(|error| Error::read(path, &error))?.len();
        let storage = FileStorage::open(path).map_err(|error| Error::input(path, format!("cannot read: {error}")))?;
        let options = OpenOptions::default().with_max_chunk_bytes(MAX_CHUNK);
        let file = Hdf5File::from_storage_with_options(Arc::new(storage), options)
            .map_err(|error| Error::input(path, format!("not an HDF5 file, or a damaged one: {error}")))?;
        Ok(Self { path, bytes, file })
    }

    fn dataset(&self, name: &str) -> Result<Dataset> {
        let found = self.file.dataset(name);
        found.map_err(|error| {
            let listed: Vec<String> =
                self.listed().unwrap_or_default().into_iter().map(|(name, ..)| name).take(12).collect();
            Error::input(self.path, format!("no dataset {name}: {error}"))
                .hint(format!("it holds {}", listed.join(", ")))
        })
    }

    /// Whether there is a dataset of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.file.dataset(name).is_ok()
    }

    /// Number of rows of the images of a dataset; 1 for a sinogram.
    pub(super) fn height(&self, name: &str) -> Result<usize> {
        Ok(if let [_, height, _] = *self.dataset(name)?.shape() { height as usize } else { 1 })
    }

    /// The attribute `units` of a dataset, if it has one that is text.
    pub(super) fn unit(&self, name: &str) -> Option<String> {
        let unit = self.file.dataset(name).ok()?.attribute("units").ok()?.read_string().ok()?;
        Some(unit.trim_matches(['\0', ' ']).to_string())
    }

    /// Reads images `[image, row, column]`, only `rows` of them.
    pub(super) fn frames(&self, name: &str, rows: Option<&Range<usize>>) -> Result<Array3<f32>> {
        let dataset = self.dataset(name)?;
        let all = SliceInfoElem::Slice { start: 0, end: u64::MAX, step: 1 };
        let shape = dataset.shape().to_vec();
        let selections = match shape[..] {
            [_, _] => vec![all.clone(), all],
            [_, height, _] => {
                let rows = within(self.path, rows, height as usize)?;
                vec![all.clone(), SliceInfoElem::Slice { start: rows.start as u64, end: rows.end as u64, step: 1 }, all]
            }
            _ => {
                let problem =
                    format!("expected {name} as [views, columns] or [views, rows, columns], got shape {shape:?}");
                return Err(Error::input(self.path, problem));
            }
        };
        let values = self.numbers(&dataset, name, &SliceInfo { selections })?.mapv(|v| v as f32);
        let values = if values.ndim() == 2 { values.insert_axis(Axis(1)) } else { values };
        values.into_dimensionality::<Ix3>().map_err(|error| Error::input(self.path, error))
    }

    /// Reads all numbers of a dataset, in C order.
    pub(super) fn list(&self, name: &str) -> Result<Vec<f64>> {
        Ok(self.array(name)?.into_iter().collect())
    }

    /// Reads a whole dataset, its dimensions in the stored order.
    pub(super) fn array(&self, name: &str) -> Result<ArrayD<f64>> {
        let dataset = self.dataset(name)?;
        self.numbers(&dataset, name, &SliceInfo::all(dataset.ndim()))
    }

    fn numbers(&self, dataset: &Dataset, name: &str, part: &SliceInfo) -> Result<ArrayD<f64>> {
        let broken = |error: hdf5_reader::error::Error| Error::input(self.path, format!("{name} is damaged: {error}"));
        let elements = dataset.num_elements().map_err(broken)?;
        let size = dataset.raw_element_size().map_err(broken)?;
        plausible(self.path, elements, size as u64, self.bytes)?;
        macro_rules! decode {
            ($kind:ty) => {
                dataset.read_slice::<$kind>(part).map(|array| array.mapv(|v| v as f64)).map_err(broken)
            };
        }
        match dataset.dtype() {
            Datatype::FloatingPoint { size: 4, .. } => decode!(f32),
            Datatype::FloatingPoint { size: 8, .. } => decode!(f64),
            Datatype::FixedPoint { size: 1, signed: false, .. } => decode!(u8),
            Datatype::FixedPoint { size: 2, signed: false, .. } => decode!(u16),
            Datatype::FixedPoint { size: 4, signed: false, .. } => decode!(u32),
            Datatype::FixedPoint { size: 1, signed: true, .. } => decode!(i8),
            Datatype::FixedPoint { size: 2, signed: true, .. } => decode!(i16),
            Datatype::FixedPoint { size: 4, signed: true, .. } => decode!(i32),
            other => Err(Error::input(self.path, format!("expected numbers in {name}, got {other:?}"))),
        }
    }

    /// Path, shape and type of every dataset, sorted by path.
    pub(super) fn listed(&self) -> Result<Vec<(String, Vec<usize>, String)>> {
        let broken = |error: hdf5_reader::error::Error| Error::input(self.path, format!("damaged HDF5 file: {error}"));
        let mut found = Vec::new();
        let mut open: Vec<(String, Group)> = vec![(String::new(), self.file.root_group().map_err(broken)?)];
        while let Some((prefix, group)) = open.pop() {
            let (groups, datasets) = group.members().map_err(broken)?;
            let name = |own: &str| format!("{prefix}/{own}");
            found.extend(datasets.iter().map(|dataset| {
                let shape = dataset.shape().iter().map(|&n| n as usize).collect();
                (name(dataset.name()), shape, kind(dataset.dtype()))
            }));
            if prefix.matches('/').count() < MAX_DEPTH && found.len() < MAX_LISTED {
                open.extend(
                    groups
                        .into_iter()
                        .filter(|group| group.name() != "#refs#")
                        .map(|group| (name(group.name()), group)),
                );
            }
        }
        found.truncate(MAX_LISTED);
        found.sort();
        Ok(found)
    }
}

fn kind(kind: &Datatype) -> String {
    match kind {
        Datatype::FloatingPoint { size, .. } => format!("float{}", 8 * u32::from(*size)),
        Datatype::FixedPoint { size, signed, .. } => {
            format!("{}int{}", if *signed { "" } else { "u" }, 8 * u32::from(*size))
        }
        Datatype::String { .. } => "text".to_string(),
        _ => "other".to_string(),
    }
}

pub(super) fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    let named =
        ["h5", "hdf5", "hdf", "nxs"].iter().any(|end| candidate.path.extension().is_some_and(|own| own == *end));
    (!candidate.is_folder && (named || candidate.head.starts_with(MAGIC))).then(|| {
        guarded(candidate.path, || {
            let mut description = Description::new("HDF5 file");
            for (name, shape, kind) in Open::new(candidate.path)?.listed()? {
                row_of_shape(&mut description, &name, &shape, &kind);
            }
            Ok(description)
        })
    })
}
