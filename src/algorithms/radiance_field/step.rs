//! One step: random rays, the samples along them, the rendered colours and the gradient of their error.

use super::Config;
use super::networks::Networks;
use crate::data::Pictures;
use crate::error::Result;
use crate::fields::radiance::Radiance;
use crate::random::stream;
use crate::renderers::emission_absorption::{Marcher, Occupancy, Ray, Samples, Seen};
use crate::tensors::{from_slice, lend, torch_error};
use rand::RngExt;
use tch::{Device, Kind, Tensor};

/// A ray and the colour that the field should render for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    ray: Ray,
    /// Colour of the picture composited over the background.
    color: [f64; 3],
    background: [f64; 3],
}

/// Draws the rays of a step: pixels of all training pictures, each with the same probability.
pub(super) fn draw(data: &Pictures, opaque: bool, config: &Config, seed: u64, step: u64) -> Vec<Target> {
    let mut random = stream(seed, "radiance field rays", step);
    let [rows, columns] = data.pixels();
    let one = |_| {
        let shot = &data.training[random.random_range(0..data.training.len())];
        let (row, column) = (random.random_range(0..rows), random.random_range(0..columns));
        let jitter = random.random_range(0.0..1.0);
        let drawn: [f64; 3] = std::array::from_fn(|_| random.random_range(0.0..1.0));
        let background = if opaque { config.background.map(f64::from) } else { drawn };
        let pixel = shot.picture.rgba[row * columns + column].map(f64::from);
        let color = std::array::from_fn(|k| pixel[k] * pixel[3] + background[k] * (1.0 - pixel[3]));
        let ray = Ray { from: shot.camera.position, direction: shot.camera.direction(row, column), jitter };
        Target { ray, color, background }
    };
    (0..config.rays).map(one).collect()
}

/// Samples as tensors on a device: points `[n, 3]` and the encoded directions of their rays `[n, width]`.
pub(super) fn tensors(field: &Radiance, rays: &[Ray], samples: &Samples, device: Device) -> Result<(Tensor, Tensor)> {
    let points = from_slice(&samples.points, &[samples.count(), 3], device)?;
    let directions: Vec<[f64; 3]> = rays.iter().map(|ray| ray.direction).collect();
    let numbers = Tensor::f_from_slice(&samples.rays).and_then(|t| t.f_to_device(device)).map_err(torch_error)?;
    let told = field.directions(&directions)?.f_index_select(0, &numbers).map_err(torch_error)?;
    Ok((points, told))
}

/// The raw values of no samples.
fn nothing() -> Tensor {
    Tensor::zeros([0, 4], (Kind::Float, Device::Cpu))
}

/// Raw values `[samples, 4]` of a field at samples, without gradients.
fn raw(field: &Radiance, rays: &[Ray], samples: &Samples, device: Device) -> Result<Tensor> {
    if samples.count() == 0 {
        return Ok(nothing());
    }
    let (points, told) = tensors(field, rays, samples, device)?;
    field.evaluate(&points, &told)?.f_to_device(Device::Cpu).and_then(|t| t.f_contiguous()).map_err(torch_error)
}

/// Renders some rays, without gradients.
pub(super) fn look(
    networks: &Networks,
    march: &Marcher<'_>,
    matter: &Occupancy,
    rays: &[Ray],
    device: Device,
) -> Result<Vec<Seen>> {
    let first = march.samples(rays, matter);
    let found = raw(&networks.coarse, rays, &first, device)?;
    let Some((field, fine)) = &networks.fine else { return Ok(first.batch().forward(lend(&found)?)) };
    let samples = march.finer(rays, &first, &first.batch().weights(lend(&found)?), fine.samples);
    Ok(samples.batch().forward(lend(&raw(field, rays, &samples, device)?)?))
}

/// Adds the gradient of the contribution of `targets` to the mean squared error to the parameters' `.grad`, and returns
/// that contribution; with two networks the contribution of the fine one, although the coarse one learns from its own
/// error too. `rays` is the number of rays of the whole step.
pub(super) fn accumulate(
    networks: &Networks,
    march: &Marcher<'_>,
    matter: &Occupancy,
    targets: &[Target],
    (rays, device): (usize, Device),
) -> Result<f64> {
    let own: Vec<Ray> = targets.iter().map(|target| target.ray).collect();
    let first = march.samples(&own, matter);
    let mut judge = Judge { targets, share: 1.0 / (3 * rays) as f64, loss: 0.0 };
    let raw = judge.learn(&networks.coarse, &own, &first, device)?;
    if let Some((field, fine)) = &networks.fine {
        judge.loss = 0.0;
        let weights = first.batch().weights(lend(&raw)?);
        drop(judge.learn(field, &own, &march.finer(&own, &first, &weights, fine.samples), device)?);
    }
    Ok(judge.loss)
}

/// Compares rendered rays with their targets.
struct Judge<'a> {
    targets: &'a [Target],
    /// Factor on each squared difference in the mean squared error of the step.
    share: f64,
    /// Contribution to that error.
    loss: f64,
}

impl Judge<'_> {
    /// Adds the gradient of a field's error to its parameters' `.grad`; returns its raw values `[samples, 4]`.
    fn learn(&mut self, field: &Radiance, rays: &[Ray], samples: &Samples, device: Device) -> Result<Tensor> {
        let batch = samples.batch();
        let mut found = nothing();
        if samples.count() == 0 {
            self.slopes(&batch.forward(&[]));
            return Ok(found);
        }
        let (points, told) = tensors(field, rays, samples, device)?;
        field.accumulate(&points, &told, &mut |raw| {
            found = raw.f_to_device(Device::Cpu).and_then(|t| t.f_contiguous()).map_err(torch_error)?;
            let raw = lend(&found)?;
            let slopes = self.slopes(&batch.forward(raw));
            from_slice(&batch.backward(raw, &slopes), &[samples.count(), 4], device)
        })?;
        Ok(found)
    }

    /// Adds the squared differences of rendered rays to the loss; returns its gradient with respect to the colour and
    /// opacity of each ray.
    fn slopes(&mut self, seen: &[Seen]) -> Vec<([f64; 3], f64)> {
        let one = |(seen, target): (&Seen, &Target)| {
            let left = 1.0 - seen.opacity;
            let error: [f64; 3] =
                std::array::from_fn(|k| seen.color[k] + left * target.background[k] - target.color[k]);
            self.loss += self.share * error.iter().map(|e| e * e).sum::<f64>();
            let slope = error.map(|e| 2.0 * self.share * e);
            (slope, -(0..3).map(|k| slope[k] * target.background[k]).sum::<f64>())
        };
        seen.iter().zip(self.targets).map(one).collect()
    }
}
