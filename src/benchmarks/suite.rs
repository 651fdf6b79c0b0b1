//! [`Suite`]: the content of a benchmark's YAML file.
//!
//! ```yaml
//! title: Two-dimensional Shepp-Logan
//! methods:
//!   planar:
//!   - fbp: {filter: hann}
//!   - {name: tv, tv: {}, oracle: {key: tv.weight, values: [1.0e-4, 2.0e-4]}}
//! cases:
//! - name: parallel
//!   pipeline: {load: {...}, grid: {...}, simulate: {...}}
//!   vary:
//!     views: {30: [simulate.geometry.parallel.views=30], 60: [simulate.geometry.parallel.views=60]}
//!   methods: [planar]
//! ```

use super::builtin;
use crate::algorithms::{AlgorithmKind, Discretisation};
use crate::error::{Error, Result};
use crate::jobs::{Change, Named};
use crate::operators::xray::Model;
use crate::pipeline::{LONGEST, did_you_mean, parse};
use crate::registry::OneOf;
use crate::stages::load::{Preparation, SourceKind};
use crate::stages::{evaluate, grid, simulate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A benchmark: cases, the methods they compare, how often.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Name, [a-z0-9_-]+, also its folder. Default: that of the file.
    #[serde(default)]
    pub name: String,
    /// What is compared, in one line.
    #[serde(default)]
    pub title: String,
    /// Lists of methods by name; a case names those it takes.
    pub methods: Named<Vec<OneOf<AlgorithmKind, ContestantKeys>>>,
    /// What is scanned and how, in order.
    pub cases: Vec<SuiteCase>,
    /// Runs of every setting with seeds that count up from the pipeline's; tables then give mean and standard
    /// deviation.
    #[serde(default = "one")]
    pub seeds: u64,
    /// Folder that its paths are relative to.
    #[serde(skip)]
    #[schemars(skip)]
    pub folder: PathBuf,
}

fn one() -> u64 {
    1
}

/// One object and scanner, varied along axes.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteCase {
    /// Unique name, [a-z0-9_-]+, also its folder.
    pub name: String,
    /// What is scanned and how.
    pub pipeline: SuiteSetup,
    /// Axes, each with its named settings; the case is run at every combination.
    #[serde(default)]
    pub vary: Named<Named<Vec<Change>>>,
    /// Names of the lists of methods it takes, in order.
    pub methods: Vec<String>,
    /// Instead of the suite's.
    #[serde(default)]
    pub seeds: Option<u64>,
    /// What `--quick` makes of it, with one seed; left out by `--quick` without.
    #[serde(default)]
    pub quick: Option<Quick>,
}

/// A pipeline without its methods and its folder.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteSetup {
    /// Seed of the first run.
    #[serde(default)]
    pub seed: u64,
    /// The object.
    pub load: OneOf<SourceKind, Preparation>,
    /// The grid to reconstruct on.
    #[serde(default)]
    pub grid: Option<grid::Config>,
    /// The scanner.
    pub simulate: simulate::Config,
    /// What is measured. Default: psnr_db, ssim, rmse_hu.
    #[serde(default = "three_metrics")]
    pub evaluate: evaluate::Config,
}

fn three_metrics() -> evaluate::Config {
    let metrics = ["psnr_db", "ssim", "rmse_hu"].map(String::from).to_vec();
    evaluate::Config { metrics, ..evaluate::Config::default() }
}

/// What `--quick` makes of a case.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Quick {
    /// Changes to every setting, such as a smaller grid.
    pub set: Vec<Change>,
    /// Settings kept of an axis; all of those that are not named.
    pub keep: Named<Vec<String>>,
}

/// The keys beside a method's kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContestantKeys {
    /// Unique name in the case, [a-z0-9_-]+; default: its kind.
    #[schemars(regex(pattern = "^[a-z0-9_-]+$"))]
    pub name: Option<String>,
    /// As in a pipeline.
    pub projector: Option<Model>,
    /// As in a pipeline.
    pub discretisation: Option<Discretisation>,
    /// As in a pipeline.
    pub start_from: Option<String>,
    /// Values to choose among by the PSNR against the truth.
    pub oracle: Option<Oracle>,
}

/// A key of the method, such as `tv.weight`, and the values tried for it, from one end of the range to the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oracle {
    /// Key inside the entry, such as `tv.weight`.
    pub key: String,
    /// Values tried, from one end of the range to the other.
    pub values: Vec<Value>,
}

crate::sibling_keys!(ContestantKeys { name, projector, discretisation, start_from, oracle });

impl Suite {
    /// Finds the built-in suite of this name, or reads the suite in this file.
    ///
    /// # Errors
    /// An unknown suite, a file that cannot be read or is not a suite (with line and column), names in it that are
    /// invalid, duplicate or unknown.
    pub fn find(name_or_file: &str) -> Result<Self> {
        if let Some(suite) = builtin::BUILT_IN.iter().find(|suite| suite.name == name_or_file) {
            return Self::parse(suite.text, &format!("pipelines/bench/{}.yaml", suite.name), suite.name, Path::new(""));
        }
        let file = Path::new(name_or_file);
        let named = |extension| file.extension().is_some_and(|found| found == extension);
        if !(named("yaml") || named("yml") || file.exists()) {
            let names: Vec<&str> = builtin::BUILT_IN.iter().map(|suite| suite.name).collect();
            return Err(Error::config(
                "suite",
                format!("no suite `{name_or_file}`, {}", did_you_mean(name_or_file, &names)),
            ));
        }
        let mut text = String::new();
        let read = File::open(file).and_then(|opened| opened.take(LONGEST as u64 + 1).read_to_string(&mut text));
        read.map_err(|error| Error::read(file, &error))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        Self::parse(&text, name_or_file, &stem, file.parent().unwrap_or(Path::new("")))
    }

    /// JSON schema (draft-07) of a suite file.
    #[must_use]
    pub fn schema() -> Value {
        schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<Self>().to_value()
    }

    /// Reads the suite in `text`. `origin` names the text in messages, `name` is the default name of the suite, and its
    /// paths are relative to `folder`.
    ///
    /// # Errors
    /// As [`Suite::find`].
    pub fn parse(text: &str, origin: &str, name: &str, folder: &Path) -> Result<Self> {
        let mut suite: Self = parse(text, origin)?;
        if suite.name.is_empty() {
            suite.name = name.to_string();
        }
        suite.folder = folder.to_path_buf();
        match suite.check() {
            Err(Error::Config { key, problem, hint }) => {
                Err(Error::config(format!("{origin}: {key}"), problem).hint(hint))
            }
            checked => checked.map(|()| suite),
        }
    }

    /// Checks the names, and everything that involves more than one key.
    fn check(&self) -> Result<()> {
        check_name(&self.name).map_err(|error| error.under("name"))?;
        if self.cases.is_empty() || self.seeds == 0 || self.cases.iter().any(|case| case.seeds == Some(0)) {
            return Err(Error::config("", "expected at least one case and one seed"));
        }
        for (i, case) in self.cases.iter().enumerate() {
            let taken = self.cases[..i].iter().any(|other| other.name == case.name);
            let checked =
                if taken { Err(Error::config("name", format!("`{}` is taken", case.name))) } else { case.check(self) };
            checked.map_err(|error| error.under(&format!("cases[{i}]")))?;
        }
        Ok(())
    }
}

impl SuiteCase {
    fn check(&self, suite: &Suite) -> Result<()> {
        check_name(&self.name).map_err(|error| error.under("name"))?;
        let known = suite.methods.names();
        for (i, list) in self.methods.iter().enumerate() {
            if !known.contains(&list.as_str()) {
                let problem = format!("no list `{list}`, {}", did_you_mean(list, &known));
                return Err(Error::config(format!("methods[{i}]"), problem));
            }
        }
        for (axis, settings) in self.vary.iter() {
            check_axis(axis, settings).map_err(|error| error.under(&format!("vary.{axis}")))?;
        }
        let keep = self.quick.iter().flat_map(|quick| quick.keep.iter());
        for (axis, names) in keep {
            let under = |problem| Error::config(format!("quick.keep.{axis}"), problem);
            let axes = self.vary.names();
            let settings =
                self.vary.get(axis).ok_or_else(|| under(format!("no such axis, {}", did_you_mean(axis, &axes))))?;
            if names.is_empty() {
                return Err(under("expected at least one setting, or no such key, which keeps all".to_string()));
            }
            if let Some(name) = names.iter().find(|name| settings.get(name).is_none()) {
                return Err(under(format!("no setting `{name}`, {}", did_you_mean(name, &settings.names()))));
            }
        }
        Ok(())
    }
}

fn check_axis(axis: &str, settings: &Named<Vec<Change>>) -> Result<()> {
    check_name(axis)?;
    if super::columns::COLUMNS.contains(&axis) {
        return Err(Error::config("", "this is a column of the tables: choose another name for the axis"));
    }
    if settings.names().is_empty() {
        return Err(Error::config("", "expected at least one setting"));
    }
    settings.names().into_iter().try_for_each(|name| check_name(name).map_err(|error| error.under(name)))
}

/// Checks that a name is safe as a part of a folder's name.
fn check_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
    if name.is_empty() || name.len() > 48 || name.starts_with('.') || !name.chars().all(fine) {
        return Err(Error::config("", format!("expected 1 to 48 of a-z, 0-9, _, - and ., got `{name}`")));
    }
    Ok(())
}
