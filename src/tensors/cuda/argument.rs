//! Arguments of a kernel, checked against the parameters that its source declares.

use crate::error::{Error, Result};
use tch::{Device, Kind, Tensor};

/// One argument of a kernel: its value as bits, and its type in the source.
#[derive(Debug, Clone)]
pub struct Argument {
    pub(super) bits: Vec<u64>,
    kind: &'static str,
}

impl Argument {
    /// An integer, `Whole` in the source.
    #[must_use]
    pub fn whole(value: usize) -> Self {
        Self { bits: vec![value as u64], kind: "Whole" }
    }

    /// A single-precision number, `float` in the source.
    #[must_use]
    pub fn float(value: f32) -> Self {
        Self { bits: vec![u64::from(value.to_bits())], kind: "float" }
    }

    /// A double-precision number, `double` in the source.
    #[must_use]
    pub fn double(value: f64) -> Self {
        Self { bits: vec![value.to_bits()], kind: "double" }
    }

    /// A structure of 8-byte numbers, passed by value; `kind` is the structure's name in the source.
    #[must_use]
    pub fn structure(kind: &'static str, bits: Vec<u64>) -> Self {
        Self { bits, kind }
    }

    /// The address of a tensor's memory: f32 (`float*`), f64 (`double*`), i64 (`Whole*`) or bf16 (`Half*`).
    ///
    /// # Errors
    /// A tensor of another kind, on another device, or not contiguous.
    pub fn memory(tensor: &Tensor, device: Device) -> Result<Self> {
        let kind = match tensor.kind() {
            Kind::Float => "float*",
            Kind::Double => "double*",
            Kind::Int64 => "Whole*",
            Kind::BFloat16 => "Half*",
            _ => "",
        };
        Self::records(kind, tensor, device)
    }

    /// The address of a tensor's memory as an array of the type `kind`, such as `Ray*`.
    ///
    /// # Errors
    /// A tensor on another device, or not contiguous.
    pub fn records(kind: &'static str, tensor: &Tensor, device: Device) -> Result<Self> {
        if tensor.device() != device || !tensor.is_contiguous() || kind.is_empty() {
            let found = format!("{:?} on {:?}, contiguous: {}", tensor.kind(), tensor.device(), tensor.is_contiguous());
            return Err(Error::resource("cuda", format!("expected a contiguous tensor on {device:?}, got {found}")));
        }
        Ok(Self { bits: vec![tensor.data_ptr() as u64], kind })
    }
}

/// Refuses arguments that do not match the parameters of `kernel`: they would cause invalid memory accesses on the GPU.
///
/// # Errors
/// A number or types of arguments other than those in `parameters`.
pub(super) fn check(kernel: &str, parameters: &[String], arguments: &[Argument]) -> Result<()> {
    let given: Vec<&str> = arguments.iter().map(|argument| argument.kind).collect();
    if parameters == given {
        return Ok(());
    }
    let problem = format!("kernel {kernel}: expected the arguments {parameters:?}, got {given:?}");
    Err(Error::resource("cuda", problem))
}

/// The types of a kernel's parameters in its source, without `const`.
///
/// # Errors
/// When `source` has no such kernel.
pub(super) fn parameters(source: &str, kernel: &str) -> Result<Vec<String>> {
    let start = format!("__global__ void {kernel}(");
    let list = source.split_once(&start).and_then(|(_, rest)| rest.split_once(')')).map(|(list, _)| list);
    let list = list.ok_or_else(|| Error::resource("cuda", format!("kernel {kernel} is not in its source")))?;
    let kind = |parameter: &str| {
        let words: Vec<&str> = parameter.split_whitespace().filter(|word| *word != "const").collect();
        words[..words.len().saturating_sub(1)].join(" ")
    };
    Ok(list.split(',').map(kind).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_the_source_does_not_declare_are_refused() {
        let source = "extern \"C\" __global__ void f(const float* x, const Scan scan,\n  Whole n, float a) {}";
        let tensor = Tensor::zeros([4], (Kind::Float, Device::Cpu));
        let memory = Argument::memory(&tensor, Device::Cpu).unwrap();
        let good = [memory, Argument::structure("Scan", vec![1]), Argument::whole(4), Argument::float(1.0)];
        let declared = parameters(source, "f").unwrap();
        check("f", &declared, &good).unwrap();
        for bad in [&good[..3], &[good[0].clone(), good[1].clone(), good[3].clone(), good[2].clone()]] {
            assert!(check("f", &declared, bad).is_err());
        }
        assert!(parameters(source, "g").is_err());
        assert!(Argument::memory(&tensor.view([2, 2]).transpose(0, 1), Device::Cpu).is_err());
    }
}
