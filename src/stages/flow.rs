//! What flows from stage to stage.

use crate::context::{InputFile, Key};
use crate::data::{
    CurvePoint, Grid, MethodReport, MetricDefinition, Pictures, Point, Projections, Quantity, Status, Volume, add,
    scale, sub,
};
use crate::error::Result;
use crate::phantoms::Phantom;
use crate::stages::withheld::Withheld;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is scanned.
#[derive(Debug, Clone)]
pub enum Content {
    /// An analytic object: projected exactly, rasterised on any grid.
    Phantom(Phantom),
    /// Voxels, in attenuation (1/mm), and where they lay in the patient if they no longer do.
    Voxels(Volume, Option<LaidDown>),
}

/// Where a slice lay that was turned about its centre to be scanned in its own plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaidDown {
    /// The point about which it was turned, LPS mm.
    pub center: Point,
    /// The unit vectors (LPS) that z, y and x of the axial slice stand for.
    pub axes: [Point; 3],
}

impl LaidDown {
    /// A volume made of the axial slice, on the grid where the slice lay.
    ///
    /// # Errors
    /// Never, for a volume that is one.
    pub fn restored(&self, volume: &Volume) -> Result<Volume> {
        let turn =
            |[x, y, z]: Point| [z, y, x].iter().zip(self.axes).fold([0.0; 3], |at, (s, a)| add(at, scale(a, *s)));
        let Grid { shape, spacing, origin, axes } = volume.grid.clone();
        let grid = Grid::new(shape, spacing, add(self.center, turn(sub(origin, self.center))), axes.map(turn))?;
        Volume::new(grid, volume.quantity, volume.voxels().to_owned())
    }
}

/// The DICOM series that an object came from. An export reads it again: nothing that says whose it is is kept between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The folder or file.
    pub path: PathBuf,
    /// Which series, if it was named.
    pub series: Option<String>,
}

impl Content {
    /// The box the object fills, as a grid: a voxel object's own, a coarse one for a phantom.
    ///
    /// # Errors
    /// A phantom without extent.
    pub fn bounds(&self) -> Result<Grid> {
        match self {
            Self::Phantom(phantom) => phantom.box_grid(if phantom.is_2d() { [1, 2, 2] } else { [2, 2, 2] }),
            Self::Voxels(volume, _) => Ok(volume.grid.clone()),
        }
    }
}

/// load -> simulate: the object, read when it is first looked at (a run that resumes may never look).
pub struct Object<'a> {
    /// What it depends on.
    pub key: Key,
    /// The files it is read from.
    pub files: Vec<InputFile>,
    /// The series it comes from.
    pub origin: Option<Origin>,
    read: Box<dyn Fn() -> Result<Content> + 'a>,
    content: OnceCell<Content>,
}

impl Acquisition {
    /// A hash of what was measured: grid, scan and values. It is the same on every machine with any number of
    /// threads that gives the same projections.
    #[must_use]
    pub fn content_hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{:?} {:?}", self.grid, self.projections.geometry).as_bytes());
        for value in self.projections.as_slice() {
            hasher.update(&value.to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// An attenuation volume in what the scan's volumes are in.
    #[must_use]
    pub fn in_quantity(&self, volume: &Volume) -> Volume {
        if self.quantity == Quantity::Hounsfield {
            volume.to_hounsfield(self.mu_water)
        } else {
            volume.to_attenuation(self.mu_water)
        }
    }

    /// A standard deviation (1/mm) in what the volumes are in: HU have a scale, and their offset does not count.
    ///
    /// # Errors
    /// Never, for a volume that is one.
    pub fn spread_in_quantity(&self, deviation: &Volume) -> Result<Volume> {
        let scale = if self.quantity == Quantity::Hounsfield { (1000.0 / self.mu_water) as f32 } else { 1.0 };
        let values = deviation.as_slice().iter().map(|sigma| sigma * scale).collect();
        Volume::from_vec(deviation.grid.clone(), self.quantity, values)
    }
}

impl<'a> Object<'a> {
    /// An object that `read` can read.
    pub fn new(
        key: Key,
        files: Vec<InputFile>,
        origin: Option<Origin>,
        read: impl Fn() -> Result<Content> + 'a,
    ) -> Self {
        Self { key, files, origin, read: Box::new(read), content: OnceCell::new() }
    }

    /// The object itself.
    ///
    /// # Errors
    /// What its reader says.
    pub fn content(&self) -> Result<&Content> {
        if let Some(content) = self.content.get() {
            return Ok(content);
        }
        let content = (self.read)()?;
        Ok(self.content.get_or_init(|| content))
    }
}

/// simulate or acquire -> everyone: what a scanner (would have) measured, and the truth where it is known.
pub struct Acquisition {
    /// What it depends on.
    pub key: Key,
    /// The files it was made from: the object's or the measured ones, and those read beside them, such as poses.
    pub inputs: Vec<InputFile>,
    /// Line integrals `[view, row, column]` with their geometry.
    pub projections: Projections,
    /// The same along other rays, which no method is given: it is judged by them.
    pub held_out: Option<Projections>,
    /// The grid to reconstruct on.
    pub grid: Grid,
    /// The object on that grid, HU; `None` for measured projections.
    pub truth: Option<Volume>,
    /// The voxels that a simulation integrated; `None` for phantoms, whose integrals are exact, and measured scans.
    pub object: Option<Grid>,
    /// Attenuation of water, 1/mm: that of the effective energy where there is a spectrum; for measured projections of
    /// an unknown beam such that the object is about as dense.
    pub mu_water: f64,
    /// What the volumes are in: HU, or attenuation where that of water is unknown.
    pub quantity: Quantity,
    /// The DICOM series the object came from.
    pub origin: Option<Origin>,
    /// Where the object lay in it, if it was turned.
    pub laid_down: Option<LaidDown>,
    /// Files written, relative to the run folder.
    pub files: Vec<String>,
}

/// simulate or acquire -> everyone: what cameras (would have) seen of the object, the other kind of measurement.
pub struct Scene {
    /// What it depends on.
    pub key: Key,
    /// The files it was made from.
    pub inputs: Vec<InputFile>,
    /// The pictures with their cameras, and the grid on which a field's density is written.
    pub pictures: Pictures,
    /// Files written, relative to the run folder.
    pub files: Vec<String>,
}

/// What the object was measured with.
pub enum Measurement {
    /// X-rays.
    Projections(Box<Acquisition>),
    /// Cameras.
    Pictures(Box<Scene>),
}

impl Measurement {
    /// What it depends on.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Projections(scan) => &scan.key,
            Self::Pictures(scene) => &scene.key,
        }
    }

    /// The files it was made from.
    #[must_use]
    pub fn inputs(&self) -> &[InputFile] {
        match self {
            Self::Projections(scan) => &scan.inputs,
            Self::Pictures(scene) => &scene.inputs,
        }
    }

    /// Files written, relative to the run folder.
    #[must_use]
    pub fn files(&self) -> &[String] {
        match self {
            Self::Projections(scan) => &scan.files,
            Self::Pictures(scene) => &scene.files,
        }
    }

    /// The scan, if the object was measured with X-rays.
    #[must_use]
    pub fn projections(&self) -> Option<&Acquisition> {
        match self {
            Self::Projections(scan) => Some(scan),
            Self::Pictures(_) => None,
        }
    }

    /// The pictures, if it was measured with cameras.
    #[must_use]
    pub fn pictures(&self) -> Option<&Pictures> {
        match self {
            Self::Projections(_) => None,
            Self::Pictures(scene) => Some(&scene.pictures),
        }
    }
}

/// Grids whose voxels differ by less than this factor along an axis count as the same there: an inverse crime.
pub const APART: f64 = 1.5;

/// reconstruct -> evaluate, export: how one method ended.
pub struct Outcome {
    /// Unique name, also its folder.
    pub name: String,
    /// Kind of algorithm.
    pub algorithm: &'static str,
    /// How it ended.
    pub status: Status,
    /// What it made, if it was completed.
    pub result: Option<Reconstructed>,
    /// Why it was not completed.
    pub reason: Option<String>,
}

/// What a completed method made.
pub struct Reconstructed {
    /// What it depends on.
    pub key: Key,
    /// The files it was made from, beside the scan's.
    pub inputs: Vec<InputFile>,
    /// The volume, in the scan's quantity.
    pub volume: Volume,
    /// The classical volume it started from, likewise.
    pub start: Option<Volume>,
    /// Standard deviation of each voxel, likewise (in HU without their offset).
    pub uncertainty: Option<Volume>,
    /// Figures about itself.
    pub facts: MethodFacts,
    /// What views that it has not seen say about it, for a measured scan.
    pub withheld: Option<Withheld>,
    /// Seconds of computing, over all its runs.
    pub seconds: f64,
    /// Files written, relative to the run folder.
    pub files: Vec<String>,
}

/// What the record of a method keeps beside its files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MethodFacts {
    /// Highest resident memory while it ran, bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Figures of the method about itself.
    pub notes: BTreeMap<String, Value>,
    /// Convergence.
    pub curve: Vec<CurvePoint>,
    /// Whether it wrote the volume it started from.
    pub has_start: bool,
    /// Whether it wrote how uncertain its volume is.
    #[serde(default)]
    pub has_uncertainty: bool,
    /// Whether it wrote what a learned prior added.
    #[serde(default)]
    pub has_difference: bool,
}

/// evaluate -> export: every method measured against the truth, or against the data where there is none.
#[derive(Default)]
pub struct Findings {
    /// One entry per method, in order.
    pub methods: Vec<MethodReport>,
    /// Metric key to what it means.
    pub definitions: BTreeMap<String, MetricDefinition>,
    /// Files written, relative to the run folder.
    pub files: Vec<String>,
}
