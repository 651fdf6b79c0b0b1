//! TIFF stacks: a folder with one image per view in the order of the number that counts them (see `names`), or one file
//! with a page per view. Grey values of any width; a scanner's own tags are not read.

use super::names::{self, Sorted};
use super::{Frames, guarded, plausible, table, within};
use crate::data::Warning;
use crate::error::{Error, Result};
use crate::formats::{Candidate, Description};
use crate::input_path;
use ndarray::{Array3, ArrayView2, s};
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::{Path, PathBuf};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

/// Largest number of pages in a file.
const MAX_PAGES: usize = 1_000_000;
/// Largest image, bytes.
const MAX_IMAGE: usize = 1 << 31;

/// Files or folders of one measurement.
pub type Files<'a> = super::npy::Files<'a>;

/// Reads projections, and flats, darks and angles where files are given; only `rows` of the detector.
///
/// # Errors
/// [`Error::Input`] when a file is missing or damaged, images differ in size, or the parts do not fit.
pub fn read(files: &Files, rows: Option<&Range<usize>>) -> Result<Frames> {
    let angles = files.angles.map(table::numbers).transpose()?;
    let Sorted { views, flats, darks, mut warnings } = sorted(files.data)?;
    let Stacked { images: data, height, inverted } = stack(files.data, &views, rows)?;
    warnings.extend(inverted.then(|| white_is_zero(files.data)));
    // Files that the pipeline names take precedence over flats and darks among the views.
    let mut part = |named: Option<&Path>, among: Vec<PathBuf>| -> Result<Option<Array3<f32>>> {
        let images = match named {
            Some(path) => {
                let found = sorted(path)?;
                warnings.extend(found.warnings);
                found.views
            }
            None => among,
        };
        let place = named.unwrap_or(files.data);
        if images.is_empty() { Ok(None) } else { stack(place, &images, rows).map(|found| Some(found.images)) }
    };
    let (flats, darks) = (part(files.flats, flats)?, part(files.darks, darks)?);
    let frames = Frames::new(files.data, data, flats, darks, angles)?.of(height);
    Ok(Frames { warnings, ..frames })
}

/// The images at a path: those of a folder, sorted by their names, or the one file.
fn sorted(path: &Path) -> Result<Sorted> {
    if path.is_dir() {
        return names::sort(path, images(path)?);
    }
    Ok(Sorted { views: vec![path.to_path_buf()], ..Sorted::default() })
}

/// The warning for images that store white as 0.
fn white_is_zero(path: &Path) -> Warning {
    let message = format!(
        "{}: the images store white as 0 (tag PhotometricInterpretation), so that every value v was read as the \
         largest value of its type less v (floats: 1 - v); if the numbers are counts as they are, set the tag to 1",
        path.display()
    );
    Warning::new("white_is_zero", message)
}

/// Images that were read from files.
pub(super) struct Stacked {
    /// `[image, row, column]`.
    pub(super) images: Array3<f32>,
    /// Number of rows that the stored images have.
    pub(super) height: usize,
    /// Whether any image stores white as 0.
    inverted: bool,
}

impl Stacked {
    /// Frames without flats and darks, from images that a scanner's header describes.
    pub(super) fn frames(self, place: &Path, angles: Vec<f64>) -> Result<Frames> {
        let frames = Frames::new(place, self.images, None, None, Some(angles))?.of(self.height);
        let warnings = self.inverted.then(|| white_is_zero(place)).into_iter().collect();
        Ok(Frames { warnings, ..frames })
    }
}

/// The images of a folder whose names are `prefix`, a running number and the ending, in the order of the number.
///
/// # Errors
/// [`Error::Input`] for another number of images than `count`.
pub(super) fn numbered(folder: &Path, prefix: &str, count: usize) -> Result<Vec<PathBuf>> {
    let number = |path: &PathBuf| -> Option<u64> {
        let stem = path.file_stem()?.to_string_lossy().into_owned();
        stem.strip_prefix(prefix)?.trim_start_matches('_').parse().ok()
    };
    let mut files: Vec<PathBuf> = images(folder)?.into_iter().filter(|path| number(path).is_some()).collect();
    files.sort_by_key(number);
    if files.len() == count {
        return Ok(files);
    }
    let problem = format!("expected {count} images `{prefix}NUMBER.tif`, as the header says, got {}", files.len());
    Err(Error::input(folder, problem).hint("give the folder of the whole scan"))
}

/// Reads the images of files, only `rows` of them.
pub(super) fn stack(path: &Path, files: &[PathBuf], rows: Option<&Range<usize>>) -> Result<Stacked> {
    let mut pages: Vec<f32> = Vec::new();
    let mut shape: Option<[usize; 2]> = None;
    let (mut count, mut whole, mut inverted) = (0, 0, false);
    let mut keep = |file: &Path, page: ArrayView2<f32>| {
        whole = page.shape()[0];
        let page = page.slice_move(s![within(file, rows, whole)?, ..]);
        let own = [page.shape()[0], page.shape()[1]];
        let first = *shape.get_or_insert(own);
        if first != own {
            let problem = format!("expected images of one size, got {own:?} after {first:?} pixels");
            return Err(Error::input(file, problem));
        }
        pages.extend(page.iter());
        count += 1;
        Ok(())
    };
    for file in files {
        inverted |= guarded(file, || each_page(file, |page| keep(file, page)))?;
    }
    let [height, width] = shape.ok_or_else(|| Error::input(path, "no TIFF image in it"))?;
    let images = Array3::from_shape_vec((count, height, width), pages).map_err(|error| Error::input(path, error))?;
    Ok(Stacked { images, height: whole, inverted })
}

/// Passes every page to `keep`; returns whether any of them stores white as 0 (the decoder inverts those).
fn each_page(path: &Path, mut keep: impl FnMut(ArrayView2<f32>) -> Result<()>) -> Result<bool> {
    let broken = |error: TiffError| Error::input(path, format!("damaged TIFF file: {error}"));
    let file = input_path::open(path).map_err(|error| Error::read(path, &error))?;
    let bytes = file.metadata().map_err(|error| Error::read(path, &error))?.len();
    let mut decoder = decoder(file).map_err(broken)?;
    let mut inverted = false;
    for _ in 0..MAX_PAGES {
        let tag = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation).map_err(broken)?;
        inverted |= tag == Some(0);
        let (width, height) = decoder.dimensions().map_err(broken)?;
        let (ColorType::Gray(bits), true) = (decoder.colortype().map_err(broken)?, width > 0 && height > 0) else {
            return Err(Error::input(path, "expected a grey image"));
        };
        plausible(path, u64::from(width) * u64::from(height), u64::from(bits).div_ceil(8), bytes)?;
        let values = grey(decoder.read_image().map_err(broken)?);
        let page = ArrayView2::from_shape((height as usize, width as usize), &values);
        let problem = |_| Error::input(path, format!("expected {width} x {height} values, got {}", values.len()));
        keep(page.map_err(problem)?)?;
        if !decoder.more_images() {
            return Ok(inverted);
        }
        decoder.next_image().map_err(broken)?;
    }
    Err(Error::input(path, format!("expected at most {MAX_PAGES} pages")))
}

fn decoder(file: File) -> std::result::Result<Decoder<BufReader<File>>, TiffError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_IMAGE;
    Ok(Decoder::new(BufReader::new(file))?.with_limits(limits))
}

fn grey(image: DecodingResult) -> Vec<f32> {
    macro_rules! floats {
        ($values:expr) => {
            $values.into_iter().map(|v| v as f32).collect()
        };
    }
    match image {
        DecodingResult::U8(values) => floats!(values),
        DecodingResult::U16(values) => floats!(values),
        DecodingResult::U32(values) => floats!(values),
        DecodingResult::U64(values) => floats!(values),
        DecodingResult::I8(values) => floats!(values),
        DecodingResult::I16(values) => floats!(values),
        DecodingResult::I32(values) => floats!(values),
        DecodingResult::I64(values) => floats!(values),
        DecodingResult::F16(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::F32(values) => values,
        DecodingResult::F64(values) => floats!(values),
    }
}

fn is_tiff(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["tif", "tiff"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// The images of a folder, in no particular order.
fn images(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = listed.map_err(|error| Error::read(folder, &error))?;
    let files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(|path| is_tiff(path)).collect();
    if files.is_empty() {
        return Err(Error::input(folder, "no .tif or .tiff file in this folder"));
    }
    Ok(files)
}

/// Whether a file is a TIFF file, or a folder holds some.
pub(in crate::formats) fn claims(candidate: &Candidate) -> bool {
    let marks: [&[u8]; 3] = [b"II*\0", b"MM\0*", b"II+\0"];
    if candidate.is_folder {
        return images(candidate.path).is_ok();
    }
    is_tiff(candidate.path) || marks.iter().any(|mark| candidate.head.starts_with(mark))
}

pub(super) fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    let marked = candidate.head.starts_with(b"II*\0")
        || candidate.head.starts_with(b"MM\0*")
        || candidate.head.starts_with(b"II+\0");
    if candidate.is_folder {
        return images(candidate.path).ok().map(|files| folder(candidate.path, files));
    }
    (marked || is_tiff(candidate.path)).then(|| {
        let mut description = Description::new("TIFF images");
        let pages = describe_pages(candidate.path, &mut description)?;
        description.rows.insert(0, ("images".to_string(), pages.to_string()));
        Ok(description)
    })
}

/// Describes a folder by the names of its images and the size of one of them.
fn folder(path: &Path, files: Vec<PathBuf>) -> Result<Description> {
    let mut description = Description::new("folder of TIFF images");
    description.row("images", files.len().to_string());
    let first = files[0].clone();
    match names::sort(path, files) {
        Ok(Sorted { views, flats, darks, warnings }) => {
            description.row("views", views.len().to_string());
            for (label, part) in [("flats", flats), ("darks", darks)] {
                if !part.is_empty() {
                    description.row(label, part.len().to_string());
                }
            }
            let name = |file: Option<&PathBuf>| {
                file.and_then(|file| file.file_name()).unwrap_or_default().to_string_lossy().into_owned()
            };
            description.row("first and last view", format!("{}, {}", name(views.first()), name(views.last())));
            description.warnings.extend(warnings);
        }
        Err(error) => description.warnings.push(Warning::new("order_of_views", error)),
    }
    describe_pages(&first, &mut description)?;
    Ok(description)
}

/// Adds the size of a file's images to the description, and returns their number.
fn describe_pages(path: &Path, description: &mut Description) -> Result<usize> {
    let (mut pages, mut size) = (0usize, Vec::new());
    let inverted = guarded(path, || {
        each_page(path, |page| {
            pages += 1;
            size = page.shape().to_vec();
            Ok(())
        })
    })?;
    super::row_of_shape(description, "size [rows, columns]", &size, "grey");
    description.warnings.extend(inverted.then(|| white_is_zero(path)));
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Axis;
    use tiff::encoder::{TiffEncoder, colortype};

    fn write(path: &Path, pages: &[[u16; 6]]) {
        let mut encoder = TiffEncoder::new(std::fs::File::create(path).unwrap()).unwrap();
        for page in pages {
            encoder.write_image::<colortype::Gray16>(3, 2, page).unwrap();
        }
    }

    fn files(data: &Path) -> Files<'_> {
        Files { data, flats: None, darks: None, angles: None }
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_numbers_and_pages_in_their_own() {
        let folder = tempfile::tempdir().unwrap();
        for i in [10u16, 9, 100] {
            write(&folder.path().join(format!("view_{i}.tif")), &[[i; 6]]);
        }
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let frames = read(&files(folder.path()), None).unwrap();
        assert_eq!(frames.data.shape(), [3, 2, 3]);
        assert_eq!(frames.data.index_axis(Axis(2), 0).column(0).to_vec(), [9.0, 10.0, 100.0]);
        let pages = folder.path().join("pages.tiff");
        write(&pages, &[[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]);
        let second = read(&files(&pages), Some(&(1..2))).unwrap();
        assert_eq!(second.data.into_raw_vec_and_offset().0, [4.0, 5.0, 6.0, 10.0, 11.0, 12.0]);
        assert!(read(&files(&pages), Some(&(1..3))).unwrap_err().to_string().contains("within 0 and 2"));
    }

    #[test]
    fn damaged_images_are_refused_and_never_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        write(&path, &[[1, 2, 3, 4, 5, 6]]);
        let good = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for at in 0..good.len() {
            for bytes in [good[..at].to_vec(), [&good[..at], &[good[at] ^ 0xff], &good[at + 1..]].concat()] {
                std::fs::write(&path, bytes).unwrap();
                refused += usize::from(read(&files(&path), None).is_err_and(|error| error.exit_code() == 3));
            }
        }
        assert!(refused > good.len(), "{refused} of {}", 2 * good.len());
    }
}
