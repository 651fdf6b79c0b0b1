//! The judge: which of two descriptions of a scan predicts withheld views better.

use super::jitter;
use super::newton::square;
use super::pose::Pose;
use super::small::Small;
use crate::error::Result;

/// What was said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    /// ‖A x − y‖ / ‖y‖ of the views that are seen, before and after.
    pub(crate) residual: [f64; 2],
    /// The same of withheld views.
    pub(crate) held_out: [f64; 2],
    /// Whether it is less after, by more than twice its standard error over the views.
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
    let count = before.len() as f64;
    let gains: Vec<f64> = before.iter().zip(&after).map(|(before, after)| before - after).collect();
    let mean = gains.iter().sum::<f64>() / count;
    let spread = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let all = |errors: &[f64]| part(errors.iter().sum(), &withheld);
    let better = mean > 2.0 * (spread / count).sqrt() && mean > 0.0;
    Ok(Verdict { residual: [first, then], held_out: [all(&before), all(&after)], better })
}
