//! Converts the pixels of a frame to Hounsfield values with the slice's own rescaling. Windows (VOI) are never applied.

use super::codestream;
use super::file::{DicomFile, PixelBytes};
use super::header::{Frame, PixelLayout};
use super::jpeg_ls;
use super::prescan::Encoding;
use super::syntax::{self, Syntax};
use dicom_core::value::{PixelFragmentSequence, PrimitiveValue};
use dicom_core::{DataElement, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use dicom_pixeldata::PixelDecoder;
use std::borrow::Cow;

/// Writes the values of frame `index` of a file into `out`, one per pixel, row by row.
///
/// # Errors
/// A message, for pixels that are missing, damaged, or compressed in an unsupported way.
pub(super) fn decode(
    file: &DicomFile,
    layout: PixelLayout,
    index: usize,
    frame: &Frame,
    out: &mut [f32],
) -> Result<(), String> {
    let pixels = file.pixels().ok_or("it has no pixels")?;
    let mut layout = layout;
    let bytes = match &pixels {
        PixelBytes::Native(bytes) => Cow::Borrowed(native(bytes, layout, index)?),
        PixelBytes::Fragments { .. } if !file.syntax.decodable => return Err(unsupported(&file.syntax)),
        PixelBytes::Fragments { .. } => {
            let compressed = pixels.frame(index, layout.frames)?;
            layout = codestream::check(&file.syntax.uid, &compressed, layout)?;
            Cow::Owned(decompress(file, layout, compressed.into_owned())?)
        }
    };
    rescale(&bytes, layout, file.syntax.encoding == Encoding::ExplicitBig, frame, out);
    Ok(())
}

/// The bytes of frame `index` among those of all frames.
fn native(bytes: &[u8], layout: PixelLayout, index: usize) -> Result<&[u8], String> {
    let start = index * layout.bytes();
    let frame = bytes.get(start..start + layout.bytes()).filter(|_| layout.holds(bytes, layout.frames));
    frame.ok_or_else(|| problem(&layout, bytes.len()))
}

fn unsupported(syntax: &Syntax) -> String {
    format!(
        "its pixels are compressed as {} ({}), which is not read here; decompress them first, for instance with \
         gdcmconv --raw",
        syntax.name, syntax.uid
    )
}

fn problem(layout: &PixelLayout, found: usize) -> String {
    let PixelLayout { rows, columns, frames, .. } = layout;
    let expected = layout.bytes() * frames;
    format!("{frames} frames of {rows} x {columns} are {expected} bytes of pixels, got {found}")
}

/// Decompresses one frame with the decoder of its transfer syntax.
fn decompress(file: &DicomFile, layout: PixelLayout, frame: Vec<u8>) -> Result<Vec<u8>, String> {
    let syntax = &file.syntax;
    let damaged = |why: String| format!("its pixels ({}) cannot be decompressed: {why}", syntax.name);
    // Third-party decoders get untrusted bytes: if one panics in spite of the checks, the file is reported as damaged.
    let decoded = std::panic::catch_unwind(|| {
        if syntax::is_jpeg_ls(&syntax.uid) {
            return jpeg_ls::decode(&frame).map_err(str::to_string);
        }
        registered(&syntax.uid, layout, frame)
    })
    .map_err(|_| damaged("the decoder failed".into()))?
    .map_err(damaged)?;
    if !layout.holds(&decoded, 1) {
        return Err(damaged(format!("expected {} bytes, got {}", layout.bytes(), decoded.len())));
    }
    Ok(decoded)
}

/// Decompresses one frame with the registry's decoder, which gets an object that is built here from checked values
/// only.
fn registered(uid: &str, layout: PixelLayout, frame: Vec<u8>) -> Result<Vec<u8>, String> {
    let number = |tag: Tag, value: usize| DataElement::new(tag, VR::US, PrimitiveValue::from(value as u16));
    let mut object = InMemDicomObject::from_element_iter([
        number(tags::SAMPLES_PER_PIXEL, 1),
        DataElement::new(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, PrimitiveValue::from("MONOCHROME2")),
        DataElement::new(tags::NUMBER_OF_FRAMES, VR::IS, PrimitiveValue::from("1")),
        number(tags::ROWS, layout.rows),
        number(tags::COLUMNS, layout.columns),
        number(tags::BITS_ALLOCATED, layout.bits_allocated as usize),
        number(tags::BITS_STORED, layout.bits_stored as usize),
        number(tags::HIGH_BIT, layout.high_bit as usize),
        number(tags::PIXEL_REPRESENTATION, usize::from(layout.signed)),
    ]);
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, PixelFragmentSequence::new_fragments(vec![frame])));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uid)
        .media_storage_sop_class_uid("1.2")
        .media_storage_sop_instance_uid("1.2");
    let object = object.with_exact_meta(meta.build().map_err(|error| error.to_string())?);
    let decoded = object.decode_pixel_data_frame(0).map_err(|error| error.to_string())?;
    Ok(decoded.into_data())
}

/// Converts stored numbers (PS3.5 8.1.1: `bits_stored` bits up to `high_bit`, others ignored) to slope · stored +
/// intercept.
fn rescale(bytes: &[u8], layout: PixelLayout, big_endian: bool, frame: &Frame, out: &mut [f32]) {
    let (up, down) = (31 - layout.high_bit, 32 - layout.bits_stored);
    let value = |raw: u32| {
        let stored = if layout.signed { f64::from((raw << up) as i32 >> down) } else { f64::from(raw << up >> down) };
        (stored * frame.slope + frame.intercept) as f32
    };
    match (layout.bits_allocated, big_endian) {
        (8, _) => fill(bytes, out, |[byte]| value(byte.into())),
        (16, false) => fill(bytes, out, |raw| value(u16::from_le_bytes(raw).into())),
        (16, true) => fill(bytes, out, |raw| value(u16::from_be_bytes(raw).into())),
        (_, false) => fill(bytes, out, |raw| value(u32::from_le_bytes(raw))),
        (_, true) => fill(bytes, out, |raw| value(u32::from_be_bytes(raw))),
    }
}

fn fill<const N: usize>(bytes: &[u8], out: &mut [f32], value: impl Fn([u8; N]) -> f32) {
    out.iter_mut().zip(bytes.as_chunks::<N>().0).for_each(|(out, raw)| *out = value(*raw));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stored_bits_count() {
        let frame = Frame {
            position: [0.0; 3],
            along_row: [1.0, 0.0, 0.0],
            along_column: [0.0, 1.0, 0.0],
            spacing: [1.0; 2],
            slope: 2.0,
            intercept: -1000.0,
        };
        let layout = PixelLayout {
            rows: 1,
            columns: 2,
            frames: 1,
            bits_allocated: 16,
            bits_stored: 12,
            high_bit: 11,
            signed: true,
        };
        let value = |layout: PixelLayout, bytes: &[u8], big| {
            let mut out = vec![0.0; bytes.len() * 8 / layout.bits_allocated as usize];
            rescale(bytes, layout, big, &frame, &mut out);
            out
        };
        // 0x8fff: an overlay bit on top of the 12 bits of -1.
        assert_eq!(value(layout, &[0xff, 0x8f, 0x05, 0x00], false), [-1002.0, -990.0]);
        assert_eq!(value(PixelLayout { signed: false, ..layout }, &[0x8f, 0xff], true), [2.0 * 4095.0 - 1000.0]);
        assert_eq!(value(PixelLayout { bits_stored: 8, high_bit: 15, ..layout }, &[0x00, 0xff], false), [-1002.0]);
        let wide = PixelLayout { bits_allocated: 32, bits_stored: 32, high_bit: 31, ..layout };
        assert_eq!(value(wide, &(-7i32).to_le_bytes(), false), [-1014.0]);
        let bytes = PixelLayout { bits_allocated: 8, bits_stored: 8, high_bit: 7, signed: false, ..layout };
        assert_eq!(value(bytes, &[250], false), [-500.0]);
    }
}
