//! Tests of `recon info` on more than one file: run folders, pipelines, phantoms, folders of pictures and of volumes.

use crate::common::{Bench, TINY};
use std::fs::File;
use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::Tag;

fn picture(bench: &Bench, name: &str, white_is_zero: bool) {
    let path = bench.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = TiffEncoder::new(File::create(path).unwrap()).unwrap();
    let mut image = encoder.new_image::<colortype::Gray16>(6, 4).unwrap();
    let values: Vec<u16> = (0..24).collect();
    if white_is_zero {
        image.encoder().write_tag(Tag::PhotometricInterpretation, 0u16).unwrap();
    }
    image.write_data(&values).unwrap();
}

#[test]
fn runs_pipelines_and_phantoms_say_what_they_are() {
    let bench = Bench::new();
    bench.quick(&["--set", "export.report=[json]"]).expect(0, &[]);
    let run = bench.recon(&["info", "out"]).expect(0, &[]).stdout;
    assert!(run.contains("run folder") && run.contains("complete") && run.contains("psnr_db"), "{run}");
    std::fs::remove_file(bench.path("out/report.json")).unwrap();
    let unfinished = bench.recon(&["info", "out"]).expect(0, &[]).stdout;
    assert!(unfinished.contains("without a report") && unfinished.contains("fdk"), "{unfinished}");
    let pipeline = bench.recon(&["info", TINY]).expect(0, &[]).stdout;
    assert!(["pipeline", "simulated (phantom)", "fdk, siren", "shepp-logan.yaml"].iter().all(|w| pipeline.contains(w)));
    let phantom = bench.recon(&["info", concat!(env!("CARGO_MANIFEST_DIR"), "/phantoms/shepp-logan-2d.yaml")]);
    assert!(phantom.expect(0, &[]).stdout.contains("phantom"));
    let wrong = bench.write("wrong.yaml", "reconstruct: [fkd]\n");
    bench.recon(&["info", wrong.to_str().unwrap()]).expect(2, &["did you mean `fdk`?"]);
}

#[test]
fn folders_say_what_is_in_them() {
    let bench = Bench::new();
    for name in ["scan/v_0.tif", "scan/v_1.tif", "scan/v_2.tif", "scan/flat_0.tif"] {
        picture(&bench, name, false);
    }
    let scan = bench.recon(&["info", "scan"]).expect(0, &["[frames_set_apart]"]).stdout;
    assert!(["folder of TIFF images", "v_0.tif, v_2.tif", "4 x 6"].iter().all(|words| scan.contains(words)), "{scan}");
    let phantom = crate::common::SHEPP_LOGAN;
    std::fs::create_dir(bench.path("one")).unwrap();
    bench.recon(&["phantom", phantom, "-o", "one/a.nii.gz", "--shape", "4,5,6"]).expect(0, &[]);
    bench.write("one/notes.txt", "x");
    let one = bench.recon(&["info", "one"]).expect(0, &[]).stdout;
    assert!(["folder with one NIfTI-1 volume", "a.nii.gz", "4 x 5 x 6", "other files"].iter().all(|w| one.contains(w)));
    std::fs::copy(bench.path("one/a.nii.gz"), bench.path("one/b.nii.gz")).unwrap();
    let two = bench.recon(&["info", "one"]).expect(0, &[]).stdout;
    assert!(two.contains("b.nii.gz") && two.contains("NIfTI-1 volume"), "{two}");
    std::fs::create_dir(bench.path("none")).unwrap();
    bench.recon(&["info", "none"]).expect(3, &["no file in this folder"]);
}

#[test]
fn pictures_whose_white_is_zero_are_inverted_with_a_word() {
    let bench = Bench::new();
    for view in 0..4 {
        picture(&bench, &format!("scan/v_{view}.tif"), true);
    }
    bench.recon(&["info", "scan"]).expect(0, &["[white_is_zero]"]);
    let text = "acquire: {tiff: {path: scan}, values: counts, open_beam: 65535, preflight: warn, zinger_sigma: 0, \
                geometry: {parallel: {detector: {pitch_mm: 1}}}}\nreconstruct: [fbp]\n";
    let file = bench.write("p.yaml", text);
    bench.recon(&["check", file.to_str().unwrap()]).expect(0, &["[white_is_zero]", "PhotometricInterpretation"]);
}

#[test]
fn two_starts_of_one_method_are_refused_by_name() {
    let bench = Bench::new();
    let phantom = crate::common::SHEPP_LOGAN;
    bench.recon(&["phantom", phantom, "-o", "prior.nii.gz", "--shape", "8,8,8"]).expect(0, &[]);
    let methods =
        "reconstruct=[tv, {name: net, start_from: tv, neural_field: {start: {volume: {path: prior.nii.gz}}}}]";
    let outcome = bench.recon(&["check", TINY, "--set", methods]);
    outcome.expect(2, &["reconstruct[1].start_from", "`tv`", "prior.nii.gz", "leave one of them out"]);
}
