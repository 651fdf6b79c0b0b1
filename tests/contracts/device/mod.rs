//! Tests of the device kernels without a GPU. Each kernel is compiled for the processor and compared with its CPU
//! counterpart, launched through stub libraries that record every call, and compiled by NVRTC where NVRTC is installed.

mod assembled;
mod faults;
mod fields;
mod projectors;
mod stub;

use stub::Stub;

/// Evaluates to the stub libraries; ends the test where this machine has no C++ compiler.
macro_rules! stub_or_skip {
    ($($macros:expr),*) => {{
        fn here() {}
        let Some(stub) = super::Stub::new(std::any::type_name_of_val(&here), &[$($macros),*]) else { return };
        stub
    }};
}
use stub_or_skip;
