//! Sixteen `f32` lanes on whatever the machine has: one generic kernel, compiled for AVX-512, for AVX2 + FMA and for the
//! portable baseline, chosen when the program runs.
//!
//! A kernel implements [`Kernel`]; [`dispatch`] calls it with the lanes of a [`Level`]. Every function between
//! [`Kernel::run`] and the lanes must be `#[inline(always)]`, so that all of it is compiled inside the one function that
//! has the instructions enabled. `RECON_SIMD=portable|avx2|avx512` forces a level. The only `unsafe` of the kernels is here.
#![allow(unsafe_code, reason = "vector instructions; every use says why it is sound")]
#![allow(clippy::wildcard_imports, reason = "forty intrinsics whose prefix says where they are from")]
#![allow(clippy::inline_always, reason = "lanes outside the function that enables their instructions would be calls")]

use crate::error::{Error, Result};
use std::sync::OnceLock;

/// Lanes of a vector.
pub const LANES: usize = 16;

/// Environment variable that forces a level.
pub const VARIABLE: &str = "RECON_SIMD";

/// Instructions a kernel may use, slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The baseline of the build.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F.
    Avx512,
}

impl Level {
    /// Every level, slowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// Its name in `RECON_SIMD`, manifests and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this machine has the instructions.
    #[must_use]
    pub fn available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Self::Avx2.available() && is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}

/// The level asked for by `RECON_SIMD`, or the best of this machine.
///
/// # Errors
/// An unknown name, or a level this machine does not have.
pub fn requested() -> Result<Level> {
    let best = Level::ALL.into_iter().rev().find(|level| level.available()).unwrap_or(Level::Portable);
    let Some(name) = std::env::var_os(VARIABLE) else { return Ok(best) };
    match Level::ALL.into_iter().find(|level| name == level.name()) {
        Some(level) if level.available() => Ok(level),
        Some(level) => Err(Error::resource(VARIABLE, format!("this machine has no {}, its best level is {}", level.name(), best.name()))),
        None => Err(Error::config(VARIABLE, format!("expected portable, avx2 or avx512, got {}", name.display()))),
    }
}

/// The level the kernels use: [`requested`], read once; a request that cannot be met counts as `portable`.
#[must_use]
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| requested().unwrap_or(Level::Portable))
}

/// Work written once for any lanes. `run` must be `#[inline(always)]`.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// Does the work.
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
    /// Smaller of two.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// Larger of two.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// Largest integer not above.
    fn floor(self, a: Self::F) -> Self::F;
    /// |a|.
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        self.max(a, self.sub(self.splat(0.0), a))
    }
    /// Integer part towards zero.
    fn to_int(self, a: Self::F) -> Self::I;
    /// a + 1.
    fn next(self, a: Self::I) -> Self::I;
    /// Entry `index` (0 to 31) of a window of 32 values of which `low` are the first and `high` the last 16.
    fn window(self, low: Self::F, high: Self::F, index: Self::I) -> Self::F;
    /// `table[index]`, the index confined to the table, which must not be empty and not longer than 2^31.
    fn gather(self, table: &[f32], index: Self::I) -> Self::F;
}

/// Sixteen values of `values` from `start` on.
#[inline(always)]
pub fn sixteen(values: &[f32], start: usize) -> &[f32; LANES] {
    values[start..start + LANES].first_chunk().expect("the range has sixteen values")
}

/// As [`sixteen`], to write to.
#[inline(always)]
pub fn sixteen_mut(values: &mut [f32], start: usize) -> &mut [f32; LANES] {
    values[start..start + LANES].first_chunk_mut().expect("the range has sixteen values")
}

/// Lanes as arrays: correct everywhere, vectorised as far as the baseline allows.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

impl Simd for Portable {
    type F = [f32; LANES];
    type I = [i32; LANES];
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
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        std::array::from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        std::array::from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // Not `f32::mul_add`: without the instruction it is a slow library call.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        std::array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn floor(self, a: Self::F) -> Self::F {
        // Indices fit an i32; without SSE4.1 `f32::floor` is a library call.
        std::array::from_fn(|i| {
            let cut = (a[i] as i32) as f32;
            if cut > a[i] { cut - 1.0 } else { cut }
        })
    }
    #[inline(always)]
    fn to_int(self, a: Self::F) -> Self::I {
        a.map(|x| x as i32)
    }
    #[inline(always)]
    fn next(self, a: Self::I) -> Self::I {
        a.map(|x| x.wrapping_add(1))
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

    /// Lane-wise functions of one, two or three arguments in terms of an intrinsic.
    macro_rules! lanewise {
        (pairs $($name:ident($($arg:ident),+) = $intrinsic:expr;)+) => {$(
            #[inline(always)]
            fn $name(self, $($arg: Self::F),+) -> Self::F {
                // SAFETY: a value of this type exists only where the instructions do.
                unsafe { [$intrinsic($($arg[0]),+), $intrinsic($($arg[1]),+)] }
            }
        )+};
        (single $($name:ident($($arg:ident),+) = $intrinsic:expr;)+) => {$(
            #[inline(always)]
            fn $name(self, $($arg: Self::F),+) -> Self::F {
                // SAFETY: a value of this type exists only where the instructions do.
                unsafe { $intrinsic($($arg),+) }
            }
        )+};
    }

    impl Simd for Avx2 {
        type F = [__m256; 2];
        type I = [__m256i; 2];
        #[inline(always)]
        fn splat(self, x: f32) -> Self::F {
            // SAFETY: a value of this type exists only where AVX2 does (so in all of this block).
            unsafe { [_mm256_set1_ps(x); 2] }
        }
        #[inline(always)]
        fn ramp(self) -> Self::F {
            unsafe { [_mm256_setr_ps(0., 1., 2., 3., 4., 5., 6., 7.), _mm256_setr_ps(8., 9., 10., 11., 12., 13., 14., 15.)] }
        }
        #[inline(always)]
        fn load(self, from: &[f32; LANES]) -> Self::F {
            // SAFETY: unaligned reads of the sixteen values of the array.
            unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))] }
        }
        #[inline(always)]
        fn store(self, a: Self::F, to: &mut [f32; LANES]) {
            // SAFETY: unaligned writes of the sixteen values of the array.
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), a[0]);
                _mm256_storeu_ps(to.as_mut_ptr().add(8), a[1]);
            }
        }
        lanewise! { pairs
            add(a, b) = _mm256_add_ps;
            sub(a, b) = _mm256_sub_ps;
            mul(a, b) = _mm256_mul_ps;
            mul_add(a, b, c) = _mm256_fmadd_ps;
            min(a, b) = _mm256_min_ps;
            max(a, b) = _mm256_max_ps;
            floor(a) = _mm256_floor_ps;
        }
        #[inline(always)]
        fn to_int(self, a: Self::F) -> Self::I {
            unsafe { [_mm256_cvttps_epi32(a[0]), _mm256_cvttps_epi32(a[1])] }
        }
        #[inline(always)]
        fn next(self, a: Self::I) -> Self::I {
            unsafe { [_mm256_add_epi32(a[0], _mm256_set1_epi32(1)), _mm256_add_epi32(a[1], _mm256_set1_epi32(1))] }
        }
        #[inline(always)]
        fn window(self, low: Self::F, high: Self::F, index: Self::I) -> Self::F {
            [window8(self, low, high, index[0]), window8(self, low, high, index[1])]
        }
        #[inline(always)]
        fn gather(self, table: &[f32], index: Self::I) -> Self::F {
            [gather8(self, table, index[0]), gather8(self, table, index[1])]
        }
    }

    // Functions, not closures: a closure does not inherit the instructions of the function it is in.

    /// Four permutations by bits 0 to 2 of the index, then chosen by bits 3 and 4 moved to the sign.
    #[inline(always)]
    fn window8(_: Avx2, low: [__m256; 2], high: [__m256; 2], index: __m256i) -> __m256 {
        // SAFETY: the first argument exists only where AVX2 does.
        unsafe {
            let bit3 = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28));
            let bit4 = _mm256_castsi256_ps(_mm256_slli_epi32(index, 27));
            let [a, b] = [_mm256_permutevar8x32_ps(low[0], index), _mm256_permutevar8x32_ps(low[1], index)];
            let [c, d] = [_mm256_permutevar8x32_ps(high[0], index), _mm256_permutevar8x32_ps(high[1], index)];
            _mm256_blendv_ps(_mm256_blendv_ps(a, b, bit3), _mm256_blendv_ps(c, d, bit3), bit4)
        }
    }

    #[inline(always)]
    fn gather8(_: Avx2, table: &[f32], index: __m256i) -> __m256 {
        let last = (table.len() - 1).min(i32::MAX as usize) as i32;
        // SAFETY: the first argument exists only where AVX2 does; every index is confined to 0..=last before it is read.
        unsafe {
            let inside = _mm256_min_epi32(_mm256_max_epi32(index, _mm256_setzero_si256()), _mm256_set1_epi32(last));
            _mm256_i32gather_ps::<4>(table.as_ptr(), inside)
        }
    }

    impl Simd for Avx512 {
        type F = __m512;
        type I = __m512i;
        #[inline(always)]
        fn splat(self, x: f32) -> Self::F {
            // SAFETY: a value of this type exists only where AVX-512 does (so in all of this block).
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        fn ramp(self) -> Self::F {
            unsafe { _mm512_setr_ps(0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.) }
        }
        #[inline(always)]
        fn load(self, from: &[f32; LANES]) -> Self::F {
            // SAFETY: an unaligned read of the sixteen values of the array.
            unsafe { _mm512_loadu_ps(from.as_ptr()) }
        }
        #[inline(always)]
        fn store(self, a: Self::F, to: &mut [f32; LANES]) {
            // SAFETY: an unaligned write of the sixteen values of the array.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), a) }
        }
        lanewise! { single
            add(a, b) = _mm512_add_ps;
            sub(a, b) = _mm512_sub_ps;
            mul(a, b) = _mm512_mul_ps;
            mul_add(a, b, c) = _mm512_fmadd_ps;
            min(a, b) = _mm512_min_ps;
            max(a, b) = _mm512_max_ps;
            floor(a) = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>;
        }
        #[inline(always)]
        fn to_int(self, a: Self::F) -> Self::I {
            unsafe { _mm512_cvttps_epi32(a) }
        }
        #[inline(always)]
        fn next(self, a: Self::I) -> Self::I {
            unsafe { _mm512_add_epi32(a, _mm512_set1_epi32(1)) }
        }
        #[inline(always)]
        fn window(self, low: Self::F, high: Self::F, index: Self::I) -> Self::F {
            unsafe { _mm512_permutex2var_ps(low, index, high) }
        }
        #[inline(always)]
        fn gather(self, table: &[f32], index: Self::I) -> Self::F {
            let last = (table.len() - 1).min(i32::MAX as usize) as i32;
            // SAFETY: every index is confined to 0..=last before it is read.
            unsafe {
                let inside = _mm512_min_epi32(_mm512_max_epi32(index, _mm512_setzero_si512()), _mm512_set1_epi32(last));
                _mm512_i32gather_ps::<4>(inside, table.as_ptr())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Everything;

    impl Kernel for Everything {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Vec<f32> {
            let table: Vec<f32> = (0..32).map(|i| (i * i) as f32).collect();
            let (low, high) = (s.load(sixteen(&table, 0)), s.load(sixteen(&table, 16)));
            let x = s.mul_add(s.ramp(), s.splat(1.75), s.splat(0.5));
            let index = s.to_int(s.floor(x));
            let mut out = Vec::new();
            let mut keep = |f: S::F| {
                let mut lanes = [0.0; LANES];
                s.store(f, &mut lanes);
                out.extend(lanes);
            };
            keep(x);
            keep(s.window(low, high, index));
            keep(s.window(low, high, s.next(index)));
            keep(s.gather(&table, index));
            keep(s.gather(&table, s.to_int(s.sub(s.mul(x, s.splat(3.0)), s.splat(9.0)))));
            keep(s.floor(s.sub(s.splat(4.25), x)));
            keep(s.abs(s.sub(s.splat(4.25), x)));
            keep(s.min(s.max(x, s.splat(3.0)), s.add(s.splat(4.0), s.splat(5.5))));
            out
        }
    }

    #[test]
    fn every_level_gives_what_the_definitions_say() {
        let square = |i: i32| (i.clamp(0, 31) * i.clamp(0, 31)) as f32;
        let x: Vec<f32> = (0..16).map(|i| i as f32 * 1.75 + 0.5).collect();
        let mut expected = x.clone();
        expected.extend(x.iter().map(|&x| square(x as i32)));
        expected.extend(x.iter().map(|&x| square(x as i32 + 1)));
        expected.extend(x.iter().map(|&x| square(x as i32)));
        expected.extend(x.iter().map(|&x| square((x * 3.0 - 9.0) as i32)));
        expected.extend(x.iter().map(|&x| (4.25 - x).floor()));
        expected.extend(x.iter().map(|&x| (4.25 - x).abs()));
        expected.extend(x.iter().map(|&x| x.clamp(3.0, 9.5)));
        for level in Level::ALL.into_iter().filter(|level| level.available()) {
            assert_eq!(dispatch(level, Everything), expected, "{}", level.name());
        }
    }
}
