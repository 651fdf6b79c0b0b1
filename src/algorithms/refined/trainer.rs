//! Training of the network on pairs made beforehand; no projector is needed.
//!
//! The loss of a slice with start x, truth t and output o is mean (o − t)² / e + ½ mean |o − t| / √e, where e = mean (x
//! − t)² is the error of its start: the error is relative to that of the start. The optimizer is Adam with a cosine
//! schedule; the resulting weights are an exponential average. All randomness is keyed by the step, so that training
//! resumed from a state is bit-identical (on the CPU with the same number of threads).

use super::network::Network;
use super::pair::Pair;
use crate::algorithms::named_array::{self, NamedArray};
use crate::error::{Error, Result};
use crate::optimizers::adam::{self, Adam};
use crate::optimizers::{Optimizer, Schedule};
use crate::random::stream;
use crate::tensors::{from_slice, torch_error};
use rand::RngExt;
use tch::{Device, Kind, TchError, Tensor};

/// Number of warm-up steps, over which the learning rate rises linearly.
const RISE: u64 = 30;
/// Upper limit of the gradient's norm.
const CLIP: f64 = 1.0;
/// Decay of the exponential average of the weights after the first steps.
const DECAY: f64 = 0.99;
/// Value added to mean squared errors so that they are not 0, in units of mu_ref².
const FLOOR: f64 = 1e-6;
/// Slices whose standard deviation is below this, in units of mu_ref, are left out.
const FLAT: f64 = 0.01;

/// Settings of the training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Number of steps.
    pub steps: u64,
    /// Number of slices per step.
    pub batch: usize,
    /// Largest learning rate.
    pub rate: f64,
    /// Seed of the initial weights and of the random batches.
    pub seed: u64,
}

/// A training in progress.
pub struct Trainer {
    settings: Settings,
    network: Network,
    average: Vec<Tensor>,
    optimizer: Adam,
    step: u64,
    slices: Vec<[Tensor; 2]>,
}

type Torch<T> = std::result::Result<T, TchError>;

impl Trainer {
    /// A new training with random initial weights.
    ///
    /// # Errors
    /// Slices that are not square, differ in size, have a side that is not a multiple of 4, or are all flat; lack of
    /// memory.
    pub fn new(settings: Settings, pairs: &[Pair], device: Device) -> Result<Self> {
        let network = Network::new(settings.seed, device)?.trainable();
        let betas = [0.9, 0.999];
        let config = adam::Config { rate: settings.rate, betas, ..adam::Config::default() };
        let optimizer = Adam::new(config, network.parameters());
        let average = network.parameters().iter().map(|p| p.value.detach().copy()).collect();
        Ok(Self { settings, network, average, optimizer, step: 0, slices: slices(pairs, device)? })
    }

    /// [`Trainer::new`] on the CPU.
    ///
    /// # Errors
    /// As there.
    pub fn on_cpu(settings: Settings, pairs: &[Pair]) -> Result<Self> {
        Self::new(settings, pairs, Device::Cpu)
    }

    /// Number of steps taken.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Takes one step; returns the mean gain of its slices over their starts, dB.
    ///
    /// # Errors
    /// Lack of memory; a loss that is not a number.
    pub fn advance(&mut self) -> Result<f64> {
        let (truth, channels) = self.batch().map_err(torch_error)?;
        let start = channels.f_select(1, 0).map_err(torch_error)?;
        let found = start.f_add(&self.network.forward(&channels)?).map_err(torch_error)?;
        let (loss, gain) = loss(&truth, &start, &found).map_err(torch_error)?;
        loss.f_backward().map_err(torch_error)?;
        tch::no_grad(|| self.clip()).map_err(torch_error)?;
        let rate = self.settings.rate * Schedule::Cosine.factor(self.step, self.settings.steps);
        let rise = ((self.step + 1) as f64 / RISE as f64).min(1.0);
        self.optimizer.step(self.network.parameters(), rate * rise)?;
        self.step += 1;
        let decay = DECAY.min(self.step as f64 / (self.step as f64 + 10.0));
        tch::no_grad(|| {
            for (average, parameter) in self.average.iter_mut().zip(self.network.parameters()) {
                let _ = average.lerp_(&parameter.value, 1.0 - decay);
            }
        });
        if gain.is_finite() { Ok(gain) } else { Err(Error::resource("training", "the loss is not a number")) }
    }

    /// A random batch: truths `[b, h, w]` and channels `[b, 2, h, w]`, rotated and mirrored at random.
    fn batch(&self) -> Torch<(Tensor, Tensor)> {
        let mut random = stream(self.settings.seed, "refinement batch", self.step);
        let mut drawn = [Vec::new(), Vec::new()];
        for _ in 0..self.settings.batch {
            let [truth, channels] = &self.slices[random.random_range(0..self.slices.len())];
            let (turns, mirrored) = (random.random_range(0..4), random.random::<bool>());
            for (list, tensor) in drawn.iter_mut().zip([truth, channels]) {
                let turned = tensor.f_rot90(turns, [-2i64, -1].as_slice())?;
                list.push(if mirrored { turned.f_flip([-1i64].as_slice())? } else { turned });
            }
        }
        let [truths, channels] = drawn;
        Ok((Tensor::f_stack(&truths, 0)?, Tensor::f_stack(&channels, 0)?.f_contiguous()?))
    }

    fn clip(&self) -> Torch<()> {
        let mut square = 0.0;
        for parameter in self.network.parameters() {
            square += parameter.value.grad().f_square()?.f_sum(Kind::Double)?.f_double_value(&[])?;
        }
        let norm = square.sqrt();
        if norm > CLIP {
            for parameter in self.network.parameters() {
                let _ = parameter.value.grad().f_mul_scalar_(CLIP / norm)?;
            }
        }
        Ok(())
    }

    /// The network with the averaged weights.
    ///
    /// # Errors
    /// Memory.
    pub fn network(&self) -> Result<Network> {
        let arrays = self.network.parameters().iter().zip(&self.average);
        let arrays: Vec<NamedArray> =
            arrays.map(|(p, average)| NamedArray::new(p.name.clone(), average)).collect::<Result<_>>()?;
        let device = self.average.first().map_or(Device::Cpu, Tensor::device);
        Network::from_arrays(&arrays, device)
    }

    /// The state of the training as the bytes of a file, for [`Trainer::restore`]. `identity` identifies the training:
    /// its settings and data.
    ///
    /// # Errors
    /// Memory.
    pub fn state(&self, identity: &str) -> Result<Vec<u8>> {
        let mut arrays = self.network.arrays()?;
        for (parameter, average) in self.network.parameters().iter().zip(&self.average) {
            arrays.push(NamedArray::new(format!("average.{}", parameter.name), average)?);
        }
        for (name, tensor) in self.optimizer.state() {
            arrays.push(NamedArray::new(format!("optimizer.{name}"), &tensor)?);
        }
        let metadata = [("identity", identity.to_string()), ("step", self.step.to_string())];
        named_array::encode(&arrays, metadata.map(|(key, value)| (key.to_string(), value)).into())
            .map_err(|error| Error::input("training state", error))
    }

    /// Restores a state; returns `false` and changes nothing if its identity is another one.
    ///
    /// # Errors
    /// A damaged state.
    pub fn restore(&mut self, bytes: &[u8], identity: &str) -> Result<bool> {
        let fault = |problem: String| Error::input("training state", problem).hint("delete it to begin anew");
        let metadata = named_array::texts(bytes).map_err(|error| fault(error.to_string()))?;
        if metadata.get("identity").map(String::as_str) != Some(identity) {
            return Ok(false);
        }
        let arrays = named_array::decode(bytes).map_err(fault)?;
        let find = |name: &str| -> Option<Tensor> {
            let array = arrays.iter().find(|array| array.name == name)?;
            from_slice(&array.values, &array.shape, Device::Cpu).ok()
        };
        let put = |target: &Tensor, name: &str| -> Result<()> {
            let source = find(name).filter(|source| source.size() == target.size());
            let source = source.ok_or_else(|| fault(format!("lacks `{name}`")))?;
            tch::no_grad(|| target.shallow_clone().copy_(&source));
            Ok(())
        };
        for (parameter, average) in self.network.parameters().iter().zip(&self.average) {
            put(&parameter.value, &parameter.name)?;
            put(average, &format!("average.{}", parameter.name))?;
        }
        self.optimizer.restore(&|name| find(&format!("optimizer.{name}")))?;
        let step = metadata.get("step").and_then(|step| step.parse().ok());
        self.step = step.ok_or_else(|| fault("lacks its step".to_string()))?;
        Ok(true)
    }
}

/// All slices of the pairs that are not flat, each as truth `[h, w]` and channels `[2, h, w]`.
fn slices(pairs: &[Pair], device: Device) -> Result<Vec<[Tensor; 2]>> {
    let fault = |problem: String| Error::input("pairs", problem);
    let mut all = Vec::new();
    for pair in pairs {
        let [depth, height, width] = pair.shape;
        let first = pairs[0].shape;
        if height != width || height % 4 != 0 || [height, width] != [first[1], first[2]] {
            let problem = format!("expected square slices of one size, a multiple of 4, got {:?}", pair.shape);
            return Err(fault(problem));
        }
        let count = height * width;
        for slice in (0..depth).map(|z| z * count..(z + 1) * count) {
            let values = &pair.truth[slice.clone()];
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count as f64;
            let spread = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count as f64;
            if spread.sqrt() < FLAT {
                continue;
            }
            let truth = from_slice(values, &[height, width], device)?;
            let channels = [&pair.start[slice.clone()], &pair.residual[slice]].concat();
            all.push([truth, from_slice(&channels, &[2, height, width], device)?]);
        }
    }
    if all.is_empty() { Err(fault("expected slices to learn from, all are constant".to_string())) } else { Ok(all) }
}

/// The loss, and the mean gain over the start, dB.
fn loss(truth: &Tensor, start: &Tensor, found: &Tensor) -> Torch<(Tensor, f64)> {
    let mean = |t: Tensor| t.f_mean_dim([1i64, 2].as_slice(), true, None);
    let before = mean(start.f_sub(truth)?.f_square()?)?.f_add_scalar(FLOOR)?;
    let error = found.f_sub(truth)?;
    let squares = mean(error.f_square()?)?;
    let gain = (&before / squares.detach().f_add_scalar(FLOOR)?).f_log10()?.f_mean(Kind::Float)?;
    let relative = squares.f_div(&before)?.f_mean(Kind::Float)?;
    let absolute = error.f_abs()?.f_div(&before.f_sqrt()?)?.f_mean(Kind::Float)?;
    Ok((relative.f_add(&absolute.f_mul_scalar(0.5)?)?, 10.0 * gain.f_double_value(&[])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Truths of blocks, starts that lack a part of what the residual holds.
    fn pairs() -> Vec<Pair> {
        let truth: Vec<f32> =
            (0..2 * 256).map(|i| if (i / 16 / 4 + i % 16 / 4) % 2 == 0 { 0.4 } else { 0.1 }).collect();
        let residual: Vec<f32> = (0..2 * 256).map(|i| 0.05 * ((i % 7) as f32 - 3.0)).collect();
        let start = truth.iter().zip(&residual).map(|(t, r)| t - 0.8 * r).collect();
        vec![Pair { shape: [2, 16, 16], truth, start, residual }]
    }

    const SETTINGS: Settings = Settings { steps: 40, batch: 4, rate: 2e-3, seed: 9 };

    fn trained(trainer: &mut Trainer, until: u64) -> f64 {
        let mut gain = 0.0;
        while trainer.step() < until {
            gain = trainer.advance().unwrap();
        }
        gain
    }

    #[test]
    fn training_gains_repeats_its_bits_and_goes_on_from_a_state() {
        tch::set_num_threads(1);
        let new = || Trainer::new(SETTINGS, &pairs(), Device::Cpu).unwrap();
        let (mut first, mut second) = (new(), new());
        assert!(trained(&mut first, 40) > 3.0);
        trained(&mut second, 17);
        let state = second.state("a").unwrap();
        let mut third = new();
        assert!(!third.restore(&state, "b").unwrap() && third.step() == 0);
        assert!(third.restore(&state, "a").unwrap() && third.step() == 17);
        trained(&mut third, 40);
        let arrays = |trainer: &Trainer| trainer.network().unwrap().arrays().unwrap();
        assert_eq!(arrays(&first), arrays(&third));
        assert!(third.restore(&state[..state.len() / 2], "a").is_err());
    }

    #[test]
    fn pairs_that_teach_nothing_are_refused() {
        let flat = Pair { truth: vec![0.4; 512], ..pairs().remove(0) };
        assert!(Trainer::new(SETTINGS, &[flat], Device::Cpu).is_err());
        let oblong = Pair { shape: [4, 8, 16], ..pairs().remove(0) };
        assert!(Trainer::new(SETTINGS, &[oblong], Device::Cpu).is_err());
        let pair = pairs().remove(0);
        assert_eq!(Pair::read(&pair.write("about").unwrap()).unwrap(), (pair, "about".to_string()));
    }
}
