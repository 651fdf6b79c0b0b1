//! Labels of an exported series, and the treatment of the patient's identity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Treatment of the patient's identity in an export and its run folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The DICOM series belongs to the source's patient and study, and the run folder names its input files.
    Keep,
    /// Neither the patient nor the study is named: the DICOM series belongs to a new study without links to the source,
    /// and no text of a DICOM header and no name of an input file appears anywhere in the run folder. This is no
    /// certified de-identification: a face may be recognizable in the voxels.
    #[default]
    Drop,
}

impl Identity {
    /// Name of the variant in YAML.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
        }
    }

    /// Description of its effect on a run folder.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Keep => "kept: input files are named, DICOM series belong to their patient",
            Self::Drop => "dropped: input files are numbered, DICOM series are anonymous",
        }
    }
}

/// Labels of an exported series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Series Description, cut to 64 characters.
    pub series_description: String,
    /// Added to the source's Series Number (to 0 without a source).
    pub series_number_offset: u32,
    /// Derivation Description: how the volume was made, cut to 1024 characters.
    pub derivation: String,
    /// Treatment of the patient's identity.
    pub identity: Identity,
    /// Text from which the UIDs of study and frame of reference are made where no source gives them: a hash of what was
    /// scanned, the same for all series of a run, so that a viewer shows them side by side.
    pub study: String,
}
