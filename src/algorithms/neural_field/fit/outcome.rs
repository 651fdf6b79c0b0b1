//! The result of a fit: the volume, its uncertainty and its notes.

use super::Fit;
use crate::algorithms::Reconstruction;
use crate::data::{Quantity, Volume};
use crate::error::Result;
use crate::renderers::line_integral::quadrature;
use serde_json::json;
use std::collections::BTreeMap;
use tch::Tensor;

impl Fit<'_> {
    /// The field on the whole grid, `[voxels]` in units of mu_ref, air outside the support.
    pub(super) fn volume(&self) -> Result<Tensor> {
        let objective = self.problem.full();
        let points = |first, n| self.coordinates.of_voxels(&objective.support.narrow(0, first, n));
        let inside = objective.evaluate(self.field.as_ref(), objective.support.size()[0], &points)?;
        let values = Tensor::zeros([self.problem.grid.voxels() as i64], objective.options).index_copy(
            0,
            &objective.support,
            &inside,
        );
        Ok(if self.config.nonnegative { values.clamp_min(0.0) } else { values })
    }

    /// The result: the mean of the fields, its uncertainty, notes and warnings.
    pub(super) fn finish(self) -> Result<Reconstruction> {
        let grid = self.problem.grid;
        let mu_ref = self.problem.mu_ref as f32;
        let scaled = |values: &[f32]| {
            Volume::from_vec(grid.clone(), Quantity::Attenuation, values.iter().map(|value| value * mu_ref).collect())
        };
        let volume = scaled(&self.ensemble.mean)?;
        let uncertainty = self.ensemble.deviation().map(|values| scaled(&values)).transpose()?;
        let notes = self.notes()?;
        Ok(Reconstruction {
            curve: self.curve,
            notes,
            start: self.start,
            uncertainty,
            warnings: self.warnings,
            ..Reconstruction::plain(volume)
        })
    }

    fn notes(&self) -> Result<BTreeMap<String, serde_json::Value>> {
        let weights: usize = self.field.parameters().iter().map(|p| p.value.numel()).sum();
        let objective = self.problem.full();
        let mut notes = BTreeMap::from([
            ("parameters".to_string(), json!(weights)),
            ("support_voxels".to_string(), json!(objective.support.numel())),
            ("quadrature_error".to_string(), json!(quadrature::error(self.field.as_ref(), objective)?)),
        ]);
        if let Some(start) = &self.config.start {
            notes.insert("start".to_string(), json!({"algorithm": crate::registry::Kinds::name(&start.kind)}));
        } else if self.start.is_some() {
            notes.insert("start".to_string(), json!({"algorithm": "start_from"}));
        }
        if let Some(best) = &self.watch.best {
            notes.insert("held_out".to_string(), json!({"best_step": best.step, "score": best.score}));
        }
        if self.config.ensemble > 1 {
            notes.insert("ensemble".to_string(), json!({"members": self.ensemble.members}));
        }
        Ok(notes)
    }
}
