//! From the frames of a file to the line integrals of a scan and a reconstruction grid, including the preflight.

use super::calibrate::Record;
use super::layout::MeasuredLayout;
use super::preflight::{self, Finding};
use super::scan::{self, DetectorKeys};
use super::setup::{AngleUnit, Axis, FirstRow, Preflight, Setup, Values};
use super::trial::Trial;
use super::{axis, calibrate, calibration, correction, defects, posed, refusal};
use crate::data::{Geometry, Grid, MU_WATER_PER_MM, Projections, Warning, Warnings};
use crate::error::{Error, Result};
use crate::formats::measured::Frames;
use crate::geometries::GeometryKind;
use crate::progress::StopSignal;
use crate::registry::{Kinds, OneOf};
use crate::stages::{grid, held_out};
use ndarray::{Array3, s};
use std::path::Path;

/// Result of the preparation.
pub(super) struct Prepared {
    pub(super) projections: Projections,
    /// Held-out views, which no method is given.
    pub(super) held_out: Option<Projections>,
    pub(super) grid: Grid,
    /// Attenuation of water, 1/mm, by which algorithms scale: as given, otherwise such that the object is about as
    /// dense as water.
    pub(super) mu_water: f64,
    pub(super) calibration: Option<Calibration>,
    pub(super) warnings: Warnings,
}

/// Result of a calibration.
pub(super) struct Calibration {
    pub(super) record: Record,
    /// Calibrated geometry of the whole detector in the file, if it differs from the given one.
    pub(super) poses: Option<Geometry>,
}

/// Prepares the data.
pub(super) fn prepare(
    mut frames: Frames,
    setup: &Setup,
    grid: Option<&grid::Config>,
    place: &Path,
    stop: &dyn StopSignal,
) -> Result<Prepared> {
    let kind = setup.geometry.as_ref().ok_or_else(|| Error::config("acquire.geometry", "expected the scan"))?;
    let given = scan::given(kind).map_err(|error| error.under("acquire"))?;
    let mut work = Work { setup, kind, given, place, warnings: std::mem::take(&mut frames.warnings) };
    let layout = work.layout(&frames)?;
    let mut integrals = work.integrals(frames)?;
    stop.check_stop()?;
    let (mut layout, mut geometry) = work.placed(layout, &integrals)?;
    let calibration = work.calibrated(&mut layout, &mut geometry, &integrals, stop)?;
    work.straighten(&mut integrals, &layout)?;
    let grid = chosen_grid(grid, || scan::bounds(&geometry, scan::isocenter(kind)?))?;
    work.look(&integrals, &layout, &geometry, &grid)?;
    let mu_water = setup.mu_water_per_mm.unwrap_or_else(|| density(&integrals, &geometry));
    let (projections, held_out) = apart(Projections::new(geometry, integrals)?, setup.held_out)?;
    Ok(Prepared { projections, held_out, grid, mu_water, calibration, warnings: work.warnings })
}

/// The reconstruction grid: as configured, over the field of view `bounds` unless a file gives the whole grid; by
/// default the field of view itself.
fn chosen_grid(config: Option<&grid::Config>, bounds: impl FnOnce() -> Result<Grid>) -> Result<Grid> {
    let Some(config) = config else { return bounds() };
    let grid = match config.of_file() {
        Some(own) => own,
        None => config.over(&bounds()?),
    };
    grid.map_err(|error| error.under("grid"))
}

/// Splits off the held-out views, if there are any.
fn apart(measured: Projections, count: Option<usize>) -> Result<(Projections, Option<Projections>)> {
    let Some(count) = count else { return Ok((measured, None)) };
    let [kept, out] = held_out::apart(&measured, count).map_err(|error| error.under("acquire"))?;
    Ok((kept, Some(out)))
}

/// Findings after which the scale of a filtered backprojection cannot be judged.
const SPOILS_THE_SCALE: [&str; 6] =
    ["truncated", "air_level", "center_off", "reversed_angles", "inconsistent_views", "limited_arc"];

/// Data shared by the steps.
struct Work<'a> {
    setup: &'a Setup,
    kind: &'a OneOf<GeometryKind>,
    given: DetectorKeys,
    place: &'a Path,
    warnings: Warnings,
}

impl Work<'_> {
    /// Views, angles and pixels after binning. The axis is not known yet.
    fn layout(&mut self, frames: &Frames) -> Result<MeasuredLayout> {
        let [views, rows, columns] = [frames.data.shape()[0], frames.data.shape()[1], frames.data.shape()[2]];
        let bin = self.setup.bin;
        let pixels = [(rows / bin).max(1), columns / bin];
        if columns < 2 {
            return Err(Error::input(self.place, format!("expected at least 2 columns of pixels, got {columns}")));
        }
        if pixels[1] < 2 {
            return Err(Error::config(
                "acquire.bin",
                format!("expected at most {} for {columns} columns, got {bin}", columns / 2),
            ));
        }
        let in_degrees =
            |angle: &f64| if self.setup.angles_in == AngleUnit::Radians { angle.to_degrees() } else { *angle };
        let angles = frames.angles.as_ref().map(|angles| angles.iter().map(in_degrees).collect());
        let posed = matches!(self.kind.kind, GeometryKind::Poses(_));
        if !self.given.has_pitch && !posed {
            let message =
                "the pitch of the detector's pixels is not given: 1 mm stands for one pixel, attenuation is per pixel";
            self.warnings.push(Warning::new("unknown_pitch", message));
        }
        if angles.is_some() && !scan::takes_angles(self.kind)? {
            let message = format!(
                "the file's angles are not used: those of `{}` follow from its own keys",
                self.kind.kind.name()
            );
            self.warnings.push(Warning::new("angles_ignored", message));
        }
        // Index of the first used row, in the order after reading (rows grow with +z). The used rows are a whole number
        // of bins.
        let first = match (self.setup.rows, self.setup.first_row) {
            (None, _) => 0,
            (Some([first, _]), Some(FirstRow::Bottom) | None) => first,
            (Some([_, end]), Some(FirstRow::Top)) => frames.height.saturating_sub(end),
        } as f64;
        let used = (pixels[0] * bin.min(rows)) as f64;
        let lifted = first + (used - 1.0) / 2.0 - (frames.height as f64 - 1.0) / 2.0;
        Ok(MeasuredLayout {
            views,
            angles,
            reversed: self.setup.reverse_angles,
            pixels,
            bin,
            axis: None,
            lifted,
            whole: [frames.height, columns],
        })
    }

    /// Line integrals of the binned pixels, corrected.
    fn integrals(&mut self, frames: Frames) -> Result<Array3<f32>> {
        let values = calibration::values(self.setup, &frames);
        if self.setup.preflight != Preflight::Off {
            self.report(preflight::frames(&frames.data, values))?;
        }
        let (mut data, warnings) =
            calibration::normalised(self.setup, &frames, values).map_err(|error| error.under("acquire"))?;
        drop(frames);
        self.warnings.extend(warnings);
        self.fill(&mut data)?;
        if self.setup.preflight != Preflight::Off {
            self.report(preflight::raw(&data, values))?;
        }
        let mut data = self.line_integrals(data, values);
        calibration::level_air(&mut data, self.setup.air_columns.div_ceil(self.setup.bin))
            .map_err(|error| error.under("acquire"))?;
        let corrected = self.setup.correct.apply(&mut data).map_err(|error| error.under("acquire.correct"))?;
        self.warnings.extend(corrected);
        Ok(data)
    }

    /// Replaces samples that are no finite numbers.
    fn fill(&mut self, data: &mut Array3<f32>) -> Result<()> {
        let hopeless = || Error::input(self.place, "a view has no sample that is a finite number");
        let filled = defects::fill(data).ok_or_else(hopeless)?;
        if filled > 0 {
            let message = format!(
                "{filled} of {} samples are no finite numbers and are replaced by their neighbours",
                data.len()
            );
            self.warnings.push(Warning::new("filled_samples", message));
        }
        Ok(())
    }

    /// Line integrals of the binned pixels, without zingers.
    fn line_integrals(&mut self, mut data: Array3<f32>, values: Values) -> Array3<f32> {
        if values == Values::LineIntegrals {
            self.warnings.extend(defects::zingers(&mut data, self.setup.zinger_sigma));
            return binned(data, self.setup.bin);
        }
        let mut data = binned(self.without_zingers(data), self.setup.bin);
        self.warnings.extend(calibration::logarithm(&mut data));
        data
    }

    /// Replaces zingers in transmissions. They are detected in line integrals, where the noise is more uniform, but
    /// replaced in the transmissions, because binning averages those.
    fn without_zingers(&mut self, transmission: Array3<f32>) -> Array3<f32> {
        if self.setup.zinger_sigma == 0.0 {
            return transmission;
        }
        let mut integrals = transmission.clone();
        calibration::logarithm(&mut integrals);
        let before = integrals.clone();
        self.warnings.extend(defects::zingers(&mut integrals, self.setup.zinger_sigma));
        let mut transmission = transmission;
        ndarray::Zip::from(&mut transmission).and(&integrals).and(&before).for_each(|value, &now, &then| {
            if now != then {
                *value = (-now).exp();
            }
        });
        transmission
    }

    /// The layout with its axis, and the geometry of the scan.
    fn placed(&mut self, layout: MeasuredLayout, integrals: &Array3<f32>) -> Result<(MeasuredLayout, Geometry)> {
        self.check_axis()?;
        let axis = self.axis(&layout, integrals)?;
        let layout = MeasuredLayout { axis: Some(axis), ..layout };
        let geometry = layout.build(self.kind).map_err(|error| error.under("acquire"))?;
        let divergent = geometry.orbit.as_ref().is_some_and(|orbit| orbit.source_to_axis.is_some());
        let posed = matches!(self.kind.kind, GeometryKind::Poses(_));
        if divergent && !posed && layout.pixels[0] == 1 && layout.lifted.abs() > 1.0 {
            let message = format!(
                "one row {:.1} rows beside the middle of the detector is taken for the plane of the source, which it \
                 is not: use the middle \
                 row, or several",
                layout.lifted
            );
            self.warnings.push(Warning::new("off_plane", message));
        }
        Ok((layout, geometry))
    }

    /// Refuses a `center_of_rotation` where the geometry already says where the axis falls.
    fn check_axis(&self) -> Result<()> {
        if self.setup.center_of_rotation.is_none() {
            return Ok(());
        }
        if matches!(self.kind.kind, GeometryKind::Poses(_)) {
            return Err(Error::config("acquire.center_of_rotation", "the poses already say where the axis falls")
                .hint("leave it out"));
        }
        if self.given.offset[1] != 0.0 {
            let problem = "the geometry's offset_mm already says where the axis falls";
            return Err(Error::config("acquire.center_of_rotation", problem).hint("leave one of them out"));
        }
        Ok(())
    }

    /// Column of the binned data on which the axis falls: given, found in the data, or by the geometry.
    fn axis(&mut self, layout: &MeasuredLayout, integrals: &Array3<f32>) -> Result<f64> {
        match self.setup.center_of_rotation {
            None => Ok(layout.axis(&self.given)),
            Some(Axis::Column(column)) => Ok(self.of_data(column)),
            Some(Axis::Found(_)) => {
                let found = axis::find(integrals, layout, self.kind, layout.axis(&self.given))
                    .map_err(|error| error.under("acquire"))?;
                let message = format!(
                    "the axis of rotation was found at column {:.2}; a quick reconstruction leaves {:.1} % of the data \
                     unexplained",
                    self.of_file(found.column),
                    100.0 * found.residual
                );
                self.warnings.push(Warning::new("center_found", message));
                Ok(found.column)
            }
        }
    }

    /// Finds the scanner's parameters, if configured, and corrects layout and geometry.
    fn calibrated(
        &mut self,
        layout: &mut MeasuredLayout,
        geometry: &mut Geometry,
        integrals: &Array3<f32>,
        stop: &dyn StopSignal,
    ) -> Result<Option<Calibration>> {
        let chosen = &self.setup.calibrate;
        if chosen.is_empty() {
            return Ok(None);
        }
        let found = calibrate::calibrated(integrals, geometry, chosen, layout.bin, stop)
            .map_err(|error| error.under("acquire"))?;
        self.warnings.extend(found.warnings);
        let changed = found.record.changed();
        if changed {
            let axis = layout.axis(&self.given) + found.record.center();
            layout.axis = Some(axis);
            *geometry = found.geometry;
        }
        let turned = self.setup.first_row == Some(FirstRow::Top);
        let poses = changed.then(|| posed::of_detector(geometry.clone(), layout, turned));
        Ok(Some(Calibration { record: found.record, poses }))
    }

    /// Corrects beam hardening, if configured.
    fn straighten(&mut self, integrals: &mut Array3<f32>, layout: &MeasuredLayout) -> Result<()> {
        let axis = layout.axis(&self.given);
        let residual =
            |data: &Array3<f32>| Trial::new(data, layout, self.kind, axis::COLUMNS[0])?.residual(axis, false);
        let found = correction::straightened(integrals, &self.setup.correct, &residual);
        self.warnings.extend(found.map_err(|error| error.under("acquire.correct.beam_hardening"))?);
        Ok(())
    }

    /// The part of the preflight that needs line integrals and geometry.
    fn look(
        &mut self,
        integrals: &Array3<f32>,
        layout: &MeasuredLayout,
        geometry: &Geometry,
        grid: &Grid,
    ) -> Result<()> {
        if self.setup.preflight == Preflight::Off {
            return Ok(());
        }
        let axis = layout.axis(&self.given);
        self.report(preflight::integrals(integrals, preflight::short_side(geometry, axis)))?;
        let described = preflight::Described { kind: self.kind, layout, axis, geometry, grid };
        let findings = match preflight::fit(integrals, &described, |column| self.of_file(column)) {
            Ok(findings) => findings,
            Err(error) => {
                let message = format!("axis and sense of rotation were not checked: {error}");
                self.warnings.push(Warning::new("preflight_partial", message));
                return Ok(());
            }
        };
        self.report(findings)?;
        let scale = self.scale(integrals, layout, axis)?;
        self.report(scale.into_iter().collect())
    }

    /// Checks the scale of a quick reconstruction, unless an earlier finding spoils it.
    fn scale(&self, integrals: &Array3<f32>, layout: &MeasuredLayout, axis: f64) -> Result<Option<Finding>> {
        let posed = matches!(self.kind.kind, GeometryKind::Poses(_));
        if posed || self.warnings.iter().any(|warning| SPOILS_THE_SCALE.contains(&warning.code.as_str())) {
            return Ok(None);
        }
        match Trial::new(integrals, layout, self.kind, axis::COLUMNS[0]) {
            Ok(trial) => preflight::scale(&trial, axis),
            Err(_) => Ok(None),
        }
    }

    fn report(&mut self, findings: Vec<Finding>) -> Result<()> {
        for finding in findings {
            if finding.fatal && self.setup.preflight == Preflight::Stop {
                return Err(refusal(self.place, finding.code, &finding.message));
            }
            self.warnings.push(finding.warning());
        }
        Ok(())
    }

    /// Column of the binned data for a column of the file.
    fn of_data(&self, column: f64) -> f64 {
        let bin = self.setup.bin as f64;
        (column - (bin - 1.0) / 2.0) / bin
    }

    fn of_file(&self, column: f64) -> f64 {
        let bin = self.setup.bin as f64;
        column * bin + (bin - 1.0) / 2.0
    }
}

/// Means over `bin` x `bin` pixels (`bin` columns and all rows if there are fewer rows). Remaining pixels that do not
/// fill a bin are left out.
fn binned(data: Array3<f32>, bin: usize) -> Array3<f32> {
    if bin == 1 {
        return data;
    }
    let (views, rows, columns) = data.dim();
    let tall = bin.min(rows);
    Array3::from_shape_fn((views, rows / tall, columns / bin), |(view, row, column)| {
        let part = data.slice(s![view, row * tall..(row + 1) * tall, column * bin..(column + 1) * bin]);
        part.iter().sum::<f32>() / part.len() as f32
    })
}

/// Mean attenuation (1/mm) of the object, for scaling only: algorithms take the object for about as dense as water
/// where the attenuation of water is unknown. It is Σ ∫ p du / Σ π w² / 4 over all views and rows, w being the width of
/// the object's shadow at the axis (mm): the attenuation of a disk of that width.
fn density(integrals: &Array3<f32>, geometry: &Geometry) -> f64 {
    let magnification = geometry
        .orbit
        .as_ref()
        .and_then(|orbit| orbit.source_to_axis.zip(orbit.source_to_detector))
        .map_or(1.0, |(a, d)| d / a);
    let pitch = crate::data::norm(geometry.views[0].u) / magnification;
    let high = integrals.iter().copied().fold(0.0f32, f32::max);
    let (mut mass, mut disk) = (0.0, 0.0);
    for row in integrals.rows() {
        let held: Vec<f32> = row.iter().copied().filter(|&value| value > 0.05 * high).collect();
        mass += held.iter().map(|&value| f64::from(value)).sum::<f64>() * pitch;
        disk += std::f64::consts::FRAC_PI_4 * (held.len() as f64 * pitch).powi(2);
    }
    if mass > 0.0 && disk > 0.0 { mass / disk } else { MU_WATER_PER_MM }
}
