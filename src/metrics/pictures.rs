//! PSNR and SSIM of RGB pictures with values from 0 to 1, as papers on neural rendering report them.

use super::Comparison;
use super::windows::{Reach, mean, similarity_of};
use crate::data::{Grid, Quantity, Volume};

/// PSNR = 10 log₁₀ (1 / MSE) in dB, with the MSE over all pixels and channels.
///
/// # Errors
/// The reason why there is no value: pictures that are identical (infinite PSNR), empty or of different sizes.
pub fn psnr_db(truth: &[[f32; 3]], found: &[[f32; 3]]) -> Result<f64, String> {
    if truth.len() != found.len() || truth.is_empty() {
        return Err(format!("{} pixels against {}", truth.len(), found.len()));
    }
    let pairs = truth.as_flattened().iter().zip(found.as_flattened());
    let sum: f64 = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    if sum == 0.0 {
        Err("the pictures are the same".to_string())
    } else {
        Ok(-10.0 * (sum / (3 * truth.len()) as f64).log10())
    }
}

/// Structural similarity with a Gaussian window (sigma 1.5 pixels, 11 taps, K1 0.01, K2 0.03, R = 1), averaged over the
/// pixels of each channel and then over the channels: scikit-image's `structural_similarity(truth, found,
/// channel_axis=-1, data_range=1, gaussian_weights=True, use_sample_covariance=False)`.
///
/// # Errors
/// The reason why there is no value: pictures of different sizes, or smaller than the window.
pub fn ssim([rows, columns]: [usize; 2], truth: &[[f32; 3]], found: &[[f32; 3]]) -> Result<f64, String> {
    let grid = Grid::centered([1, rows, columns], [1.0; 3], [0.0; 3]).map_err(|error| error.to_string())?;
    let channel = |pixels: &[[f32; 3]], k: usize| {
        let values = pixels.iter().map(|pixel| pixel[k]).collect();
        // Comparisons take volumes in HU; with a given R the unit does not matter.
        Volume::from_vec(grid.clone(), Quantity::Hounsfield, values).map_err(|error| error.to_string())
    };
    let mut total = 0.0;
    for k in 0..3 {
        let (truth, found) = (channel(truth, k)?, channel(found, k)?);
        let comparison = Comparison::new(&truth, &found, None).map_err(|error| error.to_string())?;
        let slices = similarity_of(&comparison, Reach::Slice, 1.0)?;
        let (sum, count) = slices.iter().fold((0.0, 0), |(sum, count), (s, n)| (sum + s, count + n));
        total += mean(sum, count)? / 3.0;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_difference_has_the_decibels_of_the_formula() {
        let (white, grey) = (vec![[1.0f32; 3]; 400], vec![[0.9f32; 3]; 400]);
        assert!((psnr_db(&white, &grey).unwrap() - 20.0).abs() < 1e-5);
        assert!(psnr_db(&white, &white).unwrap_err().contains("same"));
        // (2 a b + C1) / (a² + b² + C1) for even pictures.
        let exact = (2.0 * 0.9 + 1e-4) / (1.0 + 0.81 + 1e-4);
        assert!((ssim([20, 20], &white, &grey).unwrap() - exact).abs() < 1e-6);
        assert!((ssim([20, 20], &white, &white).unwrap() - 1.0).abs() < 1e-12);
        assert!(ssim([5, 80], &white, &grey).is_err());
    }
}
