//! How numbers are stored, and how they become values.

use super::refusal::Refusal;

/// Type of the stored numbers, by NIfTI's `datatype` code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VoxelType {
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
const KINDS: [(i16, VoxelType, usize, &str); 10] = [
    (2, VoxelType::U8, 1, "uint8"),
    (4, VoxelType::I16, 2, "int16"),
    (8, VoxelType::I32, 4, "int32"),
    (16, VoxelType::F32, 4, "float32"),
    (64, VoxelType::F64, 8, "float64"),
    (256, VoxelType::I8, 1, "int8"),
    (512, VoxelType::U16, 2, "uint16"),
    (768, VoxelType::U32, 4, "uint32"),
    (1024, VoxelType::I64, 8, "int64"),
    (1280, VoxelType::U64, 8, "uint64"),
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

impl VoxelType {
    pub(super) fn of(code: i16, bits: i16) -> std::result::Result<Self, Refusal> {
        if let Some((_, name)) = REFUSED.iter().find(|(known, _)| *known == code) {
            return Err(Refusal::new(
                format!("expected one real number per voxel, got {name}"),
                "convert it to a grey-scale volume first",
            ));
        }
        let Some((_, kind, bytes, name)) = KINDS.iter().find(|(known, ..)| *known == code) else {
            return Err(Refusal::new(format!("unknown datatype code {code}"), ""));
        };
        if i32::from(bits) != 8 * *bytes as i32 {
            return Err(Refusal::new(
                format!("its header contradicts itself: {name} has {} bits, bitpix says {bits}", 8 * bytes),
                "",
            ));
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
            return Err(Refusal::new(
                format!("expected a finite scaling, got scl_slope {slope} and scl_inter {intercept}"),
                "",
            ));
        }
        Ok(Self { slope: slope.into(), intercept: intercept.into() })
    }

    pub(super) fn is_identity(self) -> bool {
        self.slope == 1.0 && self.intercept == 0.0
    }
}
