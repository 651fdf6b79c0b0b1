//! Tests of volumes in any format, wherever the program reads or writes one.

use crate::common::{Bench, TINY};

const PHANTOM: &str = crate::common::SHEPP_LOGAN;

#[test]
fn a_volume_of_any_format_is_loaded_compared_described_and_gives_its_lattice() {
    let bench = Bench::new();
    let make = |name: &str| {
        bench.recon(&["phantom", PHANTOM, "-o", name, "--shape", "24,24,24"]).expect(0, &[]);
    };
    make("a.nii");
    for (name, kind) in [("a.mha", "MetaImage volume"), ("a.nhdr", "NRRD volume"), ("b.npy", "NumPy array")] {
        make(name);
        assert!(bench.recon(&["info", name]).expect(0, &[]).stdout.contains(kind), "{name}");
        let same = bench.recon(&["compare", "a.nii", name, "--json"]).expect(0, &[]).stdout;
        let same: serde_json::Value = serde_json::from_str(&same).unwrap();
        assert_eq!(same["rmse_hu"], 0.0, "{name}: {same}");
        let load = format!("load={{volume: {{path: {name}}}}}");
        let grid = format!("grid={{from: {name}}}");
        bench.recon(&["check", TINY, "--set", &load, "--set", &grid]).expect(0, &["inverse_crime"]);
    }
    bench.recon(&["phantom", PHANTOM, "-o", "a.xyz"]).expect(2, &["a name ending in one of", ".mha"]);
}

#[test]
fn a_run_writes_its_volumes_in_every_format_that_is_asked_for() {
    let bench = Bench::new();
    let volumes = "export.volumes=[nifti, metaimage, nrrd, npy, npz, raw, tiff]";
    bench.quick(&["--set", volumes, "--set", "export.report=[json]"]).expect(0, &[]);
    for name in ["volume.mha", "volume.nrrd", "volume.npy", "volume.npz", "volume.raw", "volume.tif"] {
        let path = format!("out/fdk/{name}");
        let figures = bench.recon(&["compare", "out/fdk/volume.nii.gz", &path, "--json"]).expect(0, &[]).stdout;
        let figures: serde_json::Value = serde_json::from_str(&figures).unwrap();
        assert_eq!(figures["rmse_hu"], 0.0, "{name}: {figures}");
    }
    // All of these files are listed in the manifest, so that `recon verify` sees a change.
    bench.recon(&["verify", "out"]).expect(0, &[]);
    std::fs::write(bench.path("out/fdk/volume.json"), "{}").unwrap();
    bench.recon(&["verify", "out"]).expect(3, &["volume.json"]);
}
