//! Tests of `device: cuda` where no GPU can be used: each error says the reason and the remedy and ends with exit code
//! 5. `auto` takes the CPU and says why. In no case does recon fall back to slower GPU operations.

use super::{Stub, stub_or_skip};
use crate::common::{Bench, Outcome, TINY};
use recon::tensors::cuda::{Card, Libraries};
use std::path::PathBuf;

/// Runs the tiny pipeline on `device`, with the stub driver if one is given; `nvrtc` is the value of `RECON_NVRTC`.
fn run(device: &str, stub: Option<&Stub>, nvrtc: &str) -> Outcome {
    let bench = Bench::new();
    let mut command =
        bench.command(&["run", TINY, "--output", "out", "--set", "reconstruct=[fdk]", "--device", device]);
    let libraries = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    let folder = stub.map(|stub| stub.folder().display().to_string()).unwrap_or_default();
    command.env("LD_LIBRARY_PATH", format!("{folder}:{libraries}")).env("RECON_NVRTC", nvrtc);
    command.env("RECON_KERNEL_CACHE", bench.path("kernels"));
    Outcome::from(command.output().unwrap())
}

#[test]
fn without_a_driver_a_card_or_a_compiler_cuda_is_refused_with_the_remedy() {
    let nothing = "/nowhere/libnvrtc.so.13";
    let old = stub_or_skip!("DRIVER=12040");
    run("cuda", Some(&old), nothing).expect(5, &["knows CUDA 12.4, libtorch 2.11 needs 13.0", "release 580 or newer"]);
    let none = stub_or_skip!("CARDS=0");
    run("cuda", Some(&none), nothing).expect(5, &["has 0 GPU(s)", "`device: auto` or `cpu`"]);
    let blind = stub_or_skip!("START=100");
    run("cuda", Some(&blind), nothing).expect(5, &["no CUDA-capable device is detected", "nvidia-smi"]);
    let good = stub_or_skip!();
    run("cuda:3", Some(&good), nothing).expect(5, &["has 1 GPU(s)", "numbered from 0"]);
    run("cuda", Some(&good), nothing).expect(5, &["compiler of device kernels", "make nvrtc", "RECON_NVRTC"]);
    run("auto", Some(&good), nothing).expect(0, &[]);
}

#[test]
fn an_architecture_that_the_compiler_does_not_know_is_an_error_at_the_first_kernel() {
    let stub = stub_or_skip!("UNKNOWN");
    let (_, grid, geometry) = crate::common::scans::setups().swap_remove(0);
    let filtered = vec![0.0; geometry.samples()];
    let error = recon::operators::xray::device::backproject(&stub.card(), &grid, &geometry, &filtered).unwrap_err();
    assert_eq!(error.exit_code(), 5);
    let said = error.to_string();
    assert!(said.contains("does not support the architecture sm_90") && said.contains("RECON_NVRTC"), "{said}");
}

#[test]
fn libraries_that_lack_a_function_are_refused_by_name() {
    let stub = stub_or_skip!();
    let libc = "libc.so.6".to_string();
    let open = |libraries: Libraries| Card::open(&libraries, 0, tch::Device::Cpu).err().unwrap().to_string();
    let said = open(Libraries { driver: libc.clone(), ..stub.libraries() });
    assert!(said.contains("cuInit"), "{said}");
    let said = open(Libraries { compilers: vec![PathBuf::from("libc.so.6")], ..stub.libraries() });
    assert!(said.contains("nvrtcVersion") && said.contains("make nvrtc"), "{said}");
    let said = open(Libraries { stream: libc, ..stub.libraries() });
    assert!(said.contains("aoti_torch_get_current_cuda_stream") && said.contains("make libtorch-cuda"), "{said}");
}
