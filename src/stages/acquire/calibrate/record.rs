//! Result of a calibration: for the run folder, and as messages for the log and the report.

use super::judge::Verdict;
use super::newton::Fit;
use super::parameter::Parameter;
use super::pose::Shift;
use crate::data::{Geometry, Warning, Warnings};
use serde::{Deserialize, Serialize};

/// Result of a calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::stages::acquire) struct Record {
    /// Estimates of the parameters of the whole scan.
    pub(in crate::stages::acquire) parameters: Vec<Found>,
    /// ‖A x − y‖ / ‖y‖ of a quick reconstruction on the views it is made from, before and after.
    residual: Option<[f64; 2]>,
    /// The same for withheld views.
    held_out: Option<[f64; 2]>,
    /// Whether the parameters are used.
    accepted: bool,
    /// Shifts of single views.
    jitter: Option<Jitter>,
    /// Number of file pixels along the edge of a binned pixel.
    #[serde(skip)]
    bin: usize,
}

/// Estimate of one parameter; lengths on the detector in pixels of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::stages::acquire) struct Found {
    name: String,
    unit: String,
    value: f64,
    standard_error: f64,
}

/// Summary of the shifts of single views, in pixels of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Jitter {
    /// Root mean square along columns and along rows.
    columns_rms: f64,
    rows_rms: f64,
    /// ‖A x − y‖ / ‖y‖ of withheld views (aligned in both cases), before and after.
    held_out: [f64; 2],
    /// Whether the shifts are used.
    accepted: bool,
}

impl Jitter {
    /// The result as a message.
    fn said(&self) -> Warning {
        let message = format!(
            "views shifted by {:.3} columns and {:.3} rows (RMS) predict withheld views to {} instead of {}",
            self.columns_rms,
            self.rows_rms,
            percent(self.held_out[1]),
            percent(self.held_out[0])
        );
        let (code, then) = if self.accepted {
            ("jitter_corrected", "")
        } else {
            ("jitter_refused", ", which is no better: the shifts are not used")
        };
        Warning::new(code, message + then)
    }
}

fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}

impl Record {
    pub(super) fn new(bin: usize) -> Self {
        Self { parameters: Vec::new(), residual: None, held_out: None, accepted: false, jitter: None, bin }
    }

    pub(super) fn steady(&mut self, chosen: &[Parameter], fit: &Fit, verdict: &Verdict) {
        let pixels = |parameter: Parameter| match parameter.unit() {
            "columns" | "rows" => self.bin as f64,
            _ => 1.0,
        };
        let all = Parameter::STEADY.iter().zip(fit.values.iter().zip(&fit.errors));
        let found = |(&parameter, (value, error)): (&Parameter, (&f64, &f64))| Found {
            name: parameter.name().to_string(),
            unit: parameter.unit().to_string(),
            value: value * pixels(parameter),
            standard_error: error * pixels(parameter),
        };
        self.parameters = all.filter(|(parameter, _)| chosen.contains(parameter)).map(found).collect();
        (self.residual, self.held_out, self.accepted) =
            (Some(verdict.residual), Some(verdict.held_out), verdict.better);
    }

    pub(super) fn jitter(&mut self, shifts: &[Shift], verdict: &Verdict) {
        let rms = |k: usize| {
            let sum: f64 = shifts.iter().map(|shift| shift[k] * shift[k]).sum();
            self.bin as f64 * (sum / shifts.len().max(1) as f64).sqrt()
        };
        let (rows_rms, columns_rms) = (rms(0), rms(1));
        self.jitter = Some(Jitter { columns_rms, rows_rms, held_out: verdict.held_out, accepted: verdict.better });
    }

    /// Whether the resulting scan differs from the given one.
    pub(in crate::stages::acquire) fn changed(&self) -> bool {
        self.accepted || self.jitter.as_ref().is_some_and(|jitter| jitter.accepted)
    }

    /// Offset of the axis from its given position, columns of the binned data.
    pub(in crate::stages::acquire) fn center(&self) -> f64 {
        let found = self.parameters.iter().find(|found| self.accepted && found.name == Parameter::Center.name());
        found.map_or(0.0, |found| found.value / self.bin as f64)
    }

    /// The result as messages.
    pub(super) fn said(&self, given: &Geometry) -> Warnings {
        let mut said = Warnings::new();
        if let (Some(residual), Some(held_out)) = (self.residual, self.held_out) {
            let judged = format!(
                "withheld views are predicted to {} instead of {}; a quick reconstruction leaves {} of the others \
                 unexplained instead of {}",
                percent(held_out[1]),
                percent(held_out[0]),
                percent(residual[1]),
                percent(residual[0])
            );
            said.push(if self.accepted {
                Warning::new("calibrated", format!("found {}; {judged}", self.values(given)))
            } else {
                let why = "which predicts withheld views no better: the scan stays as it was given";
                Warning::new("calibration_refused", format!("found {}, {why} ({judged})", self.values(given)))
            });
        }
        said.extend(self.jitter.as_ref().map(Jitter::said));
        said
    }

    fn values(&self, given: &Geometry) -> String {
        let one = |found: &Found| {
            let whole = given.orbit.as_ref().and_then(|orbit| orbit.source_to_detector);
            let also = match whole.filter(|_| found.name == Parameter::SourceDistance.name()) {
                Some(mm) => format!(" (source to detector {:.2} mm)", mm * (1.0 + found.value / 100.0)),
                None => String::new(),
            };
            format!("{} {:+.3} ± {:.3} {}{also}", found.name, found.value, found.standard_error, found.unit)
        };
        self.parameters.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}
