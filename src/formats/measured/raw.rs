//! Raw binary numbers without a header: shape, type and byte order come from the pipeline.

use super::{Frames, table, within};
use crate::error::{Error, Result};
use crate::input_path;
use ndarray::{Array3, s};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// Largest file that is read, bytes.
const MAX_BYTES: u64 = 1 << 38;

/// Type of the stored numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NumberType {
    /// Unsigned integers of 8 bits.
    Uint8,
    /// Unsigned integers of 16 bits.
    Uint16,
    /// Signed integers of 16 bits.
    Int16,
    /// Unsigned integers of 32 bits.
    Uint32,
    /// Signed integers of 32 bits.
    Int32,
    /// Floating-point numbers of 32 bits.
    Float32,
    /// Floating-point numbers of 64 bits.
    Float64,
}

/// Byte order of the stored numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ByteOrder {
    /// Little-endian: the least significant byte first, as on PCs.
    #[default]
    Little,
    /// Big-endian: the most significant byte first.
    Big,
}

/// Layout of the numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// Size of an image, pixels [rows, columns].
    pub pixels: [usize; 2],
    /// Type of the numbers.
    pub kind: NumberType,
    /// Byte order of the numbers.
    pub order: ByteOrder,
    /// Bytes before the first number.
    pub skip: u64,
}

impl NumberType {
    /// Bytes per number.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Uint8 => 1,
            Self::Uint16 | Self::Int16 => 2,
            Self::Uint32 | Self::Int32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// Converts bytes to numbers; an incomplete number at the end is ignored.
    #[must_use]
    pub fn decode(self, bytes: &[u8], order: ByteOrder) -> Vec<f32> {
        let big = order == ByteOrder::Big;
        macro_rules! decode {
            ($kind:ty, $size:literal) => {
                bytes
                    .as_chunks::<$size>()
                    .0
                    .iter()
                    .map(|own| (if big { <$kind>::from_be_bytes(*own) } else { <$kind>::from_le_bytes(*own) }) as f32)
                    .collect()
            };
        }
        match self {
            Self::Uint8 => decode!(u8, 1),
            Self::Uint16 => decode!(u16, 2),
            Self::Int16 => decode!(i16, 2),
            Self::Uint32 => decode!(u32, 4),
            Self::Int32 => decode!(i32, 4),
            Self::Float32 => decode!(f32, 4),
            Self::Float64 => decode!(f64, 8),
        }
    }
}

/// Files of one measurement.
pub type Files<'a> = super::npy::Files<'a>;

/// Reads projections, and flats, darks and angles where files are given; only `rows` of the detector. The file of
/// projections must hold `views` images; those of flats and darks may hold any number.
///
/// # Errors
/// [`Error::Input`] when a file is missing or not as long as the layout says, or the parts do not fit.
pub fn read(files: &Files, views: usize, layout: &Layout, rows: Option<&Range<usize>>) -> Result<Frames> {
    let data = images(files.data, layout, rows)?;
    if data.shape()[0] != views {
        let problem = format!("expected {views} images of {:?} pixels, got {}", layout.pixels, data.shape()[0]);
        return Err(Error::input(files.data, problem).hint("see acquire.raw.shape, type and skip_bytes"));
    }
    let optional = |path: Option<&Path>| path.map(|path| images(path, layout, rows)).transpose();
    let angles = files.angles.map(table::numbers).transpose()?;
    Ok(Frames::new(files.data, data, optional(files.flats)?, optional(files.darks)?, angles)?.of(layout.pixels[0]))
}

/// Reads the images of a file, `[image, row, column]`.
fn images(path: &Path, layout: &Layout, rows: Option<&Range<usize>>) -> Result<Array3<f32>> {
    let fail = |error: std::io::Error| Error::read(path, &error);
    let file = input_path::open(path).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.len();
    let [height, width] = layout.pixels;
    let rows = within(path, rows, height)?;
    let count = count(path, layout, size)?;
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(size).read_to_end(&mut bytes).map_err(fail)?;
    let values = layout.kind.decode(bytes.get(layout.skip as usize..).unwrap_or_default(), layout.order);
    let shape = (count, height, width);
    let all =
        Array3::from_shape_vec(shape, values).map_err(|_| Error::input(path, "the file changed while it was read"))?;
    Ok(all.slice(s![.., rows, ..]).as_standard_layout().into_owned())
}

/// Number of images that a file of `size` bytes holds.
fn count(path: &Path, layout: &Layout, size: u64) -> Result<usize> {
    let [height, width] = layout.pixels;
    let image = height.checked_mul(width).and_then(|n| n.checked_mul(layout.kind.bytes())).filter(|n| *n > 0);
    let image =
        image.ok_or_else(|| Error::input(path, format!("expected a positive size, got {:?}", layout.pixels)))? as u64;
    let held = size.checked_sub(layout.skip).filter(|held| *held > 0 && held % image == 0 && size <= MAX_BYTES);
    held.map(|held| (held / image) as usize).ok_or_else(|| {
        let problem = format!(
            "its {size} bytes are not {} bytes and a whole number of images of {height} x {width} x {} bytes",
            layout.skip,
            layout.kind.bytes()
        );
        Error::input(path, problem).hint("see acquire.raw.shape, type and skip_bytes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_type_and_order_are_read_and_a_wrong_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.raw");
        let files = Files { data: &path, flats: None, darks: None, angles: None };
        let values: Vec<u16> = (0..12).map(|i| 300 + i).collect();
        let layout = Layout { pixels: [2, 3], kind: NumberType::Uint16, order: ByteOrder::Big, skip: 5 };
        let bytes: Vec<u8> = [vec![9; 5], values.iter().flat_map(|v| v.to_be_bytes()).collect()].concat();
        std::fs::write(&path, &bytes).unwrap();
        let frames = read(&files, 2, &layout, Some(&(1..2))).unwrap();
        assert_eq!(frames.data.iter().copied().collect::<Vec<_>>(), [303.0, 304.0, 305.0, 309.0, 310.0, 311.0]);
        assert!(read(&files, 3, &layout, None).unwrap_err().to_string().contains("expected 3 images"));
        std::fs::write(&path, &bytes[..28]).unwrap();
        assert!(read(&files, 2, &layout, None).unwrap_err().to_string().contains("28 bytes are not 5 bytes and"));
        let floats = [-1.5f64, 2.0].map(f64::to_le_bytes).concat();
        assert_eq!(NumberType::Float64.decode(&floats, ByteOrder::Little), [-1.5, 2.0]);
        assert_eq!(NumberType::Int16.decode(&[0xff, 0xfe], ByteOrder::Big), [-2.0]);
    }
}
