//! The kinds of shapes in a phantom file, and the keys that may stand beside each.

use super::body::Shape;
use super::cut::Cut;
use super::{cone, cuboid, cylinder, ellipse, ellipsoid, rectangle};
use crate::data::Material;
use crate::kinds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys beside a shape: `- ellipsoid: {...}` with `cut`, `material` or `fixed` on the following lines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Modifiers {
    /// Half-spaces to keep: points with normal . p <= offset, in world axes, whatever the shape's rotation. Default: no
    /// cut.
    pub cut: Option<Vec<Cut>>,
    /// Material of the shape, used with a polychromatic spectrum. Default: water.
    pub material: Option<Material>,
    /// Set to true to exclude the shape from jitter. Default: false.
    pub fixed: Option<bool>,
}

crate::sibling_keys!(Modifiers { cut, material, fixed });

kinds! {
    /// A solid of a phantom.
    pub enum ShapeKind: "shape" => dyn Shape {
        /// A solid ellipsoid (3-D).
        ellipsoid => Ellipsoid(ellipsoid::Config),
        /// A solid box (3-D).
        box => Box(cuboid::Config),
        /// A solid cylinder, circular or elliptic (3-D).
        cylinder => Cylinder(cylinder::Config),
        /// A solid truncated cone (3-D).
        cone => Cone(cone::Config),
        /// A filled ellipse (2-D).
        ellipse => Ellipse(ellipse::Config),
        /// A filled rectangle (2-D).
        rectangle => Rectangle(rectangle::Config),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Phantom;
    use super::super::body::{Body, measured_content};
    use super::*;
    use crate::data::{Point, add, normalized, scale, sub};
    use crate::registry::Kinds;
    use proptest::prelude::*;
    use std::path::Path;

    /// One shape of each kind, rotated so that no symmetry remains, and one with two cuts.
    const SOLIDS: &[&str] = &[
        "ellipsoid: {center: [0.1, -0.2, 0.1], semi_axes: [0.5, 0.3, 0.4], rotation_deg: [20, 35, -50], density: 1}",
        "box: {center: [0.1, -0.2, 0.1], half_lengths: [0.5, 0.2, 0.3], rotation_deg: [20, 35, -50], density: 1}",
        "cylinder: {center: [0.1, -0.2, 0.1], semi_axes: [0.2, 0.4], half_length: 0.4, rotation_deg: [20, 35, -50], \
         density: 1}",
        "cone: {center: [0.1, -0.2, 0.1], radii: [0.5, 0.1], half_length: 0.4, rotation_deg: [20, 35, -50], \
         density: 1}",
        "cone: {center: [0.1, -0.2, 0.1], radii: [0, 0.5], half_length: 0.3, rotation_deg: [80, 125, 10], density: 1}",
        "ellipsoid: {semi_axes: [0.5, 0.5, 0.5], density: 1}, cut: [{normal: [0, 0, 2], offset: 0.1}, {normal: [-1, 1, \
         0.5], offset: 0.2}]",
    ];
    const PLANES: &[&str] = &[
        "ellipse: {center: [0.1, -0.2], semi_axes: [0.5, 0.3], rotation_deg: 25, density: 1}",
        "rectangle: {center: [0.1, -0.2], half_lengths: [0.5, 0.3], rotation_deg: 25, density: 1}",
        "ellipse: {semi_axes: [0.5, 0.5], density: 1}, cut: [{normal: [1, 1, 0], offset: 0.1}]",
    ];

    fn body(shape: &str, dimension: u8) -> Box<dyn Body> {
        let text = format!("{{name: a, source: b, extent_mm: 200, dimension: {dimension}, shapes: [{{{shape}}}]}}");
        Phantom::parse(&text, Path::new("a.yaml")).unwrap().bodies().remove(0).1
    }

    fn all() -> impl Iterator<Item = (&'static str, u8)> {
        SOLIDS.iter().map(|shape| (*shape, 3)).chain(PLANES.iter().map(|shape| (*shape, 2)))
    }

    #[test]
    fn every_kind_is_tried() {
        let tried = |name: &&&str| all().any(|(shape, _)| shape.starts_with(&format!("{name}:")));
        assert_eq!(ShapeKind::NAMES.iter().filter(tried).count(), ShapeKind::NAMES.len());
    }

    #[test]
    fn the_content_is_what_the_chords_measure() {
        for (shape, dimension) in all() {
            let body = body(shape, dimension);
            let (said, measured) = (body.content(), measured_content(body.as_ref()));
            assert!((said / measured - 1.0).abs() < 2e-3, "{shape}: {said} against {measured}");
        }
        // A spherical cap: pi h^2 (3 r - h) / 3 with r = 50 mm, h = 60 mm.
        let cap =
            body("ellipsoid: {semi_axes: [0.5, 0.5, 0.5], density: 1}, cut: [{normal: [0, 0, 2], offset: 0.1}]", 3);
        let exact = std::f64::consts::PI * 3600.0 * (150.0 - 60.0) / 3.0;
        assert!((cap.content() / exact - 1.0).abs() < 1e-3, "{} against {exact}", cap.content());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_chord_is_the_length_of_the_line_inside(x in -60.0..60.0f64, y in -60.0..60.0f64, z in -60.0..60.0f64,
                                                       a in -1.0..1.0f64, b in -1.0..1.0f64, c in -1.0..1.0f64) {
            for (shape, dimension) in all() {
                let body = body(shape, dimension);
                let flat = dimension == 2;
                let through = [x, y, if flat { 0.0 } else { z }];
                let direction = normalized([a + 0.01, b, if flat { 0.0 } else { c }]);
                let origin = sub(through, scale(direction, 300.0));
                let step = 0.06;
                let point = |k: u32| add(origin, scale(direction, (f64::from(k) + 0.5) * step));
                let inside: Vec<u32> = (0..10_000).filter(|&k| body.contains(point(k))).collect();
                let length = inside.len() as f64 * step;
                let chord = body.chord(origin, direction);
                prop_assert!((chord - length).abs() < 2.5 * step, "{shape}: {chord} against {length}");
                let [low, high] = body.bounds();
                let axes = if flat { 2 } else { 3 };
                let boxed = |p: Point| (0..axes).all(|k| low[k] - 1e-9 <= p[k] && p[k] <= high[k] + 1e-9);
                prop_assert!(inside.iter().all(|&k| boxed(point(k))), "{}: outside of its bounds", shape);
                // The ends do not depend on where the line is said to begin, nor on the length of its direction.
                let longer = body.interval(through, scale(direction, 2.0));
                if let (Some((first, last)), Some((f, l))) = (body.interval(origin, direction), longer) {
                    prop_assert!((first - 300.0 - 2.0 * f).abs() < 1e-6 && (last - 300.0 - 2.0 * l).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn rays_along_the_axes_of_a_body_are_exact() {
        let straight = |shape: &str| body(&format!("{shape}, density: 1}}"), 3);
        let along = |body: Box<dyn Body>, axis: usize| {
            let mut direction = [0.0; 3];
            direction[axis] = 1.0;
            body.chord(scale(direction, -500.0), direction)
        };
        assert!((along(straight("box: {half_lengths: [0.1, 0.2, 0.3]"), 1) - 40.0).abs() < 1e-9);
        assert!((along(straight("cylinder: {semi_axes: [0.1, 0.2], half_length: 0.3"), 2) - 60.0).abs() < 1e-9);
        assert!((along(straight("cylinder: {semi_axes: [0.1, 0.2], half_length: 0.3"), 0) - 20.0).abs() < 1e-9);
        assert!((along(straight("cone: {radii: [0.4, 0.2], half_length: 0.5"), 0) - 60.0).abs() < 1e-9);
        assert!((along(straight("cone: {radii: [0.4, 0.2], half_length: 0.5"), 2) - 100.0).abs() < 1e-9);
    }
}
