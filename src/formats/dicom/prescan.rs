//! Walks over the tags of a data set without allocating memory by declared lengths and without recursion.
//!
//! `dicom-object` 0.10.1 trusts declared lengths (a 468-byte file can cost 4 GB) and recurses (nesting of 10,000 aborts
//! the process). Every file is therefore walked here first, by rules that are the same or stricter, and `dicom-object`
//! then gets only the few elements that are wanted, each verified to be inside the file. Encoding: DICOM PS3.5 section
//! 7.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use std::ops::Range;

/// Deepest nesting of sequences and items.
const MAX_DEPTH: usize = 32;
/// Largest number of elements at the top level.
const MAX_ELEMENTS: usize = 1 << 16;
/// Largest number of fragments of compressed pixels.
const MAX_FRAGMENTS: usize = 1 << 20;
const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
pub(super) const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);

/// Encoding of the elements: implicit or explicit VR, and byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
}

/// Reason why a data set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The given bytes are only the beginning of the file and do not suffice.
    NeedMore,
    /// The data set breaks a rule of the format; holds a message.
    Broken(String),
}

/// An element at the top level of the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) tag: Tag,
    /// Value representation (VR) as written, or in implicit encoding that of the dictionary.
    pub(super) vr: VR,
    /// Header and value.
    pub(super) whole: Range<usize>,
    /// The value; for an undefined length without its closing delimiter.
    pub(super) value: Range<usize>,
}

/// The pixels of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pixels {
    /// Uncompressed values.
    Native(Range<usize>),
    /// Compressed values: the table of offsets, and the fragments.
    Fragments { table: Range<usize>, fragments: Vec<Range<usize>> },
}

/// The elements before the pixels, and the pixels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DataSetIndex {
    pub(super) elements: Vec<Element>,
    pub(super) pixels: Option<Pixels>,
}

/// Walks over a data set of `total` bytes of which `data` is the beginning, up to its pixels. Sequences of defined
/// length are entered only if `wanted`; others are skipped by their length and never parsed.
pub(super) fn scan(
    data: &[u8],
    total: usize,
    encoding: Encoding,
    wanted: fn(Tag) -> bool,
) -> Result<DataSetIndex, Fault> {
    let mut walk = Walk { data, total, position: 0 };
    let mut scan = DataSetIndex::default();
    while walk.position < total {
        let start = walk.position;
        let header = walk.header(encoding)?;
        if header.tag == PIXEL_DATA {
            scan.pixels = Some(walk.pixels(&header)?);
            break;
        }
        let value = walk.value_or_sequence(&header, encoding, wanted(header.tag))?;
        if scan.elements.len() == MAX_ELEMENTS {
            return broken(format!("more than {MAX_ELEMENTS} elements"));
        }
        scan.elements.push(Element { tag: header.tag, vr: header.vr, whole: start..walk.position, value });
    }
    Ok(scan)
}

/// Parses one element that is not a sequence, in explicit VR little endian, at the start of `data`, which is the
/// beginning of `total` bytes.
pub(super) fn one(data: &[u8], total: usize) -> Result<Element, Fault> {
    let mut walk = Walk { data, total, position: 0 };
    let header = walk.header(Encoding::ExplicitLittle)?;
    let value = walk.value(&header, false)?;
    Ok(Element { tag: header.tag, vr: header.vr, whole: 0..walk.position, value })
}

fn broken<T>(problem: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Broken(problem.into()))
}

struct Header {
    tag: Tag,
    vr: VR,
    length: u32,
}

/// An open sequence or item.
struct Level {
    is_item: bool,
    end: Option<usize>,
    encoding: Encoding,
}

struct Walk<'a> {
    data: &'a [u8],
    total: usize,
    position: usize,
}

impl Walk<'_> {
    /// The next `N` bytes.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        if self.total - self.position < N {
            return broken("the file ends inside an element's header");
        }
        let bytes = self
            .data
            .get(self.position..self.position + N)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Fault::NeedMore)?;
        self.position += N;
        Ok(bytes)
    }

    fn header(&mut self, encoding: Encoding) -> Result<Header, Fault> {
        let big = encoding == Encoding::ExplicitBig;
        let short = |bytes: [u8; 2]| if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        let long = |bytes: [u8; 4]| if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let tag = Tag(short(self.take()?), short(self.take()?));
        if tag.0 == ITEM.0 {
            return Ok(Header { tag, vr: VR::UN, length: long(self.take()?) });
        }
        if encoding == Encoding::ImplicitLittle {
            let vr = type_of(tag);
            return Ok(Header { tag, vr, length: long(self.take()?) });
        }
        let vr = VR::from_binary(self.take()?).unwrap_or(VR::UN);
        let length = if has_short_length(vr) {
            u32::from(short(self.take()?))
        } else {
            let _reserved: [u8; 2] = self.take()?;
            long(self.take()?)
        };
        Ok(Header { tag, vr, length })
    }

    /// Skips `length` bytes and returns their range.
    fn skip(&mut self, tag: Tag, length: u32) -> Result<Range<usize>, Fault> {
        let left = self.total - self.position;
        if length as usize > left {
            return broken(format!("element {tag} declares {length} bytes, {left} are left; is the file complete?"));
        }
        let start = self.position;
        self.position += length as usize;
        Ok(start..self.position)
    }

    /// Skips a value that is not a sequence. In a `wanted` element, a length that is not a multiple of the VR's unit is
    /// refused, since `dicom-object` would lose its position.
    fn value(&mut self, header: &Header, wanted: bool) -> Result<Range<usize>, Fault> {
        if wanted && !header.length.is_multiple_of(unit(header.vr)) {
            return broken(format!(
                "element {} of type {} declares {} bytes",
                header.tag,
                header.vr.to_string(),
                header.length
            ));
        }
        self.skip(header.tag, header.length)
    }

    /// Walks over a sequence of undefined length or a `wanted` one, and skips any other value.
    fn value_or_sequence(&mut self, header: &Header, encoding: Encoding, wanted: bool) -> Result<Range<usize>, Fault> {
        if header.length == UNDEFINED || (wanted && header.vr == VR::SQ) {
            self.sequence(header, encoding, wanted)
        } else {
            self.value(header, wanted)
        }
    }

    /// Walks over a sequence, whose header was read, and returns the range of its value. In a `wanted` sequence,
    /// elements that `dicom-object` could misread are refused.
    fn sequence(&mut self, header: &Header, encoding: Encoding, wanted: bool) -> Result<Range<usize>, Fault> {
        let start = self.position;
        let mut levels = vec![self.open(header, false, encoding, self.total)?];
        let mut end = start;
        while let Some(level) = levels.last() {
            if let Some(limit) = level.end
                && self.position >= limit
            {
                if self.position > limit {
                    return broken(format!("an item of sequence {} is longer than declared", header.tag));
                }
                levels.pop();
                end = self.position;
                continue;
            }
            let (is_item, encoding, limit) = (level.is_item, level.encoding, level.end.unwrap_or(self.total));
            let before = self.position;
            let next = self.header(encoding)?;
            match next.tag {
                ITEM if !is_item => levels.push(self.open(&next, true, encoding, limit)?),
                ITEM_END if is_item && level_is_open(&levels) => {
                    levels.pop();
                }
                SEQUENCE_END if !is_item && level_is_open(&levels) => {
                    levels.pop();
                    end = before;
                }
                tag if tag.0 == ITEM.0 || !is_item => {
                    return broken(format!("unexpected {tag} in sequence {}", header.tag));
                }
                _ if next.length == UNDEFINED && wanted && next.vr != VR::SQ => {
                    return broken(format!("element {} of undefined length in sequence {}", next.tag, header.tag));
                }
                // The compressed pixels of an icon.
                PIXEL_DATA if next.length == UNDEFINED => {
                    self.pixels(&next)?;
                }
                _ if next.length == UNDEFINED || (wanted && next.vr == VR::SQ) => {
                    levels.push(self.open(&next, false, encoding, limit)?);
                }
                _ => {
                    self.value(&next, wanted)?;
                }
            }
            if levels.len() > MAX_DEPTH {
                return broken(format!("sequences nested deeper than {MAX_DEPTH}"));
            }
        }
        Ok(start..end)
    }

    fn open(&self, header: &Header, is_item: bool, encoding: Encoding, limit: usize) -> Result<Level, Fault> {
        let end = match header.length {
            UNDEFINED => None,
            length if length as usize > limit.saturating_sub(self.position) => {
                let left = limit.saturating_sub(self.position);
                return broken(format!(
                    "{} declares {length} bytes, {left} are left; is the file complete?",
                    header.tag
                ));
            }
            length => Some(self.position + length as usize),
        };
        // PS3.5 6.2.2: an UN element of undefined length holds a sequence in implicit VR little endian.
        let implicit =
            !is_item && header.vr == VR::UN && header.length == UNDEFINED && encoding == Encoding::ExplicitLittle;
        Ok(Level { is_item, end, encoding: if implicit { Encoding::ImplicitLittle } else { encoding } })
    }

    /// Pixel data; compressed pixels are items of defined length up to a delimiter (PS3.5 A.4).
    fn pixels(&mut self, header: &Header) -> Result<Pixels, Fault> {
        if header.length != UNDEFINED {
            return self.skip(header.tag, header.length).map(Pixels::Native);
        }
        let mut items = Vec::new();
        loop {
            let item = self.header(Encoding::ExplicitLittle)?;
            match item.tag {
                ITEM if item.length != UNDEFINED => items.push(self.skip(ITEM, item.length)?),
                SEQUENCE_END => break,
                tag => return broken(format!("unexpected {tag} in compressed pixel data")),
            }
            if items.len() > MAX_FRAGMENTS {
                return broken(format!("more than {MAX_FRAGMENTS} fragments of pixel data"));
            }
        }
        if items.is_empty() {
            return broken("compressed pixel data without items");
        }
        let table = items.remove(0);
        Ok(Pixels::Fragments { table, fragments: items })
    }
}

/// The VR that the standard's dictionary gives for a tag; UN for an unknown tag.
pub(super) fn type_of(tag: Tag) -> VR {
    StandardDataDictionary.by_tag(tag).map_or(VR::UN, |entry| entry.vr().relaxed())
}

/// Whether the innermost level ends at a delimiter, not at a declared length.
fn level_is_open(levels: &[Level]) -> bool {
    levels.last().is_some_and(|level| level.end.is_none())
}

/// Whether the explicit length of a VR has 16 bits (PS3.5 7.1.2); all others, also unknown ones, have 32.
pub(super) fn has_short_length(vr: VR) -> bool {
    use VR::{AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, PN, SH, SL, SS, ST, TM, UI, UL, US};
    matches!(vr, AE | AS | AT | CS | DA | DS | DT | FD | FL | IS | LO | LT | PN | SH | SL | SS | ST | TM | UI | UL | US)
}

/// Bytes of one value of a binary VR; 1 for the others.
pub(super) fn unit(vr: VR) -> u32 {
    match vr {
        VR::US | VR::SS | VR::OW => 2,
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL | VR::AT => 4,
        VR::FD | VR::OD | VR::UV | VR::SV | VR::OV => 8,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: (u16, u16), vr: &str, value: &[u8]) -> Vec<u8> {
        let length = (value.len() as u16).to_le_bytes();
        [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr.as_bytes(), &length, value].concat()
    }

    fn item(tag: Tag, length: u32) -> Vec<u8> {
        [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), &length.to_le_bytes()].concat()
    }

    fn open_sequence(tag: (u16, u16)) -> Vec<u8> {
        [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), b"SQ\0\0", &UNDEFINED.to_le_bytes()].concat()
    }

    fn explicit(data: &[u8]) -> Result<DataSetIndex, Fault> {
        scan(data, data.len(), Encoding::ExplicitLittle, |_| true)
    }

    #[test]
    fn elements_and_sequences_are_found_by_place() {
        let sequence = [
            open_sequence((8, 0x1140)),
            item(ITEM, UNDEFINED),
            element((8, 0x1150), "UI", b"1.2\0"),
            item(ITEM_END, 0),
            item(SEQUENCE_END, 0),
        ]
        .concat();
        let data = [element((8, 0x60), "CS", b"CT"), sequence.clone(), element((0x28, 0x10), "US", &[2, 0])].concat();
        let found = explicit(&data).unwrap();
        let tags: Vec<_> = found.elements.iter().map(|e| (e.tag.0, e.tag.1)).collect();
        assert_eq!(tags, [(8, 0x60), (8, 0x1140), (0x28, 0x10)]);
        assert_eq!(found.elements[1].whole, 10..10 + sequence.len());
        assert_eq!(&data[found.elements[2].value.clone()], [2, 0]);
    }

    #[test]
    fn lying_lengths_and_missing_ends_are_named() {
        let lie = [&[0x10, 0, 0x10, 0][..], b"OB\0\0", &0xFFFF_FFF0u32.to_le_bytes(), b"abcd"].concat();
        assert!(
            matches!(explicit(&lie), Err(Fault::Broken(text)) if text.contains("declares 4294967280 bytes, 4 are left"))
        );
        let open = [open_sequence((8, 0x1140)), item(ITEM, UNDEFINED)].concat();
        assert!(matches!(explicit(&open), Err(Fault::Broken(_))));
        let long_item = [open_sequence((8, 0x1140)), item(ITEM, 100)].concat();
        assert!(matches!(explicit(&long_item), Err(Fault::Broken(_))));
        let odd = element((0x28, 0x10), "US", &[2, 0, 0]);
        assert!(matches!(explicit(&odd), Err(Fault::Broken(_))));
    }

    #[test]
    fn deep_nesting_is_refused_without_recursion() {
        let level = [open_sequence((8, 0x1140)), item(ITEM, UNDEFINED)].concat();
        assert!(matches!(explicit(&level.repeat(100_000)), Err(Fault::Broken(text)) if text.contains("nested deeper")));
    }

    #[test]
    fn a_beginning_is_told_from_a_broken_end() {
        let data = [element((8, 0x60), "CS", b"CT"), element((0x28, 0x10), "US", &[2, 0])].concat();
        assert_eq!(scan(&data[..14], data.len(), Encoding::ExplicitLittle, |_| true), Err(Fault::NeedMore));
        assert!(matches!(explicit(&data[..14]), Err(Fault::Broken(_))));
    }
}
