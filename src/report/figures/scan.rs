//! Figures of the projections: the sinogram of the middle detector row, and the first projection.

use super::axis::Axis;
use super::chart::{Chart, Series};
use super::quantiles::quantiles;
use super::raster::{PictureLayout, Raster};
use super::window::Window;
use crate::data::{Projections, norm};

/// Sinogram and projection with the grey-value window that they share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScanFigure {
    /// Line integrals that are shown as black and as white.
    pub(crate) window: Window,
    /// Sinogram `[view, column]` of the middle detector row, the first view at the top.
    pub(crate) sinogram: Raster,
    /// Index of the middle detector row.
    pub(crate) row: usize,
    /// The first view `[row, column]` with the last row (+v) at the top; `None` for a single row, see [`curve`].
    pub(crate) projection: Option<Raster>,
}

/// Draws the pictures of a scan.
pub(crate) fn pictures(projections: &Projections) -> ScanFigure {
    let [views, rows, columns] = projections.geometry.shape();
    let values = projections.as_slice();
    let [low, high] = quantiles(values.len(), |i| values[i], [0.0, 0.999]);
    let window = Window { low: low.min(0.0), high: if high > low { high } else { low + 1.0 } };
    let row = rows / 2;
    let line = |view: usize| &values[(view * rows + row) * columns..][..columns];
    let sinogram: Vec<f32> = (0..views).flat_map(line).copied().collect();
    let projection = (rows > 1).then(|| {
        let first = &projections.geometry.views[0];
        let upside_down: Vec<f32> = values[..rows * columns].chunks(columns).rev().flatten().copied().collect();
        let layout = PictureLayout::proportional([rows, columns], [norm(first.v), norm(first.u)]);
        Raster::grey(&layout, &upside_down, |v| window.shade(v))
    });
    ScanFigure {
        window,
        row,
        sinogram: Raster::grey(&PictureLayout::stretched([views, columns]), &sinogram, |v| window.shade(v)),
        projection,
    }
}

/// The first view of a scan with a single detector row, as a curve over the position on the detector (mm from its
/// centre); `None` for more rows.
pub(crate) fn curve(projections: &Projections) -> Option<Chart> {
    let [_, rows, columns] = projections.geometry.shape();
    let pitch = norm(projections.geometry.views[0].u);
    let place = |column: usize| (column as f64 - (columns as f64 - 1.0) / 2.0) * pitch;
    let values = &projections.as_slice()[..columns];
    let points = values.iter().enumerate().map(|(column, &v)| [place(column), f64::from(v)]).collect();
    (rows == 1).then(|| Chart {
        title: "First projection".to_string(),
        clock: Vec::new(),
        x: Axis::linear("place on the detector [mm]"),
        y: Axis::linear("line integral"),
        series: vec![Series { name: "as reconstructed from".to_string(), style: 1, points }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::raster::decode;
    use crate::report::samples;

    #[test]
    fn the_sinogram_has_a_line_per_view_and_the_projection_stands_upright() {
        let geometry = samples::circle(3, 2, 4);
        // Row 0 (bottom) is dark, row 1 (top) is bright and becomes brighter from view to view.
        let values = (0..24).map(|i| if i / 4 % 2 == 1 { 1.0 + (i / 8) as f32 } else { 0.0 }).collect();
        let scan = pictures(&Projections::from_vec(geometry.clone(), values).unwrap());
        let (width, height, _, pixels) = decode(&scan.sinogram.data_uri());
        assert_eq!((width, height), (384, 384));
        assert_eq!([0, 128, 256].map(|row| pixels[row * width]), [85, 170, 255]);
        let (width, height, _, pixels) = decode(&scan.projection.unwrap().data_uri());
        assert_eq!((width, height), (384, 192));
        assert!(pixels[0] > 0 && pixels[width * (height - 1)] == 0, "+v must be on top");
        assert!(curve(&Projections::from_vec(geometry, vec![0.0; 24]).unwrap()).is_none());
    }

    #[test]
    fn a_single_row_becomes_a_curve() {
        let empty = Projections::from_vec(samples::circle(5, 1, 10), vec![0.0; 50]).unwrap();
        assert!(pictures(&empty).projection.is_none());
        let points = &curve(&empty).unwrap().series[0].points;
        assert!(points.len() == 10 && (points[0][0] + 135.0).abs() < 1e-9);
    }
}
