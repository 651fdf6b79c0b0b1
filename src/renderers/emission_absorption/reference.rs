//! Compositing as a differentiable tensor expression, for rays with equal numbers of samples: the reference for
//! [`super::composite`].

use super::composite::DENSEST;
use tch::{Kind, TchError, Tensor};

/// Colour `[rays, 3]` (multiplied by the opacity) and opacity `[rays]` for raw values `[rays, samples, 4]`, each for a
/// length of `step`.
///
/// # Errors
/// When memory runs out.
pub fn composite(raw: &Tensor, step: f64) -> Result<(Tensor, Tensor), TchError> {
    let sigma = raw.f_select(2, 0)?.f_clamp_max(DENSEST)?.f_exp()?;
    let colors = raw.f_narrow(2, 1, 3)?.f_sigmoid()?;
    let depth = sigma.f_mul_scalar(step)?;
    let before = depth.f_cumsum(1, raw.kind())?.f_sub(&depth)?;
    let weights = before.f_neg()?.f_exp()?.f_mul(&depth.f_neg()?.f_expm1()?.f_neg()?)?;
    let color = weights.f_unsqueeze(2)?.f_mul(&colors)?.f_sum_dim_intlist(&[1i64][..], false, raw.kind())?;
    let opacity = depth.f_sum_dim_intlist(&[1i64][..], false, Kind::Double)?.f_neg()?.f_expm1()?.f_neg()?;
    Ok((color, opacity.f_to_kind(raw.kind())?))
}

#[cfg(test)]
mod tests {
    use super::super::composite::{backward, forward};
    use super::*;

    #[test]
    fn the_kernels_are_the_tensor_expression_and_its_gradient() {
        let (rays, samples, step) = (3usize, 7usize, 0.3);
        let values: Vec<f64> = (0..rays * samples * 4).map(|i| 2.0 * (i as f64 * 0.9).sin()).collect();
        let raw = Tensor::from_slice(&values).view([3, 7, 4]).set_requires_grad(true);
        let (color, opacity) = composite(&raw, step).unwrap();
        let (pulls, push) = ([0.4, -0.6, 1.2], 0.8);
        let loss = (&color * Tensor::from_slice(&pulls)).sum(Kind::Double) + opacity.sum(Kind::Double) * push;
        loss.backward();
        for ray in 0..rays {
            let own = &values[ray * samples * 4..(ray + 1) * samples * 4];
            let seen = forward(own, &vec![0.0; samples], &vec![step; samples]);
            assert!((0..3).all(|k| (seen.color[k] - color.double_value(&[ray as i64, k as i64])).abs() < 1e-12));
            assert!((seen.opacity - opacity.double_value(&[ray as i64])).abs() < 1e-12);
            backward(own, &vec![step; samples], (pulls, push), |i, found| {
                for (k, slope) in found.iter().enumerate() {
                    let exact = raw.grad().double_value(&[ray as i64, i as i64, k as i64]);
                    assert!((slope - exact).abs() < 1e-12, "{slope} against {exact}");
                }
            });
        }
    }
}
