//! Keeps freed memory in the process, instead of returning it to the system.
//!
//! A step of a fit allocates and frees the same few megabytes dozens of times. By default glibc returns blocks of that
//! size to the system at once, and the system then provides empty pages again with a page fault for every 4 KiB: half
//! of the processor time of a fit on a grid of 64³.

/// Keeps freed blocks of up to 32 MiB (glibc takes no higher limit) for the next request, and as much as 1 GiB of them.
/// Call it once, before anything large is allocated. Does nothing where the C library is not glibc.
#[allow(unsafe_code)]
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two numbers and may be called at any time; an unknown parameter or value is refused by a
    // return value of 0.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
    }
}
