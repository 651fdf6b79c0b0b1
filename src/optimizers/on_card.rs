//! Adam's step on a GPU: all parameters in one launch.

use crate::error::Result;
use crate::fields::device::ADAM;
use crate::tensors::cuda::{Argument, Card, Kernel};
use crate::tensors::torch_error;
use tch::Tensor;

const STEP: Kernel = Kernel { source: &ADAM, name: "adam_step" };

/// Number of 8-byte values in an entry of the table.
const NUMBERS: usize = 6;

/// One parameter: its value, first moment, second moment and gradient, all of one shape, and the factor on its learning
/// rate.
pub(super) struct Entry {
    pub(super) tensors: [Tensor; 4],
    pub(super) factor: f64,
}

/// The constants of one step: 1 − β₁, β₂, rate / (1 − β₁ᵗ), 1/√(1 − β₂ᵗ), ε and rate · weight decay.
pub(super) struct Constants {
    pub(super) left: f64,
    pub(super) keep: f64,
    pub(super) rate: f64,
    pub(super) correction: f64,
    pub(super) epsilon: f64,
    pub(super) decay: f64,
}

/// Table of the parameters' addresses in GPU memory; written again only when an address has changed.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Vec<i64>,
    held: Option<Tensor>,
}

impl Table {
    /// Steps all parameters and sets their gradients to zero.
    ///
    /// # Errors
    /// Tensors that are not f32, contiguous and on the GPU; when memory runs out; failures of the driver.
    pub(super) fn step(&mut self, card: &Card, parameters: &[Entry], constants: &Constants) -> Result<()> {
        let mut entries = Vec::with_capacity(parameters.len() * NUMBERS);
        let mut numbers = 0;
        for entry in parameters {
            for tensor in &entry.tensors {
                // Checked here, because the kernel's arguments hold only the table of addresses.
                Argument::memory(tensor, card.device())?;
                entries.push(tensor.data_ptr() as i64);
            }
            entries.extend([numbers, entry.factor.to_bits().cast_signed()]);
            numbers += entry.tensors[0].numel() as i64;
        }
        if self.held.is_none() || entries != self.entries {
            let table = Tensor::f_from_slice(&entries).and_then(|t| t.f_to_device(card.device()));
            self.held = Some(table.map_err(torch_error)?);
            self.entries = entries;
        }
        let Some(held) = &self.held else { return Ok(()) };
        let Constants { left, keep, rate, correction, epsilon, decay } = constants;
        let arguments = [
            Argument::records("Parameters*", held, card.device())?,
            Argument::whole(parameters.len()),
            Argument::whole(numbers as usize),
            Argument::float(*left as f32),
            Argument::float(*keep as f32),
            Argument::double(*rate),
            Argument::float(*correction as f32),
            Argument::float(*epsilon as f32),
            Argument::double(*decay),
        ];
        card.launch(&STEP, numbers as usize, &arguments)
    }
}
