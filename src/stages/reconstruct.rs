//! reconstruct: runs one or several methods on the same projections. Each has its own cache record, checkpoints, timing
//! and peak memory. The failure of one method does not affect the others.

mod pictures;
mod withholding;

use super::Stage;
use super::flow::{APART, Acquisition, Measurement, MethodFacts, Outcome, Reconstructed};
use super::withheld::{CrossValidation, Withheld};
use crate::algorithms::{
    Algorithm, AlgorithmKind, Discretisation, Estimate, Problem, Reconstruction, Run, Setup, refined,
};
use crate::context::layout::{CURVE, DIFFERENCE, START, UNCERTAINTY, VOLUME};
use crate::context::{Context, Inputs, Key, StageOutput, peak_memory, reset_peak_memory};
use crate::data::{Projections, Quantity, Status, Volume};
use crate::error::{Error, Result};
use crate::formats::{self, atomic, nifti};
use crate::input_path;
use crate::operators::xray::Model;
use crate::operators::xray::kernels::coverage;
use crate::progress;
use crate::registry::{Kinds, OneOf};
use crate::report;
use crate::tensors::guarded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use withholding::CrossValidator;

/// Keys of a method beside its kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MethodKeys {
    /// Unique name of the method, characters a-z, 0-9, _ and -, also the name of its folder. Default: the name of its
    /// kind.
    #[schemars(regex(pattern = "^[a-z0-9_-]+$"))]
    pub name: Option<String>,
    /// Forward projector (discrete X-ray transform) that an iterative method inverts. Default: joseph.
    pub projector: Option<Model>,
    /// Model of the scan on voxels or rays finer than the output grid and the pixels, for iterative methods. Default:
    /// the output grid's voxels, and one ray per pixel.
    pub discretisation: Option<Discretisation>,
    /// Name of an earlier method in the list, from whose volume an iterative method starts. Default: zeros.
    pub start_from: Option<String>,
}

crate::sibling_keys!(MethodKeys { name, projector, discretisation, start_from });

impl MethodKeys {
    /// Refuses keys for iterative methods if the method is not iterative, a start that is not among the earlier methods
    /// `above`, and two starts.
    ///
    /// # Errors
    /// [`Error::Config`] with the key and advice.
    pub fn check(&self, method: &dyn Algorithm, above: &[String]) -> Result<()> {
        let set = [
            ("projector", self.projector.is_some()),
            ("discretisation", self.discretisation.is_some()),
            ("start_from", self.start_from.is_some()),
        ];
        if let Some((key, _)) = set.into_iter().find(|(_, set)| *set && !method.iterative()) {
            return Err(Error::config(key, "applies to iterative methods only").hint("remove it"));
        }
        self.discretisation.unwrap_or_default().check()?;
        self.start_from.as_deref().map_or(Ok(()), |name| check_start(name, method, above))
    }
}

/// Refuses a start from `name` if it is not among the earlier methods `above`, or if the method has a start of its own.
fn check_start(name: &str, method: &dyn Algorithm, above: &[String]) -> Result<()> {
    if let Some(file) = method.file() {
        let file = file.display();
        let problem = format!("`{name}` and the method's own `start` (file {file}) both give an initial volume");
        return Err(Error::config("start_from", problem).hint("leave one of them out"));
    }
    if above.iter().any(|earlier| earlier == name) {
        return Ok(());
    }
    let there = if above.is_empty() { "there is none".to_string() } else { format!("there are {}", above.join(", ")) };
    let problem = format!("expected the name of a method above this one ({there}), got `{name}`");
    Err(Error::config("start_from", problem))
}

/// One of the methods that are run.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Unique name, also the name of its folder.
    pub name: String,
    /// The algorithm with its config.
    pub kind: AlgorithmKind,
    /// The projector that it inverts.
    pub model: Model,
    /// How much finer than the output grid and the pixels it models the scan.
    pub discretisation: Discretisation,
    /// Name of the method from whose volume it starts.
    pub start_from: Option<String>,
}

/// The reconstruct stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconstruct {
    /// The methods, in the order in which they run.
    pub methods: Vec<Method>,
    /// Which of them are evaluated by withheld views, if the scan has no ground truth.
    pub cross_validation: CrossValidation,
}

impl Stage for Reconstruct {
    type Input<'a> = &'a Measurement;
    type Output<'a> = Vec<Outcome>;
    const NAME: &'static str = "reconstruct";

    fn work<'a>(&'a self, measured: &'a Measurement, context: &'a Context) -> Result<Vec<Outcome>> {
        match measured {
            Measurement::Projections(scan) => self.on_projections(scan, context),
            Measurement::Pictures(scene) => self.on_pictures(scene, context),
        }
    }
}

impl Reconstruct {
    /// Refuses a measurement that one of the methods does not take, naming its entry.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn accept(&self, setup: &Setup<'_>) -> Result<()> {
        let mut entries = self.methods.iter().enumerate();
        entries
            .try_for_each(|(i, method)| method.accept(setup).map_err(|error| error.under(&format!("reconstruct[{i}]"))))
    }

    fn on_projections(&self, scan: &Acquisition, context: &Context) -> Result<Vec<Outcome>> {
        self.accept(&Setup::xrays(&scan.projections.geometry, &scan.grid))?;
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(self.methods.len());
        for method in &self.methods {
            let outcome = method.outcome(scan, &outcomes, &|made| self.withheld(method, made, scan, context), context);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Evaluates the method by withheld views, if the scan has no ground truth.
    fn withheld(
        &self,
        method: &Method,
        made: &Reconstructed,
        scan: &Acquisition,
        context: &Context,
    ) -> Result<Option<Withheld>> {
        if scan.truth.is_some() || !self.cross_validation.takes(method.kind.name()) {
            return Ok(None);
        }
        let key = context.key("withhold", &(), &[&scan.key, &made.key])?;
        let judge = CrossValidator { methods: &self.methods, scan, context };
        let work = || {
            let value = judge.figures(method)?;
            Ok(StageOutput { value, files: Vec::new(), seconds_before: 0.0 })
        };
        Ok(Some(context.cached(&format!("withhold.{}", method.name), &key, work)?.value))
    }
}

impl Method {
    fn outcome(
        &self,
        scan: &Acquisition,
        earlier: &[Outcome],
        judge: &dyn Fn(&Reconstructed) -> Result<Option<Withheld>>,
        context: &Context,
    ) -> Outcome {
        let work = || {
            let (mut made, diverged) = self.reconstructed(scan, self.initial(earlier)?, context)?;
            made.withheld = judge(&made)?;
            Ok((made, diverged))
        };
        self.concluded(work, context)
    }

    /// Refuses a measurement that the method does not take, as it models it.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn accept(&self, setup: &Setup<'_>) -> Result<()> {
        self.kind.named(self.discretisation.accept(self.kind.as_part(), setup))
    }

    /// The cost of the method, as it models the measurement.
    #[must_use]
    pub fn estimate(&self, setup: &Setup<'_>) -> Estimate {
        self.discretisation.estimate(self.kind.as_part(), setup)
    }

    /// Projections of the scan, all or some of the views, as the method models them.
    fn problem<'a>(&self, projections: &'a Projections, scan: &Acquisition) -> Problem<'a> {
        Problem::xrays(projections, &scan.grid, scan.mu_water).sampled(self.model)
    }

    /// Runs some work of the method and converts its end into an outcome.
    fn concluded(&self, work: impl FnOnce() -> Result<(Reconstructed, Option<String>)>, context: &Context) -> Outcome {
        let (status, result, reason) = match context.stop_signal().check_stop().and_then(|()| guarded(work)) {
            Ok((result, None)) => (Status::Complete, Some(result), None),
            Ok((result, diverged)) => (Status::Diverged, Some(result), diverged),
            Err(error @ Error::Stopped(_)) => (Status::Interrupted, None, Some(error.to_string())),
            Err(error) => {
                let reason = progress::covered(&error.to_string());
                progress::warn("method_failed", &format!("{}: {reason}", self.name));
                (Status::Failed, None, Some(reason))
            }
        };
        Outcome { name: self.name.clone(), algorithm: self.kind.name(), status, result, reason }
    }

    /// Result of the method from which this one starts.
    fn initial<'a>(&self, earlier: &'a [Outcome]) -> Result<Option<&'a Reconstructed>> {
        let Some(name) = &self.start_from else { return Ok(None) };
        let made = earlier.iter().find(|outcome| outcome.name == *name).and_then(|outcome| outcome.result.as_ref());
        made.map(Some).ok_or_else(|| Error::resource("start_from", format!("`{name}` made no volume to start from")))
    }

    /// Result of the method and, if its fit diverged, the message about it.
    fn reconstructed(
        &self,
        scan: &Acquisition,
        initial: Option<&Reconstructed>,
        context: &Context,
    ) -> Result<(Reconstructed, Option<String>)> {
        let files = Inputs::of(&OneOf::from(self.kind.clone()))?;
        let before: Vec<&Key> = std::iter::once(&scan.key).chain(initial.map(|made| &made.key)).collect();
        let key = context.key(Reconstruct::NAME, &(&files, self.model, self.discretisation), &before)?;
        let kept = context.cached(&format!("reconstruct.{}", self.name), &key, || {
            let made = self.compute(scan, initial, context)?;
            files.check_unchanged().map(|()| made)
        })?;
        let hounsfield = scan.quantity == Quantity::Hounsfield;
        let units = if hounsfield { nifti::Units::Hounsfield } else { nifti::Units::AttenuationPerMm };
        let read = |file: &str| -> Result<Volume> {
            let volume = nifti::read(&context.folder.path(&self.file(file)), units)?.volume;
            Volume::new(scan.grid.clone(), volume.quantity, volume.voxels().to_owned())
        };
        let start = if kept.value.has_start { Some(read(START)?) } else { None };
        let uncertainty = if kept.value.has_uncertainty { Some(read(UNCERTAINTY)?) } else { None };
        let written = self.files(&kept.value);
        let diverged = kept.warnings.iter().find(|warning| warning.code == "diverged");
        let diverged = diverged.map(|warning| warning.message.clone());
        let made = Reconstructed {
            key,
            inputs: files.files().to_vec(),
            volume: read(VOLUME)?,
            start,
            uncertainty,
            facts: kept.value,
            withheld: None,
            seconds: kept.seconds,
            files: written,
        };
        Ok((made, diverged))
    }

    fn compute(
        &self,
        scan: &Acquisition,
        initial: Option<&Reconstructed>,
        context: &Context,
    ) -> Result<StageOutput<MethodFacts>> {
        let checkpoints = context.checkpoints(&self.name, self.facts(scan)?)?;
        let label = self.name.as_str();
        let _span = tracing::info_span!(target: progress::PART, "method", label, method = self.kind.name()).entered();
        reset_peak_memory();
        let weights = weights_of(self.kind.as_part())?;
        let mut run = Run {
            device: context.machine.device,
            seed: context.seed,
            stop: context.stop_signal(),
            checkpoints: &checkpoints,
            weights: weights.as_deref(),
            initial: self.read_file(scan)?.or_else(|| initial.map(|made| made.volume.to_attenuation(scan.mu_water))),
        };
        let problem = self.problem(&scan.projections, scan);
        let made = self.discretisation.reconstruct(self.kind.as_part(), &problem, &mut run)?;
        let peak_memory_bytes = peak_memory();
        self.warn_of_crime(scan, &made);
        made.warnings.iter().for_each(|warning| progress::warn(&warning.code, &warning.message));
        self.write(&made, scan, context)?;
        let (has_start, has_uncertainty) = (made.start.is_some(), made.uncertainty.is_some());
        let has_difference = made.difference.is_some();
        let (notes, curve) = (made.notes, made.curve);
        let value = MethodFacts { peak_memory_bytes, notes, curve, has_start, has_uncertainty, has_difference };
        let files = self.files(&value);
        Ok(StageOutput { value, files, seconds_before: checkpoints.seconds_before() })
    }

    /// Warns of an inverse crime: the method's finer grid is hardly coarser than the object's, while the output grid
    /// is.
    fn warn_of_crime(&self, scan: &Acquisition, made: &Reconstruction) {
        let took = made.notes.get("took").and_then(|took| took["lattice"].as_u64());
        let lattice = took.map_or(self.discretisation.lattice, |lattice| lattice as usize);
        let Some(object) = scan.object.as_ref().filter(|_| lattice > 1) else { return };
        let (axis, ratio) = scan.grid.least_coarser(object);
        let finer = ratio / lattice as f64;
        if ratio >= APART && finer < APART {
            let message = format!(
                "{}: its voxels, {lattice} times finer than those of the output grid, are only {finer:.2} times as \
                 long as the object's along {axis}: it shares the simulation's discretisation and looks better \
                 than it is",
                self.name
            );
            progress::warn("inverse_crime", &message);
        }
    }

    /// Everything that a checkpoint depends on, except seed, device and versions.
    fn facts(&self, scan: &Acquisition) -> Result<serde_json::Value> {
        let mut facts = input_path::rewritten(&OneOf::from(self.kind.clone()), |_| PathBuf::new())?;
        facts["projector"] = serde_json::to_value(self.model).unwrap_or_default();
        facts["discretisation"] = serde_json::to_value(self.discretisation).unwrap_or_default();
        facts["start_from"] = self.start_from.clone().into();
        facts["data"] = scan.content_hash().into();
        Ok(facts)
    }

    /// The initial volume from the file that the kind names, on the reconstruction grid, attenuation (1/mm).
    fn read_file(&self, scan: &Acquisition) -> Result<Option<Volume>> {
        let Some(path) = self.kind.as_part().file() else { return Ok(None) };
        let formats::Loaded { volume, warnings } = formats::read_volume(path, &formats::Reading::default())?;
        for warning in &warnings {
            progress::warn(&warning.code, &format!("{}: {}", progress::place(path), warning.message));
        }
        Ok(Some(volume.to_hounsfield(scan.mu_water).resampled(&scan.grid)?.to_attenuation(scan.mu_water)))
    }

    fn write(&self, made: &Reconstruction, scan: &Acquisition, context: &Context) -> Result<()> {
        let (volume, unseen) = without_unseen(&scan.in_quantity(&made.volume), scan)?;
        if unseen > 0 {
            progress::warn("unseen_voxels", &format!("{unseen} voxels are seen by no view and are written as air"));
        }
        context.folder.make(&self.name)?;
        let path = |file: &str| context.folder.path(&self.file(file));
        nifti::write(&path(VOLUME), &volume, self.kind.name())?;
        if let Some(start) = &made.start {
            nifti::write(&path(START), &scan.in_quantity(start), "start")?;
        }
        if let Some(deviation) = &made.uncertainty {
            nifti::write(&path(UNCERTAINTY), &scan.spread_in_quantity(deviation)?, "standard deviation")?;
        }
        if let Some(difference) = &made.difference {
            nifti::write(&path(DIFFERENCE), &scan.spread_in_quantity(difference)?, "change by a learned prior")?;
        }
        atomic::write(&path(CURVE), report::curve::table(&made.curve).as_bytes())
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }

    fn files(&self, facts: &MethodFacts) -> Vec<String> {
        let names = [
            Some(VOLUME),
            Some(CURVE),
            facts.has_start.then_some(START),
            facts.has_uncertainty.then_some(UNCERTAINTY),
            facts.has_difference.then_some(DIFFERENCE),
        ];
        names.into_iter().flatten().map(|name| self.file(name)).collect()
    }
}

/// Sets voxels that no view sees to air; also returns their number.
fn without_unseen(volume: &Volume, scan: &Acquisition) -> Result<(Volume, usize)> {
    let seen = coverage::seen_by(&scan.grid, &scan.projections.geometry);
    let unseen = seen.iter().filter(|&&views| views == 0).count();
    let air = volume.quantity.air();
    let values = volume.as_slice().iter().zip(seen).map(|(&hu, views)| if views == 0 { air } else { hu }).collect();
    Ok((Volume::from_vec(volume.grid.clone(), volume.quantity, values)?, unseen))
}

/// Content of the file of trained weights that a method names.
fn weights_of(method: &dyn Algorithm) -> Result<Option<Vec<u8>>> {
    method.weights_file().map(|file| input_path::read(file, refined::LONGEST)).transpose()
}
