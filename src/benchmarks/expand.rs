//! Expands a [`Suite`] into its settings: every combination of the settings on a case's axes gives one pipeline, with
//! every method and every value from which an oracle chooses.

use super::only::Only;
use super::suite::{ContestantKeys, Oracle, Suite, SuiteCase};
use super::variables::Variables;
use crate::algorithms::AlgorithmKind;
use crate::error::{Error, Result};
use crate::jobs::{Change, setting};
use crate::memory::Limits;
use crate::pipeline::{Assignment, Config, Pipeline};
use crate::registry::{Kinds, OneOf};
use crate::stages::export::{self, ReportFormat};
use crate::stages::reconstruct;
use std::path::PathBuf;

/// One combination of the settings on a case's axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    /// Name of the case.
    pub case: String,
    /// Name of each axis and of the setting on it, in the order of the axes.
    pub axes: Vec<(String, String)>,
    /// The pipeline with every method; its seed is that of the first run.
    pub config: Config,
    /// The methods, each of which has a row in the table.
    pub contestants: Vec<Contestant>,
    /// Number of runs, whose seeds count up from that of the pipeline.
    pub seeds: u64,
    /// Reason why the setting cannot be run on this machine, if it cannot.
    pub skip: Option<String>,
}

/// A method as it is compared: one row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contestant {
    /// Name of the method.
    pub name: String,
    /// Kind of algorithm.
    pub algorithm: &'static str,
    /// The entries of the pipeline for this method, at least one: the method itself, or one entry for each value of its
    /// oracle.
    pub candidates: Vec<Candidate>,
    /// Whether the best candidate is chosen with the help of the ground truth.
    pub oracle: bool,
}

/// One entry of the pipeline for a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Name of the entry in the pipeline.
    pub entry: String,
    /// The oracle's assignment, such as `tv.weight=0.0001`; empty without an oracle.
    pub choice: String,
    /// Whether the oracle's value is a number. The values tried then form a range with two ends, and a best value at an
    /// end is noted.
    pub number: bool,
}

/// Options for the expansion of a suite.
#[derive(Debug, Clone, Default)]
pub struct Expansion {
    /// Whether to expand only the small part of the suite (`--quick`).
    pub quick: bool,
    /// The rows to keep (`--only`).
    pub only: Only,
    /// Changes to every pipeline; their paths are relative to the working directory.
    pub assignments: Vec<Assignment>,
    /// Values of the variables in paths.
    pub variables: Variables,
}

impl Combination {
    /// Name of the combination, such as `views-30_noise-1e5`; `base` for a case without axes.
    #[must_use]
    pub fn label(&self) -> String {
        setting(&self.axes)
    }

    /// Path of the run folder of run number `seed` (from 0), relative to the suite's folder.
    #[must_use]
    pub fn folder(&self, seed: u64) -> PathBuf {
        PathBuf::from(&self.case).join(self.label()).join(format!("seed-{}", self.config.seed + seed))
    }

    /// Configuration of run number `seed` (from 0).
    #[must_use]
    pub fn run(&self, seed: u64) -> Config {
        Config { seed: self.config.seed + seed, ..self.config.clone() }
    }
}

impl Expansion {
    /// Every setting of the suite, in order, each with a validated pipeline.
    ///
    /// # Errors
    /// A change or a method that does not fit the pipeline, with the case and the key; no setting that `--only` or
    /// `--quick` keeps.
    pub fn settings(&self, suite: &Suite) -> Result<Vec<Combination>> {
        let mut settings = Vec::new();
        for case in suite.cases.iter().filter(|case| !self.quick || case.quick.is_some()) {
            for combination in self.combinations(case) {
                settings.extend(
                    self.setting(suite, case, &combination)
                        .map_err(|error| error.under(&format!("{}.{}", suite.name, case.name)))?,
                );
            }
        }
        if settings.is_empty() { Err(self.nothing(suite)) } else { Ok(settings) }
    }

    /// The error for a suite of which nothing is left.
    fn nothing(&self, suite: &Suite) -> Error {
        let error = |problem: String| Error::config(suite.name.clone(), problem);
        match self.only.pattern() {
            Some(pattern) => error(format!("nothing matches --only {pattern}"))
                .hint("patterns match CASE/SETTING/METHOD, such as 2d*noise-1e5/tv"),
            None if self.quick && suite.cases.iter().all(|case| case.quick.is_none()) => {
                error("no case has a `quick`".to_string()).hint("leave out --quick")
            }
            None => error("no case has a setting".to_string()).hint("give each axis of `vary` at least one setting"),
        }
    }

    /// Every combination of the settings on a case's axes; the last axis varies fastest.
    fn combinations<'a>(&self, case: &'a SuiteCase) -> Vec<Vec<OracleChoice<'a>>> {
        let keep = case.quick.as_ref().filter(|_| self.quick).map(|quick| &quick.keep);
        case.vary.iter().fold(vec![Vec::new()], |product, (axis, settings)| {
            let kept = keep.and_then(|keep| keep.get(axis));
            let wanted = |name: &str| kept.is_none_or(|kept| kept.iter().any(|other| other == name));
            let choices: Vec<OracleChoice> = settings
                .iter()
                .filter(|(name, _)| wanted(name))
                .map(|(name, changes)| OracleChoice { axis, name, changes })
                .collect();
            product
                .iter()
                .flat_map(|before| choices.iter().map(move |choice| [before.as_slice(), &[*choice]].concat()))
                .collect()
        })
    }

    /// One setting; `None` if none of its methods is selected.
    fn setting(&self, suite: &Suite, case: &SuiteCase, choices: &[OracleChoice]) -> Result<Option<Combination>> {
        let axes: Vec<(String, String)> =
            choices.iter().map(|choice| (choice.axis.to_string(), choice.name.to_string())).collect();
        let label = setting(&axes);
        let entries: Vec<&OneOf<AlgorithmKind, ContestantKeys>> =
            case.methods.iter().filter_map(|list| suite.methods.get(list)).flatten().collect();
        let mut config = base(case, &entries);
        for OracleChoice { axis, name, changes } in choices {
            config = changed(config, changes, &format!("vary.{axis}.{name}"))?;
        }
        if let Some(quick) = case.quick.as_ref().filter(|_| self.quick) {
            config = changed(config, &quick.set, "quick.set")?;
        }
        let skip = self.variables.apply(&mut config, &suite.folder)?;
        let mut config = config.with(&self.assignments)?;
        let mut contestants = Vec::new();
        let mut expanded = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            let oracle = entry.keys.oracle.as_ref();
            let named =
                candidates(&config, i, oracle).map_err(|error| error.under(&format!("methods[{}]", name_of(entry))))?;
            contestants.push(Contestant {
                name: name_of(entry),
                algorithm: entry.kind.name(),
                candidates: named.iter().map(|(candidate, _)| candidate.clone()).collect(),
                oracle: oracle.is_some(),
            });
            expanded.extend(named.into_iter().map(|(_, entry)| entry));
        }
        config.reconstruct = expanded;
        Pipeline::new(config.clone())?;
        contestants.retain(|contestant| self.only.takes(&case.name, &label, &contestant.name));
        keep_needed(&mut config, &contestants);
        let seeds = if self.quick { 1 } else { case.seeds.unwrap_or(suite.seeds) };
        let setting = Combination { case: case.name.clone(), axes, config, contestants, seeds, skip };
        Ok((!setting.contestants.is_empty()).then_some(setting))
    }
}

/// One setting of one axis.
#[derive(Clone, Copy)]
struct OracleChoice<'a> {
    axis: &'a str,
    name: &'a str,
    changes: &'a [Change],
}

fn changed(config: Config, changes: &[Change], place: &str) -> Result<Config> {
    let assignments: Vec<Assignment> = changes.iter().map(|change| change.0.clone()).collect();
    config.with(&assignments).map_err(|error| error.under(place))
}

/// The case's pipeline with the methods in the order of the suite's lists, each under its name, without the values of
/// the oracles.
fn base(case: &SuiteCase, entries: &[&OneOf<AlgorithmKind, ContestantKeys>]) -> Config {
    let method = |entry: &&OneOf<AlgorithmKind, ContestantKeys>| OneOf {
        kind: entry.kind.clone(),
        keys: reconstruct::MethodKeys {
            name: Some(name_of(entry)),
            projector: entry.keys.projector,
            discretisation: entry.keys.discretisation,
            start_from: entry.keys.start_from.clone(),
        },
    };
    let scene = case.pipeline.clone();
    Config {
        limits: Limits::default(),
        name: case.name.replace('.', "-"),
        seed: scene.seed,
        device: crate::tensors::DeviceRequest::default(),
        threads: crate::context::Threads::default(),
        load: Some(scene.load),
        grid: scene.grid,
        simulate: Some(scene.simulate),
        acquire: None,
        reconstruct: entries.iter().map(method).collect(),
        evaluate: scene.evaluate,
        export: export::Config { report: vec![ReportFormat::Json], ..export::Config::default() },
    }
}

fn name_of(entry: &OneOf<AlgorithmKind, ContestantKeys>) -> String {
    entry.keys.name.clone().unwrap_or_else(|| entry.kind.name().to_string())
}

/// The entries for method number `i`: the method itself, or one entry for each value of its oracle.
fn candidates(
    config: &Config,
    i: usize,
    oracle: Option<&Oracle>,
) -> Result<Vec<(Candidate, OneOf<AlgorithmKind, reconstruct::MethodKeys>)>> {
    let entry = &config.reconstruct[i];
    let name = entry.keys.name.clone().unwrap_or_default();
    let Some(Oracle { key, values }) = oracle else {
        return Ok(vec![(Candidate { entry: name, choice: String::new(), number: false }, entry.clone())]);
    };
    if values.is_empty() {
        return Err(Error::config("oracle.values", "expected at least one value"));
    }
    let one = |(k, value): (usize, &serde_json::Value)| {
        let name = format!("{name}-{}", k + 1);
        let assignments = [format!("reconstruct[0].{key}={value}"), format!("reconstruct[0].name={name}")];
        let assignments = assignments.iter().map(|text| text.parse()).collect::<Result<Vec<Assignment>>>()?;
        let alone = Config { reconstruct: vec![entry.clone()], ..config.clone() };
        let chosen = alone.with(&assignments).map_err(|error| error.under("oracle"))?;
        let made =
            chosen.reconstruct.into_iter().next().ok_or_else(|| Error::config("oracle.key", "the entry is gone"))?;
        let choice = value.as_str().map_or_else(|| format!("{key}={value}"), |word| format!("{key}={word}"));
        Ok((Candidate { entry: name, choice, number: value.is_number() }, made))
    };
    values.iter().enumerate().map(one).collect()
}

/// Removes the entries that no row needs: it keeps the candidates of the contestants and the methods from which these
/// start.
fn keep_needed(config: &mut Config, contestants: &[Contestant]) {
    let mut needed: Vec<String> = contestants
        .iter()
        .flat_map(|contestant| contestant.candidates.iter().map(|candidate| candidate.entry.clone()))
        .collect();
    for entry in config.reconstruct.iter().rev() {
        if entry.keys.name.as_ref().is_some_and(|name| needed.contains(name)) {
            needed.extend(entry.keys.start_from.clone());
        }
    }
    config.reconstruct.retain(|entry| entry.keys.name.as_ref().is_some_and(|name| needed.contains(name)));
}
