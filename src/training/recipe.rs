//! Recipe of a training, read from a YAML file.

use crate::error::{Error, Result};
use crate::registry::OneOf;
use crate::require;
use crate::stages::load::{Preparation, SourceKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A volume with its licence and credit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Name of the volume, for reports.
    pub name: String,
    /// Licence that permits training on it.
    pub licence: String,
    /// Authors to credit.
    pub credit: String,
    /// Loading of the volume, as in a pipeline; paths are relative to the folder of the data.
    pub load: OneOf<SourceKind, Preparation>,
}

/// Recipe of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the trained network.
    pub name: String,
    /// Seed of all random numbers.
    #[serde(default)]
    pub seed: u64,
    /// Number of voxels of the network's input volumes, [z, y, x] with y = x a multiple of 4 from 16 to 512; z = 1 for
    /// slices. Volumes that are too thin give fewer slices.
    pub shape: [usize; 3],
    /// Volumes to train on.
    pub train: Vec<Named>,
    /// Volumes to test on; they are never trained on.
    pub test: Vec<Named>,
    /// Geometries as in a pipeline (`{cone: {...}}`), chosen at random with equal probability. `views` and `start_deg`
    /// are replaced by random values; the distances from the source are given for an object 200 mm wide and scaled to
    /// the width of each object.
    pub geometries: Vec<Value>,
    /// Smallest and largest number of views; drawn log-uniformly.
    #[serde(default = "views")]
    pub views: [usize; 2],
    /// Smallest and largest number of photons per pixel without an object; drawn log-uniformly.
    #[serde(default = "photons")]
    pub photons: [f64; 2],
    /// Smallest and largest value of a scan's largest line integral, to which the object's attenuation is scaled; drawn
    /// log-uniformly.
    #[serde(default = "strongest")]
    pub strongest: [f64; 2],
    /// Smallest and largest width of the scanned part, as a fraction of the volume's width, above 0 to 1; drawn
    /// uniformly.
    #[serde(default = "width")]
    pub width: [f64; 2],
    /// Smallest and largest weight of the total variation, in units of the noise in a voxel, rms(Aᵀ n) / (‖A‖² mu_ref);
    /// drawn log-uniformly.
    #[serde(default = "weight")]
    pub weight: [f64; 2],
    /// Number of training pairs to simulate.
    pub pairs: usize,
    /// Number of training steps.
    pub steps: u64,
    /// Number of slices per step.
    #[serde(default = "batch")]
    pub batch: usize,
    /// Largest learning rate of the schedule.
    #[serde(default = "rate")]
    pub rate: f64,
    /// Number of simulated scans of the training volumes on which the strength of the data consistency is chosen.
    #[serde(default = "cases")]
    pub validation_cases: usize,
    /// Number of simulated scans of the test volumes.
    #[serde(default = "cases")]
    pub test_cases: usize,
}

fn views() -> [usize; 2] {
    [12, 90]
}

fn photons() -> [f64; 2] {
    [3e3, 1e6]
}

fn strongest() -> [f64; 2] {
    [1.5, 6.0]
}

fn width() -> [f64; 2] {
    [0.55, 1.0]
}

fn weight() -> [f64; 2] {
    [0.15, 1.2]
}

fn batch() -> usize {
    8
}

fn rate() -> f64 {
    2e-3
}

fn cases() -> usize {
    12
}

impl Recipe {
    /// Number of dimensions: 2 for slices, 3 for volumes.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        if self.shape[0] == 1 { 2 } else { 3 }
    }

    /// Refuses an invalid recipe, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        let [_, height, width] = self.shape;
        if height != width || height % 4 != 0 || !(16..=512).contains(&height) || !(1..=512).contains(&self.shape[0]) {
            let problem = format!("expected [z, n, n] with n a multiple of 4 from 16 to 512, got {:?}", self.shape);
            return Err(Error::config("shape", problem));
        }
        for (key, empty) in [
            ("train", self.train.is_empty()),
            ("test", self.test.is_empty()),
            ("geometries", self.geometries.is_empty()),
            ("pairs", self.pairs == 0),
            ("steps", self.steps == 0),
            ("batch", self.batch == 0),
        ] {
            if empty {
                return Err(Error::config(key, "expected at least one, got none"));
            }
        }
        let views = self.views.map(|n| n as f64);
        for (key, [low, high]) in [
            ("views", views),
            ("photons", self.photons),
            ("strongest", self.strongest),
            ("width", self.width),
            ("weight", self.weight),
        ] {
            require::positive(key, low)?;
            if !(high.is_finite() && low <= high) {
                return Err(Error::config(key, format!("expected [smallest, largest], got [{low}, {high}]")));
            }
        }
        if self.width[1] > 1.0 {
            let problem = format!("expected fractions of the volume's width, at most 1, got {:?}", self.width);
            return Err(Error::config("width", problem));
        }
        require::positive("rate", self.rate)
    }

    /// The keys that the pairs depend on, as a JSON value.
    #[must_use]
    pub fn of_pairs(&self) -> Value {
        let Self { seed, shape, geometries, views, photons, strongest, width, weight, .. } = self;
        serde_json::json!([seed, shape, geometries, views, photons, strongest, width, weight])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    const RECIPE: &str = "{name: a, shape: [1, 32, 32], pairs: 2, steps: 3, geometries: [{parallel: {}}], train: \
         [{name: b, licence: MIT, credit: c, load: {nifti: {path: b.nii}}}], test: [{name: d, licence: MIT, credit: \
         c, load: {nifti: {path: d.nii}}}]}";

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key() {
        let good: Recipe = yaml::parse(RECIPE, "recipe").unwrap();
        assert!(good.check().is_ok() && good.dimensions() == 2);
        let refused = |change: fn(&mut Recipe)| {
            let mut recipe = good.clone();
            change(&mut recipe);
            recipe.check().unwrap_err().to_string()
        };
        assert!(refused(|recipe| recipe.shape = [1, 32, 36]).contains("shape"));
        assert!(refused(|recipe| recipe.train.clear()).contains("train"));
        assert!(refused(|recipe| recipe.views = [9, 8]).contains("views"));
        assert!(refused(|recipe| recipe.width = [0.5, 1.5]).contains("width"));
        assert!(refused(|recipe| recipe.photons = [f64::NAN, 1.0]).contains("photons"));
    }
}
