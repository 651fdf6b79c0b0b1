//! The network of the refinement: a U-Net with residual blocks on three levels of 16, 32 and 64 channels. It has 140
//! 720 weights and no biases. With rectifiers as the only nonlinearity and no biases, f(a c) = a f(c) for a ≥ 0:
//! scaling the data scales the result (S. Mohan et al., "Robust and interpretable blind image denoising via bias-free
//! convolutional neural networks", ICLR 2020; U-Net: O. Ronneberger et al., MICCAI 2015).
//!
//! Its input are slices `[n, 2, height, width]`: the volume x and the filtered backprojection of its residual, both in
//! units of mu_ref. Its output is the correction of x, `[n, height, width]`.

use crate::algorithms::named_array::NamedArray;
use crate::error::{Error, Result};
use crate::fields::{Parameter, Role};
use crate::random::stream;
use crate::tensors::torch_error;
use rand::RngExt;
use std::cell::RefCell;
use tch::{Device, TchError, Tensor};

/// Number of channels on each level.
const CHANNELS: [i64; 3] = [16, 32, 64];
/// Height and width must be multiples of this, because they are halved twice.
const MULTIPLE: i64 = 4;
/// Number of pixels that pass through the network at once, which bounds its memory to about 200 MB.
const CHUNK: i64 = 1 << 18;

type Torch<T> = std::result::Result<T, TchError>;

/// The network with its weights.
#[derive(Debug)]
pub struct Network {
    parameters: Vec<Parameter>,
}

/// Name and shape of every weight, in the order in which the network uses them.
fn layout() -> Vec<(String, Vec<i64>)> {
    let [a, b, c] = CHANNELS;
    let mut all = vec![("head".to_string(), vec![a, 2, 3, 3])];
    let block = |name: &str, n: i64| ["a", "b"].map(|part| (format!("{name}.{part}"), vec![n, n, 3, 3]));
    all.extend(block("encoder0", a));
    all.push(("down0".into(), vec![b, a, 2, 2]));
    all.extend(block("encoder1", b));
    all.push(("down1".into(), vec![c, b, 2, 2]));
    all.extend(block("middle", c));
    all.push(("up1".into(), vec![c, b, 2, 2]));
    all.extend(block("decoder1", b));
    all.push(("up0".into(), vec![b, a, 2, 2]));
    all.extend(block("decoder0", a));
    all.push(("tail".into(), vec![1, a, 3, 3]));
    all
}

impl Network {
    /// Untrained weights, uniform within ±1/√(number of inputs of a unit); those of the last layer are 0, so that the
    /// correction is 0.
    ///
    /// # Errors
    /// Memory.
    pub fn new(seed: u64, device: Device) -> Result<Self> {
        let one = |(i, (name, shape)): (usize, (String, Vec<i64>))| {
            let count = shape.iter().product::<i64>() as usize;
            let bound = 1.0 / ((shape[1] * shape[2] * shape[3]) as f32).sqrt();
            let mut random = stream(seed, "refinement weights", i as u64);
            let bound = if name == "tail" { 0.0 } else { bound };
            let values: Vec<f32> = (0..count).map(|_| bound * (2.0 * random.random::<f32>() - 1.0)).collect();
            Self::parameter(name, &values, &shape, device)
        };
        Ok(Self { parameters: layout().into_iter().enumerate().map(one).collect::<Result<_>>()? })
    }

    /// The network with stored weights, whose names and shapes must match exactly.
    ///
    /// # Errors
    /// [`Error::Input`]: a tensor that is missing, unknown, of another shape or not finite.
    pub(super) fn from_arrays(arrays: &[NamedArray], device: Device) -> Result<Self> {
        let fault = |problem: String| Error::input("weights", problem);
        let layout = layout();
        if arrays.len() != layout.len() {
            return Err(fault(format!("expected {} tensors, got {}", layout.len(), arrays.len())));
        }
        let one = |(name, shape): (String, Vec<i64>)| {
            let found = arrays.iter().find(|array| array.name == name);
            let found = found.ok_or_else(|| fault(format!("lacks the tensor `{name}`")))?;
            let its: Vec<i64> = found.shape.iter().map(|&n| n as i64).collect();
            if its != shape {
                return Err(fault(format!("`{name}`: expected shape {shape:?}, got {its:?}")));
            }
            if found.values.iter().any(|value| !value.is_finite()) {
                return Err(fault(format!("`{name}` holds values that are not finite")));
            }
            Self::parameter(name, &found.values, &shape, device)
        };
        Ok(Self { parameters: layout.into_iter().map(one).collect::<Result<_>>()? })
    }

    fn parameter(name: String, values: &[f32], shape: &[i64], device: Device) -> Result<Parameter> {
        let value = Tensor::f_from_slice(values).and_then(|t| t.f_reshape(shape)?.f_to_device(device));
        Ok(Parameter { name, value: value.map_err(torch_error)?, role: Role::Other })
    }

    /// The weights, in a fixed order.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The network with copies of its weights that accumulate gradients, for training.
    pub(super) fn trainable(mut self) -> Self {
        for parameter in &mut self.parameters {
            parameter.value = parameter.value.detach().copy().set_requires_grad(true);
        }
        self
    }

    /// The correction `[n, height, width]` of slices `[n, 2, height, width]` whose height and width are multiples of 4,
    /// with gradients.
    ///
    /// # Errors
    /// Memory.
    pub(super) fn forward(&self, slices: &Tensor) -> Result<Tensor> {
        self.pass(slices).map_err(torch_error)
    }

    fn pass(&self, slices: &Tensor) -> Torch<Tensor> {
        let next = RefCell::new(self.parameters.iter());
        // The layout and this function name the same layers in the same order, so the iterator never ends early.
        let weight = || {
            let parameter = next.borrow_mut().next();
            parameter.map(|parameter| &parameter.value).ok_or_else(|| TchError::Shape("too few weights".into()))
        };
        let convolve = |x: &Tensor| {
            x.f_conv2d(weight()?, None::<&Tensor>, [1i64, 1].as_slice(), [1i64, 1].as_slice(), [1i64, 1].as_slice(), 1)
        };
        let block = |x: &Tensor| -> Torch<Tensor> { x.f_add(&convolve(&convolve(x)?.f_relu_()?)?) };
        let down = |x: &Tensor| {
            x.f_conv2d(weight()?, None::<&Tensor>, [2i64, 2].as_slice(), [0i64, 0].as_slice(), [1i64, 1].as_slice(), 1)
        };
        let up = |x: &Tensor| {
            let (two, none, one) = ([2i64, 2], [0i64, 0], [1i64, 1]);
            x.f_conv_transpose2d(
                weight()?,
                None::<&Tensor>,
                two.as_slice(),
                none.as_slice(),
                none.as_slice(),
                1,
                one.as_slice(),
            )
        };
        let fine = block(&convolve(slices)?)?;
        let half = block(&down(&fine)?)?;
        let quarter = block(&down(&half)?)?;
        let half = block(&half.f_add(&up(&quarter)?)?)?;
        let fine = block(&fine.f_add(&up(&half)?)?)?;
        convolve(&fine)?.f_squeeze_dim(1)
    }

    /// The correction `[n, height, width]` of slices `[n, 2, height, width]` of any size, without gradients, computed
    /// in chunks. Slices are padded by repeating their borders up to a multiple of 4.
    ///
    /// # Errors
    /// Memory.
    pub fn correct(&self, slices: &Tensor) -> Result<Tensor> {
        tch::no_grad(|| self.chunked(slices)).map_err(torch_error)
    }

    fn chunked(&self, slices: &Tensor) -> Torch<Tensor> {
        let [count, _, height, width] = slices.size()[..] else {
            return Err(TchError::Shape("expected slices [n, 2, height, width]".into()));
        };
        let missing = |n: i64| (MULTIPLE - n % MULTIPLE) % MULTIPLE;
        let at_once = (CHUNK / (height * width).max(1)).max(1);
        let mut parts = Vec::new();
        for first in (0..count).step_by(at_once as usize) {
            let part = slices.f_narrow(0, first, at_once.min(count - first))?;
            let padded = part.f_replication_pad2d([0, missing(width), 0, missing(height)])?;
            parts.push(self.pass(&padded)?.f_narrow(1, 0, height)?.f_narrow(2, 0, width)?);
        }
        Tensor::f_cat(&parts, 0)
    }

    /// The weights as plain values.
    ///
    /// # Errors
    /// Memory.
    pub(super) fn arrays(&self) -> Result<Vec<NamedArray>> {
        self.parameters.iter().map(|p| NamedArray::new(p.name.clone(), &p.value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::norm;
    use tch::Kind;

    /// Weights whose tail is not 0.
    fn awake() -> Network {
        let mut network = Network::new(3, Device::Cpu).unwrap();
        let tail = network.parameters.last_mut().unwrap();
        tail.value = Tensor::ones_like(&tail.value) * 0.1;
        network
    }

    #[test]
    fn it_is_as_large_as_it_says_and_has_no_bias() {
        let network = Network::new(0, Device::Cpu).unwrap();
        let weights: usize = network.parameters().iter().map(|p| p.value.numel()).sum();
        assert_eq!(weights, 140_720);
        assert!(network.parameters().iter().all(|p| p.value.dim() == 4));
    }

    #[test]
    fn scaling_its_input_scales_its_output() {
        let (network, slices) = (awake(), Tensor::rand([3, 2, 21, 30], (Kind::Float, Device::Cpu)));
        let (once, many) = (network.correct(&slices).unwrap(), network.correct(&(&slices * 50.0)).unwrap());
        assert!(norm(&once).unwrap() > 0.0);
        let apart = norm(&(&once * 50.0 - &many)).unwrap() / norm(&many).unwrap();
        assert!(apart < 1e-5, "{apart}");
        assert_eq!(network.correct(&slices.zeros_like()).unwrap().abs().max().double_value(&[]), 0.0);
    }

    #[test]
    fn untrained_it_corrects_nothing() {
        let slices = Tensor::rand([1, 2, 8, 8], (Kind::Float, Device::Cpu));
        let correction = Network::new(1, Device::Cpu).unwrap().correct(&slices).unwrap();
        assert_eq!((correction.size(), correction.abs().max().double_value(&[])), (vec![1, 8, 8], 0.0));
    }
}
