//! NIfTI's datatype codes and scaling.

use super::refusal::Refusal;
use crate::formats::stored::{Scaling, VoxelType};

/// Supported datatype codes and their types.
const KINDS: [(i16, VoxelType); 10] = [
    (2, VoxelType::U8),
    (4, VoxelType::I16),
    (8, VoxelType::I32),
    (16, VoxelType::F32),
    (64, VoxelType::F64),
    (256, VoxelType::I8),
    (512, VoxelType::U16),
    (768, VoxelType::U32),
    (1024, VoxelType::I64),
    (1280, VoxelType::U64),
];

/// Datatype codes that are known but not supported.
const REFUSED: [(i16, &str); 7] = [
    (1, "binary"),
    (32, "complex64"),
    (128, "RGB colour"),
    (1536, "float128"),
    (1792, "complex128"),
    (2048, "complex256"),
    (2304, "RGBA colour"),
];

/// The type of a datatype code; `bits` (the header's bitpix) must agree with it.
pub(super) fn voxel_type(code: i16, bits: i16) -> std::result::Result<VoxelType, Refusal> {
    if let Some((_, name)) = REFUSED.iter().find(|(known, _)| *known == code) {
        return Err(Refusal::new(
            format!("expected one real number per voxel, got {name}"),
            "convert it to a grey-scale volume first",
        ));
    }
    let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == code) else {
        return Err(Refusal::new(format!("unknown datatype code {code}"), ""));
    };
    if i32::from(bits) != 8 * kind.bytes() as i32 {
        return Err(Refusal::new(
            format!("its header contradicts itself: {} has {} bits, bitpix says {bits}", kind.name(), 8 * kind.bytes()),
            "",
        ));
    }
    Ok(*kind)
}

/// A slope of 0 or NaN means no scaling (as nibabel); otherwise both must be finite.
pub(super) fn scaling(slope: f64, intercept: f64) -> std::result::Result<Scaling, Refusal> {
    if slope == 0.0 || slope.is_nan() {
        return Ok(Scaling::NONE);
    }
    if !slope.is_finite() || !intercept.is_finite() {
        return Err(Refusal::new(
            format!("expected a finite scaling, got scl_slope {slope} and scl_inter {intercept}"),
            "",
        ));
    }
    Ok(Scaling { slope, intercept })
}
