//! Optimizers on tensors, with their state visible: named tensors that a checkpoint holds and that resume exactly.

pub mod adam;
mod fused;
pub mod muon;
pub mod schedule;

pub use schedule::Schedule;

use crate::error::{Error, Result};
use crate::fields::Parameter;
use tch::Tensor;

/// A first-order method on the parameters of a field.
pub trait Optimizer: std::fmt::Debug {
    /// One step with the gradients that lie in the parameters' `.grad`, at `rate`; the gradients are zeroed after.
    /// A parameter without a gradient stays.
    ///
    /// # Errors
    /// Memory, or a failing device.
    fn step(&mut self, parameters: &[Parameter], rate: f64) -> Result<()>;
    /// The state: name (such as `momentum.layers.1.weight`) and tensor, in a fixed order.
    fn state(&self) -> Vec<(String, Tensor)>;
    /// Puts back what [`Optimizer::state`] gave; `find` gives a tensor by name, of the parameter's kind and device.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    fn restore(&mut self, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<()>;
}

/// A family member's configuration.
pub trait Method {
    /// Refuses what makes no sense, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    fn check(&self) -> Result<()>;
    /// The learning rate the schedule starts from.
    fn rate(&self) -> f64;
    /// A fresh state for the parameters.
    fn build(&self, parameters: &[Parameter]) -> Box<dyn Optimizer>;
}

crate::kinds! {
    /// The optimizers.
    pub enum OptimizerKind: "optimizer" => dyn Method {
        /// Adaptive moments.
        adam => Adam(adam::Config),
        /// Orthogonalised momentum on hidden matrices, Adam elsewhere.
        muon => Muon(muon::Config),
    }
}

/// Refuses a rate that is not positive and finite.
fn check_rate(key: &str, rate: f64) -> Result<()> {
    if rate.is_finite() && rate > 0.0 {
        return Ok(());
    }
    Err(Error::config(key, format!("expected a positive learning rate, got {rate}")))
}

/// Copies the tensor `name` into `target`.
fn restore_into(target: &mut Tensor, name: &str, find: &dyn Fn(&str) -> Option<Tensor>) -> Result<()> {
    let fault = |problem: String| Error::input("checkpoint", problem);
    let source = find(name).ok_or_else(|| fault(format!("lacks `optimizer.{name}`")))?;
    if source.size() != target.size() {
        return Err(fault(format!("`optimizer.{name}`: expected shape {:?}, got {:?}", target.size(), source.size())));
    }
    target.copy_(&source);
    Ok(())
}
