//! Freezing: turns a [`Study`] into its tasks, one for every case at every setting, each with a validated pipeline.

use super::cases::{self, StudyCase};
use super::study::{MOST, Study};
use super::vary::{Vary, variations};
use crate::context::hash_bytes;
use crate::error::{Error, Result};
use crate::jobs::{Header, Label, Ledger, Task, expanded, layout, setting};
use crate::pipeline::{Config, Pipeline};
use crate::progress;
use serde_json::Value;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Length of the longest name of a task, bytes.
const LONGEST_ID: usize = 100;
/// Length of the longest name of a pipeline, characters.
const LONGEST_NAME: usize = 64;

/// The tasks of a study, case by case, and the keys of the metrics for its tables. `file` is the path of the study
/// file. Paths in the pipelines are absolute.
///
/// # Errors
/// A pipeline or a source of cases that cannot be read or is invalid; a case or setting that does not fit the pipeline;
/// two tasks of the same name.
pub fn tasks(study: &Study, file: &Path) -> Result<(Vec<Task>, Vec<String>)> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = parent.canonicalize().map_err(|error| Error::read(parent, &error))?;
    let base = Config::read(&folder.join(&study.pipeline), &[])?;
    let set: Vec<_> = study.set.iter().map(|change| change.0.clone()).collect();
    let base = placed(&base.with(&set).map_err(|error| error.under("set"))?, &folder)?;
    let mut varied = Vec::new();
    for variation in variations(study)? {
        let place = format!("vary.{}", setting(&variation.axes));
        let changed = base.clone().with(&variation.changes).map_err(|error| error.under(&place))?;
        varied.push((variation, placed(&changed, &folder)?));
    }
    let cases = cases::all(&study.cases, &folder)?;
    if cases.len().saturating_mul(varied.len()) > MOST {
        let problem = format!("expected at most {MOST} tasks, got {} cases x {} settings", cases.len(), varied.len());
        return Err(Error::config("cases", problem));
    }
    let (mut tasks, mut taken) = (Vec::new(), HashSet::new());
    for case in cases {
        for (variation, config) in &varied {
            let label = label(tasks.len(), &case, variation);
            let value = resolved(config, &case, &label.id)
                .map_err(|error| error.under(&format!("case {} ({})", case.id, case.origin)))?;
            if !taken.insert(label.id.to_lowercase()) {
                return Err(Error::config("cases", format!("two tasks are called `{}`", label.id)));
            }
            tasks.push(Task { label, config: value });
        }
    }
    Ok((tasks, base.evaluate.metrics))
}

fn label(index: usize, case: &StudyCase, variation: &Vary) -> Label {
    let id = if variation.axes.is_empty() {
        case.id.clone()
    } else {
        format!("{}_{}", case.id, setting(&variation.axes)).replace('.', "-")
    };
    let id = if id.len() <= LONGEST_ID {
        id
    } else {
        format!("{}-{}", &id[..LONGEST_ID - 9], &hash_bytes(id.as_bytes())[..8])
    };
    Label { index, id, case: case.id.clone(), axes: variation.axes.clone() }
}

/// The pipeline with the environment variables in its paths replaced, and relative paths resolved against `folder`.
fn placed(config: &Config, folder: &Path) -> Result<Config> {
    let mut unknown = None;
    let placed = config.with_paths(|path| match expanded(&path.to_string_lossy(), |_| None) {
        Ok(text) if path.to_str().is_some() => folder.join(text),
        Ok(_) => folder.join(path),
        Err(name) => {
            unknown = Some((path.clone(), name));
            path.clone()
        }
    })?;
    unknown.map_or(Ok(placed), |(path, name)| {
        let problem = format!("`{}`: ${{{name}}} is not set", path.display());
        Err(Error::config("", problem).hint("set it in the environment"))
    })
}

/// The pipeline of one task, with the changes of the case and all defaults, as JSON.
fn resolved(config: &Config, case: &StudyCase, id: &str) -> Result<Value> {
    let mut config = placed(&config.clone().with(&case.changes)?, &case.folder)?;
    config.name = id.to_lowercase().chars().take(LONGEST_NAME).collect();
    config.export.directory = Some(PathBuf::new());
    Pipeline::new(config)?.config.to_value()
}

/// Freezes a study into `folder`, or opens the same study that was frozen there before, if `resume` is set. `file` is
/// the path of the study file and `text` its content; `chunk` is the number of tasks per element of the job array, 1 by
/// default, which counts only for a new study.
///
/// # Errors
/// The errors of [`tasks`]; tasks of one element that need different numbers of threads; a folder that holds another
/// study, or this one without `resume`; a folder that cannot be written.
pub fn frozen(
    study: &Study,
    file: &Path,
    text: &str,
    folder: &Path,
    chunk: Option<NonZeroUsize>,
    resume: bool,
) -> Result<Ledger> {
    if folder.join(layout::STUDY).exists() {
        let ledger = opened(text, folder, resume)?;
        tell_frozen(&ledger.header, study, chunk);
        return Ok(ledger);
    }
    let (tasks, metrics) = tasks(study, file)?;
    let chunk = chunk.map_or(1, NonZeroUsize::get);
    check_threads(&tasks, chunk)?;
    std::fs::create_dir_all(folder).map_err(|error| Error::write(folder, &error))?;
    let place = folder.canonicalize().map_err(|error| Error::write(folder, &error))?;
    let identity = serde_json::to_string(&(&place, &tasks)).map_err(|error| Error::resource("study", error))?;
    let header = Header {
        schema: Header::SCHEMA,
        name: study.name.clone(),
        hash: hash_bytes(identity.as_bytes())[..12].to_string(),
        tasks: tasks.len(),
        chunk,
        attempts: study.retry.attempts.get(),
        heartbeat_s: study.retry.heartbeat_s,
        metrics,
    };
    Ledger::freeze(folder, &header, text, &tasks)
}

/// Refuses tasks of one element that need different numbers of threads: they run in one process, which can choose the
/// number only once.
fn check_threads(tasks: &[Task], chunk: usize) -> Result<()> {
    let threads = |task: &Task| task.config.get("threads").cloned().unwrap_or_default();
    for element in tasks.chunks(chunk) {
        if let Some(other) = element.iter().find(|task| threads(task) != threads(&element[0])) {
            let shown = |task: &Task| {
                format!("{} has `threads: {}`", task.label.id, threads(task).to_string().replace('"', ""))
            };
            let problem = format!(
                "expected the same number of threads of all tasks of an element, but {} and {}",
                shown(&element[0]),
                shown(other)
            );
            return Err(Error::config("--chunk", problem).hint("take --chunk 1"));
        }
    }
    Ok(())
}

fn opened(text: &str, folder: &Path, resume: bool) -> Result<Ledger> {
    if !resume {
        return Err(Error::config("", format!("{} holds a study that was submitted before", folder.display()))
            .hint("--resume submits what is missing; --output takes another folder"));
    }
    let path = folder.join(layout::SOURCE);
    let before = std::fs::read_to_string(&path).map_err(|error| Error::read(&path, &error))?;
    if essence(&before) != essence(text) {
        return Err(Error::config("", format!("the study is not the one that was frozen in {}", path.display()))
            .hint("only `resources` and `retry.attempts` may change; --output takes another folder"));
    }
    Ledger::open(folder)
}

/// Warns of values that stay as they were when the study was frozen. Running tasks and those that wait for them must
/// agree on the heartbeat, and the elements in a queue on their tasks.
fn tell_frozen(header: &Header, study: &Study, chunk: Option<NonZeroUsize>) {
    let stays = |what: &str, frozen: String, now: String| {
        let message = format!("{what} stays {frozen}, as the study was frozen, instead of {now}");
        progress::warn("frozen", &format!("{message}; --output takes another folder"));
    };
    if let Some(chunk) = chunk.filter(|chunk| chunk.get() != header.chunk) {
        stays("--chunk", header.chunk.to_string(), chunk.to_string());
    }
    if study.retry.heartbeat_s != header.heartbeat_s {
        stays("retry.heartbeat_s", header.heartbeat_s.to_string(), study.retry.heartbeat_s.to_string());
    }
}

/// The part of a study file that determines the tasks; `None` if the text is not a YAML map.
fn essence(text: &str) -> Option<Value> {
    let mut value: Value = serde_yaml::from_str(text).ok()?;
    let map = value.as_object_mut()?;
    for key in ["resources", "retry", "directory"] {
        map.shift_remove(key);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_of_one_element_have_one_number_of_threads() {
        let task = |(index, threads): (usize, &str)| {
            let label = Label { index, id: format!("case-{index}"), case: "case".into(), axes: Vec::new() };
            Task { label, config: serde_json::json!({"threads": threads}) }
        };
        let tasks: Vec<Task> = ["auto", "auto", "2", "2", "auto"].into_iter().enumerate().map(task).collect();
        assert!(check_threads(&tasks, 1).is_ok() && check_threads(&tasks, 2).is_ok());
        let text = check_threads(&tasks, 3).unwrap_err().to_string();
        assert!(text.contains("case-0 has `threads: auto` and case-2 has `threads: 2`"), "{text}");
    }
}
