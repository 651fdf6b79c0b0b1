//! Optimizers on tensors. Their state is a list of named tensors, which checkpoints store so that a fit resumes
//! exactly.

pub mod adam;
mod fused;
pub mod lbfgs;
pub mod muon;
mod on_card;
pub mod schedule;
pub mod soap;

pub use schedule::Schedule;

use crate::error::{Error, Result};
use crate::fields::Parameter;
use tch::Tensor;

/// A gradient-based optimization method with its state, for the parameters of a field.
pub trait Optimizer: std::fmt::Debug {
    /// Takes one step at learning rate `rate` with the gradients in the parameters' `.grad`, and sets the gradients to
    /// zero. A parameter without a gradient is not changed.
    ///
    /// # Errors
    /// When memory runs out, or the device fails.
    fn step(&mut self, parameters: &[Parameter], rate: f64) -> Result<()>;
    /// The state as names (such as `momentum.layers.1.weight`) and tensors, in a fixed order.
    fn state(&self) -> Vec<(String, Tensor)>;
    /// Restores what [`Optimizer::state`] returned; `find` returns a tensor by name, of the parameter's kind and
    /// device.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<()>;
}

/// Configuration of an optimizer.
pub trait UpdateRule {
    /// Refuses an invalid configuration, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    fn check(&self) -> Result<()>;
    /// Learning rate at the start of the schedule.
    fn rate(&self) -> f64;
    /// The optimizer with its initial state for these parameters.
    fn build(&self, parameters: &[Parameter]) -> Box<dyn Optimizer>;
}

crate::kinds! {
    /// The optimizers.
    pub enum OptimizerKind: "optimizer" => dyn UpdateRule {
        /// Adam: adaptive moment estimation.
        adam => Adam(adam::Config),
        /// Orthogonalised momentum on hidden matrices, Adam elsewhere.
        muon => Muon(muon::Config),
        /// Adam in the eigenbasis of Shampoo's preconditioner on hidden matrices, Adam elsewhere.
        soap => Soap(soap::Config),
        /// Limited-memory BFGS without a line search, to finish a fit close to its minimum.
        lbfgs => Lbfgs(lbfgs::Config),
    }
}

/// Copies the tensor `name` into `target`.
fn restore_into(target: &mut Tensor, name: &str, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<()> {
    let fault = |problem: String| Error::input("checkpoint", problem);
    let source = find(name).ok_or_else(|| fault(format!("the tensor `optimizer.{name}` is missing")))?;
    if source.size() != target.size() {
        return Err(fault(format!("`optimizer.{name}`: expected shape {:?}, got {:?}", target.size(), source.size())));
    }
    target.copy_(&source);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Role;
    use crate::registry::Kinds;
    use std::collections::BTreeMap;
    use tch::{Device, Kind};

    /// ½ |M (W − 1)|² of an ill-conditioned M, and its gradient in the parameter.
    fn loss(parameter: &Parameter) -> f64 {
        let scales = Tensor::from_slice(&[1.0, 0.5, 0.25, 0.1]).view([4, 1]);
        let half = ((&parameter.value - 1.0) * scales).square().sum(Kind::Double) * 0.5;
        half.backward();
        half.double_value(&[])
    }

    fn parameter() -> Parameter {
        let value = Tensor::zeros([4, 3], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        Parameter { name: "w".into(), value, role: Role::Hidden }
    }

    #[test]
    fn every_optimizer_comes_down_a_valley_and_goes_on_exactly_from_its_state() {
        for name in OptimizerKind::NAMES {
            let method = OptimizerKind::default_of(name).unwrap();
            let parameters = [parameter()];
            let mut optimizer = method.as_part().build(&parameters);
            let first = loss(&parameters[0]);
            let _ = parameters[0].value.grad().zero_();
            let steps = 40;
            let run = |optimizer: &mut dyn Optimizer, parameters: &[Parameter], steps: std::ops::Range<u64>| {
                for step in steps {
                    loss(&parameters[0]);
                    optimizer.step(parameters, 0.1 * Schedule::Linear.factor(step, 40)).unwrap();
                }
            };
            run(optimizer.as_mut(), &parameters, 0..20);
            let kept: BTreeMap<String, Tensor> =
                optimizer.state().into_iter().map(|(name, tensor)| (name, tensor.copy())).collect();
            let copy =
                [Parameter { value: parameters[0].value.detach().copy().set_requires_grad(true), ..parameter() }];
            run(optimizer.as_mut(), &parameters, 20..steps);
            let mut restored = method.as_part().build(&copy);
            restored.restore(&|name| kept.get(name).map(Tensor::copy)).unwrap();
            run(restored.as_mut(), &copy, 20..steps);
            assert_eq!(
                Vec::<f64>::try_from(copy[0].value.view(-1)).unwrap(),
                Vec::<f64>::try_from(parameters[0].value.view(-1)).unwrap()
            );
            let last = loss(&parameters[0]);
            assert!(last < 0.5 * first, "{name}: {first} to {last}");
        }
    }
}
