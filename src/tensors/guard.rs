//! Conversion of libtorch's out-of-memory panics to errors. Operators such as `a + b` on tensors panic where `f_add`
//! would return an error; a panic for lack of memory is a resource error, not a bug.

use super::torch_error;
use crate::error::{Error, Result};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use tch::TchError;

/// Runs `work`; a panic for lack of memory in libtorch becomes an error, any other panic continues.
///
/// # Errors
/// Errors of `work`; when memory runs out.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| match out_of_memory(payload.as_ref()) {
        Some(error) => Err(error),
        None => resume_unwind(payload),
    })
}

/// Words of libtorch's messages for a lack of memory, on the CPU and on a GPU.
const LACKING: [&str; 3] = ["out of memory", "allocate memory", "not enough memory"];

/// Whether a message of libtorch says that memory ran out.
pub(super) fn tells_of_memory(message: &str) -> bool {
    LACKING.iter().any(|words| message.contains(words))
}

/// Whether an error says that memory ran out, on the CPU or a GPU.
#[must_use]
pub fn lacks_memory(error: &Error) -> bool {
    matches!(error, Error::Resource { .. }) && tells_of_memory(&error.to_string())
}

/// The error for the payload of a panic, if libtorch panicked for lack of memory.
#[must_use]
pub fn out_of_memory(payload: &(dyn Any + Send)) -> Option<Error> {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    // Matches the message of `unwrap` on a `TchError`.
    let (_, shown) = text?.split_once("Torch(\"")?;
    tells_of_memory(shown)
        .then(|| torch_error(TchError::Torch(shown.split("\\n").next().unwrap_or_default().to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn an_operator_without_memory_is_a_resource_error_and_other_panics_go_on() {
        let huge = guarded(|| Ok(Tensor::zeros([1 << 52], (Kind::Float, Device::Cpu))));
        let error = huge.unwrap_err();
        assert_eq!(error.exit_code(), 5);
        assert!(error.to_string().contains("memory"), "{error}");
        for message in
            ["CUDA out of memory", "can't allocate memory", "not enough memory: you tried to allocate 9 bytes"]
        {
            assert!(lacks_memory(&torch_error(TchError::Torch(message.to_string()))), "{message}");
        }
        assert!(std::panic::catch_unwind(|| guarded::<()>(|| panic!("a bug"))).is_err());
    }
}
