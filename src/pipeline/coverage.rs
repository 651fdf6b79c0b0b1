//! Coverage of the volume by a scan, for `recon check`: voxels seen, truncation, magnification and sampling.

use crate::data::{DetectorShape, Geometry, Grid, Source, cross, dot, norm, normalized, sub};
use crate::geometries::truncation::truncation;
use crate::operators::xray::kernels::coverage::seen_by;
use serde::Serialize;
use std::f64::consts::FRAC_PI_2;

/// Largest number of voxels along an axis of the grid on which coverage is counted.
const COARSE: usize = 48;

/// Coverage of the volume by a scan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// Fraction of the voxels that every view sees.
    pub by_all: f64,
    /// Fraction of the voxels that at least one view sees.
    pub by_some: f64,
    /// Number of views in which a part of the volume's box is projected outside the detector.
    pub truncated_views: usize,
    /// Magnification at the centre of the volume, mean over the views.
    pub magnification: f64,
    /// Pixel pitch divided by the magnification, [v, u], mm: the resolution that the detector allows at the centre.
    pub pixel_at_center_mm: [f64; 2],
    /// Voxel spacing of the reconstruction grid, [z, y, x], mm.
    pub voxel_mm: [f64; 3],
    /// Number of views that sample the outer edge of the volume as finely as its voxels: π/2 times the voxels across.
    pub views_for_full_sampling: usize,
}

impl Coverage {
    /// Coverage of the box of `grid` by `geometry`, counted on at most 48 voxels along each axis.
    #[must_use]
    pub(super) fn new(grid: &Grid, geometry: &Geometry) -> Self {
        let coarse = grid.with_shape(grid.shape.map(|n| n.min(COARSE))).unwrap_or_else(|_| grid.clone());
        let counts = seen_by(&coarse, geometry);
        let part =
            |least: usize| counts.iter().filter(|&&n| usize::from(n) >= least).count() as f64 / counts.len() as f64;
        let magnification = magnification(geometry, grid);
        let first = &geometry.views[0];
        let across = grid.shape[1].max(grid.shape[2]) as f64;
        Self {
            by_all: part(geometry.views.len().min(usize::from(u16::MAX))),
            by_some: part(1),
            truncated_views: truncation(geometry, grid).views,
            magnification,
            pixel_at_center_mm: [norm(first.v), norm(first.u)].map(|pitch| pitch / magnification),
            voxel_mm: grid.spacing,
            views_for_full_sampling: (FRAC_PI_2 * across).ceil() as usize,
        }
    }

    /// Labels and values as text, for a scan of `views` views.
    #[must_use]
    pub fn rows(&self, views: usize) -> Vec<(String, String)> {
        let percent = |part: f64| format!("{:.1}%", 100.0 * part);
        let [v, u] = self.pixel_at_center_mm;
        let [z, y, x] = self.voxel_mm;
        let truncated = match self.truncated_views {
            0 => "no view".to_string(),
            n => format!("{n} of {views} views"),
        };
        [
            (
                "seen by every view",
                format!("{} of the volume, by some view {}", percent(self.by_all), percent(self.by_some)),
            ),
            ("box truncated in", truncated),
            ("magnification", format!("{:.3} in the middle of the volume", self.magnification)),
            ("pixel there", format!("{v:.3} x {u:.3} mm, voxels {z:.3} x {y:.3} x {x:.3} mm")),
            (
                "views",
                format!("{views}; {} would sample the rim as finely as the voxels", self.views_for_full_sampling),
            ),
        ]
        .map(|(label, value)| (label.to_string(), value))
        .to_vec()
    }
}

/// Distance from source to detector over distance from source to the centre of the grid, both along the normal of a
/// flat detector; 1 for a parallel beam. Mean over the views.
fn magnification(geometry: &Geometry, grid: &Grid) -> f64 {
    let of_view = |view: &crate::data::View| match view.source {
        Source::Direction(_) => 1.0,
        Source::Point(source) => {
            let normal = normalized(cross(view.u, view.v));
            let arms = [sub(view.center, source), sub(grid.center(), source)];
            match geometry.detector.shape {
                DetectorShape::Flat => dot(arms[0], normal) / dot(arms[1], normal),
                DetectorShape::Cylindrical => norm(arms[0]) / norm(arms[1]),
            }
        }
    };
    geometry.views.iter().map(of_view).sum::<f64>() / geometry.views.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometries::GeometryKind;
    use crate::registry::OneOf;

    fn seen(yaml: &str) -> Coverage {
        let grid = Grid::centered([20, 60, 60], [1.0; 3], [0.0; 3]).unwrap();
        let kind: OneOf<GeometryKind> = serde_yaml::from_str(yaml).unwrap();
        Coverage::new(&grid, &kind.kind.build(&grid).unwrap())
    }

    #[test]
    fn a_detector_that_covers_the_volume_sees_all_of_it_at_its_magnification() {
        let found = seen("cone: {views: 20, source_to_axis_mm: 300, source_to_detector_mm: 600}");
        assert_eq!((found.by_all, found.by_some, found.truncated_views), (1.0, 1.0, 0));
        assert!((found.magnification - 2.0).abs() < 1e-9 && (found.pixel_at_center_mm[1] - 1.0).abs() < 1e-9);
        assert_eq!(found.views_for_full_sampling, 95);
    }

    #[test]
    fn a_small_detector_sees_its_field_of_view() {
        let found = seen("parallel: {views: 90, detector: {pixels: [20, 30], pitch_mm: 1}}");
        // A circle of 30 mm in a square of 60 mm.
        assert!((found.by_all - std::f64::consts::PI * 15.0 * 15.0 / 3600.0).abs() < 0.01, "{}", found.by_all);
        assert!(found.by_some > 0.99 && found.truncated_views == 90);
    }
}
