//! Peak signal-to-noise ratio, 10 log10(R² / MSE), in dB: higher is better. R is the data range of the truth, not a
//! fixed window, and the reconstruction is not clipped to it: either would raise the PSNR of some volumes.

use super::{Comparison, Metric, Score};

/// `psnr_db`.
pub(super) struct PsnrDb;

impl Metric for PsnrDb {
    fn key(&self) -> &'static str {
        "psnr_db"
    }

    fn unit(&self) -> &'static str {
        "dB"
    }

    fn definition(&self) -> &'static str {
        "10 log10(R^2 / MSE), MSE over all voxels of the mask, no clipping, R = max - min of the truth over the mask"
    }

    fn uses_range(&self) -> bool {
        true
    }

    fn measure(&self, comparison: &Comparison) -> Score {
        let range = comparison.positive_range()?;
        let mse = comparison.mean(|truth, found| (found - truth).powi(2))?;
        if mse == 0.0 {
            return Err("the volumes are identical: PSNR is infinite".to_string());
        }
        Ok(10.0 * (range * range / mse).log10())
    }
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::volume;
    use super::*;

    #[test]
    fn a_hand_computed_cube() {
        // Truth 0..7, range 7; errors 2 at one voxel and -1 at another: MSE 5/8.
        let truth = volume([2, 2, 2], |i| i as f32);
        let found = volume([2, 2, 2], |i| i as f32 + [2.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0][i]);
        let value = PsnrDb.measure(&Comparison::new(&truth, &found, None).unwrap()).unwrap();
        assert!((value - 18.943_160_627_4).abs() < 1e-9, "{value}"); // 10 log10(49 / 0.625)
        // Over voxels 2 and 3: range 1, MSE 1/2.
        let mask = [false, false, true, true, false, false, false, false];
        let value = PsnrDb.measure(&Comparison::new(&truth, &found, Some(&mask)).unwrap()).unwrap();
        assert!((value - 3.010_299_956_6).abs() < 1e-9, "{value}");
    }
}
