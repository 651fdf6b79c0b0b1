//! Finds the series among the files of a folder, and chooses the one to read.

use super::file::is_dicom;
use super::header::Image;
use super::without_pixels;
use super::words;
use crate::data::{Warning, Warnings};
use crate::error::{Error, Result};
use crate::input_path;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Largest number of files in a folder, subfolders included.
const MAX_FILES: usize = 200_000;
/// Deepest level of subfolders that is searched.
const MAX_DEPTH: usize = 16;
/// Largest number of series that an error lists.
const SHOWN: usize = 30;

/// The images of one Series Instance UID.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) uid: String,
    pub(super) images: Vec<Image>,
}

impl Series {
    /// Number of frames of all files together.
    pub(super) fn slices(&self) -> usize {
        self.images.iter().map(|image| image.layout.as_ref().map_or(1, |layout| layout.frames)).sum()
    }

    /// Whether it holds scout views only.
    pub(super) fn is_localizer(&self) -> bool {
        self.images.iter().all(Image::is_localizer)
    }

    /// Description in one line, without anything that identifies a patient.
    pub(super) fn line(&self) -> String {
        let first = &self.images[0];
        let localizer = if self.is_localizer() { ", localizer" } else { "" };
        let shape =
            first.layout.as_ref().map_or(String::new(), |layout| format!("{} x {}, ", layout.rows, layout.columns));
        let modality = words::modality(&first.modality);
        format!("{modality}, {shape}{} slice(s) in {} file(s){localizer}", self.slices(), self.images.len())
    }

    /// Its UID, or `(without UID)`.
    pub(super) fn name(&self) -> &str {
        if self.uid.is_empty() { "(without UID)" } else { &self.uid }
    }

    /// Its Series Number, if it has one.
    fn number(&self) -> Option<i64> {
        self.images[0].number
    }

    /// Whether `wanted` is its UID, its Series Number or its Series Description.
    fn is(&self, wanted: &str) -> bool {
        let described = || self.images.iter().any(|image| image.description == wanted);
        self.uid == wanted || self.number().is_some_and(|number| number.to_string() == wanted) || described()
    }
}

/// The name by which a user chooses each series: its number if all have different ones, else its UID.
pub(super) fn names(series: &[Series]) -> Vec<String> {
    let numbers: BTreeSet<i64> = series.iter().filter_map(Series::number).collect();
    let numbered = numbers.len() == series.len();
    let name = |one: &Series| match one.number() {
        Some(number) if numbered => number.to_string(),
        _ => one.name().to_string(),
    };
    series.iter().map(name).collect()
}

/// Series and other files at a path.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Series, in the order of their UIDs.
    pub(super) series: Vec<Series>,
    /// Files that are not DICOM images.
    pub(super) others: usize,
    /// Damaged images.
    pub(super) damaged: Vec<Damaged>,
}

/// A damaged file: its path, and what is wrong with it.
pub(super) type Damaged = (PathBuf, String);

/// Reads the headers of all images at `path`, a file or a folder with its subfolders.
///
/// # Errors
/// [`Error::Input`] when the path cannot be read or holds too many files.
pub(super) fn find(path: &Path) -> Result<Found> {
    let files = files(path)?;
    let read: Vec<Result<Option<Image>>> = files.par_iter().map(|file| Image::read(file)).collect();
    let mut by_uid: BTreeMap<String, Vec<Image>> = BTreeMap::new();
    let mut found = Found { series: Vec::new(), others: 0, damaged: Vec::new() };
    for (file, image) in files.into_iter().zip(read) {
        match image {
            Ok(Some(image)) => by_uid.entry(image.series.clone()).or_default().push(image),
            Ok(None) => found.others += 1,
            Err(Error::Input { problem, .. }) => found.damaged.push((file, problem)),
            Err(other) => return Err(other),
        }
    }
    found.series = by_uid.into_iter().map(|(uid, images)| Series { uid, images }).collect();
    Ok(found)
}

/// Whether a folder, or one below it, holds a file that begins like a DICOM file.
pub(super) fn holds_dicom(folder: &Path) -> bool {
    use std::io::Read;
    let begins = |file: &PathBuf| {
        let mut head = [0; 132];
        let read = input_path::open(file).and_then(|mut file| file.read_exact(&mut head));
        read.is_ok() && is_dicom(&head)
    };
    files(folder).is_ok_and(|files| files.iter().any(begins))
}

/// Chooses the series to read: the named one, or the only one that is not a localizer. Scout views within it are left
/// out.
///
/// # Errors
/// [`Error::Input`] when there is no image, a damaged one, or not exactly one series; the message lists all.
pub(super) fn choose(path: &Path, wanted: Option<&str>) -> Result<(Series, Warnings)> {
    let found = find(path)?;
    if let Some((file, problem)) = found.damaged.first() {
        let more = found.damaged.len() - 1;
        let others = if more == 0 { String::new() } else { format!(" (and {more} more damaged files)") };
        return Err(Error::input(file, format!("{problem}{others}"))
            .hint("copy the series again, or remove what does not belong to it"));
    }
    if found.series.is_empty() {
        return Err(Error::input(path, without_image(path, found.others)?).hint(without_pixels::HINT));
    }
    let mut warnings = Warnings::new();
    let candidates: Vec<&Series> = match wanted {
        Some(name) => found.series.iter().filter(|series| series.is(name)).collect(),
        None if found.series.len() == 1 => found.series.iter().collect(),
        None => found.series.iter().filter(|series| !series.is_localizer()).collect(),
    };
    let [series] = candidates[..] else {
        let problem = match wanted {
            Some(name) if candidates.is_empty() => format!("no series {name}; there are {}", list(&found.series)),
            Some(name) => format!("{} series are called {name}; there are {}", candidates.len(), list(&found.series)),
            None => format!("expected one series, found {}", list(&found.series)),
        };
        return Err(Error::input(path, problem)
            .hint("name one of them by its number, its UID or its description: `series: \"4\"` (see `recon info`)"));
    };
    let mut series = series.clone();
    if !series.is_localizer() {
        let before = series.images.len();
        series.images.retain(|image| !image.is_localizer());
        let scouts: usize = before - series.images.len()
            + found.series.iter().filter(|s| s.is_localizer()).map(|s| s.images.len()).sum::<usize>();
        if scouts > 0 && wanted.is_none() {
            warnings.push(Warning::new(
                "dicom_localizer",
                format!("{scouts} localizer images (scout views) were left out"),
            ));
        }
    }
    Ok((series, warnings))
}

/// The error message for a path without any DICOM image.
fn without_image(path: &Path, others: usize) -> Result<String> {
    if !path.is_dir() {
        return Ok(
            without_pixels::what(path)?.map_or("not a DICOM image".into(), |what| format!("no image: it is {what}"))
        );
    }
    let mut among = None;
    for file in files(path)? {
        among = without_pixels::what(&file)?;
        if among.is_some() {
            break;
        }
    }
    let among = among.map_or(String::new(), |what| format!(", among them {what}"));
    Ok(format!("no DICOM image in this folder ({others} other files{among})"))
}

fn list(series: &[Series]) -> String {
    let named = names(series).into_iter().zip(series);
    let lines: Vec<String> = named.take(SHOWN).map(|(name, s)| format!("\n  {name}: {}", s.line())).collect();
    let more = if series.len() > SHOWN { format!("\n  and {} more", series.len() - SHOWN) } else { String::new() };
    format!("{}:{}{more}", series.len(), lines.concat())
}

/// All files at `path`, in order of their names. Links to folders are not followed.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let fail = |error: std::io::Error| Error::read(path, &error);
    if !std::fs::metadata(path).map_err(fail)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    let mut folders = vec![(path.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| Error::read(&folder, &error))? {
            let entry = entry.map_err(|error| Error::read(&folder, &error))?;
            let kind = entry.file_type().map_err(|error| Error::read(&entry.path(), &error))?;
            if kind.is_dir() && depth < MAX_DEPTH {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() || (kind.is_symlink() && entry.path().is_file()) {
                files.push(entry.path());
            }
            if files.len() > MAX_FILES || folders.len() > MAX_FILES {
                let problem = format!("more than {MAX_FILES} files");
                return Err(Error::input(path, problem).hint("give the folder of one series"));
            }
        }
    }
    files.sort();
    Ok(files)
}
