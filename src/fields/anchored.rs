//! A fixed volume plus a network for the difference to it: f(p) = b(p) + g(p), with b(p) = Σ w_c(p) `b[c]` over the
//! voxels c around p.
//!
//! A network that first has to learn a given volume by regression loses a part of its detail, in 3-D more than the
//! steps that a CPU can afford win back. Here the start volume b is stored exactly, interpolated as by [`voxels`], and
//! the network g, which the regression brings to zero, learns the difference to it: residual learning (He et al. 2016)
//! with a prior image as in NeRP (Shen et al. 2022). Without a start, b is zero (air) and f is g. Use it for 3-D
//! volumes, and for a scan that differs little from an earlier one.

use super::{Architecture, Cost, Domain, Field, FieldKind, OutputGradient, Parameter, Role, siren, voxels};
use crate::error::{Error, Result};
use crate::registry::{Kinds, OneOf};
use crate::tensors::torch_error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// `anchored: {field: {siren: {}}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The network that learns the difference to the start volume; any field except `anchored`.
    pub field: Box<OneOf<FieldKind>>,
}

impl Default for Config {
    fn default() -> Self {
        Self { field: Box::new(FieldKind::Siren(siren::Config::default()).into()) }
    }
}

/// The sum of volume and network. Parameters: `anchor` `[voxels, 1]`, which no optimizer changes, and those of the
/// network.
#[derive(Debug)]
pub struct Anchored {
    anchor: voxels::Voxels,
    network: Box<dyn Field>,
    parameters: Vec<Parameter>,
}

impl Architecture for Config {
    fn check(&self, domain: &Domain) -> Result<()> {
        if matches!(self.field.kind, FieldKind::Anchored(_)) {
            return Err(Error::config("field", "expected a network, got `anchored` again")
                .hint("name another field inside `anchored`"));
        }
        let field = &self.field.kind;
        field.named(field.as_part().check(domain)).map_err(|error| error.under("field"))
    }

    fn cost(&self, domain: &Domain) -> Cost {
        let (anchor, network) = (voxels::Config {}.cost(domain), self.field.kind.as_part().cost(domain));
        Cost {
            operations: anchor.operations + network.operations,
            bytes: anchor.bytes + network.bytes,
            parameters: anchor.parameters + network.parameters,
        }
    }

    fn build(&self, domain: &Domain, seed: u64, options: (Kind, Device)) -> Result<Box<dyn Field>> {
        self.check(domain)?;
        let anchor = voxels::Voxels::new(domain, options)?;
        let network = self.field.kind.as_part().build(domain, seed, options)?;
        let value = anchor.parameters()[0].value.set_requires_grad(false);
        let mut parameters = vec![Parameter { name: "anchor".to_string(), value, role: Role::Frozen }];
        let same = |p: &Parameter| Parameter { name: p.name.clone(), value: p.value.shallow_clone(), role: p.role };
        parameters.extend(network.parameters().iter().map(same));
        Ok(Box::new(Anchored { anchor, network, parameters }))
    }
}

impl Field for Anchored {
    fn attenuation(&self, points: &Tensor) -> Result<Tensor> {
        self.network.attenuation(points)?.f_add(&self.anchor.attenuation(points)?).map_err(torch_error)
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn adopt(&self, volume: &Tensor) -> Result<()> {
        self.anchor.adopt(volume)
    }

    fn evaluate(&self, points: &Tensor) -> Result<Tensor> {
        self.network.evaluate(points)?.f_add(&self.anchor.evaluate(points)?).map_err(torch_error)
    }

    fn accumulate(&self, points: &Tensor, slopes: &mut OutputGradient<'_>) -> Result<()> {
        let anchor = self.anchor.evaluate(points)?;
        self.network.accumulate(points, &mut |values| slopes(&values.f_add(&anchor).map_err(torch_error)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::fused;

    fn anchored(options: (Kind, Device)) -> Box<dyn Field> {
        let small = siren::Config { width: 16, ..siren::Config::default() };
        let config = Config { field: Box::new(FieldKind::Siren(small).into()) };
        let field = config.build(&Domain::cube(3, 5).unwrap(), 1, options).unwrap();
        field.adopt(&Tensor::arange(125, options).sin()).unwrap();
        field
    }

    fn points(options: (Kind, Device)) -> Tensor {
        (Tensor::arange(3 * 40, options) * 0.7).sin().view([-1, 3])
    }

    #[test]
    fn the_kernels_agree_with_the_tensor_expressions() {
        let options = (Kind::Float, Device::Cpu);
        fused::compare(anchored(options).as_ref(), &points(options), 1e-5, "anchored");
    }

    #[test]
    fn the_anchor_is_added_and_stays() {
        let options = (Kind::Double, Device::Cpu);
        let (field, bare) = (anchored(options), anchored(options));
        bare.adopt(&Tensor::zeros([125], options)).unwrap();
        let alone = voxels::Config {}.build(&Domain::cube(3, 5).unwrap(), 0, options).unwrap();
        alone.adopt(&Tensor::arange(125, options).sin()).unwrap();
        let points = points(options);
        let difference =
            field.evaluate(&points).unwrap() - bare.evaluate(&points).unwrap() - alone.evaluate(&points).unwrap();
        assert!(difference.abs().max().double_value(&[]) < 1e-12);
        field.accumulate(&points, &mut |values| Ok(values.ones_like())).unwrap();
        assert!(!field.parameters()[0].value.grad().defined(), "no gradient for what is not trained");
        assert!(field.parameters()[1].value.grad().abs().max().double_value(&[]) > 0.0);
    }

    #[test]
    fn an_anchor_of_an_anchor_is_refused() {
        let config = Config { field: Box::new(FieldKind::Anchored(Config::default()).into()) };
        assert!(config.check(&Domain::cube(2, 4).unwrap()).unwrap_err().to_string().starts_with("field"));
    }
}
