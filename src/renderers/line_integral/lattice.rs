//! Integration on the voxel lattice: the field is evaluated once per voxel and step, and the projector integrates it
//! along every ray with its matched adjoint. All rays share samples, so a full-data gradient costs one evaluation per
//! voxel whatever the number of views.
//!
//! The projector stands outside autograd: the chain is cut at the volume. (1) x = f(lattice) in chunks without
//! gradients; (2) g = Aᵀ∂D(Ax) + w ∂TV(x); (3) each chunk again with gradients, backward of Σ x g. One more forward,
//! and the memory of one chunk. With `jitter` the whole lattice, and the projector's grid with it, shifts by a random
//! part of a voxel each step, so that the field is seen everywhere and not only at voxel centres. With `subset_views` a
//! step sees some of the views, and D is (all / seen) times theirs.

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
    /// Random common shift of the lattice each step, as a part of a voxel: 0 (none) to 1 (anywhere in the voxel).
    pub jitter: f64,
    /// Views per step, dealt out so that all have their turn before one comes again; 0 for all. What a step costs then
    /// no longer grows with the scan; worth it where projecting costs more than the field.
    pub subset_views: usize,
}

impl Config {
    /// The lattice of a step: the objective's, shifted.
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

    /// Loss and, if wanted, its gradient with respect to the voxels of the support, at the volume `values` `[support]`.
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
        let axes = objective.axes();
        let (variation, slope) = total_variation::value_and_gradient(&volume, &axes).map_err(torch_error)?;
        let (mut regularizer, mut slope) = (objective.tv * variation, slope * objective.tv);
        for kind in &objective.regularizers {
            let (value, part) =
                regularizers::value_and_gradient(kind.as_part(), &volume, &axes).map_err(torch_error)?;
            regularizer += value;
            slope += part;
        }
        let loss = Loss { data, regularizer: regularizer * objective.scale };
        if !gradient {
            return Ok((loss, None));
        }
        let full = projector.adjoint(&weighted)? * scale + slope * objective.scale;
        let gather =
            || -> std::result::Result<Tensor, TchError> { full.f_view([-1])?.f_index_select(0, &objective.support) };
        Ok((loss, Some(gather().map_err(torch_error)?)))
    }

    /// The CPU kernels know f32 only; other kinds take tensor operations.
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
