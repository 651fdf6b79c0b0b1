//! Tests of the programs in examples/, and of the quotation of one of them in docs/extending.md.

#[allow(dead_code, unreachable_pub, reason = "a program of its own")]
#[path = "../../examples/add_geometry.rs"]
mod add_geometry;
#[allow(dead_code, unreachable_pub, reason = "a program of its own")]
#[path = "../../examples/fit_and_query.rs"]
mod fit_and_query;
#[allow(dead_code, unreachable_pub, reason = "a program of its own")]
#[path = "../../examples/reconstruct_npy.rs"]
mod reconstruct_npy;

use add_geometry::{Saddle, scan_and_reconstruct};
use ndarray::Array2;
use ndarray_npy::WriteNpyExt;
use recon::data::{Grid, Source};
use recon::geometries::Trajectory;

const MU_WATER: f64 = 0.0206;

#[test]
fn a_sinogram_of_a_disc_of_water_becomes_a_disc_of_water() {
    let folder = tempfile::tempdir().unwrap();
    let (sinogram, line) = (folder.path().join("sinogram.npy"), folder.path().join("line.npy"));
    // Columns are 1 mm apart; the disc has a radius of 25 mm and its centre on the axis.
    let chord = |s: f64| 2.0 * (625.0 - s * s).max(0.0).sqrt();
    let values = Array2::from_shape_fn((90, 64), |(_, column)| (MU_WATER * chord(column as f64 - 31.5)) as f32);
    values.write_npy(std::fs::File::create(&sinogram).unwrap()).unwrap();
    let slice = reconstruct_npy::reconstruct(&sinogram).unwrap().to_hounsfield(MU_WATER);
    assert_eq!(slice.grid.shape, [1, 64, 64]);
    for (y, x, expected) in [(32, 32, 0.0), (32, 48, 0.0), (20, 24, 0.0), (32, 4, -1000.0), (60, 32, -1000.0)] {
        let found = f64::from(slice.voxels()[[0, y, x]]);
        assert!((found - expected).abs() < 20.0, "voxel {y}, {x}: {found} HU");
    }
    values.row(0).write_npy(std::fs::File::create(&line).unwrap()).unwrap();
    let refused = reconstruct_npy::reconstruct(&line).unwrap_err().to_string();
    assert!(refused.contains("[view, column]") && refused.contains("[64]"), "{refused}");
}

#[test]
fn a_fitted_field_answers_at_points() {
    let field = fit_and_query::fit().unwrap();
    let points = [[0.0, -20.0, 0.0], [15.0, 0.0, 0.0], [-25.0, 10.0, 0.0], [47.0, 0.0, 0.0], [200.0, 0.0, 0.0]];
    let found: Vec<f64> = field.at(&points).unwrap().into_iter().map(|mu| f64::from(mu) / MU_WATER).collect();
    for (found, expected) in found.iter().zip([1.0, 2.0, 1.0, 0.0]) {
        assert!((found - expected).abs() < 0.2, "{found} of water, expected {expected}");
    }
    assert_eq!(found[4], 0.0, "air where it was never fitted");
    // The centres of voxels are points too.
    let volume = field.volume(field.grid(), &recon::progress::Silent).unwrap();
    let [at] = field.at(&[field.grid().point([0.0, 25.0, 16.0])]).unwrap()[..] else { panic!("one value a point") };
    assert!((at - volume.voxels()[[0, 25, 16]]).abs() < 1e-6);
}

#[test]
fn the_added_geometry_is_scanned_and_reconstructed() {
    let grid = Grid::centered([25, 25, 25], [4.0; 3], [1.0, 2.0, 3.0]).unwrap();
    let geometry = Saddle::default().build(&grid).unwrap();
    for (view, height) in [(0, 80.0), (15, -80.0), (30, 80.0), (45, -80.0)] {
        let Source::Point(source) = geometry.views[view].source else { panic!("a cone beam") };
        assert!((source[2] - 3.0 - height).abs() < 1e-9, "view {view} at {source:?}");
        let (row, column) = geometry.project(view, grid.center()).unwrap();
        assert!((row - 23.5).abs() < 1e-9 && (column - 23.5).abs() < 1e-9, "view {view}: ({row}, {column})");
    }
    let volume = scan_and_reconstruct(&Saddle::default()).unwrap().to_hounsfield(MU_WATER);
    let (middle, corner) = (volume.voxels()[[12, 12, 12]], volume.voxels()[[0, 0, 0]]);
    assert!(middle.abs() < 60.0 && corner < -950.0, "{middle} HU and {corner} HU");
    let refused = Saddle { height_mm: -1.0, ..Saddle::default() }.build(&grid).unwrap_err().to_string();
    assert!(refused.contains("height_mm") && refused.contains("-1"), "{refused}");
}

#[test]
fn the_document_shows_the_example_as_it_is() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (document, example) = (read("docs/extending.md"), read("examples/add_geometry.rs"));
    let section = document.split("## Example: a scan geometry\n").nth(1).expect("the section of the example");
    let quoted = section.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).expect("its code");
    assert!(quoted.lines().count() > 40, "the code is quoted, not only mentioned");
    assert!(
        example.contains(quoted),
        "docs/extending.md and examples/add_geometry.rs differ: copy the example's lines"
    );
}
