//! evaluate: compares every method with the ground truth, over all voxels and over those that every view sees (`_fov`).
//! Measured projections have no ground truth; there the methods are evaluated by the residual of their reprojection
//! (`residual`).

mod calibration;
mod pictures;
mod residual;
mod views;
mod withheld;

use super::Stage;
use super::flow::{Acquisition, Findings, Measurement, Outcome, Reconstructed};
use crate::context::{Context, Key, StageOutput, layout};
use crate::data::{MethodReport, MetricDefinition, Volume};
use crate::error::Result;
use crate::metrics::{self, Comparison, Metric};
use crate::operators::xray::kernels::coverage;
use crate::progress;
use crate::stages::withheld::{CrossValidation, Withheld};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Metrics and other evaluations of the results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Metrics by their keys: psnr_db, ssim, ssim_slices, rmse_hu and mae_hu by default; also nrmse, correlation,
    /// ms_ssim, gmsd, hu_bias_TISSUE and hu_spread_TISSUE (air, lung, fat, soft, bone), and, as defined in papers,
    /// ssim2d_gauss_r2 and ssim3d_naf. All but ms_ssim, gmsd and the last two are also computed over the voxels that
    /// every view sees (`_fov`). Measured projections have no ground truth: there `residual` is computed instead.
    pub metrics: Vec<String>,
    /// Which methods of a measured scan are evaluated by withheld views (held_out_residual, held_out_noise,
    /// resolution_mm): `auto` is every method except neural fields. Each method so evaluated runs three more times, on
    /// 0.9, 0.5 and 0.5 of the views.
    pub cross_validation: CrossValidation,
    /// `held_out`: evaluate the methods also by X-ray views that they were not given (views_psnr_db, views_ssim).
    /// `simulate.held_out` or `acquire.held_out` gives the number of views, 10 by default; if it is given, these views
    /// are evaluated in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views: Option<Views>,
}

/// Views by which methods are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Views {
    /// The held-out views, which no method was given.
    HeldOut,
}

impl Default for Config {
    fn default() -> Self {
        let metrics = metrics::DEFAULT.map(str::to_string).to_vec();
        Self { metrics, cross_validation: CrossValidation::Auto, views: None }
    }
}

/// The evaluate stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluate {
    /// Metrics and other evaluations.
    pub config: Config,
}

/// Values by key, and the reasons for missing ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Scores {
    metrics: BTreeMap<String, Option<f64>>,
    reasons: BTreeMap<String, String>,
}

/// Values that the cache record of an evaluation keeps.
#[derive(Serialize, Deserialize)]
struct Evaluation {
    volume: Scores,
    start: Option<Scores>,
    /// Calibration of the uncertainty map.
    #[serde(default)]
    uncertainty: BTreeMap<String, f64>,
    definitions: BTreeMap<String, MetricDefinition>,
    /// Values for each held-out picture.
    #[serde(default)]
    views: Vec<Value>,
}

impl Stage for Evaluate {
    type Input<'a> = (&'a Measurement, &'a [Outcome]);
    type Output<'a> = Findings;
    const NAME: &'static str = "evaluate";

    fn work<'a>(
        &'a self,
        (measured, outcomes): (&'a Measurement, &'a [Outcome]),
        context: &'a Context,
    ) -> Result<Findings> {
        let mut findings = Findings::default();
        for outcome in outcomes {
            let evaluation =
                outcome.result.as_ref().map(|result| self.judged(outcome, result, measured, context)).transpose()?;
            if outcome.result.as_ref().is_some_and(|result| result.withheld.is_some()) {
                findings.definitions.extend(withheld::definitions());
            }
            findings.methods.push(entry(outcome, evaluation.as_ref()));
            findings.definitions.extend(evaluation.into_iter().flat_map(|evaluation| evaluation.definitions));
        }
        if let Some(scan) = measured.projections() {
            views::add(scan, outcomes, context, &mut findings)?;
        }
        Ok(findings)
    }
}

impl Evaluate {
    /// Evaluates a completed method by the ground truth, the data or the held-out pictures.
    fn judged(
        &self,
        outcome: &Outcome,
        result: &Reconstructed,
        measured: &Measurement,
        context: &Context,
    ) -> Result<Evaluation> {
        match measured {
            Measurement::Pictures(scene) => pictures::evaluation(&self.config, outcome, result, scene, context),
            Measurement::Projections(scan) => match &scan.truth {
                Some(truth) => self.evaluation(outcome, result, truth, scan, context),
                None => residual::evaluation(outcome, result, scan, context),
            },
        }
    }

    fn evaluation(
        &self,
        outcome: &Outcome,
        result: &Reconstructed,
        truth: &Volume,
        scan: &Acquisition,
        context: &Context,
    ) -> Result<Evaluation> {
        let key = context.key(Self::NAME, &self.config.metrics, &[&scan.key, &result.key])?;
        kept(outcome, &key, context, || {
            let fov = seen_by_all(scan);
            Ok(Evaluation {
                volume: self.measure(truth, &result.volume, &fov)?,
                start: result.start.as_ref().map(|start| self.measure(truth, start, &fov)).transpose()?,
                uncertainty: result
                    .uncertainty
                    .as_ref()
                    .map(|map| calibration::figures(truth, &result.volume, map))
                    .unwrap_or_default(),
                definitions: self.definitions(truth, &result.volume, &fov)?,
                views: Vec::new(),
            })
        })
    }

    fn measure(&self, truth: &Volume, found: &Volume, fov: &[bool]) -> Result<Scores> {
        let mut measured = Scores::default();
        for (key, metric, comparison) in self.each(truth, found, fov)? {
            let value = metric.measure(&comparison);
            measured.reasons.extend(value.as_ref().err().map(|reason| (key.clone(), reason.clone())));
            measured.metrics.insert(key, value.ok());
        }
        Ok(measured)
    }

    fn definitions(&self, truth: &Volume, found: &Volume, fov: &[bool]) -> Result<BTreeMap<String, MetricDefinition>> {
        Ok(self
            .each(truth, found, fov)?
            .into_iter()
            .map(|(key, metric, comparison)| (key, metric.describe(&comparison)))
            .collect())
    }

    /// Every metric with its key in the report, over all voxels and over `fov`.
    fn each<'a>(
        &self,
        truth: &'a Volume,
        found: &'a Volume,
        fov: &'a [bool],
    ) -> Result<Vec<(String, &'static dyn Metric, Comparison<'a>)>> {
        let mut all = Vec::new();
        for (mask, suffix) in [(None, ""), (Some(fov), "_fov")] {
            let comparison = Comparison::new(truth, found, mask)?;
            let metrics = self.config.metrics.iter().filter_map(|key| metrics::by_name(key));
            let metrics = metrics.filter(|metric| mask.is_none() || metric.takes_mask());
            all.extend(metrics.map(|metric| (format!("{}{suffix}", metric.key()), metric, comparison)));
        }
        Ok(all)
    }
}

/// The evaluation of a method: taken from the run folder if its key is `key`, otherwise the result of `evaluate`.
fn kept(
    outcome: &Outcome,
    key: &Key,
    context: &Context,
    evaluate: impl FnOnce() -> Result<Evaluation>,
) -> Result<Evaluation> {
    let work = || {
        let task = progress::begin(&format!("evaluate {}", outcome.name), None);
        let value = evaluate()?;
        task.end();
        Ok(StageOutput { value, files: Vec::new(), seconds_before: 0.0 })
    };
    Ok(context.cached(&format!("evaluate.{}", outcome.name), key, work)?.value)
}

/// For each voxel, whether it is projected onto the detector in every view.
fn seen_by_all(scan: &Acquisition) -> Vec<bool> {
    let views = scan.projections.geometry.views.len().min(usize::from(u16::MAX)) as u16;
    coverage::seen_by(&scan.grid, &scan.projections.geometry).into_iter().map(|seen| seen >= views).collect()
}

/// Entry of the method in the report.
fn entry(outcome: &Outcome, evaluation: Option<&Evaluation>) -> MethodReport {
    let facts = outcome.result.as_ref().map(|result| result.facts.clone()).unwrap_or_default();
    let mut notes = facts.notes;
    notes.extend(outcome.reason.as_ref().map(|reason| ("reason".to_string(), Value::from(reason.as_str()))));
    if let Some(start) = evaluation.and_then(|evaluation| evaluation.start.as_ref()) {
        let figures = start.metrics.iter().map(|(key, value)| (key.clone(), Value::from(*value)));
        let note = notes.entry("start".to_string()).or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(map) = note.as_object_mut() {
            map.extend(figures);
        }
    }
    if let Some(found) = evaluation.map(|evaluation| &evaluation.uncertainty).filter(|found| !found.is_empty()) {
        notes.insert("uncertainty".to_string(), serde_json::json!(found));
    }
    if let Some(views) = evaluation.map(|evaluation| &evaluation.views).filter(|views| !views.is_empty()) {
        notes.insert("views".to_string(), Value::Array(views.clone()));
    }
    let mut measured = evaluation.map(|evaluation| evaluation.volume.clone()).unwrap_or_default();
    if let Some(found) = outcome.result.as_ref().and_then(|result| result.withheld.as_ref()) {
        let keys = Withheld::KEYS.map(str::to_string);
        measured.metrics.extend(keys.into_iter().zip(found.figures()));
        measured.reasons.extend(found.reasons.clone());
        if !found.shells.is_empty() {
            notes.insert(Withheld::SHELLS.to_string(), withheld::note(&found.shells));
        }
    }
    MethodReport {
        name: outcome.name.clone(),
        algorithm: outcome.algorithm.to_string(),
        status: outcome.status,
        seconds: outcome.result.as_ref().map_or(0.0, |result| result.seconds),
        peak_memory_bytes: facts.peak_memory_bytes,
        volume: format!("{}/{}", outcome.name, layout::VOLUME),
        metrics: measured.metrics,
        reasons: measured.reasons,
        notes,
        curve: facts.curve,
    }
}
