//! [`Message`]: what a span or event means to those who listen.

use serde_json::{Map, Value};

/// What is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A task begins.
    Begin {
        /// Its name.
        task: String,
        /// Its length, if known.
        steps: Option<u64>,
    },
    /// A part of a task is done.
    Step {
        /// Its name.
        task: String,
        /// Steps that are done.
        done: u64,
        /// Figures such as `loss`.
        figures: Vec<(String, f64)>,
    },
    /// A task is over, finished or not.
    End {
        /// Its name.
        task: String,
        /// How long it took, seconds.
        seconds: f64,
    },
    /// Something the user must know.
    Warning {
        /// Stable code.
        code: String,
        /// In words.
        message: String,
    },
    /// How far something stands, in place of what was told before.
    Board {
        /// A table, of lines.
        text: String,
        /// What has changed, a line each; for listeners that cannot draw in place.
        changes: String,
    },
    /// For logs only: what happened, with values.
    Note {
        /// What happened, such as `stage`.
        event: String,
        /// Its values.
        values: Map<String, Value>,
    },
}

impl Message {
    /// The same, told by a part called `label`: `fit` of `siren` is `siren: fit`.
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

    /// Its name in JSON lines, and its values.
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
