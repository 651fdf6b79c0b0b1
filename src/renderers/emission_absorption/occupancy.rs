//! Occupancy grid: a coarse grid over the cube [−1, 1]³ that stores the largest density found in each cell, with an
//! exponential decay. Empty cells are not sampled. Müller et al., ACM TOG 41(4), 2022, appendix E.2.

use crate::random::stream;
use rand::RngExt;

/// Factor on the stored density of a cell at each update.
const MEMORY: f32 = 0.95;
/// A cell is occupied if a sample of its density has at least this opacity.
const OPACITY: f32 = 0.01;

/// The grid. Before its first update all cells are occupied.
#[derive(Debug, Clone, PartialEq)]
pub struct Occupancy {
    /// Number of cells along each axis.
    cells: usize,
    /// Largest density found, decaying; order [z, y, x].
    density: Vec<f32>,
    occupied: Vec<bool>,
}

impl Occupancy {
    /// A grid before its first update.
    #[must_use]
    pub fn new(cells: usize) -> Self {
        let all = cells * cells * cells;
        Self { cells, density: vec![0.0; all], occupied: vec![true; all] }
    }

    /// The stored densities, for a checkpoint; order [z, y, x].
    #[must_use]
    pub fn density(&self) -> &[f32] {
        &self.density
    }

    /// The grid with the densities of a checkpoint, for samples of length `step`. `None` if their number does not
    /// match.
    #[must_use]
    pub fn with_density(mut self, density: Vec<f32>, step: f64) -> Option<Self> {
        if density.len() != self.density.len() {
            return None;
        }
        self.density = density;
        self.decide(step);
        Some(self)
    }

    /// A random point in each cell, `[cells³, 3]` in the order (x, y, z), for the update with the number `number`.
    #[must_use]
    pub fn questions(&self, seed: u64, number: u64) -> Vec<f32> {
        let mut random = stream(seed, "occupancy", number);
        let (n, width) = (self.cells, 2.0 / self.cells as f32);
        let mut points = Vec::with_capacity(3 * self.density.len());
        for cell in 0..self.density.len() {
            for at in [cell % n, cell / n % n, cell / (n * n)] {
                points.push((at as f32 + random.random_range(0.0f32..1.0)) * width - 1.0);
            }
        }
        points
    }

    /// Updates the grid by the densities `found` at those points, for samples of length `step`.
    pub fn update(&mut self, found: &[f32], step: f64) {
        self.density.iter_mut().zip(found).for_each(|(old, new)| *old = (*old * MEMORY).max(*new));
        self.decide(step);
    }

    fn decide(&mut self, step: f64) {
        let mean = self.density.iter().map(|&d| f64::from(d)).sum::<f64>() / self.density.len() as f64;
        // Bounded by the mean, so that a field that is thin everywhere keeps its denser cells and can go on learning.
        let least = (-(1.0 - OPACITY).ln() / step as f32).min(mean as f32);
        self.occupied.iter_mut().zip(&self.density).for_each(|(occupied, density)| *occupied = *density > least);
    }

    /// Whether the cell of a point (x, y, z) is occupied.
    #[must_use]
    pub fn holds(&self, point: [f32; 3]) -> bool {
        let at = |x: f32| (((x + 1.0) * 0.5 * self.cells as f32) as usize).min(self.cells - 1);
        self.occupied[(at(point[2]) * self.cells + at(point[1])) * self.cells + at(point[0])]
    }

    /// Fraction of the cells that are occupied.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.occupied.iter().filter(|&&occupied| occupied).count() as f64 / self.occupied.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_matter_count_and_empty_ones_are_forgotten() {
        let mut grid = Occupancy::new(4);
        assert!(grid.holds([0.9, -0.9, 0.0]) && grid.share() == 1.0);
        let points = grid.questions(3, 0);
        let found: Vec<f32> = points.chunks(3).map(|p| if p[0] > 0.0 { 10.0 } else { 0.0 }).collect();
        grid.update(&found, 0.05);
        assert!(grid.holds([0.6, 0.1, -0.7]) && !grid.holds([-0.6, 0.1, -0.7]));
        assert!((grid.share() - 0.5).abs() < 1e-9);
        let kept = Occupancy::new(4).with_density(grid.density().to_vec(), 0.05).unwrap();
        assert_eq!(kept, grid);
        assert!(Occupancy::new(5).with_density(grid.density().to_vec(), 0.05).is_none());
        // Every point lies in its own cell.
        assert!(points.chunks(3).enumerate().all(|(cell, p)| ((p[0] + 1.0) * 2.0) as usize == cell % 4));
    }
}
