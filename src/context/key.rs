//! Cache keys: blake3 of canonical JSON.

use super::files::hash_bytes;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A blake3 hash of everything a result depends on, in hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(String);

impl Key {
    /// Key of a value: the blake3 hash of its JSON with sorted keys.
    ///
    /// # Errors
    /// The value cannot be serialized as JSON.
    pub fn of(value: &impl Serialize) -> Result<Self> {
        let value = serde_json::to_value(value).map_err(|error| Error::config("", error))?;
        Ok(Self(hash_bytes(canonical(&value).to_string().as_bytes())))
    }

    /// The hash in hex.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The value with the keys of all maps sorted.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            keys.into_iter().map(|key| (key.clone(), canonical(&map[key]))).collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter_but_every_value_does() {
        let key = |value: Value| Key::of(&value).unwrap();
        assert_eq!(key(json!({"a": 1, "b": {"c": 2, "d": 3}})), key(json!({"b": {"d": 3, "c": 2}, "a": 1})));
        assert_ne!(key(json!({"a": 1})), key(json!({"a": 2})));
        assert_ne!(key(json!([1, 2])), key(json!([2, 1])));
    }
}
