//! From ideal line integrals to what a detector reports, effect by effect, in the order in which they happen:
//!
//! 1. scatter falls on the detector beside the primary;  2. the flux of the view;  3. photons are counted (Poisson);  4. their light
//! spreads (blur, crosstalk);  5. bad pixels read a part of it;  6. electronic noise;  7. −ln over the flux of the air scan;  8. bad
//! pixels are interpolated. What is off changes no bit.

use super::bad_pixels::{self, BadPixelsConfig, Repair};
use super::blur::BlurConfig;
use super::drift::DriftConfig;
use super::kernel::Smoothing;
use super::noise::{NoiseConfig, Normalisation};
use super::scatter::ScatterConfig;
use crate::data::{Projections, Warning, Warnings};
use crate::error::{Error, Result};
use rayon::prelude::*;

/// The effects that are on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Effects<'a> {
    /// Photon and electronic noise.
    pub noise: Option<&'a NoiseConfig>,
    /// Scatter.
    pub scatter: Option<&'a ScatterConfig>,
    /// Flux drift.
    pub flux_drift: Option<&'a DriftConfig>,
    /// Blur and crosstalk.
    pub blur: Option<&'a BlurConfig>,
    /// Bad pixels.
    pub bad_pixels: Option<&'a BadPixelsConfig>,
}

impl Effects<'_> {
    /// Whether the numbers make sense on a detector of so many pixels.
    ///
    /// # Errors
    /// What the effects say, with their key; effects that cannot go together.
    pub fn check(&self, rows: usize, columns: usize) -> Result<()> {
        self.noise.map_or(Ok(()), |noise| noise.check().map_err(|error| error.under("noise")))?;
        self.scatter.map_or(Ok(()), |scatter| scatter.check().map_err(|error| error.under("scatter")))?;
        self.flux_drift.map_or(Ok(()), |drift| drift.check().map_err(|error| error.under("flux_drift")))?;
        self.blur.map_or(Ok(()), |blur| blur.check().map_err(|error| error.under("blur")))?;
        self.bad_pixels.map_or(Ok(()), |bad| bad.check(rows, columns).map_err(|error| error.under("bad_pixels")))?;
        if self.bad_pixels.is_some_and(|bad| bad.response == 0.0 && bad.repair == Repair::Keep) && self.noise.is_none() {
            return Err(Error::config("bad_pixels.response", "expected more than 0 without noise, got 0: the logarithm has no floor")
                .hint("add `noise`, or `repair: interpolate`"));
        }
        let others = [self.scatter.is_some(), self.flux_drift.is_some(), self.blur.is_some(), self.bad_pixels.is_some()];
        if self.noise.is_some_and(|noise| noise.normalisation == Normalisation::Peak) && others.contains(&true) {
            return Err(Error::config("noise.normalisation", "`peak` is a published protocol without other effects")
                .hint("use `physical`, or leave scatter, flux_drift, blur and bad_pixels out"));
        }
        Ok(())
    }

    fn any(&self) -> bool {
        *self != Effects::default()
    }
}

/// The projections as the detector reports them. Random numbers are streams keyed by (seed, effect, view), so the bits depend neither
/// on the number of threads nor on which other effects are on. Warns of pixels without photons and of bad pixels.
///
/// # Errors
/// As [`Effects::check`].
pub fn measure(ideal: Projections, effects: &Effects, seed: u64) -> Result<(Projections, Warnings)> {
    let [views, rows, columns] = ideal.geometry.shape();
    effects.check(rows, columns)?;
    if !effects.any() {
        return Ok((ideal, Warnings::new()));
    }
    let detector = Detector::new(&ideal, effects, seed);
    let mut values = ideal.as_slice().to_vec();
    let chunks = values.par_chunks_mut(rows * columns).enumerate();
    let starved: u64 = chunks.map(|(view, pixels)| detector.expose(pixels, view, views)).sum();
    let mut warnings = Warnings::new();
    if let Some(noise) = effects.noise.filter(|_| starved > 0) {
        warnings.push(Warning::new("noise_clamped", noise.starved(starved, values.len())));
    }
    warnings.extend(effects.bad_pixels.map(|bad| bad.warning(&detector.bad)).unwrap_or_default());
    Ok((Projections::from_vec(ideal.geometry, values)?, warnings))
}

/// What is the same in every view.
struct Detector<'a> {
    effects: Effects<'a>,
    seed: u64,
    columns: usize,
    /// Photons that reach a pixel through air; 1 where they are not counted.
    photons: f64,
    /// What line integrals are divided by first.
    scale: f64,
    scatter: Vec<f64>,
    smoothing: Option<Smoothing>,
    /// Empty if no pixel is.
    bad: Vec<bool>,
}

impl<'a> Detector<'a> {
    fn new(ideal: &Projections, effects: &Effects<'a>, seed: u64) -> Self {
        let [_, rows, columns] = ideal.geometry.shape();
        Self {
            effects: *effects,
            seed,
            columns,
            photons: effects.noise.map_or(1.0, |noise| noise.photons),
            scale: effects.noise.map_or(1.0, |noise| noise.scale(ideal.as_slice())),
            scatter: effects.scatter.map(|scatter| scatter.of(ideal)).unwrap_or_default(),
            smoothing: effects.blur.map(|blur| blur.smoothing(&ideal.geometry)),
            bad: effects.bad_pixels.map(|bad| bad.mask(rows, columns, seed)).unwrap_or_default(),
        }
    }

    /// Measures one view in place; returns how many pixels were starved.
    fn expose(&self, pixels: &mut [f32], view: usize, views: usize) -> u64 {
        let mut signal: Vec<f64> = pixels.iter().map(|&p| self.photons * (-f64::from(p) / self.scale).exp()).collect();
        if let Some(scatter) = self.scatter.chunks_exact(pixels.len()).nth(view) {
            signal.iter_mut().zip(scatter).for_each(|(signal, scatter)| *signal += self.photons * scatter);
        }
        if let Some(drift) = self.effects.flux_drift {
            let flux = drift.factor(view, views, self.seed);
            signal.iter_mut().for_each(|signal| *signal *= flux);
        }
        signal.iter_mut().for_each(|signal| *signal = signal.min(f64::MAX));
        let electronic = self.effects.noise.map(|noise| noise.count(&mut signal, self.seed, view)).unwrap_or_default();
        if let Some(smoothing) = &self.smoothing {
            smoothing.apply(&mut signal, self.columns);
        }
        if let Some(bad_pixels) = self.effects.bad_pixels {
            signal.iter_mut().zip(&self.bad).filter(|(_, bad)| **bad).for_each(|(signal, _)| *signal *= bad_pixels.response);
        }
        signal.iter_mut().zip(&electronic).for_each(|(signal, noise)| *signal += noise);
        let starved = self.logarithm(&signal, pixels);
        if self.effects.bad_pixels.is_some_and(|bad| bad.repair == Repair::Interpolate) {
            bad_pixels::interpolate(pixels, &self.bad, self.columns);
        }
        starved
    }

    fn logarithm(&self, signal: &[f64], pixels: &mut [f32]) -> u64 {
        let floor = if self.effects.noise.is_some() { 1.0 } else { f64::MIN_POSITIVE };
        let clipped = self.effects.noise.is_some_and(|noise| noise.normalisation == Normalisation::Peak);
        let mut starved = 0;
        for (pixel, &signal) in pixels.iter_mut().zip(signal) {
            starved += u64::from(signal < floor);
            let measured = -(signal.max(floor) / self.photons).ln() * self.scale;
            *pixel = if clipped { measured.max(0.0) as f32 } else { measured as f32 };
        }
        starved
    }
}
