//! Types that are passed from stage to stage.

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

/// The scanned object.
#[derive(Debug, Clone)]
pub enum Content {
    /// Analytic phantom: its projections are exact, and it can be sampled on any grid.
    Phantom(Phantom),
    /// Voxels, attenuation in 1/mm. The second part is the original pose of a slice that was rotated into the axial
    /// plane.
    Voxels(Volume, Option<LaidDown>),
}

/// Original pose of a slice that was rotated about its centre into the axial plane, to be scanned within that plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaidDown {
    /// Point about which the slice was rotated, LPS, mm.
    pub center: Point,
    /// Directions (unit vectors, LPS), in the original pose, of the z, y and x axes of the axial slice.
    pub axes: [Point; 3],
}

impl LaidDown {
    /// Moves a volume that was reconstructed from the axial slice back to the original pose of the slice.
    ///
    /// # Errors
    /// Never, for a valid volume.
    pub fn restored(&self, volume: &Volume) -> Result<Volume> {
        let turn =
            |[x, y, z]: Point| [z, y, x].iter().zip(self.axes).fold([0.0; 3], |at, (s, a)| add(at, scale(a, *s)));
        let Grid { shape, spacing, origin, axes } = volume.grid.clone();
        let grid = Grid::new(shape, spacing, add(self.center, turn(sub(origin, self.center))), axes.map(turn))?;
        Volume::new(grid, volume.quantity, volume.voxels().to_owned())
    }
}

/// The DICOM series that an object came from. An export reads the series again, so nothing that identifies the patient
/// is stored in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Path of the folder or file.
    pub path: PathBuf,
    /// Series Number, SeriesInstanceUID or Series Description, if one was given.
    pub series: Option<String>,
}

impl Content {
    /// Box of the object as a grid: the grid of a voxel object, a coarse one for a phantom.
    ///
    /// # Errors
    /// A phantom of zero size.
    pub fn bounds(&self) -> Result<Grid> {
        match self {
            Self::Phantom(phantom) => phantom.box_grid(if phantom.is_2d() { [1, 2, 2] } else { [2, 2, 2] }),
            Self::Voxels(volume, _) => Ok(volume.grid.clone()),
        }
    }
}

/// load -> simulate: the object, which is read on first access. A resumed run may not need it.
pub struct Object<'a> {
    /// Cache key of the object.
    pub key: Key,
    /// The files it is read from.
    pub files: Vec<InputFile>,
    /// The DICOM series it comes from.
    pub origin: Option<Origin>,
    read: Box<dyn Fn() -> Result<Content> + 'a>,
    content: OnceCell<Content>,
}

impl Acquisition {
    /// Hash of the measurement: grid, geometry and values. It does not depend on the machine or the number of threads
    /// if the projections are the same.
    #[must_use]
    pub fn content_hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{:?} {:?}", self.grid, self.projections.geometry).as_bytes());
        for value in self.projections.as_slice() {
            hasher.update(&value.to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Converts an attenuation volume (1/mm) to the quantity of this scan's volumes.
    #[must_use]
    pub fn in_quantity(&self, volume: &Volume) -> Volume {
        if self.quantity == Quantity::Hounsfield {
            volume.to_hounsfield(self.mu_water)
        } else {
            volume.to_attenuation(self.mu_water)
        }
    }

    /// Converts a standard deviation or a difference (1/mm) to the quantity of this scan's volumes. For HU only the
    /// scale counts, not the offset.
    ///
    /// # Errors
    /// Never, for a valid volume.
    pub fn spread_in_quantity(&self, deviation: &Volume) -> Result<Volume> {
        let scale = if self.quantity == Quantity::Hounsfield { (1000.0 / self.mu_water) as f32 } else { 1.0 };
        let values = deviation.as_slice().iter().map(|sigma| sigma * scale).collect();
        Volume::from_vec(deviation.grid.clone(), self.quantity, values)
    }
}

impl<'a> Object<'a> {
    /// An object whose content is read by `read` on first access.
    pub fn new(
        key: Key,
        files: Vec<InputFile>,
        origin: Option<Origin>,
        read: impl Fn() -> Result<Content> + 'a,
    ) -> Self {
        Self { key, files, origin, read: Box::new(read), content: OnceCell::new() }
    }

    /// The content of the object, read on the first call.
    ///
    /// # Errors
    /// The error of its reader.
    pub fn content(&self) -> Result<&Content> {
        if let Some(content) = self.content.get() {
            return Ok(content);
        }
        let content = (self.read)()?;
        Ok(self.content.get_or_init(|| content))
    }
}

/// simulate or acquire -> all later stages: simulated or measured projections, with the ground truth where it is known.
pub struct Acquisition {
    /// Cache key of the scan.
    pub key: Key,
    /// Files it was made from: those of the object or of the measured data, and others such as poses.
    pub inputs: Vec<InputFile>,
    /// Line integrals `[view, row, column]` with their geometry.
    pub projections: Projections,
    /// Held-out projections along other rays, which no method is given; methods are judged by them.
    pub held_out: Option<Projections>,
    /// Reconstruction grid.
    pub grid: Grid,
    /// Ground truth: the object on the reconstruction grid, HU; `None` for measured projections.
    pub truth: Option<Volume>,
    /// Grid of the voxels that a simulation integrated; `None` for phantoms, whose integrals are exact, and for
    /// measured scans.
    pub object: Option<Grid>,
    /// Attenuation of water, 1/mm, at the effective energy if there is a spectrum. For measured projections of an
    /// unknown beam it is a scale, chosen such that the object is about as dense as water.
    pub mu_water: f64,
    /// Quantity of the volumes: HU, or attenuation (1/mm) if that of water is unknown.
    pub quantity: Quantity,
    /// The DICOM series that the object came from.
    pub origin: Option<Origin>,
    /// Original pose of the object, if it is a slice that was rotated.
    pub laid_down: Option<LaidDown>,
    /// Files that the stage wrote, relative to the run folder.
    pub files: Vec<String>,
}

/// simulate or acquire -> all later stages: simulated or real camera pictures of the object, the other kind of
/// measurement.
pub struct Scene {
    /// Cache key of the scene.
    pub key: Key,
    /// The files it was made from.
    pub inputs: Vec<InputFile>,
    /// The pictures with their cameras, and the grid on which the density of a field is sampled.
    pub pictures: Pictures,
    /// Files that the stage wrote, relative to the run folder.
    pub files: Vec<String>,
}

/// Measurement of the object, by X-rays or by cameras.
pub enum Measurement {
    /// X-ray projections.
    Projections(Box<Acquisition>),
    /// Camera pictures.
    Pictures(Box<Scene>),
}

impl Measurement {
    /// Cache key of the measurement.
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

    /// Files that the stage wrote, relative to the run folder.
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

    /// The pictures, if the object was measured with cameras.
    #[must_use]
    pub fn pictures(&self) -> Option<&Pictures> {
        match self {
            Self::Projections(_) => None,
            Self::Pictures(scene) => Some(&scene.pictures),
        }
    }
}

/// If the voxel sizes of the simulation grid and of the reconstruction grid differ by less than this factor along an
/// axis, the grids count as equal there, and the comparison as an inverse crime.
pub const APART: f64 = 1.5;

/// reconstruct -> evaluate, export: outcome of one method.
pub struct Outcome {
    /// Unique name of the method, also the name of its folder.
    pub name: String,
    /// Kind of algorithm.
    pub algorithm: &'static str,
    /// How it ended.
    pub status: Status,
    /// Result, if the method was completed.
    pub result: Option<Reconstructed>,
    /// Reason why the method was not completed.
    pub reason: Option<String>,
}

/// Result of a completed method.
pub struct Reconstructed {
    /// Cache key of the result.
    pub key: Key,
    /// Files it was made from, beside those of the scan.
    pub inputs: Vec<InputFile>,
    /// The volume, in the quantity of the scan.
    pub volume: Volume,
    /// The volume that the method started from, in the same quantity.
    pub start: Option<Volume>,
    /// Standard deviation of each voxel, in the same quantity (for HU without the offset).
    pub uncertainty: Option<Volume>,
    /// Values that the cache record keeps.
    pub facts: MethodFacts,
    /// Evaluation by withheld views, for a measured scan.
    pub withheld: Option<Withheld>,
    /// Computing time over all its runs, seconds.
    pub seconds: f64,
    /// Files that the method wrote, relative to the run folder.
    pub files: Vec<String>,
}

/// Values about a method that its cache record keeps beside the files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MethodFacts {
    /// Highest resident memory of the process while it ran, bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Values that the method reports about itself.
    pub notes: BTreeMap<String, Value>,
    /// Convergence curve.
    pub curve: Vec<CurvePoint>,
    /// Whether it wrote the volume it started from.
    pub has_start: bool,
    /// Whether it wrote the standard deviation of its volume.
    #[serde(default)]
    pub has_uncertainty: bool,
    /// Whether it wrote the change that a learned prior made.
    #[serde(default)]
    pub has_difference: bool,
}

/// evaluate -> export: evaluation of every method against the ground truth, or against the data where there is none.
#[derive(Default)]
pub struct Findings {
    /// One entry per method, in order.
    pub methods: Vec<MethodReport>,
    /// Definition of each metric, by its key.
    pub definitions: BTreeMap<String, MetricDefinition>,
    /// Files that the stage wrote, relative to the run folder.
    pub files: Vec<String>,
}
