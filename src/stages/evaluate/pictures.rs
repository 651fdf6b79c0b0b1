//! Methods on pictures, judged by the pictures that they have not seen: PSNR and SSIM of each before white, and their
//! means.

use super::{Config, Evaluate, Evaluation, Scores};
use crate::context::{Context, StageOutput, layout};
use crate::data::MetricDefinition;
use crate::error::Result;
use crate::formats::pictures;
use crate::metrics::pictures::{psnr_db, ssim};
use crate::progress;
use crate::stages::Stage;
use crate::stages::flow::{Outcome, Reconstructed, Scene};
use serde_json::json;
use std::collections::BTreeMap;

/// What opacity shows when pictures are compared.
const WHITE: [f32; 3] = [1.0; 3];
/// Keys in the report.
const KEYS: [&str; 2] = ["psnr_db", "ssim"];

/// The evaluation of a method by the held-out pictures.
pub(super) fn evaluation(
    config: &Config,
    outcome: &Outcome,
    result: &Reconstructed,
    scene: &Scene,
    context: &Context,
) -> Result<Evaluation> {
    let key = context.key(Evaluate::NAME, &(&config.metrics, "pictures"), &[&scene.key, &result.key])?;
    let work = || {
        let task = progress::begin(&format!("evaluate {}", outcome.name), None);
        let value = judge(config, outcome, scene, context)?;
        task.end();
        Ok(StageOutput { value, files: Vec::new(), seconds_before: 0.0 })
    };
    Ok(context.cached(&format!("evaluate.{}", outcome.name), &key, work)?.value)
}

fn judge(config: &Config, outcome: &Outcome, scene: &Scene, context: &Context) -> Result<Evaluation> {
    let mut views = Vec::new();
    let mut found: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for shot in &scene.pictures.held_out {
        let file = format!("{}/{}/{}.png", outcome.name, layout::VIEWS, shot.name);
        let seen = pictures::read(&context.folder.path(&file))?.before(WHITE);
        let truth = shot.picture.before(WHITE);
        let figures = [psnr_db(&truth, &seen), ssim(shot.picture.pixels, &truth, &seen)];
        views.push(json!({"view": shot.name, "psnr_db": figures[0].as_ref().ok(), "ssim": figures[1].as_ref().ok()}));
        for (key, figure) in KEYS.into_iter().zip(figures) {
            found.entry(key).or_default().extend(figure.ok());
        }
    }
    let mut scores = Scores::default();
    for key in KEYS.into_iter().filter(|key| config.metrics.iter().any(|wanted| wanted == key)) {
        let values = found.get(key).map(Vec::as_slice).unwrap_or_default();
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        if mean.is_none() {
            scores.reasons.insert(key.to_string(), "no held-out picture gives a number".to_string());
        }
        scores.metrics.insert(key.to_string(), mean);
    }
    Ok(Evaluation { volume: scores, start: None, uncertainty: BTreeMap::new(), definitions: definitions(), views })
}

fn definitions() -> BTreeMap<String, MetricDefinition> {
    let words = [
        ("dB", "mean over the held-out pictures of 10 log10(1 / MSE), all pixels and channels before white, 0 to 1"),
        (
            "1",
            "mean over the held-out pictures of the structural similarity (Wang 2004) of each channel before white, \
             Gaussian window, sigma 1.5 pixels, 11 taps, K1 0.01, K2 0.03, R = 1",
        ),
    ];
    let one = |(key, (unit, definition)): (&str, (&str, &str))| {
        let definition = MetricDefinition {
            definition: definition.to_string(),
            data_range: Some(1.0),
            unit: unit.to_string(),
            mask: "all".to_string(),
        };
        (key.to_string(), definition)
    };
    KEYS.into_iter().zip(words).map(one).collect()
}
