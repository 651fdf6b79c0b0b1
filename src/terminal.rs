//! The user interface: progress bars on a terminal (otherwise a line every few seconds), warnings, errors and results.
//! Only the result goes to stdout; everything else goes to stderr.
#![allow(clippy::print_stderr)] // this module and main are the only ones that print

use crate::commands::{self, Output};
use crate::error::Error;
use crate::progress::{JsonLines, Listen, Message, Place, clock, shown};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashSet;
use std::io::{ErrorKind, IsTerminal, Stderr, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Format of progress and warnings on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Errors only.
    Quiet,
    /// Progress bars on a terminal, otherwise a line every 5 s.
    Pretty,
    /// Like [`Style::Pretty`], but with a line every second.
    Verbose,
    /// One JSON object per line.
    Json,
}

/// Writes progress, warnings and errors to stderr and the result to stdout.
#[derive(Debug)]
pub struct Terminal {
    style: Style,
    json: JsonLines<Stderr>,
    state: Mutex<State>,
}

/// What stderr shows at the moment.
#[derive(Debug, Default)]
struct State {
    task: Option<Task>,
    /// The status table, redrawn in place.
    board: Option<ProgressBar>,
    /// Warnings that were shown already; each is shown only once.
    warnings: HashSet<String>,
}

/// The running task.
#[derive(Debug)]
struct Task {
    name: String,
    steps: Option<u64>,
    /// First step that this process reported, and when: the estimate of the time left must not count steps from before
    /// a resume.
    first: Option<(u64, Instant)>,
    shown: Instant,
    bar: Option<ProgressBar>,
}

impl Terminal {
    /// Creates a terminal with this style.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self { style, json: JsonLines::new(std::io::stderr()), state: Mutex::default() }
    }

    /// Prints a command's result to stdout and its summary to stderr.
    ///
    /// # Errors
    /// Stdout cannot be written; a closed pipe is no error.
    pub fn print(&self, output: &Output, json: bool) -> std::io::Result<()> {
        self.state().clear();
        if matches!(self.style, Style::Pretty | Style::Verbose) && !json && !output.summary.is_empty() {
            eprintln!("{}", shown(&output.summary));
        }
        let text = if json { format!("{:#}", output.value) } else { output.text.clone() };
        let text = if std::io::stdout().is_terminal() { shown(&text) } else { text };
        match writeln!(std::io::stdout(), "{text}") {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Prints the error that ended a command.
    pub fn error(&self, error: &Error) {
        self.state().clear();
        if self.style == Style::Json {
            let values = [("message", error.to_string().into()), ("exit_code", error.exit_code().into())];
            let values = values.map(|(name, value)| (name.to_string(), value)).into_iter().collect();
            self.json.write(&Message::Note { event: "error".to_string(), values });
        } else {
            eprintln!("error: {error}");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn period(&self) -> Duration {
        Duration::from_secs(if self.style == Style::Verbose { 1 } else { 5 })
    }
}

impl Listen for Arc<Terminal> {
    fn hear(&self, places: &[Place], message: Message) {
        let message = places.iter().filter_map(|place| place.label.as_deref()).fold(message, Message::under);
        match self.style {
            Style::Quiet => {}
            Style::Json => {
                let known = matches!(&message, Message::Warning { code, message }
                    if !self.state().warnings.insert(format!("{message} [{code}]")));
                if !known && !matches!(message, Message::Note { .. }) {
                    self.json.write(&message);
                }
            }
            Style::Pretty | Style::Verbose => self.state().hear(message, self.period()),
        }
    }
}

impl State {
    /// Removes the progress bar and the status table from the screen.
    fn clear(&mut self) {
        let bar = self.task.take().and_then(|task| task.bar);
        bar.into_iter().chain(self.board.take()).for_each(|bar| bar.finish_and_clear());
    }

    /// Draws a table in place of the previous one; if stderr is no terminal, prints the changes instead.
    fn draw_board(&mut self, text: &str, changes: &str) {
        if std::io::stderr().is_terminal() {
            self.board.get_or_insert_with(|| draw_template("{msg}")).set_message(shown(text));
        } else {
            changes.lines().for_each(|line| eprintln!("{}", shown(line)));
        }
    }

    fn hear(&mut self, message: Message, period: Duration) {
        match message {
            Message::Begin { task, steps } => {
                let name = shown(&task).replace('\n', " ");
                let bar = std::io::stderr().is_terminal().then(|| draw(&name, steps));
                self.task = Some(Task { name, steps, first: None, shown: Instant::now(), bar });
            }
            Message::Step { done, figures, .. } => {
                if let Some(task) = &mut self.task {
                    task.advance(done, &figures, period);
                }
            }
            Message::End { seconds, .. } => {
                if let Some(task) = self.task.take() {
                    if let Some(bar) = task.bar {
                        bar.finish_and_clear();
                    }
                    eprintln!("{}: {seconds:.1} s", task.name);
                }
            }
            Message::Warning { code, message } => {
                // Indent further lines, so that a line break in a value from a file cannot imitate a message of the
                // program.
                let line = format!("{} [{code}]", shown(&message).replace('\n', "\n  "));
                if self.warnings.insert(line.clone()) {
                    self.say(&format!("warning: {line}"));
                }
            }
            Message::Board { text, changes } => self.draw_board(&text, &changes),
            Message::Note { .. } => {}
        }
    }

    fn say(&self, line: &str) {
        match self.task.as_ref().and_then(|task| task.bar.as_ref()).or(self.board.as_ref()) {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }
}

/// Makes panics print a plain message that asks for a bug report; `main` then ends the process with exit code 70.
pub fn explain_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // The code that catches this panic reports the lack of memory.
        if commands::out_of_memory(panic.payload()).is_some() {
            return;
        }
        let place =
            panic.location().map_or_else(|| "unknown place".to_string(), |at| format!("{}:{}", at.file(), at.line()));
        let what = shown(panic.payload_as_str().unwrap_or("no message"));
        eprintln!("error: this is a bug in recon, not in your input: {what} ({place})");
        eprintln!(
            "  help: what was finished is kept; please report this line together with the pipeline and `recon doctor`"
        );
    }));
}

impl Task {
    fn advance(&mut self, done: u64, figures: &[(String, f64)], period: Duration) {
        let (first, since) = *self.first.get_or_insert((done, Instant::now()));
        let mut words: Vec<String> = figures.iter().map(|(name, value)| format!("{name} {}", brief(*value))).collect();
        if let Some(steps) = self.steps
            && done > first
        {
            let left = since.elapsed().as_secs_f64() * steps.saturating_sub(done) as f64 / (done - first) as f64;
            words.push(format!("{} left", clock(left)));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(words.join(", "));
        } else if self.shown.elapsed() >= period {
            let of = self.steps.map_or(String::new(), |steps| format!("/{steps}"));
            eprintln!("{}: {done}{of}, {}", self.name, words.join(", "));
            self.shown = Instant::now();
        }
    }
}

fn draw(task: &str, steps: Option<u64>) -> ProgressBar {
    let (bar, template) = match steps {
        Some(steps) => (ProgressBar::new(steps), "{prefix:20} {bar:30} {pos}/{len} {msg}"),
        None => (ProgressBar::new_spinner(), "{prefix:20} {spinner} {elapsed} {msg}"),
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(task.to_string());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A progress indicator without a length.
fn draw_template(template: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A number in short form: four decimals, or scientific notation for small and large values.
fn brief(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-3..1e5).contains(&size) { format!("{value:.4}") } else { format!("{value:.2e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_brief() {
        assert_eq!(
            (brief(0.01234567), brief(1.5e-6), brief(0.0)),
            ("0.0123".into(), "1.50e-6".into(), "0.0000".into())
        );
    }
}
