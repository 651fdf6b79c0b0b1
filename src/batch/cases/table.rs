//! `csv`: a table with one line per case and one column per key of the pipeline.

use super::{CaseSource, StudyCase, safe};
use crate::error::{Error, Result};
use crate::pipeline::Assignment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A table (RFC 4180) with a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file, relative to the study file; paths in it are relative to it, and `${NAME}` in them
    /// stands for a variable of the environment.
    pub file: PathBuf,
    /// The column of the names. Every other column is a key of the pipeline, such as load.nifti.path; an empty cell
    /// changes nothing.
    #[serde(default = "case")]
    pub id: String,
}

fn case() -> String {
    "case".to_string()
}

impl CaseSource for Config {
    fn cases(&self, folder: &Path) -> Result<Vec<StudyCase>> {
        let path = folder.join(&self.file);
        let text = std::fs::read_to_string(&path).map_err(|error| Error::read(&path, &error))?;
        let refuse = |line: usize, problem: String| Error::input(&path, format!("line {line}: {problem}"));
        let rows = rows(&text).map_err(|line| {
            let problem = "expected a `\"` that closes the quoted field, got the end of the file".to_string();
            refuse(line, problem).hint("a quote within a quoted field is written twice: \"\"")
        })?;
        let mut rows = rows.into_iter();
        let (_, header) = rows.next().ok_or_else(|| refuse(1, "expected a header".to_string()))?;
        let named = header.iter().position(|name| *name == self.id);
        let named =
            named.ok_or_else(|| refuse(1, format!("expected a column `{}`, got {}", self.id, header.join(", "))))?;
        let case = |(line, row): (usize, Vec<String>)| {
            if row.len() != header.len() {
                return Err(refuse(line, format!("expected {} fields, got {}", header.len(), row.len())));
            }
            let others = header.iter().zip(&row).filter(|(key, value)| **key != self.id && !value.is_empty());
            let changes = others.map(|(key, value)| format!("{key}={value}").parse::<Assignment>());
            let changes = changes.collect::<Result<Vec<_>>>().map_err(|error| refuse(line, error.to_string()))?;
            let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
            Ok(StudyCase {
                id: safe(&row[named]),
                origin: format!("line {line} of {}", path.display()),
                changes,
                folder,
            })
        };
        rows.map(case).collect()
    }
}

/// The fields of each row, without spaces at their ends, with the number of the row's first line, counted from 1. Rows
/// without any text are left out. The error is the number of the line in which a quoted field begins that never ends:
/// it would hold all lines after it.
fn rows(text: &str) -> std::result::Result<Vec<(usize, Vec<String>)>, usize> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let (mut line, mut begin, mut opened) = (1, 1, 1);
    let mut characters = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = characters.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' if quoted || field.is_empty() => (quoted, opened) = (!quoted, line),
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push((begin, std::mem::take(&mut row)));
                begin = line;
            }
            '\r' if !quoted => {}
            other => field.push(other),
        }
    }
    if quoted {
        return Err(opened);
    }
    row.push(field);
    rows.push((begin, row));
    for field in rows.iter_mut().flat_map(|(_, row)| row) {
        *field = field.trim().to_string();
    }
    rows.retain(|(_, row)| row.iter().any(|field| !field.is_empty()));
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(text: &str) -> Result<Vec<StudyCase>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.csv"), text).unwrap();
        Config { file: "p.csv".into(), id: "case".into() }.cases(folder.path())
    }

    #[test]
    fn a_column_is_a_key_and_quotes_hide_commas_and_line_ends() {
        let found = cases(
            "\u{feff}case,load.nifti.path,grid.shape\r\nA,\"a, b.nii\",\"[1, 2,\n 3]\"\r\n\r\n\
             B,\"say \"\"b\"\".nii\",\r\n",
        )
        .unwrap();
        assert_eq!(found.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!((found[0].changes.len(), found[1].changes.len()), (2, 1));
        assert!(found[1].origin.starts_with("line 5 of"), "{}", found[1].origin);
        assert_eq!(found[0].changes[0], Assignment::literal(&["load", "nifti", "path"], "a, b.nii".into()));
    }

    #[test]
    fn lines_that_do_not_fit_the_header_are_named() {
        assert!(cases("").unwrap_err().to_string().contains("expected a header"));
        assert!(cases("patient,seed\n1,2\n").unwrap_err().to_string().contains("expected a column `case`"));
        assert!(cases("case,seed\nA,1\nB\n").unwrap_err().to_string().contains("line 3: expected 2 fields, got 1"));
        assert_eq!(cases("case,seed\nA,[\n").unwrap_err().exit_code(), 3);
        let error = cases("case,seed\nA,\"1\nB,2").unwrap_err();
        assert!(error.to_string().contains("line 2: expected a `\"` that closes the quoted field"), "{error}");
    }
}
