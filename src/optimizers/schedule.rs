//! Learning-rate schedules. They count steps, never seconds, so that a fit repeats exactly.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How the learning rate falls from its start to (almost) zero over the steps of a fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Stays.
    Constant,
    /// 1 − s/S.
    #[default]
    Linear,
    /// (1 + cos(π s/S)) / 2.
    Cosine,
}

impl Schedule {
    /// The factor on the rate at step `step` (from 0) of `steps`; above 0.
    #[must_use]
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let part = step as f64 / steps.max(1) as f64;
        match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - part,
            Self::Cosine => 0.5 * (1.0 + (PI * part).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_start_at_one_and_never_rise() {
        for schedule in [Schedule::Constant, Schedule::Linear, Schedule::Cosine] {
            let factors: Vec<f64> = (0..10).map(|step| schedule.factor(step, 10)).collect();
            assert_eq!(factors[0], 1.0);
            assert!(factors.windows(2).all(|pair| pair[1] <= pair[0] && pair[1] > 0.0));
        }
        assert!((Schedule::Linear.factor(9, 10) - 0.1).abs() < 1e-12);
    }
}
