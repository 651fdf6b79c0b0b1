//! Projections -> volume. Written once, on tensors, over any [`LinearOperator`].

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

use crate::data::{CurvePoint, Geometry, Grid, Picture, Pictures, Projections, Volume, Warnings};
use crate::error::Result;
use crate::operators::LinearOperator;
use crate::operators::xray::{self, Sampling};
use crate::progress::{Checkpoints, Silent, StopSignal};
use std::collections::BTreeMap;
use std::path::Path;
use tch::Device;

/// Everything a run lends an algorithm.
pub struct Run<'a> {
    /// Device to compute on.
    pub device: Device,
    /// Seed of all randomness.
    pub seed: u64,
    /// Attenuation of water, 1/mm.
    pub mu_water: f64,
    /// The discrete X-ray transform that iterative methods invert.
    pub sampling: Sampling,
    /// How many times finer than the picture's voxels the grid's are. A penalty that is counted per voxel weighs that
    /// much less against the data there, so that its weight is multiplied by it.
    pub lattice: usize,
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
    /// A run that nobody listens to, with the default projector, from nothing.
    #[must_use]
    pub fn quiet(device: Device, seed: u64, mu_water: f64) -> Self {
        Self {
            device,
            seed,
            mu_water,
            sampling: Sampling::default(),
            lattice: 1,
            initial: None,
            weights: None,
            stop: &Silent,
            checkpoints: &Silent,
        }
    }

    /// The projector of a scan of a grid, with the run's sampling on the run's device.
    ///
    /// # Errors
    /// A model that the device does not have.
    pub fn projector(&self, grid: &Grid, geometry: &Geometry) -> Result<Box<dyn LinearOperator>> {
        xray::build(self.sampling, grid, geometry, self.device)
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
            warnings: Vec::new(),
        }
    }
}

/// What a method sees from one camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// The picture.
    pub picture: Picture,
    /// Mean distance of what is seen from the camera, mm; 0 where nothing is.
    pub depth: Vec<f32>,
}

/// What a method makes of pictures.
#[derive(Debug)]
pub struct Appearance {
    /// Density on the grid, 1/mm.
    pub volume: Volume,
    /// What it sees from each held-out camera, in their order.
    pub views: Vec<Rendering>,
    /// Convergence.
    pub curve: Vec<CurvePoint>,
    /// Figures about itself.
    pub notes: BTreeMap<String, serde_json::Value>,
    /// What the user must know.
    pub warnings: Warnings,
}

/// A method that takes pictures in place of projections.
pub trait FromPictures {
    /// Refuses what it cannot reconstruct, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check_settings(&self) -> Result<()>;
    /// What it will need for pictures of `pixels` [rows, columns], `held_out` of them rendered.
    fn estimate_pictures(&self, pixels: [usize; 2], held_out: usize) -> Estimate;
    /// The field of some pictures, seen from their held-out cameras. Deterministic on the CPU for a device, seed and
    /// number of threads.
    ///
    /// # Errors
    /// What [`FromPictures::check_settings`] refuses; memory; [`crate::error::Error::Stopped`] after its state was
    /// checkpointed.
    fn fit(&self, data: &Pictures, run: &mut Run<'_>) -> Result<Appearance>;
}

/// What a reconstruction will need, for `recon check`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Rough arithmetic, floating-point operations.
    pub operations: f64,
    /// Peak memory beyond the projections and one volume, bytes.
    pub memory_bytes: u64,
}

/// A way to make a volume from projections: an immutable value, its own configuration.
pub trait Algorithm {
    /// Refuses what it cannot reconstruct, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self, geometry: &Geometry, grid: &Grid) -> Result<()>;
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
    /// The method as one that takes pictures; `None` for one that takes projections.
    fn picture_method(&self) -> Option<&dyn FromPictures> {
        None
    }
    /// What it will need.
    fn estimate(&self, geometry: &Geometry, grid: &Grid) -> Estimate;
    /// The volume on `grid` (attenuation, 1/mm) from line integrals. Deterministic on the CPU for a device, seed and
    /// number of threads; zero data give a zero volume.
    ///
    /// # Errors
    /// What [`Algorithm::check`] refuses; memory; [`crate::error::Error::Stopped`] after its state was checkpointed.
    fn reconstruct(&self, data: &Projections, grid: &Grid, run: &mut Run<'_>) -> Result<Reconstruction>;
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
