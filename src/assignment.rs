//! `--set a.b[0].c=value`: one assignment to a config. The JSON schema tells which keys are valid, so that an unknown
//! key is refused as it is in a file. A list entry is named by its number, its name or its kind. A valid key that is
//! missing is created. In a map that holds one kind, setting another kind replaces it.

use crate::error::{Error, Result};
use crate::yaml::{did_you_mean, scalar};
use serde_json::{Map, Value};
use std::str::FromStr;

/// One parsed `--set`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    path: Vec<Step>,
    value: Value,
}

/// One step of a path into a config.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(String),
    /// A list entry: its number, its name or its kind.
    Entry(String),
}

impl FromStr for Assignment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |problem: &str| {
            Error::config(format!("--set {text}"), problem).hint("write `--set reconstruct[0].fdk.filter=hann`")
        };
        let (path, value) = text.split_once('=').ok_or_else(|| refuse("expected key=value"))?;
        let value = scalar(value).map_err(|error| error.under(&format!("--set {path}")))?;
        Ok(Self { path: steps(path).map_err(refuse)?, value })
    }
}

/// The steps of a path such as `reconstruct[0].fdk.filter`, or what is wrong with it.
fn steps(path: &str) -> std::result::Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    for part in path.trim().split('.') {
        let (key, entries) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        if key.is_empty() {
            return Err("expected a key before and after each dot");
        }
        steps.push(Step::Key(key.to_string()));
        for entry in entries.split_terminator(']') {
            let entry = entry.strip_prefix('[').filter(|e| !e.is_empty());
            steps.push(Step::Entry(entry.ok_or("expected entries as [number] or [name]")?.to_string()));
        }
    }
    Ok(steps)
}

impl Assignment {
    /// An assignment of `value` at a path of keys, which are not parsed.
    #[must_use]
    pub fn literal(keys: &[&str], value: Value) -> Self {
        Self { path: keys.iter().map(|key| Step::Key((*key).to_string())).collect(), value }
    }

    /// An assignment of `value` at a path such as `field.siren.omega`.
    ///
    /// # Errors
    /// A path with an empty key or entry.
    pub fn new(path: &str, value: Value) -> Result<Self> {
        let path = steps(path).map_err(|problem| Error::config("", format!("{path}: {problem}")))?;
        Ok(Self { path, value })
    }

    /// Applies the assignment to a config whose JSON schema is `schema` (draft-07, definitions included).
    ///
    /// # Errors
    /// A key the schema does not know, a list entry that is not there.
    pub fn apply(&self, config: &mut Value, schema: &Value) -> Result<()> {
        let root = Node { root: schema, alternatives: expand(schema, schema) };
        assign(config, &root, &self.path, &self.value)
    }
}

fn assign(target: &mut Value, schema: &Node, path: &[Step], value: &Value) -> Result<()> {
    match path.split_first() {
        None => {
            *target = value.clone();
            Ok(())
        }
        Some((Step::Key(key), rest)) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            let map = target.as_object_mut().expect("an object since the line above");
            let child = schema.child(key).ok_or_else(|| unknown(key, schema))?;
            if schema.kinds().contains(&key.as_str()) {
                map.retain(|other, _| other == key || !schema.kinds().contains(&other.as_str()));
            }
            assign(map.entry(key.clone()).or_insert(Value::Null), &child, rest, value).map_err(|error| error.under(key))
        }
        Some((Step::Entry(entry), rest)) => {
            let items =
                target.as_array_mut().ok_or_else(|| Error::config("", "this is not a list: no [entry] here"))?;
            let index = find(items, entry)?;
            assign(&mut items[index], &schema.item(), rest, value).map_err(|error| error.under(&format!("[{entry}]")))
        }
    }
}

fn unknown(key: &str, schema: &Node) -> Error {
    Error::config(key, format!("unknown key, {}", did_you_mean(key, &schema.keys())))
}

/// The index of a list entry by number, by `name` or by its kind.
fn find(items: &[Value], entry: &str) -> Result<usize> {
    if let Ok(index) = entry.parse::<usize>() {
        let refuse =
            || Error::config(format!("[{entry}]"), format!("expected an entry below {}, got {index}", items.len()));
        return (index < items.len()).then_some(index).ok_or_else(refuse);
    }
    let named = |item: &Value| item.get("name").and_then(Value::as_str) == Some(entry);
    let of_kind = |item: &Value| item.get(entry).is_some();
    items.iter().position(named).or_else(|| items.iter().position(of_kind)).ok_or_else(|| {
        let names: Vec<&str> = items.iter().filter_map(|item| item.get("name").and_then(Value::as_str)).collect();
        Error::config(format!("[{entry}]"), format!("no such entry, {}", did_you_mean(entry, &names)))
    })
}

/// A place in the schema: every alternative that a value there may satisfy.
struct Node<'a> {
    root: &'a Value,
    alternatives: Vec<&'a Value>,
}

impl<'a> Node<'a> {
    fn keys(&self) -> Vec<&'a str> {
        let properties = self.alternatives.iter().filter_map(|alternative| alternative.get("properties")?.as_object());
        let mut keys: Vec<&str> = properties.flat_map(|map| map.keys().map(String::as_str)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The kinds of a map that holds exactly one of several kinds: each is the only required key of one alternative.
    fn kinds(&self) -> Vec<&'a str> {
        if self.alternatives.iter().filter(|alternative| alternative.get("properties").is_some()).count() < 2 {
            return Vec::new();
        }
        let required = self.alternatives.iter().filter_map(|alternative| alternative.get("required")?.as_array());
        required.filter(|names| names.len() == 1).filter_map(|names| names[0].as_str()).collect()
    }

    fn child(&self, key: &str) -> Option<Self> {
        let schemas: Vec<&Value> =
            self.alternatives.iter().filter_map(|alternative| alternative.get("properties")?.get(key)).collect();
        (!schemas.is_empty()).then(|| self.at(&schemas))
    }

    fn item(&self) -> Self {
        let schemas: Vec<&Value> =
            self.alternatives.iter().filter_map(|alternative| alternative.get("items")).collect();
        self.at(&schemas)
    }

    fn at(&self, schemas: &[&'a Value]) -> Self {
        Self { root: self.root, alternatives: schemas.iter().flat_map(|schema| expand(schema, self.root)).collect() }
    }
}

/// A schema with its references and alternatives followed.
fn expand<'a>(schema: &'a Value, root: &'a Value) -> Vec<&'a Value> {
    let referred =
        schema.get("$ref").and_then(Value::as_str).and_then(|name| root.pointer(name.trim_start_matches('#')));
    let branches = ["anyOf", "oneOf", "allOf"].iter().filter_map(|word| schema.get(word)?.as_array()).flatten();
    let inner = referred.into_iter().chain(branches).flat_map(|inner| expand(inner, root));
    std::iter::once(schema).chain(inner).collect()
}
