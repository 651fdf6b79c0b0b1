//! Reconstruction methods: from a [`Problem`] (measurements) to a [`Reconstruction`] (volume). Solvers are written
//! once, on tensors, for any [`LinearOperator`](crate::operators::LinearOperator).

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

/// Settings of a reconstruction that do not depend on what is reconstructed: device, seed, initial volume, stop signal.
pub struct Run<'a> {
    /// Device to compute on.
    pub device: Device,
    /// Seed of all randomness.
    pub seed: u64,
    /// The volume (attenuation, 1/mm) of another method to start from, on the same grid.
    pub initial: Option<Volume>,
    /// Bytes of the file of trained weights that [`Algorithm::weights_file`] names.
    pub weights: Option<&'a [u8]>,
    /// Tells whether the reconstruction is to stop.
    pub stop: &'a dyn StopSignal,
    /// Storage for checkpoints, from which a later run can resume.
    pub checkpoints: &'a dyn Checkpoints,
}

impl<'a> Run<'a> {
    /// The run of a trial reconstruction within this one, starting from `initial`; its checkpoints are not kept.
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

/// The result of an algorithm.
#[derive(Debug)]
pub struct Reconstruction {
    /// The volume, attenuation in 1/mm.
    pub volume: Volume,
    /// Convergence curve; empty for a method that does not iterate.
    pub curve: Vec<CurvePoint>,
    /// Values that the method reports, such as `parameters` or `start`.
    pub notes: BTreeMap<String, serde_json::Value>,
    /// The initial volume (1/mm), if another method made it; the report compares it with the result.
    pub start: Option<Volume>,
    /// Standard deviation of each voxel, 1/mm, if the method estimates it.
    pub uncertainty: Option<Volume>,
    /// Change that a learned prior made to `start`, 1/mm.
    pub difference: Option<Volume>,
    /// The method's predictions of the held-out pictures, in their order; empty for a method that takes no pictures.
    pub views: Vec<Rendering>,
    /// Warnings for the user.
    pub warnings: Warnings,
}

impl Reconstruction {
    /// A result with a volume only.
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
    /// The predicted picture.
    pub picture: Picture,
    /// Mean distance of the visible matter from the camera per pixel, `[row, column]` in C order, mm; 0 where there is
    /// none.
    pub depth: Vec<f32>,
}

/// Cost of a reconstruction, for `recon check`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Approximate number of floating-point operations.
    pub operations: f64,
    /// Peak memory beyond the projections and one volume, bytes.
    pub memory_bytes: u64,
}

/// A reconstruction method. The value is its configuration, which never changes.
pub trait Algorithm {
    /// The kind of measurement that it reconstructs from.
    fn takes(&self) -> Takes {
        Takes::Linear
    }
    /// Refuses settings that are invalid, by themselves or for this measurement; the error names the key. The
    /// measurement is of a kind that the method takes.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self, setup: &Setup<'_>) -> Result<()>;
    /// Refuses a measurement of a kind that the method does not take, and whatever [`Algorithm::check`] refuses.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn accept(&self, setup: &Setup<'_>) -> Result<()> {
        self.takes().check(setup)?;
        self.check(setup)
    }
    /// Whether the method iterates with a projector from an initial volume, so that the keys `projector` and
    /// `start_from` apply to it.
    fn iterative(&self) -> bool {
        true
    }
    /// The volume file that the caller must read and pass as [`Run::initial`], if the method needs one.
    fn file(&self) -> Option<&Path> {
        None
    }
    /// The file of trained weights whose bytes the caller must pass as [`Run::weights`], if the method needs one.
    fn weights_file(&self) -> Option<&Path> {
        None
    }
    /// Estimated cost for a measurement.
    fn estimate(&self, setup: &Setup<'_>) -> Estimate;
    /// Reconstructs the volume on the problem's grid (attenuation or density, 1/mm). On the CPU the result is
    /// deterministic for a given seed and number of threads; zero data give a zero volume.
    ///
    /// # Errors
    /// Whatever [`Algorithm::accept`] refuses; lack of memory; [`crate::error::Error::Stopped`], after a checkpoint was
    /// saved.
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
        /// SIRT with ordered subsets of the views; SART with one view per subset.
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
        /// A volume read from a file.
        volume => Volume(volume::Config),
        /// A coordinate network fitted to the projections.
        neural_field => NeuralField(neural_field::Config),
        /// A radiance field fitted to pictures.
        radiance_field => RadianceField(radiance_field::Config),
        /// Second-order total generalised variation by a primal-dual method.
        tgv => Tgv(tgv::Config),
        /// The recommended method: total variation, configured by the prediction of left-out views.
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
