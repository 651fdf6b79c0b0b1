//! Words of the standard that may be shown. Text from a file is shown only if it is one of them, since any element may
//! contain anything, even the name of the patient.

/// Modalities (PS3.3 C.7.3.1.1.1) that occur in folders of CT.
const MODALITIES: [&str; 20] = [
    "CT", "MR", "PT", "NM", "US", "CR", "DX", "MG", "XA", "RF", "OT", "SC", "SEG", "REG", "SR", "PR", "RTIMAGE",
    "RTDOSE", "RTSTRUCT", "RTPLAN",
];
/// Photometric interpretations (PS3.3 C.7.6.3.1.2).
const PHOTOMETRIC: [&str; 8] =
    ["MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"];
/// Rescale types (PS3.3 C.11.1.1.2).
const RESCALE: [&str; 11] = ["HU", "US", "OD", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT", "BQML", "CNTS"];
/// Values of Image Type (PS3.3 C.8.2.1.1.1 and C.8.16.1).
const IMAGE_TYPE: [&str; 14] = [
    "ORIGINAL",
    "DERIVED",
    "PRIMARY",
    "SECONDARY",
    "AXIAL",
    "LOCALIZER",
    "VOLUME",
    "NONE",
    "MIXED",
    "CT_SOM5",
    "RESAMPLED",
    "REFORMATTED",
    "MPR",
    "AVERAGE",
];

fn one_of(words: &[&'static str], text: &str, other: &'static str) -> &'static str {
    words.iter().find(|word| **word == text).copied().unwrap_or(other)
}

/// The modality, `no modality` or `another modality`.
pub(super) fn modality(text: &str) -> &'static str {
    one_of(&MODALITIES, text, if text.is_empty() { "no modality" } else { "another modality" })
}

/// The photometric interpretation.
pub(super) fn photometric(text: &str) -> &'static str {
    one_of(&PHOTOMETRIC, text, "another kind")
}

/// The rescale type.
pub(super) fn rescale(text: &str) -> &'static str {
    one_of(&RESCALE, text, "another type")
}

/// The values of Image Type, others as `...`.
pub(super) fn image_type(values: &[String]) -> String {
    values.iter().map(|value| one_of(&IMAGE_TYPE, value, "...")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_standard_are_shown() {
        assert_eq!((modality("MR"), modality(""), modality("ZZ")), ("MR", "no modality", "another modality"));
        let values = ["ORIGINAL", "Mrs Canary", "AXIAL"].map(str::to_string);
        assert_eq!(image_type(&values), "ORIGINAL, ..., AXIAL");
    }
}
