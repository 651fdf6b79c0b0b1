//! Finite detector pixels: a pixel measures the mean intensity over its area, not the mean line integral, so p =
//! −ln(mean over its sub-rays of e^−p'). Where an edge crosses the pixel this is less than the mean of p' (exponential
//! edge-gradient effect; Joseph & Spital, Phys. Med. Biol. 26(3), 1981).

use crate::data::{Geometry, Projections};
use crate::error::{Error, Result};
use rayon::prelude::*;

/// Averages line integrals `fine` as intensities over each pixel of `geometry`. `fine` is in C order `[view, row,
/// column]` of [`geometry.subdivided(rows, columns)`](Geometry::subdivided).
///
/// # Errors
/// A number of values that does not match; values that are not finite.
pub fn average_subrays(fine: &[f32], geometry: &Geometry, rows: usize, columns: usize) -> Result<Projections> {
    let expected = geometry.samples() * rows * columns;
    if fine.len() != expected || expected == 0 {
        let problem =
            format!("expected {expected} line integrals ({rows} x {columns} sub-rays a pixel), got {}", fine.len());
        return Err(Error::input("projections", problem));
    }
    let width = geometry.detector.columns;
    let mut values = vec![0.0; geometry.samples()];
    values.par_chunks_mut(width).zip(fine.par_chunks(width * columns * rows)).for_each(|(line, block)| {
        for (column, value) in line.iter_mut().enumerate() {
            let subrays = block.chunks(width * columns).flat_map(|row| &row[column * columns..][..columns]);
            *value = mean_intensity(subrays.copied());
        }
    });
    Projections::from_vec(geometry.clone(), values)
}

/// −ln of the mean of e^−p, computed relative to the smallest p to avoid underflow.
fn mean_intensity(subrays: impl Iterator<Item = f32> + Clone) -> f32 {
    let least = f64::from(subrays.clone().fold(f32::INFINITY, f32::min));
    let (sum, count) = subrays.fold((0.0, 0.0), |(sum, count), p| (sum + (least - f64::from(p)).exp(), count + 1.0));
    (least - (sum / count).ln()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, DetectorShape, Source, View};

    fn geometry() -> Geometry {
        let view = View {
            source: Source::Direction([1.0, 0.0, 0.0]),
            center: [0.0; 3],
            u: [0.0, 1.0, 0.0],
            v: [0.0, 0.0, 1.0],
        };
        Geometry::new(vec![view; 3], Detector { rows: 2, columns: 4, shape: DetectorShape::Flat }, None).unwrap()
    }

    #[test]
    fn each_pixel_gets_its_own_subrays() {
        let (rows, columns) = (2, 3);
        let (view, geometry) = (2 * 4, geometry());
        // Every sub-ray holds the number of the pixel that owns it.
        let owner = |i: usize| {
            (i / (view * rows * columns)) * view + (i / (4 * columns) / rows % 2) * 4 + i % (4 * columns) / columns
        };
        let fine: Vec<f32> = (0..geometry.samples() * 6).map(|i| owner(i) as f32).collect();
        let averaged = average_subrays(&fine, &geometry, rows, columns).unwrap();
        assert!(averaged.as_slice().iter().enumerate().all(|(i, &p)| p == i as f32), "{averaged:?}");
    }

    #[test]
    fn intensities_are_averaged_and_dense_pixels_do_not_underflow() {
        let mean = |a: f32, b: f32| f64::from(mean_intensity([a, b].into_iter()));
        assert!((mean(0.0, 2.0) + f64::midpoint(1.0, (-2.0f64).exp()).ln()).abs() < 1e-7);
        assert!((mean(2000.0, 2000.0) - 2000.0).abs() < 1e-3);
        assert!((mean(1000.0, 9000.0) - (1000.0 + 2f64.ln())).abs() < 1e-3);
    }

    #[test]
    fn another_number_of_values_is_refused() {
        assert!(average_subrays(&[0.0; 5], &geometry(), 2, 3).is_err());
        assert!(average_subrays(&[], &geometry(), 0, 3).is_err());
    }
}
