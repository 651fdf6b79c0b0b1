//! Wave encodings γ(v) = [cos 2πBv, sin 2πBv] for a matrix B `[waves, inputs]`, in cycles per unit of the field
//! coordinates.

use super::{Built, Encoder};
use crate::error::Result;
use crate::fields::layers::tensor;
use crate::fields::{Parameter, Role};
use crate::tensors::torch_error;
use std::f64::consts::TAU;
use tch::{Device, Kind, TchError, Tensor};

#[derive(Debug)]
struct Waves {
    /// B `[waves, inputs]`.
    frequencies: Tensor,
}

impl Encoder for Waves {
    fn encode(&self, points: &Tensor) -> std::result::Result<Tensor, TchError> {
        let phases = points.f_matmul(&self.frequencies.f_mul_scalar(TAU)?.f_transpose(0, 1)?)?;
        Tensor::f_cat(&[phases.f_cos()?, phases.f_sin()?], 1)
    }
}

/// The encoder with the matrix B given in C order. If `drawn` is set, B is random and therefore a (frozen) parameter
/// that checkpoints contain.
pub(super) fn build(frequencies: &[f64], inputs: usize, drawn: bool, options: (Kind, Device)) -> Result<Built> {
    let frequencies = tensor(frequencies, &[frequencies.len() / inputs, inputs], options)?;
    let shared = frequencies.f_detach().map_err(torch_error)?;
    let parameter = Parameter { name: "frequencies".to_string(), value: shared, role: Role::Frozen };
    Ok(Built { encoder: Box::new(Waves { frequencies }), parameters: if drawn { vec![parameter] } else { Vec::new() } })
}

/// The matrix B of one wave per frequency and axis, `frequencies[j]` eₖ, with the axis k varying fastest.
pub(super) fn along_axes(frequencies: impl Iterator<Item = f64>, inputs: usize) -> Vec<f64> {
    let row = |frequency: f64, axis: usize| (0..inputs).map(move |k| if k == axis { frequency } else { 0.0 });
    frequencies.flat_map(|f| (0..inputs).flat_map(move |axis| row(f, axis))).collect()
}
