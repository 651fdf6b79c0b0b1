//! The instruction set that the kernels use: the best one of the machine, or the one that `RECON_SIMD` requests.

use crate::error::{Error, Result};
use std::sync::OnceLock;

/// Environment variable that forces a level.
pub const VARIABLE: &str = "RECON_SIMD";

/// Instruction set of a kernel, slowest first.
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

/// The level requested by `RECON_SIMD`, else the best one of this machine.
///
/// # Errors
/// An unknown name, or a level this machine does not have.
pub fn requested() -> Result<Level> {
    let best = Level::ALL.into_iter().rev().find(|level| level.available()).unwrap_or(Level::Portable);
    let Some(name) = std::env::var_os(VARIABLE) else { return Ok(best) };
    match Level::ALL.into_iter().find(|level| name == level.name()) {
        Some(level) if level.available() => Ok(level),
        Some(level) => Err(Error::resource(
            VARIABLE,
            format!("this machine has no {}, its best level is {}", level.name(), best.name()),
        )),
        None => Err(Error::config(VARIABLE, format!("expected portable, avx2 or avx512, got {}", name.display()))),
    }
}

/// The level that the kernels use: [`requested`], determined once; `portable` if the request cannot be met.
#[must_use]
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| requested().unwrap_or(Level::Portable))
}
