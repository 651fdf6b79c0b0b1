//! `recon doctor`: shows the processor, memory, GPU and libtorch that it finds, and why a GPU cannot be used.

use super::{Output, bytes, rows};
use crate::context::{Machine, processor};
use crate::error::Result;
use crate::operators::xray::kernels::simd;
use crate::tensors::{self, DeviceRequest};
use serde_json::{Map, Value};
use std::num::NonZeroUsize;

/// Collects the facts about this machine and the installed versions.
///
/// # Errors
/// Never fails: a value that cannot be determined is reported as unknown.
pub fn run() -> Result<Output> {
    let mut facts = Machine::versions();
    let levels: Vec<&str> =
        simd::Level::ALL.into_iter().filter(|level| level.available()).map(simd::Level::name).collect();
    let gpu = tensors::choose(DeviceRequest::Cuda(0)).map_or_else(|error| error.to_string(), |chosen| chosen.reason);
    let threads =
        std::thread::available_parallelism().map_or_else(|error| error.to_string(), |n: NonZeroUsize| n.to_string());
    let more = [
        ("processor", processor().unwrap_or_else(|| "unknown".to_string())),
        (
            "SIMD",
            format!(
                "{} (of {})",
                simd::requested().map_or_else(|error| error.to_string(), |level| level.name().to_string()),
                levels.join(", ")
            ),
        ),
        (
            "bfloat16",
            if tensors::multiplies_bf16() { "multiplied in hardware" } else { "multiplied as f32" }.to_string(),
        ),
        ("threads", threads),
        ("free memory", crate::memory::available().map_or("unknown".to_string(), bytes)),
        ("free disk here", free_disk().map_or("unknown".to_string(), bytes)),
        ("GPU", gpu),
    ];
    facts.extend(more.map(|(label, value)| (label.to_string(), value)));
    let value: Map<String, Value> =
        facts.iter().map(|(label, value)| (label.replace(' ', "_").to_lowercase(), value.as_str().into())).collect();
    Ok(Output { text: rows(&facts), value: Value::Object(value), summary: String::new() })
}

/// Free bytes on the file system of the working directory, from `df`; `None` if `df` cannot be run or read.
fn free_disk() -> Option<u64> {
    let output = std::process::Command::new("df").args(["-Pk", "."]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
