//! Requirements that a machine may lack: files that are not part of the repository, and Python packages. A test without
//! them returns early and prints `skipped: TEST: needs ...`, which `.ci/run` counts; where `RECON_REQUIRE_DATA=1` or
//! `RECON_REQUIRE_PYTORCH=1` is set, it fails instead.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the path of a file or folder of the shared data (`../shared/data`, or `$RECON_DATA`). Where it is absent,
/// prints that and returns `None`.
pub(crate) fn data(test: &str, path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RECON_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    missing(test, "DATA", &format!("{} (set RECON_DATA to the folder of the shared data)", path.display()))
}

/// Returns the Python interpreter (`python3`, or `$PYTHON`) if it has these packages. Otherwise prints what is missing
/// and returns `None`.
pub(crate) fn python(test: &str, peer: &str, packages: &str) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_string());
    let output = Command::new(&python).args(["-c", &format!("import {packages}")]).output();
    if output.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    missing(test, peer, &format!("the Python packages {packages} (set PYTHON to an interpreter that has them)"))
}

/// Prints that a test was skipped because the machine lacks `what`.
pub(crate) fn skipped(test: &str, what: &str) {
    // Writes to stderr directly, which the test harness does not capture: a reader should see what was not tested.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: needs {what}");
}

/// Prints what is missing and returns `None`; fails where `RECON_REQUIRE_<kind>` is 1.
pub(crate) fn missing<T>(test: &str, kind: &str, what: &str) -> Option<T> {
    let test = test.trim_end_matches("::here");
    let variable = format!("RECON_REQUIRE_{kind}");
    let required = std::env::var(&variable).is_ok_and(|value| value == "1");
    assert!(!required, "{test} needs {what}, and {variable}=1 forbids to skip it");
    skipped(test, what);
    None
}

/// Evaluates to the path `$path` in the shared data; ends the test where it is absent.
macro_rules! data_or_skip {
    ($path:expr) => {{
        fn here() {}
        let Some(path) = $crate::common::data(std::any::type_name_of_val(&here), $path) else { return };
        path
    }};
}
pub(crate) use data_or_skip;

/// Evaluates to a Python interpreter that has `$packages`; ends the test where there is none. `$peer` is the name in
/// `RECON_REQUIRE_<peer>`.
macro_rules! python_or_skip {
    ($peer:expr, $packages:expr) => {{
        fn here() {}
        let Some(python) = $crate::common::python(std::any::type_name_of_val(&here), $peer, $packages) else { return };
        python
    }};
}
pub(crate) use python_or_skip;
