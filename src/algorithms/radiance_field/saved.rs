//! A fitted radiance field: rendering it for cameras, and its density on a grid.

use super::checkpoint::{self, Snapshot, fault};
use super::networks::Networks;
use super::{Config, step};
use crate::algorithms::Rendering;
use crate::data::{Camera, Grid, Picture, Quantity, Volume, scale, sub};
use crate::error::Result;
use crate::progress::{self, StopSignal};
use crate::renderers::emission_absorption::composite;
use crate::renderers::emission_absorption::{Marcher, Occupancy, Ray, Seen};
use crate::tensors::{from_slice, to_vec, torch_error};
use tch::Device;

/// Upper limit of the raw density; larger values are clamped to it.
pub(super) const DENSEST: f64 = composite::DENSEST;
/// Number of points evaluated at once.
const POINTS: usize = 1 << 15;

/// A field with everything that rendering it needs.
pub(super) struct Scene<'a> {
    pub(super) config: &'a Config,
    pub(super) networks: &'a Networks,
    pub(super) grid: &'a Grid,
    pub(super) matter: &'a Occupancy,
    pub(super) opaque: bool,
    pub(super) device: Device,
}

impl Scene<'_> {
    /// Renders the picture of each camera.
    pub(super) fn views(&self, cameras: &[&Camera], stop: &dyn StopSignal) -> Result<Vec<Rendering>> {
        let task = progress::begin("render", Some(cameras.len() as u64));
        let mut views = Vec::with_capacity(cameras.len());
        for camera in cameras {
            views.push(self.view(camera, stop)?);
            progress::advance(views.len() as u64, &[]);
        }
        task.end();
        Ok(views)
    }

    fn view(&self, camera: &Camera, stop: &dyn StopSignal) -> Result<Rendering> {
        let march = Marcher::new(self.grid, self.config.samples);
        let [rows, columns] = camera.pixels;
        let ray = |n: usize| Ray {
            from: camera.position,
            direction: camera.direction(n / columns, n % columns),
            jitter: 0.5,
        };
        let rays: Vec<Ray> = (0..rows * columns).map(ray).collect();
        let mut seen = Vec::with_capacity(rays.len());
        for chunk in rays.chunks(self.config.chunk) {
            stop.check_stop()?;
            seen.extend(step::look(self.networks, &march, self.matter, chunk, self.device)?);
        }
        let picture = Picture::new(camera.pixels, seen.iter().map(|seen| self.pixel(seen)).collect())?;
        let depth = seen.iter().map(|seen| (seen.depth * march.unit_mm()) as f32).collect();
        Ok(Rendering { picture, depth })
    }

    /// Red, green, blue and opacity of a pixel, each 0 to 1.
    fn pixel(&self, seen: &Seen) -> [f32; 4] {
        let unit = |value: f64| value.clamp(0.0, 1.0) as f32;
        if self.opaque {
            let background = self.config.background;
            let [r, g, b] = [0, 1, 2].map(|k| unit(seen.color[k] + (1.0 - seen.opacity) * f64::from(background[k])));
            return [r, g, b, 1.0];
        }
        let share = if seen.opacity > 1e-6 { 1.0 / seen.opacity } else { 0.0 };
        let [r, g, b] = seen.color.map(|value| unit(value * share));
        [r, g, b, unit(seen.opacity)]
    }

    /// Density (1/mm) at the voxel centres of a grid; 0 outside the box and in empty cells of the occupancy grid.
    pub(super) fn volume(&self, grid: &Grid, stop: &dyn StopSignal) -> Result<Volume> {
        let unit = self.grid.half_extent();
        let [_, ny, nx] = grid.shape;
        let point = |n: usize| -> [f32; 3] {
            let index = [n / (ny * nx), n / nx % ny, n % nx].map(|i| i as f64);
            scale(sub(grid.point(index), self.grid.center()), 1.0 / unit).map(|x| x as f32)
        };
        let mut values = Vec::with_capacity(grid.voxels());
        for first in (0..grid.voxels()).step_by(POINTS) {
            stop.check_stop()?;
            let points: Vec<[f32; 3]> = (first..(first + POINTS).min(grid.voxels())).map(point).collect();
            let raw =
                self.networks.last().density(&from_slice(points.as_flattened(), &[points.len(), 3], self.device)?)?;
            let density = to_vec(&raw.f_clamp_max(DENSEST).and_then(|raw| raw.f_exp()).map_err(torch_error)?)?;
            let inside = |p: &[f32; 3]| p.iter().all(|x| x.abs() <= 1.0) && self.matter.holds(*p);
            let mm = |(density, point)| if inside(point) { density / unit as f32 } else { 0.0 };
            values.extend(density.into_iter().zip(&points).map(mm));
        }
        Volume::from_vec(grid.clone(), Quantity::Attenuation, values)
    }
}

/// A radiance field with its weights, read from a checkpoint.
pub struct Fitted {
    config: Config,
    networks: Networks,
    grid: Grid,
    matter: Occupancy,
    opaque: bool,
    device: Device,
}

impl Fitted {
    /// Reads the bytes of a checkpoint.
    ///
    /// # Errors
    /// Bytes that are not a checkpoint of a radiance field, or that have another format version.
    pub fn read(bytes: &[u8], device: Device) -> Result<Self> {
        let (config, grid, identity) = checkpoint::about(bytes)?;
        config.check_numbers().map_err(fault)?;
        let snapshot = Snapshot::decode(bytes, &identity)?;
        let networks = Networks::new(&config, 0, device)?;
        snapshot.restore(networks.parameters(), None)?;
        let matter = snapshot.matter(&config, Marcher::new(&grid, config.samples).step())?;
        Ok(Self { opaque: snapshot.opaque, config, networks, grid, matter, device })
    }

    /// Whether some bytes are the checkpoint of a radiance field.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        checkpoint::about(bytes).is_ok()
    }

    /// The grid on which the density was written; its box is that of the object.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Renders the picture of each camera.
    ///
    /// # Errors
    /// Lack of memory; a stop that was requested.
    pub fn views(&self, cameras: &[&Camera], stop: &dyn StopSignal) -> Result<Vec<Rendering>> {
        self.scene().views(cameras, stop)
    }

    /// Density (1/mm) at the voxel centres of a grid.
    ///
    /// # Errors
    /// Lack of memory; a stop that was requested.
    pub fn volume(&self, grid: &Grid, stop: &dyn StopSignal) -> Result<Volume> {
        self.scene().volume(grid, stop)
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            config: &self.config,
            networks: &self.networks,
            grid: &self.grid,
            matter: &self.matter,
            opaque: self.opaque,
            device: self.device,
        }
    }
}

impl std::fmt::Debug for Fitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fitted").field("grid", &self.grid).finish_non_exhaustive()
    }
}
