//! What people see: bars on a terminal, a line every few seconds elsewhere, warnings, errors, results. The result alone
//! goes to stdout.
#![allow(clippy::print_stderr)] // this module and main are the only ones that print

use crate::commands::{self, Output};
use crate::error::Error;
use crate::progress::{JsonLines, Listen, Message, Place, clock, shown};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashSet;
use std::io::{ErrorKind, IsTerminal, Stderr, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How progress looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Errors only.
    Quiet,
    /// Bars on a terminal, else a line every few seconds.
    Pretty,
    /// As [`Style::Pretty`], lines more often.
    Verbose,
    /// One JSON object per line.
    Json,
}

/// Draws to stderr.
#[derive(Debug)]
pub struct Terminal {
    style: Style,
    json: JsonLines<Stderr>,
    state: Mutex<State>,
}

/// What is shown.
#[derive(Debug, Default)]
struct State {
    task: Option<Task>,
    /// The table that is drawn in place.
    board: Option<ProgressBar>,
    /// Warnings that were shown: each is shown once.
    warnings: HashSet<String>,
}

/// The task that runs.
#[derive(Debug)]
struct Task {
    name: String,
    steps: Option<u64>,
    /// Step at which this process began to count, for the time left after a resume.
    first: Option<(u64, Instant)>,
    shown: Instant,
    bar: Option<ProgressBar>,
}

impl Terminal {
    /// A terminal of this style.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self { style, json: JsonLines::new(std::io::stderr()), state: Mutex::default() }
    }

    /// Prints a command's result: to stdout what was asked for, to stderr a few words beside it.
    ///
    /// # Errors
    /// When stdout cannot be written; a reader that has gone is no error.
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

    /// Prints why a command ended.
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
    /// Takes what is drawn in place off the screen.
    fn clear(&mut self) {
        let bar = self.task.take().and_then(|task| task.bar);
        bar.into_iter().chain(self.board.take()).for_each(|bar| bar.finish_and_clear());
    }

    /// Draws a table in place of the one before; where nothing can be drawn in place, says what has changed.
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
                // A line break in a value of a file never begins a line that looks like the program's own.
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

/// A bug is told in plain words; the process then ends with exit code 70.
pub fn explain_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // Whoever catches it says so.
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

/// A bar without a length.
fn draw_template(template: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Four digits of a figure.
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
