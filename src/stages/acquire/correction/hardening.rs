//! Correction of beam hardening by one material: the average attenuation of a polychromatic beam falls with the path
//! length, so that the measured line integrals p are a concave function of the length. They become linear with the
//! polynomial p + a2 p² + a3 p³ + ..., whose scale is that of a thin object (G. T. Herman, Phys. Med. Biol. 24, 81,
//! 1979).
//!
//! `auto` searches for the a2 with which a quick reconstruction explains the data best. The views of a round object
//! agree for every a2; then nothing is changed, and a warning says so.

use super::{Corrections, Hardening, taken};
use crate::data::{Warning, Warnings};
use crate::error::Result;
use ndarray::Array3;

/// Largest a2, multiplied by the largest line integral: the correction at most doubles that line integral.
const MOST: f64 = 1.0;
/// Number of values in the coarse search, and of halvings of the step after it.
const TRIES: usize = 8;
const HALVINGS: usize = 5;
/// The residual must fall below this fraction of its initial value, or nothing is changed.
const BETTER: f64 = 0.97;

/// Corrects the line integrals as configured. `residual` returns the residual of a quick reconstruction of given data.
///
/// # Errors
/// The error of `residual`.
pub(in crate::stages::acquire) fn straightened(
    integrals: &mut Array3<f32>,
    corrections: &Corrections,
    residual: &dyn Fn(&Array3<f32>) -> Result<f64>,
) -> Result<Warnings> {
    let (list, how) = match &corrections.beam_hardening {
        None => return Ok(Warnings::new()),
        Some(Hardening::Coefficients(list)) => (list.clone(), "as given".to_string()),
        Some(Hardening::Found(_)) => {
            let found = search(integrals, residual)?;
            let (before, after) = (100.0 * found.before, 100.0 * found.after);
            if found.after > BETTER * found.before {
                let message = format!(
                    "the data do not determine their beam hardening (a quick reconstruction leaves {before:.2} % \
                     unexplained, {after:.2} % at best) and are not changed"
                );
                return Ok(vec![Warning::new("hardening_not_found", message)]);
            }
            (vec![found.a2], format!("found; {after:.2} % stay unexplained instead of {before:.2} %"))
        }
    };
    let before = integrals.clone();
    integrals.mapv_inplace(|p| polynomial(&list, p));
    let what = format!("beam hardening: the polynomial with {list:.5?} ({how})");
    Ok(vec![taken("hardening_corrected", &what, &before, integrals)])
}

/// p + a2 p² + a3 p³ + ... Values of 0 and below, which are noise in air, stay as they are.
fn polynomial(list: &[f64], p: f32) -> f32 {
    if p <= 0.0 {
        return p;
    }
    let p = f64::from(p);
    let more = list.iter().rev().fold(0.0, |sum, a| (sum + a) * p);
    (p + more * p) as f32
}

/// The best a2, and the residuals without and with it.
struct Found {
    a2: f64,
    before: f64,
    after: f64,
}

fn search(integrals: &Array3<f32>, residual: &dyn Fn(&Array3<f32>) -> Result<f64>) -> Result<Found> {
    let high = f64::from(integrals.iter().copied().fold(0.0f32, f32::max));
    let before = residual(integrals)?;
    let mut best = (0.0, before);
    if high <= 0.0 {
        return Ok(Found { a2: 0.0, before, after: before });
    }
    let largest = MOST / high;
    let at = |a2: f64| residual(&integrals.mapv(|p| polynomial(&[a2], p)));
    for step in 1..=TRIES {
        try_coefficient(&mut best, largest * step as f64 / TRIES as f64, &at)?;
    }
    let mut step = largest / TRIES as f64 / 2.0;
    for _ in 0..HALVINGS {
        for a2 in [best.0 - step, best.0 + step].into_iter().filter(|a2| *a2 > 0.0) {
            try_coefficient(&mut best, a2, &at)?;
        }
        step /= 2.0;
    }
    Ok(Found { a2: best.0, before, after: best.1 })
}

/// Replaces the `best` coefficient and its residual if `a2` leaves a smaller one.
fn try_coefficient(best: &mut (f64, f64), a2: f64, residual: &dyn Fn(f64) -> Result<f64>) -> Result<()> {
    let left = residual(a2)?;
    if left < best.1 {
        *best = (a2, left);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrections(beam_hardening: Hardening) -> Corrections {
        Corrections { beam_hardening: Some(beam_hardening), ..Corrections::default() }
    }

    #[test]
    fn coefficients_are_those_of_powers_and_air_stays() {
        let mut data = Array3::from_shape_vec((1, 1, 4), vec![-0.1, 0.0, 1.0, 2.0]).unwrap();
        let given = corrections(Hardening::Coefficients(vec![0.1, 0.01]));
        let warnings = straightened(&mut data, &given, &|_| Ok(0.0)).unwrap();
        let found: Vec<f32> = data.iter().copied().collect();
        for (found, expected) in found.iter().zip([-0.1f32, 0.0, 1.11, 2.48]) {
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        }
        assert_eq!(warnings[0].code, "hardening_corrected");
    }

    #[test]
    fn the_coefficient_is_found_where_the_residual_tells_it_and_left_alone_where_not() {
        // Data that become linear with a2 = 0.06; the residual is their distance from a straight line.
        let straight = |i: usize| 0.2 * i as f64;
        let hardened = |p: f64| (-1.0 + (1.0 + 4.0 * 0.06 * p).sqrt()) / (2.0 * 0.06);
        let measured = Array3::from_shape_fn((1, 1, 16), |(_, _, i)| hardened(straight(i)) as f32);
        let residual = |data: &Array3<f32>| {
            // Least-squares fit of a multiple of the straight line.
            let (mut both, mut own, mut all) = (0.0, 0.0, 0.0);
            for (i, &value) in data.iter().enumerate() {
                let value = f64::from(value);
                both += value * straight(i);
                own += straight(i).powi(2);
                all += value * value;
            }
            Ok((1.0 - both * both / (own * all)).max(0.0).sqrt() + 1e-3)
        };
        let auto = corrections(Hardening::Found(super::super::AutoHardening::Auto));
        let mut data = measured.clone();
        let warnings = straightened(&mut data, &auto, &residual).unwrap();
        assert_eq!(warnings[0].code, "hardening_corrected");
        for (i, &value) in data.iter().enumerate() {
            assert!((f64::from(value) - straight(i)).abs() < 0.05 * straight(i) + 1e-6, "{i}: {value}");
        }
        let mut same = measured.clone();
        let warnings = straightened(&mut same, &auto, &|_| Ok(0.02)).unwrap();
        assert!(warnings[0].code == "hardening_not_found" && same == measured);
    }
}
