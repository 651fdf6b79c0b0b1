//! Transposes in tiles, so that both sides are read and written by whole cache lines.

/// Edge of a tile: the values of a cache line.
const TILE: usize = 16;

/// A matrix inside a slice: how many rows and columns, and how far apart its rows are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) stride: usize,
}

/// to[column][row] = from[row][column]; `stride` is the distance between the rows of `to`.
pub(super) fn transpose(from: &[f32], shape: Shape, to: &mut [f32], stride: usize) {
    tiles(from, shape, |row, column, values| to[column * stride + row..][..values.len()].copy_from_slice(values));
}

/// As [`transpose`], but adding to what is there.
pub(super) fn transpose_add(from: &[f32], shape: Shape, to: &mut [f32], stride: usize) {
    tiles(from, shape, |row, column, values| {
        for (to, value) in to[column * stride + row..].iter_mut().zip(values) {
            *to += value;
        }
    });
}

/// Hands out pieces of columns: the first row, the column, and the values from there down.
#[inline]
fn tiles(from: &[f32], Shape { rows, columns, stride }: Shape, mut piece: impl FnMut(usize, usize, &[f32])) {
    let mut turned = [[0.0f32; TILE]; TILE];
    for row in (0..rows).step_by(TILE) {
        let height = TILE.min(rows - row);
        for column in (0..columns).step_by(TILE) {
            let width = TILE.min(columns - column);
            if width == TILE {
                for y in 0..height {
                    let line: &[f32; TILE] = from[(row + y) * stride + column..].first_chunk().expect("a whole line of a tile");
                    for (x, value) in line.iter().enumerate() {
                        turned[x][y] = *value;
                    }
                }
            } else {
                for y in 0..height {
                    for (x, value) in from[(row + y) * stride + column..][..width].iter().enumerate() {
                        turned[x][y] = *value;
                    }
                }
            }
            for (x, values) in turned[..width].iter().enumerate() {
                piece(row, column + x, &values[..height]);
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
