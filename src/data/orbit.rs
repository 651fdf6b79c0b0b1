//! [`Orbit`]: the circle behind a scan's views, and finding it in views that came without.

use super::sweep::AngularSweep;
use super::vectors::{Point, add, cross, dot, norm, normalized, scale, sub};
use super::view::{Source, View};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// The circular orbit that views were made from, where they were: analytic methods need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orbit {
    /// Centre of rotation, world mm.
    pub isocenter: Point,
    /// Source angle of each view, radians, growing from +x to +y.
    pub angles: Vec<f64>,
    /// Angle covered, radians, at most a turn; the end point is left out for full arcs.
    pub arc: f64,
    /// Source to axis, mm; `None` for a parallel beam.
    pub source_to_axis: Option<f64>,
    /// Source to detector, mm; `None` for a parallel beam.
    pub source_to_detector: Option<f64>,
    /// Shift of the detector's centre `[v, u]` from the central ray, mm.
    pub offset: [f64; 2],
}

/// Largest deviation from a circle, relative to its size, that still is one.
const TOLERANCE: f64 = 1e-5;

impl Orbit {
    /// The circle about an axis along z on which views with flat detectors stand upright (rows along +z, facing the
    /// axis), in any order; `None` where they do not. The isocentre is the point that all central rays meet; for a
    /// parallel beam, whose height is free, it is at the height of the detector's centre.
    #[must_use]
    pub fn of_views(views: &[View]) -> Option<Self> {
        let first = views.first()?;
        let outward: Vec<Point> = views.iter().map(|view| normalized(cross(view.u, view.v))).collect();
        let upright = |view: &View, n: &Point| {
            let level = |a: Point| a[2].abs() <= TOLERANCE * norm(a);
            let steep = view.v[0].hypot(view.v[1]) <= TOLERANCE * norm(view.v) && view.v[2] > 0.0;
            steep && level(view.u) && level(*n) && facing(view.source, *n)
        };
        if !views.iter().zip(&outward).all(|(view, n)| upright(view, n)) {
            return None;
        }
        let across: Vec<Point> = outward.iter().map(|n| [-n[1], n[0], 0.0]).collect();
        let point = |view: &View| if let Source::Point(source) = view.source { source } else { view.center };
        let divergent = matches!(first.source, Source::Point(_));
        let mut equations: Vec<(Point, f64)> = views
            .iter()
            .zip(&across)
            .map(|(view, u)| ([u[0], u[1], f64::from(!divergent)], dot(point(view), *u)))
            .collect();
        if divergent {
            equations.push(([0.0, 0.0, 1.0], 0.0));
        }
        let [x, y, _] = least_squares(&equations)?;
        let isocenter = [x, y, point(first)[2]];
        let found = Self::about(isocenter, views, &outward, divergent);
        let size = found.source_to_detector.unwrap_or_else(|| 1.0 + norm(sub(first.center, isocenter)));
        let fits = |(view, n): (&View, &Point)| {
            let up_and_across = [scale([0.0, 0.0, 1.0], found.offset[0]), scale([-n[1], n[0], 0.0], found.offset[1])];
            let aside = sub(view.center, add(isocenter, add(up_and_across[0], up_and_across[1])));
            let source = match (view.source, found.source_to_axis) {
                (Source::Point(source), Some(distance)) => norm(sub(source, add(isocenter, scale(*n, distance)))),
                _ => 0.0,
            };
            let depth = match (found.source_to_axis, found.source_to_detector) {
                (Some(axis), Some(detector)) => dot(aside, *n) - (axis - detector),
                _ => 0.0,
            };
            norm(sub(aside, scale(*n, dot(aside, *n)))).max(source).max(depth.abs()) <= TOLERANCE * size
        };
        views.iter().zip(&outward).all(fits).then_some(found)
    }

    /// The orbit about a known isocentre, from the first view's distances.
    fn about(isocenter: Point, views: &[View], outward: &[Point], divergent: bool) -> Self {
        let (first, n) = (&views[0], outward[0]);
        let aside = sub(first.center, isocenter);
        let distances = match first.source {
            Source::Point(source) if divergent => {
                Some((dot(sub(source, isocenter), n), dot(sub(source, first.center), n)))
            }
            _ => None,
        };
        let angles = unwrapped(outward);
        Self {
            isocenter,
            arc: AngularSweep::arc_of(&angles),
            angles,
            source_to_axis: distances.map(|(axis, _)| axis),
            source_to_detector: distances.map(|(_, detector)| detector),
            offset: [aside[2], dot(aside, [-n[1], n[0], 0.0])],
        }
    }
}

fn facing(source: Source, outward: Point) -> bool {
    match source {
        Source::Point(_) => true,
        Source::Direction(direction) => norm(add(normalized(direction), outward)) <= TOLERANCE,
    }
}

/// The angles of views: if they turn steadily one way, growing or falling past a full turn; else within half a turn.
fn unwrapped(outward: &[Point]) -> Vec<f64> {
    let wrapped: Vec<f64> = outward.iter().map(|n| n[1].atan2(n[0])).collect();
    let mut angles = wrapped.clone();
    for i in 1..angles.len() {
        let step = angles[i] - angles[i - 1];
        angles[i] -= TAU * (step / TAU).round();
    }
    let sign = (angles[angles.len() - 1] - angles[0]).signum();
    if angles.windows(2).all(|pair| (pair[1] - pair[0]) * sign > 0.0) { angles } else { wrapped }
}

/// The least-squares solution of `a · x = b` by Cramer's rule on the normal equations; `None` if they do not fix it.
fn least_squares(equations: &[(Point, f64)]) -> Option<Point> {
    let mut matrix = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    for (a, b) in equations {
        for i in 0..3 {
            right[i] += a[i] * b;
            (0..3).for_each(|j| matrix[i][j] += a[i] * a[j]);
        }
    }
    let volume = |m: [Point; 3]| dot(m[0], cross(m[1], m[2]));
    let whole = volume(matrix);
    let trace = matrix[0][0] + matrix[1][1] + matrix[2][2];
    if whole <= 1e-9 * (trace / 3.0).powi(3) {
        return None;
    }
    // The matrix is symmetric: its rows are its columns.
    Some(std::array::from_fn(|k| {
        let mut replaced = matrix;
        replaced[k] = right;
        volume(replaced) / whole
    }))
}
