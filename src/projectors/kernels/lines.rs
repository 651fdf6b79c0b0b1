//! A volume as lines of voxels along one array axis, contiguous and with zeros at both ends: what vector lanes like to read.

use rayon::prelude::*;

/// Zeros before the first voxel of a line.
pub(super) const BEFORE: usize = 1;

/// Values a kernel may read at once from a line.
const WINDOW: usize = 32;

/// A padded copy of a volume, lines along `axis`, ordered by the two other axes (ascending).
pub(super) struct Lines {
    /// The values.
    pub(super) values: Vec<f32>,
    /// Distance between lines.
    pub(super) length: usize,
    /// Voxels of a line.
    pub(super) voxels: usize,
    /// Distance between neighbours along each array axis (1 along the line).
    pub(super) strides: [usize; 3],
    /// Voxels along each array axis.
    pub(super) shape: [usize; 3],
}

/// Strides of an array of shape `shape` in C order.
pub(super) fn strides_of(shape: [usize; 3]) -> [usize; 3] {
    [shape[1] * shape[2], shape[2], 1]
}

/// The two other array axes, ascending.
pub(super) fn others(axis: usize) -> [usize; 2] {
    [[1, 2], [0, 2], [0, 1]][axis]
}

impl Lines {
    /// Copies a volume `[z, y, x]`.
    pub(super) fn along(axis: usize, shape: [usize; 3], volume: &[f32]) -> Self {
        let [outer, inner] = others(axis);
        let voxels = shape[axis];
        // Two zeros after the last voxel: a sample at `voxels` reads its neighbour too.
        let length = (voxels + BEFORE + 2).max(WINDOW);
        let mut strides = [1; 3];
        strides[inner] = length;
        strides[outer] = length * shape[inner];
        let from = strides_of(shape);
        let mut values = vec![0.0; shape[outer] * shape[inner] * length];
        values.par_chunks_mut(shape[inner] * length).enumerate().for_each(|(o, plane)| {
            for first in (0..voxels).step_by(16) {
                for (i, line) in plane.chunks_mut(length).enumerate() {
                    let start = o * from[outer] + i * from[inner] + first * from[axis];
                    let part = line[BEFORE..].iter_mut().take(voxels).skip(first).take(16);
                    for (value, &voxel) in part.zip(volume[start..].iter().step_by(from[axis])) {
                        *value = voxel;
                    }
                }
            }
        });
        Self { values, length, voxels, strides, shape }
    }
}

/// A volume being summed up as planes across `main`, each made of lines along `axis`.
pub(super) struct Planes {
    /// The values `[main, other, axis]`.
    pub(super) values: Vec<f32>,
    /// Distance between lines: the voxels of a line rounded up to whole vectors.
    pub(super) length: usize,
    /// Distance between planes.
    pub(super) plane: usize,
    main: usize,
    axis: usize,
    shape: [usize; 3],
}

impl Planes {
    /// Zeros.
    pub(super) fn new(main: usize, axis: usize, shape: [usize; 3]) -> Self {
        let other = 3 - main - axis;
        let length = shape[axis].next_multiple_of(16);
        let plane = shape[other] * length;
        Self { values: vec![0.0; shape[main] * plane], length, plane, main, axis, shape }
    }

    /// Adds the sums to a volume `[z, y, x]`.
    pub(super) fn add_to(&self, volume: &mut [f32]) {
        let other = 3 - self.main - self.axis;
        let mut strides = [1; 3];
        strides[self.main] = self.plane;
        strides[other] = self.length;
        let [_, rows, columns] = self.shape;
        // Sixteen slices at a time: where lines run along z, each cache line of sums is then read once.
        volume.par_chunks_mut(16 * rows * columns).enumerate().for_each(|(slab, slices)| {
            for y in 0..rows {
                for (z, slice) in slices.chunks_mut(rows * columns).enumerate() {
                    let start = (16 * slab + z) * strides[0] + y * strides[1];
                    let sums = self.values[start..].iter().step_by(strides[2]);
                    for (voxel, &sum) in slice[y * columns..(y + 1) * columns].iter_mut().zip(sums) {
                        *voxel += sum;
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_every_voxel_between_zeros() {
        let shape = [3, 4, 37];
        let volume: Vec<f32> = (0..3 * 4 * 37).map(|i| i as f32 + 1.0).collect();
        for axis in 0..3 {
            let lines = Lines::along(axis, shape, &volume);
            let at =
                |z: usize, y: usize, x: usize| lines.values[BEFORE + z * lines.strides[0] + y * lines.strides[1] + x * lines.strides[2]];
            assert!((0..3).all(|z| (0..4).all(|y| (0..37).all(|x| at(z, y, x) == volume[(z * 4 + y) * 37 + x]))));
            let total: f64 = lines.values.iter().map(|&v| f64::from(v)).sum();
            assert_eq!(total, volume.iter().map(|&v| f64::from(v)).sum::<f64>(), "the rest is zero");
        }
    }

    #[test]
    fn planes_add_each_sum_to_its_voxel() {
        let shape = [18, 3, 5];
        for (main, axis) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
            let mut planes = Planes::new(main, axis, shape);
            let other = 3 - main - axis;
            let at = [13, 2, 4];
            planes.values[at[main] * planes.plane + at[other] * planes.length + at[axis]] = 2.5;
            let mut volume = vec![1.0; 18 * 3 * 5];
            planes.add_to(&mut volume);
            assert_eq!(volume[(13 * 3 + 2) * 5 + 4], 3.5);
            assert_eq!(volume.iter().sum::<f32>(), 18.0 * 3.0 * 5.0 + 2.5);
        }
    }
}
