//! Projections as NumPy `.npy`: float32, C order `[view, row, column]`, line integrals without unit.
//!
//! Format: numpy.org/neps/nep-0001-npy-format. The crate `ndarray_npy` parses a file; before that, the length of the
//! header is bounded and its shape is compared with the size of the file.

use super::describe::{Candidate, Description};
use super::{Format, atomic};
use crate::data::{Geometry, Projections};
use crate::error::{Error, Result};
use crate::input_path;
use crate::memory;
use half::f16;
use ndarray::{Array3, ArrayD, IxDyn, ShapeBuilder};
use ndarray_npy::npy::header::Header;
use ndarray_npy::{ReadNpyExt, WriteNpyExt};
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

/// Longest header that is accepted, bytes.
const MAX_HEADER: usize = 4096;
/// Largest number of opening brackets in a header, which bounds their nesting: the parser of `ndarray_npy` is
/// recursive.
const MAX_DEPTH: usize = 8;
const MAGIC: &[u8] = b"\x93NUMPY";

/// The entry in the list of formats.
pub(super) const FORMAT: Format = Format { name: "NumPy array", looks_like: ".npy", describe };

/// Writes projections as float32 `[view, row, column]`, completely or not at all.
///
/// # Errors
/// [`Error::Resource`] when the file cannot be written.
pub fn write_projections(path: &Path, projections: &Projections) -> Result<()> {
    atomic::write_with(path, |out| projections.values().write_npy(out).map_err(std::io::Error::other))
}

/// Writes float32 values `[rows, columns]`, completely or not at all.
///
/// # Errors
/// [`Error::Resource`] when the file cannot be written, or there are not as many values.
pub fn write_plane(path: &Path, [rows, columns]: [usize; 2], values: &[f32]) -> Result<()> {
    let plane = ndarray::ArrayView2::from_shape((rows, columns), values)
        .map_err(|error| Error::resource(path.display().to_string(), error))?;
    atomic::write_with(path, |out| plane.write_npy(out).map_err(std::io::Error::other))
}

/// Reads projections (float32 or float64, `[view, row, column]`) of the scan `geometry`.
///
/// # Errors
/// [`Error::Input`] when the file is missing, damaged, of another type or shape than the scan's, or holds values that
/// are not finite.
pub fn read_projections(path: &Path, geometry: Geometry) -> Result<Projections> {
    let head = Head::read(path)?;
    if head.shape != geometry.shape() {
        let problem =
            format!("expected [views, rows, columns] = {:?} as its scan, got {:?}", geometry.shape(), head.shape);
        return Err(Error::input(path, problem));
    }
    let file = input_path::open(path).map_err(|error| Error::read(path, &error))?;
    let reader = BufReader::with_capacity(1 << 18, file);
    let broken = |error: ndarray_npy::ReadNpyError| Error::input(path, format!("damaged .npy file: {error}"));
    let values = match head.bytes {
        8 => Array3::<f64>::read_npy(reader).map_err(broken)?.mapv(|v| v as f32),
        _ => Array3::<f32>::read_npy(reader).map_err(broken)?,
    };
    Projections::new(geometry, values).map_err(|error| Error::input(path, error))
}

/// Reads any array of real numbers (floats of 16 to 64 bits, integers of 8 to 64 bits), of any shape, as f32.
///
/// # Errors
/// [`Error::Input`] when the file is missing, damaged or of another type.
pub fn read_array(path: &Path) -> Result<ArrayD<f32>> {
    let head = Head::read_any(path)?;
    memory::admit(path, head.shape.iter().product::<usize>() as u64)?;
    let file = input_path::open(path).map_err(|error| Error::read(path, &error))?;
    decoded(path, &head, BufReader::with_capacity(1 << 18, file))
}

/// Like [`read_array`], for the bytes of an array that is embedded in the file `path`.
pub(super) fn array_in(path: &Path, bytes: &[u8]) -> Result<ArrayD<f32>> {
    let head = Head::parse(path, &bytes[..bytes.len().min(MAX_HEADER + 12)], bytes.len() as u64)?;
    decoded(path, &head, bytes)
}

/// Reads the values of an array whose header was checked.
fn decoded(path: &Path, head: &Head, reader: impl Read) -> Result<ArrayD<f32>> {
    macro_rules! decode {
        ($kind:ty) => {
            ArrayD::<$kind>::read_npy(reader).map(|array| array.mapv(|v| v as f32))
        };
    }
    let values = match &head.kind[1..] {
        "f8" => decode!(f64),
        "u1" => decode!(u8),
        "i1" => decode!(i8),
        "u2" => decode!(u16),
        "i2" => decode!(i16),
        "u4" => decode!(u32),
        "i4" => decode!(i32),
        "u8" => decode!(u64),
        "i8" => decode!(i64),
        "f2" => return head.halves(path, reader),
        _ => ArrayD::<f32>::read_npy(reader),
    };
    values.map_err(|error| Error::input(path, format!("damaged .npy file: {error}")))
}

/// Header of an array, checked against the size of the file.
struct Head {
    shape: Vec<usize>,
    /// Bytes per value.
    bytes: u64,
    kind: String,
    /// Bytes before the first value.
    start: usize,
    /// Whether the array is in Fortran order (first index fastest).
    column_major: bool,
}

impl Head {
    /// Reads the header of an array of float32 or float64.
    fn read(path: &Path) -> Result<Self> {
        let head = Self::read_any(path)?;
        if head.kind.ends_with("f4") || head.kind.ends_with("f8") {
            return Ok(head);
        }
        Err(Error::input(path, format!("expected float32 or float64, got {}", head.kind))
            .hint("save array.astype('float32')"))
    }

    /// Reads the header of an array of real numbers.
    fn read_any(path: &Path) -> Result<Self> {
        let fail = |error: std::io::Error| Error::read(path, &error);
        let file = input_path::open(path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        let mut start = Vec::new();
        file.take(MAX_HEADER as u64 + 12).read_to_end(&mut start).map_err(fail)?;
        Self::parse(path, &start, size)
    }

    /// Parses the header at the start of an array of `size` bytes (header included).
    fn parse(path: &Path, start: &[u8], size: u64) -> Result<Self> {
        let broken = |problem: String| Error::input(path, format!("damaged .npy file: {problem}"));
        let length = header_length(start).map_err(broken)?;
        let mut cursor = Cursor::new(&start[..length]);
        let header = Header::from_reader(&mut cursor).map_err(|error| broken(error.to_string()))?;
        let kind = header.type_descriptor.as_string().cloned().unwrap_or_else(|| "a record".into());
        let bytes = bytes_of(&kind).ok_or_else(|| {
            Error::input(path, format!("expected real numbers, got {kind}")).hint("save array.astype('float32')")
        })?;
        let total = header
            .shape
            .iter()
            .try_fold(bytes, |product, &n| product.checked_mul(n as u64))
            .and_then(|n| n.checked_add(length as u64));
        if total != Some(size) {
            return Err(Error::input(
                path,
                format!("its header declares shape {:?} of {kind}, which does not fit its {size} bytes", header.shape),
            )
            .hint("is the file complete?"));
        }
        let column_major = header.layout.is_fortran();
        Ok(Self { shape: header.shape, bytes, kind, start: length, column_major })
    }

    /// Reads values of float16, which `ndarray_npy` does not support.
    fn halves(&self, path: &Path, mut reader: impl Read) -> Result<ArrayD<f32>> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|error| Error::read(path, &error))?;
        let big = self.kind.starts_with('>');
        let value = |pair: &[u8; 2]| {
            let bits = if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
            f16::from_bits(bits).to_f32()
        };
        let values = bytes.get(self.start..).unwrap_or_default().as_chunks::<2>().0.iter().map(value).collect();
        let shape = IxDyn(&self.shape);
        let array = ArrayD::from_shape_vec(shape.set_f(self.column_major), values);
        array.map_err(|error| Error::input(path, format!("damaged .npy file: {error}")))
    }
}

/// Bytes per number of a type such as `<f4`; `None` if it is no real number.
fn bytes_of(kind: &str) -> Option<u64> {
    match kind.get(1..)? {
        "u1" | "i1" => Some(1),
        "u2" | "i2" | "f2" => Some(2),
        "f4" | "u4" | "i4" => Some(4),
        "f8" | "u8" | "i8" => Some(8),
        _ => None,
    }
}

/// Bytes up to the first value, if the header is one that `ndarray_npy` may safely parse.
fn header_length(start: &[u8]) -> std::result::Result<usize, String> {
    if !start.starts_with(MAGIC) {
        return Err("it does not begin with the NumPy magic bytes".into());
    }
    let (prefix, length) = match start {
        [_, _, _, _, _, _, 1, _, a, b, ..] => (10, usize::from(u16::from_le_bytes([*a, *b]))),
        [_, _, _, _, _, _, 2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        _ => return Err("unknown version or no header".into()),
    };
    if length > MAX_HEADER || start.len() < prefix + length {
        return Err(format!("expected a header of at most {MAX_HEADER} bytes, got {length} (file too short?)"));
    }
    let brackets = start[prefix..prefix + length].iter().filter(|byte| b"([{".contains(byte)).count();
    if brackets > MAX_DEPTH {
        return Err(format!("expected at most {MAX_DEPTH} brackets in the header, got {brackets}"));
    }
    Ok(prefix + length)
}

fn describe(candidate: &Candidate) -> Option<Result<Description>> {
    let mine =
        candidate.head.starts_with(MAGIC) || candidate.path.extension().is_some_and(|extension| extension == "npy");
    (!candidate.is_folder && mine).then(|| {
        let head = Head::read_any(candidate.path)?;
        let mut description = Description::new("NumPy array");
        description.row("shape", head.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x "));
        let bits = 8 * head.bytes;
        let kind = match head.kind.as_bytes().get(1) {
            Some(b'f') => "float",
            Some(b'i') => "int",
            _ => "uint",
        };
        description.row("stored as", format!("{kind}{bits}"));
        Ok(description)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as `numpy.save` writes it.
    fn file(kind: &str, fortran: bool, shape: &str, data: &[u8]) -> tempfile::NamedTempFile {
        let fortran = if fortran { "True" } else { "False" };
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
        while !(header.len() + 11).is_multiple_of(64) {
            header.push(' ');
        }
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        let bytes = [MAGIC, &[1, 0], &length, header.as_bytes(), data].concat();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn read(file: &tempfile::NamedTempFile) -> Vec<f32> {
        read_array(file.path()).unwrap().iter().copied().collect()
    }

    #[test]
    fn float16_and_integers_of_64_bits_are_read() {
        // numpy.float16: 1 = 0x3c00, -2 = 0xc000, 0.5 = 0x3800, 65504 = 0x7bff.
        let halves = [0x3c00u16, 0xc000, 0x3800, 0x7bff];
        let bytes = |convert: fn(u16) -> [u8; 2]| halves.map(convert).concat();
        let little = file("<f2", false, "(2, 2)", &bytes(u16::to_le_bytes));
        assert_eq!(read(&little), [1.0, -2.0, 0.5, 65504.0]);
        assert_eq!(read(&file(">f2", false, "(4,)", &bytes(u16::to_be_bytes))), [1.0, -2.0, 0.5, 65504.0]);
        // In Fortran order the first index is fastest, so the same bytes give the transposed array.
        assert_eq!(read(&file("<f2", true, "(2, 2)", &bytes(u16::to_le_bytes))), [1.0, 0.5, -2.0, 65504.0]);
        let long = [7u64.to_le_bytes(), (1u64 << 40).to_le_bytes()].concat();
        assert_eq!(read(&file("<u8", false, "(2,)", &long)), [7.0, 2f32.powi(40)]);
        assert_eq!(read(&file("<i8", false, "(1,)", &(-3i64).to_le_bytes())), [-3.0]);
        let refused = read_array(file("<c8", false, "(1,)", &[0; 8]).path()).unwrap_err();
        assert!(refused.to_string().contains("astype('float32')"), "{refused}");
    }
}
