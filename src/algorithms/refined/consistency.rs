//! A correction that agrees with the data: min κ ‖A δ − r‖² + ‖δ − d‖² by conjugate gradients from the network's d.
//!
//! r = y − A x is the residual of the start x. κ = c · mean(d²) / mean(r²), with a factor c that was chosen in
//! training, weighs the network's error (proportional to d) against noise and discretisation error (proportional to r).
//! Both means scale with the square of the data, so that δ scales with the data. Conjugate gradients: Hestenes and
//! Stiefel 1952.

use crate::error::Result;
use crate::operators::LinearOperator;
use crate::tensors::{dot, torch_error};
use tch::Tensor;

/// Strength of the data consistency and number of iterations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Consistency {
    /// Factor c of κ; 0 leaves the network's correction unchanged.
    pub factor: f64,
    /// Number of conjugate-gradient steps.
    pub steps: u64,
}

impl Consistency {
    /// The correction δ, in the shape and unit of d. `residual` is r = y − A x.
    ///
    /// # Errors
    /// As the operator's; memory.
    pub fn apply(self, operator: &dyn LinearOperator, residual: &Tensor, correction: &Tensor) -> Result<Tensor> {
        let square = |t: &Tensor| dot(t, t).map_err(torch_error);
        let (wanted, left) = (square(correction)?, square(residual)?);
        if self.factor <= 0.0 || wanted <= 0.0 || left <= 0.0 {
            return Ok(correction.copy());
        }
        let kappa = self.factor * (wanted / correction.numel() as f64) / (left / residual.numel() as f64);
        let mut delta = correction.copy();
        let mut slope = operator.adjoint(&(residual - operator.forward(&delta)?))? * kappa;
        let mut direction = slope.copy();
        let (mut now, first) = (square(&slope)?, square(&slope)?);
        for _ in 0..self.steps {
            // Converged within rounding.
            if now <= 1e-12 * first || now <= 0.0 {
                break;
            }
            let image = operator.forward(&direction)?;
            let curvature = kappa * square(&image)? + square(&direction)?;
            let step = now / curvature;
            delta += &direction * step;
            slope -= (operator.adjoint(&image)? * kappa + &direction) * step;
            let next = square(&slope)?;
            direction = &slope + direction * (next / now);
            now = next;
        }
        Ok(delta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Grid;
    use tch::{Device, Kind};

    /// Each voxel is seen twice, doubled.
    struct Double(Grid);

    impl LinearOperator for Double {
        fn domain(&self) -> &Grid {
            &self.0
        }
        fn range(&self) -> [usize; 3] {
            [2, 3, 4]
        }
        fn forward(&self, volume: &Tensor) -> Result<Tensor> {
            Ok(Tensor::cat(&[volume * 2.0, volume * 2.0], 0))
        }
        fn adjoint(&self, measurements: &Tensor) -> Result<Tensor> {
            Ok((measurements.narrow(0, 0, 1) + measurements.narrow(0, 1, 1)) * 2.0)
        }
        fn subset(&self, _views: &[usize]) -> Result<Box<dyn LinearOperator>> {
            Ok(Box::new(Self(self.0.clone())))
        }
    }

    #[test]
    fn it_is_the_minimiser_and_scales_with_the_data() {
        let operator = Double(Grid::centered([1, 3, 4], [1.0; 3], [0.0; 3]).unwrap());
        let rand = |shape: [i64; 3]| Tensor::rand(shape, (Kind::Float, Device::Cpu));
        let (residual, correction) = (rand([2, 3, 4]), rand([1, 3, 4]));
        let rule = Consistency { factor: 0.7, steps: 8 };
        let found = rule.apply(&operator, &residual, &correction).unwrap();
        // Each voxel alone: (8 κ + 1) δ = 2 κ (r₁ + r₂) + d.
        let square = |t: &Tensor| dot(t, t).unwrap();
        let kappa = 0.7 * (square(&correction) / 12.0) / (square(&residual) / 24.0);
        let sum = residual.narrow(0, 0, 1) + residual.narrow(0, 1, 1);
        let expected = (sum * (2.0 * kappa) + &correction) / (8.0 * kappa + 1.0);
        assert!((&found - expected).abs().max().double_value(&[]) < 1e-5);
        let scaled = rule.apply(&operator, &(&residual * 50.0), &(&correction * 50.0)).unwrap();
        assert!((scaled / 50.0 - &found).abs().max().double_value(&[]) < 1e-5);
        let off = Consistency { factor: 0.0, steps: 8 }.apply(&operator, &residual, &correction).unwrap();
        assert_eq!(off, correction);
    }
}
