//! Description of DICOM files and folders for `recon info`. Nothing that identifies a patient is shown.

use super::file::is_dicom;
use super::header::Image;
use super::series::{self, Series};
use super::stack;
use super::without_pixels;
use super::words;
use crate::data::Warning;
use crate::error::{Error, Result};
use crate::formats::describe::{Candidate, Description, grid_rows, tidy};
use crate::formats::{Reading, stored};
use crate::progress;
use std::path::Path;

/// Whether a file is DICOM, or a folder holds such a file.
pub(super) fn claims(candidate: &Candidate) -> bool {
    if candidate.is_folder {
        return series::holds_dicom(candidate.path);
    }
    candidate.ends_with(&[".dcm"]) || is_dicom(&candidate.head)
}

pub(super) fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    if candidate.is_folder {
        return folder(candidate.path).transpose();
    }
    let named = candidate.name.to_ascii_lowercase().ends_with(".dcm");
    (named || is_dicom(&candidate.head)).then(|| file(candidate.path))
}

fn file(path: &Path) -> Result<Description> {
    let found = series::find(path)?;
    if let Some((path, problem)) = found.damaged.into_iter().next() {
        return Err(Error::input(path, problem));
    }
    let [series] = &found.series[..] else {
        let Some(what) = without_pixels::what(path)? else {
            return Err(
                Error::input(path, "not a DICOM file").hint("a preamble of 128 bytes and the mark DICM are expected")
            );
        };
        let mut description = Description::new("DICOM file without pixels");
        description.row("what it is", what);
        return Ok(description);
    };
    let mut description = Description::new("DICOM image");
    image_rows(&mut description, &series.images[0]);
    place_rows(&mut description, path, series);
    Ok(description)
}

/// `None` for a folder without any DICOM image.
fn folder(path: &Path) -> Result<Option<Description>> {
    let found = series::find(path)?;
    if found.series.is_empty() && found.damaged.is_empty() {
        return Ok(None);
    }
    let mut description = Description::new("DICOM folder");
    description.row("series", found.series.len().to_string());
    for (name, one) in series::names(&found.series).iter().zip(&found.series) {
        description.row(format!("series {name}"), one.line());
        description.free_text("UID", one.name());
        description.free_text("description", &one.images[0].description);
    }
    if found.others > 0 {
        description.row("other files", found.others.to_string());
    }
    for (file, problem) in &found.damaged {
        description.warnings.push(Warning::new("dicom_damaged", format!("{}: {problem}", progress::place(file))));
    }
    if let [series] = &found.series[..] {
        image_rows(&mut description, &series.images[0]);
        place_rows(&mut description, path, series);
    }
    Ok(Some(description))
}

fn image_rows(description: &mut Description, image: &Image) {
    description.row("modality", words::modality(&image.modality));
    description.row("image type", words::image_type(&image.image_type));
    description.row("transfer syntax", image.syntax.clone());
    if let Ok(layout) = &image.layout {
        let sign = if layout.signed { "signed" } else { "unsigned" };
        description.row(
            "pixels",
            format!(
                "{} x {}, {} of {} bits, {sign}",
                layout.rows, layout.columns, layout.bits_stored, layout.bits_allocated
            ),
        );
    }
    if let Some(tilt) = image.tilt().filter(|tilt| *tilt != 0.0) {
        description.row("gantry tilt", format!("{} degrees", tidy(tilt)));
    }
}

/// Adds the rows of the grid if the series can be read as a volume, otherwise a warning with the reason.
fn place_rows(description: &mut Description, path: &Path, series: &Series) {
    let mut volume = series.clone();
    if !volume.is_localizer() {
        volume.images.retain(|image| !image.is_localizer());
    }
    let reading = Reading { units: stack::natural(&volume), ..Reading::default() };
    let grid = stack::stack(path, &volume, &reading).and_then(|stack| {
        description.warnings.extend(stack.warnings.clone());
        let (grid, sheared) = stored::grid(path, &stack.even_affine(), &reading)?;
        description.warnings.extend(sheared);
        Ok(grid)
    });
    match grid {
        Ok(grid) => grid_rows(description, &grid),
        Err(error) => description.warnings.push(Warning::new("dicom_not_a_volume", error)),
    }
}
