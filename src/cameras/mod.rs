//! Positions of cameras around an object, for photographs; `geometries` are the counterpart for CT scans. A family: one
//! file and one line here per arrangement. All cameras look at the centre of the object's box, with +z upwards in the
//! picture.

pub mod file;
pub mod hemisphere;
pub mod lattice;
pub mod orbit;
pub mod sphere;

use crate::data::{Camera, Grid, Point, add, norm, scale};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Default distance of a camera from the centre of the box, relative to the distance at which the sphere around the box
/// just fits the field of view.
const AIR: f64 = 1.05;

/// Configuration of an arrangement of cameras.
pub trait Directions {
    /// Refuses an invalid configuration, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    fn check(&self) -> Result<()>;
    /// Number of training pictures; 0 if the cameras are read from a file.
    fn views(&self) -> usize;
    /// Unit vectors from the centre of the object to the training cameras.
    fn training(&self, seed: u64) -> Vec<Point>;
    /// Unit vectors to `count` further cameras between these, whose pictures are held out.
    fn held_out(&self, count: usize, seed: u64) -> Vec<Point>;
    /// Path of the file that defines the cameras, if there is one; the other methods are then not used.
    fn file(&self) -> Option<&Path> {
        None
    }
}

crate::kinds! {
    /// The arrangements of cameras.
    pub enum CameraKind: "arrangement of cameras" => dyn Directions {
        /// On a circle about the z axis.
        orbit => Orbit(orbit::Config),
        /// Evenly distributed all around the object.
        sphere => Sphere(sphere::Config),
        /// Evenly distributed over the upper hemisphere.
        hemisphere => Hemisphere(hemisphere::Config),
        /// Read from a file.
        file => File(file::Config),
    }
}

/// Keys beside an arrangement that apply to all its cameras.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lens {
    /// Number of pixels of a picture, [rows, columns], 2 to 8192 each; default: [128, 128]. Cameras from a file have
    /// their own.
    pub pixels: Option<[usize; 2]>,
    /// Horizontal field of view, degrees, 1 to 150; default: 40.
    pub fov_deg: Option<f64>,
    /// Distance of the cameras from the centre of the object, mm; default: just far enough to see the whole box.
    pub distance_mm: Option<f64>,
    /// Number of pictures that are withheld from all methods and used to evaluate them; default: 10.
    pub held_out: Option<usize>,
}

crate::sibling_keys!(Lens { pixels, fov_deg, distance_mm, held_out });

/// The cameras of one scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Cameras whose pictures are fitted.
    pub training: Vec<Camera>,
    /// Cameras whose pictures are held out.
    pub held_out: Vec<Camera>,
}

impl Lens {
    /// Number of held-out pictures.
    #[must_use]
    pub fn withheld(&self) -> usize {
        self.held_out.unwrap_or(10)
    }

    /// Places the cameras of an arrangement around the box of a grid; `seed` determines random positions.
    ///
    /// # Errors
    /// Invalid keys, cameras inside the box.
    pub fn place(&self, kind: &CameraKind, volume: &Grid, seed: u64) -> Result<Placed> {
        let directions = kind.as_part();
        directions.check()?;
        let all = |points: Vec<Point>| -> Result<Vec<Camera>> {
            points.into_iter().map(|point| self.camera(point, volume)).collect()
        };
        Ok(Placed {
            training: all(directions.training(seed)).and_then(not_empty)?,
            held_out: all(directions.held_out(self.withheld(), seed))?,
        })
    }

    /// The camera in the direction `direction` (a unit vector) from the centre of the box.
    ///
    /// # Errors
    /// As [`Lens::place`].
    pub fn camera(&self, direction: Point, volume: &Grid) -> Result<Camera> {
        let fov = self.fov_deg.unwrap_or(40.0);
        if !(1.0..=150.0).contains(&fov) {
            return Err(Error::config("fov_deg", format!("expected 1 to 150 degrees, got {fov}")));
        }
        let pixels = self.pixels.unwrap_or([128, 128]);
        if pixels.iter().any(|n| !(2..=8192).contains(n)) {
            return Err(Error::config("pixels", format!("expected 2 to 8192 along each side, got {pixels:?}")));
        }
        let narrow =
            fov.to_radians().min(2.0 * ((fov.to_radians() / 2.0).tan() * pixels[0] as f64 / pixels[1] as f64).atan());
        let radius = norm(volume.extent()) / 2.0;
        let distance = self.distance_mm.unwrap_or(AIR * radius / (narrow / 2.0).sin());
        if !(distance.is_finite() && distance > radius) {
            let problem = format!(
                "expected more than {radius:.1} mm, so that no camera is inside the object's box, got {distance}"
            );
            return Err(Error::config("distance_mm", problem));
        }
        let position = add(volume.center(), scale(direction, distance));
        Camera::looking_at(position, volume.center(), fov.to_radians(), pixels)
    }
}

fn not_empty(cameras: Vec<Camera>) -> Result<Vec<Camera>> {
    if cameras.is_empty() {
        return Err(Error::config("views", "expected at least 1, got 0"));
    }
    Ok(cameras)
}

/// Refuses a number of views outside 1 to 10000.
fn check_views(kind: &str, views: usize) -> Result<()> {
    if (1..=10_000).contains(&views) {
        return Ok(());
    }
    Err(Error::config(format!("{kind}.views"), format!("expected 1 to 10000, got {views}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{dot, sub};
    use crate::registry::Kinds;

    #[test]
    fn every_arrangement_sees_the_whole_box_from_outside_and_repeats() {
        let grid = Grid::centered([20, 30, 40], [2.0, 2.0, 2.0], [5.0, -3.0, 8.0]).unwrap();
        for name in CameraKind::NAMES.iter().filter(|name| **name != "file") {
            let kind = CameraKind::default_of(name).unwrap();
            let lens = Lens { pixels: Some([40, 60]), ..Lens::default() };
            let placed = lens.place(&kind, &grid, 7).unwrap();
            assert_eq!(placed, lens.place(&kind, &grid, 7).unwrap());
            assert_eq!((placed.training.len(), placed.held_out.len()), (kind.as_part().views(), 10), "{name}");
            for camera in placed.training.iter().chain(&placed.held_out) {
                for corner in grid.corners() {
                    let ray = sub(corner, camera.position);
                    let depth = dot(ray, camera.forward);
                    let x = camera.focal[0] * dot(ray, camera.right) / depth + camera.center[0];
                    let y = camera.focal[1] * dot(ray, camera.down) / depth + camera.center[1];
                    assert!(depth > 0.0 && (0.0..=60.0).contains(&x) && (0.0..=40.0).contains(&y), "{name}: {x} {y}");
                }
            }
            // Held-out cameras differ from the training cameras.
            let nearest = |camera: &Camera| {
                placed.training.iter().map(|other| norm(sub(other.position, camera.position))).fold(f64::MAX, f64::min)
            };
            assert!(placed.held_out.iter().all(|camera| nearest(camera) > 1.0), "{name}");
        }
    }

    #[test]
    fn held_out_cameras_of_an_open_arc_lie_within_it() {
        for (arc, count) in [(90.0, 3), (90.0, 12), (-120.0, 40), (360.0, 12)] {
            let orbit = orbit::Config { views: 12, elevation_deg: 0.0, start_deg: 0.0, arc_deg: arc };
            for [x, y, _] in Directions::held_out(&orbit, count, 0) {
                let angle = y.atan2(x).to_degrees() * f64::signum(arc);
                assert!(arc == 360.0 || (0.0..=arc.abs()).contains(&angle), "{arc} degrees, {count}: {angle}");
            }
        }
    }

    #[test]
    fn cameras_inside_the_object_are_refused() {
        let grid = Grid::centered([20, 30, 40], [2.0, 2.0, 2.0], [0.0; 3]).unwrap();
        let lens = Lens { distance_mm: Some(30.0), ..Lens::default() };
        let error = lens.place(&CameraKind::default_of("orbit").unwrap(), &grid, 0).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("inside"), "{error}");
    }
}
