//! `recon schema`: the JSON schema of a pipeline file, for editors and checkers.

use super::Output;
use crate::pipeline::Config;

/// The schema (draft-07).
#[must_use]
pub fn run() -> Output {
    let value = Config::schema();
    Output { text: format!("{value:#}"), value, summary: String::new() }
}
