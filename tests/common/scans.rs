//! Scans, random values, and measures of the difference between two results.

use rand::RngExt;
use recon::data::{Detector, DetectorShape, Geometry, Grid, Source, View};
use recon::geometries::GeometryKind;
use recon::random::stream;
use recon::registry::OneOf;
use tch::Tensor;

/// Returns the scan that a pipeline builds from this YAML, such as `cone: {views: 3}`, for a volume on `grid`.
pub(crate) fn scan(yaml: &str, grid: &Grid) -> Geometry {
    let kind: OneOf<GeometryKind> = serde_yaml::from_str(yaml).unwrap();
    kind.kind.build(grid).unwrap()
}

/// Returns an f32 tensor of this shape with values distributed uniformly in −1..1.
pub(crate) fn random(shape: [usize; 3], seed: u64) -> Tensor {
    let mut random = stream(seed, "test", 0);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.random_range(-1.0..1.0)).collect();
    Tensor::from_slice(&values).view(shape.map(|n| n as i64))
}

/// Returns a grid and a scan for each code path of the projectors: beams, detector shapes, pixel sizes and orientations
/// of the grid.
pub(crate) fn setups() -> Vec<(&'static str, Grid, Geometry)> {
    let cube = Grid::centered([20, 24, 22], [2.0, 1.8, 2.2], [3.0, -2.0, 1.0]).unwrap();
    let slice = Grid::centered([1, 40, 37], [1.0; 3], [0.5, 0.0, 2.0]).unwrap();
    let (s, c) = 0.3f64.sin_cos();
    let turned =
        Grid::new([18, 20, 22], [2.0; 3], [-25.0, -10.0, -18.0], [[0.0, 0.0, 1.0], [-s, c, 0.0], [c, s, 0.0]]).unwrap();
    let tilted =
        Grid::new([18, 20, 22], [2.0, 2.2, 1.9], [-20.0, -10.0, -25.0], [[0.0, -s, c], [0.0, c, s], [1.0, 0.0, 0.0]])
            .unwrap();
    let cylinder = |mut geometry: Geometry| {
        geometry.detector.shape = DetectorShape::Cylindrical;
        geometry
    };
    vec![
        ("cone", cube.clone(), cone(9, [21, 26], [3.0, 3.0], [0.0; 2], 300.0)),
        ("cone, offset detector", cube.clone(), cone(7, [19, 40], [3.1, 2.0], [8.0, -12.0], 250.0)),
        ("cone, coarse pixels", cube.clone(), cone(5, [6, 7], [12.0, 10.0], [0.0; 2], 300.0)),
        ("cone, fine pixels", cube.clone(), cone(5, [150, 31], [0.5, 3.0], [0.0; 2], 300.0)),
        ("cone, rows upside down", cube.clone(), flipped(cone(5, [31, 26], [2.0, 3.0], [4.0, 0.0], 300.0))),
        ("cone, source in the grid", cube.clone(), cone(5, [16, 16], [2.0, 2.0], [0.0; 2], 15.0)),
        ("wide cone", cube.clone(), cone(5, [40, 16], [6.0, 4.0], [0.0; 2], 60.0)),
        ("cone, grid turned about z", turned, cone(9, [21, 26], [3.0, 3.0], [0.0; 2], 300.0)),
        ("cone, tilted grid", tilted.clone(), cone(6, [18, 17], [3.5, 3.5], [2.0, 0.0], 300.0)),
        ("parallel", cube.clone(), parallel(9, [22, 30], [2.0, 1.9])),
        ("parallel, tilted grid", tilted, parallel(6, [22, 30], [2.0, 1.9])),
        ("cylindrical", cube, cylinder(cone(7, [21, 26], [3.0, 3.0], [1.0, 2.0], 300.0))),
        ("2-D parallel", slice.clone(), parallel(12, [1, 55], [1.0, 1.0])),
        ("2-D parallel, coarse pixels", slice.clone(), parallel(7, [1, 18], [1.0, 3.0])),
        ("2-D parallel, fine pixels", slice.clone(), parallel(7, [1, 200], [1.0, 0.25])),
        ("2-D fan", slice.clone(), cone(11, [1, 60], [1.0, 1.5], [0.0, 3.0], 90.0)),
        ("2-D fan, cylindrical", slice, cylinder(cone(11, [1, 60], [1.0, 1.5], [0.0, 3.0], 90.0))),
    ]
}

/// Returns a circular orbit about the origin; the distance from the source to the detector is 1.5 times the radius
/// (mm).
pub(crate) fn cone(views: usize, pixels: [usize; 2], pitch: [f64; 2], offset: [f64; 2], radius: f64) -> Geometry {
    orbit(views, pixels, pitch, offset, std::f64::consts::TAU, |c, s| {
        (Source::Point([radius * c, radius * s, 0.0]), radius / 2.0)
    })
}

pub(crate) fn parallel(views: usize, pixels: [usize; 2], pitch: [f64; 2]) -> Geometry {
    orbit(views, pixels, pitch, [0.0; 2], std::f64::consts::PI, |c, s| (Source::Direction([-c, -s, 0.0]), 100.0))
}

pub(crate) fn orbit(
    views: usize,
    [rows, columns]: [usize; 2],
    pitch: [f64; 2],
    offset: [f64; 2],
    arc: f64,
    source: impl Fn(f64, f64) -> (Source, f64),
) -> Geometry {
    let views = (0..views).map(|i| {
        // The first view is at an eighth of a turn, where central rays run along the diagonal of the grid.
        let (s, c) = (arc * i as f64 / views as f64 + std::f64::consts::FRAC_PI_4).sin_cos();
        let (source, behind) = source(c, s);
        let center = [-behind * c - s * offset[1], -behind * s + c * offset[1], offset[0]];
        View { source, center, u: [-s * pitch[1], c * pitch[1], 0.0], v: [0.0, 0.0, pitch[0]] }
    });
    Geometry::new(views.collect(), Detector { rows, columns, shape: DetectorShape::Flat }, None).unwrap()
}

pub(crate) fn flipped(mut geometry: Geometry) -> Geometry {
    for view in &mut geometry.views {
        view.v = view.v.map(|x| -x);
    }
    geometry
}

/// Returns `count` values distributed uniformly in −1..1 by a xorshift generator, the same on every machine.
pub(crate) fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

pub(crate) fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

pub(crate) fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Returns the relative distance |a − b| / |b|.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square: f64 = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    (square / product(b, b)).sqrt()
}
