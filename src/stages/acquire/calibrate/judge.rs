//! The judge: which of two descriptions of a scan predicts withheld views better.

use super::jitter;
use super::newton::square;
use super::pose::Pose;
use super::small::Small;
use crate::algorithms::weight::held_out::excess;
use crate::error::Result;

/// Standard errors of the gain, over the withheld views, from which a scan counts as better.
const ERRORS: f64 = 2.0;

/// What was said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    /// ‖A x − y‖ / ‖y‖ of the views that are seen, before and after.
    pub(crate) residual: [f64; 2],
    /// The same of withheld views.
    pub(crate) held_out: [f64; 2],
    /// Whether it is less after, by more than [`ERRORS`].
    pub(crate) better: bool,
}

/// Compares the two. Where views are shifted, each withheld view may shift too, in both: nothing else could tell where
/// it stands.
///
/// # Errors
/// Memory.
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
