//! Turns ideal line integrals into those that a detector reports, applying the effects in physical order:
//!
//! 1. scatter is added to the primary signal;
//! 2. the flux of the view changes (drift);
//! 3. photons are counted (Poisson noise);
//! 4. the signal is blurred (scintillator, crosstalk);
//! 5. bad pixels report only a fraction of their signal;
//! 6. electronic noise is added;
//! 7. −ln of the signal over the flux of the air scan is taken;
//! 8. bad pixels are interpolated.
//!
//! An effect that is off does not change the result at all (bit-identical).

use super::bad_pixels::{self, BadPixelsConfig, Repair};
use super::blur::BlurConfig;
use super::drift::DriftConfig;
use super::kernel::Smoothing;
use super::noise::{NoiseConfig, Normalisation};
use super::scatter::ScatterConfig;
use crate::data::{Projections, Warning, Warnings};
use crate::error::{Error, Result};
use rayon::prelude::*;

/// The detector effects to simulate; `None` switches an effect off.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Effects<'a> {
    /// Photon (quantum) and electronic noise.
    pub noise: Option<&'a NoiseConfig>,
    /// Scattered radiation.
    pub scatter: Option<&'a ScatterConfig>,
    /// Drift of the source's flux from view to view.
    pub flux_drift: Option<&'a DriftConfig>,
    /// Detector blur and crosstalk.
    pub blur: Option<&'a BlurConfig>,
    /// Defective pixels.
    pub bad_pixels: Option<&'a BadPixelsConfig>,
}

impl Effects<'_> {
    /// Checks all effects for a detector of `rows` x `columns` pixels.
    ///
    /// # Errors
    /// An invalid value, with its key; effects that cannot be combined.
    pub fn check(&self, rows: usize, columns: usize) -> Result<()> {
        self.noise.map_or(Ok(()), |noise| noise.check().map_err(|error| error.under("noise")))?;
        self.scatter.map_or(Ok(()), |scatter| scatter.check().map_err(|error| error.under("scatter")))?;
        self.flux_drift.map_or(Ok(()), |drift| drift.check().map_err(|error| error.under("flux_drift")))?;
        self.blur.map_or(Ok(()), |blur| blur.check().map_err(|error| error.under("blur")))?;
        self.bad_pixels.map_or(Ok(()), |bad| bad.check(rows, columns).map_err(|error| error.under("bad_pixels")))?;
        if self.bad_pixels.is_some_and(|bad| bad.response == 0.0 && bad.repair == Repair::Keep) && self.noise.is_none()
        {
            return Err(Error::config(
                "bad_pixels.response",
                "expected more than 0 without noise, got 0: the line integral of a dead pixel would be infinite",
            )
            .hint("add `noise`, or `repair: interpolate`"));
        }
        let others =
            [self.scatter.is_some(), self.flux_drift.is_some(), self.blur.is_some(), self.bad_pixels.is_some()];
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

/// Returns the projections as the detector reports them, with warnings about pixels without photons and bad pixels.
/// Random numbers come from streams keyed by (seed, effect, view), so the result depends neither on the number of
/// threads nor on which other effects are on, bit by bit.
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

/// The parts of the detector model that are the same in every view.
struct Detector<'a> {
    effects: Effects<'a>,
    seed: u64,
    columns: usize,
    /// Number of photons that reach a pixel through air; 1 without noise.
    photons: f64,
    /// Divisor of the line integrals before the exponential; see [`Normalisation`].
    scale: f64,
    scatter: Vec<f64>,
    smoothing: Option<Smoothing>,
    /// Mask of bad pixels `[row, column]`; empty without the effect.
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

    /// Expected number of photons, primary and scattered, that reach each pixel in a view.
    fn incident(&self, pixels: &[f32], view: usize, views: usize) -> Vec<f64> {
        let mut signal: Vec<f64> = pixels.iter().map(|&p| self.photons * (-f64::from(p) / self.scale).exp()).collect();
        if let Some(scatter) = self.scatter.chunks_exact(pixels.len()).nth(view) {
            signal.iter_mut().zip(scatter).for_each(|(signal, scatter)| *signal += self.photons * scatter);
        }
        if let Some(drift) = self.effects.flux_drift {
            let flux = drift.factor(view, views, self.seed);
            for signal in &mut signal {
                *signal *= flux;
            }
        }
        for signal in &mut signal {
            *signal = signal.min(f64::MAX);
        }
        signal
    }

    /// Measures one view in place; returns the number of pixels that counted less than one photon.
    fn expose(&self, pixels: &mut [f32], view: usize, views: usize) -> u64 {
        let mut signal = self.incident(pixels, view, views);
        let electronic = self.effects.noise.map(|noise| noise.count(&mut signal, self.seed, view)).unwrap_or_default();
        if let Some(smoothing) = &self.smoothing {
            smoothing.apply(&mut signal, self.columns);
        }
        if let Some(bad_pixels) = self.effects.bad_pixels {
            signal
                .iter_mut()
                .zip(&self.bad)
                .filter(|(_, bad)| **bad)
                .for_each(|(signal, _)| *signal *= bad_pixels.response);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Detector as Pixels, DetectorShape, Geometry, Source, View};

    const ROWS: usize = 20;
    const COLUMNS: usize = 60;

    /// Views of pixels of 1 mm, each holding `p(view, row, column)`.
    fn of(views: usize, p: impl Fn(usize, usize, usize) -> f64) -> Projections {
        let view = View {
            source: Source::Direction([1.0, 0.0, 0.0]),
            center: [0.0; 3],
            u: [0.0, 1.0, 0.0],
            v: [0.0, 0.0, 1.0],
        };
        let geometry =
            Geometry::new(vec![view; views], Pixels { rows: ROWS, columns: COLUMNS, shape: DetectorShape::Flat }, None)
                .unwrap();
        let at = |i: usize| p(i / (ROWS * COLUMNS), i / COLUMNS % ROWS, i % COLUMNS) as f32;
        Projections::from_vec(geometry, (0..views * ROWS * COLUMNS).map(at).collect()).unwrap()
    }

    fn measured(ideal: &Projections, effects: &Effects) -> Vec<f64> {
        measure(ideal.clone(), effects, 5).unwrap().0.as_slice().iter().map(|&p| f64::from(p)).collect()
    }

    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
    }

    #[test]
    fn what_is_off_changes_no_bit() {
        let ideal = of(3, |view, row, column| 0.1 * view as f64 + 0.01 * row as f64 + 0.003 * column as f64);
        assert_eq!(measure(ideal.clone(), &Effects::default(), 5).unwrap().0, ideal);
        let noise = NoiseConfig::default();
        let alone = measured(&ideal, &Effects { noise: Some(&noise), ..Effects::default() });
        let (scatter, drift) = (ScatterConfig { ratio: 0.0, ..ScatterConfig::default() }, DriftConfig::default());
        let bad = BadPixelsConfig { fraction: 0.0, ..BadPixelsConfig::default() };
        let (blur, seed_free) = (BlurConfig::default(), Effects { noise: Some(&noise), ..Effects::default() });
        let nothing = Effects {
            scatter: Some(&scatter),
            flux_drift: Some(&drift),
            blur: Some(&blur),
            bad_pixels: Some(&bad),
            ..seed_free
        };
        assert_eq!(measured(&ideal, &nothing), alone);
    }

    #[test]
    fn drift_shifts_whole_views_by_the_logarithm_of_the_flux() {
        let ideal = of(5, |_, row, _| 0.1 * row as f64);
        let drift = DriftConfig { trend: -0.2, sd: 0.0 };
        let found = measured(&ideal, &Effects { flux_drift: Some(&drift), ..Effects::default() });
        for (i, (p, exact)) in found.iter().zip(ideal.as_slice()).enumerate() {
            let time = (i / (ROWS * COLUMNS)) as f64 / 4.0;
            assert!((p - f64::from(*exact) + (1.0 - 0.2 * time).ln()).abs() < 1e-6, "sample {i}");
        }
        let logarithms: Vec<f64> =
            (0..4000).map(|view| DriftConfig { trend: 0.0, sd: 0.05 }.factor(view, 4000, 9).ln()).collect();
        let (mean, variance) = moments(&logarithms);
        assert!(mean.abs() < 0.003 && (variance.sqrt() / 0.05 - 1.0).abs() < 0.04, "{mean} {variance}");
    }

    #[test]
    fn an_edge_is_blurred_to_the_normal_distribution_and_crosstalk_damps_waves() {
        // Intensity 1 right of the middle, 1/2 left of it; Phi of half-integer multiples of 1/3 from tables;
        // the discrete Gaussian of 3 pixels is within 0.003 of it.
        let edge = of(1, |_, _, column| if column < 30 { 2f64.ln() } else { 0.0 });
        let blur = BlurConfig { sd_mm: 3.0, crosstalk: 0.0 };
        let found = measured(&edge, &Effects { blur: Some(&blur), ..Effects::default() });
        for (column, phi) in [(30, 0.566_184), (31, 0.691_462), (33, 0.878_327), (29, 0.433_816), (27, 0.202_328)] {
            let intensity = (-found[10 * COLUMNS + column]).exp();
            assert!((intensity - 0.5 - 0.5 * phi).abs() < 3e-3, "column {column}: {intensity}");
        }
        let wave = of(1, |_, _, column| -(1.0 + 0.5 * (std::f64::consts::TAU * column as f64 / 6.0).cos()).ln());
        let crosstalk = BlurConfig { sd_mm: 0.0, crosstalk: 0.1 };
        let found = measured(&wave, &Effects { blur: Some(&crosstalk), ..Effects::default() });
        let damped = 1.0 - 0.2 * (1.0 - (std::f64::consts::TAU / 6.0).cos());
        for column in 6..54 {
            let exact = 1.0 + 0.5 * damped * (std::f64::consts::TAU * column as f64 / 6.0).cos();
            assert!(((-found[10 * COLUMNS + column]).exp() - exact).abs() < 1e-6, "column {column}");
        }
    }

    #[test]
    fn photon_noise_is_blurred_and_electronic_noise_is_not() {
        let flat = of(30, |_, _, _| 0.0);
        let blur = BlurConfig { sd_mm: 1.0, crosstalk: 0.0 };
        let spread = |electronic_sd: f64| {
            let noise = NoiseConfig { photons: 1e4, electronic_sd, ..NoiseConfig::default() };
            let found = measured(&flat, &Effects { noise: Some(&noise), blur: Some(&blur), ..Effects::default() });
            let inner: Vec<f64> = (0..found.len())
                .filter(|i| (5..15).contains(&(i / COLUMNS % ROWS)) && (5..55).contains(&(i % COLUMNS)))
                .map(|i| found[i])
                .collect();
            moments(&inner).1
        };
        // Sum of squares of the kernel e^-1 I_k(1), once for each direction: (e^-2 I_0(2))^2 = 0.308508^2.
        let photons = 1e-4 * 0.308_508f64.powi(2);
        assert!((spread(0.0) / photons - 1.0).abs() < 0.06, "{}", spread(0.0));
        assert!((spread(100.0) / (photons + 1e-4) - 1.0).abs() < 0.04, "{}", spread(100.0));
    }

    #[test]
    fn bad_pixels_are_the_same_in_every_view_and_read_too_little() {
        let ideal = of(3, |_, row, column| 1.0 + 0.02 * column as f64 + 0.01 * row as f64);
        let bad = BadPixelsConfig { fraction: 0.02, rows: 2, columns: 1, response: 0.25, repair: Repair::Keep };
        let found = measured(&ideal, &Effects { bad_pixels: Some(&bad), ..Effects::default() });
        let excess: Vec<bool> =
            found.iter().zip(ideal.as_slice()).map(|(p, exact)| p - f64::from(*exact) > 0.1).collect();
        for (i, (p, exact)) in found.iter().zip(ideal.as_slice()).enumerate() {
            let shift = if excess[i] { 4f64.ln() } else { 0.0 };
            assert!(
                (p - f64::from(*exact) - shift).abs() < 1e-5 && excess[i] == excess[i % (ROWS * COLUMNS)],
                "sample {i}"
            );
        }
        let whole_rows = (0..ROWS).filter(|row| excess[row * COLUMNS..][..COLUMNS].iter().all(|bad| *bad)).count();
        let whole_columns = (0..COLUMNS).filter(|column| (0..ROWS).all(|row| excess[row * COLUMNS + column])).count();
        assert_eq!((whole_rows, whole_columns), (2, 1));
    }

    #[test]
    fn interpolation_gives_back_line_integrals_that_are_linear_and_warns() {
        let ideal = of(2, |view, row, column| 0.5 + view as f64 + 0.02 * column as f64 + 0.01 * row as f64);
        let bad = BadPixelsConfig { fraction: 0.05, columns: 2, response: 0.0, ..BadPixelsConfig::default() };
        let (found, warnings) =
            measure(ideal.clone(), &Effects { bad_pixels: Some(&bad), ..Effects::default() }, 3).unwrap();
        let inner = |i: &usize| (3..17).contains(&(i / COLUMNS % ROWS)) && (4..56).contains(&(i % COLUMNS));
        let worst = (0..found.as_slice().len())
            .filter(inner)
            .map(|i| (found.as_slice()[i] - ideal.as_slice()[i]).abs())
            .fold(0.0, f32::max);
        assert!(worst < 0.02, "{worst}");
        assert_eq!(warnings[0].code, "bad_pixels");
        assert!(warnings[0].message.contains("of 1200 detector pixels"), "{}", warnings[0].message);
    }

    #[test]
    fn scatter_has_its_ratio_is_smooth_and_lowers_line_integrals() {
        let ideal = of(2, |view, row, column| {
            let r = ((column as f64 - 29.5 + 3.0 * view as f64) / 15.0).hypot((row as f64 - 9.5) / 8.0);
            if r < 1.0 { 4.0 * (1.0 - r * r).sqrt() } else { 0.0 }
        });
        let scatter = ScatterConfig { ratio: 0.3, sd_mm: 10.0 };
        let found = measured(&ideal, &Effects { scatter: Some(&scatter), ..Effects::default() });
        let (mut scattered, mut primary) = (0.0, 0.0);
        for (p, exact) in found.iter().zip(ideal.as_slice()).filter(|(_, exact)| **exact > 0.2) {
            scattered += (-p).exp() - (-f64::from(*exact)).exp();
            primary += (-f64::from(*exact)).exp();
        }
        assert!((scattered / primary - 0.3).abs() < 0.01, "{}", scattered / primary);
        let lost: Vec<f64> =
            found.iter().zip(ideal.as_slice()).map(|(p, exact)| (-p).exp() - (-f64::from(*exact)).exp()).collect();
        assert!(lost.iter().all(|s| *s >= -1e-7));
        let row = &lost[10 * COLUMNS..11 * COLUMNS];
        let steepest = row.windows(2).map(|w| (w[0] - w[1]).abs()).fold(0.0, f64::max);
        // A Gaussian of 10 pixels cannot fall by more than 1/(10 sqrt(2 pi e)) of its weight a pixel.
        assert!(steepest < 0.05 * row.iter().copied().fold(0.0, f64::max), "{steepest}");
        assert!(row[29] > row[2], "most in the shadow");
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let ideal = of(4, |view, row, column| 0.2 * view as f64 + 0.05 * row as f64 + 0.01 * column as f64);
        let (noise, scatter, drift) =
            (NoiseConfig::default(), ScatterConfig { ratio: 0.2, sd_mm: 8.0 }, DriftConfig { trend: 0.1, sd: 0.02 });
        let (blur, bad) = (BlurConfig { sd_mm: 0.7, crosstalk: 0.02 }, BadPixelsConfig::default());
        let effects = Effects {
            noise: Some(&noise),
            scatter: Some(&scatter),
            flux_drift: Some(&drift),
            blur: Some(&blur),
            bad_pixels: Some(&bad),
        };
        let with = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| measured(&ideal, &effects))
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn impossible_effects_are_named_with_their_key() {
        let fault = |effects: Effects| effects.check(ROWS, COLUMNS).unwrap_err().to_string();
        let all = Effects::default();
        assert!(
            fault(Effects { blur: Some(&BlurConfig { sd_mm: -1.0, crosstalk: 0.0 }), ..all }).starts_with("blur.sd_mm")
        );
        assert!(
            fault(Effects { blur: Some(&BlurConfig { sd_mm: 0.0, crosstalk: 0.5 }), ..all })
                .starts_with("blur.crosstalk")
        );
        assert!(
            fault(Effects { scatter: Some(&ScatterConfig { ratio: f64::NAN, sd_mm: 9.0 }), ..all })
                .starts_with("scatter.ratio")
        );
        assert!(
            fault(Effects { flux_drift: Some(&DriftConfig { trend: -1.0, sd: 0.0 }), ..all })
                .starts_with("flux_drift.trend")
        );
        let bad = BadPixelsConfig { rows: 11, ..BadPixelsConfig::default() };
        assert!(fault(Effects { bad_pixels: Some(&bad), ..all }).starts_with("bad_pixels.rows"));
        let dead = BadPixelsConfig { response: 0.0, repair: Repair::Keep, ..BadPixelsConfig::default() };
        assert!(fault(Effects { bad_pixels: Some(&dead), ..all }).starts_with("bad_pixels.response"));
        let peak = NoiseConfig { normalisation: Normalisation::Peak, ..NoiseConfig::default() };
        let drift = DriftConfig::default();
        assert!(
            fault(Effects { noise: Some(&peak), flux_drift: Some(&drift), ..all }).starts_with("noise.normalisation")
        );
    }
}
