//! Interprets the file names of a folder's images: which are views and which flats or darks, and the order of the
//! views.
//!
//! Scanners write the running number, the angle, the voltage and more into names. Views are sorted by the one number
//! that counts them; flats and darks among them are recognized by words in their names.

use crate::data::{Warning, Warnings};
use crate::error::{Error, Result};
use crate::progress;
use std::path::{Path, PathBuf};

/// Words in names that mark flats (exposures without the object) and darks (exposures without the beam).
const FLATS: &[&str] = &["flat", "flats", "white", "ref", "reference", "open", "bright"];
const DARKS: &[&str] = &["dark", "darks"];

/// The images of a folder, sorted by kind.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sorted {
    /// The views in their order.
    pub(super) views: Vec<PathBuf>,
    /// Exposures without the object.
    pub(super) flats: Vec<PathBuf>,
    /// Exposures without the beam.
    pub(super) darks: Vec<PathBuf>,
    /// Warnings about how ambiguous names were interpreted.
    pub(super) warnings: Warnings,
}

/// Sorts the images of a folder. If all names mark flats (or darks), all images are views: the folder itself was then
/// given as that of the flats (or darks).
///
/// # Errors
/// [`Error::Input`] for names with several numbers that vary, none of which counts the images.
pub(super) fn sort(folder: &Path, files: Vec<PathBuf>) -> Result<Sorted> {
    let mut sorted = Sorted::default();
    let mut opposite = Vec::new();
    for file in files {
        let name = name_of(&file);
        if has_word(&name, DARKS) {
            sorted.darks.push(file);
        } else if has_word(&name, FLATS) {
            sorted.flats.push(file);
        } else if name.contains("180deg") || name.contains("180_deg") {
            opposite.push(file);
        } else {
            sorted.views.push(file);
        }
    }
    let apart = [sorted.flats.len(), sorted.darks.len(), opposite.len()];
    if sorted.views.is_empty() {
        // No image is without such a word, so the words do not distinguish any.
        sorted.views = [std::mem::take(&mut sorted.flats), std::mem::take(&mut sorted.darks), opposite].concat();
    } else if apart != [0; 3] {
        sorted.warnings.push(set_apart(folder, apart, sorted.views.len()));
    }
    sorted.warnings.extend(order(folder, &mut sorted.views)?);
    Ok(sorted)
}

/// The warning for images that are no views by their names.
fn set_apart(folder: &Path, [flats, darks, opposite]: [usize; 3], views: usize) -> Warning {
    let message = format!(
        "{}: {flats} flats, {darks} darks and {opposite} frames at 180 degrees are recognised by their names; {views} \
         images are views",
        progress::place(folder)
    );
    Warning::new("frames_set_apart", message)
}

/// Sorts views by the number that counts them, with a warning if there was a choice of numbers.
fn order(folder: &Path, views: &mut [PathBuf]) -> Result<Option<Warning>> {
    let names: Vec<Name> = views.iter().map(|path| Name::of(path)).collect();
    let alike = names.iter().all(|name| name.numbers.len() == names[0].numbers.len());
    let fields = if alike { names.first().map_or(0, |name| name.numbers.len()) } else { 0 };
    let column = |field: usize| names.iter().map(|name| name.numbers[field]).collect::<Vec<u64>>();
    let varying: Vec<usize> =
        (0..fields).filter(|&field| column(field).iter().any(|n| *n != column(field)[0])).collect();
    if varying.len() < 2 {
        views.sort_by_cached_key(|path| Name::of(path));
        return Ok(None);
    }
    let Some(field) = varying.iter().copied().rev().find(|&field| counts(column(field))) else {
        let problem = format!("its names hold {} numbers that change and none that counts the images", varying.len());
        return Err(Error::input(folder, problem)
            .hint("rename the images so that one number runs from the first view to the last in equal steps"));
    };
    views.sort_by_cached_key(|path| Name::of(path).numbers[field]);
    let (first, last) = (name_of(&views[0]), name_of(&views[views.len() - 1]));
    let message = format!(
        "{}: the views are in the order of number {} of {fields} in their names, from {first} to {last}",
        progress::place(folder),
        field + 1
    );
    Ok(Some(Warning::new("order_of_views", message)))
}

/// Whether numbers are a count: all different, in equal steps.
fn counts(mut numbers: Vec<u64>) -> bool {
    numbers.sort_unstable();
    let step = numbers[1] - numbers[0];
    step > 0 && numbers.windows(2).all(|pair| pair[1] - pair[0] == step)
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn has_word(name: &str, words: &[&str]) -> bool {
    name.split(|c: char| !c.is_alphabetic()).any(|word| words.contains(&word))
}

/// A name split into texts and numbers, so that `view9` is sorted before `view10`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    pieces: Vec<(String, u64)>,
    /// Its whole numbers from left to right; the digits after a decimal point belong to the number before it.
    numbers: Vec<u64>,
}

impl Name {
    fn of(path: &Path) -> Self {
        let name = name_of(path);
        let (mut pieces, mut numbers, mut rest) = (Vec::new(), Vec::new(), name.as_str());
        while !rest.is_empty() {
            let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let digits = rest[text..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - text);
            let number = rest[text..text + digits].parse().unwrap_or(u64::MAX);
            let decimals = rest[..text] == *"." && !numbers.is_empty();
            if digits > 0 && !decimals {
                numbers.push(number);
            }
            pieces.push((rest[..text].to_string(), number));
            rest = &rest[text + digits..];
        }
        Self { pieces, numbers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str]) -> Result<Sorted> {
        sort(Path::new("scan"), names.iter().map(PathBuf::from).collect())
    }

    fn views(names: &[&str]) -> Vec<String> {
        sorted(names).unwrap().views.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn one_number_orders_as_people_read_it() {
        assert_eq!(views(&["v10.tif", "v9.tif", "v100.tif"]), ["v9.tif", "v10.tif", "v100.tif"]);
        assert_eq!(views(&["a_2024_b10.tif", "a_2024_b9.tif"]), ["a_2024_b9.tif", "a_2024_b10.tif"]);
        assert!(sorted(&["v1.tif", "v2.tif"]).unwrap().warnings.is_empty());
    }

    #[test]
    fn of_several_numbers_the_one_that_counts_orders_and_this_is_said() {
        let names =
            ["s_PH40_111.2460_001.tif", "s_PH40_222.4920_002.tif", "s_PH40_0.0000_000.tif", "s_PH40_333.7_003.tif"];
        let found = sorted(&names).unwrap();
        let order: Vec<&Path> = found.views.iter().map(PathBuf::as_path).collect();
        assert_eq!(order, [names[2], names[0], names[1], names[3]].map(Path::new));
        assert_eq!(found.warnings[0].code, "order_of_views");
    }

    #[test]
    fn names_in_which_nothing_counts_are_refused() {
        let error = sorted(&["a_3_10.tif", "a_5_20.tif", "a_9_50.tif"]).unwrap_err();
        assert_eq!((error.exit_code(), error.to_string().contains("none that counts")), (3, true));
    }

    #[test]
    fn flats_darks_and_the_frame_opposite_are_no_views_but_a_folder_of_flats_is_one_of_views() {
        let found = sorted(&["tomo_1.tif", "Flat_1.tif", "tomo_0.tif", "dark_1.tif", "tomo_180deg.tif", "t_ref_2.tif"])
            .unwrap();
        assert_eq!(found.views, ["tomo_0.tif", "tomo_1.tif"].map(PathBuf::from));
        assert_eq!((found.flats.len(), found.darks.len()), (2, 1));
        assert_eq!(found.warnings[0].code, "frames_set_apart");
        assert_eq!(views(&["flat_2.tif", "flat_1.tif"]), ["flat_1.tif", "flat_2.tif"]);
        assert_eq!(views(&["reflection_1.tif", "darkroom_2.tif"]).len(), 2, "words, not their parts");
    }
}
