//! Transfer functions: colour and density as piecewise linear functions of HU.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number of entries in the table of a transfer function.
const TABLE: usize = 4096;

/// A control point of a transfer function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// CT number, HU; larger than that of the point before.
    pub hu: f64,
    /// Red, green and blue, 0 to 1.
    pub color: [f64; 3],
    /// Density (extinction coefficient), 1/mm, 0 to 1000: a length of d mm has the opacity 1 − exp(−density · d).
    pub density_per_mm: f64,
}

/// Predefined transfer functions for CT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Bone, from 150 HU on.
    Bone,
    /// Muscle and organs half transparent, with the bone behind them.
    SoftTissue,
    /// Lung tissue with its vessels and airways.
    Lung,
    /// Vessels filled with contrast medium, and bone.
    Vessels,
    /// Surface of the body.
    Skin,
}

/// Name of a preset, or control points in the order of increasing HU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected bone, soft-tissue, lung, vessels, skin or a list of {hu, color, density_per_mm}"
)]
pub enum Transfer {
    /// A preset.
    Preset(Preset),
    /// Control points, with linear interpolation between them and constant values outside.
    Points(Vec<Stop>),
}

impl Preset {
    /// The preset's control points: HU, red, green, blue, density (1/mm).
    fn rows(self) -> &'static [[f64; 5]] {
        match self {
            Self::Bone => &[
                [150.0, 0.75, 0.45, 0.30, 0.0],
                [300.0, 0.88, 0.70, 0.50, 0.15],
                [700.0, 0.95, 0.89, 0.78, 0.6],
                [1500.0, 1.0, 0.98, 0.94, 1.2],
            ],
            Self::SoftTissue => &[
                [-200.0, 0.8, 0.6, 0.4, 0.0],
                [-50.0, 0.90, 0.75, 0.45, 0.01],
                [40.0, 0.75, 0.25, 0.20, 0.05],
                [120.0, 0.80, 0.35, 0.28, 0.08],
                [300.0, 0.95, 0.88, 0.75, 0.4],
                [1200.0, 1.0, 0.98, 0.94, 1.0],
            ],
            Self::Lung => &[
                [-950.0, 0.3, 0.4, 0.7, 0.0],
                [-800.0, 0.45, 0.55, 0.85, 0.006],
                [-500.0, 0.85, 0.55, 0.55, 0.08],
                [-200.0, 0.90, 0.35, 0.30, 0.25],
                [50.0, 0.85, 0.25, 0.20, 0.02],
            ],
            Self::Vessels => &[
                [140.0, 0.6, 0.05, 0.05, 0.0],
                [220.0, 0.85, 0.12, 0.08, 0.3],
                [400.0, 0.95, 0.40, 0.25, 0.5],
                [700.0, 0.98, 0.92, 0.80, 0.8],
            ],
            Self::Skin => {
                &[[-700.0, 0.95, 0.75, 0.60, 0.0], [-300.0, 0.93, 0.70, 0.56, 0.4], [100.0, 0.88, 0.60, 0.48, 1.0]]
            }
        }
    }
}

impl Transfer {
    /// The control points of the transfer function.
    #[must_use]
    pub fn stops(&self) -> Vec<Stop> {
        let stop = |&[hu, r, g, b, density_per_mm]: &[f64; 5]| Stop { hu, color: [r, g, b], density_per_mm };
        match self {
            Self::Preset(preset) => preset.rows().iter().map(stop).collect(),
            Self::Points(points) => points.clone(),
        }
    }

    /// Refuses an invalid configuration, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`]: no control points or more than 256, HU that do not increase, colours outside 0 to 1,
    /// densities outside 0 to 1000.
    pub fn check(&self) -> Result<()> {
        let stops = self.stops();
        if stops.is_empty() || stops.len() > 256 {
            return Err(Error::config("", format!("expected 1 to 256 control points, got {}", stops.len())));
        }
        for (i, stop) in stops.iter().enumerate() {
            let fault = |key: &str, problem: String| Err(Error::config(format!("[{i}].{key}"), problem));
            if !stop.hu.is_finite() || i > 0 && stop.hu <= stops[i - 1].hu {
                return fault("hu", format!("expected HU above those of the previous point, got {}", stop.hu));
            }
            if stop.color.iter().any(|c| !(0.0..=1.0).contains(c)) {
                return fault("color", format!("expected three numbers from 0 to 1, got {:?}", stop.color));
            }
            if !(0.0..=1000.0).contains(&stop.density_per_mm) {
                return fault("density_per_mm", format!("expected 0 to 1000 per mm, got {}", stop.density_per_mm));
            }
        }
        Ok(())
    }

    /// Red, green, blue and density (1/mm) at a CT number (HU).
    #[must_use]
    pub fn at(&self, hu: f64) -> [f64; 4] {
        let stops = self.stops();
        let values = |stop: &Stop| [stop.color[0], stop.color[1], stop.color[2], stop.density_per_mm];
        let after = stops.partition_point(|stop| stop.hu <= hu);
        match (after.checked_sub(1).map(|i| &stops[i]), stops.get(after)) {
            (Some(a), Some(b)) => {
                let part = (hu - a.hu) / (b.hu - a.hu);
                let (from, to) = (values(a), values(b));
                std::array::from_fn(|k| from[k] + part * (to[k] - from[k]))
            }
            (Some(only), None) | (None, Some(only)) => values(only),
            (None, None) => [0.0; 4],
        }
    }

    /// The function as a table for fast linear interpolation.
    #[must_use]
    pub fn table(&self) -> Table {
        let stops = self.stops();
        let low = stops.first().map_or(0.0, |stop| stop.hu);
        let high = stops.last().map_or(0.0, |stop| stop.hu).max(low + 1e-6);
        let hu = |i: usize| low + (high - low) * i as f64 / (TABLE - 1) as f64;
        Table {
            low: low as f32,
            per_hu: ((TABLE - 1) as f64 / (high - low)) as f32,
            entries: (0..TABLE).map(|i| self.at(hu(i)).map(|value| value as f32)).collect(),
        }
    }
}

/// Values of a transfer function at equally spaced CT numbers.
#[derive(Debug, Clone)]
pub struct Table {
    low: f32,
    per_hu: f32,
    entries: Vec<[f32; 4]>,
}

impl Table {
    /// Red, green, blue and density (1/mm) at a CT number (HU), interpolated linearly.
    #[must_use]
    pub fn at(&self, hu: f32) -> [f32; 4] {
        let last = self.entries.len() - 1;
        let at = ((hu - self.low) * self.per_hu).clamp(0.0, last as f32);
        let below = (at as usize).min(last - 1);
        let part = at - below as f32;
        let (a, b) = (self.entries[below], self.entries[below + 1]);
        std::array::from_fn(|k| a[k] + part * (b[k] - a[k]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_transfer_function_and_its_table_is_its_values() {
        for preset in [Preset::Bone, Preset::SoftTissue, Preset::Lung, Preset::Vessels, Preset::Skin] {
            let transfer = Transfer::Preset(preset);
            transfer.check().unwrap();
            assert_eq!(transfer.at(-2000.0)[3], 0.0, "{preset:?}: air is seen");
            let table = transfer.table();
            for hu in [-1500.0, -640.0, -3.0, 171.0, 523.5, 3000.0] {
                let (exact, found) = (transfer.at(hu), table.at(hu as f32));
                assert!((0..4).all(|k| (exact[k] - f64::from(found[k])).abs() < 2e-3), "{preset:?} at {hu}");
            }
        }
    }

    #[test]
    fn points_that_are_no_function_are_refused_by_name() {
        let stop = |hu, density_per_mm| Stop { hu, color: [0.5; 3], density_per_mm };
        let says = |points| Transfer::Points(points).check().unwrap_err().to_string();
        assert!(says(vec![]).contains("control points"));
        assert!(says(vec![stop(1.0, 0.0), stop(1.0, 1.0)]).contains("[1].hu"));
        assert!(says(vec![stop(1.0, -1.0)]).contains("[0].density_per_mm"));
    }
}
