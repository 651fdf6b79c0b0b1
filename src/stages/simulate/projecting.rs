//! Ideal line integrals of an object: −ln of the mean intensity over the sub-rays of each detector pixel.

use crate::data::{Geometry, MU_WATER_PER_MM, Projections};
use crate::error::Result;
use crate::progress::Progress;
use crate::projectors::kernels::joseph;
use crate::stages::flow::Content;

/// Views projected at once: bounds the memory of the sub-rays.
const CHUNK: usize = 4;

/// Line integrals of the object along every ray of the scan, each pixel averaging `subrays` [rows, columns] rays.
pub(super) fn ideal(content: &Content, geometry: &Geometry, subrays: [usize; 2], progress: &dyn Progress) -> Result<Projections> {
    // In 2-D all rays lie in the plane of the slice.
    let subrays = if geometry.detector.rows == 1 { [1, subrays[1]] } else { subrays };
    let views: Vec<usize> = (0..geometry.views.len()).collect();
    let mut values = Vec::with_capacity(geometry.samples());
    progress.begin("simulate", Some(views.len() as u64));
    for chunk in views.chunks(CHUNK) {
        progress.check_stop()?;
        let fine = geometry.subset(chunk)?.subdivided(subrays[0], subrays[1]);
        let rays = match content {
            Content::Phantom(phantom) => phantom.project(&fine, MU_WATER_PER_MM),
            Content::Voxels(volume, _) => {
                let mut rays = vec![0.0; fine.samples()];
                joseph::forward(&volume.grid, &fine.views, &fine.detector, volume.as_slice(), &mut rays);
                rays
            }
        };
        values.extend(averaged(&rays, fine.detector.columns, subrays));
        progress.advance(values.len() as u64 / (geometry.detector.rows * geometry.detector.columns) as u64, &[]);
    }
    progress.end();
    Projections::from_vec(geometry.clone(), values)
}

/// −ln mean exp(−p) over blocks of `rows` x `columns` rays, in f64.
fn averaged(rays: &[f32], width: usize, [rows, columns]: [usize; 2]) -> Vec<f32> {
    if rows * columns == 1 {
        return rays.to_vec();
    }
    let pixel = |band: &[f32], column: usize| {
        let block = band.chunks_exact(width).flat_map(|row| &row[column * columns..(column + 1) * columns]);
        let intensity: f64 = block.map(|&p| (-f64::from(p)).exp()).sum();
        -(intensity / (rows * columns) as f64).ln() as f32
    };
    let bands = rays.chunks_exact(rows * width);
    bands.flat_map(|band| (0..width / columns).map(move |column| pixel(band, column))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_average_intensities_not_line_integrals() {
        let rays = [0.0, 2.0, 1.0, 1.0, 4.0, 6.0, 1.0, 1.0];
        let found = averaged(&rays, 4, [2, 2]);
        let mean = [0.0f64, 2.0, 4.0, 6.0].iter().map(|p| (-p).exp()).sum::<f64>() / 4.0;
        assert!((f64::from(found[0]) + mean.ln()).abs() < 1e-6 && (found[1] - 1.0).abs() < 1e-6);
        assert_eq!(averaged(&rays, 4, [1, 1]), rays);
        assert_eq!(averaged(&rays, 4, [1, 2]).len(), 4);
    }
}
