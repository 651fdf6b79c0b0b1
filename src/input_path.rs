//! [`InputPath`]: the path of a file or folder that a configuration names, and functions that find or replace all of
//! them.
//!
//! Any configuration struct may hold an `InputPath`, at any depth: [`paths`] finds it and [`rewritten`] replaces it,
//! for example by a path relative to another folder. Both serialize the configuration and record every value of this
//! type, so no list of the keys that hold paths has to be maintained.

use crate::error::{Error, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// The path of a file or folder that is read. In YAML: text, relative to the YAML file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct InputPath(PathBuf);

impl Deref for InputPath {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

impl<P: Into<PathBuf>> From<P> for InputPath {
    fn from(path: P) -> Self {
        Self(path.into())
    }
}

impl Serialize for InputPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match Walk::visit(&self.0) {
            Some(replaced) => replaced.serialize(serializer),
            None => self.0.serialize(serializer),
        }
    }
}

impl JsonSchema for InputPath {
    fn schema_name() -> Cow<'static, str> {
        "InputPath".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "format": "input-path"})
    }
}

/// Opens a file to read. A pipe or a device is refused: reading it may never end.
///
/// # Errors
/// The error of the operating system, or an error for a path that is neither a file nor a folder.
pub fn open(path: &Path) -> std::io::Result<File> {
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_file() || kind.is_dir() {
        return File::open(path);
    }
    Err(std::io::Error::other("it is a pipe, a socket or a device, expected a file"))
}

/// Reads a whole file of at most `most` bytes.
///
/// # Errors
/// A file that cannot be read, a pipe or a device, or a file of more than `most` bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(Error::read(path, &error)),
        Ok(_) if bytes.len() as u64 > most => Err(Error::input(path, format!("expected at most {most} bytes"))),
        Ok(_) => Ok(bytes),
    }
}

/// Reads a whole text file of at most `most` bytes.
///
/// # Errors
/// As [`read`]; bytes that are not UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| Error::input(path, "expected a text file, got bytes that are not UTF-8 text"))
}

/// Every path in a configuration, in the order of its keys.
///
/// # Errors
/// [`Error::Config`] if the configuration cannot be serialized as JSON (never the case for one that was read from
/// YAML).
pub fn paths(config: &impl Serialize) -> Result<Vec<PathBuf>> {
    Ok(Walk::over(config, Vec::new())?.1)
}

/// Every path in a configuration with the key that names it, such as `load.nifti.path`.
///
/// # Errors
/// As [`paths`].
pub fn named(config: &impl Serialize) -> Result<Vec<(String, PathBuf)>> {
    let paths = paths(config)?;
    let mut count = 0;
    // Each path is replaced by a marker that no configuration contains, to find the key at which the path stands.
    let mark = |number: usize| format!("\u{0}{number}\u{0}");
    let marked = rewritten(config, |_| {
        count += 1;
        PathBuf::from(mark(count - 1))
    })?;
    let mut keys = vec![String::new(); paths.len()];
    let mut open = vec![(String::new(), &marked)];
    while let Some((key, value)) = open.pop() {
        match value {
            Value::Object(map) => {
                let below = |name: &String| if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                open.extend(map.iter().map(|(name, value)| (below(name), value)));
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(i, value)| (format!("{key}[{i}]"), value)));
            }
            Value::String(text) => {
                if let Some(number) = (0..paths.len()).find(|&number| *text == mark(number)) {
                    keys[number] = key;
                }
            }
            _ => {}
        }
    }
    Ok(keys.into_iter().zip(paths).collect())
}

/// The configuration as a JSON value, in which `replace` has replaced every path.
///
/// # Errors
/// As [`paths`].
pub fn rewritten(config: &impl Serialize, replace: impl FnMut(&PathBuf) -> PathBuf) -> Result<Value> {
    let replacements = paths(config)?.iter().map(replace).collect();
    Ok(Walk::over(config, replacements)?.0)
}

/// State of one walk over the paths of a configuration: the paths seen so far and their replacements, in the same
/// order.
#[derive(Default)]
struct Walk {
    seen: Vec<PathBuf>,
    replacements: Vec<PathBuf>,
}

thread_local! {
    /// The walk that is running on this thread; serde passes no custom state to [`InputPath::serialize`].
    static WALK: RefCell<Option<Walk>> = const { RefCell::new(None) };
}

impl Walk {
    /// Records a path and returns its replacement; `None` outside a walk or if the walk replaces nothing.
    fn visit(path: &Path) -> Option<PathBuf> {
        WALK.with_borrow_mut(|walk| {
            let walk = walk.as_mut()?;
            walk.seen.push(path.to_path_buf());
            walk.replacements.get(walk.seen.len() - 1).cloned()
        })
    }

    fn over(config: &impl Serialize, replacements: Vec<PathBuf>) -> Result<(Value, Vec<PathBuf>)> {
        WALK.set(Some(Self { seen: Vec::new(), replacements }));
        let value = serde_json::to_value(config);
        let walk = WALK.take().unwrap_or_default();
        Ok((value.map_err(|error| Error::config("", error))?, walk.seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Deep {
        first: InputPath,
        name: String,
        list: Vec<Option<InputPath>>,
    }

    #[test]
    fn a_file_is_read_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        assert!(read_text(&path, 4).unwrap_err().to_string().contains("at most 4 bytes"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(read_text(&path, 5).unwrap_err().to_string().contains("UTF-8"));
        assert!(read(Path::new("/dev/zero"), 5).unwrap_err().to_string().contains("device"));
    }

    #[test]
    fn paths_are_found_and_replaced_at_any_depth_and_other_text_is_left() {
        let deep = Deep { first: "a".into(), name: "a".into(), list: vec![None, Some("b/c".into())] };
        assert_eq!(paths(&deep).unwrap(), [PathBuf::from("a"), PathBuf::from("b/c")]);
        let value = rewritten(&deep, |path| Path::new("/x").join(path)).unwrap();
        assert_eq!(value, serde_json::json!({"first": "/x/a", "name": "a", "list": [null, "/x/b/c"]}));
        let named = named(&deep).unwrap();
        assert_eq!(named, [("first".to_string(), PathBuf::from("a")), ("list[1]".to_string(), PathBuf::from("b/c"))]);
        // Outside a walk an `InputPath` is serialized as the path itself.
        assert_eq!(serde_json::to_value(&deep.first).unwrap(), "a");
    }
}
