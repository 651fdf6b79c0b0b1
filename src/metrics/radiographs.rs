//! PSNR and SSIM of radiographs (line integrals) along rays that were withheld from the method.

use super::Comparison;
use super::windows::{Reach, mean, similarity_of};
use crate::data::{Grid, Projections, Quantity, Volume};

/// PSNR and SSIM of one view or of all views.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    /// 10 log₁₀ (R² / MSE) in dB, or the reason why it does not exist.
    pub psnr_db: Result<f64, String>,
    /// Mean structural similarity, or the reason why it does not exist.
    pub ssim: Result<f64, String>,
}

/// Data range R = max − min of all line integrals, used for PSNR and SSIM.
#[must_use]
pub fn range(truth: &Projections) -> f64 {
    let (low, high) =
        truth.as_slice().iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &p| (low.min(p), high.max(p)));
    f64::from(high) - f64::from(low)
}

/// PSNR and SSIM of each view and of all views together, with R the [`range`] of the truth. For all views together,
/// PSNR is computed from the mean squared error over all views and SSIM is the mean over the views. SSIM uses a 2-D
/// Gaussian window (sigma 1.5 pixels, 11 taps, K1 0.01, K2 0.03), as scikit-image with `gaussian_weights=True,
/// use_sample_covariance=False`.
///
/// # Errors
/// The reason why there are no values: scans of different shapes `[view, row, column]`, a constant truth.
pub fn likeness(truth: &Projections, found: &Projections) -> Result<(Vec<Likeness>, Likeness), String> {
    let views = truth.geometry.views.len();
    if found.geometry.shape() != truth.geometry.shape() {
        return Err(format!("{:?} line integrals against {:?}", truth.geometry.shape(), found.geometry.shape()));
    }
    let range = range(truth);
    if range <= 0.0 {
        return Err("all line integrals are the same".to_string());
    }
    let decibels = |error: f64| {
        if error > 0.0 { Ok(10.0 * (range * range / error).log10()) } else { Err("no difference".to_string()) }
    };
    let errors = squared_errors(truth, found);
    let similar = similarities(truth, found, range);
    let of_view = |view: usize| match &similar {
        Ok(all) => Ok(all[view]),
        Err(reason) => Err(reason.clone()),
    };
    let each = (0..views).map(|view| Likeness { psnr_db: decibels(errors[view]), ssim: of_view(view) }).collect();
    let whole = Likeness {
        psnr_db: decibels(errors.iter().sum::<f64>() / views as f64),
        ssim: similar.map(|all| all.iter().sum::<f64>() / views as f64),
    };
    Ok((each, whole))
}

/// Mean squared error of each view.
fn squared_errors(truth: &Projections, found: &Projections) -> Vec<f64> {
    let [_, rows, columns] = truth.geometry.shape();
    let pixels = rows * columns;
    let error = |(a, b): (&[f32], &[f32])| -> f64 {
        a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>() / pixels as f64
    };
    truth.as_slice().chunks_exact(pixels).zip(found.as_slice().chunks_exact(pixels)).map(error).collect()
}

/// Structural similarity of each view.
fn similarities(truth: &Projections, found: &Projections, range: f64) -> Result<Vec<f64>, String> {
    let grid = Grid::centered(truth.geometry.shape(), [1.0; 3], [0.0; 3]).map_err(|error| error.to_string())?;
    let stack = |views: &Projections| {
        // Comparisons take volumes in HU; with a given R the unit does not matter.
        Volume::from_vec(grid.clone(), Quantity::Hounsfield, views.as_slice().to_vec()).map_err(|e| e.to_string())
    };
    let (truth, found) = (stack(truth)?, stack(found)?);
    let comparison = Comparison::new(&truth, &found, None).map_err(|error| error.to_string())?;
    let slices = similarity_of(&comparison, Reach::Slice, range)
        .map_err(|_| "the detector is smaller than the window of 11 x 11 pixels".to_string())?;
    slices.into_iter().map(|(sum, count)| mean(sum, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, DetectorShape, Geometry, Source, View};

    fn views(count: usize, rows: usize, value: impl Fn(usize) -> f32) -> Projections {
        let view = View {
            source: Source::Direction([1.0, 0.0, 0.0]),
            center: [0.0; 3],
            u: [0.0, 1.0, 0.0],
            v: [0.0, 0.0, 1.0],
        };
        let detector = Detector { rows, columns: 16, shape: DetectorShape::Flat };
        let scan = Geometry::new(vec![view; count], detector, None).unwrap();
        Projections::from_vec(scan, (0..count * rows * 16).map(value).collect()).unwrap()
    }

    #[test]
    fn an_even_difference_has_the_decibels_of_the_formula() {
        let truth = views(2, 16, |i| (i % 16) as f32 / 5.0);
        // 0.3 in the first view, 0.1 in the second, of a range of 3.
        let found = views(2, 16, |i| (i % 16) as f32 / 5.0 + if i < 256 { 0.3 } else { 0.1 });
        let (each, all) = likeness(&truth, &found).unwrap();
        let close = |found: &Result<f64, String>, expected: f64| (found.as_ref().unwrap() - expected).abs() < 1e-4;
        assert!(close(&each[0].psnr_db, 20.0) && close(&each[1].psnr_db, 29.5424));
        assert!(close(&all.psnr_db, 10.0 * (9.0f64 / 0.05).log10()));
        assert!(each[0].ssim.as_ref().unwrap() < each[1].ssim.as_ref().unwrap());
        let (_, same) = likeness(&truth, &truth).unwrap();
        assert!(same.psnr_db.is_err() && close(&same.ssim, 1.0));
    }

    #[test]
    fn what_has_no_figure_has_a_reason() {
        let (line, flat) = (views(2, 1, |i| i as f32), views(2, 16, |_| 1.0));
        let (_, all) = likeness(&line, &views(2, 1, |i| i as f32 + 1.0)).unwrap();
        assert!(all.psnr_db.is_ok() && all.ssim.unwrap_err().contains("11"));
        assert!(likeness(&flat, &flat).unwrap_err().contains("same"));
        assert!(likeness(&flat, &line).is_err());
    }
}
