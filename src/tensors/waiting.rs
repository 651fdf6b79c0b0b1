//! Shortens the time that OpenMP's threads spin while they wait for work.
//!
//! libtorch's threads are libgomp's, which spin for milliseconds after each operation before they sleep, on the same
//! cores that rayon's threads use next. A fit alternates between the two in every step. Spinning for about ten
//! microseconds keeps libtorch's operations as fast as before, and shortens a step of a bf16 SIREN or a hash grid by a
//! quarter (docs/benchmarks/fields.md).

/// Environment variable that libgomp reads when it is loaded, before `main`.
const SPINS: &str = "GOMP_SPINCOUNT";
const FEW: &str = "5000";

/// The variable with its value that [`spin_briefly`] would restart the program for. A program that starts another one
/// passes it on, so that libtorch is loaded once there and not twice; `None` if the environment says already how long
/// to spin.
#[must_use]
pub fn spin_variable() -> Option<(&'static str, &'static str)> {
    let said = [SPINS, "OMP_WAIT_POLICY"].iter().any(|name| std::env::var_os(name).is_some());
    (cfg!(target_os = "linux") && !said).then_some((SPINS, FEW))
}

/// Restarts the program in this process with a short spinning time for libgomp, unless the environment sets one
/// already. Call it first in `main`. If the program cannot be restarted, it continues unchanged. Does nothing except on
/// Linux.
pub fn spin_briefly() {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        if let (Some((name, value)), Ok(program)) = (spin_variable(), std::env::current_exe()) {
            let mut arguments = std::env::args_os();
            let mut command = std::process::Command::new(program);
            if let Some(own) = arguments.next() {
                command.arg0(own);
            }
            // `exec` returns only if it failed.
            let _ = command.args(arguments).env(name, value).exec();
        }
    }
}
