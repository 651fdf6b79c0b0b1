//! [`Axis`] and [`Scale`]: the axis of a chart, and the mapping from values to positions on it.

use super::ticks;

/// An axis of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    /// Name of the quantity, with its unit.
    pub(crate) label: String,
    /// Whether the axis is logarithmic.
    pub(crate) log: bool,
}

impl Axis {
    /// A linear axis.
    pub(crate) fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), log: false }
    }

    /// A logarithmic axis.
    pub(crate) fn logarithmic(label: impl Into<String>) -> Self {
        Self { label: label.into(), log: true }
    }

    /// An axis that is logarithmic if all values are positive and span more than a factor of 20.
    pub(crate) fn fitting(label: impl Into<String>, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, 0.0), |(low, high), v| (v.min(low), v.max(high)));
        Self { label: label.into(), log: low > 0.0 && high > 20.0 * low }
    }
}

/// Mapping from values to positions in SVG units: `ends[0]` is drawn at `at[0]`, `ends[1]` at `at[1]`.
pub(crate) struct Scale {
    ends: [f64; 2],
    at: [f64; 2],
    log: bool,
}

impl Scale {
    /// The scale of an axis for all `values` that it can show, drawn between the positions `at[0]` and `at[1]`. The
    /// axis extends beyond the values by the fraction `margin` of their range at both ends.
    pub(crate) fn of(values: impl Iterator<Item = f64>, axis: &Axis, at: [f64; 2], margin: f64) -> Self {
        let usable = values.filter(|v| v.is_finite() && (!axis.log || *v > 0.0));
        let [low, high] = usable.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
        let ends = match (low <= high, axis.log) {
            (false, log) => [if log { 0.1 } else { 0.0 }, 1.0],
            (true, true) => {
                let factor = (high / low).powf(margin).max(if high > low { 1.0 } else { 2.0 });
                [low / factor, high * factor]
            }
            (true, false) => {
                let more = if high > low { margin * (high - low) } else { 0.5 * high.abs().max(1e-3) };
                [low - more, high + more]
            }
        };
        Self { ends, at, log: axis.log }
    }

    /// Position of a value; `None` if the axis cannot show it.
    pub(crate) fn place(&self, value: f64) -> Option<f64> {
        let [low, high] = self.ends;
        let part = if self.log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) };
        part.is_finite().then(|| self.at[0] + part * (self.at[1] - self.at[0]))
    }

    /// The value at a position.
    pub(crate) fn value(&self, place: f64) -> f64 {
        let [low, high] = self.ends;
        let part = (place - self.at[0]) / (self.at[1] - self.at[0]);
        if self.log { low * (high / low).powf(part) } else { low + part * (high - low) }
    }

    /// Positions and labels of the tick marks.
    pub(crate) fn marks(&self) -> Vec<(f64, String)> {
        let [low, high] = self.ends;
        let marks = if self.log { ticks::logarithmic(low, high) } else { ticks::linear(low, high) };
        marks.into_iter().filter_map(|(value, label)| Some((self.place(value)?, label))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_gives_back_its_value() {
        for log in [false, true] {
            let axis = Axis { label: "a".to_string(), log };
            let scale = Scale::of([2.0, 50.0].into_iter(), &axis, [10.0, 300.0], 0.1);
            assert!((scale.value(scale.place(7.0).unwrap()) - 7.0).abs() < 1e-9, "{log}");
        }
    }

    #[test]
    fn axes_turn_logarithmic_only_where_it_helps() {
        assert!(Axis::fitting("a", [1.0, 30.0].into_iter()).log);
        assert!(!Axis::fitting("a", [1.0, 3.0].into_iter()).log && !Axis::fitting("a", [0.0, 30.0].into_iter()).log);
    }
}
