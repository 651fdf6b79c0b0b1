//! Scan geometries as configured in a pipeline. Each is expanded to one [`View`](crate::data::View) per exposure, so
//! that projectors need not know the trajectory.

pub mod between;
mod checks;
mod circle;
pub mod cone;
pub mod detector;
pub mod fan;
pub mod helical;
pub mod laminography;
mod panel;
pub mod parallel;
mod per_axis;
pub mod poses;
pub mod tomosynthesis;
pub mod truncation;

pub use per_axis::PerAxis;

use crate::data::{Geometry, Grid, Point, Poses};
use crate::error::Result;
use crate::kinds;
use crate::registry::Kinds;
use std::path::Path;

/// The settings of a scan that measured data determine: number of views, start angle and detector pixels.
pub struct MeasuredKeys<'a> {
    /// Number of views.
    pub views: &'a mut usize,
    /// Angle of the first view, degrees, if the views turn about an axis and may start at any angle; `None` if other
    /// keys determine the positions of the views.
    pub start_deg: Option<&'a mut f64>,
    /// Configured isocentre: point [x, y, z] in mm on the axis of rotation.
    pub isocenter_mm: Option<Point>,
    /// Number, pitch and position of the detector's pixels.
    pub detector: &'a mut detector::Config,
}

/// A scan trajectory that can be expanded to views.
pub trait Trajectory {
    /// Builds the views and the detector. Settings that the configuration leaves open follow from `volume`: its centre
    /// is the isocentre, an automatic detector covers it, and its voxel spacing gives the automatic pitch. For a 2-D
    /// volume the detector has one row in its plane.
    ///
    /// # Errors
    /// An impossible scan: the error names the key (below the kind's own name) and says what to do.
    fn build(&self, volume: &Grid) -> Result<Geometry>;

    /// The settings that measured data determine; `None` if a file gives the position of every view and pixel.
    ///
    /// # Errors
    /// A setting that is optional in a simulation but required for measured data; the error names its key.
    fn measured(&mut self) -> Result<Option<MeasuredKeys<'_>>> {
        Ok(None)
    }

    /// Reverses the sense of rotation: from +y to +x where it was from +x to +y.
    fn reverse(&mut self) {}

    /// Path of the file that holds the views, if the configuration names one. The caller reads it and passes its
    /// content to [`Trajectory::place`].
    fn file(&self) -> Option<&Path> {
        None
    }

    /// [`Trajectory::build`] with the poses read from [`Trajectory::file`]; kinds without a file ignore them.
    ///
    /// # Errors
    /// As [`Trajectory::build`].
    fn place(&self, poses: Poses, volume: &Grid) -> Result<Geometry> {
        drop(poses);
        self.build(volume)
    }
}

kinds! {
    /// Trajectory of source and detector around the object.
    pub enum GeometryKind: "geometry" => dyn Trajectory {
        /// Parallel beam on a circular orbit.
        parallel => Parallel(parallel::Config),
        /// Fan beam in the plane of a 2-D volume, detector straight or on an arc.
        fan => Fan(fan::Config),
        /// Cone beam on a circular orbit, detector flat or cylindrical; a fan beam in 2-D.
        cone => Cone(cone::Config),
        /// Cone beam on a helix.
        helical => Helical(helical::Config),
        /// Rotation about an axis that is tilted instead of perpendicular to the beam.
        laminography => Laminography(laminography::Config),
        /// A moving source over a detector that stands still.
        tomosynthesis => Tomosynthesis(tomosynthesis::Config),
        /// Per-view poses from a file.
        poses => Poses(poses::Config),
    }
}

impl GeometryKind {
    /// [`Trajectory::build`], with the kind's name before the key of an error.
    ///
    /// # Errors
    /// As [`Trajectory::build`].
    pub fn build(&self, volume: &Grid) -> Result<Geometry> {
        self.named(self.as_part().build(volume))
    }

    /// [`Trajectory::place`], with the kind's name before the key of an error.
    ///
    /// # Errors
    /// As [`Trajectory::place`].
    pub fn place(&self, poses: Poses, volume: &Grid) -> Result<Geometry> {
        self.named(self.as_part().place(poses, volume))
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

    fn slice() -> Grid {
        Grid::centered([1, 10, 12], [1.0; 3], [5.0, 6.0, 7.0]).unwrap()
    }

    fn read(yaml: &str) -> GeometryKind {
        serde_yaml::from_str::<OneOf<GeometryKind>>(yaml).unwrap().kind
    }

    /// Every kind of the registry that builds itself; `poses` only repeats what a file says.
    fn names() -> impl Iterator<Item = &'static str> {
        GeometryKind::NAMES.iter().copied().filter(|name| *name != "poses")
    }

    /// What a kind sees: a fan only slices.
    fn seen(name: &str) -> Grid {
        if name == "fan" { slice() } else { volume() }
    }

    /// A small scan of every kind, by the angle of its first (or middle) view.
    fn every_kind(start_deg: f64) -> Vec<(&'static str, Geometry)> {
        let build = |name: &'static str| {
            let angle = if name == "tomosynthesis" { "direction_deg" } else { "start_deg" };
            let (pixels, offset) =
                if name == "fan" { ("6".to_string(), 0.0) } else { ("[5, 6]".to_string(), OFFSET[0]) };
            let detector = format!("{{pixels: {pixels}, pitch_mm: [2, 3], offset_mm: [{offset}, {}]}}", OFFSET[1]);
            (
                name,
                read(&format!("{name}: {{views: 7, {angle}: {start_deg}, detector: {detector}}}"))
                    .build(&seen(name))
                    .unwrap(),
            )
        };
        names().map(build).collect()
    }

    fn toward_source(geometry: &Geometry, view: usize) -> Point {
        match geometry.views[view].source {
            Source::Point(source) => normalized(sub(source, geometry.views[view].center)),
            Source::Direction(direction) => scale(direction, -1.0),
        }
    }

    #[test]
    fn the_isocentre_hits_the_detectors_centre_less_its_offset() {
        for (name, geometry) in every_kind(20.0) {
            // In a helix the middle view is level with it, a sweep crosses it in its middle.
            for view in if ["helical", "tomosynthesis"].contains(&name) { 3..4 } else { 0..7 } {
                let (row, column) = geometry.project(view, seen(name).center()).unwrap();
                let expected = (if name == "fan" { 0.0 } else { 2.0 - OFFSET[0] / 2.0 }, 2.5 - OFFSET[1] / 3.0);
                assert!(
                    (row - expected.0).abs() < 1e-9 && (column - expected.1).abs() < 1e-9,
                    "{name}: ({row}, {column})"
                );
            }
        }
    }

    #[test]
    fn every_kind_is_right_handed_turns_from_x_to_y_and_has_rows_growing_with_z() {
        for (name, geometry) in every_kind(0.0) {
            let middle = seen(name).center();
            let first = if name == "tomosynthesis" { 3 } else { 0 };
            let place = |view: usize| match geometry.views[view].source {
                Source::Point(source) => sub(source, middle),
                Source::Direction(direction) => scale(direction, -1.0),
            };
            assert!(place(first)[0] > 0.0 && place(first)[1].abs() < 1e-9, "{name} starts on +x");
            assert!(place(first + 1)[1] > 0.0, "{name} turns towards +y");
            for (view, exposure) in geometry.views.iter().enumerate() {
                let normal = normalized(cross(exposure.u, exposure.v));
                assert!(dot(normal, toward_source(&geometry, view)) > 0.7, "{name}: u x v points to the source");
                let (row, column) = geometry.project(view, middle).unwrap();
                let above = geometry.project(view, add(middle, [0.0, 0.0, 1.0])).unwrap();
                assert!(above.0 > row && (above.1 - column).abs() < 1e-9, "{name}: rows grow with z");
            }
        }
    }

    #[test]
    fn turning_the_start_turns_every_vector() {
        for ((name, still), (_, turned)) in every_kind(0.0).into_iter().zip(every_kind(30.0)) {
            let (sin, cos) = 30f64.to_radians().sin_cos();
            let rotation = [[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]];
            let middle = seen(name).center();
            let moved = still.moved(rotation, sub(middle, rotation.map(|row| dot(row, middle))));
            for (a, b) in moved.views.iter().zip(&turned.views) {
                assert!(norm(sub(a.center, b.center)) < 1e-9, "{name}");
                assert!(norm(sub(a.u, b.u)) < 1e-9 && norm(sub(a.v, b.v)) < 1e-9, "{name}");
            }
        }
    }

    #[test]
    fn every_kind_has_defaults_that_cover_a_volume_and_a_slice() {
        for name in names() {
            for volume in [volume(), slice()] {
                match read(name).build(&volume) {
                    // A view of a helix sees a part of the volume only; its own test says which.
                    Ok(geometry) if name != "helical" => {
                        assert_eq!(truncation::truncation(&geometry, &volume).message, None, "{name}");
                        assert_eq!(geometry.detector.rows == 1, volume.is_2d(), "{name}");
                    }
                    Ok(_) => {}
                    Err(error) => assert!(error.to_string().contains("-D volume"), "{name}: {error}"),
                }
            }
        }
    }

    #[test]
    fn tilted_and_curved_automatic_detectors_cover_the_volume_too() {
        for name in ["parallel", "cone", "laminography", "tomosynthesis"] {
            let geometry = read(&format!("{name}: {{detector: {{tilt_deg: 10, slant_deg: -15, rotation_deg: 20}}}}"))
                .build(&volume())
                .unwrap();
            assert_eq!(truncation::truncation(&geometry, &volume()).message, None, "{name}");
        }
        let curved = read("cone: {source_to_axis_mm: 60, source_to_detector_mm: 100, detector: {shape: cylindrical}}");
        assert_eq!(truncation::truncation(&curved.build(&volume()).unwrap(), &volume()).message, None);
    }

    #[test]
    fn every_kind_survives_being_written_and_names_unknown_keys_with_their_place() {
        let sample = |name: &str| {
            if name == "poses" {
                "poses: {file: a.csv, detector: {pixels: [4, 5]}}".to_string()
            } else {
                format!("{name}: {{views: 9, detector: {{pixels: [4, 5], tilt_deg: 3}}}}")
            }
        };
        for name in GeometryKind::NAMES {
            let kind: OneOf<GeometryKind> = serde_yaml::from_str(&sample(name)).unwrap();
            let again: OneOf<GeometryKind> = serde_yaml::from_str(&serde_yaml::to_string(&kind).unwrap()).unwrap();
            assert_eq!(kind, again);
            let fault =
                serde_yaml::from_str::<OneOf<GeometryKind>>(&format!("{name}:\n  veiws: 3\n")).unwrap_err().to_string();
            assert!(fault.contains("veiws") && fault.contains("line 2 column 3"), "{fault}");
            let fault =
                serde_yaml::from_str::<OneOf<GeometryKind>>(&format!("{name}:\n  detector: {{pixels: many}}\n"))
                    .unwrap_err()
                    .to_string();
            assert!(fault.contains("many") && fault.contains("line 2 column"), "{fault}");
        }
    }

    #[test]
    fn every_kind_refuses_impossible_scans_with_its_key_and_a_fix() {
        let distances = "source_to_axis_mm: 500, source_to_detector_mm";
        for name in names() {
            let refused = |keys: &str| read(&format!("{name}: {{{keys}}}")).build(&seen(name)).unwrap_err();
            let says = |keys: &str, key: &str| {
                let error = refused(keys);
                assert!(
                    error.exit_code() == 2 && error.to_string().starts_with(&format!("{name}.{key}: ")),
                    "{name} {keys}: {error}"
                );
            };
            says("views: 0", "views");
            says("detector: {pitch_mm: 0}", "detector.pitch_mm");
            says("detector: {rotation_deg: .nan}", "detector.rotation_deg");
            says("isocenter_mm: [.nan, 0, 7]", "isocenter_mm");
            says(
                if name == "tomosynthesis" { "direction_deg: .inf" } else { "start_deg: .nan" },
                if name == "tomosynthesis" { "direction_deg" } else { "start_deg" },
            );
            if name != "parallel" {
                says(&format!("{distances}: -900"), "source_to_detector_mm");
                says(&format!("{distances}: 400"), "source_to_detector_mm");
                let inside = "source_to_axis_mm: 2, source_to_detector_mm: 900";
                let pixels = if name == "fan" { "4" } else { "[4, 4]" };
                says(&format!("{inside}, detector: {{pixels: {pixels}, pitch_mm: 1}}"), "source_to_axis_mm");
            }
        }
    }

    #[test]
    fn poses_of_an_orbit_are_recognised_as_that_orbit() {
        for (name, geometry) in
            every_kind(20.0).into_iter().filter(|(name, _)| ["parallel", "fan", "cone"].contains(name))
        {
            let (found, made) = (crate::data::Orbit::of_views(&geometry.views).unwrap(), geometry.orbit.unwrap());
            assert!((found.arc - made.arc).abs() < 1e-9, "{name}: {found:?}");
            assert!(
                norm(sub([found.isocenter[0], found.isocenter[1], 0.0], [5.0, 6.0, 0.0])) < 1e-6
                    && (found.offset[1] - made.offset[1]).abs() < 1e-6
            );
            assert!(found.angles.iter().zip(&made.angles).all(|(a, b)| (a - b).abs() < 1e-9), "{name}");
            assert_eq!(found.source_to_axis.map(f64::round), made.source_to_axis);
        }
        for (name, geometry) in
            every_kind(20.0).into_iter().filter(|(name, _)| ["helical", "laminography", "tomosynthesis"].contains(name))
        {
            assert_eq!(crate::data::Orbit::of_views(&geometry.views), None, "{name}");
        }
    }

    #[test]
    fn poses_need_what_their_file_leaves_open_and_see_the_volume() {
        let scan = every_kind(0.0).remove(2).1;
        let place = |keys: &str, poses: Poses| read(&format!("poses: {{file: a.xml, {keys}}}")).place(poses, &volume());
        assert_eq!(place("", Poses::from(scan.clone())).unwrap(), scan);
        let open = Poses { pixels: None, pitched: false, ..Poses::from(scan.clone()) };
        assert!(
            place("detector: {pitch_mm: 1}", open.clone())
                .unwrap_err()
                .to_string()
                .starts_with("poses.detector.pixels:")
        );
        assert!(
            place("detector: {pixels: [5, 6]}", open).unwrap_err().to_string().starts_with("poses.detector.pitch_mm:")
        );
        assert!(
            place("detector: {pitch_mm: 1}", Poses::from(scan.clone()))
                .unwrap_err()
                .to_string()
                .contains("its own pitch")
        );
        assert!(place("origin_mm: [1000, 0, 0]", Poses::from(scan.clone())).is_err());
        let mut singular = Poses::from(scan);
        singular.views[3].u = singular.views[3].v;
        let error = place("", singular).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("views[3]"), "{error}");
    }
}
