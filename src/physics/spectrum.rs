//! X-ray spectra: a model of a tungsten tube with filters, or a table from a file.
//!
//! The tube follows Kramers' thick-target law with self-absorption in the anode (H. A. Kramers, Phil. Mag. 46, 836,
//! 1923; depth of production by the Thomson-Whiddington law, as in R. Birch and M. Marshall, Phys. Med. Biol. 24, 505,
//! 1979): N(E) ∝ (E0/E − 1) exp(−μ_W(E) (E0² − E²)/(2 c) cot θ), with K lines of strength ∝ (E0/E_K − 1)^1.67 (M. Green
//! and V. E. Cosslett, J. Phys. D 1, 425, 1968) above 69.5 keV, behind filters e^{−μ d}. The two constants, c = 1.8e6
//! keV² cm²/g and the strength of the K lines, are set so that mean energies and half-value layers agree with SpekPy
//! 2.5.4 to 5 % from 70 to 140 kV (see the test). Where that is not accurate enough, use a table.

use super::attenuation::{ENERGY_RANGE_KEV, attenuation_per_mm, tungsten};
use crate::data::Material;
use crate::error::{Error, Result};
use crate::input_path::InputPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// K lines of tungsten: energy (keV) and fraction of all K-line photons (D. M. Tucker, G. T. Barnes, D. P. Chakraborty,
/// Med. Phys. 18, 211, 1991).
const K_LINES: [(f64, f64); 4] = [(59.318, 0.505), (57.981, 0.291), (67.1, 0.162), (69.1, 0.042)];
const K_EDGE_KEV: f64 = 69.525;
/// Ratio of all K-line photons to continuum photons per keV at half the peak energy, for a tube voltage of twice the K
/// edge.
const K_STRENGTH: f64 = 12.0;
/// Thomson-Whiddington constant of tungsten, keV² cm²/g.
const WHIDDINGTON: f64 = 1.8e6;
/// Width of an energy bin, keV.
const BIN_KEV: f64 = 1.0;

/// A source of X-ray photons with a spectrum.
pub trait Emission {
    /// Path of the file from which the spectrum is read, if there is one.
    fn path(&self) -> Option<&Path>;
    /// The spectrum as pairs `[keV, number of photons]` with ascending energies; the numbers may be in any unit. `read`
    /// holds the rows of the file at [`Emission::path`].
    ///
    /// # Errors
    /// Invalid values, with their key.
    fn photons(&self, read: &[[f64; 2]]) -> Result<Vec<[f64; 2]>>;
}

crate::kinds! {
    /// The spectrum of the source.
    pub enum SpectrumKind: "spectrum" => dyn Emission {
        /// A tungsten tube with filters.
        tube => Tube(Tube),
        /// A table from a file.
        file => File(SpectrumFile),
    }
}

/// `tube: {kilovolts, anode_deg, aluminium_mm, copper_mm}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tube {
    /// Peak voltage, kV, 40 to 150; default 120.
    pub kilovolts: f64,
    /// Anode angle: between the anode's face and the central ray, degrees, 5 to 45; default 12.
    pub anode_deg: f64,
    /// Thickness of the inherent and added aluminium filter, mm, 0.5 to 100; default 3.
    pub aluminium_mm: f64,
    /// Thickness of the added copper filter, mm, 0 to 10; default 0.
    pub copper_mm: f64,
}

impl Default for Tube {
    fn default() -> Self {
        Self { kilovolts: 120.0, anode_deg: 12.0, aluminium_mm: 3.0, copper_mm: 0.0 }
    }
}

/// `file: {path}`: a CSV table of keV and photons (any unit).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpectrumFile {
    /// Path of the CSV table: one `keV,photons` per line, 10 to 200 keV, ascending; lines that begin with # and one
    /// header line are skipped.
    pub path: InputPath,
}

impl Emission for Tube {
    fn path(&self) -> Option<&Path> {
        None
    }

    fn photons(&self, _read: &[[f64; 2]]) -> Result<Vec<[f64; 2]>> {
        self.check()?;
        let lowest = 12.5;
        let bins = ((self.kilovolts - lowest) / BIN_KEV).floor() as usize;
        let energies = (0..bins).map(|k| lowest + (k as f64 + 0.5) * BIN_KEV);
        let mut photons: Vec<[f64; 2]> =
            energies.map(|energy| [energy, (self.kilovolts / energy - 1.0) * BIN_KEV]).collect();
        let over = self.kilovolts / K_EDGE_KEV - 1.0;
        if over > 0.0 {
            for (energy, share) in K_LINES {
                photons[((energy - lowest) / BIN_KEV) as usize][1] += K_STRENGTH * share * over.powf(1.67);
            }
        }
        for [energy, number] in &mut photons {
            *number *= self.transmission(*energy);
        }
        Ok(photons)
    }
}

impl Tube {
    fn check(&self) -> Result<()> {
        let inside = |key: &str, value: f64, low: f64, high: f64| {
            let problem = || Error::config(format!("tube.{key}"), format!("expected {low} to {high}, got {value}"));
            if (low..=high).contains(&value) { Ok(()) } else { Err(problem()) }
        };
        inside("kilovolts", self.kilovolts, 40.0, 150.0)?;
        inside("anode_deg", self.anode_deg, 5.0, 45.0)?;
        inside("aluminium_mm", self.aluminium_mm, 0.5, 100.0)?;
        inside("copper_mm", self.copper_mm, 0.0, 10.0)
    }

    /// Transmission through the anode itself and the filters, at an energy in keV.
    fn transmission(&self, energy: f64) -> f64 {
        let depth = (self.kilovolts.powi(2) - energy.powi(2)) / (2.0 * WHIDDINGTON);
        let anode = tungsten(energy) * depth / self.anode_deg.to_radians().tan();
        let filters = attenuation_per_mm(Material::Aluminium, energy) * self.aluminium_mm
            + attenuation_per_mm(Material::Copper, energy) * self.copper_mm;
        (-anode - filters).exp()
    }
}

impl Emission for SpectrumFile {
    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn photons(&self, read: &[[f64; 2]]) -> Result<Vec<[f64; 2]>> {
        let [low, high] = ENERGY_RANGE_KEV;
        let fault = |problem: String| Err(Error::input(&*self.path, problem));
        if let Some([energy, _]) = read.iter().find(|[energy, _]| !(low..=high).contains(energy)) {
            return fault(format!("expected energies of {low} to {high} keV, got {energy}"));
        }
        if read.windows(2).any(|pair| pair[0][0] >= pair[1][0]) {
            return fault("expected energies that ascend".to_string());
        }
        if read.iter().any(|[_, number]| !(0.0..=1e300).contains(number))
            || !read.iter().any(|[_, number]| *number > 0.0)
        {
            return fault("expected numbers of photons that are not negative, and one above 0".to_string());
        }
        Ok(read.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::super::attenuation::interpolate;
    use super::*;

    /// Mass energy-absorption coefficient of air, cm2/g (NISTIR 5632): weighs air kerma.
    const AIR: [f64; 10] = [4.742, 1.334, 0.5389, 0.1537, 0.06833, 0.04098, 0.03041, 0.02407, 0.02325, 0.02496];
    const AT: [f64; 10] = [10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0];

    fn mean_and_half_value_layer(kilovolts: f64, aluminium_mm: f64, copper_mm: f64) -> (f64, f64) {
        let photons = Tube { kilovolts, aluminium_mm, copper_mm, ..Tube::default() }.photons(&[]).unwrap();
        let total: f64 = photons.iter().map(|[_, n]| n).sum();
        let kerma = |mm: f64| {
            let of = |[e, n]: &[f64; 2]| {
                e * n * interpolate(&AT, &AIR, *e) * (-attenuation_per_mm(Material::Aluminium, *e) * mm).exp()
            };
            photons.iter().map(of).sum::<f64>()
        };
        let (mut low, mut high) = (0.0, 40.0);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            (low, high) = if kerma(middle) > kerma(0.0) / 2.0 { (middle, high) } else { (low, middle) };
        }
        (photons.iter().map(|[e, n]| e * n).sum::<f64>() / total, low)
    }

    #[test]
    fn mean_energies_and_half_value_layers_are_those_of_spekpy() {
        // SpekPy 2.5.4, physics casim, 12 degrees, NIST coefficients: kV, mm Al, mm Cu, mean energy (keV), first
        // half-value layer (mm Al).
        for (kv, al, cu, mean, layer) in [
            (80.0, 3.0, 0.0, 43.93, 3.009),
            (100.0, 3.0, 0.0, 50.22, 3.794),
            (120.0, 3.0, 0.0, 55.51, 4.594),
            (120.0, 6.0, 0.0, 59.77, 6.343),
            (140.0, 6.0, 0.0, 64.55, 7.197),
            (120.0, 3.0, 0.2, 63.61, 7.814),
            (70.0, 23.5, 0.0, 52.24, 6.662),
        ] {
            let found = mean_and_half_value_layer(kv, al, cu);
            assert!(
                (found.0 / mean - 1.0).abs() < 0.025,
                "{kv} kV {al} mm Al {cu} mm Cu: mean {} against {mean} keV",
                found.0
            );
            assert!(
                (found.1 / layer - 1.0).abs() < 0.05,
                "{kv} kV {al} mm Al {cu} mm Cu: layer {} against {layer} mm",
                found.1
            );
        }
    }

    #[test]
    fn k_lines_stand_out_above_the_edge_only() {
        let at = |kilovolts: f64| {
            let photons = Tube { kilovolts, ..Tube::default() }.photons(&[]).unwrap();
            photons[46][1] / photons[44][1]
        };
        assert!(at(120.0) > 2.0 && at(65.0) < 1.1);
    }

    #[test]
    fn impossible_tubes_and_tables_are_refused_with_their_key() {
        let fault = |tube: Tube| tube.photons(&[]).unwrap_err().to_string();
        assert!(fault(Tube { kilovolts: 500.0, ..Tube::default() }).contains("tube.kilovolts"));
        assert!(fault(Tube { aluminium_mm: f64::NAN, ..Tube::default() }).contains("tube.aluminium_mm"));
        let file = SpectrumFile { path: "a.csv".into() };
        for rows in [
            vec![[5.0, 1.0]],
            vec![[50.0, 1.0], [40.0, 1.0]],
            vec![[50.0, -1.0]],
            vec![[50.0, 0.0]],
            vec![[f64::NAN, 1.0]],
        ] {
            assert!(file.photons(&rows).unwrap_err().to_string().contains("a.csv"), "{rows:?}");
        }
    }
}
