//! Measurements -> volume: a [`Problem`] goes in, a [`Reconstruction`] comes out. Solvers are written once, on tensors,
//! over any [`LinearOperator`](crate::operators::LinearOperator).

pub mod asd_pocs;
pub mod best;
pub mod cgls;
mod discretisation;
mod fan;
pub mod fbp;
pub mod fdk;
mod filtered;
pub mod fista;
mod helical;
pub mod iterative;
pub mod lsqr;
pub mod ml_tr;
pub mod mlem;
mod named_array;
pub mod neural_field;
pub mod os_sart;
pub mod osem;
pub mod primal_dual;
mod problem;
pub mod radiance_field;
mod rebin;
mod redundancy;
pub mod refined;
pub mod sirt;
pub mod statistics;
pub mod tgv;
pub mod tv;
pub mod volume;
pub mod weight;
pub mod wls;

pub use discretisation::Discretisation;
pub use filtered::Filtering;
pub use problem::{Measured, Measurements, Problem, Setup, Takes};

use crate::data::{CurvePoint, Picture, Volume, Warnings};
use crate::error::Result;
use crate::progress::{Checkpoints, Silent, StopSignal};
use std::collections::BTreeMap;
use std::path::Path;
use tch::Device;

/// The circumstances of a reconstruction: where and how it is computed, whatever is reconstructed.
pub struct Run<'a> {
    /// Device to compute on.
    pub device: Device,
    /// Seed of all randomness.
    pub seed: u64,
    /// The volume (attenuation, 1/mm) of another method to start from, on the same grid.
    pub initial: Option<Volume>,
    /// The bytes of the file that the method names as its [`Algorithm::weights_file`].
    pub weights: Option<&'a [u8]>,
    /// Whether to stop now.
    pub stop: &'a dyn StopSignal,
    /// Where to keep what a later run can resume from.
    pub checkpoints: &'a dyn Checkpoints,
}

impl<'a> Run<'a> {
    /// The run of a trial within this one, from `initial`: its checkpoints are not kept.
    #[must_use]
    pub fn trial(&self, initial: Option<Volume>) -> Run<'a> {
        Run { initial, checkpoints: &Silent, ..*self }
    }
}

impl Run<'_> {
    /// A run without checkpoints, a stop signal or a volume to start from.
    #[must_use]
    pub fn quiet(device: Device, seed: u64) -> Self {
        Self { device, seed, initial: None, weights: None, stop: &Silent, checkpoints: &Silent }
    }
}

/// What an algorithm gives.
#[derive(Debug)]
pub struct Reconstruction {
    /// The volume, attenuation in 1/mm.
    pub volume: Volume,
    /// Convergence.
    pub curve: Vec<CurvePoint>,
    /// Figures about itself, such as `parameters` or what it was started from.
    pub notes: BTreeMap<String, serde_json::Value>,
    /// The volume it was started from, if another method made one: to be measured beside the result.
    pub start: Option<Volume>,
    /// Standard deviation of each voxel, 1/mm, where a method knows it.
    pub uncertainty: Option<Volume>,
    /// What a learned prior added to `start`, 1/mm.
    pub difference: Option<Volume>,
    /// The held-out views as the method predicts them, in their order; empty for one that takes no pictures.
    pub views: Vec<Rendering>,
    /// What the user must know.
    pub warnings: Warnings,
}

impl Reconstruction {
    /// A volume with nothing to tell about it.
    #[must_use]
    pub fn plain(volume: Volume) -> Self {
        Self {
            volume,
            curve: Vec::new(),
            notes: BTreeMap::new(),
            start: None,
            uncertainty: None,
            difference: None,
            views: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// The prediction of a held-out picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// The picture.
    pub picture: Picture,
    /// Mean distance of what is seen from the camera, mm; 0 where nothing is.
    pub depth: Vec<f32>,
}

/// Cost of a reconstruction, for `recon check`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Rough arithmetic, floating-point operations.
    pub operations: f64,
    /// Peak memory beyond the projections and one volume, bytes.
    pub memory_bytes: u64,
}

/// A way to make a volume from measurements: an immutable value, its own configuration.
pub trait Algorithm {
    /// What it reconstructs from.
    fn takes(&self) -> Takes {
        Takes::Linear
    }
    /// Refuses settings that make no sense, by themselves or for a measurement of a kind that it takes, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self, setup: &Setup<'_>) -> Result<()>;
    /// Refuses a measurement of a kind that it does not take, and what [`Algorithm::check`] refuses.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn accept(&self, setup: &Setup<'_>) -> Result<()> {
        self.takes().check(setup)?;
        self.check(setup)
    }
    /// Whether it iterates over a projector, from a volume: then a method's `projector` and `start_from` mean
    /// something.
    fn iterative(&self) -> bool {
        true
    }
    /// The file whose volume the caller must hand over as [`Run::initial`].
    fn file(&self) -> Option<&Path> {
        None
    }
    /// The file of trained weights whose bytes the caller must hand over as [`Run::weights`].
    fn weights_file(&self) -> Option<&Path> {
        None
    }
    /// What it will need.
    fn estimate(&self, setup: &Setup<'_>) -> Estimate;
    /// The volume on the problem's grid (attenuation or density, 1/mm). Deterministic on the CPU for a device, seed and
    /// number of threads; zero data give a zero volume.
    ///
    /// # Errors
    /// What [`Algorithm::accept`] refuses; memory; [`crate::error::Error::Stopped`] after its state was checkpointed.
    fn reconstruct(&self, problem: &Problem<'_>, run: &mut Run<'_>) -> Result<Reconstruction>;
}

crate::kinds! {
    /// The algorithms.
    pub enum AlgorithmKind: "algorithm" => dyn Algorithm {
        /// Filtered backprojection (parallel beam).
        fbp => Fbp(fbp::Config),
        /// Filtered backprojection (cone and fan beam).
        fdk => Fdk(fdk::Config),
        /// Simultaneous iterative reconstruction technique.
        sirt => Sirt(sirt::Config),
        /// SIRT by ordered subsets of the views; SART with one view in each.
        os_sart => OsSart(os_sart::Config),
        /// Conjugate gradients for least squares.
        cgls => Cgls(cgls::Config),
        /// Least squares by bidiagonalisation.
        lsqr => Lsqr(lsqr::Config),
        /// Accelerated proximal gradients, with total variation.
        fista => Fista(fista::Config),
        /// Total variation constrained by the data.
        asd_pocs => AsdPocs(asd_pocs::Config),
        /// Least squares weighted by the photon statistics, with a roughness penalty.
        wls => Wls(wls::Config),
        /// Maximum likelihood for emission data.
        mlem => Mlem(mlem::Config),
        /// Maximum likelihood for emission data by ordered subsets.
        osem => Osem(osem::Config),
        /// Maximum likelihood for transmission data.
        ml_tr => MlTr(ml_tr::Config),
        /// Total variation by a primal-dual method.
        tv => Tv(tv::Config),
        /// A volume from a file.
        volume => Volume(volume::Config),
        /// A coordinate network fitted to the projections.
        neural_field => NeuralField(neural_field::Config),
        /// A radiance field fitted to pictures.
        radiance_field => RadianceField(radiance_field::Config),
        /// Second-order total generalised variation by the same method.
        tgv => Tgv(tgv::Config),
        /// The recommended method: the total variation and the model of the scan that predict left-out views best.
        best => Best(best::Config),
        /// Total variation, refined by a small network that was trained on other scans.
        tv_refined => TvRefined(refined::Config),
    }
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("device", &self.device).field("seed", &self.seed).finish_non_exhaustive()
    }
}
