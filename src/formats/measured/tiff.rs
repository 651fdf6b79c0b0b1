//! TIFF stacks: a folder with one image per view in the order of the number that counts them (see `names`), or one file
//! with a page per view. Grey values of any width; a scanner's own tags are not read.

use super::names::{self, Sorted};
use super::{Frames, guarded, plausible, table, within};
use crate::error::{Error, Result};
use crate::formats::{Candidate, Description};
use ndarray::{Array3, ArrayView2, s};
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::{Path, PathBuf};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::{ColorType, TiffError};

/// Most views.
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
    let (data, height) = stack(files.data, &views, rows)?;
    // What the pipeline names counts before what lies among the views.
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
        if images.is_empty() { Ok(None) } else { stack(place, &images, rows).map(|(images, _)| Some(images)) }
    };
    let (flats, darks) = (part(files.flats, flats)?, part(files.darks, darks)?);
    let frames = Frames::new(files.data, data, flats, darks, angles)?.of(height);
    Ok(Frames { warnings, ..frames })
}

/// The images at a path: those of a folder by what their names say, or the one file.
fn sorted(path: &Path) -> Result<Sorted> {
    if path.is_dir() {
        return names::sort(path, images(path)?);
    }
    Ok(Sorted { views: vec![path.to_path_buf()], ..Sorted::default() })
}

/// The images of files `[image, row, column]`, and how many rows they had.
fn stack(path: &Path, files: &[PathBuf], rows: Option<&Range<usize>>) -> Result<(Array3<f32>, usize)> {
    let mut pages: Vec<f32> = Vec::new();
    let mut shape: Option<[usize; 2]> = None;
    let (mut count, mut whole) = (0, 0);
    for file in files {
        guarded(file, || {
            each_page(file, |page| {
                whole = page.shape()[0];
                let rows = within(file, rows, whole)?;
                let page = page.slice(s![rows, ..]);
                let own = [page.shape()[0], page.shape()[1]];
                if *shape.get_or_insert(own) != own {
                    return Err(Error::input(
                        file,
                        format!("expected images of one size, got {own:?} after {:?} pixels", shape.unwrap_or(own)),
                    ));
                }
                pages.extend(page.iter());
                count += 1;
                Ok(())
            })
        })?;
    }
    let [height, width] = shape.ok_or_else(|| Error::input(path, "no TIFF image in it"))?;
    let images = Array3::from_shape_vec((count, height, width), pages).map_err(|error| Error::input(path, error))?;
    Ok((images, whole))
}

fn each_page(path: &Path, mut keep: impl FnMut(ArrayView2<f32>) -> Result<()>) -> Result<()> {
    let broken = |error: TiffError| Error::input(path, format!("damaged TIFF file: {error}"));
    let file = File::open(path).map_err(|error| Error::read(path, &error))?;
    let bytes = file.metadata().map_err(|error| Error::read(path, &error))?.len();
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_IMAGE;
    let mut decoder = Decoder::new(BufReader::new(file)).map_err(broken)?.with_limits(limits);
    for _ in 0..MAX_PAGES {
        let (width, height) = decoder.dimensions().map_err(broken)?;
        let (ColorType::Gray(bits), true) = (decoder.colortype().map_err(broken)?, width > 0 && height > 0) else {
            return Err(Error::input(path, "expected a grey image"));
        };
        plausible(path, u64::from(width) * u64::from(height), u64::from(bits).div_ceil(8), bytes)?;
        let values = grey(decoder.read_image().map_err(broken)?);
        let page = ArrayView2::from_shape((height as usize, width as usize), &values);
        keep(
            page.map_err(|_| Error::input(path, format!("expected {width} x {height} values, got {}", values.len())))?,
        )?;
        if !decoder.more_images() {
            return Ok(());
        }
        decoder.next_image().map_err(broken)?;
    }
    Err(Error::input(path, format!("expected at most {MAX_PAGES} pages")))
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

/// The images of a folder, in no order.
fn images(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = listed.map_err(|error| Error::read(folder, &error))?;
    let files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(|path| is_tiff(path)).collect();
    if files.is_empty() {
        return Err(Error::input(folder, "no .tif or .tiff file in this folder"));
    }
    Ok(files)
}

pub(super) fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    let marked = candidate.head.starts_with(b"II*\0")
        || candidate.head.starts_with(b"MM\0*")
        || candidate.head.starts_with(b"II+\0");
    (!candidate.is_folder && (marked || is_tiff(candidate.path))).then(|| {
        guarded(candidate.path, || {
            let mut description = Description::new("TIFF images");
            let (mut pages, mut size) = (0usize, Vec::new());
            each_page(candidate.path, |page| {
                pages += 1;
                size = page.shape().to_vec();
                Ok(())
            })?;
            description.row("images", pages.to_string());
            super::row_of_shape(&mut description, "size [rows, columns]", &size, "grey");
            Ok(description)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Axis;
    use tiff::encoder::{TiffEncoder, colortype};

    fn write(path: &Path, pages: &[[u16; 6]]) {
        let mut encoder = TiffEncoder::new(File::create(path).unwrap()).unwrap();
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
