//! Families of interchangeable parts. [`kinds!`](crate::kinds) turns a list of kinds into the family's configuration
//! enum. In YAML it is a map with one key (`fdk: {filter: hann}`); it is deserialized by hand, so that the error for an
//! unknown key keeps the line and column.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::marker::PhantomData;

/// Configuration enum of a family, implemented by [`kinds!`](crate::kinds).
pub trait Kinds: Sized {
    /// YAML keys of the family, in registry order.
    const NAMES: &'static [&'static str];
    /// Name of the family in messages, such as `algorithm`.
    const FAMILY: &'static str;
    /// Key of this value in YAML.
    fn name(&self) -> &'static str;
    /// Reads the value that follows the key `name` (one of [`Kinds::NAMES`]).
    ///
    /// # Errors
    /// The error of the value's own deserializer.
    fn read<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error>;
    /// Writes `name: config` as one entry of a map.
    ///
    /// # Errors
    /// The error of the serializer.
    fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
    /// Prepends the kind's name to the key of the error of a check of this kind.
    ///
    /// # Errors
    /// The error of the check.
    fn named<T>(&self, checked: crate::error::Result<T>) -> crate::error::Result<T> {
        checked.map_err(|error| error.under(self.name()))
    }
    /// A kind with every default, if its config has no required key.
    fn default_of(name: &str) -> Option<Self>;
    /// JSON schemas of the kinds, with their names.
    fn schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)>;
}

/// Optional keys that may stand beside the kind in the same map, such as an entry's `name`.
pub trait SiblingKeys: Serialize + DeserializeOwned + Default + JsonSchema {
    /// The keys, as serde reads them.
    const KEYS: &'static [&'static str];
    /// Reads the value of `key` (one of [`SiblingKeys::KEYS`]) into `self`.
    ///
    /// # Errors
    /// The error of the value's own deserializer.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Exactly one kind of a family, and optional keys beside it: `{name: x, fdk: {...}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOf<K, B = NoKeys> {
    /// The kind with its config.
    pub kind: K,
    /// The keys beside it.
    pub keys: B,
}

/// No keys beside the kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoKeys {}

impl SiblingKeys for NoKeys {
    const KEYS: &'static [&'static str] = &[];
    fn read<'de, A: MapAccess<'de>>(&mut self, _key: &str, _map: &mut A) -> Result<(), A::Error> {
        Ok(())
    }
}

impl<K> From<K> for OneOf<K> {
    fn from(kind: K) -> Self {
        Self { kind, keys: NoKeys {} }
    }
}

impl<'de, K: Kinds, B: SiblingKeys> Deserialize<'de> for OneOf<K, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOfVisitor(PhantomData))
    }
}

struct OneOfVisitor<K, B>(PhantomData<(K, B)>);

impl<'de, K: Kinds, B: SiblingKeys> Visitor<'de> for OneOfVisitor<K, B> {
    type Value = OneOf<K, B>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a map with one {}: {}", K::FAMILY, K::NAMES.join(", "))
    }

    /// A bare word selects the kind with its defaults: `- fdk`.
    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
        if !K::NAMES.contains(&word) {
            return Err(E::custom(unknown(word, K::NAMES, B::KEYS)));
        }
        let kind = K::default_of(word)
            .ok_or_else(|| E::custom(format!("{word} has required keys: write `{word}: {{...}}`")))?;
        Ok(OneOf { kind, keys: B::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kind: Option<K> = None;
        let mut keys = B::default();
        let mut seen: Vec<String> = Vec::new();
        while let Some(key) = map.next_key_seed(KnownKey::<K, B>(PhantomData))? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("duplicate key `{key}`")));
            }
            if B::KEYS.contains(&key.as_str()) {
                keys.read(&key, &mut map)?;
            } else {
                if let Some(first) = &kind {
                    let problem = format!("one {} only, found both `{}` and `{key}`", K::FAMILY, first.name());
                    return Err(A::Error::custom(problem));
                }
                kind = Some(K::read(&key, &mut map)?);
            }
            seen.push(key);
        }
        let kind =
            kind.ok_or_else(|| A::Error::custom(format!("expected one {}: {}", K::FAMILY, K::NAMES.join(", "))))?;
        Ok(OneOf { kind, keys })
    }
}

/// Deserializes a key that is a kind or one of the keys beside it. Any other key is refused while it is read, so that
/// the error has its line and column.
struct KnownKey<K, B>(PhantomData<(K, B)>);

impl<'de, K: Kinds, B: SiblingKeys> DeserializeSeed<'de> for KnownKey<K, B> {
    type Value = String;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<K: Kinds, B: SiblingKeys> Visitor<'_> for KnownKey<K, B> {
    type Value = String;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a key")
    }
    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<String, E> {
        if K::NAMES.contains(&key) || B::KEYS.contains(&key) {
            Ok(key.to_string())
        } else {
            Err(E::custom(unknown(key, K::NAMES, B::KEYS)))
        }
    }
}

/// Error text in serde's wording for unknown fields, so that the code that adds "did you mean" handles both.
fn unknown(key: &str, names: &[&str], keys: &[&str]) -> String {
    let all: Vec<String> = names.iter().chain(keys).map(|name| format!("`{name}`")).collect();
    format!("unknown field `{key}`, expected one of {}", all.join(", "))
}

impl<K: Kinds, B: SiblingKeys> Serialize for OneOf<K, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        let keys = serde_json::to_value(&self.keys).map_err(serde::ser::Error::custom)?;
        for (key, value) in keys.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            map.serialize_entry(key, value)?;
        }
        self.kind.write(&mut map)?;
        map.end()
    }
}

impl<K: Kinds, B: SiblingKeys> JsonSchema for OneOf<K, B> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("one_{}_{}", K::FAMILY.replace(' ', "_"), B::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = B::json_schema(generator);
        let shared = keys.get("properties").and_then(|p| p.as_object()).cloned().unwrap_or_default();
        let alternatives: Vec<serde_json::Value> = K::schemas(generator)
            .into_iter()
            .map(|(name, schema)| {
                let mut properties = shared.clone();
                properties.insert(name.to_string(), schema.to_value());
                serde_json::json!({
                    "type": "object",
                    "properties": properties,
                    "required": [name],
                    "additionalProperties": false
                })
            })
            .chain(std::iter::once(serde_json::json!({"enum": K::NAMES})))
            .collect();
        schemars::json_schema!({"oneOf": alternatives})
    }
}

/// Implements [`SiblingKeys`](crate::registry::SiblingKeys) for a struct; each field is a key. The fields are named by
/// destructuring, so a field that is left out is a compile error.
#[macro_export]
macro_rules! sibling_keys {
    ($keys:ty { $($field:ident),* $(,)? }) => {
        impl $crate::registry::SiblingKeys for $keys {
            const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> std::result::Result<(), A::Error> {
                let Self { $($field),* } = self;
                match key {
                    $(stringify!($field) => *$field = map.next_value()?,)*
                    other => return Err(serde::de::Error::unknown_field(other, Self::KEYS)),
                }
                Ok(())
            }
        }
    };
}

/// Declares the configuration enum of a family from a list of its kinds.
///
/// ```ignore
/// kinds! {
///     /// How a volume is made from projections.
///     pub enum AlgorithmConfig: "algorithm" => dyn Algorithm {
///         /// Filtered backprojection.
///         fdk => Fdk(fdk::Config),
///     }
/// }
/// ```
/// Every configuration is `Debug + Clone + PartialEq + Serialize + Deserialize + JsonSchema` and implements the
/// family's trait; `as_part()` and `as_part_mut()` return it as that trait. A kind that needs no key may be written as
/// a bare word in YAML.
#[macro_export]
macro_rules! kinds {
    ($(#[$meta:meta])* pub enum $family:ident: $label:literal => dyn $part:path {
        $($(#[$doc:meta])* $key:ident => $variant:ident($config:ty)),+ $(,)?
    }) => {
        $(#[$meta])*
        #[allow(clippy::large_enum_variant, reason = "a configuration is held once")]
        #[derive(Debug, Clone, PartialEq)]
        pub enum $family { $($(#[$doc])* $variant($config)),+ }

        impl $family {
            /// This kind as the family's trait.
            #[must_use]
            pub fn as_part(&self) -> &dyn $part {
                match self { $(Self::$variant(config) => config),+ }
            }

            /// This kind as the family's trait, mutable.
            #[must_use]
            pub fn as_part_mut(&mut self) -> &mut dyn $part {
                match self { $(Self::$variant(config) => config),+ }
            }
        }

        impl $crate::registry::Kinds for $family {
            const NAMES: &'static [&'static str] = &[$(stringify!($key)),+];
            const FAMILY: &'static str = $label;

            fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($key)),+ }
            }

            fn read<'de, A: serde::de::MapAccess<'de>>(name: &str, map: &mut A) -> std::result::Result<Self, A::Error> {
                match name {
                    $(stringify!($key) => map.next_value::<$config>().map(Self::$variant),)+
                    other => Err(serde::de::Error::custom(format!("unknown {} `{other}`", $label))),
                }
            }

            fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> std::result::Result<(), M::Error> {
                match self { $(Self::$variant(config) => map.serialize_entry(stringify!($key), config)),+ }
            }

            fn default_of(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($key) => serde_json::from_str::<$config>("{}").ok().map(Self::$variant),)+
                    _ => None,
                }
            }

            fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
                vec![$((stringify!($key), generator.subschema_for::<$config>())),+]
            }
        }
    };
}
