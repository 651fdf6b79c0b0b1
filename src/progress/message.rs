//! [`Message`]: the form in which listeners receive spans and events.

use serde_json::{Map, Value};

/// A message about the progress of the program.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A task begins.
    Begin {
        /// Name of the task.
        task: String,
        /// Number of steps, if known.
        steps: Option<u64>,
    },
    /// Some steps of a task are done.
    Step {
        /// Name of the task.
        task: String,
        /// Number of steps that are done.
        done: u64,
        /// Quantities to show, such as `loss`, with their values.
        figures: Vec<(String, f64)>,
    },
    /// A task has ended, finished or not.
    End {
        /// Name of the task.
        task: String,
        /// Duration of the task in seconds.
        seconds: f64,
    },
    /// Something the user must know.
    Warning {
        /// Stable identifier.
        code: String,
        /// The warning in words.
        message: String,
    },
    /// A status table that replaces the previous one.
    Board {
        /// The table, several lines of text.
        text: String,
        /// The changes since the previous table, one per line, for outputs that cannot redraw a table in place.
        changes: String,
    },
    /// An event for log files only.
    Note {
        /// Name of the event, such as `stage`.
        event: String,
        /// Fields of the event.
        values: Map<String, Value>,
    },
}

impl Message {
    /// Puts `label` in front of the task's name or the warning: `fit` under `siren` becomes `siren: fit`.
    #[must_use]
    pub fn under(mut self, label: &str) -> Self {
        match &mut self {
            Self::Begin { task, .. } | Self::Step { task, .. } | Self::End { task, .. } => {
                if task != label {
                    *task = format!("{label}: {task}");
                }
            }
            Self::Warning { message, .. } => *message = format!("{label}: {message}"),
            Self::Board { .. } | Self::Note { .. } => {}
        }
        self
    }

    /// The event name and the fields of the message in JSON lines.
    pub(super) fn values(&self) -> (&str, Map<String, Value>) {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| map.insert(name.to_string(), value);
        let event = match self {
            Self::Begin { task, steps } => {
                put("task", task.as_str().into());
                put("steps", (*steps).into());
                "begin"
            }
            Self::Step { task, done, figures } => {
                put("task", task.as_str().into());
                put("done", (*done).into());
                for (name, value) in figures {
                    put(name, (*value).into());
                }
                "step"
            }
            Self::End { task, seconds } => {
                put("task", task.as_str().into());
                put("seconds", (*seconds).into());
                "end"
            }
            Self::Warning { code, message } => {
                put("code", code.as_str().into());
                put("message", message.as_str().into());
                "warning"
            }
            Self::Board { text, changes } => {
                put("text", text.as_str().into());
                put("changes", changes.as_str().into());
                "board"
            }
            Self::Note { event, values } => return (event, values.clone()),
        };
        (event, map)
    }
}
