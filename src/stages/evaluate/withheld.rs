//! Entries in the report for the evaluation by withheld views.

use crate::data::MetricDefinition;
use crate::stages::withheld::Withheld;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Definitions of the values, in the order of [`Withheld::KEYS`], and their units.
const MEANINGS: [(&str, &str); 3] = [
    (
        "norm of (prediction - measurement) over the norm of the measurement, for every tenth view; the prediction is \
         the reprojection of a volume made from the other views; a value above the residual shows overfitting",
        "",
    ),
    (
        "the same difference in units of the noise of those views, which is estimated from second differences along \
         the detector's rows; 1 is the best that can be expected",
        "σ",
    ),
    (
        "1/f where the Fourier shell correlation (ring, in 2-D) of two volumes, each from every other view, falls \
         below the half-bit curve; at best two voxels; errors common to both halves are not detected",
        "mm",
    ),
];

pub(super) fn definitions() -> BTreeMap<String, MetricDefinition> {
    let define = |(key, (definition, unit)): (&str, (&str, &str))| {
        let definition = MetricDefinition {
            definition: definition.to_string(),
            data_range: None,
            unit: unit.to_string(),
            mask: "all".to_string(),
        };
        (key.to_string(), definition)
    };
    Withheld::KEYS.into_iter().zip(MEANINGS).map(define).collect()
}

/// The Fourier shell correlation as a note of its method: three lists of equal length.
pub(super) fn note(shells: &[[f64; 3]]) -> Value {
    let column = |k: usize| shells.iter().map(|row| row[k]).collect::<Vec<f64>>();
    json!({"frequency_per_mm": column(0), "correlation": column(1), "half_bit": column(2)})
}
