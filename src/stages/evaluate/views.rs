//! Evaluation of methods on projections by held-out views: projections of each volume (Joseph's method) are compared
//! with the held-out line integrals.

use crate::context::layout::VIEWS;
use crate::context::{Context, Key, StageOutput};
use crate::data::{MethodReport, MetricDefinition, Projections};
use crate::error::Result;
use crate::metrics::radiographs::{Likeness, likeness, range};
use crate::progress;
use crate::stages::flow::{Acquisition, Findings, Outcome, Reconstructed};
use crate::stages::held_out;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Keys in the report.
const KEYS: [&str; 2] = ["views_psnr_db", "views_ssim"];

/// Values that the cache record keeps beside its files.
#[derive(Serialize, Deserialize)]
struct Judged {
    metrics: BTreeMap<String, Option<f64>>,
    reasons: BTreeMap<String, String>,
    views: Vec<Value>,
}

/// Adds the values for the held-out views to every completed method, if there are such views.
pub(super) fn add(scan: &Acquisition, outcomes: &[Outcome], context: &Context, findings: &mut Findings) -> Result<()> {
    let Some(truth) = &scan.held_out else { return Ok(()) };
    for (outcome, entry) in outcomes.iter().zip(&mut findings.methods) {
        let Some(result) = &outcome.result else { continue };
        let judged = judged(outcome, result, (scan, truth), context)?;
        findings.files.extend(held_out::files_below(&folder(outcome), truth));
        note(entry, judged);
    }
    findings.definitions.extend(definitions(truth));
    Ok(())
}

fn note(entry: &mut MethodReport, judged: Judged) {
    entry.metrics.extend(judged.metrics);
    entry.reasons.extend(judged.reasons);
    entry.notes.insert("views".to_string(), Value::Array(judged.views));
}

fn folder(outcome: &Outcome) -> String {
    format!("{}/{VIEWS}", outcome.name)
}

fn judged(
    outcome: &Outcome,
    result: &Reconstructed,
    (scan, truth): (&Acquisition, &Projections),
    context: &Context,
) -> Result<Judged> {
    let before: [&Key; 2] = [&scan.key, &result.key];
    let key = context.key("views", &KEYS, &before)?;
    let work = || {
        let task = progress::begin(&format!("views of {}", outcome.name), None);
        let found = held_out::seen(&result.volume.to_attenuation(scan.mu_water), truth)?;
        let files = held_out::write_below(&folder(outcome), &found, held_out::brightest(truth), context)?;
        task.end();
        Ok(StageOutput { value: figures(truth, &found), files, seconds_before: 0.0 })
    };
    Ok(context.cached(&format!("views.{}", outcome.name), &key, work)?.value)
}

fn figures(truth: &Projections, found: &Projections) -> Judged {
    let mut judged = Judged { metrics: BTreeMap::new(), reasons: BTreeMap::new(), views: Vec::new() };
    let (each, whole) = likeness(truth, found)
        .unwrap_or_else(|reason| (Vec::new(), Likeness { psnr_db: Err(reason.clone()), ssim: Err(reason) }));
    for (key, figure) in KEYS.into_iter().zip([whole.psnr_db, whole.ssim]) {
        judged.reasons.extend(figure.as_ref().err().map(|reason| (key.to_string(), reason.clone())));
        judged.metrics.insert(key.to_string(), figure.ok());
    }
    let entry = |(view, figures): (usize, Likeness)| {
        let (psnr_db, ssim) = (figures.psnr_db.ok(), figures.ssim.ok());
        json!({"view": held_out::name(view), "psnr_db": psnr_db, "ssim": ssim})
    };
    judged.views = each.into_iter().enumerate().map(entry).collect();
    judged
}

fn definitions(truth: &Projections) -> BTreeMap<String, MetricDefinition> {
    let words = [
        (
            "dB",
            "10 log10(R^2 / MSE) of the line integrals through the volume (Joseph's method) along the rays of the \
             held-out views, all of them together; R = max - min of the held-out line integrals",
        ),
        (
            "1",
            "mean over the held-out views of the structural similarity (Wang 2004) of these line integrals, Gaussian \
             window in the plane, sigma 1.5 pixels, 11 taps, K1 0.01, K2 0.03, the same R",
        ),
    ];
    let one = |(key, (unit, definition)): (&str, (&str, &str))| {
        let definition = MetricDefinition {
            definition: definition.to_string(),
            data_range: Some(range(truth)),
            unit: unit.to_string(),
            mask: "the held-out views".to_string(),
        };
        (key.to_string(), definition)
    };
    KEYS.into_iter().zip(words).map(one).collect()
}
