//! [`Config`]: the content of a pipeline's YAML file. Reading it opens no file other than the YAML file itself.

use crate::algorithms::AlgorithmKind;
use crate::assignment::Assignment;
use crate::context::{Threads, layout, relative};
use crate::error::{Error, Result};
use crate::formats;
use crate::formats::dicom::Identity;
use crate::input_path;
use crate::memory::Limits;
use crate::registry::{Kinds, OneOf};
use crate::stages::load::{self, SourceKind};
use crate::stages::reconstruct::MethodKeys;
use crate::stages::{acquire, evaluate, export, grid, simulate};
use crate::tensors::DeviceRequest;
use crate::yaml;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Number of held-out X-ray views where methods are judged by held-out views and the pipeline gives no number.
const HELD_OUT: usize = 10;

/// A pipeline: the object or the measured data, the scan, the methods, the metrics and the output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the pipeline: 1 to 64 characters of a-z, 0-9, _ and -. Default: the name of the file without its
    /// extension.
    #[serde(default)]
    #[schemars(regex(pattern = "^[a-z0-9_-]*$"))]
    pub name: String,
    /// Seed of all random numbers.
    #[serde(default)]
    pub seed: u64,
    /// Device on which tensors are computed.
    #[serde(default)]
    pub device: DeviceRequest,
    /// Number of CPU threads, of both rayon and libtorch.
    #[serde(default)]
    pub threads: Threads,
    /// Limits on the memory that input files may take.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
    /// Object whose scan is simulated. Give either `load` and `simulate`, or `acquire`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<OneOf<SourceKind, load::Preparation>>,
    /// Reconstruction grid; required for phantoms. Default: for a voxel object its box with half as many voxels per
    /// axis, for measured data the field of view.
    #[serde(default)]
    pub grid: Option<grid::Config>,
    /// Scanner or cameras whose measurement is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulate: Option<simulate::Config>,
    /// Measured projections or pictures, instead of `load` and `simulate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acquire: Option<OneOf<acquire::MeasuredKind, acquire::Setup>>,
    /// Reconstruction methods, in the order in which they run.
    pub reconstruct: Vec<OneOf<AlgorithmKind, MethodKeys>>,
    /// Metrics and other evaluations of the results.
    #[serde(default)]
    pub evaluate: evaluate::Config,
    /// Output files and their folder.
    #[serde(default)]
    pub export: export::Config,
}

fn is_default(limits: &Limits) -> bool {
    *limits == Limits::default()
}

impl Config {
    /// Reads a pipeline file and applies `--set` assignments. Paths in the file are taken relative to the file, paths
    /// in assignments relative to the working directory; all are relative to the working directory afterwards.
    ///
    /// # Errors
    /// A file that cannot be read or is not a pipeline (with line and column), an assignment that does not fit.
    pub fn read(file: &Path, assignments: &[Assignment]) -> Result<Self> {
        if file.is_dir() {
            return Err(folder_given(file));
        }
        let mut text = String::new();
        // Reads one byte more than the limit, so that the parser reports a file that is too long.
        let limit = yaml::LONGEST as u64 + 1;
        let read = File::open(file).and_then(|opened| opened.take(limit).read_to_string(&mut text));
        read.map_err(|error| Error::read(file, &error))?;
        let parsed: Self = yaml::parse(&text, &file.display().to_string())?;
        let mut config = parsed.with_paths(|path| file.parent().unwrap_or(Path::new("")).join(path))?;
        if config.name.is_empty() {
            config.name = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        }
        config.with(assignments)
    }

    /// The config after the assignments, which are applied in order.
    ///
    /// # Errors
    /// An assignment that does not fit.
    pub fn with(self, assignments: &[Assignment]) -> Result<Self> {
        if assignments.is_empty() {
            return Ok(self);
        }
        // Generated once: a study of a thousand cases needs it a thousand times.
        static SCHEMA: OnceLock<serde_json::Value> = OnceLock::new();
        let mut value = self.to_value()?;
        let schema = SCHEMA.get_or_init(Self::schema);
        for assignment in assignments {
            assignment.apply(&mut value, schema)?;
            // A valid value is normalised (`[fdk]` becomes a full entry), so that later assignments find its keys. An
            // incomplete value stays as it is, because later assignments may complete it.
            if let Ok(whole) = yaml::from_value::<Self>(&value) {
                value = whole.to_value()?;
            }
        }
        yaml::from_value(&value)
    }

    /// The config as a JSON value.
    ///
    /// # Errors
    /// Never for a config that was read from YAML.
    pub fn to_value(&self) -> Result<serde_json::Value> {
        serde_json::to_value(self).map_err(|error| Error::config("", error))
    }

    /// Reads a config from a JSON value, the inverse of [`Config::to_value`].
    ///
    /// # Errors
    /// The value is no valid config.
    pub fn from_value(value: &serde_json::Value) -> Result<Self> {
        yaml::from_value(value)
    }

    /// JSON schema (draft-07) of a pipeline file.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<Self>().to_value()
    }

    /// The config with every path of an input replaced by `replace`.
    ///
    /// # Errors
    /// Never for a config that was read from YAML.
    pub fn with_paths(&self, replace: impl FnMut(&PathBuf) -> PathBuf) -> Result<Self> {
        yaml::from_value(&input_path::rewritten(self, replace)?)
    }

    /// The config as a JSON value with paths relative to `folder`, from which it can be run again.
    ///
    /// # Errors
    /// Never for a config that was read from YAML.
    pub fn portable(&self, folder: &Path) -> Result<serde_json::Value> {
        input_path::rewritten(self, |path| PathBuf::from(relative(folder, path)))
    }

    /// Fills in the defaults that depend on other keys, and checks everything that involves more than one key.
    ///
    /// # Errors
    /// An invalid or duplicate name, an empty list of methods, an unknown metric, or not exactly one source of
    /// projections.
    pub fn resolve(&mut self) -> Result<()> {
        check_name(&self.name).map_err(|error| error.under("name"))?;
        self.check_source()?;
        if self.reconstruct.is_empty() {
            return Err(Error::config(
                "reconstruct",
                format!("expected at least one method: {}", AlgorithmKind::NAMES.join(", ")),
            ));
        }
        let mut taken: Vec<String> = Vec::new();
        for (i, entry) in self.reconstruct.iter_mut().enumerate() {
            let name = entry.keys.name.get_or_insert_with(|| entry.kind.name().to_string());
            let under = |error: Error| error.under(&format!("reconstruct[{i}]"));
            check_name(name).map_err(|error| under(error.under("name")))?;
            if taken.contains(name) {
                let problem = format!("`{name}` is taken by an entry above");
                return Err(under(
                    Error::config("name", problem).hint(format!("give it one of its own: - name: {name}-2")),
                ));
            }
            let name = name.clone();
            entry.keys.check(entry.kind.as_part(), &taken).map_err(under)?;
            taken.push(name);
        }
        for (i, key) in self.evaluate.metrics.iter().enumerate() {
            if crate::metrics::by_name(key).is_none() {
                let problem = format!("unknown metric `{key}`, {}", yaml::did_you_mean(key, &crate::metrics::names()));
                return Err(Error::config(format!("evaluate.metrics[{i}]"), problem));
            }
        }
        self.hold_out();
        let guarded = self.load.as_ref().is_some_and(|load| load.kind.as_part().may_be_a_person());
        let default = if guarded { Identity::Drop } else { Identity::Keep };
        self.export.dicom.identity.get_or_insert(default);
        let directory = PathBuf::from("runs").join(&self.name);
        self.export.directory.get_or_insert(directory);
        Ok(())
    }

    /// Sets the default number of held-out views, if methods are judged by them and no number is given.
    fn hold_out(&mut self) {
        if self.evaluate.views.is_none() {
            return;
        }
        if let Some(simulate) = self.simulate.as_mut().filter(|simulate| simulate.cameras.is_none()) {
            simulate.held_out.get_or_insert(HELD_OUT);
        }
        if let Some(acquire) = self.acquire.as_mut().filter(|acquire| acquire.kind.as_part().pictures().is_none()) {
            acquire.keys.held_out.get_or_insert(HELD_OUT);
        }
    }

    /// Requires exactly one source of projections: `load` and `simulate`, or `acquire`.
    fn check_source(&self) -> Result<()> {
        let hint =
            "simulate a scan of an object with `load` and `simulate`, or take measured projections with `acquire`";
        match (&self.load, &self.simulate, &self.acquire) {
            (Some(_), Some(simulate), None) => simulate.check_kind(),
            (None, None, Some(acquire)) if acquire.kind.as_part().pictures().is_some() => {
                if acquire.keys != acquire::Setup::default() {
                    let problem = "camera pictures take `images` only: the other keys are for X-ray projections";
                    return Err(Error::config("acquire", problem).hint("remove the other keys"));
                }
                acquire
                    .kind
                    .as_part()
                    .pictures()
                    .map_or(Ok(()), |files| files.check().map_err(|error| error.under("acquire")))
            }
            (None, None, Some(acquire)) => {
                let needs_geometry = !acquire.kind.as_part().knows_the_scan();
                acquire.keys.check(needs_geometry).map_err(|error| error.under("acquire"))
            }
            (None, None, None) => {
                Err(Error::config("load", "expected projections, from `load` and `simulate` or from `acquire`")
                    .hint(hint))
            }
            (None, Some(_), None) => Err(Error::config("load", "expected an object for `simulate`").hint(hint)),
            (Some(_), None, None) => {
                Err(Error::config("simulate", "expected a scanner for the object of `load`").hint(hint))
            }
            (_, _, Some(_)) => {
                Err(Error::config("acquire", "give either `acquire`, or `load` and `simulate`").hint(hint))
            }
        }
    }
}

/// Error for a folder in the place of a pipeline file; the hint depends on what the folder holds.
fn folder_given(folder: &Path) -> Error {
    let (name, inside) = (folder.display(), folder.join(layout::PIPELINE));
    let hint = if inside.is_file() {
        format!(
            "this is a run folder: `recon run {}` runs it again, `recon report {name}` makes its page",
            inside.display()
        )
    } else if formats::volume_format(folder).is_ok() {
        format!("for a volume in it: `recon init dicom`, then `recon run dicom.yaml --set load.dicom.path={name}`")
    } else {
        format!("`recon info {name}` says what is in it, `recon init` writes a pipeline")
    };
    Error::config(name.to_string(), "expected a pipeline (a YAML file), got a folder").hint(hint)
}

/// Refuses a name that is not safe as a folder name.
fn check_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
        return Err(Error::config("", format!("expected 1 to 64 of a-z, 0-9, _ and -, got `{name}`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
name: a
load: {phantom: {file: p.yaml}}
grid: {shape: [8, 8, 8]}
simulate:
  geometry:
    cone: {views: 3, source_to_axis_mm: 500, source_to_detector_mm: 700, detector: {pixels: [4, 4], pitch_mm: [9, 9]}}
reconstruct: [tv, {name: siren, neural_field: {}}]
";

    fn set(assignments: &[&str]) -> Result<Config> {
        let parsed: Vec<Assignment> = assignments.iter().map(|text| text.parse()).collect::<Result<_>>()?;
        yaml::parse::<Config>(TEXT, "a.yaml")?.with(&parsed)
    }

    #[test]
    fn assignments_reach_entries_by_number_name_and_kind() {
        let changed = set(&[
            "reconstruct[siren].neural_field.steps=7",
            "reconstruct[tv].name=best",
            "seed=9",
            "reconstruct[1].name=net",
        ])
        .unwrap();
        let value = changed.to_value().unwrap();
        assert_eq!(value.pointer("/reconstruct/1/neural_field/steps"), Some(&7.into()));
        assert_eq!(value.pointer("/reconstruct/0/name"), Some(&"best".into()));
        assert_eq!((changed.seed, value.pointer("/reconstruct/1/name")), (9, Some(&"net".into())));
    }

    #[test]
    fn a_kind_replaces_the_kind_that_is_there_and_missing_keys_are_made() {
        let changed =
            set(&["load.nifti.path=ct.nii.gz", "load.clip_hu=[-1000, 2000]", "simulate.noise.photons=5e4"]).unwrap();
        assert_eq!(changed.load.as_ref().unwrap().kind.name(), "nifti");
        assert_eq!(changed.load.as_ref().unwrap().keys.clip_hu, Some([-1000.0, 2000.0]));
        assert_eq!(changed.simulate.unwrap().noise.unwrap().photons, 5e4);
        assert_eq!(set(&["grid="]).unwrap().grid, None);
        let spelled = set(&["reconstruct=[tv]", "reconstruct[tv].tv.iterations=3"]).unwrap().to_value().unwrap();
        assert_eq!(spelled.pointer("/reconstruct/0/tv/iterations"), Some(&3.into()));
        assert!(
            set(&["load.dicom.series='1.2'", "load.dicom.path=folder"]).is_ok()
                && set(&["load.dicom.series='1.2'"]).is_err()
        );
    }

    #[test]
    fn assignments_are_as_strict_as_the_file() {
        let problem = |text: &str| set(&[text]).unwrap_err().to_string();
        assert!(problem("sed=1").contains("sed: unknown key, did you mean `seed`?"));
        assert!(
            problem("simulate.noise.photon=1").contains("simulate.noise.photon: unknown key, did you mean `photons`?")
        );
        assert!(problem("reconstruct[sirne].neural_field.steps=1").contains("did you mean `siren`?"));
        assert!(problem("reconstruct[5].name=a").contains("expected an entry below 2"));
        assert!(
            problem("reconstruct[1].neural_field.steps=many")
                .contains("reconstruct[1].neural_field.steps: expected a whole number")
        );
        assert!(
            problem("seed").contains("expected key=value")
                && problem("a..b=1").contains("dot")
                && problem("seed[0]=1").contains("list")
        );
        assert!(problem("simulate.noise.photons=.nan").contains("finite"));
        assert!(problem("load.nifti.path=[").contains("--set load.nifti.path"));
    }

    #[test]
    fn the_resolved_config_reads_back_as_itself() {
        let mut config = set(&[]).unwrap();
        config.resolve().unwrap();
        let text = serde_yaml::to_string(&config).unwrap();
        assert_eq!(yaml::parse::<Config>(&text, "b.yaml").unwrap(), config);
        assert_eq!(config.reconstruct[0].keys.name.as_deref(), Some("tv"));
    }

    #[test]
    fn names_that_are_no_folders_or_taken_are_refused() {
        for bad in [
            "name=../up",
            "name='a b'",
            "reconstruct[0].name=siren",
            "reconstruct[0].name=''",
            "reconstruct=[]",
            "evaluate.metrics=[psnr]",
        ] {
            let mut config = set(&[bad]).unwrap();
            assert_eq!(config.resolve().unwrap_err().exit_code(), 2, "{bad}");
        }
    }
}
