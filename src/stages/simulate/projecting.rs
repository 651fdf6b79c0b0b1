//! Line integrals of an object for its beam: −ln of the mean intensity over the sub-rays of each detector pixel.

use crate::data::{Geometry, MU_WATER_PER_MM, Material, Projections, Volume};
use crate::error::Result;
use crate::operators::xray::kernels::joseph;
use crate::physics::{self, Beam, Detection};
use crate::progress::{self, StopSignal};
use crate::stages::flow::Content;

/// Number of views projected at once; it limits the memory of the sub-rays.
const CHUNK: usize = 4;

/// The object, its beam and the sub-rays.
pub(super) struct Rays<'a> {
    pub(super) content: &'a Content,
    /// Spectrum and detection; `None` for a single energy.
    pub(super) beam: Option<(&'a Beam, &'a Detection)>,
    /// Attenuation of water for the beam, 1/mm.
    pub(super) mu_water: f64,
    /// Number of sub-rays per pixel, [rows, columns].
    pub(super) subrays: [usize; 2],
}

impl Rays<'_> {
    /// Line integrals of all pixels, each averaged over its sub-rays.
    pub(super) fn project(&self, geometry: &Geometry, stop: &dyn StopSignal) -> Result<Projections> {
        // In 2-D all rays lie in the plane of the slice.
        let subrays = if geometry.detector.rows == 1 { [1, self.subrays[1]] } else { self.subrays };
        let parts = self.parts()?;
        let views: Vec<usize> = (0..geometry.views.len()).collect();
        let mut values = Vec::with_capacity(geometry.samples());
        let task = progress::begin("simulate", Some(views.len() as u64));
        for chunk in views.chunks(CHUNK) {
            stop.check_stop()?;
            let part = geometry.subset(chunk)?;
            let rays = self.along(&part.subdivided(subrays[0], subrays[1]), &parts);
            values.extend_from_slice(physics::average_subrays(&rays, &part, subrays[0], subrays[1])?.as_slice());
            progress::advance(chunk.last().map_or(0, |&last| last as u64 + 1), &[]);
        }
        task.end();
        Projections::from_vec(geometry.clone(), values)
    }

    /// The voxels split by material, if there is a spectrum.
    fn parts(&self) -> Result<Vec<(Material, Volume)>> {
        match (self.content, self.beam) {
            (Content::Voxels(volume, _), Some((_, detection))) => detection.decompose(volume, MU_WATER_PER_MM),
            _ => Ok(Vec::new()),
        }
    }

    /// One line integral for each ray of `fine`.
    fn along(&self, fine: &Geometry, parts: &[(Material, Volume)]) -> Vec<f32> {
        match (self.content, self.beam) {
            (Content::Phantom(phantom), None) => phantom.project(fine, self.mu_water),
            (Content::Phantom(phantom), Some((beam, _))) => {
                beam.measure(&phantom.project_materials(fine, self.mu_water))
            }
            (Content::Voxels(volume, _), None) => forward(volume, fine),
            (Content::Voxels(..), Some((beam, _))) => {
                // Volumes use the standard attenuation of water; they are scaled to that of the beam.
                let factor = (self.mu_water / MU_WATER_PER_MM) as f32;
                let seen = |volume: &Volume| forward(volume, fine).into_iter().map(|p| p * factor).collect();
                beam.measure(&parts.iter().map(|(material, volume)| (*material, seen(volume))).collect::<Vec<_>>())
            }
        }
    }
}

fn forward(volume: &Volume, fine: &Geometry) -> Vec<f32> {
    let mut rays = vec![0.0; fine.samples()];
    joseph::forward(&volume.grid, &fine.views, &fine.detector, volume.as_slice(), &mut rays);
    rays
}
