//! Names of the files and folders of a study. Other programs read them, so they must not change.

/// Properties that all tasks share; written last, so that a folder with this file is complete.
pub const STUDY: &str = "study.json";
/// Copy of the study file from the time when the study was frozen.
pub const SOURCE: &str = "study.yaml";
/// The tasks, one per line, each with its complete pipeline.
pub const TASKS: &str = "tasks.jsonl";
/// Offset of each line of [`TASKS`] in bytes, as decimal numbers of fixed width, one per line.
pub const OFFSETS: &str = "tasks.index";
/// Folder with the locks and the last failure of each task, in one folder per task.
pub const STATE: &str = "state";
/// Folder of the run folders `TASK.N` of unfinished tasks, where N is the number of the lock.
pub const WORK: &str = "work";
/// Folder of the run folders of finished tasks.
pub const CASES: &str = "cases";
/// Folder of the tasks' messages, with one file per element of the job array.
pub const LOGS: &str = "logs";
/// Outcome of a finished task, in its run folder; a task is done if this file is in its folder of [`CASES`].
pub const RECORD: &str = "task.json";
/// Record of the last failure of a task, in its folder of [`STATE`].
pub const FAILURE: &str = "failed.json";
/// File that `recon batch cancel` writes; as long as it exists, tasks of the study stop.
pub const CANCELLED: &str = "cancelled";
