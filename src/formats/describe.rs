//! Descriptions of files and folders, as `recon info` shows them.

use super::{FORMATS, orient};
use crate::data::{Grid, Warnings};
use crate::error::{Error, Result};
use crate::input_path;
use std::io::Read;
use std::path::Path;

/// Description of a file or folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Kind of the file, such as `NIfTI-1 volume`.
    pub kind: String,
    /// Labels and values, in the order to show. They contain no free text from the file.
    pub rows: Vec<(String, String)>,
    /// Labels and values of free texts and identifiers in the file. They may identify a patient and come from an
    /// untrusted source: escape them.
    pub texts: Vec<(String, String)>,
    /// Warnings for the user.
    pub warnings: Warnings,
}

impl Description {
    pub(super) fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), rows: Vec::new(), texts: Vec::new(), warnings: Warnings::new() }
    }

    pub(super) fn row(&mut self, label: impl Into<String>, value: impl Into<String>) {
        self.rows.push((label.into(), value.into()));
    }

    /// Adds a text from the file, unless it is empty.
    pub(super) fn free_text(&mut self, label: &str, value: &str) {
        if !value.trim().is_empty() {
            self.texts.push((label.to_string(), value.trim().to_string()));
        }
    }
}

/// A file or folder whose format is to be found: its path and first bytes.
#[derive(Debug)]
pub struct Candidate<'a> {
    pub(super) path: &'a Path,
    pub(super) name: String,
    pub(super) is_folder: bool,
    /// The first bytes of a file (at most 512), empty for a folder.
    pub(super) head: Vec<u8>,
}

/// Describes `path`: kind, shape, position, values; a folder of DICOM files lists all its series. Nothing that
/// identifies a patient is shown.
///
/// # Errors
/// [`Error::Input`] when the path is missing, is none of [`FORMATS`], or is one of them but damaged.
pub fn describe(path: &Path) -> Result<Description> {
    let candidate = Candidate::open(path)?;
    let found = FORMATS.iter().find_map(|format| (format.describe)(&candidate));
    found.unwrap_or_else(|| {
        let understood: Vec<String> =
            FORMATS.iter().map(|format| format!("{} ({})", format.name, format.looks_like)).collect();
        let what = if candidate.is_folder {
            "no file in this folder that this program understands"
        } else {
            "not a file this program understands"
        };
        Err(Error::input(path, what).hint(format!("understood are {}", understood.join(", "))))
    })
}

impl<'a> Candidate<'a> {
    /// Whether the candidate is a file whose name has one of these (lower-case) endings, in any case of letters.
    pub(super) fn ends_with(&self, endings: &[&str]) -> bool {
        let name = self.name.to_ascii_lowercase();
        !self.is_folder && endings.iter().any(|ending| name.ends_with(ending))
    }

    pub(super) fn open(path: &'a Path) -> Result<Self> {
        let fail = |error: std::io::Error| Error::read(path, &error);
        let is_folder = std::fs::metadata(path).map_err(fail)?.is_dir();
        let mut head = Vec::new();
        if !is_folder {
            input_path::open(path).map_err(fail)?.take(512).read_to_end(&mut head).map_err(fail)?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { path, name, is_folder, head })
    }
}

/// Adds the rows that every volume has: shape, spacing, extent, centre and axes.
pub(super) fn grid_rows(description: &mut Description, grid: &Grid) {
    let list = |values: &[f64]| values.iter().map(|&v| tidy(v)).collect::<Vec<_>>().join(" x ");
    let [nz, ny, nx] = grid.shape;
    description.row("shape [z, y, x]", format!("{nz} x {ny} x {nx}"));
    description.row("spacing [z, y, x]", format!("{} mm", list(&grid.spacing)));
    description.row("extent [z, y, x]", format!("{} mm", list(&grid.extent())));
    description.row("centre (x, y, z)", format!("({}) mm LPS", grid.center().map(tidy).join(", ")));
    let oblique = grid.axes.iter().flatten().any(|v| v.abs() > 1e-4 && v.abs() < 1.0 - 1e-4);
    description.row("axes [z, y, x]", format!("{}{}", orient::letters(grid), if oblique { ", oblique" } else { "" }));
}

/// Formats a number with at most four decimals, and without trailing zeros or negative zero.
pub(super) fn tidy(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}
