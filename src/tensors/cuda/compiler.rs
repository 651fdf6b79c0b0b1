//! NVRTC, NVIDIA's run-time compiler for CUDA C++. It needs neither a driver nor a GPU.

use super::library::Library;
use crate::error::{Error, Result};
use std::ffi::{CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

/// Options for every source: products and sums are fused only where the source says so (`fmaf`), as on the CPU.
const OPTIONS: [&str; 3] = ["--std=c++17", "--fmad=false", "-diag-suppress=177"];

/// File name of the NVRTC release that libtorch 2.11 uses.
const NAME: &str = "libnvrtc.so.13";

type Code = c_int;
type Program = *mut c_void;

/// An opened NVRTC library.
pub struct Compiler {
    create: Create,
    compile: extern "C" fn(Program, c_int, *const *const c_char) -> Code,
    destroy: extern "C" fn(*mut Program) -> Code,
    log_size: extern "C" fn(Program, *mut usize) -> Code,
    log: extern "C" fn(Program, *mut c_char) -> Code,
    code_size: extern "C" fn(Program, *mut usize) -> Code,
    code: extern "C" fn(Program, *mut c_char) -> Code,
    /// Release, (major, minor), such as (13, 0).
    version: (c_int, c_int),
    library: String,
}

type Create = extern "C" fn(
    *mut Program,
    *const c_char,
    *const c_char,
    c_int,
    *const *const c_char,
    *const *const c_char,
) -> Code;

impl Compiler {
    /// Paths to try for NVRTC: the library or folder that `RECON_NVRTC` names; otherwise the one installed beside the
    /// libtorch in the folder `torch`, then the system's.
    #[must_use]
    pub fn places(torch: Option<&Path>) -> Vec<PathBuf> {
        if let Some(named) = std::env::var_os("RECON_NVRTC") {
            return vec![PathBuf::from(named)];
        }
        let beside = torch.map(|folder| folder.join("../../nvidia/cu13/lib").join(NAME));
        beside.into_iter().filter(|path| path.exists()).chain([PathBuf::from(NAME)]).collect()
    }

    /// Opens the first NVRTC in `places` that can be opened.
    ///
    /// # Errors
    /// When none of them can be opened.
    pub fn first_of(places: &[PathBuf]) -> Result<Self> {
        let mut why = None;
        for place in places {
            match Self::open(place) {
                Ok(compiler) => return Ok(compiler),
                Err(error) => why = Some(error),
            }
        }
        Err(why.unwrap_or_else(|| missing(Path::new(NAME), "not found")))
    }

    /// Opens the NVRTC at a path: the library itself, or the folder that contains it.
    ///
    /// # Errors
    /// When it cannot be opened or is too old.
    pub fn open(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join(NAME) } else { path.to_path_buf() };
        open_builtins(&path);
        let library = Library::open(&path.to_string_lossy()).map_err(|why| missing(&path, &why))?;
        let old = |why: String| missing(&path, &why);
        let version: extern "C" fn(*mut c_int, *mut c_int) -> Code = library.function("nvrtcVersion").map_err(old)?;
        let (mut major, mut minor) = (0, 0);
        version(&raw mut major, &raw mut minor);
        Ok(Self {
            create: library.function("nvrtcCreateProgram").map_err(old)?,
            compile: library.function("nvrtcCompileProgram").map_err(old)?,
            destroy: library.function("nvrtcDestroyProgram").map_err(old)?,
            log_size: library.function("nvrtcGetProgramLogSize").map_err(old)?,
            log: library.function("nvrtcGetProgramLog").map_err(old)?,
            code_size: library.function("nvrtcGetCUBINSize").map_err(old)?,
            code: library.function("nvrtcGetCUBIN").map_err(old)?,
            version: (major, minor),
            library: library.name.clone(),
        })
    }

    /// What compiled code depends on besides its source: NVRTC's release and options.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("nvrtc {}.{} {}", self.version.0, self.version.1, OPTIONS.join(" "))
    }

    /// Compiles a source to machine code (a cubin) for an architecture such as `sm_90`.
    ///
    /// # Errors
    /// An architecture that this release does not support; an error in the source, with the compiler's message.
    pub fn compile(&self, name: &str, source: &str, architecture: &str) -> Result<Vec<u8>> {
        let text = |text: &str| CString::new(text).map_err(|_| fault("a NUL in a source".to_string()));
        let (source, file) = (text(source)?, text(name)?);
        let options = [format!("--gpu-architecture={architecture}")]
            .iter()
            .map(String::as_str)
            .chain(OPTIONS)
            .map(text)
            .collect::<Result<Vec<_>>>()?;
        let options: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let mut program = null_mut();
        if (self.create)(&raw mut program, source.as_ptr(), file.as_ptr(), 0, null(), null()) != 0 {
            return Err(fault("nvrtcCreateProgram failed".to_string()));
        }
        let compiled = match (self.compile)(program, options.len() as c_int, options.as_ptr()) {
            0 => bytes_of(program, self.code_size, self.code)
                .ok_or_else(|| fault(format!("{name}: NVRTC returned no code"))),
            5 => Err(fault(format!(
                "NVRTC {}.{} ({}) does not support the architecture {architecture}",
                self.version.0, self.version.1, self.library
            ))
            .hint("set RECON_NVRTC to a newer libnvrtc, or use `device: cpu`")),
            code => {
                let log = bytes_of(program, self.log_size, self.log).unwrap_or_default();
                let log = String::from_utf8_lossy(&log).trim_end_matches(['\0', '\n']).to_string();
                Err(fault(format!("NVRTC cannot compile {name} for {architecture} (error {code}): {log}")))
            }
        };
        (self.destroy)(&raw mut program);
        compiled
    }
}

/// Contents of a program's output (log or code) by a pair of NVRTC functions, for its size and its bytes.
fn bytes_of(
    program: Program,
    size: extern "C" fn(Program, *mut usize) -> Code,
    contents: extern "C" fn(Program, *mut c_char) -> Code,
) -> Option<Vec<u8>> {
    let mut count = 0;
    (size(program, &raw mut count) == 0).then_some(())?;
    let mut bytes = vec![0u8; count.max(1)];
    (contents(program, bytes.as_mut_ptr().cast()) == 0).then_some(())?;
    bytes.truncate(count);
    Some(bytes)
}

/// Opens NVRTC's second library, which NVRTC opens by name when it compiles: in a folder that the loader does not
/// search it must be open already.
fn open_builtins(library: &Path) {
    let entries = library.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("libnvrtc-builtins.so") {
            // If this fails, NVRTC reports it when it compiles.
            let _ = Library::open(&entry.path().to_string_lossy());
        }
    }
}

fn missing(path: &Path, why: &str) -> Error {
    fault(format!("the compiler of device kernels, {}, cannot be opened: {why}", path.display()))
        .hint("run `make nvrtc` (or `pip install nvidia-cuda-nvrtc==13.0.*` and set RECON_NVRTC to its lib folder)")
}

fn fault(problem: String) -> Error {
    Error::resource("cuda", problem)
}
