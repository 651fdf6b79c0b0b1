//! Random choice of the rays of a step: uniform, or preferring rays with a large residual when they were last drawn.
//!
//! A ray is drawn with probability pᵢ = (1 − a)/N + a |√Wᵢ rᵢ| / Σ|√W r| and gets the weight 1/pᵢ, so that the loss is
//! unbiased even if the stored residuals are out of date (Katharopoulos, Fleuret, ICML 2018). The uniform part bounds
//! the weight, relative to uniform drawing, by 1/(1 − a).

use super::{Memory, Objective};
use crate::error::Result;
use crate::tensors::{to_vec, torch_error};
use rand::{Rng, RngExt};
use tch::{Kind, TchError, Tensor};

/// Drawing probabilities of all rays.
pub(super) struct Chances {
    share: f64,
    /// |√W r| of every ray when it was last drawn; before that, the value for an empty volume.
    magnitudes: Vec<f32>,
    /// Cumulative sums of the magnitudes.
    sums: Vec<f64>,
}

impl Chances {
    /// Probabilities with the share `share` (a) of rays drawn by their residuals; `None` for uniform drawing.
    pub(super) fn new(objective: &Objective, share: f64, memory: &Memory) -> Result<Option<Self>> {
        if share == 0.0 {
            return Ok(None);
        }
        let start = || -> std::result::Result<Tensor, TchError> {
            let factors = objective.weights.as_ref().map(Tensor::f_sqrt).transpose()?;
            factors
                .map_or_else(|| Ok(objective.data.shallow_clone()), |factors| objective.data.f_mul(&factors))?
                .f_abs()
        };
        let all = memory.as_ref().map_or_else(start, |memory| Ok(memory.shallow_clone())).map_err(torch_error)?;
        let magnitudes = to_vec(&all)?;
        let mut sum = 0.0;
        let sums = magnitudes.iter().map(|&magnitude| {
            sum += f64::from(magnitude);
            sum
        });
        let sums: Vec<f64> = sums.collect();
        Ok((sum > 0.0 && sum.is_finite()).then_some(Self { share, magnitudes, sums }))
    }

    /// Draws a ray; returns its number and N pᵢ.
    pub(super) fn draw(&self, random: &mut impl Rng) -> (usize, f64) {
        let (rays, total) = (self.sums.len(), self.sums[self.sums.len() - 1]);
        let ray = if random.random_range(0.0..1.0) < self.share {
            let at = random.random_range(0.0..total);
            self.sums.partition_point(|&sum| sum <= at).min(rays - 1)
        } else {
            random.random_range(0..rays)
        };
        let chance = 1.0 - self.share + self.share * f64::from(self.magnitudes[ray]) / total * rays as f64;
        (ray, chance)
    }

    /// Stores the residuals `[rays]` of the rays that were drawn.
    pub(super) fn note(&mut self, rays: &Tensor, residuals: &Tensor) -> Result<()> {
        let numbers = Vec::<i64>::try_from(rays).map_err(torch_error)?;
        for (ray, residual) in numbers.into_iter().zip(to_vec(residuals)?) {
            self.magnitudes[ray as usize] = residual.abs();
        }
        Ok(())
    }

    /// The stored magnitudes, for the next step.
    pub(super) fn memory(&self) -> Result<Memory> {
        let all =
            Tensor::f_from_slice(&self.magnitudes).and_then(|all| all.f_to_kind(Kind::Float)).map_err(torch_error)?;
        Ok(Some(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn rays_are_drawn_as_often_as_they_are_said_to_be() {
        let chances = Chances { share: 0.5, magnitudes: vec![0.0, 1.0, 3.0], sums: vec![0.0, 1.0, 4.0] };
        let mut random = stream(1, "test", 0);
        let (mut counts, mut said) = ([0.0; 3], [0.0; 3]);
        for _ in 0..40_000 {
            let (ray, chance) = chances.draw(&mut random);
            counts[ray] += 1.0 / 40_000.0;
            said[ray] = chance / 3.0;
        }
        for (ray, expected) in [0.5 / 3.0, 0.5 / 3.0 + 0.125, 0.5 / 3.0 + 0.375].into_iter().enumerate() {
            assert!(
                (said[ray] - expected).abs() < 1e-12 && (counts[ray] - expected).abs() < 0.01,
                "{counts:?} {said:?}"
            );
        }
    }
}
