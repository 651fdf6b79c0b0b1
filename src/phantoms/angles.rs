//! Orientation of a shape: one angle about z, or three Euler angles.

use crate::data::Point;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Euler angles [φ, θ, ψ] in degrees, x-convention: the body is rotated by R = Rz(φ) Rx(θ) Rz(ψ), each positive about
/// its axis (φ turns +x towards +y). In YAML a single number is φ, with θ = ψ = 0. (MathWorld, "Euler Angles"; the
/// convention of the published Shepp-Logan tables.)
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Angles(pub [f64; 3]);

impl Angles {
    /// Rotation matrix from body to world: `matrix[i][k]` is world component i of body axis k.
    #[must_use]
    pub fn matrix(self) -> [Point; 3] {
        let [(sp, cp), (st, ct), (ss, cs)] = self.0.map(|degrees| degrees.to_radians().sin_cos());
        [
            [cp * cs - sp * ct * ss, -cp * ss - sp * ct * cs, sp * st],
            [sp * cs + cp * ct * ss, -sp * ss + cp * ct * cs, -cp * st],
            [st * ss, st * cs, ct],
        ]
    }
}

impl<'de> Deserialize<'de> for Angles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnglesVisitor)
    }
}

struct AnglesVisitor;

impl<'de> Visitor<'de> for AnglesVisitor {
    type Value = Angles;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an angle about z or [phi, theta, psi], degrees")
    }

    fn visit_f64<E: serde::de::Error>(self, phi: f64) -> Result<Angles, E> {
        Ok(Angles([phi, 0.0, 0.0]))
    }

    fn visit_u64<E: serde::de::Error>(self, phi: u64) -> Result<Angles, E> {
        self.visit_f64(phi as f64)
    }

    fn visit_i64<E: serde::de::Error>(self, phi: i64) -> Result<Angles, E> {
        self.visit_f64(phi as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Angles, A::Error> {
        let mut angles = Vec::with_capacity(3);
        while let Some(angle) = sequence.next_element::<f64>()? {
            angles.push(angle);
        }
        <[f64; 3]>::try_from(angles).map(Angles).map_err(|angles| A::Error::invalid_length(angles.len(), &self))
    }
}

impl Serialize for Angles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [phi, 0.0, 0.0] => serializer.serialize_f64(phi),
            angles => angles.serialize(serializer),
        }
    }
}

impl JsonSchema for Angles {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "angles".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "description": "Degrees: an angle about z (from +x to +y), or Euler angles [phi, theta, psi]: Rz(phi) \
             Rx(theta) Rz(psi).",
            "oneOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{cross, dot, norm, sub};

    fn column(matrix: [Point; 3], k: usize) -> Point {
        matrix.map(|row| row[k])
    }

    #[test]
    fn phi_turns_x_towards_y() {
        let x = column(Angles([90.0, 0.0, 0.0]).matrix(), 0);
        assert!(norm(sub(x, [0.0, 1.0, 0.0])) < 1e-15);
    }

    #[test]
    fn theta_turns_y_towards_z_and_comes_after_psi() {
        let y = column(Angles([0.0, 90.0, 0.0]).matrix(), 1);
        assert!(norm(sub(y, [0.0, 0.0, 1.0])) < 1e-15);
        // psi first: x -> y, then theta: y -> z.
        let x = column(Angles([0.0, 90.0, 90.0]).matrix(), 0);
        assert!(norm(sub(x, [0.0, 0.0, 1.0])) < 1e-15);
    }

    #[test]
    fn any_angles_give_a_right_handed_rotation() {
        let matrix = Angles([17.0, -120.0, 300.0]).matrix();
        let [x, y, z] = [0, 1, 2].map(|k| column(matrix, k));
        assert!(dot(x, y).abs() < 1e-15 && (norm(x) - 1.0).abs() < 1e-15);
        assert!(norm(sub(cross(x, y), z)) < 1e-15);
    }

    #[test]
    fn a_number_is_phi_and_two_numbers_are_refused() {
        assert_eq!(serde_yaml::from_str::<Angles>("-18").unwrap(), Angles([-18.0, 0.0, 0.0]));
        assert_eq!(serde_yaml::from_str::<Angles>("[1, 2.5, 3]").unwrap(), Angles([1.0, 2.5, 3.0]));
        assert!(serde_yaml::from_str::<Angles>("[1, 2]").unwrap_err().to_string().contains("phi, theta, psi"));
    }
}
