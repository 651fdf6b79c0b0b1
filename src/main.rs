//! The `recon` command: parses the command line, runs the command, prints its result and sets the exit code.

use clap::Parser;
use recon::cli::Cli;
use recon::error::{Error, Result};
use recon::progress::{self, Silent, Trace};
use recon::terminal::{Terminal, explain_panics};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code for a bug in the program (`EX_SOFTWARE` of sysexits.h).
const BUG: u8 = 70;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.command.computes() {
        recon::commands::spin_briefly();
    }
    let terminal = Arc::new(Terminal::new(cli.style()));
    explain_panics();
    match catch_unwind(AssertUnwindSafe(|| work(&cli, &terminal))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            terminal.error(&error);
            ExitCode::from(error.exit_code())
        }
        Err(payload) => recon::commands::out_of_memory(payload.as_ref()).map_or(ExitCode::from(BUG), |error| {
            terminal.error(&error);
            ExitCode::from(error.exit_code())
        }),
    }
}

/// Runs the command with its messages shown in the terminal, then completes the trace file even if the command failed.
fn work(cli: &Cli, terminal: &Arc<Terminal>) -> Result<()> {
    let trace = progress::install(Arc::clone(terminal), cli.quiet, cli.trace()?)?;
    let output = cli.run(&Silent);
    trace.map_or(Ok(()), Trace::finish)?;
    terminal.print(&output?, cli.json).map_err(|error| Error::resource("stdout", error))
}
