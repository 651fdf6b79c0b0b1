//! Tests of every kind of scan with every projector: the adjoint is the transpose, and a moved object looks as from an
//! inversely moved scan. Files of scans, also those of other tools, are read as they are meant.

use crate::common::scans::{random, scan};
use recon::data::{Detector, Geometry, Grid, Point, Source, dot};
use recon::formats::geometry::{GeometryFormat, read_poses};
use recon::geometries::GeometryKind;
use recon::operators::LinearOperator;
use recon::operators::xray::{CpuProjector, Model, TensorJoseph};
use recon::registry::{Kinds, OneOf};
use std::path::PathBuf;
use tch::{Kind, Tensor};

fn cube() -> Grid {
    Grid::centered([9, 10, 11], [1.2, 1.0, 0.8], [1.0, 2.0, 3.0]).unwrap()
}

fn slice() -> Grid {
    Grid::centered([1, 12, 15], [1.0, 1.0, 0.8], [3.0, 2.0, 0.0]).unwrap()
}

/// Returns every kind of scan of the registry, with a detector that is upright, tilted or cylindrical. `poses` is left
/// out, because poses can describe any of these scans.
fn cases() -> Vec<(String, Grid, Geometry)> {
    let mut cases = Vec::new();
    for name in GeometryKind::NAMES.iter().filter(|name| **name != "poses") {
        let before = cases.len();
        let near = if *name == "parallel" { "" } else { "source_to_axis_mm: 40, source_to_detector_mm: 70, " };
        let stances = ["", "tilt_deg: 9, slant_deg: -7, rotation_deg: 12, ", "shape: cylindrical, "];
        for (stance, grid) in stances.iter().flat_map(|stance| [cube(), slice()].map(|grid| (stance, grid))) {
            let (pixels, offset) = if grid.is_2d() { ("20", "[0, 3]") } else { ("[14, 20]", "[1, 3]") };
            let yaml = format!(
                "{name}: {{views: 7, {near}detector: {{{stance}pixels: {pixels}, pitch_mm: [1.7, 1.6], offset_mm: \
                 {offset}}}}}"
            );
            let kind: OneOf<GeometryKind> = serde_yaml::from_str(&yaml).unwrap();
            if let Ok(geometry) = kind.kind.build(&grid) {
                cases.push((yaml, grid, geometry));
            }
        }
        assert!(cases.len() > before, "no scan of the kind {name}");
    }
    assert!(cases.len() >= 18, "{} cases", cases.len());
    cases
}

#[test]
fn the_adjoint_is_the_transpose_for_every_geometry_and_projector() {
    for (name, grid, geometry) in cases() {
        let pair: [Box<dyn LinearOperator>; 2] = [
            Box::new(CpuProjector::new(Model::Joseph, &grid, &geometry)),
            Box::new(TensorJoseph::new(&grid, &geometry, 4000)),
        ];
        let (x, y) = (random(grid.shape, 1), random(geometry.shape(), 2));
        let inner = |a: &Tensor, b: &Tensor| {
            (a.to_kind(Kind::Double) * b.to_kind(Kind::Double)).sum(Kind::Double).double_value(&[])
        };
        let images = pair.map(|projector| {
            let (ax, aty) = (projector.forward(&x).unwrap(), projector.adjoint(&y).unwrap());
            let size = (inner(&ax, &ax) * inner(&y, &y)).sqrt();
            assert!(size > 0.0 && (inner(&ax, &y) - inner(&x, &aty)).abs() <= 1e-5 * size, "{name}");
            ax
        });
        let gap = (&images[0] - &images[1]).norm().double_value(&[]) / images[1].norm().double_value(&[]);
        // The kernels compute in f32 what the tensor operations compute in f64.
        assert!(gap < 3e-5, "{name}: the projectors differ by {gap}");
    }
}

#[test]
fn a_moved_volume_is_seen_as_from_the_inversely_moved_scan() {
    let ((s, c), (t, d)) = (0.4f64.sin_cos(), 0.2f64.sin_cos());
    let rotation: [Point; 3] = [[c, -s * d, s * t], [s, c * d, -c * t], [0.0, t, d]];
    let inverse: [Point; 3] = std::array::from_fn(|i| std::array::from_fn(|j| rotation[j][i]));
    let shift = [2.0, -1.0, 1.5];
    let back = inverse.map(|row| -dot(row, shift));
    for (name, grid, geometry) in cases().into_iter().filter(|(_, grid, _)| !grid.is_2d()) {
        let turn = |p: Point| rotation.map(|row| dot(row, p));
        let origin: Point = std::array::from_fn(|k| turn(grid.origin)[k] + shift[k]);
        let moved = Grid::new(grid.shape, grid.spacing, origin, grid.axes.map(turn)).unwrap();
        let x = random(grid.shape, 3);
        let a = CpuProjector::new(Model::Joseph, &moved, &geometry).forward(&x).unwrap();
        let b = CpuProjector::new(Model::Joseph, &grid, &geometry.moved(inverse, back)).forward(&x).unwrap();
        let gap = (&a - &b).norm().double_value(&[]) / a.norm().double_value(&[]);
        assert!(gap < 1e-4, "{name}: {gap}");
    }
}

#[test]
fn every_format_gives_back_the_scan_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    for (name, _, geometry) in cases() {
        for format in GeometryFormat::ALL {
            let path = folder.path().join(format.file());
            let curved = geometry.detector.shape != recon::data::DetectorShape::Flat;
            let written = format.write(&path, &geometry);
            if curved && matches!(format, GeometryFormat::Astra | GeometryFormat::Rtk) {
                assert!(written.unwrap_err().to_string().contains("cylindrical"));
                continue;
            }
            if name.starts_with("parallel") && name.contains("tilt") && format == GeometryFormat::Rtk {
                assert!(written.unwrap_err().to_string().contains("not perpendicular to the detector"), "{name}");
                continue;
            }
            written.unwrap();
            let mut poses = read_poses(&path).unwrap();
            if !poses.pitched {
                for view in &mut poses.views {
                    view.u = view.u.map(|x| x * 1.6);
                    view.v = view.v.map(|x| x * 1.7);
                }
            }
            let Detector { rows, columns, shape } = geometry.detector;
            assert!(poses.pixels.is_none_or(|pixels| pixels == [rows, columns]) && poses.shape == shape);
            let again = Geometry::new(poses.views, geometry.detector, None).unwrap();
            for view in 0..again.views.len() {
                for point in [[1.0, 2.0, 3.0], [4.0, -1.0, 2.0]] {
                    let (a, b) = (geometry.project(view, point).unwrap(), again.project(view, point).unwrap());
                    assert!((a.0 - b.0).abs() < 1e-7 && (a.1 - b.1).abs() < 1e-7, "{name} as {format:?}: {a:?} {b:?}");
                }
            }
        }
    }
}

/// Line integrals [view, row, column] of an ellipsoid and twice another, printed by `tools/golden-geometry.py` with
/// itk-rtk 2.7 from the views of `tests/data/geometry/rtk.xml`: three poses with offsets, tilts and turned detectors.
const RTK: [[[f64; 10]; 7]; 3] = [
    [
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.00, 9.23, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.00, 0.00, 23.06, 35.33, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.00, 0.00, 5.12, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.00, 0.00, 4.54, 17.06, 18.96, 15.57, 0.00, 0.00, 0.00],
        [0.00, 0.00, 0.00, 9.35, 18.93, 20.67, 17.62, 4.95, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.00, 12.35, 15.16, 11.02, 0.00, 0.00, 0.00],
    ],
    [
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 20.70, 33.39],
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 20.29],
        [0.00, 13.98, 19.17, 17.70, 2.94, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 17.50, 21.49, 19.71, 7.91, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 10.57, 15.50, 11.72, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
    ],
    [
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 25.39, 14.58, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
        [22.05, 26.85, 0.00, 0.00, 0.00, 0.00, 0.00, 7.94, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 9.38, 29.26, 22.65, 0.00],
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 2.01, 29.99, 26.47, 0.00],
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 14.34, 10.99, 0.00],
        [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
    ],
];

/// Length of a ray in an axis-parallel ellipsoid, mm: 2 sqrt(b² − a c) / a of |o + t d|² = 1 in units of the radii.
fn chord(start: Point, direction: Point, center: Point, radii: Point) -> f64 {
    let o: Point = std::array::from_fn(|k| (start[k] - center[k]) / radii[k]);
    let d: Point = std::array::from_fn(|k| direction[k] / radii[k]);
    let (a, b, c) = (dot(d, d), dot(o, d), dot(o, o) - 1.0);
    2.0 * (b * b - a * c).max(0.0).sqrt() / a
}

fn seen(geometry: &Geometry, view: usize, row: usize, column: usize) -> f64 {
    let (start, direction) = geometry.ray(view, row as f64, column as f64);
    chord(start, direction, [20.0, -12.0, 9.0], [18.0, 9.0, 13.0])
        + 2.0 * chord(start, direction, [-15.0, 22.0, -14.0], [8.0, 11.0, 6.0])
}

#[test]
fn views_of_rtk_are_those_of_rtk() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/geometry/rtk.xml");
    let yaml = format!("poses: {{file: {}, detector: {{pixels: [7, 10], pitch_mm: 12}}}}", file.display());
    let kind: OneOf<GeometryKind> = serde_yaml::from_str(&yaml).unwrap();
    let grid = Grid::centered([10; 3], [6.0; 3], [0.0; 3]).unwrap();
    let geometry = kind.kind.place(read_poses(&file).unwrap(), &grid).unwrap();
    let circle = scan(
        "cone: {views: 1, start_deg: -53, source_to_axis_mm: 500, source_to_detector_mm: 800, \
         detector: {pixels: [7, 10], pitch_mm: 12, offset_mm: [-6, 10]}}",
        &grid,
    );
    let mut mirrored = 0.0f64;
    for (view, rows) in RTK.iter().enumerate() {
        for (row, columns) in rows.iter().enumerate() {
            for (column, expected) in columns.iter().enumerate() {
                let found = seen(&geometry, view, row, column);
                assert!((found - expected).abs() < 0.0051, "view {view}, ({row}, {column}): {found} for {expected}");
                mirrored = mirrored.max((seen(&geometry, view, 6 - row, column) - expected).abs());
                if view == 0 {
                    assert!(
                        (seen(&circle, 0, row, column) - expected).abs() < 0.0051,
                        "our own cone at gantry 37 degrees"
                    );
                }
            }
        }
    }
    assert!(mirrored > 10.0, "the test can fail");
}

#[test]
fn twelve_numbers_without_a_remark_are_what_the_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vectors.txt");
    std::fs::write(&file, "0 -500 0  0 300 0  1.5 0 0  0 0 1.5\n500 0 0  -300 0 0  0 1.5 0  0 0 1.5\n").unwrap();
    let grid = Grid::centered([10; 3], [6.0; 3], [0.0; 3]).unwrap();
    let place = |beam: &str| {
        let yaml = format!("poses: {{file: x, beam: {beam}, detector: {{pixels: [4, 6]}}}}");
        serde_yaml::from_str::<OneOf<GeometryKind>>(&yaml)
            .unwrap()
            .kind
            .place(read_poses(&file).unwrap(), &grid)
            .unwrap()
    };
    assert_eq!(place("cone").views[0].source, Source::Point([0.0, -500.0, 0.0]));
    assert_eq!(place("parallel").views[1].source, Source::Direction([1.0, 0.0, 0.0]));
    for bad in [
        "1 2 3\n",
        "# nothing\n",
        "source_x,center_x\n1,2\n",
        "0 0 0 0 0 0 0 0 0 0 0 nan\n",
        "{\"format\": \"recon-geometry\"}",
    ] {
        std::fs::write(&file, bad).unwrap();
        assert_eq!(read_poses(&file).unwrap_err().exit_code(), 3, "{bad}");
    }
}
