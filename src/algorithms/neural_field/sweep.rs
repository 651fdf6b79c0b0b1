//! Choice of one configuration value without ground truth: for each value a field is fitted to most of the views and
//! judged by its prediction of the others, as in [`held_out`]. The best `sigma` or `omega`, for example, depends on the
//! object and the number of voxels, and no formula gives it.
//!
//! Grainy noise in the volume hardly changes its projections, so that a field that is too noisy predicts views about as
//! well as a good one. Of the values whose scores differ from the best by less than `errors` standard errors the first
//! one is therefore taken; the value of the smoothest field should come first.

use super::Config;
use crate::algorithms::weight::held_out::{HeldOutViews, excess, mean};
use crate::algorithms::{Algorithm, Problem, Run, Setup};
use crate::assignment::Assignment;
use crate::data::Warning;
use crate::error::{Error, Result};
use crate::progress::{self, TRIAL};
use crate::require;
use crate::yaml;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// The key that is swept and its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValueSweep {
    /// Path of the key below `neural_field`, such as `field.mlp.encoding.fourier.sigma`.
    pub key: String,
    /// Values to try, at least two, that of the smoothest field first: it is preferred over later ones that are about
    /// as good.
    pub values: Vec<Value>,
    /// Hold out every `every`-th view of the trials, at least 2.
    pub every: usize,
    /// Tolerance for "about as good" as the best value: number of standard errors of the paired differences of the
    /// views' scores; 0 takes the best value.
    pub errors: f64,
    /// Number of data steps of a trial; `null` takes as many as the fit.
    pub steps: Option<u64>,
}

impl Default for ValueSweep {
    fn default() -> Self {
        Self { key: String::new(), values: Vec::new(), every: 4, errors: 1.0, steps: None }
    }
}

/// Configuration keys that every trial overrides, so that a sweep cannot choose them.
const THEIRS: [&str; 6] = ["weight", "sweep", "held_out", "finish", "ensemble", "max_seconds"];

/// The outcome of a sweep: the chosen configuration and what the report says about it.
#[derive(Debug)]
pub(super) struct Swept {
    /// The configuration with the chosen value.
    pub(super) config: Config,
    /// Note for the report: the key, the chosen value, the best one and the mean score of each.
    pub(super) note: Value,
    /// Warning if the chosen value is the smallest or the largest one.
    pub(super) warning: Option<Warning>,
}

impl ValueSweep {
    /// Refuses a key that does not exist, values that are invalid for it, and scans with too few views.
    pub(super) fn check(&self, config: &Config, setup: &Setup<'_>) -> Result<()> {
        let views = setup.directions();
        let count = self.values.len();
        require::holds(count >= 2, "values", "at least 2 values to choose from", count)?;
        if self.every < 2 || views < 2 * self.every {
            let problem = format!("expected 2 to {} (half the directions of the views), got {}", views / 2, self.every);
            return Err(Error::config("every", problem).hint("4 leaves out one view in four"));
        }
        require::not_negative("errors", self.errors)?;
        self.steps.map_or(Ok(()), |steps| require::at_least_one("steps", steps))?;
        let first = self.key.split('.').next().unwrap_or_default();
        if THEIRS.contains(&first) || first == "steps" && self.steps.is_some() {
            let problem = format!("{}: every trial overrides this key, so that a sweep cannot choose it", self.key);
            return Err(Error::config("key", problem)
                .hint("`weight: auto` chooses the weight; without `sweep.steps` the steps can be tried"));
        }
        let each = |(i, value): (usize, &Value)| {
            let trial = self.with(config, value)?;
            trial.check(setup).map_err(|error| error.under(&format!("values[{i}]")))
        };
        self.values.iter().enumerate().try_for_each(each)
    }

    /// The configuration with `value` at the key and without the sweep.
    fn with(&self, config: &Config, value: &Value) -> Result<Config> {
        static SCHEMA: OnceLock<Value> = OnceLock::new();
        let schema = SCHEMA
            .get_or_init(|| SchemaSettings::draft07().into_generator().into_root_schema_for::<Config>().to_value());
        let wrong = |problem: String| Error::config("key", format!("{}: {problem}", self.key));
        let mut tree =
            serde_json::to_value(Config { sweep: None, ..config.clone() }).map_err(|error| wrong(error.to_string()))?;
        // An assignment may also replace one kind (such as an encoding) by another; refuse that here, because the sweep
        // would choose it silently.
        if let Some((above, _)) = self.key.rsplit_once('.')
            && !tree.pointer(&format!("/{}", above.replace('.', "/"))).is_some_and(Value::is_object)
        {
            return Err(wrong(format!("the configuration has no `{above}`")));
        }
        let misfit = |error: Error| error.under("key");
        Assignment::new(&self.key, value.clone())
            .and_then(|assignment| assignment.apply(&mut tree, schema))
            .map_err(misfit)?;
        yaml::from_value(&tree).map_err(misfit)
    }

    /// The configuration of a trial: a single field without held-out views of its own and without the final phase.
    fn trial(&self, config: &Config, value: &Value, weight: f64) -> Result<Config> {
        let config = self.with(config, value)?;
        let steps = self.steps.unwrap_or(config.steps);
        let share = |part: u64| (part as f64 * steps as f64 / config.steps.max(1) as f64) as u64;
        Ok(Config {
            ramp_steps: share(config.ramp_steps),
            coarse_steps: config.coarse_steps.iter().map(|&part| share(part)).collect(),
            steps,
            weight: weight.into(),
            held_out: None,
            finish: None,
            ensemble: 1,
            max_seconds: None,
            ..config
        })
    }

    /// Tries every value; `weight` is the factor on the regularisers for a fit to all views.
    pub(super) fn choose(&self, config: &Config, weight: f64, problem: &Problem<'_>, run: &Run<'_>) -> Result<Swept> {
        let [kept, out] = problem.split(self.every, 0)?;
        // As in `weight::held_out`: the appropriate weight is proportional to 1/√(number of views).
        let weight = weight * (problem.setup().views() as f64 / kept.setup().views() as f64).sqrt();
        let judge = HeldOutViews::new(&out, run.device)?;
        let task = progress::begin(&format!("sweep of {}", self.key), Some(self.values.len() as u64));
        let mut tried = Vec::with_capacity(self.values.len());
        for value in &self.values {
            let label = value.to_string();
            let trial = tracing::info_span!(target: TRIAL, "trial", label).entered();
            let mut alone = run.trial(run.initial.clone());
            let volume = self.trial(config, value, weight)?.reconstruct(&kept, &mut alone)?.volume;
            tried.push(judge.scores(&volume)?);
            drop(trial);
            progress::advance(tried.len() as u64, &[("score", mean(&tried[tried.len() - 1]))]);
        }
        task.end();
        let (best, taken) = self.pick(&tried);
        let note: Vec<(&Value, f64)> = self.values.iter().zip(tried.iter().map(|views| mean(views))).collect();
        Ok(Swept {
            config: self.with(config, &self.values[taken])?,
            note: json!({"key": self.key, "value": self.values[taken], "best": self.values[best], "tried": note}),
            warning: self.at_an_end(&self.values[taken]),
        })
    }

    /// Indices of the value with the lowest mean score and of the first value that is about as good; `tried` holds the
    /// views' scores of each value.
    fn pick(&self, tried: &[Vec<f64>]) -> (usize, usize) {
        let best = (0..tried.len()).min_by(|&a, &b| mean(&tried[a]).total_cmp(&mean(&tried[b]))).unwrap_or(0);
        let as_good = |&i: &usize| i == best || excess(&tried[i], &tried[best], self.errors) <= 0.0;
        (best, (0..tried.len()).find(as_good).unwrap_or(best))
    }

    /// A warning if the chosen number is the smallest or the largest one tried.
    fn at_an_end(&self, taken: &Value) -> Option<Warning> {
        let numbers: Vec<f64> = self.values.iter().map(Value::as_f64).collect::<Option<_>>()?;
        let taken = taken.as_f64()?;
        let beyond = match (numbers.iter().any(|&n| n < taken), numbers.iter().any(|&n| n > taken)) {
            (true, true) => return None,
            (true, false) => "larger",
            _ => "smaller",
        };
        Some(Warning::new(
            "sweep_end",
            format!("{taken}, taken for {}, is at an end of the values tried: try {beyond} ones too", self.key),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_values_about_as_good_is_taken() {
        let tried =
            [vec![2.0, 2.2, 2.1, 1.9], vec![1.0, 1.4, 0.9, 1.2], vec![1.1, 1.0, 1.2, 1.0], vec![3.0, 1.2, 5.0, 1.0]];
        let sweep = |errors| ValueSweep {
            values: vec![1.into(), 2.into(), 3.into(), 4.into()],
            errors,
            ..ValueSweep::default()
        };
        assert_eq!(sweep(0.0).pick(&tried), (2, 2));
        assert_eq!(sweep(2.0).pick(&tried), (2, 1));
        assert!(sweep(2.0).at_an_end(&4.into()).is_some() && sweep(2.0).at_an_end(&2.into()).is_none());
    }
}
