//! [`Camera`]: a pinhole camera, as nerfstudio, instant-ngp and COLMAP describe one without lens distortion.

use super::vectors::{Point, add, cross, dot, norm, normalized, scale, sub};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Largest deviation of a camera's axes from orthonormality: files hold about six digits.
const TOLERANCE: f64 = 1e-3;

/// A pinhole camera in world mm. The centre of pixel (row i, column j) lies along `forward` + x `right` + y `down` with
/// x = (j + ½ − center\[0\]) / focal\[0\] and y = (i + ½ − center\[1\]) / focal\[1\]: row 0 is the top of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// Position of the pinhole, mm.
    pub position: Point,
    /// Unit vector along the rows of the picture (towards growing columns).
    pub right: Point,
    /// Unit vector along the columns of the picture (towards growing rows).
    pub down: Point,
    /// Unit vector of the viewing direction, right × down.
    pub forward: Point,
    /// Focal lengths (x, y) in pixels.
    pub focal: [f64; 2],
    /// Principal point: where `forward` meets the picture, (x, y) in pixels from the upper left corner.
    pub center: [f64; 2],
    /// Number of pixels, [rows, columns].
    pub pixels: [usize; 2],
}

impl Camera {
    /// A camera at `position` that looks at `target`, +z upwards in the picture, with a horizontal field of view of
    /// `fov` radians.
    ///
    /// # Errors
    /// The position equals the target, the field of view is not a valid angle, or there are no pixels.
    pub fn looking_at(position: Point, target: Point, fov: f64, pixels: [usize; 2]) -> Result<Self> {
        let forward = normalized(sub(target, position));
        // Seen straight down or up, no direction in the picture corresponds to +z; −y is drawn upwards instead.
        let up = if forward[2].abs() > 1.0 - 1e-9 { [0.0, -1.0, 0.0] } else { [0.0, 0.0, 1.0] };
        let right = normalized(cross(forward, up));
        let [rows, columns] = pixels.map(|n| n as f64);
        let focal = columns / 2.0 / (fov / 2.0).tan();
        let camera = Self {
            position,
            right,
            down: cross(forward, right),
            forward,
            focal: [focal; 2],
            center: [columns / 2.0, rows / 2.0],
            pixels,
        };
        camera.check()?;
        Ok(camera)
    }

    /// Checks that the numbers describe a valid pinhole camera.
    ///
    /// # Errors
    /// Numbers that are not finite, axes that are singular or not those of a rotation (to 1e-3), no pixels, a focal
    /// length that is not positive.
    pub fn check(&self) -> Result<()> {
        let fault = |problem: String| Err(Error::input("camera", problem));
        let axes = [self.right, self.down, self.forward];
        let numbers = axes.iter().chain([&self.position]).flatten().chain(&self.focal).chain(&self.center);
        if numbers.clone().any(|x| !x.is_finite()) {
            return fault("expected finite numbers in its matrix and its intrinsics".to_string());
        }
        let determinant = dot(cross(axes[0], axes[1]), axes[2]);
        if determinant.abs() < TOLERANCE {
            return fault(format!("expected a rotation, got a singular matrix (determinant {determinant:.1e})"));
        }
        let rigid =
            (0..3).all(|i| (0..3).all(|j| (dot(axes[i], axes[j]) - f64::from(u8::from(i == j))).abs() < TOLERANCE));
        if !rigid || determinant < 0.0 {
            return fault(format!(
                "expected a rotation, got a matrix that scales, shears or mirrors (determinant {determinant:.4})"
            ));
        }
        if self.pixels.contains(&0) || self.pixels.iter().any(|&n| n > 1 << 15) {
            return fault(format!("expected 1 to 32768 pixels along each side, got {:?}", self.pixels));
        }
        if self.focal.iter().any(|&f| f <= 0.0) {
            return fault(format!("expected positive focal lengths in pixels, got {:?}", self.focal));
        }
        Ok(())
    }

    /// Unit vector of the ray through the centre of pixel (row, column).
    #[must_use]
    pub fn direction(&self, row: usize, column: usize) -> Point {
        let x = (column as f64 + 0.5 - self.center[0]) / self.focal[0];
        let y = (row as f64 + 0.5 - self.center[1]) / self.focal[1];
        normalized(add(self.forward, add(scale(self.right, x), scale(self.down, y))))
    }

    /// The camera in other units of length: its position becomes (position − center) · factor.
    #[must_use]
    pub fn rescaled(&self, center: Point, factor: f64) -> Self {
        Self { position: scale(sub(self.position, center), factor), ..self.clone() }
    }

    /// The camera with position · factor + center: undoes [`Camera::rescaled`] when called with the inverse factor.
    #[must_use]
    pub fn placed(&self, center: Point, factor: f64) -> Self {
        Self { position: add(scale(self.position, factor), center), ..self.clone() }
    }

    /// Largest difference between two cameras, dimensionless: distance of the positions relative to `length`,
    /// difference of the axes, and difference of the intrinsics (pixels) relative to the picture's width.
    #[must_use]
    pub fn distance(&self, other: &Self, length: f64) -> f64 {
        let axes = [(self.right, other.right), (self.down, other.down), (self.forward, other.forward)];
        let width = self.pixels[1] as f64;
        let pixels = [(self.focal, other.focal), (self.center, other.center)];
        let inside = pixels.iter().flat_map(|(a, b)| (0..2).map(move |k| (a[k] - b[k]).abs() / width));
        let turned = axes.iter().map(|(a, b)| norm(sub(*a, *b)));
        let moved = norm(sub(self.position, other.position)) / length;
        inside.chain(turned).fold(moved, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_sees_its_target_in_the_middle_and_up_is_up() {
        let camera = Camera::looking_at([0.0, -400.0, 100.0], [0.0, 0.0, 100.0], 0.7, [31, 41]).unwrap();
        let middle = camera.direction(15, 20);
        assert!(norm(sub(middle, [0.0, 1.0, 0.0])) < 1e-12);
        assert!(camera.direction(0, 20)[2] > 0.1 && camera.direction(15, 40)[0] > 0.1);
        let edge = (0.35f64).tan() * 20.0 / 20.5;
        assert!((camera.direction(15, 40)[0] / camera.direction(15, 40)[1] - edge).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_camera_is_refused_in_words() {
        let good = Camera::looking_at([0.0, 0.0, 300.0], [0.0; 3], 0.7, [4, 4]).unwrap();
        let says = |camera: Camera| camera.check().unwrap_err().to_string();
        assert!(says(Camera { right: good.down, ..good.clone() }).contains("singular"));
        assert!(says(Camera { right: scale(good.right, 2.0), ..good.clone() }).contains("scales"));
        assert!(says(Camera { right: scale(good.right, -1.0), ..good.clone() }).contains("mirrors"));
        assert!(says(Camera { position: [f64::NAN, 0.0, 0.0], ..good.clone() }).contains("finite"));
        assert!(says(Camera { pixels: [0, 4], ..good.clone() }).contains("pixels"));
        assert!(Camera::looking_at([1.0; 3], [1.0; 3], 0.7, [4, 4]).is_err());
    }

    #[test]
    fn moving_there_and_back_changes_nothing() {
        let camera = Camera::looking_at([10.0, -400.0, 100.0], [0.0; 3], 0.7, [8, 8]).unwrap();
        let back = camera.rescaled([1.0, 2.0, 3.0], 0.01).placed([1.0, 2.0, 3.0], 100.0);
        assert!(camera.distance(&back, 400.0) < 1e-14);
    }
}
