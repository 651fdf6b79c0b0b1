//! Digitally reconstructed radiographs (DRR): projections of a volume along the rays of any scan.

use super::kernels::joseph;
use crate::data::{Geometry, Projections, Volume};
use crate::error::Result;
use crate::physics;

/// Number of views projected at once, which bounds the memory of the sub-rays.
const CHUNK: usize = 8;

/// Line integrals `[view, row, column]` of a volume by Joseph's method. With one ray per pixel (`subrays` 1) this is
/// the projector A itself; otherwise −ln of the mean of exp(−p) over `subrays` x `subrays` rays of each pixel (1 x
/// `subrays` for a detector with a single row), as a real detector averages intensities.
///
/// # Errors
/// Values that are not finite.
pub fn radiographs(volume: &Volume, geometry: &Geometry, subrays: usize) -> Result<Projections> {
    let across = if geometry.detector.rows == 1 { 1 } else { subrays };
    let views: Vec<usize> = (0..geometry.views.len()).collect();
    let mut values = Vec::with_capacity(geometry.samples());
    for chunk in views.chunks(CHUNK) {
        let part = geometry.subset(chunk)?;
        let fine = if subrays > 1 { part.subdivided(across, subrays) } else { part.clone() };
        let mut rays = vec![0.0; fine.samples()];
        joseph::forward(&volume.grid, &fine.views, &fine.detector, volume.as_slice(), &mut rays);
        if subrays > 1 {
            rays = physics::average_subrays(&rays, &part, across, subrays)?.as_slice().to_vec();
        }
        values.extend(rays);
    }
    Projections::from_vec(geometry.clone(), values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector, DetectorShape, Grid, Quantity, Source, View};

    /// A cube of water, and cone-beam views of it from above and from the side.
    fn scene(subdivide: bool) -> (Volume, Geometry) {
        let grid = Grid::centered([20, 20, 20], [2.0; 3], [0.0; 3]).unwrap();
        let volume = Volume::from_vec(grid, Quantity::Attenuation, vec![0.02; 8000]).unwrap();
        let pitch = if subdivide { 8.0 } else { 1.0 };
        let view = |angle: f64| {
            let (sin, cos) = angle.sin_cos();
            View {
                source: Source::Point([400.0 * cos, 400.0 * sin, 0.0]),
                center: [-200.0 * cos, -200.0 * sin, 0.0],
                u: [-pitch * sin, pitch * cos, 0.0],
                v: [0.0, 0.0, pitch],
            }
        };
        let detector = Detector { rows: 11, columns: 11, shape: DetectorShape::Flat };
        (volume, Geometry::new((0..11).map(|k| view(0.3 * f64::from(k))).collect(), detector, None).unwrap())
    }

    #[test]
    fn one_ray_is_the_projector_and_a_cube_shows_its_thickness() {
        let (volume, geometry) = scene(false);
        let found = radiographs(&volume, &geometry, 1).unwrap();
        let mut expected = vec![0.0; geometry.samples()];
        joseph::forward(&volume.grid, &geometry.views, &geometry.detector, volume.as_slice(), &mut expected);
        assert_eq!(found.as_slice(), expected, "whatever the chunks");
        assert!((found.values()[[0, 5, 5]] - 0.02 * 40.0).abs() < 1e-4);
    }

    #[test]
    fn sub_rays_average_intensities_across_an_edge() {
        let (volume, geometry) = scene(true);
        let [one, many] = [1, 4].map(|subrays| radiographs(&volume, &geometry, subrays).unwrap());
        let apart = |i: usize| (one.as_slice()[i] - many.as_slice()[i]).abs();
        assert!((0..one.as_slice().len()).map(apart).fold(0.0f32, f32::max) > 0.05);
        // The middle of the first view lies wholly inside the cube.
        assert!((many.values()[[0, 5, 5]] - one.values()[[0, 5, 5]]).abs() < 2e-3);
    }
}
