//! A SIREN's values and gradients on a CPU: libtorch's matrix products, and one pass of the kernels over the neurons between two
//! of them. Derived by hand: with phases zₖ = ω(Wₖ hₖ + bₖ), hₖ₊₁ = sin zₖ and dₖ = ∂L/∂zₖ = cos zₖ · (ωWₖ₊₁)ᵀ dₖ₊₁ the gradients are
//! ∂L/∂Wₖ = ω Σ dₖ hₖᵀ and ∂L/∂bₖ = ω Σ dₖ over the points. With bf16 products hₖ, cos zₖ and dₖ are kept as bfloat16, sums as f32.

use super::Siren;
use crate::error::Result;
use crate::fields::kernels::sines::{self, First, Stored};
use crate::fields::{Slopes, fused};
use crate::tensors::{Element, from_slice, lend, lend_mut, to_vec, torch_error};
use tch::{Device, Kind, Tensor};

/// What the backward pass needs.
struct Forward {
    /// hₖ₊₁ `[points, width]` of each sine layer.
    sines: Vec<Tensor>,
    /// cos zₖ, or none.
    cosines: Vec<Tensor>,
    values: Tensor,
}

/// Values `[points]`.
pub(super) fn evaluate<T: Stored + Element>(siren: &Siren, points: &Tensor) -> Result<Tensor> {
    Ok(forward::<T>(siren, points, false)?.values)
}

/// As [`crate::fields::Field::accumulate`].
pub(super) fn accumulate<T: Stored + Element>(siren: &Siren, points: &Tensor, slopes: &mut Slopes<'_>) -> Result<()> {
    let state = forward::<T>(siren, points, true)?;
    let slopes = slopes(&state.values)?.f_contiguous().map_err(torch_error)?;
    tch::no_grad(|| backward::<T>(siren, points, state, lend(&slopes)?))
}

/// The scaled weight ωWₖ of a layer as the products take it.
fn scaled<T: Element>(siren: &Siren, number: usize) -> Result<Tensor> {
    let weight = siren.parameters[2 * number].value.f_detach().and_then(|w| w.f_mul_scalar(siren.omega)?.f_to_kind(T::KIND));
    weight.map_err(torch_error)
}

fn forward<T: Stored + Element>(siren: &Siren, points: &Tensor, keep: bool) -> Result<Forward> {
    let (depth, count) = (siren.depth(), points.size()[0]);
    let width = siren.parameters[0].value.size()[0];
    let empty = || Tensor::f_empty([count, width], (T::KIND, Device::Cpu)).map_err(torch_error);
    let (mut sines, mut cosines) = (Vec::with_capacity(depth), Vec::with_capacity(depth));
    for number in 0..depth {
        let bias = siren.parameters[2 * number + 1].value.f_detach().and_then(|b| b.f_mul_scalar(siren.omega)).map_err(torch_error)?;
        let mut cosine = if keep { Some(empty()?) } else { None };
        let room: &mut [T] = if let Some(cosine) = &mut cosine { lend_mut(cosine)? } else { &mut [] };
        let sine = if let Some(before) = sines.pop() {
            let product: &Tensor = &before;
            let weight = scaled::<T>(siren, number)?;
            let mut sine = weight.f_transpose(0, 1).and_then(|w| product.f_matmul(&w)).map_err(torch_error)?;
            sines::forward::<T>(None, lend(&bias)?, lend_mut(&mut sine)?, room);
            if keep {
                sines.push(before);
            }
            sine
        } else {
            let mut sine = empty()?;
            let weight = scaled::<f32>(siren, 0)?.f_transpose(0, 1).and_then(|w| w.f_contiguous()).map_err(torch_error)?;
            let first = First { inputs: points.size()[1] as usize, points: lend(points)?, weight: lend(&weight)? };
            sines::forward::<T>(Some(first), lend(&bias)?, lend_mut(&mut sine)?, room);
            sine
        };
        sines.push(sine);
        cosines.extend(cosine);
    }
    let last = sines.last().expect("there is at least one sine layer");
    let [weight, bias] = [0, 1].map(|k| &siren.parameters[2 * depth + k].value);
    let values = sines::output::<T>(lend(last)?, lend(weight)?, to_vec(bias)?[0]);
    Ok(Forward { values: from_slice(&values, &[count as usize], Device::Cpu)?, sines, cosines })
}

fn backward<T: Stored + Element>(siren: &Siren, points: &Tensor, state: Forward, slopes: &[f32]) -> Result<()> {
    let (depth, width) = (siren.depth(), siren.parameters[0].value.size()[0] as usize);
    let weight: Vec<f32> = to_vec(&siren.parameters[2 * depth].value)?;
    fused::add(&siren.parameters[2 * depth], &sines::weighted::<T>(lend(&state.sines[depth - 1])?, slopes, width))?;
    fused::add(&siren.parameters[2 * depth + 1], &[slopes.iter().sum()])?;
    let mut product = None;
    for (number, mut cosine) in state.cosines.into_iter().enumerate().rev() {
        let columns: &[f32] = if number == 0 { lend(points)? } else { &[] };
        let from: Option<&Tensor> = product.as_ref();
        let from = match from {
            Some(product) => sines::Slopes::Product(lend::<T>(product)?),
            None => sines::Slopes::Output(slopes, &weight),
        };
        let sums = sines::backward::<T>(from, lend_mut(&mut cosine)?, width, columns);
        let sums: Vec<f32> = sums.iter().map(|sum| sum * siren.omega as f32).collect();
        let (bias, first) = sums.split_at(width);
        fused::add(&siren.parameters[2 * number + 1], bias)?;
        let parameter = &siren.parameters[2 * number];
        if number == 0 {
            // `[inputs, width]` to `[width, inputs]`.
            let inputs = first.len() / width;
            let weight: Vec<f32> = (0..width * inputs).map(|i| first[i % inputs * width + i / inputs]).collect();
            return fused::add(parameter, &weight);
        }
        let products = || {
            let gradient = cosine.f_transpose(0, 1)?.f_matmul(&state.sines[number - 1])?;
            let _ = fused::gradient(&parameter.value)?.f_add_(&gradient.f_to_kind(Kind::Float)?.f_mul_scalar(siren.omega)?)?;
            Ok(())
        };
        products().map_err(torch_error)?;
        product = Some(cosine.f_matmul(&scaled::<T>(siren, number)?).map_err(torch_error)?);
    }
    Ok(())
}
