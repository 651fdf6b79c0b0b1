//! [`JsonLines`]: messages as one JSON object per line, for log files and for programs that monitor a run.

use super::Message;
use serde_json::{Map, Value};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Shortest time between two `step` lines of a task.
const PERIOD: Duration = Duration::from_secs(2);

/// Writes lines of the form `{"time": unix seconds, "event": ..., ...}`. A line that cannot be written is dropped, so
/// that a full disk does not stop the computation.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    writer: W,
    last: Option<Instant>,
}

impl<W: Write> JsonLines<W> {
    /// Creates a log that writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self { state: Mutex::new(State { writer, last: None }) }
    }

    /// Writes a message as one line; of the steps of a task at most one every 2 s.
    pub fn write(&self, message: &Message) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match message {
            Message::Begin { .. } => state.last = None,
            Message::Step { .. } if state.last.is_some_and(|last| last.elapsed() < PERIOD) => return,
            Message::Step { .. } => state.last = Some(Instant::now()),
            _ => {}
        }
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64 / 1000.0);
        let (event, values) = message.values();
        let mut map = Map::new();
        map.insert("time".to_string(), time.into());
        map.insert("event".to_string(), event.into());
        map.extend(values);
        let _ = writeln!(state.writer, "{}", Value::Object(map)).and_then(|()| state.writer.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_one_json_object() {
        let lines = JsonLines::new(Vec::new());
        let task = || "siren".to_string();
        lines.write(&Message::Begin { task: task(), steps: Some(10) });
        let figures = vec![("loss".to_string(), 0.5), ("rate".to_string(), f64::NAN)];
        lines.write(&Message::Step { task: task(), done: 1, figures: figures.clone() });
        lines.write(&Message::Step { task: task(), done: 2, figures });
        lines.write(&Message::Warning { code: "inverse_crime".into(), message: "line\nbreak".into() });
        lines.write(&Message::End { task: task(), seconds: 1.0 });
        let text = String::from_utf8(lines.state.into_inner().unwrap().writer).unwrap();
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
        assert_eq!(names, ["begin", "step", "warning", "end"]);
        assert!(events[1]["rate"].is_null() && events[1]["loss"] == 0.5 && events[1]["done"] == 1);
    }
}
