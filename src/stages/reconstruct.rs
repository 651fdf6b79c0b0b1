//! reconstruct: one or many methods on the same projections, each alone: its own cache record, checkpoints, clock and peak
//! memory. A method that fails does not take the others with it.

use super::Stage;
use super::flow::{MethodFacts, Outcome, Reconstructed, Scan};
use crate::algorithms::{AlgorithmKind, Reconstruction, Run};
use crate::context::{Context, Key, Made, peak_memory, reset_peak_memory};
use crate::data::{Quantity, Status, Volume};
use crate::error::{Error, Result};
use crate::formats::{atomic, nifti};
use crate::progress::{Labelled, Progress};
use crate::projectors::kernels::coverage;
use crate::registry::{Beside, Kinds};
use crate::report;
use schemars::JsonSchema;
use serde::de::MapAccess;
use serde::{Deserialize, Serialize};

/// The key beside an entry's kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Named {
    /// Unique name of the method, [a-z0-9_-]+; default: its kind. Also the name of its folder.
    #[schemars(regex(pattern = "^[a-z0-9_-]+$"))]
    pub name: Option<String>,
}

impl Beside for Named {
    const KEYS: &'static [&'static str] = &["name"];
    fn read<'de, A: MapAccess<'de>>(&mut self, _key: &str, map: &mut A) -> std::result::Result<(), A::Error> {
        self.name = map.next_value()?;
        Ok(())
    }
}

/// One method of the comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Unique name, also its folder.
    pub name: String,
    /// The algorithm with its config.
    pub kind: AlgorithmKind,
}

/// The stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconstruct {
    /// The methods, in order.
    pub methods: Vec<Method>,
}

impl Stage for Reconstruct {
    type Input<'a> = &'a Scan;
    type Output<'a> = Vec<Outcome>;
    const NAME: &'static str = "reconstruct";

    fn work<'a>(&'a self, scan: &'a Scan, context: &'a Context) -> Result<Vec<Outcome>> {
        for (i, method) in self.methods.iter().enumerate() {
            let checked = method.kind.as_part().check(&scan.projections.geometry, &scan.grid);
            checked.map_err(|error| error.under(&format!("reconstruct[{i}]")))?;
        }
        Ok(self.methods.iter().map(|method| method.outcome(scan, context)).collect())
    }
}

impl Method {
    fn outcome(&self, scan: &Scan, context: &Context) -> Outcome {
        let (status, result, reason) = match context.progress().check_stop().and_then(|()| self.reconstructed(scan, context)) {
            Ok(result) => (Status::Complete, Some(result), None),
            Err(error @ Error::Stopped(_)) => (Status::Interrupted, None, Some(error.to_string())),
            Err(error) => {
                context.progress().warn("method_failed", &format!("{}: {error}", self.name));
                (Status::Failed, None, Some(error.to_string()))
            }
        };
        Outcome { name: self.name.clone(), algorithm: self.kind.name(), status, result, reason }
    }

    fn reconstructed(&self, scan: &Scan, context: &Context) -> Result<Reconstructed> {
        let config = crate::registry::OneOf::from(self.kind.clone());
        let key = context.key(Reconstruct::NAME, &config, &[&scan.key])?;
        let kept = context.cached(&format!("reconstruct.{}", self.name), &key, || self.compute(scan, &key, context))?;
        let hounsfield = scan.quantity == Quantity::Hounsfield;
        let units = if hounsfield { nifti::Units::Hounsfield } else { nifti::Units::AttenuationPerMm };
        let read = |file: &str| -> Result<Volume> {
            let volume = nifti::read(&context.folder.path(&self.file(file)), units)?.volume;
            Volume::new(scan.grid.clone(), volume.quantity, volume.voxels().to_owned())
        };
        let start = if kept.value.has_start { Some(read(START)?) } else { None };
        let files = self.files(kept.value.has_start);
        Ok(Reconstructed { key, volume: read(VOLUME)?, start, facts: kept.value, seconds: kept.seconds, files })
    }

    fn compute(&self, scan: &Scan, key: &Key, context: &Context) -> Result<Made<MethodFacts>> {
        let checkpoints = context.checkpoints(&self.name, key)?;
        let progress = Labelled::new(&self.name, context.progress());
        reset_peak_memory();
        let mut run = Run {
            device: context.machine.device,
            seed: context.seed,
            progress: &progress,
            checkpoints: &checkpoints,
            mu_water: scan.mu_water,
        };
        let made = self.kind.as_part().reconstruct(&scan.projections, &scan.grid, &mut run)?;
        let peak_memory_bytes = peak_memory();
        made.warnings.iter().for_each(|warning| progress.warn(&warning.code, &warning.message));
        self.write(&made, scan, context, &progress)?;
        let has_start = made.start.is_some();
        let value = MethodFacts { peak_memory_bytes, notes: made.notes, curve: made.curve, has_start };
        Ok(Made { value, files: self.files(has_start), seconds_before: checkpoints.seconds_before() })
    }

    fn write(&self, made: &Reconstruction, scan: &Scan, context: &Context, progress: &Labelled) -> Result<()> {
        let (volume, unseen) = without_unseen(&scan.in_quantity(&made.volume), scan)?;
        if unseen > 0 {
            progress.warn("unseen_voxels", &format!("{unseen} voxels are seen by no view and are written as air"));
        }
        context.folder.make(&self.name)?;
        nifti::write(&context.folder.path(&self.file(VOLUME)), &volume, self.kind.name())?;
        if let Some(start) = &made.start {
            nifti::write(&context.folder.path(&self.file(START)), &scan.in_quantity(start), "start")?;
        }
        atomic::write(&context.folder.path(&self.file(CURVE)), report::curve::table(&made.curve).as_bytes())
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }

    fn files(&self, has_start: bool) -> Vec<String> {
        let names = [Some(VOLUME), Some(CURVE), has_start.then_some(START)];
        names.into_iter().flatten().map(|name| self.file(name)).collect()
    }
}

const VOLUME: &str = "volume.nii.gz";
const START: &str = "start.nii.gz";
const CURVE: &str = "curve.csv";

/// The volume with air where no view looks, and the number of such voxels.
fn without_unseen(volume: &Volume, scan: &Scan) -> Result<(Volume, usize)> {
    let seen = coverage::seen_by(&scan.grid, &scan.projections.geometry);
    let unseen = seen.iter().filter(|&&views| views == 0).count();
    let air = volume.quantity.air();
    let values = volume.as_slice().iter().zip(seen).map(|(&hu, views)| if views == 0 { air } else { hu }).collect();
    Ok((Volume::from_vec(volume.grid.clone(), volume.quantity, values)?, unseen))
}
