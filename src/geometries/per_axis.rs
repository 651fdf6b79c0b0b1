//! A detector setting in YAML: `auto`, one number, or two along [v, u].

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::marker::PhantomData;

/// A setting that is `auto`, one number `n`, or `[v, u]`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum PerAxis<T> {
    /// Chosen so that the detector covers the volume.
    #[default]
    Auto,
    /// One number.
    One(T),
    /// Two numbers, along v (rows) and along u (columns).
    Two([T; 2]),
}

impl<T: Copy> PerAxis<T> {
    /// The numbers along v and u, of which a single number gives both; `None` if they are `auto`.
    #[must_use]
    pub fn both(self) -> Option<[T; 2]> {
        match self {
            Self::Auto => None,
            Self::One(number) => Some([number; 2]),
            Self::Two(pair) => Some(pair),
        }
    }
}

/// Number types that a [`PerAxis`] may hold.
pub trait Number: Copy + Serialize + for<'de> Deserialize<'de> + JsonSchema {
    /// Description of the accepted values, for error messages and the schema.
    const EXPECTED: &'static str;
    /// Converts from a YAML integer.
    fn from_integer(value: u64) -> Self;
    /// Converts from a YAML float; `None` if the type does not allow one.
    fn from_float(value: f64) -> Option<Self>;
}

impl Number for usize {
    const EXPECTED: &'static str = "auto, a whole number or [rows, columns]";
    fn from_integer(value: u64) -> Self {
        usize::try_from(value).unwrap_or(usize::MAX)
    }
    fn from_float(_value: f64) -> Option<Self> {
        None
    }
}

impl Number for f64 {
    const EXPECTED: &'static str = "auto, a number or [v, u]";
    fn from_integer(value: u64) -> Self {
        value as f64
    }
    fn from_float(value: f64) -> Option<Self> {
        Some(value)
    }
}

impl<'de, T: Number> Deserialize<'de> for PerAxis<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor(PhantomData))
    }
}

struct SettingVisitor<T>(PhantomData<T>);

impl<'de, T: Number> Visitor<'de> for SettingVisitor<T> {
    type Value = PerAxis<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
        if word == "auto" { Ok(PerAxis::Auto) } else { Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)) }
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(PerAxis::One(T::from_integer(value)))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
        T::from_float(value)
            .map(PerAxis::One)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(value), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::with_capacity(2);
        while let Some(value) = sequence.next_element::<T>()? {
            values.push(value);
        }
        <[T; 2]>::try_from(values).map(PerAxis::Two).map_err(|values| A::Error::invalid_length(values.len(), &self))
    }
}

impl<T: Number> Serialize for PerAxis<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::One(value) => value.serialize(serializer),
            Self::Two(values) => values.as_slice().serialize(serializer),
        }
    }
}

impl<T: Number> JsonSchema for PerAxis<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("auto_or_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = generator.subschema_for::<T>();
        schemars::json_schema!({
            "description": T::EXPECTED,
            "oneOf": [{"const": "auto"}, number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_are_read_and_written_back() {
        for (text, setting) in
            [("auto", PerAxis::Auto), ("2", PerAxis::One(2.0)), ("[1.5, 2]", PerAxis::Two([1.5, 2.0]))]
        {
            assert_eq!(serde_yaml::from_str::<PerAxis<f64>>(text).unwrap(), setting);
            assert_eq!(
                serde_yaml::from_str::<PerAxis<f64>>(&serde_yaml::to_string(&setting).unwrap()).unwrap(),
                setting
            );
        }
    }

    #[test]
    fn pixels_are_whole_numbers() {
        assert_eq!(serde_yaml::from_str::<PerAxis<usize>>("[96, 128]").unwrap(), PerAxis::Two([96, 128]));
        for bad in ["2.5", "-3", "[1]", "[1, 2, 3]", "automatic", "[-1, 4]", "{a: 1}"] {
            assert!(serde_yaml::from_str::<PerAxis<usize>>(bad).is_err(), "{bad}");
        }
    }
}
