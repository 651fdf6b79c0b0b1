//! Simulated scan of a random part of a volume, for training, reconstructed by total variation with a random weight.

use super::recipe::Recipe;
use super::volumes::{Object, Source};
use crate::algorithms::refined::{Pair, Start, noise_weight, traits};
use crate::algorithms::{Algorithm, Discretisation, Problem, Run, tv};
use crate::data::{Geometry, Grid, MU_WATER_PER_MM, Projections, Volume};
use crate::error::{Error, Result};
use crate::geometries::GeometryKind;
use crate::operators::xray::kernels::joseph;
use crate::physics::{self, Effects, NoiseConfig};
use crate::progress::TRIAL;
use crate::random::stream;
use crate::registry::OneOf;
use crate::tensors::{CPU, ThreadScope};
use crate::yaml;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeMap;

/// Number of rays per detector pixel along each of its axes in the simulation.
const RAYS: usize = 2;
/// Finer discretisation on which starts are reconstructed, the same as that of `tv_refined`.
pub(super) const DISCRETISATION: Discretisation = Discretisation { lattice: 2, sub_rays: Some(2) };
/// Number of iterations and tolerance of the total variation.
const EFFORT: (u64, f64) = (150, 0.1);
/// Width of the object, mm, to which the distances of a recipe's geometries refer.
const WIDTH: f64 = 200.0;
/// Standard deviation of the electronic noise, photons.
const ELECTRONIC: f64 = 10.0;

/// Numbered random scans of some volumes, as a recipe describes.
pub(super) struct Caseload<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) sources: &'a [Source],
    /// Name of the random streams.
    pub(super) purpose: &'a str,
}

/// A simulated scan with the true volume.
pub(super) struct Case {
    /// Index of the volume among the sources.
    pub(super) source: usize,
    pub(super) grid: Grid,
    pub(super) truth: Volume,
    pub(super) data: Projections,
    weight: f64,
    /// Factor by which the object's attenuation was multiplied.
    gain: f32,
}

fn between([low, high]: [f64; 2], random: &mut ChaCha8Rng) -> f64 {
    (low.ln() + (high.ln() - low.ln()) * random.random::<f64>()).exp()
}

impl Caseload<'_> {
    /// The case with the number `number`; the same on every machine.
    pub(super) fn case(&self, number: u64) -> Result<Case> {
        let recipe = self.recipe;
        let mut random = stream(recipe.seed, self.purpose, number);
        for turn in 0..self.sources.len() {
            let source = (number as usize + turn) % self.sources.len();
            let drawn = self.sources[source].object(recipe.shape, recipe.width, &mut random)?;
            if let Some(object) = drawn {
                return self.scan(source, object, number, &mut random);
            }
        }
        Err(Error::config("train", "all random parts of the volumes were mostly air"))
    }

    fn scan(&self, source: usize, object: Object, number: u64, random: &mut ChaCha8Rng) -> Result<Case> {
        let recipe = self.recipe;
        let grid = object.fine.grid.with_shape(object.shape)?;
        let views = between(recipe.views.map(|n| n as f64), random).round() as usize;
        let written = &recipe.geometries[random.random_range(0..recipe.geometries.len())];
        let geometry = geometry(written, views, &grid, random)?;
        let fine = geometry.subdivided(if grid.is_2d() { 1 } else { RAYS }, RAYS);
        let mut rays = vec![0.0; fine.samples()];
        let Volume { grid: lattice, .. } = &object.fine;
        joseph::forward(lattice, &fine.views, &fine.detector, object.fine.as_slice(), &mut rays);
        let ideal = physics::average_subrays(&rays, &geometry, if grid.is_2d() { 1 } else { RAYS }, RAYS)?;
        let strongest = ideal.as_slice().iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let gain = between(recipe.strongest, random) as f32 / strongest;
        let ideal = Projections::from_vec(geometry.clone(), ideal.as_slice().iter().map(|p| p * gain).collect())?;
        let noise = NoiseConfig {
            photons: between(recipe.photons, random),
            electronic_sd: ELECTRONIC,
            ..NoiseConfig::default()
        };
        let effects = Effects { noise: Some(&noise), ..Effects::default() };
        let (data, _) = physics::measure(ideal.clone(), &effects, recipe.seed.wrapping_add(number))?;
        let truth = object.fine.resampled(&grid)?.map(|mu| mu * gain);
        let weight = between(recipe.weight, random) * weight_of_noise(&data, &ideal, &grid)?;
        Ok(Case { source, grid, truth, data, weight, gain })
    }
}

/// The geometry of a recipe with `views` views, a random start angle, and pixels of a random size.
fn geometry(written: &Value, views: usize, grid: &Grid, random: &mut ChaCha8Rng) -> Result<Geometry> {
    let mut plain = written.clone();
    let inner = plain.as_object_mut().and_then(|kinds| kinds.values_mut().next());
    let Some(Value::Object(keys)) = inner else {
        return Err(Error::config("geometries", format!("expected a geometry like {{cone: {{...}}}}, got {written}")));
    };
    let scale = grid.extent()[1] / WIDTH;
    for key in ["source_to_axis_mm", "source_to_detector_mm"] {
        if let Some(length) = keys.get(key).and_then(Value::as_f64) {
            keys.insert(key.to_string(), (length * scale).into());
        }
    }
    keys.insert("views".into(), views.into());
    keys.insert("start_deg".into(), (360.0 * random.random::<f64>()).into());
    let kind: OneOf<GeometryKind> = yaml::from_value(&plain).map_err(|error| error.under("geometries"))?;
    let pixels = between([0.8, 1.5], random);
    let seen = grid.shape.map(|n| if n == 1 { 1 } else { ((n as f64 * pixels) as usize).max(2) });
    kind.kind.as_part().build(&grid.with_shape(seen)?).map_err(|error| error.under("geometries"))
}

/// Weight of a total variation that matches the noise n of the projections as it reaches a voxel: rms(Aᵀ n) / (‖A‖²
/// mu_ref).
fn weight_of_noise(data: &Projections, ideal: &Projections, grid: &Grid) -> Result<f64> {
    let noise: Vec<f32> = data.as_slice().iter().zip(ideal.as_slice()).map(|(y, p)| y - p).collect();
    let noise = Projections::from_vec(data.geometry.clone(), noise)?;
    noise_weight(&Problem::xrays(&noise, grid, MU_WATER_PER_MM), CPU)
}

impl Case {
    fn problem(&self) -> Problem<'_> {
        Problem::xrays(&self.data, &self.grid, MU_WATER_PER_MM)
    }

    /// Reconstruction by total variation on the finer lattice.
    pub(super) fn variation(&self) -> Result<Volume> {
        let tv = tv::Config {
            weight: self.weight.into(),
            iterations: EFFORT.0,
            tolerance: EFFORT.1,
            ..tv::Config::default()
        };
        let trial = tracing::info_span!(target: TRIAL, "trial", label = "tv");
        let problem = self.problem();
        let fine = DISCRETISATION.problem(&problem)?;
        Ok(trial.in_scope(|| tv.reconstruct(&fine, &mut Run::quiet(CPU, 0)))?.volume)
    }

    /// The start for the network, from the total variation on the finer lattice.
    pub(super) fn start(&self, fine: &Volume) -> Result<Start> {
        Start::new(&self.problem(), fine, &DISCRETISATION, CPU)
    }

    /// The start with the true volume, and the traits of the scan.
    pub(super) fn pair(&self) -> Result<(Pair, BTreeMap<String, f64>)> {
        let fine = self.variation()?;
        // HU of the object itself, before its attenuation was multiplied by the gain.
        let seen = fine.resampled(&self.grid)?.map(|mu| mu / self.gain);
        let traits = traits::of(&self.data, &seen, MU_WATER_PER_MM);
        Ok((self.start(&fine)?.pair(&self.truth)?, traits))
    }
}

/// Limits libtorch to one thread: the cases run in parallel, and more threads would compete with each other.
pub(super) fn tensors_alone() -> ThreadScope {
    ThreadScope::for_tensors_of(0)
}
