//! Held-out pictures or X-ray views, with the corresponding views of the methods, for the report.

use super::Results;
use crate::context::{Context, layout};
use crate::data::Picture;
use crate::error::Result;
use crate::formats::pictures;
use crate::report::PicturePair;
use crate::stages::flow::Measurement;
use crate::stages::held_out;

/// Largest number of views that a report shows.
const SHOWN: usize = 4;

/// A held-out picture, and the views of the completed methods with their names.
pub(super) struct Shown {
    name: String,
    truth: Picture,
    seen: Vec<(String, Picture)>,
}

impl Shown {
    /// The same in the form that the report page takes.
    pub(super) fn pair(&self) -> PicturePair<'_> {
        let seen = self.seen.iter().map(|(name, picture)| (name.as_str(), picture)).collect();
        PicturePair { name: &self.name, truth: &self.truth, seen }
    }
}

/// The pictures that are shown: a few of the held-out ones.
pub(super) fn shown(results: &Results, context: &Context) -> Result<Vec<Shown>> {
    let completed: Vec<&str> = results
        .outcomes
        .iter()
        .filter(|outcome| outcome.result.is_some())
        .map(|outcome| outcome.name.as_str())
        .collect();
    let read = |file: String| pictures::read(&context.folder.path(&file));
    let show = |(name, truth): (String, Picture)| -> Result<Shown> {
        let of = |method: &&str| Ok(((*method).to_string(), read(format!("{method}/{}/{name}.png", layout::VIEWS))?));
        Ok(Shown { seen: completed.iter().map(of).collect::<Result<_>>()?, name, truth })
    };
    truths(results.measured, &read)?.into_iter().map(show).collect()
}

/// A few of the held-out pictures or views with their names.
fn truths(measured: &Measurement, read: &dyn Fn(String) -> Result<Picture>) -> Result<Vec<(String, Picture)>> {
    match measured {
        Measurement::Pictures(scene) => {
            let shots = scene.pictures.held_out.iter().take(SHOWN);
            Ok(shots.map(|shot| (shot.name.clone(), shot.picture.clone())).collect())
        }
        Measurement::Projections(scan) => scan.held_out.as_ref().map_or(Ok(Vec::new()), |views| {
            // Spread over all views, because neighbouring views look alike.
            let count = if views.geometry.detector.rows > 1 { views.geometry.views.len() } else { 0 };
            let numbers = (0..count.min(SHOWN)).map(|k| k * count / count.min(SHOWN));
            let view = |name: String| Ok((name.clone(), read(format!("{}/{name}.png", layout::HELD_OUT))?));
            numbers.map(|number| view(held_out::name(number))).collect()
        }),
    }
}
