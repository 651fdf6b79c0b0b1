//! [`tried`]: runs a pipeline without the methods that it refuses, for comparisons in which not every method suits
//! every setting.

use super::complete::complete;
use crate::data::{MethodReport, Status};
use crate::error::{Error, Stop};
use crate::pipeline::{Config, Pipeline};
use crate::progress::StopSignal;
use crate::registry::Kinds;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Outcome of a pipeline that was run by [`tried`].
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// Reports of the methods; a refused method is reported as failed.
    pub methods: Vec<MethodReport>,
    /// Reason why the run stopped early; `None` if it did not.
    pub stopped: Option<Stop>,
}

/// Runs a pipeline in `folder`, or continues it there, without the methods that it refuses. If the pipeline cannot be
/// run at all, every one of its methods is reported as failed.
#[must_use]
pub fn tried(mut config: Config, folder: &Path, stop: &dyn StopSignal) -> Tried {
    let mut methods = Vec::new();
    loop {
        let ran = Pipeline::new(config.clone()).and_then(|pipeline| complete(&pipeline, folder, stop));
        let error = match ran {
            Ok((report, stopped)) => {
                methods.extend(report.methods);
                return Tried { methods, stopped };
            }
            Err(Error::Stopped(why)) => return Tried { methods, stopped: Some(why) },
            Err(error) => error,
        };
        let refused = error.entry("reconstruct").filter(|&i| i < config.reconstruct.len());
        let failed = match refused {
            Some(i) => vec![config.reconstruct.remove(i)],
            None => std::mem::take(&mut config.reconstruct),
        };
        for entry in failed {
            let algorithm = entry.kind.name();
            methods.push(failure(entry.keys.name.unwrap_or_else(|| algorithm.to_string()), algorithm, &error));
        }
        if config.reconstruct.is_empty() {
            return Tried { methods, stopped: None };
        }
    }
}

fn failure(name: String, algorithm: &str, error: &Error) -> MethodReport {
    MethodReport {
        volume: String::new(),
        algorithm: algorithm.to_string(),
        status: Status::Failed,
        seconds: 0.0,
        peak_memory_bytes: None,
        metrics: BTreeMap::new(),
        reasons: BTreeMap::new(),
        notes: BTreeMap::from([("reason".to_string(), Value::from(error.to_string()))]),
        curve: Vec::new(),
        name,
    }
}
