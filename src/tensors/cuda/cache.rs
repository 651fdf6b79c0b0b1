//! Compiled kernels in a folder on disk, named by the GPU's architecture and the hash of all text they depend on, so
//! that a second run compiles nothing.

use crate::error::Result;
use crate::formats::atomic;
use crate::progress;
use std::path::{Path, PathBuf};

/// Length of the hash that follows the code in a file, bytes.
const HASH: usize = 32;

/// The compiled code of `name` for an architecture: read from the cache `folder`, or compiled by `compile` and stored
/// there. `depends` is all text that the code depends on.
///
/// # Errors
/// Errors of `compile`. If the cache cannot be written, there is only a warning.
pub(super) fn code(
    folder: Option<&Path>,
    name: &str,
    architecture: &str,
    depends: &str,
    compile: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let hash = blake3::hash(depends.as_bytes()).to_hex();
    let Some(folder) = folder else { return compile() };
    let path = folder.join(format!("{name}-{architecture}-{}.cubin", &hash[..16]));
    if let Some(code) = std::fs::read(&path).ok().and_then(whole) {
        return Ok(code);
    }
    let code = compile()?;
    let mut kept = code.clone();
    kept.extend(blake3::hash(&code).as_bytes());
    let written = std::fs::create_dir_all(folder).is_ok() && atomic::write(&path, &kept).is_ok();
    if !written {
        let message = format!("kernels cannot be stored in {}; every run compiles them again", folder.display());
        progress::warn("kernel_cache", &message);
    }
    Ok(code)
}

/// The code without its hash, if the hash matches.
fn whole(mut kept: Vec<u8>) -> Option<Vec<u8>> {
    let length = kept.len().checked_sub(HASH)?;
    let hash = kept.split_off(length);
    (blake3::hash(&kept).as_bytes() == hash.as_slice()).then_some(kept)
}

/// Folder for compiled kernels: `RECON_KERNEL_CACHE`, else the user's cache folder; `None` if neither is known.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("RECON_KERNEL_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("recon/kernels")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache/recon/kernels")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_code_is_not_whole() {
        let code = vec![7u8; 100];
        let mut kept = code.clone();
        kept.extend(blake3::hash(&code).as_bytes());
        assert_eq!(whole(kept.clone()), Some(code));
        kept[3] ^= 1;
        assert_eq!((whole(kept), whole(vec![1; 5])), (None, None));
    }
}
