//! Structural similarity with a sliding Gaussian window: the computation behind `ssim` and `ssim_slices`.
//!
//! SSIM = (2 μa μb + C1)(2 σab + C2) / ((μa² + μb² + C1)(σa² + σb² + C2)), C1 = (0.01 R)², C2 = (0.03 R)². Only four
//! filtered fields are needed: a, b, a² + b² and ab. The separable filter runs along z, then y, then x on one output
//! slice at a time, so slices are independent and memory is a few slices per thread.

use super::Comparison;
use rayon::prelude::*;

/// Voxels on each side of the window's centre: 11 taps.
const RADIUS: usize = 5;
const SIGMA: f64 = 1.5;

/// Dimension of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// 3-D, along z, y and x.
    Volume,
    /// 2-D, along y and x only.
    Slice,
}

/// For each slice that the window fits in: the sum of the SSIM over the mask, and its number of voxels.
///
/// # Errors
/// The reason why there is no value: an empty mask, a constant truth, a volume smaller than the window.
pub(super) fn similarity(comparison: &Comparison, reach: Reach) -> Result<Vec<(f64, usize)>, String> {
    similarity_of(comparison, reach, comparison.positive_range()?)
}

/// [`similarity`] for a given data range R.
///
/// # Errors
/// The reason why there is no value: a volume smaller than the window.
pub(super) fn similarity_of(comparison: &Comparison, reach: Reach, range: f64) -> Result<Vec<(f64, usize)>, String> {
    let [nz, ny, nx] = comparison.truth().grid.shape;
    let across = if reach == Reach::Volume { nz } else { 2 * RADIUS + 1 };
    if [across, ny, nx].iter().any(|&n| n <= 2 * RADIUS) {
        return Err(format!("the volume {:?} is smaller than the window of {} voxels", [nz, ny, nx], 2 * RADIUS + 1));
    }
    let margin = if reach == Reach::Volume { RADIUS } else { 0 };
    let filter = Filter {
        comparison,
        rows: ny,
        columns: nx,
        weights: weights(),
        constants: [(0.01 * range).powi(2), (0.03 * range).powi(2)],
        margin,
    };
    Ok((margin..nz - margin)
        .into_par_iter()
        .map_init(|| Buffers::new(ny, nx), |buffers, z| filter.slice(z, buffers))
        .collect())
}

/// `sum / count`, or the reason why there is no mean.
pub(super) fn mean(sum: f64, count: usize) -> Result<f64, String> {
    if count == 0 {
        Err("the mask holds no voxel that the window fits around".to_string())
    } else {
        Ok(sum / count as f64)
    }
}

/// Weights of the Gaussian window from its centre outwards; all 11 sum to 1.
fn weights() -> [f64; RADIUS + 1] {
    let one_sided: [f64; RADIUS + 1] = std::array::from_fn(|k| (-0.5 * (k as f64 / SIGMA).powi(2)).exp());
    let total = 2.0 * one_sided.iter().sum::<f64>() - one_sided[0];
    one_sided.map(|weight| weight / total)
}

/// Buffers of one thread for the four filtered fields: a slice filtered along z, one of its rows filtered along y, and
/// that row filtered along x.
struct Buffers {
    slice: [Vec<f64>; 4],
    row: [Vec<f64>; 4],
    local: [Vec<f64>; 4],
}

impl Buffers {
    fn new(rows: usize, columns: usize) -> Self {
        let fields = |n: usize| std::array::from_fn(|_| vec![0.0; n]);
        Self { slice: fields(rows * columns), row: fields(columns), local: fields(columns - 2 * RADIUS) }
    }
}

struct Filter<'a> {
    comparison: &'a Comparison<'a>,
    rows: usize,
    columns: usize,
    weights: [f64; RADIUS + 1],
    constants: [f64; 2],
    /// Voxels of the window on each side along z: [`RADIUS`], or 0 for a 2-D window.
    margin: usize,
}

impl Filter<'_> {
    fn slice(&self, z: usize, buffers: &mut Buffers) -> (f64, usize) {
        for y in 0..self.rows {
            self.along_z(z, y, &mut buffers.slice);
        }
        let (mut sum, mut count) = (0.0, 0);
        for y in RADIUS..self.rows - RADIUS {
            for (slice, (row, local)) in buffers.slice.iter().zip(buffers.row.iter_mut().zip(&mut buffers.local)) {
                self.along_y(y, slice, row);
                self.along_x(row, local);
            }
            let first = (z * self.rows + y) * self.columns + RADIUS;
            let held = self.comparison.mask().map(|mask| &mask[first..]);
            for x in 0..self.columns - 2 * RADIUS {
                if held.is_none_or(|held| held[x]) {
                    sum += self.at(buffers.local.each_ref().map(|field| field[x]));
                    count += 1;
                }
            }
        }
        (sum, count)
    }

    /// Computes row `y` of the four fields, filtered along z.
    fn along_z(&self, z: usize, y: usize, slice: &mut [Vec<f64>; 4]) {
        let [a, b, squares, product] = slice.each_mut().map(|field| &mut field[y * self.columns..][..self.columns]);
        for (k, neighbour) in (z - self.margin..=z + self.margin).enumerate() {
            let weight = if self.margin == 0 { 1.0 } else { self.weights[k.abs_diff(RADIUS)] };
            let from = (neighbour * self.rows + y) * self.columns;
            let truth = &self.comparison.truth().as_slice()[from..][..self.columns];
            let found = &self.comparison.found().as_slice()[from..][..self.columns];
            let keep = if k == 0 { 0.0 } else { 1.0 };
            for x in 0..self.columns {
                let (t, f) = (f64::from(truth[x]), f64::from(found[x]));
                a[x] = keep * a[x] + weight * t;
                b[x] = keep * b[x] + weight * f;
                squares[x] = keep * squares[x] + weight * (t * t + f * f);
                product[x] = keep * product[x] + weight * (t * f);
            }
        }
    }

    fn along_y(&self, y: usize, slice: &[f64], row: &mut [f64]) {
        let line = |y: usize| &slice[y * self.columns..][..self.columns];
        row.iter_mut().zip(line(y)).for_each(|(out, value)| *out = self.weights[0] * value);
        for k in 1..=RADIUS {
            for ((out, below), above) in row.iter_mut().zip(line(y - k)).zip(line(y + k)) {
                *out += self.weights[k] * (below + above);
            }
        }
    }

    fn along_x(&self, row: &[f64], local: &mut [f64]) {
        local.iter_mut().zip(&row[RADIUS..]).for_each(|(out, value)| *out = self.weights[0] * value);
        for k in 1..=RADIUS {
            for ((out, left), right) in local.iter_mut().zip(&row[RADIUS - k..]).zip(&row[RADIUS + k..]) {
                *out += self.weights[k] * (left + right);
            }
        }
    }

    /// SSIM from the local means of a, b, a² + b² and ab.
    fn at(&self, [a, b, squares, product]: [f64; 4]) -> f64 {
        let [c1, c2] = self.constants;
        let (both, cross) = (a * a + b * b, a * b);
        (2.0 * cross + c1) * (2.0 * (product - cross) + c2) / ((both + c1) * (squares - both + c2))
    }
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::volume;
    use super::*;

    #[test]
    fn the_window_is_a_normalised_gaussian() {
        let weights = weights();
        assert!((weights[0] + 2.0 * weights[1..].iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((weights[3] / weights[0] - (-2.0f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn the_smallest_volume_has_one_window_and_the_value_of_the_formula() {
        let truth = volume([11, 11, 11], |i| (i * 29 % 83) as f32);
        let found = volume([11, 11, 11], |i| (i * 31 % 79) as f32);
        let comparison = Comparison::new(&truth, &found, None).unwrap();
        let slices = similarity(&comparison, Reach::Volume).unwrap();
        assert_eq!(slices.len(), 1);
        assert_eq!(slices[0].1, 1);
        // The same directly, without separating the window and with centred moments.
        let weights = weights();
        let terms = (0..1331usize).map(|i| {
            let weight: f64 = [i / 121, i / 11 % 11, i % 11].iter().map(|k| weights[k.abs_diff(5)]).product();
            (weight, (i * 29 % 83) as f64, (i * 31 % 79) as f64)
        });
        let mean = |f: &dyn Fn(f64, f64) -> f64| terms.clone().map(|(w, a, b)| w * f(a, b)).sum::<f64>();
        let (a, b) = (mean(&|a, _| a), mean(&|_, b| b));
        let (va, vb, ab) =
            (mean(&|x, _| (x - a).powi(2)), mean(&|_, y| (y - b).powi(2)), mean(&|x, y| (x - a) * (y - b)));
        let range = comparison.range().unwrap();
        let [c1, c2] = [(0.01 * range).powi(2), (0.03 * range).powi(2)];
        let expected = (2.0 * a * b + c1) * (2.0 * ab + c2) / ((a * a + b * b + c1) * (va + vb + c2));
        assert!((slices[0].0 - expected).abs() < 1e-10, "{} against {expected}", slices[0].0);
    }

    #[test]
    fn ten_voxels_are_too_few() {
        let small = volume([10, 20, 20], |i| i as f32);
        let comparison = Comparison::new(&small, &small, None).unwrap();
        assert!(similarity(&comparison, Reach::Volume).unwrap_err().contains("smaller than the window of 11"));
        assert_eq!(similarity(&comparison, Reach::Slice).unwrap().len(), 10);
    }
}
