//! Stacks of projections as MetaImage (`.mha`, as ITK and RTK write them): a text header followed by the values.
//!
//! <https://itk.org/Wiki/ITK/MetaIO/Documentation>. `DimSize` is [columns, rows, views], `ElementSpacing` the pitch
//! (mm) and `Offset` the position (mm) of the first pixel's centre on the detector, relative to RTK's origin there; the
//! row index grows along v.

use super::raw::{ByteOrder, NumberType};
use super::{Frames, ScanHeader, plausible, table, within};
use crate::error::{Error, Result};
use crate::input_path;
use flate2::read::ZlibDecoder;
use ndarray::{Array3, s};
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// Largest file that is read, bytes.
const MAX_BYTES: u64 = 1 << 38;
/// Longest header, bytes.
const MAX_HEADER: usize = 1 << 16;

/// Reads a stack, and angles where a file is given; only `rows` of the detector.
///
/// # Errors
/// [`Error::Input`] when the file is missing, damaged, of an unsupported kind (several files, colour), or the parts do
/// not fit.
pub fn read(path: &Path, angles: Option<&Path>, rows: Option<&Range<usize>>) -> Result<Frames> {
    let fail = |error: std::io::Error| Error::read(path, &error);
    let file = input_path::open(path).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.len();
    if size > MAX_BYTES {
        return Err(Error::input(path, format!("expected at most {MAX_BYTES} bytes, got {size}")));
    }
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes).map_err(fail)?;
    let header =
        Header::parse(&bytes).map_err(|problem| Error::input(path, format!("not a MetaImage stack: {problem}")))?;
    let [width, height, views] = header.shape;
    let count = width.checked_mul(height).and_then(|n| n.checked_mul(views)).unwrap_or(usize::MAX);
    plausible(path, count as u64, header.kind.bytes() as u64, size)?;
    let values = header.values(&bytes, count).map_err(fail)?;
    let held = values.len();
    let all = Array3::from_shape_vec((views, height, width), values).map_err(|_| {
        Error::input(path, format!("expected {count} values, got {held}")).hint("is the file complete?")
    })?;
    let rows = within(path, rows, height)?;
    let data = all.slice(s![.., rows, ..]).as_standard_layout().into_owned();
    let mut frames = Frames::new(path, data, None, None, angles.map(table::numbers).transpose()?)?.of(height);
    frames.header = Some(header.scan());
    Ok(frames)
}

/// Contents of the text header.
struct Header {
    /// Columns, rows, views.
    shape: [usize; 3],
    spacing: [f64; 3],
    offset: [f64; 3],
    kind: NumberType,
    order: ByteOrder,
    compressed: bool,
    /// Bytes before the first number.
    start: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let (mut pairs, mut start) = (Vec::new(), 0);
        loop {
            let line = bytes[start..].iter().take(MAX_HEADER).position(|&byte| byte == b'\n');
            let line = line.ok_or("its header has no ElementDataFile")?;
            let text = String::from_utf8_lossy(&bytes[start..start + line]).into_owned();
            start += line + 1;
            let (key, value) =
                text.split_once('=').ok_or_else(|| format!("expected key = value, got `{}`", text.trim()))?;
            pairs.push((key.trim().to_string(), value.trim().to_string()));
            if key.trim() == "ElementDataFile" || start > MAX_HEADER {
                break;
            }
        }
        let text = |key: &str| pairs.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str());
        let flag = |key: &str| text(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if text("ElementDataFile") != Some("LOCAL") {
            return Err("its numbers lie in another file; write it as one .mha".to_string());
        }
        if text("ElementNumberOfChannels").is_some_and(|channels| channels != "1") {
            return Err("expected one number per pixel".to_string());
        }
        let three = |key: &str| -> std::result::Result<Option<[f64; 3]>, String> {
            let Some(value) = text(key) else { return Ok(None) };
            let numbers: Vec<f64> = value.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let numbers =
                <[f64; 3]>::try_from(numbers).map_err(|_| format!("{key}: expected three numbers, got `{value}`"))?;
            if numbers.iter().any(|number| !number.is_finite()) {
                return Err(format!("{key}: expected finite numbers, got `{value}`"));
            }
            Ok(Some(numbers))
        };
        let sizes = three("DimSize")?.ok_or("no DimSize of three numbers (columns, rows, views)")?;
        if sizes.iter().any(|size| *size < 1.0 || size.fract() != 0.0 || *size > 1e9) {
            return Err(format!("DimSize: expected positive whole numbers, got {sizes:?}"));
        }
        let spacing = three("ElementSpacing")?.or(three("ElementSize")?).unwrap_or([1.0; 3]);
        if spacing[..2].iter().any(|pitch| *pitch <= 0.0) {
            return Err(format!("ElementSpacing: expected positive numbers, got {spacing:?}"));
        }
        Ok(Self {
            shape: sizes.map(|size| size as usize),
            spacing,
            offset: three("Offset")?.or(three("Position")?).or(three("Origin")?).unwrap_or([0.0; 3]),
            kind: number_type(text("ElementType").unwrap_or_default())?,
            order: if flag("BinaryDataByteOrderMSB") || flag("ElementByteOrderMSB") {
                ByteOrder::Big
            } else {
                ByteOrder::Little
            },
            compressed: flag("CompressedData"),
            start,
        })
    }

    /// The `count` numbers behind the header, unpacked if they are compressed.
    fn values(&self, bytes: &[u8], count: usize) -> std::io::Result<Vec<f32>> {
        let stored = &bytes[self.start..];
        if !self.compressed {
            return Ok(self.kind.decode(stored, self.order));
        }
        let mut unpacked = Vec::new();
        let limit = (count * self.kind.bytes()) as u64;
        ZlibDecoder::new(stored).take(limit).read_to_end(&mut unpacked)?;
        Ok(self.kind.decode(&unpacked, self.order))
    }

    /// The pitch, and the offset of the detector's centre, mm.
    fn scan(&self) -> ScanHeader {
        let middle = |k: usize| self.offset[k] + (self.shape[k] as f64 - 1.0) / 2.0 * self.spacing[k];
        ScanHeader {
            pitch_mm: Some([self.spacing[1], self.spacing[0]]),
            offset_mm: [middle(1), middle(0)],
            ..ScanHeader::default()
        }
    }
}

fn number_type(name: &str) -> std::result::Result<NumberType, String> {
    Ok(match name {
        "MET_UCHAR" => NumberType::Uint8,
        "MET_USHORT" => NumberType::Uint16,
        "MET_SHORT" => NumberType::Int16,
        "MET_UINT" => NumberType::Uint32,
        "MET_INT" => NumberType::Int32,
        "MET_FLOAT" => NumberType::Float32,
        "MET_DOUBLE" => NumberType::Float64,
        other => return Err(format!("ElementType: expected a number such as MET_FLOAT, got `{other}`")),
    })
}
