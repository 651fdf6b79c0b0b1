//! Device kernels without a device: each is compiled for the processor and compared with its CPU twin, launched through
//! stub libraries that write down what they are asked, and assembled by NVRTC where there is one.

mod assembled;
mod faults;
mod fields;
mod projectors;
mod stub;

use stub::Stub;

/// The stub libraries, or the end of the test where this machine has no C++ compiler.
macro_rules! stub_or_skip {
    ($($macros:expr),*) => {{
        fn here() {}
        let Some(stub) = super::Stub::new(std::any::type_name_of_val(&here), &[$($macros),*]) else { return };
        stub
    }};
}
use stub_or_skip;
