//! Truncation: parts of the object that project beyond the detector, which causes errors at the rim with analytic
//! methods.

use crate::data::{DetectorShape, Geometry, Grid, Point, add, scale};

/// Extent of the truncation of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Truncation {
    /// Number of views in which a part of the object misses the detector.
    pub views: usize,
    /// `views` over all views, 0 to 1.
    pub fraction_of_views: f64,
    /// Largest distance by which the object's projection exceeds the detector's edge, pixels along [v, u]; infinite
    /// where a part of the object lies behind the source.
    pub beyond: [f64; 2],
    /// Description for the user; `None` without truncation.
    pub message: Option<String>,
}

/// Truncation of the box of a grid.
#[must_use]
pub fn truncation(geometry: &Geometry, grid: &Grid) -> Truncation {
    let corners = grid.corners();
    if geometry.detector.shape == DetectorShape::Flat {
        return of_points(geometry, &corners);
    }
    // On a cylindrical detector the projection of an edge may reach farther than its end points, so edges are sampled.
    let between = |part: f64, a: Point, b: Point| add(scale(a, 1.0 - part), scale(b, part));
    let pairs = corners.iter().flat_map(|&a| corners.iter().map(move |&b| (a, b)));
    let points = pairs.flat_map(|(a, b)| (0..8).map(move |part| between(f64::from(part) / 8.0, a, b)));
    of_points(geometry, &points.collect::<Vec<_>>())
}

/// Truncation of the voxels (by their centres) where `support` (C order `[z, y, x]`) is true, such as those denser than
/// air.
#[must_use]
pub fn of_support(geometry: &Geometry, grid: &Grid, support: &[bool]) -> Truncation {
    let [_, ny, nx] = grid.shape;
    // Lines project to lines, so the first and last voxel of each row bound all between them.
    let ends = support.chunks(nx).enumerate().flat_map(|(line, row)| {
        let ends = [row.iter().position(|&held| held), row.iter().rposition(|&held| held)];
        ends.into_iter().flatten().map(move |x| [(line / ny) as f64, (line % ny) as f64, x as f64])
    });
    of_points(geometry, &ends.map(|index| grid.point(index)).collect::<Vec<_>>())
}

/// Truncation of world points (mm); on a flat detector it also bounds everything in their convex hull.
#[must_use]
pub fn of_points(geometry: &Geometry, points: &[Point]) -> Truncation {
    let mut beyond = [0.0f64; 2];
    let mut views = 0;
    for view in 0..geometry.views.len() {
        let excesses = points.iter().map(|&point| excess(geometry, view, point));
        let worst = excesses.fold([f64::NEG_INFINITY; 2], |worst, [v, u]| [worst[0].max(v), worst[1].max(u)]);
        if worst[0].max(worst[1]) > 1e-6 {
            views += 1;
            beyond = [beyond[0].max(worst[0]), beyond[1].max(worst[1])];
        }
    }
    let total = geometry.views.len();
    let message = (views > 0).then(|| {
        format!(
            "the object reaches beyond the detector in {views} of {total} views, by up to {:.1} rows and {:.1} \
             columns: analytic methods show artefacts at the edge of the field of view",
            beyond[0], beyond[1]
        )
    });
    Truncation { views, fraction_of_views: views as f64 / total as f64, beyond, message }
}

/// Distance, pixels along [v, u], by which the projection of a point lies beyond the detector's edge, which is half a
/// pixel outside the outer pixel centres; infinite behind the source.
fn excess(geometry: &Geometry, view: usize, point: Point) -> [f64; 2] {
    let beyond = |index: f64, n: usize| (-0.5 - index).max(index - (n as f64 - 0.5));
    let (rows, columns) = (geometry.detector.rows, geometry.detector.columns);
    geometry
        .project(view, point)
        .map_or([f64::INFINITY; 2], |(row, column)| [beyond(row, rows), beyond(column, columns)])
}

#[cfg(test)]
mod tests {
    use super::super::Trajectory;
    use super::super::parallel::Config;
    use super::*;

    fn slice() -> Grid {
        Grid::centered([1, 20, 20], [1.0; 3], [0.0; 3]).unwrap()
    }

    fn scan(columns: usize, views: usize) -> Geometry {
        serde_yaml::from_str::<Config>(&format!("{{views: {views}, detector: {{pixels: {columns}, pitch_mm: 1}}}}"))
            .unwrap()
            .build(&slice())
            .unwrap()
    }

    #[test]
    fn a_square_is_truncated_only_where_its_diagonal_is_seen() {
        let found = truncation(&scan(20, 2), &slice());
        assert_eq!((found.views, found.message), (0, None));
        // At 45 and 135 degrees the square is 28.3 mm wide: 4.14 pixels too much on each side.
        let found = truncation(&scan(20, 4), &slice());
        assert_eq!((found.views, found.fraction_of_views), (2, 0.5));
        assert!((found.beyond[1] - 4.142).abs() < 1e-3 && found.beyond[0] == 0.0);
        assert!(found.message.unwrap().contains("2 of 4 views"));
    }

    #[test]
    fn only_the_support_counts() {
        let grid = slice();
        let mut support = vec![false; 400];
        assert_eq!(of_support(&scan(20, 4), &grid, &support).views, 0);
        support[10 * 20 + 3] = true;
        support[10 * 20 + 16] = true;
        assert_eq!(of_support(&scan(20, 4), &grid, &support).views, 0);
        support[0] = true;
        assert_eq!(of_support(&scan(20, 4), &grid, &support).views, 1);
    }
}
