//! Analytic phantoms: convex solids from `phantoms/*.yaml`, with exact line integrals and anti-aliased voxels.

mod angles;
mod body;
pub mod cone;
pub mod cuboid;
mod cut;
pub mod cylinder;
pub mod ellipse;
pub mod ellipsoid;
mod file;
mod frustum;
mod jitter;
mod moved;
mod project;
mod quadric;
mod rasterise;
pub mod rectangle;
mod shape;
mod slabs;
mod solids;

pub use angles::Angles;
pub use body::{Body, Shape};
pub use cut::Cut;
pub use jitter::Jitter;
pub use shape::{Modifiers, ShapeKind};

use crate::data::{Grid, Point, norm};
use crate::error::{Error, Result};
use crate::registry::{Kinds, OneOf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solids::{Solid, Solids};

/// Rule for points inside several overlapping shapes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// Densities add up (Shepp-Logan).
    #[default]
    Add,
    /// The shape listed last replaces those before it (FORBILD).
    Replace,
}

/// An analytic phantom as described by its YAML file. At a point inside, attenuation is mu_water times the sum of the
/// densities of the shapes that contain the point (or the density of the last of them, see [`Combine`]); outside all
/// shapes it is 0. World coordinates (x, y, z) in mm are the lengths of the file times its unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phantom {
    /// Name of the phantom.
    pub name: String,
    /// Source of its numbers, such as a publication.
    pub source: String,
    /// Edge length of the cube (square in 2-D) about the origin that is imaged, mm.
    pub extent_mm: f64,
    /// Number of dimensions, 2 or 3.
    pub dimension: u8,
    /// Unit of length of the shapes, in mm. Default: half of `extent_mm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_mm: Option<f64>,
    /// Rule for overlapping shapes: add (default) or replace.
    #[serde(default)]
    pub combine: Combine,
    /// Random changes of every shape; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Jitter>,
    /// The shapes, in an order that matters for `combine: replace`.
    pub shapes: Vec<OneOf<ShapeKind, Modifiers>>,
}

impl Phantom {
    /// Whether the phantom is two-dimensional.
    #[must_use]
    pub fn is_2d(&self) -> bool {
        self.dimension == 2
    }

    /// The solids in world mm, each with its density relative to water, in the order of the file.
    #[must_use]
    pub fn bodies(&self) -> Vec<(f64, Box<dyn Body>)> {
        self.scene().parts.into_iter().map(|part| (part.density, part.body)).collect()
    }

    /// Unit of length of the file, mm.
    #[must_use]
    pub fn unit(&self) -> f64 {
        self.unit_mm.unwrap_or(self.extent_mm / 2.0)
    }

    /// Density relative to water at each of the world points (mm).
    #[must_use]
    pub fn densities_at(&self, points: &[Point]) -> Vec<f64> {
        let scene = self.scene();
        points.iter().map(|&point| scene.density_at(point)).collect()
    }

    /// Selects the member of the random family with this seed.
    ///
    /// # Errors
    /// A phantom without `jitter`.
    pub fn with_seed(mut self, seed: u64) -> Result<Self> {
        let problem = || {
            Error::config("seed", format!("{} has no `jitter` to seed", self.name))
                .hint("take a phantom file with `jitter`")
        };
        self.jitter.as_mut().ok_or_else(problem)?.seed = seed;
        Ok(self)
    }

    /// The solids in world mm, in the order of the file.
    fn scene(&self) -> Solids {
        let part = |(index, shape): (usize, &OneOf<ShapeKind, Modifiers>)| {
            let (solid, keys) = (shape.kind.as_part(), &shape.keys);
            let mut body = solid.body(self.unit());
            if let Some(cuts) = &keys.cut {
                let planes = cuts.iter().map(|cut| cut.half_space(self.unit())).collect();
                body = Box::new(cut::Clipped { inner: body, planes });
            }
            let part = Solid::new(solid.density(), keys.material.unwrap_or_default(), body, self.is_2d());
            match &self.jitter {
                Some(jitter) if keys.fixed != Some(true) => jitter.apply(index, part, self),
                _ => part,
            }
        };
        Solids { parts: self.shapes.iter().enumerate().map(part).collect(), replace: self.combine == Combine::Replace }
    }

    /// Lowest and highest corner of the axis-aligned bounding box of all shapes, world mm; z is `[0, 0]` in 2-D.
    #[must_use]
    pub fn bounds(&self) -> [Point; 2] {
        let start = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
        self.bodies().iter().map(|(_, body)| body.bounds()).fold(start, |[low, high], [a, b]| {
            [std::array::from_fn(|k| low[k].min(a[k])), std::array::from_fn(|k| high[k].max(b[k]))]
        })
    }

    /// Radius of a sphere (circle in 2-D) about the origin that contains every shape, mm.
    #[must_use]
    pub fn bounding_radius(&self) -> f64 {
        let [low, high] = self.bounds();
        norm(std::array::from_fn(|k| low[k].abs().max(high[k].abs())))
    }

    /// The grid with `shape` `[z, y, x]` over the cube of `extent_mm` about the origin. A shape `[1, ny, nx]` is the
    /// plane z = 0, with the z spacing set to that along y.
    ///
    /// # Errors
    /// More than one slice for a 2-D phantom; as [`Grid::new`].
    pub fn box_grid(&self, shape: [usize; 3]) -> Result<Grid> {
        if self.is_2d() && shape[0] != 1 {
            return Err(Error::config(
                "grid.shape",
                format!("expected one slice for the 2-D phantom {}, got {shape:?}", self.name),
            )
            .hint("write [ny, nx], or take a 3-D phantom"));
        }
        let mut spacing = shape.map(|n| self.extent_mm / n as f64);
        if shape[0] == 1 {
            spacing[0] = spacing[1];
        }
        Grid::centered(shape, spacing, [0.0; 3])
    }

    /// Checks that the values describe a phantom.
    ///
    /// # Errors
    /// An extent that is not positive, no shapes, a shape of another dimension or with invalid values.
    pub fn check(&self) -> Result<()> {
        positive("extent_mm", &[self.extent_mm])?;
        if !matches!(self.dimension, 2 | 3) {
            return Err(Error::config("dimension", format!("expected 2 or 3, got {}", self.dimension)));
        }
        positive("unit_mm", &[self.unit()])?;
        if let Some(jitter) = &self.jitter {
            jitter.check().map_err(|error| error.under("jitter"))?;
        }
        if self.shapes.is_empty() {
            return Err(Error::config("shapes", "expected at least one shape, got none"));
        }
        for (i, shape) in self.shapes.iter().enumerate() {
            self.check_shape(shape).map_err(|error| error.under(&format!("shapes[{i}]")))?;
        }
        Ok(())
    }

    /// Checks a shape; the keys of errors are relative to it.
    fn check_shape(&self, shape: &OneOf<ShapeKind, Modifiers>) -> Result<()> {
        let (name, part) = (shape.kind.name(), shape.kind.as_part());
        if part.dimension() != self.dimension {
            let problem =
                format!("expected a {}-D shape (`dimension: {0}`), got a {}-D one", self.dimension, part.dimension());
            return Err(Error::config(name, problem));
        }
        part.check().map_err(|error| error.under(name))?;
        for (k, cut) in shape.keys.cut.iter().flatten().enumerate() {
            cut.check().map_err(|error| error.under(&format!("cut[{k}]")))?;
            if self.is_2d() && cut.normal[2] != 0.0 {
                let problem = format!("expected z = 0 in 2-D, got {:?}", cut.normal);
                return Err(Error::config(format!("cut[{k}].normal"), problem));
            }
        }
        Ok(())
    }
}

/// Largest magnitude of a number in a phantom file: well above practical values, yet nothing computed from it
/// overflows.
const LARGEST: f64 = 1e6;

/// Checks that values are neither NaN nor larger in magnitude than `LARGEST`.
fn finite(key: &str, values: &[f64]) -> Result<()> {
    match values.iter().find(|v| v.is_nan() || v.abs() > LARGEST) {
        Some(bad) => Err(Error::config(key, format!("expected finite numbers of at most {LARGEST:e}, got {bad}"))),
        None => Ok(()),
    }
}

/// Checks that sizes are neither NaN, nor below 1 / `LARGEST`, nor above `LARGEST`.
fn positive(key: &str, values: &[f64]) -> Result<()> {
    match values.iter().find(|v| v.is_nan() || **v < 1.0 / LARGEST || **v > LARGEST) {
        Some(bad) => Err(Error::config(key, format!("expected positive numbers of at most {LARGEST:e}, got {bad}"))),
        None => Ok(()),
    }
}
