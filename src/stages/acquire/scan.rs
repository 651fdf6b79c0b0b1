//! The scan behind measured projections: a geometry kind whose views, pixels and angles are those of the data.
//!
//! The kind's config is rewritten key by key (`views`, `start_deg`, `detector.pixels`, ...), so that every kind of the
//! registry that has these keys can be measured with, and one that has not is taken as it is.

use super::layout::MeasuredLayout;
use super::{field_of_view, posed};
use crate::data::{Geometry, Grid, Orbit, Sweep};
use crate::error::{Error, Result};
use crate::geometries::GeometryKind;
use crate::registry::{Kinds, OneOf};
use serde_json::{Value, json};
use std::f64::consts::PI;

/// Pitch and offset that the kind gives, mm `[v, u]`; a pitch of 1 if it gives none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DetectorKeys {
    pub(super) pitch: [f64; 2],
    pub(super) offset: [f64; 2],
    pub(super) has_pitch: bool,
}

/// What the kind says about pitch and offset.
pub(super) fn given(kind: &OneOf<GeometryKind>) -> Result<DetectorKeys> {
    let config = config_of(kind)?;
    let pair = |value: &Value| match value {
        Value::Number(number) => number.as_f64().map(|one| [one, one]),
        Value::Array(two) => {
            two.first().and_then(Value::as_f64).zip(two.get(1).and_then(Value::as_f64)).map(|(v, u)| [v, u])
        }
        _ => None,
    };
    let read = |key: &str| config.pointer(key).and_then(pair);
    let pitch = read("/detector/pitch_mm");
    if let Some(bad) = pitch.iter().flatten().find(|pitch| !(pitch.is_finite() && **pitch > 0.0)) {
        let key = format!("geometry.{}.detector.pitch_mm", kind.kind.name());
        return Err(Error::config(key, format!("expected a positive pitch in mm, got {bad}")));
    }
    Ok(DetectorKeys {
        pitch: pitch.unwrap_or([1.0; 2]),
        offset: read("/detector/offset_mm").unwrap_or([0.0; 2]),
        has_pitch: pitch.is_some(),
    })
}

fn config_of(kind: &OneOf<GeometryKind>) -> Result<Value> {
    let value = serde_json::to_value(kind).map_err(|error| Error::config("geometry", error))?;
    value.get(kind.kind.name()).cloned().ok_or_else(|| Error::config("geometry", "the kind has no config"))
}

impl MeasuredLayout {
    /// The column of the axis, of these pixels: as given, else as the kind's offset says.
    pub(super) fn axis(&self, given: &DetectorKeys) -> f64 {
        let middle = (self.pixels[1] as f64 - 1.0) / 2.0;
        self.axis.unwrap_or(middle - given.offset[1] / (given.pitch[1] * self.bin as f64))
    }

    /// The same views on one row in the plane of the source, every `bin` columns as one.
    pub(super) fn flat(&self, pixels: [usize; 2], bin: usize, axis: f64) -> Self {
        Self { pixels, bin: self.bin * bin, axis: Some(axis), lifted: 0.0, ..self.clone() }
    }

    /// The scan.
    ///
    /// # Errors
    /// What the kind says.
    pub(super) fn build(&self, kind: &OneOf<GeometryKind>) -> Result<Geometry> {
        if let GeometryKind::Poses(poses) = &kind.kind {
            return posed::build(poses, self);
        }
        let config = config_of(kind)?;
        let given = given(kind)?;
        let name = kind.kind.name();
        let built = |changed: &Value| -> Result<Geometry> {
            let kind: OneOf<GeometryKind> =
                serde_json::from_value(json!({ name: changed })).map_err(|error| Error::config("geometry", error))?;
            crate::stages::scan::geometry(&kind.kind, &self.stand_in(&config)?).map_err(|error| error.under("geometry"))
        };
        let mut changed = self.on_detector(config.clone(), &given);
        match &self.angles {
            Some(angles) if follows_angles(&config) => {
                let one = |&angle: &f64| {
                    set(&mut changed, "views", json!(1));
                    set(&mut changed, "start_deg", json!(if self.reversed { -angle } else { angle }));
                    built(&changed)
                };
                joined(&angles.iter().map(one).collect::<Result<Vec<_>>>()?)
            }
            _ => {
                set(&mut changed, "views", json!(self.views));
                if self.reversed {
                    for key in ["arc_deg", "start_deg"] {
                        let turned = config.get(key).and_then(Value::as_f64).map(|degrees| json!(-degrees));
                        set(&mut changed, key, turned.unwrap_or(Value::Null));
                    }
                }
                built(&changed)
            }
        }
    }

    /// The kind's config with the data's pixels.
    fn on_detector(&self, mut config: Value, given: &DetectorKeys) -> Value {
        let [rows, columns] = self.pixels;
        let pitch = given.pitch.map(|pitch| pitch * self.bin as f64);
        let u = ((columns as f64 - 1.0) / 2.0 - self.axis(given)) * pitch[1];
        let v = if rows == 1 { 0.0 } else { given.offset[0] + self.lifted * given.pitch[0] };
        if let Some(detector) = config.get_mut("detector") {
            set(detector, "pixels", json!([rows, columns]));
            set(detector, "pitch_mm", json!(pitch));
            set(detector, "offset_mm", json!([v, u]));
        }
        config
    }

    /// A lattice that decides nothing: the detector is given in full, only the isocentre and the plane are left.
    fn stand_in(&self, config: &Value) -> Result<Grid> {
        let center = isocenter_of(config);
        let shape = if self.pixels[0] == 1 { [1, 2, 2] } else { [2, 2, 2] };
        Grid::centered(shape, [1e-6; 3], center)
    }
}

/// The isocentre of the scan, mm: as the kind says, else the origin; `None` for poses.
pub(super) fn isocenter(kind: &OneOf<GeometryKind>) -> Result<Option<[f64; 3]>> {
    Ok(if matches!(kind.kind, GeometryKind::Poses(_)) { None } else { Some(isocenter_of(&config_of(kind)?)) })
}

fn isocenter_of(config: &Value) -> [f64; 3] {
    let list = config.get("isocenter_mm").and_then(Value::as_array);
    let point: Vec<f64> = list.into_iter().flatten().filter_map(Value::as_f64).collect();
    <[f64; 3]>::try_from(point).unwrap_or([0.0; 3])
}

/// Whether views of this kind may stand at any angle: not those of a helix, whose height goes with the angle, nor those
/// that do not turn.
pub(super) fn takes_angles(kind: &OneOf<GeometryKind>) -> Result<bool> {
    Ok(follows_angles(&config_of(kind)?))
}

fn follows_angles(config: &Value) -> bool {
    config.get("start_deg").is_some() && config.get("arc_deg").is_some()
}

/// Changes a key that the map has.
fn set(map: &mut Value, key: &str, value: Value) {
    if let Some(slot) = map.get_mut(key).filter(|_| !value.is_null()) {
        *slot = value;
    }
}

/// Scans of one view each as one scan.
fn joined(parts: &[Geometry]) -> Result<Geometry> {
    let Some(first) = parts.first() else { return Err(Error::config("views", "expected at least 1 view, got 0")) };
    let views = parts.iter().flat_map(|part| part.views.iter().copied()).collect();
    let angles: Option<Vec<f64>> =
        parts.iter().map(|part| part.orbit.as_ref().and_then(|orbit| orbit.angles.first().copied())).collect();
    let orbit = first.orbit.as_ref().zip(angles).map(|(orbit, angles)| Orbit {
        arc: Sweep::arc_of(&angles),
        angles,
        ..orbit.clone()
    });
    Geometry::new(views, first.detector, orbit)
}

/// An arc beyond this, radians (225 degrees), sees what lies beyond the short side of the detector from the other side.
const BOTH_SIDES: f64 = 1.25 * PI;

/// The lattice that the scan's field of view fills, voxels as large as a pixel at the axis: the square about the circle
/// that every view sees, or, well over half a turn, that at least the views from one side see; along z what the rows
/// see. A scan that is no circle has what its views see about `isocenter`.
///
/// # Errors
/// An axis beside the detector; a scan that is no circle and whose isocentre is not known or not seen.
pub(super) fn bounds(geometry: &Geometry, isocenter: Option<[f64; 3]>) -> Result<Grid> {
    let Some(orbit) = &geometry.orbit else {
        let unknown = || {
            Error::config("grid", "these poses are no circle: there is no axis to make a lattice about")
                .hint("add grid: {from: FILE}")
        };
        return field_of_view::of_views(geometry, isocenter.ok_or_else(unknown)?);
    };
    let iso = orbit.isocenter;
    let [_, rows, columns] = geometry.shape();
    let off = |view: usize, column: f64| {
        let (from, along) = geometry.ray(view, (rows as f64 - 1.0) / 2.0, column);
        let (dx, dy) = (from[0] - iso[0], from[1] - iso[1]);
        (dx * along[1] - dy * along[0]) / along[0].hypot(along[1])
    };
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
