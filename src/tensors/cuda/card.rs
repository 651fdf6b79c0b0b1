//! A CUDA GPU ("card") that runs our kernels on libtorch's own memory and stream: without a second allocator, copies or
//! events.

use super::argument::{self, Argument};
use super::compiler::Compiler;
use super::driver::{Driver, fault};
use super::library::Library;
use super::{Kernel, cache};
use crate::error::Result;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tch::Device;

/// Number of threads per block.
const BLOCK: usize = 256;

/// Function that returns the stream that libtorch uses on a GPU.
type StreamOf = extern "C" fn(c_int, *mut *mut c_void) -> c_int;

/// Shared libraries and folders that a GPU needs.
#[derive(Debug, Clone)]
pub struct Libraries {
    /// Name of the driver's library: `libcuda.so.1`.
    pub driver: String,
    /// Paths to try for NVRTC, in this order.
    pub compilers: Vec<PathBuf>,
    /// Path of libtorch's CUDA library, which knows the current stream.
    pub stream: String,
    /// Folder for compiled kernels; `None`: they are not stored.
    pub cache: Option<PathBuf>,
}

/// A CUDA GPU, opened once per process.
pub struct Card {
    driver: Driver,
    compiler: Compiler,
    stream_of: StreamOf,
    index: usize,
    context: usize,
    architecture: String,
    device: Device,
    cache: Option<PathBuf>,
    functions: Mutex<HashMap<&'static str, Function>>,
    modules: Mutex<HashMap<&'static str, usize>>,
}

/// A loaded kernel.
#[derive(Clone)]
struct Function {
    handle: usize,
    /// Types of its parameters in the source.
    parameters: Arc<[String]>,
}

thread_local! {
    static STAND_IN: RefCell<Option<Arc<Card>>> = const { RefCell::new(None) };
}
static OPEN: Mutex<Vec<(usize, Arc<Card>)>> = Mutex::new(Vec::new());

impl Card {
    /// Opens the GPU with the number `index`; its kernels take tensors on `device`.
    ///
    /// # Errors
    /// No driver or one that is too old, no such GPU, no NVRTC, no stream of libtorch; each with a hint.
    pub fn open(libraries: &Libraries, index: usize, device: Device) -> Result<Self> {
        let driver = Driver::open(&libraries.driver)?;
        if index >= driver.count {
            let problem = format!("this machine has {} GPU(s), numbered from 0", driver.count);
            return Err(fault(problem).hint("use `device: auto` or `cpu`"));
        }
        let compiler = Compiler::first_of(&libraries.compilers)?;
        let broken = |why: String| {
            fault(format!("libtorch's CUDA libraries cannot be opened ({why})")).hint("run `make libtorch-cuda`")
        };
        let half = Library::open(&libraries.stream).map_err(broken)?;
        let stream_of = half.function("aoti_torch_get_current_cuda_stream").map_err(broken)?;
        let (context, (major, minor)) = driver.context(index)?;
        Ok(Self {
            driver,
            compiler,
            stream_of,
            index,
            context,
            architecture: format!("sm_{major}{minor}"),
            device,
            cache: libraries.cache.clone(),
            functions: Mutex::default(),
            modules: Mutex::default(),
        })
    }

    /// Opens a GPU, or returns it if the process has opened it before.
    ///
    /// # Errors
    /// As [`Card::open`].
    pub(in crate::tensors) fn open_once(libraries: &Libraries, index: usize) -> Result<Arc<Self>> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, card)) = open.iter().find(|(number, _)| *number == index) {
            return Ok(card.clone());
        }
        let card = Arc::new(Self::open(libraries, index, Device::Cuda(index))?);
        open.push((index, card.clone()));
        Ok(card)
    }

    /// The GPU of a device; `None` for the CPU.
    ///
    /// # Errors
    /// A CUDA device that was not opened by [`choose`](crate::tensors::choose).
    pub fn of(device: Device) -> Result<Option<Arc<Self>>> {
        let Device::Cuda(index) = device else {
            return Ok(STAND_IN.with_borrow(Clone::clone));
        };
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open.iter().find(|(number, _)| *number == index).map(|(_, card)| card.clone());
        found.map(Some).ok_or_else(|| fault(format!("cuda:{index} was not opened before its first use")))
    }

    /// Makes `card` the GPU of the CPU device in this thread while `work` runs. For tests: with stub libraries, kernels
    /// that were compiled for the CPU run on tensors in its memory.
    #[doc(hidden)]
    pub fn stand_in<T>(card: Arc<Self>, work: impl FnOnce() -> T) -> T {
        STAND_IN.set(Some(card));
        let result = work();
        STAND_IN.set(None);
        result
    }

    /// The device whose tensors kernels take.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Architecture of the GPU, such as `sm_90`.
    #[must_use]
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// Free and total memory of the GPU, bytes.
    ///
    /// # Errors
    /// Failures of the driver.
    pub fn memory(&self) -> Result<(usize, usize)> {
        self.driver.enter(self.context)?;
        self.driver.memory()
    }

    /// Queues a kernel with `threads` threads (rounded up to whole blocks) on libtorch's current stream; returns before
    /// it has run.
    ///
    /// # Errors
    /// Arguments that do not match the kernel; code that cannot be compiled or loaded; failures of the driver.
    pub fn launch(&self, kernel: &Kernel, threads: usize, arguments: &[Argument]) -> Result<()> {
        if threads == 0 {
            return Ok(());
        }
        let blocks = u32::try_from(threads.div_ceil(BLOCK)).ok().filter(|&blocks| blocks <= 0x7fff_ffff);
        let blocks = blocks.ok_or_else(|| fault(format!("{threads} threads of {} exceed the limit", kernel.name)))?;
        self.driver.enter(self.context)?;
        let function = self.function(kernel)?;
        argument::check(kernel.name, &function.parameters, arguments)?;
        let mut stream = std::ptr::null_mut();
        if (self.stream_of)(self.index as c_int, &raw mut stream) != 0 {
            return Err(fault("libtorch did not return its current stream".to_string()));
        }
        let mut values: Vec<Vec<u64>> = arguments.iter().map(|argument| argument.bits.clone()).collect();
        let mut places: Vec<*mut c_void> = values.iter_mut().map(|bits| bits.as_mut_ptr().cast()).collect();
        self.driver.launch(function.handle, [blocks, BLOCK as u32], stream as usize, &mut places)
    }

    /// The loaded kernel; at first use its source is compiled, or its code read from the cache.
    fn function(&self, kernel: &Kernel) -> Result<Function> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(kernel.name) {
            return Ok(function.clone());
        }
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let source = kernel.source;
        let module = if let Some(&module) = modules.get(source.name) {
            module
        } else {
            let module = self.driver.load(&self.code(kernel)?)?;
            modules.insert(source.name, module);
            module
        };
        let parameters = argument::parameters(&source.text(), kernel.name)?.into();
        let function = Function { handle: self.driver.function(module, kernel.name)?, parameters };
        functions.insert(kernel.name, function.clone());
        Ok(function)
    }

    fn code(&self, kernel: &Kernel) -> Result<Vec<u8>> {
        let (name, text) = (kernel.source.name, kernel.source.text());
        let depends = format!("{}\n{text}", self.compiler.identity());
        cache::code(self.cache.as_deref(), name, &self.architecture, &depends, || {
            self.compiler.compile(&format!("{name}.cu"), &text, &self.architecture)
        })
    }
}
