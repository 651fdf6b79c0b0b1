//! Comparison of two descriptions of a scan: which one predicts withheld views better.

use super::jitter;
use super::newton::square;
use super::pose::Pose;
use super::small::Small;
use crate::algorithms::weight::held_out::excess;
use crate::error::Result;

/// A description counts as better from this many standard errors of the gain, over the withheld views.
const ERRORS: f64 = 2.0;

/// Result of the comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    /// ‖A x − y‖ / ‖y‖ of the views used for the fit, before and after.
    pub(crate) residual: [f64; 2],
    /// The same for the withheld views.
    pub(crate) held_out: [f64; 2],
    /// Whether the withheld views are predicted better after, by more than [`ERRORS`] standard errors.
    pub(crate) better: bool,
}

/// Compares two descriptions. If `after` shifts single views, each withheld view is aligned as well, in both: its shift
/// cannot be known otherwise.
///
/// # Errors
/// Too little memory.
pub(crate) fn judged(small: &Small, before: &Pose, after: &Pose) -> Result<Verdict> {
    let (seen, withheld) = (small.views(false), small.views(true));
    let free = !after.shifts.is_empty();
    let part = |errors: f64, views: &[usize]| (errors / square(&small.measured(views)).max(f64::MIN_POSITIVE)).sqrt();
    let errors = |pose: &Pose| -> Result<(f64, Vec<f64>)> {
        let volume = small.volume(&seen, &pose.values, &pose.shifts)?;
        let shifts = if free { jitter::aligned(small, &volume, &withheld, pose) } else { pose.shifts.clone() };
        let left = |views: &[usize]| small.left(&volume, views, &pose.values, &shifts);
        Ok((part(square(&left(&seen)), &seen), left(&withheld).chunks(small.per_view()).map(square).collect()))
    };
    let ((first, before), (then, after)) = (errors(before)?, errors(after)?);
    let all = |errors: &[f64]| part(errors.iter().sum(), &withheld);
    let better = excess(&before, &after, ERRORS) > 0.0;
    Ok(Verdict { residual: [first, then], held_out: [all(&before), all(&after)], better })
}
