//! The line profile along x through the middle of the volumes, which shows blurred edges and cupping.

use super::axis::Axis;
use super::chart::{Chart, Series};
use crate::data::Volume;
use crate::report::numbers::pretty;

/// Values along the last array axis (x) through index n / 2 of the other axes, as pairs [world x in mm, value] in
/// ascending order of x.
pub(crate) fn along_x(volume: &Volume) -> Vec<[f64; 2]> {
    let grid = &volume.grid;
    let [z, y, _] = grid.shape.map(|n| n / 2);
    let mut points: Vec<[f64; 2]> = (0..grid.shape[2])
        .map(|x| [grid.point([z as f64, y as f64, x as f64])[0], f64::from(volume.voxels()[[z, y, x]])])
        .collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    points
}

/// The profiles of the truth (style 0) and the methods in one chart.
pub(crate) fn chart(
    truth: Option<&Volume>,
    methods: &[(String, &Volume)],
    style: impl Fn(&str) -> usize,
) -> Option<Chart> {
    let subject = truth.or(methods.first().map(|(_, volume)| *volume))?;
    let [_, y, z] =
        subject.grid.point(subject.grid.shape.map(|n| (n / 2) as f64)).map(|mm| pretty(&format!("{mm:.1}")));
    let mut series: Vec<Series> = truth
        .map(|volume| Series { name: "truth".to_string(), style: 0, points: along_x(volume) })
        .into_iter()
        .collect();
    series.extend(methods.iter().map(|(name, volume)| Series {
        name: name.clone(),
        style: style(name),
        points: along_x(volume),
    }));
    Some(Chart {
        title: format!("Line along x through the middle (y = {y} mm, z = {z} mm)"),
        clock: Vec::new(),
        x: Axis::linear("x [mm]"),
        y: Axis::linear(format!("value [{}]", subject.quantity.unit())),
        series,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Grid, Quantity};

    #[test]
    fn the_profile_is_the_middle_row_at_its_world_positions() {
        let grid = Grid::centered([2, 3, 4], [1.0, 1.0, 2.0], [7.0, 0.0, 0.0]).unwrap();
        let volume = Volume::from_vec(grid, Quantity::Hounsfield, (0..24).map(|i| i as f32).collect()).unwrap();
        assert_eq!(along_x(&volume), [[4.0, 16.0], [6.0, 17.0], [8.0, 18.0], [10.0, 19.0]]);
        assert!(chart(None, &[], |_| 1).is_none());
        assert_eq!(chart(Some(&volume), &[("a".to_string(), &volume)], |_| 1).unwrap().series.len(), 2);
    }
}
