//! Exact line integrals of a phantom: the sum over its shapes of density times the length on which the shape counts.

use super::Phantom;
use super::solids::Scratch;
use crate::data::{Geometry, Material, Source};
use rayon::prelude::*;

impl Phantom {
    /// Line integrals (dimensionless: attenuation in 1/mm times mm) in C order `[view, row, column]`, for one ray
    /// through the centre of each pixel, computed in f64 and rounded once. For pixels of finite size project
    /// [`Geometry::subdivided`] and average intensities. Rays of a point source begin at the source. The result does
    /// not depend on the number of threads.
    #[must_use]
    pub fn project(&self, geometry: &Geometry, mu_water: f64) -> Vec<f32> {
        self.project_of(geometry, mu_water, None)
    }

    /// Line integrals as in [`Phantom::project`], separately for each material of the phantom; they sum to the total.
    #[must_use]
    pub fn project_materials(&self, geometry: &Geometry, mu_water: f64) -> Vec<(Material, Vec<f32>)> {
        self.materials()
            .into_iter()
            .map(|material| (material, self.project_of(geometry, mu_water, Some(material))))
            .collect()
    }

    /// The materials of the phantom, each listed once.
    #[must_use]
    pub fn materials(&self) -> Vec<Material> {
        let used =
            |material: &Material| self.shapes.iter().any(|shape| shape.keys.material.unwrap_or_default() == *material);
        Material::ALL.into_iter().filter(used).collect()
    }

    /// Line integrals of the shapes made of `only`, or of all shapes if it is `None`.
    fn project_of(&self, geometry: &Geometry, mu_water: f64, only: Option<Material>) -> Vec<f32> {
        let scene = self.scene();
        let counts = |part: usize| only.is_none_or(|material| scene.parts[part].material == material);
        let [_, rows, columns] = geometry.shape();
        let mut projections = vec![0.0; geometry.samples()];
        projections.par_chunks_mut(columns).enumerate().for_each_init(Scratch::default, |scratch, (line, values)| {
            let (view, row) = (line / rows, line % rows);
            let start = match geometry.views[view].source {
                Source::Point(_) => 0.0,
                Source::Direction(_) => f64::NEG_INFINITY,
            };
            for (column, value) in values.iter_mut().enumerate() {
                let (origin, direction) = geometry.ray(view, row as f64, column as f64);
                let mut sum = 0.0;
                // Shapes of other materials must take part, because they still replace the shapes before them.
                scene.pieces(
                    [origin, direction],
                    start,
                    |_| true,
                    scratch,
                    |part, first, last| {
                        sum += if counts(part) { scene.parts[part].density * (last - first) } else { 0.0 };
                    },
                );
                *value = (mu_water * sum) as f32;
            }
        });
        projections
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, DetectorShape, View, add, cross, normalized, scale};
    use std::path::Path;

    const ASYMMETRIC: &str = "
name: asymmetric
source: two ellipsoids without any symmetry of the scan
extent_mm: 100
dimension: 3
shapes:
  - ellipsoid: {center: [0.3, 0.1, -0.2], semi_axes: [0.2, 0.4, 0.3], rotation_deg: 25, density: 1}
  - ellipsoid: {center: [-0.4, 0.2, 0.3], semi_axes: [0.1, 0.2, 0.15], rotation_deg: [10, 40, -20], density: 0.5}
";

    fn phantom(text: &str) -> Phantom {
        Phantom::parse(text, Path::new("test.yaml")).unwrap()
    }

    /// Cone-beam views on a circle of radius 300 mm, rotated about z by `turn` radians and tilted so that no symmetry
    /// remains.
    fn scan(turn: f64) -> Geometry {
        let view = |k: usize| {
            let angle = 0.7 * k as f64 + turn;
            let outward = normalized([angle.cos(), angle.sin(), 0.2]);
            let u = [-angle.sin(), angle.cos(), 0.0];
            View {
                source: Source::Point(scale(outward, 300.0)),
                center: scale(outward, -150.0),
                u: scale(u, 3.0),
                v: scale(cross(outward, u), 3.0),
            }
        };
        Geometry::new((0..5).map(view).collect(), Detector { rows: 41, columns: 43, shape: DetectorShape::Flat }, None)
            .unwrap()
    }

    #[test]
    fn projections_are_the_numeric_integrals_along_the_rays() {
        let (phantom, geometry) = (phantom(ASYMMETRIC), scan(0.0));
        let found = phantom.project(&geometry, 0.02);
        let bodies = phantom.bodies();
        let (steps, step) = (30_000, 0.02);
        let mut hit = 0;
        for (view, row, column) in [(0, 20, 21), (1, 14, 24), (2, 26, 30), (3, 20, 10), (4, 27, 18), (0, 0, 0)] {
            let (origin, direction) = geometry.ray(view, row as f64, column as f64);
            let density = |k: i32| {
                let point = add(origin, scale(direction, (f64::from(k) + 0.5) * step));
                bodies.iter().filter(|(_, body)| body.contains(point)).map(|(density, _)| density).sum::<f64>()
            };
            let expected = 0.02 * step * (0..steps).map(density).sum::<f64>();
            let value = f64::from(found[(view * 41 + row) * 43 + column]);
            assert!(
                (value - expected).abs() < 0.02 * 4.0 * step,
                "[{view}, {row}, {column}]: {value} against {expected}"
            );
            hit += usize::from(expected > 0.1);
        }
        assert!(hit >= 3, "the rays were chosen to meet the object");
    }

    #[test]
    fn turning_the_phantom_is_turning_the_scan_the_same_way() {
        let turned =
            ASYMMETRIC.replace("rotation_deg: 25", "rotation_deg: 65").replace("[10, 40, -20]", "[50, 40, -20]");
        let (sin, cos) = 40f64.to_radians().sin_cos();
        let turn = |x: f64, y: f64| format!("center: [{}, {},", x * cos - y * sin, x * sin + y * cos);
        let turned =
            turned.replace("center: [0.3, 0.1,", &turn(0.3, 0.1)).replace("center: [-0.4, 0.2,", &turn(-0.4, 0.2));
        let still = phantom(ASYMMETRIC).project(&scan(0.0), 0.02);
        let moved = phantom(&turned).project(&scan(40f64.to_radians()), 0.02);
        let worst = still.iter().zip(&moved).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6, "{worst}");
        let wrong = phantom(&turned).project(&scan(-40f64.to_radians()), 0.02);
        assert!(still.iter().zip(&wrong).any(|(a, b)| (a - b).abs() > 0.1), "the test can fail");
    }

    #[test]
    fn nothing_behind_the_source_is_seen() {
        let ball = phantom(
            "{name: b, source: s, extent_mm: 100, dimension: 3, shapes: [{ellipsoid: {semi_axes: [0.2, 0.2, 0.2], \
             density: 1}}]}",
        );
        let view = |source, center| View { source, center, u: [0.0, 1.0, 0.0], v: [0.0, 0.0, 1.0] };
        let detector = Detector { rows: 1, columns: 1, shape: DetectorShape::Flat };
        let value =
            |source, center| ball.project(&Geometry::new(vec![view(source, center)], detector, None).unwrap(), 1.0)[0];
        assert_eq!(value(Source::Point([50.0, 0.0, 0.0]), [90.0, 0.0, 0.0]), 0.0);
        assert_eq!(value(Source::Point([0.0, 0.0, 0.0]), [90.0, 0.0, 0.0]), 10.0);
        assert_eq!(value(Source::Direction([1.0, 0.0, 0.0]), [90.0, 0.0, 0.0]), 20.0);
    }
}
