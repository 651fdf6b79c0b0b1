//! [`answer`]: runs another program and returns its output, within a time limit.

use std::io::{ErrorKind, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs a program and returns its standard output. A program that takes longer than `limit` is killed.
///
/// # Errors
/// A message if the program cannot be started, is too slow or fails; for a failure it has the first line of the
/// standard error.
pub(super) fn answer(program: &str, arguments: &[String], limit: Duration) -> Result<String, String> {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.map_err(|error| format!("{program} cannot be started: {error}"))?;
    let (said, complained) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let begin = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begin.elapsed() < limit => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{program} gave no answer in {:.1} s", limit.as_secs_f64()));
            }
            Err(error) => return Err(format!("{program}: {error}")),
        }
    };
    if status.success() {
        return Ok(said.text());
    }
    let complained = complained.text();
    let first = complained.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given").trim();
    Err(format!("{program} failed ({status}): {first}"))
}

/// Longest time to wait for the end of a pipe after the program has ended.
const REST: Duration = Duration::from_secs(2);

/// What has been read from a pipe.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Disconnected when the pipe has ended.
    ended: Receiver<()>,
}

impl Heard {
    /// The text until the pipe ends. A process that the program has left behind may hold the pipe open: after [`REST`]
    /// the text is what was read until then.
    fn text(&self) -> String {
        let _ = self.ended.recv_timeout(REST);
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Reads a pipe to its end in a thread of its own.
fn reader(pipe: Option<impl Read + Send + 'static>) -> Heard {
    let (sender, ended) = channel();
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let heard = Heard { bytes: Arc::clone(&bytes), ended };
    std::thread::spawn(move || {
        let (_open, mut block) = (sender, [0; 1 << 12]);
        let Some(mut pipe) = pipe else { return };
        loop {
            match pipe.read(&mut block) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&block[..count]);
                }
            }
        }
    });
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, seconds: f64) -> Result<String, String> {
        answer("sh", &["-c".to_string(), script.to_string()], Duration::from_secs_f64(seconds))
    }

    #[test]
    fn an_answer_a_refusal_silence_and_a_program_that_is_not_there() {
        assert_eq!(shell("echo 7", 20.0), Ok("7\n".to_string()));
        assert!(shell("echo no partition >&2; exit 1", 20.0).unwrap_err().contains("no partition"));
        let begin = Instant::now();
        assert!(shell("sleep 600", 0.2).unwrap_err().contains("no answer in 0.2 s"));
        assert!(begin.elapsed() < Duration::from_mins(1));
        assert!(
            answer("recon-no-such-program", &[], Duration::from_secs(1)).unwrap_err().contains("cannot be started")
        );
        assert_eq!(shell("head -c 300000 /dev/zero | tr '\\0' x", 20.0).unwrap().len(), 300_000);
    }

    #[test]
    fn a_process_that_is_left_behind_hides_nothing_of_the_answer() {
        assert_eq!(shell("echo 7; sleep 4 &", 20.0), Ok("7\n".to_string()));
        assert!(shell("echo no partition >&2; sleep 4 & exit 1", 20.0).unwrap_err().contains("no partition"));
    }
}
