//! Whether a field is worse than total variation, told without the truth: both are fitted once more without one view in
//! four, and predict those. The field is worse where its scores of the left-out views are above total variation's by
//! more than one standard error of their paired differences
//! ([`weight::held_out`](crate::algorithms::weight::held_out)).

use super::Config;
use crate::algorithms::weight::held_out::{HeldOutViews, excess, mean};
use crate::algorithms::weight::{Auto, Choice, Weight};
use crate::algorithms::{Algorithm, Problem, Reconstruction, Run, tv};
use crate::data::{Volume, Warning};
use crate::error::Result;
use crate::progress;
use serde_json::json;

/// Standard errors from which a field is said to be worse.
const ERRORS: f64 = 1.0;

/// Total variation with its weight, and what the left-out views say of it and of the field.
struct Judgement {
    tv: tv::Config,
    /// Mean scores of the left-out views: less is better.
    field: f64,
    total_variation: f64,
    worse: bool,
}

impl Config {
    /// Compares the field with total variation, and hands back that volume where the field is worse.
    ///
    /// # Errors
    /// As the reconstructions'.
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
        // As in `held_out`: the weight that balances the data falls with the root of the number of views.
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
        // A start of the field's own is made from the same views; one that was handed over has seen all of them.
        let initial = if self.start.is_some() { None } else { run.initial.clone() };
        let field = scores("field without every fourth view", &self.trial(choice, fewer), initial)?;
        Ok(Judgement {
            worse: excess(&field, &views, ERRORS) > 0.0,
            field: mean(&field),
            total_variation: mean(&views),
            tv: self.total_variation(weight.into()),
        })
    }

    /// One field, fitted in the same way to fewer views.
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
