//! Tests of the page: contents, pictures, and resistance to hostile texts.

use super::*;
use crate::data::{Grid, MetricDefinition, Quantity, StageReport, Status, Volume, Warning};
use crate::report::figures::raster::decode;
use crate::report::{Gallery, RunFacts, samples};
use serde_json::json;

/// The page of the made-up run, 3-D or 2-D.
fn sample(flat: bool, n: usize) -> String {
    let truth = samples::ball(n, flat, 0.0, 0.0);
    let methods =
        [samples::ball(n, flat, 4.0, 60.0), samples::ball(n, flat, 0.6, 9.0), samples::ball(n, flat, 1.4, 14.0)];
    let projections = samples::projections(samples::circle(40, if flat { 1 } else { 96 }, 96));
    page(&samples::report(), &samples::gallery(&truth, &methods, &projections))
}

/// The page of the made-up 3-D run with its viewer.
fn with_viewer() -> String {
    let truth = samples::ball(16, false, 0.0, 0.0);
    let methods = [4.0, 0.6, 1.4].map(|blur| samples::ball(16, false, blur, 9.0));
    let projections = samples::projections(samples::circle(4, 8, 8));
    let gallery = samples::gallery(&truth, &methods, &projections);
    page(&samples::report(), &Gallery { viewer_bytes: Some(1 << 20), ..gallery })
}

#[test]
fn the_policy_names_the_hash_of_the_one_script_and_the_style() {
    let page = with_viewer();
    let between = |from: &str, to: &str| page.split_once(from).unwrap().1.split_once(to).unwrap().0.to_string();
    let hash = |text: &str| format!("sha256-{}", STANDARD.encode(Sha256::digest(text)));
    let policy = between("Content-Security-Policy\" content=\"", "\"");
    assert!(policy.contains(&hash(&between("<script>", "</script>"))), "{policy}");
    assert!(policy.contains(&hash(&between("<style>", "</style>"))) && !policy.contains("script-src 'unsafe"));
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("<script class=\"viewer-volume\" type=\"text/plain\">").count(), 4);
    // The script makes no requests. Without it the section stays hidden and the pictures remain.
    let script = viewer::SCRIPT.replace("\"http://www.w3.org/2000/svg\"", "the namespace of SVG");
    for word in ["http", "fetch(", "import(", "XMLHttp", "eval(", "new Function", "innerHTML", "//#"] {
        assert!(!script.contains(word), "{word}");
    }
    assert!(page.contains("<section id=\"viewer\" hidden") && page.contains("id=\"images\""));
}

/// `src` of the pictures of a page whose alternative text begins with `alt`.
fn pictures<'a>(page: &'a str, alt: &str) -> Vec<&'a str> {
    let tags = page.split("<img ").skip(1).filter(|tag| tag.contains(&format!("alt=\"{alt}")));
    tags.map(|tag| tag.split_once("src=\"").unwrap().1.split('"').next().unwrap()).collect()
}

/// Writes sample pages for visual inspection: `RECON_REPORT_SAMPLE=DIR cargo test --release --lib report::html`.
#[test]
fn sample_pages_are_written_where_asked() {
    let Some(folder) = std::env::var_os("RECON_REPORT_SAMPLE") else { return };
    let mut failed = samples::report();
    failed.status = Status::Failed;
    failed.methods.clear();
    let pages =
        [("volume", sample(false, 64)), ("slice", sample(true, 128)), ("failed", page(&failed, &Gallery::default()))];
    for (name, text) in pages {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), text).unwrap();
    }
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = sample(false, 16);
    assert_eq!(page.matches("http").count(), page.matches("meta http-equiv=\"Content-Security-Policy\"").count());
    assert!(
        !page.contains("<script") && !page.contains("url(") && !page.contains("@import") && !page.contains("<link")
    );
    let sources = page.matches("src=\"").count();
    assert!(sources > 20 && sources == page.matches("src=\"data:image/png;base64,").count());
    assert!(page.contains("default-src 'none'; img-src data:; style-src-elem 'sha256-"));
    let elsewhere = page.split("href=\"").skip(1).filter(|rest| !rest.starts_with('#')).count();
    assert_eq!(elsewhere, 0, "every link stays on the page");
}

#[test]
fn every_picture_decodes_and_keeps_its_proportions() {
    let page = sample(false, 20);
    let size = |alt: &str| {
        pictures(&page, alt)
            .iter()
            .map(|uri| decode(uri))
            .map(|(width, height, ..)| (width, height))
            .collect::<Vec<_>>()
    };
    // 16 x 20 x 20 voxels of 10 mm: 20 voxels become 400 pixels, 16 become 320.
    for whose in ["truth", "fdk", "siren", "tv"] {
        assert_eq!(size(&format!("{whose}, axial")), [(400, 400)]);
        assert_eq!(size(&format!("{whose}, coronal")), [(400, 320)]);
        assert_eq!(size(&format!("{whose}, sagittal")), [(400, 320)]);
    }
    assert_eq!(size("siren minus truth"), [(400, 400), (400, 320), (400, 320)]);
    assert_eq!(size("sinogram"), [(384, 400)]);
    assert_eq!(size("first projection"), [(384, 384)]);
    assert!(size("").len() > 18);
}

#[test]
fn one_window_serves_all_and_errors_are_white_where_right() {
    let truth = samples::ball(20, false, 0.0, 0.0);
    let methods = [truth.clone(), truth.map(|v| v + 300.0), truth.map(|v| v - 300.0)];
    let projections = samples::projections(samples::circle(4, 4, 4));
    let page = page(&samples::report(), &samples::gallery(&truth, &methods, &projections));
    let first = |alt: &str| decode(pictures(&page, alt)[0]).3;
    assert_eq!(first("truth, axial"), first("fdk, axial"));
    assert!(first("fdk minus truth, axial").iter().all(|&c| c > 240));
    let (high, low) = (first("siren minus truth, axial"), first("tv minus truth, axial"));
    assert!(high[0] > high[2] && low[2] > low[0], "too high is red, too low is blue");
}

#[test]
fn a_bright_corner_ends_where_radiologists_expect_it() {
    let grid = Grid::centered([3, 3, 3], [1.0; 3], [0.0; 3]).unwrap();
    let bright = |index: usize| {
        let mut values = vec![0.0; 27];
        values[index] = 1000.0;
        Volume::from_vec(grid.clone(), Quantity::Hounsfield, values).unwrap()
    };
    // Index (z · 3 + y) · 3 + x of the +x end of the +y (axial), +z (coronal) edge, and the +y, +z corner (sagittal).
    for (plane, index, row) in [("axial", 9 + 6 + 2, 383), ("coronal", 18 + 3 + 2, 0), ("sagittal", 18 + 6 + 1, 0)] {
        let truth = bright(index);
        let page = page(&samples::report(), &Gallery { truth: Some(&truth), ..Gallery::default() });
        let (width, _, _, pixels) = decode(pictures(&page, &format!("truth, {plane}"))[0]);
        assert_eq!(pixels[row * width + width - 1], 255, "{plane}");
        assert_eq!(pixels.iter().map(|&p| usize::from(p == 255)).sum::<usize>(), 128 * 128, "{plane}");
    }
}

#[test]
fn a_slice_shows_only_its_own_plane() {
    let page = sample(true, 16);
    assert_eq!(pictures(&page, "truth, ").len(), 1);
    assert_eq!(pictures(&page, "siren minus truth").len(), 1);
    assert!(page.contains("fan-beam") && page.contains("First projection") && !page.contains("coronal"));
}

#[test]
fn hostile_texts_are_escaped_everywhere() {
    const EVIL: &str = "<script>alert(1)</script>\"'&\u{1b}[31m\u{202e}";
    let mut report = samples::report();
    let evil = || EVIL.to_string();
    (report.name, report.device) = (evil(), evil());
    report.stages = vec![StageReport { name: evil(), seconds: 1.0, cached: true }];
    for method in &mut report.methods {
        (method.name, method.algorithm, method.volume) = (evil(), evil(), evil());
        method.metrics.insert(evil(), None);
        method.reasons.insert(evil(), evil());
        method.notes.insert("start".into(), json!({"algorithm": EVIL, "psnr_db": 1.0}));
        method.notes.insert(evil(), json!({EVIL: [EVIL]}));
        method.curve.iter_mut().for_each(|point| point.figures = [(evil(), 1.0)].into());
    }
    report
        .metric_definitions
        .insert(evil(), MetricDefinition { definition: evil(), data_range: Some(1.0), unit: evil(), mask: evil() });
    report.warnings = vec![Warning::new(EVIL, EVIL)];
    report.config = json!({EVIL: EVIL, "evaluate": {"metrics": [EVIL]}});
    let (truth, projections) = (samples::ball(8, false, 0.0, 0.0), samples::projections(samples::circle(3, 4, 4)));
    let row = || vec![(evil(), evil())];
    let run = RunFacts { versions: row(), machine: row(), inputs: row(), outputs: row(), ..RunFacts::default() };
    let gallery = Gallery {
        truth: Some(&truth),
        methods: vec![(evil(), &truth)],
        projections: Some(&projections),
        run,
        ..Gallery::default()
    };
    let plain = page(&report, &gallery);
    assert!(!plain.contains("<script"));
    // With the viewer there are its own script elements and no others.
    let page = page(&report, &Gallery { viewer_bytes: Some(1 << 20), ..gallery });
    assert_eq!(page.matches("<script").count(), 4);
    assert!(!page.contains("<script>alert") && !page.contains('\u{1b}') && !page.contains('\u{202e}'));
    assert!(page.matches("&lt;script&gt;").count() > 40);
    assert!(page.split("alt=\"").skip(1).all(|rest| !rest.split('"').next().unwrap().contains(['<', '>'])));
}

#[test]
fn a_failed_run_without_methods_still_has_a_page() {
    let mut report = samples::report();
    report.status = Status::Failed;
    report.methods.clear();
    report.warnings.clear();
    let page = page(&report, &Gallery::default());
    assert!(page.contains("This run failed.") && page.contains("No volume and no projections"));
    assert!(!page.contains("id=\"scores\"") && !page.contains("<img") && page.ends_with("</html>"));
}

#[test]
fn what_a_method_was_started_from_is_said_in_words_and_figures() {
    let page = sample(false, 8);
    assert!(
        page.contains("↳ its start: tv")
            && page.contains("siren gained 1.65 dB of PSNR over its own start (tv, 31.87 dB)")
    );
    assert_eq!(page.matches("class=\"start\"").count(), 1);
}

#[test]
fn missing_numbers_are_dashes_with_their_reason() {
    let mut report = samples::report();
    report.methods[0].metrics.insert("ssim".into(), None);
    report.methods[0].reasons.insert("ssim".into(), "the volume is thinner than the window".into());
    report.methods[0].status = Status::Interrupted;
    report.methods[0].notes.insert("reason".into(), json!("stopped at the time limit"));
    let page = page(&report, &Gallery::default());
    assert!(page.contains("<abbr class=\"missing\" title=\"the volume is thinner than the window\">–</abbr>"));
    assert!(page.contains("fdk, SSIM: the volume is thinner than the window") && page.contains("badge interrupted"));
    assert!(page.contains("<strong>fdk was stopped</strong>: stopped at the time limit"));
    assert!(!page.contains("NaN"));
}

#[test]
fn a_method_on_another_grid_has_no_error_map_but_says_why() {
    let (truth, other) = (samples::ball(16, false, 0.0, 0.0), samples::ball(20, false, 0.0, 0.0));
    let gallery = Gallery { truth: Some(&truth), methods: vec![("fdk".into(), &other)], ..Gallery::default() };
    let page = page(&samples::report(), &gallery);
    assert!(page.contains("not on the truth's grid") && pictures(&page, "fdk minus").is_empty());
}

#[test]
fn without_a_truth_there_are_slices_but_no_errors() {
    let found = samples::ball(16, false, 1.0, 5.0);
    let gallery = Gallery { methods: vec![("fdk".into(), &found)], ..Gallery::default() };
    let page = page(&samples::report(), &gallery);
    assert_eq!(pictures(&page, "fdk, ").len(), 3);
    assert!(page.contains("of the first method") && !page.contains("Signed errors"));
}
