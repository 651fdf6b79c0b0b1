//! Volumes from which random objects are cut for training, with their origin.

use super::recipe::Named;
use crate::algorithms::refined::Provenance;
use crate::data::{Grid, MU_WATER_PER_MM, Quantity, Volume};
use crate::error::{Error, Result};
use crate::input_path;
use crate::progress;
use crate::stages::flow::Content;
use crate::stages::load::Load;
use crate::yaml;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Voxel size of a start divided by that of the scanned object: the object is 1.5 times finer than the lattice of its
/// reconstruction, which avoids an inverse crime.
const FINER: usize = 3;
/// Smallest fraction of an object's voxels that must contain material.
const FILLED: f64 = 0.15;
/// Number of attempts to draw an object that is not mostly air.
const TRIES: usize = 40;
/// Radius of the cylinder outside which an object is set to 0, relative to half its width.
const RADIUS: f64 = 0.98;
/// Number of slices from which a volume is also cut along its other axes.
const THICK: usize = 100;

/// A volume, attenuation in 1/mm.
pub(super) struct Source {
    pub(super) provenance: Provenance,
    volume: Volume,
}

/// An object to scan: its attenuation (1/mm) on fine voxels, and the shape of the grid that it is reconstructed on.
pub(super) struct Object {
    pub(super) fine: Volume,
    pub(super) shape: [usize; 3],
}

impl Source {
    /// Reads the volume; its paths are relative to the folder `data`.
    pub(super) fn read(named: &Named, data: &Path) -> Result<Self> {
        let rebased = input_path::rewritten(&named.load, |path| data.join(path))?;
        let (content, warnings) = Load { config: yaml::from_value(&rebased)? }.content()?;
        for warning in &warnings {
            progress::warn(&warning.code, &format!("{}: {}", named.name, warning.message));
        }
        let Content::Voxels(volume, _) = content else {
            return Err(Error::config("train", format!("`{}` is a phantom, expected a volume", named.name)));
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{:?}", volume.grid.shape).as_bytes());
        for value in volume.as_slice() {
            hasher.update(&value.to_le_bytes());
        }
        let Named { name, licence, credit, .. } = named.clone();
        let hash = hasher.finalize().to_hex().to_string();
        Ok(Self { provenance: Provenance { name, licence, credit, hash }, volume })
    }

    /// A random part of the volume within a cylinder: cut along a random axis, rotated by quarter turns and mirrored.
    /// `None` if all attempts were mostly air.
    pub(super) fn object(&self, shape: [usize; 3], width: [f64; 2], random: &mut ChaCha8Rng) -> Result<Option<Object>> {
        for _ in 0..TRIES {
            let drawn = self.draw(shape, width, random)?;
            let water = |&&mu: &&f32| f64::from(mu) > 0.3 * MU_WATER_PER_MM;
            let filled = drawn.fine.as_slice().iter().filter(water).count();
            if filled as f64 >= FILLED * drawn.fine.as_slice().len() as f64 {
                return Ok(Some(drawn));
            }
        }
        Ok(None)
    }

    fn draw(&self, shape: [usize; 3], width: [f64; 2], random: &mut ChaCha8Rng) -> Result<Object> {
        let Grid { shape: voxels, spacing, .. } = self.volume.grid;
        let across = if shape[0] == 1 && voxels[0] >= THICK && random.random::<f64>() < 0.25 {
            1 + random.random_range(0..2)
        } else {
            0
        };
        let axes = [across, usize::from(across == 0), if across == 2 { 1 } else { 2 }];
        let extent = axes.map(|k| voxels[k] as f64 * spacing[k]);
        let side = extent[1].min(extent[2]) * (width[0] + (width[1] - width[0]) * random.random::<f64>());
        let step = side / (shape[1] * FINER) as f64;
        // As many slices as the volume allows.
        let depth = if shape[0] == 1 { 1 } else { ((extent[0] / side * shape[1] as f64) as usize).clamp(1, shape[0]) };
        let fine = if depth == 1 {
            [1, shape[1] * FINER, shape[2] * FINER]
        } else {
            [depth, shape[1], shape[2]].map(|n| n * FINER)
        };
        let mut first = [0.0; 3];
        for (i, first) in first.iter_mut().enumerate() {
            let length = if i == 0 && depth == 1 { 0.0 } else { fine[i] as f64 * step };
            *first = (extent[i] - length).max(0.0) * random.random::<f64>();
        }
        if depth == 1 {
            // Not at the ends of the volume, which are often empty.
            first[0] = extent[0] * (0.05 + 0.9 * random.random::<f64>());
        }
        let (turned, mirrored) = (random.random_range(0..4), random.random::<bool>());
        let at = |index: [usize; 3]| {
            let [y, x] = turn([index[1], index[2]], fine[1], turned, mirrored);
            let mut place = [0.0; 3];
            for (i, j) in [index[0], y, x].into_iter().enumerate() {
                let offset = if i == 0 && depth == 1 { 0.0 } else { (j as f64 + 0.5) * step };
                place[axes[i]] = (first[i] + offset) / spacing[axes[i]] - 0.5;
            }
            place
        };
        let values = sample(&self.volume, fine, at);
        let spacing = [step; 3];
        let grid = Grid::centered(fine, spacing, [0.0; 3])?;
        Ok(Object { fine: Volume::from_vec(grid, Quantity::Attenuation, values)?, shape: [depth, shape[1], shape[2]] })
    }
}

/// The index (y, x) after some quarter turns and a mirroring of a square of `n` by `n` voxels.
fn turn([mut y, mut x]: [usize; 2], n: usize, turns: usize, mirrored: bool) -> [usize; 2] {
    for _ in 0..turns {
        [y, x] = [x, n - 1 - y];
    }
    [y, if mirrored { n - 1 - x } else { x }]
}

/// Trilinear interpolation at fractional indices, constant beyond the outermost voxel centres, 0 outside the cylinder.
fn sample(volume: &Volume, shape: [usize; 3], at: impl Fn([usize; 3]) -> [f64; 3]) -> Vec<f32> {
    let voxels = volume.voxels();
    let limits = volume.grid.shape;
    let away = |i: usize, n: usize| (2.0 * i as f64 + 1.0) / n as f64 - 1.0;
    let mut values = Vec::with_capacity(shape.iter().product());
    for z in 0..shape[0] {
        for y in 0..shape[1] {
            for x in 0..shape[2] {
                if away(y, shape[1]).hypot(away(x, shape[2])) > RADIUS {
                    values.push(0.0);
                    continue;
                }
                let place = at([z, y, x]);
                let near: [(usize, usize, f32); 3] = std::array::from_fn(|k| {
                    let last = limits[k] as f64 - 1.0;
                    let inside = place[k].clamp(0.0, last);
                    let low = inside.floor();
                    (low as usize, (low + 1.0).min(last) as usize, (inside - low) as f32)
                });
                let mut sum = 0.0;
                for corner in 0..8 {
                    let pick = |k: usize| {
                        let (low, high, part) = near[k];
                        if corner >> k & 1 == 0 { (low, 1.0 - part) } else { (high, part) }
                    };
                    let [(i, a), (j, b), (k, c)] = [pick(0), pick(1), pick(2)];
                    if a * b * c > 0.0 {
                        sum += a * b * c * voxels[[i, j, k]];
                    }
                }
                values.push(sum.max(0.0));
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    fn source(shape: [usize; 3]) -> Source {
        let grid = Grid::centered(shape, [2.0, 1.0, 1.0], [0.0; 3]).unwrap();
        let values = (0..grid.voxels()).map(|i| 0.02 + 0.001 * (i % 7) as f32).collect();
        let provenance = Provenance { name: "a".into(), licence: "b".into(), credit: "c".into(), hash: "d".into() };
        Source { provenance, volume: Volume::from_vec(grid, Quantity::Attenuation, values).unwrap() }
    }

    #[test]
    fn objects_are_finer_than_their_starts_and_as_thick_as_the_volume_allows() {
        let mut random = stream(1, "test", 0);
        let slice = source([9, 60, 50]).object([1, 16, 16], [0.6, 0.9], &mut random).unwrap().unwrap();
        assert_eq!((slice.shape, slice.fine.grid.shape), ([1, 16, 16], [1, 48, 48]));
        let slab = source([9, 60, 50]).object([16, 16, 16], [1.0, 1.0], &mut random).unwrap().unwrap();
        assert_eq!((slab.shape, slab.fine.grid.shape), ([5, 16, 16], [15, 48, 48]));
        let values = slab.fine.as_slice();
        assert!(values[0] == 0.0 && values.iter().all(|&v| v == 0.0 || (0.0199..0.0271).contains(&v)));
    }

    #[test]
    fn air_is_drawn_in_vain() {
        let mut air = source([4, 20, 20]);
        air.volume = air.volume.map(|_| 0.0);
        assert!(air.object([1, 16, 16], [0.6, 0.9], &mut stream(1, "test", 0)).unwrap().is_none());
    }
}
