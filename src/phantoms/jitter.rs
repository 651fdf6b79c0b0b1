//! Random families of phantoms: every shape is shifted, scaled, rotated and changed in density a little, depending on a
//! seed. For benchmarks in which memorising one object must not be an advantage.

use super::moved::Moved;
use super::solids::Solid;
use super::{Phantom, finite};
use crate::data::{add, scale};
use crate::error::{Error, Result};
use crate::random;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `jitter: {seed, center, size, rotation_deg, density}`: random changes, uniform between minus and plus each value and
/// independent for each shape. Shapes with `fixed: true` are not changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Jitter {
    /// Seed that selects a member of the family; `load.phantom.seed` overrides it.
    pub seed: u64,
    /// Largest shift along each axis, in the phantom's unit, 0 (default) to 0.5.
    pub center: f64,
    /// Largest relative change of size, 0 (default) to 0.5, such as 0.1 for 10 percent.
    pub size: f64,
    /// Largest rotation about z, degrees; default 0.
    pub rotation_deg: f64,
    /// Largest relative change of density, 0 (default) to 0.5.
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

    /// The changed solid for shape number `index`.
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
