//! Checks compressed pixels before they are decoded: their headers must agree with that of the image.
//!
//! The decoders size their buffers by the codestream and copy into one sized by the image (`dicom-pixeldata` 0.10.1
//! panics when they differ).

use super::header::PixelLayout;
use flate2::read::DeflateDecoder;
use std::io::Read;

const RLE: &str = "1.2.840.10008.1.2.5";
/// Marker at the start of a tile-part.
const SOT: u16 = 0xff90;
const DEFLATED_FRAME: &str = "1.2.840.10008.1.2.8.1";

/// Properties that the header of a codestream declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Declared {
    rows: u32,
    columns: u32,
    components: u32,
    bits: u32,
    /// Whether samples are signed, where the codestream tells.
    signed: Option<bool>,
    /// Number of tiles that a JPEG 2000 codestream declares but does not contain.
    tiles_lacking: u64,
}

/// Checks one compressed frame, and returns the layout of its decoded samples. This is the layout of the image, except
/// for signed numbers in an unsigned JPEG 2000 codestream: their sign is the highest bit of the codestream's samples.
///
/// # Errors
/// A message, when the frame contradicts the image.
pub(super) fn check(syntax: &str, bytes: &[u8], layout: PixelLayout) -> Result<PixelLayout, String> {
    let families = ["1.2.840.10008.1.2.4.5", "1.2.840.10008.1.2.4.7", "1.2.840.10008.1.2.4.8"];
    let is_jpeg = families.iter().any(|family| syntax.starts_with(family));
    let declared = match syntax {
        RLE => return check_rle(bytes, layout).map(|()| layout),
        DEFLATED_FRAME => return check_deflated(bytes, layout).map(|()| layout),
        _ if is_jpeg => jpeg(bytes),
        _ if syntax.starts_with("1.2.840.10008.1.2.4.9") || syntax.starts_with("1.2.840.10008.1.2.4.20") => {
            jpeg2000(bytes)
        }
        _ => return Ok(layout),
    };
    let found = declared.ok_or("its compressed pixels have no header")?;
    if (found.rows as usize, found.columns as usize, found.components) != (layout.rows, layout.columns, 1) {
        return Err(format!(
            "its compressed pixels are {} x {} with {} components, the image is {} x {} with 1",
            found.rows, found.columns, found.components, layout.rows, layout.columns
        ));
    }
    // The decoder fills missing tiles with a constant, without an error.
    if found.tiles_lacking > 0 {
        return Err(format!("its compressed pixels lack {} tiles", found.tiles_lacking));
    }
    // The JPEG decoder writes one byte per sample up to 8 bits, and two above.
    let fits = (1..=layout.bits_allocated).contains(&found.bits) && layout.bits_allocated <= 16;
    if !fits || (is_jpeg && (found.bits <= 8) != (layout.bits_allocated == 8)) {
        return Err(format!(
            "its compressed pixels have {} bits, the image allocates {}",
            found.bits, layout.bits_allocated
        ));
    }
    if layout.signed && found.signed == Some(false) {
        return Ok(PixelLayout { bits_stored: found.bits, high_bit: found.bits - 1, ..layout });
    }
    Ok(layout)
}

/// Reads the size segment of a JPEG 2000 codestream (ISO 15444-1 A.5.1), which may be inside a JP2 file.
fn jpeg2000(bytes: &[u8]) -> Option<Declared> {
    let start = bytes.windows(4).position(|mark| mark == [0xff, 0x4f, 0xff, 0x51])?;
    let size = bytes.get(start + 8..start + 8 + 37)?;
    let long = |at: usize| u32::from_be_bytes([size[at], size[at + 1], size[at + 2], size[at + 3]]);
    let [width, height, left, top, tile_width, tile_height, tiles_left, tiles_top] =
        [0, 4, 8, 12, 16, 20, 24, 28].map(long);
    let components = u32::from(u16::from_be_bytes([size[32], size[33]]));
    let across = width.checked_sub(tiles_left)?.div_ceil(tile_width.max(1));
    let down = height.checked_sub(tiles_top)?.div_ceil(tile_height.max(1));
    let tiles = u64::from(across) * u64::from(down);
    if tile_width == 0 || tile_height == 0 || tiles > 65535 || size[35] != 1 || size[36] != 1 {
        return None;
    }
    Some(Declared {
        rows: height.checked_sub(top)?,
        columns: width.checked_sub(left)?,
        components,
        bits: u32::from(size[34] & 0x7f) + 1,
        signed: Some(size[34] & 0x80 != 0),
        tiles_lacking: tiles.saturating_sub(tiles_present(&bytes[start..]) as u64),
    })
}

/// Number of different tiles in a codestream: each tile-part begins with a marker, the index of its tile and its length
/// (ISO 15444-1 A.4.2). The tile-parts follow the main header, whose segments have lengths.
fn tiles_present(stream: &[u8]) -> usize {
    let short = |at: usize| stream.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let mut at = 2;
    while let (Some(mark), Some(length)) = (short(at), short(at + 2)) {
        if mark == SOT {
            break;
        }
        at += 2 + usize::from(length);
    }
    let mut found = std::collections::HashSet::new();
    while short(at) == Some(SOT) {
        let (Some(tile), Some(length)) = (short(at + 4), stream.get(at + 6..at + 10)) else { break };
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        found.insert(tile);
        // The last tile-part may leave its length out.
        if length < 14 || at + length > stream.len() {
            break;
        }
        at += length;
    }
    found.len()
}

/// Reads the frame header of a JPEG stream (ITU-T T.81 B.2.2), found by walking over its marker segments.
fn jpeg(bytes: &[u8]) -> Option<Declared> {
    let mut at = 2;
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    loop {
        let &[0xff, marker, high, low] = bytes.get(at..at + 4)? else { return None };
        match marker {
            0xff => at += 1,
            // Frame headers: C0 to CF except tables (C4, CC) and the reserved marker C8; F7 of JPEG-LS (T.87 C.2.2).
            0xc0..=0xcf | 0xf7 if ![0xc4, 0xc8, 0xcc].contains(&marker) => {
                return Some(jpeg_frame(bytes.get(at + 4..at + 10)?));
            }
            0xd8..=0xda => return None,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
}

/// Reads the first bytes of a JPEG frame header behind its marker and its length.
fn jpeg_frame(frame: &[u8]) -> Declared {
    let short = |k: usize| u32::from(u16::from_be_bytes([frame[k], frame[k + 1]]));
    Declared {
        rows: short(1),
        columns: short(3),
        components: u32::from(frame[5]),
        bits: u32::from(frame[0]),
        signed: None,
        tiles_lacking: 0,
    }
}

/// Checks the header and the lengths of a run-length frame (PS3.5 annex G): one segment per byte of a pixel, each with
/// as many bytes as the image has pixels.
fn check_rle(bytes: &[u8], layout: PixelLayout) -> Result<(), String> {
    let long = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
    let segments = layout.bits_allocated as usize / 8;
    if bytes.len() < 64 || long(0) != Some(segments) {
        return Err(format!("its run-length pixels have {} segments, expected {segments}", long(0).unwrap_or(0)));
    }
    let offsets: Vec<usize> = (1..=segments).filter_map(|k| long(4 * k)).chain([bytes.len()]).collect();
    for pair in offsets.windows(2) {
        let segment = bytes
            .get(pair[0]..pair[1])
            .filter(|_| pair[0] >= 64)
            .ok_or("its run-length pixels have invalid segment offsets")?;
        let pixels = unpacked(segment).unwrap_or(0);
        if !(layout.pixels()..layout.pixels() + layout.columns.max(2)).contains(&pixels) {
            let expected = layout.pixels();
            return Err(if pixels < expected {
                format!("its run-length pixels end before {expected} pixels")
            } else {
                format!("its run-length pixels are {pixels}, the image has {expected}")
            });
        }
    }
    Ok(())
}

/// Checks that a deflated frame has the size of the image, with at most one byte of padding.
fn check_deflated(bytes: &[u8], layout: PixelLayout) -> Result<(), String> {
    let expected = layout.bytes() as u64;
    // An odd frame has one byte of padding.
    let found = std::io::copy(&mut DeflateDecoder::new(bytes).take(expected + 2), &mut std::io::sink());
    match found {
        Ok(found) if (expected..expected + 2).contains(&found) => Ok(()),
        Ok(found) => Err(format!("its deflated pixels give {found} bytes or more, expected {expected}")),
        Err(error) => Err(format!("its deflated pixels are damaged: {error}")),
    }
}

/// Number of bytes that a run-length segment unpacks to; `None` if it ends inside a run. One padding byte may follow.
fn unpacked(segment: &[u8]) -> Option<usize> {
    let (mut at, mut count) = (0, 0);
    while let Some(&head) = segment.get(at) {
        let head = head as i8;
        let (length, used) = match head {
            0.. => (head as usize + 1, head as usize + 2),
            -128 => (0, 1),
            _ => (1 + usize::from(head.unsigned_abs()), 2),
        };
        if at + used > segment.len() {
            return if at + 1 == segment.len() { Some(count) } else { None };
        }
        at += used;
        count += length;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: PixelLayout =
        PixelLayout { rows: 1, columns: 3, frames: 1, bits_allocated: 8, bits_stored: 8, high_bit: 7, signed: false };

    #[test]
    fn run_lengths_are_counted_before_they_are_trusted() {
        let frame = |segment: &[u8]| [&[1, 0, 0, 0, 64, 0, 0, 0][..], &[0; 56], segment].concat();
        assert_eq!(check_rle(&frame(&[2, 7, 7, 7]), LAYOUT), Ok(()));
        assert_eq!(check_rle(&frame(&[0xfe, 7, 0]), LAYOUT), Ok(()));
        assert!(check_rle(&frame(&[1, 7, 7]), LAYOUT).is_err());
        assert!(check_rle(&frame(&[9, 7, 7]), LAYOUT).is_err());
        assert!(check_rle(&[0xff; 80], LAYOUT).is_err());
        assert!(check_rle(&[], LAYOUT).is_err());
    }

    #[test]
    fn sizes_of_codestreams_are_found() {
        let jpeg_bytes = [0xff, 0xd8, 0xff, 0xc4, 0, 3, 9, 0xff, 0xc3, 0, 11, 16, 2, 0, 1, 0, 1, 1, 0x11, 0];
        assert_eq!(
            jpeg(&jpeg_bytes),
            Some(Declared { rows: 512, columns: 256, components: 1, bits: 16, signed: None, tiles_lacking: 0 })
        );
        assert!((0..jpeg_bytes.len()).all(|n| jpeg(&jpeg_bytes[..n]).is_none() || n >= 17));
        assert!(check("1.2.840.10008.1.2.4.70", &jpeg_bytes, LAYOUT).is_err());
        assert_eq!(jpeg2000(&[0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0]), None);
    }
}
