//! Integration on the voxel lattice: in each step the field is evaluated once per voxel, and the projector integrates
//! the voxels along every ray, with its matched adjoint for the gradient. All rays share these samples, so a gradient
//! from all data costs one evaluation per voxel whatever the number of views.
//!
//! The projector is outside autograd; the chain rule is applied at the volume: (1) x = f(lattice) in chunks without
//! gradients; (2) g = Aᵀ∂D(Ax) + w ∂TV(x); (3) each chunk is evaluated again with gradients, and Σ x g is
//! differentiated. This costs one more forward pass and needs the memory of one chunk. With `jitter` the lattice, and
//! the projector's grid with it, is shifted by a random fraction of a voxel in each step, so that the field is fitted
//! everywhere and not only at voxel centres. With `subset_views` a step uses some of the views, and their D is
//! multiplied by (all / used).

use super::subset::Views;
use super::{Integrator, Loss, Memory, Objective, Residual};
use crate::data::{Geometry, Grid, add, scale};
use crate::error::{Error, Result};
use crate::fields::Field;
use crate::fields::coordinates::Coordinates;
use crate::fields::regularizers::{self, total_variation};
use crate::operators::LinearOperator;
use crate::operators::xray::{self, TensorJoseph};
use crate::random::stream;
use crate::tensors::torch_error;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Integration on the voxel lattice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Largest random shift of the whole lattice per step, as a fraction of a voxel: 0 (none) to 1 (uniform within ±
    /// half a voxel).
    pub jitter: f64,
    /// Largest number of views per step; 0: all. The subsets change so that all views are used once before any is used
    /// again. The cost of a step then no longer grows with the number of views, which helps where projecting costs more
    /// than evaluating the field.
    pub subset_views: usize,
}

impl Config {
    /// The lattice of a step: that of the objective, shifted by the jitter.
    fn lattice(&self, objective: &Objective, step: u64) -> Grid {
        let mut grid = objective.grid.clone();
        if self.jitter > 0.0 {
            let mut random = stream(objective.seed, "lattice jitter", step);
            for k in usize::from(grid.is_2d())..3 {
                let shift = self.jitter * random.random_range(-0.5..0.5);
                grid.origin = add(grid.origin, scale(grid.step(k), shift));
            }
        }
        grid
    }

    /// The loss and, if `gradient` is set, its gradient with respect to the voxels of the support, for the volume
    /// `values` `[support]`.
    fn at_volume(
        objective: &Objective,
        views: &Views<'_>,
        grid: &Grid,
        values: &Tensor,
        residual: Residual,
        gradient: bool,
    ) -> Result<(Loss, Option<Tensor>)> {
        let projector = Self::projector(objective, &views.geometry, grid)?;
        let scale = views.share / objective.norm_squared;
        let shape = grid.shape.map(|n| n as i64);
        let volume = Tensor::f_zeros([grid.voxels() as i64], objective.options).map_err(torch_error)?;
        let volume = volume.index_copy(0, &objective.support, values).view(shape);
        let difference = projector.forward(&volume)? - &views.data;
        let weighted = residual.of(&difference, views.weights.as_ref())?;
        let data = 0.5 * (&difference * &weighted).sum(Kind::Double).double_value(&[]) * scale;
        let (regularizer, slope) = Self::regularization(objective, &volume).map_err(torch_error)?;
        let loss = Loss { data, regularizer: regularizer * objective.scale };
        if !gradient {
            return Ok((loss, None));
        }
        let full = projector.adjoint(&weighted)? * scale + slope * objective.scale;
        let gather =
            || -> std::result::Result<Tensor, TchError> { full.f_view([-1])?.f_index_select(0, &objective.support) };
        Ok((loss, Some(gather().map_err(torch_error)?)))
    }

    /// Total variation and the other regularizers of a volume `[z, y, x]`, and their gradient.
    fn regularization(objective: &Objective, volume: &Tensor) -> std::result::Result<(f64, Tensor), TchError> {
        let axes = objective.axes();
        let (variation, slope) = total_variation::value_and_gradient(volume, &axes)?;
        let (mut regularizer, mut slope) = (objective.tv * variation, slope * objective.tv);
        for kind in &objective.regularizers {
            let (value, part) = regularizers::value_and_gradient(kind.as_part(), volume, &axes)?;
            regularizer += value;
            slope += part;
        }
        Ok((regularizer, slope))
    }

    /// The projector of the lattice; tensor operations unless the field is f32, the only kind the kernels support.
    fn projector(objective: &Objective, geometry: &Geometry, grid: &Grid) -> Result<Box<dyn LinearOperator>> {
        match objective.options.0 {
            Kind::Float => xray::build(objective.sampling, grid, geometry, objective.options.1),
            _ => Ok(Box::new(TensorJoseph::new(grid, geometry, TensorJoseph::SAMPLES))),
        }
    }
}

impl Integrator for Config {
    fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.jitter) {
            return Ok(());
        }
        Err(Error::config("jitter", format!("expected a part of a voxel between 0 and 1, got {}", self.jitter)))
    }

    fn whole_projections(&self) -> bool {
        true
    }

    fn loss(
        &self,
        field: &dyn Field,
        objective: &Objective,
        residual: Residual,
        step: u64,
        _: &Memory,
    ) -> Result<Loss> {
        let grid = self.lattice(objective, step);
        let coordinates = Coordinates::new(&grid, &objective.grid, objective.options)?;
        let points = |first, n| coordinates.of_voxels(&objective.support.narrow(0, first, n));
        let values = objective.evaluate(field, objective.support.size()[0], &points)?;
        let views = Views::of(objective, self.subset_views, step)?;
        Ok(Self::at_volume(objective, &views, &grid, &values, residual, false)?.0)
    }

    fn accumulate(
        &self,
        field: &dyn Field,
        objective: &Objective,
        residual: Residual,
        step: u64,
        _: &mut Memory,
    ) -> Result<Loss> {
        let grid = self.lattice(objective, step);
        let coordinates = Coordinates::new(&grid, &objective.grid, objective.options)?;
        let points = |first, n| coordinates.of_voxels(&objective.support.narrow(0, first, n));
        let values = objective.evaluate(field, objective.support.size()[0], &points)?;
        let views = Views::of(objective, self.subset_views, step)?;
        let (loss, gradient) = Self::at_volume(objective, &views, &grid, &values, residual, true)?;
        if let Some(gradient) = gradient {
            objective.backward(field, &gradient, &points)?;
        }
        Ok(loss)
    }
}
