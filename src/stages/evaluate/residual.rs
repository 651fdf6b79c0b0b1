//! What of measured data a volume leaves unexplained: ‖A x − y‖ / ‖y‖ over all samples, A by Joseph's method.

use super::{Evaluate, Evaluation, Scores};
use crate::context::{Context, StageOutput};
use crate::data::{MetricDefinition, Volume};
use crate::error::Result;
use crate::operators::xray::kernels::joseph;
use crate::progress;
use crate::stages::Stage;
use crate::stages::flow::{Acquisition, Outcome, Reconstructed};
use std::collections::BTreeMap;

/// Its key in reports.
const KEY: &str = "residual";
/// What it is, in words.
const DEFINITION: &str = "norm of (reprojection of the volume - measured line integrals) over the norm of the latter; \
 low means that the data are \
                          explained, noise included, not that the image is right";
/// Views projected at once: bounds the memory.
const CHUNK: usize = 32;

/// The evaluation of a method without a truth.
pub(super) fn evaluation(
    outcome: &Outcome,
    result: &Reconstructed,
    scan: &Acquisition,
    context: &Context,
) -> Result<Evaluation> {
    let key = context.key(Evaluate::NAME, &KEY, &[&scan.key, &result.key])?;
    let work = || {
        let task = progress::begin(&format!("evaluate {}", outcome.name), None);
        let value = Evaluation {
            volume: measured(&result.volume, scan)?,
            start: result.start.as_ref().map(|start| measured(start, scan)).transpose()?,
            uncertainty: BTreeMap::new(),
            definitions: BTreeMap::from([(KEY.to_string(), definition())]),
        };
        task.end();
        Ok(StageOutput { value, files: Vec::new(), seconds_before: 0.0 })
    };
    Ok(context.cached(&format!("evaluate.{}", outcome.name), &key, work)?.value)
}

fn definition() -> MetricDefinition {
    MetricDefinition {
        definition: DEFINITION.to_string(),
        data_range: None,
        unit: String::new(),
        mask: "all".to_string(),
    }
}

fn measured(volume: &Volume, scan: &Acquisition) -> Result<Scores> {
    let mut found = Scores::default();
    let value = relative(&volume.to_attenuation(scan.mu_water), scan)?;
    if value.is_none() {
        found.reasons.insert(KEY.to_string(), "the data are all zero".to_string());
    }
    found.metrics.insert(KEY.to_string(), value);
    Ok(found)
}

fn relative(volume: &Volume, scan: &Acquisition) -> Result<Option<f64>> {
    let (geometry, data) = (&scan.projections.geometry, scan.projections.as_slice());
    let samples = geometry.detector.rows * geometry.detector.columns;
    let views: Vec<usize> = (0..geometry.views.len()).collect();
    let (mut missed, mut all) = (0.0, 0.0);
    for chunk in views.chunks(CHUNK) {
        let part = geometry.subset(chunk)?;
        let mut reprojected = vec![0.0; part.samples()];
        joseph::forward(&volume.grid, &part.views, &part.detector, volume.as_slice(), &mut reprojected);
        let given = &data[chunk[0] * samples..][..reprojected.len()];
        for (&found, &given) in reprojected.iter().zip(given) {
            missed += (f64::from(found) - f64::from(given)).powi(2);
            all += f64::from(given).powi(2);
        }
    }
    Ok((all > 0.0).then(|| (missed / all).sqrt()))
}
