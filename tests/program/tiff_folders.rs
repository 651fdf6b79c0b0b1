//! Tests of folders of TIFF images as scanners write them: angles before the running number, flat and dark fields among
//! the views. The attenuation must be right at the right place: a disc of 0.02 /mm with a ball of 0.04 /mm off its
//! centre.

use crate::common::Bench;
use recon::formats::nifti::{self, Units};
use std::f64::consts::PI;
use std::fs::File;
use tiff::encoder::{TiffEncoder, colortype};

const VIEWS: usize = 60;
const COLUMNS: u32 = 96;

/// Returns the angle of a view by the golden-angle scheme, in which the views are not in the order of their angles.
fn angle_deg(view: usize) -> f64 {
    (view as f64 * 111.246) % 360.0
}

/// Returns the chord (mm) of a disc of the radius `radius` (mm) at a distance `s` (mm) from its centre.
fn chord(radius: f64, s: f64) -> f64 {
    2.0 * (radius * radius - s * s).max(0.0).sqrt()
}

/// Returns the line integrals of a view: a disc with a radius of 30 mm and 0.02 /mm, and a ball with a radius of 6 mm
/// and 0.02 /mm more at (x, y) = (10, -12) mm.
fn row(angle_deg: f64) -> Vec<f32> {
    let (sine, cosine) = (angle_deg * PI / 180.0).sin_cos();
    let ball = -10.0 * sine - 12.0 * cosine;
    let value = |column: u32| {
        let u = f64::from(column) - (f64::from(COLUMNS) - 1.0) / 2.0;
        (0.02 * (chord(30.0, u) + chord(6.0, u - ball))) as f32
    };
    (0..COLUMNS).map(value).collect()
}

fn write(bench: &Bench, name: &str, values: &[f32]) {
    let path = bench.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = TiffEncoder::new(File::create(path).unwrap()).unwrap();
    encoder.write_image::<colortype::Gray32Float>(COLUMNS, 1, values).unwrap();
}

/// Reconstructs the folder `scan` with the angles in the order of the running numbers; returns the mean attenuation
/// (1/mm) in the centre of the ball.
fn ball(bench: &Bench, code: &str) -> f64 {
    let angles: Vec<String> = (0..VIEWS).map(|view| angle_deg(view).to_string()).collect();
    bench.write("angles.txt", &angles.join("\n"));
    let pipeline = "acquire:\n  tiff: {path: scan, angles: angles.txt}\n  values: line_integrals\n  \
                    geometry: {parallel: {detector: {pitch_mm: 1}}}\ngrid: {spacing_mm: 2}\n\
                    reconstruct: [sirt: {iterations: 60}]\nexport: {directory: out, report: [json]}\n";
    bench.write("p.yaml", pipeline);
    let outcome = bench.recon(&["run", "p.yaml", "--force"]).expect(0, &[]);
    for known in ["[order_of_views]", "[frames_set_apart]"] {
        assert_eq!(outcome.stderr.contains(known), code == known, "{}", outcome.stderr);
    }
    let volume = nifti::read(&bench.path("out/sirt/volume.nii.gz"), Units::AttenuationPerMm).unwrap().volume;
    let [_, ny, nx] = volume.grid.shape;
    let mut inside = Vec::new();
    for (y, x) in (0..ny).flat_map(|y| (0..nx).map(move |x| (y, x))) {
        let [px, py, _] = volume.grid.point([0.0, y as f64, x as f64]);
        if (px - 10.0).hypot(py + 12.0) < 3.0 {
            inside.push(f64::from(volume.voxels()[[0, y, x]]));
        }
    }
    inside.iter().sum::<f64>() / inside.len() as f64
}

#[test]
fn views_are_in_the_order_of_their_running_number_wherever_the_angle_stands() {
    for (code, name) in [
        ("", (|view, _| format!("scan/im_{view:03}.tif")) as fn(usize, f64) -> String),
        ("[order_of_views]", |view, angle| format!("scan/scan_PH40_{angle:.4}_{view:03}.tif")),
        ("[order_of_views]", |view, angle| format!("scan/v{view}_at_{:04}.tif", (angle * 10.0) as u32)),
    ] {
        let bench = Bench::new();
        (0..VIEWS).for_each(|view| write(&bench, &name(view, angle_deg(view)), &row(angle_deg(view))));
        let found = ball(&bench, code);
        assert!((found - 0.04).abs() < 0.002, "{}: {found}", name(7, angle_deg(7)));
    }
}

#[test]
fn flats_darks_and_the_view_at_180_degrees_are_no_views() {
    let bench = Bench::new();
    (0..VIEWS).for_each(|view| write(&bench, &format!("scan/tomo_{view:04}.tif"), &row(angle_deg(view))));
    for number in 0..5 {
        write(&bench, &format!("scan/flat_{number:04}.tif"), &vec![0.0; COLUMNS as usize]);
        write(&bench, &format!("scan/dark_{number:04}.tif"), &vec![0.0; COLUMNS as usize]);
    }
    write(&bench, "scan/tomo_180deg.tif", &row(180.0));
    let found = ball(&bench, "[frames_set_apart]");
    assert!((found - 0.04).abs() < 0.002, "{found}");
}
