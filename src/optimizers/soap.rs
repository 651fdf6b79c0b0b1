//! SOAP: Adam in the eigenbasis of Shampoo's preconditioner, on the matrices of hidden layers; Adam for all others.
//!
//! L ← β L + (1−β) G Gᵀ, R ← β R + (1−β) Gᵀ G; G' = Qₗᵀ G Qᵣ in their eigenvectors, which are updated every `frequency`
//! steps by one power iteration and a QR decomposition. Adam's moments are those of G' (the first is stored in the
//! original basis), and its step is transformed back. Vyas et al., "SOAP: Improving and Stabilizing Shampoo using
//! Adam", ICLR 2025, algorithm 3. A step costs more than Muon's; worth a try where there are few, expensive steps.

use super::{Optimizer, UpdateRule, adam, restore_into};
use crate::error::Result;
use crate::fields::{Parameter, Role};
use crate::require;
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Constants of SOAP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Learning rate at the start of the schedule, for the hidden matrices and for Adam; greater than 0.
    pub rate: f64,
    /// Decay rate of the first moment, from 0 to below 1.
    pub beta1: f64,
    /// Decay rate of the second moment and of the preconditioner, from 0 to below 1.
    pub beta2: f64,
    /// Number of steps between two updates of the eigenvectors, at least 1.
    pub frequency: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { rate: 3e-3, beta1: 0.95, beta2: 0.95, frequency: 10 }
    }
}

/// Constant added to the root of the second moment.
const EPSILON: f64 = 1e-8;

/// Moments, preconditioner and eigenvectors of one matrix.
#[derive(Debug)]
struct Basis {
    name: String,
    /// First moment, in the original basis.
    first: Tensor,
    /// Second moment, in the eigenbasis.
    second: Tensor,
    left: Tensor,
    right: Tensor,
    left_vectors: Tensor,
    right_vectors: Tensor,
}

/// State of SOAP for one list of parameters: the bases of the hidden matrices, and Adam for the others.
#[derive(Debug)]
pub struct Soap {
    config: Config,
    /// One entry per parameter; `None` if Adam steps it.
    bases: Vec<Option<Basis>>,
    /// `[1]`: number of steps taken.
    count: Tensor,
    adam: adam::Adam,
}

impl UpdateRule for Config {
    fn check(&self) -> Result<()> {
        require::positive("rate", self.rate)?;
        for (key, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            require::holds((0.0..1.0).contains(&beta), key, "a number in [0, 1)", beta)?;
        }
        require::at_least_one("frequency", self.frequency)
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn build(&self, parameters: &[Parameter]) -> Box<dyn Optimizer> {
        let bases = parameters.iter().map(|p| (p.role == Role::Hidden).then(|| Basis::new(p))).collect();
        let count =
            Tensor::zeros([1], (Kind::Float, parameters.first().map_or(tch::Device::Cpu, |p| p.value.device())));
        Box::new(Soap {
            config: self.clone(),
            bases,
            count,
            adam: adam::Adam::new(adam::Config::default(), parameters),
        })
    }
}

impl Basis {
    fn new(parameter: &Parameter) -> Self {
        let value = parameter.value.detach();
        let options = (value.kind(), value.device());
        let [rows, columns] = [value.size()[0], value.size()[1]];
        Self {
            name: parameter.name.clone(),
            first: value.zeros_like(),
            second: value.zeros_like(),
            left: Tensor::zeros([rows, rows], options),
            right: Tensor::zeros([columns, columns], options),
            left_vectors: Tensor::eye(rows, options),
            right_vectors: Tensor::eye(columns, options),
        }
    }

    /// Updates the moments and the basis by the gradient, after `count` earlier steps. Returns the step for a learning
    /// rate of 1, or `None` at the first call, which only initialises the basis.
    fn step(
        &mut self,
        gradient: &Tensor,
        count: u64,
        config: &Config,
    ) -> std::result::Result<Option<Tensor>, TchError> {
        let blend = |mean: &mut Tensor, new: &Tensor, beta: f64| -> std::result::Result<(), TchError> {
            let _ = mean.f_lerp_(new, 1.0 - beta)?;
            Ok(())
        };
        blend(&mut self.left, &gradient.f_matmul(&gradient.f_transpose(0, 1)?)?, config.beta2)?;
        blend(&mut self.right, &gradient.f_transpose(0, 1)?.f_matmul(gradient)?, config.beta2)?;
        if count == 0 {
            // In C order, so that the products with a restored basis are computed in the same order.
            self.left_vectors = self.left.f_linalg_eigh("L")?.1.f_contiguous()?;
            self.right_vectors = self.right.f_linalg_eigh("L")?.1.f_contiguous()?;
            return Ok(None);
        }
        blend(&mut self.first, gradient, config.beta1)?;
        let turned = self.turned(gradient)?;
        blend(&mut self.second, &turned.f_square()?, config.beta2)?;
        let corrections = (1.0 - config.beta1.powf(count as f64), 1.0 - config.beta2.powf(count as f64));
        let scale = self.second.f_div_scalar(corrections.1)?.f_sqrt()?.f_add_scalar(EPSILON)?;
        let inner = self.turned(&self.first)?.f_div_scalar(corrections.0)?.f_div(&scale)?;
        let step = self.left_vectors.f_matmul(&inner)?.f_matmul(&self.right_vectors.f_transpose(0, 1)?)?;
        if count.is_multiple_of(config.frequency) {
            self.left_vectors =
                Tensor::f_linalg_qr(&self.left.f_matmul(&self.left_vectors)?, "reduced")?.0.f_contiguous()?;
            self.right_vectors =
                Tensor::f_linalg_qr(&self.right.f_matmul(&self.right_vectors)?, "reduced")?.0.f_contiguous()?;
        }
        Ok(Some(step))
    }

    /// The matrix in the eigenbasis: Qₗᵀ m Qᵣ.
    fn turned(&self, matrix: &Tensor) -> std::result::Result<Tensor, TchError> {
        self.left_vectors.f_transpose(0, 1)?.f_matmul(matrix)?.f_matmul(&self.right_vectors)
    }

    fn tensors(&self) -> [(String, &Tensor); 6] {
        let named = |what: &str| format!("{what}.{}", self.name);
        [
            (named("first"), &self.first),
            (named("second"), &self.second),
            (named("left"), &self.left),
            (named("right"), &self.right),
            (named("left_vectors"), &self.left_vectors),
            (named("right_vectors"), &self.right_vectors),
        ]
    }

    fn tensors_mut(&mut self) -> [&mut Tensor; 6] {
        [
            &mut self.first,
            &mut self.second,
            &mut self.left,
            &mut self.right,
            &mut self.left_vectors,
            &mut self.right_vectors,
        ]
    }
}

impl Optimizer for Soap {
    fn step(&mut self, parameters: &[Parameter], rate: f64) -> Result<()> {
        let count = self.count.double_value(&[0]) as u64;
        for (parameter, basis) in parameters.iter().zip(&mut self.bases) {
            let (Some(basis), mut gradient) = (basis, parameter.value.grad()) else { continue };
            if !gradient.defined() {
                continue;
            }
            let mut update = || -> std::result::Result<(), TchError> {
                if let Some(step) = basis.step(&gradient, count, &self.config)? {
                    let _ = parameter.value.detach().f_sub_(&step.f_mul_scalar(rate)?)?;
                }
                let _ = gradient.f_zero_()?;
                Ok(())
            };
            update().map_err(torch_error)?;
        }
        let _ = self.count.f_add_scalar_(1.0).map_err(torch_error)?;
        // The gradients of the hidden matrices are zero by now, and so are their moments in Adam: Adam does not change
        // them.
        self.adam.step(parameters, rate)
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let bases = self
            .bases
            .iter()
            .flatten()
            .flat_map(Basis::tensors)
            .map(|(name, tensor)| (format!("soap.{name}"), tensor.shallow_clone()));
        self.adam
            .state()
            .into_iter()
            .chain([("soap.count".to_string(), self.count.shallow_clone())])
            .chain(bases)
            .collect()
    }

    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<()> {
        self.adam.restore(find)?;
        restore_into(&mut self.count, "soap.count", find)?;
        for basis in self.bases.iter_mut().flatten() {
            let names = basis.tensors().map(|(name, _)| name);
            for (name, tensor) in names.into_iter().zip(basis.tensors_mut()) {
                restore_into(tensor, &format!("soap.{name}"), find)?;
            }
        }
        Ok(())
    }
}
