//! gzip in parallel: pieces of fixed length are deflated on all threads and joined to one member, as `pigz` does.
//! Each piece but the last ends at a byte boundary by an empty stored block (RFC 1951 3.2.4). The bytes do not depend
//! on the number of threads.

use flate2::{Compress, Compression, Crc, FlushCompress};
use rayon::prelude::*;
use std::io::{self, Write};

/// Bytes of a piece: 128 windows of deflate (32 KiB each), so that restarting the compression at each piece costs
/// little.
const PIECE: usize = 1 << 22;
/// Largest number of pieces in memory at a time.
const AT_ONCE: usize = 16;
/// Header without name and time (RFC 1952), so that the same values give the same bytes.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const LEVEL: u32 = 4;

/// Writes `head` and then the bytes of `values` (f32, little-endian) as one gzip member.
pub(in crate::formats) fn write_gzip(out: &mut dyn Write, head: &[u8], values: &[f32]) -> io::Result<()> {
    out.write_all(&HEADER)?;
    let mut crc = Crc::new();
    crc.update(head);
    out.write_all(&deflated(head, false)?)?;
    let pieces: Vec<&[f32]> = values.chunks(PIECE / 4).collect();
    for group in pieces.chunks(AT_ONCE) {
        let done: Vec<io::Result<(Vec<u8>, Crc)>> = group
            .par_iter()
            .map(|piece| {
                let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
                let mut crc = Crc::new();
                crc.update(&bytes);
                Ok((deflated(&bytes, false)?, crc))
            })
            .collect();
        for part in done {
            let (bytes, own) = part?;
            crc.combine(&own);
            out.write_all(&bytes)?;
        }
    }
    out.write_all(&deflated(&[], true)?)?;
    out.write_all(&crc.sum().to_le_bytes())?;
    // The length modulo 2^32.
    out.write_all(&((head.len() + 4 * values.len()) as u32).to_le_bytes())
}

/// Compresses one piece of a deflate stream; `last` ends the stream.
fn deflated(bytes: &[u8], last: bool) -> io::Result<Vec<u8>> {
    let mut compress = Compress::new(Compression::new(LEVEL), false);
    let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
    let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
    loop {
        let taken = compress.total_in() as usize;
        let before = out.len();
        compress.compress_vec(&bytes[taken..], &mut out, flush).map_err(io::Error::other)?;
        // Unused capacity of the output means that everything was flushed.
        if compress.total_in() as usize == bytes.len() && (out.len() < out.capacity() || out.len() == before) {
            return Ok(out);
        }
        out.reserve(bytes.len() / 4 + 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_was_packed_by_any_number_of_threads_is_one_member_with_the_right_sum() {
        let values: Vec<f32> = (0..3_000_000).map(|n| (n % 977) as f32).collect();
        let pack = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = Vec::new();
            pool.install(|| write_gzip(&mut out, b"header", &values)).unwrap();
            out
        };
        let packed = pack(1);
        assert_eq!(packed, pack(3));
        let mut unpacked = Vec::new();
        // `GzDecoder` reads one member only, and verifies its checksum.
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(&unpacked[..6], b"header");
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert!(unpacked[6..] == bytes[..]);
        let mut empty = Vec::new();
        write_gzip(&mut empty, b"", &[]).unwrap();
        assert_eq!(flate2::read::GzDecoder::new(&empty[..]).read_to_end(&mut unpacked).unwrap(), 0);
    }
}
