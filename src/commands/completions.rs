//! `recon completions SHELL`: prints the tab-completion script for a shell.

use super::Output;
use clap_complete::Shell;

/// Arguments of `recon completions`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// Shell to write the script for
    pub shell: Shell,
}

/// Returns the completion script of `command`.
#[must_use]
pub fn run(args: &Args, mut command: clap::Command) -> Output {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "recon", &mut script);
    let text = String::from_utf8_lossy(&script).trim_end().to_string();
    Output { value: text.as_str().into(), text, summary: String::new() }
}
