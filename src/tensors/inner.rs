//! Inner products and norms of large tensors, summed in f64.
//!
//! The conjugate gradient method divides one inner product by another. With sums in f32 the search directions lose
//! their conjugacy, by an amount that depends on the width of the processor's vector units. Sums of f32 numbers in f64
//! are practically exact, and their order is fixed: the same bits whatever the number of threads.

use super::lend;
use rayon::prelude::*;
use tch::{Kind, TchError, Tensor};

/// Number of values that one task sums.
const BLOCK: usize = 1 << 15;
/// Number of independent partial sums, so that additions need not wait for one another.
const LANES: usize = 16;

/// Inner product ⟨a, b⟩ over all elements of two tensors of the same shape, in the product of their units.
///
/// # Errors
/// When the shapes differ or memory runs out.
pub fn dot(a: &Tensor, b: &Tensor) -> Result<f64, TchError> {
    if a.size() == b.size()
        && let (Ok(a), Ok(b)) = (lend(a), lend(b))
    {
        return Ok(dot_of_slices(a, b));
    }
    a.f_to_kind(Kind::Double)?.f_mul(&b.f_to_kind(Kind::Double)?)?.f_sum(Kind::Double).map(|sum| sum.double_value(&[]))
}

/// Euclidean norm ‖a‖ over all elements, in the unit of a.
///
/// # Errors
/// When memory runs out.
pub fn norm(a: &Tensor) -> Result<f64, TchError> {
    Ok(dot(a, a)?.sqrt())
}

fn dot_of_slices(a: &[f32], b: &[f32]) -> f64 {
    let blocks: Vec<f64> = a.par_chunks(BLOCK).zip(b.par_chunks(BLOCK)).map(|(a, b)| block(a, b)).collect();
    blocks.iter().sum()
}

fn block(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    let mut lanes = [0.0f64; LANES];
    for (a, b) in a.zip(b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += f64::from(*x) * f64::from(*y);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn sums_over_slices_and_over_tensor_operations_agree_to_f64() {
        for shape in [vec![0i64], vec![1], vec![3, 7], vec![5, 70, 300]] {
            let random = || Tensor::randn(&shape, (Kind::Float, Device::Cpu));
            let (a, b) = (random(), random());
            let exact = a.to_kind(Kind::Double).flatten(0, -1).dot(&b.to_kind(Kind::Double).flatten(0, -1));
            let scale = norm(&a).unwrap() * norm(&b).unwrap();
            assert!((dot(&a, &b).unwrap() - exact.double_value(&[])).abs() <= 1e-13 * scale, "{shape:?}");
        }
        // A view that is not contiguous is summed by tensor operations.
        let a = Tensor::randn([40, 30], (Kind::Float, Device::Cpu));
        let (turned, copy) = (a.transpose(0, 1), a.transpose(0, 1).contiguous());
        assert!((dot(&turned, &copy).unwrap() - dot(&a, &a).unwrap()).abs() < 1e-9);
    }

    #[test]
    fn a_million_small_numbers_beside_a_large_one_are_not_lost() {
        let mut values = vec![1e-4f32; 1 << 20];
        values[0] = 4096.0;
        let a = Tensor::from_slice(&values);
        let exact = 4096.0f64.powi(2) + ((1 << 20) - 1) as f64 * f64::from(1e-4f32).powi(2);
        assert!((dot(&a, &a).unwrap() / exact - 1.0).abs() < 1e-12);
    }
}
