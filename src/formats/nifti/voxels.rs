//! Stored numbers of any type and byte order → f32 voxels.

use super::header::{Header, Refusal};
use super::open::{Broken, Stream};
use crate::error::{Error, Result};
use rayon::prelude::*;
use std::path::Path;

/// Bytes converted at a time; a multiple of every type's size.
const CHUNK: usize = 1 << 22;

/// Type of the stored numbers, by NIfTI's `datatype` code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    I8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

/// Code, type, bytes and name of what is read.
const KINDS: [(i16, Kind, usize, &str); 10] = [
    (2, Kind::U8, 1, "uint8"),
    (4, Kind::I16, 2, "int16"),
    (8, Kind::I32, 4, "int32"),
    (16, Kind::F32, 4, "float32"),
    (64, Kind::F64, 8, "float64"),
    (256, Kind::I8, 1, "int8"),
    (512, Kind::U16, 2, "uint16"),
    (768, Kind::U32, 4, "uint32"),
    (1024, Kind::I64, 8, "int64"),
    (1280, Kind::U64, 8, "uint64"),
];

/// Codes of what is known and not read.
const REFUSED: [(i16, &str); 7] = [
    (1, "binary"),
    (32, "complex64"),
    (128, "RGB colour"),
    (1536, "float128"),
    (1792, "complex128"),
    (2048, "complex256"),
    (2304, "RGBA colour"),
];

impl Kind {
    pub(super) fn of(code: i16, bits: i16) -> std::result::Result<Self, Refusal> {
        if let Some((_, name)) = REFUSED.iter().find(|(known, _)| *known == code) {
            return Err(Refusal::new(format!("expected one real number per voxel, got {name}"), "convert it to a grey-scale volume first"));
        }
        let Some((_, kind, bytes, name)) = KINDS.iter().find(|(known, ..)| *known == code) else {
            return Err(Refusal::new(format!("unknown datatype code {code}"), ""));
        };
        if i32::from(bits) != 8 * *bytes as i32 {
            return Err(Refusal::new(format!("its header contradicts itself: {name} has {} bits, bitpix says {bits}", 8 * bytes), ""));
        }
        Ok(*kind)
    }

    fn row(self) -> &'static (i16, Self, usize, &'static str) {
        KINDS.iter().find(|(_, kind, ..)| *kind == self).expect("every kind has its row")
    }

    pub(super) fn bytes(self) -> usize {
        self.row().2
    }

    pub(super) fn name(self) -> &'static str {
        self.row().3
    }
}

/// value = slope · stored + intercept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scaling {
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

impl Scaling {
    /// A slope of 0 or NaN means no scaling (as nibabel); otherwise both must be finite.
    pub(super) fn of(slope: f32, intercept: f32) -> std::result::Result<Self, Refusal> {
        if slope == 0.0 || slope.is_nan() {
            return Ok(Self { slope: 1.0, intercept: 0.0 });
        }
        if !slope.is_finite() || !intercept.is_finite() {
            return Err(Refusal::new(format!("expected a finite scaling, got scl_slope {slope} and scl_inter {intercept}"), ""));
        }
        Ok(Self { slope: slope.into(), intercept: intercept.into() })
    }

    pub(super) fn is_identity(self) -> bool {
        self.slope == 1.0 && self.intercept == 0.0
    }
}

/// Reads the voxels of `header` from the stream, in storage order, scaled.
pub(super) fn read(stream: &mut Stream, header: &Header) -> std::result::Result<Vec<f32>, Broken> {
    let (voxels, size) = (header.voxels(), header.kind.bytes());
    let total = (voxels * size) as u64;
    let mut values: Vec<f32> = Vec::new();
    values.try_reserve_exact(voxels).map_err(|_| Broken::Memory(4 * voxels as u64))?;
    let mut chunk = vec![0; CHUNK.min(voxels * size)];
    while values.len() < voxels {
        let wanted = chunk.len().min((voxels - values.len()) * size);
        let got = stream.fill(&mut chunk[..wanted])?;
        if got < wanted {
            return Err(Broken::Short { wanted: total, got: (values.len() * size + got) as u64, what: "voxels" });
        }
        convert(&chunk[..wanted], header, &mut values);
    }
    Ok(values)
}

/// Appends the values of `bytes`.
fn convert(bytes: &[u8], header: &Header, values: &mut Vec<f32>) {
    macro_rules! convert {
        ($type:ty) => {
            decode(
                bytes,
                values,
                header.scaling,
                if header.big_endian { |raw| <$type>::from_be_bytes(raw) as f64 } else { |raw| <$type>::from_le_bytes(raw) as f64 },
            )
        };
    }
    match header.kind {
        Kind::U8 => convert!(u8),
        Kind::I8 => convert!(i8),
        Kind::I16 => convert!(i16),
        Kind::U16 => convert!(u16),
        Kind::I32 => convert!(i32),
        Kind::U32 => convert!(u32),
        Kind::I64 => convert!(i64),
        Kind::U64 => convert!(u64),
        Kind::F32 => convert!(f32),
        Kind::F64 => convert!(f64),
    }
}

/// One type: bytes → f64 → scaled → f32, in parallel, in order.
fn decode<const N: usize>(bytes: &[u8], values: &mut Vec<f32>, scaling: Scaling, number: impl Fn([u8; N]) -> f64 + Sync) {
    let value = |raw: &[u8; N]| (number(*raw) * scaling.slope + scaling.intercept) as f32;
    let (raw, _) = bytes.as_chunks::<N>();
    values.par_extend(raw.par_iter().with_min_len(1 << 14).map(value));
}

/// Refuses NaN and infinite voxels, counting them.
pub(super) fn check_finite(path: &Path, values: &[f32]) -> Result<()> {
    let count = |test: fn(f32) -> bool| values.par_iter().with_min_len(1 << 16).filter(|v| test(**v)).count();
    let (nan, infinite) = (count(f32::is_nan), count(f32::is_infinite));
    if nan + infinite == 0 {
        return Ok(());
    }
    Err(Error::input(path, format!("expected finite voxels, got {nan} NaN and {infinite} infinite of {}", values.len()))
        .hint("replace them in the source, for instance by the value of air: numpy.nan_to_num(data, nan=-1000)"))
}
