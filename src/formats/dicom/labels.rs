//! What an exported series says about itself, and about whose it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of the patient's identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The export belongs to the source's patient and study.
    #[default]
    Keep,
    /// Nothing that says who or which study: a new study, without links to the source. This is no certified
    /// de-identification: faces can be seen in pixels.
    Drop,
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
    /// What series and instance UIDs are made of, together with description and offset: a hash of the volume's content.
    pub content_hash: String,
    /// What the UIDs of study and frame of reference are made of where no source gives them: the same for all series of
    /// a run, so that a viewer shows them side by side.
    pub study: String,
}
