//! Tests of the writers when the system cuts a write short. The test runs itself again under a limit on the size of
//! files, which has the effect of a full disk (`EFBIG` instead of `ENOSPC`, on the same path through the code).

use crate::support::{folder, labels, volume};
use recon::data::{Grid, Volume};
use recon::error::Result;
use recon::formats::{atomic, dicom, nifti};
use std::path::Path;
use std::process::Command;

const CHILD: &str = "RECON_TEST_LIMITED_FOLDER";

#[test]
fn a_write_that_the_system_cuts_short_is_a_resource_error_and_leaves_nothing() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return limited(Path::new(&folder));
    }
    let folder = folder();
    let program = std::env::current_exe().unwrap();
    let name = "limits::a_write_that_the_system_cuts_short_is_a_resource_error_and_leaves_nothing";
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact \"$1\"";
    let run =
        Command::new("sh").args(["-c", script]).arg(&program).arg(name).env(CHILD, folder.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    assert!(folder.path().join("reached").exists(), "the limited run did its checks");
}

/// Checks the writers in the child process, in which no file may be larger than the limit.
fn limited(folder: &Path) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max file size")).unwrap();
    let limit: usize = line.split_whitespace().nth(3).unwrap().parse().unwrap();
    let path = |name: &str| folder.join(name);
    assert!(atomic::write(&path("fits"), &vec![1; limit]).is_ok());
    std::fs::write(path("old"), b"old").unwrap();
    let fails = |result: Result<()>, what: &str| {
        let error = result.expect_err(what);
        assert_eq!(error.exit_code(), 5, "{what}: {error}");
    };
    for beyond in [1, 176, 4096, 1 << 20] {
        fails(atomic::write(&path("old"), &vec![1; limit + beyond]), "bytes");
    }
    let large = large(limit);
    fails(nifti::write(&path("a.nii"), &large, ""), "NIfTI");
    fails(nifti::write(&path("a.nii.gz"), &noise(limit), ""), "compressed NIfTI");
    fails(dicom::write_series(&path("dicom"), &large, &labels(), None).map(drop), "DICOM");
    let mut left: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["dicom", "fits", "old"]);
    assert_eq!(std::fs::read(path("old")).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(path("dicom")).unwrap().count(), 0);
    std::fs::write(path("reached"), b"").unwrap();
}

/// Returns a slice that takes more bytes than the limit, with 16 bits per voxel too.
fn large(limit: usize) -> Volume {
    let side = limit.isqrt() + 1;
    volume(Grid::centered([1, side, side], [1.0; 3], [0.0; 3]).unwrap())
}

/// Returns a slice of random values, which do not compress.
fn noise(limit: usize) -> Volume {
    let mut state = 1u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from_bits(0x3f80_0000 | state >> 9)
    };
    let large = large(limit);
    Volume::from_vec(large.grid.clone(), large.quantity, (0..large.as_slice().len()).map(|_| next()).collect()).unwrap()
}
