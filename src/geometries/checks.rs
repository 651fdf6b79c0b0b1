//! Checks that several scan geometries share.

use crate::data::{Geometry, Grid, Point, Source};
use crate::error::{Error, Result};

/// Checks the source-to-axis and source-to-detector distances (mm): source and detector must be on opposite sides of
/// the axis.
pub(super) fn distances(axis: f64, detector: f64) -> Result<()> {
    if !axis.is_finite() || axis <= 0.0 {
        return Err(Error::config("source_to_axis_mm", format!("expected a positive distance in mm, got {axis}")));
    }
    if !detector.is_finite() || detector <= 0.0 {
        let problem =
            format!("expected a positive distance in mm, got {detector}: the detector would be behind the source");
        return Err(Error::config("source_to_detector_mm", problem)
            .hint("it is the distance from source to detector, positive"));
    }
    if detector <= axis {
        let problem = format!(
            "expected more than source_to_axis_mm ({axis}), got {detector}: the detector would lie between source and \
             axis"
        );
        return Err(Error::config("source_to_detector_mm", problem)
            .hint("it is the whole distance, not that from axis to detector"));
    }
    Ok(())
}

/// Index of the first view whose source is inside the volume.
pub(super) fn view_inside(geometry: &Geometry, volume: &Grid) -> Option<usize> {
    let inside =
        |source: Point| volume.index(source).iter().zip(volume.shape).all(|(&i, n)| i > -0.5 && i < n as f64 - 0.5);
    geometry.views.iter().position(|view| matches!(view.source, Source::Point(source) if inside(source)))
}

/// Checks that no source is inside the volume; `distance` is the value of `source_to_axis_mm`, for the message.
pub(super) fn sources(geometry: &Geometry, volume: &Grid, distance: f64) -> Result<()> {
    match view_inside(geometry, volume) {
        Some(view) => Err(Error::config(
            "source_to_axis_mm",
            format!("expected a source outside of the volume, got {distance} mm: in view {view} it is inside"),
        )
        .hint(if 1000.0 * distance > volume.half_extent() && distance < 10.0 {
            format!("distances are in mm: {distance} m is {} mm", 1000.0 * distance)
        } else {
            "move the source away or crop the volume".to_string()
        })),
        None => Ok(()),
    }
}

/// Refuses a 2-D volume for a scan whose rays leave its plane; `what` names the scan in the message.
pub(super) fn solid(volume: &Grid, what: &str) -> Result<()> {
    if volume.is_2d() {
        return Err(Error::config(
            "",
            format!("{what} needs a 3-D volume, and this one is a slice: the rays would leave its plane"),
        )
        .hint("use `fan` or `parallel`"));
    }
    Ok(())
}

/// Refuses a number that is not finite.
pub(super) fn finite(key: &str, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::config(key, format!("expected a finite number, got {value}"))) }
}

/// Largest number of views of a scan.
pub(super) const MOST_VIEWS: usize = 1_000_000;

/// Checks the number of views.
pub(super) fn views(count: usize) -> Result<()> {
    if count == 0 || count > MOST_VIEWS {
        return Err(Error::config("views", format!("expected 1 to {MOST_VIEWS} views, got {count}")));
    }
    Ok(())
}
