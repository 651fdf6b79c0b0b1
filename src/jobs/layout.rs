//! Names in the folder of a study. They are relied on from outside: other programs read them.

/// What holds for every task: written last, so a folder with it is whole.
pub const STUDY: &str = "study.json";
/// The study file as it was when the study was frozen.
pub const SOURCE: &str = "study.yaml";
/// One task per line, with its whole pipeline.
pub const TASKS: &str = "tasks.jsonl";
/// Where each line of [`TASKS`] begins, bytes, as decimal numbers of one width.
pub const OFFSETS: &str = "tasks.index";
/// Locks and failures, a folder per task.
pub const STATE: &str = "state";
/// Run folders of tasks that are not finished: TASK.N, N the number of the lock.
pub const WORK: &str = "work";
/// Run folders of finished tasks.
pub const CASES: &str = "cases";
/// What the tasks said.
pub const LOGS: &str = "logs";
/// What came of a task: the mark of a finished one, in its run folder.
pub const RECORD: &str = "task.json";
/// Why a task failed last, in its folder of [`STATE`].
pub const FAILURE: &str = "failed.json";
/// Tasks that are taken now are given up while this file is there.
pub const CANCELLED: &str = "cancelled";
