//! Whether a fitted field is worse than total variation, told without the truth.
//!
//! Total variation t, with its weight chosen by left-out views, predicted those up to a mean square s, of its own error
//! and the noise. At angles halfway between the measured ones, which nothing was fitted to, the projections of the
//! field f and of t differ by a mean square d. With B the projections there and x the truth, ‖B(f − x)‖ ≥ ‖B(f − t)‖ −
//! ‖B(t − x)‖: where d is a good deal larger than s, the field is farther from the truth than total variation is. The
//! reverse is not told: a field may be somewhat worse and pass.

use super::Config;
use crate::algorithms::weight::held_out::{Judge, mean};
use crate::algorithms::weight::{Auto, Choice, Weight};
use crate::algorithms::{Reconstruction, Run, tv};
use crate::data::{Geometry, Grid, Projections, Quantity, Volume, Warning, sub};
use crate::error::Result;
use serde_json::json;

/// √(d / s) from which a field is said to be worse. Errors that have nothing to do with each other add up to
/// √(1 + q²) for a field q times as far from the truth as total variation: 1.5 is q = 1.1, or more where s holds noise.
const LIMIT: f64 = 1.5;

impl Config {
    /// Compares what was made with total variation; with `fallback` the better of them is the result.
    ///
    /// # Errors
    /// As the reconstructions'.
    pub(super) fn judge(
        &self,
        made: &mut Reconstruction,
        choice: &Choice,
        data: &Projections,
        grid: &Grid,
        run: &Run<'_>,
    ) -> Result<()> {
        let found = match (choice.by, self.fallback) {
            (Some(_), _) => choice.clone(),
            (None, true) => self.total_variation(Weight::Auto(Auto::default())).choose_weight(data, grid, run)?,
            (None, false) => return Ok(()),
        };
        let missed = found.tried.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
        let mut inner = Run {
            stop: run.stop,
            sampling: run.sampling,
            lattice: run.lattice,
            ..Run::quiet(run.device, run.seed, run.mu_water)
        };
        let reference = self.total_variation(found.weight.into());
        let reference = crate::algorithms::Algorithm::reconstruct(&reference, data, grid, &mut inner)?.volume;
        let apart = difference(&made.volume, &reference, &data.geometry, run)?;
        let ratio = if missed > 0.0 { (apart / missed).sqrt() } else { 0.0 };
        let worse = ratio > LIMIT;
        made.notes.insert("against_tv".into(), json!({"ratio": ratio, "limit": LIMIT, "worse": worse}));
        if worse {
            made.warnings.push(warning(ratio, self.fallback));
        }
        if worse && self.fallback {
            made.volume = reference;
            made.uncertainty = None;
            made.notes.insert("fallback".into(), json!("tv"));
        }
        Ok(())
    }

    fn total_variation(&self, weight: Weight) -> tv::Config {
        tv::Config { weight, noise: self.noise, nonnegative: self.nonnegative, ..tv::Config::default() }
    }
}

fn warning(ratio: f64, fallback: bool) -> Warning {
    let advice = if fallback { "its volume is the result" } else { "take tv, or set `fallback: true`" };
    let message = format!(
        "between the views the field differs from total variation {ratio:.1} times as much as total variation misses \
         views left out: it is farther from the truth than total variation; {advice}"
    );
    Warning::new("worse_than_tv", message)
}

/// The mean square between two volumes' projections (band-passed as the held-out score) at angles between the views.
fn difference(a: &Volume, b: &Volume, geometry: &Geometry, run: &Run<'_>) -> Result<f64> {
    let between = between(geometry, &a.grid);
    let values = a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a - b).collect();
    let apart = Volume::from_vec(a.grid.clone(), Quantity::Attenuation, values)?;
    let nothing = vec![0.0; between.samples()];
    Ok(mean(&Judge::new(Projections::from_vec(between, nothing)?, &a.grid, run)?.scores(&apart)?))
}

/// The scan turned about the grid's middle, around the axis of rotation (z), by half a step between views.
fn between(geometry: &Geometry, grid: &Grid) -> Geometry {
    let arc = geometry.orbit.as_ref().map_or(std::f64::consts::PI, |orbit| orbit.arc.abs());
    let (s, c) = (0.5 * arc / geometry.views.len() as f64).sin_cos();
    let rotation = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]];
    let pivot = geometry.orbit.as_ref().map_or_else(|| grid.center(), |orbit| orbit.isocenter);
    let turned = rotation.map(|row| (0..3).map(|k| row[k] * pivot[k]).sum());
    geometry.moved(rotation, sub(pivot, turned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::norm;
    use crate::geometries::GeometryKind;
    use crate::registry::OneOf;

    const CONE: &str = "cone: {views: 10, source_to_axis_mm: 100, source_to_detector_mm: 150, detector: {pixels: [9, \
                        9], pitch_mm: [2, 2]}}";

    #[test]
    fn views_between_are_half_a_step_on_and_look_at_the_same_middle() {
        let grid = Grid::centered([8, 8, 8], [1.0; 3], [30.0, -20.0, 500.0]).unwrap();
        let kind: OneOf<GeometryKind> = serde_yaml::from_str(CONE).unwrap();
        let geometry = kind.kind.build(&grid).unwrap();
        let fine = between(&geometry, &grid);
        let source = |geometry: &Geometry, view: usize| geometry.ray(view, 4.0, 4.0).0;
        let chord = norm(sub(source(&geometry, 0), source(&geometry, 1)));
        let half = norm(sub(source(&geometry, 0), source(&fine, 0)));
        assert!((half / chord - 0.5 / (std::f64::consts::PI / 20.0).cos()).abs() < 1e-9, "{half} {chord}");
        let middle = fine.project(3, grid.center()).unwrap();
        assert!((middle.0 - 4.0).abs() < 1e-6 && (middle.1 - 4.0).abs() < 1e-6, "{middle:?}");
    }
}
