//! Evaluation of methods on camera pictures by held-out pictures: PSNR and SSIM of each picture on a white background,
//! and their means.

use super::{Config, Evaluate, Evaluation, Scores, kept};
use crate::context::{Context, layout};
use crate::data::{MetricDefinition, Picture};
use crate::error::Result;
use crate::formats::pictures;
use crate::metrics::pictures::{psnr_db, ssim};
use crate::stages::Stage;
use crate::stages::flow::{Outcome, Reconstructed, Scene};
use serde_json::json;
use std::collections::BTreeMap;

/// Background colour (RGB) of transparent pixels when pictures are compared.
const WHITE: [f32; 3] = [1.0; 3];
/// Keys in the report.
const KEYS: [&str; 3] = ["psnr_db", "psnr_db_object", "ssim"];
/// Suffix of the keys that count only the pixels with the object.
const ON_THE_OBJECT: &str = "_object";

/// Evaluates a method by the held-out pictures.
pub(super) fn evaluation(
    config: &Config,
    outcome: &Outcome,
    result: &Reconstructed,
    scene: &Scene,
    context: &Context,
) -> Result<Evaluation> {
    let key = context.key(Evaluate::NAME, &(&config.metrics, "pictures"), &[&scene.key, &result.key])?;
    kept(outcome, &key, context, || judge(config, outcome, scene, context))
}

fn judge(config: &Config, outcome: &Outcome, scene: &Scene, context: &Context) -> Result<Evaluation> {
    let mut views = Vec::new();
    let mut found: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for shot in &scene.pictures.held_out {
        let file = format!("{}/{}/{}.png", outcome.name, layout::VIEWS, shot.name);
        let picture = pictures::read(&context.folder.path(&file))?;
        let (truth, seen) = (shot.picture.before(WHITE), picture.before(WHITE));
        let [truth_of_it, seen_of_it] = on_the_object(&shot.picture, &picture, &truth, &seen);
        let figures =
            [psnr_db(&truth, &seen), psnr_db(&truth_of_it, &seen_of_it), ssim(shot.picture.pixels, &truth, &seen)];
        let numbers = figures.each_ref().map(|figure| figure.as_ref().ok());
        views.push(json!({"view": shot.name, "psnr_db": numbers[0], "psnr_db_object": numbers[1], "ssim": numbers[2]}));
        for (key, figure) in KEYS.into_iter().zip(figures) {
            found.entry(key).or_default().extend(figure.ok());
        }
    }
    let scores = means(&found, |key| {
        let base = key.trim_end_matches(ON_THE_OBJECT);
        config.metrics.iter().any(|wanted| wanted == base) && (base == key || !scene.pictures.is_opaque())
    });
    let mut definitions = definitions();
    definitions.retain(|key, _| scores.metrics.contains_key(key));
    Ok(Evaluation { volume: scores, start: None, uncertainty: BTreeMap::new(), definitions, views })
}

/// The means over the pictures of the `wanted` metrics, or the reasons why there are none.
fn means(found: &BTreeMap<&str, Vec<f64>>, wanted: impl Fn(&str) -> bool) -> Scores {
    let mut scores = Scores::default();
    for key in KEYS.into_iter().filter(|key| wanted(key)) {
        let values = found.get(key).map(Vec::as_slice).unwrap_or_default();
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        if mean.is_none() {
            scores.reasons.insert(key.to_string(), "no held-out picture gives a number".to_string());
        }
        scores.metrics.insert(key.to_string(), mean);
    }
    scores
}

/// The pixels in which either picture is not fully transparent; every method reproduces an empty background.
fn on_the_object(
    truth: &Picture,
    seen: &Picture,
    truth_before_white: &[[f32; 3]],
    seen_before_white: &[[f32; 3]],
) -> [Vec<[f32; 3]>; 2] {
    let there: Vec<bool> = truth.rgba.iter().zip(&seen.rgba).map(|(a, b)| a[3] > 0.0 || b[3] > 0.0).collect();
    [truth_before_white, seen_before_white]
        .map(|pixels| pixels.iter().zip(&there).filter(|(_, there)| **there).map(|(pixel, _)| *pixel).collect())
}

fn definitions() -> BTreeMap<String, MetricDefinition> {
    let words = [
        ("dB", "mean over the held-out pictures of 10 log10(1 / MSE), all pixels and channels before white, 0 to 1"),
        (
            "dB",
            "the same over the pixels in which the picture or the rendering is not wholly transparent: without the \
             background, which every method reproduces",
        ),
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
            mask: "the held-out pictures".to_string(),
        };
        (key.to_string(), definition)
    };
    KEYS.into_iter().zip(words).map(one).collect()
}
