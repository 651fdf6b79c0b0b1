//! Writer of NIfTI-1 files: float32, sform = qform with codes 1, millimetres, RAS.
//!
//! The array is stored along +x, +y, +z of RAS, as near as the grid allows. The quaternion's real part is not stored
//! but computed by readers as a = sqrt(1 − b² − c² − d²), which is inexact near 0 and exact near 1: in this order a ≥
//! 0.8, so sform and qform agree to float32 precision on oblique grids too.

use crate::data::{Point, Volume, norm, scale};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::formats::orient::{Affine, Order, orthonormal, reorder};
use crate::formats::stored::{write_floats, write_gzip};
use std::path::Path;

/// Bytes before the voxels: the header and an empty list of extensions.
const OFFSET: usize = 352;

/// Writes a volume as `.nii` or (by its name) `.nii.gz`, completely or not at all. `description` goes into the header
/// with the unit of the values, cut to 79 bytes. The same volume always gives the same bytes.
///
/// # Errors
/// [`Error::Config`] for another ending or an axis of more than 32767 voxels; [`Error::Resource`] when the file cannot
/// be written.
pub fn write(path: &Path, volume: &Volume, description: &str) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let gzip = name.ends_with(".nii.gz");
    if !gzip && !name.ends_with(".nii") {
        return Err(Error::config("", format!("expected a name ending in .nii or .nii.gz, got {name}")));
    }
    if volume.grid.shape.iter().any(|&n| n > i16::MAX as usize) {
        return Err(Error::config(
            "",
            format!("NIfTI holds at most {} voxels along an axis, got {:?}", i16::MAX, volume.grid.shape),
        ));
    }
    let (affine, order) = ras(volume);
    let voxels = reorder(volume.as_slice().to_vec(), volume.grid.shape, order);
    let header = header(&affine, &format!("{description} [{}]", volume.quantity.unit()));
    atomic::write_with(path, |out| {
        if gzip {
            return write_gzip(out, &header, &voxels);
        }
        out.write_all(&header)?;
        write_floats(out, &voxels)
    })
}

/// The affine in RAS mm, array axes closest to +z, +y, +x of RAS, and the order that brings the voxels there.
fn ras(volume: &Volume) -> (Affine, Order) {
    let flip = |[x, y, z]: Point| [-x, -y, z];
    let stored = Affine::from(&volume.grid);
    let mirrored = Affine { steps: stored.steps.map(flip), origin: flip(stored.origin), shape: stored.shape };
    let order = mirrored.canonical_order();
    (mirrored.reordered(order), order)
}

fn header(affine: &Affine, description: &str) -> [u8; OFFSET] {
    let [dz, dy, dx] = affine.steps.map(norm);
    let [z, y, x] = orthonormal([0, 1, 2].map(|k| scale(affine.steps[k], 1.0 / norm(affine.steps[k]))));
    let (qfac, [b, c, d]) = quaternion([x, y, z]);
    let mut out = Record([0; OFFSET]);
    out.put(0, &348i32.to_le_bytes());
    out.put(38, b"r");
    let [nz, ny, nx] = affine.shape.map(|n| n as i16);
    out.shorts(40, &[3, nx, ny, nz, 1, 1, 1, 1]);
    out.shorts(70, &[16, 32]);
    out.floats(76, &[qfac, dx, dy, dz, 1.0, 1.0, 1.0, 1.0]);
    out.floats(108, &[OFFSET as f64, 1.0, 0.0]);
    out.put(123, &[2]);
    out.put(148, &description.as_bytes()[..description.floor_char_boundary(79)]);
    out.shorts(252, &[1, 1]);
    let [ox, oy, oz] = affine.origin;
    out.floats(256, &[b, c, d, ox, oy, oz]);
    for (row, place) in [280, 296, 312].into_iter().enumerate() {
        out.floats(place, &[x[row] * dx, y[row] * dy, z[row] * dz, affine.origin[row]]);
    }
    out.put(344, b"n+1\0");
    out.0
}

/// (qfac, [b, c, d]) of the rotation with columns `axes` (mirrored along the third by qfac = −1). Of the four textbook
/// formulae the one with the largest divisor is used (Shepperd 1978); the sign makes a ≥ 0, as readers assume.
fn quaternion(axes: [Point; 3]) -> (f64, [f64; 3]) {
    use crate::data::{cross, dot};
    let qfac = if dot(cross(axes[0], axes[1]), axes[2]) < 0.0 { -1.0 } else { 1.0 };
    let m = |row: usize, column: usize| axes[column][row] * if column == 2 { qfac } else { 1.0 };
    let squares = [
        1.0 + m(0, 0) + m(1, 1) + m(2, 2),
        1.0 + m(0, 0) - m(1, 1) - m(2, 2),
        1.0 - m(0, 0) + m(1, 1) - m(2, 2),
        1.0 - m(0, 0) - m(1, 1) + m(2, 2),
    ];
    let largest = (0..4).fold(0, |best, k| if squares[k] > squares[best] { k } else { best });
    let s = 2.0 * squares[largest].sqrt();
    let minus = [m(2, 1) - m(1, 2), m(0, 2) - m(2, 0), m(1, 0) - m(0, 1)].map(|v| v / s);
    let plus = [m(1, 0) + m(0, 1), m(0, 2) + m(2, 0), m(2, 1) + m(1, 2)].map(|v| v / s);
    let [a, b, c, d] = match largest {
        0 => [s / 4.0, minus[0], minus[1], minus[2]],
        1 => [minus[0], s / 4.0, plus[0], plus[1]],
        2 => [minus[1], plus[0], s / 4.0, plus[2]],
        _ => [minus[2], plus[1], plus[2], s / 4.0],
    };
    let sign = if a < 0.0 { -1.0 } else { 1.0 };
    (qfac, [b * sign, c * sign, d * sign])
}

/// Bytes of a header, filled at the byte offsets of its fields.
struct Record([u8; OFFSET]);

impl Record {
    fn put(&mut self, place: usize, bytes: &[u8]) {
        self.0[place..place + bytes.len()].copy_from_slice(bytes);
    }
    fn shorts(&mut self, place: usize, values: &[i16]) {
        for (k, value) in values.iter().enumerate() {
            self.put(place + 2 * k, &value.to_le_bytes());
        }
    }
    fn floats(&mut self, place: usize, values: &[f64]) {
        for (k, value) in values.iter().enumerate() {
            self.put(place + 4 * k, &(*value as f32).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{dot, sub};

    #[test]
    fn quaternions_turn_back_into_their_rotation() {
        for (b, c, d) in [(0.1, 0.2, 0.3), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.6, 0.0, 0.8), (-0.5, 0.5, 0.5)] {
            let a = f64::sqrt(f64::max(0.0, 1.0 - b * b - c * c - d * d));
            let axes = [
                [a * a + b * b - c * c - d * d, 2.0 * (b * c + a * d), 2.0 * (b * d - a * c)],
                [2.0 * (b * c - a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d + a * b)],
                [2.0 * (b * d + a * c), 2.0 * (c * d - a * b), a * a + d * d - b * b - c * c],
            ];
            let (qfac, found) = quaternion(axes);
            let same = if a < 1e-9 { dot(found, [b, c, d]).signum() } else { 1.0 };
            assert!(qfac == 1.0 && norm(sub(scale(found, same), [b, c, d])) < 1e-12, "{found:?}");
            assert_eq!(quaternion([axes[0], axes[1], scale(axes[2], -1.0)]).0, -1.0);
        }
    }
}
