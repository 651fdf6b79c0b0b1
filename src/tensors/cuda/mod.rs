//! Our own kernels on a CUDA GPU ("card"): CUDA C++ sources that NVRTC compiles at run time for the GPU at hand, and
//! their launch by the driver API. All three libraries (driver, NVRTC, libtorch's CUDA library) are opened only when a
//! GPU is requested, so that a binary built on a machine without CUDA runs on one with it.
//!
//! The sources can also be compiled as C++ (see `kernel.h`): tests compile them for the CPU.

mod argument;
mod cache;
mod card;
mod compiler;
mod driver;
mod library;

pub use argument::Argument;
pub use cache::folder as cache_folder;
pub use card::{Card, Libraries};
pub use compiler::Compiler;

/// Preface of every source.
const PREFACE: &str = include_str!("kernel.h");

/// One device source: a group of kernels.
#[derive(Debug)]
pub struct Source {
    /// File name without extension.
    pub name: &'static str,
    /// Its parts in order, headers first, without the preface.
    pub parts: &'static [&'static str],
}

/// A kernel of a source.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// Source that defines it.
    pub source: &'static Source,
    /// Its name, unique among all sources.
    pub name: &'static str,
}

impl Source {
    /// The complete text for the compiler.
    #[must_use]
    pub fn text(&self) -> String {
        [PREFACE, &self.parts.concat()].concat()
    }

    /// Names of the source's kernels.
    #[must_use]
    pub fn kernels(&self) -> Vec<String> {
        let text = self.parts.concat();
        let after = text.split("__global__ void ").skip(1);
        after.filter_map(|rest| rest.split_once('(').map(|(name, _)| name.to_string())).collect()
    }
}
