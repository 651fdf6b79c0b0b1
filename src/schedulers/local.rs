//! [`Local`]: runs the elements as processes on this machine, a few at the same time.

use super::{Array, Queue, Scheduler, Submitted, gpus};
use crate::error::{Error, Result};
use crate::progress::{self, StopSignal};
use std::collections::{BTreeMap, VecDeque};
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Exit code of an element that stopped early and can be continued.
const GOES_ON: i32 = 75;
/// Exit codes of failures whose reason may lie in the machine: lack of resources, a crash.
const WORTH_RETRYING: [i32; 2] = [5, 70];

/// Scheduler that runs elements as processes on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// Largest number of elements that run at once; at least 1.
    pub parallel: usize,
    /// Largest number of attempts at an element that fails for lack of resources or by a crash.
    pub attempts: u32,
}

/// A running element.
struct Running {
    child: Child,
    element: usize,
    /// Number of this attempt, from 1.
    tries: u32,
    /// Number of its share of the machine, which determines its GPUs.
    slot: usize,
}

impl Local {
    /// Starts the process of an element; `gpus` are the names of all GPUs.
    fn start(&self, array: &Array, element: usize, slot: usize, gpus: &[String]) -> Result<Child> {
        let path = log(array, element);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let log = file.map_err(|error| Error::write(&path, &error))?;
        let (program, first) =
            array.program.split_first().ok_or_else(|| Error::config("resources.program", "is empty"))?;
        let mut command = Command::new(program);
        command.args(first).arg("task").arg("--study").arg(&array.folder).args(["--index", &element.to_string()]);
        command.args(["--threads", &self.threads(array).to_string()]);
        command.envs(array.environment.iter().map(|(name, value)| (name, value)));
        if !gpus.is_empty() {
            let own = &gpus[slot * array.resources.gpus..][..array.resources.gpus];
            command.env("CUDA_VISIBLE_DEVICES", own.join(","));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.spawn().map_err(|error| Error::resource(program.clone(), format!("cannot be started: {error}")))
    }

    /// Number of threads of one element.
    fn threads(&self, array: &Array) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        array.resources.cpus.map_or((cores / self.parallel).max(1), std::num::NonZeroUsize::get)
    }
}

impl Scheduler for Local {
    fn submit(&self, array: &Array, stop: &dyn StopSignal) -> Result<Submitted> {
        let gpus = if array.resources.gpus > 0 { gpus::visible() } else { Vec::new() };
        if array.resources.gpus > gpus.len() {
            let problem = format!("each task wants {}, this machine shows {}", array.resources.gpus, gpus.len());
            return Err(Error::resource("GPU", problem));
        }
        let fit = if gpus.is_empty() { self.parallel } else { gpus.len() / array.resources.gpus };
        let mut free: Vec<usize> = (0..self.parallel.min(fit).max(1)).rev().collect();
        let mut waiting: VecDeque<(usize, u32)> = array.elements.iter().map(|&element| (element, 1)).collect();
        let (mut running, mut done): (Vec<Running>, u64) = (Vec::new(), 0);
        let task = progress::begin("study", Some(array.elements.len() as u64));
        // The estimate of the time left counts the time from here, and is shown once the first element has ended.
        progress::advance(0, &[]);
        let mut told = false;
        while !running.is_empty() || (!waiting.is_empty() && stop.stop().is_none()) {
            let stopping = stop.stop().is_some();
            if stopping && !told {
                told = true;
                for running in &running {
                    terminate(&running.child);
                }
            }
            while !stopping && let (Some(&(element, tries)), Some(&slot)) = (waiting.front(), free.last()) {
                let child = self.start(array, element, slot, &gpus)?;
                running.push(Running { child, element, tries, slot });
                waiting.pop_front();
                free.pop();
            }
            std::thread::sleep(Duration::from_millis(20));
            let ended = take_ended(&mut running)?;
            for (ended, status) in ended {
                free.push(ended.slot);
                match self.again(status, ended.tries) {
                    Some(tries) if !stopping => waiting.push_back((ended.element, tries)),
                    _ => done += 1,
                }
                if status.code() != Some(0) && !stopping {
                    tell(array, ended.element, status);
                }
                progress::advance(done, &[]);
            }
        }
        task.end();
        stop.check_stop()?;
        Ok(Submitted { said: String::new(), ran: true })
    }

    fn preview(&self, array: &Array) -> Result<String> {
        let (count, threads) = (array.elements.len(), self.threads(array));
        let command = format!("{} task --study {}", array.program.join(" "), array.folder.display());
        Ok(format!("{count} processes `{command} --index N`, {} at once with {threads} threads each", self.parallel))
    }

    /// Always empty: there is no queue, and the locks in the study's folder show what runs.
    fn status(&self, _array: &Array) -> Queue {
        Queue::Known(BTreeMap::new())
    }

    /// Does nothing: the running elements themselves look for the file in the study's folder that cancels it.
    fn cancel(&self, _array: &Array) -> Result<()> {
        Ok(())
    }
}

impl Local {
    /// Number of the next attempt at an element that ended with this status; `None` if it is not tried again.
    fn again(&self, status: ExitStatus, tries: u32) -> Option<u32> {
        match status.code() {
            Some(GOES_ON) => Some(tries),
            None => (tries < self.attempts).then_some(tries + 1),
            Some(code) => (WORTH_RETRYING.contains(&code) && tries < self.attempts).then_some(tries + 1),
        }
    }
}

fn log(array: &Array, element: usize) -> PathBuf {
    array.folder.join("logs").join(format!("{element}.log"))
}

fn tell(array: &Array, element: usize, status: ExitStatus) {
    if status.code() != Some(GOES_ON) {
        progress::warn(
            "element_failed",
            &format!("element {element}: {status}; see {}", log(array, element).display()),
        );
    }
}

/// Removes the elements that have ended from `running`, and returns them with their exit status.
fn take_ended(running: &mut Vec<Running>) -> Result<Vec<(Running, ExitStatus)>> {
    let mut ended = Vec::new();
    let mut i = 0;
    while i < running.len() {
        match running[i].child.try_wait().map_err(|error| Error::resource("a task's process", error))? {
            Some(status) => ended.push((running.remove(i), status)),
            None => i += 1,
        }
    }
    Ok(ended)
}

/// Asks a process to save its state and end.
fn terminate(child: &Child) {
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
}

#[cfg(test)]
mod tests {
    use super::super::Resources;
    use super::*;
    use crate::error::Stop;
    use crate::progress::Silent;
    use std::path::Path;

    /// An array whose program is a shell script, in which `$3` is the study's folder and `$5` the element's number.
    fn array(folder: &Path, script: &str, elements: usize) -> Array {
        std::fs::create_dir_all(folder.join("logs")).unwrap();
        let program = ["sh", "-c", script, "sh"].map(String::from).to_vec();
        let (elements, folder) = ((0..elements).collect(), folder.to_path_buf());
        Array {
            name: "recon-test".into(),
            folder,
            program,
            environment: Vec::new(),
            elements,
            resources: Resources::default(),
        }
    }

    fn lines(folder: &Path) -> Vec<String> {
        let mut lines: Vec<String> =
            std::fs::read_to_string(folder.join("log")).unwrap_or_default().lines().map(String::from).collect();
        lines.sort();
        lines
    }

    #[test]
    fn what_can_go_on_goes_on_what_crashes_is_tried_again_and_what_is_wrong_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo $5 >> $3/log; n=$(grep -c \"^$5$\" $3/log); \
                      case $5 in 0) [ $n -ge 4 ] || exit 75;; 1) kill -9 $$;; 2) exit 3;; 3) exit 5;; esac";
        let local = Local { parallel: 2, attempts: 3 };
        let submitted = local.submit(&array(folder.path(), script, 5), &Silent).unwrap();
        assert!(submitted.ran);
        assert_eq!(lines(folder.path()), ["0", "0", "0", "0", "1", "1", "1", "2", "3", "3", "3", "4"]);
    }

    struct After(PathBuf);

    impl StopSignal for After {
        fn stop(&self) -> Option<Stop> {
            self.0.exists().then_some(Stop::Interrupt)
        }
    }

    #[test]
    fn a_stop_ends_what_runs_and_starts_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'echo end >> $3/log; exit 75' TERM; touch $3/begun; while :; do sleep 0.05; done";
        let local = Local { parallel: 1, attempts: 3 };
        let stop = After(folder.path().join("begun"));
        let error = local.submit(&array(folder.path(), script, 3), &stop).unwrap_err();
        assert_eq!((error.exit_code(), lines(folder.path()).len()), (130, 1));
    }
}
