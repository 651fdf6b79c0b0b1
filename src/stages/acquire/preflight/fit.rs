//! Findings of a quick reconstruction: axis of rotation, sense of rotation, arc, field of view.

use super::Finding;
use super::levels::short_side;
use crate::data::{Geometry, Grid};
use crate::error::Result;
use crate::geometries::GeometryKind;
use crate::operators::xray::kernels::coverage;
use crate::registry::OneOf;
use crate::stages::acquire::layout::MeasuredLayout;
use crate::stages::acquire::trial::Trial;
use crate::stages::acquire::{axis, posed};
use ndarray::Array3;
use std::f64::consts::PI;

/// An alternative is reported if its residual is below this fraction of the residual of the given scan.
const BETTER: f64 = 0.9;
/// Columns closer than this are the same axis: in columns, and as a fraction of the width.
const SAME: (f64, f64) = (1.0, 0.004);
/// Arc, radians (about 7 degrees), below which the angles may be given in radians: 2π, a full turn, would be read as
/// 6.3 degrees.
const RADIANS: f64 = 0.12;
/// A residual above this means that the views do not fit together at all.
const HOPELESS: f64 = 0.5;

/// Description of the scan that is checked.
pub(in crate::stages::acquire) struct Described<'a> {
    /// Kind of scan.
    pub(in crate::stages::acquire) kind: &'a OneOf<GeometryKind>,
    /// Views, angles and pixels of the data.
    pub(in crate::stages::acquire) layout: &'a MeasuredLayout,
    /// Column of the data on which the axis falls.
    pub(in crate::stages::acquire) axis: f64,
    /// Geometry of the scan.
    pub(in crate::stages::acquire) geometry: &'a Geometry,
    /// Reconstruction grid.
    pub(in crate::stages::acquire) grid: &'a Grid,
}

/// Findings about the scan. `column` converts a column of the data to a column of the file.
///
/// # Errors
/// A kind of scan that cannot be reduced to one slice.
pub(in crate::stages::acquire) fn fit(
    data: &Array3<f32>,
    scan: &Described,
    column: impl Fn(f64) -> f64,
) -> Result<Vec<Finding>> {
    let mut findings: Vec<Finding> = [arc(scan.geometry), coverage_of(scan)].into_iter().flatten().collect();
    if matches!(scan.kind.kind, GeometryKind::Poses(_)) {
        findings.extend(inconsistent(posed::residual(data, scan.geometry, scan.grid)?));
        return Ok(findings);
    }
    if scan.geometry.orbit.is_none() {
        return Ok(findings);
    }
    let found = axis::find(data, scan.layout, scan.kind, scan.axis)?;
    let apart = (found.column - scan.axis).abs();
    if apart > SAME.0.max(SAME.1 * data.shape()[2] as f64) && found.residual < BETTER * found.before {
        let message = format!(
            "the views fit together best if the axis of rotation falls on column {:.1}, not {:.1}: they leave {:.1} % \
             unexplained instead of \
             {:.1} %; try `center_of_rotation: {:.1}`",
            column(found.column),
            column(scan.axis),
            100.0 * found.residual,
            100.0 * found.before,
            column(found.column)
        );
        findings.push(Finding::odd("center_off", message));
    }
    findings.extend(turned_round(data, scan)?);
    findings.extend(inconsistent(found.residual));
    Ok(findings)
}

/// Finding for views that do not fit together at all.
fn inconsistent(residual: f64) -> Option<Finding> {
    (residual > HOPELESS).then(|| {
        let message = format!(
            "even at its best a quick reconstruction leaves {:.0} % of the data unexplained: are views, angles and \
             values in the same order?",
            100.0 * residual
        );
        Finding::odd("inconsistent_views", message)
    })
}

/// Finding for views that fit better with the sense of rotation reversed. Parallel beams cannot show this: reversed,
/// they give the mirror image.
fn turned_round(data: &Array3<f32>, scan: &Described) -> Result<Option<Finding>> {
    if scan.geometry.orbit.as_ref().is_none_or(|orbit| orbit.source_to_axis.is_none()) {
        return Ok(None);
    }
    let trial = Trial::new(data, scan.layout, scan.kind, axis::COLUMNS[0])?;
    let (given, turned) = (trial.residual(scan.axis, false)?, trial.residual(scan.axis, true)?);
    Ok((turned < BETTER * given).then(|| {
        let message = format!(
            "the views fit together better if they turn the other way round: they leave {:.2} % unexplained instead of \
             {:.2} %; try \
             `reverse_angles: {}`",
            100.0 * turned,
            100.0 * given,
            !scan.layout.reversed
        );
        Finding::odd("reversed_angles", message)
    }))
}

/// Finding for an arc of less than half a turn plus the fan angle, which leaves some directions unseen.
fn arc(geometry: &Geometry) -> Option<Finding> {
    let orbit = geometry.orbit.as_ref()?;
    let [_, rows, columns] = geometry.shape();
    let row = (rows as f64 - 1.0) / 2.0;
    let ends = [-0.5, columns as f64 - 0.5].map(|column| geometry.ray(0, row, column).1);
    let fan = crate::data::dot(ends[0], ends[1]).clamp(-1.0, 1.0).acos();
    let needed = PI + fan;
    // A few degrees short of half a turn is common and harmless.
    (orbit.arc < needed - 0.05 && orbit.arc < 0.98 * PI).then(|| {
        let message = format!(
            "the views cover {:.1} degrees of the {:.0} that show every direction: edges along the unseen directions \
             cannot be found, only \
             guessed by what a method assumes{}",
            orbit.arc.to_degrees(),
            needed.to_degrees(),
            if orbit.arc < RADIANS { "; are the angles in radians? then write `angles_in: radians`" } else { "" }
        );
        Finding::odd("limited_arc", message)
    })
}

fn coverage_of(scan: &Described) -> Option<Finding> {
    // A detector that is shifted sideways sees the outer part from one side only, by design.
    if short_side(scan.geometry, scan.axis).is_some() {
        return None;
    }
    let views = scan.geometry.views.len().min(usize::from(u16::MAX)) as u16;
    let seen = coverage::seen_by(scan.grid, scan.geometry);
    let all = seen.iter().filter(|&&count| count >= views).count() as f64 / seen.len() as f64;
    (all < 0.5).then(|| {
        let message = format!(
            "only {:.0} % of the grid is seen by every view: make `grid` smaller, or the field of view wider",
            100.0 * all
        );
        Finding::odd("coverage", message)
    })
}
