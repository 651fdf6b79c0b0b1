//! A DICOM file in memory: preamble, file meta group, data set, each checked before it is used (PS3.10).

use super::prescan::{self, DataSetIndex, Element, Encoding, Fault, Pixels, scan};
use super::syntax::{self, Syntax};
use crate::error::{Error, Result};
use crate::input_path;
use dicom_core::{Tag, VR};
use dicom_object::InMemDicomObject;
use flate2::read::DeflateDecoder;
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

/// Largest file that is read, bytes.
const MAX_BYTES: u64 = 1 << 31;
/// Largest size of a deflated data set after decompression, bytes.
const MAX_INFLATED: u64 = 1 << 28;
/// Bytes that are read to find a header; enough unless private elements are large.
const HEAD: u64 = 1 << 16;
/// Bytes of the preamble and the mark `DICM`.
const START: usize = 132;

/// A file whose tags have been walked.
#[derive(Debug)]
pub(super) struct DicomFile {
    /// Bytes of the file, or of its decompressed data set if that is deflated; perhaps only their beginning.
    data: Vec<u8>,
    /// Where the data set begins in `data`.
    offset: usize,
    scan: DataSetIndex,
    /// Encoding of pixels and elements.
    pub(super) syntax: Syntax,
    /// Media Storage SOP Class and Instance UID of the meta group, empty if there are none.
    pub(super) class: String,
    pub(super) instance: String,
    /// The other type of file that the preamble imitates, if it does.
    pub(super) preamble: Option<&'static str>,
}

/// Whether the first bytes of a file are those of a DICOM file.
pub(super) fn is_dicom(head: &[u8]) -> bool {
    head.get(128..START) == Some(b"DICM")
}

impl DicomFile {
    /// Opens a file up to its pixels, reading little more than its header. `None`: not a DICOM file.
    ///
    /// # Errors
    /// [`Error::Input`] for a DICOM file that is damaged.
    pub(super) fn open_header(path: &Path, wanted: fn(Tag) -> bool) -> Result<Option<Self>> {
        let fail = |error: std::io::Error| Error::read(path, &error);
        let mut file = input_path::open(path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        let mut bytes = Vec::new();
        (&mut file).take(HEAD).read_to_end(&mut bytes).map_err(fail)?;
        // A file may grow while it is read.
        let size = size.max(bytes.len() as u64);
        if !is_dicom(&bytes) {
            return Ok(None);
        }
        match Self::parse(bytes, size, wanted) {
            Err(Fault::NeedMore) => Self::open(path, wanted).map(Some),
            Err(Fault::Broken(problem)) => Err(Error::input(path, format!("damaged DICOM file: {problem}"))),
            Ok(found) => Ok(Some(found)),
        }
    }

    /// Opens a whole file.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that is not DICOM or damaged.
    pub(super) fn open(path: &Path, wanted: fn(Tag) -> bool) -> Result<Self> {
        let fail = |error: std::io::Error| Error::read(path, &error);
        let file = input_path::open(path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        if size > MAX_BYTES {
            return Err(Error::input(path, format!("expected a DICOM file of at most {MAX_BYTES} bytes, got {size}")));
        }
        let mut bytes = Vec::with_capacity(size as usize + 1);
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(fail)?;
        let size = bytes.len() as u64;
        Self::parse(bytes, size, wanted).map_err(|fault| match fault {
            Fault::NeedMore => Error::input(path, "damaged DICOM file: it ends too early"),
            Fault::Broken(problem) => Error::input(path, format!("damaged DICOM file: {problem}")),
        })
    }

    /// Parses the first bytes of a file of `size` bytes.
    fn parse(bytes: Vec<u8>, size: u64, wanted: fn(Tag) -> bool) -> std::result::Result<Self, Fault> {
        if !is_dicom(&bytes) {
            return Err(Fault::Broken("no mark DICM after a preamble of 128 bytes".into()));
        }
        let total = size as usize - START;
        let (meta, length) = meta(&bytes[START..], total)?;
        let text = |element: u16| {
            let found = meta.iter().find(|e| e.tag == Tag(2, element))?;
            let text = String::from_utf8_lossy(&bytes[START..][found.value.clone()]);
            Some(text.trim_end_matches(['\0', ' ']).to_string())
        };
        let syntax =
            syntax::of(&text(0x10).ok_or_else(|| Fault::Broken("no transfer syntax in its meta group".into()))?);
        let (class, instance, preamble) = (text(2).unwrap_or_default(), text(3).unwrap_or_default(), polyglot(&bytes));
        let (data, offset, total) = data_set(bytes, size, START + length, syntax.deflated)?;
        let scan = scan(&data[offset..], total, syntax.encoding, wanted)?;
        Ok(Self { data, offset, scan, syntax, class, instance, preamble })
    }

    /// Reads the `wanted` elements with `dicom-object`, which gets no other bytes.
    ///
    /// # Errors
    /// A message, when an element cannot be read.
    pub(super) fn object(&self, wanted: fn(Tag) -> bool) -> std::result::Result<InMemDicomObject, String> {
        let mut bytes = Vec::new();
        let data = &self.data[self.offset..];
        for element in self.scan.elements.iter().filter(|element| wanted(element.tag)) {
            match retyped(element, self.syntax.encoding) {
                Some(header) => {
                    bytes.extend(header);
                    bytes.extend_from_slice(&data[element.value.clone()]);
                }
                None => bytes.extend_from_slice(&data[element.whole.clone()]),
            }
        }
        let syntax = syntax::dataset(self.syntax.encoding);
        InMemDicomObject::read_dataset_with_ts(&bytes[..], &syntax)
            .map_err(|error| format!("damaged DICOM file: {error}"))
    }

    /// Number of bytes of the stored pixels, and whether they are compressed. `None` without pixels.
    pub(super) fn stored(&self) -> Option<(usize, bool)> {
        match self.scan.pixels.as_ref()? {
            Pixels::Native(range) => Some((range.len(), false)),
            Pixels::Fragments { fragments, .. } => Some((fragments.iter().map(ExactSizeIterator::len).sum(), true)),
        }
    }

    /// The stored pixels, native or in fragments; the whole file must have been read.
    pub(super) fn pixels(&self) -> Option<PixelBytes<'_>> {
        let bytes = |range: &std::ops::Range<usize>| self.data[self.offset..].get(range.clone());
        match self.scan.pixels.as_ref()? {
            Pixels::Native(range) => bytes(range).map(PixelBytes::Native),
            Pixels::Fragments { table, fragments } => {
                let fragments = fragments.iter().map(bytes).collect::<Option<Vec<_>>>()?;
                Some(PixelBytes::Fragments { table: bytes(table)?, fragments })
            }
        }
    }
}

/// Bytes of the pixels as they are stored in the file.
#[derive(Debug)]
pub(super) enum PixelBytes<'a> {
    Native(&'a [u8]),
    Fragments { table: &'a [u8], fragments: Vec<&'a [u8]> },
}

impl<'a> PixelBytes<'a> {
    /// The compressed bytes of one of `frames` frames: all fragments of a single frame, one fragment per frame, or
    /// those that the table of offsets gives (PS3.5 A.4).
    pub(super) fn frame(&self, frame: usize, frames: usize) -> std::result::Result<Cow<'a, [u8]>, String> {
        let Self::Fragments { table, fragments } = self else { return Err("its pixels are not compressed".into()) };
        if fragments.len() == frames {
            return fragments
                .get(frame)
                .map(|fragment| Cow::Borrowed(*fragment))
                .ok_or_else(|| format!("it has no frame {frame}"));
        }
        if frames == 1 {
            return Ok(Cow::Owned(fragments.concat()));
        }
        let offsets: Vec<usize> =
            table.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes) as usize).collect();
        if offsets.len() != frames {
            return Err(format!(
                "{} fragments for {frames} frames, and no table of offsets that tells them apart",
                fragments.len()
            ));
        }
        let end = offsets.get(frame + 1).copied().unwrap_or(usize::MAX);
        Ok(Cow::Owned(between(fragments, offsets[frame]..end)))
    }
}

/// The fragments whose offsets are in `places`, joined; an offset counts the fragments before it with their headers.
fn between(fragments: &[&[u8]], places: std::ops::Range<usize>) -> Vec<u8> {
    let starts =
        fragments.iter().scan(0, |start, fragment| Some(std::mem::replace(start, *start + fragment.len() + 8)));
    let inside = starts.zip(fragments).filter(|(start, _)| places.contains(start));
    inside.map(|(_, fragment)| *fragment).collect::<Vec<_>>().concat()
}

/// A header with the value representation (VR) of the dictionary, for an element that was written with the VR UN
/// although its VR is known.
fn retyped(element: &Element, encoding: Encoding) -> Option<Vec<u8>> {
    let (vr, length) = (prescan::type_of(element.tag), element.value.len());
    let fits = length.is_multiple_of(prescan::unit(vr) as usize) && prescan::has_short_length(vr);
    if element.vr != VR::UN || encoding != Encoding::ExplicitLittle || !fits || element.whole.end != element.value.end {
        return None;
    }
    let tag = [element.tag.0.to_le_bytes(), element.tag.1.to_le_bytes()].concat();
    Some([&tag[..], &vr.to_bytes(), &u16::try_from(length).ok()?.to_le_bytes()].concat())
}

/// The bytes with the data set that begins at `start` of a file of `size` bytes, decompressed if it is deflated; its
/// place in them and its length.
fn data_set(
    bytes: Vec<u8>,
    size: u64,
    start: usize,
    deflated: bool,
) -> std::result::Result<(Vec<u8>, usize, usize), Fault> {
    if !deflated {
        return Ok((bytes, start, size as usize - start));
    }
    if (bytes.len() as u64) < size {
        return Err(Fault::NeedMore);
    }
    let data = inflate(&bytes[start..])?;
    let total = data.len();
    Ok((data, 0, total))
}

/// The elements of group 2, which end where another group begins (whatever its group length says), and their total
/// number of bytes.
fn meta(data: &[u8], total: usize) -> std::result::Result<(Vec<Element>, usize), Fault> {
    let mut end = 0;
    let mut elements = Vec::new();
    loop {
        let next = &data[end..];
        if next.len() < 2 {
            return if data.len() < total { Err(Fault::NeedMore) } else { Ok((elements, end)) };
        }
        if next[..2] != [2, 0] {
            return Ok((elements, end));
        }
        let mut element = prescan::one(next, total - end)?;
        let length = element.whole.end;
        element.value = element.value.start + end..element.value.end + end;
        if element.value.end > data.len() {
            return Err(Fault::NeedMore);
        }
        end += length;
        elements.push(element);
    }
}

/// Decompresses a deflated data set (PS3.5 A.5), up to a limit of its size.
fn inflate(bytes: &[u8]) -> std::result::Result<Vec<u8>, Fault> {
    let mut data = Vec::new();
    let read = DeflateDecoder::new(bytes).take(MAX_INFLATED + 1).read_to_end(&mut data);
    read.map_err(|error| Fault::Broken(format!("its deflated data set is damaged: {error}")))?;
    if data.len() as u64 > MAX_INFLATED {
        return Err(Fault::Broken(format!("its deflated data set is larger than {MAX_INFLATED} bytes")));
    }
    Ok(data)
}

/// The other type of file, such as a program, that the preamble begins (CVE-2019-11687).
fn polyglot(bytes: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 4] =
        [(b"MZ", "a Windows program"), (b"\x7fELF", "a program"), (b"#!", "a script"), (b"%PDF", "a PDF document")];
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, name)| *name)
}
