//! Attenuation curves: tabulated mass attenuation coefficients (total with coherent scattering), interpolated log-log.
//!
//! J. H. Hubbell and S. M. Seltzer, "Tables of X-ray mass attenuation coefficients", NISTIR 5632, tables 3 and 4 (NIST
//! Standard Reference Database 126); bone is the cortical bone of ICRU Report 44. Between 10 and 200 keV only tungsten
//! has an edge: its K edge at 69.525 keV is tabulated on both sides. The values agree with XCOM as included in SpekPy
//! 2.5.4 to 1 in 1000 (bone: summed over its elements).

use crate::data::Material;

/// Energies of the tables below (mass attenuation coefficients in cm²/g), keV.
const ENERGIES: [f64; 11] = [10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 200.0];
const WATER: [f64; 11] = [5.329, 1.673, 0.8096, 0.3756, 0.2683, 0.2269, 0.2059, 0.1837, 0.1707, 0.1505, 0.1370];
const BONE: [f64; 11] = [28.51, 9.032, 4.001, 1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855, 0.1480, 0.1309];
const ALUMINIUM: [f64; 11] = [26.23, 7.955, 3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704, 0.1378, 0.1223];
const TITANIUM: [f64; 11] = [110.7, 35.87, 15.85, 4.972, 2.214, 1.213, 0.7661, 0.4052, 0.2721, 0.1649, 0.1314];
const IRON: [f64; 11] = [170.6, 57.08, 25.68, 8.176, 3.629, 1.958, 1.205, 0.5952, 0.3717, 0.1964, 0.1460];
const COPPER: [f64; 11] = [215.9, 74.05, 33.79, 10.92, 4.862, 2.613, 1.593, 0.7630, 0.4584, 0.2217, 0.1559];

const TUNGSTEN_ENERGIES: [f64; 12] = [12.1, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 69.5249, 69.5251, 80.0, 100.0, 150.0];
const TUNGSTEN: [f64; 12] = [238.2, 138.9, 65.73, 22.73, 10.67, 5.949, 3.713, 2.552, 11.23, 7.810, 4.438, 1.581];

/// Lowest and highest energy of the tables, keV.
pub const ENERGY_RANGE_KEV: [f64; 2] = [10.0, 200.0];

/// Mass attenuation coefficient in cm²/g at an energy in keV (clamped to 10 to 200 keV).
#[must_use]
pub fn mass_attenuation(material: Material, energy_kev: f64) -> f64 {
    let table = match material {
        Material::Water => &WATER,
        Material::Bone => &BONE,
        Material::Aluminium => &ALUMINIUM,
        Material::Titanium => &TITANIUM,
        Material::Iron => &IRON,
        Material::Copper => &COPPER,
    };
    interpolate(&ENERGIES, table, energy_kev)
}

/// Mass density, g/cm³ (NISTIR 5632, tables 1 and 2).
#[must_use]
pub fn mass_density(material: Material) -> f64 {
    match material {
        Material::Water => 1.0,
        Material::Bone => 1.92,
        Material::Aluminium => 2.699,
        Material::Titanium => 4.54,
        Material::Iron => 7.874,
        Material::Copper => 8.96,
    }
}

/// Linear attenuation coefficient of the material at its own density, 1/mm.
#[must_use]
pub fn attenuation_per_mm(material: Material, energy_kev: f64) -> f64 {
    0.1 * mass_density(material) * mass_attenuation(material, energy_kev)
}

/// Mass attenuation coefficient of tungsten (the anode) in cm²/g, at an energy in keV (clamped to 12.1 to 150 keV).
pub(super) fn tungsten(energy_kev: f64) -> f64 {
    interpolate(&TUNGSTEN_ENERGIES, &TUNGSTEN, energy_kev)
}

/// Interpolates a table by a power law between neighbouring energies, clamped at its ends.
pub(super) fn interpolate(energies: &[f64], values: &[f64], energy: f64) -> f64 {
    let last = energies.len() - 1;
    let energy = energy.clamp(energies[0], energies[last]);
    let k = energies.partition_point(|&e| e <= energy).clamp(1, last);
    let part = (energy / energies[k - 1]).ln() / (energies[k] / energies[k - 1]).ln();
    (values[k - 1].ln() * (1.0 - part) + values[k].ln() * part).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_met_at_their_energies_and_power_laws_between() {
        assert!((mass_attenuation(Material::Water, 60.0) - 0.2059).abs() < 1e-12);
        assert!((mass_attenuation(Material::Iron, 200.0) - 0.1460).abs() < 1e-12);
        let middle = mass_attenuation(Material::Bone, (40.0f64 * 50.0).sqrt());
        assert!((middle - (0.6655f64 * 0.4242).sqrt()).abs() < 1e-12);
        assert!((mass_attenuation(Material::Water, 1.0) - 5.329).abs() < 1e-12, "clamped");
    }

    #[test]
    fn between_the_tables_energies_the_curves_are_those_of_xcom() {
        // XCOM, total with coherent scattering, as SpekPy 2.5.4 (mu_data_source nist) gives it for tungsten, cm2/g.
        for (energy, exact) in [(65.0, 3.0290), (69.0, 2.6022), (75.0, 9.2300), (100.0, 4.437)] {
            assert!(
                (tungsten(energy) / exact - 1.0).abs() < 0.01,
                "{energy} keV: {} against {exact}",
                tungsten(energy)
            );
        }
        // Water at 70 keV: 0.1929 cm2/g (XCOM).
        assert!((mass_attenuation(Material::Water, 70.0) / 0.1929 - 1.0).abs() < 0.005);
    }

    #[test]
    fn heavier_matter_hardens_more() {
        let fall = |material| mass_attenuation(material, 40.0) / mass_attenuation(material, 100.0);
        assert!(fall(Material::Water) < fall(Material::Bone) && fall(Material::Bone) < fall(Material::Iron));
    }
}
