//! Names of the columns of a table, which no axis of a suite may have.

/// Columns of `table.csv` beside the axes.
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
