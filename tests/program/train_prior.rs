//! Tests of `recon train-prior`: a tiny network is trained on the voxels of phantoms to the same bits, at once or from
//! what a stopped training left, and a pipeline uses it.

use crate::common::Bench;

const RECIPE: &str = "name: tiny\nseed: 4\nshape: [1, 16, 16]\npairs: 3\nsteps: 6\nbatch: 2\nvalidation_cases: 1\n\
     test_cases: 2\nviews: [8, 12]\ngeometries: [{parallel: {}}]\n\
     train: [{name: one, licence: MIT, credit: made here, load: {nifti: {path: one.nii.gz}}}]\n\
     test: [{name: two, licence: MIT, credit: made here, load: {nifti: {path: two.nii.gz}}}]\n";

fn volumes(bench: &Bench) {
    for (name, shape) in [("one", "6,40,40"), ("two", "8,32,32")] {
        let phantom = concat!(env!("CARGO_MANIFEST_DIR"), "/phantoms/forbild-head.yaml");
        bench.recon(&["phantom", phantom, "--shape", shape, "-o", &format!("{name}.nii.gz")]).expect(0, &[]);
    }
    bench.write("recipe.yaml", RECIPE);
}

#[test]
fn a_network_is_trained_again_to_the_same_bits_and_used() {
    let bench = Bench::new();
    volumes(&bench);
    let train = |out: &str, more: &[&str]| {
        let mut args = vec!["train-prior", "recipe.yaml", "--data", ".", "-o", out, "--threads", "1", "--json"];
        args.extend(more);
        bench.recon(&args)
    };
    let card: serde_json::Value = serde_json::from_str(&train("a.safetensors", &[]).expect(0, &[]).stdout).unwrap();
    assert_eq!(card["trained_on"][0]["licence"], "MIT");
    assert!(card["figures"]["test_gain_db"].is_number() && card["ranges"]["views"].is_array(), "{card}");
    // The first training begins with existing pairs, one of them damaged, and a finished network; the second begins
    // with nothing; the third has another seed.
    bench.write("a.parts/pair-00001.safetensors", "damaged");
    train("a2.safetensors", &["--parts", "a.parts"]).expect(0, &[]);
    train("b.safetensors", &[]).expect(0, &[]);
    train("c.safetensors", &["--seed", "5"]).expect(0, &[]);
    let weights = |file: &str| {
        let bytes = std::fs::read(bench.path(file)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut all: Vec<_> = file.tensors().into_iter().map(|(name, t)| (name, t.data().to_vec())).collect();
        all.sort();
        all
    };
    assert_eq!(weights("a.safetensors"), weights("b.safetensors"));
    assert_eq!(weights("a.safetensors"), weights("a2.safetensors"));
    assert_ne!(weights("a.safetensors"), weights("c.safetensors"));
    let pipeline = |prior: &str| {
        format!(
            "load: {{nifti: {{path: two.nii.gz}}, slice: {{part: 0.5}}}}\ngrid: {{shape: [16, 16]}}\nsimulate: \
             {{geometry: {{parallel: {{views: 12}}}}}}\nreconstruct: [{{tv_refined: {{prior: {prior}}}}}]\n"
        )
    };
    bench.write("p.yaml", &pipeline("a.safetensors"));
    bench.recon(&["run", "p.yaml", "--output", "r"]).expect(0, &[]);
    let files = bench.files("r");
    let there = |name: &str| files.iter().any(|file| file == &format!("tv_refined/{name}.nii.gz"));
    assert!(there("volume") && there("start") && there("difference"), "{files:?}");
    let page = std::fs::read_to_string(bench.path("r/report.html")).unwrap();
    assert!(page.contains("A learned prior was used: the network `tiny`, trained on one."));
    // A page that is made again from the folder shows the start that the network changed, as the first one does.
    bench.recon(&["report", "r"]).expect(0, &[]);
    let again = std::fs::read_to_string(bench.path("r/report.html")).unwrap();
    let shown = |page: &str| page.matches("class=\"viewer-volume\"").count();
    assert_eq!((shown(&page), shown(&again)), (3, 3), "truth, result and start in the viewer");
    bench.write("bad.safetensors", "nothing");
    bench.write("q.yaml", &pipeline("bad.safetensors"));
    bench.recon(&["run", "q.yaml", "--output", "s"]).expect(5, &["no weights"]);
    bench.write("q.yaml", &pipeline("none.safetensors"));
    bench.recon(&["run", "q.yaml", "--output", "s"]).expect(2, &["prior", "is not there"]);
    bench.write("recipe.yaml", &RECIPE.replace("one.nii.gz", "three.nii.gz"));
    train("d.safetensors", &[]).expect(3, &["three.nii.gz"]);
    assert!(!bench.path("d.safetensors").exists());
}
