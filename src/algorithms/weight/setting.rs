//! A weight as it is written: `2.0e-4`, `auto`, or `{auto: {by: discrepancy}}`.

use super::{held_out, search};
use crate::algorithms::Setup;
use crate::error::{Error, Result};
use crate::require;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A weight: a number or chosen from the data.
#[derive(Debug, Clone, PartialEq)]
pub enum Weight {
    /// As given.
    Fixed(f64),
    /// Chosen from the projections.
    Auto(Auto),
}

/// What a weight is chosen by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The prediction of views left out.
    #[default]
    HeldOut,
    /// The noise: the misfit is to be what it accounts for.
    Discrepancy,
}

/// How a weight is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auto {
    /// held-out or discrepancy.
    pub by: By,
    /// held-out: one view in this many is left out.
    pub every: usize,
    /// held-out: how many sets of views are left out in turn, each time one view in `every`; default: one for a volume,
    /// more for the few rays of a slice, at most `every`.
    pub folds: Option<usize>,
    /// held-out: the largest weight whose prediction is this many standard errors of the views' differences from the
    /// best; 0: the best.
    pub errors: f64,
    /// Weight that the search begins from: held-out 16 times above it, discrepancy at it.
    pub first: f64,
    /// Smallest weight to try; default: held-out, a tenth of what noise, views and attenuation suggest; discrepancy,
    /// 1e-6.
    pub lowest: Option<f64>,
    /// Largest weight to try.
    pub highest: f64,
    /// discrepancy: standard deviation of a line integral (unitless); default: estimated from the projections.
    pub noise_sd: Option<f64>,
    /// discrepancy: the misfit aimed at, as a multiple of the noise's; above 1 where the model errs too.
    pub factor: f64,
    /// held-out: most trials where `first` is known to be near: the search then goes by factors of 2 from it. `None`:
    /// as many trials as a search from anywhere takes. Not a key: a method that knows sets it.
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

/// Refuses what makes no sense.
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
