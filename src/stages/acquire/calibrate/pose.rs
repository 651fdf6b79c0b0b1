//! Applies estimated values to the views of a scan.
//!
//! Some changes of the scan are equivalent to a movement of the object. The following convention makes the values
//! unique: axis of rotation, angle of the first view and magnification stay as given, and the object is free. The
//! centre moves the detector, not the axis. A drift has zero mean, so that it contains no centre. Parts of either that
//! are equivalent to a shift of the object (one period per turn) are left to the object.

use super::parameter::Values;
use crate::data::{Geometry, Orbit, Point, Source, View, add, cross, norm, normalized, scale, sub};

/// Shift of the projection of a view on the detector, [rows, columns].
pub(crate) type Shift = [f64; 2];

/// Description of a scan relative to the given one: values for the whole scan, and shifts of its views (or none).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pose {
    pub(crate) values: Values,
    pub(crate) shifts: Vec<Shift>,
}

/// The view with the values applied. `part` is its position in the scan, −1/2 for the first to 1/2 for the last view.
fn moved(view: &View, orbit: &Orbit, angle: f64, values: &Values, part: f64, [down, aside]: Shift) -> View {
    let &[center, height, roll, tilt, percent, drift] = values;
    let (sin, cos) = angle.sin_cos();
    let (outward, across, up) = ([cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]);
    let more = percent / 100.0;
    let [rows, columns] = [height - down, -(center + drift * part + aside)];
    let mut at = add(view.center, scale(across, columns * norm(view.u)));
    at = add(at, scale(up, rows * norm(view.v)));
    let mut source = view.source;
    if let (Source::Point(point), Some(axis), Some(whole)) =
        (view.source, orbit.source_to_axis, orbit.source_to_detector)
    {
        source = Source::Point(add(point, scale(outward, more * axis)));
        at = sub(at, scale(outward, more * (whole - axis)));
    }
    let [u, v] = tilted(view, tilt.to_radians(), roll.to_radians());
    View { source, center: at, u, v }
}

/// The pixel vectors [u, v] of a view after a tilt and a roll of its detector, radians. Same order as for a detector's
/// own tilt and rotation: first about u, then in its plane.
fn tilted(view: &View, tilt: f64, roll: f64) -> [Point; 2] {
    let normal = normalized(cross(view.u, view.v));
    let (v, u) = (turned(view.v, normal, tilt), view.u);
    let (sin, cos) = roll.sin_cos();
    let (along, up) = (normalized(u), normalized(v));
    [scale(add(scale(along, cos), scale(up, sin)), norm(u)), scale(sub(scale(up, cos), scale(along, sin)), norm(v))]
}

/// Rotates a vector towards a unit vector perpendicular to it; its length stays. `angle` in radians.
fn turned(a: Point, towards: Point, angle: f64) -> Point {
    let (sin, cos) = angle.sin_cos();
    add(scale(a, cos), scale(towards, sin * norm(a)))
}

/// The scan with the values and the shift of each view applied; `shifts` is empty or has one entry per view.
///
/// The orbit keeps its axis and angles; its distances and its offset are updated.
pub(crate) fn posed(geometry: &Geometry, values: &Values, shifts: &[Shift]) -> Geometry {
    let Some(orbit) = &geometry.orbit else { return geometry.clone() };
    let last = geometry.views.len().max(2) as f64 - 1.0;
    let view = |(i, view): (usize, &View)| {
        let shift = shifts.get(i).copied().unwrap_or_default();
        moved(view, orbit, orbit.angles[i], values, i as f64 / last - 0.5, shift)
    };
    let views: Vec<View> = geometry.views.iter().enumerate().map(view).collect();
    let more = 1.0 + values[4] / 100.0;
    let [v, u] = orbit.offset;
    let first = &geometry.views[0];
    let orbit = Orbit {
        source_to_axis: orbit.source_to_axis.map(|mm| mm * more),
        source_to_detector: orbit.source_to_detector.map(|mm| mm * more),
        offset: [v + values[1] * norm(first.v), u - values[0] * norm(first.u)],
        ..orbit.clone()
    };
    Geometry { views, detector: geometry.detector, orbit: Some(orbit) }
}
