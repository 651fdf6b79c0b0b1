//! [`JsonLines`]: progress as one JSON object per line, for logs and for programs that watch.

use super::Progress;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Shortest time between two lines of `advance`.
const PERIOD: Duration = Duration::from_secs(2);

/// Writes `{"time": unix seconds, "event": ..., ...}` lines. A line that cannot be written is lost: a log never stops
/// the work.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    state: RefCell<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    writer: W,
    task: String,
    last: Option<Instant>,
}

impl<W: Write> JsonLines<W> {
    /// Lines to `writer`.
    pub fn new(writer: W) -> Self {
        Self { state: RefCell::new(State { writer, task: String::new(), last: None }) }
    }

    /// Any event with its values.
    pub fn line(&self, event: &str, values: &[(&str, Value)]) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64 / 1000.0);
        let mut map = Map::new();
        map.insert("time".to_string(), time.into());
        map.insert("event".to_string(), event.into());
        map.extend(values.iter().map(|(name, value)| ((*name).to_string(), value.clone())));
        let mut state = self.state.borrow_mut();
        let _ = writeln!(state.writer, "{}", Value::Object(map)).and_then(|()| state.writer.flush());
    }
}

impl<W: Write> Progress for JsonLines<W> {
    fn begin(&self, task: &str, steps: Option<u64>) {
        self.line("begin", &[("task", task.into()), ("steps", steps.into())]);
        let mut state = self.state.borrow_mut();
        state.task = task.to_string();
        state.last = None;
    }

    fn advance(&self, done: u64, figures: &[(&str, f64)]) {
        if self.state.borrow().last.is_some_and(|last| last.elapsed() < PERIOD) {
            return;
        }
        let task = Value::from(self.state.borrow().task.as_str());
        let mut values = vec![("task", task), ("done", done.into())];
        values.extend(figures.iter().map(|(name, value)| (*name, Value::from(*value))));
        self.line("step", &values);
        self.state.borrow_mut().last = Some(Instant::now());
    }

    fn end(&self) {
        let task = std::mem::take(&mut self.state.borrow_mut().task);
        self.line("end", &[("task", task.into())]);
    }

    fn warn(&self, code: &str, message: &str) {
        self.line("warning", &[("code", code.into()), ("message", message.into())]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_one_json_object() {
        let lines = JsonLines::new(Vec::new());
        lines.begin("siren", Some(10));
        lines.advance(1, &[("loss", 0.5), ("rate", f64::NAN)]);
        lines.warn("inverse_crime", "line\nbreak");
        lines.end();
        let text = String::from_utf8(lines.state.into_inner().writer).unwrap();
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
        assert_eq!(names, ["begin", "step", "warning", "end"]);
        assert!(events[1]["rate"].is_null() && events[1]["loss"] == 0.5);
    }
}
