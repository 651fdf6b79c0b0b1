//! Line integrals as radiographs in the usual display: bone is bright on a dark background, the head (+z) is at the
//! top.

use crate::data::{Picture, Projections};
use crate::error::Result;

/// One grey picture per view; none for a detector with a single row. Line integrals of 0 or less are black, those of
/// `white` or more are white.
///
/// # Errors
/// Values that are NaN.
pub fn of(projections: &Projections, white: f32) -> Result<Vec<Picture>> {
    let [_, rows, columns] = projections.geometry.shape();
    if rows < 2 {
        return Ok(Vec::new());
    }
    let grey = |value: &f32| {
        let shade = if white > 0.0 { (value / white).clamp(0.0, 1.0) } else { 0.0 };
        [shade, shade, shade, 1.0]
    };
    // Detector rows are numbered along +z, rows of a picture downwards.
    let upright = |view: &[f32]| view.chunks_exact(columns).rev().flatten().map(grey).collect();
    projections
        .as_slice()
        .chunks_exact(rows * columns)
        .map(|view| Picture::new([rows, columns], upright(view)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, DetectorShape, Geometry, Source, View};

    #[test]
    fn the_last_row_is_on_top_and_the_range_is_kept() {
        let view = View {
            source: Source::Direction([1.0, 0.0, 0.0]),
            center: [0.0; 3],
            u: [0.0, 1.0, 0.0],
            v: [0.0, 0.0, 1.0],
        };
        let scan = |rows, columns| {
            Geometry::new(vec![view], Detector { rows, columns, shape: DetectorShape::Flat }, None).unwrap()
        };
        let views = Projections::from_vec(scan(2, 2), vec![-1.0, 1.0, 2.0, 9.0]).unwrap();
        let shades: Vec<f32> = of(&views, 4.0).unwrap()[0].rgba.iter().map(|pixel| pixel[0]).collect();
        assert_eq!(shades, [0.5, 1.0, 0.0, 0.25]);
        assert!(of(&Projections::from_vec(scan(1, 4), vec![0.0; 4]).unwrap(), 1.0).unwrap().is_empty());
    }
}
