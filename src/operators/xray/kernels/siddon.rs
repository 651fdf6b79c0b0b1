//! Line integrals through box-shaped voxels of constant value (the exact radiological path), and their exact transpose.
//!
//! A voxel's weight is the length (mm) of the ray inside it: R. L. Siddon, Med. Phys. 12(2), 1985, traversed from face
//! to face as by F. Jacobs et al., J. Comput. Inf. Technol. 6(1), 1998. The position of each face is computed from its
//! own index, so that rounding errors do not accumulate along the ray, and a part of the grid has exactly the weights
//! of the whole grid. A ray that runs in the face between two voxels counts half in each (the mean of the limits from
//! both sides). A ray begins at its point source and has no other end. A grid of one slice with a detector of one row
//! is two-dimensional: rays lie in the slice, whatever its z spacing.
//!
//! Suited to objects that are a sum of boxes, and to comparison with other software. Its footprint is narrower than
//! that of Joseph's method, so that neighbouring rays vary more.

use super::lines::strides_of;
use super::rays::ViewRays;
use super::weights::{self, Block, Weights};
use crate::data::{Detector, Grid, View};

/// Line integrals (1/mm x mm) `[view, row, column]` of a volume `[z, y, x]` (1/mm); overwrites `projections`.
///
/// # Panics
/// If the length of a slice does not match the grid, the views or the detector.
pub fn forward(grid: &Grid, views: &[View], detector: &Detector, volume: &[f32], projections: &mut [f32]) {
    weights::forward::<Siddon>(grid, views, detector, volume, projections);
}

/// The transpose of [`forward`]: backprojects projections `[view, row, column]` to a volume `[z, y, x]`; overwrites
/// `volume`.
///
/// # Panics
/// As [`forward`].
pub fn adjoint(grid: &Grid, views: &[View], detector: &Detector, projections: &[f32], volume: &mut [f32]) {
    weights::adjoint::<Siddon>(grid, views, detector, projections, volume);
}

struct Siddon;

/// A ray origin + t direction with t ≥ `begin`, in coordinates where voxel i extends from i to i + 1.
#[derive(Debug, Clone, Copy)]
struct Line {
    origin: [f64; 3],
    direction: [f64; 3],
    /// 1 / direction.
    inverse: [f64; 3],
    begin: f64,
    /// Length of one unit of t, mm; half of it for each of the two lines into which a ray in a face is split.
    millimetres: f64,
}

/// Largest drift along an axis, in voxels over the whole grid, with which a ray counts as perpendicular to that axis.
const STILL: f64 = 1e-9;

impl Line {
    /// The line of a pixel; components of the direction that are 0 up to rounding are set to 0. `None` if the ray is
    /// perpendicular to the slice (2-D).
    fn of_pixel(rays: &ViewRays, shape: [usize; 3], row: usize, column: usize) -> Option<Self> {
        let ray = rays.ray(row, column);
        let main = rays.main_axis(ray.direction);
        if ray.direction[main] == 0.0 {
            return None; // A beam along the normal of a slice.
        }
        let begin = if rays.is_parallel() { f64::NEG_INFINITY } else { 0.0 };
        let millimetres = rays.millimetres(ray.direction);
        let (mut origin, mut direction) = (ray.origin.map(|x| x + 0.5), ray.direction);
        let middle = (shape[main] as f64 / 2.0 - origin[main]) / direction[main];
        for axis in (0..3).filter(|&axis| axis != main) {
            if (direction[axis] / direction[main]).abs() * shape[main] as f64 <= STILL {
                origin[axis] += middle * direction[axis];
                direction[axis] = 0.0;
            }
        }
        Some(Self { origin, direction, inverse: direction.map(|d| 1.0 / d), begin, millimetres })
    }

    /// Whether the line runs in a face between voxels across an axis.
    fn is_in_face(&self, axis: usize) -> bool {
        self.direction[axis] == 0.0 && (self.origin[axis] - self.origin[axis].round()).abs() <= STILL
    }

    /// The two lines on both sides of the face, each with half of the weight.
    fn halves(&self, axis: usize) -> [Self; 2] {
        [-0.5, 0.5].map(|side| {
            let mut half = Self { millimetres: self.millimetres / 2.0, ..*self };
            half.origin[axis] = self.origin[axis].round() + side;
            half
        })
    }

    /// The values of t at which the line enters and leaves a part; empty if it misses the part.
    fn span(&self, part: &Block) -> (f64, f64) {
        let (mut enter, mut leave) = (self.begin, f64::INFINITY);
        for (axis, range) in part.ranges.iter().enumerate() {
            let (low, high) = (range.start as f64, range.end as f64);
            if self.direction[axis] == 0.0 {
                if self.origin[axis] < low || self.origin[axis] >= high {
                    return (0.0, 0.0);
                }
                continue;
            }
            let (a, b) = (self.face(axis, low), self.face(axis, high));
            enter = enter.max(a.min(b));
            leave = leave.min(a.max(b));
        }
        (enter, leave)
    }

    /// The value of t at the face `at` across an axis.
    #[inline]
    fn face(&self, axis: usize, at: f64) -> f64 {
        (at - self.origin[axis]) * self.inverse[axis]
    }
}

impl Weights for Siddon {
    type Path = Line;
    type Scratch = ();

    fn paths(rays: &ViewRays, shape: [usize; 3], row: usize, column: usize) -> impl Iterator<Item = Line> {
        let mut lines = [Line::of_pixel(rays, shape, row, column), None, None, None];
        let mut count = 1;
        for axis in 0..3 {
            let known = count;
            for i in 0..known {
                if let Some([one, other]) = lines[i].filter(|line| line.is_in_face(axis)).map(|line| line.halves(axis))
                {
                    (lines[i], lines[count]) = (Some(one), Some(other));
                    count += 1;
                }
            }
        }
        lines.into_iter().flatten()
    }

    #[inline]
    fn visit(line: &Line, part: &Block, shape: [usize; 3], (): &mut (), mut each: impl FnMut(usize, f64)) {
        let (mut t, leave) = line.span(part);
        // Covers NaN too.
        if t.partial_cmp(&leave) != Some(std::cmp::Ordering::Less) {
            return;
        }
        let strides = strides_of(shape);
        // For each axis, the next face: its t, its position, and the steps to the following face and to the voxel
        // behind it.
        let (mut next, mut face, mut ahead, mut stride) = ([f64::INFINITY; 3], [0.0; 3], [0.0; 3], [0usize; 3]);
        let mut voxel = 0;
        for axis in 0..3 {
            let range = &part.ranges[axis];
            let at = line.origin[axis] + if line.direction[axis] == 0.0 { 0.0 } else { t * line.direction[axis] };
            let mut i = (at.max(0.0) as usize).clamp(range.start, range.end - 1);
            if line.direction[axis] != 0.0 {
                let forward = line.direction[axis] > 0.0;
                ahead[axis] = if forward { 1.0 } else { -1.0 };
                stride[axis] = if forward { strides[axis] } else { strides[axis].wrapping_neg() };
                face[axis] = i as f64 + if forward { 1.0 } else { 0.0 };
                next[axis] = line.face(axis, face[axis]);
                // Because of rounding this may be the voxel that the ray has just left.
                if next[axis] <= t && next[axis] < leave {
                    i = i.wrapping_add_signed(if forward { 1 } else { -1 });
                    face[axis] += ahead[axis];
                    next[axis] = line.face(axis, face[axis]);
                }
            }
            voxel += i * strides[axis];
        }
        loop {
            let axis = if next[2] <= next[1] { 2 } else { 1 };
            let axis = if next[axis] <= next[0] { axis } else { 0 };
            if next[axis] >= leave {
                each(voxel, (leave - t) * line.millimetres);
                return;
            }
            each(voxel, (next[axis] - t) * line.millimetres);
            t = next[axis];
            face[axis] += ahead[axis];
            next[axis] = line.face(axis, face[axis]);
            voxel = voxel.wrapping_add(stride[axis]);
        }
    }
}
