//! Shading of a volume: the gradient of its values serves as the surface normal. Phong, "Illumination for computer
//! generated pictures", Commun. ACM 18(6), 1975, as used by Levoy 1988.

use crate::data::{Point, dot, norm, normalized, scale, sub};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Phong's reflection model with one light.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Light {
    /// Direction from the object to the light, world (x, y, z), of any length; `null`: the light is at the camera.
    pub direction: Option<[f64; 3]>,
    /// Fraction of the colour that is seen without the light, 0 to 1.
    pub ambient: f64,
    /// Fraction of the colour that the light adds on a surface facing it, 0 to 1.
    pub diffuse: f64,
    /// Strength of the white highlight where a surface reflects the light to the camera, 0 to 1.
    pub specular: f64,
    /// Exponent of the highlight, 0 to 1000; larger values make it narrower.
    pub shininess: f64,
    /// Whether points behind others, seen from the light, get only the ambient part; needs a `direction`. Costs one
    /// more ray per visible sample.
    pub shadows: bool,
}

impl Default for Light {
    fn default() -> Self {
        Self { direction: None, ambient: 0.35, diffuse: 0.65, specular: 0.25, shininess: 20.0, shadows: false }
    }
}

impl Light {
    /// Refuses an invalid configuration, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        if let Some(direction) = self.direction
            && !(norm(direction).is_finite() && norm(direction) > 0.0)
        {
            let problem = format!("expected a finite vector other than zero, got {direction:?}");
            return Err(Error::config("direction", problem));
        }
        let parts = [("ambient", self.ambient, 1.0), ("diffuse", self.diffuse, 1.0), ("specular", self.specular, 1.0)];
        for (key, value, most) in parts.into_iter().chain([("shininess", self.shininess, 1000.0)]) {
            if !(0.0..=most).contains(&value) {
                return Err(Error::config(key, format!("expected 0 to {most}, got {value}")));
            }
        }
        if self.shadows && self.direction.is_none() {
            return Err(Error::config("shadows", "a light at the camera casts no visible shadow")
                .hint("give the light a direction"));
        }
        Ok(())
    }

    /// Unit vector from a point to the light; `ray` is the viewing direction, for a light at the camera.
    #[must_use]
    pub fn towards(&self, ray: Point) -> Point {
        self.direction.map_or(scale(ray, -1.0), normalized)
    }

    /// Colour of a surface with the unit normal `normal` (of either sign), seen along `ray`; `lit` is the fraction of
    /// the light that reaches it. Values are limited to 0 to 1.
    #[must_use]
    pub fn shade(&self, color: [f32; 3], normal: Point, ray: Point, lit: f64) -> [f32; 3] {
        let light = self.towards(ray);
        // The normal is turned towards the viewer.
        let normal = if dot(normal, ray) > 0.0 { scale(normal, -1.0) } else { normal };
        let cosine = dot(normal, light).max(0.0);
        let mirrored = sub(scale(normal, 2.0 * dot(normal, light)), light);
        let gloss = if cosine > 0.0 { dot(mirrored, scale(ray, -1.0)).max(0.0).powf(self.shininess) } else { 0.0 };
        let matte = self.ambient + lit * self.diffuse * cosine;
        color.map(|c| (f64::from(c) * matte + lit * self.specular * gloss).clamp(0.0, 1.0) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surface_facing_the_light_is_brightest_and_both_sides_are_alike() {
        let light = Light { specular: 0.0, ..Light::default() };
        let seen = |normal| light.shade([0.5; 3], normal, [0.0, 0.0, -1.0], 1.0)[0];
        assert!((seen([0.0, 0.0, 1.0]) - 0.5).abs() < 1e-6);
        assert_eq!(seen([0.0, 0.0, 1.0]), seen([0.0, 0.0, -1.0]));
        assert!(seen([0.8, 0.0, 0.6]) < 0.5 && (seen([1.0, 0.0, 0.0]) - 0.175).abs() < 1e-6);
        assert!(Light { shadows: true, ..light }.check().is_err());
    }
}
