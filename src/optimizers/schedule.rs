//! Learning-rate schedules. They depend on the number of steps, never on time, so that a fit is reproducible.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Factor on the learning rate at step s of a fit of S steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// 1: a constant learning rate.
    Constant,
    /// 1 − s/S.
    #[default]
    Linear,
    /// (1 + cos(π s/S)) / 2.
    Cosine,
}

impl Schedule {
    /// Factor on the learning rate at step `step` (from 0) of `steps`; greater than 0.
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
