//! The memory to ask for, from what `recon check` estimates.

use crate::error::Result;
use crate::jobs::Ledger;
use crate::pipeline::{Config, Pipeline, Plan};
use crate::progress::StopSignal;

/// libtorch, the program and what cannot be foreseen, bytes.
const BASE: u64 = 1_500_000_000;
/// Volumes beside those of a method: the truth, what is written, what is measured.
const VOLUMES: u64 = 4;
const BYTES_PER_VALUE: u64 = 4;

/// Memory of the most demanding setting of the first case, such as `6G`.
///
/// # Errors
/// What the check says, with the setting.
pub(super) fn estimate(ledger: &Ledger, stop: &dyn StopSignal) -> Result<String> {
    let labels = ledger.labels()?;
    let first = labels.iter().take_while(|label| label.case == labels[0].case);
    let mut most = 0;
    for label in first {
        let mut config = Config::from_value(&ledger.task(label.index)?.config)?;
        config.export.directory = Some(ledger.published(&label.id));
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
