//! What an export takes from the series that a volume came from: an allow-list, so that nothing else can leak.

use super::file::DicomFile;
use super::header::texts;
use super::series::Series;
use super::stack::Stack;
use crate::data::Point;
use crate::error::{Error, Result};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// An attribute that may be kept.
pub(super) struct KeptAttribute {
    pub(super) tag: Tag,
    pub(super) vr: VR,
    /// Its keyword in the standard.
    pub(super) keyword: &'static str,
    /// Whether it says who or which study; left out by `identity: drop`.
    pub(super) identifies: bool,
}

const fn kept(tag: Tag, vr: VR, keyword: &'static str, identifies: bool) -> KeptAttribute {
    KeptAttribute { tag, vr, keyword, identifies }
}

/// All attributes that are ever kept.
pub(super) const KEPT: &[KeptAttribute] = &[
    kept(tags::STUDY_DATE, VR::DA, "StudyDate", true),
    kept(tags::STUDY_TIME, VR::TM, "StudyTime", true),
    kept(tags::ACCESSION_NUMBER, VR::SH, "AccessionNumber", true),
    kept(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "ReferringPhysicianName", true),
    kept(tags::STUDY_DESCRIPTION, VR::LO, "StudyDescription", true),
    kept(tags::PATIENT_NAME, VR::PN, "PatientName", true),
    kept(tags::PATIENT_ID, VR::LO, "PatientID", true),
    kept(tags::ISSUER_OF_PATIENT_ID, VR::LO, "IssuerOfPatientID", true),
    kept(tags::PATIENT_BIRTH_DATE, VR::DA, "PatientBirthDate", true),
    kept(tags::PATIENT_SEX, VR::CS, "PatientSex", true),
    kept(tags::PATIENT_AGE, VR::AS, "PatientAge", true),
    kept(tags::PATIENT_SIZE, VR::DS, "PatientSize", true),
    kept(tags::PATIENT_WEIGHT, VR::DS, "PatientWeight", true),
    kept(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "PatientIdentityRemoved", true),
    kept(tags::DEIDENTIFICATION_METHOD, VR::LO, "DeidentificationMethod", true),
    kept(tags::CONTRAST_BOLUS_AGENT, VR::LO, "ContrastBolusAgent", true),
    kept(tags::BODY_PART_EXAMINED, VR::CS, "BodyPartExamined", false),
    kept(tags::KVP, VR::DS, "KVP", false),
    kept(tags::PATIENT_POSITION, VR::CS, "PatientPosition", false),
    kept(tags::STUDY_INSTANCE_UID, VR::UI, "StudyInstanceUID", true),
    kept(tags::STUDY_ID, VR::SH, "StudyID", true),
    kept(tags::SERIES_NUMBER, VR::IS, "SeriesNumber", false),
    kept(tags::FRAME_OF_REFERENCE_UID, VR::UI, "FrameOfReferenceUID", true),
    kept(tags::LATERALITY, VR::CS, "Laterality", false),
    kept(tags::POSITION_REFERENCE_INDICATOR, VR::LO, "PositionReferenceIndicator", false),
    kept(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "LossyImageCompression", false),
    kept(tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS, "LossyImageCompressionRatio", false),
    kept(tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS, "LossyImageCompressionMethod", false),
];

/// Transfer syntaxes whose pixels have lost something, whether or not the file admits it.
const LOSSY: [&str; 3] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"];

/// The study, patient and frame of reference that a volume came from, and its slices. Holds the patient's identity: it
/// belongs into a DICOM export and into no log, report or file name (its `Debug` shows none of it).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSeries {
    /// Keyword → values, of the attributes on the allow-list that the source has.
    attributes: BTreeMap<String, Vec<String>>,
    /// The slices.
    instances: Vec<Instance>,
}

/// One slice of a source.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instance {
    pub(super) class: String,
    pub(super) uid: String,
    /// LPS mm of its first pixel.
    pub(super) position: Point,
}

impl SourceSeries {
    /// From the first slice of a series (attributes) and all of them (instances).
    ///
    /// # Errors
    /// [`Error::Input`] when the file cannot be read again.
    pub(super) fn of(series: &Series, stack: &Stack) -> Result<Self> {
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
            attributes.insert("LossyImageCompression".into(), vec!["01".into()]);
        }
        let instances = stack.slices.iter().map(|slice| {
            let image = &series.images[slice.image];
            Instance { class: image.class.clone(), uid: image.instance.clone(), position: slice.frame.position }
        });
        Ok(Self { attributes, instances: instances.collect() })
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
