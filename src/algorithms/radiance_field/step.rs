//! One step: random rays, the samples along them, the rendered colours and the gradient of their error.

use super::Config;
use crate::data::Pictures;
use crate::error::Result;
use crate::fields::radiance::Radiance;
use crate::random::stream;
use crate::renderers::emission_absorption::{Batch, Marcher, Occupancy, Ray, Samples, Seen};
use crate::tensors::{from_slice, lend, torch_error};
use rand::RngExt;
use tch::{Device, Tensor};

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
    let points = from_slice(&samples.points, &[samples.depths.len(), 3], device)?;
    let directions: Vec<[f64; 3]> = rays.iter().map(|ray| ray.direction).collect();
    let numbers = Tensor::f_from_slice(&samples.rays).and_then(|t| t.f_to_device(device)).map_err(torch_error)?;
    let told = field.directions(&directions)?.f_index_select(0, &numbers).map_err(torch_error)?;
    Ok((points, told))
}

/// Renders some rays, without gradients.
pub(super) fn look(
    field: &Radiance,
    march: &Marcher<'_>,
    matter: &Occupancy,
    rays: &[Ray],
    device: Device,
) -> Result<Vec<Seen>> {
    let samples = march.samples(rays, matter);
    let batch = Batch { offsets: &samples.offsets, depths: &samples.depths, step: march.step() };
    if samples.depths.is_empty() {
        return Ok(batch.forward(&[]));
    }
    let (points, told) = tensors(field, rays, &samples, device)?;
    let raw = field.evaluate(&points, &told)?.f_to_device(Device::Cpu).and_then(|t| t.f_contiguous());
    Ok(batch.forward(lend(&raw.map_err(torch_error)?)?))
}

/// Adds the gradient of the contribution of `targets` to the mean squared error to the parameters' `.grad`, and returns
/// that contribution. `rays` is the number of rays of the whole step.
pub(super) fn accumulate(
    field: &Radiance,
    march: &Marcher<'_>,
    matter: &Occupancy,
    targets: &[Target],
    (rays, device): (usize, Device),
) -> Result<f64> {
    let own: Vec<Ray> = targets.iter().map(|target| target.ray).collect();
    let samples = march.samples(&own, matter);
    let batch = Batch { offsets: &samples.offsets, depths: &samples.depths, step: march.step() };
    let mut loss = 0.0;
    let mut judge = |seen: &[Seen]| -> Vec<([f64; 3], f64)> {
        let one = |(seen, target): (&Seen, &Target)| {
            let left = 1.0 - seen.opacity;
            let error: [f64; 3] =
                std::array::from_fn(|k| seen.color[k] + left * target.background[k] - target.color[k]);
            let share = 1.0 / (3 * rays) as f64;
            loss += share * error.iter().map(|e| e * e).sum::<f64>();
            let slope = error.map(|e| 2.0 * share * e);
            (slope, -(0..3).map(|k| slope[k] * target.background[k]).sum::<f64>())
        };
        seen.iter().zip(targets).map(one).collect()
    };
    if samples.depths.is_empty() {
        judge(&batch.forward(&[]));
        return Ok(loss);
    }
    let (points, told) = tensors(field, &own, &samples, device)?;
    field.accumulate(&points, &told, &mut |raw| {
        let raw = raw.f_to_device(Device::Cpu).and_then(|t| t.f_contiguous()).map_err(torch_error)?;
        let raw: &[f32] = lend(&raw)?;
        let slopes = judge(&batch.forward(raw));
        from_slice(&batch.backward(raw, &slopes), &[samples.depths.len(), 4], device)
    })?;
    Ok(loss)
}
