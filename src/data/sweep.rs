//! [`AngularSweep`]: the angular range that views cover, and the weight (angular step) of each view, from their angles
//! alone.
//!
//! The views may come in any order, wrapped or not, repeated, with gaps and at unequal steps. Their angles are taken
//! modulo the period, sorted, and integrated by the trapezoid rule: the weight of a view is half the distance between
//! its two neighbours in angle, and views at the same angle share it. Where views that turn steadily continue past the
//! period (overscan), the part measured twice is feathered: the first pass fades in as the last one fades out (Silver,
//! Med. Phys. 27 (2000) 773).

use std::f64::consts::FRAC_PI_2;

/// Angles closer than this count as equal, radians.
const SAME: f64 = 1e-5;
/// A gap of up to this many mean steps counts as an ordinary step, however wide it is.
const EVEN: f64 = 1.9;
/// A gap of up to this many mean steps (one or two views missing) is bridged without a warning, if it is not wider than
/// `BRIDGED`.
const MISSING: f64 = 3.5;
/// Widest gap that is bridged, radians: 15 degrees.
const BRIDGED: f64 = 0.262;
/// Smallest overlap, in steps, that is feathered; a shorter one is shared between the views of both passes.
const FEATHERED: f64 = 4.0;

/// Angular coverage of a set of views.
#[derive(Debug, Clone, PartialEq)]
pub struct AngularSweep {
    /// Angular step (weight) of each view, radians; they sum to `arc` (if all views have one angle: to the period).
    pub steps: Vec<f64>,
    /// Angle of each view, radians, measured from the first angle of the arc in the direction of growing angles.
    pub places: Vec<f64>,
    /// Angular range covered, radians: the period if the sweep is closed, else the period without its widest gap.
    pub arc: f64,
    /// The widest gap between neighbouring angles, radians.
    pub gap: f64,
    /// Whether the views cover the whole period; a gap of up to 15 degrees is bridged by its neighbours.
    pub closed: bool,
    /// Whether the widest gap exceeds 3.5 mean steps (more than two missing views) or 15 degrees; an ordinary step
    /// never counts as such a gap.
    pub gaping: bool,
    /// The steps that apply if the widest gap is left open.
    open: Vec<f64>,
}

impl AngularSweep {
    /// Computes the sweep of `angles` (radians, one per view, in any order), where views repeat after `period` radians.
    #[must_use]
    pub fn of(angles: &[f64], period: f64) -> Self {
        let groups = Groups::of(angles, period);
        let count = groups.angles.len();
        let (widest, gap) = groups.widest(period);
        if count < 2 {
            let steps = vec![period / angles.len().max(1) as f64; angles.len()];
            let places = vec![0.0; angles.len()];
            let open = steps.clone();
            return Self { steps, places, arc: 0.0, gap: period, closed: false, gaping: true, open };
        }
        let step = (period - gap) / (count as f64 - 1.0);
        let few = gap <= EVEN * step;
        let gaping = !few && (gap > MISSING * step || gap > BRIDGED);
        let closed = few || gap <= BRIDGED;
        let start = groups.angles[(widest + 1) % count];
        let places = angles.iter().map(|angle| place(angle - start, period)).collect();
        let arc = if closed { period } else { period - gap };
        let steps = match overlap(angles, period).filter(|_| closed) {
            Some(overlap) => feathered(angles, period, overlap),
            None => groups.steps(angles.len(), period, (!closed).then_some(widest)),
        };
        let open = groups.steps(angles.len(), period, Some(widest));
        Self { steps, places, arc, gap, closed, gaping, open }
    }

    /// Indices of the views at each angle, sorted by angle (radians, modulo `period`) starting after the widest gap.
    #[must_use]
    pub fn directions(angles: &[f64], period: f64) -> Vec<Vec<usize>> {
        let mut groups = Groups::of(angles, period);
        let first = (groups.widest(period).0 + 1) % groups.views.len().max(1);
        groups.views.rotate_left(first);
        groups.views
    }

    /// The same sweep with its widest gap left open instead of bridged.
    #[must_use]
    pub fn opened(self, period: f64) -> Self {
        Self { steps: self.open.clone(), arc: period - self.gap, closed: false, ..self }
    }

    /// Angular range in radians that views at `angles` cover, at most 2π; a half turn without its end point counts as
    /// π.
    #[must_use]
    pub fn arc_of(angles: &[f64]) -> f64 {
        let sweep = Self::of(angles, std::f64::consts::TAU);
        let step = sweep.arc / (angles.len() as f64 - 1.0).max(1.0);
        let half = std::f64::consts::PI;
        if !sweep.closed && (sweep.arc + step - half).abs() < 0.5 * step { half } else { sweep.arc }
    }
}

/// The angle modulo the period; a value within `SAME` below the period becomes 0.
fn place(angle: f64, period: f64) -> f64 {
    let place = angle.rem_euclid(period);
    if period - place < SAME { 0.0 } else { place }
}

/// Views grouped by angle, sorted by angle modulo the period.
struct Groups {
    angles: Vec<f64>,
    views: Vec<Vec<usize>>,
}

impl Groups {
    fn of(angles: &[f64], period: f64) -> Self {
        let mut order: Vec<(f64, usize)> =
            angles.iter().enumerate().map(|(view, &angle)| (place(angle, period), view)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut groups = Self { angles: Vec::new(), views: Vec::<Vec<usize>>::new() };
        for (angle, view) in order {
            match (groups.angles.last(), groups.views.last_mut()) {
                (Some(last), Some(views)) if angle - last < SAME => views.push(view),
                _ => {
                    groups.angles.push(angle);
                    groups.views.push(vec![view]);
                }
            }
        }
        groups
    }

    /// Distance from the angle at `i` to the next one, modulo the period, radians.
    fn gap(&self, i: usize, period: f64) -> f64 {
        match self.angles.get(i + 1) {
            Some(next) => next - self.angles[i],
            None => self.angles[0] + period - self.angles[i],
        }
    }

    /// The widest gap: index of the angle before it, and its width in radians. Of equal gaps the last one is returned,
    /// so that an arc starts at its first listed view.
    fn widest(&self, period: f64) -> (usize, f64) {
        (0..self.angles.len())
            .map(|i| (i, self.gap(i, period)))
            .fold((0, 0.0), |best, next| if next.1 > best.1 - SAME { (next.0, next.1.max(best.1)) } else { best })
    }

    /// Half the sum of the gaps on both sides of each angle, shared by the views of that angle; the gap after `open` is
    /// not counted.
    fn steps(&self, views: usize, period: f64, open: Option<usize>) -> Vec<f64> {
        let count = self.angles.len();
        let half = |i: usize| if open == Some(i) { 0.0 } else { self.gap(i, period) / 2.0 };
        let mut steps = vec![0.0; views];
        for (i, group) in self.views.iter().enumerate() {
            let step = (half((i + count - 1) % count) + half(i)) / group.len() as f64;
            for &view in group {
                steps[view] = step;
            }
        }
        steps
    }
}

/// Angle by which views that turn steadily in one direction exceed whole periods, radians; `None` if that is less than
/// a few steps.
fn overlap(angles: &[f64], period: f64) -> Option<f64> {
    let span = angles.last()? - angles.first()?;
    let steady = angles.windows(2).all(|pair| (pair[1] - pair[0]) * span.signum() > SAME);
    // One further step would close whole periods, so an excess of about one step is no overlap.
    let overlap = span.abs() - (span.abs() / period).floor() * period;
    let beside = overlap.min((period - overlap).abs());
    (steady && span.abs() > period && beside > FEATHERED * span.abs() / (angles.len() as f64 - 1.0)).then_some(overlap)
}

/// Trapezoid weights along the trajectory, faded over the overlap at both ends and divided by the number of passes.
fn feathered(angles: &[f64], period: f64, overlap: f64) -> Vec<f64> {
    let last = angles.len() - 1;
    let span = (angles[last] - angles[0]).abs();
    let passes = ((span - overlap) / period).round().max(1.0);
    let gap = |i: usize| (angles[i + 1] - angles[i]).abs() / 2.0;
    let fade = |way: f64| (FRAC_PI_2 * (way / overlap).min(1.0)).sin().powi(2);
    (0..=last)
        .map(|i| {
            let trapezoid = if i > 0 { gap(i - 1) } else { 0.0 } + if i < last { gap(i) } else { 0.0 };
            let way = (angles[i] - angles[0]).abs();
            trapezoid * fade(way) * fade(span - way) / passes
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    fn radians(degrees: impl IntoIterator<Item = f64>) -> Vec<f64> {
        degrees.into_iter().map(f64::to_radians).collect()
    }

    fn grid(first: f64, step: f64, count: usize) -> Vec<f64> {
        radians((0..count).map(|i| first + step * i as f64))
    }

    fn sum(sweep: &AngularSweep) -> f64 {
        sweep.steps.iter().sum()
    }

    #[test]
    fn the_order_and_the_turns_of_equal_steps_do_not_matter() {
        let even = AngularSweep::of(&grid(0.0, 2.0, 180), TAU);
        let wrapped = AngularSweep::of(&radians((0..180).map(|i| (200.0 + 2.0 * f64::from(i)) % 360.0)), TAU);
        let strided = AngularSweep::of(&radians((0..180).map(|i| f64::from(i * 77 % 180) * 2.0 - 720.0)), TAU);
        for sweep in [even, wrapped, strided] {
            assert!(sweep.closed && !sweep.gaping && (sweep.arc - TAU).abs() < 1e-12);
            assert!(sweep.steps.iter().all(|step| (step - TAU / 180.0).abs() < 1e-9));
        }
        let golden = AngularSweep::of(&radians((0..180).map(|i| f64::from(i) * 111.246)), PI);
        assert!(golden.closed && !golden.gaping && (sum(&golden) - PI).abs() < 1e-9);
        assert!(golden.steps.iter().all(|&step| step > 0.3 * PI / 180.0 && step < 3.0 * PI / 180.0));
    }

    #[test]
    fn views_of_one_angle_share_it() {
        let twice: Vec<f64> = grid(0.0, 4.0, 90).into_iter().flat_map(|angle| [angle, angle + TAU]).collect();
        let sweep = AngularSweep::of(&twice, TAU);
        assert!(sweep.steps.iter().all(|step| (step - TAU / 180.0).abs() < 1e-9));
        // Half a turn with its end point: the first and the last view show the same lines.
        let ends = AngularSweep::of(&grid(0.0, 1.0, 181), PI);
        assert!(ends.closed && (ends.steps[0] - ends.steps[180]).abs() < 1e-12 && (sum(&ends) - PI).abs() < 1e-9);
        assert!((ends.steps[0] - PI / 360.0).abs() < 1e-9);
    }

    #[test]
    fn a_missing_view_is_bridged_a_wide_gap_is_not() {
        let short = AngularSweep::of(&grid(0.0, 0.9, 399), TAU);
        assert!(short.closed && !short.gaping && (sum(&short) - TAU).abs() < 1e-9);
        let gaping = AngularSweep::of(&grid(0.0, 1.0, 350), TAU);
        assert!(gaping.closed && gaping.gaping && (gaping.gap.to_degrees() - 11.0).abs() < 1e-9);
        let wide: Vec<f64> = (0..360).filter(|i| !(100..140).contains(i)).map(f64::from).collect();
        let open = AngularSweep::of(&radians(wide), TAU);
        assert!(!open.closed && (open.arc.to_degrees() - 319.0).abs() < 1e-9 && (sum(&open) - open.arc).abs() < 1e-9);
        // The arc starts behind the gap, at 140 degrees.
        assert!(
            (open.places[100].to_degrees() - 0.0).abs() < 1e-9 && (open.places[0].to_degrees() - 220.0).abs() < 1e-9
        );
    }

    #[test]
    fn a_few_views_over_half_a_turn_are_no_whole_turn() {
        assert!(
            !AngularSweep::of(&grid(0.0, 60.0, 4), TAU).closed && !AngularSweep::of(&grid(0.0, 90.0, 3), TAU).closed
        );
        assert!(AngularSweep::of(&grid(0.0, 120.0, 3), TAU).closed && !AngularSweep::of(&[1.0], TAU).closed);
    }

    #[test]
    fn overscan_is_feathered() {
        let sweep = AngularSweep::of(&grid(10.0, 0.9, 440), TAU);
        assert!(sweep.closed && (sum(&sweep) - TAU).abs() < 1e-3 && sweep.steps[0] < 1e-9 && sweep.steps[439] < 1e-4);
        for view in 0..40 {
            let both = sweep.steps[view] + sweep.steps[view + 400];
            assert!((both - 0.9f64.to_radians()).abs() < 0.05 * 0.9f64.to_radians(), "{view}: {both}");
        }
        let back = AngularSweep::of(&grid(10.0, -0.9, 440), TAU);
        assert!((back.steps[20] - sweep.steps[20]).abs() < 1e-12);
    }

    #[test]
    fn arcs_of_half_turns_leave_their_end_point_out() {
        let degrees = |angles: &[f64]| AngularSweep::arc_of(angles).to_degrees();
        assert!((degrees(&grid(0.0, 60.0, 3)) - 180.0).abs() < 1e-9);
        assert!((degrees(&grid(0.0, 10.0, 4)) - 30.0).abs() < 1e-9);
        assert!((degrees(&grid(0.0, -60.0, 3)) - 180.0).abs() < 1e-9);
        assert_eq!(degrees(&[0.1]), 0.0);
    }
}
