//! Conversion of stored numbers of any type and byte order to float32 voxels.

use super::Stored;
use super::numbers::{Scaling, VoxelType};
use super::stream::{Broken, Stream};
use crate::error::{Error, Result};
use rayon::prelude::*;
use std::path::Path;

/// Bytes converted at a time; a multiple of every type's size.
const CHUNK: usize = 1 << 22;
/// Voxels that one thread takes at a time.
const PART: usize = 1 << 16;

/// Reads the voxels that a header describes from the stream, in storage order, scaled.
pub(in crate::formats) fn read(stream: &mut Stream, stored: &Stored) -> std::result::Result<Vec<f32>, Broken> {
    let (voxels, size) = (stored.voxels(), stored.kind.bytes());
    let mut values: Vec<f32> = Vec::new();
    values.try_reserve_exact(voxels).map_err(|_| Broken::Memory(4 * voxels as u64))?;
    let mut bytes = vec![0; CHUNK.min(voxels * size)];
    while values.len() < voxels {
        let (done, wanted) = (values.len(), bytes.len().min((voxels - values.len()) * size));
        let got = stream.fill(&mut bytes[..wanted])?;
        if got < wanted {
            return Err(Broken::Short {
                wanted: (voxels * size) as u64,
                got: (done * size + got) as u64,
                what: "voxels",
            });
        }
        // Reserved memory is filled only as bytes arrive, whatever the header promised.
        values.resize(done + wanted / size, 0.0);
        convert(&bytes[..wanted], stored, &mut values[done..]);
    }
    Ok(values)
}

/// Converts stored numbers to values, one for one.
fn convert(bytes: &[u8], stored: &Stored, values: &mut [f32]) {
    macro_rules! convert {
        ($type:ty) => {
            if stored.big_endian {
                decode(bytes, values, stored.scaling, |raw| <$type>::from_be_bytes(raw) as f64)
            } else {
                decode(bytes, values, stored.scaling, |raw| <$type>::from_le_bytes(raw) as f64)
            }
        };
    }
    match stored.kind {
        VoxelType::U8 => convert!(u8),
        VoxelType::I8 => convert!(i8),
        VoxelType::I16 => convert!(i16),
        VoxelType::U16 => convert!(u16),
        VoxelType::I32 => convert!(i32),
        VoxelType::U32 => convert!(u32),
        VoxelType::I64 => convert!(i64),
        VoxelType::U64 => convert!(u64),
        VoxelType::F32 => convert!(f32),
        VoxelType::F64 => convert!(f64),
    }
}

/// Converts numbers of one type: bytes → f64 → scaled → f32, in parallel.
fn decode<const N: usize>(bytes: &[u8], values: &mut [f32], scaling: Scaling, number: impl Fn([u8; N]) -> f64 + Sync) {
    values.par_chunks_mut(PART).zip(bytes.par_chunks(PART * N)).for_each(|(values, bytes)| {
        for (value, raw) in values.iter_mut().zip(bytes.as_chunks::<N>().0) {
            *value = (number(*raw) * scaling.slope + scaling.intercept) as f32;
        }
    });
}

/// Smallest and largest value; if any are NaN or infinite, an error that counts them.
pub(in crate::formats) fn range(path: &Path, values: &[f32]) -> Result<(f32, f32)> {
    let join =
        |a: Summary, b: Summary| Summary { low: a.low.min(b.low), high: a.high.max(b.high), doubt: a.doubt + b.doubt };
    let all = values.par_chunks(PART).map(Summary::of).reduce(|| Summary::NONE, join);
    if all.doubt == 0.0 {
        return Ok((all.low, all.high));
    }
    let nan = values.iter().filter(|v| v.is_nan()).count();
    let infinite = values.iter().filter(|v| v.is_infinite()).count();
    Err(Error::input(
        path,
        format!("expected finite voxels, got {nan} NaN and {infinite} infinite of {}", values.len()),
    )
    .hint("replace them in the source, for instance by the value of air: numpy.nan_to_num(data, nan=-1000)"))
}

/// Result of one pass over voxels.
#[derive(Clone, Copy)]
struct Summary {
    low: f32,
    high: f32,
    /// 0, or NaN if a voxel is not finite.
    doubt: f32,
}

impl Summary {
    const NONE: Self = Self { low: f32::INFINITY, high: f32::NEG_INFINITY, doubt: 0.0 };

    /// Summarizes values in independent lanes, which compilers turn into vector instructions.
    fn of(values: &[f32]) -> Self {
        const LANES: usize = 16;
        let (mut low, mut high, mut doubt) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES], [0.0; LANES]);
        let mut add = |part: &[f32; LANES]| {
            low.iter_mut().zip(part).for_each(|(low, &v)| *low = if v < *low { v } else { *low });
            high.iter_mut().zip(part).for_each(|(high, &v)| *high = if v > *high { v } else { *high });
            // 0 · NaN and 0 · ∞ are NaN.
            doubt.iter_mut().zip(part).for_each(|(doubt, &v)| *doubt += 0.0 * v);
        };
        let (whole, rest) = values.as_chunks::<LANES>();
        whole.iter().for_each(&mut add);
        if let Some(&first) = rest.first() {
            let mut last = [first; LANES];
            last[..rest.len()].copy_from_slice(rest);
            add(&last);
        }
        let (low, high) =
            (low.into_iter().fold(f32::INFINITY, f32::min), high.into_iter().fold(f32::NEG_INFINITY, f32::max));
        Self { low, high, doubt: doubt.into_iter().sum() }
    }
}
