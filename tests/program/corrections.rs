//! Tests of the corrections of measured line integrals: each restores what it is made for, leaves clean data as they
//! are, and reports how much it has changed.

use crate::common::Bench;
use ndarray::Array2;
use ndarray_npy::{ReadNpyExt, WriteNpyExt};
use std::fs::File;

const VIEWS: usize = 180;
const COLUMNS: usize = 160;

/// Returns the line integrals of three discs (a large one off the axis, two within it) in a parallel beam over half a
/// turn.
fn clean() -> Array2<f32> {
    let disks = [(6.0, -4.0, 60.0, 0.012), (24.0, 18.0, 9.0, 0.02), (-26.0, 8.0, 14.0, -0.006)];
    Array2::from_shape_fn((VIEWS, COLUMNS), |(view, column)| {
        let (s, c) = (view as f64).to_radians().sin_cos();
        let u = column as f64 - 79.5;
        let of = |&(x, y, radius, mu): &(f64, f64, f64, f64)| {
            let off: f64 = u - (c * y - s * x);
            2.0 * mu * (radius * radius - off * off).max(0.0).sqrt()
        };
        disks.iter().map(of).sum::<f64>() as f32
    })
}

/// Returns an irregular number in 0..1.
fn scatter(i: usize) -> f32 {
    ((i as u32).wrapping_mul(2_654_435_769) >> 8) as f32 / 16_777_216.0
}

/// Returns the projections that `acquire` makes of `data` with these corrections, and what it writes to stderr.
fn acquired(bench: &Bench, data: &Array2<f32>, correct: &str) -> (Array2<f32>, String) {
    data.write_npy(File::create(bench.path("p.npy")).unwrap()).unwrap();
    let text = format!(
        "acquire:\n  npy: {{path: p.npy}}\n  geometry: {{parallel: {{detector: {{pitch_mm: 1}}}}}}\n  values: \
         line_integrals\n  zinger_sigma: 0\n  correct: {correct}\nreconstruct: [fbp]\n"
    );
    bench.write("p.yaml", &text);
    let said =
        bench.recon(&["run", "p.yaml", "--output", "out", "--until", "acquire", "--force"]).expect(0, &[]).stderr;
    let made = ndarray::Array3::<f32>::read_npy(File::open(bench.path("out/projections.npy")).unwrap()).unwrap();
    (made.index_axis_move(ndarray::Axis(1), 0), said)
}

/// Returns the peak signal-to-noise ratio, 20 log10 (range / RMS difference), in dB.
fn decibels(found: &Array2<f32>, right: &Array2<f32>) -> f64 {
    let square: f64 = found.iter().zip(right).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let range = f64::from(right.iter().copied().fold(0.0f32, f32::max));
    20.0 * (range / (square / right.len() as f64).sqrt().max(1e-12)).log10()
}

#[test]
fn each_correction_brings_back_what_it_is_for_and_says_what_it_took() {
    let (bench, right) = (Bench::new(), clean());
    let mut striped = right.clone();
    for (column, mut lane) in striped.columns_mut().into_iter().enumerate() {
        lane.mapv_inplace(|value| value + 0.06 * (scatter(column) - 0.5));
    }
    let mut stuck = right.clone();
    stuck.column_mut(70).fill(0.9);
    stuck.column_mut(101).mapv_inplace(|value| 0.5 * value + 0.3);
    let mut fading = right.clone();
    fading.rows_mut().into_iter().enumerate().for_each(|(view, mut row)| row.mapv_inplace(|v| v + 2e-4 * view as f32));
    let hardened = right.mapv(|p| (-1.0 + (1.0 + 4.0 * 0.08 * p).sqrt()) / (2.0 * 0.08));
    for (code, correct, data, gain) in [
        ("rings_removed", "{rings: 5}", &striped, 4.0),
        ("bad_pixels_interpolated", "{bad_pixels: 8}", &stuck, 15.0),
        ("drift_corrected", "{drift: true}", &fading, 30.0),
        ("hardening_corrected", "{beam_hardening: [0.08]}", &hardened, 40.0),
    ] {
        let before = decibels(data, &right);
        let (after, said) = acquired(&bench, data, correct);
        let after = decibels(&after, &right);
        assert!(after > before + gain, "{correct}: {before} dB before, {after} dB after");
        assert!(said.contains(&format!("[{code}]")) && said.contains("% (RMS)"), "{said}");
    }
}

#[test]
fn corrections_of_clean_data_change_nothing_and_without_them_nothing_is_said() {
    let (bench, right) = (Bench::new(), clean());
    let (same, said) = acquired(&bench, &right, "{}");
    assert!(same == right && !said.contains("correct") && !said.contains("rings"), "{said}");
    let (kept, _) = acquired(&bench, &right, "{drift: true, bad_pixels: 8, rings: 5}");
    assert!(decibels(&kept, &right) > 60.0, "{} dB", decibels(&kept, &right));
    for (wrong, words) in [
        ("{rings: 4}", "acquire.correct.rings: expected an odd number"),
        ("{bad_pixels: 1}", "acquire.correct.bad_pixels: expected 3 or more"),
        ("{beam_hardening: []}", "acquire.correct.beam_hardening: expected finite coefficients"),
        ("{beam_hardening: soft}", "expected auto, or coefficients"),
        ("{ring: 5}", "did you mean `rings`?"),
    ] {
        bench.recon(&["check", "p.yaml", "--set", &format!("acquire.correct={wrong}")]).expect(2, &[words]);
    }
}

/// The views of a long and thin block determine the beam hardening; those of a disc, which are all alike, do not.
#[test]
fn beam_hardening_is_found_where_the_views_tell_it() {
    let bench = Bench::new();
    let block = |view: usize, column: usize| {
        let (s, c) = (view as f64).to_radians().sin_cos();
        let u = column as f64 - 79.5;
        // The chord of the box |x| < 50, |y| < 8 (mm) along the direction (c, s) at the distance u from the axis.
        let clip = |origin: f64, way: f64, half: f64| {
            if way.abs() < 1e-9 {
                return if origin.abs() < half { [-1e9, 1e9] } else { [1.0, -1.0] };
            }
            let ends = [(-half - origin) / way, (half - origin) / way];
            [ends[0].min(ends[1]), ends[0].max(ends[1])]
        };
        let ([a, b], [d, e]) = (clip(-s * u, c, 50.0), clip(c * u, s, 8.0));
        0.03 * (b.min(e) - a.max(d)).max(0.0)
    };
    let right = Array2::from_shape_fn((VIEWS, COLUMNS), |(view, column)| block(view, column) as f32);
    let hardened = right.mapv(|p| (-1.0 + (1.0 + 4.0 * 0.2 * p).sqrt()) / (2.0 * 0.2));
    let (after, said) = acquired(&bench, &hardened, "{beam_hardening: auto}");
    assert!(said.contains("[hardening_corrected]"), "{said}");
    let (before, after) = (decibels(&hardened, &right), decibels(&after, &right));
    assert!(after > before + 6.0, "{before} dB before, {after} dB after: {said}");
}
