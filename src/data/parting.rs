//! Splits a scan's views into those that are kept and those that are held out to be predicted from the others.
//!
//! Views are counted by angle, not in file order, which may be golden-angle, interlaced or shuffled. Views that measure
//! the same lines stay together: a view that was taken twice, or half a turn later by parallel rays, would otherwise be
//! predicted by its duplicate, which says nothing about how well a method interpolates between views.

use super::geometry::Geometry;
use super::orbit::Orbit;
use super::projections::Projections;
use super::sweep::AngularSweep;
use super::view::Source;
use crate::error::Result;
use std::f64::consts::{PI, TAU};

impl Geometry {
    /// Indices of the views grouped by direction, sorted by angle from the start of the arc; views that measure the
    /// same lines share a group. Without an orbit, each view is a group of its own, in file order.
    #[must_use]
    pub fn directions(&self) -> Vec<Vec<usize>> {
        let Some(orbit) = &self.orbit else { return (0..self.views.len()).map(|view| vec![view]).collect() };
        let parallel = matches!(self.views[0].source, Source::Direction(_));
        AngularSweep::directions(&orbit.angles, if parallel { PI } else { TAU })
    }

    /// Splits the views into [kept, held out]: every `every`-th direction is held out, shifted by `turn`, so that the
    /// turns 0 to `every` − 1 hold out each direction once. Both lists ascend. Turn 0 keeps the first direction (for
    /// `every` > 1), because on a short arc it has a neighbour on one side only.
    #[must_use]
    pub fn parted(&self, every: usize, turn: usize) -> [Vec<usize>; 2] {
        let mut parts = [Vec::new(), Vec::new()];
        for (i, views) in self.directions().into_iter().enumerate() {
            parts[usize::from(i % every == (every / 2 + turn) % every)].extend(views);
        }
        for views in &mut parts {
            views.sort_unstable();
        }
        parts
    }
}

impl Projections {
    /// Some of the views with their values, in the order given. Unlike [`Projections::subset`], it always keeps the
    /// orbit, with the arc that the chosen views cover.
    ///
    /// # Errors
    /// No views; a view index out of range.
    pub fn part(&self, views: &[usize]) -> Result<Self> {
        let mut part = self.subset(views)?;
        part.geometry.orbit = self.geometry.orbit.as_ref().map(|orbit| {
            let angles: Vec<f64> = views.iter().map(|&view| orbit.angles[view]).collect();
            Orbit { arc: AngularSweep::arc_of(&angles), angles, ..orbit.clone() }
        });
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, DetectorShape, View};

    fn scan(degrees: &[f64], parallel: bool) -> Geometry {
        let view = |&degrees: &f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let source = if parallel {
                Source::Direction([-cos, -sin, 0.0])
            } else {
                Source::Point([500.0 * cos, 500.0 * sin, 0.0])
            };
            View { source, center: [-200.0 * cos, -200.0 * sin, 0.0], u: [-sin, cos, 0.0], v: [0.0, 0.0, 1.0] }
        };
        let distance = |mm: f64| (!parallel).then_some(mm);
        let orbit = Orbit {
            isocenter: [0.0; 3],
            angles: degrees.iter().map(|degrees| degrees.to_radians()).collect(),
            arc: TAU,
            source_to_axis: distance(500.0),
            source_to_detector: distance(700.0),
            offset: [0.0; 2],
        };
        let detector = Detector { rows: 1, columns: 8, shape: DetectorShape::Flat };
        Geometry::new(degrees.iter().map(view).collect(), detector, Some(orbit)).unwrap()
    }

    #[test]
    fn views_in_order_are_left_out_by_turns() {
        let even: Vec<f64> = (0..12).map(|i| 30.0 * f64::from(i)).collect();
        assert_eq!(scan(&even, false).parted(4, 0)[1], [2, 6, 10]);
        assert_eq!(scan(&even, false).parted(4, 2), [vec![1, 2, 3, 5, 6, 7, 9, 10, 11], vec![0, 4, 8]]);
    }

    #[test]
    fn the_order_of_the_file_does_not_matter() {
        let shuffled = [90.0, 0.0, 270.0, 180.0, 45.0, 225.0, 315.0, 135.0];
        let [_, out] = scan(&shuffled, false).parted(4, 0);
        let mut angles: Vec<f64> = out.iter().map(|&view| shuffled[view]).collect();
        angles.sort_by(f64::total_cmp);
        assert_eq!(angles, [90.0, 270.0]);
    }

    #[test]
    fn twins_are_left_out_together() {
        let twice = [0.0, 0.0, 60.0, 60.0, 120.0, 120.0, 180.0, 180.0];
        assert_eq!(scan(&twice, false).parted(4, 0)[1], [4, 5]);
        let opposite: Vec<f64> = (0..8).map(|i| 45.0 * f64::from(i)).collect();
        assert_eq!(scan(&opposite, true).directions(), [[0, 4], [1, 5], [2, 6], [3, 7]]);
        assert_eq!(scan(&opposite, true).parted(4, 0)[1], [2, 6]);
    }

    #[test]
    fn a_short_arc_begins_after_its_gap() {
        let arc = [350.0, 0.0, 10.0, 20.0, 330.0, 340.0];
        assert_eq!(scan(&arc, false).directions(), [[4], [5], [0], [1], [2], [3]]);
    }
}
