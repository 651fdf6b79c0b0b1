//! The exact area that a convex polygon covers in each unit square: every edge adds the signed area to its right to the
//! squares of the rows it passes, and a running sum along each row yields the covered areas (as in the rasterisation of
//! anti-aliased fonts).

use std::ops::Range;

/// Buffers for the areas of a polygon in unit squares.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    corners: Vec<[f64; 2]>,
    clipped: Vec<[f64; 2]>,
    sums: Vec<f64>,
}

impl Overlap {
    /// Calls `each` with (row, column, area) for the squares [i, i + 1) x [j, j + 1) of `rows` x `columns` that a
    /// polygon with vertices (row, column) overlaps; squares outside `counts` do not exist. Areas have the sign of
    /// [`area`].
    pub(super) fn of(
        &mut self,
        polygon: [[f64; 2]; 4],
        counts: [usize; 2],
        [rows, columns]: [&Range<usize>; 2],
        mut each: impl FnMut(usize, usize, f64),
    ) {
        self.corners.clear();
        self.corners.extend(polygon);
        for (axis, count) in counts.into_iter().enumerate() {
            let (low, high) = bounds(&self.corners, axis);
            if low < 0.0 {
                self.clip(axis, 0.0, 1.0);
            }
            if high > count as f64 {
                self.clip(axis, count as f64, -1.0);
            }
        }
        if self.corners.len() < 3 {
            return;
        }
        let [row, column] = [0, 1].map(|axis| {
            let (low, high) = bounds(&self.corners, axis);
            (low as usize).min(counts[axis] - 1)..(ceil(high) as usize).clamp(1, counts[axis])
        });
        let width = column.len() + 1;
        self.sums.clear();
        self.sums.resize(row.len() * width, 0.0);
        let count = self.corners.len();
        for i in 0..count {
            let [a, b] = [self.corners[i], self.corners[(i + 1) % count]]
                .map(|[r, c]| [r - row.start as f64, c - column.start as f64]);
            accumulate(&mut self.sums, width, a, b);
        }
        for (line, i) in self.sums.chunks_exact(width).zip(row).filter(|(_, i)| rows.contains(i)) {
            let mut area = 0.0;
            for (sum, j) in line.iter().zip(column.clone()) {
                area += sum;
                if columns.contains(&j) {
                    each(i, j, area);
                }
            }
        }
    }

    /// Clips the polygon at a line across an axis and keeps the part where (coordinate − `at`) · `side` ≥ 0 (Sutherland
    /// & Hodgman, Commun. ACM 17, 1974).
    fn clip(&mut self, axis: usize, at: f64, side: f64) {
        self.clipped.clear();
        let count = self.corners.len();
        for i in 0..count {
            let (a, b) = (self.corners[i], self.corners[(i + 1) % count]);
            let (from, to) = ((a[axis] - at) * side, (b[axis] - at) * side);
            if from >= 0.0 {
                self.clipped.push(a);
            }
            if (from < 0.0) != (to < 0.0) {
                let part = from / (from - to);
                let mut crossing = [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])];
                crossing[axis] = at;
                self.clipped.push(crossing);
            }
        }
        std::mem::swap(&mut self.corners, &mut self.clipped);
    }
}

/// Signed area of a polygon, positive if it turns from the row axis towards the column axis.
pub(super) fn area(polygon: &[[f64; 2]; 4]) -> f64 {
    let [a, b, c, d] = polygon;
    // Half the cross product of the diagonals, which is accurate also for small polygons.
    ((c[0] - a[0]) * (d[1] - b[1]) - (c[1] - a[1]) * (d[0] - b[0])) / 2.0
}

fn bounds(corners: &[[f64; 2]], axis: usize) -> (f64, f64) {
    corners.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), c| (low.min(c[axis]), high.max(c[axis])))
}

/// Ceiling of a non-negative number, without a library call.
fn ceil(x: f64) -> f64 {
    let whole = (x as usize) as f64;
    if whole < x { whole + 1.0 } else { whole }
}

/// Adds the area to the right of an edge, positive if the row grows along it.
fn accumulate(sums: &mut [f64], width: usize, from: [f64; 2], to: [f64; 2]) {
    let (sign, low, high) = if from[0] < to[0] { (1.0, from, to) } else { (-1.0, to, from) };
    if low[0] == high[0] {
        return;
    }
    let slope = (high[1] - low[1]) / (high[0] - low[0]);
    let mut start = low;
    for (row, line) in sums.chunks_exact_mut(width).enumerate().skip(low[0] as usize) {
        let below = (row + 1) as f64;
        let end = if high[0] <= below { high } else { [below, low[1] + (below - low[0]) * slope] };
        strip(line, sign * (end[0] - start[0]), start[1], end[1]);
        if high[0] <= below {
            return;
        }
        start = end;
    }
}

/// The part of an edge in one row, `height` high, from column `a` to column `b`.
fn strip(line: &mut [f64], height: f64, a: f64, b: f64) {
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    let last = line.len() - 2;
    let (first, end) = ((a as usize).min(last), (ceil(b) as usize).clamp(1, last + 1));
    if end <= first + 1 {
        // Within one square: the trapezoid to the right of the edge, and the remainder for all squares after it.
        let right = ((first + 1) as f64 - f64::midpoint(a, b)) * height;
        line[first] += right;
        line[first + 1] += height - right;
        return;
    }
    let per_column = height / (b - a);
    // Area to the right of the edge within column j, minus the sum over the columns before.
    let mut passed = 0.0;
    for (j, sum) in line.iter_mut().enumerate().take(end).skip(first) {
        let (left, right) = (a.max(j as f64), b.min((j + 1) as f64));
        let before = per_column * (left - a);
        let area = before + per_column * (right - left) * ((j + 1) as f64 - f64::midpoint(left, right));
        *sum += area - passed;
        passed = area;
    }
    line[end] += height - passed;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn areas(polygon: [[f64; 2]; 4], counts: [usize; 2]) -> Vec<f64> {
        let mut found = vec![0.0; counts[0] * counts[1]];
        Overlap::default().of(polygon, counts, [&(0..counts[0]), &(0..counts[1])], |row, column, area| {
            found[row * counts[1] + column] += area;
        });
        found
    }

    #[test]
    fn a_rectangle_covers_the_products_of_its_sides() {
        let found = areas([[0.5, 0.25], [2.25, 0.25], [2.25, 2.5], [0.5, 2.5]], [3, 4]);
        for (i, height) in [0.5, 1.0, 0.25].into_iter().enumerate() {
            for (j, width) in [0.75, 1.0, 0.5, 0.0].into_iter().enumerate() {
                assert!((found[i * 4 + j] - height * width).abs() < 1e-15, "{found:?}");
            }
        }
    }

    #[test]
    fn squares_of_a_turned_polygon_hold_what_counting_finds() {
        // Whole, beyond the edges, far larger than the grid, small within one square; both senses of turning.
        for (center, size, turn) in [
            ([2.6, 3.1], 1.3, 0.4),
            ([0.2, 5.9], 1.7, 1.0),
            ([2.0, 2.0], 9.0, 0.7),
            ([1.5, 1.5], 0.2, 0.1),
            ([3.9, 0.3], 2.5, std::f64::consts::FRAC_PI_4),
        ] {
            let (s, c) = f64::sin_cos(turn);
            let polygon = [[-1.0, -1.2], [-1.0, 1.0], [1.1, 0.9], [0.8, -1.1]]
                .map(|[x, y]: [f64; 2]| [center[0] + size * (c * x - s * y), center[1] + size * (s * x + c * y)]);
            let mut backwards = polygon;
            backwards.reverse();
            let (found, other) = (areas(polygon, [5, 6]), areas(backwards, [5, 6]));
            let sign = area(&polygon).signum();
            for (square, (found, other)) in found.iter().zip(&other).enumerate() {
                let n = 200;
                let inside = (0..n * n).filter(|k| {
                    let p = [
                        (square / 6) as f64 + ((k / n) as f64 + 0.5) / n as f64,
                        (square % 6) as f64 + ((k % n) as f64 + 0.5) / n as f64,
                    ];
                    (0..4).all(|i| {
                        let (a, b) = (polygon[i], polygon[(i + 1) % 4]);
                        ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])) * sign >= 0.0
                    })
                });
                let counted = inside.count() as f64 / (n * n) as f64;
                assert!((found * sign - counted).abs() < 3e-3, "square {square}: {found} for {counted}");
                assert!((found + other).abs() < 1e-12);
            }
        }
    }
}
