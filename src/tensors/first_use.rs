//! The first use of MKL's vector functions, on one thread.
//!
//! On a CPU libtorch computes exp, sin and their relatives by MKL, which chooses the code of each function when it is
//! first called. If two threads make that first call at the same time, one of them sometimes computes with less
//! accuracy: with libtorch 2.11 on a busy machine of two cores, half of the values of the first `exp` were off by up to
//! 1.5e-4 in 5 of 130 processes, and correct in every later call. After a first call on one thread this happened in
//! none of 90 processes.

use tch::{Device, Kind, TchError, Tensor};

/// Number of values, enough for the vector code.
const VALUES: i64 = 4096;

/// Calls every vector function once on one thread, so that its results do not depend on which threads call it first.
/// To be called before libtorch's number of threads is set. Lack of memory is no error here: the next operation tells
/// of it.
pub fn settle_vector_functions() {
    tch::set_num_threads(1);
    for kind in [Kind::Float, Kind::Double] {
        let _ = call_each(kind);
    }
}

type Tried = Result<Tensor, TchError>;

fn call_each(kind: Kind) -> Result<(), TchError> {
    let values = Tensor::f_full([VALUES], 0.5, (kind, Device::Cpu))?;
    let functions: [fn(&Tensor) -> Tried; 14] = [
        Tensor::f_exp,
        Tensor::f_expm1,
        Tensor::f_log,
        Tensor::f_log1p,
        Tensor::f_sin,
        Tensor::f_cos,
        Tensor::f_tan,
        Tensor::f_tanh,
        Tensor::f_sigmoid,
        Tensor::f_sqrt,
        Tensor::f_rsqrt,
        Tensor::f_erf,
        Tensor::f_atan,
        Tensor::f_softplus,
    ];
    functions.iter().try_for_each(|function| function(&values).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vector_function_can_be_called() {
        for kind in [Kind::Float, Kind::Double] {
            call_each(kind).unwrap();
        }
    }
}
