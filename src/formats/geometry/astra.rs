//! ASTRA's 12-vectors, one line per view: `cone_vec` (source, detector centre, u, v) or `parallel3d_vec` (ray
//! direction, detector centre, u, v). u leads from a column to the next, v from a row to the next, in world mm; the
//! same vectors as in [`Geometry`]. Comments, which `numpy.loadtxt` skips, give the kind and the size of the detector
//! in pixels: `# cone_vec` and `# rows=96 columns=128`.

use super::ScanFormat;
use super::table::{self, PoseTable};
use crate::data::{DetectorShape, Geometry, Poses, Source};

pub(super) const FORMAT: ScanFormat =
    ScanFormat { name: "ASTRA 12-vectors", file: "geometry.astra.txt", claims, parse, render };

fn claims(text: &str) -> bool {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    line.is_some_and(|line| {
        let words: Vec<&str> = line.split([',', ' ', '\t']).filter(|word| !word.is_empty()).collect();
        words.len() == 12 && words.iter().all(|word| word.parse::<f64>().is_ok())
    })
}

fn parse(text: &str) -> Result<Poses, String> {
    let named =
        |name: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).any(|line| line.contains(name));
    PoseTable::parse(text)?.poses(named("parallel3d_vec"))
}

fn render(geometry: &Geometry) -> Result<String, String> {
    if geometry.detector.shape == DetectorShape::Cylindrical {
        return Err("its detector is cylindrical".to_string());
    }
    let kind = if matches!(geometry.views[0].source, Source::Direction(_)) { "parallel3d_vec" } else { "cone_vec" };
    table::render(geometry, &format!("{kind} of the ASTRA toolbox, mm"), "", " ")
}
