//! `recon bench device`: the peak rates of a device (memory, arithmetic), and the rate of each part of a reconstruction
//! as a fraction of the peak.

use super::Output;
use crate::context::throughput::{Figure, Size, measure};
use crate::context::{Machine, Threads, processor};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress::StopSignal;
use crate::tensors::DeviceRequest;
use serde_json::{Value, json};
use std::path::Path;

/// What to measure, and where to write it.
pub(super) struct Request<'a> {
    /// Device to measure: auto, cpu, cuda or cuda:N.
    pub(super) device: Option<&'a str>,
    /// Number of threads, or auto.
    pub(super) threads: Option<&'a str>,
    /// Use small problem sizes on any device.
    pub(super) quick: bool,
    /// Folder of the benchmarks; the tables go into its folder `device`.
    pub(super) output: &'a Path,
}

/// Measures the device and writes `table.md` and `table.json`. On a CPU the problem sizes are always the small ones.
///
/// # Errors
/// A device that is not available, too little memory, a folder that cannot be written, a stop.
pub(super) fn run(request: &Request, stop: &dyn StopSignal) -> Result<Output> {
    let device: DeviceRequest = request.device.unwrap_or("auto").parse()?;
    let threads: Threads = serde_yaml::from_str(request.threads.unwrap_or("auto"))
        .map_err(|error| Error::config("--threads", error.to_string()))?;
    let machine = Machine::take(device, threads)?;
    let size = if request.quick || machine.device == crate::tensors::CPU { Size::SMALL } else { Size::FULL };
    let figures = measure(&machine, size, stop)?;
    let (text, value) = (markdown(&machine, &figures), table(&machine, &figures));
    let folder = request.output.join("device");
    std::fs::create_dir_all(&folder).map_err(|error| Error::write(&folder, &error))?;
    atomic::write(&folder.join("table.md"), text.as_bytes())?;
    atomic::write(&folder.join("table.json"), format!("{value:#}\n").as_bytes())?;
    let summary = format!("tables: {}", folder.join("table.{md,json}").display());
    Ok(Output { text: text.trim_end().to_string(), value, summary })
}

fn described(machine: &Machine) -> String {
    let processor = processor().unwrap_or_else(|| "unknown processor".to_string());
    format!("{} ({processor}, {} threads)", machine.device_reason, machine.threads)
}

fn markdown(machine: &Machine, figures: &[Figure]) -> String {
    let mut lines = vec![
        format!("`recon bench device`: {}", described(machine)),
        String::new(),
        "| what | seconds | rate | fraction of the peak |".to_string(),
        "|---|---:|---:|---:|".to_string(),
    ];
    for figure in figures {
        let part = figure.fraction.map_or_else(|| "–".to_string(), |part| format!("{:.1} %", 100.0 * part));
        let rate = scaled(figure.amount / figure.seconds.max(1e-12), figure.unit);
        lines.push(format!("| {} | {:.3e} | {rate} | {part} |", figure.name, figure.seconds));
    }
    lines.join("\n") + "\n"
}

/// A rate with an SI prefix, such as `1.50 T operations/s`.
fn scaled(rate: f64, unit: &str) -> String {
    let steps = [(1e12, "T "), (1e9, "G "), (1e6, "M "), (1e3, "k ")];
    let (factor, prefix) = steps.into_iter().find(|(factor, _)| rate >= *factor).unwrap_or((1.0, ""));
    format!("{:.2} {prefix}{unit}/s", rate / factor)
}

fn table(machine: &Machine, figures: &[Figure]) -> Value {
    let row = |figure: &Figure| {
        json!({
            "name": figure.name,
            "seconds": figure.seconds,
            "rate": figure.amount / figure.seconds.max(1e-12),
            "unit": format!("{}/s", figure.unit),
            "fraction": figure.fraction,
        })
    };
    let rows: Vec<Value> = figures.iter().map(row).collect();
    json!({"device": machine.device_name(), "machine": described(machine), "rows": rows})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_their_prefix() {
        assert_eq!(scaled(1.5e12, "bytes"), "1.50 T bytes/s");
        assert_eq!(scaled(12.0, "voxels"), "12.00 voxels/s");
    }
}
