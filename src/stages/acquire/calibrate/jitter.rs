//! Shift of every single view against the others, found alternately with the volume by matching projections to
//! reprojections (D. Gürsoy et al., Scientific Reports 7 (2017) 11818).
//!
//! A part of the shifts is equivalent to a shift of the object, a wrong centre or a drift, and is no jitter. It is
//! removed: from the column shifts the components along 1, cos θ, sin θ and the position in the scan, from the row
//! shifts the mean. A ridge (Tikhonov) term of a tenth of the views' mean curvature keeps views with little contrast
//! near 0.

use super::newton::solved;
use super::pose::{Pose, Shift};
use super::small::Small;
use crate::data::{Geometry, Volume};
use crate::error::Result;
use crate::progress::StopSignal;

/// Number of alternations of volume and shifts, and of steps of a view against a fixed volume.
const TURNS: usize = 8;
const STEPS: usize = 3;
/// Weight of the ridge term, as a fraction of the mean curvature.
const RIDGE: f64 = 0.1;

/// Shift of every view of the whole scan; the copy must contain all views.
///
/// # Errors
/// Too little memory, or a stop.
pub(crate) fn found(small: &Small, geometry: &Geometry, start: &Pose, stop: &dyn StopSignal) -> Result<Vec<Shift>> {
    let seen = small.views(false);
    let mut pose = Pose { shifts: vec![[0.0; 2]; geometry.views.len()], ..start.clone() };
    for _ in 0..TURNS {
        stop.check_stop()?;
        let volume = small.volume(&seen, &pose.values, &pose.shifts)?;
        step(small, &volume, &seen, &mut pose);
        without_gauge(&mut pose.shifts, &small.numbers(&seen), geometry);
    }
    let volume = small.volume(&seen, &pose.values, &pose.shifts)?;
    Ok(aligned(small, &volume, &small.views(true), &pose))
}

/// The shifts of `pose`, with those of `views` (indices in the copy) aligned to a fixed volume.
pub(crate) fn aligned(small: &Small, volume: &Volume, views: &[usize], pose: &Pose) -> Vec<Shift> {
    let mut pose = pose.clone();
    let all = small.numbers(views).into_iter().max().map_or(0, |last| last + 1);
    pose.shifts.resize(pose.shifts.len().max(all), [0.0; 2]);
    for _ in 0..STEPS {
        step(small, volume, views, &mut pose);
    }
    pose.shifts
}

/// One Gauss–Newton step of each view against a fixed volume.
fn step(small: &Small, volume: &Volume, views: &[usize], pose: &mut Pose) {
    let half = small.bin.map(|n| 0.5 * n as f64);
    let left = small.left(volume, views, &pose.values, &pose.shifts);
    let slopes = slopes(small, volume, views, pose);
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let ridge: Vec<f64> = slopes.iter().map(|a| RIDGE * product(a, a) / views.len() as f64).collect();
    for (i, &number) in small.numbers(views).iter().enumerate() {
        let part = i * small.per_view()..(i + 1) * small.per_view();
        let of = |a: &[f32]| a[part.clone()].to_vec();
        let own: Vec<Vec<f32>> = slopes.iter().map(|a| of(a)).collect();
        let rest = of(&left);
        let mut matrix: Vec<Vec<f64>> = own.iter().map(|a| own.iter().map(|b| product(a, b)).collect()).collect();
        (0..own.len()).for_each(|k| matrix[k][k] += ridge[k]);
        let Some(found) = solved(matrix, own.iter().map(|a| product(a, &rest)).collect()) else { continue };
        // No view moves by more than one pixel of the copy per step.
        let clipped: Vec<f64> = found.iter().map(|x| x.clamp(-2.0, 2.0)).collect();
        pose.shifts[number][1] -= clipped[0] * half[1];
        if let Some(rows) = clipped.get(1) {
            pose.shifts[number][0] -= rows * half[0];
        }
    }
}

/// Half the change of the residual when all views shift from minus to plus half a pixel of the copy, along the columns
/// and, where there are several, along the rows.
fn slopes(small: &Small, volume: &Volume, views: &[usize], pose: &Pose) -> Vec<Vec<f32>> {
    let half = small.bin.map(|n| 0.5 * n as f64);
    let aside = |by: Shift| {
        let shifts: Vec<Shift> = pose.shifts.iter().map(|shift| [shift[0] + by[0], shift[1] + by[1]]).collect();
        small.left(volume, views, &pose.values, &shifts)
    };
    let slope = |by: Shift| -> Vec<f32> {
        let (above, below) = (aside(by), aside(by.map(|x| -x)));
        above.iter().zip(&below).map(|(a, b)| (a - b) / 2.0).collect()
    };
    let mut slopes = vec![slope([0.0, half[1]])];
    if small.pixels[0] > 1 {
        slopes.push(slope([half[0], 0.0]));
    }
    slopes
}

/// Removes from the shifts of these views what is equivalent to a shift of the object, a wrong centre or a drift.
fn without_gauge(shifts: &mut [Shift], views: &[usize], geometry: &Geometry) {
    let Some(orbit) = &geometry.orbit else { return };
    let last = geometry.views.len().max(2) as f64 - 1.0;
    let basis = |i: usize| {
        let (sin, cos) = orbit.angles[i].sin_cos();
        [1.0, cos, sin, i as f64 / last - 0.5]
    };
    let mut matrix = vec![vec![0.0; 4]; 4];
    let mut right = vec![0.0; 4];
    let mean = views.iter().map(|&i| shifts[i][0]).sum::<f64>() / views.len().max(1) as f64;
    for &i in views {
        let row = basis(i);
        for a in 0..4 {
            right[a] += row[a] * shifts[i][1];
            (0..4).for_each(|b| matrix[a][b] += row[a] * row[b]);
        }
    }
    // Regularised, because over half a turn a drift and a shift of the object are almost equivalent.
    (0..4).for_each(|a| matrix[a][a] += 1e-6 * views.len() as f64);
    let Some(part) = solved(matrix, right) else { return };
    for &i in views {
        shifts[i][0] -= mean;
        shifts[i][1] -= basis(i).iter().zip(&part).map(|(a, b)| a * b).sum::<f64>();
    }
}
