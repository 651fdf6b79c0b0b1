//! [`Study`]: the content of a study file: many cases, each reconstructed at every setting.
//!
//! ```yaml
//! pipeline: ../ct.yaml
//! cases:
//! - files: {glob: "patients/*/ct.nii.gz", id: "{1}", key: load.nifti.path}
//! vary:
//!   views: {20: [simulate.geometry.cone.views=20], 40: [simulate.geometry.cone.views=40]}
//! resources: {time: "02:00:00", cpus: 4, gpus: 1}
//! ```

use super::cases::CaseKind;
use crate::error::{Error, Result};
use crate::jobs::{Change, HEARTBEATS_S, Named};
use crate::pipeline::{LONGEST, parse};
use crate::registry::OneOf;
use crate::schedulers::Resources;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// Largest number of cases, settings and tasks of a study: more are a mistake, and would fill the memory.
pub(super) const MOST: usize = 1_000_000;

/// Many cases, each reconstructed at every setting.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Name, [A-Za-z0-9_-]+. Default: that of the file.
    #[serde(default)]
    pub name: String,
    /// The pipeline that every case runs through, relative to this file.
    pub pipeline: PathBuf,
    /// Changes to it for all cases.
    #[serde(default)]
    pub set: Vec<Change>,
    /// Where the cases come from, in order.
    pub cases: Vec<OneOf<CaseKind>>,
    /// What is varied, each with its named settings.
    #[serde(default)]
    pub vary: Named<Named<Vec<Change>>>,
    /// How the settings of several axes are combined.
    #[serde(default)]
    pub combine: Combine,
    /// What one element of a job array asks for.
    #[serde(default)]
    pub resources: Resources,
    /// What happens to a task that fails for want of memory or disk, or by a crash.
    #[serde(default)]
    pub retry: Retry,
    /// Folder of the study, relative to the working directory. Default: runs/NAME.
    #[serde(default)]
    pub directory: Option<PathBuf>,
}

/// How the settings of several axes are combined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// Every setting of one axis with every setting of the others.
    #[default]
    Product,
    /// The first settings of all axes, then the second ones, and so on.
    Zip,
}

/// What happens to a task that fails for want of memory or disk, or by a crash.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How often it is tried. A case whose input or pipeline is wrong is tried once.
    pub attempts: NonZeroU32,
    /// Seconds between signs of life of a running task. One without six of them is taken over by the next.
    pub heartbeat_s: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: NonZeroU32::MIN.saturating_add(2), heartbeat_s: 10.0 }
    }
}

impl Study {
    /// Reads a study file. Also returns its text.
    ///
    /// # Errors
    /// A file that cannot be read or is not a study, with line and column.
    pub fn read(file: &Path) -> Result<(Self, String)> {
        let mut text = String::new();
        let read = File::open(file).and_then(|opened| opened.take(LONGEST as u64 + 1).read_to_string(&mut text));
        read.map_err(|error| Error::read(file, &error))?;
        let mut study: Self = parse(&text, &file.display().to_string())?;
        if study.name.is_empty() {
            study.name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        study.check().map_err(|error| error.under(&file.display().to_string()))?;
        Ok((study, text))
    }

    /// Path of the study's folder, relative to the working directory.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.directory.clone().unwrap_or_else(|| Path::new("runs").join(&self.name))
    }

    /// JSON schema (draft-07) of a study file.
    #[must_use]
    pub fn schema() -> Value {
        schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<Self>().to_value()
    }

    fn check(&self) -> Result<()> {
        check_name(&self.name).map_err(|error| error.under("name"))?;
        if self.cases.is_empty() {
            return Err(Error::config("cases", "expected at least one source of cases"));
        }
        if !HEARTBEATS_S.contains(&self.retry.heartbeat_s) {
            let (least, most) = (HEARTBEATS_S.start(), HEARTBEATS_S.end());
            let problem = format!("expected {least} to {most} seconds, got {}", self.retry.heartbeat_s);
            return Err(Error::config("retry.heartbeat_s", problem));
        }
        for (axis, settings) in self.vary.iter() {
            let names = settings.names().into_iter();
            std::iter::once(axis)
                .chain(names)
                .try_for_each(check_name)
                .map_err(|error| error.under(&format!("vary.{axis}")))?;
        }
        self.resources.check().map_err(|error| error.under("resources"))
    }
}

/// Checks that a name is safe as a part of a folder's name.
fn check_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > 40 || name.starts_with('.') || !name.chars().all(fine) {
        return Err(Error::config("", format!("expected 1 to 40 of a-z, A-Z, 0-9, _, - and ., got `{name}`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Study> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heads.yaml");
        std::fs::write(&file, text).unwrap();
        Study::read(&file).map(|(study, _)| study)
    }

    #[test]
    fn what_is_left_out_has_a_default_and_what_is_wrong_is_said_where_it_stands() {
        let study = read("pipeline: a.yaml\ncases: [seeds: {count: 3}]\n").unwrap();
        assert_eq!(
            (study.name.as_str(), study.folder(), study.retry.attempts.get()),
            ("heads", "runs/heads".into(), 3)
        );
        for (text, said) in [
            ("pipeline: a.yaml\ncases: []", "cases: expected at least one"),
            (
                "pipeline: a.yaml\ncases: [seeds: {cuont: 3}]",
                "heads.yaml:2:17: cases[0].seeds.cuont: unknown key, did you mean `count`?",
            ),
            ("pipeline: a.yaml\ncases: [sedes: {count: 3}]", "did you mean `seeds`?"),
            ("pipeline: a.yaml\ncases: [seeds: {count: 3}]\nname: a/b", "name: expected 1 to 40"),
            ("pipeline: a.yaml\ncases: [seeds: {count: 3}]\nretry: {heartbeat_s: 0}", "retry.heartbeat_s"),
            ("pipeline: a.yaml\ncases: [seeds: {count: 3}]\nvary: {v: {1: [seed]}}", "expected key=value"),
            ("pipeline: a.yaml\ncases: [seeds: {count: 3}]\nresources: {time: \"1\\n#SBATCH\"}", "resources.time"),
            ("pipeline: a.yaml\ncases: [seeds: {count: 3}]\nresources: {sbatch: [mem=1]}", "resources.sbatch"),
            (
                "pipeline: a.yaml\ncases: [seeds: {count: 3}]\nresources: {sbatch: [-Jmine]}",
                "recon names the jobs itself",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(said), "expected `{said}` in {error}");
        }
    }
}
