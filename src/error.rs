//! The error type of the whole crate. Every variant says what went wrong, where, what was expected, what was found, and
//! what to do about it; the variant alone decides the exit code (see [`Error::exit_code`]).

use crate::progress::shown::{place as on_one_line, shown};
use std::fmt;
use std::path::{Path, PathBuf};

/// Result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a run was asked to end before its work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The run's own time limit, or the signal USR1 of a batch system: exit code 75, resumable.
    TimeLimit,
    /// First signal INT (Ctrl-C): exit code 130.
    Interrupt,
    /// Signal TERM: exit code 143.
    Terminate,
}

/// Everything that can go wrong, grouped by what must be corrected: configuration, input, quality or machine.
#[derive(Debug)]
pub enum Error {
    /// The configuration or the command line is wrong (exit code 2).
    Config {
        /// Path of the key, such as `simulate.geometry.cone.views`, or the command-line flag.
        key: String,
        /// The problem: expected and found value.
        problem: String,
        /// Advice; empty if the problem says what to do.
        hint: String,
    },
    /// An input file or the values in it are wrong (exit code 3).
    Input {
        /// The file or folder, or a name such as `projections` for values without a file.
        place: PathBuf,
        /// The problem: expected and found value.
        problem: String,
        /// Advice; empty if the problem says what to do.
        hint: String,
    },
    /// A quality limit that the user set was not met (exit code 4).
    Quality {
        /// The limit, with expected and found value.
        problem: String,
    },
    /// The machine cannot do what was asked: memory, disk, permissions, GPU (exit code 5).
    Resource {
        /// The file, device or quantity.
        place: String,
        /// What happened.
        problem: String,
        /// Advice; empty if the problem says what to do.
        hint: String,
    },
    /// Stopped on request; the work done so far is saved in checkpoints (exit codes 75, 130, 143).
    Stopped(Stop),
}

impl Error {
    /// Error for a wrong configuration value at `key`.
    pub fn config(key: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self::Config { key: key.into(), problem: problem.to_string(), hint: String::new() }
    }

    /// Error for a wrong input file, or for wrong values in memory that came from one.
    pub fn input(place: impl AsRef<Path>, problem: impl fmt::Display) -> Self {
        Self::Input { place: place.as_ref().to_path_buf(), problem: problem.to_string(), hint: String::new() }
    }

    /// Error for a machine that cannot do what was asked.
    pub fn resource(place: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self::Resource { place: place.into(), problem: problem.to_string(), hint: String::new() }
    }

    /// Error for an I/O failure while *writing* `path`; it counts as a fault of the machine.
    pub fn write(path: &Path, source: &std::io::Error) -> Self {
        Self::resource(path.display().to_string(), format!("cannot write: {source}"))
            .hint("check that the folder exists, is writable and has space left")
    }

    /// Error for an I/O failure while *reading* `path`; it counts as a fault of the input.
    pub fn read(path: &Path, source: &std::io::Error) -> Self {
        let problem = match source.kind() {
            std::io::ErrorKind::NotFound => "no such file or folder".to_string(),
            std::io::ErrorKind::UnexpectedEof => "the file ends too early; is it complete?".to_string(),
            _ => format!("cannot read: {source}"),
        };
        Self::input(path, problem)
    }

    /// The same error with its hint replaced by `advice`. Errors without a hint stay as they are.
    #[must_use]
    pub fn hint(mut self, advice: impl fmt::Display) -> Self {
        match &mut self {
            Self::Config { hint, .. } | Self::Input { hint, .. } | Self::Resource { hint, .. } => {
                *hint = advice.to_string();
            }
            Self::Quality { .. } | Self::Stopped(_) => {}
        }
        self
    }

    /// The same error with all its texts changed by `change`.
    #[must_use]
    pub fn reworded(mut self, change: impl Fn(&str) -> String) -> Self {
        let texts: Vec<&mut String> = match &mut self {
            Self::Config { key, problem, hint } => vec![key, problem, hint],
            Self::Resource { place, problem, hint } => vec![place, problem, hint],
            Self::Input { place, problem, hint } => {
                *place = PathBuf::from(change(&place.to_string_lossy()));
                vec![problem, hint]
            }
            Self::Quality { problem } => vec![problem],
            Self::Stopped(_) => Vec::new(),
        };
        for text in texts {
            *text = change(text);
        }
        self
    }

    /// The same error with `advice` appended to its hint.
    #[must_use]
    pub fn and_hint(self, advice: &str) -> Self {
        let before = match &self {
            Self::Config { hint, .. } | Self::Input { hint, .. } | Self::Resource { hint, .. } => hint.clone(),
            Self::Quality { .. } | Self::Stopped(_) => String::new(),
        };
        let parts = [before.as_str(), advice];
        let all = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        self.hint(all)
    }

    /// The same error with its key placed below `parent` (configuration errors only).
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        if let Self::Config { key, .. } = &mut self {
            *key = match key.as_str() {
                "" => parent.to_string(),
                rest if rest.starts_with('[') => format!("{parent}{rest}"),
                rest => format!("{parent}.{rest}"),
            };
        }
        self
    }

    /// Index of the entry of `list` that a configuration error is about: 2 for `reconstruct[2].tv.weight`.
    #[must_use]
    pub fn entry(&self, list: &str) -> Option<usize> {
        let Self::Config { key, .. } = self else { return None };
        key.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?.0.parse().ok()
    }

    /// Exit code of the process: 2 usage or configuration, 3 input, 4 quality limit, 5 resources, 75/130/143 stopped.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config { .. } => 2,
            Self::Input { .. } => 3,
            Self::Quality { .. } => 4,
            Self::Resource { .. } => 5,
            Self::Stopped(Stop::TimeLimit) => 75,
            Self::Stopped(Stop::Interrupt) => 130,
            Self::Stopped(Stop::Terminate) => 143,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, hint) = match self {
            Self::Config { key, problem, hint } if key.is_empty() => (problem.clone(), hint.as_str()),
            Self::Config { key, problem, hint } => (format!("{key}: {problem}"), hint.as_str()),
            Self::Input { place, problem, hint } => (format!("{}: {problem}", on_one_line(place)), hint.as_str()),
            Self::Quality { problem } => (problem.clone(), ""),
            Self::Resource { place, problem, hint } => {
                (format!("{}: {problem}", on_one_line(Path::new(place))), hint.as_str())
            }
            Self::Stopped(Stop::TimeLimit) => {
                ("stopped at the time limit".to_string(), "run the same command to continue")
            }
            Self::Stopped(Stop::Interrupt) => ("interrupted".to_string(), "run the same command to continue"),
            Self::Stopped(Stop::Terminate) => ("terminated".to_string(), "run the same command to continue"),
        };
        // Texts from files (DICOM strings, YAML scalars) can be part of a message: `shown` removes control characters.
        write!(f, "{}", shown(&head))?;
        if hint.is_empty() { Ok(()) } else { write!(f, "\n  help: {}", shown(hint)) }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_nest_from_the_inside_out() {
        let error = Error::config("views", "expected at least 1, got 0").under("cone").under("geometry");
        assert_eq!(error.to_string(), "geometry.cone.views: expected at least 1, got 0");
        let indexed = Error::config("[2].tv", "x").under("reconstruct");
        assert_eq!(indexed.to_string(), "reconstruct[2].tv: x");
        assert_eq!(
            (indexed.entry("reconstruct"), indexed.entry("evaluate"), error.entry("geometry")),
            (Some(2), None, None)
        );
    }

    #[test]
    fn control_characters_of_hostile_files_do_not_reach_the_terminal() {
        let shown = Error::input("a.dcm", "modality \u{1b}[31mCT").to_string();
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn every_family_has_its_exit_code() {
        assert_eq!(Error::config("a", "b").exit_code(), 2);
        assert_eq!(Error::input("a", "b").exit_code(), 3);
        assert_eq!(Error::resource("a", "b").exit_code(), 5);
        assert_eq!(Error::Stopped(Stop::TimeLimit).exit_code(), 75);
    }
}
