//! Scale of a quick filtered backprojection x of one slice: the s of the least-squares fit y = s A x to the data.

use super::Finding;
use crate::algorithms::{Algorithm, Problem, Run, fbp, fdk};
use crate::data::{MU_WATER_PER_MM, Projections, Volume};
use crate::error::Result;
use crate::operators::xray::kernels::joseph;
use crate::stages::acquire::trial::Trial;
use crate::tensors::{DeviceRequest, choose};
use std::ops::RangeInclusive;

/// Scales that are accepted for a coarse slice.
const RIGHT: RangeInclusive<f64> = 0.8..=1.25;

/// Finding if the scale is wrong. `axis` is the column of the data on which the axis falls. `None` also for scans that
/// the analytic methods refuse.
///
/// # Errors
/// A kind of scan that cannot be reduced to one slice, or too little memory.
pub(in crate::stages::acquire) fn scale(trial: &Trial, axis: f64) -> Result<Option<Finding>> {
    let (data, grid) = trial.projections(axis)?;
    let divergent = data.geometry.orbit.as_ref().is_some_and(|orbit| orbit.source_to_axis.is_some());
    let (fbp, fdk) = (fbp::Config::default(), fdk::Config::default());
    let method: &dyn Algorithm = if divergent { &fdk } else { &fbp };
    let problem = Problem::xrays(&data, &grid, MU_WATER_PER_MM);
    if method.accept(&problem.setup()).is_err() {
        return Ok(None);
    }
    let mut run = Run::quiet(choose(DeviceRequest::Cpu)?.device, 0);
    let Ok(made) = method.reconstruct(&problem, &mut run) else { return Ok(None) };
    Ok(factor(&made.volume, &data).filter(|factor| !RIGHT.contains(factor)).map(|factor| {
        let message = format!(
            "the measured line integrals are {factor:.2} times those of a quick {} of one slice: are the angles those \
             of the views?",
            if divergent { "FDK" } else { "FBP" }
        );
        Finding::odd("scale_off", message)
    }))
}

/// ⟨A x, y⟩ / ⟨A x, A x⟩; `None` for an empty volume.
fn factor(volume: &Volume, data: &Projections) -> Option<f64> {
    let mut reprojected = vec![0.0; data.geometry.samples()];
    let Projections { geometry, .. } = data;
    joseph::forward(&volume.grid, &geometry.views, &geometry.detector, volume.as_slice(), &mut reprojected);
    let (mut both, mut own) = (0.0, 0.0);
    for (&found, &given) in reprojected.iter().zip(data.as_slice()) {
        both += f64::from(found) * f64::from(given);
        own += f64::from(found).powi(2);
    }
    (own > 0.0).then_some(both / own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Grid, Quantity};
    use crate::geometries::GeometryKind;
    use crate::registry::OneOf;

    #[test]
    fn a_volume_that_is_too_dense_is_told_by_its_factor() {
        let grid = Grid::centered([1, 20, 20], [1.0; 3], [0.0; 3]).unwrap();
        let kind: OneOf<GeometryKind> = serde_yaml::from_str("parallel: {views: 12}").unwrap();
        let geometry = kind.kind.build(&grid).unwrap();
        let disk = |mu: f32| {
            let inside = |i: usize| (i as f64 % 20.0 - 9.5).hypot((i / 20) as f64 - 9.5) < 7.0;
            let values = (0..400).map(|i| if inside(i) { mu } else { 0.0 }).collect();
            Volume::from_vec(grid.clone(), Quantity::Attenuation, values).unwrap()
        };
        let mut y = vec![0.0; geometry.samples()];
        joseph::forward(&grid, &geometry.views, &geometry.detector, disk(0.02).as_slice(), &mut y);
        let data = Projections::from_vec(geometry, y).unwrap();
        assert!((factor(&disk(0.02), &data).unwrap() - 1.0).abs() < 1e-6);
        assert!((factor(&disk(0.06), &data).unwrap() - 1.0 / 3.0).abs() < 1e-6);
        assert!(factor(&disk(0.0), &data).is_none());
    }
}
