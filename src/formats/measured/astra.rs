//! Sinograms of the ASTRA toolbox in a MATLAB file, with the `proj_geom` struct beside them (`save('scan.mat',
//! 'proj_geom', 'sinogram', '-v7')`, or `scipy.io.savemat`).
//!
//! <https://astra-toolbox.com/docs/geom2d.html> and geom3d: `parallel`, `fanflat`, `parallel3d`, `cone`; distances are
//! taken as mm. ASTRA's angle is recon's + 90°; u and v are the same. Geometries of vectors (`*_vec`) are not read
//! here, but given as poses.

use super::mat::Arrays;
use super::{Frames, HeaderBeam, ScanHeader, guarded, within};
use crate::error::{Error, Result};
use ndarray::{Array3, ArrayD, s};
use std::f64::consts::FRAC_PI_2;
use std::ops::Range;
use std::path::Path;

/// Names of the arrays, where they are not the usual ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// The array of line integrals; without a name, the one called `sinogram`.
    pub sinogram: Option<&'a str>,
}

/// Reads a scan; only `rows` of the detector.
///
/// # Errors
/// [`Error::Input`] when the file is missing or damaged, has no geometry or one of vectors, or the parts do not fit.
pub fn read(path: &Path, names: &Names, rows: Option<&Range<usize>>) -> Result<Frames> {
    guarded(path, || {
        let geometry = Geometry::of(path, &Arrays::open(path)?)?;
        let array = Arrays::open(path)?
            .get(names.sinogram, "sinogram")?
            .ok_or_else(|| Error::input(path, "no array called sinogram").hint("name it in acquire.astra.sinogram"))?;
        let data = geometry.ordered(path, array)?;
        let rows = within(path, rows, data.shape()[1])?;
        let (height, part) = (data.shape()[1], data.slice(s![.., rows, ..]).as_standard_layout().into_owned());
        let angles = geometry.angles.iter().map(|angle| (angle - FRAC_PI_2).to_degrees()).collect();
        let mut frames = Frames::new(path, part, None, None, Some(angles))?.of(height);
        frames.header = Some(geometry.header);
        Ok(frames)
    })
}

struct Geometry {
    /// Projection angles in ASTRA's convention, radians.
    angles: Vec<f64>,
    /// Size of the detector, pixels [rows, columns].
    pixels: [usize; 2],
    header: ScanHeader,
}

impl Geometry {
    fn of(path: &Path, file: &Arrays) -> Result<Self> {
        let end = ".ProjectionAngles";
        let names = file.names();
        let structs: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(end)).collect();
        let [own] = structs[..] else {
            let vectors = names.iter().any(|name| name.ends_with(".Vectors"));
            let hint = if vectors {
                "write Vectors with numpy.savetxt and give the sinogram as npy with geometry: {poses: {file: ...}}"
            } else {
                "save proj_geom and sinogram in one file"
            };
            let problem = format!("expected one struct with ProjectionAngles (proj_geom), found {}", structs.len());
            return Err(Error::input(path, problem).hint(hint));
        };
        let kind = file.text(&format!("{own}.type"))?.unwrap_or_default();
        let number = |key: &str| -> Result<f64> {
            let name = format!("{own}.{key}");
            let value = file.get(Some(&name), key)?.and_then(|array| array.first().copied());
            value
                .filter(|value| value.is_finite())
                .ok_or_else(|| Error::input(path, format!("{name}: expected a number")))
        };
        let three_d = matches!(kind.as_str(), "parallel3d" | "cone");
        let pitch = match kind.as_str() {
            "parallel" | "fanflat" => [number("DetectorWidth")?; 2],
            "parallel3d" | "cone" => [number("DetectorSpacingY")?, number("DetectorSpacingX")?],
            other => {
                let problem = format!("{own}.type: expected parallel, fanflat, parallel3d or cone, got `{other}`");
                return Err(Error::input(path, problem));
            }
        };
        let count = |key: &str| -> Result<usize> { Ok(number(key)?.max(0.0) as usize) };
        let pixels = if three_d {
            [count("DetectorRowCount")?, count("DetectorColCount")?]
        } else {
            [1, count("DetectorCount")?]
        };
        let angles = file.get(Some(&format!("{own}{end}")), "")?.map(|array| array.iter().copied().collect());
        let mut header =
            ScanHeader { beam: Some(HeaderBeam::Parallel), pitch_mm: Some(pitch), ..ScanHeader::default() };
        if matches!(kind.as_str(), "fanflat" | "cone") {
            let (source, detector) = (number("DistanceOriginSource")?, number("DistanceOriginDetector")?);
            header.beam = Some(HeaderBeam::Cone);
            header.source_to_axis_mm = Some(source);
            header.source_to_detector_mm = Some(source + detector);
        }
        Ok(Self { angles: angles.unwrap_or_default(), pixels, header })
    }

    /// Brings a sinogram into the order `[view, row, column]`. The toolbox stores [view, column] in 2-D; in 3-D
    /// [column, view, row] in MATLAB and [row, view, column] in Python.
    fn ordered(&self, path: &Path, array: ArrayD<f64>) -> Result<Array3<f32>> {
        let ([rows, columns], views) = (self.pixels, self.angles.len());
        let shape = array.shape().to_vec();
        let order: &[usize] = match shape[..] {
            [a, b] if rows == 1 && [a, b] == [views, columns] => &[0, 1],
            [a, b, c] if [a, b, c] == [columns, views, rows] => &[1, 2, 0],
            [a, b, c] if [a, b, c] == [rows, views, columns] => &[1, 0, 2],
            _ => {
                let problem = format!(
                    "its sinogram has the shape {shape:?}, proj_geom {views} angles and {rows} x {columns} pixels"
                );
                return Err(Error::input(path, problem));
            }
        };
        let values: Vec<f32> = array.permuted_axes(order).iter().map(|&value| value as f32).collect();
        Array3::from_shape_vec((views, rows, columns), values).map_err(|error| Error::input(path, error))
    }
}
