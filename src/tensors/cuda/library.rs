//! Shared libraries that are opened at run time, and their functions.

use std::ffi::{CStr, CString, c_void};
use std::mem::size_of;

/// A library that stays open until the process ends.
#[derive(Debug, Clone)]
pub(super) struct Library {
    /// Name or path by which it was opened.
    pub(super) name: String,
    handle: usize,
}

impl Library {
    /// Opens `name`, a path or a name that the loader searches for; its symbols are visible to libraries opened later.
    ///
    /// # Errors
    /// The loader's message.
    pub(super) fn open(name: &str) -> Result<Self, String> {
        let text = CString::new(name).map_err(|_| "a NUL in a library's path".to_string())?;
        // SAFETY: the name is a valid C string; the libraries opened are the CUDA driver, NVRTC and libtorch, whose
        // initialisers are what a normal link would have run too. dlerror's text is copied before any other call.
        #[allow(unsafe_code)]
        let handle = unsafe { libc::dlopen(text.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        if handle.is_null() { Err(complaint()) } else { Ok(Self { name: name.to_string(), handle: handle as usize }) }
    }

    /// The function `name` as the C type `F`, a function pointer.
    ///
    /// # Errors
    /// When there is no such symbol.
    pub(super) fn function<F: Copy>(&self, name: &str) -> Result<F, String> {
        assert_eq!(size_of::<F>(), size_of::<*mut c_void>(), "F is a function pointer");
        let text = CString::new(name).map_err(|_| "a NUL in a symbol's name".to_string())?;
        // SAFETY: the handle is open. A function pointer has the size of an address, and the callers' types are those
        // of the libraries' headers.
        #[allow(unsafe_code)]
        unsafe {
            let address = libc::dlsym(self.handle as *mut c_void, text.as_ptr());
            if address.is_null() {
                return Err(format!("{} has no {name}: it is too old", self.name));
            }
            Ok(std::mem::transmute_copy::<*mut c_void, F>(&address))
        }
    }
}

fn complaint() -> String {
    // SAFETY: dlerror returns null or a C string that lives until the next call to the loader in this thread.
    #[allow(unsafe_code)]
    unsafe {
        let message = libc::dlerror();
        if message.is_null() {
            "no reason given".to_string()
        } else {
            CStr::from_ptr(message).to_string_lossy().into_owned()
        }
    }
}
