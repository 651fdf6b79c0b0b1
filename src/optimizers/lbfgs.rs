//! L-BFGS: a quasi-Newton method that approximates the inverse Hessian by the last few steps and gradients.
//!
//! The two-loop recursion of Nocedal, Math. Comp. 35 (1980) 773, on all weights as one vector. The initial matrix is
//! sᵀy / yᵀy times the identity; pairs (s, y) of little curvature are left out. There is no line search: a step is the
//! rate times the direction, shortened to the length `longest`. Use it only with a full, noise-free gradient (the
//! lattice integrator without jitter) and close to a minimum, to finish a fit.

use super::{Optimizer, UpdateRule, restore_into};
use crate::error::Result;
use crate::fields::Parameter;
use crate::require;
use crate::tensors::{dot, torch_error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Constants of L-BFGS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Factor on the direction at the start of the schedule, greater than 0; 1 is the whole quasi-Newton step.
    pub rate: f64,
    /// Number of past steps and gradient differences that are kept, 1 to 100.
    pub history: usize,
    /// Largest Euclidean norm of a step over all weights, greater than 0; longer steps are shortened to it.
    pub longest: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { rate: 0.5, history: 10, longest: 0.1 }
    }
}

/// State of L-BFGS for one list of parameters: the last steps and gradient differences.
#[derive(Debug)]
pub struct Lbfgs {
    config: Config,
    /// `[history, weights]`, newest last; only the last `counts[1]` rows are used.
    steps: Tensor,
    differences: Tensor,
    /// `[weights]`: gradient before the last step, and the last step.
    gradient: Tensor,
    step: Tensor,
    /// `[2]`: number of steps taken, and of pairs (step, gradient difference) kept.
    counts: Tensor,
}

impl UpdateRule for Config {
    fn check(&self) -> Result<()> {
        require::positive("rate", self.rate)?;
        require::positive("longest", self.longest)?;
        require::within("history", self.history, 1..=100)?;
        Ok(())
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn build(&self, parameters: &[Parameter]) -> Box<dyn Optimizer> {
        let weights: i64 = parameters.iter().map(|p| p.value.numel() as i64).sum();
        let options =
            parameters.first().map_or((Kind::Float, tch::Device::Cpu), |p| (p.value.kind(), p.value.device()));
        let zeros = |shape: &[i64]| Tensor::zeros(shape, options);
        let history = [self.history as i64, weights];
        Box::new(Lbfgs {
            config: self.clone(),
            steps: zeros(&history),
            differences: zeros(&history),
            gradient: zeros(&[weights]),
            step: zeros(&[weights]),
            counts: zeros(&[2]),
        })
    }
}

/// All gradients as one vector `[weights]`, zero for parameters without a gradient; sets the parameters' gradients to
/// zero.
fn take_gradients(parameters: &[Parameter]) -> std::result::Result<Tensor, TchError> {
    let flat = |parameter: &Parameter| {
        let mut gradient = parameter.value.grad();
        if !gradient.defined() {
            return parameter.value.f_zeros_like()?.f_view([-1]);
        }
        let copy = gradient.f_detach_copy()?.f_view([-1]);
        let _ = gradient.f_zero_()?;
        copy
    };
    Tensor::f_cat(&parameters.iter().map(flat).collect::<std::result::Result<Vec<_>, _>>()?, 0)
}

/// Adds the parts of `step` `[weights]` to the parameters.
fn add(parameters: &[Parameter], step: &Tensor) -> std::result::Result<(), TchError> {
    let mut first = 0;
    for parameter in parameters {
        let count = parameter.value.numel() as i64;
        let part = step.f_narrow(0, first, count)?.f_view(&parameter.value.size()[..])?;
        let _ = parameter.value.detach().f_add_(&part)?;
        first += count;
    }
    Ok(())
}

impl Lbfgs {
    fn count(&self, which: i64) -> i64 {
        self.counts.double_value(&[which]) as i64
    }

    /// Stores the last step and its gradient difference, if the curvature along the step is positive.
    fn remember(&mut self, gradient: &Tensor) -> std::result::Result<(), TchError> {
        let difference = gradient.f_sub(&self.gradient)?;
        let (curvature, squares) = (dot(&self.step, &difference)?, dot(&difference, &difference)?);
        if curvature <= 1e-10 * squares.max(f64::MIN_POSITIVE) {
            return Ok(());
        }
        let kept = self.config.history as i64 - 1;
        let shifted =
            |all: &Tensor, newest: &Tensor| Tensor::f_cat(&[all.f_narrow(0, 1, kept)?, newest.f_unsqueeze(0)?], 0);
        self.steps = shifted(&self.steps, &self.step)?;
        self.differences = shifted(&self.differences, &difference)?;
        let pairs = (self.count(1) + 1).min(self.config.history as i64);
        let _ = self.counts.get(1).f_fill_(pairs)?;
        Ok(())
    }

    /// The direction −H g, with H the approximate inverse Hessian, by the two-loop recursion.
    fn direction(&self, gradient: &Tensor) -> std::result::Result<Tensor, TchError> {
        let (history, pairs) = (self.config.history as i64, self.count(1));
        let mut q = gradient.f_detach_copy()?;
        let mut parts = Vec::new();
        for i in (history - pairs..history).rev() {
            let (s, y) = (self.steps.get(i), self.differences.get(i));
            let inverse = 1.0 / dot(&s, &y)?;
            let along = inverse * dot(&s, &q)?;
            let _ = q.f_sub_(&y.f_mul_scalar(along)?)?;
            parts.push((s, y, inverse, along));
        }
        if let Some((s, y, ..)) = parts.first() {
            let _ = q.f_mul_scalar_(dot(s, y)? / dot(y, y)?)?;
        }
        for (s, y, inverse, along) in parts.into_iter().rev() {
            let back = inverse * dot(&y, &q)?;
            let _ = q.f_add_(&s.f_mul_scalar(along - back)?)?;
        }
        q.f_neg()
    }
}

impl Optimizer for Lbfgs {
    fn step(&mut self, parameters: &[Parameter], rate: f64) -> Result<()> {
        let mut update = || -> std::result::Result<(), TchError> {
            let gradient = take_gradients(parameters)?;
            if self.count(0) > 0 {
                self.remember(&gradient)?;
            }
            let direction = self.direction(&gradient)?;
            let length = rate * dot(&direction, &direction)?.sqrt();
            // Without a pair the length of the gradient says nothing about a suitable step: take a tenth of the longest
            // one.
            let most = if self.count(1) == 0 { 0.1 * self.config.longest } else { self.config.longest };
            self.step = direction.f_mul_scalar(rate * (most / length.max(f64::MIN_POSITIVE)).min(1.0))?;
            self.gradient = gradient;
            let _ = self.counts.get(0).f_add_scalar_(1.0)?;
            add(parameters, &self.step)
        };
        update().map_err(torch_error)
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let named = [
            ("steps", &self.steps),
            ("differences", &self.differences),
            ("gradient", &self.gradient),
            ("step", &self.step),
            ("counts", &self.counts),
        ];
        named.into_iter().map(|(name, tensor)| (format!("lbfgs.{name}"), tensor.shallow_clone())).collect()
    }

    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<()> {
        let named = [
            ("steps", &mut self.steps),
            ("differences", &mut self.differences),
            ("gradient", &mut self.gradient),
            ("step", &mut self.step),
            ("counts", &mut self.counts),
        ];
        named.into_iter().try_for_each(|(name, tensor)| restore_into(tensor, &format!("lbfgs.{name}"), find))
    }
}
