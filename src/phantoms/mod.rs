//! Stub until the nouns branch is merged.
#![allow(missing_docs, clippy::missing_errors_doc, clippy::unused_self)]
use crate::data::{Geometry, Grid, Quantity, Volume};
use crate::error::{Error, Result};
use std::path::Path;
#[derive(Debug, Clone)]
pub struct Phantom {
    pub name: String,
    pub extent_mm: f64,
}
impl Phantom {
    pub fn read(path: &Path) -> Result<Self> {
        std::fs::read(path).map_err(|e| Error::read(path, &e))?;
        Ok(Self { name: "stub".into(), extent_mm: 200.0 })
    }
    pub fn rasterise(&self, grid: &Grid, mu_water: f64, _supersampling: usize) -> Volume {
        Volume::filled(grid.clone(), Quantity::Attenuation, mu_water as f32)
    }
    pub fn project(&self, geometry: &Geometry, _mu_water: f64) -> Vec<f32> {
        vec![1.0; geometry.samples()]
    }
    pub fn is_2d(&self) -> bool {
        false
    }
    pub fn box_grid(&self, shape: [usize; 3]) -> Result<Grid> {
        Grid::centered(shape, shape.map(|n| self.extent_mm / n as f64), [0.0; 3])
    }
}
