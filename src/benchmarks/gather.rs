//! Makes the [`Row`]s of a table from the reports of the runs: one row per setting and method, over all seeds.

use super::expand::{Candidate, Combination, Contestant};
use crate::data::{MethodReport, Status};
use crate::jobs::Spread;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// State of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The method is complete for every seed.
    Complete,
    /// The method failed or diverged for a seed; the figures are those of the complete runs.
    Failed,
    /// The setting was skipped, because its data are not on this machine.
    Skipped,
    /// The method was not yet run to its end for every seed.
    Missing,
}

/// One row of the table: one method at one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Name of the case.
    pub case: String,
    /// Name of each axis and of the setting on it.
    pub axes: Vec<(String, String)>,
    /// Name of the method, with ` (oracle)` if a parameter was chosen with the help of the ground truth.
    pub method: String,
    /// Kind of algorithm.
    pub algorithm: String,
    /// State of the row.
    pub state: State,
    /// Reason why the row is not complete, or the value that the oracle has chosen.
    pub note: String,
    /// PSNR against the ground truth, dB.
    pub psnr_db: Spread,
    /// Structural similarity (SSIM) with the ground truth, at most 1.
    pub ssim: Spread,
    /// Root-mean-square error against the ground truth, HU.
    pub rmse_hu: Spread,
    /// PSNR of the volume from which the method started, dB; without values if there is none.
    pub start_psnr_db: Spread,
    /// Computing time of one run, mean over the seeds, seconds.
    pub seconds: Option<f64>,
    /// Highest resident memory of the process over all seeds, bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Number of complete runs, from which the figures are computed.
    pub seeds: u64,
}

/// Reports of the methods in one run of a setting, by the name of the method's entry in the pipeline.
pub type Reports = BTreeMap<String, MethodReport>;

/// The rows of a setting from its runs so far. The key of `runs` is the number of the run, from 0.
#[must_use]
pub fn rows(setting: &Combination, runs: &BTreeMap<u64, Reports>) -> Vec<Row> {
    setting.contestants.iter().map(|contestant| row(setting, contestant, runs)).collect()
}

/// The row of a method; for an oracle the row of its best candidate by mean PSNR.
fn row(setting: &Combination, contestant: &Contestant, runs: &BTreeMap<u64, Reports>) -> Row {
    let mut all: Vec<Row> =
        contestant.candidates.iter().map(|candidate| of_candidate(setting, contestant, candidate, runs)).collect();
    if !contestant.oracle {
        return all.swap_remove(0);
    }
    let value = |row: &Row| row.psnr_db.mean.filter(|_| row.state == State::Complete).unwrap_or(f64::NEG_INFINITY);
    // `max_by` returns the last of equal values; the order is reversed so that the first candidate is taken.
    let best = (0..all.len()).rev().max_by(|&a, &b| value(&all[a]).total_cmp(&value(&all[b]))).unwrap_or(0);
    let missing = all.iter().any(|row| row.state == State::Missing);
    let edge = contestant.candidates[best].number && all.len() > 2 && (best == 0 || best + 1 == all.len());
    let mut row = all.swap_remove(best);
    if row.state == State::Complete {
        row.note =
            contestant.candidates[best].choice.clone() + if edge { ", at the edge of the values tried" } else { "" };
    }
    if missing {
        row.state = State::Missing;
    }
    row
}

fn of_candidate(
    setting: &Combination,
    contestant: &Contestant,
    candidate: &Candidate,
    runs: &BTreeMap<u64, Reports>,
) -> Row {
    let found: Vec<&MethodReport> = runs.values().filter_map(|reports| reports.get(&candidate.entry)).collect();
    let done: Vec<&MethodReport> = found.iter().copied().filter(|method| method.status == Status::Complete).collect();
    let failed = found.iter().find(|method| matches!(method.status, Status::Failed | Status::Diverged));
    let (state, note) = match (&setting.skip, failed) {
        (Some(reason), _) => (State::Skipped, reason.clone()),
        (None, Some(method)) => (State::Failed, text(&method.notes, "reason")),
        (None, None) if (done.len() as u64) < setting.seeds => (State::Missing, String::new()),
        (None, None) => (State::Complete, String::new()),
    };
    let metric =
        |key: &str| score(&done.iter().map(|method| method.metrics.get(key).copied().flatten()).collect::<Vec<_>>());
    let start = |method: &&MethodReport| {
        method.notes.get("start").and_then(|start| start.get("psnr_db")).and_then(Value::as_f64)
    };
    Row {
        case: setting.case.clone(),
        axes: setting.axes.clone(),
        method: contestant.name.clone() + if contestant.oracle { " (oracle)" } else { "" },
        algorithm: contestant.algorithm.to_string(),
        state,
        note,
        psnr_db: metric("psnr_db"),
        ssim: metric("ssim"),
        rmse_hu: metric("rmse_hu"),
        start_psnr_db: score(&done.iter().map(start).collect::<Vec<_>>()),
        seconds: score(&done.iter().map(|method| Some(method.seconds)).collect::<Vec<_>>()).mean,
        peak_memory_bytes: done.iter().filter_map(|method| method.peak_memory_bytes).max(),
        seeds: done.len() as u64,
    }
}

/// A note in one line; a fixed text if it is missing.
fn text(notes: &BTreeMap<String, Value>, key: &str) -> String {
    let note = notes.get(key).and_then(Value::as_str).unwrap_or("for an unknown reason");
    note.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

/// Statistics over the seeds; without values if the value of any seed is missing or not finite.
fn score(values: &[Option<f64>]) -> Spread {
    let known: Option<Vec<f64>> = values.iter().map(|value| value.filter(|value| value.is_finite())).collect();
    known.map_or(Spread::default(), |known| Spread::of(&known))
}

impl Row {
    /// The row as an entry of `table.json`.
    #[must_use]
    pub fn value(&self) -> Value {
        let axes: Map<String, Value> =
            self.axes.iter().map(|(axis, name)| (axis.clone(), name.as_str().into())).collect();
        serde_json::json!({
            "case": self.case,
            "setting": axes,
            "method": self.method,
            "algorithm": self.algorithm,
            "status": self.state,
            "psnr_db": self.psnr_db.mean,
            "psnr_db_spread": self.psnr_db.deviation,
            "ssim": self.ssim.mean,
            "ssim_spread": self.ssim.deviation,
            "rmse_hu": self.rmse_hu.mean,
            "rmse_hu_spread": self.rmse_hu.deviation,
            "start_psnr_db": self.start_psnr_db.mean,
            "seconds": self.seconds,
            "peak_memory_bytes": self.peak_memory_bytes,
            "seeds": self.seeds,
            "note": self.note,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_without_a_value_leaves_no_score() {
        let found = score(&[Some(1.0), Some(2.0), Some(6.0)]);
        assert_eq!((found.count, found.mean), (3, Some(3.0)));
        for values in [&[Some(4.0), None][..], &[Some(f64::NAN)], &[]] {
            assert_eq!(score(values), Spread::default());
        }
    }
}
