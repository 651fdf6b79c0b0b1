//! Tests of the worked examples in docs/measured-data.md. Those of the scanners run on files of the documented layouts,
//! which are made here; the others must fail because their data are missing and for no other reason.

use crate::common::Bench;
use crate::scanners::{ASTRA, NEXUS, nikon, phoenix, rtk, skyscan, zeiss};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/measured-data.md");

/// Returns the blocks of YAML with the headings above them.
fn blocks() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (mut heading, mut block, mut found) = (String::new(), None::<String>, Vec::new());
    for line in page.lines() {
        match (&mut block, line) {
            (None, "```yaml") => block = Some(String::new()),
            (Some(text), "```") => {
                found.push((heading.clone(), std::mem::take(text)));
                block = None;
            }
            (Some(text), line) => text.extend([line, "\n"]),
            (None, line) => heading = line.strip_prefix("## ").map_or(heading, ToString::to_string),
        }
    }
    found
}

/// Writes every file that the examples of the scanners name.
fn files(bench: &Bench) {
    for (folder, name, header) in [
        ("ball", "ball.xtekct", nikon as fn(&Bench, &str) -> String),
        ("tooth", "ball.log", skyscan),
        ("casting", "ball.pca", phoenix),
    ] {
        let text = header(bench, folder);
        bench.write(&format!("{folder}/{name}"), &text);
    }
    zeiss(&bench.path("rock.txrm"));
    std::fs::copy(NEXUS, bench.path("i13-12345.nxs")).unwrap();
    std::fs::copy(ASTRA, bench.path("scan.mat")).unwrap();
    // The stack of RTK is written as counts of 16 bits after a header of 1024 bytes, with one image of the open beam.
    let counts = |p: f32| ((50_000.0 * (-p).exp()) as u16).to_be_bytes();
    let integrals = rtk(bench);
    let integrals = integrals.chunks_exact(4).map(|b| f32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    let scan: Vec<u8> = [0; 1024].into_iter().chain(integrals.flat_map(counts)).collect();
    std::fs::write(bench.path("scan.raw"), scan).unwrap();
    let open: Vec<u8> = [0; 1024].into_iter().chain((0..25 * 48).flat_map(|_| counts(0.0))).collect();
    std::fs::write(bench.path("white.raw"), open).unwrap();
}

#[test]
fn the_worked_examples_of_the_scanners_run_and_all_others_lack_only_their_data() {
    let bench = Bench::new();
    files(&bench);
    let (mut ran, mut others) = (Vec::new(), 0);
    for (heading, text) in blocks() {
        bench.write("example.yaml", &text);
        let outcome = bench.recon(&["check", "example.yaml"]);
        if heading.starts_with("Scanners") {
            assert_eq!(outcome.code, 0, "{text}{outcome:#?}");
            ran.push(text);
        } else {
            assert_eq!(outcome.code, 3, "{heading}: {text}{outcome:#?}");
            assert!(outcome.stderr.contains("no such file"), "{text}{outcome:#?}");
            others += 1;
        }
    }
    for kind in ["xtekct", "skyscan", "pca", "txrm", "nexus", "astra", "metaimage", "raw"] {
        assert!(ran.iter().any(|text| text.contains(&format!("{kind}: {{"))), "no example of {kind}");
    }
    assert_eq!((ran.len(), others), (8, 3));
}
