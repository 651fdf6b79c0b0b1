//! Methods on camera pictures: each writes a density volume and its views from the held-out cameras.

use super::{Method, Reconstruct};
use crate::algorithms::{Problem, Reconstruction, Run};
use crate::context::layout::{CURVE, DEPTH, VIEWS, VOLUME};
use crate::context::{Context, Inputs, StageOutput, peak_memory, reset_peak_memory};
use crate::data::Volume;
use crate::error::Result;
use crate::formats::{atomic, nifti, npy, pictures};
use crate::progress;
use crate::registry::{Kinds, OneOf};
use crate::report;
use crate::stages::Stage;
use crate::stages::flow::{MethodFacts, Outcome, Reconstructed, Scene};

impl Reconstruct {
    pub(super) fn on_pictures(&self, scene: &Scene, context: &Context) -> Result<Vec<Outcome>> {
        self.accept(&Problem::of_pictures(&scene.pictures).setup())?;
        let one = |method: &Method| method.concluded(|| seen(method, scene, context), context);
        Ok(self.methods.iter().map(one).collect())
    }
}

/// Result of the method and, if its fit diverged, the message about it.
fn seen(method: &Method, scene: &Scene, context: &Context) -> Result<(Reconstructed, Option<String>)> {
    let files = Inputs::of(&OneOf::from(method.kind.clone()))?;
    let key = context.key(Reconstruct::NAME, &files, &[&scene.key])?;
    let kept = context.cached(&format!("reconstruct.{}", method.name), &key, || compute(method, scene, context))?;
    let volume = nifti::read(&context.folder.path(&method.file(VOLUME)), nifti::Units::AttenuationPerMm)?.volume;
    let diverged = kept.warnings.iter().find(|warning| warning.code == "diverged");
    let diverged = diverged.map(|warning| warning.message.clone());
    let made = Reconstructed {
        key,
        inputs: files.files().to_vec(),
        volume: Volume::new(scene.pictures.grid.clone(), volume.quantity, volume.voxels().to_owned())?,
        start: None,
        uncertainty: None,
        facts: kept.value,
        withheld: None,
        seconds: kept.seconds,
        files: written(method, scene),
    };
    Ok((made, diverged))
}

fn compute(method: &Method, scene: &Scene, context: &Context) -> Result<StageOutput<MethodFacts>> {
    let mut facts = serde_json::to_value(OneOf::from(method.kind.clone())).unwrap_or_default();
    facts["data"] = scene.pictures.content_hash().into();
    let checkpoints = context.checkpoints(&method.name, facts)?;
    let label = method.name.as_str();
    let _span = tracing::info_span!(target: progress::PART, "method", label, method = method.kind.name()).entered();
    reset_peak_memory();
    let mut run = Run {
        stop: context.stop_signal(),
        checkpoints: &checkpoints,
        ..Run::quiet(context.machine.device, context.seed)
    };
    let made = method.kind.as_part().reconstruct(&Problem::of_pictures(&scene.pictures), &mut run)?;
    let peak_memory_bytes = peak_memory();
    made.warnings.iter().for_each(|warning| progress::warn(&warning.code, &warning.message));
    write(method, &made, scene, context)?;
    let value = MethodFacts { peak_memory_bytes, notes: made.notes, curve: made.curve, ..MethodFacts::default() };
    Ok(StageOutput { value, files: written(method, scene), seconds_before: checkpoints.seconds_before() })
}

fn write(method: &Method, made: &Reconstruction, scene: &Scene, context: &Context) -> Result<()> {
    context.folder.make(&method.name)?;
    nifti::write(&context.folder.path(&method.file(VOLUME)), &made.volume, "density, 1/mm")?;
    for folder in [VIEWS, DEPTH] {
        context.folder.make(&method.file(folder))?;
    }
    for (shot, view) in scene.pictures.held_out.iter().zip(&made.views) {
        let path = |file: String| context.folder.path(&file);
        pictures::write(&path(picture(method, &shot.name)), &view.picture)?;
        npy::write_plane(&path(depth(method, &shot.name)), view.picture.pixels, &view.depth)?;
    }
    atomic::write(&context.folder.path(&method.file(CURVE)), report::curve::table(&made.curve).as_bytes())
}

fn picture(method: &Method, name: &str) -> String {
    method.file(&format!("{VIEWS}/{name}.png"))
}

fn depth(method: &Method, name: &str) -> String {
    method.file(&format!("{DEPTH}/{name}.npy"))
}

fn written(method: &Method, scene: &Scene) -> Vec<String> {
    let names = scene.pictures.held_out.iter().map(|shot| shot.name.as_str());
    let views = names.flat_map(|name| [picture(method, name), depth(method, name)]);
    [VOLUME, CURVE].map(|name| method.file(name)).into_iter().chain(views).collect()
}
