//! What a run found, as people and programs read it: [`html`] (one offline page), [`json`] and [`csv`] (the same
//! figures for scripts), [`curve`] (one method's convergence) and [`table`] (for the terminal).
//!
//! Nothing here opens a file or computes a metric: values in, text out. A page needs a [`Report`](crate::data::Report)
//! for the figures and a [`Gallery`] for the pictures; both can come from a run that has just ended or from one read
//! back from disk.

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

/// What the pictures of a report are made from. Every part may be missing: a failed run still gets its page.
#[derive(Debug, Clone, Default)]
pub struct Gallery<'a> {
    /// What was scanned, HU `[z, y, x]` on the reconstruction's grid; `None` for measured projections.
    pub truth: Option<&'a Volume>,
    /// Each method's name and its volume, HU `[z, y, x]`, in the order of the report.
    pub methods: Vec<(String, &'a Volume)>,
    /// Methods that know the standard deviation of each voxel: the name and that, in the unit of their volumes.
    pub uncertainties: Vec<(String, &'a Volume)>,
    /// Methods with a learned prior: the name and the volume that it started from, in the unit of their volumes.
    pub starts: Vec<(String, &'a Volume)>,
    /// Most bytes that the volumes of the page's viewer may add to it; `None` for a page without a viewer.
    pub viewer_bytes: Option<usize>,
    /// What the methods were given: line integrals `[view, row, column]` with their scan.
    pub projections: Option<&'a Projections>,
    /// Held-out pictures beside what the methods see from their cameras.
    pub pictures: Vec<PicturePair<'a>>,
    /// What the run ran on.
    pub run: RunFacts,
}

/// A held-out picture, and what the methods see from its camera.
#[derive(Debug, Clone)]
pub struct PicturePair<'a> {
    /// Its name.
    pub name: &'a str,
    /// The picture itself.
    pub truth: &'a Picture,
    /// Each method's name and what it sees.
    pub seen: Vec<(&'a str, &'a Picture)>,
}

/// A label and its value, as one line of a table of facts.
pub type Fact = (String, String);

/// What a run ran on and with, as lines of tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFacts {
    /// Software: recon, libtorch, file format writers.
    pub versions: Vec<Fact>,
    /// Hardware and its use: device and why it was taken, processor, SIMD level, threads, memory.
    pub machine: Vec<Fact>,
    /// Input file to hash.
    pub inputs: Vec<Fact>,
    /// Output file to hash.
    pub outputs: Vec<Fact>,
    /// How to run it again.
    pub repeat: Repeat,
}

/// What the command that runs a pipeline again must say beside the pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// Threads of the run; the same number gives the same bits on a CPU.
    pub threads: usize,
    /// Whether the run folder names its inputs (`identity: keep`).
    pub named: bool,
}

#[cfg(test)]
mod samples;
