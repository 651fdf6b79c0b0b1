//! The functions of the CUDA driver API that launching a kernel needs.

use super::library::Library;
use crate::error::{Error, Result};
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;

/// CUDA release that libtorch 2.11 was built for: 13.0, in the driver's numbering.
const RELEASE: c_int = 13_000;

type Code = c_int;
type Handle = *mut c_void;

/// The CUDA driver.
pub(super) struct Driver {
    device_get: extern "C" fn(*mut c_int, c_int) -> Code,
    attribute: extern "C" fn(*mut c_int, c_int, c_int) -> Code,
    retain: extern "C" fn(*mut Handle, c_int) -> Code,
    make_current: extern "C" fn(Handle) -> Code,
    load: extern "C" fn(*mut Handle, *const c_void) -> Code,
    function: extern "C" fn(*mut Handle, Handle, *const c_char) -> Code,
    launch: LaunchKernel,
    memory: extern "C" fn(*mut usize, *mut usize) -> Code,
    text: extern "C" fn(Code, *mut *const c_char) -> Code,
    /// Number of GPUs.
    pub(super) count: usize,
}

type LaunchKernel = extern "C" fn(
    Handle,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    Handle,
    *mut *mut c_void,
    *mut *mut c_void,
) -> Code;

impl Driver {
    /// Opens and initialises the driver in the library `name`.
    ///
    /// # Errors
    /// No driver, one that is too old for libtorch, no GPU; each with a hint.
    pub(super) fn open(name: &str) -> Result<Self> {
        let library = Library::open(name).map_err(|why| {
            fault(format!("no CUDA driver (libcuda.so.1) on this machine: {why}"))
                .hint("install NVIDIA's driver, release 580 or newer, or use `device: cpu`")
        })?;
        let start: extern "C" fn(c_uint) -> Code = symbol(&library, "cuInit")?;
        let version: extern "C" fn(*mut c_int) -> Code = symbol(&library, "cuDriverGetVersion")?;
        let count: extern "C" fn(*mut c_int) -> Code = symbol(&library, "cuDeviceGetCount")?;
        let mut driver = Self {
            device_get: symbol(&library, "cuDeviceGet")?,
            attribute: symbol(&library, "cuDeviceGetAttribute")?,
            retain: symbol(&library, "cuDevicePrimaryCtxRetain")?,
            make_current: symbol(&library, "cuCtxSetCurrent")?,
            load: symbol(&library, "cuModuleLoadData")?,
            function: symbol(&library, "cuModuleGetFunction")?,
            launch: symbol(&library, "cuLaunchKernel")?,
            memory: symbol(&library, "cuMemGetInfo_v2")?,
            text: symbol(&library, "cuGetErrorString")?,
            count: 0,
        };
        let mut found = 0;
        if version(&raw mut found) == 0 && found < RELEASE {
            let (major, minor) = (found / 1000, found % 1000 / 10);
            return Err(fault(format!("the CUDA driver knows CUDA {major}.{minor}, libtorch 2.11 needs 13.0"))
                .hint("install NVIDIA's driver, release 580 or newer, or use `device: cpu`"));
        }
        driver.check(start(0), "cuInit").map_err(|error| {
            error.hint("is a GPU there (nvidia-smi), and CUDA_VISIBLE_DEVICES not empty? Else use `device: cpu`")
        })?;
        driver.check(count(&raw mut found), "cuDeviceGetCount")?;
        driver.count = usize::try_from(found).unwrap_or(0);
        Ok(driver)
    }

    /// Converts the return code of the driver function `call` to an error.
    fn check(&self, code: Code, call: &str) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        let mut text: *const c_char = std::ptr::null();
        let known = (self.text)(code, &raw mut text) == 0 && !text.is_null();
        // SAFETY: the driver's texts are constant C strings.
        #[allow(unsafe_code)]
        let text = if known { unsafe { CStr::from_ptr(text) }.to_string_lossy() } else { "unknown error".into() };
        let what = if code == 2 { "out of memory: " } else { "" };
        Err(fault(format!("{what}{call}: {text} (CUDA error {code})")))
    }

    /// Primary context of the GPU `index`, which libtorch uses too, and its compute capability (major, minor).
    pub(super) fn context(&self, index: usize) -> Result<(usize, (i32, i32))> {
        let (mut device, mut context) = (0, null_mut());
        self.check((self.device_get)(&raw mut device, index as c_int), "cuDeviceGet")?;
        // Attributes 75 and 76: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
        let (mut major, mut minor) = (0, 0);
        self.check((self.attribute)(&raw mut major, 75, device), "cuDeviceGetAttribute")?;
        self.check((self.attribute)(&raw mut minor, 76, device), "cuDeviceGetAttribute")?;
        self.check((self.retain)(&raw mut context, device), "cuDevicePrimaryCtxRetain")?;
        Ok((context as usize, (major, minor)))
    }

    /// Makes `context` the current context of this thread.
    pub(super) fn enter(&self, context: usize) -> Result<()> {
        self.check((self.make_current)(context as Handle), "cuCtxSetCurrent")
    }

    /// Loads compiled code into the current context.
    pub(super) fn load(&self, code: &[u8]) -> Result<usize> {
        let mut module = null_mut();
        self.check((self.load)(&raw mut module, code.as_ptr().cast()), "cuModuleLoadData")?;
        Ok(module as usize)
    }

    /// The kernel `name` of a loaded module.
    pub(super) fn function(&self, module: usize, name: &str) -> Result<usize> {
        let name = CString::new(name).map_err(|_| fault("a NUL in a kernel's name".to_string()))?;
        let mut function = null_mut();
        self.check((self.function)(&raw mut function, module as Handle, name.as_ptr()), "cuModuleGetFunction")?;
        Ok(function as usize)
    }

    /// Queues `blocks` blocks of `threads` threads of a kernel on a stream; `parameters` are pointers to the arguments.
    pub(super) fn launch(
        &self,
        function: usize,
        [blocks, threads]: [u32; 2],
        stream: usize,
        parameters: &mut [*mut c_void],
    ) -> Result<()> {
        let (function, stream) = (function as Handle, stream as Handle);
        let code = (self.launch)(function, blocks, 1, 1, threads, 1, 1, 0, stream, parameters.as_mut_ptr(), null_mut());
        self.check(code, "cuLaunchKernel")
    }

    /// Free and total memory of the current context's GPU, bytes.
    pub(super) fn memory(&self) -> Result<(usize, usize)> {
        let (mut free, mut total) = (0, 0);
        self.check((self.memory)(&raw mut free, &raw mut total), "cuMemGetInfo")?;
        Ok((free, total))
    }
}

fn symbol<F: Copy>(library: &Library, name: &str) -> Result<F> {
    library.function(name).map_err(|why| fault(why).hint("install NVIDIA's driver, release 580 or newer"))
}

pub(super) fn fault(problem: String) -> Error {
    Error::resource("cuda", problem)
}
