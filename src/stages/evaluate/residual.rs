//! Relative residual of a volume on measured data: ‖A x − y‖ / ‖y‖ over all samples, with A by Joseph's method.

use super::{Evaluate, Evaluation, Scores, kept};
use crate::context::Context;
use crate::data::{MetricDefinition, Volume};
use crate::error::Result;
use crate::operators::xray::kernels::joseph;
use crate::progress;
use crate::stages::Stage;
use crate::stages::flow::{Acquisition, Outcome, Reconstructed};
use std::collections::BTreeMap;

/// Key of the residual in reports.
const KEY: &str = "residual";
/// Definition for the report.
const DEFINITION: &str = "norm of (reprojection of the volume - measured line integrals) over the norm of the latter; \
                          low means that the data are explained, noise included, not that the image is right";
/// Accepted range of the scale s of the best fit y = s A x; outside it a warning is given.
const RIGHT: std::ops::RangeInclusive<f64> = 0.9..=1.1;
/// Number of views projected at once; it limits the memory.
const CHUNK: usize = 32;

/// Evaluates a method without ground truth.
pub(super) fn evaluation(
    outcome: &Outcome,
    result: &Reconstructed,
    scan: &Acquisition,
    context: &Context,
) -> Result<Evaluation> {
    let key = context.key(Evaluate::NAME, &KEY, &[&scan.key, &result.key])?;
    kept(outcome, &key, context, || {
        let found = agreement(&result.volume.to_attenuation(scan.mu_water), scan)?;
        if let Some(found) = &found {
            scale_off(&outcome.name, found);
        }
        let of_start = |start: &Volume| agreement(&start.to_attenuation(scan.mu_water), scan).map(scores);
        Ok(Evaluation {
            volume: scores(found),
            start: result.start.as_ref().map(of_start).transpose()?,
            uncertainty: BTreeMap::new(),
            definitions: BTreeMap::from([(KEY.to_string(), definition())]),
            views: Vec::new(),
        })
    })
}

fn definition() -> MetricDefinition {
    MetricDefinition {
        definition: DEFINITION.to_string(),
        data_range: None,
        unit: String::new(),
        mask: "all".to_string(),
    }
}

fn scores(found: Option<Agreement>) -> Scores {
    let mut scores = Scores::default();
    if found.is_none() {
        scores.reasons.insert(KEY.to_string(), "the data are all zero".to_string());
    }
    scores.metrics.insert(KEY.to_string(), found.map(|found| found.residual));
    scores
}

/// Agreement of a reprojection A x with the data y.
struct Agreement {
    /// ‖A x − y‖ / ‖y‖.
    residual: f64,
    /// The s of the least-squares fit y = s A x.
    scale: f64,
}

/// Agreement of a volume (1/mm) with the data; `None` if the data are all zero.
fn agreement(volume: &Volume, scan: &Acquisition) -> Result<Option<Agreement>> {
    let (geometry, data) = (&scan.projections.geometry, scan.projections.as_slice());
    let samples = geometry.detector.rows * geometry.detector.columns;
    let views: Vec<usize> = (0..geometry.views.len()).collect();
    let (mut missed, mut all, mut both, mut own) = (0.0, 0.0, 0.0, 0.0);
    for chunk in views.chunks(CHUNK) {
        let part = geometry.subset(chunk)?;
        let mut reprojected = vec![0.0; part.samples()];
        joseph::forward(&volume.grid, &part.views, &part.detector, volume.as_slice(), &mut reprojected);
        let given = &data[chunk[0] * samples..][..reprojected.len()];
        for (&found, &given) in reprojected.iter().zip(given) {
            let (found, given) = (f64::from(found), f64::from(given));
            missed += (found - given).powi(2);
            all += given.powi(2);
            both += found * given;
            own += found.powi(2);
        }
    }
    Ok((all > 0.0)
        .then(|| Agreement { residual: (missed / all).sqrt(), scale: if own > 0.0 { both / own } else { 1.0 } }))
}

/// Warns if the values of a volume are wrong by a factor.
fn scale_off(name: &str, agreement: &Agreement) {
    if !RIGHT.contains(&agreement.scale) {
        let message = format!(
            "{name}: the measured line integrals are {:.3} times those of its volume: its values are wrong by this \
             factor, or the grid does not hold the whole object",
            agreement.scale
        );
        progress::warn("scale_off", &message);
    }
}
