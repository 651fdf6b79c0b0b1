//! [`Crossing`]: the positions of equidistant samples between two lines of values.

/// Longest step between samples: sixteen samples then span less than 2⁹ voxels.
pub(super) const LONGEST: f64 = 32.0;

/// Equidistant samples j = 0, 1, .. between two lines of values: the start indices of the lines, their interpolation
/// weights, and the positions of the samples along them. In a projection the samples are the rays of a sheet in one
/// plane of voxels; in a backprojection they are the voxels of a line, between two detector columns of one view.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Crossing {
    pub(super) line: [usize; 2],
    pub(super) weight: [f32; 2],
    /// Coordinate of sample 0 along the lines, and the step to the next sample; at most [`LONGEST`].
    pub(super) first: f64,
    pub(super) step: f64,
}
