//! Total variation: min ½ ‖A x − y‖² / ‖A‖² + w TV(x), x ≥ 0, by the primal-dual hybrid gradient method.
//!
//! Chambolle and Pock, J. Math. Imaging Vis. 2011, algorithm 1, with one dual step per block as in Pock and Chambolle 2011:
//! p ← (p + σ(Âx̄ − ŷ))/(1 + σ), q ← project(q + σ'∇x̄, |q| ≤ w), x ← max(x − τ(Âᵀp + ∇ᵀq), 0), x̄ ← 2x⁺ − x,
//! Â = A/‖A‖, σ' = σ/‖∇‖², τ = 1/(2σ). x = mu / mu_ref, so that a weight means the same at any dose unit and pixel size.
//! Strong where the object is nearly piecewise constant; the classical start of neural fields.

use super::{Algorithm, Estimate, Reconstruction, Run};
use crate::data::{CurvePoint, Geometry, Grid, MU_REFERENCE_OVER_WATER, Projections, Quantity, Volume};
use crate::error::{Error, Result};
use crate::fields::regularizers::total_variation as tv;
use crate::projectors::{self, Projector};
use crate::tensors::{from_projections, to_vec, torch_error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Instant;
use tch::{Device, Kind, TchError, Tensor};

/// Total variation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight w of the total variation, per voxel of x = mu / (2.5 mu_water).
    pub weight: f64,
    /// Iterations.
    pub iterations: u64,
    /// Keep x ≥ 0.
    pub nonnegative: bool,
    /// Dual step σ; the primal one is 1/(2σ). Changes the speed of convergence only: 0.03 to 0.3 suit most scans.
    pub sigma: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { weight: 2e-4, iterations: 200, nonnegative: true, sigma: 0.1 }
    }
}

/// The primal and dual variables.
struct State {
    x: Tensor,
    extrapolated: Tensor,
    p: Tensor,
    q: Vec<Tensor>,
}

/// The problem, scaled to ‖A‖ = 1.
struct Problem<'a> {
    projector: &'a dyn Projector,
    data: Tensor,
    norm: f64,
    axes: Vec<(usize, f64)>,
}

impl Config {
    fn iterate(&self, problem: &Problem<'_>, state: &mut State) -> Result<f64> {
        let gradient_norm_squared: f64 = problem.axes.iter().map(|(_, weight)| 4.0 * weight * weight).sum::<f64>().max(1e-12);
        let (sigma, tau) = (self.sigma, 0.5 / self.sigma);
        let residual = problem.projector.forward(&state.extrapolated)? / problem.norm - &problem.data;
        let loss = 0.5 * residual.square().sum(Kind::Double).double_value(&[]);
        let back = problem.projector.adjoint(&state.dual_data(&residual, sigma).map_err(torch_error)?)? / problem.norm;
        state.dual_gradient(&problem.axes, sigma / gradient_norm_squared, self.weight).map_err(torch_error)?;
        state.primal(&problem.axes, &back, tau, self.nonnegative).map_err(torch_error)?;
        Ok(loss)
    }

    fn solve(&self, problem: &Problem<'_>, run: &Run<'_>) -> Result<(Tensor, Vec<CurvePoint>)> {
        let options = (Kind::Float, run.device);
        let zeros = |shape: [usize; 3]| Tensor::f_zeros(shape.map(|n| n as i64), options).map_err(torch_error);
        let shape = problem.projector.domain().shape;
        let q = problem.axes.iter().map(|_| zeros(shape)).collect::<Result<_>>()?;
        let p = zeros(problem.projector.range().shape())?;
        let mut state = State { x: zeros(shape)?, extrapolated: zeros(shape)?, p, q };
        let (start, mut curve) = (Instant::now(), Vec::new());
        run.progress.begin("tv", Some(self.iterations));
        for step in 1..=self.iterations {
            run.progress.check_stop()?;
            let data = self.iterate(problem, &mut state)?;
            run.progress.advance(step, &[("loss", data)]);
            if step % 10 == 0 || step == self.iterations {
                let (variation, _) = tv::value_and_gradient(&state.x, &problem.axes).map_err(torch_error)?;
                let figures = BTreeMap::from([("data".to_string(), data)]);
                curve.push(CurvePoint { step, seconds: start.elapsed().as_secs_f64(), loss: data + self.weight * variation, figures });
            }
        }
        run.progress.end();
        Ok((state.x, curve))
    }
}

impl State {
    fn dual_data(&mut self, residual: &Tensor, sigma: f64) -> std::result::Result<Tensor, TchError> {
        let _ = self.p.f_add_(&residual.f_mul_scalar(sigma)?)?.f_mul_scalar_(1.0 / (1.0 + sigma))?;
        Ok(self.p.shallow_clone())
    }

    fn dual_gradient(&mut self, axes: &[(usize, f64)], sigma: f64, weight: f64) -> std::result::Result<(), TchError> {
        let mut squares = self.x.f_zeros_like()?;
        for (q, slope) in self.q.iter_mut().zip(tv::gradient(&self.extrapolated, axes)?) {
            let _ = q.f_add_(&slope.f_mul_scalar(sigma)?)?;
            let _ = squares.f_addcmul_(q, q)?;
        }
        // weight 0 means no total variation: q stays 0.
        let shrink = squares.f_sqrt()?.f_mul_scalar(1.0 / weight.max(1e-30))?.f_clamp_min_(1.0)?;
        self.q.iter_mut().try_for_each(|q| q.f_div_(&shrink).map(|_| ()))
    }

    fn primal(&mut self, axes: &[(usize, f64)], back: &Tensor, tau: f64, nonnegative: bool) -> std::result::Result<(), TchError> {
        let mut slope = back.shallow_clone();
        if !axes.is_empty() {
            slope = slope.f_add(&tv::gradient_adjoint(&self.q, axes)?)?;
        }
        let mut next = self.x.f_sub(&slope.f_mul_scalar(tau)?)?;
        if nonnegative {
            next = next.f_clamp_min(0.0)?;
        }
        self.extrapolated = next.f_mul_scalar(2.0)?.f_sub(&self.x)?;
        self.x = next;
        Ok(())
    }
}

impl Algorithm for Config {
    fn check(&self, _geometry: &Geometry, _grid: &Grid) -> Result<()> {
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            return Err(Error::config("tv.weight", format!("expected 0 or more, got {}", self.weight)));
        }
        if !(self.sigma.is_finite() && self.sigma > 0.0) {
            return Err(Error::config("tv.sigma", format!("expected a positive number, got {}", self.sigma)));
        }
        if self.iterations == 0 {
            return Err(Error::config("tv.iterations", "expected at least 1, got 0"));
        }
        Ok(())
    }

    fn estimate(&self, geometry: &Geometry, grid: &Grid) -> Estimate {
        let (samples, voxels) = (geometry.samples() as u64, grid.voxels() as u64);
        let longest = grid.shape.iter().copied().max().unwrap_or(1) as f64;
        Estimate {
            operations: self.iterations as f64 * 2.0 * 16.0 * samples as f64 * longest,
            memory_bytes: 4 * (4 * samples + 14 * voxels),
        }
    }

    fn reconstruct(&self, data: &Projections, grid: &Grid, run: &mut Run<'_>) -> Result<Reconstruction> {
        self.check(&data.geometry, grid)?;
        let projector = run.projector(grid, &data.geometry)?;
        let norm = projectors::norm_squared(projector.as_ref(), run.device, 15)?.sqrt();
        let mu_ref = MU_REFERENCE_OVER_WATER * run.mu_water;
        let scaled = from_projections(data, run.device)? / (mu_ref * norm);
        let problem = Problem { projector: projector.as_ref(), data: scaled, norm, axes: tv::axes(grid) };
        let (x, curve) = tch::no_grad(|| self.solve(&problem, run))?;
        let values = to_vec(&(x.to_device(Device::Cpu) * mu_ref))?;
        Ok(Reconstruction { curve, ..Reconstruction::plain(Volume::from_vec(grid.clone(), Quantity::Attenuation, values)?) })
    }
}
