//! Volume rendering by ray casting: emission and absorption along the ray of every pixel, with colours from a transfer
//! function and shading by the gradient. C = Σ Tᵢ (1 − exp(−σᵢ δ)) cᵢ, Tᵢ = exp(−Σ_{j<i} σⱼ δ). Rays are distributed
//! over the threads, and each pixel is independent of the others.

use super::transfer::Table;
use super::{Config, Light};
use crate::data::{Camera, Picture, Point, Volume, add, dot, norm, normalized, scale};
use crate::error::Result;
use rayon::prelude::*;

/// Transmittance below which a ray ends and its pixel counts as opaque.
const DARK: f32 = 1e-3;
/// Gradient (HU per mm) from which a point is shaded as part of a surface; points below it get uniform light.
const SURFACE: f64 = 2.0;
/// Step length of a shadow ray, in steps of the viewing ray.
const SHADOW_STEP: f64 = 4.0;

/// A volume prepared for rendering.
pub struct Caster<'a> {
    volume: &'a Volume,
    table: Table,
    light: Option<&'a Light>,
    /// Distance between samples, mm.
    step: f64,
    /// Change of the index [z, y, x] per mm along x, y and z of the world.
    rows: [Point; 3],
}

impl<'a> Caster<'a> {
    /// Prepares a volume (HU) for rendering with an appearance.
    #[must_use]
    pub fn new(volume: &'a Volume, config: &'a Config) -> Self {
        let grid = &volume.grid;
        let finest = grid.spacing.iter().copied().fold(f64::INFINITY, f64::min);
        Self {
            volume,
            table: config.transfer.table(),
            light: config.light.as_ref(),
            step: finest * config.step,
            rows: std::array::from_fn(|k| scale(grid.axes[k], 1.0 / grid.spacing[k])),
        }
    }

    /// Renders the picture that a camera takes.
    ///
    /// # Errors
    /// Never, for a volume of finite values.
    pub fn picture(&self, camera: &Camera) -> Result<Picture> {
        let [rows, columns] = camera.pixels;
        let pixels = (0..rows * columns).into_par_iter();
        let rgba = pixels.map(|n| self.pixel(camera.position, camera.direction(n / columns, n % columns)));
        Picture::new(camera.pixels, rgba.collect())
    }

    /// Colour (red, green, blue, 0 to 1, not multiplied by the opacity) and opacity along a ray.
    fn pixel(&self, from: Point, ray: Point) -> [f32; 4] {
        let Some([near, far]) = self.volume.grid.crossing(from, ray) else { return [0.0; 4] };
        let (start, along) = self.indices(from, ray);
        let (mut color, mut left) = ([0f32; 3], 1f32);
        let steps = ((far - near) / self.step).ceil() as usize;
        for i in 0..steps {
            let t = near + (i as f64 + 0.5) * self.step;
            let index: [f64; 3] = std::array::from_fn(|k| start[k] + t * along[k]);
            let [r, g, b, density] = self.table.at(self.value(index));
            if density <= 0.0 || t > far {
                continue;
            }
            let opacity = 1.0 - (-density * self.step as f32).exp();
            let seen = self.lit([r, g, b], index, add(from, scale(ray, t)), ray);
            (0..3).for_each(|k| color[k] += left * opacity * seen[k]);
            left *= 1.0 - opacity;
            if left < DARK {
                left = 0.0;
                break;
            }
        }
        let opacity = 1.0 - left;
        let total = color.map(|c| if opacity > 0.0 { (c / opacity).clamp(0.0, 1.0) } else { 0.0 });
        [total[0], total[1], total[2], opacity]
    }

    fn lit(&self, color: [f32; 3], index: [f64; 3], point: Point, ray: Point) -> [f32; 3] {
        let Some(light) = self.light else { return color };
        let slope = self.slope(index);
        if norm(slope) < SURFACE {
            return color.map(|c| c * (light.ambient + light.diffuse).min(1.0) as f32);
        }
        let arriving = if light.shadows { self.arriving(point, light.towards(ray)) } else { 1.0 };
        light.shade(color, normalized(slope), ray, arriving)
    }

    /// Fraction of the light, 0 to 1, that reaches a point from a direction.
    fn arriving(&self, point: Point, towards: Point) -> f64 {
        let Some([_, far]) = self.volume.grid.crossing(point, towards) else { return 1.0 };
        let (start, along) = self.indices(point, towards);
        let step = self.step * SHADOW_STEP;
        // The first step is skipped, so that the surface does not shadow itself.
        let steps = (far / step).ceil() as usize;
        let at = |t: f64| f64::from(self.table.at(self.value(std::array::from_fn(|k| start[k] + t * along[k])))[3]);
        let depth: f64 = (1..steps).map(|i| at((i as f64 + 0.5) * step) * step).sum();
        (-depth).exp()
    }

    /// Index [z, y, x] of a point, and its change per mm along a ray.
    fn indices(&self, from: Point, ray: Point) -> ([f64; 3], [f64; 3]) {
        (self.volume.grid.index(from), self.rows.map(|row| dot(row, ray)))
    }

    /// Value (HU) at an index [z, y, x] by trilinear interpolation; constant beyond the outermost voxel centres.
    fn value(&self, index: [f64; 3]) -> f32 {
        let shape = self.volume.grid.shape;
        let (mut low, mut part, mut next) = ([0usize; 3], [0f32; 3], [0usize; 3]);
        let strides = [shape[1] * shape[2], shape[2], 1];
        for k in 0..3 {
            let last = shape[k] - 1;
            let at = (index[k] as f32).clamp(0.0, last as f32);
            low[k] = (at as usize).min(last.saturating_sub(1));
            part[k] = at - low[k] as f32;
            next[k] = if last > 0 { strides[k] } else { 0 };
        }
        let values = self.volume.as_slice();
        let first = low[0] * strides[0] + low[1] * strides[1] + low[2];
        let along = |n: usize| values[n] + part[2] * (values[n + next[2]] - values[n]);
        let across = |n: usize| along(n) + part[1] * (along(n + next[1]) - along(n));
        across(first) + part[0] * (across(first + next[0]) - across(first))
    }

    /// Gradient of the values in world coordinates (x, y, z), HU per mm, by central differences over ± one voxel.
    fn slope(&self, index: [f64; 3]) -> Point {
        let mut slope = [0.0; 3];
        for k in 0..3 {
            let moved = |by: f64| self.value(std::array::from_fn(|j| index[j] + if j == k { by } else { 0.0 }));
            slope = add(slope, scale(self.rows[k], f64::from(moved(1.0) - moved(-1.0)) / 2.0));
        }
        slope
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appearance::{Stop, Transfer};
    use crate::data::{Grid, Quantity};

    fn ball(n: usize) -> Volume {
        let grid = Grid::centered([n, n, n], [100.0 / n as f64; 3], [0.0; 3]).unwrap();
        let inside = |i: usize| {
            let index = [i / (n * n), i / n % n, i % n].map(|k| k as f64);
            if norm(grid.point(index)) < 30.0 { 500.0 } else { -1000.0 }
        };
        let values = (0..n * n * n).map(inside).collect();
        Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap()
    }

    /// Density 0.02 per mm from 0 HU on.
    fn even(light: Option<Light>) -> Config {
        let stop = |hu, density_per_mm| Stop { hu, color: [1.0, 0.5, 0.25], density_per_mm };
        Config { transfer: Transfer::Points(vec![stop(-1.0, 0.0), stop(0.0, 0.02)]), light, ..Config::default() }
    }

    #[test]
    fn a_ball_absorbs_by_its_chord() {
        let (volume, config) = (ball(80), even(None));
        let camera = Camera::looking_at([0.0, -200.0, 0.0], [0.0; 3], 0.5, [41, 41]).unwrap();
        let picture = Caster::new(&volume, &config).picture(&camera).unwrap();
        let middle = picture.rgba[20 * 41 + 20];
        assert!((f64::from(middle[3]) - (1.0 - (-0.02 * 60.0f64).exp())).abs() < 0.01, "{middle:?}");
        assert!((middle[1] - 0.5).abs() < 1e-5 && picture.rgba[0] == [0.0; 4]);
    }

    #[test]
    fn a_picture_does_not_depend_on_threads_and_light_shades_it() {
        let (volume, config) =
            (ball(32), even(Some(Light { direction: Some([0.0, 0.0, 1.0]), shadows: true, ..Light::default() })));
        let camera = Camera::looking_at([150.0, -200.0, 20.0], [0.0; 3], 0.5, [24, 24]).unwrap();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Caster::new(&volume, &config).picture(&camera).unwrap())
        };
        assert_eq!(on(1), on(3));
        let red = |row: usize| on(1).rgba[row * 24 + 12][0];
        assert!(red(7) > red(17) + 0.1, "the upper side is brighter: {} {}", red(7), red(17));
    }
}
