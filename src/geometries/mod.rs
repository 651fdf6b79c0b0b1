//! Scans as a pipeline writes them, each lowered to one [`View`](crate::data::View) per exposure so that no projector
//! knows an orbit.

mod checks;
mod circle;
pub mod cone;
pub mod detector;
pub mod fan;
pub mod helical;
pub mod laminography;
mod panel;
pub mod parallel;
pub mod poses;
mod setting;
pub mod tomosynthesis;
pub mod truncation;

pub use setting::Setting;

use crate::data::{Geometry, Grid, Poses};
use crate::error::Result;
use crate::kinds;
use crate::registry::Kinds;
use std::path::Path;

/// A scan that can be lowered to views.
pub trait Scan {
    /// The views and the detector. `volume` gives the isocentre (its centre) and what an automatic detector must cover,
    /// and its voxel spacing the automatic pitch, where the configuration leaves these open. A 2-D volume gets a
    /// detector of one row in its plane.
    ///
    /// # Errors
    /// A scan that cannot be, with the key below the kind's own name and what to do.
    fn build(&self, volume: &Grid) -> Result<Geometry>;

    /// The file that holds the views, if the configuration names one: the caller reads it and hands it to [`Scan::place`].
    fn file(&self) -> Option<&Path> {
        None
    }

    /// [`Scan::build`] with what the file of [`Scan::file`] says; kinds without a file ignore it.
    ///
    /// # Errors
    /// As [`Scan::build`].
    fn place(&self, poses: Poses, volume: &Grid) -> Result<Geometry> {
        drop(poses);
        self.build(volume)
    }
}

kinds! {
    /// How source and detector move around the object.
    pub enum GeometryKind: "geometry" => dyn Scan {
        /// Parallel beam on a circular orbit.
        parallel => Parallel(parallel::Config),
        /// Fan beam in the plane of a 2-D volume, detector straight or on an arc.
        fan => Fan(fan::Config),
        /// Cone beam on a circular orbit, detector flat or cylindrical; a fan beam in 2-D.
        cone => Cone(cone::Config),
        /// Cone beam on a helix.
        helical => Helical(helical::Config),
        /// Rotation about an axis tilted against the beam.
        laminography => Laminography(laminography::Config),
        /// A source that sweeps over a detector that stands still.
        tomosynthesis => Tomosynthesis(tomosynthesis::Config),
        /// Per-view poses from a file.
        poses => Poses(poses::Config),
    }
}

impl GeometryKind {
    /// [`Scan::build`], with the kind's name before the key of an error.
    ///
    /// # Errors
    /// As [`Scan::build`].
    pub fn build(&self, volume: &Grid) -> Result<Geometry> {
        self.as_part().build(volume).map_err(|error| error.under(self.name()))
    }

    /// [`Scan::place`], with the kind's name before the key of an error.
    ///
    /// # Errors
    /// As [`Scan::place`].
    pub fn place(&self, poses: Poses, volume: &Grid) -> Result<Geometry> {
        self.as_part().place(poses, volume).map_err(|error| error.under(self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Point, Source, add, cross, dot, norm, normalized, scale, sub};
    use crate::registry::OneOf;

    const OFFSET: [f64; 2] = [3.0, -4.5];

    fn volume() -> Grid {
        Grid::centered([8, 10, 12], [2.0, 1.5, 1.0], [5.0, 6.0, 7.0]).unwrap()
    }

    /// A small scan of every kind of the registry.
    fn every_kind(start_deg: f64) -> Vec<(&'static str, Geometry)> {
        let detector = format!("{{pixels: [5, 6], pitch_mm: [2, 3], offset_mm: [{}, {}]}}", OFFSET[0], OFFSET[1]);
        let build = |&name: &&'static str| {
            let yaml = format!("{name}: {{views: 7, start_deg: {start_deg}, detector: {detector}}}");
            let kind: OneOf<GeometryKind> = serde_yaml::from_str(&yaml).unwrap();
            (name, kind.kind.build(&volume()).unwrap())
        };
        GeometryKind::NAMES.iter().map(build).collect()
    }

    fn toward_source(geometry: &Geometry, view: usize) -> Point {
        match geometry.views[view].source {
            Source::Point(source) => normalized(sub(source, geometry.orbit.as_ref().unwrap().isocenter)),
            Source::Direction(direction) => scale(direction, -1.0),
        }
    }

    #[test]
    fn the_isocentre_hits_the_detectors_centre_less_its_offset() {
        for (name, geometry) in every_kind(20.0) {
            let isocenter = geometry.orbit.as_ref().unwrap().isocenter;
            for view in 0..7 {
                let (row, column) = geometry.project(view, isocenter).unwrap();
                let expected = (2.0 - OFFSET[0] / 2.0, 2.5 - OFFSET[1] / 3.0);
                assert!((row - expected.0).abs() < 1e-9 && (column - expected.1).abs() < 1e-9, "{name}: ({row}, {column})");
            }
        }
    }

    #[test]
    fn every_kind_is_right_handed_turns_from_x_to_y_and_has_rows_growing_with_z() {
        for (name, geometry) in every_kind(0.0) {
            assert!(norm(sub(toward_source(&geometry, 0), [1.0, 0.0, 0.0])) < 1e-12, "{name} starts on +x");
            assert!(toward_source(&geometry, 1)[1] > 0.1, "{name} turns towards +y");
            let isocenter = geometry.orbit.as_ref().unwrap().isocenter;
            for (view, exposure) in geometry.views.iter().enumerate() {
                let normal = normalized(cross(exposure.u, exposure.v));
                assert!((dot(normal, toward_source(&geometry, view)) - 1.0).abs() < 1e-12, "{name}: u x v points to the source");
                let (row, column) = geometry.project(view, isocenter).unwrap();
                let above = geometry.project(view, add(isocenter, [0.0, 0.0, 1.0])).unwrap();
                assert!(above.0 > row && (above.1 - column).abs() < 1e-9, "{name}: rows grow with z");
            }
        }
    }

    #[test]
    fn turning_the_start_turns_every_vector() {
        for ((name, still), (_, turned)) in every_kind(0.0).into_iter().zip(every_kind(30.0)) {
            let (sin, cos) = 30f64.to_radians().sin_cos();
            let turn = |[x, y, z]: Point| [x * cos - y * sin, x * sin + y * cos, z];
            let about = |point: Point| add(turn(sub(point, volume().center())), volume().center());
            for (a, b) in still.views.iter().zip(&turned.views) {
                assert!(norm(sub(about(a.center), b.center)) < 1e-9, "{name}");
                assert!(norm(sub(turn(a.u), b.u)) < 1e-9 && norm(sub(a.v, b.v)) < 1e-9, "{name}");
            }
        }
    }

    #[test]
    fn every_kind_has_defaults_that_cover_a_volume_and_a_slice() {
        for name in GeometryKind::NAMES {
            let kind: OneOf<GeometryKind> = serde_yaml::from_str(name).unwrap();
            for volume in [volume(), Grid::centered([1, 10, 12], [1.0; 3], [0.0; 3]).unwrap()] {
                let geometry = kind.kind.build(&volume).unwrap();
                assert_eq!(truncation::truncation(&geometry, &volume).message, None, "{name}");
                assert_eq!(geometry.detector.rows == 1, volume.is_2d(), "{name}");
            }
        }
    }

    #[test]
    fn every_kind_survives_being_written_and_names_unknown_keys_with_their_place() {
        for name in GeometryKind::NAMES {
            let kind: OneOf<GeometryKind> = serde_yaml::from_str(&format!("{name}: {{views: 9, detector: {{pixels: [4, 5]}}}}")).unwrap();
            let again: OneOf<GeometryKind> = serde_yaml::from_str(&serde_yaml::to_string(&kind).unwrap()).unwrap();
            assert_eq!(kind, again);
            let fault = serde_yaml::from_str::<OneOf<GeometryKind>>(&format!("{name}:\n  veiws: 3\n")).unwrap_err().to_string();
            assert!(fault.contains("veiws") && fault.contains("line 2 column 3"), "{fault}");
            let fault = serde_yaml::from_str::<OneOf<GeometryKind>>(&format!("{name}:\n  views: 3\n  detector: {{pixels: many}}\n"))
                .unwrap_err()
                .to_string();
            assert!(fault.contains("many") && fault.contains("line 3 column"), "{fault}");
        }
    }

    #[test]
    fn the_key_of_an_error_starts_with_the_kind() {
        let kind: OneOf<GeometryKind> = serde_yaml::from_str("cone: {views: 0}").unwrap();
        assert!(kind.kind.build(&volume()).unwrap_err().to_string().starts_with("cone.views: expected"));
    }
}
