//! A GPU that does not exist: the libraries of `stub.cpp`, built by the C++ compiler of this machine.

use recon::tensors::cuda::{Card, Libraries};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

/// The stub libraries in a temporary folder, with the log of the calls that they received.
pub(super) struct Stub {
    folder: tempfile::TempDir,
}

impl Stub {
    /// Builds the libraries with these macros, such as `CARDS=0`. Without a C++ compiler, prints that and returns
    /// `None`.
    pub(super) fn new(test: &str, macros: &[&str]) -> Option<Self> {
        let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_string());
        if Command::new(&compiler).arg("--version").output().is_err() {
            return crate::common::missing(test, "CXX", &format!("the C++ compiler {compiler} (set CXX)"));
        }
        let folder = tempfile::tempdir().unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contracts/device/stub.cpp");
        let place = folder.path().display();
        let mut command = Command::new(&compiler);
        command
            .args(["-std=c++17", "-O1", "-fPIC", "-shared", "-o"])
            .arg(folder.path().join("libcuda.so.1"))
            .arg(source);
        command.arg(format!("-DLOG=\"{place}/log\"")).arg(format!("-DFOLDER=\"{place}\""));
        command.arg(format!("-DCOMPILER=\"{compiler}\"")).args(macros.iter().map(|one| format!("-D{one}")));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(Self { folder })
    }

    /// The folder of `libcuda.so.1`.
    pub(super) fn folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    pub(super) fn library(&self) -> PathBuf {
        self.folder.path().join("libcuda.so.1")
    }

    /// Returns libraries that are all this one; compiled kernels are cached in its folder.
    pub(super) fn libraries(&self) -> Libraries {
        let library = self.library().to_string_lossy().into_owned();
        Libraries {
            driver: library.clone(),
            compilers: vec![self.library()],
            stream: library,
            cache: Some(self.folder.path().join("kernels")),
        }
    }

    /// Opens a GPU whose memory is the processor's.
    pub(super) fn card(&self) -> Arc<Card> {
        Arc::new(Card::open(&self.libraries(), 0, tch::Device::Cpu).unwrap())
    }

    /// Returns the lines that were recorded since the last call: `launch NAME BLOCKS THREADS STREAM`, `compile` or
    /// `synchronise`.
    pub(super) fn log(&self) -> Vec<String> {
        let path = self.folder.path().join("log");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let _ = std::fs::remove_file(path);
        text.lines().map(String::from).collect()
    }
}
