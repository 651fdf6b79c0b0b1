//! [`Crossing`]: where samples at equal steps lie between two lines of values.

/// Longest step between samples: sixteen samples then span less than 2⁹ voxels.
pub(super) const LONGEST: f64 = 32.0;

/// Samples j = 0, 1, .. at equal steps between two lines of values: where the lines begin, their weights, and where
/// along them the samples are. In a projection the samples are the rays of a sheet in one plane of voxels; in a
/// backprojection they are the voxels of a line, between two detector columns of one view.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Crossing {
    pub(super) line: [usize; 2],
    pub(super) weight: [f32; 2],
    /// Coordinate of sample 0 along the lines, and the step to the next sample; at most [`LONGEST`].
    pub(super) first: f64,
    pub(super) step: f64,
}
