//! Ideal line integrals of an object: −ln of the mean intensity over the sub-rays of each detector pixel.

use crate::data::{Geometry, MU_WATER_PER_MM, Projections};
use crate::error::Result;
use crate::physics;
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
        let part = geometry.subset(chunk)?;
        let fine = part.subdivided(subrays[0], subrays[1]);
        let rays = match content {
            Content::Phantom(phantom) => phantom.project(&fine, MU_WATER_PER_MM),
            Content::Voxels(volume, _) => {
                let mut rays = vec![0.0; fine.samples()];
                joseph::forward(&volume.grid, &fine.views, &fine.detector, volume.as_slice(), &mut rays);
                rays
            }
        };
        values.extend_from_slice(physics::average_subrays(&rays, &part, subrays[0], subrays[1])?.as_slice());
        progress.advance(chunk.last().map_or(0, |&last| last as u64 + 1), &[]);
    }
    progress.end();
    Projections::from_vec(geometry.clone(), values)
}
