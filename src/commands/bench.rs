//! `recon bench [SUITE]`: runs every method at every setting of a benchmark suite and writes one table.

use super::trace::TraceFlag;
use super::{Output, bench_device, rows};
use crate::benchmarks::{BUILT_IN, Bench, Expansion, Head, Only, Suite, Variables, section};
use crate::error::{Error, Result};
use crate::pipeline::Assignment;
use crate::progress::{self, StopSignal};
use crate::schedulers::quoted;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Arguments of `recon bench`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Args {
    /// A built-in suite, a YAML file of a suite, or `device` to measure the speed of the CPU or GPU; without it, list
    /// the built-in suites
    pub suite: Option<String>,
    /// Run only the small part of the suite, which takes minutes
    #[arg(long)]
    pub quick: bool,
    /// Folder for the runs and tables
    #[arg(short, long, value_name = "DIR", default_value = "runs/bench")]
    pub output: PathBuf,
    /// Run only the rows whose CASE/SETTING/METHOD contains this pattern, where * matches any text: 2d*noise-1e5/tv
    #[arg(long, value_name = "PATTERN")]
    pub only: Option<String>,
    /// Folder that replaces ${RECON_DATA} in the paths of a suite
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Change a value in every pipeline of the suite (repeatable; values are YAML)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Device to compute on: auto, cpu, cuda or cuda:N
    #[arg(long)]
    pub device: Option<String>,
    /// Number of threads, or auto
    #[arg(long)]
    pub threads: Option<String>,
    /// Stop after this many seconds; run the same command again to continue
    #[arg(long, value_name = "S")]
    pub max_seconds: Option<f64>,
    /// Write the table into the suite's section of this Markdown file, such as docs/benchmarks/anatomy.md
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    #[command(flatten)]
    /// The trace file.
    pub trace: TraceFlag,
}

/// Runs the suite, or lists the built-in suites if none is named.
///
/// # Errors
/// An invalid suite, folders that cannot be written, a stop. A method that fails is no error: it has a row in the
/// table.
pub fn run(args: &Args, stop: &dyn StopSignal) -> Result<Output> {
    let begin = Instant::now();
    let Some(name) = &args.suite else { return list() };
    if name == "device" {
        let (device, threads) = (args.device.as_deref(), args.threads.as_deref());
        let request = bench_device::Request { device, threads, quick: args.quick, output: &args.output };
        return bench_device::run(&request, stop);
    }
    let suite = Suite::find(name)?;
    let bench = args.bench(&suite, begin)?;
    let outcome = bench.run(stop)?;
    if let Some(file) = &args.write {
        section(file, &outcome.table)?;
    }
    if let Some(why) = outcome.standing.stopped {
        let (missing, all) = (outcome.table.missing(), outcome.table.rows.len());
        progress::warn(
            "bench_incomplete",
            &format!("{missing} of {all} rows are missing in {}", bench.folder.join("table.md").display()),
        );
        return Err(Error::Stopped(why));
    }
    let tables = format!("tables: {}", bench.folder.join("table.{md,csv,json}").display());
    let summary = format!("{}\n{tables}", outcome.standing.board());
    Ok(Output { text: outcome.table.markdown().trim_end().to_string(), value: outcome.table.json(), summary })
}

fn list() -> Result<Output> {
    let suites = BUILT_IN.iter().map(|built_in| Suite::find(built_in.name)).collect::<Result<Vec<Suite>>>()?;
    let lines: Vec<(&str, &str)> = suites.iter().map(|suite| (suite.name.as_str(), suite.title.as_str())).collect();
    let value = suites.iter().map(|suite| serde_json::json!({"name": suite.name, "title": suite.title})).collect();
    Ok(Output { text: rows(&lines), value, summary: String::new() })
}

impl Args {
    fn bench(&self, suite: &Suite, begin: Instant) -> Result<Bench> {
        let name = if self.quick { format!("{}-quick", suite.name) } else { suite.name.clone() };
        let folder = self.output.join(&name);
        let variables = Variables { phantoms: self.output.join("phantoms"), data: self.data.clone() };
        variables.write_phantoms()?;
        let expansion = Expansion {
            quick: self.quick,
            only: Only::new(self.only.as_deref()),
            assignments: self.assignments()?,
            variables,
        };
        let settings = expansion.settings(suite)?;
        Ok(Bench {
            settings,
            folder,
            head: Head { suite: name, title: suite.title.clone(), command: self.command(), machine: String::new() },
            deadline: self.deadline(begin)?,
        })
    }

    fn assignments(&self) -> Result<Vec<Assignment>> {
        let short = [("device", &self.device), ("threads", &self.threads)];
        let short = short.into_iter().filter_map(|(key, value)| value.as_ref().map(|value| format!("{key}={value}")));
        self.set.iter().cloned().chain(short).map(|text| text.parse()).collect()
    }

    fn deadline(&self, begin: Instant) -> Result<Option<Instant>> {
        let Some(seconds) = self.max_seconds else { return Ok(None) };
        let limit = Duration::try_from_secs_f64(seconds).ok().and_then(|limit| begin.checked_add(limit));
        limit
            .map(Some)
            .ok_or_else(|| Error::config("--max-seconds", format!("expected seconds, 0 or more, got {seconds}")))
    }

    /// The command that makes the same table, without the options for folders and for the time limit. Words are quoted
    /// for a shell where they need it.
    fn command(&self) -> String {
        let mut words = vec!["recon bench".to_string()];
        words.extend(self.suite.as_ref().map(|suite| quoted(suite)));
        words.extend(self.quick.then(|| "--quick".to_string()));
        let with = |flag: &str, value: &Option<String>| value.as_ref().map(|value| format!("{flag} {}", quoted(value)));
        words.extend(with("--only", &self.only));
        words.extend(self.set.iter().map(|text| format!("--set {}", quoted(text))));
        words.extend(with("--device", &self.device));
        words.extend(with("--threads", &self.threads));
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_in_a_table_can_be_pasted_into_a_shell() {
        let args = Args {
            suite: Some("my suite.yaml".into()),
            quick: false,
            output: PathBuf::from("out"),
            only: Some("2d*noise-1e5/tv".into()),
            data: None,
            set: vec!["seed=3".into(), "evaluate.metrics=[psnr_db, ssim]".into()],
            device: Some("cpu".into()),
            threads: None,
            max_seconds: None,
            write: None,
            trace: TraceFlag::default(),
        };
        let expected = "recon bench 'my suite.yaml' --only '2d*noise-1e5/tv' --set seed=3 \
                        --set 'evaluate.metrics=[psnr_db, ssim]' --device cpu";
        assert_eq!(args.command(), expected);
    }
}
