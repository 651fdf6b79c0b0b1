//! A family of phantoms: the same object with every shape moved, grown, turned and made denser a little, by a seed. For
//! benchmarks that must not be won by learning one object by heart.

use super::moved::Moved;
use super::solids::Solid;
use super::{Phantom, finite};
use crate::data::{add, scale};
use crate::error::{Error, Result};
use crate::random;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `jitter: {seed, center, size, rotation_deg, density}`: largest changes, uniform in plus or minus that much, each
/// shape for itself. Shapes with `fixed: true` stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Jitter {
    /// Which member of the family; `load.phantom.seed` sets another one.
    pub seed: u64,
    /// Shift along each axis, in the phantom's unit.
    pub center: f64,
    /// Relative change of size, such as 0.1 for 10 percent.
    pub size: f64,
    /// Turn about z, degrees.
    pub rotation_deg: f64,
    /// Relative change of density.
    pub density: f64,
}

impl Jitter {
    pub(super) fn check(&self) -> Result<()> {
        finite("rotation_deg", &[self.rotation_deg])?;
        for (key, value) in [("center", self.center), ("size", self.size), ("density", self.density)] {
            if !(0.0..=0.5).contains(&value) {
                return Err(Error::config(key, format!("expected 0 to 0.5, got {value}")));
            }
        }
        Ok(())
    }

    /// The solid that shape `index` becomes.
    pub(super) fn apply(&self, index: usize, part: Solid, phantom: &Phantom) -> Solid {
        let mut random = random::stream(self.seed, "phantom jitter", index as u64);
        let mut within = |most: f64| most * random.random_range(-1.0..=1.0);
        let [mut x, mut y, mut z] = [0.0; 3];
        for value in [&mut x, &mut y, &mut z] {
            *value = within(self.center) * phantom.unit();
        }
        let (growth, turn, denser) =
            (1.0 + within(self.size), within(self.rotation_deg).to_radians(), 1.0 + within(self.density));
        let [low, high] = part.body.bounds();
        let shift = if phantom.is_2d() { [x, y, 0.0] } else { [x, y, z] };
        let moved = Moved { about: scale(add(low, high), 0.5), inner: part.body, shift, growth, turn };
        Solid::new(part.density * denser, part.material, Box::new(moved), phantom.is_2d())
    }
}
