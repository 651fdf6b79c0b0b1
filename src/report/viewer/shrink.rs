//! Downsampling of volumes by means over blocks of voxels, to keep the page small.

use crate::data::Grid;

/// Axes whose blocks are at most this factor longer (in mm) than the shortest are downsampled together with it.
const ALIKE: f64 = 1.5;

/// Number of voxels along each array axis [z, y, x] that are replaced by their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks(pub(super) [usize; 3]);

impl Blocks {
    /// Blocks of a single voxel: no downsampling.
    pub(super) const NONE: Self = Self([1; 3]);

    /// The next coarser blocks: twice as long along the axes where blocks are shortest (in mm). `None` if 64 blocks or
    /// fewer would be left.
    pub(super) fn coarser(self, grid: &Grid) -> Option<Self> {
        let length = |k: usize| if grid.shape[k] == 1 { f64::INFINITY } else { grid.spacing[k] * self.0[k] as f64 };
        let shortest = (0..3).map(length).fold(f64::INFINITY, f64::min);
        let blocks = std::array::from_fn(|k| if length(k) <= ALIKE * shortest { 2 * self.0[k] } else { self.0[k] });
        let next = Self(blocks);
        (shortest.is_finite() && next.shape(grid.shape).iter().product::<usize>() > 64).then_some(next)
    }

    /// Number of blocks along each axis of a volume of this shape; the last block may be partial.
    pub(super) fn shape(self, shape: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|k| shape[k].div_ceil(self.0[k]))
    }

    /// The mean of `values` `[z, y, x]` over each block, `[z, y, x]` with the axes that are `flipped` reversed.
    pub(super) fn means(self, values: &[f32], shape: [usize; 3], flipped: [bool; 3]) -> Vec<f32> {
        let blocks = self.shape(shape);
        let range = |k: usize, block: usize| {
            let at = if flipped[k] { blocks[k] - 1 - block } else { block };
            at * self.0[k]..((at + 1) * self.0[k]).min(shape[k])
        };
        let mut means = Vec::with_capacity(blocks.iter().product());
        for z in 0..blocks[0] {
            for y in 0..blocks[1] {
                for x in 0..blocks[2] {
                    means.push(mean(values, shape, [range(0, z), range(1, y), range(2, x)]));
                }
            }
        }
        means
    }
}

fn mean(values: &[f32], [_, ny, nx]: [usize; 3], [zs, ys, xs]: [std::ops::Range<usize>; 3]) -> f32 {
    let count = (zs.len() * ys.len() * xs.len()) as f64;
    let rows = zs.flat_map(|z| ys.clone().map(move |y| (z * ny + y) * nx));
    let sum: f64 = rows.flat_map(|row| &values[row + xs.start..row + xs.end]).map(|&value| f64::from(value)).sum();
    (sum / count) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_voxels_are_shrunk_last_and_a_slice_never_along_z() {
        let thick = Grid::centered([40, 256, 256], [5.0, 1.0, 1.0], [0.0; 3]).unwrap();
        let first = Blocks::NONE.coarser(&thick).unwrap();
        assert_eq!(first, Blocks([1, 2, 2]));
        assert_eq!(first.coarser(&thick).unwrap().coarser(&thick), Some(Blocks([2, 8, 8])));
        let slice = Grid::centered([1, 20, 20], [1.0; 3], [0.0; 3]).unwrap();
        assert_eq!(Blocks::NONE.coarser(&slice), Some(Blocks([1, 2, 2])));
        assert_eq!(Blocks([1, 2, 2]).coarser(&slice), None);
    }

    #[test]
    fn means_keep_the_sum_and_follow_the_flips() {
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let same = Blocks::NONE.means(&values, [2, 3, 4], [false; 3]);
        assert_eq!(same, values);
        assert_eq!(Blocks::NONE.means(&values, [2, 3, 4], [true; 3]), values.iter().rev().copied().collect::<Vec<_>>());
        // Rows of 4 voxels make two blocks; 3 rows make two blocks, of which the second has one row.
        let means = Blocks([1, 2, 2]).means(&values, [2, 3, 4], [false; 3]);
        assert_eq!(means[..4], [2.5, 4.5, 8.5, 10.5]);
    }
}
