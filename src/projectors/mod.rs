//! Stub until the kernels branch is merged.
#![allow(missing_docs)]
pub mod kernels;
