//! Findings in the values themselves: a logarithm that is missing or taken twice, a wrong sign, the level of air,
//! truncation.
//!
//! Air is expected at the edges of the detector. Transmissions are highest in air (about 1) and nowhere negative; line
//! integrals are lowest in air (about 0) and nowhere far below.

use super::Finding;
use crate::data::Geometry;
use crate::stages::acquire::calibration::middle;
use crate::stages::acquire::setup::Values;
use ndarray::{Array3, ArrayView3, Axis, s};
use std::f64::consts::PI;
use std::ops::RangeInclusive;

/// Values above this are counts, not line integrals: no object transmits only a fraction of exp(−30).
const MOST: f32 = 30.0;
/// Largest deviation of air from zero, as a fraction of the largest line integrals.
const AIR: f32 = 0.03;
/// An edge of the detector with values above this fraction of the largest line integrals sees the object.
const MATTER: f32 = 0.10;
/// Plausible range of the open beam of transmissions.
const OPEN: RangeInclusive<f32> = 0.8..=1.3;
/// A detector is shifted sideways if its parts on both sides of the axis differ by more than this fraction of its
/// width.
const LOPSIDED: f64 = 0.1;
/// Beyond this arc, radians (225 degrees), opposite views see what a detector that is shifted sideways leaves out.
const HALF_FAN: f64 = 1.25 * PI;
/// Largest number of samples that are sorted, approximately.
const SAMPLES: usize = 400_000;

/// An edge of the detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stages::acquire) enum Side {
    /// Column 0.
    Left,
    /// The last column.
    Right,
}

/// Levels of a set of values.
#[derive(Debug, Clone, Copy)]
struct Levels {
    /// 1st, 50th and 99th percentiles.
    low: f32,
    half: f32,
    high: f32,
    /// Medians at the left and the right edge of the detector, the smaller one first. With a detector that is shifted
    /// sideways, one edge sees the object in every view.
    edges: [f32; 2],
}

impl Levels {
    fn of(values: &Array3<f32>) -> Self {
        let stride = (values.len() / SAMPLES).max(1);
        let mut all: Vec<f32> = values.iter().step_by(stride).copied().filter(|v| v.is_finite()).collect();
        all.sort_unstable_by(f32::total_cmp);
        let at = |part: f32| all.get(((all.len() as f32 - 1.0) * part).max(0.0) as usize).copied().unwrap_or(0.0);
        let (left, right) = edges(values.view());
        let level =
            |edge: ArrayView3<'_, f32>| middle(&mut edge.iter().copied().filter(|v| v.is_finite()).collect::<Vec<_>>());
        let (left, right) = (level(left), level(right));
        Self { low: at(0.01), half: at(0.5), high: at(0.99), edges: [left.min(right), left.max(right)] }
    }

    fn range(&self) -> f32 {
        self.high - self.low
    }

    /// Level of air in line integrals: the edge that is nearer to zero.
    fn lowest_air(&self) -> f32 {
        if self.edges[0].abs() < self.edges[1].abs() { self.edges[0] } else { self.edges[1] }
    }

    /// Level of air in transmissions and counts: the brighter edge.
    fn brightest_air(&self) -> f32 {
        self.edges[1]
    }

    /// Whether `air` is near the highest values and the object is darker.
    fn darker_inside(&self, air: f32) -> bool {
        air - self.low > 2.0 * (self.high - air).abs()
    }
}

/// The outermost columns on both sides, where air is expected.
fn edges(values: ArrayView3<'_, f32>) -> (ArrayView3<'_, f32>, ArrayView3<'_, f32>) {
    let width = values.shape()[2];
    let columns = (width / 50).clamp(1, 16).min(width);
    (values.slice_move(s![.., .., ..columns]), values.slice_move(s![.., .., width - columns..]))
}

/// Findings in the values before any logarithm is taken. `values` is their configured kind; counts are already divided
/// by the open beam.
pub(in crate::stages::acquire) fn raw(data: &Array3<f32>, values: Values) -> Vec<Finding> {
    let levels = Levels::of(data);
    if levels.range() <= 0.0 {
        return vec![Finding::impossible(
            "no_signal",
            format!("all values are {}: there is nothing to reconstruct", levels.half),
        )];
    }
    match values {
        Values::LineIntegrals => line_integrals(levels),
        Values::Counts | Values::Transmission => transmissions(data, levels, values),
    }
    .into_iter()
    .collect()
}

fn line_integrals(levels: Levels) -> Option<Finding> {
    let Levels { low, half, high, .. } = levels;
    let edge = levels.lowest_air();
    if high > MOST {
        let message = format!(
            "said to be line integrals, but they reach {high:.4} (half are above {half:.4}): these are counts of a \
             detector, the logarithm is \
             missing; write `values: counts` with flats and darks, or `values: counts` with `open_beam`"
        );
        return Some(Finding::impossible("missing_log", message));
    }
    // Edges at about 1 and no values far above. Line integrals of an object wider than the detector would go beyond.
    let bright = OPEN.contains(&edge) && low > -0.05 * edge && levels.darker_inside(edge);
    if bright {
        let message = format!(
            "said to be line integrals, but air (the detector's edges) is at {edge:.3} and the object is darker, down \
             to {low:.3}: these are \
             transmissions, the logarithm is missing; write `values: transmission`"
        );
        return Some(Finding::impossible("missing_log", message));
    }
    negative(levels)
}

fn negative(levels: Levels) -> Option<Finding> {
    let (Levels { low, high, .. }, edge) = (levels, levels.lowest_air());
    (edge - low > 2.0 * (high - edge).abs() && low < 0.0 && edge.abs() < 0.3 * (edge - low)).then(|| {
        let message = format!(
            "line integrals are negative, down to {low:.3}, where air is at {edge:.3}: the sign is wrong (ln instead \
             of -ln, or flats and \
             darks exchanged); negate the values"
        );
        Finding::impossible("wrong_sign", message)
    })
}

fn transmissions(data: &Array3<f32>, levels: Levels, values: Values) -> Option<Finding> {
    let (Levels { low, high, .. }, edge) = (levels, levels.brightest_air());
    let name = values.name();
    let below = data.iter().filter(|&&value| value < 0.0).count() as f64 / data.len() as f64;
    if below > 0.5 {
        let message = format!(
            "said to be {name}, but {:.0} % of the samples are below the dark level: the sign is wrong, or flats and \
             darks are exchanged",
            100.0 * below
        );
        return Some(Finding::impossible("wrong_sign", message));
    }
    if edge.abs() < 0.25 * high && high - edge > 2.0 * (edge - low).abs() {
        let message = format!(
            "said to be {name}, but air (the detector's edges) is at {edge:.3} and the object is brighter, up to \
             {high:.3}: the logarithm is \
             already taken; write `values: line_integrals`"
        );
        return Some(Finding::impossible("log_already_taken", message));
    }
    if values == Values::Transmission { not_normalised(levels) } else { None }
}

/// Transmissions that are far above 1.
fn not_normalised(levels: Levels) -> Option<Finding> {
    let (high, edge) = (levels.high, levels.brightest_air());
    (edge > 1.5 || high > 2.0).then(|| {
        let message = format!(
            "said to be transmissions, but they reach {high:.4} and air (the detector's edges) is at {edge:.4}, not 1: \
             these look like counts; \
             write `values: counts` with flats, or with `open_beam: {edge:.0}`"
        );
        Finding::impossible("not_normalised", message)
    })
}

/// The edge of the detector that is expected to see the object in every view: the short side of a detector that is
/// shifted sideways, if the arc is well over half a turn.
pub(in crate::stages::acquire) fn short_side(geometry: &Geometry, axis: f64) -> Option<Side> {
    let columns = geometry.detector.columns as f64;
    let (left, right) = (axis + 0.5, columns - 0.5 - axis);
    let wide = geometry.orbit.as_ref().is_some_and(|orbit| orbit.arc > HALF_FAN);
    (wide && (left - right).abs() > LOPSIDED * columns).then_some(if left < right { Side::Left } else { Side::Right })
}

/// Findings in the line integrals: the level of air, truncation (not at the edge `meant`, which is expected to see the
/// object), and the sign.
pub(in crate::stages::acquire) fn integrals(data: &Array3<f32>, meant: Option<Side>) -> Vec<Finding> {
    let levels = Levels::of(data);
    if let Some(finding) = negative(levels) {
        return vec![finding];
    }
    let (left, right) = edges(data.view());
    let of_views = |edge: ArrayView3<f32>| {
        edge.axis_iter(Axis(0)).map(|view| middle(&mut view.iter().copied().collect::<Vec<_>>())).collect()
    };
    let (left, right): (Vec<f32>, Vec<f32>) = (of_views(left), of_views(right));
    let mut every: Vec<f32> = left.iter().chain(&right).copied().collect();
    every.sort_unstable_by(f32::total_cmp);
    let air = every[every.len() / 10];
    let mut findings = Vec::new();
    if air.abs() > AIR * levels.high.abs() && air.abs() > 0.01 {
        let message = format!(
            "air is at {air:.3}, not 0, where the object reaches {:.3}: flats of another brightness, or an object \
             wider than the detector; \
             if its edges see air in every view, `air_columns: 10` levels them",
            levels.high
        );
        findings.push(Finding::odd("air_level", message));
    }
    let limit = air.max(0.0) + MATTER * levels.high;
    let beyond = |edge: &f32, side: Side| meant != Some(side) && *edge > limit;
    let cut =
        left.iter().zip(&right).filter(|(left, right)| beyond(left, Side::Left) || beyond(right, Side::Right)).count();
    if cut > 0 {
        let message = format!(
            "in {cut} of {} views an edge of the detector sees the object: it reaches beyond the field of view, and \
             what lies there smears over \
             the rest; analytic methods suffer most",
            left.len()
        );
        findings.push(Finding::odd("truncated", message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line integrals of a disk that fills 60 % of the detector.
    fn disk() -> Array3<f32> {
        Array3::from_shape_fn((20, 1, 100), |(_, _, column)| {
            (1.0 - ((column as f32 - 49.5) / 30.0).powi(2)).max(0.0).sqrt() * 2.0
        })
    }

    fn codes(findings: Vec<Finding>) -> Vec<&'static str> {
        findings.into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn good_data_raise_nothing() {
        let transmission = disk().mapv(|p| (-p).exp());
        assert!(raw(&disk(), Values::LineIntegrals).is_empty() && integrals(&disk(), None).is_empty());
        assert!(raw(&transmission, Values::Transmission).is_empty() && raw(&transmission, Values::Counts).is_empty());
    }

    #[test]
    fn a_missing_or_doubled_logarithm_and_a_wrong_sign_have_their_names() {
        let transmission = disk().mapv(|p| (-p).exp());
        assert_eq!(codes(raw(&transmission, Values::LineIntegrals)), ["missing_log"]);
        assert_eq!(codes(raw(&transmission.mapv(|t| 4000.0 * t), Values::LineIntegrals)), ["missing_log"]);
        assert_eq!(codes(raw(&disk(), Values::Transmission)), ["log_already_taken"]);
        assert_eq!(codes(raw(&disk().mapv(|p| -p), Values::LineIntegrals)), ["wrong_sign"]);
        assert_eq!(codes(raw(&transmission.mapv(|t| -t), Values::Counts)), ["wrong_sign"]);
        assert_eq!(codes(raw(&transmission.mapv(|t| 4000.0 * t), Values::Transmission)), ["not_normalised"]);
        assert_eq!(codes(raw(&disk().mapv(|_| 3.0), Values::LineIntegrals)), ["no_signal"]);
        assert!(raw(&transmission, Values::LineIntegrals)[0].fatal);
    }

    #[test]
    fn air_that_is_not_zero_and_a_truncated_object_are_told_apart() {
        assert_eq!(codes(integrals(&disk().mapv(|p| p + 0.2), None)), ["air_level"]);
        let mut truncated = disk();
        truncated.slice_mut(s![..8, .., ..]).mapv_inplace(|_| 1.5);
        let found = integrals(&truncated, None);
        assert!(codes(found.clone()) == ["truncated"] && found[0].message.contains("8 of 20"), "{found:?}");
    }

    #[test]
    fn a_half_fan_and_an_object_wider_than_the_detector_are_line_integrals() {
        let half = disk().slice(s![.., .., 45..]).to_owned();
        assert!(raw(&half, Values::LineIntegrals).is_empty(), "{:?}", raw(&half, Values::LineIntegrals));
        assert!(integrals(&half, Some(Side::Left)).is_empty());
        assert_eq!(codes(integrals(&half, None)), ["truncated"]);
        assert!(raw(&half.mapv(|p| (-p).exp()), Values::Transmission).is_empty());
        // A box with a hole: both edges of the detector see the box.
        let block = disk().mapv(|p| 2.4 - 0.5 * p);
        assert!(raw(&block, Values::LineIntegrals).is_empty(), "{:?}", raw(&block, Values::LineIntegrals));
    }
}
