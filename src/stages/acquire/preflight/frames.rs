//! Findings in the raw exposures: views without a signal, and a saturated detector.

use super::Finding;
use crate::stages::acquire::setup::Values;
use ndarray::{Array3, ArrayView2, Axis};
use rayon::prelude::*;

/// Largest number of views that a message lists.
const NAMED: usize = 8;
/// A detector counts as saturated if more than this fraction of the samples has the largest value of its range.
const CLIPPED: f64 = 0.002;
/// Possible numbers of bits of a detector.
const BITS: std::ops::RangeInclusive<u32> = 8..=16;

/// Findings in the exposures `[view, row, column]`, as they are in the file.
pub(in crate::stages::acquire) fn frames(data: &Array3<f32>, values: Values) -> Vec<Finding> {
    [blank(data, values), clipped(data)].into_iter().flatten().collect()
}

/// Finding for views whose samples all have the same value: lost exposures. If all views are so, `no_signal` reports
/// it.
fn blank(data: &Array3<f32>, values: Values) -> Option<Finding> {
    let constant = |view: ArrayView2<f32>| view.iter().all(|value| value == &view[[0, 0]]) && view.len() > 1;
    let views: Vec<usize> =
        data.axis_iter(Axis(0)).enumerate().filter(|(_, view)| constant(view.view())).map(|(i, _)| i).collect();
    let (Some(&first), false) = (views.first(), views.len() == data.shape()[0]) else { return None };
    let more = if views.len() > NAMED { format!(" and {} more", views.len() - NAMED) } else { String::new() };
    let named: Vec<String> = views.iter().take(NAMED).map(ToString::to_string).collect();
    let message = format!(
        "every sample is {} in {} of {} views, counted from 0: {}{more}; an exposure was lost: leave these views out \
         of the data (with their angles)",
        data[[first, 0, 0]],
        views.len(),
        data.shape()[0],
        named.join(", ")
    );
    // A line integral of 0 everywhere is possible in air; the counts of a view are never all equal.
    let fatal = values != Values::LineIntegrals;
    Some(Finding { code: "blank_views", message, fatal })
}

/// Finding for samples at the end of an integer range, where larger values are cut off.
fn clipped(data: &Array3<f32>) -> Option<Finding> {
    let most = data.par_iter().copied().reduce(|| f32::NEG_INFINITY, f32::max);
    let full = BITS.map(|bits| (1u32 << bits) - 1).any(|limit| limit as f32 == most);
    let at_most = data.par_iter().filter(|&&value| value == most).count();
    let part = at_most as f64 / data.len() as f64;
    (full && part > CLIPPED).then(|| {
        let message = format!(
            "{:.1} % of the samples are at {most}, the end of the detector's range: it was clipped, and the line \
             integrals there are wrong; measure again with a shorter exposure",
            100.0 * part
        );
        Finding::odd("clipped", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> Array3<f32> {
        Array3::from_shape_fn((12, 3, 20), |(view, row, column)| (1000 + view * 60 + row * 20 + column) as f32)
    }

    #[test]
    fn lost_exposures_are_named_and_good_ones_are_not() {
        assert!(frames(&counts(), Values::Counts).is_empty());
        let mut lost = counts();
        lost.index_axis_mut(Axis(0), 3).fill(0.0);
        lost.index_axis_mut(Axis(0), 7).fill(0.0);
        let found = frames(&lost, Values::Counts);
        assert!(found[0].fatal && found[0].message.contains("2 of 12 views, counted from 0: 3, 7;"), "{found:?}");
        assert!(!frames(&lost, Values::LineIntegrals)[0].fatal);
        assert!(frames(&counts().mapv(|_| 5.0), Values::Counts).is_empty(), "`no_signal` says so");
    }

    #[test]
    fn a_detector_at_the_end_of_its_range_is_told_and_a_single_bright_sample_is_not() {
        let bright = counts().mapv(|count| (38.5 * count).min(65535.0));
        let found = frames(&bright, Values::Counts);
        assert!(found.len() == 1 && found[0].code == "clipped" && found[0].message.contains("65535"), "{found:?}");
        let mut single = counts();
        single[[0, 0, 0]] = 65535.0;
        assert!(frames(&single, Values::Counts).is_empty());
        assert!(frames(&counts().mapv(|count| count.min(1700.0)), Values::Counts).is_empty(), "no detector ends there");
    }
}
