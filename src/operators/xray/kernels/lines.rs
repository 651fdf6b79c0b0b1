//! A volume as contiguous lines of voxels along one array axis, with zeros before and after each line, which vector
//! instructions read efficiently; and sums in the same layout, to be added to a volume.

use super::transpose::{Shape, transpose, transpose_add};
use rayon::prelude::*;

/// Number of values that a kernel reads at once from a line, and of zeros before and after each line.
pub(super) const WINDOW: usize = 32;

/// Strides of an array of shape `shape` in C order.
pub(super) fn strides_of(shape: [usize; 3]) -> [usize; 3] {
    [shape[1] * shape[2], shape[2], 1]
}

/// The two other array axes, ascending.
pub(super) fn others(axis: usize) -> [usize; 2] {
    [[1, 2], [0, 2], [0, 1]][axis]
}

/// A padded copy of a volume, lines along `axis`, ordered by the two other axes (ascending).
pub(super) struct Lines {
    /// The values; the zeros after a line are those before the next one.
    pub(super) values: Vec<f32>,
    /// Number of voxels in a line.
    pub(super) voxels: usize,
    /// Distance between neighbours along each array axis (1 along the line); voxel [0, 0, 0] is at [`WINDOW`].
    pub(super) strides: [usize; 3],
    /// Voxels along each array axis.
    pub(super) shape: [usize; 3],
}

impl Lines {
    /// Copies a volume `[z, y, x]`.
    pub(super) fn along(axis: usize, shape: [usize; 3], volume: &[f32]) -> Self {
        let [outer, inner] = others(axis);
        let voxels = shape[axis];
        let length = WINDOW + voxels;
        let mut strides = [1; 3];
        strides[inner] = length;
        strides[outer] = length * shape[inner];
        let from = strides_of(shape);
        let mut values = vec![0.0; shape[outer] * strides[outer] + WINDOW];
        let end = values.len() - WINDOW;
        values[..end].par_chunks_mut(strides[outer]).enumerate().for_each(|(o, plane)| {
            let volume = &volume[o * from[outer]..];
            if axis == 2 {
                for (line, voxels) in plane.chunks_exact_mut(length).zip(volume.chunks_exact(voxels)) {
                    line[WINDOW..].copy_from_slice(voxels);
                }
            } else {
                let matrix = Shape { rows: voxels, columns: shape[2], stride: from[axis] };
                transpose(volume, matrix, &mut plane[WINDOW..], length);
            }
        });
        Self { values, voxels, strides, shape }
    }
}

/// Sums for a volume as planes across `main`, each made of lines along `axis`.
pub(super) struct Planes {
    /// The values `[main, other, axis]`.
    pub(super) values: Vec<f32>,
    /// Distance between lines: the number of voxels of a line rounded up to whole vectors.
    pub(super) length: usize,
    /// Distance between planes.
    pub(super) plane: usize,
    main: usize,
    axis: usize,
    shape: [usize; 3],
}

impl Planes {
    /// All sums 0.
    pub(super) fn new(main: usize, axis: usize, shape: [usize; 3]) -> Self {
        let other = 3 - main - axis;
        let length = shape[axis].next_multiple_of(16);
        let plane = shape[other] * length;
        Self { values: vec![0.0; shape[main] * plane], length, plane, main, axis, shape }
    }

    /// Resets all sums to 0, as planes across another axis.
    pub(super) fn restart(&mut self, main: usize) {
        self.main = main;
        self.plane = self.shape[3 - main - self.axis] * self.length;
        self.values.fill(0.0);
    }

    /// Adds the sums to a volume `[z, y, x]`.
    pub(super) fn add_to(&self, volume: &mut [f32]) {
        let mut strides = [1; 3];
        strides[self.main] = self.plane;
        strides[3 - self.main - self.axis] = self.length;
        let [_, rows, columns] = self.shape;
        // Process sixteen slices at a time, so that each cache line of sums is read once if lines run along z.
        volume.par_chunks_mut(16 * rows * columns).enumerate().for_each(|(slab, slices)| {
            let depth = slices.len() / (rows * columns);
            let first = &self.values[16 * slab * strides[0]..];
            if self.axis == 0 {
                for y in 0..rows {
                    let matrix = Shape { rows: columns, columns: depth, stride: strides[2] };
                    transpose_add(&first[y * strides[1]..], matrix, &mut slices[y * columns..], rows * columns);
                }
            } else {
                for (line, voxels) in slices.chunks_exact_mut(columns).enumerate() {
                    let sums = first[line / rows * strides[0] + line % rows * strides[1]..].iter().step_by(strides[2]);
                    voxels.iter_mut().zip(sums).for_each(|(voxel, sum)| *voxel += sum);
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
            let at = |z: usize, y: usize, x: usize| {
                lines.values[WINDOW + z * lines.strides[0] + y * lines.strides[1] + x * lines.strides[2]]
            };
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
            for at in [[13, 2, 4], [17, 1, 3], [0, 0, 1]] {
                planes.values[at[main] * planes.plane + at[other] * planes.length + at[axis]] = 2.5;
            }
            let mut volume = vec![1.0; 18 * 3 * 5];
            planes.add_to(&mut volume);
            assert_eq!([(13 * 3 + 2) * 5 + 4, (17 * 3 + 1) * 5 + 3, 1].map(|i| volume[i]), [3.5; 3]);
            assert_eq!(volume.iter().sum::<f32>(), 18.0 * 3.0 * 5.0 + 7.5);
        }
    }
}
