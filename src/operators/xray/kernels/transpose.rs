//! Transposition in tiles, so that input and output are accessed in whole cache lines.
#![allow(clippy::inline_always, reason = "loops whose bounds are known where they are used")]

/// Edge length of a tile: the number of values in a cache line.
const TILE: usize = 16;

/// A matrix inside a slice: number of rows and columns, and distance between the rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) stride: usize,
}

/// `to[column][row] = from[row][column]`; `stride` is the distance between the rows of `to`.
pub(super) fn transpose(from: &[f32], shape: Shape, to: &mut [f32], stride: usize) {
    let mut strip = vec![0.0; TILE * shape.columns];
    for row in (0..shape.rows).step_by(TILE) {
        // Rows at a large stride would compete for the same cache sets, so copy them next to each other before
        // transposing.
        let height = TILE.min(shape.rows - row);
        for (line, y) in strip.chunks_exact_mut(shape.columns).zip(row..row + height) {
            line.copy_from_slice(&from[y * shape.stride..][..shape.columns]);
        }
        turn(&strip, height, shape.columns, |column, values| {
            to[column * stride + row..][..height].copy_from_slice(values);
        });
    }
}

/// Like [`transpose`], but adds to `to`.
pub(super) fn transpose_add(from: &[f32], shape: Shape, to: &mut [f32], stride: usize) {
    let mut strip = vec![0.0; TILE * shape.rows];
    for column in (0..shape.columns).step_by(TILE) {
        let width = TILE.min(shape.columns - column);
        turned_strip(&from[column..], Shape { columns: width, ..shape }, &mut strip);
        for (line, x) in strip.chunks_exact(shape.rows).zip(column..column + width) {
            let to = &mut to[x * stride..][..shape.rows];
            to.iter_mut().zip(line).for_each(|(to, value)| *to += value);
        }
    }
}

/// Calls `column_of` with each column of at most [`TILE`] contiguous rows.
#[inline(always)]
fn turn(strip: &[f32], height: usize, columns: usize, mut column_of: impl FnMut(usize, &[f32])) {
    let mut turned = [[0.0f32; TILE]; TILE];
    for first in (0..columns).step_by(TILE) {
        let width = TILE.min(columns - first);
        for y in 0..height {
            for (turned, value) in turned.iter_mut().zip(&strip[y * columns + first..][..width]) {
                turned[y] = *value;
            }
        }
        for (x, values) in turned[..width].iter().enumerate() {
            column_of(first + x, &values[..height]);
        }
    }
}

/// Writes at most [`TILE`] columns as contiguous rows.
#[inline(always)]
fn turned_strip(from: &[f32], Shape { rows, columns, stride }: Shape, strip: &mut [f32]) {
    for first in (0..rows).step_by(TILE) {
        let height = TILE.min(rows - first);
        for y in first..first + height {
            for (x, value) in from[y * stride..][..columns].iter().enumerate() {
                strip[x * rows + y] = *value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_goes_to_its_place() {
        for (rows, columns) in [(1, 1), (3, 40), (16, 16), (37, 21)] {
            let stride = columns + 3;
            let from: Vec<f32> = (0..rows * stride).map(|i| i as f32).collect();
            let mut to = vec![0.5; columns * (rows + 2)];
            let shape = Shape { rows, columns, stride };
            transpose(&from, shape, &mut to, rows + 2);
            transpose_add(&from, shape, &mut to, rows + 2);
            for column in 0..columns {
                assert!((0..rows).all(|row| to[column * (rows + 2) + row] == 2.0 * from[row * stride + column]));
                assert_eq!(to[column * (rows + 2) + rows..][..2], [0.5; 2]);
            }
        }
    }
}
