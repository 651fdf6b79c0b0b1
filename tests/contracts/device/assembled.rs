//! Compiles every device source by NVRTC for each architecture that recon supports. NVRTC needs neither a driver nor a
//! GPU.

use recon::tensors::cuda::{Compiler, Source};
use std::path::PathBuf;

const ARCHITECTURES: [&str; 4] = ["sm_80", "sm_90", "sm_100", "sm_120"];

/// Returns every device source of the crate.
fn sources() -> Vec<&'static Source> {
    [&recon::operators::xray::device::SOURCES[..], &recon::fields::device::SOURCES].concat()
}

/// Opens the NVRTC that `RECON_NVRTC` names, or else the one that `make nvrtc` has downloaded.
fn compiler() -> Option<Compiler> {
    let fetched = concat!(env!("CARGO_MANIFEST_DIR"), "/.libtorch/2.11.0/nvidia/cu13/lib");
    let place = std::env::var_os("RECON_NVRTC").map_or_else(|| PathBuf::from(fetched), PathBuf::from);
    let found = Compiler::open(&place).ok();
    let missing = || crate::common::missing("device::assembled", "NVRTC", "NVRTC (`make nvrtc`, or set RECON_NVRTC)");
    found.or_else(missing)
}

#[test]
fn every_kernel_assembles_for_every_architecture() {
    let Some(compiler) = compiler() else { return };
    for source in sources() {
        for architecture in ARCHITECTURES {
            let code = compiler.compile(source.name, &source.text(), architecture).unwrap();
            assert!(code.starts_with(b"\x7fELF"), "{} for {architecture}: no cubin", source.name);
            let names: Vec<_> = source.kernels();
            assert!(!names.is_empty(), "{}", source.name);
            for name in names {
                let held = code.windows(name.len()).any(|window| window == name.as_bytes());
                assert!(held, "{} for {architecture} has no {name}", source.name);
            }
        }
    }
}

#[test]
fn an_error_in_a_source_and_an_unknown_architecture_are_told() {
    let Some(compiler) = compiler() else { return };
    let said = compiler.compile("bad.cu", "__global__ void f() { return 1 }", "sm_90").unwrap_err().to_string();
    assert!(said.contains("bad.cu") && said.contains("error"), "{said}");
    let said = compiler.compile("k.cu", "extern \"C\" __global__ void f() {}", "sm_1").unwrap_err().to_string();
    assert!(said.contains("does not support the architecture sm_1"), "{said}");
}
