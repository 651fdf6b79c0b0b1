//! A DICOM CT series of every completed method, `METHOD/dicom/`.

use super::DicomConfig;
use crate::context::{Context, StageOutput};
use crate::error::Result;
use crate::formats::dicom::{Labels, SourceSeries, write_series};
use crate::progress;
use crate::stages::flow::{Acquisition, Origin, Outcome, Reconstructed};

/// Writes the series, unless they are already written. Returns the names of the files, relative to the run folder.
pub(super) fn series(
    config: &DicomConfig,
    scan: &Acquisition,
    outcomes: &[Outcome],
    context: &Context,
) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for (i, outcome) in outcomes.iter().enumerate() {
        if let Some(result) = &outcome.result {
            context.stop_signal().check_stop()?;
            let labels = labels(config, outcome, i, scan);
            let key = context.key("dicom", &(config, i), &[&scan.key, &result.key])?;
            let kept = context
                .cached(&format!("dicom.{}", outcome.name), &key, || write(outcome, result, &labels, scan, context))?;
            files.extend(kept.value);
        }
    }
    Ok(files)
}

fn labels(config: &DicomConfig, outcome: &Outcome, index: usize, scan: &Acquisition) -> Labels {
    let origin = if scan.truth.is_some() { "simulated" } else { "measured" };
    Labels {
        series_description: format!("recon {}", outcome.name),
        series_number_offset: index as u32 + 1,
        derivation: format!("{} from {} {origin} views", outcome.algorithm, scan.projections.geometry.views.len()),
        identity: config.identity(),
        study: scan.content_hash(),
    }
}

fn write(
    outcome: &Outcome,
    result: &Reconstructed,
    labels: &Labels,
    scan: &Acquisition,
    context: &Context,
) -> Result<StageOutput<Vec<String>>> {
    let folder = context.folder.make(&format!("{}/dicom", outcome.name))?;
    let read = |origin: &Origin| SourceSeries::read(&origin.path, origin.series.as_deref(), labels.identity);
    let source = scan.origin.as_ref().map(read).transpose()?;
    let restored = scan.laid_down.as_ref().map(|lay| lay.restored(&result.volume)).transpose()?;
    let volume = restored.as_ref().unwrap_or(&result.volume);
    let written = write_series(&folder, volume, labels, source.as_ref())?;
    if written.saturated > 0 {
        let message = format!(
            "{}: {} voxels beyond the range of 16 bits were saturated in the DICOM series",
            outcome.name, written.saturated
        );
        progress::warn("saturated", &message);
    }
    let files = written.files.iter().map(|path| context.folder.relative(path)).collect::<Result<Vec<_>>>()?;
    Ok(StageOutput { value: files.clone(), files, seconds_before: 0.0 })
}
