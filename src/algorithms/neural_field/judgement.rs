//! Tests without ground truth whether a field is worse than total variation: both are fitted again without one view in
//! four and predict the left-out views. The field counts as worse if its mean score exceeds that of total variation by
//! more than one standard error of the paired differences ([`weight::held_out`](crate::algorithms::weight::held_out)).

use super::Config;
use crate::algorithms::weight::held_out::{HeldOutViews, excess, mean};
use crate::algorithms::weight::{Auto, Choice, Weight};
use crate::algorithms::{Algorithm, Problem, Reconstruction, Run, tv};
use crate::data::{Volume, Warning};
use crate::error::Result;
use crate::progress;
use serde_json::json;

/// Number of standard errors by which the field's score must exceed that of total variation to count as worse.
const ERRORS: f64 = 1.0;

/// The comparison of the field with total variation on left-out views.
struct Judgement {
    tv: tv::Config,
    /// Mean scores of the left-out views; lower is better.
    field: f64,
    total_variation: f64,
    worse: bool,
}

impl Config {
    /// Compares the field with total variation, and replaces the result by the total variation volume if the field is
    /// worse.
    ///
    /// # Errors
    /// As for the reconstructions.
    pub(super) fn fall_back(
        &self,
        made: &mut Reconstruction,
        choice: &Choice,
        problem: &Problem<'_>,
        run: &Run<'_>,
    ) -> Result<()> {
        let found = self.judge(choice, problem, run)?;
        let note = json!({"field": found.field, "tv": found.total_variation, "worse": found.worse});
        made.notes.insert("against_tv".into(), note);
        if found.worse {
            made.warnings.push(found.warning());
            made.volume = found.tv.reconstruct(problem, &mut run.trial(None))?.volume;
            made.uncertainty = None;
            made.notes.insert("fallback".into(), json!("tv"));
        }
        Ok(())
    }

    fn judge(&self, choice: &Choice, problem: &Problem<'_>, run: &Run<'_>) -> Result<Judgement> {
        let auto = Auto::default();
        let [kept, out] = problem.split(auto.every, 0)?;
        let judge = HeldOutViews::new(&out, run.device)?;
        // As in `weight::held_out`: the appropriate weight is proportional to 1/√(number of views).
        let fewer = (problem.setup().views() as f64 / kept.setup().views() as f64).sqrt();
        let weight = match choice.by {
            Some(_) => choice.weight,
            None => self.total_variation(Weight::Auto(auto)).choose_weight(problem, run)?.weight,
        };
        let scores = |label: &str, method: &dyn Algorithm, initial: Option<Volume>| -> Result<Vec<f64>> {
            let _span = tracing::info_span!(target: progress::PART, "judgement", label).entered();
            judge.scores(&method.reconstruct(&kept, &mut run.trial(initial))?.volume)
        };
        let views = scores("tv without every fourth view", &self.total_variation((weight * fewer).into()), None)?;
        // A start that the field configures is made from the kept views only; an initial volume passed in was made from
        // all views.
        let initial = if self.start.is_some() { None } else { run.initial.clone() };
        let field = scores("field without every fourth view", &self.trial(choice, fewer), initial)?;
        Ok(Judgement {
            worse: excess(&field, &views, ERRORS) > 0.0,
            field: mean(&field),
            total_variation: mean(&views),
            tv: self.total_variation(weight.into()),
        })
    }

    /// The configuration of a single field, fitted in the same way to fewer views; `fewer` is the factor on the weight.
    fn trial(&self, choice: &Choice, fewer: f64) -> Self {
        let weight = (choice.weight * fewer).into();
        Self { weight, sweep: None, held_out: None, ensemble: 1, fallback: false, ..self.clone() }
    }

    fn total_variation(&self, weight: Weight) -> tv::Config {
        tv::Config { weight, noise: self.noise, nonnegative: self.nonnegative, ..tv::Config::default() }
    }
}

impl Judgement {
    fn warning(&self) -> Warning {
        let ratio = (self.field / self.total_variation).sqrt();
        let message = format!(
            "the field predicts left-out views worse than total variation ({ratio:.2} times its error): total \
             variation's volume is the result"
        );
        Warning::new("worse_than_tv", message)
    }
}
