//! recon's own CSV table, one line per view: a header names the columns `source_x` … or `direction_x` …, `center_x` …,
//! `u_x` …, `v_x` …, in any order; a comment `# rows=96 columns=128 shape=flat` gives the size of the detector in
//! pixels and its shape. Vectors are in world mm (LPS); u and v are one pixel long.

use super::ScanFormat;
use super::table::{self, PoseTable};
use crate::data::{Geometry, Poses, Source};

pub(super) const FORMAT: ScanFormat =
    ScanFormat { name: "CSV with header", file: "geometry.csv", claims, parse, render };

/// Names of the columns after those of the source.
const NAMES: [&str; 9] = ["center_x", "center_y", "center_z", "u_x", "u_y", "u_z", "v_x", "v_y", "v_z"];

fn first(parallel: bool) -> [&'static str; 3] {
    if parallel { ["direction_x", "direction_y", "direction_z"] } else { ["source_x", "source_y", "source_z"] }
}

fn claims(text: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| line.contains("center_x"))
}

fn parse(text: &str) -> Result<Poses, String> {
    let mut table = PoseTable::parse(text)?;
    let header = table.header.take().unwrap_or_default();
    let parallel = header.iter().any(|name| name == "direction_x");
    let places: Vec<usize> = first(parallel)
        .iter()
        .chain(&NAMES)
        .map(|name| header.iter().position(|found| found == name).ok_or_else(|| format!("expected a column `{name}`")))
        .collect::<Result<_, _>>()?;
    for (line, row) in &mut table.rows {
        if row.len() != header.len() {
            return Err(format!("line {line}: expected {} numbers, got {}", header.len(), row.len()));
        }
        *row = places.iter().map(|&place| row[place]).collect();
    }
    table.poses(parallel)
}

fn render(geometry: &Geometry) -> Result<String, String> {
    let parallel = matches!(geometry.views[0].source, Source::Direction(_));
    let header: Vec<&str> = first(parallel).into_iter().chain(NAMES).collect();
    table::render(geometry, "recon poses, mm in patient axes LPS", &(header.join(",") + "\n"), ",")
}
