//! [`Slurm`]: submits one job array per block of elements, and a job that collects the results when all have ended. It
//! runs SLURM's commands and reads their text output; `sacct` is not needed. After an answer that fails, takes too long
//! or is empty, the state of the queue is unknown.

use super::command::answer;
use super::script::{program, quoted, ranges};
use super::{Array, Queue, QueueState, Resources, Scheduler, Submitted};
use crate::error::{Error, Result};
use crate::progress::StopSignal;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

/// SLURM's default of `MaxArraySize`, used if the site's value cannot be read.
const MAX_ARRAY_SIZE: usize = 1001;

/// The SLURM scheduler of this site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slurm;

impl Scheduler for Slurm {
    fn submit(&self, array: &Array, stop: &dyn StopSignal) -> Result<Submitted> {
        let blocks = blocks(array);
        let mut numbers = Vec::new();
        for block in &blocks {
            stop.check_stop()?;
            let name = named(&array.name, block.offset);
            numbers.push(sbatch(array, &block.write(array)?, &[titled(&name)])?);
        }
        let path = array.folder.join("collect.sh");
        std::fs::write(&path, collect(array)).map_err(|error| Error::write(&path, &error))?;
        let dependency = format!("--dependency=afterany:{}", numbers.join(":"));
        let last = sbatch(array, &path, &[titled(&collector(&array.name)), dependency])?;
        let said = format!("jobs {}, and {last} that collects when they have ended", numbers.join(", "));
        Ok(Submitted { said, ran: false })
    }

    fn preview(&self, array: &Array) -> Result<String> {
        let mut text = String::new();
        for block in blocks(array) {
            let path = block.write(array)?;
            let words = ["--test-only".to_string(), path.display().to_string()];
            let _ = writeln!(text, "# {}\n{}", path.display(), block.script(array));
            let said = match answer("sbatch", &words, array.resources.answer()) {
                Ok(said) if said.trim().is_empty() => "sbatch --test-only: accepted".to_string(),
                Ok(said) => format!("sbatch --test-only: {}", said.trim()),
                Err(why) if why.contains("cannot be started") => format!("not tested: {why}"),
                Err(why) => return Err(refused(&why)),
            };
            let _ = writeln!(text, "# {said}");
        }
        Ok(text)
    }

    fn status(&self, array: &Array) -> Queue {
        let words = ["-h", "-r", "-t", "all", "--me", "-o", "%j|%i|%T|%r"].map(String::from);
        match answer("squeue", &words, array.resources.answer()) {
            Err(why) => Queue::Unknown(why),
            Ok(text) if text.trim().is_empty() => Queue::Empty,
            Ok(text) => Queue::Known(states(&array.name, &text)),
        }
    }

    fn cancel(&self, array: &Array) -> Result<()> {
        let words = ["-h", "--me", "-o", "%j|%F"].map(String::from);
        let text = answer("squeue", &words, array.resources.answer()).map_err(|why| refused(&why))?;
        let mut numbers: Vec<String> = text
            .lines()
            .filter_map(|line| line.trim().split_once('|'))
            .filter(|(name, _)| offset(&array.name, name).is_some() || *name == collector(&array.name))
            .map(|(_, number)| number.to_string())
            .collect();
        numbers.sort();
        numbers.dedup();
        if numbers.is_empty() {
            return Ok(());
        }
        answer("scancel", &numbers, array.resources.answer()).map(drop).map_err(|why| refused(&why))
    }
}

fn refused(why: &str) -> Error {
    Error::resource("SLURM", why).hint("see docs/cluster.md; `recon batch submit --resume` submits what is missing")
}

/// Elements that fit into one job array of SLURM. The number of an element is `offset` + `SLURM_ARRAY_TASK_ID`.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    offset: usize,
    /// Values of `SLURM_ARRAY_TASK_ID`.
    tasks: Vec<usize>,
}

/// Splits the elements into blocks of at most the site's `MaxArraySize`.
fn blocks(array: &Array) -> Vec<Block> {
    let words = ["show", "config"].map(String::from);
    let config = answer("scontrol", &words, array.resources.answer()).unwrap_or_default();
    let line = config.lines().find(|line| line.trim_start().starts_with("MaxArraySize"));
    let size = line.and_then(|line| line.split_once('=')?.1.trim().parse().ok()).unwrap_or(MAX_ARRAY_SIZE);
    split(&array.elements, size.max(1))
}

fn split(elements: &[usize], size: usize) -> Vec<Block> {
    let mut blocks: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for element in elements {
        blocks.entry(element / size * size).or_default().push(element % size);
    }
    blocks.into_iter().map(|(offset, tasks)| Block { offset, tasks }).collect()
}

/// Name of the job array of a block.
fn named(array: &str, offset: usize) -> String {
    format!("{array}-{offset}")
}

/// Name of the job that collects the results.
fn collector(array: &str) -> String {
    format!("{array}-collect")
}

/// The offset of a block from the name of its job array; `None` for the name of any other job.
fn offset(array: &str, job: &str) -> Option<usize> {
    job.strip_prefix(array)?.strip_prefix('-')?.parse().ok()
}

impl Block {
    fn write(&self, array: &Array) -> Result<PathBuf> {
        let path = array.folder.join(format!("array-{}.sh", self.offset));
        std::fs::write(&path, self.script(array)).map_err(|error| Error::write(&path, &error))?;
        Ok(path)
    }

    fn script(&self, array: &Array) -> String {
        let resources = &array.resources;
        let limit = resources.array_limit.map_or(String::new(), |limit| format!("%{limit}"));
        let logs = array.folder.join("logs").join("%A_%a.log");
        let mut options = vec![
            titled(&named(&array.name, self.offset)),
            format!("--array={}{limit}", ranges(&self.tasks)),
            format!("--output={}", quoted(&logs.display().to_string())),
            "--open-mode=append".to_string(),
            "--requeue".to_string(),
            format!("--signal=B:USR1@{}", resources.warning_s),
        ];
        options.extend(asked(resources));
        options.extend(resources.time.as_ref().map(|time| format!("--time={time}")));
        options.extend(resources.cpus.map(|cpus| format!("--cpus-per-task={cpus}")));
        options.extend((resources.gpus > 0).then(|| format!("--gres=gpu:{}", resources.gpus)));
        options.extend(resources.memory.as_ref().map(|memory| format!("--mem={memory}")));
        options.extend(resources.sbatch.iter().cloned());
        let index = match self.offset {
            0 => "\"$SLURM_ARRAY_TASK_ID\"".to_string(),
            offset => format!("\"$((SLURM_ARRAY_TASK_ID + {offset}))\""),
        };
        let study = quoted(&array.folder.display().to_string());
        let variables = array.environment.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value)));
        // `exec` replaces the shell by the program, so that signals reach the program.
        let last = format!("exec {} task --study {study} --index {index}", program(array));
        script(resources, &options, &(variables.collect::<String>() + &last))
    }
}

/// Option that names a job. It stands in the script, and on the command line too, since `SBATCH_JOB_NAME` of the
/// environment takes precedence over the script.
fn titled(name: &str) -> String {
    format!("--job-name={name}")
}

/// Options that the array and the collecting job share.
fn asked(resources: &Resources) -> impl Iterator<Item = String> {
    let partition = resources.partition.as_ref().map(|name| format!("--partition={name}"));
    let account = resources.account.as_ref().map(|name| format!("--account={name}"));
    partition.into_iter().chain(account)
}

/// Script of the job that collects the results.
fn collect(array: &Array) -> String {
    let log = array.folder.join("logs").join("collect.log");
    let mut options = vec![
        titled(&collector(&array.name)),
        format!("--output={}", quoted(&log.display().to_string())),
        "--open-mode=append".to_string(),
        "--time=60".to_string(),
    ];
    options.extend(asked(&array.resources));
    let study = quoted(&array.folder.display().to_string());
    script(&array.resources, &options, &format!("exec {} batch collect {study}", program(array)))
}

fn script(resources: &Resources, options: &[String], last: &str) -> String {
    let options = options.iter().map(|option| format!("#SBATCH {option}\n"));
    let prelude = resources.prelude.iter().map(|line| format!("{line}\n"));
    let lines: String = options.chain(prelude).collect();
    format!("#!/bin/bash\n{lines}{last}\n")
}

/// Submits a script with the options `more`, and returns the number of the job.
fn sbatch(array: &Array, script: &std::path::Path, more: &[String]) -> Result<String> {
    let mut words = vec!["--parsable".to_string()];
    words.extend(more.iter().cloned());
    words.push(script.display().to_string());
    let said = answer("sbatch", &words, array.resources.answer()).map_err(|why| refused(&why))?;
    // The output is `NUMBER` or `NUMBER;CLUSTER`.
    let number = said.trim().split(';').next().unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused(&format!("expected the number of a job from sbatch, got `{}`", said.trim())));
    }
    Ok(number.to_string())
}

/// States of an array's elements from lines `NAME|JOB_TASK|STATE|REASON`. If several jobs have the same element, the
/// one that waits or runs counts.
fn states(array: &str, text: &str) -> BTreeMap<usize, QueueState> {
    let mut states = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [name, number, state, reason] = fields[..] else { continue };
        let task = number.split_once('_').and_then(|(_, task)| task.parse::<usize>().ok());
        let (Some(offset), Some(task)) = (offset(array, name), task) else { continue };
        let state = match state {
            // The launch of the job failed; SLURM holds it until somebody releases it.
            _ if reason.contains("requeued held") => QueueState::Ended("HELD".to_string()),
            "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "SUSPENDED" | "CONFIGURING" | "RESV_DEL_HOLD" => {
                QueueState::Queued(reason.to_string())
            }
            "RUNNING" | "COMPLETING" | "STAGE_OUT" | "SIGNALING" | "RESIZING" => QueueState::Running,
            other => QueueState::Ended(other.to_string()),
        };
        let known = states.entry(offset + task).or_insert_with(|| state.clone());
        if matches!(known, QueueState::Ended(_)) {
            *known = state;
        }
    }
    states
}

/// The element of a job array of [`Slurm`] that this process runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Number of the job.
    job: String,
    /// `ARRAY_TASK` for an element of a job array, otherwise the number of the job.
    name: String,
}

impl Element {
    /// The element of a job array called `array` in which this process runs, from its environment; `None` outside such
    /// an array. A job of another name is not ours: the user's own job, in which `recon batch submit --engine local` or
    /// a workflow engine runs the tasks, must not be put back into the queue because one of them fails.
    #[must_use]
    pub fn own(array: &str) -> Option<Self> {
        Self::from_variables(array, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(array: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        offset(array, &variable("SLURM_JOB_NAME")?)?;
        let job = variable("SLURM_JOB_ID")?;
        let element = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
        let name = element.map_or_else(|| job.clone(), |(array, task)| format!("{array}_{task}"));
        Some(Self { job, name })
    }

    /// Time until the job's time limit, according to SLURM; `None` without an answer or a limit.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let words = ["-h", "-j", &self.job, "-o", "%L"].map(String::from);
        duration(answer("squeue", &words, Duration::from_secs(20)).ok()?.trim())
    }

    /// Puts the job back into the queue. An element is named by the numbers of its array and itself, because its job
    /// number alone may stand for the whole array.
    ///
    /// # Errors
    /// The reason why SLURM did not put it back.
    pub fn requeue(&self) -> std::result::Result<(), String> {
        answer("scontrol", &["requeue".to_string(), self.name.clone()], Duration::from_secs(20)).map(drop)
    }
}

/// Reads a duration of the form `D-HH:MM:SS`, `HH:MM:SS` or `MM:SS`; `None` for other text, such as `UNLIMITED`.
fn duration(text: &str) -> Option<Duration> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u64>().ok()?, clock),
        None => (0, text),
    };
    let parts = clock.split(':').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<u64>>>()?;
    let seconds = match parts[..] {
        [hours, minutes, seconds] => hours * 3600 + minutes * 60 + seconds,
        [minutes, seconds] => minutes * 60 + seconds,
        _ => return None,
    };
    Some(Duration::from_secs(days * 86400 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array() -> Array {
        Array {
            name: "recon-0123456789ab".into(),
            folder: "/study/of john's".into(),
            cancelled: "/study/of john's/cancelled".into(),
            program: ["apptainer", "exec", "--nv", "/images/recon.sif", "recon"].map(String::from).to_vec(),
            environment: vec![("GOMP_SPINCOUNT".into(), "5000".into())],
            elements: vec![0, 1, 2, 1001, 1003, 2500],
            resources: Resources {
                time: Some("02:00:00".into()),
                cpus: std::num::NonZeroUsize::new(4),
                gpus: 1,
                memory: Some("8G".into()),
                partition: Some("gpu".into()),
                array_limit: std::num::NonZeroUsize::new(20),
                sbatch: vec!["--constraint=a100".into()],
                prelude: vec!["module load apptainer".into()],
                ..Resources::default()
            },
        }
    }

    #[test]
    fn elements_are_split_by_the_largest_array_and_keep_their_numbers() {
        let blocks = split(&array().elements, 1001);
        let shown: Vec<(usize, String)> = blocks.iter().map(|block| (block.offset, ranges(&block.tasks))).collect();
        assert_eq!(shown, [(0, "0-2".into()), (1001, "0,2".into()), (2002, "498".into())]);
        let script = blocks[1].script(&array());
        let expected = "#!/bin/bash\n#SBATCH --job-name=recon-0123456789ab-1001\n#SBATCH --array=0,2%20\n\
                        #SBATCH --output='/study/of john'\\''s/logs/%A_%a.log'\n#SBATCH --open-mode=append\n\
                        #SBATCH --requeue\n#SBATCH --signal=B:USR1@120\n#SBATCH --partition=gpu\n\
                        #SBATCH --time=02:00:00\n#SBATCH --cpus-per-task=4\n#SBATCH --gres=gpu:1\n#SBATCH --mem=8G\n\
                        #SBATCH --constraint=a100\nmodule load apptainer\nexport GOMP_SPINCOUNT=5000\n\
                        exec apptainer exec --nv /images/recon.sif recon task --study '/study/of john'\\''s' \
                        --index \"$((SLURM_ARRAY_TASK_ID + 1001))\"\n";
        assert_eq!(script, expected);
    }

    #[test]
    fn what_squeue_says_is_about_elements_and_the_living_job_counts() {
        let text = "recon-a-0|12_0|RUNNING|None\nrecon-a-0|12_3|PENDING|Resources\nrecon-a-1001|14_2|COMPLETED|None\n\
                    recon-a-0|12_5|PENDING|launch failed requeued held\n\
                    recon-a-0|12_4|FAILED|NonZeroExitCode\nrecon-a-0|20_4|PENDING|Priority\nother|9|RUNNING|None\n\
                    recon-ab-0|1_1|RUNNING|None\nrecon-a-collect|13|PENDING|Dependency\nnonsense\n";
        let states = states("recon-a", text);
        assert_eq!(states.len(), 5);
        assert_eq!(states[&5], QueueState::Ended("HELD".into()));
        assert_eq!((&states[&0], &states[&3]), (&QueueState::Running, &QueueState::Queued("Resources".into())));
        assert_eq!(states[&1003], QueueState::Ended("COMPLETED".into()));
        assert_eq!(states[&4], QueueState::Queued("Priority".into()));
    }

    #[test]
    fn times_are_read_in_each_of_slurms_forms() {
        assert_eq!(duration("1-02:03:04"), Some(Duration::from_secs(93_784)));
        assert_eq!(duration("0:59"), Some(Duration::from_secs(59)));
        assert_eq!((duration("UNLIMITED"), duration("NOT_SET"), duration("")), (None, None, None));
    }

    #[test]
    fn only_a_job_that_was_submitted_for_the_study_is_its_element() {
        let own = |job: &str, array: Option<&str>| {
            let variable = |name: &str| match name {
                "SLURM_JOB_NAME" => Some(job.to_string()),
                "SLURM_JOB_ID" => Some("11".to_string()),
                "SLURM_ARRAY_JOB_ID" => array.map(String::from),
                "SLURM_ARRAY_TASK_ID" => array.map(|_| "3".to_string()),
                _ => None,
            };
            Element::from_variables("recon-0123456789ab", variable).map(|element| element.name)
        };
        assert_eq!(own("recon-0123456789ab-1001", Some("7")), Some("7_3".to_string()));
        assert_eq!(own("recon-0123456789ab-0", None), Some("11".to_string()));
        for other in ["interactive", "recon-ffffffffffff-0", "recon-0123456789ab-collect", "recon-0123456789ab"] {
            assert_eq!(own(other, Some("7")), None, "{other}");
        }
    }
}
