//! [`Orbit`]: the circular orbit of a scan, and its detection from views that come without one.

use super::sweep::AngularSweep;
use super::vectors::{Point, add, cross, dot, norm, normalized, scale, sub};
use super::view::{Source, View};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// The circular orbit of a scan's views, which analytic methods need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orbit {
    /// Centre of rotation, world mm.
    pub isocenter: Point,
    /// Source angle of each view, radians, measured from +x towards +y.
    pub angles: Vec<f64>,
    /// Angular range covered, radians, at most 2π; it counts in full although a full scan has no view at its end point.
    pub arc: f64,
    /// Distance from source to axis, mm; `None` for a parallel beam.
    pub source_to_axis: Option<f64>,
    /// Distance from source to detector, mm; `None` for a parallel beam.
    pub source_to_detector: Option<f64>,
    /// Shift of the detector's centre `[v, u]` from the central ray, mm.
    pub offset: [f64; 2],
}

/// Largest deviation from a circle that is accepted, relative to the size of the scan.
const TOLERANCE: f64 = 1e-5;

impl Orbit {
    /// Finds the circular orbit of flat-detector views in any order, or returns `None` if there is none. The axis must
    /// be along z, and the detectors must be upright (v along +z) and face the axis. The isocentre is the point where
    /// all central rays meet; for a parallel beam, whose height is arbitrary, it is at the height of the detector's
    /// centre.
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

    /// The orbit about a known isocentre, with the distances of the first view.
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

/// The angles of the views, radians: unwrapped if the views turn steadily in one direction, else within ±π.
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

/// Least-squares solution of `a · x = b` by Cramer's rule on the normal equations; `None` if they are singular.
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
    // The matrix is symmetric, so replacing a row is the same as replacing a column.
    Some(std::array::from_fn(|k| {
        let mut replaced = matrix;
        replaced[k] = right;
        volume(replaced) / whole
    }))
}
