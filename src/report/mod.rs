//! The report of a run in several formats: [`html`] (one offline page), [`json`] and [`csv`] (the same values for
//! scripts), [`curve`] (the convergence of one method) and [`table`] (for the terminal).
//!
//! This module turns values into text; it neither opens files nor computes metrics. A page needs a
//! [`Report`](crate::data::Report) for the metrics and a [`Gallery`] for the pictures. Both can come from a run that
//! has just ended or from a run that was read back from disk.

mod figures;
mod finite;
pub(crate) mod numbers;
pub(crate) mod ranking;
mod sections;
mod viewer;

pub mod csv;
pub mod curve;
pub mod html;
pub mod json;
pub mod table;

use crate::data::{Picture, Projections, Volume};
use serde::{Deserialize, Serialize};

/// The volumes, projections and facts that a report shows. Every part may be missing, so that a failed run still has a
/// report.
#[derive(Debug, Clone, Default)]
pub struct Gallery<'a> {
    /// The ground truth in HU, `[z, y, x]` on the grid of the reconstruction; `None` for measured projections.
    pub truth: Option<&'a Volume>,
    /// Name and volume `[z, y, x]` of each method, in the order of the report; in HU, or in 1/mm if the attenuation of
    /// water is unknown.
    pub methods: Vec<(String, &'a Volume)>,
    /// Name of each method that estimates its uncertainty, and the standard deviation of each voxel, in the unit of the
    /// method's volume.
    pub uncertainties: Vec<(String, &'a Volume)>,
    /// Name of each method with a learned prior, and the volume that the prior started from, in the unit of the
    /// method's volume.
    pub starts: Vec<(String, &'a Volume)>,
    /// Most bytes that the volumes of the viewer may add to the page; `None` for a page without a viewer.
    pub viewer_bytes: Option<usize>,
    /// The input of the methods: line integrals `[view, row, column]` with their scan geometry.
    pub projections: Option<&'a Projections>,
    /// Held-out pictures, each with the methods' renderings from the same camera.
    pub pictures: Vec<PicturePair<'a>>,
    /// Versions, hardware, files and command of the run.
    pub run: RunFacts,
}

/// A held-out picture, and the methods' renderings from the same camera.
#[derive(Debug, Clone)]
pub struct PicturePair<'a> {
    /// Name of the picture.
    pub name: &'a str,
    /// The held-out picture.
    pub truth: &'a Picture,
    /// Name of each method and its rendering.
    pub seen: Vec<(&'a str, &'a Picture)>,
}

/// A label and its value, as one line of a table of facts.
pub type Fact = (String, String);

/// Versions, hardware and files of a run, as rows of tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFacts {
    /// Software: recon, libtorch, file format writers.
    pub versions: Vec<Fact>,
    /// Hardware and its use: device and why it was chosen, processor, SIMD level, threads, memory.
    pub machine: Vec<Fact>,
    /// Name and hash (BLAKE3) of each input file.
    pub inputs: Vec<Fact>,
    /// Name and hash (BLAKE3) of each output file.
    pub outputs: Vec<Fact>,
    /// How to repeat the run.
    pub repeat: Repeat,
}

/// Options of the command that repeats a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// Number of threads of the run; on a CPU the same number gives results that are equal to the last bit. 0 if
    /// unknown.
    pub threads: usize,
    /// Whether the run folder names its inputs (`identity: keep`).
    pub named: bool,
}

#[cfg(test)]
mod samples;
