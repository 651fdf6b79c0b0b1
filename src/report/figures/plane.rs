//! [`Slice`]: a plane through a volume in radiological orientation, for any direction of the array's axes.
//!
//! Axial: +x (patient left) to the right, +y (posterior) down, as seen from the feet. Coronal: +x to the right, +z
//! (superior) up. Sagittal: +y to the right, +z up. The orientation letters are computed from the axes of the grid, so
//! they are correct for oblique and permuted grids too.

use super::raster::PictureLayout;
use crate::data::{Grid, Point, Volume};

/// Orientation of a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plane {
    /// Perpendicular to z.
    Axial,
    /// Perpendicular to y.
    Coronal,
    /// Perpendicular to x.
    Sagittal,
}

impl Plane {
    /// The planes of a grid that are shown: only the axial plane for a 2-D grid.
    pub(crate) fn of(grid: &Grid) -> &'static [Self] {
        if grid.is_2d() { &[Self::Axial] } else { &[Self::Axial, Self::Coronal, Self::Sagittal] }
    }

    /// Name of the orientation.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// The array axes (0 is z) that run perpendicular to the plane, down and to the right.
    fn axes(self) -> [usize; 3] {
        match self {
            Self::Axial => [0, 1, 2],
            Self::Coronal => [1, 0, 2],
            Self::Sagittal => [2, 0, 1],
        }
    }

    /// Orientation letters (L, R, A, P, S, I) at the left, right, top and bottom side.
    pub(crate) fn sides(self, grid: &Grid) -> [char; 4] {
        let [vertical, horizontal] = self.runs(grid);
        [horizontal.letters[0], horizontal.letters[1], vertical.letters[0], vertical.letters[1]]
    }

    /// The sides of the picture: down, then to the right.
    fn runs(self, grid: &Grid) -> [Run; 2] {
        let [_, down, right] = self.axes();
        let wanted_down = if self == Self::Axial { 1.0 } else { -1.0 };
        [Run::along(grid, down, wanted_down), Run::along(grid, right, 1.0)]
    }

    /// Width of the plane in a grid, mm.
    pub(crate) fn width_mm(self, grid: &Grid) -> f64 {
        grid.extent()[self.axes()[2]]
    }
}

/// The values of a plane in display orientation, row 0 at the top.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slice {
    /// Number of rows and columns.
    pub(crate) shape: [usize; 2],
    /// Distance between rows and between columns, mm.
    pub(crate) spacing: [f64; 2],
    /// Values in C order `[row, column]`.
    pub(crate) values: Vec<f32>,
    /// Orientation letters at the left, right, top and bottom side.
    pub(crate) sides: [char; 4],
    /// World axis that the plane is perpendicular to, and the plane's world coordinate along it in mm.
    pub(crate) position: (char, f64),
}

impl Slice {
    /// The plane through the middle of a volume (index n / 2).
    pub(crate) fn central(volume: &Volume, plane: Plane) -> Self {
        let grid = &volume.grid;
        let [across, down, right] = plane.axes();
        let [vertical, horizontal] = plane.runs(grid);
        let mut index = grid.shape.map(|n| n / 2);
        let voxels = volume.voxels();
        let mut values = Vec::with_capacity(vertical.count * horizontal.count);
        for row in 0..vertical.count {
            for column in 0..horizontal.count {
                index[down] = vertical.index(row);
                index[right] = horizontal.index(column);
                values.push(voxels[index]);
            }
        }
        let (cut, _) = dominant(grid.axes[across]);
        Self {
            shape: [vertical.count, horizontal.count],
            spacing: [grid.spacing[down], grid.spacing[right]],
            values,
            sides: plane.sides(grid),
            position: (['x', 'y', 'z'][cut], grid.point(grid.shape.map(|n| (n / 2) as f64))[cut]),
        }
    }

    /// Subtracts another slice of the same plane and grid.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a - b).collect();
        Self { values, ..self.clone() }
    }

    /// Mapping from the slice to the pixels of a picture.
    pub(crate) fn layout(&self) -> PictureLayout {
        PictureLayout::proportional(self.shape, self.spacing)
    }
}

/// One side of a picture: the order of the indices along an array axis for which the wanted patient direction is at the
/// end.
struct Run {
    count: usize,
    flipped: bool,
    /// Orientation letters at the start and the end.
    letters: [char; 2],
}

impl Run {
    fn along(grid: &Grid, axis: usize, wanted: f64) -> Self {
        let (component, sign) = dominant(grid.axes[axis]);
        let positive = ['L', 'P', 'S'][component];
        let negative = ['R', 'A', 'I'][component];
        let letters = if wanted > 0.0 { [negative, positive] } else { [positive, negative] };
        Self { count: grid.shape[axis], flipped: sign * wanted < 0.0, letters }
    }

    fn index(&self, place: usize) -> usize {
        if self.flipped { self.count - 1 - place } else { place }
    }
}

/// The world axis (0 = x) that a vector is closest to, and the sign of the vector's component along it.
fn dominant(axis: Point) -> (usize, f64) {
    let largest = (0..3).max_by(|&a, &b| axis[a].abs().total_cmp(&axis[b].abs())).unwrap_or(0);
    (largest, axis[largest].signum())
}

/// For each array axis, whether its index grows towards the patient's right, anterior or inferior side.
pub(crate) fn flipped(grid: &Grid) -> [bool; 3] {
    grid.axes.map(|axis| dominant(axis).1 < 0.0)
}

/// For array axis `k`: the letter of the closest world axis, the smallest coordinate of a voxel centre along it (mm),
/// and the distance between neighbouring voxels along it (mm).
pub(crate) fn ruler(grid: &Grid, k: usize) -> (char, f64, f64) {
    let (component, _) = dominant(grid.axes[k]);
    let middle = grid.middle_index();
    let place = |index: f64| grid.point(std::array::from_fn(|j| if j == k { index } else { middle[j] }))[component];
    let first = place(0.0).min(place(grid.shape[k] as f64 - 1.0));
    (['x', 'y', 'z'][component], first, grid.spacing[k] * grid.axes[k][component].abs())
}

/// The largest angle in degrees between an axis of the grid and the closest world axis. Slices follow the axes of the
/// grid.
pub(crate) fn obliqueness_deg(grid: &Grid) -> f64 {
    grid.axes.iter().map(|&axis| axis[dominant(axis).0].abs().min(1.0).acos().to_degrees()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Quantity;

    /// A volume with one bright voxel at the +x, +y, +z corner of the central planes that hold it.
    fn corner(axes: [Point; 3], plane: Plane) -> Volume {
        let shape = [4, 6, 8];
        let grid = Grid::new(shape, [2.0, 1.0, 0.5], [0.0; 3], axes).unwrap();
        let mut index = [0, 1, 2].map(|k| if grid.axes[k].iter().sum::<f64>() > 0.0 { shape[k] - 1 } else { 0 });
        index[plane.axes()[0]] = shape[plane.axes()[0]] / 2;
        let mut values = vec![0.0; grid.voxels()];
        values[(index[0] * shape[1] + index[1]) * shape[2] + index[2]] = 1.0;
        Volume::from_vec(grid, Quantity::Hounsfield, values).unwrap()
    }

    #[test]
    fn a_bright_corner_ends_where_radiologists_expect_it() {
        let turned = Grid::CANONICAL.map(|axis| axis.map(|v| if v == 0.0 { 0.0 } else { -v }));
        for axes in [Grid::CANONICAL, turned, [turned[0], Grid::CANONICAL[1], turned[2]]] {
            // +x is to the right always; +y is down in the axial and right in the sagittal plane; +z is up.
            for (plane, bottom, sides) in
                [(Plane::Axial, true, "RLAP"), (Plane::Coronal, false, "RLSI"), (Plane::Sagittal, false, "APSI")]
            {
                let slice = Slice::central(&corner(axes, plane), plane);
                let [rows, columns] = slice.shape;
                let found = slice.values.iter().position(|&v| v == 1.0).unwrap();
                assert_eq!(
                    (found / columns, found % columns),
                    (if bottom { rows - 1 } else { 0 }, columns - 1),
                    "{plane:?} {axes:?}"
                );
                assert_eq!(slice.sides.iter().collect::<String>(), sides);
            }
        }
    }

    #[test]
    fn slices_keep_spacing_and_say_where_they_are() {
        let grid = Grid::centered([5, 6, 8], [3.0, 1.0, 2.0], [10.0, 20.0, 30.0]).unwrap();
        let slice = Slice::central(&Volume::filled(grid.clone(), Quantity::Hounsfield, 0.0), Plane::Coronal);
        assert_eq!((slice.shape, slice.spacing), ([5, 8], [3.0, 2.0]));
        assert_eq!(slice.position, ('y', 20.5));
        assert_eq!(Plane::Sagittal.width_mm(&grid), 6.0);
    }

    #[test]
    fn a_single_slice_has_only_the_axial_plane() {
        let grid = Grid::centered([1, 6, 8], [1.0; 3], [0.0; 3]).unwrap();
        assert_eq!(Plane::of(&grid), [Plane::Axial]);
    }

    #[test]
    fn obliqueness_is_the_largest_turn() {
        let (s, c) = 10f64.to_radians().sin_cos();
        let grid = Grid::new([2, 2, 2], [1.0; 3], [0.0; 3], [[0.0, 0.0, 1.0], [-s, c, 0.0], [c, s, 0.0]]).unwrap();
        assert!((obliqueness_deg(&grid) - 10.0).abs() < 1e-9);
    }
}
