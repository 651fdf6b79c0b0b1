//! Tests of FBP and FDK on every orbit that they accept: an upright cylinder beside the axis, given by its exact line
//! integrals, must get its attenuation.

use crate::common::scans::scan;
use recon::algorithms::{Algorithm, Problem, Run, Setup, fbp, fdk};
use recon::data::{Geometry, Grid, Projections, norm};
use tch::Device;

const CENTER: [f64; 2] = [9.0, -6.0];
const RADIUS: f64 = 24.0;

/// Returns the length (mm) of a pixel's ray in the cylinder.
fn chord(geometry: &Geometry, sample: usize) -> f32 {
    let [_, rows, columns] = geometry.shape();
    let ray = geometry.ray(sample / (rows * columns), (sample / columns % rows) as f64, (sample % columns) as f64);
    super::support::chord(ray, RADIUS, [CENTER[0], CENTER[1], 0.0], true) as f32
}

/// Returns the mean and the root-mean-square deviation from 1 within 85 % of the radius, and the root mean square of
/// the air outside the cylinder.
fn reconstructed(algorithm: &dyn Algorithm, grid: &Grid, geometry: Geometry) -> (f64, f64, f64) {
    let values = (0..geometry.samples()).map(|sample| chord(&geometry, sample)).collect();
    let data = Projections::from_vec(geometry, values).unwrap();
    let mut run = Run::quiet(Device::Cpu, 0);
    let volume = algorithm.reconstruct(&Problem::xrays(&data, grid, 1.0), &mut run).unwrap().volume;
    let [_, ny, nx] = grid.shape;
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (i, &value) in volume.as_slice().iter().enumerate() {
        let p = grid.point([(i / (ny * nx)) as f64, (i / nx % ny) as f64, (i % nx) as f64]);
        let distance = norm([p[0] - CENTER[0], p[1] - CENTER[1], 0.0]);
        if distance < 0.85 * RADIUS {
            inside.push(f64::from(value));
        } else if distance > 1.2 * RADIUS && p[0].hypot(p[1]) < 38.0 {
            outside.push(f64::from(value));
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let deviation = mean(&inside.iter().map(|v| (v - 1.0).powi(2)).collect::<Vec<_>>()).sqrt();
    (mean(&inside), deviation, mean(&outside.iter().map(|v| v * v).collect::<Vec<_>>()).sqrt())
}

fn check(algorithm: &dyn Algorithm, grid: &Grid, scans: &[(&str, String)], tolerance: f64) {
    for (name, text) in scans {
        let (mean, deviation, outside) = reconstructed(algorithm, grid, scan(text, grid));
        // In the air the band limit of the ramp filter causes ripples at the edge, of about 0.016 (RMS) after a full
        // circle.
        let good = (mean - 1.0).abs() < tolerance && deviation < 2.0 * tolerance && outside < 0.025;
        assert!(good, "{name}: mean {mean:.4}, deviation {deviation:.4}, outside {outside:.4}");
    }
}

fn slice() -> Grid {
    Grid::centered([1, 72, 72], [1.1; 3], [0.0; 3]).unwrap()
}

fn box_of() -> Grid {
    Grid::centered([5, 72, 72], [1.1; 3], [0.0; 3]).unwrap()
}

#[test]
fn fan_beams_of_every_arc_and_detector_give_the_value() {
    let fan = |views: usize, arc: &str, detector: &str| {
        format!(
            "fan: {{views: {views}, {arc}, source_to_axis_mm: 200, source_to_detector_mm: 400, detector: \
             {{{detector}}}}}"
        )
    };
    let flat = "pixels: 260, pitch_mm: 1";
    let curved = "shape: cylindrical, pixels: 250, pitch_mm: 1";
    let scans = [
        ("full circle", fan(720, "arc_deg: 360", flat)),
        ("full circle, curved", fan(720, "arc_deg: 360", curved)),
        ("short scan", fan(480, "arc_deg: 218", flat)),
        ("short scan, backwards", fan(480, "arc_deg: -218, start_deg: 50", flat)),
        ("short scan, curved", fan(480, "arc_deg: 218, start_deg: 20", curved)),
        ("more than a short scan", fan(600, "arc_deg: 300", flat)),
        ("half fan", fan(720, "arc_deg: 360", "pixels: 150, pitch_mm: 1, offset_mm: [0, 52]")),
        ("half fan to the other side", fan(720, "arc_deg: -360", "pixels: 150, pitch_mm: 1, offset_mm: [0, -52]")),
        (
            "half fan, curved",
            fan(720, "arc_deg: 360", "shape: cylindrical, pixels: 150, pitch_mm: 1, offset_mm: [0, 52]"),
        ),
        ("a little off the centre", fan(720, "arc_deg: 360", "pixels: 250, pitch_mm: 1, offset_mm: [0, 3.3]")),
        ("slanted", fan(720, "arc_deg: 360", "pixels: 280, pitch_mm: 1, slant_deg: 12")),
    ];
    check(&fdk::Config::default(), &slice(), &scans, 0.004);
}

#[test]
fn cone_beams_of_every_arc_and_detector_give_the_value() {
    let cone = |views: usize, arc: &str, detector: &str| {
        format!(
            "cone: {{views: {views}, {arc}, source_to_axis_mm: 200, source_to_detector_mm: 400, detector: \
             {{{detector}}}}}"
        )
    };
    let scans = [
        ("full circle", cone(360, "arc_deg: 360", "pixels: [24, 260], pitch_mm: [2, 1]")),
        (
            "full circle, curved",
            cone(360, "arc_deg: 360", "shape: cylindrical, pixels: [24, 250], pitch_mm: [2, 1], offset_mm: [3, 0]"),
        ),
        ("short scan", cone(300, "arc_deg: 218", "pixels: [24, 260], pitch_mm: [2, 1]")),
        ("half fan", cone(360, "arc_deg: 360", "pixels: [24, 150], pitch_mm: [2, 1], offset_mm: [0, 52]")),
        (
            "half fan, curved",
            cone(360, "arc_deg: 360", "shape: cylindrical, pixels: [24, 150], pitch_mm: [2, 1], offset_mm: [2, -52]"),
        ),
        (
            "tilted",
            cone(
                360,
                "arc_deg: 360",
                "pixels: [40, 280], pitch_mm: [2, 1], tilt_deg: 8, slant_deg: -6, rotation_deg: 5",
            ),
        ),
    ];
    check(&fdk::Config::default(), &box_of(), &scans, 0.006);
}

#[test]
fn parallel_beams_of_every_arc_and_detector_give_the_value() {
    let parallel = |arc: &str, detector: &str| format!("parallel: {{views: 500, {arc}, detector: {{{detector}}}}}");
    let scans = [
        ("half a turn", parallel("arc_deg: 180", "pixels: 180, pitch_mm: 0.6")),
        ("a turn", parallel("arc_deg: 360", "pixels: 180, pitch_mm: 0.6")),
        ("three quarters", parallel("arc_deg: 270", "pixels: 180, pitch_mm: 0.6")),
        ("three quarters back", parallel("arc_deg: -250", "pixels: 180, pitch_mm: 0.6")),
        ("shifted axis over a turn", parallel("arc_deg: 360", "pixels: 110, pitch_mm: 0.6, offset_mm: [0, 20]")),
    ];
    check(&fbp::Config::default(), &slice(), &scans, 0.004);
    let turned = [(
        "turned detector",
        parallel("arc_deg: 180", "pixels: [40, 180], pitch_mm: 0.6, rotation_deg: 7, tilt_deg: 5"),
    )];
    check(&fbp::Config::default(), &box_of(), &turned, 0.004);
}

#[test]
fn the_weights_come_from_the_angles_and_not_from_the_arc_that_is_claimed() {
    // In an arc of 218 degrees some rays are measured twice; the weights of a full circle would give wrong values.
    let grid = slice();
    let mut geometry = scan(
        "fan: {views: 480, arc_deg: 218, source_to_axis_mm: 200, source_to_detector_mm: 400, detector: {pixels: 260, \
         pitch_mm: 1}}",
        &grid,
    );
    geometry.orbit.as_mut().unwrap().arc = std::f64::consts::TAU;
    let (mean, deviation, _) = reconstructed(&fdk::Config::default(), &grid, geometry);
    assert!((mean - 1.0).abs() < 0.01 && deviation < 0.02, "mean {mean}, deviation {deviation}");
}

#[test]
fn a_helix_gives_the_value_by_the_mean_over_the_views_that_see_a_voxel() {
    let grid = Grid::centered([20, 72, 72], [1.1; 3], [0.0; 3]).unwrap();
    let helix = |pitch: f64, detector: &str| {
        format!(
            "helical: {{views: 900, turns: 5, pitch_mm: {pitch}, source_to_axis_mm: 200, source_to_detector_mm: 400, \
             detector: {{{detector}}}}}"
        )
    };
    let scans = [
        ("flat", helix(10.0, "pixels: [24, 260], pitch_mm: [2, 1]")),
        ("curved", helix(10.0, "shape: cylindrical, pixels: [24, 250], pitch_mm: [2, 1]")),
        ("down", helix(-10.0, "pixels: [24, 260], pitch_mm: [2, 1]")),
        ("seen over several turns", helix(6.0, "pixels: [40, 260], pitch_mm: [2, 1]")),
    ];
    for (name, text) in scans {
        let (mean, deviation, outside) = reconstructed(&fdk::Config::default(), &grid, scan(&text, &grid));
        // The mean over views does not weight redundant rays exactly, which doubles the ripples in the air.
        let good = (mean - 1.0).abs() < 0.01 && deviation < 0.02 && outside < 0.05;
        assert!(good, "{name}: mean {mean:.4}, deviation {deviation:.4}, outside {outside:.4}");
    }
}

#[test]
fn what_an_analytic_method_cannot_do_is_refused_and_an_arc_too_short_is_said() {
    let refused = |text: &str, grid: &Grid| {
        fdk::Config::default().accept(&Setup::xrays(&scan(text, grid), grid)).unwrap_err().to_string()
    };
    let half = "detector: {pixels: 150, pitch_mm: 1, offset_mm: [0, 52]}";
    assert!(
        refused(
            &format!("fan: {{arc_deg: 220, source_to_axis_mm: 200, source_to_detector_mm: 400, {half}}}"),
            &slice()
        )
        .contains("full circle")
    );
    assert!(
        refused(
            "fan: {source_to_axis_mm: 200, source_to_detector_mm: 400, detector: {pixels: 50, pitch_mm: 1, offset_mm: \
             [0, 52]}}",
            &slice()
        )
        .contains("does not see the axis")
    );
    assert!(refused("laminography: {}", &box_of()).contains("circular orbit"));
    assert!(refused("parallel: {}", &box_of()).contains("parallel"));
    let grid = slice();
    let geometry = scan("fan: {views: 90, arc_deg: 120, source_to_axis_mm: 200, source_to_detector_mm: 400}", &grid);
    let data = Projections::from_vec(geometry.clone(), vec![0.0; geometry.samples()]).unwrap();
    let mut run = Run::quiet(Device::Cpu, 0);
    let warnings = fdk::Config::default().reconstruct(&Problem::xrays(&data, &grid, 1.0), &mut run).unwrap().warnings;
    assert!(warnings[0].code == "limited_arc" && warnings[0].message.contains("degrees short"));
}
