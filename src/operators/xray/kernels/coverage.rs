//! Number of views that see each voxel.

use super::pixels::{PixelMap, at};
use crate::data::{Geometry, Grid};
use rayon::prelude::*;

/// For each voxel `[z, y, x]` the number of views in which its centre is projected onto the detector (at most 65535).
#[must_use]
pub fn seen_by(grid: &Grid, geometry: &Geometry) -> Vec<u16> {
    let [_, ny, nx] = grid.shape;
    let maps: Vec<PixelMap> = (0..geometry.views.len()).map(|view| PixelMap::new(grid, geometry, view)).collect();
    let mut seen = vec![0u16; grid.voxels()];
    seen.par_chunks_mut(nx).enumerate().for_each(|(line, seen)| {
        let start = [(line / ny) as f64, (line % ny) as f64, 0.0];
        for map in &maps {
            count_line(map, start, seen);
        }
    });
    seen
}

fn count_line(map: &PixelMap, start: [f64; 3], seen: &mut [u16]) {
    if map.columns_per_radian.is_some() {
        for (x, seen) in seen.iter_mut().enumerate() {
            *seen = seen.saturating_add(u16::from(map.sees([start[0], start[1], x as f64])));
        }
        return;
    }
    // On a flat detector, low <= across / depth < high is tested without a division, so that the loop vectorises.
    let [(row, row_end), (column, column_end)] =
        [0, 1].map(|k| (-0.5 - map.middle[k], map.pixels[k] as f64 - 0.5 - map.middle[k]));
    let any_row = map.flat;
    let (depth, across, along) = (at(&map.depth, start), at(&map.across, start), at(&map.along, start));
    for (x, seen) in seen.iter_mut().enumerate() {
        let x = x as f64;
        let (depth, across, along) = (depth + x * map.depth[2], across + x * map.across[2], along + x * map.along[2]);
        let on_row = any_row || (along >= row * depth && along < row_end * depth);
        let on = depth > 0.0 && on_row && across >= column * depth && across < column_end * depth;
        *seen = seen.saturating_add(u16::from(on));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, DetectorShape, Source, View};

    fn scan(shape: DetectorShape, rows: usize) -> Geometry {
        let view = |source| View { source, center: [-100.0, 0.0, 0.0], u: [0.0, 2.0, 0.0], v: [0.0, 0.0, 2.0] };
        let views = vec![view(Source::Point([100.0, 0.0, 0.0])), view(Source::Point([300.0, 0.0, 0.0]))];
        Geometry::new(views, Detector { rows, columns: 10, shape }, None).unwrap()
    }

    #[test]
    fn counts_are_those_of_projecting_every_voxel() {
        let grid = Grid::centered([9, 11, 13], [2.0, 2.1, 2.2], [0.0, 0.3, 0.1]).unwrap();
        let geometry = scan(DetectorShape::Flat, 8);
        let seen = seen_by(&grid, &geometry);
        let on = |x: f64, count: f64| x >= -0.5 && x < count - 0.5;
        let mut kinds = [0; 3];
        for (i, &count) in seen.iter().enumerate() {
            let point = grid.point([(i / 143) as f64, (i / 13 % 11) as f64, (i % 13) as f64]);
            let expected =
                (0..2).filter(|&v| geometry.project(v, point).is_some_and(|(r, c)| on(r, 8.0) && on(c, 10.0))).count();
            assert_eq!(usize::from(count), expected);
            kinds[expected] += 1;
        }
        assert!(kinds.iter().all(|&k| k > 10), "{kinds:?}");
    }

    #[test]
    fn a_cylinder_sees_what_its_rays_reach() {
        let grid = Grid::centered([3, 30, 30], [2.0; 3], [0.0; 3]).unwrap();
        let seen = seen_by(&grid, &scan(DetectorShape::Cylindrical, 4));
        assert!(seen.contains(&0) && seen.contains(&1) && seen.contains(&2));
    }

    #[test]
    fn a_slice_is_on_its_row() {
        let grid = Grid::centered([1, 5, 5], [1.0, 1.0, 1.0], [0.0, 0.0, 50.0]).unwrap();
        assert!(seen_by(&grid, &scan(DetectorShape::Flat, 1)).iter().all(|&n| n == 2));
    }
}
