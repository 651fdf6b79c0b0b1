//! PNG: pictures with opacity, and animations (APNG) that browsers show.

use super::admit;
use crate::data::Picture;
use crate::error::{Error, Result};
use crate::formats::atomic;
use std::io::{BufRead, Seek};
use std::path::Path;

type Pixels = ([usize; 2], Vec<[f32; 4]>);

/// Decodes a PNG file of any kind: its size [rows, columns], and red, green, blue and opacity of each pixel, 0 to 1.
pub(super) fn decode(reader: impl BufRead + Seek) -> std::result::Result<Pixels, String> {
    let not = |error: png::DecodingError| format!("damaged PNG: {error}");
    let mut decoder = png::Decoder::new(reader);
    // Palettes become colours, 16 bits become 8.
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(not)?;
    let (rows, columns) = (reader.info().height as usize, reader.info().width as usize);
    admit(rows, columns)?;
    let size = reader.output_buffer_size().ok_or("too large")?;
    let mut bytes = vec![0u8; size];
    let frame = reader.next_frame(&mut bytes).map_err(not)?;
    let channels = frame.color_type.samples();
    let unit = |byte: u8| f32::from(byte) / 255.0;
    let pixel = |values: &[u8]| match *values {
        [grey] => [unit(grey), unit(grey), unit(grey), 1.0],
        [grey, alpha] => [unit(grey), unit(grey), unit(grey), unit(alpha)],
        [r, g, b] => [unit(r), unit(g), unit(b), 1.0],
        [r, g, b, alpha, ..] => [unit(r), unit(g), unit(b), unit(alpha)],
        [] => [0.0; 4],
    };
    let used = bytes.get(..frame.buffer_size()).unwrap_or(&bytes);
    Ok(([rows, columns], used.chunks_exact(channels).map(pixel).collect()))
}

/// 8-bit red, green, blue and opacity of each pixel.
fn bytes(picture: &Picture) -> Vec<u8> {
    picture.rgba.iter().flatten().map(|value| (value * 255.0).round() as u8).collect()
}

/// Encodes a picture as a PNG file (8-bit RGBA).
#[must_use]
pub fn encode(picture: &Picture) -> Vec<u8> {
    // Encoding cannot fail: writing to memory succeeds, and the number of bytes fits the number of pixels.
    encoded(&[picture], 0).unwrap_or_default()
}

fn encoded(frames: &[&Picture], milliseconds: u16) -> std::result::Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let [rows, columns] = frames.first().map_or([1, 1], |frame| frame.pixels);
    let mut encoder = png::Encoder::new(&mut out, columns as u32, rows as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    if frames.len() > 1 {
        encoder.set_animated(frames.len() as u32, 0)?;
        encoder.set_frame_delay(milliseconds, 1000)?;
    }
    let mut writer = encoder.write_header()?;
    frames.iter().try_for_each(|frame| writer.write_image_data(&bytes(frame)))?;
    writer.finish()?;
    Ok(out)
}

/// Writes a PNG file (8-bit RGBA).
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, picture: &Picture) -> Result<()> {
    atomic::write(path, &encode(picture))
}

/// Writes pictures of one size as an animation (APNG) that repeats for ever and shows each for `milliseconds`.
///
/// # Errors
/// No picture; pictures of several sizes; a file that cannot be written.
pub fn write_animation(path: &Path, frames: &[&Picture], milliseconds: u16) -> Result<()> {
    if frames.is_empty() || frames.iter().any(|frame| frame.pixels != frames[0].pixels) {
        return Err(Error::input(path, "expected at least one picture, all of one size"));
    }
    let bytes = encoded(frames, milliseconds).map_err(|error| Error::resource(path.display().to_string(), error))?;
    atomic::write(path, &bytes)
}
