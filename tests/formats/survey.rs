//! The table of docs/formats.md: what recon says about every file and series of the shared data, beside what pydicom,
//! nibabel and SimpleITK say (tests/data/formats-reference.tsv, by tools/formats-reference.py). Where both read a file,
//! they must agree.

use crate::common::data_or_skip;
use recon::formats::{Loaded, Reading, Units, read_volume};
use std::fmt::Write;
use std::path::Path;

const BEGIN: &str = "<!-- survey: begin";
const END: &str = "<!-- survey: end -->";
/// Warnings of a volume that was resampled, so that its voxels are not those of the file.
const RESAMPLED: [&str; 2] = ["sheared", "dicom_uneven"];

/// What another tool says about a file.
struct Reference {
    path: String,
    tool: String,
    /// Voxels, smallest and largest value.
    values: Option<(usize, f64, f64)>,
    reason: String,
}

fn references() -> Vec<Reference> {
    let lines = include_str!("../data/formats-reference.tsv").lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [path, tool, voxels, low, high, reason] = cells[..] else { panic!("{line}") };
        let values = voxels.parse().ok().map(|voxels| (voxels, low.parse().unwrap(), high.parse().unwrap()));
        Reference { path: path.into(), tool: tool.into(), values, reason: reason.into() }
    };
    lines.map(parse).collect()
}

/// Returns what recon reads from a file: a volume, or the reason why there is none. A file that is not CT is read in
/// relative units.
fn found(path: &Path) -> Result<(Loaded, Units), String> {
    let read = |units| read_volume(path, &Reading { units, ..Reading::default() });
    let loaded = read(Units::Hounsfield).map(|loaded| (loaded, Units::Hounsfield)).or_else(|error| {
        let other = error.to_string().contains("units: relative");
        if other { read(Units::Relative).map(|loaded| (loaded, Units::Relative)) } else { Err(error) }
    });
    loaded.map_err(|error| {
        assert_eq!(error.exit_code(), 3, "{error}");
        let text = error.to_string();
        let head = text.lines().next().unwrap_or_default();
        let at = head.find(": ").map_or(0, |at| at + 2);
        // The path of the data on this machine is left out.
        let folder = format!("{}/", path.parent().unwrap_or(path).display());
        head[at..].replace(&folder, "")
    })
}

fn words((loaded, units): &(Loaded, Units)) -> String {
    let grid = &loaded.volume.grid;
    let list = |values: &[f64]| values.iter().map(|v| format!("{v:.3}")).collect::<Vec<_>>().join(" x ");
    let (low, high) = loaded.volume.range();
    let [nz, ny, nx] = grid.shape;
    let mut text = format!("{nz} x {ny} x {nx}, {} mm, {low} to {high}", list(&grid.spacing));
    if *units == Units::Relative {
        text += ", relative";
    }
    let mut codes: Vec<&str> = loaded.warnings.iter().map(|warning| warning.code.as_str()).collect();
    codes.dedup();
    for code in codes {
        write!(text, " `{code}`").unwrap();
    }
    text
}

/// Returns whether recon and another tool agree on the number of voxels and on the smallest and largest value; a
/// resampled volume must stay within that range.
fn agree(loaded: &Loaded, (voxels, low, high): (usize, f64, f64)) -> bool {
    let (smallest, largest) = loaded.volume.range();
    let beyond = |a: f32, b: f64| (f64::from(a) - b) / b.abs().max(1.0);
    let (below, above) = (beyond(smallest, low), beyond(largest, high));
    if loaded.warnings.iter().any(|warning| RESAMPLED.contains(&warning.code.as_str())) {
        return below >= -1e-6 && above <= 1e-6;
    }
    loaded.volume.grid.voxels() == voxels && below.abs() <= 1e-6 && above.abs() <= 1e-6
}

/// Returns the table; consecutive files of one folder with the same results share a row.
fn table(rows: &[(String, String, String)]) -> String {
    let mut text = "\n| file or series | recon | another tool |\n|---|---|---|\n".to_string();
    let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_string());
    let same = |a: &(String, String, String), b: &(String, String, String)| {
        (folder(&a.0), &a.1, &a.2) == (folder(&b.0), &b.1, &b.2)
    };
    for group in rows.chunk_by(same) {
        let (path, recon, other) = &group[0];
        let more = if group.len() > 1 { format!(" and {} more beside it", group.len() - 1) } else { String::new() };
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        writeln!(text, "| {path}{more} | {} | {} |", cell(recon), cell(other)).unwrap();
    }
    text
}

#[test]
fn the_table_says_what_recon_and_other_tools_say_about_every_file() {
    let root = data_or_skip!("SOURCES.md").parent().unwrap().to_path_buf();
    let mut rows = Vec::new();
    let (mut both, mut wrong) = (0, Vec::new());
    for reference in references() {
        let found = found(&root.join(&reference.path));
        if let (Ok((loaded, _)), Some(values)) = (&found, reference.values) {
            both += 1;
            if !agree(loaded, values) {
                wrong.push(format!("{}: {} but {values:?}", reference.path, words(found.as_ref().unwrap())));
            }
        }
        let other = match reference.values {
            Some((voxels, low, high)) => format!("{}: {voxels} values, {low} to {high}", reference.tool),
            None => format!("{}: {}", reference.tool, reference.reason),
        };
        rows.push((reference.path, found.as_ref().map_or_else(|reason| format!("*{reason}*"), words), other));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(both >= 120, "{both}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let begin = page.find(BEGIN).and_then(|at| page[at..].find('\n').map(|end| at + end + 1)).expect("the first mark");
    let end = page.find(END).expect("the second mark");
    let wanted = format!("{}{}\n{}", &page[..begin], table(&rows), &page[end..]);
    if std::env::var("RECON_UPDATE_DOCS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page == wanted, "docs/formats.md is out of date: run this test with RECON_UPDATE_DOCS=1");
}
