//! Sixteen `f32` lanes for any machine: each generic kernel is compiled for AVX-512, for AVX2 + FMA and for the
//! portable baseline, and the version is chosen at run time.
//!
//! A kernel implements [`Kernel`]; [`dispatch`] calls it with the lanes of a [`Level`]. Every function between
//! [`Kernel::run`] and the lanes must be `#[inline(always)]`, so that all of it is compiled inside the one function
//! that has the instructions enabled. `RECON_SIMD=portable|avx2|avx512` forces a level. The only `unsafe` of the
//! kernels is here.
#![allow(unsafe_code, reason = "vector instructions; every use says why it is sound")]
#![allow(clippy::wildcard_imports, reason = "forty intrinsics whose prefix says where they are from")]
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

mod level;

pub use level::{Level, VARIABLE, level, requested};

/// Number of lanes of a vector.
pub const LANES: usize = 16;

/// A computation written once for any implementation of the lanes. `run` must be `#[inline(always)]`.
pub trait Kernel {
    /// Type of the result.
    type Output;
    /// Runs the computation.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs a kernel with the lanes of a level (portable where the machine lacks it).
#[inline]
pub fn dispatch<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level {
        // SAFETY: the features are enabled only after they were found on this machine.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if level.available() => unsafe { x86::run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 if level.available() => unsafe { x86::run_avx2(kernel) },
        _ => kernel.run(Portable),
    }
}

/// Sixteen `f32` lanes `F` and sixteen `i32` lanes `I`.
pub trait Simd: Copy {
    /// Sixteen `f32`.
    type F: Copy;
    /// Sixteen `i32`.
    type I: Copy;
    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F;
    /// 0, 1, .., 15.
    fn ramp(self) -> Self::F;
    /// Reads 16 values.
    fn load(self, from: &[f32; LANES]) -> Self::F;
    /// Writes 16 values.
    fn store(self, a: Self::F, to: &mut [f32; LANES]);
    /// a + b.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// a − b.
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// a b.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// a b + c, rounded once where the machine can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// Larger of two.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// |a|.
    fn abs(self, a: Self::F) -> Self::F;
    /// start, start + step, .., start + 15 step, wrapping.
    fn steps(self, start: i32, step: i32) -> Self::I;
    /// a + b in every lane, wrapping.
    fn shifted(self, a: Self::I, b: i32) -> Self::I;
    /// Integer part of a fixed-point number with `bits` fractional bits (arithmetic shift).
    fn whole(self, a: Self::I, bits: u32) -> Self::I;
    /// The `bits` fractional bits, as a number from 0 to 2^bits − 1.
    fn fraction(self, a: Self::I, bits: u32) -> Self::F;
    /// Conversion to `f32`.
    fn float(self, a: Self::I) -> Self::F;
    /// Conversion to `i32`, rounded towards zero; the values must fit an `i32`.
    fn truncated(self, a: Self::F) -> Self::I;
    /// Entries `index` (0 to 31) of a window of 32 values: `low` holds the first 16, `high` the last 16.
    fn window(self, low: Self::F, high: Self::F, index: Self::I) -> Self::F;
    /// Sum of the lanes.
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(a, &mut lanes);
        for half in [8, 4, 2, 1] {
            (0..half).for_each(|i| lanes[i] += lanes[i + half]);
        }
        lanes[0]
    }
    /// `table[index]` with the index clamped to the table, which must not be empty.
    fn gather(self, table: &[f32], index: Self::I) -> Self::F;
}

/// Sixteen values of `values` from `start` on.
#[inline(always)]
pub fn sixteen(values: &[f32], start: usize) -> &[f32; LANES] {
    values[start..start + LANES].first_chunk().expect("the range has sixteen values")
}

/// Mutable version of [`sixteen`].
#[inline(always)]
pub fn sixteen_mut(values: &mut [f32], start: usize) -> &mut [f32; LANES] {
    values[start..start + LANES].first_chunk_mut().expect("the range has sixteen values")
}

/// Thirty-two values of `values` from `start` on, in halves.
#[inline(always)]
pub fn thirty_two(values: &[f32], start: usize) -> [&[f32; LANES]; 2] {
    let (low, high) = values[start..start + 2 * LANES].split_first_chunk().expect("the range has thirty-two values");
    [low, high.first_chunk().expect("the range has thirty-two values")]
}

/// Lanes as arrays: works on every machine, vectorised as far as the baseline allows.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

/// Functions of lanes in terms of a function of one lane.
macro_rules! lane_by_lane {
    ($($name:ident($first:ident: $from:ty $(, $arg:ident)*) -> $to:ty = $one:expr;)+) => {$(
        #[inline(always)]
        fn $name(self, $first: $from $(, $arg: $from)*) -> $to {
            std::array::from_fn(|i| $one($first[i] $(, $arg[i])*))
        }
    )+};
}

impl Simd for Portable {
    type F = [f32; LANES];
    type I = [i32; LANES];
    lane_by_lane! {
        add(a: Self::F, b) -> Self::F = |a: f32, b: f32| a + b;
        sub(a: Self::F, b) -> Self::F = |a: f32, b: f32| a - b;
        mul(a: Self::F, b) -> Self::F = |a: f32, b: f32| a * b;
        // Not `f32::mul_add`: without the instruction it is a slow library call.
        mul_add(a: Self::F, b, c) -> Self::F = |a: f32, b: f32, c: f32| a * b + c;
        max(a: Self::F, b) -> Self::F = |a: f32, b: f32| if a > b { a } else { b };
        abs(a: Self::F) -> Self::F = f32::abs;
        float(a: Self::I) -> Self::F = |a: i32| a as f32;
        truncated(a: Self::F) -> Self::I = |a: f32| a as i32;
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Self::F {
        [x; LANES]
    }
    #[inline(always)]
    fn ramp(self) -> Self::F {
        std::array::from_fn(|i| i as f32)
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F {
        *from
    }
    #[inline(always)]
    fn store(self, a: Self::F, to: &mut [f32; LANES]) {
        *to = a;
    }
    #[inline(always)]
    fn steps(self, start: i32, step: i32) -> Self::I {
        std::array::from_fn(|i| start.wrapping_add(step.wrapping_mul(i as i32)))
    }
    #[inline(always)]
    fn shifted(self, a: Self::I, b: i32) -> Self::I {
        a.map(|a| a.wrapping_add(b))
    }
    #[inline(always)]
    fn whole(self, a: Self::I, bits: u32) -> Self::I {
        a.map(|a| a >> bits)
    }
    #[inline(always)]
    fn fraction(self, a: Self::I, bits: u32) -> Self::F {
        a.map(|a| (a & ((1 << bits) - 1)) as f32)
    }
    #[inline(always)]
    fn window(self, low: Self::F, high: Self::F, index: Self::I) -> Self::F {
        let mut both = [0.0; 2 * LANES];
        both[..LANES].copy_from_slice(&low);
        both[LANES..].copy_from_slice(&high);
        index.map(|i| both[(i & 31) as usize])
    }
    #[inline(always)]
    fn gather(self, table: &[f32], index: Self::I) -> Self::F {
        index.map(|i| table[(i.max(0) as usize).min(table.len() - 1)])
    }
}

/// The lanes of x86-64 machines.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Kernel, LANES, Simd};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run(Avx2(()))
    }

    #[target_feature(enable = "avx512f,avx2,fma")]
    pub(super) fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run(Avx512(()))
    }

    /// Two registers of eight lanes. Only [`run_avx2`] makes one, so whoever holds it may use AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    /// One register of sixteen lanes. Only [`run_avx512`] makes one, so whoever holds it may use AVX-512 F.
    #[derive(Clone, Copy)]
    pub(super) struct Avx512(());

    // No closures around intrinsics here: a closure does not inherit the instructions of the function it is in.

    /// Functions of two registers of lanes in terms of one of a register; arguments after `;` are the same for both.
    macro_rules! half_by_half {
        ($($name:ident($($arg:ident: $from:ty),+ $(; $same:ident: $of:ty)*) -> $to:ty = $one:expr;)+) => {$(
            #[inline(always)]
            fn $name(self, $($arg: $from,)+ $($same: $of),*) -> $to {
                // SAFETY: a value of this type exists only where the instructions do.
                unsafe { [{ $(let $arg = $arg[0];)+ $one }, { $(let $arg = $arg[1];)+ $one }] }
            }
        )+};
    }

    /// Functions of a register of lanes.
    macro_rules! at_once {
        ($($name:ident($($arg:ident: $from:ty),*) -> $to:ty = $one:expr;)+) => {$(
            #[inline(always)]
            fn $name(self, $($arg: $from),*) -> $to {
                // SAFETY: a value of this type exists only where the instructions do.
                unsafe { $one }
            }
        )+};
    }

    /// Last index of a table that fits an `i32`.
    #[inline(always)]
    fn last(table: &[f32]) -> i32 {
        (table.len() - 1).min(i32::MAX as usize) as i32
    }

    impl Simd for Avx2 {
        type F = [__m256; 2];
        type I = [__m256i; 2];
        half_by_half! {
            add(a: Self::F, b: Self::F) -> Self::F = _mm256_add_ps(a, b);
            sub(a: Self::F, b: Self::F) -> Self::F = _mm256_sub_ps(a, b);
            mul(a: Self::F, b: Self::F) -> Self::F = _mm256_mul_ps(a, b);
            mul_add(a: Self::F, b: Self::F, c: Self::F) -> Self::F = _mm256_fmadd_ps(a, b, c);
            max(a: Self::F, b: Self::F) -> Self::F = _mm256_max_ps(a, b);
            abs(a: Self::F) -> Self::F = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
            float(a: Self::I) -> Self::F = _mm256_cvtepi32_ps(a);
            truncated(a: Self::F) -> Self::I = _mm256_cvttps_epi32(a);
            shifted(a: Self::I; b: i32) -> Self::I = _mm256_add_epi32(a, _mm256_set1_epi32(b));
            whole(a: Self::I; bits: u32) -> Self::I = _mm256_sra_epi32(a, _mm_cvtsi32_si128(bits as i32));
            fraction(a: Self::I; bits: u32) -> Self::F =
                _mm256_cvtepi32_ps(_mm256_and_si256(a, _mm256_set1_epi32((1 << bits) - 1)));
        }
        at_once! {
            splat(x: f32) -> Self::F = [_mm256_set1_ps(x); 2];
            ramp() -> Self::F = [
                _mm256_setr_ps(0., 1., 2., 3., 4., 5., 6., 7.),
                _mm256_setr_ps(8., 9., 10., 11., 12., 13., 14., 15.),
            ];
            load(from: &[f32; LANES]) -> Self::F =
                [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))];
            window(low: Self::F, high: Self::F, index: Self::I) -> Self::F =
                [window8(low, high, index[0]), window8(low, high, index[1])];
            gather(table: &[f32], index: Self::I) -> Self::F = [gather8(table, index[0]), gather8(table, index[1])];
        }
        #[inline(always)]
        fn store(self, a: Self::F, to: &mut [f32; LANES]) {
            // SAFETY: unaligned writes of the sixteen values of the array.
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), a[0]);
                _mm256_storeu_ps(to.as_mut_ptr().add(8), a[1]);
            }
        }
        #[inline(always)]
        fn steps(self, start: i32, step: i32) -> Self::I {
            // SAFETY: a value of this type exists only where AVX2 does.
            unsafe {
                let (start, step) = (_mm256_set1_epi32(start), _mm256_set1_epi32(step));
                let (low, high) =
                    (_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15));
                [
                    _mm256_add_epi32(start, _mm256_mullo_epi32(low, step)),
                    _mm256_add_epi32(start, _mm256_mullo_epi32(high, step)),
                ]
            }
        }
    }

    /// Four permutations by bits 0 to 2 of the index, then chosen by bits 3 and 4 moved to the sign.
    #[inline(always)]
    unsafe fn window8(low: [__m256; 2], high: [__m256; 2], index: __m256i) -> __m256 {
        // SAFETY: only [`Avx2`] calls this.
        unsafe {
            let bit3 = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28));
            let bit4 = _mm256_castsi256_ps(_mm256_slli_epi32(index, 27));
            let [a, b] = [_mm256_permutevar8x32_ps(low[0], index), _mm256_permutevar8x32_ps(low[1], index)];
            let [c, d] = [_mm256_permutevar8x32_ps(high[0], index), _mm256_permutevar8x32_ps(high[1], index)];
            _mm256_blendv_ps(_mm256_blendv_ps(a, b, bit3), _mm256_blendv_ps(c, d, bit3), bit4)
        }
    }

    #[inline(always)]
    unsafe fn gather8(table: &[f32], index: __m256i) -> __m256 {
        // SAFETY: only [`Avx2`] calls this; every index is confined to the table before it is read.
        unsafe {
            let inside =
                _mm256_min_epi32(_mm256_max_epi32(index, _mm256_setzero_si256()), _mm256_set1_epi32(last(table)));
            _mm256_i32gather_ps::<4>(table.as_ptr(), inside)
        }
    }

    impl Simd for Avx512 {
        type F = __m512;
        type I = __m512i;
        at_once! {
            add(a: Self::F, b: Self::F) -> Self::F = _mm512_add_ps(a, b);
            sub(a: Self::F, b: Self::F) -> Self::F = _mm512_sub_ps(a, b);
            mul(a: Self::F, b: Self::F) -> Self::F = _mm512_mul_ps(a, b);
            mul_add(a: Self::F, b: Self::F, c: Self::F) -> Self::F = _mm512_fmadd_ps(a, b, c);
            max(a: Self::F, b: Self::F) -> Self::F = _mm512_max_ps(a, b);
            abs(a: Self::F) -> Self::F = _mm512_abs_ps(a);
            float(a: Self::I) -> Self::F = _mm512_cvtepi32_ps(a);
            truncated(a: Self::F) -> Self::I = _mm512_cvttps_epi32(a);
            shifted(a: Self::I, b: i32) -> Self::I = _mm512_add_epi32(a, _mm512_set1_epi32(b));
            whole(a: Self::I, bits: u32) -> Self::I = _mm512_sra_epi32(a, _mm_cvtsi32_si128(bits as i32));
            fraction(a: Self::I, bits: u32) -> Self::F =
                _mm512_cvtepi32_ps(_mm512_and_si512(a, _mm512_set1_epi32((1 << bits) - 1)));
            splat(x: f32) -> Self::F = _mm512_set1_ps(x);
            ramp() -> Self::F = _mm512_setr_ps(0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.);
            load(from: &[f32; LANES]) -> Self::F = _mm512_loadu_ps(from.as_ptr());
            store(a: Self::F, to: &mut [f32; LANES]) -> () = _mm512_storeu_ps(to.as_mut_ptr(), a);
            sum(a: Self::F) -> f32 = _mm512_reduce_add_ps(a);
            steps(start: i32, step: i32) -> Self::I = {
                let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
                _mm512_add_epi32(_mm512_set1_epi32(start), _mm512_mullo_epi32(lanes, _mm512_set1_epi32(step)))
            };
            window(low: Self::F, high: Self::F, index: Self::I) -> Self::F = _mm512_permutex2var_ps(low, index, high);
            // Every index is confined to the table before it is read.
            gather(table: &[f32], index: Self::I) -> Self::F = {
                let above = _mm512_max_epi32(index, _mm512_setzero_si512());
                let inside = _mm512_min_epi32(above, _mm512_set1_epi32(last(table)));
                _mm512_i32gather_ps::<4>(inside, table.as_ptr())
            };
        }
    }
}

#[cfg(test)]
mod tests;
