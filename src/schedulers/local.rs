//! [`Local`]: runs the elements as processes on this machine, a few at the same time.

use super::script::{program, quoted};
use super::{Array, Queue, Scheduler, Submitted, gpus};
use crate::error::{Error, Result};
use crate::progress::{self, StopSignal};
use std::collections::{BTreeMap, VecDeque};
use std::fs::OpenOptions;
use std::num::NonZeroUsize;
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

/// An array at work: the elements that wait and those that run. Dropping it ends what still runs, because after an
/// error nobody would wait for it.
struct Runner<'a> {
    local: Local,
    array: &'a Array,
    /// Names of all GPUs; empty if the elements ask for none.
    gpus: Vec<String>,
    /// Number of threads of one element.
    threads: usize,
    /// Shares of the machine that no element uses.
    free: Vec<usize>,
    /// Elements that wait, each with the number of its next attempt.
    waiting: VecDeque<(usize, u32)>,
    running: Vec<Running>,
    /// Number of elements that have ended and are not tried again.
    done: u64,
    /// Whether the running elements were asked to stop.
    stopping: bool,
}

impl Local {
    /// Number of elements that run at once: no more than there are GPUs for.
    fn slots(&self, array: &Array, gpus: usize) -> usize {
        let fit = gpus.checked_div(array.resources.gpus).unwrap_or(usize::MAX);
        self.parallel.min(fit).max(1)
    }

    /// Number of the next attempt at an element that ended with this status; `None` if it is not tried again.
    fn again(&self, status: ExitStatus, tries: u32) -> Option<u32> {
        match status.code() {
            Some(GOES_ON) => Some(tries),
            None => (tries < self.attempts).then_some(tries + 1),
            Some(code) => (WORTH_RETRYING.contains(&code) && tries < self.attempts).then_some(tries + 1),
        }
    }
}

impl Scheduler for Local {
    fn submit(&self, array: &Array, stop: &dyn StopSignal) -> Result<Submitted> {
        let mut runner = Runner::new(*self, array)?;
        let task = progress::begin("study", Some(array.elements.len() as u64));
        // The estimate of the time left counts the time from here, and is shown once the first element has ended.
        progress::advance(0, &[]);
        loop {
            if stop.stop().is_some() {
                runner.ask_to_stop();
            } else {
                runner.fill()?;
            }
            if runner.running.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
            runner.reap()?;
        }
        task.end();
        stop.check_stop()?;
        Ok(Submitted { said: String::new(), ran: true })
    }

    fn preview(&self, array: &Array) -> Result<String> {
        let slots = self.slots(array, gpus_of(array)?.len());
        let (count, threads) = (array.elements.len(), threads(array, slots));
        let command = format!("{} task --study {}", program(array), quoted(&array.folder.display().to_string()));
        Ok(format!("{count} processes `{command} --index N`, {slots} at once with {threads} threads each"))
    }

    /// Always empty: there is no queue, and the locks in the study's folder show what runs.
    fn status(&self, _array: &Array) -> Queue {
        Queue::Known(BTreeMap::new())
    }

    /// Does nothing: the process that submitted the array and the running elements look for the file that cancels it.
    fn cancel(&self, _array: &Array) -> Result<()> {
        Ok(())
    }
}

impl<'a> Runner<'a> {
    fn new(local: Local, array: &'a Array) -> Result<Self> {
        let gpus = gpus_of(array)?;
        let slots = local.slots(array, gpus.len());
        Ok(Self {
            local,
            array,
            gpus,
            threads: threads(array, slots),
            free: (0..slots).rev().collect(),
            waiting: array.elements.iter().map(|&element| (element, 1)).collect(),
            running: Vec::new(),
            done: 0,
            stopping: false,
        })
    }

    /// Starts waiting elements as long as a share of the machine is free; none if the array was cancelled.
    fn fill(&mut self) -> Result<()> {
        while let (Some(&(element, tries)), Some(&slot)) = (self.waiting.front(), self.free.last()) {
            if self.array.cancelled.exists() {
                let message = format!("the study was cancelled: {} elements are not started", self.waiting.len());
                progress::warn("cancelled", &message);
                self.waiting.clear();
                break;
            }
            let child = self.start(element, slot)?;
            self.running.push(Running { child, element, tries, slot });
            self.waiting.pop_front();
            self.free.pop();
        }
        Ok(())
    }

    /// Starts the process of an element.
    fn start(&self, element: usize, slot: usize) -> Result<Child> {
        let array = self.array;
        let path = log(array, element);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let log = file.map_err(|error| Error::write(&path, &error))?;
        let (program, first) =
            array.program.split_first().ok_or_else(|| Error::config("resources.program", "is empty"))?;
        let mut command = Command::new(program);
        command.args(first).arg("task").arg("--study").arg(&array.folder).args(["--index", &element.to_string()]);
        command.args(["--threads", &self.threads.to_string()]);
        command.envs(array.environment.iter().map(|(name, value)| (name, value)));
        if !self.gpus.is_empty() {
            let own = &self.gpus[slot * array.resources.gpus..][..array.resources.gpus];
            command.env("CUDA_VISIBLE_DEVICES", own.join(","));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.spawn().map_err(|error| Error::resource(program.clone(), format!("cannot be started: {error}")))
    }

    /// Takes the elements that have ended, and lets those wait again that are worth another attempt.
    fn reap(&mut self) -> Result<()> {
        for (ended, status) in take_ended(&mut self.running)? {
            self.free.push(ended.slot);
            match self.local.again(status, ended.tries) {
                Some(tries) if !self.stopping => self.waiting.push_back((ended.element, tries)),
                _ => self.done += 1,
            }
            if status.code() != Some(0) && !self.stopping {
                tell(self.array, ended.element, status);
            }
            progress::advance(self.done, &[]);
        }
        Ok(())
    }

    /// Asks the running elements, once, to save their state and end.
    fn ask_to_stop(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.running.iter().for_each(|running| terminate(&running.child));
        }
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        self.ask_to_stop();
        for running in &mut self.running {
            let _ = running.child.wait();
        }
    }
}

/// The names of this machine's GPUs; empty if the elements ask for none.
fn gpus_of(array: &Array) -> Result<Vec<String>> {
    let wanted = array.resources.gpus;
    let gpus = if wanted > 0 { gpus::visible() } else { Vec::new() };
    if wanted > gpus.len() {
        return Err(Error::resource("GPU", format!("each task wants {wanted}, this machine shows {}", gpus.len())));
    }
    Ok(gpus)
}

/// Number of threads of one element if `slots` of them run at once.
fn threads(array: &Array, slots: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    array.resources.cpus.map_or((cores / slots).max(1), NonZeroUsize::get)
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
            cancelled: folder.join("cancelled"),
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

    #[test]
    fn a_cancelled_array_starts_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo $5 >> $3/log; [ $5 = 1 ] && touch $3/cancelled; exit 0";
        let local = Local { parallel: 1, attempts: 3 };
        let submitted = local.submit(&array(folder.path(), script, 5), &Silent).unwrap();
        assert!(submitted.ran);
        assert_eq!(lines(folder.path()), ["0", "1"]);
    }

    #[test]
    fn an_element_that_cannot_be_started_leaves_no_other_running() {
        let folder = tempfile::tempdir().unwrap();
        let array = array(folder.path(), "sleep 1; touch $3/late", 2);
        // A folder in the place of its log.
        std::fs::create_dir(folder.path().join("logs/1.log")).unwrap();
        let error = Local { parallel: 2, attempts: 3 }.submit(&array, &Silent).unwrap_err();
        assert_eq!(error.exit_code(), 5);
        std::thread::sleep(Duration::from_secs(2));
        assert!(!folder.path().join("late").exists(), "the first element goes on although nobody waits for it");
    }

    #[test]
    fn the_machine_is_shared_by_as_many_as_run_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut array = array(folder.path(), "", 8);
        let slots = |parallel, array: &Array, gpus| Local { parallel, attempts: 1 }.slots(array, gpus);
        assert_eq!((slots(4, &array, 0), slots(0, &array, 0)), (4, 1));
        array.resources.gpus = 2;
        assert_eq!((slots(4, &array, 5), slots(1, &array, 5)), (2, 1));
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        assert_eq!((threads(&array, 1), threads(&array, 2 * cores)), (cores, 1));
    }
}
