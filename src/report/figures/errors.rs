//! [`Errors`]: the distribution of the errors (method − truth) of each method, with one range for all error maps.

use super::axis::Axis;
use super::chart::{Chart, Series};
use super::quantiles::quantiles;
use crate::data::{Quantity, Tissue, Volume};

/// Bins of the histogram.
const BINS: usize = 81;
/// Quantile of the absolute errors of the worst method that becomes the shared range.
const INSIDE: f64 = 0.99;

/// Errors of all methods on the same scale, in the unit of the volumes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Errors {
    /// Half-width of the colour map and of the histogram, which reach from −`range` to +`range`.
    pub(crate) range: f64,
    /// Error distributions of the methods, in the order given.
    pub(crate) methods: Vec<Spread>,
}

/// Distribution of one method's errors (method − truth) over all voxels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spread {
    /// Name of the method.
    pub(crate) name: String,
    /// Mean error.
    pub(crate) bias: f64,
    /// Standard deviation of the errors.
    pub(crate) deviation: f64,
    /// Quantiles 0.05 and 0.95 of the errors.
    pub(crate) ends: [f64; 2],
    /// Fraction of the voxels whose error is beyond the shared range.
    pub(crate) beyond: f64,
    /// Errors by tissue class of the truth; empty if the volumes are not in HU.
    pub(crate) tissues: Vec<TissueError>,
    /// Fraction of the voxels in each of [`BINS`] equal bins from −range to +range.
    bins: Vec<f64>,
}

/// Distribution of one method's errors over the voxels of one tissue class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TissueError {
    /// Tissue class of the truth.
    pub(crate) tissue: Tissue,
    /// Number of voxels of the class.
    pub(crate) voxels: usize,
    /// Mean error.
    pub(crate) bias: f64,
    /// Standard deviation of the errors.
    pub(crate) deviation: f64,
}

impl Errors {
    /// Computes the errors of the methods whose volumes have the grid and unit of the truth; `None` if there is none.
    pub(crate) fn of(truth: &Volume, methods: &[(String, &Volume)]) -> Option<Self> {
        let methods: Vec<_> = methods.iter().filter(|(_, volume)| comparable(truth, volume)).collect();
        let hounsfield = truth.quantity == Quantity::Hounsfield;
        let truth = truth.as_slice();
        let widest = |found: &[f32]| quantiles(truth.len(), |i| (found[i] - truth[i]).abs(), [INSIDE])[0];
        let range = methods.iter().map(|(_, volume)| widest(volume.as_slice())).reduce(f64::max)?;
        let range = nice_up(range);
        let spread = |(name, volume): &&(String, &Volume)| {
            let found = volume.as_slice();
            let tissues = if hounsfield { by_tissue(truth, found) } else { Vec::new() };
            Spread { tissues, ..Spread::of(name, truth, found, range) }
        };
        Some(Self { range, methods: methods.iter().map(spread).collect() })
    }

    /// The histogram of the errors; `unit` is that of the volumes, `style` gives the line style of a method.
    pub(crate) fn histogram(&self, unit: &str, style: impl Fn(&str) -> usize) -> Chart {
        let width = 2.0 * self.range / BINS as f64;
        let center = |bin: usize| -self.range + (bin as f64 + 0.5) * width;
        let series = self.methods.iter().map(|spread| Series {
            name: spread.name.clone(),
            style: style(&spread.name),
            points: spread.bins.iter().enumerate().map(|(bin, &part)| [center(bin), 100.0 * part]).collect(),
        });
        Chart {
            title: "How often each error occurs".to_string(),
            clock: Vec::new(),
            x: Axis::linear(format!("method − truth [{unit}]")),
            y: Axis::logarithmic(format!("voxels per {} {unit} [%]", crate::report::numbers::significant(width, 2))),
            series: series.collect(),
        }
    }
}

/// The errors in each tissue class that occurs in the truth; both slices are in HU, C order `[z, y, x]`.
fn by_tissue(truth: &[f32], found: &[f32]) -> Vec<TissueError> {
    let of = |tissue: Tissue| {
        let pairs = truth.iter().zip(found).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let errors = || pairs.clone().filter(|&(truth, _)| tissue.holds(truth)).map(|(truth, found)| found - truth);
        let voxels = errors().count();
        let bias = errors().sum::<f64>() / voxels as f64;
        let variance = errors().map(|error| (error - bias).powi(2)).sum::<f64>() / voxels as f64;
        (voxels > 0).then(|| TissueError { tissue, voxels, bias, deviation: variance.sqrt() })
    };
    Tissue::ALL.into_iter().filter_map(of).collect()
}

/// Whether a volume has the unit and the grid (within a hundredth of a voxel) of the truth.
pub(crate) fn comparable(truth: &Volume, found: &Volume) -> bool {
    found.quantity == truth.quantity && found.grid.matches(&truth.grid, 1e-2)
}

/// Rounds up to 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten; returns 1 for 0.
fn nice_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|part| part * power)
        .find(|&v| v >= value)
        .unwrap_or(value)
}

impl Spread {
    fn of(name: &str, truth: &[f32], found: &[f32], range: f64) -> Self {
        let error = |i: usize| f64::from(found[i]) - f64::from(truth[i]);
        let count = truth.len() as f64;
        let bias = (0..truth.len()).map(error).sum::<f64>() / count;
        let variance = (0..truth.len()).map(|i| (error(i) - bias).powi(2)).sum::<f64>() / count;
        let mut bins = vec![0u64; BINS];
        for place in
            (0..truth.len()).map(|i| (error(i) + range) / (2.0 * range)).filter(|place| (0.0..=1.0).contains(place))
        {
            bins[((place * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        let inside = bins.iter().sum::<u64>() as f64 / count;
        Self {
            name: name.to_string(),
            bias,
            deviation: variance.sqrt(),
            ends: quantiles(truth.len(), |i| found[i] - truth[i], [0.05, 0.95]),
            beyond: 1.0 - inside,
            tissues: Vec::new(),
            bins: bins.iter().map(|&voxels| voxels as f64 / count).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Grid, Quantity};

    fn volume(values: Vec<f32>) -> Volume {
        let grid = Grid::centered([1, 1, values.len()], [1.0; 3], [0.0; 3]).unwrap();
        Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap()
    }

    #[test]
    fn bias_and_spread_are_those_of_the_differences() {
        let truth = volume((0..100).map(|i| i as f32).collect());
        let found = truth.map(|v| v + 3.0 + if v % 2.0 == 0.0 { 4.0 } else { -4.0 });
        let errors = Errors::of(&truth, &[("a".to_string(), &found)]).unwrap();
        let spread = &errors.methods[0];
        assert!((spread.bias - 3.0).abs() < 1e-9 && (spread.deviation - 4.0).abs() < 1e-9, "{spread:?}");
        assert_eq!((spread.ends, spread.beyond, errors.range), ([-1.0, 7.0], 0.0, 8.0));
        assert!((spread.bins.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn tissues_are_told_by_the_truth_alone() {
        let truth = volume([vec![-1000.0; 3], vec![40.0; 4], vec![-300.0]].concat());
        let found = volume(vec![-990.0, -990.0, -990.0, 30.0, 50.0, 30.0, 50.0, 900.0]);
        let errors = Errors::of(&truth, &[("a".to_string(), &found)]).unwrap();
        let [air, soft] = errors.methods[0].tissues[..] else { panic!("{errors:?}") };
        assert_eq!((air.tissue, air.voxels, air.bias, air.deviation), (Tissue::Air, 3, 10.0, 0.0));
        assert_eq!((soft.tissue, soft.voxels, soft.bias, soft.deviation), (Tissue::Soft, 4, 0.0, 10.0));
    }

    #[test]
    fn the_range_is_shared_and_a_perfect_method_still_has_one() {
        let truth = volume(vec![5.0; 64]);
        let worse = truth.map(|v| v + 150.0);
        let pair = [("same".to_string(), &truth), ("worse".to_string(), &worse)];
        assert_eq!(Errors::of(&truth, &pair).unwrap().range, 150.0);
        assert_eq!(Errors::of(&truth, &pair[..1]).unwrap().range, 1.0);
    }

    #[test]
    fn volumes_on_another_lattice_are_not_subtracted() {
        assert!(Errors::of(&volume(vec![0.0; 8]), &[("a".to_string(), &volume(vec![0.0; 9]))]).is_none());
    }

    #[test]
    fn ranges_are_round_and_never_too_small() {
        for value in [1e-7, 0.13, 1.0, 7.3, 99.0, 100.0, 101.0, 8.1e5] {
            let range = nice_up(value);
            assert!(range >= value && range <= value * 2.0 + 1e-12, "{value} -> {range}");
        }
    }
}
