//! A weight as written in a configuration: `2.0e-4`, `auto`, or `{auto: {by: discrepancy}}`.

use super::{held_out, search};
use crate::algorithms::Setup;
use crate::error::{Error, Result};
use crate::require;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A weight: a given number, or chosen from the data.
#[derive(Debug, Clone, PartialEq)]
pub enum Weight {
    /// A given number.
    Fixed(f64),
    /// Chosen from the projections.
    Auto(Auto),
}

/// The rule by which a weight is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Best prediction of left-out views (cross-validation).
    #[default]
    HeldOut,
    /// Discrepancy principle: the misfit equals the expected noise.
    Discrepancy,
}

/// How a weight is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auto {
    /// Rule of the choice: `held-out` (prediction of left-out views) or `discrepancy` (misfit equals the noise).
    pub by: By,
    /// held-out: one view in this many is left out, at least 2.
    pub every: usize,
    /// held-out: number of folds, 1 to `every`; each leaves out another set of one view in `every`. `null` takes as
    /// many as leave out 8192 samples, usually one in 3-D and several in 2-D.
    pub folds: Option<usize>,
    /// held-out: take the largest weight whose score exceeds the best one by at most this many standard errors of the
    /// views' paired differences; 0 takes the best weight.
    pub errors: f64,
    /// Weight from which the search begins: held-out starts at 16 times this value, discrepancy at this value.
    pub first: f64,
    /// Smallest weight to try. `null`: for held-out a tenth of an estimate from noise, number of views and attenuation;
    /// for discrepancy 1e-6.
    pub lowest: Option<f64>,
    /// Largest weight to try.
    pub highest: f64,
    /// discrepancy: standard deviation of a line integral (unitless), equal for all rays; `null` estimates it per ray
    /// from the projections.
    pub noise_sd: Option<f64>,
    /// discrepancy: target misfit as a multiple of the noise energy; above 1 allows for model error.
    pub factor: f64,
    /// held-out: maximum number of trials if `first` is known to be close to the best weight; the search then starts at
    /// `first`. `None` searches the full range. Not a configuration key; methods set it internally.
    #[serde(skip)]
    pub near: Option<usize>,
}

impl Default for Auto {
    fn default() -> Self {
        Self {
            by: By::HeldOut,
            every: 4,
            folds: None,
            errors: 1.0,
            first: 2e-4,
            lowest: None,
            highest: 0.1,
            noise_sd: None,
            factor: 1.0,
            near: None,
        }
    }
}

/// Refuses values out of range.
pub(super) fn check(weight: &Weight, setup: &Setup<'_>) -> Result<()> {
    match weight {
        Weight::Fixed(value) if value.is_finite() && *value >= 0.0 => Ok(()),
        Weight::Fixed(value) => Err(Error::config("", format!("expected 0 or more, or auto, got {value}"))),
        Weight::Auto(auto) => {
            require::positive("auto.first", auto.first)?;
            auto.lowest.map_or(Ok(()), |lowest| require::positive("auto.lowest", lowest))?;
            require::positive("auto.highest", auto.highest)?;
            require::positive("auto.factor", auto.factor)?;
            require::not_negative("auto.errors", auto.errors)?;
            auto.noise_sd.map_or(Ok(()), |sd| require::positive("auto.noise_sd", sd))?;
            if auto.highest < 2.0 * auto.lowest.unwrap_or(search::SMALLEST) {
                return Err(Error::config(
                    "auto.highest",
                    format!("expected at least twice lowest, got {}", auto.highest),
                ));
            }
            if auto.by == By::HeldOut {
                held_out::check(auto, setup)?;
            }
            Ok(())
        }
    }
}

impl From<f64> for Weight {
    fn from(value: f64) -> Self {
        Self::Fixed(value)
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match self {
            Self::Fixed(value) => serializer.serialize_f64(*value),
            Self::Auto(auto) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("auto", auto)?;
                map.end()
            }
        }
    }
}

struct WeightVisitor;

impl<'de> Visitor<'de> for WeightVisitor {
    type Value = Weight;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a number, auto, or {{auto: {{...}}}}")
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Weight, E> {
        Ok(Weight::Fixed(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Weight, E> {
        Ok(Weight::Fixed(value as f64))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<Weight, E> {
        Ok(Weight::Fixed(value as f64))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> std::result::Result<Weight, E> {
        match word {
            "auto" => Ok(Weight::Auto(Auto::default())),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Weight, A::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum WeightKey {
            Auto,
        }
        let Some(WeightKey::Auto) = map.next_key()? else { return Err(serde::de::Error::missing_field("auto")) };
        let auto = map.next_value()?;
        match map.next_key::<WeightKey>()? {
            None => Ok(Weight::Auto(auto)),
            Some(WeightKey::Auto) => Err(serde::de::Error::duplicate_field("auto")),
        }
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(WeightVisitor)
    }
}

impl JsonSchema for Weight {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "weight".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let auto = generator.subschema_for::<Auto>();
        schemars::json_schema!({"oneOf": [
            {"type": "number", "minimum": 0},
            {"const": "auto"},
            {"type": "object", "properties": {"auto": auto}, "required": ["auto"], "additionalProperties": false},
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_number_a_word_or_a_map() {
        let read = |text: &str| serde_yaml::from_str::<Weight>(text);
        assert_eq!(read("2.0e-4").unwrap(), Weight::Fixed(2e-4));
        assert_eq!(read("0").unwrap(), Weight::Fixed(0.0));
        assert_eq!(read("auto").unwrap(), Weight::Auto(Auto::default()));
        let found = read("auto: {by: discrepancy, factor: 1.2}").unwrap();
        assert_eq!(found, Weight::Auto(Auto { by: By::Discrepancy, factor: 1.2, ..Auto::default() }));
        assert_eq!(read(&serde_yaml::to_string(&found).unwrap()).unwrap(), found);
        for wrong in ["automatic", "{auto: {bye: x}}", "{by: held-out}", "[1]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
