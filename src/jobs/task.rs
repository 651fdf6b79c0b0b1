//! [`Task`]: one case at one setting, saved with its complete pipeline as one line of `tasks.jsonl`.

use super::layout::{OFFSETS, STUDY, TASKS};
use crate::error::{Error, Result};
use crate::formats::atomic;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a line of `tasks.index`: the digits of an offset and the line end.
const WIDTH: u64 = 16;

/// Advice for a file of a study that is not as it was written.
pub(super) const DAMAGED: &str = "the file was changed or damaged: submit the study into another folder";

/// Names of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Number of the task, from 0.
    pub index: usize,
    /// Unique name, which is safe as the name of a folder.
    pub id: String,
    /// Name of the case.
    pub case: String,
    /// Name of each axis and of the setting on it, in the order of the axes.
    pub axes: Vec<(String, String)>,
}

/// One run of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Names of the task.
    #[serde(flatten)]
    pub label: Label,
    /// The pipeline, with the values of all defaults and with absolute paths.
    pub config: Value,
}

impl Label {
    /// Name of the task's setting on all axes, such as `views-30_dose-low`; `base` without axes.
    #[must_use]
    pub fn setting(&self) -> String {
        setting(&self.axes)
    }
}

/// Name of a setting on these axes, such as `views-30_dose-low`; `base` without axes.
#[must_use]
pub fn setting(axes: &[(String, String)]) -> String {
    let parts: Vec<String> = axes.iter().map(|(axis, name)| format!("{axis}-{name}")).collect();
    if parts.is_empty() { "base".to_string() } else { parts.join("_") }
}

/// Writes the tasks into a folder, and the offset of each in its file.
///
/// # Errors
/// A folder that cannot be written.
pub(super) fn write(folder: &Path, tasks: &[Task]) -> Result<()> {
    let (mut lines, mut offsets) = (Vec::new(), String::new());
    for task in tasks {
        let _ = writeln!(offsets, "{:0width$}", lines.len(), width = WIDTH as usize - 1);
        serde_json::to_writer(&mut lines, task).map_err(|error| Error::resource(TASKS, error))?;
        lines.push(b'\n');
    }
    atomic::write(&folder.join(TASKS), &lines)?;
    atomic::write(&folder.join(OFFSETS), offsets.as_bytes())
}

/// Reads task number `index`, counted from 0, without reading the tasks before it.
///
/// # Errors
/// A number without a task; a damaged file.
pub(super) fn read(folder: &Path, index: usize) -> Result<Task> {
    let (path, offset) = (folder.join(TASKS), offset(folder, index)?);
    let line = line(&path, offset).map_err(|error| Error::read(&path, &error))?;
    let task: Task = serde_json::from_str(&line)
        .map_err(|error| Error::input(&path, format!("task {index}: {error}")).hint(DAMAGED))?;
    numbered(&path, index, &task.label)?;
    Ok(task)
}

/// Offset of a task's line in [`TASKS`], from [`OFFSETS`].
fn offset(folder: &Path, index: usize) -> Result<u64> {
    let path = folder.join(OFFSETS);
    let mut digits = [0; WIDTH as usize - 1];
    let read = File::open(&path).and_then(|mut offsets| {
        offsets.seek(SeekFrom::Start((index as u64).saturating_mul(WIDTH)))?;
        offsets.read_exact(&mut digits)
    });
    match read {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            let problem = format!("the study has no task number {index} (the first one is number 0)");
            return Err(Error::input(&path, problem));
        }
        other => other.map_err(|error| Error::read(&path, &error))?,
    }
    let digits = String::from_utf8_lossy(&digits);
    digits.parse().map_err(|_| {
        let problem = format!("line {}: expected {} digits, got `{digits}`", index + 1, WIDTH - 1);
        Error::input(&path, problem).hint(DAMAGED)
    })
}

/// The line at an offset of a file.
fn line(path: &Path, offset: u64) -> std::io::Result<String> {
    let mut tasks = File::open(path)?;
    tasks.seek(SeekFrom::Start(offset))?;
    let mut line = String::new();
    BufReader::new(tasks).read_line(&mut line)?;
    Ok(line)
}

/// Checks that a task has the number of its line, by which it is found.
fn numbered(path: &Path, index: usize, label: &Label) -> Result<()> {
    if label.index == index {
        return Ok(());
    }
    let problem = format!("line {}: expected the index {index}, got {}", index + 1, label.index);
    Err(Error::input(path, problem).hint(DAMAGED))
}

/// Reads the names of all tasks, in order; `count` is their number.
///
/// # Errors
/// A file that cannot be read or is damaged.
pub(super) fn labels(folder: &Path, count: usize) -> Result<Vec<Label>> {
    let path = folder.join(TASKS);
    let text = std::fs::read_to_string(&path).map_err(|error| Error::read(&path, &error))?;
    let label = |(index, line): (usize, &str)| {
        let refused = |error| Error::input(&path, format!("line {}: not a task: {error}", index + 1)).hint(DAMAGED);
        let label: Label = serde_json::from_str(line).map_err(refused)?;
        numbered(&path, index, &label).map(|()| label)
    };
    let labels = text.lines().enumerate().map(label).collect::<Result<Vec<Label>>>()?;
    if labels.len() != count {
        let problem = format!("expected {count} tasks as {STUDY} says, got {}", labels.len());
        return Err(Error::input(&path, problem).hint(DAMAGED));
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(index: usize) -> Task {
        Task {
            label: Label {
                index,
                id: format!("case-{index}_views-30"),
                case: format!("case-{index}"),
                axes: vec![("views".into(), "30".into())],
            },
            config: serde_json::json!({"name": "x".repeat(index * 7), "number": 0.1 + index as f64}),
        }
    }

    #[test]
    fn any_task_is_read_without_the_others_and_a_number_too_many_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let tasks: Vec<Task> = (0..12).map(task).collect();
        write(folder.path(), &tasks).unwrap();
        for (index, task) in tasks.iter().enumerate() {
            assert_eq!(&read(folder.path(), index).unwrap(), task);
        }
        assert_eq!(labels(folder.path(), 12).unwrap()[11], tasks[11].label);
        assert_eq!(tasks[3].label.setting(), "views-30");
        let error = read(folder.path(), 12).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains("no task number 12"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_as_it_was_written_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[task(0), task(2)]).unwrap();
        for error in [read(folder.path(), 1).unwrap_err(), labels(folder.path(), 2).unwrap_err()] {
            assert!(error.to_string().contains("tasks.jsonl: line 2: expected the index 1, got 2"), "{error}");
        }
        write(folder.path(), &[task(0), task(1)]).unwrap();
        let error = labels(folder.path(), 3).unwrap_err();
        assert!(error.to_string().contains("expected 3 tasks as study.json says, got 2"), "{error}");
        std::fs::write(folder.path().join(OFFSETS), "offset of a task\n").unwrap();
        let error = read(folder.path(), 0).unwrap_err();
        assert!(error.to_string().contains("tasks.index: line 1: expected 15 digits"), "{error}");
        std::fs::remove_file(folder.path().join(OFFSETS)).unwrap();
        let error = read(folder.path(), 0).unwrap_err();
        assert!(error.to_string().contains("tasks.index: no such file"), "{error}");
    }
}
