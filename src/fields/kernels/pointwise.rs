//! Activation functions φ(z) and their derivatives φ'(z) for many sums z. The formulas are those of
//! [`super::super::activations`].
//!
//! The phase of a sine is split as x = kπ + r, |r| ≤ π/2 (Cody and Waite, 1980: π in two parts); then sin x = (−1)ᵏ sin
//! r and cos x = (−1)ᵏ cos r by polynomials, with an absolute error below 2·10⁻⁷ for |x| up to some thousands. The
//! exponential eˣ = 2ᵏ eʳ is computed similarly, and Φ after Abramowitz and Stegun, Handbook of Mathematical Functions,
//! 1964, 7.1.26. The compiler vectorises the plain loops.
#![allow(clippy::inline_always, reason = "compiled with the instructions of the kernels that call it")]

use crate::operators::xray::kernels::simd::{LANES, Simd, sixteen, sixteen_mut};

/// An activation function that the kernels implement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pointwise {
    /// max(z, slope · z), with a slope from 0 to 1.
    Rectifier {
        /// Slope for negative z.
        slope: f32,
    },
    /// tanh z.
    Tanh,
    /// z Φ(z), Φ the cumulative distribution function of N(0, 1).
    Gelu,
    /// ln(1 + eᶻ).
    Softplus,
    /// exp(−factor · z²).
    Gaussian {
        /// 1 / 2σ².
        factor: f32,
    },
    /// cos(ω z) exp(−factor · z²).
    Gabor {
        /// ω.
        omega: f32,
        /// s².
        factor: f32,
    },
    /// sin(ω z).
    Sine {
        /// ω.
        omega: f32,
    },
    /// sin(ω (|z| + 1) z).
    Finer {
        /// ω.
        omega: f32,
    },
}

impl Pointwise {
    /// Replaces z by φ(z) and writes φ'(z) to `derivatives`. Both slices have the same length, a multiple of 16.
    #[inline(always)]
    pub fn apply<S: Simd>(self, simd: S, z: &mut [f32], derivatives: &mut [f32]) {
        match self {
            Self::Rectifier { slope } => each(z, derivatives, |z| {
                let derivative = if z > 0.0 { 1.0 } else { slope };
                (z * derivative, derivative)
            }),
            Self::Tanh => each(z, derivatives, |z| {
                let small = exp(-2.0 * z.abs());
                let value = ((1.0 - small) / (1.0 + small)).copysign(z);
                (value, 1.0 - value * value)
            }),
            Self::Gelu => each(z, derivatives, |z| {
                let bell = exp(-0.5 * z * z);
                let below = normal(z, bell);
                (z * below, below + z * bell * 0.398_942_3)
            }),
            Self::Softplus => each(z, derivatives, |z| {
                let small = exp(-z.abs());
                (z.max(0.0) + ln_1p(small), (if z > 0.0 { 1.0 } else { small }) / (1.0 + small))
            }),
            Self::Gaussian { factor } => each(z, derivatives, |z| {
                let value = exp(-factor * z * z);
                (value, -2.0 * factor * z * value)
            }),
            Self::Gabor { omega, factor } => {
                for (z, derivatives) in z.chunks_exact_mut(LANES).zip(derivatives.chunks_exact_mut(LANES)) {
                    let (mut sums, mut bells) = ([0.0; LANES], [0.0; LANES]);
                    sums.copy_from_slice(z);
                    bells.iter_mut().zip(&sums).for_each(|(bell, z)| *bell = exp(-factor * z * z));
                    waves(simd, simd.mul(simd.splat(omega), simd.load(&sums)), 0, z, derivatives);
                    for ((z, derivative), (bell, sum)) in z.iter_mut().zip(derivatives).zip(bells.iter().zip(&sums)) {
                        let (sin, cos) = (*z, *derivative);
                        *z = cos * bell;
                        *derivative = -bell * (omega * sin + 2.0 * factor * sum * cos);
                    }
                }
            }
            Self::Sine { omega } => {
                for at in (0..z.len()).step_by(LANES) {
                    let phase = simd.mul(simd.splat(omega), simd.load(sixteen(z, at)));
                    waves(simd, phase, at, z, derivatives);
                }
                for cos in derivatives {
                    *cos *= omega;
                }
            }
            // With a = |z|: d/dz of ω (a + 1) z is ω (2a + 1).
            Self::Finer { omega } => {
                let (omega, one) = (simd.splat(omega), simd.splat(1.0));
                for at in (0..z.len()).step_by(LANES) {
                    let sum = simd.load(sixteen(z, at));
                    let size = simd.abs(sum);
                    let (sin, cos) = sin_cos(simd, simd.mul(omega, simd.mul_add(size, sum, sum)));
                    simd.store(sin, sixteen_mut(z, at));
                    let inner = simd.mul(omega, simd.add(simd.add(size, size), one));
                    simd.store(simd.mul(inner, cos), sixteen_mut(derivatives, at));
                }
            }
        }
    }
}

/// Applies `at`, which returns (φ(z), φ'(z)), to every z.
#[inline(always)]
fn each(z: &mut [f32], derivatives: &mut [f32], at: impl Fn(f32) -> (f32, f32)) {
    z.iter_mut().zip(derivatives).for_each(|(z, derivative)| (*z, *derivative) = at(*z));
}

/// Writes sine and cosine of sixteen phases to the two slices, from index `at` on.
#[inline(always)]
fn waves<S: Simd>(simd: S, phase: S::F, at: usize, sines: &mut [f32], cosines: &mut [f32]) {
    let (sin, cos) = sin_cos(simd, phase);
    simd.store(sin, sixteen_mut(sines, at));
    simd.store(cos, sixteen_mut(cosines, at));
}

/// eˣ for x from −87 to 88, clamped beyond: eˣ = 2ᵏ eʳ with |r| ≤ ½ ln 2, by the Taylor series up to r⁷.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let k = (x * std::f32::consts::LOG2_E + MAGIC) - MAGIC;
    // ln 2 in two parts.
    let r = (x - k * 0.693_359_4) + k * 2.121_944_4e-4;
    let series = 1.0 + r * (1.0 / 7.0);
    let series = 1.0 + r * (1.0 / 6.0) * series;
    let series = 1.0 + r * (1.0 / 5.0) * series;
    let series = 1.0 + r * (1.0 / 4.0) * series;
    let series = 1.0 + r * (1.0 / 3.0) * series;
    let series = 1.0 + r * 0.5 * series;
    // The bits of k are the last ones of k + MAGIC.
    let power = f32::from_bits(((k + MAGIC).to_bits() << 23).wrapping_add(127 << 23));
    (1.0 + r * series) * power
}

/// ln(1 + u) for u from 0 to 1: 2 artanh(u / (2 + u)), by its series up to the thirteenth power.
#[inline(always)]
fn ln_1p(u: f32) -> f32 {
    let w = u / (2.0 + u);
    let w2 = w * w;
    let series = 1.0 / 9.0 + w2 * (1.0 / 11.0 + w2 * (1.0 / 13.0));
    let series = 1.0 / 3.0 + w2 * (1.0 / 5.0 + w2 * (1.0 / 7.0 + w2 * series));
    2.0 * w * (1.0 + w2 * series)
}

/// Φ(z), given `bell` = exp(−z²/2); absolute error below 10⁻⁷.
#[inline(always)]
fn normal(z: f32, bell: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * z.abs());
    let series = 1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4);
    let tail = 0.5 * t * (0.254_829_6 + t * (-0.284_496_74 + t * series)) * bell;
    if z > 0.0 { 1.0 - tail } else { tail }
}

/// sin r / r and cos r as polynomials in r² for |r| ≤ π/2, highest power first. They minimise the largest error
/// (Lawson, 1961), which is 3·10⁻⁹ and 5·10⁻⁸.
const SIN: [f32; 5] = [2.590_488_5e-6, -1.980_089_7e-4, 8.332_9e-3, -0.166_666_48, 1.0];
const COS: [f32; 5] = [2.315_393_2e-5, -1.385_370_4e-3, 4.166_358_3e-2, -0.499_999_05, 0.999_999_94];

/// Sine and cosine.
#[inline(always)]
fn sin_cos<S: Simd>(simd: S, x: S::F) -> (S::F, S::F) {
    let k = round(simd, simd.mul(x, simd.splat(std::f32::consts::FRAC_1_PI)));
    let r = simd.mul_add(k, simd.splat(-3.140_625), x);
    let r = simd.mul_add(k, simd.splat(-9.676_536e-4), r);
    // k/2 is an integer for even k and lies halfway between two integers for odd k.
    let half = simd.mul(k, simd.splat(0.5));
    let sign = simd.mul_add(simd.abs(simd.sub(half, round(simd, half))), simd.splat(-4.0), simd.splat(1.0));
    let r2 = simd.mul(r, r);
    let sin = simd.mul(series(simd, SIN, r2), r);
    (simd.mul(sin, sign), simd.mul(series(simd, COS, r2), sign))
}

/// The nearest integer: adding and subtracting 1.5 · 2²³ rounds away all digits after the point.
#[inline(always)]
fn round<S: Simd>(simd: S, a: S::F) -> S::F {
    let magic = simd.splat(12_582_912.0);
    simd.sub(simd.add(a, magic), magic)
}

/// Value of a polynomial at x; coefficients with the highest power first.
#[inline(always)]
fn series<S: Simd>(simd: S, coefficients: [f32; 5], x: S::F) -> S::F {
    let mut sum = simd.splat(coefficients[0]);
    for &coefficient in &coefficients[1..] {
        sum = simd.mul_add(sum, x, simd.splat(coefficient));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::xray::kernels::simd::{self, Kernel};

    struct Apply<'a>(Pointwise, &'a mut [f32], &'a mut [f32]);

    impl Kernel for Apply<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            self.0.apply(simd, self.1, self.2);
        }
    }

    /// Values and derivatives by another method than the kernel's, and the largest difference that rounding explains.
    fn exact(pointwise: Pointwise, z: f64) -> (f64, f64, f64) {
        let logistic = 1.0 / (1.0 + (-z).exp());
        let derivative = |value: &dyn Fn(f64) -> f64| (value(z + 1e-5) - value(z - 1e-5)) / 2e-5;
        match pointwise {
            Pointwise::Rectifier { .. } if z > 0.0 => (z, 1.0, 0.0),
            Pointwise::Rectifier { slope } => (z * f64::from(slope), f64::from(slope), 0.0),
            Pointwise::Tanh => (z.tanh(), 1.0 / z.cosh().powi(2), 3e-7),
            Pointwise::Gelu => (gelu(z), derivative(&gelu), 2e-6),
            Pointwise::Softplus => ((1.0 + z.exp()).ln(), logistic, 1e-6),
            Pointwise::Gaussian { factor } => {
                let value = |z: f64| (-f64::from(factor) * z * z).exp();
                (value(z), derivative(&value), 4e-6)
            }
            Pointwise::Gabor { omega, factor } => {
                let value = |z: f64| (f64::from(omega) * z).cos() * (-f64::from(factor) * z * z).exp();
                (value(z), derivative(&value), 2e-5)
            }
            Pointwise::Sine { omega } => {
                let omega = f64::from(omega);
                ((omega * z).sin(), omega * (omega * z).cos(), omega * (3e-7 + 6e-8 * (omega * z).abs()))
            }
            Pointwise::Finer { omega } => {
                let omega = f64::from(omega);
                let phase = omega * (z.abs() + 1.0) * z;
                let inner = omega * (2.0 * z.abs() + 1.0);
                (phase.sin(), inner * phase.cos(), inner * (3e-7 + 2e-7 * phase.abs()))
            }
        }
    }

    /// z Φ(z), Φ by Simpson's rule.
    fn gelu(z: f64) -> f64 {
        let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        let (steps, low) = (2000, -12.0);
        let h = (z - low) / f64::from(steps);
        let weight = |k: i32| if k == 0 || k == steps { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
        z * h / 3.0 * (0..=steps).map(|k| weight(k) * density(low + h * f64::from(k))).sum::<f64>()
    }

    #[test]
    fn values_and_derivatives_are_those_of_the_formulas_at_every_level() {
        let all = [
            Pointwise::Rectifier { slope: 0.125 },
            Pointwise::Tanh,
            Pointwise::Gelu,
            Pointwise::Softplus,
            Pointwise::Gaussian { factor: 2.0 },
            Pointwise::Gabor { omega: 4.0, factor: 0.5 },
            Pointwise::Sine { omega: 30.0 },
            Pointwise::Finer { omega: 5.0 },
        ];
        for pointwise in all {
            let sums: Vec<f32> = (0..640).map(|i| (i as f32 - 320.0) * 0.027).collect();
            for level in simd::Level::ALL.into_iter().filter(|level| level.available()) {
                let (mut values, mut derivatives) = (sums.clone(), vec![0.0; sums.len()]);
                simd::dispatch(level, Apply(pointwise, &mut values, &mut derivatives));
                for ((&z, value), derivative) in sums.iter().zip(&values).zip(&derivatives) {
                    let (v, d, tolerance) = exact(pointwise, f64::from(z));
                    let error = (f64::from(*value) - v).abs().max((f64::from(*derivative) - d).abs());
                    assert!(
                        error <= tolerance,
                        "{pointwise:?}, {level:?} at {z}: {value} and {derivative}, expected {v} and {d}"
                    );
                }
            }
        }
    }

    #[test]
    fn phases_of_thousands_keep_their_sines() {
        let sums: Vec<f32> = (0..4096).map(|i| (i as f32 - 2048.0) * 0.137).collect();
        for level in simd::Level::ALL.into_iter().filter(|level| level.available()) {
            let (mut values, mut derivatives) = (sums.clone(), vec![0.0; sums.len()]);
            simd::dispatch(level, Apply(Pointwise::Sine { omega: 1.0 }, &mut values, &mut derivatives));
            for ((&x, s), c) in sums.iter().zip(&values).zip(&derivatives) {
                let (sin, cos) = f64::from(x).sin_cos();
                let error = (f64::from(*s) - sin).abs().max((f64::from(*c) - cos).abs());
                assert!(error < 3e-7, "{level:?} at {x}: {error}");
            }
        }
    }
}
