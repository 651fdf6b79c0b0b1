//! Muon: momentum orthogonalised by a Newton–Schulz iteration, on the matrices of hidden layers; Adam for all others.
//!
//! m ← βm + g; U = orthogonalise(g + βm); W ← W − rate · √max(1, rows/columns) · U.
//! orthogonalise: X₀ = G/‖G‖, five times X ← aX + (bXXᵀ + c(XXᵀ)²)X with (a, b, c) = (3.4445, −4.7750, 2.0315).
//! Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. On SIRENs worth several dB over Adam
//! at the same number of steps (see docs/benchmarks/fields.md).

use super::{Optimizer, UpdateRule, adam, restore_into};
use crate::error::{Error, Result};
use crate::fields::{Parameter, Role};
use crate::require;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// Constants of Muon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Learning rate at the start of the schedule, for the hidden matrices and for Adam; greater than 0.
    pub rate: f64,
    /// Decay rate β of the momentum, from 0 to below 1.
    pub momentum: f64,
    /// Number of Newton–Schulz iterations, 1 to 20.
    pub iterations: u32,
    /// Factor on Adam's learning rate for tables (the features of grid encodings, and voxels), greater than 0.
    pub table_factor: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { rate: 3e-3, momentum: 0.95, iterations: 5, table_factor: 1.0 }
    }
}

/// State of Muon for one list of parameters: the momenta of the hidden matrices, and Adam for the others.
#[derive(Debug)]
pub struct Muon {
    config: Config,
    /// One entry per parameter, its name and momentum; `None` if Adam steps it.
    momenta: Vec<Option<(String, Tensor)>>,
    adam: adam::Adam,
}

impl UpdateRule for Config {
    fn check(&self) -> Result<()> {
        require::positive("rate", self.rate)?;
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(Error::config("momentum", format!("expected a number in [0, 1), got {}", self.momentum)));
        }
        require::within("iterations", self.iterations, 1..=20)?;
        require::positive("table_factor", self.table_factor)
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn build(&self, parameters: &[Parameter]) -> Box<dyn Optimizer> {
        let momenta = parameters
            .iter()
            .map(|p| (p.role == Role::Hidden).then(|| (p.name.clone(), p.value.detach().zeros_like())))
            .collect();
        let adam = adam::Config { table_factor: self.table_factor, ..adam::Config::default() };
        Box::new(Muon { config: self.clone(), momenta, adam: adam::Adam::new(adam, parameters) })
    }
}

/// The (semi-)orthogonal matrix nearest to `matrix`, approximately: its singular values lie between about 0.7 and 1.2.
///
/// # Errors
/// When memory runs out.
pub fn orthogonalise(matrix: &Tensor, iterations: u32) -> std::result::Result<Tensor, TchError> {
    let (a, b, c) = (3.4445, -4.7750, 2.0315);
    let tall = matrix.size()[0] > matrix.size()[1];
    let start = if tall { matrix.f_transpose(0, 1)? } else { matrix.shallow_clone() };
    let mut x = start.f_div(&start.f_norm()?.f_add_scalar(1e-7)?)?;
    for _ in 0..iterations {
        let gram = x.f_matmul(&x.f_transpose(0, 1)?)?;
        let polynomial = gram.f_mul_scalar(b)?.f_add(&gram.f_matmul(&gram)?.f_mul_scalar(c)?)?;
        x = x.f_mul_scalar(a)?.f_add(&polynomial.f_matmul(&x)?)?;
    }
    if tall { x.f_transpose(0, 1) } else { Ok(x) }
}

impl Optimizer for Muon {
    fn step(&mut self, parameters: &[Parameter], rate: f64) -> Result<()> {
        for (parameter, momentum) in parameters.iter().zip(&mut self.momenta) {
            let (Some((_, momentum)), mut gradient) = (momentum, parameter.value.grad()) else { continue };
            if !gradient.defined() {
                continue;
            }
            let mut update = || -> std::result::Result<(), TchError> {
                let _ = momentum.f_mul_scalar_(self.config.momentum)?.f_add_(&gradient)?;
                let nesterov = gradient.f_add(&momentum.f_mul_scalar(self.config.momentum)?)?;
                let shape = nesterov.size();
                let scale = rate * (shape[0] as f64 / shape[1] as f64).max(1.0).sqrt();
                let step = orthogonalise(&nesterov, self.config.iterations)?.f_mul_scalar(scale)?;
                let _ = parameter.value.detach().f_sub_(&step)?;
                let _ = gradient.f_zero_()?;
                Ok(())
            };
            update().map_err(torch_error)?;
        }
        // The gradients of the hidden matrices are zero by now, and so are their moments in Adam: Adam does not change
        // them.
        self.adam.step(parameters, rate)
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let momenta =
            self.momenta.iter().flatten().map(|(name, tensor)| (format!("momentum.{name}"), tensor.shallow_clone()));
        self.adam.state().into_iter().chain(momenta).collect()
    }

    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<()> {
        self.adam.restore(find)?;
        for (name, tensor) in self.momenta.iter_mut().flatten() {
            restore_into(tensor, &format!("momentum.{name}"), find)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn orthogonalised_matrices_have_singular_values_near_one() {
        use rand::RngExt;
        // Not square: the smallest singular value of a square random matrix is too close to zero for five iterations.
        for (rows, columns) in [(24, 8), (8, 24), (64, 16)] {
            let mut random = crate::random::stream(0, "test", 0);
            let values: Vec<f64> = (0..rows * columns).map(|_| random.random_range(-1.0..1.0)).collect();
            let matrix = Tensor::from_slice(&values).view([i64::from(rows), i64::from(columns)]);
            let singular = orthogonalise(&matrix, 5).unwrap().svd(true, false).1;
            let (low, high) = (singular.min().double_value(&[]), singular.max().double_value(&[]));
            assert!(low > 0.5 && high < 1.3, "{rows}x{columns}: {low} to {high}");
        }
    }

    #[test]
    fn adam_does_not_move_what_muon_moves() {
        let value = Tensor::ones([2, 2], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let parameters = [Parameter { name: "w".into(), value, role: Role::Hidden }];
        let mut muon = Config { rate: 0.5, ..Config::default() }.build(&parameters);
        (&parameters[0].value * Tensor::from_slice(&[1.0, 0.0, 0.0, 1.0]).view([2, 2])).sum(Kind::Double).backward();
        muon.step(&parameters, 0.5).unwrap();
        // The gradient is the identity: the off-diagonal stays exactly, the diagonal moves by about the rate.
        let moved: Vec<f64> = Vec::try_from(parameters[0].value.detach().view(-1)).unwrap();
        assert!(moved[1] == 1.0 && moved[2] == 1.0 && (moved[0] - 0.5).abs() < 0.2, "{moved:?}");
    }
}
