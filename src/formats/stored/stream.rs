//! A stream of the bytes of a data file, limited in size, and decompressed where the file is compressed.

use super::Stored;
use crate::data::Warning;
use crate::error::{Error, Result};
use crate::input_path;
use crate::memory;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Largest expansion factor of Deflate (RFC 1951: 258 bytes out of 2 bits).
const DEFLATE_RATIO: u64 = 1032;
/// Largest number of bytes after the voxels that are tolerated (with a warning).
const TRAILING: u64 = 1 << 20;

/// Compression of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Packing {
    /// Not compressed.
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// zlib (RFC 1950).
    Zlib,
}

/// A file being read.
pub(in crate::formats) struct Stream {
    inner: Box<dyn Read>,
    /// Largest number of bytes that the stream can yield, given the size of the file.
    pub(in crate::formats) capacity: u64,
    /// Bytes of the file from the start of the stream on, before decompression.
    pub(in crate::formats) size: u64,
    /// Whether it is compressed.
    pub(in crate::formats) packed: bool,
    /// Bytes taken so far.
    taken: u64,
}

/// An error while reading a stream, without the path of the file.
#[derive(Debug)]
pub(in crate::formats) enum Broken {
    Io(io::Error),
    Short { wanted: u64, got: u64, what: &'static str },
    Memory(u64),
    Trailing(u64),
}

impl Broken {
    /// The error for the file `path`.
    pub(in crate::formats) fn at(self, path: &Path) -> Error {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Error::input(path, "the compressed data ends too early; is the file complete?")
            }
            Self::Io(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                Error::input(path, format!("damaged compressed data: {error}")).hint("copy or download the file again")
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
    /// Opens a file: gzip or plain, judged by its first bytes, not by its name.
    pub(in crate::formats) fn open(path: &Path) -> Result<Self> {
        Self::begin(path, 0, None)
    }

    /// Opens the part of a file from byte `offset` on.
    pub(in crate::formats) fn behind(path: &Path, offset: u64, packing: Packing) -> Result<Self> {
        Self::begin(path, offset, Some(packing))
    }

    fn begin(path: &Path, offset: u64, packing: Option<Packing>) -> Result<Self> {
        let fail = |error: io::Error| Error::read(path, &error);
        let mut file = input_path::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(Error::input(path, "expected a file, found a folder"));
        }
        file.seek(SeekFrom::Start(offset)).map_err(fail)?;
        let size = metadata.len().saturating_sub(offset);
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let gzip = io::BufRead::fill_buf(&mut reader).map_err(fail)?.starts_with(&[0x1f, 0x8b]);
        let packing = packing.unwrap_or(if gzip { Packing::Gzip } else { Packing::None });
        let inner: Box<dyn Read> = match packing {
            Packing::None => Box::new(reader),
            Packing::Gzip => Box::new(MultiGzDecoder::new(reader)),
            Packing::Zlib => Box::new(ZlibDecoder::new(reader)),
        };
        let packed = packing != Packing::None;
        let capacity = if packed { size.saturating_mul(DEFLATE_RATIO) } else { size };
        Ok(Self { inner, capacity, size, packed, taken: 0 })
    }

    /// Refuses a header that declares more voxels than the stream can hold, or than fit into memory. `offset` is the
    /// byte of the first voxel in the stream.
    pub(in crate::formats) fn admit(&self, path: &Path, offset: u64, stored: &Stored) -> Result<()> {
        let needed = offset + (stored.voxels() * stored.kind.bytes()) as u64;
        if needed > self.capacity {
            let problem = format!(
                "its header declares {:?} voxels of {} = {needed} bytes, but the file has {}{}",
                stored.affine.shape,
                stored.kind.name(),
                self.size,
                if self.packed { " (compressed)" } else { "" }
            );
            return Err(Error::input(path, problem).hint("is the file complete?"));
        }
        memory::admit(path, stored.voxels() as u64)
    }

    /// Fills `buffer` as far as the stream goes; fewer bytes than asked only at its end.
    pub(in crate::formats) fn fill(&mut self, buffer: &mut [u8]) -> std::result::Result<usize, Broken> {
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
    pub(in crate::formats) fn skip_to(&mut self, offset: u64) -> std::result::Result<(), Broken> {
        let wanted = offset.saturating_sub(self.taken);
        let got = io::copy(&mut self.inner.by_ref().take(wanted), &mut io::sink()).map_err(Broken::Io)?;
        self.taken += got;
        if got < wanted {
            Err(Broken::Short { wanted: offset, got: self.taken, what: "header and extensions" })
        } else {
            Ok(())
        }
    }

    /// Reads to the end of the stream, where gzip verifies its checksum. Trailing bytes give a warning, or an error if
    /// there are more than [`TRAILING`].
    pub(in crate::formats) fn finish(mut self) -> std::result::Result<Option<Warning>, Broken> {
        let rest = io::copy(&mut self.inner.by_ref().take(TRAILING + 1), &mut io::sink()).map_err(Broken::Io)?;
        match rest {
            0 => Ok(None),
            rest if rest > TRAILING => Err(Broken::Trailing(TRAILING)),
            rest => Ok(Some(Warning::new("trailing_bytes", format!("{rest} bytes after the voxels were ignored")))),
        }
    }
}
