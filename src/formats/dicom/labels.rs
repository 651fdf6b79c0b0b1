//! What an exported series says about itself, and about whose it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of the patient's identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The DICOM series belongs to the source's patient and study, and the run folder names its input files.
    Keep,
    /// Nothing that says who or which study: a new study without links to the source, and no text of a DICOM header
    /// and no name of an input file anywhere in the run folder. This is no certified de-identification: faces can be
    /// seen in pixels.
    #[default]
    Drop,
}

impl Identity {
    /// Its word in YAML.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
        }
    }

    /// What it means for a run folder, in words.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Keep => "kept: input files are named, DICOM series belong to their patient",
            Self::Drop => "dropped: input files are numbered, DICOM series are anonymous",
        }
    }
}

/// How an export is labelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Series Description, cut to 64 characters.
    pub series_description: String,
    /// Added to the source's Series Number (to 0 without a source).
    pub series_number_offset: u32,
    /// Derivation Description: how the volume was made, cut to 1024 characters.
    pub derivation: String,
    /// What becomes of the patient's identity.
    pub identity: Identity,
    /// What the UIDs of study and frame of reference are made of where no source gives them: a hash of what was
    /// scanned, the same for all series of a run, so that a viewer shows them side by side.
    pub study: String,
}
