//! The rays of a view in index coordinates of a grid `[z, y, x]`, with voxel centres at integers.

use crate::data::{Detector, DetectorShape, Grid, Point, Source, View, dot, norm, scale, sub};

/// A ray in index coordinates: origin + t direction, t > 0 unless the beam is parallel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ray {
    pub(super) origin: [f64; 3],
    pub(super) direction: [f64; 3],
}

/// The rays of one view.
#[derive(Debug, Clone, Copy)]
pub(super) struct ViewRays {
    pub(super) source: Option<[f64; 3]>,
    /// Direction of a parallel beam, else the vector from the source to the detector centre; on a cylinder without its
    /// component along the axis.
    pub(super) arm: [f64; 3],
    /// On a cylinder the component along its axis of the vector from the source to the detector centre; else 0.
    pub(super) lift: [f64; 3],
    pub(super) center: [f64; 3],
    /// Steps to the next column (u) and the next row (v) of the detector.
    pub(super) u: [f64; 3],
    pub(super) v: [f64; 3],
    /// For a cylindrical detector the angle between columns (radians) and the length of the arm over the column pitch.
    pub(super) arc: Option<(f64, f64)>,
    pub(super) middle: [f64; 2],
    spacing: [f64; 3],
    /// Whether the grid is one slice and the detector one row, so that rays stay in the slice.
    pub(super) flat: bool,
}

/// Whether a scan is two-dimensional: a grid of one slice and a detector of one row.
pub(super) fn is_flat(grid: &Grid, detector: &Detector) -> bool {
    grid.is_2d() && detector.rows == 1
}

impl ViewRays {
    pub(super) fn new(grid: &Grid, view: &View, detector: &Detector) -> Self {
        let flat = is_flat(grid, detector);
        let keep = |mut index: [f64; 3]| {
            if flat {
                index[0] = 0.0;
            }
            index
        };
        let vector = |world: Point| keep(std::array::from_fn(|k| dot(world, grid.axes[k]) / grid.spacing[k]));
        let (source, arm) = match view.source {
            Source::Point(source) => (Some(source), sub(view.center, source)),
            Source::Direction(direction) => (None, direction),
        };
        let cylinder = detector.shape == DetectorShape::Cylindrical && source.is_some();
        let lift = if cylinder { scale(view.v, dot(arm, view.v) / dot(view.v, view.v)) } else { [0.0; 3] };
        let arm = sub(arm, lift);
        let ratio = norm(arm) / norm(view.u);
        Self {
            source: source.map(|point| keep(grid.index(point))),
            arm: vector(arm),
            lift: vector(lift),
            center: keep(grid.index(view.center)),
            u: vector(view.u),
            v: vector(view.v),
            arc: cylinder.then_some((1.0 / ratio, ratio)),
            middle: [(detector.rows as f64 - 1.0) / 2.0, (detector.columns as f64 - 1.0) / 2.0],
            spacing: grid.spacing,
            flat,
        }
    }

    /// Whether the beam is parallel.
    pub(super) fn is_parallel(&self) -> bool {
        self.source.is_none()
    }

    /// The ray through the centre of a pixel.
    pub(super) fn ray(&self, row: usize, column: usize) -> Ray {
        self.ray_at(row as f64, column as f64)
    }

    /// The ray through a fractional detector index; pixel i extends from i − 1/2 to i + 1/2.
    pub(super) fn ray_at(&self, row: f64, column: f64) -> Ray {
        let (dv, du) = (row - self.middle[0], column - self.middle[1]);
        match self.source {
            None => Ray { origin: combine(self.center, dv, self.v, du, self.u), direction: self.arm },
            Some(source) => {
                let direction = match self.arc {
                    None => combine(self.arm, dv, self.v, du, self.u),
                    Some((angle, ratio)) => {
                        let (sin, cos) = (du * angle).sin_cos();
                        combine(combine(self.lift, cos, self.arm, dv, self.v), sin * ratio, self.u, 0.0, self.u)
                    }
                };
                Ray { origin: source, direction }
            }
        }
    }

    /// Length in mm of a vector in index coordinates.
    pub(super) fn millimetres(&self, index: [f64; 3]) -> f64 {
        norm(std::array::from_fn(|k| index[k] * self.spacing[k]))
    }

    /// The array axis along which a direction crosses most planes: the main axis of Joseph's method.
    pub(super) fn main_axis(&self, direction: [f64; 3]) -> usize {
        // Ties, as in views at 45 degrees, must not depend on rounding.
        let steeper = |a: usize, b: usize| direction[a].abs() > direction[b].abs() * (1.0 + 1e-9);
        let in_plane = if steeper(1, 2) { 1 } else { 2 };
        if !self.flat && steeper(0, in_plane) { 0 } else { in_plane }
    }

    /// Whether the source is at least one voxel outside the grid along an axis (always, for a parallel beam).
    pub(super) fn starts_outside(&self, axis: usize, voxels: usize) -> bool {
        self.source.is_none_or(|source| source[axis] < -1.0 || source[axis] > voxels as f64)
    }
}

fn combine(origin: [f64; 3], a: f64, along_a: [f64; 3], b: f64, along_b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|k| origin[k] + a * along_a[k] + b * along_b[k])
}

/// A range `low..=high` of plane indices k, narrowed by conditions on a + b k; it may be one too wide at each end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Span {
    /// Keeps the k with a + b k > `bound`.
    #[must_use]
    pub(super) fn above(self, a: f64, b: f64, bound: f64) -> Self {
        let k = (bound - a) / b;
        match b {
            b if b > 0.0 => Self { low: self.low.max(k), ..self },
            b if b < 0.0 => Self { high: self.high.min(k), ..self },
            _ if a > bound => self,
            _ => Self { low: 1.0, high: 0.0 },
        }
    }

    /// Keeps the k with `low` < a + b k < `high`.
    #[must_use]
    pub(super) fn between(self, a: f64, b: f64, low: f64, high: f64) -> Self {
        self.above(a, b, low).above(-a, -b, -high)
    }

    /// The integers of the span from 0 to `end` − 1.
    pub(super) fn indices(self, end: usize) -> std::ops::Range<usize> {
        let low = self.low.floor().max(0.0);
        let high = (self.high.ceil() + 1.0).min(end as f64);
        if low < high { low as usize..high as usize } else { 0..0 }
    }
}
