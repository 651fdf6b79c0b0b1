//! Analytic objects: sums of convex solids from `phantoms/*.yaml`, with exact line integrals and anti-aliased voxels.

mod angles;
pub mod ellipse;
pub mod ellipsoid;
mod file;
mod project;
mod quadric;
mod rasterise;
mod shape;

pub use angles::Angles;
pub use shape::{Body, Shape, ShapeKind};

use crate::data::{Grid, Point, norm};
use crate::error::{Error, Result};
use crate::registry::{Kinds, OneOf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An analytic object as its YAML file describes it. Inside, attenuation is mu_water times the sum of the densities of
/// the shapes that hold the point; outside it is 0. World point (x, y, z) mm = fractions times half of `extent_mm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phantom {
    /// What it is called.
    pub name: String,
    /// Where its numbers come from.
    pub source: String,
    /// Edge of the cube (square in 2-D) about the origin that it is made for, mm.
    pub extent_mm: f64,
    /// 2 or 3.
    pub dimension: u8,
    /// The shapes, whose densities add up.
    pub shapes: Vec<OneOf<ShapeKind>>,
}

impl Phantom {
    /// Whether it lives in the plane.
    #[must_use]
    pub fn is_2d(&self) -> bool {
        self.dimension == 2
    }

    /// The solids in world mm, each with its density relative to water.
    #[must_use]
    pub fn bodies(&self) -> Vec<(f64, Box<dyn Body>)> {
        let half = self.extent_mm / 2.0;
        self.shapes.iter().map(|shape| shape.kind.as_part()).map(|shape| (shape.density(), shape.body(half))).collect()
    }

    /// Lowest and highest corner of the axis-aligned box around all shapes, world mm; z is `[0, 0]` in 2-D.
    #[must_use]
    pub fn bounds(&self) -> [Point; 2] {
        let start = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
        self.bodies()
            .iter()
            .map(|(_, body)| body.bounds())
            .fold(start, |[low, high], [a, b]| [std::array::from_fn(|k| low[k].min(a[k])), std::array::from_fn(|k| high[k].max(b[k]))])
    }

    /// Radius of a sphere (circle in 2-D) about the origin that holds every shape, mm.
    #[must_use]
    pub fn bounding_radius(&self) -> f64 {
        let [low, high] = self.bounds();
        norm(std::array::from_fn(|k| low[k].abs().max(high[k].abs())))
    }

    /// The grid of `shape` `[z, y, x]` over the cube of `extent_mm` about the origin; a shape `[1, ny, nx]` is the plane
    /// z = 0, with the z spacing of y.
    ///
    /// # Errors
    /// More than one slice for a 2-D phantom; as [`Grid::new`].
    pub fn box_grid(&self, shape: [usize; 3]) -> Result<Grid> {
        if self.is_2d() && shape[0] != 1 {
            return Err(Error::config("grid.shape", format!("expected one slice for the 2-D phantom {}, got {shape:?}", self.name))
                .hint("write [ny, nx], or take a 3-D phantom"));
        }
        let mut spacing = shape.map(|n| self.extent_mm / n as f64);
        if shape[0] == 1 {
            spacing[0] = spacing[1];
        }
        Grid::centered(shape, spacing, [0.0; 3])
    }

    /// Whether the numbers describe an object.
    ///
    /// # Errors
    /// An extent that is not positive, no shapes, a shape of another dimension or with impossible numbers.
    pub fn check(&self) -> Result<()> {
        positive("extent_mm", &[self.extent_mm])?;
        if !matches!(self.dimension, 2 | 3) {
            return Err(Error::config("dimension", format!("expected 2 or 3, got {}", self.dimension)));
        }
        if self.shapes.is_empty() {
            return Err(Error::config("shapes", "expected at least one shape, got none"));
        }
        for (i, shape) in self.shapes.iter().enumerate() {
            let key = format!("shapes[{i}].{}", shape.kind.name());
            let part = shape.kind.as_part();
            if part.dimension() != self.dimension {
                let problem = format!("expected a {}-D shape (`dimension: {0}`), got a {}-D one", self.dimension, part.dimension());
                return Err(Error::config(key, problem));
            }
            part.check().map_err(|error| error.under(&key))?;
        }
        Ok(())
    }
}

/// Largest magnitude of a number in a phantom file: far beyond any use, and nothing computed from it overflows.
const LARGEST: f64 = 1e6;

/// Refuses values that are NaN, infinite or absurd.
fn finite(key: &str, values: &[f64]) -> Result<()> {
    match values.iter().find(|v| v.is_nan() || v.abs() > LARGEST) {
        Some(bad) => Err(Error::config(key, format!("expected finite numbers of at most {LARGEST:e}, got {bad}"))),
        None => Ok(()),
    }
}

/// Refuses sizes that are NaN, infinite, absurd or not above zero.
fn positive(key: &str, values: &[f64]) -> Result<()> {
    match values.iter().find(|v| v.is_nan() || **v < 1.0 / LARGEST || **v > LARGEST) {
        Some(bad) => Err(Error::config(key, format!("expected positive numbers of at most {LARGEST:e}, got {bad}"))),
        None => Ok(()),
    }
}
