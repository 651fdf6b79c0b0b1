//! JPEG: opaque pictures, grey or in colour.

use super::{MOST, admit};
use std::io::Read;

/// Decodes a JPEG file: its size [rows, columns], and red, green, blue (0 to 1) and opacity (1) of each pixel.
pub(super) fn decode(reader: impl Read) -> Result<([usize; 2], Vec<[f32; 4]>), String> {
    let not = |error: jpeg_decoder::Error| format!("damaged JPEG: {error}");
    let mut decoder = jpeg_decoder::Decoder::new(reader);
    decoder.set_max_decoding_buffer_size(4 * MOST);
    decoder.read_info().map_err(not)?;
    let info = decoder.info().ok_or("damaged JPEG: no header")?;
    let (rows, columns) = (usize::from(info.height), usize::from(info.width));
    admit(rows, columns)?;
    let bytes = decoder.decode().map_err(not)?;
    let unit = |byte: u8| f32::from(byte) / 255.0;
    let rgba: Vec<[f32; 4]> = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => bytes.iter().map(|&l| [unit(l), unit(l), unit(l), 1.0]).collect(),
        jpeg_decoder::PixelFormat::RGB24 => {
            bytes.chunks_exact(3).map(|p| [unit(p[0]), unit(p[1]), unit(p[2]), 1.0]).collect()
        }
        other => return Err(format!("expected a grey or RGB JPEG of 8 bits, got {other:?}")),
    };
    Ok(([rows, columns], rgba))
}
