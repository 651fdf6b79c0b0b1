//! Tests of `recon render`: on its own grid a fitted field is the volume of the run, on other grids it is the same
//! function.

use crate::common::Bench;
use recon::formats::nifti::{self, Units};

#[test]
fn a_fitted_field_is_rendered_on_its_own_lattice_and_on_finer_ones() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    let text = format!(
        "load: {{phantom: {{file: {phantom}}}}}\ngrid: {{shape: [12, 12, 12]}}\nsimulate: {{geometry: {{cone: {{views: \
         12, source_to_axis_mm: 500, \
         source_to_detector_mm: 700, detector: {{pixels: [20, 20], pitch_mm: 18}}}}}}}}\nreconstruct:\n\
         - name: net\n  neural_field: {{field: {{siren: \
         {{width: 24, depth: 2, omega: 8}}}}, steps: 8, start: {{tv: {{iterations: 20}}, steps: 60, batch: 512}}}}\n\
         - name: three\n  neural_field: {{field: {{siren: {{width: 24, depth: 2, omega: 8}}}}, steps: 8, start: null, \
         ensemble: 3}}\n"
    );
    let file = bench.write("p.yaml", &text);
    bench.recon(&["run", file.to_str().unwrap(), "--output", "r"]).expect(0, &[]);
    let volume = |path: &str| nifti::read(&bench.path(path), Units::Hounsfield).unwrap().volume;
    // `net` is one field, and `three` is the mean of three.
    for method in ["three", "net"] {
        bench.recon(&["render", &format!("r/{method}"), "-o", "same.nii.gz"]).expect(0, &[]);
        let (made, same) = (volume(&format!("r/{method}/volume.nii.gz")), volume("same.nii.gz"));
        let apart = made.as_slice().iter().zip(same.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max);
        assert!(apart < 0.1, "{method}: {apart} HU");
    }
    let made = volume("r/net/volume.nii.gz");
    bench.recon(&["render", "r/net/checkpoint.safetensors", "--shape", "36,36,36", "-o", "fine.nii"]).expect(0, &[]);
    let fine = volume("fine.nii");
    assert_eq!((fine.grid.shape, fine.grid.extent().map(f64::round)), ([36; 3], made.grid.extent().map(f64::round)));
    // With three voxels in place of one, the middle one of each three has the centre of a voxel of the coarse grid.
    let apart = (0..12usize.pow(3)).map(|n| {
        let [z, y, x] = [n / 144, n / 12 % 12, n % 12].map(|i| 3 * i + 1);
        (fine.as_slice()[(z * 36 + y) * 36 + x] - made.as_slice()[n]).abs()
    });
    let worst = apart.fold(0.0f32, f32::max);
    assert!(worst < 0.5, "{worst} HU");
    bench.recon(&["render", "r", "-o", "no.nii"]).expect(3, &["expected the folder of a fitted neural field"]);
    bench.recon(&["render", "r/net", "--spacing", "0", "-o", "no.nii"]).expect(2, &["spacing_mm", "positive"]);
    bench.write("bad.safetensors", "nothing");
    bench.recon(&["render", "bad.safetensors", "-o", "no.nii"]).expect(3, &["bad.safetensors"]);
    assert!(!bench.path("no.nii").exists());
}
