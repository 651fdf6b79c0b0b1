//! The user interface: progress bars on a terminal (otherwise a line every few seconds), warnings, errors and results.
//! Only the result goes to stdout; everything else goes to stderr.
#![allow(clippy::print_stderr)] // this module and main are the only ones that print

use crate::commands::{self, Output};
use crate::error::Error;
use crate::progress::{JsonLines, Listen, Message, Place, clock, shown};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
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
    /// What is drawn in place: the table, and the bar of the task below it.
    drawn: MultiProgress,
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
        bar.into_iter().chain(self.board.take()).for_each(|bar| self.erase(&bar));
    }

    fn erase(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.drawn.remove(bar);
    }

    /// Draws a table in place of the previous one; if stderr is no terminal, prints the changes instead.
    fn draw_board(&mut self, text: &str, changes: &str) {
        if std::io::stderr().is_terminal() {
            let drawn = &self.drawn;
            let board = self.board.get_or_insert_with(|| drawn.insert(0, ProgressBar::new_spinner()));
            board.set_style(styled("{msg}"));
            board.set_message(fitted(&shown(text), Size::now()));
        } else {
            changes.lines().for_each(|line| eprintln!("{}", shown(line)));
        }
    }

    fn hear(&mut self, message: Message, period: Duration) {
        match message {
            Message::Begin { task, steps } => {
                let name = shown(&task).replace('\n', " ");
                if let Some(bar) = self.task.take().and_then(|task| task.bar) {
                    self.erase(&bar);
                }
                let bar = std::io::stderr().is_terminal().then(|| draw(&self.drawn, &name, steps));
                self.task = Some(Task { name, steps, first: None, shown: Instant::now(), bar });
            }
            Message::Step { done, figures, .. } => {
                if let Some(task) = &mut self.task {
                    task.advance(done, &figures, period);
                }
            }
            Message::End { seconds, .. } => {
                if let Some(task) = self.task.take() {
                    if let Some(bar) = &task.bar {
                        self.erase(bar);
                    }
                    // Where a table is drawn, it tells what is done.
                    if self.board.is_none() {
                        eprintln!("{}: {seconds:.1} s", task.name);
                    }
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

    /// Says something above what is drawn in place.
    fn say(&self, line: &str) {
        self.drawn.suspend(|| eprintln!("{line}"));
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

/// The bar of a task, below what is drawn. On a narrow terminal the bar is short and the name keeps its end.
fn draw(drawn: &MultiProgress, task: &str, steps: Option<u64>) -> ProgressBar {
    let columns = Size::now().columns;
    let (name, length) = (columns / 2, if columns < 100 { columns / 6 } else { 30 });
    let (bar, template) = match steps {
        Some(steps) => {
            (ProgressBar::new(steps), format!("{{prefix:20}} {{bar:{length}}} {{pos}}/{{len}} {{wide_msg}}"))
        }
        None => (ProgressBar::new_spinner(), "{prefix:20} {spinner} {elapsed} {wide_msg}".to_string()),
    };
    let bar = drawn.add(bar);
    bar.set_style(styled(&template));
    bar.set_prefix(end_of(task, name));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Lines and columns of the terminal.
#[derive(Clone, Copy)]
struct Size {
    lines: usize,
    columns: usize,
}

impl Size {
    fn now() -> Self {
        let (lines, columns) = console::Term::stderr().size();
        Self { lines: lines.into(), columns: columns.into() }
    }
}

/// The text as it fits a terminal, below which a bar may be drawn: each line cut at its width, and the last lines
/// counted where there are too many.
fn fitted(text: &str, size: Size) -> String {
    let cut = |line: &str| console::truncate_str(line, size.columns, "…").into_owned();
    let (count, most) = (text.lines().count(), size.lines.saturating_sub(2).max(1));
    if count <= most {
        return text.lines().map(cut).collect::<Vec<_>>().join("\n");
    }
    let shown = text.lines().take(most - 1).map(cut);
    shown.chain([cut(&format!("and {} more lines", count + 1 - most))]).collect::<Vec<_>>().join("\n")
}

/// The last columns of a text.
fn end_of(text: &str, columns: usize) -> String {
    let count = text.chars().count();
    if count <= columns {
        return text.to_string();
    }
    std::iter::once('…').chain(text.chars().skip(count + 1 - columns.max(1))).collect()
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
    fn what_does_not_fit_a_terminal_is_cut_and_counted() {
        let size = Size { lines: 5, columns: 6 };
        assert_eq!(fitted("a\nlonger line\nc", size), "a\nlonge…\nc");
        assert_eq!(fitted("1\n2\n3\n4", size), "1\n2\nand 2…");
        assert_eq!(fitted("1\n2", Size { lines: 1, columns: 80 }), "and 2 more lines");
        assert_eq!((end_of("cone: siren: fit", 6), end_of("fit", 6)), ("…: fit".into(), "fit".into()));
    }

    #[test]
    fn figures_are_brief() {
        assert_eq!(
            (brief(0.01234567), brief(1.5e-6), brief(0.0)),
            ("0.0123".into(), "1.50e-6".into(), "0.0000".into())
        );
    }
}
