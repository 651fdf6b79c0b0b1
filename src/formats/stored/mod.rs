//! Voxel values as files store them: numbers of any type and byte order on an affine grid, compressed or not. Each
//! volume format parses its own header; this module, which all share, reads what follows it.

mod gzip;
mod numbers;
mod shear;
mod stream;
mod voxels;

pub(super) use gzip::write_gzip;
pub(super) use numbers::{Scaling, VoxelType};
pub(super) use stream::{Broken, Packing, Stream};

use super::atomic;
use super::describe::{Description, grid_rows};
use super::orient::{Affine, Fault, reorder};
use super::{Loaded, Reading, Sheared, Units};
use crate::data::{Grid, Volume, Warning, Warnings};
use crate::error::{Error, Result};
use crate::memory;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest number of voxels that are read (8 GiB in memory): 2048 x 1024 x 1024.
const MAX_VOXELS: usize = 1 << 31;

/// Description of the stored voxel values, taken from a header.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// Grid in storage order (slowest first), LPS mm.
    pub(super) affine: Affine,
    /// Type of the stored numbers.
    pub(super) kind: VoxelType,
    /// Whether the numbers are big-endian.
    pub(super) big_endian: bool,
    /// Conversion of a stored number to a value.
    pub(super) scaling: Scaling,
}

impl Stored {
    /// Number of voxels.
    pub(super) fn voxels(&self) -> usize {
        self.affine.shape.iter().product()
    }
}

/// A header that was read, and the place of its voxel values.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) stored: Stored,
    /// The file with the voxel values.
    pub(super) data: PathBuf,
    /// Bytes of that file before the voxel values.
    pub(super) offset: u64,
    pub(super) packing: Packing,
    pub(super) warnings: Warnings,
}

impl Header {
    /// Reads the voxels.
    pub(super) fn load(self, path: &Path, reading: &Reading) -> Result<Loaded> {
        let mut stream = Stream::behind(&self.data, self.offset, self.packing)?;
        stream.admit(&self.data, 0, &self.stored)?;
        let values = voxels::read(&mut stream, &self.stored).map_err(|error| error.at(&self.data))?;
        let mut warnings = self.warnings;
        warnings.extend(stream.finish().map_err(|error| error.at(&self.data))?);
        finished(path, values, &self.stored.affine, reading, warnings)
    }

    /// The grid in canonical order.
    pub(super) fn grid(&self, path: &Path) -> Result<(Grid, Warnings)> {
        let (grid, sheared) = grid(path, &self.stored.affine, &Reading::default())?;
        Ok((grid, self.warnings.iter().cloned().chain(sheared).collect()))
    }

    /// Describes the volume for `recon info`. Reads all voxels, so that damage is found here rather than during a run.
    pub(super) fn describe(self, kind: &str, path: &Path) -> Result<Description> {
        let mut description = Description::new(kind);
        let order = if self.stored.big_endian { "big-endian" } else { "little-endian" };
        let packing = if self.packing == Packing::None { "" } else { ", compressed" };
        let pair = if self.data == path { "" } else { ", in a separate data file" };
        description.row("stored as", format!("{}, {order}{packing}{pair}", self.stored.kind.name()));
        let loaded = self.load(path, &Reading { units: Units::Relative, ..Reading::default() })?;
        value_rows(&mut description, loaded);
        Ok(description)
    }
}

/// Adds the rows of a volume that was read. A doubt about its units is dropped, since none were chosen.
pub(super) fn value_rows(description: &mut Description, loaded: Loaded) {
    grid_rows(description, &loaded.volume.grid);
    let (low, high) = loaded.volume.range();
    description.row("values", format!("{low} to {high}"));
    description.warnings = loaded.warnings.into_iter().filter(|warning| warning.code != "units_doubtful").collect();
}

/// Reads the voxel values described by `stored` from the stream's current position.
pub(super) fn read(stream: &mut Stream, stored: &Stored) -> std::result::Result<Vec<f32>, Broken> {
    voxels::read(stream, stored)
}

/// Turns values in storage order into a volume in canonical order; a sheared grid is resampled to right angles.
pub(super) fn finished(
    path: &Path,
    values: Vec<f32>,
    affine: &Affine,
    reading: &Reading,
    mut warnings: Warnings,
) -> Result<Loaded> {
    let range = voxels::range(path, &values)?;
    let (grid, sheared) = grid(path, affine, reading)?;
    memory::admit(path, grid.voxels() as u64)?;
    let order = affine.canonical_order();
    let values = reorder(values, affine.shape, order);
    let quantity = reading.units.quantity();
    let values = if sheared.is_some() {
        shear::resampled(&values, &affine.reordered(order), &grid, quantity.air().min(range.0), range)
    } else {
        values
    };
    let volume = Volume::from_vec(grid, quantity, values).map_err(|error| Error::input(path, error))?;
    warnings.extend(sheared);
    warnings.extend(reading.units.doubt(range));
    Ok(Loaded { volume, warnings })
}

/// The grid in canonical order. With a warning if the grid of the file is sheared, and this right-angled one replaces
/// it.
pub(super) fn grid(path: &Path, affine: &Affine, reading: &Reading) -> Result<(Grid, Option<Warning>)> {
    let order = affine.canonical_order();
    let fault = |problem: String| Error::input(path, problem);
    match affine.check() {
        Ok(()) => Ok((affine.grid(order).map_err(|error| Error::input(path, error))?, None)),
        Err(Fault::Degenerate) => Err(fault(format!("its axes are degenerate: {}", Fault::Degenerate))),
        Err(Fault::Sheared(degrees)) if reading.sheared == Sheared::Refuse => {
            Err(fault(format!("its grid is sheared: axes deviate {degrees:.2} degrees from right angles"))
                .hint("`sheared: resample` brings it to right angles"))
        }
        Err(Fault::Sheared(degrees)) => {
            let grid = shear::upright(&affine.reordered(order)).map_err(|error| Error::input(path, error))?;
            let message = format!(
                "its grid is sheared: axes deviate {degrees:.2} degrees from right angles (a tilted gantry?); it is \
                 resampled to a right-angled one of {:?} voxels",
                grid.shape
            );
            Ok((grid, Some(Warning::new("sheared", message))))
        }
    }
}

/// Writes values as float32, little-endian.
pub(super) fn write_floats(out: &mut dyn Write, values: &[f32]) -> std::io::Result<()> {
    let mut bytes = vec![0; 4 << 16];
    for part in values.chunks(1 << 16) {
        for (four, value) in bytes.chunks_exact_mut(4).zip(part) {
            four.copy_from_slice(&value.to_le_bytes());
        }
        out.write_all(&bytes[..4 * part.len()])?;
    }
    Ok(())
}

/// Writes a header to `path` and the values as float32, little-endian, to the file `data`. Returns both paths.
pub(super) fn write_pair(path: &Path, header: &[u8], data: PathBuf, values: &[f32]) -> Result<Vec<PathBuf>> {
    atomic::write_with(&data, |out| write_floats(out, values))?;
    atomic::write(path, header)?;
    Ok(vec![path.to_path_buf(), data])
}

/// Refuses a shape of no voxels or of more than are ever read.
pub(super) fn check_shape(shape: [usize; 3]) -> std::result::Result<(), String> {
    match shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n)) {
        Some(voxels) if (1..=MAX_VOXELS).contains(&voxels) => Ok(()),
        _ => Err(format!("expected between 1 and {MAX_VOXELS} voxels, got a size of {shape:?}")),
    }
}

/// Reads the first bytes of a file with a text header, at most `most`.
pub(super) fn head(path: &Path, most: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let fail = |error: std::io::Error| Error::read(path, &error);
    let file = crate::input_path::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() {
        return Err(Error::input(path, "expected a file, found a folder"));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Path of the data file that a header names: a relative path, in the header's folder or below it. A pattern for
/// several files (with `%`) is refused.
pub(super) fn sibling(path: &Path, name: &str) -> std::result::Result<PathBuf, String> {
    let plain = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if name.is_empty() || !plain || name.contains('%') {
        return Err("expected the relative path of one data file in the header's folder or below it".to_string());
    }
    Ok(path.with_file_name("").join(name))
}
