//! Names of the columns of a table. No axis of a suite may have such a name.

/// Columns of `table.csv` apart from the axes, in order; the axes come after the first one.
pub(super) const COLUMNS: &[&str] = &[
    "case",
    "method",
    "algorithm",
    "status",
    "psnr_db",
    "psnr_db_spread",
    "ssim",
    "ssim_spread",
    "rmse_hu",
    "rmse_hu_spread",
    "start_psnr_db",
    "seconds",
    "peak_memory_bytes",
    "seeds",
    "note",
];
