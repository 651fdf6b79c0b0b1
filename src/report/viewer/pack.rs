//! Packs a volume as text: values are quantised to 16-bit levels, each level is replaced by its difference from a
//! neighbour, and the bytes are compressed (zlib) and encoded in base64. `decode.js` is the inverse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write as _;

/// A uniform quantisation: `value = low + step · level`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Levels {
    /// Value of level 0, in the unit of the volume.
    pub(super) low: f64,
    /// Difference between the values of neighbouring levels.
    pub(super) step: f64,
}

impl Levels {
    /// The level nearest to a value, clamped to 0 … 65535.
    pub(super) fn level(self, value: f32) -> u16 {
        ((f64::from(value) - self.low) / self.step).round().clamp(0.0, f64::from(u16::MAX)) as u16
    }
}

/// Differences of neighbouring levels along rows of length `width` (for the first level of a row: from the first level
/// of the previous row). The differences are zigzag-encoded (0, −1, 1, −2, ... become 0, 1, 2, 3, ...); all low bytes
/// come before all high bytes.
fn differences(levels: impl Iterator<Item = u16>, width: usize) -> Vec<u8> {
    let (mut before, mut first) = (0u16, 0u16);
    let folded: Vec<u16> = levels
        .enumerate()
        .map(|(i, level)| {
            let neighbour = if i % width == 0 { first } else { before };
            let difference = level.wrapping_sub(neighbour) as i16;
            before = level;
            if i % width == 0 {
                first = level;
            }
            ((difference << 1) ^ (difference >> 15)) as u16
        })
        .collect();
    let low = folded.iter().map(|folded| *folded as u8);
    low.chain(folded.iter().map(|folded| (folded >> 8) as u8)).collect()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Estimated length of [`text`] in characters, from every `every`-th row.
pub(super) fn estimate(values: &[f32], width: usize, levels: Levels, every: usize) -> usize {
    let rows = values.chunks_exact(width).step_by(every.max(1)).flatten();
    let sample = differences(rows.map(|&value| levels.level(value)), width);
    deflated(&sample).len() * every.max(1) * 4 / 3
}

/// Packs the values `[row, column]`, with rows of length `width`, as text.
pub(super) fn text(values: &[f32], width: usize, levels: Levels) -> String {
    let bytes = differences(values.iter().map(|&value| levels.level(value)), width);
    STANDARD.encode(deflated(&bytes))
}

/// Decodes a text into levels, as `decode.js` does.
#[cfg(test)]
pub(super) fn decode(text: &str, width: usize) -> Vec<u16> {
    let mut bytes = Vec::new();
    let packed = STANDARD.decode(text).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&packed[..]), &mut bytes).unwrap();
    let count = bytes.len() / 2;
    let mut levels: Vec<u16> = Vec::with_capacity(count);
    for i in 0..count {
        let folded = u16::from(bytes[i]) | (u16::from(bytes[count + i]) << 8);
        let difference = (folded >> 1) ^ (folded & 1).wrapping_neg();
        let neighbour = if i % width != 0 { levels[i - 1] } else { *levels.get(i.wrapping_sub(width)).unwrap_or(&0) };
        levels.push(neighbour.wrapping_add(difference));
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_comes_back() {
        let values: Vec<f32> = (0..6000).map(|i| ((i * 48_271) % 65_537) as f32 - 1000.0).collect();
        let levels = Levels { low: -1000.0, step: 1.0 };
        let expected: Vec<u16> = values.iter().map(|&value| levels.level(value)).collect();
        assert_eq!(decode(&text(&values, 20, levels), 20), expected);
        assert_eq!(levels.level(1e9), u16::MAX);
        assert_eq!(levels.level(-1e9), 0);
    }

    #[test]
    fn an_estimate_is_near_and_coarse_levels_need_less() {
        let values: Vec<f32> = (0..200_000).map(|i| ((i as f32 * 12.9898).sin() * 43_758.547).fract() * 50.0).collect();
        let [fine, coarse] = [1.0, 8.0].map(|step| Levels { low: -100.0, step });
        let exact = text(&values, 100, fine).len() as f64;
        assert!((estimate(&values, 100, fine, 4) as f64 / exact - 1.0).abs() < 0.2);
        assert!(text(&values, 100, coarse).len() as f64 * 1.3 < exact);
    }
}
