//! The positions of the voxels: sform, qform or pixdim of the header → an LPS affine in mm.
//!
//! Precedence as nibabel: `sform_code` > 0, then `qform_code` > 0, then pixdim alone with nibabel's flipped x axis. RAS
//! becomes LPS (x and y change sign) here, and nowhere else when a file is read.

use super::fields::Fields;
use super::refusal::Refusal;
use crate::data::{Point, Warning, Warnings, add, norm, scale, sub};
use crate::formats::orient::{Affine, Fault};

type Checked<T> = Result<T, Refusal>;

/// A 3 x 4 RAS matrix in the header's unit of length, by columns: steps along i, j, k, then the first voxel's position.
type Columns = [Point; 4];

/// The affine in storage order (k, j, i) and the transform that gave it.
pub(super) fn affine(raw: &Fields, shape: [usize; 3], warnings: &mut Warnings) -> Checked<(Affine, &'static str)> {
    let (columns, by) = if raw.sform_code > 0 {
        (sform(raw), "sform")
    } else if raw.qform_code > 0 {
        (qform(raw, warnings)?, "qform")
    } else {
        let text = "neither sform nor qform: orientation and origin are guessed from the voxel size (as nibabel does)";
        warnings.push(Warning::new("nifti_no_orientation", text));
        (pixdim(raw, shape, warnings)?, "pixdim")
    };
    let millimetres = unit(raw, warnings);
    let affine = to_lps(columns, shape, millimetres);
    if affine.check() == Err(Fault::Degenerate) {
        return Err(Refusal::new(
            format!("its {by} is not a transform: {columns:?}"),
            "set sform or qform in the source",
        ));
    }
    if by == "sform" && raw.qform_code > 0 {
        warnings.extend(disagreement(raw, &affine, millimetres));
    }
    Ok((affine, by))
}

fn to_lps(columns: Columns, shape: [usize; 3], millimetres: f64) -> Affine {
    let [i, j, k, origin] = columns.map(|[x, y, z]| scale([-x, -y, z], millimetres));
    Affine { shape, steps: [k, j, i], origin }
}

fn sform(raw: &Fields) -> Columns {
    std::array::from_fn(|column| raw.srow.map(|row| row[column]))
}

/// Rotation of the unit quaternion (a, b, c, d), columns scaled by pixdim, the third also by qfac (nifti1.h, method 2).
fn qform(raw: &Fields, warnings: &mut Warnings) -> Checked<Columns> {
    let [mut b, mut c, mut d] = raw.quaternion;
    let square = b * b + c * c + d * d;
    if square.is_nan() || square > 1.0 + 1e-4 {
        return Err(Refusal::new(
            format!("its qform is not a rotation: |(b, c, d)|^2 = {square}, expected at most 1"),
            "set the qform in the source",
        ));
    }
    if square > 1.0 {
        [b, c, d] = [b, c, d].map(|v| v / square.sqrt());
    }
    let a = (1.0 - square).max(0.0).sqrt();
    let size = sizes(raw, warnings)?;
    let qfac = if raw.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    Ok([
        scale([a * a + b * b - c * c - d * d, 2.0 * (b * c + a * d), 2.0 * (b * d - a * c)], size[0]),
        scale([2.0 * (b * c - a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d + a * b)], size[1]),
        scale([2.0 * (b * d + a * c), 2.0 * (c * d - a * b), a * a + d * d - b * b - c * c], size[2] * qfac),
        raw.qoffset,
    ])
}

/// The transform from voxel sizes alone: x runs to the left, the middle of the volume is at zero.
fn pixdim(raw: &Fields, shape: [usize; 3], warnings: &mut Warnings) -> Checked<Columns> {
    let [x, y, z] = sizes(raw, warnings)?;
    let steps = [[-x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]];
    let half = |n: usize| (n as f64 - 1.0) / 2.0;
    let middle =
        add(add(scale(steps[0], half(shape[2])), scale(steps[1], half(shape[1]))), scale(steps[2], half(shape[0])));
    Ok([steps[0], steps[1], steps[2], scale(middle, -1.0)])
}

/// Positive voxel sizes along i, j, k, in the header's unit of length. A missing dimension has size 1.
fn sizes(raw: &Fields, warnings: &mut Warnings) -> Checked<Point> {
    let mut sizes = [1.0; 3];
    for (k, size) in sizes.iter_mut().enumerate() {
        let found = raw.pixdim[k + 1];
        let there = (k as i64) < raw.dim[0];
        if there && (!found.is_finite() || found == 0.0) {
            return Err(Refusal::new(
                format!("expected positive voxel sizes, got pixdim {:?}", &raw.pixdim[1..4]),
                "set the voxel size in the source",
            ));
        }
        if there {
            *size = found.abs();
        }
    }
    if raw.pixdim[1..4].iter().any(|&size| size < 0.0) {
        warnings.push(Warning::new(
            "nifti_negative_pixdim",
            format!("negative voxel sizes {:?} taken as positive", &raw.pixdim[1..4]),
        ));
    }
    Ok(sizes)
}

/// The header's unit of length, mm.
fn unit(raw: &Fields, warnings: &mut Warnings) -> f64 {
    match raw.xyzt_units & 7 {
        1 => 1000.0,
        2 => 1.0,
        3 => 1e-3,
        code => {
            warnings.push(Warning::new(
                "nifti_unit_unknown",
                format!("its unit of length is not given (xyzt_units {code}); millimetres are assumed"),
            ));
            1.0
        }
    }
}

/// A warning if sform and qform put a corner of the volume more than half a voxel apart.
fn disagreement(raw: &Fields, affine: &Affine, millimetres: f64) -> Option<Warning> {
    let other = to_lps(qform(raw, &mut Warnings::new()).ok()?, affine.shape, millimetres);
    let corner = |of: &Affine, bits: usize| {
        (0..3)
            .filter(|k| bits >> k & 1 == 1)
            .fold(of.origin, |p, k| add(p, scale(of.steps[k], of.shape[k] as f64 - 1.0)))
    };
    let apart = (0..8).map(|bits| norm(sub(corner(affine, bits), corner(&other, bits)))).fold(0.0, f64::max);
    let voxel = affine.steps.map(norm).into_iter().fold(f64::INFINITY, f64::min);
    let text = || format!("sform and qform place its corners up to {apart:.2} mm apart; the sform is used");
    (apart > 0.5 * voxel).then(|| Warning::new("nifti_forms_disagree", text()))
}
