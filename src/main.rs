//! The `recon` command: parse, run, print, exit code.

use clap::Parser;
use recon::cli::Cli;
use recon::terminal::{Terminal, explain_panics};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Exit code of a bug (`EX_SOFTWARE`).
const BUG: u8 = 70;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.command.computes() {
        recon::commands::spin_briefly();
    }
    let terminal = Terminal::new(cli.style());
    explain_panics();
    match catch_unwind(AssertUnwindSafe(|| cli.run(&terminal))) {
        Ok(Ok(output)) => match terminal.print(&output, cli.json) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let error = recon::error::Error::resource("stdout", error);
                terminal.error(&error);
                ExitCode::from(error.exit_code())
            }
        },
        Ok(Err(error)) => {
            terminal.error(&error);
            ExitCode::from(error.exit_code())
        }
        Err(_) => ExitCode::from(BUG),
    }
}
