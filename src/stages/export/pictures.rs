//! The held-out pictures and what the methods see from their cameras, for the report.

use super::Results;
use crate::context::{Context, layout};
use crate::data::Picture;
use crate::error::Result;
use crate::formats::pictures;
use crate::report::PicturePair;

/// Pictures that a report shows.
const SHOWN: usize = 4;

/// What each completed method sees from the shown cameras: its name and the pictures, in their order.
pub(super) fn seen(results: &Results, context: &Context) -> Result<Vec<(String, Vec<Picture>)>> {
    let Some(pictures) = results.measured.pictures() else { return Ok(Vec::new()) };
    let completed = results.outcomes.iter().filter(|outcome| outcome.result.is_some());
    let of = |method: &str| -> Result<Vec<Picture>> {
        let path = |name: &str| context.folder.path(&format!("{method}/{}/{name}.png", layout::VIEWS));
        pictures.held_out.iter().take(SHOWN).map(|shot| pictures::read(&path(&shot.name))).collect()
    };
    completed.map(|outcome| of(&outcome.name).map(|pictures| (outcome.name.clone(), pictures))).collect()
}

/// Each shown picture with what the methods see.
pub(super) fn pairs<'a>(results: &Results<'a>, seen: &'a [(String, Vec<Picture>)]) -> Vec<PicturePair<'a>> {
    let held_out = results.measured.pictures().map(|pictures| pictures.held_out.as_slice()).unwrap_or_default();
    let pair = |(i, shot): (usize, &'a crate::data::Shot)| PicturePair {
        name: &shot.name,
        truth: &shot.picture,
        seen: seen.iter().filter_map(|(name, views)| Some((name.as_str(), views.get(i)?))).collect(),
    };
    held_out.iter().take(SHOWN).enumerate().map(pair).collect()
}
