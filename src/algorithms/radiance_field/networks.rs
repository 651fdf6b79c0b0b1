//! The network of a radiance field, or the coarse and the fine one of Mildenhall et al., ECCV 2020, §5.2.

use super::Config;
use crate::error::Result;
use crate::fields::Parameter;
use crate::fields::radiance::Radiance;
use crate::require;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// Number added to the seed for the weights of the fine network, which begins unlike the coarse one.
const FINE_SEED: u64 = 1;

/// The second network and its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fine {
    /// Number of further samples on each ray, drawn where the first network finds matter.
    pub samples: usize,
}

impl Default for Fine {
    fn default() -> Self {
        Self { samples: 128 }
    }
}

impl Fine {
    pub(super) fn check(&self) -> Result<()> {
        require::within("samples", self.samples, 1..=4096)
    }
}

/// The networks with their weights. The tensors of the fine one have the prefix `fine.`.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) coarse: Radiance,
    pub(super) fine: Option<(Radiance, Fine)>,
    parameters: Vec<Parameter>,
}

impl Networks {
    pub(super) fn new(config: &Config, seed: u64, device: Device) -> Result<Self> {
        let options = (Kind::Float, device);
        let coarse = Radiance::new(&config.field, seed, options)?;
        let second = |fine: &Fine| {
            Radiance::new(&config.field, seed.wrapping_add(FINE_SEED), options).map(|field| (field, fine.clone()))
        };
        let fine = config.fine.as_ref().map(second).transpose()?;
        let copy = |prefix: &'static str| {
            move |p: &Parameter| Parameter {
                name: format!("{prefix}{}", p.name),
                value: p.value.shallow_clone(),
                role: p.role,
            }
        };
        let mut parameters: Vec<Parameter> = coarse.parameters().iter().map(copy("")).collect();
        if let Some((field, _)) = &fine {
            parameters.extend(field.parameters().iter().map(copy("fine.")));
        }
        Ok(Self { coarse, fine, parameters })
    }

    /// All tensors of the networks, in a fixed order.
    pub(super) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The network that renders pictures: the fine one where there are two.
    pub(super) fn last(&self) -> &Radiance {
        self.fine.as_ref().map_or(&self.coarse, |(field, _)| field)
    }
}
