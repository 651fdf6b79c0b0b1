//! [`Task`]: one case at one setting, saved with its complete pipeline as one line of `tasks.jsonl`.

use super::layout::{OFFSETS, TASKS};
use crate::error::{Error, Result};
use crate::formats::atomic;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a line of `tasks.index`: the digits of an offset and the line end.
const WIDTH: u64 = 16;

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
    let line = line(folder, index).map_err(|error| {
        Error::read(&folder.join(TASKS), &error).hint(format!("the study has no task number {index}"))
    })?;
    serde_json::from_str(&line).map_err(|error| Error::input(folder.join(TASKS), format!("task {index}: {error}")))
}

fn line(folder: &Path, index: usize) -> std::io::Result<String> {
    let mut offsets = File::open(folder.join(OFFSETS))?;
    offsets.seek(SeekFrom::Start(index as u64 * WIDTH))?;
    let mut digits = [0; WIDTH as usize - 1];
    offsets.read_exact(&mut digits)?;
    let digits = std::str::from_utf8(&digits).ok().and_then(|text| text.parse::<u64>().ok());
    let offset = digits.ok_or(std::io::ErrorKind::InvalidData)?;
    let mut tasks = File::open(folder.join(TASKS))?;
    tasks.seek(SeekFrom::Start(offset))?;
    let mut line = String::new();
    BufReader::new(tasks).read_line(&mut line)?;
    Ok(line)
}

/// Reads the names of all tasks, in order.
///
/// # Errors
/// A file that cannot be read or is damaged.
pub(super) fn labels(folder: &Path) -> Result<Vec<Label>> {
    let path = folder.join(TASKS);
    let text = std::fs::read_to_string(&path).map_err(|error| Error::read(&path, &error))?;
    text.lines()
        .map(|line| serde_json::from_str(line).map_err(|error| Error::input(&path, format!("not a task: {error}"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_task_is_read_without_the_others_and_a_number_too_many_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let task = |index: usize| Task {
            label: Label {
                index,
                id: format!("case-{index}_views-30"),
                case: format!("case-{index}"),
                axes: vec![("views".into(), "30".into())],
            },
            config: serde_json::json!({"name": "x".repeat(index * 7), "number": 0.1 + index as f64}),
        };
        let tasks: Vec<Task> = (0..12).map(task).collect();
        write(folder.path(), &tasks).unwrap();
        for (index, task) in tasks.iter().enumerate() {
            assert_eq!(&read(folder.path(), index).unwrap(), task);
        }
        assert_eq!(labels(folder.path()).unwrap()[11], tasks[11].label);
        assert_eq!(tasks[3].label.setting(), "views-30");
        assert_eq!(read(folder.path(), 12).unwrap_err().exit_code(), 3);
    }
}
