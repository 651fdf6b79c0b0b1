//! [`Bench`]: runs the settings of a suite one after the other and keeps its tables up to date.

use super::expand::Combination;
use super::gather::{self, Reports};
use super::table::{Head, Table};
use crate::context::{Machine, processor};
use crate::error::Result;
use crate::jobs::{Deadline, Failure, Item, MethodRecord, Series, Standing, Tried, Went, Words, failed, tables, tried};
use crate::progress::{self, StopSignal};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A suite that is ready to run.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The settings of the suite.
    pub settings: Vec<Combination>,
    /// The suite's folder, with the tables and a run folder for each setting and seed.
    pub folder: PathBuf,
    /// Name, title and command for the tables.
    pub head: Head,
    /// Time at which to stop; `None` for no limit.
    pub deadline: Option<Instant>,
}

/// Result of a benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct CellOutcome {
    /// The rows.
    pub table: Table,
    /// State of the cells: their numbers, the failures, and the reason if the benchmark stopped early.
    pub standing: Standing,
}

/// One run: one setting with one seed.
#[derive(Debug, Clone, Copy)]
struct Cell<'a> {
    /// Index of the setting in [`Bench::settings`].
    place: usize,
    setting: &'a Combination,
    /// Number of the run, from 0.
    seed: u64,
}

impl Bench {
    /// Runs every cell that is not complete: every setting with its first seed, then every setting with the next seed.
    /// Writes `table.md`, `table.csv` and `table.json` after each cell.
    ///
    /// # Errors
    /// A folder that cannot be written. A setting or method that fails is no error: its row tells the reason.
    pub fn run(&self, stop: &dyn StopSignal) -> Result<CellOutcome> {
        let stop = Deadline { inner: stop, at: self.deadline };
        let mut runs: Vec<BTreeMap<u64, Reports>> = vec![BTreeMap::new(); self.settings.len()];
        self.skipped().iter().for_each(|message| progress::warn("bench_skipped", message));
        let cells = self.cells();
        let items = cells.iter().map(|cell| Item { name: cell.label(), group: cell.setting.case.clone() }).collect();
        let words = Words { name: self.head.suite.clone(), noun: "cells", heading: "case" };
        let standing = Series { words, items }.run(&stop, |number| {
            let (went, reports) = cells[number].run(&self.folder, &stop);
            runs[cells[number].place].insert(cells[number].seed, reports);
            self.write(&self.table(&runs))?;
            Ok(went)
        })?;
        let table = self.table(&runs);
        self.write(&table)?;
        Ok(CellOutcome { table, standing })
    }

    /// The cells in the order in which they are run: all settings with their first seed, then all with the next one.
    /// Skipped settings have no cells.
    fn cells(&self) -> Vec<Cell<'_>> {
        let seeds = self.settings.iter().map(|setting| setting.seeds).max().unwrap_or(0);
        let with = |seed: u64| {
            let settings = self.settings.iter().enumerate();
            let wanted = settings.filter(move |(_, setting)| seed < setting.seeds && setting.skip.is_none());
            wanted.map(move |(place, setting)| Cell { place, setting, seed })
        };
        (0..seeds).flat_map(with).collect()
    }

    /// Messages about skipped settings: each reason once, with the settings that it applies to.
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
        let json = format!("{:#}\n", table.json());
        tables::write(&self.folder, &[("table.md", table.markdown()), ("table.csv", table.csv()), ("table.json", json)])
    }
}

impl Cell<'_> {
    fn label(&self) -> String {
        format!("{}/{} seed {}", self.setting.case, self.setting.label(), self.setting.config.seed + self.seed)
    }

    /// Runs the cell in its run folder, or continues it there. Returns how it ended and the reports of its methods. Its
    /// run time is the larger of the time in this process and the computing time of the methods, some of which an
    /// earlier process may have computed.
    fn run(&self, suite: &Path, stop: &dyn StopSignal) -> (Went, Reports) {
        let (begin, label) = (Instant::now(), self.label());
        let _span = tracing::info_span!(target: progress::PART, "cell", label = label.as_str()).entered();
        let mut config = self.setting.run(self.seed);
        let folder = suite.join(self.setting.folder(self.seed));
        config.export.directory = Some(folder.clone());
        let Tried { methods, stopped } = tried(config, &folder, stop);
        let computed: f64 = methods.iter().map(|method| method.seconds).sum();
        let seconds = begin.elapsed().as_secs_f64().max(computed);
        let went = match (stopped, failed(&MethodRecord::all(&methods))) {
            (Some(why), _) => Went::Stopped(why),
            (None, Some(error)) => Went::Failed { failure: Failure::new(&label, &error), seconds },
            (None, None) => Went::Done { seconds },
        };
        (went, methods.into_iter().map(|method| (method.name.clone(), method)).collect())
    }
}

/// Description of the machine: processor, threads, versions of the software.
fn machine() -> String {
    let logical = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let versions: Vec<String> =
        Machine::versions().into_iter().map(|(name, version)| format!("{name} {version}")).collect();
    let model = processor().unwrap_or_else(|| "unknown processor".to_string());
    // No thread is used if every cell so far was skipped or has failed before it computed.
    let used = Machine::threads_taken().unwrap_or(0);
    format!("{model} ({logical} cores granted, {used} threads used), {}", versions.join(", "))
}
