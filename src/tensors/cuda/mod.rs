//! Kernels of our own on a CUDA card: CUDA C++ sources that NVRTC compiles at run time for the card that is there, and
//! their launch by the driver's interface. All three libraries (driver, NVRTC, libtorch's CUDA half) are opened when a
//! card is asked for; a binary built on a machine without CUDA serves one with it.
//!
//! A source is text that a C++ compiler takes too (`kernel.h` says how): tests compile it for the processor.

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

/// What stands before every source.
const PREFACE: &str = include_str!("kernel.h");

/// One device source: the kernels of one subject.
#[derive(Debug)]
pub struct Source {
    /// The file's name without its ending.
    pub name: &'static str,
    /// Its parts in their order, headers first, without the preface.
    pub parts: &'static [&'static str],
}

/// A kernel of a source.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// Where it is defined.
    pub source: &'static Source,
    /// Its name, which no other source uses.
    pub name: &'static str,
}

impl Source {
    /// The whole text that a compiler gets.
    #[must_use]
    pub fn text(&self) -> String {
        [PREFACE, &self.parts.concat()].concat()
    }

    /// The names of its kernels.
    #[must_use]
    pub fn kernels(&self) -> Vec<String> {
        let text = self.parts.concat();
        let after = text.split("__global__ void ").skip(1);
        after.filter_map(|rest| rest.split_once('(').map(|(name, _)| name.to_string())).collect()
    }
}
