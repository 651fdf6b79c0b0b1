//! [`Window`]: the grey-value window (black and white level), which is the same for all pictures that are compared.

use super::quantiles::{quantiles, sorted_sample};
use super::ticks::nice;
use crate::data::Volume;

/// Fraction of the window's width above black whose values count as air.
const AIR: f64 = 0.02;

/// A grey-value window, in the unit of the volumes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    /// Values up to this one are black.
    pub(crate) low: f64,
    /// Values from this one are white.
    pub(crate) high: f64,
}

impl Window {
    /// The quantiles of a volume's values that become black and white.
    pub(crate) const QUANTILES: [f64; 2] = [0.001, 0.999];

    /// A window over nearly all values of a volume (see [`Window::QUANTILES`]), with its ends rounded outwards to
    /// multiples of about 1/50 of its width.
    pub(crate) fn of(volume: &Volume) -> Self {
        let values = volume.as_slice();
        let [low, high] = quantiles(values.len(), |i| values[i], Self::QUANTILES);
        Self::rounded(low, high)
    }

    /// A window over the values of the object without the surrounding air. The outermost layer of voxels is taken as
    /// air, and values as low as most of it are left out. If this leaves less than 2 % or more than 98 % of the voxels,
    /// the result is [`Window::of`].
    pub(crate) fn object(volume: &Volume) -> Self {
        let whole = Self::of(volume);
        let ([nz, ny, nx], values) = (volume.grid.shape, volume.as_slice());
        let edge = |i: usize, n: usize| n > 2 && (i == 0 || i == n - 1);
        let outside = |i: &usize| edge(i / (ny * nx), nz) || edge(i / nx % ny, ny) || edge(i % nx, nx);
        let shell: Vec<usize> = (0..values.len()).filter(outside).collect();
        let [middle, high] = quantiles(shell.len(), |i| values[shell[i]], [0.5, 0.9]);
        let air = (middle + 3.0 * (high - middle)).max(middle + AIR * (whole.high - whole.low));
        let object: Vec<f32> = values.iter().copied().filter(|&value| f64::from(value) > air).collect();
        if object.len() * 50 < values.len() || object.len() * 50 > values.len() * 49 {
            return whole;
        }
        let [low, high] = quantiles(object.len(), |i| object[i], [0.005, 0.998]);
        Self::rounded(low, high)
    }

    /// A narrower window for low contrast: three times as wide as the narrowest range that holds half of all values
    /// that are not air (for a patient roughly the soft-tissue window), and at least a tenth as wide as `whole`. `None`
    /// unless it is narrower than 0.6 of `whole`.
    pub(crate) fn detail(volume: &Volume, whole: Self) -> Option<Self> {
        let (values, width) = (volume.as_slice(), whole.high - whole.low);
        let sample = sorted_sample(values.len(), |i| values[i]);
        let air = sample.partition_point(|&v| f64::from(v) < whole.low + AIR * width);
        let rest = &sample[air..];
        let half = rest.len() / 2;
        let narrowest = (0..rest.len() - half)
            .map(|i| (rest[i], rest[i + half]))
            .min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))?;
        let (low, high) = (f64::from(narrowest.0), f64::from(narrowest.1));
        let reach = (1.5 * (high - low)).max(width / 20.0);
        let middle = f64::midpoint(low, high);
        (2.0 * reach < 0.6 * width).then(|| Self::rounded(middle - reach, middle + reach))
    }

    fn rounded(low: f64, high: f64) -> Self {
        let width = (high - low).max(1e-3 * low.abs().max(high.abs())).max(1e-6);
        let step = nice(width / 50.0);
        let window = Self { low: (low / step).floor() * step, high: (high / step).ceil() * step };
        if window.high > window.low { window } else { Self { low: window.low - step, high: window.high + step } }
    }

    /// The grey level (0 to 255) of a value.
    pub(crate) fn shade(self, value: f32) -> u8 {
        let part = (f64::from(value) - self.low) / (self.high - self.low);
        (255.0 * part).round().clamp(0.0, 255.0) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Grid, Quantity};

    #[test]
    fn the_ends_are_black_and_white() {
        let window = Window { low: -1000.0, high: 500.0 };
        assert_eq!([-2000.0, -1000.0, -250.0, 500.0, 3e9].map(|v| window.shade(v)), [0, 0, 128, 255, 255]);
    }

    #[test]
    fn a_constant_volume_still_has_a_window() {
        for value in [0.0, -1000.0, 3.0e7] {
            let volume =
                Volume::filled(Grid::centered([2, 2, 2], [1.0; 3], [0.0; 3]).unwrap(), Quantity::Hounsfield, value);
            let window = Window::of(&volume);
            assert!(window.low < window.high && window.low.is_finite(), "{window:?}");
            assert!(window.low <= f64::from(value) && f64::from(value) <= window.high, "{window:?}");
        }
    }

    #[test]
    fn detail_is_where_most_of_the_object_is() {
        // Half air, then lung widely spread, soft tissue narrowly, a little bone.
        let value = |i: usize| match i % 100 {
            0..50 => -1000.0,
            50..65 => -900.0 + (i / 100 % 40) as f32 * 5.0,
            65..97 => -60.0 + (i / 100 % 40) as f32 * 3.0,
            _ => 700.0,
        };
        let grid = Grid::centered([10, 100, 100], [1.0; 3], [0.0; 3]).unwrap();
        let volume = Volume::from_vec(grid, Quantity::Hounsfield, (0..100_000).map(value).collect()).unwrap();
        let whole = Window::of(&volume);
        let detail = Window::detail(&volume, whole).unwrap();
        assert!(whole.high >= 700.0 && whole.low == -1000.0);
        assert!((-250.0..-60.0).contains(&detail.low) && (60.0..250.0).contains(&detail.high), "{detail:?}");
        let flat = volume.map(|_| 3.0);
        assert!(Window::detail(&flat, Window::of(&flat)).is_none_or(|window| window.low < window.high));
    }

    #[test]
    fn the_window_of_the_object_leaves_noisy_air_out() {
        let grid = Grid::centered([20, 40, 40], [1.0; 3], [0.0; 3]).unwrap();
        let value = |i: usize| {
            let inside =
                [i / 1600, i / 40 % 40, i % 40].iter().zip([20, 40, 40]).all(|(&k, n)| k > n / 4 && k < n * 3 / 4);
            (if inside { 0.02 + (i % 11) as f32 * 1e-3 } else { 0.0 }) + ((i * 7919) % 13) as f32 * 1e-4
        };
        let volume = Volume::from_vec(grid, Quantity::Attenuation, (0..32_000).map(value).collect()).unwrap();
        let window = Window::object(&volume);
        assert!((0.018..0.022).contains(&window.low) && (0.029..0.034).contains(&window.high), "{window:?}");
        let flat = volume.map(|_| 3.0);
        assert_eq!(Window::object(&flat), Window::of(&flat));
    }

    #[test]
    fn a_few_hot_voxels_do_not_darken_the_rest() {
        let mut values: Vec<f32> = (0..4000).map(|i| (i % 100) as f32 - 50.0).collect();
        values[17] = 30_000.0;
        let grid = Grid::centered([10, 20, 20], [1.0; 3], [0.0; 3]).unwrap();
        let window = Window::of(&Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap());
        assert!(window.high <= 60.0 && window.low >= -60.0, "{window:?}");
    }
}
