//! The attributes that an export copies from the series that a volume came from: an allow-list, so that nothing else
//! can leak.

use super::file::DicomFile;
use super::header::texts;
use super::labels::Identity;
use super::series::{self, Series};
use super::stack::{self, Stack};
use crate::data::Point;
use crate::error::{Error, Result};
use crate::formats::Reading;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// An attribute that may be kept.
pub(super) struct KeptAttribute {
    pub(super) tag: Tag,
    pub(super) vr: VR,
    /// Its keyword in the standard.
    pub(super) keyword: &'static str,
}

const fn kept(tag: Tag, vr: VR, keyword: &'static str) -> KeptAttribute {
    KeptAttribute { tag, vr, keyword }
}

/// All attributes that are ever kept, with `identity: keep`.
pub(super) const KEPT: &[KeptAttribute] = &[
    kept(tags::STUDY_DATE, VR::DA, "StudyDate"),
    kept(tags::STUDY_TIME, VR::TM, "StudyTime"),
    kept(tags::ACCESSION_NUMBER, VR::SH, "AccessionNumber"),
    kept(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "ReferringPhysicianName"),
    kept(tags::STUDY_DESCRIPTION, VR::LO, "StudyDescription"),
    kept(tags::PATIENT_NAME, VR::PN, "PatientName"),
    kept(tags::PATIENT_ID, VR::LO, "PatientID"),
    kept(tags::ISSUER_OF_PATIENT_ID, VR::LO, "IssuerOfPatientID"),
    kept(tags::PATIENT_BIRTH_DATE, VR::DA, "PatientBirthDate"),
    kept(tags::PATIENT_SEX, VR::CS, "PatientSex"),
    kept(tags::PATIENT_AGE, VR::AS, "PatientAge"),
    kept(tags::PATIENT_SIZE, VR::DS, "PatientSize"),
    kept(tags::PATIENT_WEIGHT, VR::DS, "PatientWeight"),
    kept(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "PatientIdentityRemoved"),
    kept(tags::DEIDENTIFICATION_METHOD, VR::LO, "DeidentificationMethod"),
    kept(tags::CONTRAST_BOLUS_AGENT, VR::LO, "ContrastBolusAgent"),
    kept(tags::BODY_PART_EXAMINED, VR::CS, "BodyPartExamined"),
    kept(tags::KVP, VR::DS, "KVP"),
    kept(tags::PATIENT_POSITION, VR::CS, "PatientPosition"),
    kept(tags::STUDY_INSTANCE_UID, VR::UI, "StudyInstanceUID"),
    kept(tags::STUDY_ID, VR::SH, "StudyID"),
    kept(tags::SERIES_NUMBER, VR::IS, "SeriesNumber"),
    kept(tags::FRAME_OF_REFERENCE_UID, VR::UI, "FrameOfReferenceUID"),
    kept(tags::LATERALITY, VR::CS, "Laterality"),
    kept(tags::POSITION_REFERENCE_INDICATOR, VR::LO, "PositionReferenceIndicator"),
    kept(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "LossyImageCompression"),
    kept(tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS, "LossyImageCompressionRatio"),
    kept(tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS, "LossyImageCompressionMethod"),
];

/// Transfer syntaxes with lossy compression, whether or not the file declares the loss.
const LOSSY: [&str; 3] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"];

/// Attribute that an image keeps for ever once it was compressed with loss (PS3.3 C.7.6.1.1.5).
const LOSSY_COMPRESSION: &str = "LossyImageCompression";

/// The study, patient and frame of reference that a volume came from, and its slices. Holds the patient's identity: it
/// may go into a DICOM export, but into no cache, log, report or file name (its `Debug` output shows none of it).
#[derive(Clone, PartialEq)]
pub struct SourceSeries {
    /// Values by keyword, for the attributes on the allow-list that the source has.
    attributes: BTreeMap<String, Vec<String>>,
    /// The slices.
    instances: Vec<Instance>,
}

/// One slice of a source.
#[derive(Clone, PartialEq)]
pub(super) struct Instance {
    pub(super) class: String,
    pub(super) uid: String,
    /// Position of the centre of its first pixel, LPS mm.
    pub(super) position: Point,
}

impl SourceSeries {
    /// Reads what an export may take from a series: with [`Identity::Keep`] the attributes on the allow-list and the
    /// slices; with [`Identity::Drop`] no content of the file, only whether it was compressed with loss. `path` and
    /// `series` as in [`super::read_series`].
    ///
    /// # Errors
    /// As [`super::read_series`], as far as the headers show it.
    pub fn read(path: &Path, series: Option<&str>, identity: Identity) -> Result<Self> {
        let (series, _) = series::choose(path, series)?;
        let reading = Reading { units: stack::natural(&series), ..Reading::default() };
        let stack = stack::stack(path, &series, &reading)?;
        let whole = Self::of(&series, &stack)?;
        Ok(match identity {
            Identity::Keep => whole,
            Identity::Drop => whole.anonymous(),
        })
    }

    /// Takes the attributes from the first slice of a series, and the instances from all slices.
    fn of(series: &Series, stack: &Stack) -> Result<Self> {
        let first = &series.images[stack.slices[0].image].path;
        let wanted = |tag: Tag| tag == tags::SPECIFIC_CHARACTER_SET || KEPT.iter().any(|kept| kept.tag == tag);
        let file = DicomFile::open_header(first, wanted)?
            .ok_or_else(|| Error::input(first, "the file changed while it was read"))?;
        let object = file.object(wanted).map_err(|problem| Error::input(first, problem))?;
        let mut attributes: BTreeMap<String, Vec<String>> = KEPT
            .iter()
            .map(|kept| (kept.keyword.to_string(), texts(&object, kept.tag)))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        if LOSSY.contains(&file.syntax.uid.as_str()) {
            attributes.insert(LOSSY_COMPRESSION.into(), vec!["01".into()]);
        }
        let instances = stack.slices.iter().map(|slice| {
            let image = &series.images[slice.image];
            Instance { class: image.class.clone(), uid: image.instance.clone(), position: slice.frame.position }
        });
        Ok(Self { attributes, instances: instances.collect() })
    }

    /// The same without any text of the source: a compression with loss is recorded by a fixed value.
    fn anonymous(&self) -> Self {
        let lossy = self.value(LOSSY_COMPRESSION).is_some_and(|value| value == "01");
        let attributes = lossy.then(|| (LOSSY_COMPRESSION.to_string(), vec!["01".to_string()]));
        Self { attributes: attributes.into_iter().collect(), instances: Vec::new() }
    }

    /// The values of a kept attribute, joined as DICOM does.
    pub(super) fn value(&self, keyword: &str) -> Option<String> {
        self.attributes.get(keyword).map(|values| values.join("\\"))
    }

    /// The slices.
    pub(super) fn instances(&self) -> &[Instance] {
        &self.instances
    }
}

impl fmt::Debug for SourceSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceSeries {{ {} attributes, {} slices }}", self.attributes.len(), self.instances.len())
    }
}
