//! `recon completions SHELL`: tab completion.

use super::Output;
use clap_complete::Shell;

/// What `recon completions` may be told.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// The shell
    pub shell: Shell,
}

/// The script that teaches the shell the flags of `command`.
#[must_use]
pub fn run(args: &Args, mut command: clap::Command) -> Output {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "recon", &mut script);
    let text = String::from_utf8_lossy(&script).trim_end().to_string();
    Output { value: text.as_str().into(), text, summary: String::new() }
}
