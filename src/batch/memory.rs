//! The memory that a job asks for, from the estimates of `recon check`.

use crate::context::Threads;
use crate::error::Result;
use crate::jobs::Ledger;
use crate::pipeline::{Config, Pipeline, Plan};
use crate::progress::StopSignal;
use crate::tensors::DeviceRequest;

/// Allowance for libtorch, the program and everything that is not estimated, bytes.
const BASE: u64 = 1_500_000_000;
/// Number of volumes in memory beside those of a method: the truth and copies for the export and for the metrics.
const VOLUMES: u64 = 4;
/// Bytes of a value of a volume or of projections (f32).
const BYTES_PER_VALUE: u64 = 4;

/// Memory that the most demanding setting of the first case needs, in whole GiB, such as `6G`. The estimate depends
/// neither on the device nor on the number of threads. Those of the task are not taken, because the machine that
/// submits may have no GPU, and one process cannot take the numbers of threads of several tasks.
///
/// # Errors
/// The errors of the check of a pipeline, with the name of the task.
pub(super) fn estimate(ledger: &Ledger, stop: &dyn StopSignal) -> Result<String> {
    let labels = ledger.labels()?;
    let first = labels.iter().take_while(|label| label.case == labels[0].case);
    let mut most = 0;
    for label in first {
        let mut config = Config::from_value(&ledger.task(label.index)?.config)?;
        config.export.directory = Some(ledger.published(&label.id));
        (config.device, config.threads) = (DeviceRequest::Cpu, Threads::default());
        let plan = Pipeline::new(config).and_then(|pipeline| pipeline.check(stop));
        most = most.max(bytes(&plan.map_err(|error| error.under(&format!("case {}", label.id)))?));
    }
    Ok(format!("{}G", most.div_ceil(1 << 30)))
}

fn bytes(plan: &Plan) -> u64 {
    let count = |shape: [usize; 3]| shape.iter().map(|&n| n as u64).product::<u64>() * BYTES_PER_VALUE;
    let methods = plan.methods.iter().map(|method| method.memory_bytes).max().unwrap_or(0);
    BASE + methods + VOLUMES * count(plan.grid.shape) + 2 * count(plan.projections)
}
