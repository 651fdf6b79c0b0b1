//! The steps of primal-dual total variation as CPU functions on slices. Each reads its arrays once, runs on the calling
//! rayon pool, and gives the same bits for any number of threads. The tensor operations of
//! [`total_variation`](super::total_variation) are the reference.
//!
//! A volume is `[z, y, x]` in C order; a gradient is three such arrays, along z, y and x. Gradients are forward
//! differences times `slopes` (0 for an axis without differences), zero at the far faces.

use rayon::prelude::*;

/// Fewest image rows (along x) per task.
const ROWS: usize = 16;

/// Shape of a volume, and the weight of the differences along each axis, both `[z, y, x]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    /// Number of voxels along z, y, x.
    pub shape: [usize; 3],
    /// Factor on the differences along z, y, x.
    pub slopes: [f32; 3],
}

/// Constants of a dual step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dual {
    /// Step size σ.
    pub sigma: f32,
    /// Radius w of the ball that each dual vector is projected onto: the weight of the penalty.
    pub weight: f32,
    /// Divisor before the projection: 1 + σδ/w for the Huber penalty, 1 for total variation.
    pub divisor: f32,
    /// Overrelaxation factor ρ; 1 means none.
    pub relaxation: f32,
}

/// Constants of a primal step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Primal {
    /// Step size τ.
    pub tau: f32,
    /// Factor on the backprojection.
    pub scale: f32,
    /// Whether negative values of the result are set to 0.
    pub nonnegative: bool,
    /// Bound M on |x|, for the duality gap; `None` if the gap is not needed.
    pub bound: Option<f32>,
}

impl Lattice {
    fn row(&self, row: usize) -> std::ops::Range<usize> {
        row * self.shape[2]..(row + 1) * self.shape[2]
    }

    /// The gradient along z, y and x in the row `row`; `at` writes the requested row of the volume.
    fn gradient(&self, at: &dyn Fn(usize, &mut [f32]), row: usize, scratch: &mut Rows) {
        let [nz, ny, nx] = self.shape;
        let Rows { here, gradient: [gz, gy, gx], .. } = scratch;
        at(row, here);
        for (i, value) in gx[..nx - 1].iter_mut().enumerate() {
            *value = (here[i + 1] - here[i]) * self.slopes[2];
        }
        gx[nx - 1] = 0.0;
        for (ahead, slope, there, step) in
            [(gy, self.slopes[1], row % ny + 1 < ny, 1), (gz, self.slopes[0], row / ny + 1 < nz, ny)]
        {
            if slope == 0.0 || !there {
                ahead.fill(0.0);
                continue;
            }
            at(row + step, ahead);
            ahead.iter_mut().zip(here.iter()).for_each(|(next, here)| *next = (*next - here) * slope);
        }
    }

    /// Adds the row `row` of ∇ᵀq to `out`.
    fn add_adjoint(&self, q: [&[f32]; 3], row: usize, out: &mut [f32]) {
        let [nz, ny, nx] = self.shape;
        let at = row * nx;
        for (q, slope, index, count, step) in
            [(q[0], self.slopes[0], row / ny, nz, ny * nx), (q[1], self.slopes[1], row % ny, ny, nx)]
        {
            if slope != 0.0 && index + 1 < count {
                out.iter_mut().zip(&q[at..at + nx]).for_each(|(out, q)| *out -= q * slope);
            }
            if slope != 0.0 && index > 0 {
                out.iter_mut().zip(&q[at - step..at - step + nx]).for_each(|(out, q)| *out += q * slope);
            }
        }
        let (inner, slope) = (&q[2][at..at + nx - 1], self.slopes[2]);
        out[..nx - 1].iter_mut().zip(inner).for_each(|(out, q)| *out -= q * slope);
        out[1..].iter_mut().zip(inner).for_each(|(out, q)| *out += q * slope);
    }

    fn rows(&self) -> usize {
        self.shape[0] * self.shape[1]
    }
}

/// Working memory of a task: rows along x.
#[derive(Clone)]
struct Rows {
    here: Vec<f32>,
    gradient: [Vec<f32>; 3],
    other: Vec<f32>,
}

impl Rows {
    fn new(columns: usize) -> Self {
        let row = vec![0.0; columns];
        Self { here: row.clone(), gradient: [row.clone(), row.clone(), row.clone()], other: row }
    }
}

/// q ← q + ρ (p − q), with p = (q + σ∇x̄) / divisor projected onto |p| ≤ w and x̄ = 2 `ahead` − `behind`.
///
/// # Panics
/// When the length of a slice is not that of the lattice.
pub fn dual_step(lattice: &Lattice, ahead: &[f32], behind: &[f32], q: [&mut [f32]; 3], step: &Dual) {
    let nx = lattice.shape[2];
    let extrapolated = |row: usize, out: &mut [f32]| {
        let range = lattice.row(row);
        let pairs = ahead[range.clone()].iter().zip(&behind[range]);
        out.iter_mut().zip(pairs).for_each(|(out, (ahead, behind))| *out = 2.0 * ahead - behind);
    };
    let [qz, qy, qx] = q.map(|part| part.par_chunks_mut(nx));
    (qz, qy, qx).into_par_iter().enumerate().with_min_len(ROWS).for_each_init(
        || Rows::new(nx),
        |scratch, (row, (qz, qy, qx))| {
            lattice.gradient(&extrapolated, row, scratch);
            dual_row(scratch, qz, qy, qx, step);
        },
    );
}

fn dual_row(scratch: &mut Rows, qz: &mut [f32], qy: &mut [f32], qx: &mut [f32], step: &Dual) {
    let Rows { gradient: [gz, gy, gx], other: shrink, .. } = scratch;
    let inverse = 1.0 / step.divisor;
    for (q, g) in [(&*qz, &mut *gz), (&*qy, &mut *gy), (&*qx, &mut *gx)] {
        g.iter_mut().zip(q).for_each(|(g, q)| *g = (q + step.sigma * *g) * inverse);
    }
    for (i, shrink) in shrink.iter_mut().enumerate() {
        let length = (gz[i] * gz[i] + gy[i] * gy[i] + gx[i] * gx[i]).sqrt();
        // The lower bound avoids 0 / 0: with weight 0, q stays 0.
        *shrink = step.weight / length.max(step.weight).max(1e-30);
    }
    for (q, g) in [(qz, gz), (qy, gy), (qx, gx)] {
        let pairs = g.iter().zip(shrink.iter());
        q.iter_mut().zip(pairs).for_each(|(q, (g, shrink))| *q += step.relaxation * (g * shrink - *q));
    }
}

/// `out` = x − τ s, or max(x − τ s, 0) with the non-negativity constraint, where s = scale · `back` + ∇ᵀq. Returns the
/// primal part of the duality gap if a bound M is given, otherwise 0: Σ x s + M max(−s, 0) with the constraint, Σ x s +
/// M |s| without.
///
/// # Panics
/// When the length of a slice is not that of the lattice.
pub fn primal_step(lattice: &Lattice, back: &[f32], q: [&[f32]; 3], x: &[f32], out: &mut [f32], step: &Primal) -> f64 {
    let nx = lattice.shape[2];
    let sums: Vec<f64> = out
        .par_chunks_mut(nx)
        .enumerate()
        .with_min_len(ROWS)
        .map(|(row, out)| {
            let range = lattice.row(row);
            let (back, x) = (&back[range.clone()], &x[range]);
            out.iter_mut().zip(back).for_each(|(out, back)| *out = back * step.scale);
            lattice.add_adjoint(q, row, out);
            let gap = step.bound.map_or(0.0, |bound| primal_gap(out, x, bound, step.nonnegative));
            out.iter_mut().zip(x).for_each(|(out, x)| *out = x - step.tau * *out);
            if step.nonnegative {
                for out in out.iter_mut() {
                    *out = out.max(0.0);
                }
            }
            gap
        })
        .collect();
    sums.iter().sum()
}

fn primal_gap(slope: &[f32], x: &[f32], bound: f32, nonnegative: bool) -> f64 {
    let pair = |(s, x): (&f32, &f32)| {
        let beyond = if nonnegative { (-s).max(0.0) } else { s.abs() };
        f64::from(x * s) + f64::from(bound) * f64::from(beyond)
    };
    slope.iter().zip(x).map(pair).sum()
}

/// The penalty w Σ h(|∇x|) of a volume, with h the Huber function of width δ, and the penalty's part of the duality
/// gap, Σ w h(|∇x|) + (δ/2w)|q|² − ∇x·q. Every term of the gap is at least 0 if |q| ≤ w.
///
/// # Panics
/// When the length of a slice is not that of the lattice.
#[must_use]
pub fn value(lattice: &Lattice, x: &[f32], q: [&[f32]; 3], weight: f64, delta: f64) -> (f64, f64) {
    let nx = lattice.shape[2];
    let copy = |row: usize, out: &mut [f32]| out.copy_from_slice(&x[lattice.row(row)]);
    let quadratic = if weight > 0.0 { delta / (2.0 * weight) } else { 0.0 };
    let work = |scratch: &mut Rows, row: usize| {
        lattice.gradient(&copy, row, scratch);
        let [gz, gy, gx] = &scratch.gradient;
        let q = q.map(|part| &part[row * nx..(row + 1) * nx]);
        let (mut total, mut gap) = (0.0, 0.0);
        for i in 0..nx {
            let g = [f64::from(gz[i]), f64::from(gy[i]), f64::from(gx[i])];
            let q = [f64::from(q[0][i]), f64::from(q[1][i]), f64::from(q[2][i])];
            let value = weight * huber((g[0] * g[0] + g[1] * g[1] + g[2] * g[2]).sqrt(), delta);
            total += value;
            gap += value + quadratic * (q[0] * q[0] + q[1] * q[1] + q[2] * q[2])
                - (g[0] * q[0] + g[1] * q[1] + g[2] * q[2]);
        }
        (total, gap)
    };
    let sums: Vec<(f64, f64)> = (0..lattice.rows())
        .into_par_iter()
        .with_min_len(ROWS)
        .map_init(|| Rows::new(nx), |scratch, row| work(scratch, row))
        .collect();
    sums.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

/// Huber function: t²/2δ up to δ, t − δ/2 above; |t| for δ = 0. Huber, Ann. Math. Stat. 1964.
#[must_use]
pub fn huber(length: f64, delta: f64) -> f64 {
    if length <= delta && delta > 0.0 { length * length / (2.0 * delta) } else { length - delta / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huber_is_smooth_where_its_pieces_meet_and_the_absolute_value_at_zero_width() {
        assert_eq!(huber(0.3, 0.0), 0.3);
        assert_eq!(huber(0.0, 0.0), 0.0);
        assert!((huber(0.2, 0.2) - 0.1).abs() < 1e-15);
        let slope = |t: f64| (huber(t + 1e-6, 0.2) - huber(t - 1e-6, 0.2)) / 2e-6;
        assert!((slope(0.2) - 1.0).abs() < 1e-5 && (slope(0.1) - 0.5).abs() < 1e-9 && (slope(3.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_step_edge_counts_its_area_times_its_height() {
        let lattice = Lattice { shape: [1, 4, 6], slopes: [0.0, 1.0, 1.0] };
        let x: Vec<f32> = (0..24).map(|i| if i % 6 < 3 { 0.0 } else { 2.0 }).collect();
        let zero = [0.0; 24];
        let (value, gap) = value(&lattice, &x, [&zero; 3], 0.5, 0.0);
        assert!((value - 4.0).abs() < 1e-9 && (gap - 4.0).abs() < 1e-9, "{value} {gap}");
    }
}
