//! Upper limits of the device's speed: matrix products and a copy, measured with libtorch.

use super::{Bound, Figure, Size, Stopwatch};
use crate::error::Result;
use crate::tensors::{product, torch_error};
use tch::{Kind, Tensor};

/// Measured upper limits, and the figures they come from.
pub(super) struct Ceilings {
    pub(super) figures: Vec<Figure>,
    /// Rate of the f32 matrix product, operations per second.
    f32: f64,
    /// Rate of the bf16 matrix product, operations per second.
    bf16: f64,
    /// Rate of the copy, bytes per second (read and written).
    copy: f64,
}

impl Ceilings {
    /// The figure with its fraction of the limit that applies to it.
    pub(super) fn judged(&self, figure: Figure) -> Figure {
        let ceiling = match figure.bound {
            Bound::F32 => Some(self.f32),
            Bound::Bf16 => Some(self.bf16),
            Bound::Bytes => Some(self.copy),
            Bound::None => None,
        };
        let fraction = ceiling.map(|rate| figure.least / figure.seconds.max(1e-12) / rate);
        Figure { fraction, ..figure }
    }
}

/// Measures the upper limits.
pub(super) fn measure(bench: &Stopwatch, size: Size) -> Result<Ceilings> {
    let (n, device) = (size.matrix as i64, bench.device);
    let matrix = |kind: Kind| Tensor::f_rand([n, n], (Kind::Float, device)).and_then(|m| m.f_to_kind(kind));
    let multiply = |kind: Kind| -> Result<f64> {
        let (a, b) = (matrix(kind).map_err(torch_error)?, matrix(kind).map_err(torch_error)?);
        bench.median(|| product(&a, &b).map(drop).map_err(torch_error))
    };
    let operations = 2.0 * (n as f64).powi(3);
    let (single, half) = (multiply(Kind::Float)?, multiply(Kind::BFloat16)?);
    let from = Tensor::f_rand([size.numbers as i64], (Kind::Float, device)).map_err(torch_error)?;
    let mut to = from.f_zeros_like().map_err(torch_error)?;
    let copy = bench.median(|| to.f_copy_(&from).map_err(torch_error))?;
    let bytes = 8.0 * size.numbers as f64;
    let figure = |name: String, seconds: f64, amount: f64, unit: &'static str| Figure {
        name,
        seconds,
        amount,
        unit,
        least: amount,
        bound: Bound::None,
        fraction: None,
    };
    Ok(Ceilings {
        f32: operations / single,
        bf16: operations / half,
        copy: bytes / copy,
        figures: vec![
            figure(format!("matrix product f32 {n}x{n}"), single, operations, "operations"),
            figure(format!("matrix product bf16 {n}x{n}"), half, operations, "operations"),
            figure(format!("copy of {} numbers", size.numbers), copy, bytes, "bytes"),
        ],
    })
}
