//! The elements of an image that describe its series, its pixels and the position of each frame. None of them
//! identifies a patient, so no error that quotes them can either.

use super::file::DicomFile;
use super::words;
use crate::data::Point;
use crate::error::{Error, Result};
use dicom_core::Tag;
use dicom_core::header::HasLength;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::path::{Path, PathBuf};

/// Largest number of frames of a file.
const MAX_FRAMES: usize = 1 << 16;
/// Largest compression ratio that is accepted, and the size of a frame up to which any ratio is, bytes.
const MAX_RATIO: usize = 1000;
const SMALL: usize = 1 << 22;

/// Elements that are read here; of the sequences, only those that describe frames.
const WANTED: [Tag; 29] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::SERIES_DESCRIPTION,
    tags::GANTRY_DETECTOR_TILT,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::FRAME_OF_REFERENCE_UID,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::RESCALE_TYPE,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::SLICE_THICKNESS,
];

/// Whether an element is read here.
pub(super) fn wanted(tag: Tag) -> bool {
    WANTED.contains(&tag)
}

/// An image file.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) path: PathBuf,
    /// Series Instance UID; empty if the file has none.
    pub(super) series: String,
    pub(super) modality: String,
    pub(super) description: String,
    /// Series Number.
    pub(super) number: Option<i64>,
    pub(super) image_type: Vec<String>,
    /// SOP class and instance UIDs, empty if the file has none.
    pub(super) class: String,
    pub(super) instance: String,
    /// Frame of Reference UID; empty if the file has none.
    pub(super) frame_of_reference: String,
    /// Name of the transfer syntax.
    pub(super) syntax: String,
    pub(super) preamble: Option<&'static str>,
    /// Layout of the pixels, or the reason why they cannot be read as one number per pixel.
    pub(super) layout: std::result::Result<PixelLayout, String>,
    object: InMemDicomObject,
}

/// Layout of the stored pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PixelLayout {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) frames: usize,
    pub(super) bits_allocated: u32,
    pub(super) bits_stored: u32,
    pub(super) high_bit: u32,
    pub(super) signed: bool,
}

/// Position, orientation and rescaling of one frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    /// LPS mm of the centre of the first pixel.
    pub(super) position: Point,
    /// Unit vectors (LPS) along a row (column index grows) and along a column (row index grows).
    pub(super) along_row: Point,
    pub(super) along_column: Point,
    /// Distance between rows, then between columns, mm.
    pub(super) spacing: [f64; 2],
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

impl Image {
    /// Reads the header of an image. `None`: not DICOM, or DICOM without pixels.
    ///
    /// # Errors
    /// [`Error::Input`] for a DICOM file that is damaged.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let Some(file) = DicomFile::open_header(path, wanted)? else { return Ok(None) };
        let Some((stored, compressed)) = file.stored() else { return Ok(None) };
        let object = file.object(wanted).map_err(|problem| Error::input(path, problem))?;
        let one = |tag| texts(&object, tag).into_iter().next().unwrap_or_default();
        let or = |tag, meta: &String| Some(one(tag)).filter(|uid| !uid.is_empty()).unwrap_or_else(|| meta.clone());
        Ok(Some(Self {
            path: path.to_path_buf(),
            series: one(tags::SERIES_INSTANCE_UID),
            modality: one(tags::MODALITY),
            description: one(tags::SERIES_DESCRIPTION),
            number: one(tags::SERIES_NUMBER).parse().ok(),
            image_type: texts(&object, tags::IMAGE_TYPE),
            class: or(tags::SOP_CLASS_UID, &file.class),
            instance: or(tags::SOP_INSTANCE_UID, &file.instance),
            frame_of_reference: one(tags::FRAME_OF_REFERENCE_UID),
            syntax: format!("{} ({})", file.syntax.name, file.syntax.uid),
            preamble: file.preamble,
            layout: PixelLayout::of(&object).and_then(|layout| layout.fits(stored, compressed)),
            object,
        }))
    }

    /// Whether it is a scout view, which is no slice of the volume.
    pub(super) fn is_localizer(&self) -> bool {
        self.image_type.iter().any(|word| word == "LOCALIZER")
    }

    /// Tilt of the gantry that the file declares, degrees.
    pub(super) fn tilt(&self) -> Option<f64> {
        numbers(&self.object, tags::GANTRY_DETECTOR_TILT).ok()?.first().copied()
    }

    /// Position, orientation and rescaling of each frame.
    ///
    /// # Errors
    /// [`Error::Input`] when an element is missing or invalid.
    pub(super) fn frames(&self) -> Result<Vec<Frame>> {
        let count = self.layout.as_ref().map_or(1, |layout| layout.frames);
        (0..count)
            .map(|frame| self.frame(frame))
            .collect::<std::result::Result<_, _>>()
            .map_err(|problem| Error::input(&self.path, problem))
    }

    /// Unit of the rescaled values (Rescale Type), such as `HU`, if the file gives it.
    pub(super) fn rescale_type(&self) -> Option<String> {
        let holder = self.holder(0, tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, tags::RESCALE_TYPE)?;
        texts(holder, tags::RESCALE_TYPE).into_iter().next()
    }

    fn frame(&self, frame: usize) -> std::result::Result<Frame, String> {
        let value = |group: Tag, tag: Tag, name: &str, count: usize| self.values(frame, [group, tag], name, count);
        let position =
            value(tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT, "Image Position (Patient)", 3)?;
        let axes =
            value(tags::PLANE_ORIENTATION_SEQUENCE, tags::IMAGE_ORIENTATION_PATIENT, "Image Orientation (Patient)", 6)?;
        let spacing = value(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING, "Pixel Spacing", 2)?;
        let [slope, intercept] = self.rescaling(frame)?;
        if spacing.iter().any(|&s| s <= 0.0) || slope == 0.0 {
            return Err(format!(
                "expected positive Pixel Spacing and a Rescale Slope other than 0, got {spacing:?} and {slope}"
            ));
        }
        let (along_row, along_column) = ([axes[0], axes[1], axes[2]], [axes[3], axes[4], axes[5]]);
        check_axes(along_row, along_column)?;
        let position = [position[0], position[1], position[2]];
        Ok(Frame { position, along_row, along_column, spacing: [spacing[0], spacing[1]], slope, intercept })
    }

    /// Rescale Slope and Intercept of a frame.
    fn rescaling(&self, frame: usize) -> std::result::Result<[f64; 2], String> {
        let group = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
        // Modalities other than CT may leave out the rescaling: their values are the stored numbers.
        if self.modality != "CT" && self.holder(frame, group, tags::RESCALE_SLOPE).is_none() {
            return Ok([1.0, 0.0]);
        }
        let number = |tag: Tag, name: &str| self.values(frame, [group, tag], name, 1).map(|found| found[0]);
        Ok([number(tags::RESCALE_SLOPE, "Rescale Slope")?, number(tags::RESCALE_INTERCEPT, "Rescale Intercept")?])
    }

    /// The `count` numbers of an attribute of a frame, by its functional group and its own tag.
    fn values(
        &self,
        frame: usize,
        [group, tag]: [Tag; 2],
        name: &str,
        count: usize,
    ) -> std::result::Result<Vec<f64>, String> {
        let holder = self.holder(frame, group, tag).ok_or_else(|| format!("{name}: missing"))?;
        let found = numbers(holder, tag).map_err(|problem| format!("{name}: {problem}"))?;
        if found.len() == count {
            Ok(found)
        } else {
            Err(format!("{name}: expected {count} numbers, got {}", found.len()))
        }
    }

    /// The object that holds an attribute of a frame: its own functional group, the shared one, or the image itself
    /// (PS3.3 C.7.6.16).
    fn holder(&self, frame: usize, group: Tag, tag: Tag) -> Option<&InMemDicomObject> {
        let item =
            |sequence: Tag, index: usize| self.object.get(sequence)?.items()?.get(index)?.get(group)?.items()?.first();
        let own = item(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frame);
        let shared = item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0);
        [own, shared, Some(&self.object)].into_iter().flatten().find(|object| object.get(tag).is_some())
    }
}

fn check_axes(a: Point, b: Point) -> std::result::Result<(), String> {
    use crate::data::{dot, norm};
    let unit = |v: Point| (norm(v) - 1.0).abs() < 1e-2;
    if unit(a) && unit(b) && dot(a, b).abs() < 1e-3 {
        return Ok(());
    }
    Err(format!("Image Orientation (Patient): expected two orthogonal unit vectors, got {a:?} and {b:?}"))
}

impl PixelLayout {
    fn of(object: &InMemDicomObject) -> std::result::Result<Self, String> {
        let integer = |tag: Tag, name: &str| {
            let value = object.get(tag).and_then(|element| element.to_int::<u32>().ok());
            value.ok_or_else(|| format!("{name}: missing or no number"))
        };
        let or = |tag: Tag, default: u32| match object.get(tag).filter(|element| !element.is_empty()) {
            Some(element) => element.to_int::<u32>().map_err(|_| format!("{tag}: expected a number")),
            None => Ok(default),
        };
        check_grey(object, or(tags::SAMPLES_PER_PIXEL, 1)?)?;
        let bits_allocated = integer(tags::BITS_ALLOCATED, "Bits Allocated")?;
        let bits_stored = or(tags::BITS_STORED, bits_allocated)?;
        let high_bit = or(tags::HIGH_BIT, bits_stored.saturating_sub(1))?;
        let layout = Self {
            rows: integer(tags::ROWS, "Rows")? as usize,
            columns: integer(tags::COLUMNS, "Columns")? as usize,
            frames: or(tags::NUMBER_OF_FRAMES, 1)? as usize,
            bits_allocated,
            bits_stored,
            high_bit,
            signed: integer(tags::PIXEL_REPRESENTATION, "Pixel Representation")? == 1,
        };
        layout.check()
    }

    fn check(self) -> std::result::Result<Self, String> {
        let Self { rows, columns, frames, bits_allocated, bits_stored, high_bit, .. } = self;
        if rows == 0 || columns == 0 || rows > 65535 || columns > 65535 || frames == 0 || frames > MAX_FRAMES {
            return Err(format!("impossible image of {frames} frames, {rows} rows, {columns} columns"));
        }
        let fits =
            (1..=bits_allocated).contains(&bits_stored) && high_bit < bits_allocated && high_bit + 1 >= bits_stored;
        if ![8, 16, 32].contains(&bits_allocated) || !fits {
            return Err(format!(
                "impossible pixels: {bits_allocated} bits allocated, {bits_stored} stored, high bit {high_bit}"
            ));
        }
        Ok(self)
    }

    /// Checks that so many stored bytes can be this image, before memory is allocated for it.
    fn fits(self, stored: usize, compressed: bool) -> std::result::Result<Self, String> {
        let expected = self.bytes() * self.frames;
        let possible = if compressed { stored.saturating_mul(MAX_RATIO).max(SMALL * self.frames) } else { stored };
        if expected <= possible {
            return Ok(self);
        }
        let how = if compressed { "compressed " } else { "" };
        let Self { rows, columns, frames, .. } = self;
        Err(format!("{stored} {how}bytes of pixels cannot be {frames} frames of {rows} x {columns} ({expected} bytes)"))
    }

    /// Whether these bytes are all of `frames` frames, followed at most by padding: less than a row, or zeros. More
    /// data means that the image is larger than it declares.
    pub(super) fn holds(self, found: &[u8], frames: usize) -> bool {
        let (expected, row) = (self.bytes() * frames, self.columns * self.bits_allocated as usize / 8);
        let behind = found.get(expected..);
        behind.is_some_and(|behind| behind.len() < row.max(2) || behind.iter().all(|&byte| byte == 0))
    }

    /// Number of pixels of a frame.
    pub(super) fn pixels(self) -> usize {
        self.rows * self.columns
    }

    /// Number of bytes of an uncompressed frame.
    pub(super) fn bytes(self) -> usize {
        self.pixels() * self.bits_allocated as usize / 8
    }
}

/// Refuses colours; `samples` is the number of samples per pixel.
fn check_grey(object: &InMemDicomObject, samples: u32) -> std::result::Result<(), String> {
    let photometric = texts(object, tags::PHOTOMETRIC_INTERPRETATION).into_iter().next().unwrap_or_default();
    if samples == 1 && photometric.starts_with("MONOCHROME") {
        return Ok(());
    }
    let kind = words::photometric(&photometric);
    Err(format!("expected one grey value per pixel, got {samples} samples of {kind}"))
}

/// The values of a text element, trimmed, without control characters and characters that change the writing direction
/// (they could falsify what a terminal or a page shows); empty ones are left out.
pub(super) fn texts(object: &InMemDicomObject, tag: Tag) -> Vec<String> {
    let values = object.get(tag).and_then(|element| element.to_multi_str().ok());
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let trimmed = |value: &String| value.chars().filter(|&c| !hidden(c)).collect::<String>().trim().to_string();
    values.map(|values| values.iter().map(trimmed).filter(|value| !value.is_empty()).collect()).unwrap_or_default()
}

/// The values of a numeric text element, all finite.
fn numbers(object: &InMemDicomObject, tag: Tag) -> std::result::Result<Vec<f64>, String> {
    let number = |text: &String| match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        // Its text is not quoted, since it may be anything, even a name.
        _ => Err("expected a number, got other text".to_string()),
    };
    texts(object, tag).iter().map(number).collect()
}
