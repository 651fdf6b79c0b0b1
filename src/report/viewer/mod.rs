//! The interactive viewer: the volumes inside a page and the script that shows truth, methods, uncertainties and starts
//! at the same position side by side.
//!
//! A budget bounds the bytes that the volumes add to the page: first their values are rounded (to steps of at most
//! [`COARSEST`] of the object's range), then blocks of voxels are replaced by their mean. The page says what was done.
//! The script is the concatenation of the `.js` files of this folder; it makes no requests, and the page's content
//! security policy contains its hash.

mod pack;
mod shrink;

use super::figures::errors::comparable;
use super::figures::plane::{Plane, flipped, ruler};
use super::figures::window::Window;
use crate::data::{Quantity, Volume};
use pack::Levels;
use serde_json::{Value, json};
use shrink::Blocks;

/// The script of the viewer. Only the last file must be in its place, because it starts the viewer.
pub(crate) const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("decode.js"),
    include_str!("state.js"),
    include_str!("planes.js"),
    include_str!("colors.js"),
    include_str!("paint.js"),
    include_str!("tile.js"),
    include_str!("pointer.js"),
    include_str!("keys.js"),
    include_str!("profile.js"),
    include_str!("toolbar.js"),
    include_str!("main.js"),
    "})();\n"
);
/// The style sheet of the viewer.
pub(crate) const STYLE: &str = include_str!("viewer.css");

/// Finest quantisation step of the values, as a fraction of the object's range.
const FINEST: f64 = 1.0 / 4000.0;
/// Coarsest quantisation step of the values, as a fraction of the object's range.
const COARSEST: f64 = 1.0 / 200.0;
/// Factor between successive quantisation steps that are tried.
const STRIDE: f64 = 1.25;
/// Most voxels of all volumes together; the browser needs two bytes for each.
const MOST: usize = 100_000_000;

/// Volumes on the same grid in the form that a page contains.
#[derive(Debug)]
pub(crate) struct Viewer {
    /// Description of the volumes for the script: grid, unit, quantisation, windows, names.
    pub(crate) manifest: Value,
    /// The quantised values of each volume as text, see [`pack::text`].
    pub(crate) blocks: Vec<String>,
}

/// A volume with its name and its role in the viewer.
struct Shown<'a> {
    name: &'a str,
    kind: &'static str,
    volume: &'a Volume,
}

/// Grey-value windows and error range of the page's other figures, with which the viewer starts.
pub(crate) struct Ranges {
    /// Window over nearly all values.
    pub(crate) whole: Window,
    /// Narrower window for low contrast.
    pub(crate) detail: Option<Window>,
    /// Range of the signed errors: from −`error` to +`error`.
    pub(crate) error: Option<f64>,
}

impl Viewer {
    /// Packs the volumes of a gallery that lie on the grid of its truth (without one, of its first method) within its
    /// budget. `None` without a budget, or if the volumes do not fit even at the coarsest resolution.
    pub(crate) fn of(gallery: &super::Gallery, ranges: &Ranges) -> Option<Self> {
        let budget = gallery.viewer_bytes?;
        let subject = gallery.truth.or(gallery.methods.first().map(|(_, volume)| *volume))?;
        let shown = shown(gallery, subject);
        let object = Window::object(subject);
        let width = object.high - object.low;
        let levels = levels(&shown, width * FINEST)?;
        let mut blocks = Blocks::NONE;
        loop {
            if let Some((step, packed)) = packed(&shown, blocks, levels, width * COARSEST, budget) {
                let manifest = manifest(&shown, subject, blocks, Levels { step, ..levels }, ranges, object);
                return Some(Self { manifest, blocks: packed });
            }
            blocks = blocks.coarser(&subject.grid)?;
        }
    }
}

fn shown<'a>(gallery: &'a super::Gallery, subject: &Volume) -> Vec<Shown<'a>> {
    let truth = gallery.truth.into_iter().map(|volume| Shown { name: "Truth", kind: "truth", volume });
    let list = |volumes: &'a [(String, &'a Volume)], kind| {
        volumes.iter().map(move |(name, volume)| Shown { name, kind, volume })
    };
    let beside = list(&gallery.uncertainties, "uncertainty").chain(list(&gallery.starts, "start"));
    truth
        .chain(list(&gallery.methods, "method"))
        .chain(beside)
        .filter(|shown| comparable(subject, shown.volume))
        .collect()
}

/// Quantisation levels that cover the values of all volumes, with a step of at least `finest`; `None` without finite
/// values.
fn levels(shown: &[Shown], finest: f64) -> Option<Levels> {
    let values = shown.iter().flat_map(|shown| shown.volume.as_slice()).map(|&value| f64::from(value));
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let step = finest.max((high - low) / f64::from(u16::MAX));
    (low.is_finite() && step.is_finite() && step > 0.0).then_some(Levels { low, step })
}

/// Packs all volumes within `budget` bytes with the finest step that fits, up to `coarsest`; `None` if none fits.
fn packed(shown: &[Shown], blocks: Blocks, levels: Levels, coarsest: f64, budget: usize) -> Option<(f64, Vec<String>)> {
    let grid = &shown.first()?.volume.grid;
    let shape = blocks.shape(grid.shape);
    if shape.iter().product::<usize>() * shown.len() > MOST {
        return None;
    }
    let means: Vec<Vec<f32>> =
        shown.iter().map(|shown| blocks.means(shown.volume.as_slice(), grid.shape, flipped(grid))).collect();
    let every = (shape[0] * shape[1] / 512).clamp(1, 16);
    let estimate = |step: f64| -> usize {
        means.iter().map(|values| pack::estimate(values, shape[2], Levels { step, ..levels }, every)).sum()
    };
    let mut step = levels.step;
    while step <= coarsest.max(levels.step) {
        if estimate(step) <= budget + budget / 10 {
            let texts = means.iter().map(|values| pack::text(values, shape[2], Levels { step, ..levels }));
            let texts: Vec<String> = texts.collect();
            if texts.iter().map(String::len).sum::<usize>() <= budget {
                return Some((step, texts));
            }
        }
        step *= STRIDE;
    }
    None
}

fn manifest(
    shown: &[Shown],
    subject: &Volume,
    blocks: Blocks,
    levels: Levels,
    ranges: &Ranges,
    object: Window,
) -> Value {
    let grid = &subject.grid;
    let pair = |window: Window| json!([window.low, window.high]);
    let axes: Vec<Value> = (0..3)
        .map(|k| {
            let ((letter, first, step), block) = (ruler(grid, k), blocks.0[k] as f64);
            json!({"letter": letter, "first": first + step * (block - 1.0) / 2.0, "step": step * block})
        })
        .collect();
    let planes: serde_json::Map<String, Value> = Plane::of(grid)
        .iter()
        .map(|plane| (plane.name().to_string(), json!(plane.sides(grid).iter().collect::<String>())))
        .collect();
    let spacing: [f64; 3] = std::array::from_fn(|k| grid.spacing[k] * blocks.0[k] as f64);
    let volumes: Vec<Value> = shown.iter().map(|shown| json!({"name": shown.name, "kind": shown.kind})).collect();
    json!({
        "unit": subject.quantity.unit(),
        "hounsfield": subject.quantity == Quantity::Hounsfield,
        "shape": blocks.shape(grid.shape),
        "spacing": spacing,
        "blocks": blocks.0,
        "axes": axes,
        "planes": planes,
        "low": levels.low,
        "step": levels.step,
        "object": pair(object),
        "whole": pair(ranges.whole),
        "detail": ranges.detail.map(pair),
        "error": ranges.error,
        "volumes": volumes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Gallery, samples};

    fn viewer(gallery: &Gallery) -> Option<Viewer> {
        let whole = Window::of(gallery.truth.unwrap());
        Viewer::of(gallery, &Ranges { whole, detail: None, error: Some(100.0) })
    }

    #[test]
    fn volumes_come_back_within_half_a_step() {
        let truth = samples::ball(20, false, 0.0, 0.0);
        let found = samples::ball(20, false, 4.0, 60.0);
        let gallery = Gallery {
            truth: Some(&truth),
            methods: vec![("fdk".into(), &found)],
            viewer_bytes: Some(1 << 20),
            ..Gallery::default()
        };
        let viewer = viewer(&gallery).unwrap();
        let number = |key: &str| viewer.manifest[key].as_f64().unwrap();
        assert_eq!(viewer.manifest["shape"], json!([16, 20, 20]));
        for (text, volume) in viewer.blocks.iter().zip([&truth, &found]) {
            for (level, value) in pack::decode(text, 20).iter().zip(volume.as_slice()) {
                let shown = number("low") + number("step") * f64::from(*level);
                assert!((shown - f64::from(*value)).abs() <= 0.51 * number("step"), "{shown} {value}");
            }
        }
        assert!(number("step") < 1.0, "{}", number("step"));
    }

    #[test]
    fn a_small_budget_is_kept_by_rounding_and_then_by_blocks() {
        let truth = samples::ball(40, false, 2.0, 40.0);
        let sizes = [100_000, 40_000, 8_000].map(|budget| {
            let viewer =
                viewer(&Gallery { truth: Some(&truth), viewer_bytes: Some(budget), ..Gallery::default() }).unwrap();
            assert!(viewer.blocks[0].len() <= budget);
            (viewer.manifest["step"].as_f64().unwrap(), viewer.manifest["blocks"][0].as_u64().unwrap())
        });
        assert!(sizes[0].0 < sizes[1].0 || sizes[0].1 < sizes[1].1, "{sizes:?}");
        assert!(sizes[2].1 > 1, "{sizes:?}");
        assert!(viewer(&Gallery { truth: Some(&truth), viewer_bytes: Some(10), ..Gallery::default() }).is_none());
        assert!(viewer(&Gallery { truth: Some(&truth), ..Gallery::default() }).is_none());
    }

    #[test]
    fn a_volume_on_another_grid_is_left_out() {
        let (truth, other) = (samples::ball(16, false, 0.0, 0.0), samples::ball(20, false, 0.0, 0.0));
        let gallery = Gallery {
            truth: Some(&truth),
            methods: vec![("fdk".into(), &other), ("tv".into(), &truth)],
            viewer_bytes: Some(1 << 20),
            ..Gallery::default()
        };
        let viewer = viewer(&gallery).unwrap();
        let names: Vec<&str> = viewer.manifest["volumes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|volume| volume["name"].as_str())
            .collect();
        assert_eq!(names, ["Truth", "tv"]);
    }
}
