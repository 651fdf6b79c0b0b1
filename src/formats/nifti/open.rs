//! From a path to the bytes of a header and a bounded stream of what follows.

use crate::data::Warning;
use crate::error::{Error, Result};
use crate::input_path;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Bytes of a NIfTI-1 header.
pub(super) const HEADER_BYTES: usize = 348;
/// Deflate cannot expand by more (RFC 1951: 258 bytes out of 2 bits).
const DEFLATE_RATIO: u64 = 1032;
/// Bytes after the voxels that are tolerated (with a warning).
const TRAILING: u64 = 1 << 20;

/// A file being read: gzip or plain, told by its first bytes, not by its name.
pub(super) struct Stream {
    inner: Box<dyn Read>,
    /// Most bytes the stream can give, judged by the size of the file.
    pub(super) capacity: u64,
    /// Bytes of the file.
    pub(super) size: u64,
    /// Whether it is compressed.
    pub(super) gzip: bool,
    /// Bytes taken so far.
    taken: u64,
}

/// What went wrong while reading, before it is known in which file.
#[derive(Debug)]
pub(super) enum Broken {
    Io(io::Error),
    Short { wanted: u64, got: u64, what: &'static str },
    Memory(u64),
    Trailing(u64),
}

impl Broken {
    /// The error, in `path`.
    pub(super) fn at(self, path: &Path) -> Error {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Error::input(path, "the compressed data ends too early; is the file complete?")
            }
            Self::Io(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                Error::input(path, format!("damaged gzip data: {error}")).hint("copy or download the file again")
            }
            Self::Io(error) => Error::read(path, &error),
            Self::Short { wanted, got, what } => {
                Error::input(path, format!("expected {wanted} bytes of {what}, got {got}; is the file complete?"))
            }
            Self::Memory(bytes) => Error::resource(
                path.display().to_string(),
                format!("not enough memory for its {bytes} bytes of voxels"),
            ),
            Self::Trailing(bytes) => {
                Error::input(path, format!("more than {bytes} bytes follow the voxels that its header declares"))
                    .hint("the header's dimensions seem too small for the data")
            }
        }
    }
}

impl Stream {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let fail = |error: io::Error| Error::read(path, &error);
        let file = input_path::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(Error::input(path, "expected a NIfTI file, found a folder"));
        }
        let size = metadata.len();
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let gzip = io::BufRead::fill_buf(&mut reader).map_err(fail)?.starts_with(&[0x1f, 0x8b]);
        let capacity = if gzip { size.saturating_mul(DEFLATE_RATIO) } else { size };
        let inner: Box<dyn Read> = if gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
        Ok(Self { inner, capacity, size, gzip, taken: 0 })
    }

    /// Fills `buffer` as far as the stream goes; fewer bytes than asked only at its end.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> std::result::Result<usize, Broken> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Io(error)),
            }
        }
        self.taken += filled as u64;
        Ok(filled)
    }

    /// Skips to byte `offset` of the stream.
    pub(super) fn skip_to(&mut self, offset: u64) -> std::result::Result<(), Broken> {
        let wanted = offset.saturating_sub(self.taken);
        let got = io::copy(&mut self.inner.by_ref().take(wanted), &mut io::sink()).map_err(Broken::Io)?;
        self.taken += got;
        if got < wanted {
            Err(Broken::Short { wanted: offset, got: self.taken, what: "header and extensions" })
        } else {
            Ok(())
        }
    }

    /// Reads to the end, which is where gzip keeps its check sum.
    pub(super) fn finish(mut self) -> std::result::Result<Option<Warning>, Broken> {
        let rest = io::copy(&mut self.inner.by_ref().take(TRAILING + 1), &mut io::sink()).map_err(Broken::Io)?;
        match rest {
            0 => Ok(None),
            rest if rest > TRAILING => Err(Broken::Trailing(TRAILING)),
            rest => Ok(Some(Warning::new("trailing_bytes", format!("{rest} bytes after the voxels were ignored")))),
        }
    }
}

/// The files that hold the header and the voxels: both of a `.hdr` and `.img` pair, whichever was named, else the file
/// twice.
#[must_use]
pub fn parts(path: &Path) -> (PathBuf, PathBuf) {
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
        let pair = |a: &str, b: &str| (PathBuf::from(a), PathBuf::from(b));
        assert_eq!(parts(Path::new("d/a.hdr")), pair("d/a.hdr", "d/a.img"));
        assert_eq!(parts(Path::new("d/a.b.img.gz")), pair("d/a.b.hdr.gz", "d/a.b.img.gz"));
        assert_eq!(parts(Path::new("d/a.nii.gz")), pair("d/a.nii.gz", "d/a.nii.gz"));
    }
}
