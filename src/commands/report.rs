//! `recon report RUN...`: writes the HTML report of a run again from its folder, or one report that compares several
//! runs.

use super::Output;
use super::kept::{Arrays, Kept};
use crate::context::{RunFolder, layout};
use crate::data::{Report, Status, Warning};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress;
use crate::report::{Gallery, RunFacts, html, table};
use std::path::{Path, PathBuf};

/// Arguments of `recon report`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// Folders of finished runs
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// HTML file to write [default: report.html in the folder of a single run, comparison.html here for several]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Writes the report.
///
/// # Errors
/// Folders that hold no finished run, damaged files, an HTML file that cannot be written.
pub fn run(args: &Args) -> Result<Output> {
    let runs = args.runs.iter().map(|folder| Kept::open(folder)).collect::<Result<Vec<_>>>()?;
    let (path, report) = match &runs[..] {
        [one] => again(one, args.output.as_deref())?,
        several => together(several, args.output.as_deref().unwrap_or(Path::new("comparison.html")))?,
    };
    let value = serde_json::json!({"page": path, "methods": report.methods.len()});
    Ok(Output { text: progress::place(&path), value, summary: table::plain(&report) })
}

/// Writes the report of one run; if it replaces the one in the run folder, its new hash goes into the manifest.
fn again(kept: &Kept, output: Option<&Path>) -> Result<(PathBuf, Report)> {
    // Opening locks the folder: a pipeline that runs at the same time would write the same files.
    let folder = RunFolder::open(&kept.folder)?;
    let mut manifest = kept.manifest()?;
    let arrays = kept.arrays()?;
    let gallery = Gallery { viewer_bytes: kept.viewer_bytes(), run: manifest.facts(), ..arrays.gallery() };
    let page = html::page(&kept.report, &gallery);
    let path = output.map_or_else(|| folder.path(layout::REPORT_HTML), Path::to_path_buf);
    atomic::write(&path, page.as_bytes())?;
    if output.is_none() {
        manifest.rewritten(&kept.folder, layout::REPORT_HTML)?;
    }
    Ok((path, kept.report.clone()))
}

/// Writes one report for several runs, with every method named RUN/METHOD.
fn together(runs: &[Kept], path: &Path) -> Result<(PathBuf, Report)> {
    let names = names(runs)?;
    let arrays = runs.iter().map(Kept::arrays).collect::<Result<Vec<Arrays>>>()?;
    let mut report = merged(runs, &names);
    let same = same_truth(&arrays);
    if !same {
        let message = "the runs scanned different objects, or lie on different grids: figures of different runs say \
                       nothing about their methods, and no errors are shown";
        report.warnings.insert(0, Warning::new("different_truth", message));
    }
    let mut gallery = Gallery {
        truth: if same { arrays[0].truth.as_ref() } else { None },
        projections: None,
        viewer_bytes: runs[0].viewer_bytes(),
        run: circumstances(runs, &names),
        ..Gallery::default()
    };
    for (name, arrays) in names.iter().zip(&arrays) {
        let one = arrays.gallery();
        let under = |(method, volume)| (format!("{name}/{method}"), volume);
        gallery.methods.extend(one.methods.into_iter().map(under));
        gallery.uncertainties.extend(one.uncertainties.into_iter().map(under));
    }
    atomic::write(path, html::page(&report, &gallery).as_bytes())?;
    Ok((path.to_path_buf(), report))
}

/// The names of the run folders.
///
/// # Errors
/// Two folders with the same name.
fn names(runs: &[Kept]) -> Result<Vec<String>> {
    let names: Vec<String> = runs.iter().map(Kept::name).collect();
    match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
        None => Ok(names),
        Some((i, name)) => {
            let problem = format!("expected folders of different names, got `{name}` twice");
            Err(Error::input(&runs[i].folder, problem).hint("rename one of the folders"))
        }
    }
}

/// Merges the reports into one, and warns of metrics that are defined differently.
fn merged(runs: &[Kept], names: &[String]) -> Report {
    let first = &runs[0].report;
    let all_complete = runs.iter().all(|kept| kept.report.status == Status::Complete);
    let mut report = Report {
        name: names.join(", "),
        status: if all_complete { Status::Complete } else { Status::Interrupted },
        stages: Vec::new(),
        methods: Vec::new(),
        warnings: Vec::new(),
        config: serde_json::json!({"evaluate": first.config.get("evaluate"), "runs": {}}),
        ..first.clone()
    };
    for (kept, name) in runs.iter().zip(names) {
        let own = kept.report.clone();
        for (key, definition) in own.metric_definitions {
            let kept = report.metric_definitions.entry(key.clone()).or_insert_with(|| definition.clone());
            if *kept != definition {
                let message = format!("{name}: {key} is defined differently than in {}: do not compare it", names[0]);
                report.warnings.push(Warning::new("different_metric", message));
            }
        }
        report.warnings.extend(
            own.warnings
                .into_iter()
                .map(|warning| Warning { message: format!("{name}: {}", warning.message), ..warning }),
        );
        report.methods.extend(own.methods.into_iter().map(|mut method| {
            method.name = format!("{name}/{}", method.name);
            method
        }));
        report.config["runs"][name] = own.config;
    }
    report
}

/// Whether all runs have the same truth, bit by bit and on the same grid, or none has a truth.
fn same_truth(arrays: &[Arrays]) -> bool {
    let Some(first) = &arrays[0].truth else { return arrays.iter().all(|other| other.truth.is_none()) };
    let same = |other: &Arrays| {
        let truth = other.truth.as_ref();
        truth.is_some_and(|truth| truth.grid == first.grid && truth.as_slice() == first.as_slice())
    };
    arrays.iter().all(same)
}

/// The machine and the software versions of each run.
fn circumstances(runs: &[Kept], names: &[String]) -> RunFacts {
    let mut facts = RunFacts::default();
    for (kept, name) in runs.iter().zip(names) {
        let own = kept.manifest().map(|manifest| manifest.facts()).unwrap_or_default();
        let under = |(label, value): (String, String)| (format!("{name}: {label}"), value);
        facts.machine.extend(own.machine.into_iter().map(under));
        facts.versions.extend(own.versions.into_iter().map(under));
    }
    facts
}
