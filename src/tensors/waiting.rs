//! How long OpenMP's threads spin for more work.
//!
//! libtorch's threads are libgomp's, which spin for milliseconds after each operation before they sleep: on the cores
//! that rayon's threads want next. A fit alternates between the two at every step. Spinning for some ten microseconds
//! keeps libtorch's operations as quick as before and takes a quarter off a bf16 SIREN's step and a hash grid's
//! (docs/benchmarks/fields.md).

/// The variable that libgomp reads while it is loaded, before `main`.
const SPINS: &str = "GOMP_SPINCOUNT";
const FEW: &str = "5000";

/// Starts the program again in this process with libgomp told to spin briefly, unless the environment says how long,
/// which then stands. Call it first in `main`. Where the program cannot be started again it just goes on. Does nothing
/// but on Linux.
pub fn spin_briefly() {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        let said = [SPINS, "OMP_WAIT_POLICY"].iter().any(|name| std::env::var_os(name).is_some());
        if let (false, Ok(program)) = (said, std::env::current_exe()) {
            let mut arguments = std::env::args_os();
            let mut command = std::process::Command::new(program);
            if let Some(name) = arguments.next() {
                command.arg0(name);
            }
            // Only returns where it failed.
            let _ = command.args(arguments).env(SPINS, FEW).exec();
        }
    }
}
