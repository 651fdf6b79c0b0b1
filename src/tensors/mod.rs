//! Conversion between plain values and tensors, which happens only here, and the choice of the device.

pub mod cuda;
mod device;
mod first_use;
mod guard;
mod inner;
mod memory;
mod product;
mod ramp;
mod threads;
mod waiting;

pub use device::{Chosen, DeviceRequest, choose, libtorch_version};
pub use first_use::settle_vector_functions;
pub use guard::{guarded, lacks_memory, out_of_memory};
pub use inner::{dot, norm};
pub use memory::keep_freed;
pub use product::{multiplies_bf16, product};
pub use ramp::{filter_rows, ramp};
pub use threads::ThreadScope;
pub use waiting::{spin_briefly, spin_variable};

use crate::data::{Projections, Volume};
use crate::error::{Error, Result};
use tch::{Device, Kind, TchError, Tensor};

/// The CPU, for callers that choose no other device.
pub const CPU: Device = Device::Cpu;

/// Converts an error of libtorch to ours; lack of memory is reported as such.
pub fn torch_error(error: TchError) -> Error {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    if guard::tells_of_memory(&text) {
        return Error::resource("memory", first).hint("lower `chunk`, the grid's shape or the detector's pixels");
    }
    Error::resource("libtorch", first)
}

/// A tensor `shape` (f32) holding a copy of `values` on `device`.
///
/// # Errors
/// When the shape does not hold the values, or memory runs out.
pub fn from_slice(values: &[f32], shape: &[usize], device: Device) -> Result<Tensor> {
    let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
    Tensor::f_from_slice(values)
        .and_then(|t| t.f_reshape(&shape))
        .and_then(|t| t.f_to_device(device))
        .map_err(torch_error)
}

/// Indices of views, rays or voxels as an int64 tensor `[n]` for `index_select`.
///
/// # Errors
/// When memory runs out.
pub fn indices(numbers: &[usize], device: Device) -> Result<Tensor> {
    let numbers: Vec<i64> = numbers.iter().map(|&n| n as i64).collect();
    Tensor::f_from_slice(&numbers).and_then(|t| t.f_to_device(device)).map_err(torch_error)
}

/// The values of a volume as a tensor `[z, y, x]`, f32.
///
/// # Errors
/// When memory runs out.
pub fn from_volume(volume: &Volume, device: Device) -> Result<Tensor> {
    from_slice(volume.as_slice(), &volume.grid.shape, device)
}

/// The values of projections as a tensor `[view, row, column]`, f32.
///
/// # Errors
/// When memory runs out.
pub fn from_projections(projections: &Projections, device: Device) -> Result<Tensor> {
    from_slice(projections.as_slice(), &projections.geometry.shape(), device)
}

/// The values of a tensor in C order, as f32 on the CPU.
///
/// # Errors
/// When memory runs out or the device fails.
pub fn to_vec(tensor: &Tensor) -> Result<Vec<f32>> {
    let flat = tensor
        .f_detach()
        .and_then(|t| t.f_to_device(Device::Cpu))
        .and_then(|t| t.f_to_kind(Kind::Float))
        .map_err(torch_error)?;
    let flat = flat.f_contiguous().and_then(|t| t.f_reshape([-1])).map_err(torch_error)?;
    let mut values = vec![0.0f32; flat.numel()];
    let count = values.len();
    flat.f_copy_data(&mut values, count).map_err(torch_error)?;
    Ok(values)
}

/// Number format of a slice that borrows a tensor's memory.
pub trait Element: Copy {
    /// Kind of the corresponding tensors.
    const KIND: Kind;
}

impl Element for f32 {
    const KIND: Kind = Kind::Float;
}

/// A bfloat16, as its bits.
impl Element for u16 {
    const KIND: Kind = Kind::BFloat16;
}

/// Borrows the memory of a tensor as a slice in C order, without a copy: f32, or bfloat16 as its bits.
///
/// # Errors
/// A tensor that is of another kind, not contiguous or not on the CPU.
pub fn lend<T: Element>(tensor: &Tensor) -> Result<&[T]> {
    check_lendable(tensor, T::KIND)?;
    if tensor.numel() == 0 {
        return Ok(&[]);
    }
    // SAFETY: checked above: numel contiguous values of T's kind in CPU memory, alive as long as `tensor` is borrowed.
    // Nothing writes to it meanwhile: writing in place needs `&mut Tensor`, and no alias of the tensors lent here is
    // kept.
    #[allow(unsafe_code)]
    let slice: &[T] = unsafe { std::slice::from_raw_parts(tensor.data_ptr() as *const T, tensor.numel()) };
    Ok(slice)
}

/// Borrows the memory of a tensor for writing, in C order, without a copy.
///
/// # Errors
/// As [`lend`].
pub fn lend_mut<T: Element>(tensor: &mut Tensor) -> Result<&mut [T]> {
    check_lendable(tensor, T::KIND)?;
    if tensor.numel() == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as in `lend`; the exclusive borrow keeps others away.
    #[allow(unsafe_code)]
    let slice: &mut [T] = unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<T>(), tensor.numel()) };
    Ok(slice)
}

fn check_lendable(tensor: &Tensor, kind: Kind) -> Result<()> {
    if tensor.device() != Device::Cpu || tensor.kind() != kind || !tensor.is_contiguous() {
        let found = format!("{:?} on {:?}, contiguous: {}", tensor.kind(), tensor.device(), tensor.is_contiguous());
        return Err(Error::resource("tensor", format!("expected contiguous {kind:?} on the CPU, got {found}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cross_both_ways_and_memory_is_lent_in_place() {
        let mut tensor = from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3], Device::Cpu).unwrap();
        lend_mut(&mut tensor).unwrap()[4] = 50.0;
        assert_eq!(lend::<f32>(&tensor).unwrap(), &[1.0, 2.0, 3.0, 4.0, 50.0, 6.0]);
        assert_eq!(lend::<u16>(&tensor.to_kind(Kind::BFloat16)).unwrap()[..2], [0x3f80, 0x4000]);
        assert_eq!(to_vec(&tensor.transpose(0, 1)).unwrap(), vec![1.0, 4.0, 2.0, 50.0, 3.0, 6.0]);
    }

    #[test]
    fn what_cannot_be_lent_is_refused() {
        let tensor = from_slice(&[0.0; 6], &[2, 3], Device::Cpu).unwrap();
        assert!(lend::<f32>(&tensor.transpose(0, 1)).is_err());
        assert!(lend::<f32>(&tensor.to_kind(Kind::Double)).is_err());
        assert!(lend::<u16>(&tensor).is_err());
        assert!(from_slice(&[0.0; 6], &[2, 4], Device::Cpu).is_err());
    }
}
