//! MATLAB sinograms: level 5 files (`-v6`, `-v7`) and v7.3 files (which are HDF5), as those of the Helsinki Tomography
//! Challenge 2022: a struct with `sinogram` `[views, columns]` and, below `parameters`, `angles` in degrees.

use super::hdf5::{self, Open};
use super::{Frames, guarded, mat5, row_of_shape, stacked};
use crate::error::{Error, Result};
use crate::formats::{Candidate, Description};
use crate::input_path;
use ndarray::ArrayD;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// Names of the arrays, such as `CtDataLimited.sinogram`; the last part of a name is enough. Without a name, the only
/// array called `sinogram` (or `angles`, which may be missing) is used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// The sinogram `[views, columns]` or `[views, rows, columns]`.
    pub sinogram: Option<&'a str>,
    /// Angle of each view.
    pub angles: Option<&'a str>,
}

/// Reads a sinogram and its angles; only `rows` of the detector.
///
/// # Errors
/// [`Error::Input`] when the file is missing or damaged, an array is missing or there are several, or they do not fit.
pub fn read(path: &Path, names: &Names, rows: Option<&Range<usize>>) -> Result<Frames> {
    guarded(path, || {
        let file = Arrays::open(path)?;
        let sinogram = file.get(names.sinogram, "sinogram")?;
        let sinogram = sinogram.ok_or_else(|| {
            Error::input(path, "no array called sinogram")
                .hint(format!("name one of {} in `sinogram`", file.names().join(", ")))
        })?;
        let angles = file.get(names.angles, "angles")?.map(|array| array.iter().copied().collect());
        let values = sinogram.mapv(|v| v as f32);
        let (data, height) = stacked(path, "a sinogram", values, rows)?;
        Ok(Frames::new(path, data, None, None, angles)?.of(height))
    })
}

/// The arrays of a file of either kind.
pub(super) enum Arrays<'a> {
    Level5(&'a Path, mat5::Contents),
    Hdf5(&'a Path, Open<'a>, Vec<String>),
}

impl<'a> Arrays<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self> {
        let mut head = Vec::new();
        let read = input_path::open(path).and_then(|file| file.take(512).read_to_end(&mut head));
        read.map_err(|error| Error::read(path, &error))?;
        if mat5::claims(&head) {
            return Ok(Self::Level5(path, mat5::contents(path)?));
        }
        if !head.starts_with(b"MATLAB") && !head.starts_with(hdf5::MAGIC) {
            return Err(Error::input(path, "not a MATLAB file, or one older than version 5")
                .hint("save it with `save -v7` or `-v7.3`"));
        }
        let open = Open::new(path)?;
        let names =
            open.listed()?.into_iter().filter(|(_, _, kind)| kind != "text" && kind != "other").map(|(name, ..)| name);
        let names = names.map(|name| name.trim_start_matches('/').replace('/', ".")).collect();
        Ok(Self::Hdf5(path, open, names))
    }

    /// Names of all arrays of numbers.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Level5(_, held) => held.arrays.iter().map(|(name, _)| name.clone()).collect(),
            Self::Hdf5(_, _, names) => names.clone(),
        }
    }

    /// The array whose name is, or ends in, `asked`; without `asked`, the one called `usual`, if it exists.
    pub(super) fn get(&self, asked: Option<&str>, usual: &str) -> Result<Option<ArrayD<f64>>> {
        let (Self::Level5(path, _) | Self::Hdf5(path, ..)) = self;
        let wanted = asked.unwrap_or(usual);
        let names = self.names();
        let fits =
            |name: &&String| **name == wanted || name.strip_suffix(wanted).is_some_and(|before| before.ends_with('.'));
        let found: Vec<&String> = names.iter().filter(fits).collect();
        match (found[..].first(), found.len()) {
            (None, _) if asked.is_none() => Ok(None),
            (None, _) => {
                Err(Error::input(path, format!("no array called {wanted}"))
                    .hint(format!("it holds {}", names.join(", "))))
            }
            (Some(name), 1) => self.array(name).map(Some),
            _ => Err(Error::input(path, format!("several arrays are called {wanted}: {found:?}"))
                .hint("write the name in full")),
        }
    }

    /// The text of this name, if there is one.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>> {
        match self {
            Self::Level5(_, held) => Ok(held.texts.iter().find(|(own, _)| own == name).map(|(_, text)| text.clone())),
            // In HDF5 a text is an array of UTF-16 codes.
            Self::Hdf5(_, _, names) if !names.iter().any(|own| own == name) => Ok(None),
            Self::Hdf5(..) => {
                let codes = self.array(name)?;
                Ok(Some(codes.iter().filter_map(|code| char::from_u32(*code as u32)).collect()))
            }
        }
    }

    fn array(&self, name: &str) -> Result<ArrayD<f64>> {
        match self {
            Self::Level5(path, held) => {
                let found = held.arrays.iter().find(|(own, _)| own == name).map(|(_, array)| array.clone());
                found.ok_or_else(|| Error::input(path, format!("no array called {name}")))
            }
            // MATLAB's first index is fastest, so the dimensions are reversed in HDF5.
            Self::Hdf5(_, open, _) => Ok(open.array(&format!("/{}", name.replace('.', "/")))?.reversed_axes()),
        }
    }
}

pub(super) fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    let named = candidate.path.extension().is_some_and(|extension| extension == "mat");
    (!candidate.is_folder && (named || candidate.head.starts_with(b"MATLAB"))).then(|| {
        guarded(candidate.path, || {
            let mut description = Description::new("MATLAB file");
            match Arrays::open(candidate.path)? {
                Arrays::Level5(_, held) => {
                    for (name, array) in &held.arrays {
                        row_of_shape(&mut description, name, array.shape(), "numbers");
                    }
                }
                Arrays::Hdf5(_, open, _) => {
                    for (name, mut shape, kind) in open.listed()? {
                        shape.reverse();
                        row_of_shape(&mut description, &name.trim_start_matches('/').replace('/', "."), &shape, &kind);
                    }
                }
            }
            Ok(description)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_names_are_found_and_others_are_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mat");
        std::fs::write(&path, mat5::tests::sample()).unwrap();
        let frames = read(&path, &Names::default(), None).unwrap();
        assert_eq!((frames.data.shape(), frames.angles), (&[2, 1, 3][..], Some(vec![10.0, 20.0])));
        let problem =
            |sinogram| read(&path, &Names { sinogram: Some(sinogram), angles: None }, None).unwrap_err().to_string();
        assert!(problem("nothing").contains("it holds s.sinogram, s.angles"));
        assert!(read(&path, &Names { sinogram: Some("s.sinogram"), angles: Some("s.angles") }, None).is_ok());
        std::fs::write(&path, "something else").unwrap();
        assert_eq!(read(&path, &Names::default(), None).unwrap_err().exit_code(), 3);
    }
}
