//! Text tables of numbers: comments after `#`, an optional line of column names, numbers separated by commas,
//! semicolons or blanks.

use crate::data::{DetectorShape, Geometry, Point, Poses, Source, View};

/// A table that was read.
pub(super) struct PoseTable {
    /// Column names (in lower case), if the first line holds words rather than numbers.
    pub(super) header: Option<Vec<String>>,
    /// `key=value` words of the comments.
    pub(super) remarks: Vec<(String, String)>,
    /// Line number in the file (from 1) and the numbers of each row.
    pub(super) rows: Vec<(usize, Vec<f64>)>,
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split([',', ' ', '\t', ';']).filter(|word| !word.is_empty())
}

impl PoseTable {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut table = Self { header: None, remarks: Vec::new(), rows: Vec::new() };
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if let Some(remark) = line.strip_prefix('#') {
                let pairs = words(remark).filter_map(|word| word.split_once('='));
                table.remarks.extend(pairs.map(|(key, value)| (key.to_string(), value.to_string())));
            } else if !line.is_empty() {
                match words(line).map(str::parse).collect::<Result<Vec<f64>, _>>() {
                    Ok(row) => table.rows.push((number + 1, row)),
                    Err(_) if table.rows.is_empty() && table.header.is_none() => {
                        table.header = Some(words(line).map(|word| word.trim_matches('"').to_lowercase()).collect());
                    }
                    Err(_) => return Err(format!("line {}: expected numbers", number + 1)),
                }
            }
        }
        if table.rows.is_empty() {
            Err("expected one line of numbers per view, got none".to_string())
        } else {
            Ok(table)
        }
    }

    pub(super) fn remark(&self, key: &str) -> Option<&str> {
        self.remarks.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The poses from rows of 12 numbers: source or direction, centre, u, v.
    pub(super) fn poses(&self, parallel: bool) -> Result<Poses, String> {
        let number = |key: &str| match self.remark(key).map(str::parse::<usize>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(format!("expected a whole number after {key}=")),
        };
        let pixels = number("rows")?.zip(number("columns")?).map(|(rows, columns)| [rows, columns]);
        let shape = match self.remark("shape") {
            None | Some("flat") => DetectorShape::Flat,
            Some("cylindrical") => DetectorShape::Cylindrical,
            Some(other) => return Err(format!("expected shape=flat or shape=cylindrical, got {other}")),
        };
        let views = self
            .rows
            .iter()
            .map(|(line, row)| view(row, parallel).map_err(|problem| format!("line {line}: {problem}")));
        Ok(Poses { views: views.collect::<Result<_, _>>()?, pixels, pitched: true, shape, orbit: None })
    }
}

fn view(row: &[f64], parallel: bool) -> Result<View, String> {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *row else {
        return Err(format!("expected 12 numbers, got {}", row.len()));
    };
    if row.iter().any(|x| !x.is_finite()) {
        return Err("expected finite numbers".to_string());
    }
    let first = [a, b, c];
    let source = if parallel { Source::Direction(crate::data::normalized(first)) } else { Source::Point(first) };
    Ok(View { source, center: [d, e, f], u: [g, h, i], v: [j, k, l] })
}

/// Writes the comments that [`PoseTable::poses`] reads back, and one row per view. All views must have the same kind of
/// beam.
pub(super) fn render(geometry: &Geometry, title: &str, header: &str, separator: &str) -> Result<String, String> {
    let [_, rows, columns] = geometry.shape();
    let shape = if geometry.detector.shape == DetectorShape::Flat { "flat" } else { "cylindrical" };
    let mut text = format!("# {title}\n# rows={rows} columns={columns} shape={shape}\n{header}");
    let parallel = matches!(geometry.views[0].source, Source::Direction(_));
    for view in &geometry.views {
        let first: Point = match (view.source, parallel) {
            (Source::Point(vector), false) | (Source::Direction(vector), true) => vector,
            _ => return Err("parallel and divergent views are mixed".to_string()),
        };
        // Rust writes the shortest digits that read back as the same number.
        let numbers: Vec<String> =
            [first, view.center, view.u, view.v].as_flattened().iter().map(f64::to_string).collect();
        text.push_str(&numbers.join(separator));
        text.push('\n');
    }
    Ok(text)
}
