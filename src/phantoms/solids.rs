//! A phantom's solids in mm, and the pieces of a line on which each of them counts.
//!
//! Where densities add (`combine: add`, as in the Shepp-Logan tables) every solid counts along its whole interval.
//! Where solids replace each other (`combine: replace`, as in the FORBILD tables) a solid counts where no later one in
//! the list does: on its interval minus the union of theirs, which is exact because the intervals are.

use super::body::Body;
use crate::data::{Material, Point, add, cross, dot, norm, scale, sub};

/// One solid of a phantom.
pub(super) struct Solid {
    pub(super) density: f64,
    pub(super) material: Material,
    pub(super) body: Box<dyn Body>,
    /// Centre and radius (mm) of a bounding sphere; `None` in 2-D, where bodies are infinite along z.
    ball: Option<(Point, f64)>,
}

impl Solid {
    pub(super) fn new(density: f64, material: Material, body: Box<dyn Body>, flat: bool) -> Self {
        let [low, high] = body.bounds();
        let ball = (scale(add(low, high), 0.5), norm(sub(high, low)) * 0.5 * (1.0 + 1e-9));
        Self { density, material, body, ball: (!flat).then_some(ball) }
    }

    /// Fast test whether a line may intersect the solid; a negative answer is always correct.
    fn near(&self, origin: Point, direction: Point) -> bool {
        self.ball.is_none_or(|(center, radius)| {
            let across = cross(sub(center, origin), direction);
            dot(across, across) <= radius * radius * dot(direction, direction)
        })
    }
}

/// All solids of a phantom, in the order of the file.
pub(super) struct Solids {
    pub(super) parts: Vec<Solid>,
    pub(super) replace: bool,
}

/// Buffers that are reused from line to line, to avoid allocations.
#[derive(Default)]
pub(super) struct Scratch {
    hits: Vec<(usize, f64, f64)>,
    pieces: Vec<(f64, f64)>,
    next: Vec<(f64, f64)>,
}

impl Solids {
    /// Calls `each(part, first, last)` for every piece, in t, of the line `origin + t direction`, t ≥ `from`, on which
    /// a part counts. Parts come in the order of the file; only those for which `may` returns true are considered.
    pub(super) fn pieces(
        &self,
        [origin, direction]: [Point; 2],
        from: f64,
        may: impl Fn(usize) -> bool,
        scratch: &mut Scratch,
        mut each: impl FnMut(usize, f64, f64),
    ) {
        scratch.hits.clear();
        for (index, part) in self.parts.iter().enumerate() {
            if may(index)
                && part.near(origin, direction)
                && let Some((first, last)) = part.body.interval(origin, direction)
                && last > from
            {
                scratch.hits.push((index, first.max(from), last));
            }
        }
        let Scratch { hits, pieces, next } = scratch;
        for (k, &(index, first, last)) in hits.iter().enumerate() {
            pieces.clear();
            pieces.push((first, last));
            for &(_, a, b) in if self.replace { &hits[k + 1..] } else { &[] } {
                next.clear();
                for &(first, last) in &*pieces {
                    let around = [(first, last.min(a)), (first.max(b), last)];
                    next.extend(around.into_iter().filter(|(first, last)| first < last));
                }
                std::mem::swap(pieces, next);
            }
            for &(first, last) in &*pieces {
                each(index, first, last);
            }
        }
    }

    /// Density relative to water at a world point (mm).
    pub(super) fn density_at(&self, point: Point) -> f64 {
        let mut inside = self.parts.iter().filter(|part| part.body.contains(point)).map(|part| part.density);
        if self.replace { inside.next_back().unwrap_or(0.0) } else { inside.sum() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Phantom;
    use crate::data::{Detector, DetectorShape, Geometry, Material, Source, View, add, scale};
    use std::path::Path;

    fn shipped(name: &str) -> Phantom {
        Phantom::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("phantoms").join(name)).unwrap()
    }

    fn scan(flat: bool) -> Geometry {
        let view = |k: usize| {
            let (sin, cos) = (0.3 + 0.9 * k as f64).sin_cos();
            let tilt = if flat { 0.0 } else { 40.0 };
            View {
                source: Source::Point([600.0 * cos, 600.0 * sin, tilt]),
                center: [-300.0 * cos, -300.0 * sin, -tilt / 2.0],
                u: [-9.0 * sin, 9.0 * cos, 0.0],
                v: [0.0, 0.0, 9.0],
            }
        };
        let detector = Detector { rows: if flat { 1 } else { 9 }, columns: 33, shape: DetectorShape::Flat };
        Geometry::new((0..3).map(view).collect(), detector, None).unwrap()
    }

    #[test]
    fn line_integrals_of_every_shipped_phantom_are_those_of_its_densities() {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("phantoms")).unwrap() {
            let phantom = Phantom::read(&entry.unwrap().path()).unwrap();
            let geometry = scan(phantom.is_2d());
            let [views, rows, columns] = geometry.shape();
            let found = phantom.project(&geometry, 0.02);
            let (steps, step) = (24_000, 0.05);
            for (view, row, column) in
                [(0, rows / 2, columns / 2), (1, rows / 3, columns / 3), (views - 1, rows / 2, columns / 2 + 3)]
            {
                let (origin, direction) = geometry.ray(view, row as f64, column as f64);
                let points: Vec<_> =
                    (0..steps).map(|k| add(origin, scale(direction, (f64::from(k) + 0.5) * step))).collect();
                let expected = 0.02 * step * phantom.densities_at(&points).iter().sum::<f64>();
                let value = f64::from(found[(view * rows + row) * columns + column]);
                // Each surface on the way costs at most half a step.
                assert!(
                    (value - expected).abs() < 0.02 * step * 15.0,
                    "{} [{view}, {row}, {column}]: {value} against {expected}",
                    phantom.name
                );
            }
        }
    }

    #[test]
    fn voxels_are_the_means_of_the_densities_where_shapes_replace_each_other() {
        for name in ["forbild-head.yaml", "forbild-thorax.yaml"] {
            let phantom = shipped(name);
            let grid = phantom.box_grid([12, 14, 13]).unwrap();
            let volume = phantom.rasterise(&grid, 1.0, 12);
            let (n, at) = (20usize, |i: usize, k: usize| i as f64 + (k as f64 + 0.5) / 20.0 - 0.5);
            for (z, y, x) in [(6, 7, 6), (6, 11, 6), (5, 7, 10), (8, 3, 5), (0, 0, 0)] {
                let points: Vec<_> =
                    (0..n * n * n).map(|k| grid.point([at(z, k / (n * n)), at(y, k / n % n), at(x, k % n)])).collect();
                let expected = phantom.densities_at(&points).iter().sum::<f64>() / points.len() as f64;
                let found = f64::from(volume.voxels()[[z, y, x]]);
                assert!((found - expected).abs() < 0.01, "{name} [{z}, {y}, {x}]: {found} against {expected}");
            }
        }
    }

    #[test]
    fn the_last_shape_replaces_and_its_neighbours_keep_their_part() {
        let text = |combine: &str| {
            format!(
                "{{name: a, source: b, extent_mm: 20, dimension: 2, unit_mm: 1, combine: {combine}, shapes: [\
                 {{rectangle: {{half_lengths: [8, 8], density: 1}}}}, \
                 {{rectangle: {{half_lengths: [3, 8], density: 2}}, material: bone}}, \
                 {{rectangle: {{center: [1, 0], half_lengths: [1, 8], density: 0.25}}}}]}}"
            )
        };
        let view = View {
            source: Source::Direction([1.0, 0.0, 0.0]),
            center: [50.0, 0.0, 0.0],
            u: [0.0, 1.0, 0.0],
            v: [0.0, 0.0, 1.0],
        };
        let geometry =
            Geometry::new(vec![view], Detector { rows: 1, columns: 1, shape: DetectorShape::Flat }, None).unwrap();
        let of = |combine: &str| Phantom::parse(&text(combine), Path::new("a.yaml")).unwrap();
        // Total width 16 mm. Replace: 10 mm of density 1, 4 mm of 2 and 2 mm of 0.25. Add: 16 mm of 1, 6 mm of 2, 2 mm
        // of 0.25.
        assert_eq!(of("replace").project(&geometry, 1.0), vec![10.0 + 8.0 + 0.5]);
        assert_eq!(of("add").project(&geometry, 1.0), vec![16.0 + 12.0 + 0.5]);
        let materials = of("replace").project_materials(&geometry, 1.0);
        assert_eq!(materials, vec![(Material::Water, vec![10.5]), (Material::Bone, vec![8.0])]);
    }

    #[test]
    fn forbild_heads_agree_in_the_slice_they_share() {
        // The published 2-D table is the 3-D one at z = 0: brain, ventricle, eye, sinus, bones and the right haematoma,
        // in cm.
        let (slice, solid) = (shipped("forbild-head-2d.yaml"), shipped("forbild-head.yaml"));
        let points: Vec<_> = [
            (0.0, -3.6),
            (4.7, 4.3),
            (0.0, 8.4),
            (0.0, 2.0),
            (1.9, 5.4),
            (4.3, 6.8),
            (6.4, -6.4),
            (-9.3, 0.0),
            (0.0, 3.6),
            (1.08, -9.0),
        ]
        .into_iter()
        .flat_map(|(x, y)| [[10.0 * x, 10.0 * y, 0.0], [10.0 * x + 0.7, 10.0 * y - 0.9, 0.0]])
        .collect();
        let (one, other) = (slice.densities_at(&points), solid.densities_at(&points));
        for ((point, one), other) in points.iter().zip(&one).zip(&other) {
            assert!((one - other).abs() < 1e-9, "{point:?}: {one} in the slice, {other} in the solid");
        }
        assert!(
            one.contains(&0.0)
                && one.iter().any(|d| (d - 1.8).abs() < 1e-9)
                && one.iter().any(|d| (d - 1.045).abs() < 1e-9)
        );
    }

    #[test]
    fn seeds_give_members_of_a_family_and_leave_fixed_shapes() {
        let member = |seed| shipped("jittered-head.yaml").with_seed(seed).unwrap();
        let mass = |phantom: &Phantom| {
            phantom.bodies().iter().map(|(density, body)| (*density, body.bounds())).collect::<Vec<_>>()
        };
        assert_eq!(mass(&member(3)), mass(&member(3)));
        let (a, b) = (mass(&member(3)), mass(&member(4)));
        assert_eq!(a[..2], b[..2]);
        assert!((2..a.len()).all(|k| a[k] != b[k]));
        assert_eq!(shipped("shepp-logan.yaml").with_seed(1).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn impossible_cuts_and_jitters_are_named_with_their_key() {
        let fault = |more: &str, beside: &str| {
            let text = format!(
                "{{name: a, source: b, extent_mm: 20, dimension: 2{more}, shapes: [{{ellipse: {{semi_axes: [1, 1], \
                 density: 1}}{beside}}}]}}"
            );
            Phantom::parse(&text, Path::new("a.yaml")).unwrap_err().to_string()
        };
        assert!(fault("", ", cut: [{normal: [0, 0, 0]}]").contains("shapes[0].cut[0].normal"));
        assert!(fault("", ", cut: [{normal: [0, 0, 1]}]").contains("expected z = 0 in 2-D"));
        assert!(fault("", ", material: cheese").contains("cheese"));
        assert!(fault(", jitter: {size: 2}", "").contains("jitter.size"));
        assert!(fault(", unit_mm: 0", "").contains("unit_mm"));
    }
}
