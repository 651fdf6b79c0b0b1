//! Geometry of measured projections: a kind of scan whose views, pixels and angles are those of the data.
//!
//! The data determine the settings in a kind's [`MeasuredKeys`]: number and angles of the views, pixels, pitch and
//! offset of the detector. A kind without them, such as poses from a file, is used as it is.

use super::layout::MeasuredLayout;
use super::{field_of_view, posed};
use crate::data::{AngularSweep, Geometry, Grid, Orbit, Point};
use crate::error::{Error, Result};
use crate::geometries::{GeometryKind, MeasuredKeys, PerAxis};
use crate::registry::{Kinds, OneOf};
use crate::stages::scan;
use std::f64::consts::PI;

/// Pixel pitch and detector offset that the kind of scan gives, mm, `[v, u]`; a pitch of 1 if it gives none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DetectorKeys {
    pub(super) pitch: [f64; 2],
    pub(super) offset: [f64; 2],
    pub(super) has_pitch: bool,
}

/// Pixel pitch and detector offset of a kind of scan.
///
/// # Errors
/// A pitch that is not positive.
pub(super) fn given(kind: &OneOf<GeometryKind>) -> Result<DetectorKeys> {
    let mut kind = kind.kind.clone();
    let (pitch, offset) = match &mut kind {
        GeometryKind::Poses(poses) => (poses.detector.pitch_mm, poses.detector.offset_mm),
        other => match measured(other)? {
            Some(keys) => (keys.detector.pitch_mm, keys.detector.offset_mm),
            None => (PerAxis::Auto, [0.0; 2]),
        },
    };
    let pair = pitch.both();
    if let Some(bad) = pair.iter().flatten().find(|pitch| !(pitch.is_finite() && **pitch > 0.0)) {
        let key = format!("geometry.{}.detector.pitch_mm", kind.name());
        return Err(Error::config(key, format!("expected a positive pitch in mm, got {bad}")));
    }
    Ok(DetectorKeys { pitch: pair.unwrap_or([1.0; 2]), offset, has_pitch: pair.is_some() })
}

/// The settings of a kind that the data determine.
fn measured(kind: &mut GeometryKind) -> Result<Option<MeasuredKeys<'_>>> {
    let name = kind.name();
    kind.as_part_mut().measured().map_err(|error| error.under(name).under("geometry"))
}

impl MeasuredLayout {
    /// Binned column on which the axis falls: as given, otherwise from the detector offset of the kind.
    pub(super) fn axis(&self, given: &DetectorKeys) -> f64 {
        // Computed from the whole detector, because binning may leave columns over.
        let bin = self.bin as f64;
        let middle = (self.whole[1] as f64 - bin) / (2.0 * bin);
        self.axis.unwrap_or(middle - given.offset[1] / (given.pitch[1] * self.bin as f64))
    }

    /// The same views on one row in the plane of the source, with `bin` columns averaged into one.
    pub(super) fn flat(&self, pixels: [usize; 2], bin: usize, axis: f64) -> Self {
        Self { pixels, bin: self.bin * bin, axis: Some(axis), lifted: 0.0, ..self.clone() }
    }

    /// Builds the geometry.
    ///
    /// # Errors
    /// The errors of the kind of scan.
    pub(super) fn build(&self, kind: &OneOf<GeometryKind>) -> Result<Geometry> {
        if let GeometryKind::Poses(poses) = &kind.kind {
            return posed::build(poses, self);
        }
        let mut scan = kind.kind.clone();
        if self.reversed {
            scan.as_part_mut().reverse();
        }
        self.on_detector(&mut scan, &given(kind)?)?;
        let stand_in = self.stand_in(isocenter_of(&mut scan)?)?;
        let built = |kind: &GeometryKind| scan::geometry(kind, &stand_in).map_err(|error| error.under("geometry"));
        match &self.angles {
            Some(angles) if follows_angles(&mut scan)? => {
                let one = |&angle: &f64| {
                    if let Some(MeasuredKeys { views, start_deg: Some(start_deg), .. }) = measured(&mut scan)? {
                        (*views, *start_deg) = (1, if self.reversed { -angle } else { angle });
                    }
                    built(&scan)
                };
                joined(&angles.iter().map(one).collect::<Result<Vec<_>>>()?)
            }
            _ => built(&scan),
        }
    }

    /// Sets the views and pixels of the kind to those of the data.
    fn on_detector(&self, scan: &mut GeometryKind, given: &DetectorKeys) -> Result<()> {
        let Some(keys) = measured(scan)? else { return Ok(()) };
        let [rows, columns] = self.pixels;
        let pitch = given.pitch.map(|pitch| pitch * self.bin as f64);
        let u = ((columns as f64 - 1.0) / 2.0 - self.axis(given)) * pitch[1];
        let v = if rows == 1 { 0.0 } else { given.offset[0] + self.lifted * given.pitch[0] };
        *keys.views = self.views;
        keys.detector.pixels = PerAxis::Two([rows, columns]);
        keys.detector.pitch_mm = PerAxis::Two(pitch);
        keys.detector.offset_mm = [v, u];
        Ok(())
    }

    /// A tiny grid at the isocentre. The detector is fully specified, so the grid only tells the isocentre, and whether
    /// the scan is 2-D.
    fn stand_in(&self, isocenter: Point) -> Result<Grid> {
        let shape = if self.pixels[0] == 1 { [1, 2, 2] } else { [2, 2, 2] };
        Grid::centered(shape, [1e-6; 3], isocenter)
    }
}

/// Isocentre of the scan, mm: as given, otherwise the origin; `None` for poses.
pub(super) fn isocenter(kind: &OneOf<GeometryKind>) -> Result<Option<Point>> {
    if matches!(kind.kind, GeometryKind::Poses(_)) {
        return Ok(None);
    }
    isocenter_of(&mut kind.kind.clone()).map(Some)
}

fn isocenter_of(kind: &mut GeometryKind) -> Result<Point> {
    Ok(measured(kind)?.and_then(|keys| keys.isocenter_mm).unwrap_or([0.0; 3]))
}

/// Whether the views of this kind may have any angles. This is not so for a helix, whose height follows from the angle,
/// and for kinds that do not rotate.
pub(super) fn takes_angles(kind: &OneOf<GeometryKind>) -> Result<bool> {
    follows_angles(&mut kind.kind.clone())
}

fn follows_angles(kind: &mut GeometryKind) -> Result<bool> {
    Ok(measured(kind)?.is_some_and(|keys| keys.start_deg.is_some()))
}

/// Joins scans of one view each to one scan.
fn joined(parts: &[Geometry]) -> Result<Geometry> {
    let Some(first) = parts.first() else { return Err(Error::config("views", "expected at least 1 view, got 0")) };
    let views = parts.iter().flat_map(|part| part.views.iter().copied()).collect();
    let angles: Option<Vec<f64>> =
        parts.iter().map(|part| part.orbit.as_ref().and_then(|orbit| orbit.angles.first().copied())).collect();
    let orbit = first.orbit.as_ref().zip(angles).map(|(orbit, angles)| Orbit {
        arc: AngularSweep::arc_of(&angles),
        angles,
        ..orbit.clone()
    });
    Geometry::new(views, first.detector, orbit)
}

/// Beyond this arc, radians (225 degrees), opposite views see what lies beyond the short side of the detector.
const BOTH_SIDES: f64 = 1.25 * PI;

/// Reconstruction grid of the scan's field of view, with voxels of the size of a pixel at the axis. In x and y it is
/// the square around the circle that every view sees or, for an arc of well over half a turn, around the circle that is
/// seen at least from one side; in z it covers the detector rows. For a scan that is not circular, see
/// [`field_of_view::of_views`].
///
/// # Errors
/// An axis outside the detector, or a scan that is not circular and whose isocentre is unknown or not seen.
pub(super) fn bounds(geometry: &Geometry, isocenter: Option<[f64; 3]>) -> Result<Grid> {
    let Some(orbit) = &geometry.orbit else {
        let unknown = || {
            Error::config("grid", "these poses are no circle: there is no axis to make a grid about")
                .hint("add grid: {from: FILE}")
        };
        return field_of_view::of_views(geometry, isocenter.ok_or_else(unknown)?);
    };
    let iso = orbit.isocenter;
    let [_, rows, columns] = geometry.shape();
    let off = |view: usize, column: f64| field_of_view::distance_from_axis(geometry, view, column, iso);
    let (mut least, mut most) = (f64::INFINITY, 0.0f64);
    for view in 0..geometry.views.len() {
        let ends = [off(view, -0.5), off(view, columns as f64 - 0.5)];
        if ends[0] * ends[1] >= 0.0 {
            let problem = format!("the axis of rotation falls beside the {columns} columns of the detector");
            return Err(
                Error::config("acquire.center_of_rotation", problem).hint("it is a column of the file, counted from 0")
            );
        }
        least = least.min(ends[0].abs()).min(ends[1].abs());
        most = most.max(ends[0].abs()).max(ends[1].abs());
    }
    let magnification =
        orbit.source_to_axis.zip(orbit.source_to_detector).map_or(1.0, |(axis, detector)| detector / axis);
    let [u, v] = [geometry.views[0].u, geometry.views[0].v].map(|pixel| crate::data::norm(pixel) / magnification);
    let radius = if orbit.arc > BOTH_SIDES { most } else { least };
    let side = ((2.0 * radius / u).floor() as usize).max(1);
    if rows == 1 {
        return Grid::centered([1, side, side], [u; 3], iso);
    }
    let row = geometry.project(0, iso).map_or((rows as f64 - 1.0) / 2.0, |(row, _)| row);
    let middle = ((rows as f64 - 1.0) / 2.0 - row) * v;
    Grid::centered([rows, side, side], [v, u, u], [iso[0], iso[1], iso[2] + middle])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(yaml: &str) -> OneOf<GeometryKind> {
        serde_yaml::from_str(yaml).unwrap()
    }

    fn layout(angles: Option<Vec<f64>>) -> MeasuredLayout {
        MeasuredLayout {
            views: 4,
            angles,
            reversed: false,
            pixels: [1, 10],
            bin: 1,
            axis: None,
            lifted: 0.0,
            whole: [1, 10],
        }
    }

    #[test]
    fn angles_of_the_data_are_the_angles_of_the_views() {
        let parallel = kind("parallel: {detector: {pitch_mm: 2}}");
        let listed = layout(Some(vec![0.0, 45.0, 90.0, 135.0])).build(&parallel).unwrap();
        let own = layout(None).build(&parallel).unwrap();
        assert_eq!(listed.shape(), [4, 1, 10]);
        assert!((listed.orbit.as_ref().unwrap().arc - PI).abs() < 1e-9);
        for (a, b) in listed.views.iter().zip(&own.views) {
            assert!(crate::data::norm(crate::data::sub(a.u, b.u)) < 1e-12);
        }
        let reversed =
            MeasuredLayout { reversed: true, ..layout(Some(vec![0.0, 45.0, 90.0, 135.0])) }.build(&parallel).unwrap();
        assert!((reversed.views[1].u[0] + listed.views[1].u[0]).abs() < 1e-12);
        let reversed_own = MeasuredLayout { reversed: true, ..layout(None) }.build(&parallel).unwrap();
        assert!((reversed_own.views[1].u[0] - reversed.views[1].u[0]).abs() < 1e-12);
    }

    #[test]
    fn the_axis_falls_on_the_column_that_is_given() {
        for kind in [
            kind("parallel: {detector: {pitch_mm: 0.5}}"),
            kind("cone: {source_to_axis_mm: 400, source_to_detector_mm: 600}"),
        ] {
            let layout = MeasuredLayout { axis: Some(3.25), ..layout(Some(vec![10.0, 20.0, 30.0, 40.0])) };
            let geometry = layout.build(&kind).unwrap();
            for view in 0..4 {
                assert!((geometry.project(view, [0.0; 3]).unwrap().1 - 3.25).abs() < 1e-9);
            }
        }
        let offset = kind("parallel: {detector: {pitch_mm: 0.5, offset_mm: [0, 1]}}");
        assert!((layout(None).axis(&given(&offset).unwrap()) - 2.5).abs() < 1e-12);
    }

    #[test]
    fn the_lattice_fills_the_field_of_view() {
        let parallel = kind("parallel: {detector: {pitch_mm: 2}}");
        let grid = bounds(&layout(None).build(&parallel).unwrap(), None).unwrap();
        assert_eq!((grid.shape, grid.spacing), ([1, 10, 10], [2.0; 3]));
        let off = MeasuredLayout { axis: Some(3.5), ..layout(None) };
        assert_eq!(bounds(&off.build(&parallel).unwrap(), None).unwrap().shape, [1, 8, 8]);
        assert!(bounds(&MeasuredLayout { axis: Some(12.0), ..layout(None) }.build(&parallel).unwrap(), None).is_err());
        let volume = MeasuredLayout { pixels: [6, 10], lifted: 5.0, ..layout(None) };
        let grid = bounds(&volume.build(&parallel).unwrap(), None).unwrap();
        assert_eq!(grid.shape, [6, 10, 10]);
        assert!((grid.center()[2] - 10.0).abs() < 1e-9, "rows five above the middle see what is 10 mm higher");
        let whole = MeasuredLayout { axis: Some(3.5), ..layout(Some(vec![0.0, 90.0, 180.0, 270.0])) };
        assert_eq!(bounds(&whole.build(&parallel).unwrap(), None).unwrap().shape, [1, 12, 12]);
    }
}
