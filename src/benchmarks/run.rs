//! [`Bench`]: runs the settings of a suite one after the other and keeps its tables up to date.

use super::expand::Combination;
use super::gather::{self, Reports};
use super::table::{Head, Table};
use crate::context::{Machine, processor};
use crate::data::{MethodReport, Status};
use crate::error::{Error, Result, Stop};
use crate::formats::atomic;
use crate::jobs::{Deadline, complete};
use crate::pipeline::Pipeline;
use crate::progress::{self, StopSignal};
use crate::registry::Kinds;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// A suite that is ready to run.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Its settings.
    pub settings: Vec<Combination>,
    /// The suite's folder: tables, and a run folder per setting and seed below.
    pub folder: PathBuf,
    /// Name, title and command for the tables.
    pub head: Head,
    /// When to stop.
    pub deadline: Option<Instant>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CellOutcome {
    /// The rows.
    pub table: Table,
    /// Why it ended before its end, if it did.
    pub stopped: Option<Stop>,
}

/// A run's methods as far as they are known, and why it ended early.
type Ran = (Reports, Option<Stop>);

impl Bench {
    /// Runs what was not run yet: every setting with its first seed, then with the next. `table.md`, `table.csv` and
    /// `table.json` are written after each.
    ///
    /// # Errors
    /// A folder that cannot be written. A setting or method that fails is a row.
    pub fn run(&self, stop: &dyn StopSignal) -> Result<CellOutcome> {
        std::fs::create_dir_all(&self.folder).map_err(|error| Error::write(&self.folder, &error))?;
        let stop = Deadline { inner: stop, at: self.deadline };
        let mut runs: Vec<BTreeMap<u64, Reports>> = vec![BTreeMap::new(); self.settings.len()];
        self.skipped().iter().for_each(|message| progress::warn("bench_skipped", message));
        for seed in 0..self.settings.iter().map(|setting| setting.seeds).max().unwrap_or(0) {
            for (setting, known) in
                self.settings.iter().zip(0..).filter(|(setting, _)| seed < setting.seeds && setting.skip.is_none())
            {
                let stopped = stop.stop();
                let (reports, stopped) =
                    if stopped.is_some() { (Reports::new(), stopped) } else { self.ran(setting, seed, &stop)? };
                runs[known].insert(seed, reports);
                if stopped.is_some() {
                    let table = self.table(&runs);
                    self.write(&table)?;
                    return Ok(CellOutcome { table, stopped });
                }
                self.write(&self.table(&runs))?;
            }
        }
        let table = self.table(&runs);
        self.write(&table)?;
        Ok(CellOutcome { table, stopped: None })
    }

    /// Why settings are skipped, each reason once with the cases it is about.
    fn skipped(&self) -> Vec<String> {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for setting in &self.settings {
            let Some(reason) = &setting.skip else { continue };
            let place = format!("{}/{}", setting.case, setting.label());
            match reasons.iter_mut().find(|(other, _)| other == reason) {
                Some((_, places)) => places.push(place),
                None => reasons.push((reason, vec![place])),
            }
        }
        reasons.into_iter().map(|(reason, places)| format!("skipped {}: {reason}", places.join(", "))).collect()
    }

    fn table(&self, runs: &[BTreeMap<u64, Reports>]) -> Table {
        let rows = self.settings.iter().zip(runs).flat_map(|(setting, runs)| gather::rows(setting, runs));
        Table { head: Head { machine: machine(), ..self.head.clone() }, rows: rows.collect() }
    }

    fn write(&self, table: &Table) -> Result<()> {
        atomic::write(&self.folder.join("table.md"), table.markdown().as_bytes())?;
        atomic::write(&self.folder.join("table.csv"), table.csv().as_bytes())?;
        atomic::write(&self.folder.join("table.json"), format!("{:#}\n", table.json()).as_bytes())
    }

    /// One setting with one seed. What cannot be run at all is a failure of each of its methods.
    fn ran(&self, setting: &Combination, seed: u64, stop: &dyn StopSignal) -> Result<Ran> {
        let label = format!("{}/{} seed {}", setting.case, setting.label(), setting.config.seed + seed);
        let label = label.as_str();
        let _span = tracing::info_span!(target: progress::PART, "cell", label).entered();
        let mut config = setting.run(seed);
        let folder = self.folder.join(setting.folder(seed));
        config.export.directory = Some(folder.clone());
        let mut reports = Reports::new();
        loop {
            let ran = Pipeline::new(config.clone()).and_then(|pipeline| complete(&pipeline, &folder, stop));
            match ran {
                Ok((report, stopped)) => {
                    reports.extend(report.methods.into_iter().map(|method| (method.name.clone(), method)));
                    return Ok((reports, stopped));
                }
                Err(Error::Stopped(why)) => return Ok((reports, Some(why))),
                Err(error) => {
                    progress::warn("bench_failed", &error.to_string());
                    let refused = error.entry("reconstruct").filter(|&i| i < config.reconstruct.len());
                    let failed: Vec<_> = match refused {
                        Some(i) => vec![config.reconstruct.remove(i)],
                        None => std::mem::take(&mut config.reconstruct),
                    };
                    for entry in failed {
                        let name = entry.keys.name.unwrap_or_default();
                        reports.insert(name.clone(), failure(name, entry.kind.name(), &error));
                    }
                    if config.reconstruct.is_empty() {
                        return Ok((reports, None));
                    }
                }
            }
        }
    }
}

fn failure(name: String, algorithm: &str, error: &Error) -> MethodReport {
    MethodReport {
        volume: String::new(),
        algorithm: algorithm.to_string(),
        status: Status::Failed,
        seconds: 0.0,
        peak_memory_bytes: None,
        metrics: BTreeMap::new(),
        reasons: BTreeMap::new(),
        notes: BTreeMap::from([("reason".to_string(), Value::from(error.to_string()))]),
        curve: Vec::new(),
        name,
    }
}

/// Processor, threads, versions, in words.
fn machine() -> String {
    let logical = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let versions: Vec<String> =
        Machine::versions().into_iter().map(|(name, version)| format!("{name} {version}")).collect();
    let model = processor().unwrap_or_else(|| "unknown processor".to_string());
    format!("{model} ({logical} cores granted, {} threads used), {}", rayon::current_num_threads(), versions.join(", "))
}
