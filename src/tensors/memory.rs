//! Freed memory stays with the process.
//!
//! A step of a fit takes and frees the same few megabytes dozens of times. glibc gives blocks of that size back to the
//! system at once, which then hands out empty pages again, one fault for every 4 KiB: half the processor time of a fit
//! on a grid of 64³.

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
