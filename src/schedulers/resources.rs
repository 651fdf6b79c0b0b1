//! [`Resources`]: the resources that one element of a job array asks for.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::time::Duration;

/// What one element of an array asks for. What is left out is the scheduler's default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    /// Time limit, as sbatch takes it: minutes, HH:MM:SS or D-HH:MM:SS.
    pub time: Option<String>,
    /// Processor cores, and with them the threads of a pipeline that says `threads: auto`. Default: what the scheduler
    /// grants; with `--engine local` the cores of this machine divided by the tasks that run at once.
    pub cpus: Option<NonZeroUsize>,
    /// GPUs of one task.
    pub gpus: usize,
    /// Memory, such as 8G. Default: what `recon check` estimates for the first case, and a margin.
    pub memory: Option<String>,
    /// Partition.
    pub partition: Option<String>,
    /// Account.
    pub account: Option<String>,
    /// Elements that may run at once.
    pub array_limit: Option<NonZeroUsize>,
    /// More `#SBATCH` lines, such as --constraint=a100.
    pub sbatch: Vec<String>,
    /// Lines of shell before the task, such as `module load apptainer`.
    pub prelude: Vec<String>,
    /// How recon is called where the tasks run, such as [apptainer, exec, --nv, recon.sif, recon]. Default: this
    /// program.
    pub program: Vec<String>,
    /// Image of the container for `--engine manifest`.
    pub image: Option<String>,
    /// Seconds between the signal USR1 and the time limit, in which a checkpoint is written.
    pub warning_s: u32,
    /// Seconds after which an answer of the scheduler counts as none.
    pub answer_s: f64,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            time: None,
            cpus: None,
            gpus: 0,
            memory: None,
            partition: None,
            account: None,
            array_limit: None,
            sbatch: Vec::new(),
            prelude: Vec::new(),
            program: Vec::new(),
            image: None,
            warning_s: 120,
            answer_s: 20.0,
        }
    }
}

impl Resources {
    /// Checks the values. A value must not be able to break out of its line in a job script.
    ///
    /// # Errors
    /// The key with an invalid value.
    pub fn check(&self) -> Result<()> {
        let words = [
            ("time", &self.time),
            ("memory", &self.memory),
            ("partition", &self.partition),
            ("account", &self.account),
            ("image", &self.image),
        ];
        for (key, word) in words {
            if word
                .as_ref()
                .is_some_and(|word| word.is_empty() || word.contains(|c: char| c.is_whitespace() || c.is_control()))
            {
                return Err(Error::config(key, "expected one word"));
            }
        }
        for (key, lines) in [("sbatch", &self.sbatch), ("prelude", &self.prelude), ("program", &self.program)] {
            if lines.iter().any(|line| line.is_empty() || line.contains(|c: char| c.is_control() && c != '\t')) {
                return Err(Error::config(key, "expected entries of one line each"));
            }
        }
        if self.sbatch.iter().any(|line| !line.starts_with('-')) {
            return Err(Error::config("sbatch", "expected options such as --constraint=a100"));
        }
        if let Some(line) = self.sbatch.iter().find(|line| line.starts_with("--job-name") || line.starts_with("-J")) {
            let problem = format!("`{line}`: recon names the jobs itself, to find them in the queue");
            return Err(Error::config("sbatch", problem).hint("leave it out"));
        }
        if !(0.1..=3600.0).contains(&self.answer_s) {
            return Err(Error::config("answer_s", format!("expected 0.1 to 3600 seconds, got {}", self.answer_s)));
        }
        Ok(())
    }

    /// Time limit for an answer of the scheduler's commands.
    #[must_use]
    pub fn answer(&self) -> Duration {
        Duration::try_from_secs_f64(self.answer_s).unwrap_or(Duration::from_secs(20))
    }
}
