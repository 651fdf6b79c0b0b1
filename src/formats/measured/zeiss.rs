//! Scans of Zeiss (Xradia) microscopes: `.txrm`, and `.xrm` of single images, compound files (OLE) with one stream per
//! value.
//!
//! Streams as DXchange reads them (F. De Carlo et al., J. Synchrotron Rad. 21 (2014) 1224): `ImageInfo/ImageWidth`,
//! `ImageHeight`, `NoOfImages`, `DataType` (5: uint16, 10: float32), `Angles` (degrees), `PixelSize` (µm at the axis),
//! `StoRADistance` and `DtoRADistance` (mm), `ImageDataN/ImageK` in groups of a hundred, `ReferenceData/Image` the
//! flat. As in the Core Imaging Library the object turns by the angle, rows are stored from the bottom.

use super::raw::{ByteOrder, NumberType};
use super::{Frames, HeaderBeam, ScanHeader, guarded, plausible, within};
use crate::data::Warning;
use crate::error::{Error, Result};
use crate::input_path;
use ndarray::{Array3, s};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// Number of images in one group of streams.
const GROUP: usize = 100;
/// Largest shift of the views that is ignored without a warning, pixels.
const SHIFT: f32 = 0.5;

/// Reads the scan of a file; only `rows` of the detector.
///
/// # Errors
/// [`Error::Input`] when the file is missing, damaged, or lacks a stream that it should have.
pub fn read(path: &Path, rows: Option<&Range<usize>>) -> Result<Frames> {
    guarded(path, || {
        let size = std::fs::metadata(path).map_err(|error| Error::read(path, &error))?.len();
        let mut streams = Streams::open(path)?;
        let (width, height) = (streams.count("ImageInfo/ImageWidth")?, streams.count("ImageInfo/ImageHeight")?);
        let views = streams.count("ImageInfo/NoOfImages")?;
        let kind = streams.kind("ImageInfo/DataType")?;
        plausible(path, width.saturating_mul(height).saturating_mul(views) as u64, kind.bytes() as u64, size)?;
        let rows = within(path, rows, height)?;
        let data = streams.images(kind, [views, height, width], &rows)?;
        let flats = streams.reference(kind, [height, width])?.map(|flat| flat.slice(s![.., rows, ..]).to_owned());
        // The angles are those of the object; seen from the object, the source turns the other way.
        let angles = streams
            .floats("ImageInfo/Angles")?
            .map(|angles| angles.into_iter().take(views).map(|angle| -f64::from(angle)).collect());
        let mut frames = Frames::new(path, data, flats, None, angles)?.of(height);
        frames.warnings.extend(streams.shifts()?);
        frames.header = Some(streams.header()?);
        Ok(frames)
    })
}

struct Streams<'a> {
    path: &'a Path,
    storage: cfb::CompoundFile<File>,
}

impl<'a> Streams<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let file = input_path::open(path).map_err(|error| Error::read(path, &error))?;
        let storage = cfb::CompoundFile::open(file)
            .map_err(|error| Error::input(path, format!("not a compound file, or a damaged one: {error}")))?;
        Ok(Self { path, storage })
    }

    /// The bytes of a stream, if it exists.
    fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        if !self.storage.is_stream(name) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let read = self.storage.open_stream(name).and_then(|mut stream| stream.read_to_end(&mut bytes));
        read.map_err(|error| Error::input(self.path, format!("{name} is damaged: {error}")))?;
        Ok(Some(bytes))
    }

    fn needed(&mut self, name: &str) -> Result<Vec<u8>> {
        self.bytes(name)?.ok_or_else(|| Error::input(self.path, format!("it has no stream {name}")))
    }

    fn floats(&mut self, name: &str) -> Result<Option<Vec<f32>>> {
        Ok(self.bytes(name)?.map(|bytes| NumberType::Float32.decode(&bytes, ByteOrder::Little)))
    }

    fn count(&mut self, name: &str) -> Result<usize> {
        let bytes = self.needed(name)?;
        let first = bytes.first_chunk::<4>().map(|four| u32::from_le_bytes(*four) as usize).filter(|n| *n > 0);
        first.ok_or_else(|| Error::input(self.path, format!("{name}: expected a positive whole number")))
    }

    fn kind(&mut self, name: &str) -> Result<NumberType> {
        match self.count(name)? {
            3 => Ok(NumberType::Uint8),
            5 => Ok(NumberType::Uint16),
            10 => Ok(NumberType::Float32),
            other => Err(Error::input(
                self.path,
                format!("{name}: expected 3 (uint8), 5 (uint16) or 10 (float32), got {other}"),
            )),
        }
    }

    /// Reads these rows of all images, `[view, row, column]`.
    fn images(
        &mut self,
        kind: NumberType,
        [views, height, width]: [usize; 3],
        rows: &Range<usize>,
    ) -> Result<Array3<f32>> {
        let mut values = Vec::with_capacity(views * rows.len() * width);
        for view in 0..views {
            let name = format!("ImageData{}/Image{}", view / GROUP + 1, view + 1);
            let image = self.image(&name, kind, height * width)?;
            values.extend_from_slice(&image[rows.start * width..rows.end * width]);
        }
        let shape = (views, rows.len(), width);
        Array3::from_shape_vec(shape, values).map_err(|error| Error::input(self.path, error))
    }

    fn image(&mut self, name: &str, kind: NumberType, pixels: usize) -> Result<Vec<f32>> {
        let values = kind.decode(&self.needed(name)?, ByteOrder::Little);
        if values.len() == pixels {
            return Ok(values);
        }
        Err(Error::input(self.path, format!("{name}: expected {pixels} pixels, got {}", values.len())))
    }

    /// Reads the flat `[1, row, column]`, if there is one.
    fn reference(&mut self, kind: NumberType, [height, width]: [usize; 2]) -> Result<Option<Array3<f32>>> {
        let name = "ReferenceData/Image";
        if !self.storage.is_stream(name) {
            return Ok(None);
        }
        let own =
            if self.storage.is_stream("ReferenceData/DataType") { self.kind("ReferenceData/DataType")? } else { kind };
        let values = self.image(name, own, height * width)?;
        Array3::from_shape_vec((1, height, width), values).map(Some).map_err(|error| Error::input(self.path, error))
    }

    /// A warning if the file has alignment shifts of the views, which are not applied.
    fn shifts(&mut self) -> Result<Option<Warning>> {
        let mut most = 0f32;
        for name in ["Alignment/X-Shifts", "Alignment/Y-Shifts"] {
            most = self
                .floats(name)?
                .into_iter()
                .flatten()
                .filter(|shift| shift.is_finite())
                .fold(most, |m, s| m.max(s.abs()));
        }
        let message = format!("the views have alignment shifts of up to {most:.1} pixels, which are not applied");
        Ok((most > SHIFT).then(|| Warning::new("header_partial", message)))
    }

    fn header(&mut self) -> Result<ScanHeader> {
        let mut first = |name: &str| -> Result<Option<f64>> {
            let value =
                self.floats(name)?.and_then(|values| values.first().copied()).map(|value| f64::from(value.abs()));
            Ok(value.filter(|value| value.is_finite() && *value > 0.0))
        };
        let (source, detector) = (first("ImageInfo/StoRADistance")?, first("ImageInfo/DtoRADistance")?);
        let pixel = first("ImageInfo/PixelSize")?;
        let whole = source.zip(detector).map(|(source, detector)| source + detector);
        let pitch = pixel.zip(source).zip(whole).map(|((pixel, source), whole)| pixel * 1e-3 * whole / source);
        Ok(ScanHeader {
            beam: Some(HeaderBeam::Cone),
            source_to_axis_mm: source,
            source_to_detector_mm: whole,
            pitch_mm: pitch.map(|pitch| [pitch; 2]),
            ..ScanHeader::default()
        })
    }
}
