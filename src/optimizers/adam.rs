//! Adam: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − rate · m̂ / (√v̂ + ε) with bias-corrected m̂, v̂. Kingma and
//! Ba, ICLR 2015, algorithm 1; with `weight_decay` θ is also multiplied by 1 − rate · λ (AdamW: Loshchilov and Hutter,
//! ICLR 2019). The usual choice for tables and small networks; slow on SIRENs (see `muon`).

use super::{Optimizer, UpdateRule, fused, on_card, restore_into};
use crate::error::{Error, Result};
use crate::fields::{Parameter, Role};
use crate::require;
use crate::tensors::cuda::Card;
use crate::tensors::{lend_mut, torch_error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, TchError, Tensor};

/// Constants of Adam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Learning rate at the start of the schedule, greater than 0.
    pub rate: f64,
    /// Decay rates β₁ and β₂ of the first and second moment, from 0 to below 1.
    pub betas: [f64; 2],
    /// Constant ε in the denominator of the step, greater than 0.
    pub epsilon: f64,
    /// Decoupled weight decay λ (AdamW), at least 0; 0 is plain Adam.
    pub weight_decay: f64,
    /// Factor on the learning rate for tables (the features of grid encodings, and voxels), greater than 0.
    pub table_factor: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { rate: 1e-3, betas: [0.9, 0.99], epsilon: 1e-8, weight_decay: 0.0, table_factor: 1.0 }
    }
}

/// State of Adam for one list of parameters: step count and moments.
#[derive(Debug)]
pub struct Adam {
    config: Config,
    moments: Vec<Moments>,
    /// Number of steps taken, as a tensor so that it is saved in checkpoints with the moments.
    steps: Tensor,
    /// Addresses of the parameters in GPU memory.
    table: on_card::Table,
}

#[derive(Debug)]
struct Moments {
    name: String,
    first: Tensor,
    second: Tensor,
}

impl UpdateRule for Config {
    fn check(&self) -> Result<()> {
        require::positive("rate", self.rate)?;
        if self.betas.iter().any(|b| !(0.0..1.0).contains(b)) {
            return Err(Error::config("betas", format!("expected two numbers in [0, 1), got {:?}", self.betas)));
        }
        require::not_negative("weight_decay", self.weight_decay)?;
        require::positive("table_factor", self.table_factor)?;
        require::positive("epsilon", self.epsilon)
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn build(&self, parameters: &[Parameter]) -> Box<dyn Optimizer> {
        Box::new(Adam::new(self.clone(), parameters))
    }
}

impl Adam {
    /// The state before the first step: all moments are zero.
    #[must_use]
    pub fn new(config: Config, parameters: &[Parameter]) -> Self {
        let moments = parameters
            .iter()
            .map(|p| Moments {
                name: p.name.clone(),
                first: p.value.detach().zeros_like(),
                second: p.value.detach().zeros_like(),
            })
            .collect();
        Self { config, moments, steps: Tensor::from_slice(&[0.0f32]), table: on_card::Table::default() }
    }
}

impl Adam {
    /// Steps f32 parameters on a GPU by its kernel; returns `false`, without a step, for any other parameters.
    fn step_on_card(&mut self, parameters: &[Parameter], rate: f64, corrections: [f64; 2]) -> Result<bool> {
        let device = parameters.first().map_or(Device::Cpu, |parameter| parameter.value.device());
        let plain = parameters.iter().all(|parameter| parameter.value.kind() == Kind::Float);
        let Some(card) = Card::of(device)?.filter(|_| plain) else { return Ok(false) };
        let with_gradient = |(parameter, moments): (&Parameter, &Moments)| {
            let gradient = parameter.value.grad();
            let tensors = [parameter.value.detach(), moments.first.shallow_clone(), moments.second.shallow_clone()];
            let factor = if parameter.role == Role::Table { self.config.table_factor } else { 1.0 };
            let [value, first, second] = tensors;
            gradient.defined().then_some(on_card::Entry { tensors: [value, first, second, gradient], factor })
        };
        let entries: Vec<_> = parameters.iter().zip(&self.moments).filter_map(with_gradient).collect();
        let constants = on_card::Constants {
            left: 1.0 - self.config.betas[0],
            keep: self.config.betas[1],
            rate: rate / corrections[0],
            correction: 1.0 / corrections[1].sqrt(),
            epsilon: self.config.epsilon,
            decay: rate * self.config.weight_decay,
        };
        self.table.step(&card, &entries, &constants)?;
        Ok(true)
    }
}

impl Optimizer for Adam {
    fn step(&mut self, parameters: &[Parameter], rate: f64) -> Result<()> {
        self.steps += 1.0;
        let t = self.steps.double_value(&[0]);
        let [beta1, beta2] = self.config.betas;
        let (correction1, correction2) = (1.0 - beta1.powf(t), 1.0 - beta2.powf(t));
        if self.step_on_card(parameters, rate, [correction1, correction2])? {
            return Ok(());
        }
        for (parameter, moments) in parameters.iter().zip(&mut self.moments) {
            let mut gradient = parameter.value.grad();
            if !gradient.defined() {
                continue;
            }
            let rate = if parameter.role == Role::Table { rate * self.config.table_factor } else { rate };
            let mut value = parameter.value.detach();
            if self.config.weight_decay > 0.0 {
                let _ = value.f_mul_scalar_(1.0 - rate * self.config.weight_decay).map_err(torch_error)?;
            }
            if let (Ok(values), Ok(first), Ok(second), Ok(gradient)) = (
                lend_mut(&mut value),
                lend_mut(&mut moments.first),
                lend_mut(&mut moments.second),
                lend_mut(&mut gradient),
            ) {
                let (first_left, correction) = ((1.0 - beta1) as f32, (1.0 / correction2.sqrt()) as f32);
                let (rate, epsilon) = ((rate / correction1) as f32, self.config.epsilon as f32);
                let step = fused::Step { first: first_left, second: beta2 as f32, rate, correction, epsilon };
                step.apply(fused::Numbers { values, first, second, gradient });
                continue;
            }
            let mut update = || -> std::result::Result<(), TchError> {
                let _ = moments.first.f_lerp_(&gradient, 1.0 - beta1)?;
                let _ =
                    moments.second.f_mul_scalar_(beta2)?.f_add_(&gradient.f_square()?.f_mul_scalar(1.0 - beta2)?)?;
                let root = moments
                    .second
                    .f_sqrt()?
                    .f_mul_scalar(1.0 / correction2.sqrt())?
                    .f_add_scalar(self.config.epsilon)?;
                let step = moments.first.f_div(&root)?.f_mul_scalar(rate / correction1)?;
                let _ = value.f_sub_(&step)?;
                let _ = gradient.f_zero_()?;
                Ok(())
            };
            update().map_err(torch_error)?;
        }
        Ok(())
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = vec![("steps".to_string(), self.steps.shallow_clone())];
        for m in &self.moments {
            state.push((format!("first.{}", m.name), m.first.shallow_clone()));
            state.push((format!("second.{}", m.name), m.second.shallow_clone()));
        }
        state
    }

    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<()> {
        restore_into(&mut self.steps, "steps", &|name| {
            find(name).map(|t| t.to_kind(Kind::Float).to_device(tch::Device::Cpu))
        })?;
        for m in &mut self.moments {
            restore_into(&mut m.first, &format!("first.{}", m.name), find)?;
            restore_into(&mut m.second, &format!("second.{}", m.name), find)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_those_of_the_paper() {
        let value = Tensor::from_slice(&[1.0f64, -2.0]).set_requires_grad(true);
        let parameters = [Parameter { name: "x".into(), value, role: Role::Other }];
        let mut adam = Adam::new(Config { rate: 0.1, betas: [0.9, 0.999], ..Config::default() }, &parameters);
        // f = x² by hand: g = 2x, and m, v and x follow from the formulas above.
        let mut by_hand = [1.0f64, -2.0];
        let (mut m, mut v) = ([0.0f64; 2], [0.0f64; 2]);
        for t in 1..=3 {
            parameters[0].value.square().sum(Kind::Double).backward();
            adam.step(&parameters, 0.1).unwrap();
            for k in 0..2 {
                let g = 2.0 * by_hand[k];
                m[k] = 0.9 * m[k] + 0.1 * g;
                v[k] = 0.999 * v[k] + 0.001 * g * g;
                by_hand[k] -= 0.1 * (m[k] / (1.0 - 0.9f64.powi(t))) / ((v[k] / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-8);
            }
        }
        let found: Vec<f64> = Vec::try_from(parameters[0].value.detach().to_device(Device::Cpu)).unwrap();
        assert!(found.iter().zip(by_hand).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} {by_hand:?}");
    }

    #[test]
    fn tables_step_by_their_factor() {
        let make = |role| {
            let value = Tensor::from_slice(&[1.0f64]).set_requires_grad(true);
            Parameter { name: format!("{role:?}"), value, role }
        };
        let parameters = [make(Role::Table), make(Role::Other)];
        let mut adam = Adam::new(Config { table_factor: 10.0, ..Config::default() }, &parameters);
        (&parameters[0].value + &parameters[1].value).sum(Kind::Double).backward();
        adam.step(&parameters, 1e-3).unwrap();
        let [table, other] = [0, 1].map(|k| 1.0 - parameters[k].value.double_value(&[0]));
        assert!((table - 1e-2).abs() < 1e-8 && (other - 1e-3).abs() < 1e-9, "{table} {other}");
    }

    #[test]
    fn in_one_pass_the_steps_are_those_of_the_tensor_expressions() {
        let run = |kind| {
            let start: Vec<f32> = (0..40_000).map(|i| (i as f32 * 0.37).sin()).collect();
            let value = Tensor::from_slice(&start).to_kind(kind).set_requires_grad(true);
            let parameters = [Parameter { name: "x".into(), value, role: Role::Other }];
            let mut adam = Adam::new(Config::default(), &parameters);
            for _ in 0..3 {
                ((&parameters[0].value - 2.0).square() * 0.5).sum(kind).backward();
                adam.step(&parameters, 1e-2).unwrap();
            }
            parameters[0].value.detach().to_kind(Kind::Double)
        };
        let error = (run(Kind::Float) - run(Kind::Double)).abs().max().double_value(&[]);
        assert!(error < 2e-5, "{error}");
    }

    #[test]
    fn weights_without_a_gradient_decay_by_rate_times_lambda() {
        for kind in [Kind::Float, Kind::Double] {
            let value = Tensor::from_slice(&[2.0, -4.0]).to_kind(kind).set_requires_grad(true);
            let parameters = [Parameter { name: "x".into(), value, role: Role::Other }];
            let mut adam = Adam::new(Config { weight_decay: 0.5, ..Config::default() }, &parameters);
            (&parameters[0].value * 0.0).sum(kind).backward();
            adam.step(&parameters, 0.1).unwrap();
            let left = Vec::<f64>::try_from(parameters[0].value.detach().to_kind(Kind::Double)).unwrap();
            assert!((left[0] - 1.9).abs() < 1e-6 && (left[1] + 3.8).abs() < 1e-6, "{left:?}");
        }
    }
}
