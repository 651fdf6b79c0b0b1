//! Adam's step on slices in one pass over the memory, so that a table of millions of entries is updated as fast as it
//! can be read.

use crate::operators::xray::kernels::simd::{self, Kernel, Simd};
use rayon::prelude::*;

/// Number of values that one task updates.
const PART: usize = 1 << 14;

/// The constants of one step: 1 − β₁, β₂, rate / (1 − β₁ᵗ), 1/√(1 − β₂ᵗ) and ε.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) first: f32,
    pub(super) second: f32,
    pub(super) rate: f32,
    pub(super) correction: f32,
    pub(super) epsilon: f32,
}

/// Parameter values, their moments and their gradients, all of equal length.
pub(super) struct Numbers<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
    pub(super) gradient: &'a mut [f32],
}

impl Step {
    /// m ← m + (1−β₁)(g − m), v ← β₂v + (1−β₂)g², θ ← θ − rate m̂ / (√v̂ + ε), g ← 0. Elementwise, so that the bits do
    /// not depend on the number of threads.
    pub(super) fn apply(self, numbers: Numbers<'_>) {
        let values = numbers.values.par_chunks_mut(PART).zip(numbers.first.par_chunks_mut(PART));
        let parts = values.zip(numbers.second.par_chunks_mut(PART)).zip(numbers.gradient.par_chunks_mut(PART));
        parts.for_each(|(((values, first), second), gradient)| {
            simd::dispatch(simd::level(), Segment { step: self, numbers: Numbers { values, first, second, gradient } });
        });
    }
}

struct Segment<'a> {
    step: Step,
    numbers: Numbers<'a>,
}

impl Kernel for Segment<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "compiled with the instructions of the machine")]
    fn run<S: Simd>(self, _: S) {
        let Self { step, numbers: Numbers { values, first, second, gradient } } = self;
        for (((value, m), v), g) in values.iter_mut().zip(first).zip(second).zip(gradient) {
            *m += step.first * (*g - *m);
            *v = step.second * *v + (1.0 - step.second) * (*g * *g);
            *value -= step.rate * *m / (v.sqrt() * step.correction + step.epsilon);
            *g = 0.0;
        }
    }
}
