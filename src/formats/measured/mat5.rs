//! MATLAB level 5 files (`save -v6`, `-v7`): the real numeric arrays and the texts in them, also inside structs.
//! Everything else (cells, objects, sparse and complex arrays) is skipped.
//!
//! Format: MathWorks, "MAT-File Format", 2023, chapter 1. An element is a tag (type, size) and data padded to 8 bytes;
//! a small element has both in 8 bytes; a compressed one contains one element in zlib format. No crate in use reads
//! structs, hence this reader.

use crate::error::{Error, Result};
use crate::input_path;
use flate2::read::ZlibDecoder;
use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use std::io::Read;
use std::path::Path;

const HEADER: usize = 128;
/// Largest file, and largest array after decompression, bytes.
const MAX_BYTES: u64 = 1 << 32;
const MAX_DEPTH: usize = 8;

const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT16: u32 = 3;
const UINT16: u32 = 4;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
const INT64: u32 = 12;
const UINT64: u32 = 13;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const STRUCT_CLASS: u32 = 2;
const CHAR_CLASS: u32 = 4;
/// Types of text elements: UTF-8 and UTF-16.
const UTF8: u32 = 16;
const UTF16: u32 = 17;
const NUMERIC_CLASSES: std::ops::RangeInclusive<u32> = 6..=15;
const COMPLEX: u32 = 0x0800;

/// Whether a file begins like a MATLAB level 5 file.
pub(super) fn claims(head: &[u8]) -> bool {
    head.starts_with(b"MATLAB 5.0 MAT-file") && matches!(head.get(126..128), Some(b"IM" | b"MI"))
}

/// Contents of a file, by name (`struct.field`).
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Every real numeric array, with MATLAB's order of indices.
    pub(super) arrays: Vec<(String, ArrayD<f64>)>,
    /// Every text.
    pub(super) texts: Vec<(String, String)>,
}

/// Reads all arrays and texts of a file.
pub(super) fn contents(path: &Path) -> Result<Contents> {
    let bytes = input_path::read(path, MAX_BYTES)?;
    if !claims(&bytes) {
        return Err(Error::input(path, "not a MATLAB file of level 5")
            .hint("files of `save -v7.3` are HDF5: is it one of these?"));
    }
    let reader = Reader { big: &bytes[126..128] == b"MI" };
    let mut found = Contents::default();
    let walked = reader.elements(&bytes[HEADER..], &mut found);
    walked.map_err(|problem| Error::input(path, format!("damaged MATLAB file: {problem}")))?;
    Ok(found)
}

type Parsed<T> = std::result::Result<T, String>;

/// One element: its type, its data and the bytes that follow it.
struct Element<'a> {
    kind: u32,
    data: &'a [u8],
    rest: &'a [u8],
}

struct Reader {
    big: bool,
}

impl Reader {
    fn word(&self, bytes: &[u8]) -> Parsed<u32> {
        let four: [u8; 4] = bytes.get(..4).and_then(|four| four.try_into().ok()).ok_or("it ends inside a tag")?;
        Ok(if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }

    fn element<'a>(&self, bytes: &'a [u8]) -> Parsed<Element<'a>> {
        let first = self.word(bytes)?;
        if first >> 16 != 0 {
            let size = (first >> 16) as usize;
            let data = bytes.get(4..4 + size.min(4)).filter(|_| size <= 4).ok_or("a small element is too long")?;
            return Ok(Element { kind: first & 0xffff, data, rest: bytes.get(8..).unwrap_or_default() });
        }
        let size = self.word(bytes.get(4..).unwrap_or_default())? as usize;
        let data = bytes
            .get(8..)
            .and_then(|after| after.get(..size))
            .ok_or_else(|| format!("an element of {size} bytes ends beyond the file"))?;
        let padded = if first == COMPRESSED { size } else { size.next_multiple_of(8) };
        Ok(Element { kind: first, data, rest: bytes.get(8 + padded..).unwrap_or_default() })
    }

    /// Reads the variables of a file.
    fn elements(&self, mut bytes: &[u8], found: &mut Contents) -> Parsed<()> {
        while !bytes.is_empty() {
            let element = self.element(bytes)?;
            match element.kind {
                COMPRESSED => {
                    let mut unpacked = Vec::new();
                    let unpacking = ZlibDecoder::new(element.data).take(MAX_BYTES + 1).read_to_end(&mut unpacked);
                    unpacking.map_err(|error| error.to_string())?;
                    if unpacked.len() as u64 > MAX_BYTES {
                        return Err(format!("expected variables of at most {MAX_BYTES} bytes"));
                    }
                    let inner = self.element(&unpacked)?;
                    self.matrix(inner.data, None, found, 0)?;
                }
                MATRIX => self.matrix(element.data, None, found, 0)?,
                _ => {}
            }
            bytes = element.rest;
        }
        Ok(())
    }

    /// Reads one array: flags, dimensions, name, then numbers or the fields of a struct. `name` is given for a field.
    fn matrix(&self, bytes: &[u8], name: Option<&str>, found: &mut Contents, depth: usize) -> Parsed<()> {
        // An empty field has no content at all.
        if bytes.is_empty() || depth > MAX_DEPTH {
            return Ok(());
        }
        let flags = self.element(bytes)?;
        let flag = self.word(flags.data)?;
        let dimensions = self.element(flags.rest)?;
        let shape = self.numbers(&dimensions)?.into_iter().map(|n| n as usize).collect::<Vec<usize>>();
        let label = self.element(dimensions.rest)?;
        let own = String::from_utf8_lossy(label.data).into_owned();
        let name = name.unwrap_or(&own);
        match flag & 0xff {
            // Arrays of structs are skipped.
            STRUCT_CLASS if shape.iter().all(|&size| size == 1) => self.fields(label.rest, name, found, depth),
            class if NUMERIC_CLASSES.contains(&class) && flag & COMPLEX == 0 => {
                found.arrays.push((name.to_string(), self.array(label.rest, &shape, name)?));
                Ok(())
            }
            CHAR_CLASS => {
                found.texts.push((name.to_string(), self.text(label.rest)?));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads the numbers of an array, which are stored column by column.
    fn array(&self, bytes: &[u8], shape: &[usize], name: &str) -> Parsed<ArrayD<f64>> {
        let values = self.numbers(&self.element(bytes)?)?;
        let count = values.len();
        let array = ArrayD::from_shape_vec(IxDyn(shape).f(), values);
        array.map_err(|_| format!("{name} has {count} values and the shape {shape:?}"))
    }

    fn text(&self, bytes: &[u8]) -> Parsed<String> {
        let letters = self.numbers(&self.element(bytes)?)?;
        Ok(letters.into_iter().filter_map(|code| char::from_u32(code as u32)).collect())
    }

    /// Reads the fields of a struct.
    fn fields(&self, bytes: &[u8], name: &str, found: &mut Contents, depth: usize) -> Parsed<()> {
        let length = self.element(bytes)?;
        let width = self.word(length.data)? as usize;
        let names = self.element(length.rest)?;
        if width == 0 || width > 256 {
            return Err(format!("field names of {width} characters"));
        }
        let mut rest = names.rest;
        for field in names.data.chunks_exact(width) {
            let end = field.iter().position(|&byte| byte == 0).unwrap_or(width);
            let field = format!("{name}.{}", String::from_utf8_lossy(&field[..end]));
            let element = self.element(rest)?;
            self.matrix(element.data, Some(&field), found, depth + 1)?;
            rest = element.rest;
        }
        Ok(())
    }

    fn numbers(&self, element: &Element) -> Parsed<Vec<f64>> {
        macro_rules! decode {
            ($kind:ty, $size:literal) => {
                element
                    .data
                    .chunks_exact($size)
                    .map(|part| {
                        let bytes: [u8; $size] = part.try_into().expect("chunks are of this size");
                        (if self.big { <$kind>::from_be_bytes(bytes) } else { <$kind>::from_le_bytes(bytes) }) as f64
                    })
                    .collect()
            };
        }
        Ok(match element.kind {
            INT8 => decode!(i8, 1),
            UINT8 | UTF8 => decode!(u8, 1),
            INT16 => decode!(i16, 2),
            UINT16 | UTF16 => decode!(u16, 2),
            INT32 => decode!(i32, 4),
            UINT32 => decode!(u32, 4),
            SINGLE => decode!(f32, 4),
            DOUBLE => decode!(f64, 8),
            INT64 => decode!(i64, 8),
            UINT64 => decode!(u64, 8),
            other => return Err(format!("numbers of the unknown type {other}")),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;

    fn element(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn matrix(class: u32, shape: [i32; 2], name: &str, body: &[u8]) -> Vec<u8> {
        let flags = element(UINT32, &[class.to_le_bytes(), [0; 4]].concat());
        let shape = element(INT32, &shape.map(i32::to_le_bytes).concat());
        element(MATRIX, &[flags, shape, element(INT8, name.as_bytes()), body.to_vec()].concat())
    }

    fn doubles(values: &[f64]) -> Vec<u8> {
        element(DOUBLE, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
    }

    /// A compressed struct `s` with the 2 x 3 array `sinogram` of 1 to 6, column by column, and `angles` 10 and 20.
    pub(in crate::formats::measured) fn sample() -> Vec<u8> {
        let mut names = b"sinogram".to_vec();
        names.resize(16, 0);
        names.extend(b"angles");
        names.resize(32, 0);
        let length = [(INT32 | 4 << 16).to_le_bytes(), 16i32.to_le_bytes()].concat();
        let fields = [
            length,
            element(INT8, &names),
            matrix(6, [2, 3], "", &doubles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
            matrix(9, [1, 2], "", &element(UINT8, &[10, 20])),
        ];
        let whole = matrix(STRUCT_CLASS, [1, 1], "s", &fields.concat());
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&whole).unwrap();
        let packed = encoder.finish().unwrap();
        let mut file = b"MATLAB 5.0 MAT-file, made by a test".to_vec();
        file.resize(124, b' ');
        file.extend([0, 1, b'I', b'M']);
        file.extend([COMPRESSED.to_le_bytes(), (packed.len() as u32).to_le_bytes()].concat());
        file.extend(packed);
        file
    }

    #[test]
    fn arrays_inside_structs_are_found_and_indexed_as_matlab_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mat");
        std::fs::write(&path, sample()).unwrap();
        let found = contents(&path).unwrap().arrays;
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["s.sinogram", "s.angles"]);
        assert_eq!((found[0].1[[0, 0]], found[0].1[[1, 0]], found[0].1[[0, 1]]), (1.0, 2.0, 3.0));
        assert_eq!(found[1].1.iter().copied().collect::<Vec<_>>(), [10.0, 20.0]);
    }

    #[test]
    fn damaged_files_are_refused_or_read_and_never_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mat");
        let good = sample();
        for at in 0..good.len() {
            for bytes in [good[..at].to_vec(), [&good[..at], &[good[at] ^ 0x5a], &good[at + 1..]].concat()] {
                std::fs::write(&path, bytes).unwrap();
                assert!(contents(&path).err().is_none_or(|error| error.exit_code() == 3));
            }
        }
        // Not compressed, so that damage reaches the parser and is not caught by a checksum before.
        let mut plain = good[..HEADER].to_vec();
        ZlibDecoder::new(&good[HEADER + 8..]).read_to_end(&mut plain).unwrap();
        for at in HEADER..plain.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = plain.clone();
                bytes[at] = value;
                std::fs::write(&path, bytes).unwrap();
                assert!(contents(&path).err().is_none_or(|error| error.exit_code() == 3));
            }
        }
    }
}
