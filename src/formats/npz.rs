//! NumPy archives (`.npz`): one array, `[z, y, x]`, or one of several by its number. A zip file whose entries are
//! `.npy` files (numpy.org/doc/stable/reference/generated/numpy.savez.html).

use super::{atomic, npy};
use crate::data::Volume;
use crate::error::{Error, Result};
use crate::{input_path, memory};
use ndarray::ArrayD;
use ndarray_npy::WriteNpyExt;
use std::io::{BufReader, Cursor, Read, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// Largest expansion factor of Deflate (RFC 1951: 258 bytes out of 2 bits).
const DEFLATE_RATIO: u64 = 1032;
/// Largest number of entries that are examined.
const MAX_ENTRIES: usize = 1000;
/// Name of the entry that the array of a volume is written to.
const ENTRY: &str = "volume.npy";

/// Reads the array of an archive: the only one, or number `wanted`, counted from 0 in the archive's order.
///
/// # Errors
/// [`Error::Input`] for a file that is damaged or no archive of arrays, or has several arrays of which none is chosen.
pub(super) fn read(path: &Path, wanted: Option<usize>) -> Result<ArrayD<f32>> {
    let broken = |error: zip::result::ZipError| Error::input(path, format!("damaged .npz file: {error}"));
    let file = input_path::open(path).map_err(|error| Error::read(path, &error))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let arrays: Vec<usize> = (0..archive.len().min(MAX_ENTRIES))
        .filter(|&entry| {
            archive.name_for_index(entry).is_some_and(|name| Path::new(name).extension() == Some("npy".as_ref()))
        })
        .collect();
    let chosen = choose(path, arrays.len(), wanted)?;
    let mut entry = archive.by_index(arrays[chosen]).map_err(broken)?;
    let size = entry.size();
    if size > entry.compressed_size().saturating_mul(DEFLATE_RATIO) {
        return Err(Error::input(path, format!("its array declares {size} bytes, more than it can hold")));
    }
    // The smallest numbers have one byte, so `size` is the largest number of voxels that the entry can hold.
    memory::admit(path, size)?;
    let mut bytes = Vec::new();
    let read = entry.by_ref().take(size.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| Error::input(path, format!("damaged .npz file: {error}")))?;
    npy::array_in(path, &bytes)
}

/// The number of the array that is read, of so many.
fn choose(path: &Path, count: usize, wanted: Option<usize>) -> Result<usize> {
    match wanted {
        None if count == 1 => Ok(0),
        None => Err(Error::input(path, format!("expected one array, got {count}"))
            .hint("choose one by its number, from 0: `volume: 0`")),
        Some(number) if number < count => Ok(number),
        Some(number) => {
            Err(Error::input(path, format!("it has {count} arrays, numbered from 0: there is none {number}")))
        }
    }
}

/// Writes an archive of one array. It stores no modification time, so that the same volume gives the same bytes.
pub(super) fn write(path: &Path, volume: &Volume) -> Result<()> {
    let packed = || -> std::io::Result<Vec<u8>> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .large_file(volume.as_slice().len() > 1 << 28);
        archive.start_file(ENTRY, options)?;
        volume.voxels().write_npy(&mut archive).map_err(std::io::Error::other)?;
        archive.flush()?;
        Ok(archive.finish()?.into_inner())
    };
    let bytes = packed().map_err(|error| Error::resource(path.display().to_string(), error))?;
    atomic::write(path, &bytes)
}
