//! The two files of a `.hdr` and `.img` pair.

use std::path::{Path, PathBuf};

/// The files that hold the header and the voxels: both of a `.hdr` and `.img` pair, whichever was named, otherwise the
/// same file twice.
#[must_use]
pub(super) fn pair(path: &Path) -> (PathBuf, PathBuf) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (stem, suffix) = match name.strip_suffix(".gz") {
        Some(stem) => (stem, ".gz"),
        None => (name.as_str(), ""),
    };
    let sibling =
        |from: &str, to: &str| stem.strip_suffix(from).map(|base| path.with_file_name(format!("{base}{to}{suffix}")));
    match (sibling(".img", ".hdr"), sibling(".hdr", ".img")) {
        (Some(header), _) => (header, path.to_path_buf()),
        (_, Some(data)) => (path.to_path_buf(), data),
        _ => (path.to_path_buf(), path.to_path_buf()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_file_of_a_pair_finds_the_other() {
        let both = |a: &str, b: &str| (PathBuf::from(a), PathBuf::from(b));
        assert_eq!(pair(Path::new("d/a.hdr")), both("d/a.hdr", "d/a.img"));
        assert_eq!(pair(Path::new("d/a.b.img.gz")), both("d/a.b.hdr.gz", "d/a.b.img.gz"));
        assert_eq!(pair(Path::new("d/a.nii.gz")), both("d/a.nii.gz", "d/a.nii.gz"));
    }
}
