//! Default reconstruction grid of scans that are not circular: the region around the isocentre that their views see.

use crate::data::{Geometry, Grid, Point, Source, View, add, norm, scale, sub};
use crate::error::{Error, Result};

/// Tolerance, mm, in the test for a helix: heights that differ by less are equal.
const TOLERANCE: f64 = 1e-3;
/// Number of bisections in the search for the edge of the visible region.
const HALVINGS: usize = 40;

/// Grid around `isocenter` that the views see, with voxels of the size of a pixel at the isocentre.
///
/// For a helix (the detector rises with the source): the cylinder that the columns see at every angle, from half a
/// detector below the lowest view to half a detector above the highest. Otherwise a box that extends along x, y and z
/// equally far to both sides, as far as at least half of the views see, but not beyond the detectors. Its longest side
/// is cut to the second longest, because a sweep over a detector at rest does not limit the depth.
///
/// # Errors
/// Less than half of the views see the isocentre.
pub(super) fn of_views(geometry: &Geometry, isocenter: Point) -> Result<Grid> {
    let first = &geometry.views[0];
    let magnification = match first.source {
        Source::Point(source) => norm(sub(source, first.center)) / norm(sub(source, isocenter)).max(1e-9),
        Source::Direction(_) => 1.0,
    };
    let [u, v] = [first.u, first.v].map(|pixel| norm(pixel) / magnification);
    let (center, [x, y, z]) = match helix(geometry, isocenter) {
        Some(found) => found,
        None => (isocenter, box_about(geometry, isocenter)),
    };
    if x.min(y).min(z) <= 0.0 {
        let problem = format!("less than half of the views see the isocentre {isocenter:?} mm");
        return Err(Error::config("grid", problem).hint("give isocenter_mm of the scan, or add grid: {from: FILE}"));
    }
    let count = |half: f64, size: f64| ((2.0 * half / size).floor() as usize).max(1);
    Grid::centered([count(z, v), count(y, u), count(x, u)], [v, u, u], center)
}

/// Centre and half lengths (x, y, z) of the box of a helix about z, mm; `None` if the scan is no helix.
fn helix(geometry: &Geometry, isocenter: Point) -> Option<(Point, [f64; 3])> {
    let height = |view: &View| match view.source {
        Source::Point(source) => Some((source[2], view.center[2] - source[2])),
        Source::Direction(_) => None,
    };
    let heights = geometry.views.iter().map(height).collect::<Option<Vec<_>>>()?;
    let (low, high) = heights.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), z| (l.min(z.0), h.max(z.0)));
    let lift = heights[0].1;
    if high - low < TOLERANCE || heights.iter().any(|height| (height.1 - lift).abs() > TOLERANCE) {
        return None;
    }
    let [_, rows, columns] = geometry.shape();
    let (mut radius, mut half) = (f64::INFINITY, [f64::NEG_INFINITY, f64::INFINITY]);
    for view in 0..geometry.views.len() {
        for column in [-0.5, columns as f64 - 0.5] {
            radius = radius.min(distance_from_axis(geometry, view, column, isocenter).abs());
        }
        let height = |row: f64| height_at_axis(geometry, view, row, isocenter);
        half = [half[0].max(height(-0.5)), half[1].min(height(rows as f64 - 0.5))];
    }
    let (bottom, top) = (low + half[0], high + half[1]);
    let center = [isocenter[0], isocenter[1], f64::midpoint(bottom, top)];
    Some((center, [radius, radius, (top - bottom) / 2.0]))
}

/// Signed distance, mm, from the axis along z through `isocenter` to the ray of a column in the middle of the rows.
pub(super) fn distance_from_axis(geometry: &Geometry, view: usize, column: f64, isocenter: Point) -> f64 {
    let (from, along) = geometry.ray(view, (geometry.detector.rows as f64 - 1.0) / 2.0, column);
    let (dx, dy) = (from[0] - isocenter[0], from[1] - isocenter[1]);
    (dx * along[1] - dy * along[0]) / along[0].hypot(along[1])
}

/// Height above the source, mm, at which the ray of a row in the middle of the columns passes the axis along z through
/// `isocenter`.
fn height_at_axis(geometry: &Geometry, view: usize, row: f64, isocenter: Point) -> f64 {
    let (from, along) = geometry.ray(view, row, (geometry.detector.columns as f64 - 1.0) / 2.0);
    let way = (from[0] - isocenter[0]).hypot(from[1] - isocenter[1]) / along[0].hypot(along[1]);
    way * along[2]
}

/// Half lengths (x, y, z), mm, of the box that at least half of the views see.
fn box_about(geometry: &Geometry, isocenter: Point) -> [f64; 3] {
    let farthest = geometry.views.iter().map(|view| limit(geometry, view, isocenter)).fold(f64::INFINITY, f64::min);
    if !seen(geometry, isocenter) {
        return [0.0; 3];
    }
    let reach = |axis: usize, sign: f64| {
        let at = |way: f64| add(isocenter, std::array::from_fn(|k| if k == axis { sign * way } else { 0.0 }));
        let (mut near, mut far) = (0.0, farthest);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(near, far);
            if seen(geometry, at(middle)) { near = middle } else { far = middle }
        }
        near
    };
    let sides: [f64; 3] = std::array::from_fn(|axis| reach(axis, 1.0).min(reach(axis, -1.0)));
    let mut sorted = sides;
    sorted.sort_by(f64::total_cmp);
    sides.map(|side| side.min(sorted[1]))
}

/// Whether at least half of the views see a point.
fn seen(geometry: &Geometry, point: Point) -> bool {
    let (rows, columns) = (geometry.detector.rows as f64, geometry.detector.columns as f64);
    let inside = |view: &usize| {
        geometry
            .project(*view, point)
            .is_some_and(|(row, column)| (-0.5..=rows - 0.5).contains(&row) && (-0.5..=columns - 0.5).contains(&column))
    };
    2 * (0..geometry.views.len()).filter(inside).count() >= geometry.views.len()
}

/// Largest distance of the box from the isocentre, mm: that of the detector, or half of that of the source. For a
/// parallel beam, whose detector may stand anywhere, the size of the detector.
fn limit(geometry: &Geometry, view: &View, isocenter: Point) -> f64 {
    let size =
        norm(scale(view.u, geometry.detector.columns as f64)).max(norm(scale(view.v, geometry.detector.rows as f64)));
    match view.source {
        Source::Point(source) => (norm(sub(source, isocenter)) / 2.0).min(norm(sub(view.center, isocenter))),
        Source::Direction(_) => size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometries::GeometryKind;
    use crate::registry::OneOf;

    fn field(yaml: &str) -> Grid {
        let kind: OneOf<GeometryKind> = serde_yaml::from_str(yaml).unwrap();
        let volume = Grid::centered([2, 2, 2], [1e-6; 3], [0.0; 3]).unwrap();
        of_views(&kind.kind.build(&volume).unwrap(), [0.0; 3]).unwrap()
    }

    const DETECTOR: &str =
        "source_to_axis_mm: 200, source_to_detector_mm: 300, detector: {pixels: [40, 64], pitch_mm: 1.5}";

    #[test]
    fn a_helix_has_the_cylinder_that_it_climbs_along() {
        let grid = field(&format!("helical: {{views: 60, turns: 2, pitch_mm: 20, {DETECTOR}}}"));
        let extent = grid.extent();
        // 64 pixels of 1 mm at the axis, seen under a fan; two turns of 20 mm less a view, and 40 rows of 1 mm.
        assert!((extent[2] - 62.0).abs() <= 2.0 && extent[1] == extent[2], "{extent:?}");
        assert!((extent[0] - (2.0 * 20.0 * 59.0 / 60.0 + 40.0)).abs() <= 1.0, "{extent:?}");
        assert!(norm(grid.center()) < 0.51, "{:?}", grid.center());
    }

    #[test]
    fn tilted_axes_and_sweeps_have_the_box_that_half_of_their_views_see() {
        let tilted = field(&format!("laminography: {{views: 60, axis_tilt_deg: 30, {DETECTOR}}}")).extent();
        assert!(tilted[0] > 20.0 && tilted[0] < 60.0 && tilted[1] > 40.0 && tilted[2] > 40.0, "{tilted:?}");
        let swept = field(&format!("tomosynthesis: {{views: 61, arc_deg: 50, {DETECTOR}}}")).extent();
        assert!(swept.iter().all(|side| (20.0..90.0).contains(side)), "{swept:?}");
    }
}
