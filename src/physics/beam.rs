//! Polychromatic beams: line integrals as measured with a spectrum.
//!
//! p = −ln Σ_i w_i exp(−Σ_m P_m f_m(E_i)/f_m(E_ref)), where P_m is the line integral of material m at the reference
//! energy and f_m its attenuation curve. The weights w_i depend on the detector: number of photons times energy for an
//! energy-integrating one (default), number of photons for a photon-counting one. E_ref is the effective energy for
//! thin water: μ_water(E_ref) = Σ_i w_i μ_water(E_i), so that p = P for a little water, and densities relative to water
//! mean the same with and without a spectrum. Thick objects absorb the low energies first, so p grows more slowly than
//! P (beam hardening; R. A. Brooks and G. Di Chiro, Phys. Med. Biol. 21, 390, 1976).

use super::attenuation::{ENERGY_RANGE_KEV, attenuation_per_mm, mass_attenuation};
use crate::data::{Material, Volume};
use crate::error::{Error, Result};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Quantity that a detector sums over the photons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// The photons' energy (scintillation detectors).
    #[default]
    EnergyIntegrating,
    /// The number of photons (photon-counting detectors).
    PhotonCounting,
}

/// Keys beside a spectrum: response of the detector and materials of the voxels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Detection {
    /// energy-integrating (default) or photon-counting.
    pub response: Option<Response>,
    /// CT number in HU above which a voxel is bone; all voxels below are water of another density. Default 300.
    pub bone_above_hu: Option<f64>,
    /// CT number in HU above which a voxel is metal, more than bone_above_hu. Default (null): no voxel is metal.
    pub metal_above_hu: Option<f64>,
    /// Material of the metal voxels. Default titanium.
    pub metal: Option<Material>,
}

crate::sibling_keys!(Detection { response, bone_above_hu, metal_above_hu, metal });

impl Detection {
    /// Checks the thresholds.
    ///
    /// # Errors
    /// Thresholds that are not finite or not in order.
    pub fn check(&self) -> Result<()> {
        let bone = self.bone_above_hu.unwrap_or(BONE_ABOVE_HU);
        if !bone.is_finite() {
            return Err(Error::config("bone_above_hu", format!("expected a finite number, got {bone}")));
        }
        match self.metal_above_hu {
            Some(metal) if !metal.is_finite() || metal <= bone => {
                Err(Error::config("metal_above_hu", format!("expected more than bone_above_hu ({bone}), got {metal}")))
            }
            _ => Ok(()),
        }
    }

    /// Splits a volume of linear attenuation (1/mm) by material. Each voxel belongs to one material, and the parts sum
    /// to the volume.
    ///
    /// # Errors
    /// Never for a volume that was checked.
    pub fn decompose(&self, volume: &Volume, mu_water: f64) -> Result<Vec<(Material, Volume)>> {
        let above = |hu: f64| (mu_water * (1.0 + hu / 1000.0)) as f32;
        let bone = above(self.bone_above_hu.unwrap_or(BONE_ABOVE_HU));
        let metal = self.metal_above_hu.map_or(f32::INFINITY, above);
        let part = |low: f32, high: f32| {
            let values = volume.as_slice().iter().map(|&mu| if low < mu && mu <= high { mu } else { 0.0 }).collect();
            Volume::from_vec(volume.grid.clone(), volume.quantity, values)
        };
        let mut parts = vec![(Material::Water, part(f32::NEG_INFINITY, bone)?), (Material::Bone, part(bone, metal)?)];
        if metal.is_finite() {
            parts.push((self.metal.unwrap_or(Material::Titanium), part(metal, f32::INFINITY)?));
        }
        Ok(parts)
    }
}

/// Default of [`Detection::bone_above_hu`], HU.
const BONE_ABOVE_HU: f64 = 300.0;

/// A spectrum weighted by the response of the detector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beam {
    /// [energy (keV), weight]; the weights sum to 1.
    lines: Vec<[f64; 2]>,
    reference_kev: f64,
    mu_water: f64,
}

impl Beam {
    /// Creates the beam of `photons`, pairs [keV, number of photons], on a detector with `response`.
    ///
    /// # Errors
    /// No photons.
    pub fn new(photons: &[[f64; 2]], response: Response) -> Result<Self> {
        let weigh = |[energy, number]: &[f64; 2]| match response {
            Response::EnergyIntegrating => [*energy, energy * number],
            Response::PhotonCounting => [*energy, *number],
        };
        let mut lines: Vec<[f64; 2]> = photons.iter().map(weigh).collect();
        let largest = lines.iter().map(|[_, weight]| *weight).fold(0.0, f64::max);
        // Lines below a millionth of the largest weight are dropped to save time.
        lines.retain(|[_, weight]| *weight > 1e-6 * largest);
        let total: f64 = lines.iter().map(|[_, weight]| weight).sum();
        if lines.is_empty() || !total.is_finite() {
            return Err(Error::config("spectrum", "expected photons, got none"));
        }
        for [_, weight] in &mut lines {
            *weight /= total;
        }
        let mu_water = lines.iter().map(|[energy, weight]| weight * attenuation_per_mm(Material::Water, *energy)).sum();
        Ok(Self { lines, reference_kev: energy_of_water(mu_water), mu_water })
    }

    /// Effective energy for thin water, keV.
    #[must_use]
    pub fn reference_kev(&self) -> f64 {
        self.reference_kev
    }

    /// Linear attenuation coefficient of water at the effective energy, 1/mm.
    #[must_use]
    pub fn mu_water(&self) -> f64 {
        self.mu_water
    }

    /// Measured line integrals, from those of each material at the reference energy, sample by sample.
    #[must_use]
    pub fn measure(&self, materials: &[(Material, Vec<f32>)]) -> Vec<f32> {
        let curves: Vec<Vec<f64>> = materials.iter().map(|(material, _)| self.curve(*material)).collect();
        let samples = materials.first().map_or(0, |(_, values)| values.len());
        let one = |sample: usize| {
            let thickness = |k: usize| f64::from(materials[k].1[sample]);
            if materials.iter().all(|(_, values)| values[sample] == 0.0) {
                return 0.0;
            }
            self.transmitted(|line| (0..curves.len()).map(|k| thickness(k) * curves[k][line]).sum()) as f32
        };
        (0..samples).into_par_iter().with_min_len(1024).map(one).collect()
    }

    /// Measured line integral (−ln of the mean transmission) of water whose line integral at the reference energy is
    /// `p`.
    #[must_use]
    pub fn water(&self, p: f64) -> f64 {
        let curve = self.curve(Material::Water);
        self.transmitted(|line| p * curve[line])
    }

    /// Attenuation of a material at each line of the spectrum, relative to that at the reference energy.
    fn curve(&self, material: Material) -> Vec<f64> {
        let at_reference = mass_attenuation(material, self.reference_kev);
        self.lines.iter().map(|[energy, _]| mass_attenuation(material, *energy) / at_reference).collect()
    }

    /// −ln Σ w e^−x for exponents x, computed relative to the smallest x to avoid underflow.
    fn transmitted(&self, exponent: impl Fn(usize) -> f64) -> f64 {
        let least = (0..self.lines.len()).map(&exponent).fold(f64::INFINITY, f64::min);
        let sum: f64 =
            self.lines.iter().enumerate().map(|(line, [_, weight])| weight * (least - exponent(line)).exp()).sum();
        least - sum.ln()
    }
}

/// Energy (keV) at which water has the linear attenuation `mu` (1/mm), by bisection.
fn energy_of_water(mu: f64) -> f64 {
    let [mut low, mut high] = ENERGY_RANGE_KEV;
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if attenuation_per_mm(Material::Water, middle) > mu { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::super::spectrum::{Emission, Tube};
    use super::*;
    use crate::data::{Grid, Quantity};

    fn tube() -> Beam {
        Beam::new(
            &Tube { kilovolts: 120.0, aluminium_mm: 6.0, ..Tube::default() }.photons(&[]).unwrap(),
            Response::EnergyIntegrating,
        )
        .unwrap()
    }

    #[test]
    fn one_energy_gives_back_the_line_integrals() {
        let beam = Beam::new(&[[60.0, 5.0]], Response::EnergyIntegrating).unwrap();
        assert!((beam.reference_kev() - 60.0).abs() < 1e-9 && (beam.mu_water() - 0.02059).abs() < 1e-12);
        let measured = beam.measure(&[(Material::Water, vec![0.0, 1.5, 300.0]), (Material::Iron, vec![0.0, 2.0, 0.0])]);
        assert!(measured.iter().zip([0.0, 3.5, 300.0]).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-4), "{measured:?}");
    }

    #[test]
    fn thin_water_is_seen_at_the_reference_energy_and_thick_water_as_spekpy_sees_it() {
        let beam = tube();
        assert!((beam.water(1e-4) / 1e-4 - 1.0).abs() < 1e-3);
        // SpekPy 2.5.4, 120 kV, 6 mm Al, weighted by energy: mu of thin water 0.02133 /mm, -ln of what passes 200 mm
        // 4.0078.
        assert!((beam.mu_water() / 0.02133 - 1.0).abs() < 0.01, "{}", beam.mu_water());
        let thick = beam.water(200.0 * beam.mu_water());
        assert!((thick / 4.0078 - 1.0).abs() < 0.01, "{thick}");
    }

    #[test]
    fn two_energies_are_the_formula() {
        let beam = Beam::new(&[[40.0, 3.0], [80.0, 1.0]], Response::PhotonCounting).unwrap();
        let (low, high) = (0.02683, 0.01837);
        let (mu, length) = (0.75 * low + 0.25 * high, 150.0f64);
        let exact = -(0.75 * (-low * length).exp() + 0.25 * (-high * length).exp()).ln();
        assert!((beam.water(mu * length) - exact).abs() < 1e-9, "{} against {exact}", beam.water(mu * length));
    }

    #[test]
    fn bone_and_metal_harden_more_than_water_of_the_same_attenuation() {
        let of = |material| tube().measure(&[(material, vec![3.0])])[0];
        assert!(of(Material::Bone) < of(Material::Water) && of(Material::Iron) < of(Material::Bone));
    }

    #[test]
    fn voxels_are_split_by_thresholds_and_add_up() {
        let grid = Grid::centered([1, 1, 5], [1.0; 3], [0.0; 3]).unwrap();
        let mu = |hu: f32| 0.02 * (1.0 + hu / 1000.0);
        let volume =
            Volume::from_vec(grid, Quantity::Attenuation, [-1000.0, 40.0, 299.0, 1200.0, 2900.0].map(mu).to_vec())
                .unwrap();
        let detection = Detection { metal_above_hu: Some(2500.0), metal: Some(Material::Iron), ..Detection::default() };
        let parts = detection.decompose(&volume, 0.02).unwrap();
        let names: Vec<Material> = parts.iter().map(|(material, _)| *material).collect();
        assert_eq!(names, [Material::Water, Material::Bone, Material::Iron]);
        assert_eq!(parts[1].1.as_slice(), [0.0, 0.0, 0.0, mu(1200.0), 0.0]);
        for k in 0..5 {
            assert_eq!(parts.iter().map(|(_, part)| part.as_slice()[k]).sum::<f32>(), volume.as_slice()[k]);
        }
        assert!(Detection { metal_above_hu: Some(100.0), ..Detection::default() }.check().is_err());
    }

    #[test]
    fn absurd_line_integrals_stay_finite() {
        let measured = tube().measure(&[(Material::Water, vec![1e30, -1e3]), (Material::Iron, vec![1e30, 0.0])]);
        assert!(measured.iter().all(|p| p.is_finite()), "{measured:?}");
    }
}
