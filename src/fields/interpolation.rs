//! Bilinear and trilinear interpolation in grids of features, as tensor expressions: f(p) = Σ w_c(p) · table[row(c)]
//! over the corners c of the cell that contains p; w_c is the product of (1 − |t − c|) over the axes, with t the
//! position in units of cells.

use super::kernels::levels::{Level, Levels, PRIMES};
use tch::{Kind, TchError, Tensor};

type Tried = std::result::Result<Tensor, TchError>;

/// Features `[n, width]` at `points` `[n, inputs]` from the table `[rows, features]`; differentiable in the table.
pub(super) fn interpolate(levels: &Levels, table: &Tensor, points: &Tensor) -> Tried {
    let parts =
        levels.levels.iter().map(|level| one(level, table, points)).collect::<std::result::Result<Vec<_>, _>>()?;
    Tensor::f_cat(&parts, 1)
}

/// Interpolated features `[n, features]` of one level.
fn one(level: &Level, table: &Tensor, points: &Tensor) -> Tried {
    let cells = cells(level, points)?;
    let mut sum: Option<Tensor> = None;
    for corner in 0..1usize << level.axes.len() {
        let mut weight: Option<Tensor> = None;
        let mut nodes = Vec::new();
        for (k, (cell, part)) in cells.iter().enumerate() {
            let upper = corner >> k & 1 == 1;
            let factor = if upper { part.shallow_clone() } else { part.f_rsub_scalar(1.0)? };
            weight = Some(weight.map_or_else(|| Ok(factor.shallow_clone()), |w| w.f_mul(&factor))?);
            nodes.push(cell.f_add_scalar(i64::from(upper))?.f_clamp_max(level.nodes[k] as i64 - 1)?);
        }
        let Some(weight) = weight else { continue };
        let term = table.f_index_select(0, &row(level, &nodes)?)?.f_mul(&weight.f_unsqueeze(1)?)?;
        sum = Some(sum.map_or_else(|| Ok(term.shallow_clone()), |s| s.f_add(&term))?);
    }
    sum.ok_or_else(|| TchError::Torch("a level without axes".to_string()))
}

/// For each axis of a level the lower node of the cell that contains each point, and the fraction of the way from it to
/// the upper node.
fn cells(level: &Level, points: &Tensor) -> std::result::Result<Vec<(Tensor, Tensor)>, TchError> {
    let along = |(&axis, &nodes): (&usize, &usize)| {
        let last = nodes as f64 - 1.0;
        let at = points.f_select(1, axis as i64)?.f_mul_scalar(f64::from(level.scale))?.f_add_scalar(last / 2.0)?;
        let at = at.f_clamp(0.0, last)?;
        let cell = at.f_floor()?.f_clamp_max((last - 1.0).max(0.0))?;
        Ok((cell.f_to_kind(Kind::Int64)?, at.f_sub(&cell)?))
    };
    level.axes.iter().zip(&level.nodes).map(along).collect()
}

/// Row numbers in the table, for the node indices along each axis.
fn row(level: &Level, nodes: &[Tensor]) -> Tried {
    let mut total = nodes[0].f_zeros_like()?;
    let mut stride = 1i64;
    for (k, node) in nodes.iter().enumerate() {
        if level.hashed {
            total = total.f_bitwise_xor_tensor(&node.f_mul_scalar(i64::from(PRIMES[k]))?)?;
        } else {
            total = total.f_add(&node.f_mul_scalar(stride)?)?;
            stride *= level.nodes[k] as i64;
        }
    }
    if level.hashed {
        total = total.f_bitwise_and(level.rows as i64 - 1)?;
    }
    total.f_add_scalar(level.first as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn a_linear_function_on_the_nodes_is_met_between_them_and_held_outside() {
        let mut levels = Levels::new(2, 1);
        levels.push(vec![0, 1], vec![5, 5], 2.0, None);
        // Node (i, j) holds 10 i + j.
        let table =
            Tensor::from_slice(&(0..25).map(|n| f64::from(10 * (n % 5) + n / 5)).collect::<Vec<_>>()).view([25, 1]);
        let points = Tensor::from_slice(&[-1.0, -1.0, 0.25, -0.75, 1.0, 1.0, 3.0, 0.0]).view([4, 2]);
        let found: Vec<f64> = Vec::try_from(interpolate(&levels, &table, &points).unwrap().view(-1)).unwrap();
        assert_eq!(found, [0.0, 25.5, 44.0, 42.0]);
    }

    #[test]
    fn hashed_rows_are_those_of_mueller() {
        let mut levels = Levels::new(3, 1);
        levels.push(vec![0, 1, 2], vec![101, 101, 101], 50.0, Some(10));
        let level = &levels.levels[0];
        assert!(level.hashed && level.rows == 1024);
        let nodes = [7i64, 91, 33].map(|n| Tensor::from_slice(&[n]).to_device(Device::Cpu));
        // (7 * 1) xor (91 * 2654435761 mod 2^32) xor (33 * 805459861 mod 2^32), mod 1024, in 32-bit arithmetic.
        let expected = (7u32 ^ 91u32.wrapping_mul(2_654_435_761) ^ 33u32.wrapping_mul(805_459_861)) % 1024;
        assert_eq!(row(level, &nodes).unwrap().int64_value(&[0]), i64::from(expected));
    }
}
