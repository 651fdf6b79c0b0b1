//! 2-D planes of a volume and the operations that 2-D metrics need: the Gaussian window of structural similarity, and
//! downsampling by means of 2 x 2 pixels.

use super::Comparison;

/// Pixels on each side of the window's centre: 11 taps.
pub(super) const RADIUS: usize = 5;
const SIGMA: f64 = 1.5;

/// A 2-D image, `values` in C order `[row, column]`.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f64>,
}

/// Values beyond the edge of the image in a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// Zeros: the result is as large as the image.
    Zero,
    /// None: only windows inside the image are used, and the result is smaller by the window's radius on every side.
    Inner,
}

impl Plane {
    /// The planes of truth and reconstruction perpendicular to `axis` (0 is z) at `index`, both as (value − `low`) /
    /// `scale`.
    pub(super) fn pair(comparison: &Comparison, axis: usize, index: usize, [low, scale]: [f64; 2]) -> [Self; 2] {
        let [_, ny, nx] = comparison.truth().grid.shape;
        let (first, second) = [(1, 2), (0, 2), (0, 1)][axis];
        let shape = comparison.truth().grid.shape;
        let strides = [ny * nx, nx, 1];
        let (rows, columns) = (shape[first], shape[second]);
        [comparison.truth(), comparison.found()].map(|volume| {
            let all = volume.as_slice();
            let at = |i: usize| {
                let place = index * strides[axis] + i / columns * strides[first] + i % columns * strides[second];
                (f64::from(all[place]) - low) / scale
            };
            Self { rows, columns, values: (0..rows * columns).map(at).collect() }
        })
    }

    /// Applies `f` to the values of this plane and of another, pixel by pixel.
    pub(super) fn with(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(&a, &b)| f(a, b)).collect();
        Self { values, ..*self }
    }

    /// Downsamples by means of 2 x 2 pixels; an odd last row or column is left out.
    pub(super) fn halved(&self) -> Self {
        let (rows, columns) = (self.rows / 2, self.columns / 2);
        let mean = |i: usize| {
            let at = 2 * (i / columns) * self.columns + 2 * (i % columns);
            0.25 * (self.values[at]
                + self.values[at + 1]
                + self.values[at + self.columns]
                + self.values[at + self.columns + 1])
        };
        Self { rows, columns, values: (0..rows * columns).map(mean).collect() }
    }

    /// Convolves with a Gaussian window of sigma 1.5 pixels and 11 taps.
    pub(super) fn smoothed(&self, edge: Edge) -> Self {
        self.along(edge, false).along(edge, true)
    }

    fn along(&self, edge: Edge, down: bool) -> Self {
        let taps = window();
        let trim = if edge == Edge::Inner { RADIUS } else { 0 };
        let (length, step) = if down { (self.rows, self.columns) } else { (self.columns, 1) };
        let (rows, columns) =
            if down { (self.rows - 2 * trim, self.columns) } else { (self.rows, self.columns - 2 * trim) };
        let value = |i: usize| {
            let (row, column) = (i / columns, i % columns);
            let (line, center) = if down { (column, row + trim) } else { (row * self.columns, column + trim) };
            let from = center.saturating_sub(RADIUS);
            let to = (center + RADIUS).min(length - 1);
            (from..=to).map(|k| taps[center.abs_diff(k)] * self.values[line + k * step]).sum()
        };
        Self { rows, columns, values: (0..rows * columns).map(value).collect() }
    }
}

/// Weights of the Gaussian window from its centre outwards; all 11 sum to 1.
fn window() -> [f64; RADIUS + 1] {
    let half: [f64; RADIUS + 1] = std::array::from_fn(|k| (-0.5 * (k as f64 / SIGMA).powi(2)).exp());
    let total = 2.0 * half.iter().sum::<f64>() - half[0];
    half.map(|weight| weight / total)
}

/// Luminance and contrast-structure terms of the structural similarity (Wang 2004) of two planes, pixel by pixel, for
/// the data range `range`, with population covariance.
pub(super) fn terms([a, b]: &[Plane; 2], edge: Edge, range: f64) -> [Plane; 2] {
    let [c1, c2] = [(0.01 * range).powi(2), (0.03 * range).powi(2)];
    let (ma, mb) = (a.smoothed(edge), b.smoothed(edge));
    let squares = a.with(b, |a, b| a * a + b * b).smoothed(edge);
    let products = a.with(b, |a, b| a * b).smoothed(edge);
    let luminance = ma.with(&mb, |a, b| (2.0 * a * b + c1) / (a * a + b * b + c1));
    let variances = squares.with(&ma.with(&mb, |a, b| a * a + b * b), |all, means| all - means);
    let covariance = products.with(&ma.with(&mb, |a, b| a * b), |all, means| all - means);
    [luminance, covariance.with(&variances, |covariance, sum| (2.0 * covariance + c2) / (sum + c2))]
}

/// Arithmetic mean of at least one value.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
