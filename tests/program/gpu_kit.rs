//! Tests of the kit that proves recon on a machine with a GPU: it is packed, unpacked in an empty folder, and run on
//! the CPU.

use crate::common::Bench;
use std::path::PathBuf;
use std::process::Command;

/// Largest size of the packed kit, bytes.
const MOST: u64 = 60 << 20;

#[test]
fn the_unpacked_kit_proves_itself_on_the_cpu_device() {
    let (bench, root) = (Bench::new(), PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let packed = Command::new(root.join("tools/gpu-kit.sh"))
        .arg(env!("CARGO_BIN_EXE_recon"))
        .arg(bench.path(""))
        .output()
        .unwrap();
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    assert!(std::fs::metadata(bench.path("recon-gpu-kit.tar.gz")).unwrap().len() <= MOST);
    std::fs::create_dir(bench.path("there")).unwrap();
    let unpack = Command::new("tar").args(["xzf", "../recon-gpu-kit.tar.gz"]).current_dir(bench.path("there")).status();
    assert!(unpack.unwrap().success());
    let torch = std::env::var_os("LIBTORCH").map_or_else(|| root.join(".libtorch/2.11.0/link"), PathBuf::from);
    let proof = Command::new("recon-gpu-kit/gpu-proof.sh")
        .args(["cpu", "page.md"])
        .current_dir(bench.path("there"))
        .env("TORCH_LIB", torch.join("lib"))
        .env("QUICK", "1")
        .output()
        .unwrap();
    let (page, told) = (String::from_utf8_lossy(&proof.stdout), String::from_utf8_lossy(&proof.stderr));
    assert!(proof.status.success(), "{page}\n{told}");
    assert_eq!(page, std::fs::read_to_string(bench.path("there/page.md")).unwrap());
    assert!(!page.contains("FAILS") && page.contains("no GPU was used"), "{page}");
    for row in ["| fdk, card against CPU |", "| siren, PSNR on card and CPU |", "| hash twice on the card |"] {
        let line = page.lines().find(|line| line.starts_with(row));
        assert!(line.is_some_and(|line| line.contains("holds")), "{row} in {page}");
    }
    assert!(page.contains("| Joseph forward"), "{page}");
}

#[test]
fn without_a_libtorch_the_kit_says_what_it_needs() {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tools/gpu-proof.sh");
    let proof = Command::new(script).arg("cuda").env("PYTHON", "/nowhere/python").env_remove("TORCH_LIB").output();
    let proof = proof.unwrap();
    assert_eq!(proof.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&proof.stderr).contains("TORCH_LIB"));
}
