//! Tells the linker where libtorch lies at run time: the place `make install` puts it relative to the binary (a
//! relocatable installation), then the folder it is linked from (a checkout).
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    // torch-sys publishes the folder it links; ours holds links into the wheel, whose own folder must be on the
    // rpath because libtorch_cpu.so looks for its CUDA runtime relative to where it is loaded from.
    let Some(linked) = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        println!("cargo:warning=torch-sys did not say where libtorch is; the binary may not find it at run time");
        return;
    };
    let real = std::fs::canonicalize(linked.join("libtorch_cpu.so"))
        .ok()
        .and_then(|library| library.parent().map(Path::to_path_buf))
        .unwrap_or(linked);
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib/recon/torch/lib");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", real.display());
}
