//! Encodings of the viewing direction for a radiance field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Encoding of the viewing direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// No direction: a point has the same colour from all sides.
    None,
    /// Real spherical harmonics up to degree 3: sixteen numbers (Müller et al. 2022).
    SphericalHarmonics,
    /// d and sin 2ᵏπd, cos 2ᵏπd for k = 0 .. 3: 27 numbers (Mildenhall et al. 2020, with the direction itself as in
    /// their program).
    Waves,
}

impl Direction {
    /// Length of the encoding.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::None => 0,
            Self::SphericalHarmonics => 16,
            Self::Waves => 27,
        }
    }

    /// The encoding of a unit vector (x, y, z).
    #[must_use]
    pub fn encode(self, direction: [f64; 3]) -> Vec<f64> {
        match self {
            Self::None => Vec::new(),
            Self::SphericalHarmonics => harmonics(direction).to_vec(),
            Self::Waves => {
                let waves = (0..4).flat_map(|k| {
                    let turned = direction.map(|x| f64::from(1 << k) * PI * x);
                    turned.map(f64::sin).into_iter().chain(turned.map(f64::cos))
                });
                direction.into_iter().chain(waves).collect()
            }
        }
    }
}

/// The real spherical harmonics of degrees 0 to 3, orthonormal on the unit sphere, order m = −l .. l. Sloan, "Efficient
/// spherical harmonic evaluation", JCGT 2(2), 2013.
fn harmonics([x, y, z]: [f64; 3]) -> [f64; 16] {
    let root = |q: f64| (q / PI).sqrt();
    let (xx, yy, zz) = (x * x, y * y, z * z);
    [
        0.5 * root(1.0),
        -root(0.75) * y,
        root(0.75) * z,
        -root(0.75) * x,
        root(3.75) * x * y,
        -root(3.75) * y * z,
        root(5.0 / 16.0) * (3.0 * zz - 1.0),
        -root(3.75) * x * z,
        root(15.0 / 16.0) * (xx - yy),
        -root(35.0 / 32.0) * y * (3.0 * xx - yy),
        root(105.0 / 4.0) * x * y * z,
        -root(21.0 / 32.0) * y * (5.0 * zz - 1.0),
        root(7.0 / 16.0) * z * (5.0 * zz - 3.0),
        -root(21.0 / 32.0) * x * (5.0 * zz - 1.0),
        root(105.0 / 16.0) * z * (xx - yy),
        -root(35.0 / 32.0) * x * (xx - 3.0 * yy),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harmonics_are_orthonormal_on_the_sphere() {
        let count = 20_000;
        let golden = PI * (3.0 - 5f64.sqrt());
        let mut sums = [[0.0; 16]; 16];
        for i in 0..count {
            let z = 1.0 - (2.0 * i as f64 + 1.0) / count as f64;
            let (sin, cos) = (golden * i as f64).sin_cos();
            let values = harmonics([(1.0 - z * z).sqrt() * cos, (1.0 - z * z).sqrt() * sin, z]);
            for (row, a) in sums.iter_mut().zip(values) {
                row.iter_mut().zip(values).for_each(|(sum, b)| *sum += 4.0 * PI * a * b / count as f64);
            }
        }
        for (i, row) in sums.iter().enumerate() {
            for (j, sum) in row.iter().enumerate() {
                assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-3, "{i} {j}: {sum}");
            }
        }
    }

    #[test]
    fn widths_are_those_of_what_is_told() {
        for direction in [Direction::None, Direction::SphericalHarmonics, Direction::Waves] {
            assert_eq!(direction.encode([0.6, 0.0, 0.8]).len(), direction.width());
        }
    }
}
