//! [`Picture`] and [`Pictures`]: photographs of an object by cameras, the second kind of measurement beside
//! projections.

use super::{Camera, Grid, Point, norm, sub};
use crate::error::{Error, Result};

/// A colour picture with opacity: pixels `[row, column]`, row 0 at the top.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Number of pixels, [rows, columns].
    pub pixels: [usize; 2],
    /// Red, green, blue and opacity of each pixel, 0 to 1, in C order `[row, column]`; the colour is not premultiplied
    /// by the opacity.
    pub rgba: Vec<[f32; 4]>,
}

impl Picture {
    /// Creates a picture and checks it.
    ///
    /// # Errors
    /// No pixels; a number of values that differs from the number of pixels; values outside 0 to 1.
    pub fn new(pixels: [usize; 2], rgba: Vec<[f32; 4]>) -> Result<Self> {
        let expected = pixels[0].checked_mul(pixels[1]);
        if expected != Some(rgba.len()) || rgba.is_empty() {
            return Err(Error::input("picture", format!("expected {pixels:?} pixels, got {}", rgba.len())));
        }
        if rgba.iter().flatten().any(|value| !(0.0..=1.0).contains(value)) {
            return Err(Error::input("picture", "expected values from 0 to 1"));
        }
        Ok(Self { pixels, rgba })
    }

    /// The picture over a uniform background: red, green and blue in C order `[row, column]`.
    #[must_use]
    pub fn before(&self, background: [f32; 3]) -> Vec<[f32; 3]> {
        let over = |pixel: &[f32; 4]| std::array::from_fn(|k| pixel[k] * pixel[3] + background[k] * (1.0 - pixel[3]));
        self.rgba.iter().map(over).collect()
    }

    /// Whether every pixel is opaque.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.rgba.iter().all(|pixel| pixel[3] == 1.0)
    }
}

/// A picture and the camera that took it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// File name without its extension, such as `r_007`.
    pub name: String,
    /// The camera that took it.
    pub camera: Camera,
    /// The picture.
    pub picture: Picture,
}

/// Pictures of one object, from cameras outside its box.
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    /// Box that holds the object, and the grid on which its density is exported.
    pub grid: Grid,
    /// Pictures to which a field is fitted.
    pub training: Vec<Shot>,
    /// Pictures by which the field is evaluated.
    pub held_out: Vec<Shot>,
}

impl Pictures {
    /// Creates a set of pictures and checks it.
    ///
    /// # Errors
    /// No training picture; pictures whose size differs from their camera's or from that of the first picture; invalid
    /// cameras, or cameras inside the box.
    pub fn new(grid: Grid, training: Vec<Shot>, held_out: Vec<Shot>) -> Result<Self> {
        if training.is_empty() {
            return Err(Error::input("pictures", "expected at least one training picture, got none"));
        }
        let size = training[0].picture.pixels;
        training.iter().chain(&held_out).try_for_each(|shot| shot.check(size, &grid))?;
        Ok(Self { grid, training, held_out })
    }

    /// Number of pixels of every picture, [rows, columns].
    #[must_use]
    pub fn pixels(&self) -> [usize; 2] {
        self.training[0].picture.pixels
    }

    /// Whether every held-out picture is fully opaque, so that no background shows.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.held_out.iter().all(|shot| shot.picture.is_opaque())
    }

    /// Hash (BLAKE3, hexadecimal) of the grid, the cameras and the pictures, which identifies the set.
    #[must_use]
    pub fn content_hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{:?}", self.grid).as_bytes());
        for (shot, held) in
            self.training.iter().map(|shot| (shot, 0u8)).chain(self.held_out.iter().map(|shot| (shot, 1)))
        {
            hasher.update(&[held]).update(format!("{:?}", shot.camera).as_bytes());
            for value in shot.picture.rgba.iter().flatten() {
                hasher.update(&value.to_le_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Radius of the box's circumscribed sphere, mm.
    #[must_use]
    pub fn radius(&self) -> f64 {
        norm(self.grid.extent()) / 2.0
    }
}

impl Shot {
    /// Refuses an invalid camera, one inside the box of `grid`, and other than `size` pixels.
    fn check(&self, size: [usize; 2], grid: &Grid) -> Result<()> {
        let named = |problem: String| Error::input(&self.name, problem);
        self.camera.check().map_err(|error| match error {
            Error::Input { problem, .. } => named(problem),
            other => other,
        })?;
        if self.picture.pixels != size || self.camera.pixels != size {
            let ([rows, columns], [h, w]) = (size, self.picture.pixels);
            let problem = format!("expected {columns} x {rows} pixels as in the first picture, got {w} x {h}");
            return Err(named(problem).hint("pictures of one set have one size"));
        }
        if inside(grid, self.camera.position) {
            return Err(named("its camera is inside the object's box".to_string()).hint(
                "check the unit of the positions: the box is ±1.5 of the file's units unless it says otherwise",
            ));
        }
        Ok(())
    }
}

/// Whether a point (mm) lies in the box of a grid, or at its centre.
fn inside(grid: &Grid, point: Point) -> bool {
    let index = grid.index(point);
    let from = sub(point, grid.center());
    norm(from) == 0.0 || (0..3).all(|k| index[k] > -0.5 && index[k] < grid.shape[k] as f64 - 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shot(position: Point, pixels: [usize; 2]) -> Shot {
        let camera = Camera::looking_at(position, [0.0; 3], 0.7, pixels).unwrap();
        let picture = Picture::new(pixels, vec![[0.5, 0.25, 1.0, 0.5]; pixels[0] * pixels[1]]).unwrap();
        Shot { name: "r_0".into(), camera, picture }
    }

    #[test]
    fn sets_that_cannot_be_are_refused() {
        let grid = Grid::centered([4, 4, 4], [25.0; 3], [0.0; 3]).unwrap();
        let far = || shot([300.0, 0.0, 0.0], [3, 2]);
        let says = |training, held| Pictures::new(grid.clone(), training, held).unwrap_err().to_string();
        assert!(says(vec![], vec![far()]).contains("none"));
        assert!(says(vec![far()], vec![shot([300.0, 0.0, 0.0], [2, 3])]).contains("got 3 x 2"));
        assert!(says(vec![shot([40.0, 0.0, 0.0], [3, 2])], vec![]).contains("inside"));
        assert!(Pictures::new(grid, vec![far()], vec![]).is_ok());
    }

    #[test]
    fn a_half_opaque_pixel_shows_half_of_the_background() {
        let picture = shot([300.0, 0.0, 0.0], [1, 1]).picture;
        assert_eq!(picture.before([1.0; 3])[0], [0.75, 0.625, 1.0]);
        assert!(Picture::new([1, 1], vec![[0.0, 0.0, 0.0, 1.5]]).is_err());
    }
}
