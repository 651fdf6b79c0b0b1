//! Tests of projections in `.npy` files and scans in JSON files.

use crate::support::{folder, input_error};
use proptest::prelude::*;
use recon::data::{Detector, DetectorShape, Geometry, Orbit, Projections, Source, View};
use recon::formats::{geometry, npy};

fn scan() -> Geometry {
    let angles: Vec<f64> = (0..3).map(|k| f64::from(k) / 3.0 * 2.0 * std::f64::consts::PI).collect();
    let view = |&angle: &f64| {
        let (s, c) = angle.sin_cos();
        let (source, center) = (Source::Point([500.0 * c, 500.0 * s, 0.1]), [-200.0 * c, -200.0 * s, 0.1]);
        View { source, center, u: [-1.3 * s, 1.3 * c, 0.0], v: [0.0, 0.0, 1.0 / 3.0] }
    };
    let orbit = Orbit {
        isocenter: [0.0, 0.0, 0.1],
        angles: angles.clone(),
        arc: 2.0 * std::f64::consts::PI,
        source_to_axis: Some(500.0),
        source_to_detector: Some(700.0),
        offset: [0.0, 0.0],
    };
    let detector = Detector { rows: 2, columns: 4, shape: DetectorShape::Flat };
    Geometry::new(angles.iter().map(view).collect(), detector, Some(orbit)).unwrap()
}

fn projections() -> Projections {
    Projections::from_vec(scan(), (0..24).map(|n| n as f32 / 7.0).collect()).unwrap()
}

#[test]
fn a_scan_comes_back_to_the_last_bit() {
    let folder = folder();
    let path = folder.path().join("geometry.json");
    for scan in [scan(), scan().subset(&[1]).unwrap(), Geometry { orbit: None, ..scan() }] {
        geometry::write(&path, &scan).unwrap();
        assert_eq!(geometry::read(&path).unwrap(), scan);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_number_comes_back_to_the_last_bit(numbers in prop::array::uniform3(any::<f64>())) {
        prop_assume!(numbers.iter().all(|v| v.is_finite()));
        let mut scan = scan();
        scan.orbit.as_mut().unwrap().isocenter = numbers;
        let folder = folder();
        let path = folder.path().join("geometry.json");
        geometry::write(&path, &scan).unwrap();
        prop_assert_eq!(geometry::read(&path).unwrap(), scan);
    }
}

#[test]
fn other_documents_versions_and_impossible_scans_are_refused() {
    let folder = folder();
    let path = folder.path().join("geometry.json");
    geometry::write(&path, &scan()).unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to, reason) in [
        ("\"schema\": 1", "\"schema\": 2", "schema 2"),
        ("recon-geometry", "other", "got other"),
        ("\"rows\": 2", "\"rows\": 0", "samples"),
        ("\"columns\"", "\"colums\"", "unknown field `colums`"),
        ("\"rows\": 2", "\"rows\": 1e999", "not a scan geometry"),
        ("{", "[", "not a scan geometry"),
    ] {
        assert!(good.contains(from));
        std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let message = input_error(geometry::read(&path));
        assert!(message.contains(reason), "{message}");
    }
    std::fs::write(&path, "[".repeat(200_000)).unwrap();
    input_error(geometry::read(&path));
}

#[test]
fn projections_come_back_and_numpy_could_read_them() {
    let folder = folder();
    let path = folder.path().join("projections.npy");
    npy::write_projections(&path, &projections()).unwrap();
    assert_eq!(npy::read_projections(&path, scan()).unwrap(), projections());
    let bytes = std::fs::read(&path).unwrap();
    let header = String::from_utf8_lossy(&bytes[10..128]);
    assert!(
        bytes.starts_with(b"\x93NUMPY\x01\x00")
            && header.contains("'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 4)"),
        "{header}"
    );
    assert_eq!(bytes.len(), 128 + 4 * 24);
}

#[test]
fn doubles_and_fortran_order_are_read() {
    let folder = folder();
    let path = folder.path().join("p.npy");
    let values: Vec<f64> = (0..24).map(f64::from).collect();
    std::fs::write(
        &path,
        array("<f8", "False", "(3, 2, 4)", &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()),
    )
    .unwrap();
    assert_eq!(npy::read_projections(&path, scan()).unwrap().as_slice()[23], 23.0);
    std::fs::write(
        &path,
        array(">f8", "True", "(3, 2, 4)", &values.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<_>>()),
    )
    .unwrap();
    // In Fortran order the first axis runs fastest, so that the second value is at [1, 0, 0].
    assert_eq!(npy::read_projections(&path, scan()).unwrap().values()[[1, 0, 0]], 1.0);
}

fn array(kind: &str, fortran: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), values].concat()
}

#[test]
fn arrays_that_lie_or_do_not_fit_the_scan_are_refused() {
    let folder = folder();
    let path = folder.path().join("p.npy");
    let floats = vec![0; 96];
    let nan: Vec<u8> = f32::NAN.to_le_bytes().repeat(24);
    let deep = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {}", "(".repeat(3000));
    let deep = [&b"\x93NUMPY\x01\x00"[..], &(deep.len() as u16).to_le_bytes(), deep.as_bytes()].concat();
    for (bytes, reason) in [
        (array("<f4", "False", "(3, 2, 5)", &floats), "does not fit"),
        (array("<f4", "False", "(4, 2, 3)", &floats), "expected [views, rows, columns] = [3, 2, 4]"),
        (array("<f4", "False", "(99999999999, 99999999999, 2)", &floats), "does not fit"),
        (array("<f4", "False", "(-3, 2, 4)", &floats), "damaged"),
        (array("<i4", "False", "(3, 2, 4)", &floats), "expected float32 or float64, got <i4"),
        (array("<f4", "False", "(3, 2, 4)", &nan), "24 NaN"),
        (b"\x93NUMPY\x09\x00".to_vec(), "damaged"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "at most 4096 bytes"),
        (deep, "brackets"),
        (b"PK".to_vec(), "damaged"),
        (vec![], "damaged"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let message = input_error(npy::read_projections(&path, scan()));
        assert!(message.contains(reason) && message.contains("p.npy"), "{message}");
    }
    input_error(npy::read_projections(&folder.path().join("none.npy"), scan()));
}
