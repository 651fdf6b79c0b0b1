//! `calibrate`: estimates parameters of the scanner from the data alone.
//!
//! A coarse search on a small copy of the scan, then Gauss–Newton on the residual of its reprojection, first on the
//! small and then on a finer copy; finally, if configured, a shift of every view. The result is tested on withheld
//! views: if it does not predict them better than the given scan, the given scan is kept, with a warning.

mod coarse;
mod jitter;
mod judge;
mod newton;
mod parameter;
mod pose;
mod record;
mod small;

pub use parameter::Parameter;
pub(super) use record::Record;

use crate::data::{Geometry, Warning, Warnings};
use crate::error::Result;
use crate::progress::{self, StopSignal};
use ndarray::Array3;
use newton::{Effort, Fit};
use pose::Pose;
use small::{Size, Small};

/// Sizes of the copies of 2-D and 3-D scans: for the search and the first steps, for the last steps, and for jitter. A
/// copy has more rays than voxels, otherwise the volume would absorb part of the error of the scan.
const SLICE: [Size; 3] = [
    Size { views: 90, side: 96, steps: 30 },
    Size { views: 180, side: 320, steps: 30 },
    Size { views: usize::MAX, side: 320, steps: 30 },
];
const VOLUME: [Size; 3] = [
    Size { views: 90, side: 32, steps: 30 },
    Size { views: 180, side: 64, steps: 30 },
    Size { views: usize::MAX, side: 64, steps: 30 },
];
/// Effort of Gauss–Newton on the first two copies: a new Jacobian for each step on the small one, one for all steps on
/// the finer one.
const EFFORTS: [Effort; 2] = [Effort { jacobians: 5, steps: 1 }, Effort { jacobians: 1, steps: 3 }];
/// If the standard error of a parameter exceeds this fraction of its range, the data do not determine the parameter.
const UNTOLD: f64 = 0.25;

/// A calibrated scan.
pub(super) struct Calibrated {
    /// Geometry of the scan; the given one if nothing better was found.
    pub(super) geometry: Geometry,
    /// Record of the estimated values.
    pub(super) record: Record,
    /// Messages about the result.
    pub(super) warnings: Warnings,
}

/// Estimates the chosen parameters of the scan from line integrals `[view, row, column]`. `bin` is the number of file
/// pixels along the edge of one of these pixels.
///
/// # Errors
/// [`crate::error::Error::Config`] for a parameter that does not apply to this scan; too little memory; a stop.
pub(super) fn calibrated(
    data: &Array3<f32>,
    given: &Geometry,
    chosen: &[Parameter],
    bin: usize,
    stop: &dyn StopSignal,
) -> Result<Calibrated> {
    chosen.iter().try_for_each(|parameter| parameter.check(given))?;
    let sizes = if given.detector.rows == 1 { SLICE } else { VOLUME };
    let task = progress::begin("calibrate", None);
    let mut work = Work { data, given, chosen: chosen.to_vec(), sizes, stop, warnings: Warnings::new() };
    let nominal = Pose { values: [0.0; 6], shifts: Vec::new() };
    let mut record = Record::new(bin);
    let mut best = nominal.clone();
    if let Some((fit, small)) = work.steady()? {
        let found = Pose { values: fit.values, shifts: Vec::new() };
        let verdict = judge::judged(&small, &nominal, &found)?;
        record.steady(&work.chosen, &fit, &verdict);
        if verdict.better {
            best = found;
        }
    }
    if chosen.contains(&Parameter::Jitter) {
        let small = Small::new(data, given, sizes[2], work.reach(best.values[0]))?;
        let found = Pose { shifts: jitter::found(&small, given, &best, stop)?, ..best.clone() };
        let verdict = judge::judged(&small, &best, &found)?;
        record.jitter(&found.shifts, &verdict);
        if verdict.better {
            best = found;
        }
    }
    task.end();
    work.warnings.extend(record.said(given));
    Ok(Calibrated { geometry: pose::posed(given, &best.values, &best.shifts), record, warnings: work.warnings })
}

/// Data shared by the steps.
struct Work<'a> {
    data: &'a Array3<f32>,
    given: &'a Geometry,
    /// Parameters that the data determine.
    chosen: Vec<Parameter>,
    sizes: [Size; 3],
    stop: &'a dyn StopSignal,
    warnings: Warnings,
}

impl<'a> Work<'a> {
    /// Estimates the parameters of the whole scan. Also returns the copy that was used; `None` if no parameter is
    /// chosen or determined.
    fn steady(&mut self) -> Result<Option<(Fit, Small<'a>)>> {
        self.chosen.retain(|parameter| Parameter::STEADY.contains(parameter));
        if self.chosen.is_empty() {
            return Ok(None);
        }
        let [_, rows, columns] = self.given.shape();
        let reach = if self.chosen.contains(&Parameter::Center) { 0.2 * columns as f64 } else { 0.0 };
        let small = Small::new(self.data, self.given, self.sizes[0], reach)?;
        let mut values = coarse::searched(&small, self.given, &self.chosen, self.stop)?;
        let first = loop {
            let fit = newton::refined(&small, self.given, &self.chosen, values, EFFORTS[0], self.stop)?;
            let untold = |parameter: &Parameter| {
                let k = Parameter::STEADY.iter().position(|steady| steady == parameter)?;
                (fit.errors[k] > UNTOLD * parameter.reach([rows, columns])).then_some((k, *parameter))
            };
            values = fit.values;
            let Some((k, parameter)) = self.chosen.iter().find_map(untold) else { break fit };
            let message = format!(
                "the data do not determine `{}` ({:+.3} ± {:.3} {}): it stays as it was given",
                parameter.name(),
                fit.values[k],
                fit.errors[k],
                parameter.unit()
            );
            self.warnings.push(Warning::new("calibration_untold", message));
            self.chosen.retain(|other| *other != parameter);
            values[k] = 0.0;
            if self.chosen.is_empty() {
                return Ok(None);
            }
        };
        let fine = Small::new(self.data, self.given, self.sizes[1], self.reach(values[0]))?;
        if fine.bin == small.bin && fine.views(false) == small.views(false) {
            return Ok(Some((first, small)));
        }
        let small = fine;
        let fit = newton::refined(&small, self.given, &self.chosen, values, EFFORTS[1], self.stop)?;
        Ok(Some((fit, small)))
    }

    /// Margin by which the grid of a finer copy exceeds the given field of view, columns, because the axis may still
    /// move.
    fn reach(&self, center: f64) -> f64 {
        center.abs() + 0.02 * self.given.detector.columns as f64
    }
}
