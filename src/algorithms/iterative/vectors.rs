//! Arithmetic of large tensors in place, without temporaries.

pub(in crate::algorithms) use crate::tensors::{dot, norm};
use tch::{TchError, Tensor};

/// A copy in memory of its own.
pub(in crate::algorithms) fn copied(a: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = a.f_empty_like()?;
    copy.f_copy_(a)?;
    Ok(copy)
}

/// x ← x + factor · y.
pub(in crate::algorithms) fn add_scaled(x: &mut Tensor, factor: f64, y: &Tensor) -> Result<(), TchError> {
    let factor = Tensor::f_full([], factor, (x.kind(), x.device()))?;
    x.f_addcmul_(y, &factor).map(drop)
}

/// x ← y + factor · x.
pub(in crate::algorithms) fn scale_and_add(x: &mut Tensor, factor: f64, y: &Tensor) -> Result<(), TchError> {
    x.f_mul_scalar_(factor)?.f_add_(y).map(drop)
}

/// 1 / sums where a sum exceeds a millionth of the largest one, 0 elsewhere, so that voxels (or pixels) that no ray
/// meets are not updated.
pub(in crate::algorithms) fn inverted(sums: Tensor) -> Result<Tensor, TchError> {
    let mut sums = sums;
    let least = 1e-6 * sums.f_max()?.double_value(&[]).max(f64::from(f32::MIN_POSITIVE));
    let small = sums.f_le(least)?;
    sums.f_reciprocal_()?.f_masked_fill_(&small, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::to_vec;

    #[test]
    fn products_and_sums_are_those_of_the_textbook() {
        let mut x = Tensor::from_slice(&[1.0f32, 2.0]).view([1, 2]);
        let y = Tensor::from_slice(&[3.0f32, 4.0]).view([1, 2]);
        assert_eq!((dot(&x, &y).unwrap(), norm(&y).unwrap()), (11.0, 5.0));
        add_scaled(&mut x, 2.0, &y).unwrap();
        assert_eq!(to_vec(&x).unwrap(), [7.0, 10.0]);
        scale_and_add(&mut x, 0.5, &y).unwrap();
        assert_eq!(to_vec(&x).unwrap(), [6.5, 9.0]);
    }

    #[test]
    fn what_nothing_reaches_gets_no_weight() {
        assert_eq!(to_vec(&inverted(Tensor::from_slice(&[4.0f32, 0.0, 1e-6])).unwrap()).unwrap(), [0.25, 0.0, 0.0]);
        assert_eq!(to_vec(&inverted(Tensor::from_slice(&[0.0f32])).unwrap()).unwrap(), [0.0]);
    }
}
