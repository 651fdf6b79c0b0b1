//! Matrix products that are fast for bfloat16 on every processor.

use std::sync::OnceLock;
use tch::{Device, Kind, TchError, Tensor};

/// The matrix product a b for `[n, k]` and `[k, m]`, of one kind on one device.
///
/// On a processor without bfloat16 instructions libtorch multiplies bfloat16 in a scalar loop, 30 times slower than
/// f32. There the factors, which are bfloat16 already, are multiplied as f32 and the product is rounded to bfloat16:
/// the same factors, the same rounding of the result, and sums in f32 as in hardware.
///
/// # Errors
/// When the shapes do not match or memory runs out.
pub fn product(a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    if a.kind() == Kind::BFloat16 && a.device() == Device::Cpu && !multiplies_bf16() {
        widened(a, b)
    } else {
        a.f_matmul(b)
    }
}

/// Whether the processor multiplies bfloat16 in hardware (AVX-512 BF16, which every processor with AMX has too).
pub fn multiplies_bf16() -> bool {
    static NATIVE: OnceLock<bool> = OnceLock::new();
    *NATIVE.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> bool {
    std::arch::is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> bool {
    false
}

fn widened(a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    a.f_to_kind(Kind::Float)?.f_matmul(&b.f_to_kind(Kind::Float)?)?.f_to_kind(a.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::to_vec;

    #[test]
    fn the_product_of_bf16_factors_is_the_exact_one_rounded_to_bf16_by_either_way() {
        let rounded = |shape: [i64; 2]| Tensor::randn(shape, (Kind::Float, Device::Cpu)).to_kind(Kind::BFloat16);
        let (a, b) = (rounded([37, 65]), rounded([65, 19]));
        let exact = to_vec(&a.to_kind(Kind::Double).matmul(&b.to_kind(Kind::Double))).unwrap();
        for result in [product(&a, &b).unwrap(), widened(&a, &b).unwrap()] {
            assert_eq!(result.kind(), Kind::BFloat16);
            // Half a unit in the last of 8 bits, plus the rounding of a sum of 65 products in f32, which matters near
            // zero.
            let near = |(x, y): (&f32, &f32)| (x - y).abs() <= y.abs() / 256.0 + 1e-4;
            assert!(to_vec(&result).unwrap().iter().zip(&exact).all(near));
        }
    }
}
